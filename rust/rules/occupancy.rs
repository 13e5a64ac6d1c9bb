//! Too many or too few inside.
//!
//! # What holds
//! The number inside is at least `at_least`, or at most `at_most`. With a `zone` alone it is the number of subjects seen
//! inside. With a `line` alone it is entries less exits (left to right is in), never below zero. With both, the line
//! counts and the zone corrects: when the zone has shown another number than the line for `settle`, the zone is right.
//!
//! # Settings
//! `at_least`, `at_most` (one of them at least), `reset_at`: local time of day at which the line's count goes back to
//! zero, `settle` (30 s).
//!
//! # What it cannot see
//! With a zone, whom others hide; with a line, who passes it unseen, until a zone or `reset_at` corrects it.

use super::line_crossing::BAND;
use super::{Context, Defaults, Filter, PEOPLE, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Facts, PRESENT};
use crate::lifecycle::{Holds, Measured};
use crate::scene::Scene;
use crate::time::{Span, Timestamp};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "occupancy",
    source: include_str!("occupancy.rs"),
    definition: Template {
        fr: "Nombre de présents {zone?dans la zone « {zone} »}{zone!compté à la ligne « {line} »}{zone?{line?, compté à la ligne « {line} » \
             et corrigé par la zone après {settle}}}{at_least?, {at_least} ou plus}{at_most?, {at_most} ou moins}{after=0s!, pendant {after}}\
             {reset_at?, remis à zéro à {reset_at}}.",
        en: "Number of those {zone?inside the zone \"{zone}\"}{zone!counted at the line \"{line}\"}{zone?{line?, counted at the line \"{line}\" \
             and corrected by the zone after {settle}}}{at_least?, {at_least} or more}{at_most?, {at_most} or fewer}{after=0s!, for {after}}\
             {reset_at?, reset at {reset_at}}.",
    },
    onvif_topic: Some("tns1:RuleEngine/CountAggregation/OccupancyCounter"),
    target: Target::ZoneOrLine,
    defaults: Defaults {
        after: Span::from_secs(5),
        gap: Span::from_secs(3),
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
    /// This many or more.
    at_least: Option<u32>,
    /// This many or fewer.
    at_most: Option<u32>,
    /// Local time of day at which the line's count goes back to zero, HH:MM.
    reset_at: Option<String>,
    /// How long the zone must disagree with the line before it corrects it.
    #[serde(default = "settle")]
    settle: Span,
}

fn settle() -> Span {
    Span::from_secs(30)
}

/// A local time of day at which something starts anew.
#[derive(Debug)]
pub(super) struct Reset {
    minute: i64,
    zone: TimeZone,
    day: Option<i64>,
}

impl Reset {
    /// Reads `HH:MM`.
    pub(super) fn new(key: &str, text: &str, scene: &Scene) -> Result<Self> {
        let read = || {
            let (h, m) = text.split_once(':')?;
            let (h, m): (i64, i64) = (h.parse().ok()?, m.parse().ok()?);
            ((0..24).contains(&h) && (0..60).contains(&m)).then(|| h * 60 + m)
        };
        let minute = read().ok_or_else(|| {
            Error::config(key, format!("`{text}` is no time of day; write HH:MM, such as 00:00"))
        })?;
        let zone = scene
            .timezone
            .clone()
            .ok_or_else(|| Error::config(key, "a time of day needs the site's `timezone`"))?;
        Ok(Self { minute, zone, day: None })
    }

    /// Whether the time of day has passed since the last call.
    pub(super) fn due(&mut self, at: Timestamp) -> bool {
        let Ok(moment) = jiff::Timestamp::from_millisecond(at.ms()) else { return false };
        let local = moment.to_zoned(self.zone.clone()).datetime();
        let date = local.date();
        let days = i64::from(date.year()) * 366 + i64::from(date.day_of_year());
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        let day = if minute >= self.minute { days } else { days - 1 };
        let due = self.day.is_some_and(|before| day > before);
        self.day = Some(day.max(self.day.unwrap_or(day)));
        due
    }
}

#[derive(Debug)]
struct Occupancy {
    zone: Option<usize>,
    line: Option<usize>,
    filter: Filter,
    params: Params,
    reset: Option<Reset>,
    count: i64,
    /// Who is inside: a buffer that is kept from step to step.
    inside: Vec<u64>,
    /// Since when, and by how many, the zone disagrees with the line.
    disagrees: Option<(Timestamp, i64)>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    match (params.at_least, params.at_most) {
        (None, None) => return Err(Error::config("at_least", "give `at_least`, `at_most` or both")),
        (Some(0), _) => return Err(Error::config("at_least", "0 or more always holds; give 1 or more")),
        (Some(low), Some(high)) if low <= high => {
            return Err(Error::config(
                "at_most",
                format!("every number is {low} or more, or {high} or fewer: leave a gap between them"),
            ));
        }
        _ => {}
    }
    let reset =
        params.reset_at.as_deref().map(|text| Reset::new("reset_at", text, context.scene)).transpose()?;
    let zone = context.zone.map(|zone| context.probes.zone(zone, context.anchor));
    let line = context.line.map(|line| context.probes.line(line, context.anchor, BAND));
    Ok(Box::new(Occupancy {
        zone,
        line,
        filter: context.take_filter(),
        params,
        reset,
        count: 0,
        inside: Vec::new(),
        disagrees: None,
    }))
}

impl Occupancy {
    fn count_line(&mut self, probe: usize, facts: &Facts<'_>) {
        if self.reset.as_mut().is_some_and(|r| r.due(facts.at)) {
            self.count = 0;
        }
        for crossing in facts.crossings.iter().filter(|c| c.probe == probe) {
            if self.filter.class(crossing.class_id) && self.filter.score(crossing.best_score) {
                self.count += if crossing.rightwards { 1 } else { -1 };
            }
        }
        self.count = self.count.max(0);
    }

    fn correct(&mut self, seen: i64, at: Timestamp) {
        let off = seen - self.count;
        self.disagrees = match self.disagrees {
            _ if off == 0 => None,
            Some((since, before)) if before.signum() == off.signum() => Some((since, off)),
            _ => Some((at, off)),
        };
        if self.disagrees.is_some_and(|(since, _)| at - since >= self.params.settle) {
            self.count = seen;
            self.disagrees = None;
        }
    }
}

impl Rule for Occupancy {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        self.inside.clear();
        if let Some(probe) = self.zone {
            let there = facts.visitors(probe).filter(|f| {
                f.zones[probe].inside
                    && facts.at - f.last_seen <= PRESENT
                    && self.filter.admits(f, facts.scene)
            });
            self.inside.extend(there.map(|f| f.id));
        }
        let seen = self.inside.len() as i64;
        if let Some(probe) = self.line {
            self.count_line(probe, facts);
            if self.zone.is_some() {
                self.correct(seen, facts.at);
            }
        } else {
            self.count = seen;
        }
        let many = self.params.at_least.filter(|&n| self.count >= i64::from(n));
        let few = self.params.at_most.filter(|&n| self.count <= i64::from(n));
        if let Some(limit) = many.or(few) {
            let inside_now: Measured = ("inside", self.count as f64, Some(f64::from(limit)));
            holds.hold_place(&self.inside, facts.at, &[inside_now]);
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.count = 0;
        self.disagrees = None;
    }
}
