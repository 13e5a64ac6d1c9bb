//! How fast people usually are here.

use crate::time::{Span, Timestamp};

/// Width of a bin, m/s or body sizes a second; faster than all bins is as fast as the last.
const BIN: f64 = 0.1;
const BINS: usize = 80;
/// What was seen this long ago counts for a third.
const MEMORY: Span = Span::from_secs(300);
/// Seconds of people walking that must have been seen before there is a norm.
const LEAST: f64 = 60.0;
/// Who is slower stands or strolls.
const MOVES: f64 = 0.4;

/// A histogram of speeds, weighted by time, that forgets.
#[derive(Debug)]
pub(super) struct Norm {
    bins: [f64; BINS],
    last: Option<Timestamp>,
    /// Time that each look of this step stands for.
    weight: f64,
    median: Option<f64>,
}

impl Norm {
    pub(super) fn new() -> Self {
        Self { bins: [0.0; BINS], last: None, weight: 0.0, median: None }
    }

    /// Goes on to the next step.
    pub(super) fn step(&mut self, at: Timestamp) {
        let elapsed = self.last.map_or(0.0, |last| (at - last).seconds());
        self.last = Some(at);
        self.weight = elapsed.min(1.0);
        let keep = (-elapsed / MEMORY.seconds()).exp();
        self.bins.iter_mut().for_each(|bin| *bin *= keep);
        let total: f64 = self.bins.iter().sum();
        let mut below = 0.0;
        let middle = self.bins.iter().position(|bin| {
            below += bin;
            below >= 0.5 * total
        });
        self.median = middle.filter(|_| total >= LEAST).map(|bin| (bin as f64 + 0.5) * BIN);
    }

    /// Somebody was seen at this speed.
    pub(super) fn see(&mut self, speed: f64) {
        if speed >= MOVES {
            self.bins[((speed / BIN) as usize).min(BINS - 1)] += self.weight;
        }
    }

    /// Median speed of those who move; None until it is known.
    pub(super) fn median(&self) -> Option<f64> {
        self.median
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joggers_become_the_norm_and_are_forgotten() {
        let mut norm = Norm::new();
        let mut run = |from: i64, speed: f64| {
            for t in (from..from + 600_000).step_by(200) {
                norm.step(Timestamp::from_ms(t));
                norm.see(speed);
            }
            norm.median().expect("ten minutes")
        };
        assert!((run(0, 2.52) - 2.55).abs() < 1e-9);
        assert!((run(600_000, 0.81) - 0.85).abs() < 1e-9);
    }

    #[test]
    fn a_few_people_are_no_norm() {
        let mut norm = Norm::new();
        for t in (0..50_000).step_by(200) {
            norm.step(Timestamp::from_ms(t));
            norm.see(1.0);
        }
        assert_eq!(norm.median(), None);
    }
}
