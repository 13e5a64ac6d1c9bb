//! A piece of the reference scene is gone.
//!
//! # What holds
//! Those who compare the picture with the reference scene find that something is missing in the zone (class
//! `missing_object`): its middle lies in the zone, it keeps its spot, and nobody stands before it. While a person or a
//! vehicle covers a tenth of it or more it may be hidden rather than gone, and the clock waits: for `gap` at most, then
//! it starts anew.
//!
//! # Settings
//! `after`: how long it must be gone (20 s). `gap`: how long it may be covered. `min_size`: least height of the gap that it
//! leaves.
//!
//! # What it cannot see
//! What was taken: only that something is no longer there. Who took it. What stood there for less time than the reference
//! scene takes to learn.

use super::{Context, Defaults, Filter, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::detection::Group;
use crate::error::{Error, Result};
use crate::facts::{Fact, Facts, PRESENT, SETTLE};
use crate::lifecycle::Holds;
use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "removed_object",
    source: include_str!("removed_object.rs"),
    definition: Template {
        fr: "Un élément de la scène de référence n'est plus à sa place dans la zone « {zone} » depuis {after} au moins, sans \
             qu'une personne ou un véhicule en masque une part de {covered} ou plus.",
        en: "A piece of the reference scene has been gone from its place in the zone \"{zone}\" for at least {after}, no \
             person or vehicle hiding a share of {covered} or more of it.",
    },
    onvif_topic: None,
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_secs(20),
        gap: Span::from_secs(10),
        clear_after: Span::from_secs(10),
        classes: &["missing_object"],
    },
    measurement: false,
    momentary: false,
    needs: &["background"],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {}

/// Share of the place that somebody must hide before it cannot be told what is missing. More waits less often; less takes a
/// person who stands before a thing for its absence, for the detector of people never draws their outline.
const COVERED: f64 = 0.1;

#[derive(Debug)]
struct Removed {
    probe: usize,
    filter: Filter,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let Params {} = context.params(own)?;
    if context.timing.after == Span::ZERO {
        return Err(Error::config(
            "after",
            "whoever passes in front hides everything for a moment; say how long it must be gone",
        ));
    }
    context.setting("covered", json!(COVERED));
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    Ok(Box::new(Removed { probe, filter: context.take_filter() }))
}

/// Whether somebody hides it, or the detector has just lost them who did.
fn is_covered(missing: &Fact, facts: &Facts<'_>) -> bool {
    let hides = |f: &&Fact| matches!(f.group, Group::Person | Group::Cycle | Group::Vehicle | Group::Animal);
    facts
        .subjects
        .iter()
        .filter(|f| facts.at - f.last_seen <= PRESENT && f.id != missing.id)
        .filter(hides)
        .any(|f| f.bbox.intersection_area(&missing.bbox) >= COVERED * missing.bbox.area())
}

impl Rule for Removed {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        for fact in facts.visitors(self.probe).filter(|f| f.seen && f.zones[self.probe].inside) {
            let Some(still_since) = fact.still_since else { continue };
            if self.filter.admits(fact, facts.scene) && !is_covered(fact, facts) {
                // It has kept its spot for as long as it takes to see that it does, but may have been covered before.
                holds.hold(fact.id, still_since.max(facts.at - SETTLE), &[]);
            }
        }
    }
}
