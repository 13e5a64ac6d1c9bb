//! How far the whole picture moved since it was predicted: a mast that shakes, a dome that turns, a hand-held camera.
//!
//! No pixels are looked at. Every detection votes, for each track that it could continue, for the shift from where the
//! track was expected. Wrong pairs vote for all sorts of shifts, right ones for the same: where enough tracks agree, that
//! is how the camera moved (a Hough transform of the translation). Who stands alone in the picture is not compensated:
//! their own motion could not be told from the camera's.

use crate::geometry::Point;
use crate::time::{Span, Timestamp};
use crate::track::sight::Sight;
use crate::track::state::State;

/// Tracks that were seen less than this ago vote.
const RECENT: Span = Span::from_ms(500);
/// Most tracks that vote: more make it no surer, only slower.
const VOTERS: usize = 64;
/// Least tracks that must agree, and least share of those that vote. A platoon that sets off together is fewer.
const AGREE: f64 = 4.0;
const AGREE_SHARE: f64 = 0.35;
/// Farthest shift between two looks, in body sizes of the track.
const FARTHEST: f64 = 1.5;
/// Two boxes of one body differ less than this in the logarithm of their heights.
const ALIKE: f64 = 0.2;
/// Standard deviation of the votes around the true shift, in the median body size.
const SPREAD: f64 = 0.12;
/// Cells of the ballot along each side; a cell is one [`SPREAD`] wide, the middle one is no shift at all.
const SIDE: usize = 41;

#[derive(Clone, Copy, Debug)]
struct Vote {
    shift: Point,
    voter: u32,
}

/// Counts the votes; keeps its buffers from step to step.
#[derive(Debug)]
pub(super) struct Sway {
    voters: Vec<u32>,
    bodies: Vec<f64>,
    votes: Vec<Vote>,
    ballot: Vec<f32>,
}

impl Default for Sway {
    fn default() -> Self {
        Self { voters: Vec::new(), bodies: Vec::new(), votes: Vec::new(), ballot: vec![0.0; SIDE * SIDE] }
    }
}

impl Sway {
    /// The shift of the picture beyond what the tracks expected, view units; `None` where too few agree.
    pub(super) fn estimate(
        &mut self,
        at: Timestamp,
        states: &[State],
        sight: &Sight,
        high: f32,
    ) -> Option<Point> {
        self.voters.clear();
        self.voters.extend(
            (0..states.len() as u32)
                .filter(|&k| states[k as usize].confirmed && at - states[k as usize].last_seen <= RECENT),
        );
        if (self.voters.len() as f64) < AGREE {
            return None;
        }
        let stride = self.voters.len().div_ceil(VOTERS);
        self.bodies.clear();
        self.bodies.extend(self.voters.iter().step_by(stride).map(|&k| states[k as usize].body));
        let count = self.bodies.len();
        let (_, median, _) = self.bodies.select_nth_unstable_by(count / 2, f64::total_cmp);
        let cell = SPREAD * *median;
        self.votes.clear();
        for &k in self.voters.iter().step_by(stride) {
            ask(&mut self.votes, k, &states[k as usize], sight, high);
        }
        let peak = self.peak(cell)?;
        self.agreed(peak, cell, count)
    }

    /// The cell that has, with its neighbours, the most votes; of equals the first that was voted for.
    fn peak(&mut self, cell: f64) -> Option<Point> {
        let half = (SIDE / 2) as f64;
        let place = |vote: &Vote| {
            let of = |v: f64| (v / cell + half).round();
            let (column, row) = (of(vote.shift.x), of(vote.shift.y));
            let inside = 1.0..=(SIDE - 2) as f64;
            (inside.contains(&column) && inside.contains(&row))
                .then_some(row as usize * SIDE + column as usize)
        };
        for at in self.votes.iter().filter_map(place) {
            self.ballot[at] += 1.0;
        }
        let mut best = (0.0, None);
        for (vote, at) in self.votes.iter().filter_map(|vote| Some((vote, place(vote)?))) {
            let around: f32 = [at - SIDE, at, at + SIDE]
                .iter()
                .map(|&row| self.ballot[row - 1..=row + 1].iter().sum::<f32>())
                .sum();
            // The middle counts twice, so that the cell itself wins over its empty neighbour.
            let votes = around + self.ballot[at];
            if votes > best.0 {
                best = (votes, Some(vote.shift));
            }
        }
        for at in self.votes.iter().filter_map(place) {
            self.ballot[at] = 0.0;
        }
        best.1
    }

    /// The mean of the votes about the peak (mean shift, three steps settle it), if enough tracks stand behind it.
    fn agreed(&self, peak: Point, cell: f64, count: usize) -> Option<Point> {
        let weight = |vote: &Vote, mean: Point| {
            let gap = vote.shift - mean;
            (1.0 - gap.dot(gap) / (9.0 * cell * cell)).max(0.0).powi(2)
        };
        let mut mean = peak;
        for _ in 0..3 {
            let (mut all, mut sum) = (0.0, Point::default());
            for vote in &self.votes {
                let w = weight(vote, mean);
                all += w;
                sum = sum + vote.shift * w;
            }
            if all > 0.0 {
                mean = sum * (1.0 / all);
            }
        }
        // Each track counts once, with its best vote; the votes of a track stand together.
        let support: f64 = self
            .votes
            .chunk_by(|a, b| a.voter == b.voter)
            .map(|votes| votes.iter().map(|vote| weight(vote, mean)).fold(0.0, f64::max))
            .sum();
        (support >= AGREE.max(AGREE_SHARE * count as f64)).then_some(mean)
    }
}

/// The votes of one track.
fn ask(votes: &mut Vec<Vote>, voter: u32, state: &State, sight: &Sight, high: f32) {
    let (x, y) = (state.x.at, state.y.at);
    let reach = FARTHEST * state.body;
    for seen in &sight.all()[sight.between(state.group, x - reach, x + reach)] {
        let shift = Point::new(seen.x - x, seen.y - y);
        if seen.score >= high
            && (seen.height - state.height.at).abs() <= ALIKE
            && shift.dot(shift) <= reach * reach
        {
            votes.push(Vote { shift, voter });
        }
    }
}
