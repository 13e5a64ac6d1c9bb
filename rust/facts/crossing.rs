//! Crossings of a line: counted from the path between detections, confirmed once the subject is clear of the line.
//!
//! The net number of times that the path went over the line is kept until the subject is `band` away from it. Somebody
//! who trembles on the line goes over it an even number of times or has not left it yet; somebody who walks round its
//! end never goes over it; a path with missed detections goes over it in one long step.

use crate::facts::Fact;
use crate::geometry::{Point, Polyline};
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
    angle: f64,
}

impl Over {
    pub(super) fn of(self, probe: usize, fact: &Fact) -> LineCrossing {
        LineCrossing {
            probe,
            subject: fact.id,
            class_id: fact.class_id,
            rightwards: self.net > 0,
            at: self.at,
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
}

/// A subject first seen nearer to the line than this share of the band may be on either side of it by the detector's
/// noise alone: its path over the line proves nothing. At the picture's border it is let through, because there a
/// subject can only appear close to the line.
const SURE: f64 = 0.25;

impl LineState {
    /// Whether nothing is to be confirmed: a way that keeps its `band` from the line then changes nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.over.is_none() && self.depth >= 1.0
    }

    pub(super) fn push(
        &mut self,
        (before, from): (Timestamp, Point),
        (at, to): (Timestamp, Point),
        line: &Polyline,
        band: f64,
        born_at_border: bool,
    ) -> Option<Over> {
        if born_at_border {
            self.depth = 1.0;
        }
        let reach = line.bounds();
        let away = |p: Point| {
            p.x < reach.x1 - band || p.x > reach.x2 + band || p.y < reach.y1 - band || p.y > reach.y2 + band
        };
        let missed = from.x.max(to.x) < reach.x1
            || from.x.min(to.x) > reach.x2
            || from.y.max(to.y) < reach.y1
            || from.y.min(to.y) > reach.y2;
        if !missed
            && let Some(crossing) = line.crossings(from, to)
            && crossing.net != 0
        {
            let net = self.over.map_or(0, |o| o.net) + crossing.net;
            let when = before.towards(at, crossing.t);
            let angle = fold(crossing.angle_rad.to_degrees());
            self.over = (net != 0).then_some(Over { net, at: when, angle });
        }
        let bands = if away(to) { 1.0 } else { line.distance(to) / band.max(f64::EPSILON) };
        let Some(over) = self.over else {
            self.depth = self.depth.max(bands);
            return None;
        };
        if bands < 1.0 {
            return None;
        }
        self.over = None;
        let sure = self.depth >= SURE;
        self.depth = 1.0;
        sure.then_some(over)
    }

    /// A crossing that was not confirmed before its subject ended: it counts if the subject left the picture there, or
    /// was well on its way.
    pub(super) fn unfinished(
        &self,
        line: &Polyline,
        last: Point,
        band: f64,
        at_border: bool,
    ) -> Option<Over> {
        let over = self.over?;
        (self.depth >= SURE && (at_border || line.distance(last) >= 0.5 * band)).then_some(over)
    }
}

/// An angle between undirected lines, 0..90 degrees.
fn fold(degrees: f64) -> f64 {
    let d = degrees.abs() % 180.0;
    d.min(180.0 - d)
}
