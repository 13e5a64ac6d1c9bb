//! Facts: what is true of every subject in this step, computed once and read by every rule.
//!
//! Only what was detected in this step moves a fact: a coasting subject keeps its last position, is not `seen`,
//! and holds nothing.

mod border;
mod crossing;
mod motion;
mod presence;

pub use crossing::LineCrossing;
pub use motion::SETTLE;
pub use presence::Presence;

use crate::detection::Group;
use crate::geometry::{BBox, Point};
use crate::scene::Scene;
use crate::subject::Subject;
use crate::time::{Span, Timestamp};
use border::{Looking, Passing};
use crossing::{LineState, Movement, unit};
use motion::{Rest, Track};
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
            (Self::Centre, _) | (Self::Auto, Group::Object(_)) => f64::midpoint(bbox.y1, bbox.y2),
        };
        Point { x, y }
    }
}

/// Box height for people, square root of the area for anything else, in view units.
pub fn body_size(bbox: &BBox, group: Group) -> f64 {
    let (w, h) = (bbox.x2 - bbox.x1, bbox.y2 - bbox.y1);
    // Boxes are never empty, but a clipped one can be a sliver: a floor keeps divisions sane.
    (if group == Group::Person { h } else { (w * h).sqrt() }).max(0.005)
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
    /// Since when it stands on its spot (see [`SETTLE`]); None while it moves.
    pub still_since: Option<Timestamp>,
    /// By zone probe.
    pub zones: Vec<Presence>,
    lines: Vec<LineState>,
    observed: bool,
    passing: Passing,
    history: Track,
    rest: Rest,
}

impl Fact {
    /// Speed in the unit of `velocity`.
    pub fn speed(&self) -> Option<f64> {
        self.velocity.map(Point::norm)
    }

    /// Since when something can be true that this step shows: since its first detection if this is the first look.
    pub fn onset(&self, at: Timestamp) -> Timestamp {
        if self.previous_seen.is_none() { self.first } else { at }
    }

    /// Whether its box touches the picture's border.
    pub fn at_border(&self, aspect: f64) -> bool {
        const NEAR: f64 = 0.01;
        self.bbox.x1 < NEAR
            || self.bbox.y1 < NEAR
            || self.bbox.x2 > aspect - NEAR
            || self.bbox.y2 > 1.0 - NEAR
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
    /// Lines crossed in this step.
    pub crossings: &'a [LineCrossing],
    /// Ids of the subjects that ended in this step.
    pub gone: &'a [u64],
    /// Last known state of every signal.
    pub signals: &'a BTreeMap<String, String>,
}

impl Facts<'_> {
    /// The subject with this id, if alive.
    pub fn subject(&self, id: u64) -> Option<&Fact> {
        self.subjects.binary_search_by_key(&id, |f| f.id).ok().map(|i| &self.subjects[i])
    }
}

/// The facts of one view from step to step.
#[derive(Debug, Default)]
pub struct Observatory {
    probes: Probes,
    facts: Vec<Fact>,
    crossings: Vec<LineCrossing>,
    looking: Looking,
    /// Ended facts, kept for their buffers: no allocation while people come and go.
    pool: Vec<Fact>,
}

impl Observatory {
    /// Observes what `probes` ask for.
    pub fn new(probes: Probes) -> Self {
        Self { probes, ..Self::default() }
    }

    /// Subjects in this step.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Lines crossed in this step.
    pub fn crossings(&self) -> &[LineCrossing] {
        &self.crossings
    }

    /// Forgets everybody.
    pub fn clear(&mut self) {
        self.pool.append(&mut self.facts);
        self.crossings.clear();
        self.looking = Looking::default();
    }

    /// Brings the facts up to date with the subjects of this step, both ordered by id.
    pub fn step(
        &mut self,
        at: Timestamp,
        scene: &Scene,
        subjects: &[Subject],
        scores: impl Fn(&Subject) -> f32,
    ) {
        self.crossings.clear();
        self.looking.step(at);
        let mut i = 0;
        for subject in subjects {
            while i < self.facts.len() && self.facts[i].id < subject.id {
                self.end(i, scene);
            }
            if i == self.facts.len() || self.facts[i].id != subject.id {
                let fact = self.begin(subject);
                self.facts.insert(i, fact);
            }
            self.facts[i].seen = subject.seen;
            self.observe(at, i, scene, subject, scores(subject));
            i += 1;
        }
        while i < self.facts.len() {
            self.end(i, scene);
        }
    }

