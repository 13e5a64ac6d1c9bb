//! Crossings of a line: counted from the path between detections, confirmed once the subject is clear of the line.
//!
//! The net number of times that the path went over the line is kept until the subject is `band` away from it. Somebody
//! who trembles on the line goes over it an even number of times or has not left it yet; somebody who walks round its
//! end never goes over it; a path with missed detections goes over it in one long step.

use crate::facts::Fact;
use crate::geometry::{BBox, Point, Polyline};
use crate::time::Timestamp;

/// A confirmed crossing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineCrossing {
    /// Line probe.
    pub probe: usize,
    /// Who.
    pub subject: u64,
    /// Class of the subject.
    pub class_id: u16,
    /// From the line's left to its right, as seen from its first point to its last.
    pub rightwards: bool,
    /// When the path went over the line.
    pub at: Timestamp,
    /// Last detection before it went over.
    pub from: Timestamp,
    /// Angle between path and line, degrees, 0..90.
    pub angle: f64,
    /// Best score of the subject.
    pub best_score: f32,
    /// Box height, view units.
    pub height: f64,
}

/// A path that is over the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Over {
    net: i32,
    at: Timestamp,
    /// Last detection before it went over.
    from: Timestamp,
    angle: f64,
    /// The movement that went over it.
    way: Point,
    /// How far beyond the line it has been beside it, in bands.
    beyond: f64,
}

impl Over {
    pub(super) fn of(self, probe: usize, fact: &Fact) -> LineCrossing {
        LineCrossing {
            probe,
            subject: fact.id,
            class_id: fact.class_id,
            rightwards: self.net > 0,
            at: self.at,
            from: self.from,
            angle: self.angle,
            best_score: fact.best_score,
            height: fact.bbox.y2 - fact.bbox.y1,
        }
    }
}

/// One subject and one line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineState {
    over: Option<Over>,
    /// How far from the line it has been on the side it comes from, in bands.
    depth: f64,
    /// Whether it was last seen past an end of the line.
    past: bool,
    /// Whether it has been seen before.
    seen: bool,
}

/// A movement of the reference point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Movement {
    pub(super) from: (Timestamp, Point),
    pub(super) to: (Timestamp, Point),
}

/// A subject first seen nearer to the line than this share of the band may be on either side of it by the detector's
/// noise alone: its path over the line proves nothing. Nor does the path of somebody who was never this far beyond it
/// while beside it: they walked along the line and past its end.
const SURE: f64 = 0.35;
/// The same once it has been seen for longer: who stands on the line seems to be a little off it again and again.
const CLEAR: f64 = 0.7;
/// Least re-arm distance in body sizes, as a share of the longer side of the box: the middle of a side trembles by
/// two thirds of the noise of its ends, which grows with the side. It only matters for boxes three times as long as
/// high: a lorry, somebody lying.
pub(super) const LONG: f64 = 0.7;

/// What the border of a zone and the band of a line are measured in: the body size, more for very long boxes.
pub(super) fn unit(bbox: &BBox, body: f64) -> f64 {
    body.max(LONG * bbox.width().max(bbox.height()))
}

impl LineState {
    /// Whether nothing is to be confirmed: a way that keeps its `band` from the line then changes nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.over.is_none() && self.seen && !self.past && self.depth >= 1.0
    }

    /// Takes in a movement; `open` while it is not known where the subject came from.
    pub(super) fn push(
        &mut self,
        Movement { from, to }: Movement,
        line: &Polyline,
        band: f64,
        open: bool,
    ) -> Option<Over> {
        self.sweep(from, to, line);
        let to = to.1;
        let reach = line.bounds();
        let away = to.x < reach.x1 - band
            || to.x > reach.x2 + band
            || to.y < reach.y1 - band
            || to.y > reach.y2 + band;
        let Some(over) = &mut self.over else {
            self.past = false;
            if away {
                self.seen = true;
                self.depth = 1.0;
                return None;
            }
            // In front of an end of the line its sides are as near as on it: what counts is where the subject is when
            // it comes beside it.
            let (offset, past) = line.offset(to);
            let bands = offset.abs() / band;
            let least = if self.seen { CLEAR } else { SURE };
            self.seen = true;
            self.depth = if past {
                bands.min(1.0)
            } else if bands >= least {
                self.depth.max(bands)
            } else {
                self.depth
            };
            return None;
        };
        let (offset, past) = line.offset(to);
        if !(past && self.past) {
            over.beyond = over.beyond.max(offset * f64::from(over.net.signum()) / band);
        }
        self.past = past;
        if !away && line.distance(to) < band {
            return None;
        }
        let (over, sure) = (*over, self.depth >= SURE);
        if open && !sure {
            return None;
        }
        self.over = None;
        self.depth = 1.0;
        (sure && over.beyond >= SURE).then_some(over)
    }

    /// Adds the times that a movement went over the line.
    fn sweep(&mut self, (before, from): (Timestamp, Point), (at, to): (Timestamp, Point), line: &Polyline) {
        let reach = line.bounds();
        let missed = from.x.max(to.x) < reach.x1
            || from.x.min(to.x) > reach.x2
            || from.y.max(to.y) < reach.y1
            || from.y.min(to.y) > reach.y2;
        if missed {
            return;
        }
        let Some(crossing) = line.crossings(from, to) else { return };
        let net = self.over.map_or(0, |o| o.net) + crossing.net;
        let when = before.towards(at, crossing.t);
        let angle = fold(crossing.angle_rad.to_degrees());
        self.over =
            (net != 0).then_some(Over { net, at: when, from: before, angle, way: to - from, beyond: 0.0 });
    }

    /// The subject turned out to have come in over the border: its way began at `from`, outside of the picture.
    pub(super) fn came_in(&mut self, Movement { from, to }: Movement, line: &Polyline) {
        let since = self.over;
        self.over = None;
        self.sweep(from, to, line);
        if let (Some(over), Some(since)) = (&mut self.over, since) {
            over.net += since.net;
        }
        self.over = self.over.or(since).filter(|o| o.net != 0);
        self.depth = 1.0;
    }

    /// The subject went out over the border: its way ends outside of the picture. Who was over the line by then and
    /// still went outwards, or goes over it on the way, has crossed it.
    pub(super) fn went_out(&mut self, Movement { from, to }: Movement, line: &Polyline) -> Option<Over> {
        let before = self.over;
        self.sweep(from, to, line);
        let outwards = |over: &Over| (to.1 - from.1).dot(over.way) > 0.0;
        let over = self.over.filter(|over| before.is_none() || outwards(over));
        let sure = self.depth >= SURE;
        *self = Self { depth: 1.0, seen: true, ..Self::default() };
        over.filter(|_| sure)
    }

    /// A crossing that nobody will see confirmed, because its subject has ended: it counts if the subject was well on
    /// its way.
    pub(super) fn unfinished(&self, last: Point, line: &Polyline, band: f64) -> Option<Over> {
        let over = self.over?;
        let beyond = over.beyond.max(line.offset(last).0 * f64::from(over.net.signum()) / band);
        (self.depth >= SURE && beyond >= SURE && line.distance(last) >= 0.5 * band).then_some(over)
    }
}

/// An angle between undirected lines, 0..90 degrees.
fn fold(degrees: f64) -> f64 {
    let d = degrees.abs() % 180.0;
    d.min(180.0 - d)
}
