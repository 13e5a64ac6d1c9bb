//! Flames or smoke persist in a zone.
//!
//! # What holds
//! The detector of fire finds flames or smoke, a part of which lies in the zone. The place counts, not the single box:
//! flames jump, part and merge, and however many boxes there are it is one alert. Once a box has reached the confidence
//! that is asked for, weaker ones on the spot (no further away than the flame is large) continue the fire, until nothing
//! has been found there for longer than `gap`. On the spot something must be found in 0.4 of the pictures at least: stray
//! boxes are no fire.
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
use crate::lifecycle::{Holds, Key, Subjects};
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smallvec::SmallVec;
use std::cmp::Ordering;

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
    places: SmallVec<[Place; PLACES]>,
}

/// A spot where something burns, from the first box on that was sure enough.
#[derive(Debug)]
struct Place {
    /// Where it was last found.
    bbox: BBox,
    since: Timestamp,
    last: Timestamp,
    /// Steps since then, and those in which it was found.
    looks: u32,
    hits: u32,
}

/// Most spots at a time: more are a fire all over the zone, of which any spot tells.
const PLACES: usize = 8;
/// A box within this many sides of where a spot was last found is the same spot: flames jump, lamps elsewhere do not
/// keep a fire alive.
const NEAR: f64 = 1.0;
/// A spot is found in this share of the steps at least; stray boxes are not, and people who pass before a fire hide it
/// for less.
const OFTEN: f64 = 0.4;

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
        places: SmallVec::new(),
    }))
}

impl Fire {
    fn reaches(&self, zone: &Polygon, bbox: &BBox) -> bool {
        let share = zone.overlap(bbox);
        share >= self.overlap || share * bbox.area() >= self.overlap * zone.area()
    }

    /// Takes in a box: of a spot that burns already, or of a new one if it is sure.
    fn burn(&mut self, at: Timestamp, bbox: &BBox, sure: bool) {
        let near = |place: &&mut Place| {
            let reach = NEAR * place.bbox.width().max(place.bbox.height());
            let b = place.bbox;
            BBox::new(b.x1 - reach, b.y1 - reach, b.x2 + reach, b.y2 + reach).intersection_area(bbox) > 0.0
        };
        if let Some(place) = self.places.iter_mut().find(near) {
            place.hits += u32::from(place.last != at);
            place.last = at;
            place.bbox = *bbox;
        } else if sure && self.places.len() < PLACES {
            self.places.push(Place { bbox: *bbox, since: at, last: at, looks: 1, hits: 1 });
        }
    }
}

impl Rule for Fire {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let zone = &facts.scene.zones[self.zone].1;
        self.places.retain(|place| facts.at - place.last <= self.gap);
        for place in &mut self.places {
            place.looks += 1;
        }
        let detections = facts.detections;
        let (classes, boxes, scores) = (&detections.class_id, &detections.boxes, &detections.score);
        let rows = (0..detections.len())
            .filter(|&row| self.filter.class(classes[row]) && self.reaches(zone, &boxes[row]));
        let mut rows: SmallVec<[usize; 16]> = rows.collect();
        // The surest first: which spot a box belongs to must not depend on the order in which boxes were given.
        let place = |row: usize| [boxes[row].x1, boxes[row].y1, boxes[row].x2, boxes[row].y2];
        rows.sort_unstable_by(|&a, &b| {
            let by_place = place(a).into_iter().zip(place(b)).map(|(a, b)| a.total_cmp(&b));
            scores[b].total_cmp(&scores[a]).then(by_place.fold(Ordering::Equal, Ordering::then))
        });
        for &row in &rows {
            let sure = self.filter.score(scores[row])
                && self.filter.size(&boxes[row], detections.group[row], facts.scene);
            self.burn(facts.at, &boxes[row], sure);
        }
        let best = rows.first().map_or(0.0, |&row| scores[row]);
        let seen = |place: &&Place| {
            place.last == facts.at && f64::from(place.hits) >= OFTEN * f64::from(place.looks)
        };
        let Some(since) = self.places.iter().filter(seen).map(|place| place.since).min() else { return };
        // For the place in the picture; flames that jump may not have become a subject.
        let shown: Subjects = facts
            .subjects
            .iter()
            .filter(|f| self.filter.class(f.class_id) && facts.at - f.last_seen <= PRESENT)
            .filter(|f| self.reaches(zone, &f.bbox))
            .map(|f| f.id)
            .collect();
        let measured = [("boxes", rows.len() as f64, None), ("score", f64::from(best), None)];
        holds.hold_together(Key::Place, since, &shown, &measured);
    }

    fn finish(&mut self, _: &mut Holds) {
        self.places.clear();
    }
}
