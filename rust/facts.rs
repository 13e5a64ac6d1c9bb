//! Facts: what is true of every subject in this step, computed once and read by every rule.
//!
//! Only what was detected in this step moves a fact: a coasting subject keeps its last position, is not `seen`,
//! and holds nothing.

mod border;
mod chart;
mod crossing;
mod motion;
mod observatory;
mod pace;
mod presence;
#[cfg(test)]
mod tests;

pub use crossing::LineCrossing;
pub use motion::SETTLE;
pub use observatory::Observatory;
pub use pace::Pace;
pub use presence::Presence;

use crate::detection::{Detections, Group, NEAR_BORDER};
use crate::event::Event;
use crate::geometry::{BBox, Point};
use crate::scene::Scene;
use crate::time::{Span, Timestamp};
use border::Passing;
use chart::Marks;
use crossing::LineState;
use motion::{Rest, Track};
use pace::Way;
use std::collections::BTreeMap;

/// Which point of a box stands for the subject.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Feet for people, ground centre for vehicles and cycles, centre for objects.
    #[default]
    Auto,
    /// Middle of the lower edge.
    Feet,
    /// Middle of what stands on the ground: a quarter of the box above its lower edge.
    GroundCentre,
    /// Middle of the box.
    Centre,
}

impl Anchor {
    /// The point of `bbox` for a subject of `group`.
    pub fn point(self, bbox: &BBox, group: Group) -> Point {
        let x = f64::midpoint(bbox.x1, bbox.x2);
        let y = match (self, group) {
            (Self::Feet, _) | (Self::Auto, Group::Person | Group::Animal) => bbox.y2,
            // The footprint of a car seen from a mast reaches about half way up its box.
            (Self::GroundCentre, _) | (Self::Auto, Group::Vehicle | Group::Cycle) => {
                bbox.y2 - 0.25 * (bbox.y2 - bbox.y1)
            }
            (Self::Centre, _) | (Self::Auto, Group::Thing | Group::Object(_)) => {
                f64::midpoint(bbox.y1, bbox.y2)
            }
        };
        Point { x, y }
    }
}

/// What a rule asks to be observed for every subject; rules that ask the same share it.
#[derive(Debug, Default)]
pub struct Probes {
    zones: Vec<(usize, Anchor)>,
    lines: Vec<(usize, Anchor, f64)>,
}

impl Probes {
    /// Presence in zone number `zone` by `anchor`; gives the index into [`Fact::zones`].
    pub fn zone(&mut self, zone: usize, anchor: Anchor) -> usize {
        index_of(&mut self.zones, (zone, anchor))
    }

    /// Crossings of line number `line` by `anchor`, counted once the subject is `band` body sizes away from it.
    pub fn line(&mut self, line: usize, anchor: Anchor, band: f64) -> usize {
        index_of(&mut self.lines, (line, anchor, band))
    }
}

fn index_of<T: PartialEq>(items: &mut Vec<T>, item: T) -> usize {
    items.iter().position(|i| *i == item).unwrap_or_else(|| {
        items.push(item);
        items.len() - 1
    })
}

/// One subject in this step.
#[derive(Debug)]
pub struct Fact {
    /// Subject id.
    pub id: u64,
    /// Association group.
    pub group: Group,
    /// Class that its detections voted for.
    pub class_id: u16,
    /// Best score of any of its detections.
    pub best_score: f32,
    /// Last seen box, view units.
    pub bbox: BBox,
    /// Whether it was detected in this step.
    pub seen: bool,
    /// First detection.
    pub first: Timestamp,
    /// Last detection.
    pub last_seen: Timestamp,
    /// Detection before the last one.
    pub previous_seen: Option<Timestamp>,
    /// Body size, smoothed over a second, view units.
    pub body: f64,
    /// Anchor ([`Anchor::Auto`]), view units.
    pub at: Point,
    /// The same at the detection before the last one.
    pub from: Point,
    /// Anchor on the ground plane, metres.
    pub ground: Option<Point>,
    /// The same at the detection before the last one.
    pub ground_from: Option<Point>,
    /// Velocity over about the last second and a half: m/s if calibrated, else body sizes a second; None until known.
    pub velocity: Option<Point>,
    /// Speed over the ground with its error, if calibrated; None until known, and where the border cuts the box.
    pub pace: Option<Pace>,
    /// Since when it stands on its spot (see [`SETTLE`]); None while it moves.
    pub still_since: Option<Timestamp>,
    /// By zone probe.
    pub zones: Vec<Presence>,
    ended: bool,
    memory: Box<Memory>,
}

