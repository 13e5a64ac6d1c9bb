//! Upright, low, or unknown: what a box tells of a person's posture, against their own height.

use crate::detection::NEAR_BORDER;
use crate::geometry::{BBox, Point};
use crate::time::{Span, Timestamp};

/// A box at least this many times as high as wide is somebody upright; who squats or kneels on both knees is wider.
const SLENDER: f64 = 1.5;
/// Upright is at least this share of one's height: a step down from the kerb, a bowed head.
const UPRIGHT: f64 = 0.8;
/// Low is at most this share of it. A deep squat and sitting on the ground are a little more than half (the sitting height
/// of people is 0.52 of their stature); lying is a quarter across the line of sight, up to a half along it.
pub(super) const LOW: f64 = 0.5;
/// Low and narrower than this many heights is a child, or somebody half hidden; who lies along the line of sight shows
/// shoulders that are nearly as wide as the rest is high.
const BROAD: f64 = 0.7;
/// Wider than this many heights is lying across the line of sight, and then ...
const FLAT: f64 = 1.3;
/// ... this share of one's height is low: an arm in the air, a knee drawn up.
pub(super) const LOW_FLAT: f64 = 0.6;
/// As wide as this many heights is a body's length seen across or aslant: nobody who stands, bends or squats is; and then
/// ...
const LONG: f64 = 0.75;
/// ... a box this many times as wide as high ...
const LYING: f64 = 1.25;
/// ... is low up to this share of one's height: seen from above, who lies aslant is high in the picture.
const LOW_LONG: f64 = 0.75;
/// A box cut by the picture's lower border tells only if it is wider than this many heights of the person: whoever walks
/// out over the border sinks, but does not get wide.
const CUT_WIDE: f64 = 0.7;
/// Whose box is again this share of their height on average has got up, or sat up.
const RISEN: f64 = 0.65;
/// Longest time from the last sight upright to the first sight low. Falling takes a second, and detectors often lose
/// whoever falls for another one or two; lying down on purpose (kneeling, sitting, lying) takes longer.
pub(super) const FALLS: Span = Span::from_ms(2500);
/// Upright for less than this is no posture yet: parts of somebody who lies are narrow at times.
const STOOD: Span = Span::from_ms(500);
/// The upper edge sinks by at least this share of the height; behind a car it stays.
pub(super) const SINKS: f64 = 0.35;
/// The lower edge rises by at most this share (who is hidden from below rises further) ...
const LIFT: f64 = 0.35;
/// ... and sinks by at most this: falling towards the camera.
const REACH: f64 = 0.8;
/// The middle moves sideways by at most this share: half a body for whoever falls sideways, and a stumble.
const ASIDE: f64 = 0.9;
/// Height is known again this long after it changed, when it grew and when it shrank: legs are hidden for a moment.
const GROWS: f64 = 0.5;
const SHRINKS: f64 = 3.0;
/// Memory of the mean box of somebody who lies, seconds.
const MEAN: f64 = 1.0;

/// Somebody who was seen upright, and may have fallen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Posture {
    /// Box height while upright, view units; 0 before the first such sight.
    height: f64,
    /// Since when upright, the last sight so, and the box.
    upright: Option<(Timestamp, Timestamp, BBox)>,
    down: Option<Down>,
    last: Option<Timestamp>,
}

/// Somebody who fell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Down {
    /// First sight low.
    pub(super) since: Timestamp,
    /// From the last sight upright to the first sight low.
    pub(super) fell: Span,
    /// How far the upper edge sank, heights.
    pub(super) sank: f64,
    /// Mean height and width of the box lately, heights.
    pub(super) mean: [f64; 2],
    place: Point,
}

impl Down {
    /// Largest share of the height that is low for a box of this form.
    pub(super) fn limit(&self) -> f64 {
        let [height, width] = self.mean;
        if is_long(width, height) {
            LOW_LONG
        } else if width >= FLAT * height {
            LOW_FLAT
        } else {
            LOW
        }
    }

    /// Whether the mean box is that of somebody who got up, or sat up.
    fn is_risen(&self) -> bool {
        let [height, width] = self.mean;
        height > if is_long(width, height) { UPRIGHT } else { RISEN }
    }

    /// Whether the mean box is low.
    pub(super) fn is_low(&self) -> bool {
        self.mean[0] <= self.limit()
    }
}

/// Whether a box of this width and height, in heights of the person, is a body's length across.
fn is_long(width: f64, height: f64) -> bool {
    width >= LONG && width >= LYING * height
}

