//! The engine of one view: the calls of a step, in order.

mod build;

use crate::detection::Detections;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::facts::{Facts, Observatory, Probes};
use crate::lifecycle::{Holds, Timer, Transition};
use crate::scene::Scene;
use crate::stats::Stats;
use crate::subject::{Renamed, Subject, Subjects};
use crate::time::Timestamp;
use crate::track::{Affine, Track, Tracker};
use crate::watch::Watch;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use build::build_all;

/// Boxes of one picture, as columns relative to the picture: `xyxy` has four numbers a box.
#[derive(Clone, Copy, Debug)]
pub struct Boxes<'a> {
    /// x1, y1, x2, y2.
    pub xyxy: &'a [f32],
    /// 0..1.
    pub score: &'a [f32],
    /// Index into the scene's classes.
    pub class_id: &'a [u16],
}

/// All analytics of one view.
#[derive(Debug)]
pub struct Engine {
    scene: Scene,
    detections: Detections,
    tracker: Tracker,
    subjects: Subjects,
    observatory: Observatory,
    stats: Stats,
    /// In the order in which they run: as written, those that look at other rules after the others.
    watches: Vec<Watch>,
    /// Number of those that look at no other rule.
    plain: usize,
    signals: BTreeMap<String, String>,
    reported: BTreeMap<String, Timestamp>,
    last: Option<Timestamp>,
    holds: Holds,
    transitions: Vec<Transition>,
    events: Vec<Event>,
    /// Events of the rules that look at other rules, until they join the others.
    later: Vec<Event>,
    closed: Option<Value>,
}

impl Engine {
    /// Reads the scene and builds its rules.
    ///
    /// # Errors
    /// [`Error::Config`] with the path of the first mistake.
    pub fn new(scene_json: &str) -> Result<Self> {
        let (scene, written) = Scene::read(scene_json)?;
        let mut probes = Probes::default();
        let rules = build_all(&scene, &written, &mut probes)?;
        let (mut watches, after): (Vec<_>, Vec<_>) = rules
            .into_iter()
            .filter(|built| built.enabled)
            .map(Watch::new)
            .partition(|watch| watch.built.rule.reads().is_empty());
        let plain = watches.len();
        watches.extend(after);
        let queues = watches.iter().filter(|w| w.built.rule.queued().is_some());
        let queues = queues.map(|w| w.built.origin.rule.clone()).collect();
        let stats = Stats::new(&scene, &mut probes, crate::rules::BAND, queues);
        Ok(Self {
            detections: Detections::default(),
            tracker: Tracker::new(),
            subjects: Subjects::new(scene.aspect),
            observatory: Observatory::new(probes, &scene),
            stats,
            watches,
            plain,
            signals: BTreeMap::new(),
            reported: BTreeMap::new(),
            last: None,
            holds: Holds::default(),
            transitions: Vec::new(),
            events: Vec::new(),
            later: Vec::new(),
            closed: None,
            scene,
        })
    }