/// What only the observatory reads. Apart, so that facts stay small: a crowd's facts are moved whenever somebody goes.
#[derive(Debug)]
struct Memory {
    /// By line probe.
    lines: Vec<LineState>,
    /// Zone probes that it is inside of or has just passed, then line probes that wait for it: the probes whose state
    /// may change without being touched.
    busy: Marks,
    observed: bool,
    passing: Passing,
    history: Track,
    way: Way,
    rest: Rest,
}

impl Fact {
    /// Speed in the unit of `velocity`.
    pub fn speed(&self) -> Option<f64> {
        self.velocity.map(Point::norm)
    }

    /// Velocity of late, in the unit of `velocity`. Where pictures are far apart, that between the last two: `velocity` is
    /// that of three and more, and known too late of somebody who is seen four times.
    pub fn latest_velocity(&self) -> Option<Point> {
        let Some(before) = self.previous_seen else { return self.velocity };
        let elapsed = self.last_seen - before;
        if elapsed < APART {
            return self.velocity;
        }
        let moved = match (self.ground, self.ground_from) {
            (Some(here), Some(there)) => here - there,
            _ => (self.at - self.from) * (1.0 / self.body),
        };
        Some(moved * (1.0 / elapsed.seconds()))
    }

    /// Whether the picture's border cuts the box: what stands for the subject on the ground is then somewhere else.
    pub fn is_cut(&self, aspect: f64) -> bool {
        let b = &self.bbox;
        b.x1 < NEAR_BORDER || b.y1 < NEAR_BORDER || b.x2 > aspect - NEAR_BORDER || b.y2 > 1.0 - NEAR_BORDER
    }

    /// Since when something can be true that this step shows: since its first detection if this is the first look.
    pub fn onset(&self, at: Timestamp) -> Timestamp {
        if self.previous_seen.is_none() { self.first } else { at }
    }
}

/// Everything that rules may know in this step.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Now.
    pub at: Timestamp,
    /// Time of the step before.
    pub before: Option<Timestamp>,
    /// Zones, lines, labels.
    pub scene: &'a Scene,
    /// Every subject alive, by id, seen in this step or not.
    pub subjects: &'a [Fact],
    /// By zone probe, who to look at: see [`Self::visitors`].
    pub visits: &'a [Vec<u32>],
    /// Lines crossed in this step.
    pub crossings: &'a [LineCrossing],
    /// Ids of the subjects that ended in this step.
    pub gone: &'a [u64],
    /// Last known state of every signal.
    pub signals: &'a BTreeMap<String, String>,
    /// When each signal was last reported, changed or not.
    pub reported: &'a BTreeMap<String, Timestamp>,
    /// What the detectors found in this step, before anything is made of it.
    pub detections: &'a Detections,
    /// What this step's rules have told so far, for those that look at other rules: see [`crate::rules::Rule::reads`].
    pub told: &'a [Event],
}

impl Facts<'_> {
    /// The subject with this id, if alive.
    pub fn subject(&self, id: u64) -> Option<&Fact> {
        self.subjects.binary_search_by_key(&id, |f| f.id).ok().map(|i| &self.subjects[i])
    }

    /// The subjects that are inside the zone of this probe, and those that came, left or passed through in this step;
    /// by id. For everybody else the zone's [`Presence`] says only that they are outside.
    pub fn visitors(&self, probe: usize) -> impl Iterator<Item = &Fact> {
        self.visits[probe].iter().map(|&i| &self.subjects[i as usize])
    }
}

fn centre(bbox: &BBox) -> Point {
    Point { x: f64::midpoint(bbox.x1, bbox.x2), y: f64::midpoint(bbox.y1, bbox.y2) }
}

/// Pictures this far apart give a velocity by themselves: a box that trembles by a twentieth of a person's height then
/// makes a quarter of a metre a second.
const APART: Span = Span::from_ms(300);

/// How long a fact may go unseen and still count as present for totals (people inside, members of a group).
pub const PRESENT: Span = Span::from_secs(2);
