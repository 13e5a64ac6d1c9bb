//! Two road users cross each other's path with hardly any time in between.
//!
//! # What holds
//! The paths of two road users, as they were really taken on the ground, cross at 30° or more, and the second arrives
//! where they cross less than `gap_time` after the first has left: the post-encroachment time (B. L. Allen, B. T. Shin
//! and P. J. Cooper, *Analysis of traffic conflicts and collisions*, Transportation Research Record 667, 1978; FHWA,
//! *Surrogate Safety Assessment Model*, 2008). Leaving and arriving are those of footprints of the size that is usual
//! for the class (a car 4.4 by 1.8 m), not of points. Measured: `gap_s`, 0 if both were there at once.
//!
//! Nothing is predicted, so a box that trembles cannot do it: each of the two must have been followed for a second,
//! must move (1.8 km/h at least) when it is where the paths cross, and one of them at 9 km/h or more; one of them is not
//! on foot. Those who go the same way (a queue, people who walk together, a rider and the bicycle) do not cross at 30°;
//! who stands or parks has no path. A rider or driver counts with the vehicle. Boxes that the picture's border cuts do
//! not count. A pair is told once in 10 s.
//!
//! For statistics on where a street is dangerous: it says nothing of anybody's fault.
//!
//! # Settings
//! `gap_time`: longest time between leaving and arriving (1 s; below 1 s is what the literature calls serious). A
//! calibrated view is needed.
//!
//! # What it cannot see
//! Somebody who brakes so hard that the paths never cross, and conflicts along one lane (rear-end, head-on). Faults of
//! the calibration move both paths; at 20 m/s a metre is 0.05 s. Road users that hide one another.

use super::common::footprint;
use super::{Context, Defaults, Filter, ROAD_USERS, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::detection::Group;
use crate::error::{Error, Result};
use crate::facts::{Fact, Facts};
use crate::lifecycle::Holds;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trail::{Reach, Sample, Trail};

mod trail;

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "near_miss",
    source: include_str!("near_miss.rs"),
    definition: Template {
        fr: "Deux usagers de la voie, dont un au moins n'est pas à pied, dont les trajectoires se croisent dans la zone « {zone} » sous 30° au moins, \
             l'un à 9 km/h ou plus et l'autre à 1,8 km/h ou plus, le second arrivant au point de croisement moins de {gap_time} après le départ \
             du premier (temps post-empiétement). Ne dit rien des responsabilités.",
        en: "Two road users, at least one of them not on foot, whose paths cross in the zone \"{zone}\" at 30° or more, one at 9 km/h or more \
             and the other at 1.8 km/h or more, the second arriving where they cross less than {gap_time} after the first has left \
             (post-encroachment time). Says nothing of anybody's fault.",
    },
    onvif_topic: None,
    target: Target::Zone,
    defaults: Defaults { after: Span::ZERO, gap: Span::ZERO, clear_after: Span::ZERO, classes: ROAD_USERS },
    measurement: false,
    momentary: true,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Longest time between the first one's leaving and the second one's arriving; 3 s at most.
    #[serde(default = "gap_time")]
    gap_time: Span,
}

fn gap_time() -> Span {
    Span::from_secs(1)
}

/// Longer gaps are ordinary traffic, and paths are not remembered for longer.
const LONGEST_GAP: Span = Span::from_secs(3);
/// The slower one moves at least this fast, m/s: slower, and its direction is that of the tremble.
const MOVES: f64 = 0.5;
/// The faster one, m/s: below it, those who squeeze past each other at a crossing would count.
const DRIVES: f64 = 2.5;
/// Sine of the least angle between the paths (30°): below it one follows or overtakes the other.
const LEAST_SINE: f64 = 0.5;
/// Each must have been followed for this long.
const FOLLOWED: Span = Span::from_secs(1);
/// A pair is told once in this time.
const REST: Span = Span::from_secs(10);
/// Whose velocities differ by less than this, in m/s, and whose boxes lie in each other, goes with the other.
const TOGETHER: f64 = 1.5;