    /// The scene.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Advances to `at` with the boxes of that picture.
    ///
    /// # Errors
    /// [`Error::Input`]; nothing has changed then.
    pub fn step<'s>(
        &mut self,
        at: Timestamp,
        boxes: Boxes<'_>,
        signals: impl IntoIterator<Item = (&'s str, &'s str), IntoIter: Clone>,
        motion: Option<[f64; 6]>,
    ) -> Result<()> {
        let signals = signals.into_iter();
        Self::check_time(at, self.last)?;
        self.check_signals(signals.clone())?;
        let motion = motion.map(|m| affine(m, self.scene.aspect)).transpose()?;
        self.detections.fill(
            self.scene.aspect,
            &self.scene.groups,
            boxes.xyxy,
            boxes.score,
            boxes.class_id,
        )?;
        for (name, state) in signals {
            match self.reported.get_mut(name) {
                Some(last) => *last = at,
                None => drop(self.reported.insert(name.to_owned(), at)),
            }
            match self.signals.get_mut(name) {
                Some(old) if old == state => {}
                Some(old) => state.clone_into(old),
                None => {
                    self.signals.insert(name.to_owned(), state.to_owned());
                }
            }
        }
        self.tracker.step(at, &self.detections, motion.as_ref());
        self.subjects.step(at, self.tracker.tracks());
        let (tracks, current) = (self.tracker.tracks(), self.subjects.current());
        let score = |s: &Subject| s.track.map_or(0.0, |i| tracks[i].score);
        self.observatory.step(at, &self.scene, current, score);
        let facts = Facts {
            at,
            before: self.last,
            scene: &self.scene,
            subjects: self.observatory.facts(),
            visits: self.observatory.visits(),
            crossings: self.observatory.crossings(),
            gone: self.subjects.gone(),
            signals: &self.signals,
            reported: &self.reported,
            detections: &self.detections,
            told: &[],
        };
        self.events.clear();
        let (plain, after) = self.watches.split_at_mut(self.plain);
        let (holds, transitions) = (&mut self.holds, &mut self.transitions);
        for watch in plain {
            watch.step(&facts, holds, transitions, &mut self.events);
        }
        for watch in after {
            watch.step(&Facts { told: &self.events, ..facts }, holds, transitions, &mut self.later);
        }
        self.events.append(&mut self.later);
        let queued = self.watches.iter().filter_map(|w| w.built.rule.queued());
        self.closed = self.stats.step(&facts, queued);
        self.last = Some(at);
        Ok(())
    }

    /// Ends what is active at `at`, forgets all tracks. The engine can go on afterwards.
    ///
    /// # Errors
    /// [`Error::Input`] if `at` lies before the last step, or beyond [`Timestamp::FURTHEST`].
    pub fn finish(&mut self, at: Timestamp, reason: &str) -> Result<&[Event]> {
        Self::check_finish(at, self.last)?;
        self.events.clear();
        let reason: Arc<str> = Arc::from(reason);
        let facts = Facts {
            at,
            before: self.last,
            scene: &self.scene,
            subjects: self.observatory.facts(),
            visits: self.observatory.visits(),
            crossings: &[],
            gone: &[],
            signals: &self.signals,
            reported: &self.reported,
            detections: &self.detections,
            told: &[],
        };
        for watch in &mut self.watches {
            watch.lifecycle.finish(&mut self.transitions);
            watch.built.rule.finish(&mut self.holds);
            watch.publish(
                at,
                &facts,
                &mut self.transitions,
                &mut self.holds,
                Some(&reason),
                &mut self.events,
            );
        }
        self.tracker.clear();
        self.subjects.clear();
        self.observatory.clear();
        self.stats.finish();
        self.last = self.last.max(Some(at));
        Ok(&self.events)
    }

    /// Events of the last step.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Takes the events of the last step out of the engine.
    pub fn take_events(&mut self) -> std::vec::Drain<'_, Event> {
        self.events.drain(..)
    }

    /// Tracks of the last step, by id.
    pub fn tracks(&self) -> &[Track] {
        self.tracker.tracks()
    }

    /// Subjects of the last step, by id.
    pub fn subjects(&self) -> &[Subject] {
        self.subjects.current()
    }

    /// Subjects that went on under another track in the last step.
    pub fn renamed(&self) -> &[Renamed] {
        self.subjects.renamed()
    }

    /// Facts of the last step, by subject id.
    pub fn facts(&self) -> &[crate::facts::Fact] {
        self.observatory.facts()
    }

    /// The statistics period that closed with the last step.
    pub fn closed(&self) -> Option<&Value> {
        self.closed.as_ref()
    }

    /// The statistics period that runs, as if it ended at `at`; None if it holds nothing.
    pub fn running(&self, at: Timestamp) -> Option<Value> {
        self.stats.running(&self.scene, at)
    }

    /// Counts since the engine began.
    pub fn totals(&self) -> Value {
        self.stats.totals(&self.scene)
    }

    /// Pending and active incidents by rule, for those who draw them.
    pub fn timers(&self) -> impl Iterator<Item = (&str, Timer)> + '_ {
        self.watches.iter().flat_map(|w| w.lifecycle.timers().map(|t| (w.built.origin.rule.as_str(), t)))
    }

    /// The kind of a rule that runs.
    pub fn kind_of(&self, rule: &str) -> Option<&'static str> {
        self.watches.iter().find(|w| w.built.origin.rule == rule).map(|w| w.built.origin.kind)
    }

    /// Makes the tracker lose one track at once, as a bad detector would: scenarios use it to force an id switch.
    pub fn lose_track(&mut self, id: u64) {
        self.tracker.forget(id);
    }

    /// Number of things remembered (subjects, incidents): zero once an empty scene has stayed empty.
    pub fn remembered(&self) -> usize {
        self.subjects.current().len()
            + self.observatory.facts().len()
            + self.watches.iter().map(Watch::remembered).sum::<usize>()
    }

    /// Time of the last step.
    pub fn last_step(&self) -> Option<Timestamp> {
        self.last
    }

    /// Refuses names without end; what is known may change for ever.
    pub(crate) fn check_signals<'s>(&self, signals: impl Iterator<Item = (&'s str, &'s str)>) -> Result<()> {
        let mut names = self.signals.len();
        for (name, state) in signals {
            names += usize::from(!self.signals.contains_key(name));
            if names > MOST_SIGNALS || name.len().max(state.len()) > LONGEST_SIGNAL {
                return Err(Error::Input(format!(
                    "a view has {MOST_SIGNALS} signals at most, with names and states of {LONGEST_SIGNAL} bytes at most"
                )));
            }
        }
        Ok(())
    }

    /// Refuses a step at `at` after one at `last`.
    ///
    /// # Errors
    /// [`Error::Input`].
    pub fn check_time(at: Timestamp, last: Option<Timestamp>) -> Result<()> {
        if last.is_some_and(|last| at <= last) { Err(backwards(at, last)) } else { in_range(at) }
    }

    /// Refuses to finish at `at` after a step at `last`.
    ///
    /// # Errors
    /// [`Error::Input`].
    pub fn check_finish(at: Timestamp, last: Option<Timestamp>) -> Result<()> {
        if last.is_some_and(|last| at < last) { Err(backwards(at, last)) } else { in_range(at) }
    }
}

