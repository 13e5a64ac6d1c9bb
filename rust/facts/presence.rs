//! Presence in a zone: swept between samples, with hysteresis at the border.

use super::crossing::Movement;
use crate::detection::Group;
use crate::geometry::{Passage, Point, Polygon};
use crate::time::{Span, Timestamp};

/// Somebody inside counts as outside only this many body sizes beyond the border. A detector's box trembles by a
/// few percent of its size; a real step out of the zone is half a body.
const BORDER: f64 = 0.12;
/// The middle of a box trembles less than its edge, and a lorry parked beside a lane is not in it.
const BORDER_MIDDLE: f64 = 0.07;
/// Somebody who went out and is this many body sizes from the border has gone away, and may come in again at the first
/// sight inside. Nearer than that the next sight inside may be the same tremble: see [`Return`].
const AWAY: f64 = 0.24;
/// ... unless it is this many body sizes inside, beyond any tremble,
const BACK: f64 = 0.2;
/// or has been inside at every detection for this long.
const STAYS: Span = Span::from_secs(1);

/// How far beyond the border, in body sizes, a subject still counts as inside.
fn border(group: Group) -> f64 {
    if matches!(group, Group::Person | Group::Animal) { BORDER } else { BORDER_MIDDLE }
}

/// What must happen before a subject comes in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Return {
    /// Nothing: it has been away.
    Free,
    /// It has just gone out and is still at the border: it must come in by [`BACK`], or stay inside. Without that,
    /// a noise of a quarter of the border's width makes one who stands in the middle of it come and go every few
    /// seconds.
    Doubtful {
        /// Since when it has been inside at every detection.
        inside_since: Option<Timestamp>,
    },
}

/// What a subject has to do with a zone in this step.
// Four independent facts, not a state machine in disguise.
#[expect(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Presence {
    /// Inside now (or when last seen).
    pub inside: bool,
    /// Since when it is inside, or since when outside.
    pub since: Timestamp,
    /// Came in during this step, over the zone's border or the picture's.
    pub entered: bool,
    /// Was inside when it was first seen, without passing the border.
    pub appeared: bool,
    /// Went out during this step, over the zone's border or the picture's.
    pub left: bool,
    /// Went in and out again between two detections: when.
    pub crossed: Option<(Timestamp, Timestamp)>,
    back: Return,
}

impl Presence {
    /// Never seen inside.
    pub const OUTSIDE: Self = Self {
        inside: false,
        since: Timestamp::from_ms(i64::MIN),
        entered: false,
        appeared: false,
        left: false,
        crossed: None,
        back: Return::Free,
    };

    /// Whether it says only that the subject is outside: a way that does not touch the zone then changes nothing.
    pub(super) fn is_idle(&self) -> bool {
        !self.inside && !self.entered && !self.left && self.crossed.is_none() && self.back == Return::Free
    }

    /// Momentary facts are over.
    pub(super) fn settle(&mut self) {
        self.entered = false;
        self.left = false;
        self.crossed = None;
    }

    /// Moves from one detection to the next; `unit` is the body size in view units.
    pub(super) fn push(&mut self, Movement { from, to }: Movement, zone: &Polygon, group: Group, unit: f64) {
        if !self.inside {
            self.come(from, to, zone, unit);
        } else if !zone.covers(to.1) && zone.distance(to.1) > border(group) * unit {
            let t = match zone.passage(from.1, to.1) {
                Passage::Leave { t } | Passage::Cross { t_out: t, .. } => t,
                _ => 1.0,
            };
            self.leave(from.0.towards(to.0, t));
            self.doubt(to.1, zone, unit);
        }
    }

    /// The same for somebody outside.
    fn come(
        &mut self,
        (before, from): (Timestamp, Point),
        (at, to): (Timestamp, Point),
        zone: &Polygon,
        unit: f64,
    ) {
        let passage = zone.passage(from, to);
        let since = match passage {
            Passage::Outside | Passage::Leave { .. } => None,
            Passage::Cross { t_in, t_out } => {
                // Away on the other side: it really went through.
                if self.back == Return::Free || zone.distance(to) > AWAY * unit {
                    self.crossed = Some((before.towards(at, t_in), before.towards(at, t_out)));
                }
                None
            }
            Passage::Enter { t } => Some(before.towards(at, t)),
            // Inside at both ends, yet not inside before: it was there when it was first seen.
            Passage::Inside => Some(before),
        };
        let (Some(since), Return::Doubtful { inside_since }) = (since, self.back) else {
            if let Some(since) = since {
                self.enter(since);
                self.appeared = passage == Passage::Inside;
            } else if self.back != Return::Free || self.crossed.is_some() {
                self.doubt(to, zone, unit);
            }
            return;
        };
        let since = inside_since.unwrap_or(since);
        if zone.distance(to) > BACK * unit || at - since >= STAYS {
            self.enter(since);
        } else {
            self.back = Return::Doubtful { inside_since: Some(since) };
        }
    }

    /// Outside at `to`, near enough to come back by noise alone or not.
    fn doubt(&mut self, to: Point, zone: &Polygon, unit: f64) {
        let away = zone.distance(to) > AWAY * unit;
        self.back = if away { Return::Free } else { Return::Doubtful { inside_since: None } };
    }

    fn enter(&mut self, when: Timestamp) {
        self.inside = true;
        self.appeared = false;
        self.entered = true;
        self.since = when;
        self.back = Return::Free;
    }

    fn leave(&mut self, when: Timestamp) {
        self.inside = false;
        self.left = true;
        self.since = when;
    }

    /// The subject turned out to have come in over the picture's border, from outside of the picture.
    pub(super) fn came_in(&mut self, Movement { from, to }: Movement, zone: &Polygon) {
        match zone.passage(from.1, to.1) {
            Passage::Enter { .. } | Passage::Inside if self.inside && self.appeared => {
                self.appeared = false;
                self.entered = true;
            }
            Passage::Cross { .. } if !self.inside => self.crossed = Some((from.0, to.0)),
            _ => {}
        }
    }

    /// The subject went out of the picture, from where it was last seen to outside of the picture.
    pub(super) fn went_out(&mut self, Movement { from, to }: Movement, zone: &Polygon) {
        if self.inside {
            self.leave(from.0);
            self.back = Return::Free;
        } else if let Passage::Cross { .. } = zone.passage(from.1, to.1) {
            self.crossed = Some((from.0, to.0));
        }
    }
}
