//! A vehicle stands in a zone where it must not.
//!
//! # What holds
//! The middle of the vehicle's footprint is inside the zone and keeps its spot. A vehicle that was already there when
//! the watch began counts from then on. Headlights, rain or a passer-by in front of it do not restart the clock; a
//! lorry that hides it for less than `gap` does not either.
//!
//! # Settings
//! `after`: how long it may stand (2 min).
//!
//! # What it cannot see
//! Whether anybody is in the vehicle, and why it stands. A vehicle hidden for longer than `gap` counts anew.

use super::{Context, Defaults, Filter, Rule, RuleSpec, Target, VEHICLES, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::lifecycle::Holds;
use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "parking",
    source: include_str!("parking.rs"),
    definition: Template {
        fr: "Véhicule à l'arrêt dans la zone « {zone} » pendant {after} au moins.",
        en: "A vehicle stands in the zone \"{zone}\" for at least {after}.",
    },
    onvif_topic: Some("tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering"),
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_secs(120),
        gap: Span::from_secs(30),
        clear_after: Span::from_secs(20),
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
struct Params {}

#[derive(Debug)]
struct Parking {
    probe: usize,
    filter: Filter,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let Params {} = context.params(own)?;
    if context.timing.after == Span::ZERO {
        return Err(Error::config(
            "after",
            "every vehicle that passes stands for no time at all; say how long is too long",
        ));
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    Ok(Box::new(Parking { probe, filter: context.take_filter() }))
}

impl Rule for Parking {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        for fact in facts.visitors(self.probe).filter(|f| f.seen && f.zones[self.probe].inside) {
            if let Some(since) = fact.still_since
                && self.filter.admits(fact, facts.scene)
            {
                holds.hold_since(fact.id, since, &[]);
            }
        }
    }
}
