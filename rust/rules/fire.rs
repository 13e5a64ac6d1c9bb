//! Flames or smoke persist in a zone.
//!
//! # What holds
//! The detector of fire finds flames or smoke, a part of which lies in the zone. The place counts, not the single box:
//! flames jump, part and merge, and however many boxes there are it is one fire. Once a box has reached the confidence
//! that is asked for, weaker ones continue the fire, until nothing has been found for longer than `gap`.
//!
//! # Settings
//! `after` (2 s), `gap` (the longest time without any box that does not restart the clock), `clear_after` (10 s).
//! `kinds`: `fire`, `smoke` or both (default). `overlap` (0.1): share of the box, or of the zone, that their common part
//! must make up.
//!
//! # What it cannot see
//! Whether what looks like a flame is one: that is the detector's part. A flame that only its reflection shows, smoke in
//! the dark. It does not replace a fire detection system under EN 54.
//!
//! # Sources
//! Töreyin et al., "Computer vision based method for real-time fire and flame detection", Pattern Recognition Letters 27
//! (2006): what persists at a place and not what a single picture shows.

use super::{Context, Defaults, Filter, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Facts, PRESENT};
use crate::geometry::{BBox, Polygon};
use crate::lifecycle::{Holds, Subjects};
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "fire",
    source: include_str!("fire.rs"),
    definition: Template {
        fr: "Détection de {kinds} dans la zone « {zone} »{after=0s!, pendant {after} au moins} ; la partie commune à la zone \
             et à la boîte représente une part de {overlap} au moins de l'une ou de l'autre.",
        en: "Detection of {kinds} in the zone \"{zone}\"{after=0s!, for at least {after}}; what the zone and the box have in \
             common is a share of at least {overlap} of one or the other.",
    },
    onvif_topic: None,
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_secs(2),
        gap: Span::from_secs(3),
        clear_after: Span::from_secs(10),
        classes: &["fire", "smoke"],
    },
    measurement: false,
    momentary: false,
    needs: &["fire"],
    schema: schema_of::<Params>,
    build,
};

/// What burns, or shows that something does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Flames.
    Fire,
    /// Smoke.
    Smoke,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// `fire`, `smoke` or both.
    #[serde(default = "kinds")]
    #[schemars(length(min = 1))]
    kinds: Vec<Kind>,
    /// Share of the box, or of the zone, that lies in both.
    #[serde(default = "overlap")]
    #[schemars(range(min = 0.01, max = 1.0))]
    overlap: f64,
}

fn kinds() -> Vec<Kind> {
    vec![Kind::Fire, Kind::Smoke]
}
/// Smoke that drifts past the corner of a zone is not in it; flames that reach in are.
fn overlap() -> f64 {
    0.1
}

#[derive(Debug)]
struct Fire {
    zone: usize,
    filter: Filter,
    overlap: f64,
    gap: Span,
    /// When the detector last found anything in the zone, since a box was sure enough.
    burning: Option<Timestamp>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    if !(0.01..=1.0).contains(&params.overlap) {
        return Err(Error::config("overlap", "the share that lies in both is a number in 0.01..1"));
    }
    let mut filter = context.take_filter();
    for (class, label) in context.scene.labels.iter().enumerate() {
        let is_asked = |kind: &Kind| serde_json::to_value(kind).is_ok_and(|name| name == **label);
        filter.classes[class] &= params.kinds.iter().any(is_asked);
    }
    if !filter.classes.contains(&true) {
        let message = "the detector knows none of them, or `classes` leaves all of them out";
        return Err(Error::config("kinds", message));
    }
    Ok(Box::new(Fire {
        zone: context.zone.unwrap_or_default(),
        filter,
        overlap: params.overlap,
        gap: context.timing.gap,
        burning: None,
    }))
}

impl Fire {
    fn reaches(&self, zone: &Polygon, bbox: &BBox) -> bool {
        let share = zone.overlap(bbox);
        share >= self.overlap || share * bbox.area() >= self.overlap * zone.area()
    }
}

impl Rule for Fire {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let zone = &facts.scene.zones[self.zone].1;
        if self.burning.is_some_and(|last| facts.at - last > self.gap) {
            self.burning = None;
        }
        let detections = facts.detections;
        let (mut found, mut best, mut sure) = (0_u32, 0.0_f32, false);
        for (row, bbox) in detections.boxes.iter().enumerate() {
            if self.filter.class(detections.class_id[row]) && self.reaches(zone, bbox) {
                let score = detections.score[row];
                found += 1;
                best = best.max(score);
                sure |=
                    self.filter.score(score) && self.filter.size(bbox, detections.group[row], facts.scene);
            }
        }
        if found == 0 || !(sure || self.burning.is_some()) {
            return;
        }
        self.burning = Some(facts.at);
        // For the place in the picture; flames that jump may not have become a subject.
        let shown: Subjects = facts
            .subjects
            .iter()
            .filter(|f| self.filter.class(f.class_id) && facts.at - f.last_seen <= PRESENT)
            .filter(|f| self.reaches(zone, &f.bbox))
            .map(|f| f.id)
            .collect();
        holds.hold_place(
            &shown,
            facts.at,
            &[("boxes", f64::from(found), None), ("score", f64::from(best), None)],
        );
    }

    fn finish(&mut self, _: &mut Holds) {
        self.burning = None;
    }
}
