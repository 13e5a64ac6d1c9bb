//! The tracker: predict -> follow the camera -> match -> start -> drop.
//!
//! One assignment, over all tracks and all detections that could be theirs, by likelihood (see [`super::model`]).
//! A cascade of scores, as in `ByteTrack` (Zhang et al., 2022), lets a track whose own detection is weak today take the
//! strong one of its neighbour; here a weak detection merely costs more.

use super::assign::Assignment;
use super::model::{ALONE, ALONE_TOGETHER, Passage, RIVALRY, RIVALS};
use super::sight::{Seen, Sight};
use super::state::State;
use super::sway::Sway;
use super::{Affine, Track};
use crate::detection::Detections;
use crate::time::{Span, Timestamp};

/// What the tracker can be told. The defaults suit town cameras at 5 to 30 pictures a second.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// From this score on a detection may start a track, and continue any.
    pub high: f32,
    /// From this score on a detection may continue a track that was seen a moment ago.
    pub low: f32,
    /// How long a moment is; the previous step always counts as one.
    pub moment: Span,
    /// Sum of the scores that confirms a track, from its second detection on: two sure looks, or more of a doubtful
    /// thing ...
    pub evidence: f32,
    /// ... or two looks this far apart: a mistake that lasts for two pictures of thirty a second is one mistake.
    pub apart: Span,
    /// How long a track that is no longer detected is carried on.
    pub coast: Span,
    /// How long a track that stood still is carried on.
    pub coast_still: Span,
    /// How long a track that is not confirmed waits for its next detection.
    pub trial: Span,
    /// Most tracks at a time; detections beyond start none. Bounds memory and time on hostile input.
    pub most: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            high: 0.5,
            low: 0.1,
            moment: Span::from_ms(375),
            evidence: 1.8,
            apart: Span::from_ms(150),
            coast: Span::from_ms(2000),
            coast_still: Span::from_ms(8000),
            trial: Span::from_ms(300),
            most: 4096,
        }
    }
}

/// Follows boxes from step to step. One per view; deterministic; allocates only while its buffers grow.
#[derive(Debug, Default)]
pub struct Tracker {
    settings: Settings,
    next_id: u64,
    now: Option<Timestamp>,
    /// The step before the last one.
    earlier: Option<Timestamp>,
    states: Vec<State>,
    published: Vec<Track>,
    sight: Sight,
    sway: Sway,
    assignment: Assignment,
    /// Tracks that take part in the association of the moment.
    rows: Vec<u32>,
    /// Per detection in sight: the two lowest costs at which tracks claim it.
    claims: Vec<[f64; 2]>,
    /// Per detection in sight: taken by a track.
    taken: Vec<bool>,
}

/// View units beyond which a coasting track is lost: the widest picture reaches to 10, and no detection is accepted
/// further than another picture beyond it.
const FAR: f64 = 32.0;

