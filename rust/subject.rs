//! Subjects: identities that survive the tracker's mistakes.
//!
//! A track ends when its object is hidden for too long, and a new one starts when it comes back. A rule that times
//! a presence must not start again then. A *subject* goes on from the lost track to the new one of the same group
//! if that one is within reach: near enough, in body sizes, for the time that has passed. Something that stood still
//! is remembered for longer, for it will still be there. No appearance is looked at.

use crate::detection::Group;
use crate::geometry::{BBox, Point};
use crate::time::{Span, Timestamp};
use crate::track::assign::Assignment;
use crate::track::{Track, body_size};

/// What rules time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subject {
    /// Counts from 1 inside one view, never given twice.
    pub id: u64,
    /// Index of its track in the tracks of this step; `None` while it is only remembered.
    pub track: Option<usize>,
    /// Its track, or the last that it had.
    pub track_id: u64,
    /// Group of its tracks.
    pub group: Group,
    /// Class of its track.
    pub class_id: u16,
    /// Where it was last seen (detected), view units.
    pub bbox: BBox,
    /// First detection.
    pub first: Timestamp,
    /// Last detection.
    pub last_seen: Timestamp,
    /// Detected in this very step.
    pub seen: bool,
    /// Whether it stood still when it was last detected.
    pub still: bool,
}

/// A subject went on under another track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The subject that went on.
    pub subject: u64,
    /// Its track until then.
    pub old: u64,
    /// Its track from now on.
    pub new: u64,
}

/// How long a subject that moved is remembered after its last detection.
const MEMORY: Span = Span::from_secs(5);
/// How long one that stood still is remembered: a lorry that stops in front of a parked car is gone by then.
const MEMORY_STILL: Span = Span::from_secs(60);
/// How long one that walked out of the picture is remembered: for a last look of the detector at its heels.
const GONE: Span = Span::from_ms(1000);
/// How far anything may be from where it is expected, body sizes: the box noise of a half-hidden body.
const SLACK: f64 = 0.35;
/// Standard deviation of an unseen subject's change of speed, in body sizes a second: it may stop or turn.
const DRIFT: f64 = 0.15;
/// Most subjects at a time, those remembered included: bounds memory on hostile input.
const MOST: usize = 8192;
/// Extra time that a subject whose track goes on coasting elsewhere must have been unseen before it may move.
const COASTING: Span = Span::from_ms(400);

/// Keeps the subjects of one view.
#[derive(Debug, Default)]
pub struct Subjects {
    next_id: u64,
    current: Vec<Subject>,
    /// Beside `current`: velocity at the last detection, view units per second.
    velocity: Vec<Point>,
    renamed: Vec<Renamed>,
    gone: Vec<u64>,
    assignment: Assignment,
    /// Per track of the step: has a subject.
    known: Vec<bool>,
    lost: Vec<usize>,
    fresh: Vec<usize>,
    /// Width of the picture in view units.
    aspect: f64,
}

impl Subjects {
    /// Nobody yet, in a picture that is `aspect` times as wide as high.
    pub fn new(aspect: f64) -> Self {
        Self { aspect, ..Self::default() }
    }

    /// Subjects ordered by id, with those that are remembered but have no track at present.
    pub fn current(&self) -> &[Subject] {
        &self.current
    }

    /// Subjects that went on under another track in this step.
    pub fn renamed(&self) -> &[Renamed] {
        &self.renamed
    }

    /// Subjects that were forgotten in this step, ordered by id.
    pub fn gone(&self) -> &[u64] {
        &self.gone
    }

    /// Forgets everyone at once, without reporting them as gone; ids go on counting.
    pub fn clear(&mut self) {
        self.current.clear();
        self.velocity.clear();
        self.renamed.clear();
        self.gone.clear();
    }

    /// Takes in the tracks of a step, ordered by id.
    pub fn step(&mut self, at: Timestamp, tracks: &[Track]) {
        self.renamed.clear();
        self.gone.clear();
        self.follow(tracks);
        self.rejoin(at, tracks);
        self.begin(tracks);
        self.forget(at);
    }

    /// Gives every subject the track that it had.
    fn follow(&mut self, tracks: &[Track]) {
        self.known.clear();
        self.known.resize(tracks.len(), false);
        for (subject, velocity) in self.current.iter_mut().zip(&mut self.velocity) {
            subject.track = tracks.binary_search_by_key(&subject.track_id, |track| track.id).ok();
            subject.seen = false;
            if let Some(k) = subject.track {
                self.known[k] = true;
                subject.take(&tracks[k], velocity);
            }
        }
    }

