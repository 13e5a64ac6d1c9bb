//! Gates are crossed in a forbidden order: a left turn that is not allowed, a U-turn, a way through a bus gate.
//!
//! # What holds
//! The same subject crosses the lines named in `gates`, one after the other, and is over the last one at most `within`
//! after the first. Who crosses a gate again starts anew from there, so waiting between the gates only counts from the
//! last time. A gate may be named twice: `["a>", "a<"]` is turning round.
//!
//! # Settings
//! `gates`: two or more names of lines, in the forbidden order; `a>` counts only crossings from the line's left to its
//! right, as seen from its first point looking to its last, `a<` only from right to left. Whoever goes back over a gate
//! that has a direction has not passed it. `within`: longest time from the first gate to the last (30 s). `band`:
//! distance in body sizes at which a crossing is confirmed, as in `line_crossing` (0.2).
//!
//! # What it cannot see
//! Whether a turn was permitted just then by a policeman or a sign with hours (give the rule a schedule). A subject that
//! is lost between the gates for longer than the tracker remembers is another subject at the next gate.

use super::line_crossing::{BAND, check_band, warn_short};
use super::{Context, Defaults, Filter, Rule, RuleSpec, Target, VEHICLES, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Facts, LineCrossing};
use crate::lifecycle::Holds;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "forbidden_turn",
    source: include_str!("forbidden_turn.rs"),
    definition: Template {
        fr: "Franchissement des lignes {gates} l'une après l'autre, dans cet ordre (« > » : de gauche à droite seulement, « < » : de droite \
             à gauche seulement), en {within} au plus, chacun confirmé à {band} fois la taille du sujet au-delà de la ligne.",
        en: "Crossing of the lines {gates} one after the other, in this order (\">\": left to right only, \"<\": right to left only), \
             within {within}, each confirmed {band} body sizes beyond the line.",
    },
    onvif_topic: None,
    target: Target::View,
    defaults: Defaults { after: Span::ZERO, gap: Span::ZERO, clear_after: Span::ZERO, classes: VEHICLES },
    measurement: false,
    momentary: true,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Names of lines in the forbidden order; `a>` only from left to right, `a<` only from right to left.
    #[schemars(length(min = 2, max = 8))]
    gates: Vec<String>,
    /// Longest time from the first gate to the last.
    #[serde(default = "within")]
    within: Span,
    /// Distance in body sizes at which a crossing is confirmed.
    #[serde(default = "band")]
    #[schemars(range(min = 0.01, max = 2.0))]
    band: f64,
}

fn within() -> Span {
    Span::from_secs(30)
}
fn band() -> f64 {
    BAND
}

/// A junction has four arms; a way over more gates than this is a route.
const MOST_GATES: usize = 8;

/// A line, and which way over it counts.
#[derive(Clone, Copy, Debug)]
struct Gate {
    probe: usize,
    rightwards: Option<bool>,
}

impl Gate {
    fn admits(self, crossing: &LineCrossing) -> bool {
        self.probe == crossing.probe && self.rightwards.is_none_or(|way| way == crossing.rightwards)
    }

    /// Whether the crossing goes back over it.
    fn undone_by(self, crossing: &LineCrossing) -> bool {
        self.probe == crossing.probe && self.rightwards.is_some_and(|way| way != crossing.rightwards)
    }
}

/// How far one subject has come.
#[derive(Debug)]
struct Progress {
    subject: u64,
    /// By gate: when the latest way over all gates up to this one began.
    began: [Option<Timestamp>; MOST_GATES],
    last: Timestamp,
}

#[derive(Debug)]
struct Turn {
    gates: Vec<Gate>,
    within: Span,
    filter: Filter,
    progress: Vec<Progress>,
    /// Crossings of this step that touch a gate: a buffer that is kept from step to step.
    crossed: Vec<LineCrossing>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    check_band(params.band)?;
    if !(2..=MOST_GATES).contains(&params.gates.len()) {
        return Err(Error::config(
            "gates",
            format!("{} lines: give two to {MOST_GATES} in the forbidden order", params.gates.len()),
        ));
    }
    if params.within == Span::ZERO {
        return Err(Error::config("within", "nobody is at two gates at once; 30s is usual"));
    }
    let mut gates = Vec::new();
    for (i, written) in params.gates.iter().enumerate() {
        let known = |name: &str| context.scene.lines.iter().any(|(line, _)| line == name);
        let (name, rightwards) = match (written.strip_suffix('>'), written.strip_suffix('<')) {
            _ if known(written) => (written.as_str(), None),
            (Some(name), _) => (name.trim_end(), Some(true)),
            (_, Some(name)) => (name.trim_end(), Some(false)),
            _ => (written.as_str(), None),
        };
        let line = context.gate(&format!("gates[{i}]"), name)?;
        warn_short(context, line);
        let probe = context.probes.line(line, context.anchor, params.band);
        gates.push(Gate { probe, rightwards });
    }
    Ok(Box::new(Turn {
        gates,
        within: params.within,
        filter: context.take_filter(),
        progress: Vec::new(),
        crossed: Vec::new(),
    }))
}

impl Turn {
    /// Takes in a crossing; gives when the way over all gates began, if this ends one.
    fn advance(&mut self, crossing: &LineCrossing) -> Option<Timestamp> {
        let place = self.progress.binary_search_by_key(&crossing.subject, |p| p.subject);
        let i = place.unwrap_or_else(|i| {
            let began = [None; MOST_GATES];
            self.progress.insert(i, Progress { subject: crossing.subject, began, last: crossing.at });
            i
        });
        let progress = &mut self.progress[i];
        progress.last = crossing.at;
        let before = progress.began;
        for (k, gate) in self.gates.iter().enumerate() {
            if gate.admits(crossing) {
                // From what held before this crossing: it is one gate, even where two of them are the same line.
                let begun = if k == 0 { Some(crossing.at) } else { before[k - 1] };
                let in_time = begun.filter(|&since| crossing.at - since <= self.within);
                progress.began[k] = in_time.or(progress.began[k]);
            } else if gate.undone_by(crossing) {
                progress.began[k] = None;
            }
        }
        let last = self.gates.len() - 1;
        let ended = self.gates[last].admits(crossing).then(|| progress.began[last]).flatten();
        if ended.is_some() {
            progress.began = [None; MOST_GATES];
        }
        ended
    }
}

impl Rule for Turn {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let mut crossed = std::mem::take(&mut self.crossed);
        let watched = |c: &&LineCrossing| self.gates.iter().any(|g| g.probe == c.probe);
        crossed.extend(facts.crossings.iter().filter(watched));
        // A fast vehicle is over two gates between two pictures; which was first says the path.
        crossed.sort_by_key(|c| (c.subject, c.at));
        for crossing in &crossed {
            if let Some(began) = self.advance(crossing)
                && self.filter.admits_crossing(crossing, facts)
            {
                let took = (crossing.at - began).seconds();
                holds.once(crossing.subject, began, &[("turn_s", took, Some(self.within.seconds()))]);
            }
        }
        crossed.clear();
        self.crossed = crossed;
        let within = self.within;
        self.progress
            .retain(|p| facts.at - p.last <= within && facts.gone.binary_search(&p.subject).is_err());
    }

    fn finish(&mut self, _: &mut Holds) {
        self.progress.clear();
    }
}