/// Most signals of one view, and most bytes of a name or state: who sends more sends something else.
const MOST_SIGNALS: usize = 1000;
const LONGEST_SIGNAL: usize = 1000;

fn in_range(at: Timestamp) -> Result<()> {
    let most = Timestamp::FURTHEST.ms();
    if (-most..=most).contains(&at.ms()) { Ok(()) } else { Err(out_of_range(at)) }
}

#[cold]
fn out_of_range(at: Timestamp) -> Error {
    Error::Input(format!("{} ms is no media time: 285 000 years either way are the limit", at.ms()))
}

#[cold]
fn backwards(at: Timestamp, last: Option<Timestamp>) -> Error {
    let last = last.map_or(0, Timestamp::ms);
    Error::Input(format!(
        "time goes backwards: {} ms after {last} ms; steps need increasing media time",
        at.ms()
    ))
}

/// Between two pictures a camera zooms by at most this factor, and turns by at most this many pictures. What goes
/// beyond, mirrors or flattens is a failed estimate, and would carry every track to where nothing can be.
const MOST_MOTION: f64 = 16.0;

/// An affine on relative coordinates, in view units.
pub(crate) fn affine([a, b, tx, c, d, ty]: [f64; 6], aspect: f64) -> Result<Affine> {
    // Written so that NaN fails every comparison.
    let moderate = [a, b, tx, c, d, ty].iter().all(|v| v.abs() <= MOST_MOTION);
    if !(moderate && a * d - b * c >= 1.0 / (MOST_MOTION * MOST_MOTION)) {
        return Err(impossible([a, b, tx, c, d, ty]));
    }
    Ok(Affine([a, b * aspect, tx * aspect, c / aspect, d, ty]))
}

#[cold]
fn impossible(motion: [f64; 6]) -> Error {
    if motion.iter().any(|v| !v.is_finite()) {
        return Error::Input(
            "motion holds NaN or infinity; give six numbers (a, b, tx, c, d, ty) or None".into(),
        );
    }
    let how = format!(
        "{MOST_MOTION} times larger or smaller and {MOST_MOTION} pictures away at most, not mirrored"
    );
    Error::Input(format!("motion {motion:?} is no camera's between two pictures ({how}); give None instead"))
}
