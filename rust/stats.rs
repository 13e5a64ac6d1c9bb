//! Statistics: counts at every line, people and vehicles in every zone. Fixed-size accumulators, no images, no tracks.

use crate::facts::{Fact, Facts, PRESENT, Probes};
use crate::scene::Scene;
use crate::time::{Span, Timestamp};
use serde_json::{Map, Value, json};

/// The shortest aggregate that is kept.
pub const PERIOD: Span = Span::from_secs(60);

/// Crossings left to right and right to left, by class.
type Counts = Vec<[u64; 2]>;

#[derive(Clone, Debug, Default)]
struct ZoneStats {
    now: u64,
    peak: u64,
    /// Sum over steps of number times milliseconds: divided by the time it is the mean occupancy.
    weight: f64,
}

/// Counts of one view: since the engine began, and in the running minute.
#[derive(Debug)]
pub struct Stats {
    line_probes: Vec<usize>,
    zone_probes: Vec<usize>,
    totals: Vec<Counts>,
    period: Vec<Counts>,
    zones: Vec<ZoneStats>,
    began: Option<Timestamp>,
    last: Option<Timestamp>,
    peaks: Vec<u64>,
}

impl Stats {
    /// Observes every line and zone of the scene.
    pub fn new(scene: &Scene, probes: &mut Probes, band: f64) -> Self {
        let empty: Vec<Counts> = scene.lines.iter().map(|_| vec![[0, 0]; scene.labels.len()]).collect();
        let anchor = crate::facts::Anchor::Auto;
        Self {
            line_probes: (0..scene.lines.len()).map(|i| probes.line(i, anchor, band)).collect(),
            zone_probes: (0..scene.zones.len()).map(|i| probes.zone(i, anchor)).collect(),
            totals: empty.clone(),
            period: empty,
            zones: vec![ZoneStats::default(); scene.zones.len()],
            began: None,
            last: None,
            peaks: vec![0; scene.zones.len()],
        }
    }

    /// Adds a step; gives the minute that it closes, if any.
    pub fn step(&mut self, facts: &Facts<'_>) -> Option<Value> {
        let (at, scene) = (facts.at, facts.scene);
        let began = *self.began.get_or_insert_with(|| floor(at));
        let last = self.last.replace(at).unwrap_or(at);
        let closed = if at - began >= PERIOD {
            // Who was there until now was there in the old period until its end, and since then in the new one.
            self.stay(floor(at) - last);
            let closed = self.close(scene, began, at);
            self.stay(at - floor(at).max(last));
            Some(closed)
        } else {
            self.stay(at - last);
            None
        };
        for crossing in facts.crossings {
            if let Some(line) = self.line_probes.iter().position(|p| *p == crossing.probe) {
                let (class, way) = (usize::from(crossing.class_id), usize::from(!crossing.rightwards));
                self.totals[line][class][way] += 1;
                self.period[line][class][way] += 1;
            }
        }
        for (zone, probe) in self.zone_probes.iter().enumerate() {
            let present = |f: &&Fact| f.zones[*probe].inside && at - f.last_seen <= PRESENT;
            let inside = facts.visitors(*probe).filter(present).count() as u64;
            let stats = &mut self.zones[zone];
            stats.now = inside;
            stats.peak = stats.peak.max(inside);
            self.peaks[zone] = self.peaks[zone].max(inside);
        }
        closed
    }

    /// The watch ends: nobody is known to be there until the next step.
    pub fn finish(&mut self) {
        self.last = None;
        for stats in &mut self.zones {
            stats.now = 0;
        }
    }

    /// Those inside stayed for `time`; a negative one is none.
    fn stay(&mut self, time: Span) {
        let time = time.ms().max(0) as f64;
        for stats in &mut self.zones {
            stats.weight += stats.now as f64 * time;
        }
    }

    fn close(&mut self, scene: &Scene, began: Timestamp, at: Timestamp) -> Value {
        let until = floor(at);
        let span = (until - began).ms().max(1) as f64;
        let mut zones = Map::new();
        for ((name, _), stats) in scene.zones.iter().zip(&mut self.zones) {
            zones.insert(name.clone(), json!({"mean": stats.weight / span, "peak": stats.peak}));
            stats.weight = 0.0;
            stats.peak = stats.now;
        }
        let lines = counts_json(scene, &self.period);
        for counts in &mut self.period {
            counts.fill([0, 0]);
        }
        self.began = Some(until);
        json!({"from_ms": began.ms(), "until_ms": until.ms(), "lines": lines, "zones": zones})
    }

    /// Counts since the engine began.
    pub fn totals(&self, scene: &Scene) -> Value {
        let mut zones = Map::new();
        for (i, (name, _)) in scene.zones.iter().enumerate() {
            zones.insert(name.clone(), json!({"now": self.zones[i].now, "peak": self.peaks[i]}));
        }
        json!({"lines": counts_json(scene, &self.totals), "zones": zones})
    }
}

fn floor(at: Timestamp) -> Timestamp {
    Timestamp::from_ms(at.ms().div_euclid(PERIOD.ms()) * PERIOD.ms())
}

fn counts_json(scene: &Scene, counts: &[Counts]) -> Value {
    let mut lines = Map::new();
    for ((name, _), by_class) in scene.lines.iter().zip(counts) {
        let mut classes = Map::new();
        for (label, [right, left]) in scene.labels.iter().zip(by_class) {
            if right + left > 0 {
                classes.insert(label.to_string(), json!({"left_to_right": right, "right_to_left": left}));
            }
        }
        lines.insert(name.clone(), Value::Object(classes));
    }
    Value::Object(lines)
}
