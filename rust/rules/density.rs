//! A place is crowded: more people on its ground, or more of it covered, than agreed.
//!
//! # What holds
//! On a calibrated view, the number of people whose feet are in the zone, divided by the zone's area on the ground, is
//! above `above`. Uncalibrated, the share of the zone's picture that lies under the boxes of the people in it, each place
//! counted once, is above `above`. Somebody whom the detector misses counts for two more seconds.
//!
//! # Settings
//! `above`: "0.5 /m2" (people per square metre; needs `ground`) or "40 %" (of the zone covered). Fruin (1971) calls 0.3 /m2
//! free to choose one's way, 0.7 hindered, 1.4 crowded, 2 and more dense; a concert's standing area is planned for 3 to 4.
//! `after` (10 s), `clear_after` (10 s): the numbers scatter around the threshold for as long.
//!
//! # What it cannot see
//! People hidden behind others: the count is what the camera sees and errs low, the more so the lower the camera hangs
//! and the denser the crowd; beyond about 1 /m2 seen from below 10 m take half to two thirds of the true number for what
//! is counted, and set `above` accordingly after counting by hand once. `people` tells what was counted. The covered share
//! is one of the picture: near people cover more of it than far ones, and everybody also covers what is behind them, so
//! it is compared with itself, on the same view, not with another view.

mod coverage;

use super::{Context, Defaults, Filter, PEOPLE, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Facts, PRESENT};
use crate::geometry::{Point, Polygon};
use crate::ground::GroundPlane;
use crate::lifecycle::Holds;
use crate::quantity::Density as Above;
use crate::time::Span;
use coverage::Coverage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "density",
    source: include_str!("density.rs"),
    definition: Template {
        fr: "Densité de personnes supérieure à {above} dans la zone « {zone} », {after=0s!pendant {after} au moins, }\
             calculée à partir des personnes visibles.",
        en: "The density of people in the zone \"{zone}\" is above {above}{after=0s!, for at least {after}}, \
             reckoned from the people who can be seen.",
    },
    onvif_topic: Some("tns1:RuleEngine/CrowdDetector/Crowd"),
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_secs(10),
        gap: Span::from_secs(3),
        clear_after: Span::from_secs(10),
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
    /// People per square metre, or per cent of the zone covered.
    above: Above,
}

/// One person more or less must not decide: the threshold is at least this many people.
const LEAST_PEOPLE: f64 = 2.0;
/// Height of a person, metres, and the share of the picture's height below which detectors find nobody.
const PERSON: f64 = 1.7;
const TOO_SMALL: f64 = 0.02;

#[derive(Debug)]
enum Gauge {
    /// Square metres, and the threshold.
    Ground { area: f64, above: f64 },
    /// The raster, and the threshold in per cent.
    Picture { coverage: Box<Coverage>, above: f64 },
}

#[derive(Debug)]
struct Density {
    probe: usize,
    filter: Filter,
    gauge: Gauge,
    /// Who is inside: a buffer that is kept from step to step.
    inside: Vec<u64>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    let zone = context.zone.unwrap_or_default();
    let polygon = &context.scene.zones[zone].1;
    let gauge = match (params.above, &context.scene.ground) {
        (Above::PerSquareMetre(_), None) => {
            return Err(Error::config(
                "above",
                format!(
                    "`{}` needs a calibrated view: give `ground`, or a share of the zone such as \"40 %\"",
                    params.above
                ),
            ));
        }
        (Above::PerSquareMetre(above), Some(ground)) => {
            let area = area(polygon, ground)?;
            if above * area < LEAST_PEOPLE {
                return Err(Error::config(
                    "above",
                    format!(
                        "`{}` on the zone's {area:.1} square metres is less than {LEAST_PEOPLE} people; draw the zone \
                         larger, or use occupancy",
                        params.above
                    ),
                ));
            }
            if let Some(warning) = far_end(polygon, ground) {
                context.warnings.push(warning);
            }
            Gauge::Ground { area, above }
        }
        (Above::Covered(above), _) => Gauge::Picture { coverage: Box::new(Coverage::new(polygon)), above },
    };
    let probe = context.probes.zone(zone, context.anchor);
    Ok(Box::new(Density { probe, filter: context.take_filter(), gauge, inside: Vec::new() }))
}

