//! Vehicles wait upstream of a line: how many, how far back, for how long.
//!
//! # What holds
//! At least `at_least` vehicles wait on the side of the line from which traffic comes. A vehicle waits from when it is
//! slower than 5 km/h until it is faster than 10 km/h for more than 6 s (the bounds that traffic simulation uses, PTV
//! Vissim, *Queue counters*; uncalibrated 0.45 and 0.9 body sizes a second): moving up in stop-and-go is waiting. The
//! queue begins at the line, with a vehicle at most `within` from it, and goes from each vehicle to the next at most
//! `within` away; once begun it stays a queue while its head drives off. A vehicle over the line waits no more.
//!
//! Measured: `vehicles`; `waited_s`, the longest wait, and `mean_waited_s`; on a calibrated view `length_m`, from the
//! line straight to the middle of the furthest vehicle. Aggregates of 1 and 15 minutes hold the means and the largest.
//!
//! # Settings
//! `line`: the head of the queue, mostly a stop line. `direction`: which way traffic goes over it, `left_to_right` or
//! `right_to_left`, as seen from the line's first point looking to its last: it says which side is upstream. `zone`:
//! the lanes upstream; without it every vehicle on that side may be linked, oncoming traffic too. `at_least` (3).
//! `within`: largest distance from middle to middle, metres or body sizes (4 body: two or three car lengths for traffic
//! that comes towards the camera). `after`: how long there must be a queue (10 s).
//!
//! # What it cannot see
//! Vehicles hidden behind others: a low camera sees the first two or three. A queue that reaches out of the picture is
//! longer than what is told. Parked cars beside the lane wait for ever: draw the `zone` without them.

use super::line_crossing::Direction;
use super::stopped_vehicle::covers;
use super::{Context, Defaults, Filter, Queued, Rule, RuleSpec, Target, VEHICLES, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Anchor, Fact, Facts, PRESENT};
use crate::geometry::{BBox, Point, Polyline};
use crate::lifecycle::{Holds, Measured};
use crate::quantity::Length;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "queue",
    source: include_str!("queue.rs"),
    definition: Template {
        fr: "File d'attente de {at_least} véhicules ou plus en amont de la ligne « {line} » (circulation {direction=left_to_right?de gauche \
             à droite}{direction=right_to_left?de droite à gauche}){zone?, dans la zone « {zone} »}, à l'arrêt ou au pas (en dessous de 5 km/h, \
             ou de 0,45 fois sa taille par seconde sans étalonnage, jusqu'à 6 s au-dessus du double), à {within} au plus les uns des autres\
             {after=0s!, pendant {after} au moins}.",
        en: "Queue of {at_least} or more vehicles upstream of the line \"{line}\" (traffic {direction=left_to_right?left to \
             right}{direction=right_to_left?right to left}){zone?, in the zone \"{zone}\"}, standing or crawling (below 5 km/h, or without \
             calibration 0.45 body sizes a second, until 6 s above twice that), at most {within} from one to the next\
             {after=0s!, for at least {after}}.",
    },
    onvif_topic: Some("tns1:RuleEngine/CountAggregation/OccupancyCounter"),
    target: Target::LineInZone,
    defaults: Defaults {
        after: Span::from_secs(10),
        gap: Span::from_secs(5),
        clear_after: Span::from_secs(10),
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
    /// Which way traffic goes over the line: `left_to_right` or `right_to_left`.
    direction: Direction,
    /// This many vehicles are a queue.
    #[serde(default = "at_least")]
    #[schemars(range(min = 1))]
    at_least: u32,
    /// Largest distance from one vehicle to the next, and from the line to the first, middle to middle.
    #[serde(default = "within")]
    within: Length,
}

fn at_least() -> u32 {
    3
}
fn within() -> Length {
    Length::Body(4.0)
}

