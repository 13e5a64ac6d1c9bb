//! Quantities with their unit in the text: lengths in metres or body sizes, speeds in m/s, km/h or body sizes a second,
//! densities in people per square metre or per cent.

use std::borrow::Cow;
use std::fmt;

/// A distance on the ground, or in body sizes of the subject it is measured on.
///
/// A body size is the box height of a person (the length of one who lies), and the square root of the box area of
/// anything else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// Metres; refused on a view without ground calibration.
    Metres(f64),
    /// Body sizes.
    Body(f64),
}

/// A speed on the ground, or in body sizes a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Metres a second; refused on a view without ground calibration.
    MetresPerSecond(f64),
    /// Body sizes a second.
    BodyPerSecond(f64),
}

/// Least size of a subject: metres of height, or a share of the picture's height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// Metres of height; refused on a view without ground calibration.
    Metres(f64),
    /// Share of the picture's height, 0..1.
    Picture(f64),
}

/// How full a zone is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Density {
    /// People per square metre of ground; refused on a view without ground calibration.
    PerSquareMetre(f64),
    /// Per cent of the zone's picture that people cover, 0..100.
    Covered(f64),
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    number.is_finite().then_some((number, text[end..].trim()))
}

impl Length {
    /// Reads `"3 m"` or `"1.2 body"`.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        match split(text) {
            Some((n, "m")) => Ok(Self::Metres(n)),
            Some((n, "body" | "bodies")) => Ok(Self::Body(n)),
            _ => Err(format!("`{text}` is not a length; write \"3 m\" or \"1.2 body\" (body sizes)")),
        }
    }

    /// The unit's name as it ends a measured value's name: `m` or `body`.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Metres(_) => "m",
            Self::Body(_) => "body",
        }
    }

    /// The number in its own unit.
    pub fn value(self) -> f64 {
        match self {
            Self::Metres(v) | Self::Body(v) => v,
        }
    }
}

impl Speed {
    /// Reads `"5 km/h"`, `"1.4 m/s"` or `"0.5 body/s"`.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        match split(text) {
            Some((n, "m/s")) => Ok(Self::MetresPerSecond(n)),
            Some((n, "km/h")) => Ok(Self::MetresPerSecond(n / 3.6)),
            Some((n, "body/s")) => Ok(Self::BodyPerSecond(n)),
            _ => Err(format!("`{text}` is not a speed; write \"20 km/h\", \"1.5 m/s\" or \"0.5 body/s\"")),
        }
    }

    /// The number in m/s or body sizes a second.
    pub fn value(self) -> f64 {
        match self {
            Self::MetresPerSecond(v) | Self::BodyPerSecond(v) => v,
        }
    }
}

impl Size {
    /// Reads `"1.2 m"` or `"0.05"` (of the picture's height).
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        match split(text) {
            Some((n, "m")) => Ok(Self::Metres(n)),
            Some((n, "")) if n < 1.0 => Ok(Self::Picture(n)),
            _ => Err(format!(
                "`{text}` is not a size; write \"1.2 m\" or a share of the picture's height such as 0.05"
            )),
        }
    }
}

impl Density {
    /// Reads `"0.5 /m2"` or `"40 %"`.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        match split(text) {
            Some((n, "/m2" | "/m²")) if n > 0.0 => Ok(Self::PerSquareMetre(n)),
            Some((n, "%")) if n > 0.0 && n < 100.0 => Ok(Self::Covered(n)),
            _ => Err(format!(
                "`{text}` is not a density; write \"0.5 /m2\" (people per square metre) or \"40 %\" (of the zone \
                 covered, above 0 and below 100)"
            )),
        }
    }

    /// The number in its own unit.
    pub fn value(self) -> f64 {
        match self {
            Self::PerSquareMetre(v) | Self::Covered(v) => v,
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value(), self.unit())
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MetresPerSecond(v) => write!(f, "{} m/s", (v * 1000.0).round() / 1000.0),
            Self::BodyPerSecond(v) => write!(f, "{v} body/s"),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metres(v) => write!(f, "{v} m"),
            Self::Picture(v) => write!(f, "{v}"),
        }
    }
}

impl fmt::Display for Density {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSquareMetre(v) => write!(f, "{v} /m2"),
            Self::Covered(v) => write!(f, "{v} %"),
        }
    }
}

macro_rules! quantity {
    ($type:ident, $pattern:literal, $description:literal, [$($example:literal),*]) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = match serde_json::Value::deserialize(d)? {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": ["string", "number"], "pattern": $pattern, "description": $description,
                    "examples": [$($example),*]
                })
            }
        }
    };
}

quantity!(
    Length,
    r"^\s*[0-9.]+\s*(m|body|bodies)\s*$",
    "A length: metres, or body sizes",
    ["3 m", "1.2 body"]
);
quantity!(
    Speed,
    r"^\s*[0-9.]+\s*(km/h|m/s|body/s)\s*$",
    "A speed: km/h, m/s, or body sizes a second",
    ["20 km/h", "0.5 body/s"]
);
quantity!(
    Size,
    r"^\s*[0-9.]+\s*m?\s*$",
    "A height: metres, or a share of the picture's height",
    ["1.2 m", "0.05"]
);
quantity!(
    Density,
    r"^\s*[0-9.]+\s*(/m2|/m²|%)\s*$",
    "A density: people per square metre, or per cent of the zone covered",
    ["0.5 /m2", "40 %"]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_needed_and_read() {
        assert_eq!(Length::parse("1.2 body"), Ok(Length::Body(1.2)));
        assert_eq!(Length::parse("3m"), Ok(Length::Metres(3.0)));
        assert!(Length::parse("3").is_err());
        assert!(Length::parse("30 px").is_err());
        assert_eq!(Speed::parse("36 km/h"), Ok(Speed::MetresPerSecond(10.0)));
        assert_eq!(Size::parse("0.05"), Ok(Size::Picture(0.05)));
        assert!(Size::parse("40").is_err());
        assert_eq!(Density::parse("0.5 /m2"), Ok(Density::PerSquareMetre(0.5)));
        assert_eq!(Density::parse("40%"), Ok(Density::Covered(40.0)));
        assert_eq!(Density::parse("40 %").map(|d| d.to_string()), Ok("40 %".to_owned()));
        assert!(Density::parse("0 %").is_err());
        assert!(Density::parse("0.4").is_err());
    }
}
