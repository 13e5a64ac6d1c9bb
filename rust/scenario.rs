//! Literate scenarios: who walks where when, and what must be told. Read by `tests/rules/*.toml` and `beffroi test`.
//!
//! ```toml
//! [scene]
//! zones.till = [[0, 0], [1, 0], [1, 1], [0, 1]]
//! rules = [{ name = "loitering", type = "loitering", zone = "till", after = "30s", clear_after = "5s" }]
//!
//! [[case]]
//! name = "starts when the time is up, ends when the zone has stayed empty"
//! person-1 = "0s 0.5,0.5 -> 40s 0.5,0.5"
//! expect = ["30s loitering started person-1", "45s loitering ended person-1"]
//! ```
//!
//! An actor is `<class>-<anything>`; its path gives its reference point (feet, middle of a vehicle's footprint) at
//! moments, straight in between; a list of paths is somebody who goes and comes back. Besides `name` and `expect` a
//! case may have `fps` (5), `until`, `jitter` (box noise, share of the box), `misses` (share of detections lost),
//! `seed`, `begins` (local date and time of its 0 s, `2026-11-27T21:59`; without it there is no time of day), `drop` (times without any picture), and by actor `miss` (times without its detection), `switch` (moments
//! at which the tracker loses it), `size` (box width and height, relative; or `"0s 0.04,0.18 -> 1s 0.18,0.05"`) and
//! `score`; `signals` by name (`signals.head = "0s red -> 10s green"`).
//! An expected line is `<time> <rule> started|updated|ended [actors] [name=value]`; `~30s` allows a second either way.

mod case;
mod expect;

use crate::engine::{Boxes, Engine};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::rules::CATALOGUE;
use crate::scene::read_value;
use crate::time::{Span, Timestamp};
use case::{Case, Noise};
use expect::{Line, compare};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What became of a case.
#[derive(Debug, Serialize)]
pub struct CaseResult {
    /// The case's name.
    pub name: String,
    /// Whether everything came as expected.
    pub passed: bool,
    /// Expected lines.
    pub expected: Vec<String>,
    /// What was told, in the same form.
    pub got: Vec<String>,
    /// What differs first; empty if passed.
    pub message: String,
}

/// Runs every case of a scenario file on its own `[scene]`, or on `scene_json`.
///
/// # Errors
/// [`Error::Config`] if the text is not a scenario file, or the scene cannot run.
pub fn rehearse(cases_toml: &str, scene_json: Option<&str>) -> Result<Vec<CaseResult>> {
    let mut file: toml::Table =
        cases_toml.parse().map_err(|e: toml::de::Error| Error::config("", format!("not TOML: {e}")))?;
    let own = file.remove("scene");
    let cases = file.remove("case");
    if let Some(key) = file.keys().next() {
        return Err(Error::config(key, "a scenario file has [scene] and [[case]], nothing else"));
    }
    let scene = match (scene_json, own) {
        (Some(_), Some(_)) => {
            return Err(Error::config("scene", "the cases run on the site's scene; leave [scene] out"));
        }
        (Some(scene), None) => scene.to_owned(),
        (None, Some(own)) => value_of(own)?.to_string(),
        (None, None) => return Err(Error::config("scene", "a [scene] with zones and rules is needed")),
    };
    let Some(toml::Value::Array(cases)) = cases else {
        return Err(Error::config("case", "at least one [[case]] is needed"));
    };
    // The scene's own mistakes come first, with their place in the scene.
    Engine::new(&scene).map_err(|e| if scene_json.is_none() { e.under("scene") } else { e })?;
    cases
        .into_iter()
        .enumerate()
        .map(|(i, case)| {
            let place = format!("case[{i}]");
            let case = Case::read(value_of(case)?).map_err(|e| e.under(&place))?;
            play(&case, &scene).map_err(|e| e.under(&place))
        })
        .collect()
}

/// Two days at five pictures a second: a rehearsal that takes longer than a minute is a slip of the hand.
const MOST_PICTURES: i64 = 1_000_000;

fn value_of(toml: toml::Value) -> Result<Value> {
    serde_json::to_value(toml).map_err(|e| Error::config("", e.to_string()))
}

