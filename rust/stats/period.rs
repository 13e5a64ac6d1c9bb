//! The accumulators of one period: of fixed size for a view, and they add up.

use super::heat::Heat;
use super::histogram::{Histogram, rounded};
use super::journeys::Matrix;
use crate::rules::Queued;
use crate::scene::Scene;
use crate::time::{Span, Timestamp};
use serde_json::{Map, Value, json};

/// Crossings left to right and right to left, by class.
pub(super) type Counts = Vec<[u64; 2]>;

#[derive(Clone, Debug)]
pub(super) struct LineSums {
    pub(super) counts: Counts,
    /// Speeds of motor vehicles, left to right and right to left.
    pub(super) speeds: [Histogram; 2],
}

#[derive(Clone, Debug)]
pub(super) struct ZoneSums {
    pub(super) peak: u64,
    /// Sum of number times milliseconds: divided by the time watched it is the mean occupancy.
    pub(super) weight: f64,
    pub(super) speeds: Histogram,
}

#[derive(Clone, Debug, Default)]
struct QueueSums {
    /// Sum of vehicles times milliseconds.
    vehicles: f64,
    most: u32,
    /// Sum of metres times milliseconds, and the milliseconds with a length.
    metres: (f64, f64),
    longest_m: f64,
    /// Sum of mean wait times vehicles times milliseconds.
    waited: f64,
    longest_s: f64,
}

/// What a view saw in some stretch of time.
#[derive(Clone, Debug)]
pub(super) struct Period {
    pub(super) began: Option<Timestamp>,
    /// Time between pictures that were near enough to each other.
    watched: f64,
    pub(super) lines: Vec<LineSums>,
    pub(super) zones: Vec<ZoneSums>,
    queues: Vec<QueueSums>,
    pub(super) matrix: Matrix,
    pub(super) heat: Heat,
}

impl Period {
    pub(super) fn new(scene: &Scene, queues: usize, places: usize) -> Self {
        let line = LineSums {
            counts: vec![[0, 0]; scene.labels.len()],
            speeds: [Histogram::new(), Histogram::new()],
        };
        let zone = ZoneSums { peak: 0, weight: 0.0, speeds: Histogram::new() };
        Self {
            began: None,
            watched: 0.0,
            lines: vec![line; scene.lines.len()],
            zones: vec![zone; scene.zones.len()],
            queues: vec![QueueSums::default(); queues],
            matrix: Matrix::new(places),
            heat: Heat::new(scene.aspect),
        }
    }

    /// For `time`, `inside` were in each zone.
    pub(super) fn stay(&mut self, time: Span, inside: &[u64], queued: &[Queued]) {
        let time = time.ms() as f64;
        self.watched += time;
        for (sums, &number) in self.zones.iter_mut().zip(inside) {
            sums.weight += number as f64 * time;
        }
        for (sums, queue) in self.queues.iter_mut().zip(queued) {
            let vehicles = f64::from(queue.vehicles);
            sums.vehicles += vehicles * time;
            sums.waited += queue.mean_s * vehicles * time;
            if let Some(length) = queue.length_m {
                sums.metres.0 += length * time;
                sums.metres.1 += time;
            }
        }
    }

    /// These are there now.
    pub(super) fn peak(&mut self, inside: &[u64], queued: &[Queued]) {
        for (sums, &number) in self.zones.iter_mut().zip(inside) {
            sums.peak = sums.peak.max(number);
        }
        for (sums, queue) in self.queues.iter_mut().zip(queued) {
            sums.most = sums.most.max(queue.vehicles);
            sums.longest_m = sums.longest_m.max(queue.length_m.unwrap_or_default());
            sums.longest_s = sums.longest_s.max(queue.longest_s);
        }
    }

