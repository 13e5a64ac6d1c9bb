//! Presence in a zone: swept between samples, with hysteresis at the border.

use crate::detection::Group;
use crate::geometry::{Passage, Point, Polygon};
use crate::time::Timestamp;

/// Somebody inside counts as outside only this many body sizes beyond the border. A detector's box trembles by a
/// few percent of its size; a real step out of the zone is half a body.
const BORDER: f64 = 0.12;
/// The middle of a box trembles less than its edge, and a lorry parked beside a lane is not in it.
const BORDER_MIDDLE: f64 = 0.07;

/// How far beyond the border, in body sizes, a subject still counts as inside.
pub(super) fn border(group: Group) -> f64 {
    if matches!(group, Group::Person | Group::Animal) { BORDER } else { BORDER_MIDDLE }
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
    /// Came in during this step.
    pub entered: bool,
    /// Was inside when it was first seen, without passing the border.
    pub appeared: bool,
    /// Went out during this step.
    pub left: bool,
    /// Went in and out again between two detections: when.
    pub crossed: Option<(Timestamp, Timestamp)>,
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
    };

    /// Whether it says only that the subject is outside: a way that does not touch the zone then changes nothing.
    pub(super) fn is_idle(&self) -> bool {
        !self.inside && !self.entered && !self.left && self.crossed.is_none()
    }

    /// Momentary facts are over.
    pub(super) fn settle(&mut self) {
        self.entered = false;
        self.left = false;
        self.crossed = None;
    }

    /// Moves from one detection to the next; `border` is the hysteresis in view units.
    pub(super) fn push(
        &mut self,
        (before, from): (Timestamp, Point),
        (at, to): (Timestamp, Point),
        zone: &Polygon,
        border: f64,
    ) {
        if !self.inside {
            match zone.passage(from, to) {
                Passage::Outside | Passage::Leave { .. } => {}
                Passage::Cross { t_in, t_out } => {
                    self.crossed = Some((before.towards(at, t_in), before.towards(at, t_out)));
                }
                Passage::Enter { t } => self.enter(before.towards(at, t), false),
                // Inside at both ends, yet not inside before: it was there when it was first seen.
                Passage::Inside => self.enter(before, true),
            }
        } else if !zone.covers(to) && zone.distance(to) > border {
            let t = match zone.passage(from, to) {
                Passage::Leave { t } | Passage::Cross { t_out: t, .. } => t,
                _ => 1.0,
            };
            self.inside = false;
            self.left = true;
            self.since = before.towards(at, t);
        }
    }

    fn enter(&mut self, when: Timestamp, appeared: bool) {
        self.inside = true;
        self.appeared = appeared;
        self.entered = true;
        self.since = when;
    }
}
