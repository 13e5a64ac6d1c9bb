//! A subject is in a zone where it should not be.
//!
//! # What holds
//! The subject's reference point (feet of a person, middle of a vehicle's footprint) is inside the zone. Once inside,
//! it counts as outside only when it is a little beyond the border, and back inside only when it is well inside, has
//! stayed there for a second or had gone away, so that a trembling box does not flicker. The path between two pictures
//! counts: a runner who crosses a thin zone between them was inside. So does the picture's border: who comes in over it
//! into the zone has entered, and who goes out over it and is gone for a second has left.
//!
//! # Settings
//! `on`: `inside` (default; holds as long as somebody is inside), `enter` or `leave` (the moment of passing the
//! border). `inverse`: true to watch everything outside the zone. `overlap`: share of the box, 0..1, that must lie in
//! the zone, instead of the reference point.
//!
//! # What it cannot see
//! Feet hidden behind a wall or a car: the box then ends higher, and the reference point lies further away.

use super::{Context, Defaults, Filter, PEOPLE, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Fact, Facts};
use crate::lifecycle::Holds;
use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "intrusion",
    source: include_str!("intrusion.rs"),
    definition: Template {
        fr: "{on=inside?Présence {inverse?hors de}{inverse!dans} la zone « {zone} »{overlap? pour {overlap} au moins de la boîte}\
             {after=0s!, pendant {after} au moins}.}{on=enter?Entrée dans la zone « {zone} ».}{on=leave?Sortie de la zone « {zone} ».}",
        en: "{on=inside?Presence {inverse?outside}{inverse!inside} the zone \"{zone}\"{overlap? with at least {overlap} of the box}\
             {after=0s!, for at least {after}}.}{on=enter?Entering the zone \"{zone}\".}{on=leave?Leaving the zone \"{zone}\".}",
    },
    onvif_topic: Some("tns1:RuleEngine/FieldDetector/ObjectsInside"),
    target: Target::Zone,
    defaults: Defaults {
        after: Span::ZERO,
        gap: Span::from_secs(3),
        clear_after: Span::from_secs(3),
        classes: PEOPLE,
    },
    measurement: false,
    momentary: false,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

/// When it fires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum On {
    /// As long as somebody is inside.
    #[default]
    Inside,
    /// When somebody comes in.
    Enter,
    /// When somebody goes out.
    Leave,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// `inside`, `enter` or `leave`.
    #[serde(default)]
    on: On,
    /// Watch everything outside the zone.
    #[serde(default)]
    inverse: bool,
    /// Share of the box that must lie in the zone, instead of the reference point.
    #[schemars(range(min = 0.01, max = 1.0))]
    overlap: Option<f64>,
}

#[derive(Debug)]
struct Intrusion {
    probe: usize,
    zone: usize,
    after: Span,
    filter: Filter,
    params: Params,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    let zone = context.zone.unwrap_or_default();
    if params.on != On::Inside {
        if context.timing.after > Span::ZERO {
            return Err(Error::config(
                "after",
                "passing the border happens in a moment: nothing to wait for",
            ));
        }
        if params.inverse || params.overlap.is_some() {
            let key = if params.inverse { "inverse" } else { "overlap" };
            return Err(Error::config(key, "goes with `on: inside` only"));
        }
    }
    if params.overlap.is_some_and(|o| !(0.01..=1.0).contains(&o)) {
        return Err(Error::config(
            "overlap",
            "the share of the box that must lie in the zone is a number in 0.01..1",
        ));
    }
    let probe = context.probes.zone(zone, context.anchor);
    Ok(Box::new(Intrusion {
        probe,
        zone,
        after: context.timing.after,
        filter: context.take_filter(),
        params,
    }))
}

impl Intrusion {
    fn inside(&self, fact: &Fact, facts: &Facts<'_>, holds: &mut Holds) {
        let presence = &fact.zones[self.probe];
        if let Some(least) = self.params.overlap {
            let zone = &facts.scene.zones[self.zone].1;
            let share = zone.overlap(&fact.bbox);
            let measured = [("overlap", share, Some(least))];
            if (share >= least) != self.params.inverse {
                holds.hold(fact.id, fact.onset(facts.at), &measured);
            }
        } else if self.params.inverse {
            if !presence.inside {
                holds.hold(fact.id, presence.since.max(fact.first), &[]);
            }
        } else if presence.inside {
            holds.hold(fact.id, presence.since, &[]);
        } else if let Some((into, out)) = presence.crossed
            && out - into >= self.after
        {
            // Inside between two pictures only, for longer than asked.
            holds.hold(fact.id, into, &[]);
        }
    }
}

impl Rule for Intrusion {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        for fact in facts.subjects.iter().filter(|f| self.filter.admits(f, facts.scene)) {
            let presence = &fact.zones[self.probe];
            let crossed = presence.crossed;
            match self.params.on {
                On::Inside => {
                    // Not seen, but known to have gone through: out of the picture.
                    if fact.seen || (crossed.is_some() && !self.params.inverse) {
                        self.inside(fact, facts, holds);
                    }
                }
                On::Enter if presence.entered && !presence.appeared => {
                    holds.once(fact.id, presence.since, &[]);
                }
                On::Leave if presence.left => holds.once(fact.id, presence.since, &[]),
                On::Enter => crossed.into_iter().for_each(|(into, _)| holds.once(fact.id, into, &[])),
                On::Leave => crossed.into_iter().for_each(|(_, out)| holds.once(fact.id, out, &[])),
            }
        }
    }
}
