//! Speed over the ground with the bound of its error: slower to answer than the velocity, and never sure without reason.

use crate::geometry::Point;
use crate::time::{Span, Timestamp};

/// Samples are at least this far apart: nearer ones share the mistakes of the detector and would only seem to add
/// certainty.
const SPACING: Span = Span::from_ms(120);
/// The speed is that over this long at most: longer, and braking is averaged away.
const WINDOW: Span = Span::from_secs(2);
/// ... and over this long at least: shorter, and the bound of the error leaves nothing to tell.
const LEAST: Span = Span::from_ms(750);
/// Unseen for longer than this, a subject may have done anything: the track begins anew.
const LAPSE: Span = Span::from_secs(1);
/// Samples of a window at the least spacing.
const SAMPLES: usize = 16;
/// A speed of fewer places than this cannot be checked against itself.
const FEWEST: usize = 3;
/// Tremble of a box, as a share of the body size: what detectors show on things that stand.
const TREMBLE: f64 = 0.03;

/// A speed, and how far it may be off, both in m/s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Speed over the ground.
    pub speed: f64,
    /// Bound of its error: the two ends of the way each as far off as their boxes and the calibration's clicks allow,
    /// in opposite directions, and twice the deviation of the slope by the scatter of the places in between.
    pub error: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    at: i64,
    place: Point,
    /// How far off the place may be, metres.
    error: f64,
}

/// The last places of one subject on the ground.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    /// In order of time; the oldest goes when there is no room.
    samples: [Sample; SAMPLES],
    len: usize,
    pace: Option<Pace>,
}

/// Slope of some samples.
struct Slope {
    velocity: Point,
    /// What the ends' own errors make of it.
    ends: f64,
    /// The same and the scatter in between.
    error: f64,
}

/// How far off a place on the ground may be, metres, for a subject of this body size there.
pub(super) fn error_of(ground: &crate::ground::GroundPlane, place: Point, body: f64) -> Option<f64> {
    Some(ground.error_at(place)? + ground.error_for(place, TREMBLE * body)?)
}

impl Way {
    /// Adds a place and how far it may be off, both in metres; gives the speed, if one is known.
    ///
    /// The speed is the least-squares slope over the window. A jump (an identity that went on elsewhere, a box that
    /// became another) and a change of speed beyond the error show in the halves of the window, whose slopes then
    /// contradict the whole: no speed is better than a wrong one.
    pub(super) fn push(&mut self, at: Timestamp, place: Point, error: f64) -> Option<Pace> {
        let now = at.ms();
        if let Some(last) = self.len.checked_sub(1).map(|i| self.samples[i].at) {
            if now - last < SPACING.ms() {
                return self.pace;
            }
            if now - last > LAPSE.ms() {
                self.len = 0;
            }
        }
        if self.len == SAMPLES {
            self.samples.copy_within(1.., 0);
            self.len -= 1;
        }
        self.samples[self.len] = Sample { at: now, place, error };
        self.len += 1;
        self.pace = self.measure(now);
        self.pace
    }

    fn measure(&self, now: i64) -> Option<Pace> {
        let known = &self.samples[..self.len];
        let used = &known[known.partition_point(|s| now - s.at > WINDOW.ms())..];
        if used.len() < FEWEST || now - used[0].at < LEAST.ms() {
            return None;
        }
        let whole = slope(used)?;
        let middle = used.len() / 2;
        let agrees = |half: &[Sample]| {
            // Of three places a jump is all scatter, which would excuse itself: only the ends' errors do.
            slope(half).is_some_and(|h| {
                let excused = if used.len() > FEWEST { h.error + whole.error } else { h.ends + whole.ends };
                (h.velocity - whole.velocity).norm() <= excused
            })
        };
        (agrees(&used[..=middle]) && agrees(&used[middle..]))
            .then(|| Pace { speed: whole.velocity.norm(), error: whole.error })
    }
}

fn slope(samples: &[Sample]) -> Option<Slope> {
    let (first, last) = (samples.first()?, samples.last()?);
    let n = samples.len() as f64;
    let seconds = |s: &Sample| (s.at - last.at) as f64 / 1000.0;
    let mean_t = samples.iter().map(seconds).sum::<f64>() / n;
    let mean = samples.iter().fold(Point::default(), |sum, s| sum + s.place) * (1.0 / n);
    let (mut spread, mut product) = (0.0, Point::default());
    for s in samples {
        let t = seconds(s) - mean_t;
        spread += t * t;
        product = product + (s.place - mean) * t;
    }
    let duration = -seconds(first);
    if spread <= 0.0 || duration <= 0.0 {
        return None;
    }
    let velocity = product * (1.0 / spread);
    let scatter: f64 = samples
        .iter()
        .map(|s| {
            let off = s.place - (mean + velocity * (seconds(s) - mean_t));
            off.dot(off)
        })
        .sum();
    // Two of the places are used up by the line itself.
    let deviation = if n > 2.0 { (scatter / (n - 2.0) / spread).sqrt() } else { 0.0 };
    let ends = (first.error + last.error) / duration;
    Some(Slope { velocity, ends, error: ends + 2.0 * deviation })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(step: i64, until: i64, place: impl Fn(f64) -> f64) -> Option<Pace> {
        let mut way = Way::default();
        let mut pace = None;
        for ms in (0..=until).step_by(step as usize) {
            pace = way.push(Timestamp::from_ms(ms), Point::new(place(ms as f64 / 1000.0), 0.0), 0.1);
        }
        pace
    }

    #[test]
    fn a_steady_speed_is_known_at_every_rate() {
        for step in [40, 100, 200, 500] {
            let pace = run(step, 2000, |t| 10.0 * t).expect("known");
            assert!((pace.speed - 10.0).abs() < 1e-6, "{step}: {pace:?}");
            assert!(pace.error > 0.09 && pace.error < 0.3, "{step}: {pace:?}");
        }
        assert_eq!(run(100, 700, |t| 10.0 * t), None);
    }

    #[test]
    fn a_jump_is_no_speed() {
        for jump in [0.5, 0.7, 1.0, 1.3, 1.6] {
            let pace = run(200, 2000, |t| if t < jump { 0.0 } else { 8.0 });
            assert_eq!(pace, None, "at {jump}");
        }
        // Three places half a second apart, the last one elsewhere.
        for (until, jump) in [(1000, 0.4), (1000, 0.6), (1500, 1.4)] {
            assert_eq!(run(500, until, |t| if t < jump { 0.0 } else { 8.0 }), None, "{until}, at {jump}");
        }
    }

    #[test]
    fn a_pause_begins_anew() {
        let mut way = Way::default();
        for ms in (0..=2000).step_by(200) {
            way.push(Timestamp::from_ms(ms), Point::new(ms as f64 / 100.0, 0.0), 0.1);
        }
        assert_eq!(way.push(Timestamp::from_ms(3400), Point::new(100.0, 0.0), 0.1), None);
    }
}
