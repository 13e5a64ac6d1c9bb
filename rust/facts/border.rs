//! The picture's border: who comes in over it and who goes out.
//!
//! Beyond the border nobody is seen, so the way of somebody who comes in begins before the first box and the way of
//! somebody who goes out ends after the last one. A line along the edge of the picture lies in just these stretches.
//! They are taken as straight over the side that the box touches, and only for those who are seen to move inwards or
//! outwards: who stands at the border, or was there when the watch began, has done neither.

use super::crossing::{LONG, Movement, unit};
use super::{Anchor, Observatory, centre};
use crate::detection::NEAR_BORDER;
use crate::geometry::{BBox, Point};
use crate::scene::Scene;
use crate::time::{Span, Timestamp};

/// A side of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

/// Way, in body sizes, that tells moving from trembling: five deviations of a box's centre at a noise of 3 %.
const MOVES: f64 = 0.15;
/// The same against a mean over the last half second, which moves along: of somebody at a walking pace half a body remains.
const LAGS: f64 = 0.05;
/// Somebody goes out over a side if the point that stands for them is no further from it than this share of their
/// extent: whose head touches the upper border while their feet are far below is not leaving.
const CLOSE: f64 = 0.8;
/// After a pause of the pictures nobody knows who was already there.
const PAUSE: Span = Span::from_secs(2);

impl Side {
    const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];

    /// Direction out of the picture.
    pub(super) fn outwards(self) -> Point {
        match self {
            Self::Left => Point::new(-1.0, 0.0),
            Self::Right => Point::new(1.0, 0.0),
            Self::Top => Point::new(0.0, -1.0),
            Self::Bottom => Point::new(0.0, 1.0),
        }
    }

    /// How far the point lies inside of this side.
    fn depth(self, p: Point, aspect: f64) -> f64 {
        match self {
            Self::Left => p.x,
            Self::Right => aspect - p.x,
            Self::Top => p.y,
            Self::Bottom => 1.0 - p.y,
        }
    }

    /// How far the box is from this side.
    fn gap(self, b: &BBox, aspect: f64) -> f64 {
        let corner = match self {
            Self::Left | Self::Top => Point::new(b.x1, b.y1),
            Self::Right | Self::Bottom => Point::new(b.x2, b.y2),
        };
        self.depth(corner, aspect)
    }

    /// How long a box is across this side.
    pub(super) fn extent(self, b: &BBox) -> f64 {
        match self {
            Self::Left | Self::Right => b.width(),
            Self::Top | Self::Bottom => b.height(),
        }
    }

    /// The place outside of the picture from which somebody seen in `bbox` came to `p`, or to which they went; None if
    /// this side is too far away for that. `whole` is how large they are where the border does not cut them.
    pub(super) fn beyond(self, p: Point, bbox: &BBox, whole: f64, aspect: f64) -> Option<Point> {
        let depth = self.depth(p, aspect);
        // The box itself may end short of the side: one picture earlier or later it does not.
        let within = depth - self.gap(bbox, aspect).max(0.0);
        (within <= CLOSE * whole.max(self.extent(bbox)))
            .then(|| p + self.outwards() * (depth.max(0.0) + NEAR_BORDER))
    }
}

/// Since when pictures have come without a pause, and the last one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looking(Option<(Timestamp, Timestamp)>);

impl Looking {
    pub(super) fn step(&mut self, at: Timestamp) {
        let since = self.0.filter(|(_, last)| at - *last <= PAUSE).map_or(at, |(since, _)| since);
        self.0 = Some((since, at));
    }

    /// Whether somebody first seen then may have been there before.
    pub(super) fn found(&self, first: Timestamp) -> bool {
        self.0.is_none_or(|(since, _)| first <= since)
    }
}

/// One subject and the border.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passing {
    /// First known box and when; None once it is known where the subject came from.
    arrival: Option<(Timestamp, BBox)>,
    /// Mean of the centre over the last moments.
    trail: Point,
    /// Where it has gone out of the picture since it was last seen.
    out: Option<Side>,
}

impl Passing {
    pub(super) fn new(bbox: &BBox) -> Self {
        Self { arrival: None, trail: centre(bbox), out: None }
    }

    /// First look at somebody; `found` there, or newly come.
    pub(super) fn arrive(&mut self, at: Timestamp, bbox: &BBox, found: bool) {
        self.arrival = (!found).then_some((at, *bbox));
        self.trail = centre(bbox);
    }

    /// Whether it is still open where the subject came from.
    pub(super) fn is_open(&self) -> bool {
        self.arrival.is_some()
    }

