//! The catalogue: every rule kind, and how a rule is built from what the scene says.
//!
//! Adding a kind means adding its file and its two lines here; schema, manual, definitions and tests follow.

mod abandoned_object;
mod common;
mod crowd_motion;
mod density;
mod dumping;
mod fall;
mod filter;
mod fire;
mod forbidden_turn;
mod gathering;
mod intrusion;
mod line_count;
mod line_crossing;
mod loitering;
mod near_miss;
mod occupancy;
mod parking;
mod presence;
mod prowling;
mod queue;
mod red_light;
mod removed_object;
mod running;
mod schema;
mod sequence;
mod speed;
mod state;
mod stopped_vehicle;
mod things;
mod wrong_way;

pub use common::{Built, Common, Context, Duty, Severity, build};
pub use filter::Filter;
pub use line_crossing::BAND;
pub use schema::{rule_schema, schema_of};

use crate::definition::Template;
use crate::error::Result;
use crate::facts::Facts;
use crate::lifecycle::Holds;
use crate::time::Span;
use serde_json::{Map, Value};

/// A condition over facts. Time belongs to the lifecycle, not to the rule.
pub trait Rule: Send + Sync + std::fmt::Debug {
    /// Says what holds in this step.
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds);

    /// The queue that it sees now, if that is what it looks at: statistics read it.
    fn queued(&self) -> Option<Queued> {
        None
    }

    /// The watch ends: totals to report, memory to drop.
    fn finish(&mut self, _holds: &mut Holds) {}

    /// The rules whose starts it looks at, each with the key that names it: they run before it in every step, and it
    /// finds what they told in [`Facts::told`].
    fn reads(&self) -> Vec<(String, &str)> {
        Vec::new()
    }

    /// Whether it can do anything with the starts of the rule of this kind that `key` names.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) with its own key.
    fn accepts(&self, _key: &str, _spec: &RuleSpec) -> Result<()> {
        Ok(())
    }
}

/// A queue of vehicles in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Queued {
    /// How many wait.
    pub vehicles: u32,
    /// From the line to the middle of the furthest, metres; None uncalibrated or with nobody there.
    pub length_m: Option<f64>,
    /// Longest wait so far.
    pub longest_s: f64,
    /// Mean wait so far; 0 with nobody there.
    pub mean_s: f64,
}

/// What a rule of this kind is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A zone.
    Zone,
    /// A line.
    Line,
    /// A zone, a line, or both.
    ZoneOrLine,
    /// A zone or a route.
    ZoneOrRoute,
    /// A line, and a zone that narrows where it looks.
    LineInZone,
    /// Nothing: its own settings name what it looks at.
    View,
}

/// Which of the shapes a rule may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Takes {
    pub(super) zone: bool,
    pub(super) line: bool,
    pub(super) route: bool,
}

impl Target {
    /// What may be named.
    pub(super) fn takes(self) -> Takes {
        let (zone, line, route) = match self {
            Self::Zone => (true, false, false),
            Self::Line => (false, true, false),
            Self::ZoneOrLine | Self::LineInZone => (true, true, false),
            Self::ZoneOrRoute => (true, false, true),
            Self::View => (false, false, false),
        };
        Takes { zone, line, route }
    }
}

/// What holds for a kind when the rule says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// How long the condition must hold.
    pub after: Span,
    /// Longest forgiven interruption, if `after` leaves room for it.
    pub gap: Span,
    /// Quiet time before it ends.
    pub clear_after: Span,
    /// Class labels; those that the scene does not have are left out.
    pub classes: &'static [&'static str],
}

/// Makes a rule from its own parameters.
pub type Build = fn(Map<String, Value>, &mut Context<'_>) -> Result<Box<dyn Rule>>;

/// A rule kind as plain data.
#[derive(Debug)]
pub struct RuleSpec {
    /// Its name in `type`.
    pub kind: &'static str,
    /// Source of its file, whose head is the manual page.
    pub source: &'static str,
    /// The plain-language definition.
    pub definition: Template,
    /// The topic that ONVIF has for it.
    pub onvif_topic: Option<&'static str>,
    /// What it is drawn on.
    pub target: Target,
    /// When the rule says nothing.
    pub defaults: Defaults,
    /// It reports totals and never alarms.
    pub measurement: bool,
    /// It is over as soon as it happens.
    pub momentary: bool,
    /// Types of the detectors that must look beside the object detector (`background`, `fire`, `light`, `state`): the
    /// runtime switches them on for the rule.
    pub needs: &'static [&'static str],
    /// JSON Schema of its own parameters.
    pub schema: fn() -> schemars::Schema,
    /// Makes the rule from its own parameters.
    pub build: Build,
}

impl RuleSpec {
    /// The manual page, Markdown.
    pub fn manual(&self) -> String {
        let lines = self.source.lines().take_while(|l| l.starts_with("//!"));
        lines.map(|l| l[3..].strip_prefix(' ').unwrap_or(&l[3..])).collect::<Vec<_>>().join("\n")
    }
}

/// Every rule kind.
pub static CATALOGUE: &[RuleSpec] = &[
    abandoned_object::SPEC,
    crowd_motion::SPEC,
    density::SPEC,
    dumping::SPEC,
    fall::SPEC,
    fire::SPEC,
    forbidden_turn::SPEC,
    gathering::SPEC,
    intrusion::SPEC,
    line_count::SPEC,
    line_crossing::SPEC,
    loitering::SPEC,
    near_miss::SPEC,
    occupancy::SPEC,
    parking::SPEC,
    presence::SPEC,
    prowling::SPEC,
    queue::SPEC,
    red_light::SPEC,
    removed_object::SPEC,
    running::SPEC,
    sequence::SPEC,
    speed::SPEC,
    state::SPEC,
    stopped_vehicle::SPEC,
    wrong_way::SPEC,
];

/// People, as rules mean them by default.
pub const PEOPLE: &[&str] = &["person"];
/// Motor vehicles.
pub const VEHICLES: &[&str] = &["car", "motorcycle", "bus", "truck", "van"];
/// What one can carry and put down, and what was not there before.
pub const THINGS: &[&str] = &["backpack", "handbag", "suitcase", "still_object"];
/// Everything that moves on a road.
pub const ROAD_USERS: &[&str] = &["person", "bicycle", "car", "motorcycle", "bus", "truck", "van"];
