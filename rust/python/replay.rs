//! A whole recording, or the next part of one, through the engine, without Python.

use crate::detection::Detections;
use crate::engine::{Boxes, Engine as Core, affine};
use crate::error::Error;
use crate::event::Event;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// A recording, copied, so that the GIL can go.
pub(super) struct Recording {
    pub(super) at: Vec<i64>,
    pub(super) offsets: Vec<usize>,
    pub(super) xyxy: Vec<f32>,
    pub(super) score: Vec<f32>,
    pub(super) class_id: Vec<u16>,
    /// One entry a picture, or nothing at all.
    pub(super) signals: Vec<Vec<(String, String)>>,
    /// Six numbers a picture, or nothing at all.
    pub(super) motion: Vec<f64>,
    /// Where the engine was told to end what was active, and why; in order of time.
    pub(super) pauses: Vec<(i64, String)>,
}

impl Recording {
    fn boxes(&self, i: usize) -> Boxes<'_> {
        let (from, to) = (self.offsets[i], self.offsets[i + 1]);
        Boxes {
            xyxy: &self.xyxy[4 * from..4 * to],
            score: &self.score[from..to],
            class_id: &self.class_id[from..to],
        }
    }

    fn signals(&self, i: usize) -> impl Iterator<Item = (&str, &str)> + Clone {
        let all = self.signals.get(i).map_or(&[][..], Vec::as_slice);
        all.iter().map(|(name, state)| (name.as_str(), state.as_str()))
    }

    fn motion(&self, i: usize) -> Option<[f64; 6]> {
        let row: &[f64; 6] = self.motion.get(6 * i..6 * i + 6)?.try_into().ok()?;
        (!row.iter().all(|v| v.is_nan())).then_some(*row)
    }

    /// Everything in order: a pause comes after the picture of its time.
    fn order(&self) -> impl Iterator<Item = Part> + '_ {
        let mut pause = 0;
        let due = move |pause: &mut usize, before: Option<i64>| {
            let (at, _) = self.pauses.get(*pause)?;
            before.is_none_or(|before| *at < before).then(|| {
                *pause += 1;
                Part::Pause(*pause - 1)
            })
        };
        let mut picture = 0;
        std::iter::from_fn(move || {
            let next = self.at.get(picture).copied();
            due(&mut pause, next).or_else(|| {
                next?;
                picture += 1;
                Some(Part::Picture(picture - 1))
            })
        })
    }
}

#[derive(Clone, Copy)]
enum Part {
    Picture(usize),
    Pause(usize),
}

impl Part {
    /// Says which one is wrong.
    fn blame(self, error: Error) -> Error {
        match (error, self) {
            (Error::Input(text), Self::Picture(i)) => Error::Input(format!("picture {i}: {text}")),
            (Error::Input(text), Self::Pause(i)) => Error::Input(format!("pause {i}: {text}")),
            (other @ Error::Config { .. }, _) => other,
        }
    }
}

/// Checks everything, then steps through it.
pub(super) fn replay_all(core: &mut Core, recording: &Recording) -> Result<Vec<Event>, Error> {
    check_all(core, recording)?;
    let mut events = Vec::new();
    for part in recording.order() {
        let done = match part {
            Part::Picture(i) => {
                let at = Timestamp::from_ms(recording.at[i]);
                core.step(at, recording.boxes(i), recording.signals(i), recording.motion(i))
            }
            Part::Pause(i) => {
                let (at, reason) = &recording.pauses[i];
                core.finish(Timestamp::from_ms(*at), reason).map(|_| ())
            }
        };
        done.map_err(|e| part.blame(e))?;
        events.extend(core.take_events());
    }
    Ok(events)
}

fn check_all(core: &Core, recording: &Recording) -> Result<(), Error> {
    let mut signals = BTreeMap::new();
    for (name, state) in recording.signals.iter().flatten() {
        // The longest state of each name: a recording may say the same again at every picture.
        let longest = signals.entry(name.as_str()).or_insert(state.as_str());
        if state.len() > longest.len() {
            *longest = state;
        }
    }
    core.check_signals(signals.into_iter())?;
    let scene = core.scene();
    let mut scratch = Detections::default();
    let mut last = core.last_step();
    for part in recording.order() {
        let mut check = || match part {
            Part::Picture(i) => {
                let (at, b) = (Timestamp::from_ms(recording.at[i]), recording.boxes(i));
                Core::check_time(at, last)?;
                last = Some(at);
                recording.motion(i).map(|m| affine(m, scene.aspect)).transpose()?;
                scratch.fill(scene.aspect, &scene.groups, b.xyxy, b.score, b.class_id)
            }
            Part::Pause(i) => {
                let at = Timestamp::from_ms(recording.pauses[i].0);
                Core::check_finish(at, last)?;
                last = Some(at);
                Ok(())
            }
        };
        check().map_err(|e| part.blame(e))?;
    }
    Ok(())
}
