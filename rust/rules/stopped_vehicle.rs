//! A vehicle stands in the carriageway.
//!
//! # What holds
//! The middle of the vehicle's footprint is inside the zone and keeps its spot, and it is not one of a queue.
//!
//! # Settings
//! `after`: how long (10 s). `ignore_queue` (true): three or more vehicles standing in the zone, with none driving past
//! them in the last seconds, are a queue (a red light, a jam) and not a breakdown. As soon as others drive past, a vehicle
//! that still stands is reported.

use super::{Context, Defaults, Filter, Rule, RuleSpec, Target, VEHICLES, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Facts, PRESENT};
use crate::geometry::BBox;
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
/// A vehicle that drove past within this time shows that the standing ones are in the way of traffic, not in its queue.
const PASSING: Span = Span::from_secs(8);
/// A vehicle drives from this speed on: m/s on a calibrated view, else body sizes a second (about a walker's pace).
const DRIVES: f64 = 0.7;

#[derive(Debug)]
struct Stopped {
    probe: usize,
    filter: Filter,
    ignore_queue: bool,
    /// Boxes of the vehicles that stand, each vehicle once.
    standing: Vec<BBox>,
    /// Last time that a vehicle drove through the zone.
    driven: Option<Timestamp>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    if context.timing.after == Span::ZERO {
        return Err(Error::config("after", "every vehicle stops for a moment; say how long is too long"));
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    let filter = context.take_filter();
    Ok(Box::new(Stopped {
        probe,
        filter,
        ignore_queue: params.ignore_queue,
        standing: Vec::new(),
        driven: None,
    }))
}

/// Whether two boxes lie so much in each other that they are one vehicle, seen twice or in part: three boxes on one
/// car are no queue.
fn covers(a: &BBox, b: &BBox) -> bool {
    a.intersection_area(b) >= 0.6 * a.area().min(b.area())
}

impl Rule for Stopped {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let probe = self.probe;
        self.standing.clear();
        for fact in facts.subjects.iter().filter(|f| f.zones[probe].inside && self.filter.class(f.class_id)) {
            if fact.seen && fact.still_since.is_none() && fact.speed().is_some_and(|v| v > DRIVES) {
                self.driven = Some(facts.at);
            }
            let present = facts.at - fact.last_seen <= PRESENT;
            if present && fact.still_since.is_some() && !self.standing.iter().any(|b| covers(b, &fact.bbox)) {
                self.standing.push(fact.bbox);
            }
        }
        let passed = self.driven.is_some_and(|t| facts.at - t <= PASSING);
        if self.ignore_queue && self.standing.len() >= QUEUE && !passed {
            return;
        }
        for fact in facts.subjects.iter().filter(|f| f.seen && f.zones[probe].inside) {
            if let Some(since) = fact.still_since
                && self.filter.admits(fact, facts.scene)
            {
                holds.hold_since(fact.id, since, &[]);
            }
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.driven = None;
    }
}