impl Posture {
    /// Who fell, if somebody did.
    pub(super) fn down(&self) -> Option<&Down> {
        self.down.as_ref()
    }

    /// Whether this posture can still become a fall, or is one.
    ///
    /// Nobody knows what became of somebody who fell and has not been seen for longer than `memory`.
    pub(super) fn is_open(&self, at: Timestamp, memory: Span) -> bool {
        let fresh = self.last.is_some_and(|last| at - last <= memory);
        (self.down.is_some() && fresh) || self.upright.is_some_and(|(_, last, _)| at - last <= FALLS)
    }

    /// Whether `bbox` lies about where this person was, and low for their height: another track of the same body.
    pub(super) fn continues(&self, bbox: &BBox) -> bool {
        let place = self.down.map(|d| d.place).or_else(|| self.upright.map(|(_, _, b)| b.bottom_centre()));
        place.is_some_and(|p| p.distance(bbox.centre()) <= ASIDE * self.height) && self.is_low(bbox)
    }

    fn is_low(&self, b: &BBox) -> bool {
        let (w, h) = (b.width(), b.height());
        if b.y2 > 1.0 - NEAR_BORDER && w < CUT_WIDE * self.height {
            return false;
        }
        (h <= LOW * self.height && w >= BROAD * h)
            || (h <= LOW_FLAT * self.height && w >= FLAT * h)
            || (h <= LOW_LONG * self.height && self.height > 0.0 && is_long(w / self.height, h / self.height))
    }

    /// Takes in a sight; `onset` is when its condition can have begun.
    pub(super) fn see(&mut self, at: Timestamp, onset: Timestamp, bbox: &BBox, memory: Span) {
        let elapsed = self.last.map_or(0.0, |last| (at - last).seconds());
        if elapsed > memory.seconds() {
            self.down = None;
        }
        self.last = Some(at);
        let cut_below = bbox.y2 > 1.0 - NEAR_BORDER;
        if self.down.is_some() {
            self.lie(bbox, elapsed);
        }
        if self.down.is_none() && !cut_below && bbox.y1 >= NEAR_BORDER && self.stands(bbox, elapsed) {
            let since =
                self.upright.filter(|(_, last, _)| at - *last <= FALLS).map_or(onset, |(since, ..)| since);
            self.upright = Some((since, at, *bbox));
        } else if self.down.is_none() && self.is_low(bbox) {
            self.down = self.fell(onset.min(at), bbox);
        }
    }

    /// Whether the box is of somebody upright, whose height is then known better.
    fn stands(&mut self, b: &BBox, elapsed: f64) -> bool {
        let h = b.height();
        if h < SLENDER * b.width() {
            return false;
        }
        let memory = if h > self.height { GROWS } else { SHRINKS };
        let keep = if self.height > 0.0 { (-elapsed / memory).exp() } else { 0.0 };
        let upright = h >= UPRIGHT * self.height;
        self.height = self.height * keep + h * (1.0 - keep);
        upright
    }

    /// The fall that ended in this low box, if it was one.
    fn fell(&self, at: Timestamp, b: &BBox) -> Option<Down> {
        let (since, last, stood) = self.upright?;
        let unit = 1.0 / self.height;
        let (sank, below) = ((b.y1 - stood.y1) * unit, (b.y2 - stood.y2) * unit);
        let aside = (b.centre().x - stood.centre().x).abs() * unit;
        let falls = last - since >= STOOD
            && at - last <= FALLS
            && sank >= SINKS
            && (-LIFT..=REACH).contains(&below)
            && aside <= ASIDE;
        let mean = [b.height() * unit, b.width() * unit];
        falls.then(|| Down { since: at, fell: at - last, sank, mean, place: b.centre() })
    }

    /// Goes on lying, or gets up.
    fn lie(&mut self, b: &BBox, elapsed: f64) {
        let (height, Some(down)) = (self.height, &mut self.down) else { return };
        if b.y2 > 1.0 - NEAR_BORDER && b.width() < CUT_WIDE * height {
            return;
        }
        let keep = (-elapsed / MEAN).exp();
        for (mean, now) in down.mean.iter_mut().zip([b.height(), b.width()]) {
            *mean = *mean * keep + now / height * (1.0 - keep);
        }
        if down.is_risen() || down.place.distance(b.centre()) > height {
            self.down = None;
            self.upright = None;
        }
    }
}