/// Slower than this a vehicle begins to wait: m/s on a calibrated view, else body sizes a second.
const BEGIN: [f64; 2] = [5.0 / 3.6, 0.45];
/// Faster than this it drives.
const DRIVES: [f64; 2] = [10.0 / 3.6, 0.9];
/// For no longer than this it drives and still waits: longer counts half of those who leave at green, shorter breaks
/// the wait of those who move up.
const MOVES_UP: Span = Span::from_secs(6);

/// A vehicle that waits.
#[derive(Debug)]
struct Waiting {
    subject: u64,
    since: Timestamp,
    /// When it was last slow.
    slow: Timestamp,
    /// Whether it was part of the queue in the last step.
    queued: bool,
    bbox: BBox,
    place: Point,
    ground: Option<Point>,
    body: f64,
    /// Present in this step, and no second box of another vehicle.
    counts: bool,
}

#[derive(Debug)]
struct Queue {
    probe: Option<usize>,
    line: usize,
    /// The line on the ground, metres.
    on_ground: Option<Polyline>,
    anchor: Anchor,
    filter: Filter,
    params: Params,
    waiting: Vec<Waiting>,
    now: Queued,
    /// Whose links are still to be followed, and who is in the queue: buffers that are kept from step to step.
    open: Vec<usize>,
    ids: Vec<u64>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    context.length("within", params.within)?;
    if params.direction == Direction::Both {
        return Err(Error::config(
            "direction",
            "a queue has one upstream side: say which way traffic goes over the line, left_to_right or right_to_left",
        ));
    }
    if params.at_least == 0 {
        return Err(Error::config("at_least", "an empty road is no queue; give 1 or more"));
    }
    let line = context.line.unwrap_or_default();
    let on_ground = context.scene.ground.as_ref().and_then(|ground| {
        let points: Option<Vec<Point>> =
            context.scene.lines[line].1.points().iter().map(|p| ground.to_metres(*p)).collect();
        Polyline::new(points?).ok()
    });
    if context.scene.ground.is_some() && on_ground.is_none() {
        return Err(Error::config("line", "this line reaches beyond the horizon of the view's `ground`"));
    }
    Ok(Box::new(Queue {
        probe: context.zone.map(|zone| context.probes.zone(zone, context.anchor)),
        line,
        on_ground,
        anchor: context.anchor,
        filter: context.take_filter(),
        params,
        waiting: Vec::new(),
        now: Queued::default(),
        open: Vec::new(),
        ids: Vec::new(),
    }))
}

impl Queue {
    /// Takes in what one vehicle does.
    fn look(&mut self, fact: &Fact, facts: &Facts<'_>) {
        let known = self.waiting.binary_search_by_key(&fact.id, |w| w.subject);
        let place = self.anchor.point(&fact.bbox, fact.group);
        let right = facts.scene.lines[self.line].1.offset(place).0 > 0.0;
        let upstream = right == (self.params.direction == Direction::RightToLeft);
        let within_zone = self.probe.is_none_or(|probe| fact.zones[probe].inside);
        if !(upstream && within_zone && self.filter.admits(fact, facts.scene)) {
            if let Ok(i) = known {
                self.waiting.remove(i);
            }
            return;
        }
        let unit = usize::from(facts.scene.ground.is_none());
        let bound = if known.is_ok() { DRIVES[unit] } else { BEGIN[unit] };
        let slow = fact.still_since.is_some() || fact.speed().is_some_and(|v| v <= bound);
        let i = match known {
            Ok(i) => i,
            Err(_) if !slow => return,
            Err(i) => {
                let since = fact.still_since.unwrap_or(facts.at);
                let (subject, bbox) = (fact.id, fact.bbox);
                let new = Waiting {
                    subject,
                    since,
                    slow: facts.at,
                    queued: false,
                    bbox,
                    place,
                    ground: None,
                    body: fact.body,
                    counts: true,
                };
                self.waiting.insert(i, new);
                i
            }
        };
        let waiting = &mut self.waiting[i];
        if slow {
            waiting.slow = facts.at;
        }
        waiting.bbox = fact.bbox;
        waiting.place = place;
        waiting.body = fact.body;
        waiting.ground = facts.scene.ground.as_ref().and_then(|g| g.to_metres(place));
    }

