//! A vehicle or person travels against the permitted direction.
//!
//! # What holds
//! Inside the zone (or near the route) the subject has gone back, against the permitted direction, by at least
//! `distance` from the furthest point it had reached, in a direction within `tolerance` of the opposite one, and it
//! is moving. A parked vehicle whose box trembles never gets there; reversing into a bay is shorter than `distance`.
//!
//! # Settings
//! `direction`: two points, from and to, the permitted way through the zone; or a `route` instead of a zone.
//! `distance`: how far back (metres, or body sizes: 1.5). `tolerance`: degrees (60). `min_speed`: slower is not travelling
//! (0.3 body/s; metres a second on a calibrated view).
//!
//! On a calibrated view the middle of the vehicle's footprint must mostly lie in the zone as well: the box of a bus reaches over
//! the lane behind it.
//!
//! # What it cannot see
//! Reversing for longer than `distance`, which is against the traffic all the same; and who is seen for less
//! than `distance`.

use super::common::footprint;
use super::{Context, Defaults, Filter, Rule, RuleSpec, Target, VEHICLES, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Anchor, Fact, Facts};
use crate::geometry::{Point, Polyline};
use crate::lifecycle::Holds;
use crate::quantity::{Length, Speed};
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "wrong_way",
    source: include_str!("wrong_way.rs"),
    definition: Template {
        fr: "Circulation à contresens du sens autorisé, {zone?zone « {zone} »}{route?itinéraire « {route} »}, sur {distance} au moins, \
             à {tolerance}° près, à {min_speed} au moins{direction?, sens autorisé de {direction}}{after=0s!, pendant {after}}.",
        en: "Travelling against the permitted direction, {zone?zone \"{zone}\"}{route?route \"{route}\"}, for at least {distance}, \
             within {tolerance}°, at {min_speed} or faster{direction?, permitted from {direction}}{after=0s!, for {after}}.",
    },
    onvif_topic: Some("tns1:RuleEngine/DirectionDetector/Direction"),
    target: Target::ZoneOrRoute,
    defaults: Defaults {
        after: Span::ZERO,
        gap: Span::from_secs(2),
        clear_after: Span::from_secs(3),
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
    /// Permitted direction in the zone: from the first point to the second.
    direction: Option<[[f64; 2]; 2]>,
    /// How far it must go back.
    #[serde(default = "distance")]
    distance: Length,
    /// Largest angle to the opposite of the permitted direction, degrees.
    #[serde(default = "tolerance")]
    #[schemars(range(min = 5.0, max = 89.0))]
    tolerance: f64,
    /// Least speed.
    #[serde(default = "min_speed")]
    min_speed: Speed,
}

fn distance() -> Length {
    Length::Body(1.5)
}
fn tolerance() -> f64 {
    60.0
}
fn min_speed() -> Speed {
    Speed::BodyPerSecond(0.3)
}

/// A route reaches this many body sizes to each side.
const ROUTE_REACH: f64 = 1.0;

/// Travel since the furthest point that a subject reached the permitted way.
#[derive(Debug)]
struct Travel {
    subject: u64,
    since: Timestamp,
    /// In metres or body sizes.
    back: Point,
    /// In how many steps it stood in the zone, less those in which it did not.
    stood: i32,
}

#[derive(Debug)]
struct WrongWay {
    probe: Option<usize>,
    permitted: Permitted,
    filter: Filter,
    params: Params,
    cos_tolerance: f64,
    travels: Vec<Travel>,
}

#[derive(Debug)]
enum Permitted {
    /// Within zone number so and so.
    Everywhere(Point, usize),
    Along(usize),
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    context.length("distance", params.distance)?;
    context.speed("min_speed", params.min_speed)?;
    if !(5.0..=89.0).contains(&params.tolerance) {
        return Err(Error::config(
            "tolerance",
            "give 5..89 degrees: at 90 and beyond, crossing traffic would count",
        ));
    }
    let permitted = match (params.direction, context.zone, context.route) {
        (_, Some(_), Some(_)) => {
            return Err(Error::config("route", "give a `zone` with a `direction`, or a `route`, not both"));
        }
        (Some(_), None, Some(_)) => {
            return Err(Error::config("direction", "the route itself says the permitted direction"));
        }
        (None, _, None) => {
            return Err(Error::config(
                "direction",
                "the permitted direction is needed: [[from x, y], [to x, y]]",
            ));
        }
        (None, _, Some(route)) => Permitted::Along(route),
        (Some(points), zone, None) => {
            if points.iter().flatten().any(|v| !(0.0..=1.0).contains(v)) {
                return Err(Error::config("direction", "the points are relative to the picture, 0..1"));
            }
            let [from, to] = points.map(|p| context.scene.view_point(p));
            let way = to - from;
            if way.norm() < 0.01 {
                return Err(Error::config(
                    "direction",
                    "the two points are one; draw from where traffic comes to where it goes",
                ));
            }
            Permitted::Everywhere(way * (1.0 / way.norm()), zone.unwrap_or_default())
        }
    };
    let probe = context.zone.map(|zone| context.probes.zone(zone, context.anchor));
    Ok(Box::new(WrongWay {
        probe,
        permitted,
        filter: context.take_filter(),
        cos_tolerance: params.tolerance.to_radians().cos(),
        params,
        travels: Vec::new(),
    }))
}

