//! Anyone of the classes is there: an output for lighting.
//!
//! # What holds
//! At least one subject is inside the zone. It holds for the place as a whole, from the first who comes until `hold`
//! after the last who was seen: one incident, however many come and go. It starts with the first look that shows
//! somebody.
//!
//! # Settings
//! `hold`: how long it goes on after the last one (30 s); it is what `clear_after` is for other kinds.
//!
//! # What it cannot see
//! Who stands in the dark before the lamp is lit: let the zone reach to where there is light, or use a camera with its
//! own. Tracks need two detections, so the slowest reaction is two pictures.

use super::{Context, Defaults, Filter, ROAD_USERS, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::lifecycle::Holds;
use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "presence",
    source: include_str!("presence.rs"),
    definition: Template {
        fr: "Présence dans la zone « {zone} »{after=0s!, depuis {after} au moins}, jusqu'à {hold} après la dernière détection.",
        en: "Presence in the zone \"{zone}\"{after=0s!, for at least {after}}, until {hold} after the last detection.",
    },
    onvif_topic: Some("tns1:RuleEngine/FieldDetector/ObjectsInside"),
    target: Target::Zone,
    defaults: Defaults {
        after: Span::ZERO,
        gap: Span::from_secs(2),
        clear_after: Span::from_secs(30),
        classes: ROAD_USERS,
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
    /// How long it goes on after the last one was seen.
    #[serde(default = "hold")]
    hold: Span,
}

fn hold() -> Span {
    Span::from_secs(30)
}

#[derive(Debug)]
struct Present {
    probe: usize,
    filter: Filter,
    /// Who is there: a buffer that is kept from step to step.
    there: Vec<u64>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    if params.hold < Span::from_secs(1) {
        return Err(Error::config(
            "hold",
            format!("{} would switch off at every missed detection; 1s at least, 30s is usual", params.hold),
        ));
    }
    context.clears_after("hold", params.hold)?;
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    Ok(Box::new(Present { probe, filter: context.take_filter(), there: Vec::new() }))
}

impl Rule for Present {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        self.there.clear();
        let mut since = facts.at;
        for fact in facts.visitors(self.probe).filter(|f| f.seen) {
            // Through and out again between two pictures is presence too.
            let presence = &fact.zones[self.probe];
            if (presence.inside || presence.crossed.is_some()) && self.filter.admits(fact, facts.scene) {
                since = since.min(fact.onset(facts.at));
                self.there.push(fact.id);
            }
        }
        if !self.there.is_empty() {
            holds.hold_place(&self.there, since, &[("present", self.there.len() as f64, Some(1.0))]);
        }
    }
}
