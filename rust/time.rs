//! Media time: the only time types in the core. Milliseconds, passed in; nothing here reads a clock.

use std::fmt;
use std::ops::{Add, Sub};

/// A moment of media time, in milliseconds. For live streams it is Unix time, for recordings it may start at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A length of media time, in milliseconds. Reads from text with a unit: `"30s"`, `"2min"`, `"500ms"`, `"1h"`, `"1min30s"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Timestamp {
    /// Furthest from the origin of media time, either way: 285 000 years. Sums of times within it cannot overflow, and
    /// it is the largest whole number that every reader of JSON reads exactly.
    pub const FURTHEST: Self = Self((1 << 53) - 1);

    /// The moment `ms` milliseconds after the origin of media time.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the origin of media time.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The moment a share `t` (0..1) of the way from `self` to `later`.
    #[must_use]
    pub fn towards(self, later: Self, t: f64) -> Self {
        Self(self.0 + ((later.0 - self.0) as f64 * t).round() as i64)
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `ms` milliseconds.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// A span of whole seconds.
    pub const fn from_secs(s: i64) -> Self {
        Self(s * 1000)
    }

    /// Milliseconds.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Reads `"30s"`, `"2min"`, `"1h30min"`, `"0.5s"`, `"200ms"`.
    ///
    /// # Errors
    /// Says what is wrong and what would be right; a number without a unit is refused.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a duration; write a number with its unit, such as \"500ms\", \"30s\", \"2min\" or \"1h30min\""
            )
        };
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(wrong());
        }
        let mut total = 0.0_f64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = rest[digits..].trim_start();
            let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let unit = match &rest[..letters] {
                "ms" => 1.0,
                "s" => 1e3,
                "min" => 6e4,
                "h" => 3.6e6,
                "d" => 8.64e7,
                _ => return Err(wrong()),
            };
            total += number * unit;
            rest = rest[letters..].trim_start();
        }
        // A hundred years: beyond it a typing mistake is likelier than a wish, and sums could overflow.
        if !total.is_finite() || total > 3.2e12 {
            return Err(format!("`{text}` is longer than a hundred years"));
        }
        Ok(Self(total.round() as i64))
    }
}

impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        match ms {
            0 => write!(f, "0s"),
            _ if ms % 3_600_000 == 0 => write!(f, "{}h", ms / 3_600_000),
            _ if ms % 60_000 == 0 => write!(f, "{}min", ms / 60_000),
            _ if ms % 1000 == 0 => write!(f, "{}s", ms / 1000),
            _ if ms.abs() < 1000 => write!(f, "{ms}ms"),
            _ => write!(f, "{}s", ms as f64 / 1000.0),
        }
    }
}

impl serde::Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^\s*([0-9.]+\s*(ms|s|min|h|d)\s*)+$",
            "description": "A duration with its unit, such as 500ms, 30s, 2min or 1h30min",
            "examples": ["30s", "2min"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_compounds() {
        for (text, ms) in [
            ("30s", 30_000),
            ("0.5s", 500),
            ("2min", 120_000),
            ("1h30min", 5_400_000),
            ("200ms", 200),
            ("0s", 0),
        ] {
            assert_eq!(Span::parse(text), Ok(Span::from_ms(ms)), "{text}");
        }
    }

    #[test]
    fn refuses_bare_numbers_and_unknown_units() {
        for text in ["", "30", "s", "3 days", "1m", "-5s", "1.2.3s", "5s x"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["30s", "2min", "1h", "250ms", "1.5s", "0s"] {
            assert_eq!(Span::parse(text).expect(text).to_string(), text);
        }
    }
}
