//! Other rules of the view start one after the other, in a given order and within a given time.
//!
//! # What holds
//! Every rule named in `steps` has started an alert, in this order, the last at most `within` after the first, and the
//! rule named in `unless` has not started in between. What counts is the moment of a passage (a line crossed, a zone
//! entered), and otherwise the moment at which the alert started. Two who pass a gate one behind the other are
//! `steps: [gate, gate]` with `same_subject: false`.
//!
//! # Settings
//! `steps`: names of two or more rules of the view, in order; a rule may come twice, and then two alerts of it are
//! needed. `within`: longest time from the first to the last. `same_subject` (true): somebody takes part in all of
//! them; with false anybody may, but the alerts of one and the same rule must be about different subjects. `unless`:
//! name of a rule whose start in between ends the sequence: about the same subject, if that is asked for and the rule is
//! about anybody.
//!
//! # What it cannot see
//! Alerts that another rule's `cooldown` or `max_per_hour` keeps silent, and rules that are switched off. A sequence
//! cannot be a step of another. Who leaves the picture between two steps and comes back is somebody else.

use super::{Context, Defaults, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::event::{Change, Event};
use crate::facts::Facts;
use crate::lifecycle::{Holds, Subjects};
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "sequence",
    source: include_str!("sequence.rs"),
    definition: Template {
        fr: "Déclenchement des règles suivantes l'une après l'autre, dans cet ordre : {steps}, la dernière {within} au plus \
             après la première{same_subject?, par un même sujet}{same_subject!, par le même sujet ou non, une même règle \
             étant déclenchée chaque fois par un autre}{unless?, sans déclenchement de la règle « {unless} » dans \
             l'intervalle{same_subject? par ce sujet}}.",
        en: "The following rules start one after the other, in this order: {steps}, the last at most {within} after the \
             first{same_subject?, by the same subject}{same_subject!, by the same subject or not, one rule by another \
             subject each time}{unless?, and the rule \"{unless}\" does not start in between{same_subject? by that subject}}.",
    },
    onvif_topic: None,
    target: Target::View,
    defaults: Defaults { after: Span::ZERO, gap: Span::ZERO, clear_after: Span::ZERO, classes: &[] },
    measurement: false,
    momentary: true,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Names of the rules that must start, in order.
    #[schemars(length(min = 2, max = 16))]
    steps: Vec<String>,
    /// Longest time from the first start to the last.
    within: Span,
    /// Whether somebody takes part in all of them.
    #[serde(default = "yes")]
    same_subject: bool,
    /// Name of a rule whose start in between ends the sequence.
    unless: Option<String>,
}

fn yes() -> bool {
    true
}

/// More steps than anybody can keep in mind.
const MOST_STEPS: usize = 16;
/// Most sequences on their way at a time; beyond it the oldest is given up. Bounds memory where the first step starts
/// all the time.
const MOST: usize = 256;

/// A sequence on its way.
#[derive(Debug)]
struct Course {
    /// Number of steps done.
    done: usize,
    first: Timestamp,
    last: Timestamp,
    /// Who takes part in all steps so far, or in any of them, as is asked for.
    subjects: Subjects,
    /// Who took part in which step, where one rule comes twice.
    apart: Vec<Subjects>,
}

#[derive(Debug)]
struct Sequence {
    params: Params,
    /// By their beginning.
    courses: Vec<Course>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    if !(2..=MOST_STEPS).contains(&params.steps.len()) {
        return Err(Error::config(
            "steps",
            format!("{} names; a sequence has 2 to {MOST_STEPS} steps", params.steps.len()),
        ));
    }
    if params.within == Span::ZERO {
        return Err(Error::config(
            "within",
            "0s leaves no time between the steps; say how long they may take",
        ));
    }
    if let Some(unless) = &params.unless
        && params.steps.contains(unless)
    {
        return Err(Error::config(
            "unless",
            format!("`{unless}` is one of the steps: it would end what it continues"),
        ));
    }
    Ok(Box::new(Sequence { params, courses: Vec::new() }))
}

/// When the event counts: a passage when it happened, an alert when it started.
fn moment(event: &Event) -> Timestamp {
    if event.moment { event.since } else { event.at }
}

fn takes_part(event: &Event, subjects: &[u64]) -> bool {
    event.subjects.iter().any(|s| subjects.contains(&s.id))
}

