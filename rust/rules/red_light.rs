//! A stop line is crossed while the signal is red.
//!
//! # What holds
//! The subject crosses the line in the watched direction, at a moment at which the signal has been `red` for more than
//! `grace`. The moment is that of the path between two detections, not that of the picture that showed the subject
//! beyond the line. Only what is certain counts, and every doubt is the driver's:
//!
//! - Only `red` is red: not `amber`, `red_amber`, `unknown`, nor a signal that nobody reads.
//! - The crossing is confirmed `band` body sizes beyond the line while the signal still is not known to be anything
//!   else. Creeping over the line and waiting there for green is no crossing on red.
//! - The subject was seen before the line after red had begun, so a gap between detections cannot make a crossing on
//!   amber one on red.
//! - A vehicle whose front was clearly over the line when red began (the line cut the inner part of its footprint) may
//!   clear the junction during the whole of that red.
//!
//! A lamp that is not read for up to 2 s (a lorry passes before it) and is red again has been red all the time: no
//! cycle goes round in less. Neither does a red end that was older than `grace` when one look of less than 0.3 s shows
//! another colour: no lamp changes and changes back in that time. A crossing within such a hole is not told, and nothing
//! is while another colour shows. A signal that nobody has reported for a minute is not known.
//!
//! For statistics and alerts, never for sanctions: neither camera nor clock is certified, and no plate is read.
//!
//! # Settings
//! `line`: the stop line. `signal`: name of the signal; without a detector that gives it, the lamp in the zone of this
//! name is looked at. `grace`: how long it must have been red (0.5 s: the time that a picture or two and the reading of
//! the lamp are late). `direction`: `both` (default), `left_to_right` or `right_to_left`, as seen from the line's first
//! point looking to its last. `band`: as in `line_crossing` (0.2).
//!
//! # What it cannot see
//! An arrow that frees one lane while the full lamp is red: name the lamp of the lane, and draw its line. Vehicles with
//! blue lights; a policeman who waves through.

use super::line_crossing::{BAND, Direction, check_band, warn_short};
use super::{Context, Defaults, Filter, Rule, RuleSpec, Target, VEHICLES, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Fact, Facts};
use crate::geometry::{BBox, Point, Polyline};
use crate::lifecycle::Holds;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "red_light",
    source: include_str!("red_light.rs"),
    definition: Template {
        fr: "Franchissement de la ligne « {line} »{direction=left_to_right? de gauche à droite}{direction=right_to_left? de droite à gauche}\
             {direction=both? dans un sens ou dans l'autre} alors que le signal « {signal} » est rouge depuis plus de {grace}, confirmé à \
             {band} fois la taille du sujet au-delà de la ligne, le signal toujours rouge. Pour la statistique et l'alerte, jamais pour la sanction.",
        en: "Crossing of the line \"{line}\"{direction=left_to_right? from left to right}{direction=right_to_left? from right to left}\
             {direction=both? in either direction} while the signal \"{signal}\" has been red for more than {grace}, confirmed {band} body \
             sizes beyond the line with the signal still red. For statistics and alerts, never for sanctions.",
    },
    onvif_topic: None,
    target: Target::Line,
    defaults: Defaults { after: Span::ZERO, gap: Span::ZERO, clear_after: Span::ZERO, classes: VEHICLES },
    measurement: false,
    momentary: true,
    needs: &["light"],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Name of the signal: `red` is what counts.
    #[schemars(length(min = 1))]
    signal: String,
    /// How long it must have been red when the line is crossed.
    #[serde(default = "grace")]
    grace: Span,
    /// `both`, `left_to_right` or `right_to_left`, seen from the line's first point looking to its last.
    #[serde(default)]
    direction: Direction,
    /// Distance in body sizes at which a crossing is confirmed and the line armed again.
    #[serde(default = "band")]
    #[schemars(range(min = 0.01, max = 2.0))]
    band: f64,
}

fn grace() -> Span {
    Span::from_ms(500)
}
fn band() -> f64 {
    BAND
}

/// Not read for this long between two reds, a lamp has been red. Longer would bridge the shortest green (about 4 s) and
/// the ambers beside it; shorter would begin red anew behind every lorry that passes before the lamp.
const UNREAD: Span = Span::from_secs(2);
/// Another colour shown for less than this is a wrong look; shown on and on, it is the truth from here on.
const WRONG: Span = Span::from_ms(300);
/// ... and red again this long after its first look is a red of its own: there may have been a change between looks.
const BACK: Span = Span::from_secs(1);
/// A signal that was last reported longer ago is not known: its detector has gone silent.
const STALE: Span = Span::from_secs(60);
/// Stretches of one red that are remembered: with a lamp that flickers more often, the earliest are forgotten and
/// crossings in them not told.
const STRETCHES: usize = 16;
/// Share of the footprint, at each of its sides, that the line may cut before the front counts as over it: the tremble
/// of a box, and drivers who stop with the bumper on the line.
const BUMPER: f64 = 0.2;

