//! Counts who crosses a line, by class and direction.
//!
//! # What holds
//! Totals since the watch began or since `reset_at`: `total`, `left_to_right`, `right_to_left`, and the same for every
//! class that crossed (`car_left_to_right`). Reported every `every`, before a reset, and when the watch ends. It never
//! alarms.
//!
//! # Settings
//! `direction`, `band`: as in `line_crossing`. `every` (15 min), `reset_at`: local time of day, such as `00:00`.
//!
//! # What it cannot see
//! Who is hidden by another during the whole crossing, and who is seen on one side of the line only.

use super::line_crossing::{BAND, Direction, check_band, warn_short};
use super::occupancy::Reset;
use super::{Context, Defaults, Filter, ROAD_USERS, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::event::Measure;
use crate::facts::Facts;
use crate::lifecycle::Holds;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "line_count",
    source: include_str!("line_count.rs"),
    definition: Template {
        fr: "Comptage des franchissements de la ligne « {line} », par catégorie et par sens{direction=left_to_right?, de gauche à droite seulement}\
             {direction=right_to_left?, de droite à gauche seulement}, confirmés à {band} fois la taille du sujet au-delà de la ligne, \
             publié toutes les {every}{reset_at?, remis à zéro à {reset_at}}. Aucune alerte.",
        en: "Count of crossings of the line \"{line}\" by class and direction{direction=left_to_right?, left to right only}\
             {direction=right_to_left?, right to left only}, confirmed {band} body sizes beyond the line, \
             published every {every}{reset_at?, reset at {reset_at}}. No alert.",
    },
    onvif_topic: Some("tns1:RuleEngine/CountAggregation/Counter"),
    target: Target::Line,
    defaults: Defaults { after: Span::ZERO, gap: Span::ZERO, clear_after: Span::ZERO, classes: ROAD_USERS },
    measurement: true,
    momentary: true,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

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
    /// How often totals are published.
    #[serde(default = "every")]
    every: Span,
    /// Local time of day at which totals go back to zero, HH:MM.
    reset_at: Option<String>,
}

fn band() -> f64 {
    BAND
}
fn every() -> Span {
    Span::from_secs(900)
}

#[derive(Debug)]
struct Count {
    probe: usize,
    filter: Filter,
    params: Params,
    reset: Option<Reset>,
    labels: Vec<Arc<str>>,
    /// Left to right, right to left, by class.
    totals: BTreeMap<u16, [u64; 2]>,
    since: Option<Timestamp>,
    told: Option<Timestamp>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    check_band(params.band)?;
    if params.every < Span::from_secs(1) {
        return Err(Error::config(
            "every",
            format!("{} is too often: one second at least, 15min is usual", params.every),
        ));
    }
    let reset =
        params.reset_at.as_deref().map(|text| Reset::new("reset_at", text, context.scene)).transpose()?;
    let line = context.line.unwrap_or_default();
    warn_short(context, line);
    let probe = context.probes.line(line, context.anchor, params.band);
    let labels = context.scene.labels.clone();
    let filter = context.take_filter();
    Ok(Box::new(Count {
        probe,
        filter,
        params,
        reset,
        labels,
        totals: BTreeMap::new(),
        since: None,
        told: None,
    }))
}

impl Count {
    fn report(&self) -> Vec<Measure> {
        let sum = |i: usize| self.totals.values().map(|t| t[i]).sum::<u64>();
        let number =
            |name: String, value: u64| Measure { name: name.into(), value: value as f64, threshold: None };
        let mut all = vec![
            number("total".into(), sum(0) + sum(1)),
            number("left_to_right".into(), sum(0)),
            number("right_to_left".into(), sum(1)),
        ];
        for (class, [right, left]) in &self.totals {
            let label = self.labels.get(usize::from(*class)).map_or("object", |l| l);
            all.push(number(format!("{label}_left_to_right"), *right));
            all.push(number(format!("{label}_right_to_left"), *left));
        }
        all
    }
}

impl Rule for Count {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let since = *self.since.get_or_insert(facts.at);
        let told = *self.told.get_or_insert(facts.at);
        if self.reset.as_mut().is_some_and(|r| r.due(facts.at)) {
            holds.report(since, false, self.report());
            self.totals.clear();
            (self.since, self.told) = (Some(facts.at), Some(facts.at));
        } else if facts.at - told >= self.params.every {
            holds.report(since, false, self.report());
            // Kept on the grid of the first report: no drift over a day of late pictures.
            let periods = (facts.at - told).ms() / self.params.every.ms();
            self.told = Some(told + Span::from_ms(periods * self.params.every.ms()));
        }
        for crossing in facts.crossings.iter().filter(|c| c.probe == self.probe) {
            let admitted = self.filter.admits_crossing(crossing, facts);
            if admitted && self.params.direction.admits(crossing.rightwards) {
                let totals = self.totals.entry(crossing.class_id).or_default();
                totals[usize::from(!crossing.rightwards)] += 1;
            }
        }
    }

    fn finish(&mut self, holds: &mut Holds) {
        if let Some(since) = self.since.take() {
            holds.report(since, true, self.report());
        }
        self.totals.clear();
        self.told = None;
    }
}