impl Tracker {
    /// A tracker with default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tracker with these settings.
    pub fn with(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Published tracks, ordered by id: confirmed, seen in this step or coasting.
    pub fn tracks(&self) -> &[Track] {
        &self.published
    }

    /// Drops one track at once.
    pub fn forget(&mut self, id: u64) {
        self.states.retain(|state| state.id != id);
        self.published.retain(|track| track.id != id);
    }

    /// Ends all tracks; ids go on counting.
    pub fn clear(&mut self) {
        self.states.clear();
        self.published.clear();
        self.now = None;
        self.earlier = None;
    }

    /// Advances to `at` with the detections of that moment; `motion` is the camera's since the previous step.
    ///
    /// What the camera moved beyond `motion` is voted for by the boxes themselves. A time that is not later than the
    /// previous step's counts as no time at all.
    pub fn step(&mut self, at: Timestamp, detections: &Detections, motion: Option<&Affine>) {
        // Whoever was lost before the pictures stopped coming is not who stands there when they come again.
        let longest = self.settings.coast_still.max(self.settings.coast);
        self.states.retain(|state| at - state.last_seen <= longest);
        let earlier = std::mem::replace(&mut self.earlier, self.now).unwrap_or(at);
        let before = self.now.replace(at);
        let dt = before.map_or(0.0, |before| (at - before).seconds().max(0.0));
        let passage = Passage::over(dt);
        for state in &mut self.states {
            state.predict(&passage, motion);
        }
        self.sight.fill(detections, self.settings.low);
        if let Some(shift) = self.sway.estimate(at, &self.states, &self.sight, self.settings.high) {
            for state in &mut self.states {
                state.shift(shift);
            }
        }
        self.associate(at, (earlier, before.unwrap_or(at)), &passage);
        self.start(at);
        self.drop_lost(at);
        self.published.clear();
        self.published.extend(self.states.iter().filter(|state| state.confirmed).map(State::track));
    }

    /// Matches tracks and detections, and then what was left over by both a moment after they were seen.
    fn associate(&mut self, at: Timestamp, (earlier, before): (Timestamp, Timestamp), passage: &Passage) {
        let Settings { high, moment, .. } = self.settings;
        self.taken.clear();
        self.taken.resize(self.sight.all().len(), false);
        self.rows.clear();
        self.rows.extend(0..self.states.len() as u32);
        self.assign(ALONE, earlier, |state, seen| {
            seen.score >= high || state.last_seen >= before || at - state.last_seen <= moment
        });
        self.see(at, passage);
        let states = &self.states;
        self.rows.retain(|&k| {
            let state = &states[k as usize];
            state.det.is_none() && state.last_seen >= before
        });
        if !self.rows.is_empty() {
            self.assign(ALONE_TOGETHER, earlier, |_, seen| seen.score >= high);
            self.see(at, passage);
        }
    }

    /// Finds the cheapest pairs of `rows` and free detections; the picture's border excuses much for who was seen since
    /// `lenient_since`.
    fn assign(&mut self, limit: f64, lenient_since: Timestamp, may: impl Fn(&State, &Seen) -> bool) {
        self.assignment.begin(self.sight.all().len());
        self.claims.clear();
        self.claims.resize(self.sight.all().len(), [f64::INFINITY; 2]);
        for &k in &self.rows {
            let state = &self.states[k as usize];
            if let Some(expected) = state.expect(limit, state.last_seen >= lenient_since) {
                let x = state.x.at;
                let range = self.sight.between(state.group, x - expected.reach, x + expected.reach);
                for (col, seen) in range.clone().zip(&self.sight.all()[range]) {
                    if self.taken[col] || !may(state, seen) {
                        continue;
                    }
                    if let Some(cost) = state.cost(&expected, seen, self.settings.high) {
                        self.assignment.offer(col, cost);
                        let [best, second] = &mut self.claims[col];
                        *second = second.min(cost.max(*best));
                        *best = best.min(cost);
                    }
                }
            }
            self.assignment.end_row();
        }
        self.assignment.solve(limit);
    }

    fn see(&mut self, at: Timestamp, passage: &Passage) {
        for (row, &k) in self.rows.iter().enumerate() {
            if let Some(col) = self.assignment.col(row) {
                self.taken[col] = true;
                let [best, second] = self.claims[col];
                let doubt = if second - best < RIVALS { RIVALRY } else { 1.0 };
                self.states[k as usize].see(at, &self.sight.all()[col], passage, doubt, &self.settings);
            }
        }
    }

    /// Starts a track on every free detection with a high score.
    fn start(&mut self, at: Timestamp) {
        for (col, seen) in self.sight.all().iter().enumerate() {
            if self.taken[col] || seen.score < self.settings.high {
                continue;
            }
            if self.states.len() >= self.settings.most {
                break;
            }
            self.next_id += 1;
            self.states.push(State::new(self.next_id, at, seen));
        }
    }

    fn drop_lost(&mut self, at: Timestamp) {
        let Settings { coast, coast_still, trial, .. } = self.settings;
        self.states.retain(|state| {
            let patience = match (state.confirmed, state.is_still()) {
                (false, _) => trial,
                (true, false) => coast,
                (true, true) => coast_still,
            };
            at - state.last_seen <= patience && state.is_within(FAR)
        });
    }
}
