//! One track: what is believed of a body, and how likely a detection is to be its.

use super::model::{
    AT_BORDER, CONFIDENCE, DIFFERENCE, DOUBT, GROWTH_SD, Motion, NOISE, OVERLAP, Passage, liveliness,
};
use super::sight::Seen;
use super::votes::Votes;
use super::{Affine, Settings, Track};
use crate::detection::Group;
use crate::geometry::{BBox, Point};
use crate::time::{Span, Timestamp};
use crate::track::kalman::Filter;

/// Who stays within this many body sizes of a spot ...
const SPOT: f64 = 0.25;
/// ... for this long stands still. The slowest walker is away by then; a box that trembles on a parked car is not, though
/// it has a speed at any moment.
const STILL: Span = Span::from_ms(1000);
/// Least share of a box's side that its noise along that side is measured in. It matters for boxes more than ten times as
/// long as wide.
const LONG: f64 = 0.3;
/// Share of the filters' box in what is published, the rest is the detector's: that one trembles, this one comes late.
const BELIEVED: f64 = 0.37;

/// View units below which a box that the camera's zoom made small is nothing any more: less than any detection.
const TINY: f64 = 1e-9;

#[derive(Debug)]
pub(super) struct State {
    pub(super) id: u64,
    pub(super) group: Group,
    motion: &'static Motion,
    votes: Votes,
    /// Centre of the box, view units.
    pub(super) x: Filter,
    pub(super) y: Filter,
    /// Logarithms of width and height.
    pub(super) width: Filter,
    pub(super) height: Filter,
    /// Box by the filters.
    bbox: BBox,
    /// Body size by the filters.
    pub(super) body: f64,
    /// Box of the last detection, and whether the picture's border cut it.
    seen: BBox,
    cut: [bool; 2],
    score: f32,
    /// Scores of all detections until it was confirmed.
    evidence: f32,
    /// Where it stands, if it does, and since when.
    spot: Point,
    since: Timestamp,
    pub(super) first: Timestamp,
    pub(super) last_seen: Timestamp,
    pub(super) confirmed: bool,
    pub(super) det: Option<u32>,
}

/// What a track expects to see: the terms of [`Self::cost`] that do not depend on the detection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expectation {
    /// Variances of x and y, and of the logarithms of width and height.
    place: [f64; 2],
    size: [f64; 2],
    /// Their inverses.
    sure: [f64; 4],
    /// What any detection costs, and what none may cost.
    base: f64,
    limit: f64,
    /// Whether the picture's border excuses much.
    is_lenient: bool,
    /// How far to the left and right of the track's centre an affordable detection can be.
    pub(super) reach: f64,
}

impl Expectation {
    /// Inverse variances for a box that the picture's border cuts across or down.
    fn cut(&self, cut: [bool; 2], body: f64) -> [f64; 4] {
        let more = |cut: bool, variance: f64| if cut { variance } else { 0.0 };
        let place = |k: usize| 1.0 / (self.place[k] + more(cut[k], AT_BORDER[0] * body * body));
        let size = |k: usize| 1.0 / (self.size[k] + more(cut[k], AT_BORDER[1]));
        [place(0), place(1), size(0), size(1)]
    }
}

impl State {
    pub(super) fn new(id: u64, at: Timestamp, seen: &Seen) -> Self {
        let motion = Motion::of(seen.group);
        let mut votes = Votes::default();
        votes.add(seen.class_id, seen.score);
        let mut state = Self {
            id,
            group: seen.group,
            motion,
            votes,
            x: Filter::new(seen.x, 0.0, 0.0),
            y: Filter::new(seen.y, 0.0, 0.0),
            width: Filter::new(seen.width, NOISE[1], GROWTH_SD),
            height: Filter::new(seen.height, NOISE[2], GROWTH_SD),
            bbox: seen.bbox,
            body: 0.0,
            seen: seen.bbox,
            cut: seen.cut,
            score: seen.score,
            evidence: seen.score,
            spot: Point::new(seen.x, seen.y),
            since: at,
            first: at,
            last_seen: at,
            confirmed: false,
            det: Some(seen.row),
        };
        state.fit();
        let (body, [across, down]) = (state.body, state.trembles());
        state.x = Filter::new(seen.x, NOISE[0] * across, motion.speed[0] * body);
        state.y = Filter::new(seen.y, NOISE[0] * down, motion.speed[1] * body);
        state
    }

    /// What the noise of the centre across and down the picture is measured in: the body size, more along a long box,
    /// whose ends a detector misses by a share of its length (a pole).
    fn trembles(&self) -> [f64; 2] {
        [self.bbox.width(), self.bbox.height()].map(|extent| self.body.max(LONG * extent))
    }

    /// Goes on to the next step, where nothing has been seen yet.
    pub(super) fn predict(&mut self, passage: &Passage, camera: Option<&Affine>) {
        let squared = self.body * self.body;
        let lively = if self.det.take().is_some() { 1.0 } else { liveliness(self.speed()) };
        let Motion { jerkiness, wander, growth, .. } = *self.motion;
        self.x.predict(&passage.place, jerkiness[0] * lively * squared, wander[0] * squared);
        self.y.predict(&passage.place, jerkiness[1] * lively * squared, wander[1] * squared);
        self.width.predict(&passage.size, growth, 0.0);
        self.height.predict(&passage.size, growth, 0.0);
        if let Some(camera) = camera {
            self.follow(camera);
        }
        self.fit();
    }

    fn follow(&mut self, camera: &Affine) {
        let place = camera.point(Point::new(self.x.at, self.y.at));
        let rate = camera.vector(Point::new(self.x.rate, self.y.rate));
        let scale = camera.scale();
        self.spot = camera.point(self.spot);
        self.x.carry(place.x, rate.x, scale);
        self.y.carry(place.y, rate.y, scale);
        self.width.at += scale.ln();
        self.height.at += scale.ln();
    }

