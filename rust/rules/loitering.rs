//! A subject stays in a zone for longer than agreed.
//!
//! # What holds
//! The subject's reference point is inside the zone, moving about or standing. The time goes on when the detector
//! misses it for a moment, when its track is lost and found again, and from the first picture if it was already there.
//!
//! # Settings
//! `after`: how long (60 s). `radius`: it must also keep within this distance of one spot (metres or body sizes); who
//! wanders further starts anew. `forgive_exit`: stepping out of the zone for less than this does not restart the clock.
//!
//! # What it cannot see
//! Whether somebody waits, works or rests: it measures time and place only. Who leaves the picture and comes
//! back is new.

use super::{Context, Defaults, Filter, PEOPLE, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Fact, Facts};
use crate::geometry::Point;
use crate::lifecycle::Holds;
use crate::quantity::Length;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "loitering",
    source: include_str!("loitering.rs"),
    definition: Template {
        fr: "Présence d'une même personne ou d'un même objet dans la zone « {zone} » pendant {after} au moins\
             {radius?, sans s'éloigner de plus de {radius}}{forgive_exit?, une sortie de moins de {forgive_exit} étant ignorée}.",
        en: "The same person or object stays in the zone \"{zone}\" for at least {after}\
             {radius?, without moving further than {radius}}{forgive_exit?, leaving for less than {forgive_exit} does not count}.",
    },
    onvif_topic: Some("tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering"),
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_secs(60),
        gap: Span::from_secs(4),
        clear_after: Span::from_secs(5),
        classes: PEOPLE,
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
    /// Furthest distance from one spot.
    radius: Option<Length>,
    /// Longest forgiven absence from the zone.
    forgive_exit: Option<Span>,
}

/// Where a subject has been keeping.
#[derive(Debug)]
struct Spot {
    subject: u64,
    place: Point,
    since: Timestamp,
    last: Timestamp,
}

#[derive(Debug)]
struct Loitering {
    probe: usize,
    filter: Filter,
    radius: Option<Length>,
    gap: Span,
    spots: Vec<Spot>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    if context.timing.after == Span::ZERO {
        return Err(Error::config("after", "staying needs a time; use intrusion for mere presence"));
    }
    if let Some(radius) = params.radius {
        context.length("radius", radius)?;
    }
    if let Some(forgiven) = params.forgive_exit {
        if forgiven >= context.timing.after {
            return Err(Error::config(
                "forgive_exit",
                format!("{forgiven} is not below `after` ({})", context.timing.after),
            ));
        }
        context.timing.gap = context.timing.gap.max(forgiven);
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    let gap = context.timing.gap;
    Ok(Box::new(Loitering {
        probe,
        filter: context.take_filter(),
        radius: params.radius,
        gap,
        spots: Vec::new(),
    }))
}

impl Loitering {
    /// Since when the subject keeps within the radius of its spot; and how far it is from it.
    fn keeps(&mut self, fact: &Fact, entered: Timestamp, at: Timestamp, radius: Length) -> (Timestamp, f64) {
        let (place, unit) = match (radius, fact.ground) {
            (Length::Metres(_), Some(ground)) => (ground, 1.0),
            _ => (fact.at, fact.body),
        };
        match self.spots.binary_search_by_key(&fact.id, |s| s.subject) {
            Ok(i) => {
                let spot = &mut self.spots[i];
                let away = place.distance(spot.place) / unit;
                if away > radius.value() || at - spot.last > self.gap {
                    *spot = Spot { subject: fact.id, place, since: at, last: at };
                }
                spot.last = at;
                (spot.since, place.distance(spot.place) / unit)
            }
            Err(i) => {
                self.spots.insert(i, Spot { subject: fact.id, place, since: entered, last: at });
                (entered, 0.0)
            }
        }
    }
}

impl Rule for Loitering {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        for id in facts.gone {
            self.spots.retain(|s| s.subject != *id);
        }
        let probe = self.probe;
        for fact in facts.visitors(probe).filter(|f| f.seen && f.zones[probe].inside) {
            if !self.filter.admits(fact, facts.scene) {
                continue;
            }
            let entered = fact.zones[probe].since;
            match self.radius {
                None => holds.hold(fact.id, entered, &[]),
                Some(radius) => {
                    let (since, away) = self.keeps(fact, entered, facts.at, radius);
                    let name = if radius.unit() == "m" { "away_m" } else { "away_body" };
                    holds.hold_since(fact.id, since, &[(name, away, Some(radius.value()))]);
                }
            }
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.spots.clear();
    }
}
