//! How large a heap is, and when something was added to it.

use crate::facts::SETTLE;
use crate::geometry::BBox;
use crate::time::{Span, Timestamp};

/// A heap has grown when its box is this many times as large as it was: more than any trembling of a box (six hundredths
/// of the area), less than a bag beside a bag.
pub(super) const GROWN: f64 = 1.35;
/// Boxes tremble from look to look; a bag stays.
const QUICK: Span = Span::from_ms(700);
/// Dusk and a learning detector change a box slowly. Longer takes that for a bag, shorter overlooks bags that come one by
/// one.
const SLOW: Span = Span::from_secs(30);

/// How large a heap is.
#[derive(Debug)]
pub(super) struct Heap {
    /// The area that counts as old, and as of now: their means over [`SLOW`] and [`QUICK`].
    old: f64,
    now: f64,
    /// For how long the old one has been looked at: the first look may err.
    age: Span,
    larger_since: Option<Timestamp>,
}

impl Heap {
    pub(super) fn of(bbox: &BBox) -> Self {
        Self { old: bbox.area(), now: bbox.area(), age: Span::ZERO, larger_since: None }
    }

    /// Takes in its area, last looked at `before` ago; since when it is larger, once that is certain.
    pub(super) fn grown(&mut self, area: f64, at: Timestamp, before: Span) -> Option<Timestamp> {
        let follow = |mean: &mut f64, over: Span| {
            *mean += (area - *mean) * (1.0 - (-before.seconds() / over.seconds()).exp());
        };
        follow(&mut self.now, QUICK);
        if self.now < GROWN * self.old {
            self.larger_since = None;
            self.age = self.age + before;
            follow(&mut self.old, self.age.clamp(QUICK, SLOW));
            return None;
        }
        let since = *self.larger_since.get_or_insert(at);
        if at - since < SETTLE {
            return None;
        }
        let (old, now) = (self.now.max(area), self.now);
        *self = Self { old, now, age: Span::ZERO, larger_since: None };
        Some(since)
    }
}
