//! Events: what leaves the core. An event's id is a pure function of what it is about, so the same input gives the same bytes.

use crate::geometry::BBox;
use crate::rules::Severity;
use crate::time::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// What happened to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The condition held long enough.
    Started,
    /// Its subjects or totals changed.
    Updated,
    /// It has not held for long enough, or the watch ended.
    Ended,
}

impl Change {
    /// The word that is published.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Updated => "updated",
            Self::Ended => "ended",
        }
    }
}

/// A measured value with the threshold it stands beside, if it has one; the unit ends the name (`held_s`).
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Name with its unit.
    pub name: Cow<'static, str>,
    /// What was measured.
    pub value: f64,
    /// What the rule compares it with.
    pub threshold: Option<f64>,
}

/// A subject of an event, where it was at that moment. There is no field for who it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Involved {
    /// Subject id inside the engine.
    pub id: u64,
    /// Class label.
    pub class: Arc<str>,
    /// Box relative to the picture.
    pub xyxy: [f32; 4],
    /// Metres on the ground plane.
    pub ground: Option<[f32; 2]>,
}

/// The subjects of an event; most have one.
pub type Parties = SmallVec<[Involved; 1]>;

/// What is fixed for all events of a rule.
#[derive(Debug)]
pub struct Origin {
    /// Name of the view.
    pub view: String,
    /// Name of the rule.
    pub rule: String,
    /// Kind of the rule.
    pub kind: &'static str,
    /// Zone, line or route.
    pub zone: Option<String>,
    /// Recorded and measured, shown to nobody as an alert.
    pub shadow: bool,
    /// The act that allows the rule.
    pub authorisation: Option<String>,
    /// SHA-256 over the rule's definition and settings, 16 hex digits.
    pub definition_hash: String,
}

/// A change of one incident.
#[derive(Clone, Debug)]
pub struct Event {
    /// Incident id, 32 hex digits.
    pub id: String,
    /// Rule and view.
    pub origin: Arc<Origin>,
    /// What happened.
    pub change: Change,
    /// info, warning or critical: what it was when it started.
    pub severity: Severity,
    /// When it was decided.
    pub at: Timestamp,
    /// Since when the condition holds.
    pub since: Timestamp,
    /// Who takes part.
    pub subjects: Parties,
    /// Measured values and thresholds.
    pub measured: SmallVec<[Measure; 2]>,
    /// Hull of the subjects, relative to the picture.
    pub xyxy: Option<[f32; 4]>,
    /// Why it ended.
    pub reason: Option<Arc<str>>,
    /// Over as soon as it happened; not published.
    pub moment: bool,
}

impl Origin {
    /// Id of the incident of this rule about `key` that began at `since`.
    pub fn incident(&self, key: &str, since: Timestamp) -> String {
        let mut hash = Sha256::new();
        // Lengths first: no two different parts can make the same text.
        for part in [self.view.as_str(), &self.rule, key] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(since.ms().to_le_bytes());
        hex(&hash.finalize()[..16])
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for b in bytes {
        text.push(char::from(DIGITS[usize::from(b >> 4)]));
        text.push(char::from(DIGITS[usize::from(b & 15)]));
    }
    text
}

/// A box in view units as four numbers relative to the picture.
pub fn relative(b: &BBox, aspect: f64) -> [f32; 4] {
    [(b.x1 / aspect) as f32, b.y1 as f32, (b.x2 / aspect) as f32, b.y2 as f32]
}

impl Event {
    /// Ids of the subjects.
    pub fn subject_ids(&self) -> SmallVec<[u64; 4]> {
        self.subjects.iter().map(|s| s.id).collect()
    }

    /// The event as one line of JSON with keys in fixed order.
    pub fn to_json(&self) -> String {
        // Serialising own plain data into a string cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

struct Numbers<'a>(&'a [Measure], bool);

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        for m in self.0 {
            if self.1 {
                map.serialize_entry(&m.name, &m.value)?;
            } else if let Some(threshold) = m.threshold {
                map.serialize_entry(&m.name, &threshold)?;
            }
        }
        map.end()
    }
}

impl Serialize for Involved {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(4))?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("class", &*self.class)?;
        map.serialize_entry("box", &self.xyxy)?;
        map.serialize_entry("ground", &self.ground)?;
        map.end()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let o = &self.origin;
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("view", &o.view)?;
        map.serialize_entry("rule", &o.rule)?;
        map.serialize_entry("type", o.kind)?;
        map.serialize_entry("change", &self.change)?;
        map.serialize_entry("at_ms", &self.at.ms())?;
        map.serialize_entry("since_ms", &self.since.ms())?;
        map.serialize_entry("severity", self.severity.as_str())?;
        map.serialize_entry("zone", &o.zone)?;
        map.serialize_entry("subjects", &*self.subjects)?;
        map.serialize_entry("measured", &Numbers(&self.measured, true))?;
        map.serialize_entry("threshold", &Numbers(&self.measured, false))?;
        map.serialize_entry("box", &self.xyxy)?;
        map.serialize_entry("definition_hash", &o.definition_hash)?;
        map.serialize_entry("authorisation", &o.authorisation)?;
        map.serialize_entry("reason", &self.reason.as_deref())?;
        map.serialize_entry("shadow", &o.shadow)?;
        map.end()
    }
}