    /// How far a vehicle is from the line, in the unit of `within`.
    fn line_gap(&self, w: &Waiting, line: &Polyline) -> f64 {
        match self.params.within {
            Length::Body(_) => line.distance(w.place) / w.body,
            Length::Metres(_) => self.metres(w).unwrap_or(f64::INFINITY),
        }
    }

    fn metres(&self, w: &Waiting) -> Option<f64> {
        Some(self.on_ground.as_ref()?.distance(w.ground?))
    }

    /// How far two vehicles are from one another, in the same unit.
    fn apart(&self, a: &Waiting, b: &Waiting) -> f64 {
        match (self.params.within, a.ground, b.ground) {
            (Length::Body(_), ..) => a.place.distance(b.place) / f64::midpoint(a.body, b.body),
            (_, Some(p), Some(q)) => p.distance(q),
            _ => f64::INFINITY,
        }
    }

    /// Finds who is in the queue: from the line, or from what was the queue, from each to the next.
    fn link(&mut self, line: &Polyline) {
        let within = self.params.within.value();
        let mut open = std::mem::take(&mut self.open);
        for i in 0..self.waiting.len() {
            let w = &self.waiting[i];
            let counts = w.counts && !self.waiting[..i].iter().any(|v| v.counts && covers(&v.bbox, &w.bbox));
            let first = counts && (w.queued || self.line_gap(w, line) <= within);
            let w = &mut self.waiting[i];
            (w.counts, w.queued) = (counts, first);
            if first {
                open.push(i);
            }
        }
        while let Some(i) = open.pop() {
            for j in 0..self.waiting.len() {
                let (a, b) = (&self.waiting[i], &self.waiting[j]);
                if b.counts && !b.queued && self.apart(a, b) <= within {
                    self.waiting[j].queued = true;
                    open.push(j);
                }
            }
        }
        self.open = open;
    }

    fn measure(&self, at: Timestamp) -> Queued {
        let mut now = Queued::default();
        for w in self.waiting.iter().filter(|w| w.queued) {
            let waited = (at - w.since).seconds();
            now.vehicles += 1;
            now.longest_s = now.longest_s.max(waited);
            now.mean_s += waited;
            if let Some(metres) = self.metres(w) {
                now.length_m = Some(now.length_m.unwrap_or(0.0).max(metres));
            }
        }
        now.mean_s /= f64::from(now.vehicles.max(1));
        now
    }
}

impl Rule for Queue {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        match self.probe {
            Some(probe) => facts.visitors(probe).filter(|f| f.seen).for_each(|f| self.look(f, facts)),
            None => facts.subjects.iter().filter(|f| f.seen).for_each(|f| self.look(f, facts)),
        }
        let at = facts.at;
        self.waiting.retain_mut(|w| {
            let Some(fact) = facts.subject(w.subject) else { return false };
            w.counts = at - fact.last_seen <= PRESENT;
            // Who is not seen moves no more than who is: nothing is known against its waiting.
            at - w.slow <= MOVES_UP || !fact.seen
        });
        self.link(&facts.scene.lines[self.line].1);
        self.now = self.measure(at);
        let least = self.params.at_least;
        if self.now.vehicles >= least {
            self.ids.clear();
            self.ids.extend(self.waiting.iter().filter(|w| w.queued).map(|w| w.subject));
            let Queued { vehicles, length_m, longest_s, mean_s } = self.now;
            let measured: [Measured; 4] = [
                ("vehicles", f64::from(vehicles), Some(f64::from(least))),
                ("waited_s", longest_s, None),
                ("mean_waited_s", mean_s, None),
                ("length_m", length_m.unwrap_or_default(), None),
            ];
            let known = if length_m.is_some() { 4 } else { 3 };
            holds.hold_place(&self.ids, at, &measured[..known]);
        }
    }

    fn queued(&self) -> Option<Queued> {
        Some(self.now)
    }

    fn finish(&mut self, _: &mut Holds) {
        self.waiting.clear();
        self.now = Queued::default();
    }
}
