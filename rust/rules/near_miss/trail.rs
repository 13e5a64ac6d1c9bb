//! The way of one road user over the ground in the last seconds, and where it crosses another's.

use crate::geometry::Point;
use crate::time::{Span, Timestamp};

/// Places are kept at least this far apart: nearer ones make paths of trembles.
const SPACING: Span = Span::from_ms(150);
/// Unseen or standing for longer than this, the path begins anew.
const LAPSE: Span = Span::from_ms(1600);
/// Places that are kept: at the least spacing 6 s, so that a bus of 12 m at 2.5 m/s has left within them.
const PLACES: usize = 40;
/// ... and for this long.
const KEPT: Span = Span::from_secs(6);

/// A place on the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) at: Timestamp,
    /// Metres.
    pub(super) place: Point,
    /// m/s, over the last second and a half.
    pub(super) velocity: Point,
}

impl Sample {
    fn towards(self, later: Self, t: f64) -> Self {
        Self {
            at: self.at.towards(later.at, t),
            place: self.place.lerp(later.place, t),
            velocity: self.velocity.lerp(later.velocity, t),
        }
    }
}

#[derive(Debug)]
pub(super) struct Trail {
    pub(super) subject: u64,
    pub(super) on_foot: bool,
    /// Since when the subject is followed without a break.
    pub(super) began: Timestamp,
    samples: Vec<Sample>,
}

impl Trail {
    /// A path that begins here, of somebody followed since `began`; `list` is an empty buffer.
    pub(super) fn new(
        subject: u64,
        (on_foot, began): (bool, Timestamp),
        sample: Sample,
        mut list: Vec<Sample>,
    ) -> Self {
        list.reserve(PLACES);
        list.push(sample);
        Self { subject, on_foot, began, samples: list }
    }

    pub(super) fn push(&mut self, sample: Sample) {
        let Some(last) = self.samples.last() else { return };
        let elapsed = sample.at - last.at;
        if elapsed < SPACING {
            return;
        }
        // Further than it can have driven: another vehicle under the same identity.
        let reach = 3.0 * last.velocity.norm().max(sample.velocity.norm()) * elapsed.seconds() + 1.0;
        if elapsed > LAPSE || sample.place.distance(last.place) > reach {
            self.samples.clear();
            self.began = sample.at;
        }
        if self.samples.len() == PLACES {
            self.samples.remove(0);
        }
        self.samples.push(sample);
    }

    /// Drops what is too old; whether anything is left.
    pub(super) fn fade(&mut self, at: Timestamp) -> bool {
        let old = self.samples.partition_point(|s| at - s.at > KEPT);
        self.samples.drain(..old);
        !self.samples.is_empty()
    }

    /// Its buffer, empty.
    pub(super) fn give_up(&mut self) -> Vec<Sample> {
        self.samples.clear();
        std::mem::take(&mut self.samples)
    }

    /// The step that was taken at `at`, if one was.
    fn step(&self, at: Timestamp) -> Option<(Sample, Sample)> {
        let [.., from, to] = self.samples[..] else { return None };
        (to.at == at).then_some((from, to))
    }

    /// Where its step at `at` crosses the path of `first`, which was there before it (or at the same time): the two as
    /// they were there, and the places that `first` has been to since.
    pub(super) fn meets<'a>(&self, first: &'a Self, at: Timestamp) -> Option<(Sample, Sample, &'a [Sample])> {
        let (from, to) = self.step(at)?;
        // The latest crossing is the one that may be near.
        (1..first.samples.len()).rev().find_map(|i| {
            let (a, b) = (first.samples[i - 1], first.samples[i]);
            let (s, t) = crossing((a.place, b.place), (from.place, to.place))?;
            let (was, is) = (a.towards(b, s), from.towards(to, t));
            (was.at <= is.at).then(|| (was, is, &first.samples[i..]))
        })
    }
}

/// Shares of two segments at the point where they cross.
fn crossing((a, b): (Point, Point), (p, q): (Point, Point)) -> Option<(f64, f64)> {
    let (way, other) = (b - a, q - p);
    let across = way.cross(other);
    if across == 0.0 {
        return None;
    }
    let (s, t) = ((p - a).cross(other) / across, (p - a).cross(way) / across);
    ((0.0..=1.0).contains(&s) && (0.0..=1.0).contains(&t)).then_some((s, t))
}

/// The rectangle around a path or a step of it, metres.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Index of the trail.
    pub(super) trail: usize,
    pub(super) left: f64,
    pub(super) right: f64,
    low: f64,
    high: f64,
}

impl Reach {
    fn around(trail: usize, samples: &[Sample]) -> Self {
        let mut reach = Self {
            trail,
            left: f64::INFINITY,
            right: f64::NEG_INFINITY,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
        };
        for Point { x, y } in samples.iter().map(|s| s.place) {
            reach.left = reach.left.min(x);
            reach.right = reach.right.max(x);
            reach.low = reach.low.min(y);
            reach.high = reach.high.max(y);
        }
        reach
    }

    pub(super) fn whole(index: usize, trail: &Trail) -> Self {
        Self::around(index, &trail.samples)
    }

    pub(super) fn step(index: usize, trail: &Trail, at: Timestamp) -> Option<Self> {
        let (from, to) = trail.step(at)?;
        Some(Self::around(index, &[from, to]))
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.left <= other.right
            && other.left <= self.right
            && self.low <= other.high
            && other.low <= self.high
    }
}
