//! A whole recording through the engine, without Python.

use crate::engine::{Boxes, Engine as Core, affine};
use crate::error::Error;
use crate::event::Event;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// A whole recording, copied, so that the GIL can go.
pub(super) struct Recording {
    pub(super) at: Vec<i64>,
    pub(super) offsets: Vec<usize>,
    pub(super) xyxy: Vec<f32>,
    pub(super) score: Vec<f32>,
    pub(super) class_id: Vec<u16>,
    pub(super) signals: Vec<Vec<(String, String)>>,
    /// Six numbers a picture, or nothing at all.
    pub(super) motion: Vec<f32>,
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

    fn motion(&self, i: usize) -> Option<[f64; 6]> {
        let row = self.motion.get(6 * i..6 * i + 6)?;
        let mut affine = [0.0; 6];
        for (to, from) in affine.iter_mut().zip(row) {
            *to = f64::from(*from);
        }
        (!affine.iter().all(|v| v.is_nan())).then_some(affine)
    }
}

/// Checks everything, then steps through it.
pub(super) fn replay_all(core: &mut Core, recording: &Recording) -> Result<Vec<Event>, Error> {
    let frames = recording.at.len();
    let numbered = |i: usize, e: Error| match e {
        Error::Input(text) => Error::Input(format!("picture {i}: {text}")),
        other @ Error::Config { .. } => other,
    };
    let mut signals = BTreeMap::new();
    for (name, state) in recording.signals.iter().flatten() {
        // The longest state of each name: a recording may say the same again at every picture.
        let longest = signals.entry(name.as_str()).or_insert(state.as_str());
        if state.len() > longest.len() {
            *longest = state;
        }
    }
    core.check_signals(signals.into_iter())?;
    let mut scratch = crate::detection::Detections::default();
    let mut last = core.last_step();
    for i in 0..frames {
        let (at, b) = (Timestamp::from_ms(recording.at[i]), recording.boxes(i));
        Core::check_time(at, last).map_err(|e| numbered(i, e))?;
        last = Some(at);
        let scene = core.scene();
        recording.motion(i).map(|m| affine(m, scene.aspect)).transpose().map_err(|e| numbered(i, e))?;
        scratch.fill(scene.aspect, &scene.groups, b.xyxy, b.score, b.class_id).map_err(|e| numbered(i, e))?;
    }
    let mut events = Vec::new();
    for i in 0..frames {
        let at = Timestamp::from_ms(recording.at[i]);
        let signals = recording.signals[i].iter().map(|(name, state)| (name.as_str(), state.as_str()));
        core.step(at, recording.boxes(i), signals, recording.motion(i)).map_err(|e| numbered(i, e))?;
        events.extend(core.take_events());
    }
    Ok(events)
}
