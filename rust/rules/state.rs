//! A named state lasts: a bin is full, a gate open, a lamp on.
//!
//! # What holds
//! The signal says so, now. A signal that says `unknown`, says nothing, or has not been reported for `stale` is neither
//! in this state nor in another: it interrupts, and counts for nothing in `votes`.
//!
//! # Settings
//! `signal`: name of the signal. `is`: the state that is watched for. `votes`: for a signal that errs now and then: the
//! state holds when the signal was in it for at least `share` (0.5..1) of the time that is known of the last `within`,
//! and at least half of `within` is known. `stale` (1 min): how long a report is worth something; a detector that has
//! stopped reporting does not keep a state for ever.
//!
//! # What it cannot see
//! Whether the signal is right; and a state that comes and goes between two reports.

use super::{Context, Defaults, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::lifecycle::Holds;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "state",
    source: include_str!("state.rs"),
    definition: Template {
        fr: "Le signal « {signal} » est dans l'état « {is} »{after=0s!, pendant {after} au moins}\
             {votes?, c'est-à-dire pendant une part de {share} au moins du temps connu des {within} précédentes, dont la \
             moitié au moins est connue}. Un signal qui n'a pas été communiqué depuis {stale} est tenu pour inconnu.",
        en: "The signal \"{signal}\" is in the state \"{is}\"{after=0s!, for at least {after}}\
             {votes?, that is for a share of at least {share} of the known time of the last {within}, at least half of \
             which is known}. A signal that has not been reported for {stale} is taken to be unknown.",
    },
    onvif_topic: None,
    target: Target::View,
    defaults: Defaults {
        after: Span::from_secs(10),
        gap: Span::from_secs(5),
        clear_after: Span::from_secs(10),
        classes: &[],
    },
    measurement: false,
    momentary: false,
    needs: &["state"],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Name of the signal.
    signal: String,
    /// The state that is watched for.
    is: String,
    /// For a signal that errs now and then: how much of the time it must say so.
    votes: Option<Votes>,
    /// How long a report is worth something.
    #[serde(default = "stale")]
    stale: Span,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Votes {
    /// Share of the known time.
    #[schemars(range(min = 0.5, max = 1.0))]
    share: f64,
    /// How far back.
    within: Span,
}

fn stale() -> Span {
    Span::from_secs(60)
}

/// What a detector says when it cannot tell.
const UNKNOWN: &str = "unknown";
/// Least share of the time that must be known before votes are counted.
const KNOWN: f64 = 0.5;
/// Most changes that are remembered. A signal that changes more often within its window loses the oldest part of it.
const MOST: usize = 1024;

/// A stretch of time in which the signal said the same.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
    /// Whether it was the state that is watched for; `None` while it was unknown.
    is: Option<bool>,
}

#[derive(Debug)]
struct State {
    params: Params,
    past: VecDeque<Stretch>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    for (key, text) in [("signal", &params.signal), ("is", &params.is)] {
        if text.trim().is_empty() {
            return Err(Error::config(key, "a name is needed"));
        }
    }
    if params.is == UNKNOWN {
        return Err(Error::config("is", "`unknown` is no state: it says that the state could not be told"));
    }
    if params.stale == Span::ZERO {
        return Err(Error::config("stale", "0s would make every report worthless; give a time such as 1min"));
    }
    if let Some(Votes { share, within }) = params.votes {
        if !(0.5..=1.0).contains(&share) {
            return Err(Error::config(
                "votes.share",
                format!("{share} is no majority; give a number in 0.5..1"),
            ));
        }
        if within == Span::ZERO {
            return Err(Error::config(
                "votes.within",
                "0s is no time to look back over; give one such as 30s",
            ));
        }
        context.setting("share", json!(share));
        context.setting("within", json!(within));
    }
    Ok(Box::new(State { params, past: VecDeque::new() }))
}

impl State {
    /// Whether the signal is in the state; `None` if nobody can say.
    fn now(&self, facts: &Facts<'_>) -> Option<bool> {
        let state = facts.signals.get(&self.params.signal)?;
        let reported = *facts.reported.get(&self.params.signal)?;
        (state != UNKNOWN && facts.at - reported <= self.params.stale).then(|| *state == self.params.is)
    }

    /// The share of the known time in which it was, if enough is known.
    fn share(
        &mut self,
        at: Timestamp,
        before: Option<Timestamp>,
        is: Option<bool>,
        within: Span,
    ) -> Option<f64> {
        // What is said now is taken to have been so since the last step.
        let from = before.filter(|_| !self.past.is_empty()).unwrap_or(at);
        if let Some(last) = self.past.back_mut().filter(|last| last.is == is) {
            last.to = at;
        } else {
            if self.past.len() == MOST {
                self.past.pop_front();
            }
            self.past.push_back(Stretch { from, to: at, is });
        }
        let begin = at - within;
        while self.past.front().is_some_and(|oldest| oldest.to < begin) {
            self.past.pop_front();
        }
        let (mut yes, mut known) = (0.0, 0.0);
        for stretch in &self.past {
            let long = (stretch.to - stretch.from.max(begin)).seconds();
            known += if stretch.is.is_some() { long } else { 0.0 };
            yes += if stretch.is == Some(true) { long } else { 0.0 };
        }
        (known >= KNOWN * within.seconds()).then(|| yes / known)
    }
}

impl Rule for State {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let is = self.now(facts);
        match self.params.votes {
            None if is == Some(true) => holds.hold_place(&[], facts.at, &[]),
            None => {}
            Some(Votes { share: least, within }) => {
                if let Some(share) = self.share(facts.at, facts.before, is, within)
                    && share >= least
                {
                    holds.hold_place(&[], facts.at, &[("share", share, Some(least))]);
                }
            }
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.past.clear();
    }
}
