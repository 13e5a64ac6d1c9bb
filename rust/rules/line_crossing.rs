//! A subject crosses a line in the watched direction.
//!
//! # What holds
//! The path of the reference point goes over the line, and the subject is then seen `band` body sizes away from it on
//! the other side. Somebody who trembles on the line, walks along it or round its end has not crossed it; somebody whom
//! the detector missed during the crossing has. Beyond the picture nobody is seen: who is seen to come in over its
//! border was outside before, and who goes out over it and is gone for a second is outside from then on, so a line
//! along the edge of the picture counts too.
//!
//! # Settings
//! `direction`: `both` (default), `left_to_right` or `right_to_left`, as seen from the line's first point looking to
//! its last. `band`: distance in body sizes that arms the line again (0.2). `min_angle`: least angle in degrees between
//! the path and the line, to leave out those who walk along it.
//!
//! # What it cannot see
//! Who is seen on one side of the line only: put it where people are in sight before and after it.

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
    kind: "line_crossing",
    source: include_str!("line_crossing.rs"),
    definition: Template {
        fr: "Franchissement de la ligne « {line} »{direction=left_to_right? de gauche à droite}{direction=right_to_left? de droite à gauche}\
             {direction=both? dans un sens ou dans l'autre}, confirmé à {band} fois la taille du sujet au-delà de la ligne\
             {min_angle?, sous un angle d'au moins {min_angle}°}.",
        en: "Crossing of the line \"{line}\"{direction=left_to_right? from left to right}{direction=right_to_left? from right to left}\
             {direction=both? in either direction}, confirmed {band} body sizes beyond the line\
             {min_angle?, at an angle of at least {min_angle}°}.",
    },
    onvif_topic: Some("tns1:RuleEngine/LineDetector/Crossed"),
    target: Target::Line,
    defaults: Defaults { after: Span::ZERO, gap: Span::ZERO, clear_after: Span::ZERO, classes: ROAD_USERS },
    measurement: false,
    momentary: true,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

/// Which way over a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Direction {
    /// Either way.
    #[default]
    Both,
    /// From the line's left to its right.
    LeftToRight,
    /// From the line's right to its left.
    RightToLeft,
}

impl Direction {
    /// Whether a crossing this way counts.
    pub(super) fn admits(self, rightwards: bool) -> bool {
        match self {
            Self::Both => true,
            Self::LeftToRight => rightwards,
            Self::RightToLeft => !rightwards,
        }
    }
}

/// Re-arm distance in body sizes. Detector noise of 3 % of the box crosses back over 0.2 once in ten thousand samples
/// (six deviations between two of them), and 0.2 of a person is a short step.
pub const BAND: f64 = 0.2;

/// Refuses a re-arm distance that never arms or never confirms.
pub(super) fn check_band(band: f64) -> Result<()> {
    if (0.01..=2.0).contains(&band) {
        return Ok(());
    }
    Err(Error::config("band", format!("{band} body sizes: give a number in 0.01..2 (0.2 is usual)")))
}

/// Warns about a line so short that few boxes can pass over it.
pub(super) fn warn_short(context: &mut Context<'_>, line: usize) {
    let (name, polyline) = &context.scene.lines[line];
    if polyline.length() < 0.02 {
        context.warnings.push(format!("the line `{name}` is shorter than most boxes: little will cross it"));
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// `both`, `left_to_right` or `right_to_left`, seen from the line's first point looking to its last.
    #[serde(default)]
    direction: Direction,
    /// Distance in body sizes at which a crossing is confirmed and the line armed again.
    #[serde(default = "band")]
    #[schemars(range(min = 0.01, max = 2.0))]
    band: f64,
    /// Least angle between path and line, degrees.
    #[schemars(range(min = 0.0, max = 90.0))]
    min_angle: Option<f64>,
}

fn band() -> f64 {
    BAND
}

#[derive(Debug)]
struct Crossing {
    probe: usize,
    filter: Filter,
    params: Params,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    check_band(params.band)?;
    if params.min_angle.is_some_and(|a| !(0.0..90.0).contains(&a)) {
        return Err(Error::config(
            "min_angle",
            "no path crosses at 90 degrees or more to the line: give 0..90, such as 30",
        ));
    }
    let line = context.line.unwrap_or_default();
    warn_short(context, line);
    let probe = context.probes.line(line, context.anchor, params.band);
    Ok(Box::new(Crossing { probe, filter: context.take_filter(), params }))
}

impl Rule for Crossing {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        for crossing in facts.crossings.iter().filter(|c| c.probe == self.probe) {
            let admitted = self.filter.admits_crossing(crossing, facts);
            let steep = self.params.min_angle.is_none_or(|least| crossing.angle >= least);
            if admitted && steep && self.params.direction.admits(crossing.rightwards) {
                holds.once(
                    crossing.subject,
                    crossing.at,
                    &[("angle_deg", crossing.angle, self.params.min_angle)],
                );
            }
        }
    }
}