/// Area of the zone on the ground, square metres: lines stay lines on the ground, so that its corners tell.
fn area(zone: &Polygon, ground: &GroundPlane) -> Result<f64> {
    let corners: Option<Vec<Point>> = zone.points().iter().map(|&p| ground.to_metres(p)).collect();
    let corners = corners.ok_or_else(|| {
        Error::config(
            "zone",
            "a corner lies on the horizon or beyond: such ground has no area; draw it nearer",
        )
    })?;
    let next = corners.iter().cycle().skip(1);
    // From a corner, not from a far origin of the coordinates: no cancellation.
    let twice: f64 = corners.iter().zip(next).map(|(&a, &b)| (a - corners[0]).cross(b - corners[0])).sum();
    Ok(0.5 * twice.abs())
}

/// Says so if people at some corner would be too small to be found.
fn far_end(zone: &Polygon, ground: &GroundPlane) -> Option<String> {
    // Across the line of sight a metre of height is as long on the picture as a metre of ground.
    let height = |p: &Point| ground.scale_at(*p).map_or(0.0, |s| PERSON * s.worst / (s.mean * s.mean));
    let least = zone.points().iter().map(height).fold(f64::INFINITY, f64::min);
    (least < TOO_SMALL).then(|| {
        format!(
            "people at the far end of the zone are {:.1} % of the picture high: few will be found, and the density \
             will be too low; draw the zone shorter",
            least * 100.0
        )
    })
}

impl Rule for Density {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let probe = self.probe;
        self.inside.clear();
        if let Gauge::Picture { coverage, .. } = &mut self.gauge {
            coverage.clear();
        }
        for fact in facts.visitors(probe) {
            let present = fact.zones[probe].inside && facts.at - fact.last_seen <= PRESENT;
            if present && self.filter.admits(fact, facts.scene) {
                self.inside.push(fact.id);
                if let Gauge::Picture { coverage, .. } = &mut self.gauge {
                    coverage.cover(&fact.bbox);
                }
            }
        }
        let people = self.inside.len() as f64;
        let (name, density, above) = match &self.gauge {
            Gauge::Ground { area, above } => ("density_m2", people / area, *above),
            Gauge::Picture { coverage, above } => ("covered_percent", coverage.percent(), *above),
        };
        if density > above {
            let measured = [(name, density, Some(above)), ("people", people, None)];
            holds.hold_place(&self.inside, facts.at, &measured);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_that_of_the_ground_in_perspective() {
        let p = Point::new;
        // A street 10 m wide and 30 m deep, its far end half as wide on the picture.
        let image = [p(0.2, 1.0), p(1.4, 1.0), p(1.1, 0.5), p(0.5, 0.5)];
        let metres = [p(1e6, 0.0), p(1e6 + 10.0, 0.0), p(1e6 + 10.0, 30.0), p(1e6, 30.0)];
        let ground = GroundPlane::fit(&image, &metres).expect("a plane");
        let street = Polygon::new(image.to_vec()).expect("a zone");
        assert!((area(&street, &ground).expect("in front") - 300.0).abs() < 0.01);
        let half: Vec<Point> = [p(0.0, 0.0), p(10.0, 0.0), p(10.0, 15.0), p(0.0, 15.0)]
            .iter()
            .map(|&m| ground.to_image(m + p(1e6, 0.0)).expect("in front"))
            .collect();
        let half = Polygon::new(half).expect("a zone");
        assert!((area(&half, &ground).expect("in front") - 150.0).abs() < 0.01);
        let sky = Polygon::new(vec![p(0.2, 0.9), p(1.4, 0.9), p(0.8, -0.6)]).expect("a zone");
        assert!(area(&sky, &ground).is_err());
    }
}
