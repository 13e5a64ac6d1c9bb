//! A person goes from parked vehicle to parked vehicle and lingers at each.
//!
//! # What holds
//! Inside the zone, one person has stayed for at least `each` beside at least `vehicles` different parked vehicles within
//! the last `window`. Beside is at most `within` from the feet to the vehicle's footprint (the lower half of its box), and
//! slow, below 0.7 m/s or 0.4 body sizes a second: whoever walks along a row of cars stays at none of them, however long
//! the row. Of several vehicles within reach the nearest counts, and the one before it until another is clearly nearer.
//! Parked is a vehicle that has stood on its spot for 10 s. A vehicle is a spot: another box or identity on the same spot
//! is the same vehicle.
//!
//! # Settings
//! `vehicles` (3), `within` (metres, or body sizes of the person: 0.6), `each` (2 s), `window` (2 min).
//!
//! # What it cannot see
//! Why somebody does it: wardens, people who deliver leaflets and children at play do the same. Who is hidden between the
//! vehicles for more than a few seconds starts anew. Uncalibrated, distances are those of the picture: a vehicle in the row
//! behind may be the nearest one. Vehicles that the detector does not find count for nothing.

mod spots;

use super::{Context, Defaults, Filter, PEOPLE, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Fact, Facts};
use crate::lifecycle::Holds;
use crate::quantity::Length;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smallvec::SmallVec;
use spots::Spots;

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "prowling",
    source: include_str!("prowling.rs"),
    definition: Template {
        fr: "Une même personne reste au moins {each} à {within} au plus de chacun d'au moins {vehicles} véhicules stationnés \
             différents en l'espace de {window}, arrêtée ou plus lente que 0,7 m/s (sans étalonnage : 0,4 fois sa taille par \
             seconde), zone « {zone} »{after=0s!, pendant {after}}.",
        en: "One person stays for at least {each} at most {within} from each of at least {vehicles} different parked vehicles \
             within {window}, standing or slower than 0.7 m/s (uncalibrated: 0.4 body sizes a second), \
             zone \"{zone}\"{after=0s!, for {after}}.",
    },
    onvif_topic: None,
    target: Target::Zone,
    defaults: Defaults {
        after: Span::ZERO,
        gap: Span::from_secs(4),
        clear_after: Span::from_secs(30),
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
    /// Least number of different vehicles.
    #[serde(default = "vehicles")]
    #[schemars(range(min = 2, max = 16))]
    vehicles: usize,
    /// Largest distance from the feet to the vehicle.
    #[serde(default = "within")]
    within: Length,
    /// Least time at each of them.
    #[serde(default = "each")]
    each: Span,
    /// Within which time.
    #[serde(default = "window")]
    window: Span,
}

fn vehicles() -> usize {
    3
}
fn within() -> Length {
    Length::Body(0.6)
}
fn each() -> Span {
    Span::from_secs(2)
}
fn window() -> Span {
    Span::from_secs(120)
}

/// Slower is lingering: half a stroll. m/s on a calibrated view, else body sizes a second.
const SLOW: (f64, f64) = (0.7, 0.4);
/// Another vehicle takes over only if it is nearer by this share of `within`: at equal distances a tremble decides nothing.
const NEARER: f64 = 0.25;
/// Away from a vehicle, or not slow, for less than this is still the same stay.
const PAUSE: Span = Span::from_ms(1500);
/// Most vehicles that one stay can be counted at.
const MOST: usize = 16;

/// A person's stay at one vehicle.
#[derive(Clone, Copy, Debug)]
struct Stay {
    spot: u64,
    /// Time beside it, pauses included.
    time: Span,
    last: Timestamp,
}

/// A person and the vehicles that they have stayed at.
#[derive(Debug)]
struct Visitor {
    subject: u64,
    stay: Option<Stay>,
    /// Spots, each once, and when the last stay there was long enough.
    visits: SmallVec<[(u64, Timestamp); MOST]>,
}