#[derive(Debug)]
struct NearMiss {
    probe: usize,
    filter: Filter,
    gap_time: Span,
    /// By subject.
    trails: Vec<Trail>,
    /// Pairs that were told, lower id first.
    told: Vec<(u64, u64, Timestamp)>,
    room: Room,
}

/// Buffers that are kept from step to step.
#[derive(Debug, Default)]
struct Room {
    /// Where each trail reaches, and where each newest step does.
    trails: Vec<Reach>,
    steps: Vec<Reach>,
    /// Trails that the sweep is over.
    active: Vec<Reach>,
    found: Vec<Found>,
    spare: Vec<Vec<Sample>>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    context.calibrated()?;
    if params.gap_time <= Span::ZERO || params.gap_time > LONGEST_GAP {
        return Err(Error::config(
            "gap_time",
            format!("{}: give more than 0 and {LONGEST_GAP} at most; 1s is usual", params.gap_time),
        ));
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    Ok(Box::new(NearMiss {
        probe,
        filter: context.take_filter(),
        gap_time: params.gap_time,
        trails: Vec::new(),
        told: Vec::new(),
        room: Room::default(),
    }))
}

/// Two road users who were where their paths cross with little time in between.
#[derive(Debug)]
struct Found {
    pair: (u64, u64),
    /// When the second was there.
    at: Timestamp,
    gap_s: f64,
}

/// Whether the subject is carried by another, or is a part of it: a rider, a driver, a box within a box.
fn goes_with(fact: &Fact, other: &Fact) -> bool {
    let (Some(v), Some(w)) = (fact.velocity, other.velocity) else { return false };
    let (a, b) = (&fact.bbox, &other.bbox);
    fact.id != other.id && v.distance(w) <= TOGETHER && a.intersection_area(b) >= 0.3 * a.area().min(b.area())
}

/// Whether a vehicle or cycle carries this person: it counts for both.
fn rides(fact: &Fact, facts: &Facts<'_>) -> bool {
    let carries = |f: &&Fact| matches!(f.group, Group::Cycle | Group::Vehicle);
    fact.group == Group::Person && facts.subjects.iter().filter(carries).any(|f| goes_with(fact, f))
}

impl NearMiss {
    /// Adds this step's places to the trails.
    fn follow(&mut self, facts: &Facts<'_>) {
        let (probe, spare) = (self.probe, &mut self.room.spare);
        for fact in facts.visitors(probe).filter(|f| f.seen && f.zones[probe].inside) {
            let (Some(place), Some(velocity)) =
                (footprint::middle(fact, facts.scene), fact.latest_velocity())
            else {
                continue;
            };
            let moves = velocity.norm() >= MOVES && !fact.is_cut(facts.scene.aspect);
            if !moves || !self.filter.class(fact.class_id) {
                continue;
            }
            let sample = Sample { at: facts.at, place, velocity };
            match self.trails.binary_search_by_key(&fact.id, |t| t.subject) {
                Ok(i) => self.trails[i].push(sample),
                Err(i) => {
                    let on_foot = matches!(fact.group, Group::Person | Group::Animal);
                    let list = spare.pop().unwrap_or_default();
                    self.trails.insert(i, Trail::new(fact.id, (on_foot, fact.first), sample, list));
                }
            }
        }
        self.trails.retain_mut(|trail| {
            let stays = trail.fade(facts.at) && facts.gone.binary_search(&trail.subject).is_err();
            if !stays {
                spare.push(trail.give_up());
            }
            stays
        });
        let at = facts.at;
        self.told.retain(|(_, _, when)| at - *when <= REST);
    }

