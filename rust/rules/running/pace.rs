//! How fast somebody moves over a window, whatever a trembling, jumping or growing box feigns.
//!
//! The speed is the lower median of the short slopes along the way of the window, a relative of the estimator of Theil
//! (1950) and Sen (1968): who runs is fast in most parts of the window, a box that jumps is fast in one of them.

use crate::geometry::Point;
use crate::time::{Span, Timestamp};

/// Samples to a window, where there are pictures enough.
const SAMPLES: i64 = 8;
/// Shortest stretch that a slope is taken over, in windows: half a dozen of them fit, each beyond the tremble of a box.
const STRETCH: f64 = 0.19;
/// Share of the window that must have been seen.
const SEEN: f64 = 0.7;
/// A window is over by this share of itself late: pictures do not come when it ends.
const LATE: f64 = 0.1;
/// The same where the pictures are so rare that it would hold two of them: a slope needs three.
const RARE: f64 = 0.3;
/// A box that grows or shrinks by more than this factor within a window is being cut or uncovered: a runner who comes
/// from ten metres away grows by half.
const GROWS: f64 = 1.6;
/// Two windows, and one sample more of each.
const ROOM: usize = 24;

/// Where somebody was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// Media time, milliseconds.
    pub(super) at: i64,
    /// Feet: metres on the ground, or view units.
    pub(super) feet: Point,
    /// Top of the head, view units; None where the feet alone tell.
    pub(super) head: Option<Point>,
    /// Height of the box, view units.
    pub(super) height: f64,
}

/// The last two windows of one subject.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    samples: [Sample; ROOM],
    len: usize,
}

impl Pace {
    /// Adds a sample; those of a window are at least an eighth of it apart.
    pub(super) fn push(&mut self, sample: Sample, window: Span) {
        let (spacing, kept) = (window.ms() / SAMPLES, 2 * window.ms() + window.ms() / 2);
        let gone = self.samples[..self.len].iter().take_while(|s| sample.at - s.at > kept).count();
        self.samples.copy_within(gone..self.len, 0);
        self.len -= gone;
        // The newest stands for its whole interval: it is replaced until the interval is over.
        let near = |i: usize| self.len > i && sample.at - self.samples[self.len - 1 - i].at < spacing;
        if near(0) && near(1) {
            self.len -= 1;
        } else if self.len == ROOM {
            self.samples.copy_within(1.., 0);
            self.len -= 1;
        }
        self.samples[self.len] = sample;
        self.len += 1;
    }

    /// Speed over the window that ended at `end`, in the unit of the samples a second; None if too little of it was seen
    /// or the box was cut or uncovered.
    pub(super) fn over(&self, window: Span, end: Timestamp) -> Option<f64> {
        let share = |share: f64| (window.ms() as f64 * share) as i64;
        let until = self.samples[..self.len].iter().take_while(|s| s.at <= end.ms() + share(LATE)).count();
        let since = |late: f64| {
            let from = end.ms() - window.ms() - share(late);
            let begin = self.samples[..until].iter().position(|s| s.at >= from)?;
            Some(&self.samples[begin..until])
        };
        let seen = since(LATE).filter(|seen| seen.len() > 2).or_else(|| since(RARE))?;
        let (first, last) = (seen.first()?, seen.last()?);
        if ((last.at - first.at) as f64) < SEEN * window.ms() as f64 {
            return None;
        }
        let grown = last.height / first.height;
        if !(1.0 / GROWS..=GROWS).contains(&grown) {
            return None;
        }
        let stretch = (window.ms() as f64 * STRETCH) as i64;
        let feet = speed(seen, stretch, |s| s.feet)?;
        // Whoever moves takes head and feet along; who is uncovered or comes near moves one of them.
        let head =
            if last.head.is_some() { speed(seen, stretch, |s| s.head.unwrap_or(s.feet))? } else { feet };
        Some(feet.min(head))
    }
}

/// Lower median of the slopes along the way from first to last.
fn speed(seen: &[Sample], stretch: i64, place: impl Fn(&Sample) -> Point) -> Option<f64> {
    let way = place(seen.last()?) - place(seen.first()?);
    let way = way * (1.0 / way.norm().max(1e-9));
    let (mut slopes, mut n) = ([0.0; ROOM], 0);
    for (i, from) in seen.iter().enumerate() {
        let Some(to) = seen[i..].iter().find(|s| s.at - from.at >= stretch) else { break };
        slopes[n] = (place(to) - place(from)).dot(way) * 1000.0 / (to.at - from.at) as f64;
        n += 1;
    }
    let slopes = &mut slopes[..n];
    slopes.sort_unstable_by(f64::total_cmp);
    (n >= 2).then(|| slopes[(n - 1) / 2].max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW: Span = Span::from_secs(1);

    fn after(step: i64, place: impl Fn(f64) -> (Point, f64)) -> Option<f64> {
        let mut pace = Pace::default();
        let mut found = None;
        for at in (0..=3000).step_by(step as usize) {
            let (feet, height) = place(at as f64 / 1000.0);
            let head = Some(feet - Point::new(0.0, height));
            pace.push(Sample { at, feet, head, height }, WINDOW);
            found = pace.over(WINDOW, Timestamp::from_ms(at));
        }
        found
    }

    proptest! {
        #[test]
        fn a_steady_run_is_as_fast_as_it_is(step in 30_i64..600, x in -3.0..3.0, y in -3.0..3.0) {
            let found = after(step, |t| (Point::new(x * t, y * t), 1.0)).expect("a whole window");
            prop_assert!((found - Point::new(x, y).norm()).abs() < 1e-6, "{found}");
        }

        #[test]
        fn who_stands_and_jumps_once_is_not_fast(step in 30_i64..350, when in 2.0..3.0, far in 0.1..5.0) {
            let found = after(step, |t| (Point::new(if t > when { far } else { 0.0 }, 0.0), 1.0));
            prop_assert!(found.is_none_or(|v| v < 1e-6), "{found:?}");
        }

        #[test]
        fn a_box_that_is_cut_from_below_moves_nobody(step in 30_i64..500, slope in 0.05..0.6_f64) {
            // Feet rise, the head stays.
            let found = after(step, |t| (Point::new(0.0, -slope * t), 2.0 - slope * t));
            prop_assert!(found.is_none_or(|v| v < 1e-6), "{found:?}");
        }
    }

    #[test]
    fn the_window_before_is_known_too() {
        let mut pace = Pace::default();
        for at in (0..=4000).step_by(40) {
            // Walks at 1, from 3 s on runs at 3.
            let t = at as f64 / 1000.0;
            let feet = Point::new(t + 2.0 * (t - 3.0).max(0.0), 0.0);
            pace.push(Sample { at, feet, head: None, height: 1.0 }, WINDOW);
        }
        let over = |end: i64| pace.over(WINDOW, Timestamp::from_ms(end)).expect("known");
        assert!((over(4000) - 3.0).abs() < 0.01 && (over(3000) - 1.0).abs() < 0.01);
    }
}
