//! A vehicle stands in the carriageway.
//!
//! # What holds
//! The middle of the vehicle's footprint is inside the zone and keeps its spot, and it is not one of a queue.
//!
//! # Settings
//! `after`: how long (10 s). `ignore_queue` (true): three or more vehicles standing in the zone are a queue (a red light,
//! a jam) and not breakdowns, except those that another vehicle has overtaken while they stood. Who joins the queue or
//! drives off from its head overtakes nobody; who is left when a queue dissolves stands from then on.
//!
//! # What it cannot see
//! Why it stands. With `ignore_queue`, a breakdown among standing vehicles, until one overtakes it.

use super::{Context, Defaults, Filter, Rule, RuleSpec, Target, VEHICLES, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Fact, Facts, PRESENT};
use crate::geometry::{BBox, Point};
use crate::lifecycle::Holds;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "stopped_vehicle",
    source: include_str!("stopped_vehicle.rs"),
    definition: Template {
        fr: "Véhicule immobilisé sur la chaussée, zone « {zone} », pendant {after} au moins\
             {ignore_queue?, sauf s'il fait partie d'une file d'attente}.",
        en: "A vehicle stands in the carriageway, zone \"{zone}\", for at least {after}\
             {ignore_queue?, unless it is part of a queue}.",
    },
    onvif_topic: Some("tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering"),
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_secs(10),
        gap: Span::from_secs(5),
        clear_after: Span::from_secs(5),
        classes: VEHICLES,
    },
    measurement: false,
    momentary: false,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Leave out vehicles of a queue.
    #[serde(default = "yes")]
    ignore_queue: bool,
}

fn yes() -> bool {
    true
}

/// This many vehicles standing together are a queue.
const QUEUE: usize = 3;
/// A vehicle drives from this speed on: m/s on a calibrated view, else body sizes a second (about a walker's pace).
const DRIVES: f64 = 0.7;
/// One vehicle is behind another, and later before it, when it is at least this many body sizes away along its way.
const CLEAR: f64 = 0.5;

/// A vehicle on its way through the zone.
#[derive(Debug)]
struct Drive {
    subject: u64,
    /// Where it came in or drove off.
    from: Point,
}

#[derive(Debug)]
struct Stopped {
    probe: usize,
    filter: Filter,
    ignore_queue: bool,
    drives: Vec<Drive>,
    /// Boxes of the vehicles that stand, each vehicle once.
    standing: Vec<BBox>,
    /// Vehicles that were overtaken while they stood.
    overtaken: Vec<u64>,
    /// When there last was a queue: who is left of it stands since then.
    queued: Option<Timestamp>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    if context.timing.after == Span::ZERO {
        return Err(Error::config("after", "every vehicle stops for a moment; say how long is too long"));
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    Ok(Box::new(Stopped {
        probe,
        filter: context.take_filter(),
        ignore_queue: params.ignore_queue,
        drives: Vec::new(),
        standing: Vec::new(),
        overtaken: Vec::new(),
        queued: None,
    }))
}

/// Whether two boxes lie so much in each other that they are one vehicle, seen twice or in part: three boxes on one
/// car are no queue.
pub(super) fn covers(a: &BBox, b: &BBox) -> bool {
    a.intersection_area(b) >= 0.6 * a.area().min(b.area())
}

/// Whether the drive from `from` to `mover` has left `parked` behind that was ahead of it.
fn passes(from: Point, mover: &Fact, parked: &Fact) -> bool {
    let way = mover.at - from;
    let length = way.norm();
    if length <= 0.0 {
        return false;
    }
    let ahead = (parked.at - from).dot(way) / length;
    let (clear, beside) = (CLEAR * parked.body, (parked.at - from).cross(way).abs() / length);
    ahead >= clear && length - ahead >= clear && beside <= 4.0 * parked.body
}

impl Stopped {
    fn look(&mut self, facts: &Facts<'_>) {
        let (probe, filter) = (self.probe, &self.filter);
        let inside = || facts.visitors(probe).filter(|f| f.zones[probe].inside && filter.class(f.class_id));
        self.standing.clear();
        self.overtaken.retain(|id| facts.subject(*id).is_some_and(|f| !f.seen || f.still_since.is_some()));
        self.drives.retain(|d| facts.subject(d.subject).is_some_and(|f| f.zones[probe].inside));
        for fact in inside() {
            let present = facts.at - fact.last_seen <= PRESENT;
            if present && fact.still_since.is_some() && !self.standing.iter().any(|b| covers(b, &fact.bbox)) {
                self.standing.push(fact.bbox);
            }
            if !fact.seen {
                continue;
            }
            let drives = fact.still_since.is_none() && fact.speed().is_some_and(|v| v > DRIVES);
            let known = self.drives.binary_search_by_key(&fact.id, |d| d.subject);
            match (known, drives) {
                (Err(i), true) => self.drives.insert(i, Drive { subject: fact.id, from: fact.from }),
                (Ok(i), true) => {
                    let from = self.drives[i].from;
                    let stands = |f: &&Fact| f.id != fact.id && f.still_since.is_some();
                    for parked in inside().filter(stands).filter(|p| passes(from, fact, p)) {
                        if !self.overtaken.contains(&parked.id) {
                            self.overtaken.push(parked.id);
                        }
                    }
                }
                (Ok(i), false) if fact.still_since.is_some() => drop(self.drives.remove(i)),
                (_, false) => {}
            }
        }
    }
}

impl Rule for Stopped {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        if self.ignore_queue {
            self.look(facts);
        }
        if self.ignore_queue && self.standing.len() >= QUEUE {
            self.queued = Some(facts.at);
        }
        for fact in facts.visitors(self.probe).filter(|f| f.seen && f.zones[self.probe].inside) {
            if let Some(since) = fact.still_since
                && self.filter.admits(fact, facts.scene)
            {
                let apart = self.overtaken.contains(&fact.id);
                let since = if apart { since } else { self.queued.map_or(since, |queued| since.max(queued)) };
                if since < facts.at || apart {
                    holds.hold_since(fact.id, since, &[]);
                }
            }
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.drives.clear();
        self.standing.clear();
        self.overtaken.clear();
        self.queued = None;
    }
}