impl WrongWay {
    /// The permitted direction where the subject is, in view units; None if it is not on the watched way.
    fn way(&self, fact: &Fact, facts: &Facts<'_>) -> Option<Point> {
        match self.permitted {
            Permitted::Everywhere(way, _) => self.probe.is_some_and(|p| fact.zones[p].inside).then_some(way),
            Permitted::Along(route) => {
                tangent(&facts.scene.routes[route].1, fact.at, ROUTE_REACH * fact.body)
            }
        }
    }

    /// Whether it stands on the watched way, as far as that can be told.
    fn stands(&self, fact: &Fact, facts: &Facts<'_>) -> bool {
        let Permitted::Everywhere(_, zone) = self.permitted else { return true };
        footprint::middle_on_picture(fact, facts.scene).is_none_or(|p| facts.scene.zones[zone].1.covers(p))
    }

    /// This step's movement and the permitted direction, both in the unit of `distance`.
    fn movement(&self, fact: &Fact, way: Point, facts: &Facts<'_>) -> Option<(Point, Point)> {
        match self.params.distance {
            Length::Body(_) => Some(((fact.at - fact.from) * (1.0 / fact.body), way)),
            Length::Metres(_) => {
                let ground = facts.scene.ground.as_ref()?;
                let here = ground.to_metres(fact.at)?;
                let there = ground.to_metres(fact.at + way * 0.01)? - here;
                let length = there.norm();
                (length > 0.0).then(|| Some((here - fact.ground_from?, there * (1.0 / length))))?
            }
        }
    }

    fn fast_enough(&self, fact: &Fact, facts: &Facts<'_>) -> bool {
        let Some(speed) = fact.speed() else { return false };
        match (self.params.min_speed, facts.scene.ground.is_some()) {
            (Speed::BodyPerSecond(least), true) => {
                // On a calibrated view speeds are m/s; a body size there is the subject's own height or length.
                let foot = Anchor::Feet.point(&fact.bbox, fact.group);
                let metres =
                    facts.scene.ground.as_ref().and_then(|g| g.scale_at(foot)).map(|s| s.mean * fact.body);
                metres.is_some_and(|body| speed >= least * body)
            }
            (least, _) => speed >= least.value(),
        }
    }
}

/// Direction of the route where it is nearest to `p`, if within `reach`.
fn tangent(route: &Polyline, p: Point, reach: f64) -> Option<Point> {
    let nearest = |pair: &&[Point]| {
        let (a, b) = (pair[0], pair[1]);
        let along = b - a;
        let t = ((p - a).dot(along) / along.dot(along)).clamp(0.0, 1.0);
        p.distance(a + along * t)
    };
    let pair = route.points().windows(2).min_by(|x, y| nearest(x).total_cmp(&nearest(y)))?;
    let along = pair[1] - pair[0];
    (nearest(&pair) <= reach).then(|| along * (1.0 / along.norm()))
}

impl Rule for WrongWay {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        for id in facts.gone {
            self.travels.retain(|t| t.subject != *id);
        }
        for fact in facts.subjects.iter().filter(|f| f.seen && self.filter.class(f.class_id)) {
            let place = self.travels.binary_search_by_key(&fact.id, |t| t.subject);
            let Some(way) = self.way(fact, facts) else {
                if let Ok(i) = place {
                    self.travels.remove(i);
                }
                continue;
            };
            let Ok(i) = place else {
                let i = place.unwrap_or_else(|i| i);
                self.travels.insert(
                    i,
                    Travel { subject: fact.id, since: facts.at, back: Point::default(), stood: 0 },
                );
                continue;
            };
            let Some((moved, way)) = self.movement(fact, way, facts) else { continue };
            let stands = self.stands(fact, facts);
            let travel = &mut self.travels[i];
            travel.stood += if stands { 1 } else { -1 };
            travel.back = travel.back + moved;
            let gone_back = -travel.back.dot(way);
            if gone_back <= 0.0 {
                // Further than ever the permitted way: from here on a new start.
                travel.back = Point::default();
                travel.since = facts.at;
                travel.stood = 0;
                continue;
            }
            let on_it = travel.stood > 0;
            let (since, opposite) = (travel.since, gone_back >= self.cos_tolerance * travel.back.norm());
            if gone_back >= self.params.distance.value()
                && opposite
                && on_it
                && self.fast_enough(fact, facts)
                && self.filter.admits(fact, facts.scene)
            {
                let name = if self.params.distance.unit() == "m" { "against_m" } else { "against_body" };
                holds.hold(fact.id, since, &[(name, gone_back, Some(self.params.distance.value()))]);
            }
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.travels.clear();
    }
}
