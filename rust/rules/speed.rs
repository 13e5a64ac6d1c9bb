//! A subject drives faster over the ground than allowed, by more than the measurement may be off.
//!
//! # What holds
//! Inside the zone the subject's ground speed, less the bound of its error, is above `above`. The speed is the slope of
//! its places on the ground over the last 0.75 to two seconds; it needs three of them, at least 120 ms apart, and both
//! halves of that time must agree with the whole, so that a jump of the box or another vehicle taken for this one is no
//! speed. Boxes that the picture's border cuts do not count.
//!
//! The bound (`error_kmh`) takes both ends of the way as far off as they may be: 3 % of the body size for the tremble of
//! the box, and the error of the calibration there (a picture's thousandth, and the misfit of its points); to that it
//! adds twice the deviation by the scatter in between. Far from the camera it grows with the square of the distance, and
//! the rule tells less.
//!
//! For statistics and alerts, never for sanctions: no certified instrument is at work here.
//!
//! # Settings
//! `above`: the speed, such as `"60 km/h"`. A calibrated view is needed.
//!
//! # What it cannot see
//! Metres that are wrong in the calibration itself: with four points nothing contradicts them; give six or more, and
//! drive through once at a known speed. A slope in the road. Speed in less than a second of sight.

use super::{Context, Defaults, Filter, Rule, RuleSpec, Target, VEHICLES, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::lifecycle::Holds;
use crate::quantity::Speed as Quantity;
use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "speed",
    source: include_str!("speed.rs"),
    definition: Template {
        fr: "Vitesse au sol dans la zone « {zone} », diminuée de sa marge d'erreur, supérieure à {above}{after=0s!, pendant {after} au moins}, \
             mesurée sur 0,75 s au moins et 2 s au plus. Pour la statistique et l'alerte, jamais pour la sanction.",
        en: "Ground speed in the zone \"{zone}\", less the bound of its error, above {above}{after=0s!, for at least {after}}, \
             measured over 0.75 s at least and 2 s at most. For statistics and alerts, never for sanctions.",
    },
    onvif_topic: Some("tns1:RuleEngine/SpeedDetector/Speed"),
    target: Target::Zone,
    defaults: Defaults {
        after: Span::ZERO,
        gap: Span::from_secs(1),
        clear_after: Span::from_secs(2),
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
struct Params {
    /// The speed from which on it holds.
    above: Quantity,
}

#[derive(Debug)]
struct Speed {
    probe: usize,
    filter: Filter,
    /// m/s.
    above: f64,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    context.calibrated()?;
    let Quantity::MetresPerSecond(above) = params.above else {
        return Err(Error::config(
            "above",
            format!("`{}` is no speed over the ground; write it as \"60 km/h\"", params.above),
        ));
    };
    if above <= 0.0 {
        return Err(Error::config("above", "everybody is faster than 0; write it as \"60 km/h\""));
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    Ok(Box::new(Speed { probe, filter: context.take_filter(), above }))
}

const KMH: f64 = 3.6;

impl Rule for Speed {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        for fact in facts.visitors(self.probe).filter(|f| f.seen && f.zones[self.probe].inside) {
            if let Some(pace) = fact.pace
                && pace.speed - pace.error > self.above
                && self.filter.admits(fact, facts.scene)
            {
                let speed = ("speed_kmh", pace.speed * KMH, Some(self.above * KMH));
                holds.hold(fact.id, facts.at, &[speed, ("error_kmh", pace.error * KMH, None)]);
            }
        }
    }
}