    /// Finds who is where another has just been: goes through all newest steps and all trails from left to right.
    fn sweep(&self, facts: &Facts<'_>, room: &mut Room) {
        room.trails.clear();
        room.steps.clear();
        room.active.clear();
        room.found.clear();
        for (i, trail) in self.trails.iter().enumerate() {
            room.trails.push(Reach::whole(i, trail));
            room.steps.extend(Reach::step(i, trail, facts.at));
        }
        let order = |a: &Reach, b: &Reach| a.left.total_cmp(&b.left).then(a.trail.cmp(&b.trail));
        room.trails.sort_unstable_by(order);
        room.steps.sort_unstable_by(order);
        let mut next = 0;
        for step in &room.steps {
            while next < room.trails.len() && room.trails[next].left <= step.right {
                room.active.push(room.trails[next]);
                next += 1;
            }
            // Steps come from left to right: who ends before this one ends before all others.
            room.active.retain(|trail| trail.right >= step.left);
            for reach in room.active.iter().filter(|r| r.trail != step.trail && r.overlaps(step)) {
                room.found.extend(self.meet(&self.trails[reach.trail], &self.trails[step.trail], facts));
            }
        }
    }

    /// Whether `second` now is where `first` has just been.
    fn meet(&self, first: &Trail, second: &Trail, facts: &Facts<'_>) -> Option<Found> {
        if first.on_foot && second.on_foot {
            return None;
        }
        let (was, is, since) = second.meets(first, facts.at)?;
        let (before, now) = (was.velocity, is.velocity);
        let (v, w) = (before.norm(), now.norm());
        let sine = before.cross(now).abs() / (v * w);
        let followed = was.at - first.began >= FOLLOWED && is.at - second.began >= FOLLOWED;
        // Written so that NaN fails the comparison.
        if !(followed && v.min(w) >= MOVES && v.max(w) >= DRIVES && sine >= LEAST_SINE) {
            return None;
        }
        let (one, other) = (facts.subject(first.subject)?, facts.subject(second.subject)?);
        let size = |f: &Fact| footprint::size(&facts.scene.labels[usize::from(f.class_id)], f.group);
        let ((one_long, one_wide), (other_long, other_wide)) = (size(one), size(other));
        let half_across = |wide: f64| 0.5 * wide / sine;
        let clear = 0.5 * one_long + half_across(other_wide);
        let left = since.iter().find(|s| s.place.distance(was.place) >= clear).map(|s| {
            // It left on the way to that place.
            let beyond = s.place.distance(was.place) - clear;
            s.at - Span::from_ms((beyond / s.velocity.norm().max(MOVES) * 1000.0) as i64)
        });
        let still_moves = since.last().is_some_and(|s| facts.at - s.at < FOLLOWED);
        let gap_s = match left {
            Some(left) => (is.at - left).seconds() - (0.5 * other_long + half_across(one_wide)) / w,
            // Not gone from there yet: both are there at once, unless it has stopped.
            None if still_moves => 0.0,
            None => return None,
        };
        let counts = gap_s < self.gap_time.seconds()
            && [one, other].iter().all(|f| self.filter.admits(f, facts.scene) && !rides(f, facts))
            && !goes_with(one, other);
        let pair = (one.id.min(other.id), one.id.max(other.id));
        counts.then(|| Found { pair, at: is.at, gap_s: gap_s.max(0.0) })
    }
}

impl Rule for NearMiss {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        self.follow(facts);
        if self.trails.iter().all(|t| t.on_foot) {
            return;
        }
        let mut room = std::mem::take(&mut self.room);
        self.sweep(facts, &mut room);
        for found in &room.found {
            let (a, b) = found.pair;
            if self.told.iter().any(|(c, d, _)| (a, b) == (*c, *d)) {
                continue;
            }
            self.told.push((a, b, facts.at));
            let gap = ("gap_s", found.gap_s, Some(self.gap_time.seconds()));
            holds.once_together(&[a, b], found.at, &[gap]);
        }
        self.room = room;
    }

    fn finish(&mut self, _: &mut Holds) {
        self.trails.clear();
        self.told.clear();
    }
}