    /// Follows a camera that shifted by this much beyond what was predicted.
    pub(super) fn shift(&mut self, by: Point) {
        self.x.at += by.x;
        self.y.at += by.y;
        self.spot = self.spot + by;
        let b = self.bbox;
        self.bbox = BBox { x1: b.x1 + by.x, y1: b.y1 + by.y, x2: b.x2 + by.x, y2: b.y2 + by.y };
    }

    /// Puts box and body size where the filters believe them to be.
    fn fit(&mut self) {
        let (width, height) = (self.width.at.exp(), self.height.at.exp());
        let (x, y) = (self.x.at, self.y.at);
        self.bbox =
            BBox { x1: x - 0.5 * width, y1: y - 0.5 * height, x2: x + 0.5 * width, y2: y + 0.5 * height };
        self.body = super::body_size(self.group, &self.bbox);
    }

    /// What this track expects to see, unless it is so unsure that anything would cost more than `limit`.
    pub(super) fn expect(&self, limit: f64, is_lenient: bool) -> Option<Expectation> {
        let [across, down] = self.trembles().map(|extent| DIFFERENCE[0] * extent * extent);
        let place = [self.x.variance() + across, self.y.variance() + down];
        let size = [self.width.variance() + DIFFERENCE[1], self.height.variance() + DIFFERENCE[2]];
        // Twice the negative logarithm of the density at its peak, against that of a track seen exactly: who may be
        // anywhere by now gives way to who must be here.
        let base = (place[0] * place[1] / (across * down)).ln();
        let squared = self.body * self.body;
        (base < limit).then(|| Expectation {
            place,
            size,
            sure: [1.0 / place[0], 1.0 / place[1], 1.0 / size[0], 1.0 / size[1]],
            base,
            limit,
            is_lenient,
            reach: ((limit - base) * (place[0] + AT_BORDER[0] * squared)).sqrt(),
        })
    }

    /// Twice the negative log-likelihood that `seen` is this track, up to a constant; `None` if it is better left alone.
    pub(super) fn cost(&self, expected: &Expectation, seen: &Seen, high: f32) -> Option<f64> {
        let cut = [self.cut[0] || seen.cut[0], self.cut[1] || seen.cut[1]];
        let sure = if expected.is_lenient && cut != [false; 2] {
            expected.cut(cut, self.body)
        } else {
            expected.sure
        };
        let (x, y) = (seen.x - self.x.at, seen.y - self.y.at);
        let (width, height) = (seen.width - self.width.at, seen.height - self.height.at);
        let mut cost = expected.base
            + x * x * sure[0]
            + y * y * sure[1]
            + width * width * sure[2]
            + height * height * sure[3];
        if seen.score < high {
            cost += DOUBT;
        }
        if cost >= expected.limit {
            return None;
        }
        cost += OVERLAP * (1.0 - self.bbox.iou(&seen.bbox))
            + CONFIDENCE * f64::from((self.score - seen.score).abs());
        (cost < expected.limit).then_some(cost)
    }

    /// Takes in a detection; the track is confirmed with it if that is enough (see [`Settings::evidence`]).
    pub(super) fn see(
        &mut self,
        at: Timestamp,
        seen: &Seen,
        passage: &Passage,
        doubt: f64,
        settings: &Settings,
    ) {
        let [place, width, height] = passage.noise;
        let place = place * doubt;
        let [across, down] = self.trembles().map(|extent| place * extent * extent);
        self.x.update(seen.x, across);
        self.y.update(seen.y, down);
        self.width.update(seen.width, width);
        self.height.update(seen.height, height);
        self.fit();
        let place = Point::new(seen.x, seen.y);
        if self.spot.distance(place) > SPOT * self.body {
            (self.spot, self.since) = (place, at);
        }
        self.seen = seen.bbox;
        self.cut = seen.cut;
        self.votes.add(seen.class_id, seen.score);
        self.score = seen.score;
        self.last_seen = at;
        if !self.confirmed {
            self.evidence += seen.score;
            self.confirmed = self.evidence >= settings.evidence || at - self.first >= settings.apart;
        }
        self.det = Some(seen.row);
    }

    fn speed(&self) -> f64 {
        Point::new(self.x.rate, self.y.rate).norm() / self.body
    }

    /// Whether the box has a size and lies within this distance of the picture's origin; NaN does not.
    pub(super) fn is_within(&self, far: f64) -> bool {
        let b = &self.bbox;
        b.width() > TINY && b.height() > TINY && [b.x1, b.y1, b.x2, b.y2].iter().all(|v| v.abs() <= far)
    }

    pub(super) fn is_still(&self) -> bool {
        self.last_seen - self.since >= STILL
    }

    /// What is published.
    pub(super) fn track(&self) -> Track {
        let mix = |believed: f64, seen: f64| BELIEVED * believed + (1.0 - BELIEVED) * seen;
        let (p, s) = (&self.bbox, &self.seen);
        let bbox = if self.det.is_some() {
            BBox { x1: mix(p.x1, s.x1), y1: mix(p.y1, s.y1), x2: mix(p.x2, s.x2), y2: mix(p.y2, s.y2) }
        } else {
            *p
        };
        Track {
            id: self.id,
            group: self.group,
            class_id: self.votes.winner(),
            bbox,
            seen: self.seen,
            score: self.score,
            first: self.first,
            last_seen: self.last_seen,
            det: self.det,
            velocity: Point::new(self.x.rate, self.y.rate),
            still: self.is_still(),
        }
    }
}