    /// The side over which the subject went out since it was last seen.
    pub(super) fn out(&self) -> Option<Side> {
        self.out
    }

    /// Follows the box, of which `keep` is left of what was known a second ago; tells, once, the side over which the subject came in, with its first known box.
    pub(super) fn push(
        &mut self,
        (before, at): (Timestamp, Timestamp),
        first: Timestamp,
        bbox: &BBox,
        (body, keep): (f64, f64),
        aspect: f64,
    ) -> Option<(Side, BBox)> {
        let here = centre(bbox);
        self.out = None;
        self.trail = here.lerp(self.trail, keep * keep);
        let (seen, arrived) = self.arrival?;
        let moved = here - centre(&arrived);
        if moved.x.abs() < MOVES * scale(bbox.width(), body)
            && moved.y.abs() < MOVES * scale(bbox.height(), body)
        {
            return None;
        }
        self.arrival = None;
        // A track is known from its second detection on, and one picture before its first it was still outside.
        let earlier = (seen - first).seconds() + (at - before).seconds();
        let back = moved * (earlier / (at - seen).seconds());
        let inwards = |side: &Side| -moved.dot(side.outwards());
        let came = |side: &Side| side.gap(&arrived, aspect) + back.dot(side.outwards()) < NEAR_BORDER;
        Side::ALL
            .into_iter()
            .filter(|side| inwards(side) >= 0.5 * moved.norm() && came(side))
            .max_by(|a, b| inwards(a).total_cmp(&inwards(b)))
            .map(|side| (side, arrived))
    }

    /// The side over which somebody last seen in `bbox` was going out.
    pub(super) fn leaves(&self, bbox: &BBox, body: f64, aspect: f64) -> Option<Side> {
        let moves = centre(bbox) - self.trail;
        let outwards = |side: &Side| moves.dot(side.outwards());
        Side::ALL
            .into_iter()
            // The next picture, half of the mean's lag ahead, will show nothing of them.
            .filter(|side| {
                outwards(side) > LAGS * scale(side.extent(bbox), body)
                    && side.gap(bbox, aspect) - 0.5 * outwards(side) < NEAR_BORDER
            })
            .max_by(|a, b| outwards(a).total_cmp(&outwards(b)))
    }
}

impl Observatory {
    /// Counts what the subject will not be seen to finish, because it has ended.
    pub(super) fn unfinished(&mut self, index: usize, scene: &Scene) {
        let fact = &self.facts[index];
        if fact.memory.passing.out.is_some() {
            return;
        }
        let unit = unit(&fact.bbox, fact.body);
        for (probe, &(line, anchor, band)) in self.probes.lines.iter().enumerate() {
            let state = &fact.memory.lines[probe];
            let last = anchor.point(&fact.bbox, fact.group);
            if let Some(crossing) = state.unfinished(last, &scene.lines[line].1, band * unit) {
                self.crossings.push(crossing.of(probe, fact));
            }
        }
    }

    /// Somebody who went out over the picture's border will not be seen beyond it.
    pub(super) fn went_out(&mut self, index: usize, scene: &Scene) {
        let fact = &mut self.facts[index];
        let passing = &mut fact.memory.passing;
        if passing.out.is_some() {
            return;
        }
        let Some(side) = passing.leaves(&fact.bbox, fact.body, scene.aspect) else { return };
        passing.out = Some(side);
        let (bbox, group, body, last_seen) = (fact.bbox, fact.group, fact.body, fact.last_seen);
        let way = |anchor: Anchor| {
            let last = anchor.point(&bbox, group);
            let beyond = side.beyond(last, &bbox, body, scene.aspect)?;
            Some(Movement { from: (last_seen, last), to: (last_seen, beyond) })
        };
        for (probe, &(zone, anchor)) in self.probes.zones.iter().enumerate() {
            if let Some(way) = way(anchor) {
                let presence = &mut fact.zones[probe];
                presence.went_out(way, &scene.zones[zone].1);
                fact.memory.busy.set(probe, !presence.is_idle());
            }
        }
        for (probe, &(line, anchor, _)) in self.probes.lines.iter().enumerate() {
            let Some(way) = way(anchor) else { continue };
            let state = &mut fact.memory.lines[probe];
            let crossing = state.went_out(way, &scene.lines[line].1);
            fact.memory.busy.set(self.probes.zones.len() + probe, !state.is_idle());
            if let Some(crossing) = crossing {
                self.crossings.push(crossing.of(probe, fact));
            }
        }
    }
}

/// What movements along a box of this extent are measured in: the body size, more along a very long box, because its
/// middle trembles more.
fn scale(extent: f64, body: f64) -> f64 {
    body.max(LONG * extent)
}