/// An engine under play, with the actor behind every subject.
struct Play<'a> {
    case: &'a Case,
    /// From the times of the case to media time.
    origin: Span,
    engine: Engine,
    noise: Noise,
    /// Actor last seen under each subject.
    actor_of: BTreeMap<u64, usize>,
    /// Track last seen of each actor.
    track_of: Vec<Option<u64>>,
    told: Vec<Line>,
}

fn play(case: &Case, scene: &str) -> Result<CaseResult> {
    let engine = Engine::new(scene)?;
    case.check(engine.scene())?;
    let mut play = Play {
        case,
        origin: case.origin(engine.scene())?,
        noise: Noise::new(case.seed),
        actor_of: BTreeMap::new(),
        track_of: vec![None; case.actors.len()],
        told: Vec::new(),
        engine,
    };
    let step = Span::from_ms((1000.0 / case.fps).round() as i64);
    let mut at = Timestamp::from_ms(0);
    let end = Timestamp::from_ms(0) + case.until();
    if case.until().ms() / step.ms() > MOST_PICTURES {
        let message =
            format!("{} at {} pictures a second are over a million pictures", case.until(), case.fps);
        return Err(Error::config("until", message));
    }
    while at <= end {
        play.step(at)?;
        at = at + step;
    }
    let last = play.engine.finish(end + play.origin, "end_of_stream")?.to_vec();
    play.tell(&last);
    Ok(compare(case, play.told, |rule| measures(&play.engine, rule)))
}

fn measures(engine: &Engine, rule: &str) -> bool {
    let kind = engine.kind_of(rule);
    CATALOGUE.iter().any(|s| Some(s.kind) == kind && s.measurement)
}

impl Play<'_> {
    fn step(&mut self, at: Timestamp) -> Result<()> {
        for (i, actor) in self.case.actors.iter().enumerate() {
            if actor.switches.contains(&at)
                && let Some(track) = self.track_of[i]
            {
                self.engine.lose_track(track);
            }
        }
        if self.case.dropped(at) {
            return Ok(());
        }
        let (mut xyxy, mut score, mut class_id, mut who) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (i, actor) in self.case.actors.iter().enumerate() {
            // Drawn for everybody at every step: one actor's misses do not change another's noise.
            let (lost, shake) =
                (self.noise.uniform() < self.case.misses, self.noise.box_noise(self.case.jitter));
            let Some(point) = actor.position(at) else { continue };
            if lost || actor.missed(at) {
                continue;
            }
            let class =
                self.engine.scene().labels.iter().position(|l| **l == *actor.class).unwrap_or_default();
            xyxy.extend(actor.relative_box(at, point, self.engine.scene().groups[class], shake));
            score.push(actor.score);
            class_id.push(class as u16);
            who.push(i);
        }
        let signals = self.case.signals_at(at);
        let boxes = Boxes { xyxy: &xyxy, score: &score, class_id: &class_id };
        self.engine.step(
            at + self.origin,
            boxes,
            signals.iter().map(|(n, s)| (n.as_str(), s.as_str())),
            None,
        )?;
        for subject in self.engine.subjects() {
            let Some(track) = subject.track.map(|t| &self.engine.tracks()[t]) else { continue };
            if let Some(actor) = track.det.and_then(|row| who.get(row as usize)) {
                self.actor_of.insert(subject.id, *actor);
                self.track_of[*actor] = Some(track.id);
            }
        }
        let events = self.engine.events().to_vec();
        self.tell(&events);
        Ok(())
    }

    fn tell(&mut self, events: &[Event]) {
        for event in events {
            let name = |id: u64| {
                self.actor_of.get(&id).map_or("?".to_owned(), |a| self.case.actors[*a].name.clone())
            };
            let mut actors: Vec<String> = event.subject_ids().into_iter().map(name).collect();
            actors.sort();
            actors.dedup();
            self.told.push(Line {
                at: Timestamp::from_ms(event.at.ms() - self.origin.ms()),
                loose: false,
                rule: event.origin.rule.clone(),
                change: event.change.as_str().to_owned(),
                actors,
                moment: event.moment,
                values: event.measured.iter().map(|m| (m.name.to_string(), m.value)).collect(),
            });
        }
    }
}

/// Reads a list or a single value.
fn one_or_many<T: serde::de::DeserializeOwned>(value: Value) -> Result<Vec<T>> {
    match value {
        Value::Array(items) => items.into_iter().map(read_value).collect(),
        one => Ok(vec![read_value(one)?]),
    }
}
