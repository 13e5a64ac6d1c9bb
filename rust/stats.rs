//! Statistics of one view in minutes and quarters of an hour: counts and speeds at every line, occupancy and speeds in
//! every zone, queues, journeys from zone to zone, a heat map. Accumulators of fixed size, no images, no tracks.
//!
//! A quarter is the sum of its minutes. Means are over the time that was watched: a pause of the pictures of more than
//! two seconds is not.

mod heat;
mod histogram;
mod journeys;
mod period;

use crate::detection::Group;
use crate::facts::{Anchor, Fact, Facts, PRESENT, Probes};
use crate::rules::{Queued, VEHICLES};
use crate::scene::Scene;
use crate::time::{Span, Timestamp};
use journeys::Journeys;
use period::{Names, Period, counts_json};
use serde_json::{Map, Value, json};

/// The shortest aggregate that is kept.
pub const PERIOD: Span = Span::from_secs(60);
/// The longer one.
pub const QUARTER: Span = Span::from_secs(900);

/// Whom journeys and heat maps tell apart.
const GROUPS: [&str; 3] = ["people", "cycles", "vehicles"];

fn group_of(group: Group) -> Option<usize> {
    match group {
        Group::Person => Some(0),
        Group::Cycle => Some(1),
        Group::Vehicle => Some(2),
        Group::Animal | Group::Thing | Group::Object(_) => None,
    }
}

/// The last known speed of a motor vehicle in a zone, km/h.
#[derive(Clone, Copy, Debug)]
struct Passage {
    subject: u64,
    zone: usize,
    speed: f64,
}

/// Counts of one view: since the engine began, in the running minute and in the running quarter.
#[derive(Debug)]
pub struct Stats {
    line_probes: Vec<usize>,
    zone_probes: Vec<usize>,
    queues: Vec<String>,
    /// By class: motor vehicles.
    motor: Vec<bool>,
    totals: Vec<period::Counts>,
    peaks: Vec<u64>,
    minute: Period,
    quarter: Period,
    journeys: Journeys,
    /// By subject and zone.
    passages: Vec<Passage>,
    last: Option<Timestamp>,
    /// Number in each zone, and queues, in the last step.
    inside: Vec<u64>,
    queued: Vec<Queued>,
}

impl Stats {
    /// Observes every line and zone of the scene; `queues` are the names of the rules that see queues.
    pub fn new(scene: &Scene, probes: &mut Probes, band: f64, queues: Vec<String>) -> Self {
        let anchor = Anchor::Auto;
        let line_probes = (0..scene.lines.len()).map(|i| probes.line(i, anchor, band)).collect();
        let zone_probes: Vec<usize> = (0..scene.zones.len()).map(|i| probes.zone(i, anchor)).collect();
        let journeys = Journeys::new(scene, &zone_probes);
        let empty = Period::new(scene, queues.len(), journeys.names.len());
        Self {
            line_probes,
            motor: scene.labels.iter().map(|label| VEHICLES.contains(&&**label)).collect(),
            totals: empty.lines.iter().map(|l| l.counts.clone()).collect(),
            peaks: vec![0; scene.zones.len()],
            minute: empty.clone(),
            quarter: empty,
            journeys,
            passages: Vec::new(),
            last: None,
            inside: vec![0; scene.zones.len()],
            queued: vec![Queued::default(); queues.len()],
            zone_probes,
            queues,
        }
    }

    /// Adds a step with the queues that rules see; gives the minute that it closes, if any, with the quarter that ends
    /// with it under `quarter`.
    pub fn step(&mut self, facts: &Facts<'_>, queued: impl Iterator<Item = Queued>) -> Option<Value> {
        let (at, scene) = (facts.at, facts.scene);
        let began = *self.minute.began.get_or_insert_with(|| floor(at, PERIOD));
        let last = self.last.replace(at).unwrap_or(at);
        let watched = at - last <= PRESENT;
        let closed = if at - began >= PERIOD {
            // Who was there until now was there in the old minute until its end, and since then in the new one.
            if watched {
                self.stay(floor(at, PERIOD) - last);
            }
            let closed = self.close(scene, at);
            if watched {
                self.stay(at - floor(at, PERIOD).max(last));
            }
            Some(closed)
        } else {
            if watched {
                self.stay(at - last);
            }
            None
        };
        self.cross(facts);
        self.pass(facts);
        for ((inside, peak), &probe) in self.inside.iter_mut().zip(&mut self.peaks).zip(&self.zone_probes) {
            let present = |f: &&Fact| f.zones[probe].inside && at - f.last_seen <= PRESENT;
            *inside = facts.visitors(probe).filter(present).count() as u64;
            *peak = (*peak).max(*inside);
        }
        for (known, queue) in self.queued.iter_mut().zip(queued) {
            *known = queue;
        }
        self.minute.peak(&self.inside, &self.queued);
        self.minute.heat.add(facts);
        self.journeys.step(facts, &mut self.minute.matrix);
        closed
    }