/// One red, from its beginning on, with the stretches in which it was read.
#[derive(Debug, Default)]
struct Red {
    since: Option<Timestamp>,
    stretches: Vec<(Timestamp, Timestamp)>,
    /// Whether it was read in the last step.
    lit: bool,
    /// Since when another colour shows.
    doubt: Option<Timestamp>,
}

impl Red {
    /// Takes in what the lamp shows; whether a new red begins.
    fn step(&mut self, at: Timestamp, state: Option<&str>, grace: Span) -> bool {
        let last = self.stretches.last().map(|(_, until)| *until);
        match state {
            Some("red") => {
                // A pause of the pictures is no better than a lamp that is not read.
                let goes_on = last.is_some_and(|until| at - until <= UNREAD)
                    && self.doubt.take().is_none_or(|doubt| at - doubt < BACK);
                if !goes_on {
                    self.since = Some(at);
                    self.stretches.clear();
                }
                match self.stretches.last_mut() {
                    Some((_, until)) if goes_on && self.lit => *until = at,
                    _ => {
                        if self.stretches.len() == STRETCHES {
                            self.stretches.remove(0);
                        }
                        self.stretches.push((at, at));
                    }
                }
                self.lit = true;
                return !goes_on;
            }
            None | Some("unknown") => {
                self.lit = false;
                if last.is_some_and(|until| at - until > UNREAD) {
                    self.end();
                }
            }
            Some(_) => {
                self.lit = false;
                let doubt = *self.doubt.get_or_insert(at);
                let established = self.since.is_some_and(|since| doubt - since > grace);
                if !established || at - doubt >= WRONG {
                    self.end();
                }
            }
        }
        false
    }

    fn end(&mut self) {
        self.since = None;
        self.stretches.clear();
        self.lit = false;
        self.doubt = None;
    }

    /// For how long it had been red then, if it was read as red.
    fn age(&self, then: Timestamp) -> Option<Span> {
        self.stretches.iter().any(|(from, until)| (*from..=*until).contains(&then)).then_some(())?;
        self.since.map(|since| then - since)
    }
}

#[derive(Debug)]
struct RedLight {
    probe: usize,
    line: usize,
    filter: Filter,
    params: Params,
    red: Red,
    /// Whose front was over the line when red began, by id.
    over: Vec<u64>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    check_band(params.band)?;
    if params.signal.trim().is_empty() {
        return Err(Error::config("signal", "say which signal: the name of the zone that holds its lamp"));
    }
    let line = context.line.unwrap_or_default();
    warn_short(context, line);
    let probe = context.probes.line(line, context.anchor, params.band);
    Ok(Box::new(RedLight {
        probe,
        line,
        filter: context.take_filter(),
        params,
        red: Red::default(),
        over: Vec::new(),
    }))
}

/// Whether the line cuts the inner part of what of the box stands on the ground: its lower half.
fn astride(fact: &Fact, line: &Polyline) -> bool {
    let b = fact.bbox;
    let (w, h) = (BUMPER * b.width(), BUMPER * 0.5 * b.height());
    let inner = BBox::new(b.x1 + w, f64::midpoint(b.y1, b.y2) + h, b.x2 - w, b.y2 - h);
    line.points().windows(2).any(|s| meets(&inner, s[0], s[1]))
}

/// Whether the segment from `a` to `b` has a point in the box (Liang and Barsky 1984).
fn meets(area: &BBox, a: Point, b: Point) -> bool {
    let way = b - a;
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    let sides =
        [(-way.x, a.x - area.x1), (way.x, area.x2 - a.x), (-way.y, a.y - area.y1), (way.y, area.y2 - a.y)];
    for (towards, room) in sides {
        if towards == 0.0 {
            if room < 0.0 {
                return false;
            }
        } else if towards < 0.0 {
            enter = enter.max(room / towards);
        } else {
            leave = leave.min(room / towards);
        }
    }
    enter <= leave
}

impl Rule for RedLight {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let reported = facts.reported.get(&self.params.signal);
        let known = reported.is_some_and(|&reported| facts.at - reported <= STALE);
        let state = facts.signals.get(&self.params.signal).filter(|_| known).map(String::as_str);
        if self.red.step(facts.at, state, self.params.grace) {
            let line = &facts.scene.lines[self.line].1;
            self.over.clear();
            let watched = facts.subjects.iter().filter(|f| self.filter.class(f.class_id));
            self.over.extend(watched.filter(|f| astride(f, line)).map(|f| f.id));
        }
        for crossing in facts.crossings.iter().filter(|c| c.probe == self.probe) {
            let Some((age, since)) = self.red.age(crossing.at).zip(self.red.since) else { continue };
            if age > self.params.grace
                && self.red.doubt.is_none()
                && crossing.from >= since
                && self.params.direction.admits(crossing.rightwards)
                && self.over.binary_search(&crossing.subject).is_err()
                && self.filter.admits_crossing(crossing, facts)
            {
                let measured = ("red_s", age.seconds(), Some(self.params.grace.seconds()));
                holds.once(crossing.subject, crossing.at, &[measured]);
            }
        }
        self.over.retain(|id| facts.gone.binary_search(id).is_err());
    }

    fn finish(&mut self, _: &mut Holds) {
        self.red.end();
        self.over.clear();
    }
}