#[derive(Debug)]
struct Prowling {
    probe: usize,
    filter: Filter,
    params: Params,
    spots: Spots,
    visitors: Vec<Visitor>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    context.length("within", params.within)?;
    if !(2..=MOST).contains(&params.vehicles) {
        return Err(Error::config(
            "vehicles",
            format!("give 2 to {MOST}; for one vehicle use loitering beside it"),
        ));
    }
    if params.each == Span::ZERO {
        return Err(Error::config(
            "each",
            "whoever walks past is beside a vehicle for a moment; say how long counts",
        ));
    }
    let least = params.each.ms() * params.vehicles as i64;
    if params.window.ms() <= least {
        return Err(Error::config(
            "window",
            format!(
                "{} at each of {} vehicles never fits into {}",
                params.each, params.vehicles, params.window
            ),
        ));
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    let spots = Spots::new(params.window);
    Ok(Box::new(Prowling { probe, filter: context.take_filter(), params, spots, visitors: Vec::new() }))
}

impl Prowling {
    /// The vehicle that the person lingers at, if any.
    fn beside(&self, fact: &Fact, stay: Option<Stay>, facts: &Facts<'_>) -> Option<u64> {
        let slowest = if facts.scene.ground.is_some() { SLOW.0 } else { SLOW.1 };
        if fact.still_since.is_none() && fact.speed().is_none_or(|v| v > slowest) {
            return None;
        }
        let (limit, near) = (self.params.within.value(), NEARER * self.params.within.value());
        self.spots
            .near(fact, self.params.within, facts)
            .filter(|(_, distance)| *distance <= limit)
            .map(|(spot, distance)| {
                let held = stay.is_some_and(|s| s.spot == spot);
                (spot, if held { distance - near } else { distance })
            })
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(spot, _)| spot)
    }

    fn look(&mut self, fact: &Fact, facts: &Facts<'_>, holds: &mut Holds) {
        let at = facts.at;
        let place = self.visitors.binary_search_by_key(&fact.id, |v| v.subject).unwrap_or_else(|i| {
            self.visitors.insert(i, Visitor { subject: fact.id, stay: None, visits: SmallVec::new() });
            i
        });
        let stay = self.visitors[place].stay.filter(|s| at - s.last <= PAUSE);
        let beside = self.beside(fact, stay, facts);
        let (visitor, params) = (&mut self.visitors[place], &self.params);
        visitor.stay = match (beside, stay) {
            (None, stay) => stay,
            (Some(spot), Some(stay)) if stay.spot == spot => {
                let time = Span::from_ms(stay.time.ms() + (at - stay.last).ms());
                Some(Stay { spot, time, last: at })
            }
            (Some(spot), _) => Some(Stay { spot, time: Span::ZERO, last: at }),
        };
        visitor.visits.retain(|(_, last)| at - *last <= params.window);
        if let Some(stay) = visitor.stay.filter(|s| s.time >= params.each && s.last == at) {
            if let Some((_, last)) = visitor.visits.iter_mut().find(|(spot, _)| *spot == stay.spot) {
                *last = at;
            } else if visitor.visits.len() < MOST {
                visitor.visits.push((stay.spot, at));
            }
        }
        let visited = visitor.visits.len();
        if visited >= params.vehicles && self.filter.admits(fact, facts.scene) {
            let first = visitor.visits.iter().map(|v| v.1).min().unwrap_or(at);
            let vehicles = ("vehicles", visited as f64, Some(params.vehicles as f64));
            let time = ("within_s", (at - first).seconds(), Some(params.window.seconds()));
            holds.hold(fact.id, at, &[vehicles, time]);
        }
    }
}

impl Rule for Prowling {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        if !facts.gone.is_empty() {
            self.visitors.retain(|v| facts.gone.binary_search(&v.subject).is_err());
        }
        self.spots.step(facts);
        let probe = self.probe;
        for fact in facts.visitors(probe).filter(|f| f.seen && f.zones[probe].inside) {
            if self.filter.class(fact.class_id) {
                self.look(fact, facts, holds);
            }
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.visitors.clear();
        self.spots.clear();
    }
}
