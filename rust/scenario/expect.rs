//! What must be told, and how it differs from what was told.

use super::CaseResult;
use super::case::Case;
use crate::time::{Span, Timestamp};
use std::fmt::Write as _;

/// A line as it is expected or told: `30s loitering started person-1 people=4`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    /// A second either way is allowed.
    pub(super) loose: bool,
    pub(super) rule: String,
    pub(super) change: String,
    pub(super) actors: Vec<String>,
    pub(super) values: Vec<(String, f64)>,
    /// About something that is over as soon as it happens.
    pub(super) moment: bool,
}

/// What `~` allows.
const LOOSE: i64 = 1000;

impl Line {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an expectation; write \"30s loitering started person-1\"");
        let mut words = text.split_whitespace();
        let time = words.next().ok_or_else(wrong)?;
        let at = Span::parse(time.trim_start_matches('~')).map_err(|_| wrong())?;
        let rest: Vec<&str> = words.collect();
        let i = rest.iter().position(|w| matches!(*w, "started" | "updated" | "ended")).ok_or_else(wrong)?;
        let (mut actors, mut values) = (Vec::new(), Vec::new());
        for word in &rest[i + 1..] {
            match word.split_once('=') {
                Some((name, value)) => values.push((name.to_owned(), value.parse().map_err(|_| wrong())?)),
                None => actors.push((*word).to_owned()),
            }
        }
        actors.sort();
        Ok(Self {
            at: Timestamp::from_ms(at.ms()),
            loose: time.starts_with('~'),
            rule: rest[..i].join(" "),
            change: rest[i].to_owned(),
            actors,
            values,
            moment: false,
        })
    }

    fn text(&self) -> String {
        let mut text = format!("{}s {} {}", self.at.ms() as f64 / 1000.0, self.rule, self.change);
        for actor in &self.actors {
            text.push(' ');
            text.push_str(actor);
        }
        for (name, value) in &self.values {
            // Writing into a String cannot fail.
            let _ = write!(text, " {name}={}", (value * 100.0).round() / 100.0);
        }
        text
    }

    /// Whether `told` is what this line expects; what the line leaves out is not looked at.
    fn admits(&self, told: &Self) -> bool {
        let off = (self.at - told.at).ms().abs();
        off <= if self.loose { LOOSE } else { 0 }
            && self.rule == told.rule
            && self.change == told.change
            && (self.actors.is_empty() || self.actors == told.actors)
            && self.values.iter().all(|(name, value)| {
                told.values.iter().any(|(n, v)| n == name && (v - value).abs() <= 0.005 + value.abs() * 0.01)
            })
    }
}

/// Compares line by line; `measures` says of a rule whether it only measures.
pub(super) fn compare(case: &Case, told: Vec<Line>, measures: impl Fn(&str) -> bool) -> CaseResult {
    let expects = |rule: &str, change: Option<&str>| {
        case.expect.iter().any(|l| l.rule == rule && change.is_none_or(|c| l.change == c))
    };
    // The end of a moment, and totals, are looked at only where the case speaks of them.
    let told: Vec<Line> = told
        .into_iter()
        .filter(|l| {
            let spoken_of = !measures(&l.rule) || expects(&l.rule, None);
            let end_wanted = !l.moment || l.change != "ended" || expects(&l.rule, Some("ended"));
            spoken_of && end_wanted
        })
        .collect();
    let mut left: Vec<&Line> = told.iter().collect();
    let mut missing = None;
    for line in &case.expect {
        match left.iter().position(|t| line.admits(t)) {
            Some(i) => drop(left.remove(i)),
            None => missing = missing.or(Some(line)),
        }
    }
    let message = match (missing, left.first()) {
        (Some(line), Some(extra)) => format!("expected `{}`, got `{}`", line.text(), extra.text()),
        (Some(line), None) => format!("expected `{}`, which was not told", line.text()),
        (None, Some(extra)) => format!("told `{}`, which was not expected", extra.text()),
        (None, None) => String::new(),
    };
    CaseResult {
        name: case.name.clone(),
        passed: message.is_empty(),
        expected: case.expect_text.clone(),
        got: told.iter().map(Line::text).collect(),
        message,
    }
}