    /// Lets subjects without a track, or whose track coasts, go on under a track that has none.
    fn rejoin(&mut self, at: Timestamp, tracks: &[Track]) {
        self.fresh.clear();
        self.fresh.extend((0..tracks.len()).filter(|&k| !self.known[k] && tracks[k].det.is_some()));
        if self.fresh.is_empty() {
            return;
        }
        self.lost.clear();
        self.lost.extend((0..self.current.len()).filter(|&s| {
            let subject = &self.current[s];
            subject.track.is_none() || (!subject.seen && at - subject.last_seen > COASTING)
        }));
        self.assignment.begin(self.lost.len());
        for &k in &self.fresh {
            for (col, &s) in self.lost.iter().enumerate() {
                if let Some(cost) = self.current[s].distance(self.velocity[s], &tracks[k], self.aspect) {
                    self.assignment.offer(col, cost);
                }
            }
            self.assignment.end_row();
        }
        self.assignment.solve(1.0);
        for (row, &k) in self.fresh.iter().enumerate() {
            let Some(col) = self.assignment.col(row) else { continue };
            let (s, track) = (self.lost[col], &tracks[k]);
            let subject = &mut self.current[s];
            self.renamed.push(Renamed { subject: subject.id, old: subject.track_id, new: track.id });
            subject.track = Some(k);
            subject.track_id = track.id;
            self.known[k] = true;
            subject.take(track, &mut self.velocity[s]);
        }
        self.renamed.sort_unstable_by_key(|renamed| renamed.subject);
    }

    /// Starts a subject for every track that has none; one that coasts waits until it is seen.
    fn begin(&mut self, tracks: &[Track]) {
        for (k, track) in tracks.iter().enumerate() {
            if self.known[k] || track.det.is_none() || self.current.len() >= MOST {
                continue;
            }
            self.next_id += 1;
            self.current.push(Subject {
                id: self.next_id,
                track: Some(k),
                track_id: track.id,
                group: track.group,
                class_id: track.class_id,
                bbox: track.seen,
                first: track.first,
                last_seen: track.last_seen,
                seen: true,
                still: track.still,
            });
            self.velocity.push(track.velocity);
        }
    }

    fn forget(&mut self, at: Timestamp) {
        let mut kept = 0;
        for s in 0..self.current.len() {
            let subject = self.current[s];
            let memory = if subject.still { MEMORY_STILL } else { MEMORY };
            if subject.track.is_none() && at - subject.last_seen > memory {
                self.gone.push(subject.id);
            } else {
                self.current[kept] = subject;
                self.velocity[kept] = self.velocity[s];
                kept += 1;
            }
        }
        self.current.truncate(kept);
        self.velocity.truncate(kept);
    }
}

impl Subject {
    fn take(&mut self, track: &Track, velocity: &mut Point) {
        self.class_id = track.class_id;
        if track.det.is_some() {
            self.bbox = track.seen;
            self.last_seen = track.last_seen;
            self.seen = true;
            self.still = track.still;
            *velocity = track.velocity;
        }
    }

    /// Whether it was last seen at the picture's border, moving outwards.
    fn leaves(&self, velocity: Point, aspect: f64) -> bool {
        const NEAR: f64 = 0.02;
        (self.bbox.x1 < NEAR && velocity.x < 0.0)
            || (self.bbox.x2 > aspect - NEAR && velocity.x > 0.0)
            || (self.bbox.y1 < NEAR && velocity.y < 0.0)
            || (self.bbox.y2 > 1.0 - NEAR && velocity.y > 0.0)
    }

    /// How far the start of `track` is from where this subject should be by then, as a share of its reach; `None`
    /// beyond it, for another group, and for a track that began while this subject was still seen.
    fn distance(&self, velocity: Point, track: &Track, aspect: f64) -> Option<f64> {
        if track.group != self.group || track.first <= self.last_seen {
            return None;
        }
        let away = (track.last_seen - self.last_seen).seconds();
        let unit = body_size(self.group, &self.bbox);
        let still = self.still;
        if away > if still { MEMORY_STILL } else { MEMORY }.seconds() {
            return None;
        }
        // What stood still is sought where it stood; what moved anywhere on its way, for it may have stopped. Who
        // walked out of the picture is gone: whoever comes in, there or elsewhere, is somebody else.
        let leaves = !still && self.leaves(velocity, aspect);
        if leaves && away > GONE.seconds() {
            return None;
        }
        let stays = still || leaves;
        let (way, drift) = if stays { (Point::default(), 0.0) } else { (velocity * away, DRIFT * away) };
        let from = self.bbox.bottom_centre();
        let seen = track.seen.bottom_centre();
        let length = way.dot(way);
        let share = if length > 0.0 { ((seen - from).dot(way) / length).clamp(0.0, 1.0) } else { 0.0 };
        let missed = (from + way * share).distance(seen) / unit;
        let shape = (body_size(track.group, &track.seen) / unit).ln().abs();
        let cost = missed / (SLACK + drift) + shape;
        (cost < 1.0).then_some(cost)
    }
}