    fn stay(&mut self, time: Span) {
        if time > Span::ZERO {
            self.minute.stay(time, &self.inside, &self.queued);
        }
    }

    /// Counts who crossed lines, and how fast.
    fn cross(&mut self, facts: &Facts<'_>) {
        for crossing in facts.crossings {
            let Some(line) = self.line_probes.iter().position(|p| *p == crossing.probe) else { continue };
            let (class, way) = (usize::from(crossing.class_id), usize::from(!crossing.rightwards));
            self.totals[line][class][way] += 1;
            let sums = &mut self.minute.lines[line];
            sums.counts[class][way] += 1;
            let pace = facts.subject(crossing.subject).and_then(|f| f.pace);
            if let Some(pace) = pace.filter(|_| self.motor[class]) {
                sums.speeds[way].add(pace.speed * 3.6);
            }
        }
    }

    /// Follows motor vehicles through zones: each counts once, with its last known speed there.
    fn pass(&mut self, facts: &Facts<'_>) {
        if facts.scene.ground.is_none() {
            return;
        }
        for (zone, &probe) in self.zone_probes.iter().enumerate() {
            for fact in facts.visitors(probe).filter(|f| self.motor[usize::from(f.class_id)]) {
                let known = self.passages.binary_search_by_key(&(fact.id, zone), |p| (p.subject, p.zone));
                let speed = fact.pace.map(|p| p.speed * 3.6);
                match (known, fact.zones[probe].inside, speed) {
                    (Ok(i), true, Some(speed)) => self.passages[i].speed = speed,
                    (Err(i), true, Some(speed)) => {
                        self.passages.insert(i, Passage { subject: fact.id, zone, speed });
                    }
                    (Ok(i), false, _) => {
                        let passage = self.passages.remove(i);
                        self.minute.zones[zone].speeds.add(passage.speed);
                    }
                    _ => {}
                }
            }
        }
        let (zones, gone) = (&mut self.minute.zones, facts.gone);
        self.passages.retain(|p| {
            let over = gone.binary_search(&p.subject).is_ok();
            if over {
                zones[p.zone].speeds.add(p.speed);
            }
            !over
        });
    }

    /// The watch ends: nobody is known to be there until the next step.
    pub fn finish(&mut self) {
        self.last = None;
        self.inside.fill(0);
        self.queued.fill(Queued::default());
        self.journeys.clear();
        self.passages.clear();
    }

    fn names<'a>(&'a self, scene: &'a Scene) -> Names<'a> {
        Names { scene, queues: &self.queues, places: &self.journeys.names }
    }

    fn close(&mut self, scene: &Scene, at: Timestamp) -> Value {
        let until = floor(at, PERIOD);
        let mut closed = self.minute.json(&self.names(scene), until, false);
        self.quarter.merge(&self.minute);
        let end = floor(at, QUARTER);
        if self.quarter.began.is_some_and(|began| began < end) {
            closed["quarter"] = self.quarter.json(&self.names(scene), end, true);
            self.quarter.clear(None);
        }
        self.minute.clear(Some(until));
        self.minute.peak(&self.inside, &self.queued);
        closed
    }

    /// The running minute so far, with the running quarter so far under `quarter`; None if nothing was seen since the
    /// last one closed. Nothing closes.
    pub fn running(&self, scene: &Scene, at: Timestamp) -> Option<Value> {
        self.minute.began.filter(|began| *began < at)?;
        let mut running = self.minute.json(&self.names(scene), at, false);
        let mut quarter = self.quarter.clone();
        quarter.merge(&self.minute);
        running["quarter"] = quarter.json(&self.names(scene), at, true);
        Some(running)
    }

    /// Counts since the engine began.
    pub fn totals(&self, scene: &Scene) -> Value {
        let mut zones = Map::new();
        for (i, (name, _)) in scene.zones.iter().enumerate() {
            zones.insert(name.clone(), json!({"now": self.inside[i], "peak": self.peaks[i]}));
        }
        json!({"lines": counts_json(scene, self.totals.iter()), "zones": zones})
    }
}

fn floor(at: Timestamp, period: Span) -> Timestamp {
    Timestamp::from_ms(at.ms().div_euclid(period.ms()) * period.ms())
}