impl Course {
    fn begin(event: &Event) -> Self {
        let subjects: Subjects = event.subject_ids();
        let at = moment(event);
        Self { done: 1, first: at, last: at, apart: vec![subjects.clone()], subjects }
    }

    /// Whether the event can be the next step.
    fn admits(&self, event: &Event, params: &Params) -> bool {
        let at = moment(event);
        let in_time = at >= self.last && at - self.first <= params.within;
        in_time
            && params.steps[self.done] == event.origin.rule
            && if params.same_subject {
                takes_part(event, &self.subjects)
            } else {
                let same_rule =
                    params.steps.iter().zip(&self.apart).filter(|(step, _)| **step == event.origin.rule);
                same_rule.into_iter().all(|(_, subjects)| !takes_part(event, subjects))
            }
    }

    fn take(&mut self, event: &Event, params: &Params) {
        self.done += 1;
        self.last = moment(event);
        if params.same_subject {
            self.subjects.retain(|id| event.subjects.iter().any(|s| s.id == *id));
        } else {
            let ids: Subjects = event.subject_ids();
            self.subjects
                .extend(ids.iter().copied().filter(|id| !self.apart.iter().flatten().any(|a| a == id)));
            self.apart.push(ids);
        }
    }
}

impl Sequence {
    /// A rule started: sequences go on, end or begin.
    fn started(&mut self, event: &Event, holds: &mut Holds) {
        let Self { params, courses } = self;
        if params.unless.as_deref() == Some(event.origin.rule.as_str()) {
            let anybody = !params.same_subject || event.subjects.is_empty();
            courses.retain(|c| !(anybody || takes_part(event, &c.subjects)));
            return;
        }
        let all = params.steps.len();
        for course in courses.iter_mut() {
            if course.admits(event, params) {
                course.take(event, params);
            }
        }
        // Where anybody may take part, only the nearest beginning is told: what began before it has been overtaken.
        let complete = courses.iter().rev().filter(|c| c.done == all);
        for course in complete.take(if params.same_subject { MOST } else { 1 }) {
            let took = (course.last - course.first).seconds();
            let measured = [("took_s", took, Some(params.within.seconds()))];
            holds.once_together(&course.subjects, course.first, &measured);
        }
        courses.retain(|c| c.done < all);
        if params.steps[0] == event.origin.rule {
            let fresh = Course::begin(event);
            if params.same_subject {
                // They have begun anew.
                courses.retain(|c| c.done > 1 || c.subjects != fresh.subjects);
            }
            if courses.len() == MOST {
                courses.remove(0);
            }
            courses.push(fresh);
        }
    }
}

impl Rule for Sequence {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let starts = || facts.told.iter().filter(|e| e.change == Change::Started);
        // In the order in which they happened; of one moment, what ends a sequence first.
        let params = &self.params;
        let concerns = |e: &&Event| {
            params.steps.contains(&e.origin.rule) || params.unless.as_deref() == Some(e.origin.rule.as_str())
        };
        let mut events: smallvec::SmallVec<[&Event; 8]> = starts().filter(concerns).collect();
        let ends = |e: &Event| params.unless.as_deref() == Some(e.origin.rule.as_str());
        events.sort_by_key(|e| (moment(e), !ends(e)));
        for event in events {
            self.started(event, holds);
        }
        let (within, same) = (self.params.within, self.params.same_subject);
        let is_gone = |id: &u64| facts.gone.binary_search(id).is_ok();
        self.courses.retain(|c| facts.at - c.first <= within && !(same && c.subjects.iter().all(is_gone)));
    }

    fn finish(&mut self, _: &mut Holds) {
        self.courses.clear();
    }

    fn reads(&self) -> Vec<(String, &str)> {
        let steps =
            self.params.steps.iter().enumerate().map(|(i, name)| (format!("steps[{i}]"), name.as_str()));
        steps.chain(self.params.unless.as_deref().map(|name| ("unless".to_owned(), name))).collect()
    }

    fn accepts(&self, key: &str, spec: &RuleSpec) -> Result<()> {
        let of_nobody = spec.target == Target::View && spec.defaults.classes.is_empty();
        if self.params.same_subject && of_nobody && key != "unless" {
            return Err(Error::config(
                "same_subject",
                format!(
                    "a rule of the kind {} is about nobody: it needs `same_subject: false` here",
                    spec.kind
                ),
            ));
        }
        Ok(())
    }
}