    /// Adds what another stretch of time saw.
    pub(super) fn merge(&mut self, other: &Self) {
        self.began = self.began.or(other.began);
        self.watched += other.watched;
        for (line, more) in self.lines.iter_mut().zip(&other.lines) {
            for (count, more) in line.counts.iter_mut().zip(&more.counts) {
                count[0] += more[0];
                count[1] += more[1];
            }
            for (speeds, more) in line.speeds.iter_mut().zip(&more.speeds) {
                speeds.merge(more);
            }
        }
        for (zone, more) in self.zones.iter_mut().zip(&other.zones) {
            zone.peak = zone.peak.max(more.peak);
            zone.weight += more.weight;
            zone.speeds.merge(&more.speeds);
        }
        for (queue, more) in self.queues.iter_mut().zip(&other.queues) {
            queue.vehicles += more.vehicles;
            queue.most = queue.most.max(more.most);
            queue.metres.0 += more.metres.0;
            queue.metres.1 += more.metres.1;
            queue.longest_m = queue.longest_m.max(more.longest_m);
            queue.waited += more.waited;
            queue.longest_s = queue.longest_s.max(more.longest_s);
        }
        self.matrix.merge(&other.matrix);
        self.heat.merge(&other.heat);
    }

    /// Begins anew at `began`.
    pub(super) fn clear(&mut self, began: Option<Timestamp>) {
        self.began = began;
        self.watched = 0.0;
        for line in &mut self.lines {
            line.counts.fill([0, 0]);
            line.speeds.iter_mut().for_each(Histogram::clear);
        }
        for zone in &mut self.zones {
            (zone.peak, zone.weight) = (0, 0.0);
            zone.speeds.clear();
        }
        self.queues.fill(QueueSums::default());
        self.matrix.clear();
        self.heat.clear();
    }

    /// Everything, until `until`; the heat map only where it is asked for, because it is large.
    pub(super) fn json(&self, names: &Names<'_>, until: Timestamp, heat: bool) -> Value {
        let scene = names.scene;
        let mut out = Map::new();
        let began = self.began.unwrap_or(until);
        out.insert("from_ms".into(), began.ms().into());
        out.insert("until_ms".into(), until.ms().into());
        out.insert("watched_ms".into(), (self.watched as i64).into());
        out.insert("lines".into(), counts_json(scene, self.lines.iter().map(|l| &l.counts)));
        let mean = |weight: f64| rounded(if self.watched > 0.0 { weight / self.watched } else { 0.0 });
        let zones =
            scene.zones.iter().zip(&self.zones).map(|((name, _), sums)| {
                (name.clone(), json!({"mean": mean(sums.weight), "peak": sums.peak}))
            });
        out.insert("zones".into(), zones.collect::<Map<_, _>>().into());
        if scene.ground.is_some() {
            out.insert("speeds".into(), self.speeds_json(scene));
        }
        if !names.queues.is_empty() {
            let queues = names.queues.iter().zip(&self.queues).map(|(name, sums)| {
                let mut queue = json!({
                    "vehicles": {"mean": mean(sums.vehicles), "max": sums.most},
                    "waited_s": {"mean": share(sums.waited, sums.vehicles), "max": rounded(sums.longest_s)},
                });
                if sums.metres.1 > 0.0 {
                    let metres = share(sums.metres.0, sums.metres.1);
                    queue["length_m"] = json!({"mean": metres, "max": rounded(sums.longest_m)});
                }
                (name.clone(), queue)
            });
            out.insert("queues".into(), queues.collect::<Map<_, _>>().into());
        }
        out.insert("journeys".into(), self.matrix.json(names.places));
        if heat {
            out.insert("heat".into(), self.heat.json());
        }
        Value::Object(out)
    }

    fn speeds_json(&self, scene: &Scene) -> Value {
        let (mut lines, mut zones) = (Map::new(), Map::new());
        for ((name, _), sums) in scene.lines.iter().zip(&self.lines) {
            let ways = ["left_to_right", "right_to_left"].into_iter().zip(&sums.speeds);
            let known: Map<_, _> =
                ways.filter_map(|(way, speeds)| Some((way.to_owned(), speeds.json()?))).collect();
            if !known.is_empty() {
                lines.insert(name.clone(), known.into());
            }
        }
        for ((name, _), sums) in scene.zones.iter().zip(&self.zones) {
            if let Some(speeds) = sums.speeds.json() {
                zones.insert(name.clone(), speeds);
            }
        }
        json!({"lines": lines, "zones": zones})
    }
}

/// What the numbers are about.
pub(super) struct Names<'a> {
    pub(super) scene: &'a Scene,
    pub(super) queues: &'a [String],
    pub(super) places: &'a [String],
}

fn share(sum: f64, of: f64) -> f64 {
    rounded(if of > 0.0 { sum / of } else { 0.0 })
}

pub(super) fn counts_json<'a>(scene: &Scene, counts: impl Iterator<Item = &'a Counts>) -> Value {
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