    fn begin(&mut self, subject: &Subject) -> Fact {
        let mut zones = Vec::new();
        let mut lines = Vec::new();
        if let Some(old) = self.pool.pop() {
            (zones, lines) = (old.zones, old.lines);
        }
        zones.clear();
        zones.resize(self.probes.zones.len(), Presence::OUTSIDE);
        lines.clear();
        lines.resize(self.probes.lines.len(), LineState::default());
        let at = Anchor::Auto.point(&subject.bbox, subject.group);
        Fact {
            id: subject.id,
            group: subject.group,
            class_id: subject.class_id,
            best_score: 0.0,
            bbox: subject.bbox,
            seen: false,
            first: subject.first,
            last_seen: subject.first,
            previous_seen: None,
            body: body_size(&subject.bbox, subject.group),
            at,
            from: at,
            ground: None,
            ground_from: None,
            velocity: None,
            still_since: None,
            zones,
            lines,
            observed: false,
            passing: Passing::new(&subject.bbox),
            history: Track::default(),
            rest: Rest::new(centre(&subject.bbox), subject.first),
        }
    }

    fn end(&mut self, index: usize, scene: &Scene) {
        self.unfinished(index, scene);
        let fact = self.facts.remove(index);
        // The pool is as large as the crowd once was, never larger.
        self.pool.push(fact);
    }

    fn observe(&mut self, at: Timestamp, index: usize, scene: &Scene, subject: &Subject, score: f32) {
        let fact = &mut self.facts[index];
        for presence in &mut fact.zones {
            presence.settle();
        }
        if !subject.seen {
            if at - fact.last_seen >= LOST {
                self.went_out(index, scene);
            }
            return;
        }
        let first = !fact.observed;
        fact.observed = true;
        let before = if first { subject.first.min(at) } else { fact.last_seen };
        let old = fact.bbox;
        fact.group = subject.group;
        fact.class_id = subject.class_id;
        fact.bbox = subject.bbox;
        fact.previous_seen = (!first).then_some(before);
        fact.last_seen = at;
        let elapsed = at - before;
        let size = body_size(&subject.bbox, subject.group);
        // A second's memory: long enough to calm the detector, short enough for somebody who walks towards us.
        let keep = (-elapsed.seconds()).exp();
        fact.body = if first { size } else { fact.body * keep + size * (1.0 - keep) };
        fact.best_score = fact.best_score.max(score);
        fact.from = if first { Anchor::Auto.point(&subject.bbox, subject.group) } else { fact.at };
        fact.at = Anchor::Auto.point(&subject.bbox, subject.group);
        fact.ground_from = fact.ground;
        fact.ground = scene.ground.as_ref().and_then(|g| g.to_metres(fact.at));
        fact.velocity = match (&scene.ground, fact.ground) {
            (Some(_), None) => None,
            (Some(_), Some(metres)) => fact.history.push(at, metres),
            (None, _) => fact.history.push(at, fact.at).map(|v| v * (1.0 / fact.body)),
        };
        fact.still_since = fact.rest.push(at, centre(&subject.bbox), fact.body);
        if first {
            // Somebody already there when we first looked stands since the first detection.
            fact.still_since = fact.still_since.map(|since| since.min(subject.first));
        }
        if first {
            fact.passing.arrive(at, &subject.bbox, self.looking.found(subject.first));
        }
        let unit = unit(&subject.bbox, fact.body);
        // Who went out of the picture and is back comes from there.
        let out = fact.passing.out();
        let came_in = fact.passing.push((before, at), subject.first, &subject.bbox, fact.body, scene.aspect);
        let way_in = |anchor: Anchor| {
            let (side, bbox) = came_in.as_ref()?;
            let arrived = anchor.point(bbox, subject.group);
            let outside = side.beyond(arrived, bbox, side.extent(&subject.bbox), scene.aspect)?;
            Some(Movement { from: (subject.first, outside), to: (subject.first, arrived) })
        };
        let movement = |anchor: Anchor| {
            let to = anchor.point(&subject.bbox, subject.group);
            let last = anchor.point(&old, subject.group);
            let outside = out.and_then(|side| side.beyond(last, &old, fact.body, scene.aspect));
            let from = if first { to } else { outside.unwrap_or(last) };
            Movement { from: (before, from), to: (at, to) }
        };
        for (presence, &(zone, anchor)) in fact.zones.iter_mut().zip(&self.probes.zones) {
            let polygon = &scene.zones[zone].1;
            if let Some(way) = way_in(anchor) {
                presence.came_in(way, polygon);
            }
            presence.push(movement(anchor), polygon, subject.group, unit);
        }
        for (probe, &(line, anchor, band)) in self.probes.lines.iter().enumerate() {
            let polyline = &scene.lines[line].1;
            let state = &mut fact.lines[probe];
            if let Some(way) = way_in(anchor) {
                state.came_in(way, polyline);
            }
            let open = fact.passing.is_open();
            if let Some(passed) = state.push(movement(anchor), polyline, band * unit, open) {
                self.crossings.push(passed.of(probe, fact));
            }
        }
    }
}

fn centre(bbox: &BBox) -> Point {
    Point { x: f64::midpoint(bbox.x1, bbox.x2), y: f64::midpoint(bbox.y1, bbox.y2) }
}

/// Unseen for this long at the picture's border, a subject has left.
const LOST: Span = Span::from_secs(1);

/// How long a fact may go unseen and still count as present for totals (people inside, members of a group).
pub const PRESENT: Span = Span::from_secs(2);
