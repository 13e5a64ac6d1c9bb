//! A rule at work: what it finds to hold becomes transitions, and transitions become events.

use crate::event::{Change, Event, Involved, Measure, Parties, relative};
use crate::facts::{Fact, Facts};
use crate::geometry::BBox;
use crate::lifecycle::{Holds, Key, Lifecycle, Transition};
use crate::rules::{Built, Severity};
use crate::scene::Scene;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::sync::Arc;

/// A rule that runs.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) built: Built,
    pub(crate) lifecycle: Lifecycle,
    /// What is told of active incidents, by key.
    active: Vec<Active>,
    on_duty: bool,
    /// Why incidents end by themselves.
    cleared: Arc<str>,
}

/// What is told of an active incident.
#[derive(Debug)]
struct Active {
    key: Key,
    /// Its subjects as last seen: an incident may outlive them.
    parties: Parties,
    /// What it was when it started.
    severity: Severity,
}

impl Watch {
    pub(crate) fn new(built: Built) -> Self {
        Self {
            lifecycle: Lifecycle::new(built.timing),
            built,
            active: Vec::new(),
            on_duty: true,
            cleared: Arc::from("cleared"),
        }
    }

    /// Number of incidents remembered here or there.
    pub(crate) fn remembered(&self) -> usize {
        self.lifecycle.len() + self.active.len()
    }

    /// Whether the rule runs at the time of `facts`. When its hours are over, what is active ends; nothing that was
    /// before they begin counts.
    fn on_duty(
        &mut self,
        facts: &Facts<'_>,
        transitions: &mut Vec<Transition>,
        holds: &mut Holds,
        events: &mut Vec<Event>,
    ) -> bool {
        let runs = self.built.duty.runs(facts.at);
        if runs && !self.on_duty {
            self.lifecycle.open(facts.at);
        } else if !runs && self.on_duty {
            self.lifecycle.finish(transitions);
            self.built.rule.finish(holds);
            self.publish(facts.at, facts, transitions, holds, Some(&Arc::from("schedule")), events);
        }
        self.on_duty = runs;
        runs
    }

    /// Takes one step: what holds, for how long, and what is to be told of it.
    pub(crate) fn step(
        &mut self,
        facts: &Facts<'_>,
        holds: &mut Holds,
        transitions: &mut Vec<Transition>,
        events: &mut Vec<Event>,
    ) {
        if !self.on_duty(facts, transitions, holds, events) {
            return;
        }
        self.built.rule.observe(facts, holds);
        self.lifecycle.step(facts.at, holds, transitions);
        self.publish(facts.at, facts, transitions, holds, None, events);
        self.lifecycle.forget(facts.gone);
    }

    /// Turns transitions and reports into events.
    pub(crate) fn publish(
        &mut self,
        at: Timestamp,
        facts: &Facts<'_>,
        transitions: &mut Vec<Transition>,
        holds: &mut Holds,
        reason: Option<&Arc<str>>,
        events: &mut Vec<Event>,
    ) {
        for report in holds.reports() {
            let change = if report.last { Change::Ended } else { Change::Updated };
            events.push(Event {
                id: self.built.origin.incident("totals", report.since),
                origin: Arc::clone(&self.built.origin),
                change,
                severity: self.built.duty.severity(at),
                at,
                since: report.since,
                subjects: Parties::new(),
                measured: SmallVec::from_vec(report.measured),
                xyxy: None,
                reason: reason.cloned(),
                moment: false,
            });
        }
        for transition in transitions.drain(..) {
            if transition.change == Change::Started
                && let Some(told) = self.told_already(&transition, facts)
            {
                self.lifecycle.fold(transition.key, told);
                continue;
            }
            let event = self.event(at, facts, transition, reason);
            events.push(event);
        }
    }

    /// The active incident of this rule that is about a box that lies in this subject's, or this one's in that.
    ///
    /// Detectors see a car, the car with the lamp post before it, and its bonnet, in turns: three subjects, one thing
    /// to tell.
    fn told_already(&self, started: &Transition, facts: &Facts<'_>) -> Option<Key> {
        let (Key::Subject(id), false) = (started.key, started.moment) else { return None };
        let fact = facts.subject(id)?;
        self.active.iter().map(|active| active.key).find(|key| {
            let Key::Subject(other) = *key else { return false };
            facts.subject(other).is_some_and(|f| f.group == fact.group && nested(&f.bbox, &fact.bbox))
        })
    }

    fn event(&mut self, at: Timestamp, facts: &Facts<'_>, t: Transition, reason: Option<&Arc<str>>) -> Event {
        let place = self.active.binary_search_by_key(&t.key, |active| active.key);
        let known: &[Involved] = place.map_or(&[], |i| &self.active[i].parties);
        let involved: Parties = t
            .subjects
            .iter()
            .filter_map(|id| {
                let alive = facts.subject(*id).map(|f| involved(f, facts.scene));
                alive.or_else(|| known.iter().find(|k| k.id == *id).cloned())
            })
            .collect();
        let ended = t.change == Change::Ended;
        let severity = match place {
            Ok(i) if ended => self.active.remove(i).severity,
            Ok(i) => {
                self.active[i].parties.clone_from(&involved);
                self.active[i].severity
            }
            Err(i) => {
                let severity = self.built.duty.severity(at);
                if !ended {
                    self.active.insert(i, Active { key: t.key, parties: involved.clone(), severity });
                }
                severity
            }
        };
        let key = match t.key {
            Key::Subject(id) => format!("s{id}"),
            Key::Group(id) => format!("g{id}"),
            Key::Place => "p".to_owned(),
        };
        Event {
            id: self.built.origin.incident(&key, t.since),
            origin: Arc::clone(&self.built.origin),
            change: t.change,
            severity,
            at,
            since: t.since,
            xyxy: hull(&involved),
            subjects: involved,
            moment: t.moment,
            measured: t.measured.into_iter().map(Measure::from).collect(),
            reason: ended.then(|| reason.cloned().unwrap_or_else(|| Arc::clone(&self.cleared))),
        }
    }
}

/// Whether one of two boxes lies almost wholly in the other.
fn nested(a: &BBox, b: &BBox) -> bool {
    a.intersection_area(b) >= 0.8 * a.area().min(b.area())
}

fn involved(fact: &Fact, scene: &Scene) -> Involved {
    Involved {
        id: fact.id,
        class: scene.labels[usize::from(fact.class_id)].clone(),
        xyxy: relative(&fact.bbox, scene.aspect),
        ground: fact.ground.map(|g| [g.x as f32, g.y as f32]),
    }
}

fn hull(involved: &[Involved]) -> Option<[f32; 4]> {
    involved
        .iter()
        .map(|i| i.xyxy)
        .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
}
