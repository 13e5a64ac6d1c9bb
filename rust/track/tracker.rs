//! The tracker: predict -> match high -> match low -> start -> drop.

use std::cmp::Ordering;

use super::assign::Assignment;
use super::kalman::{Filter, Process, Transition};
use super::{Affine, Track, body_size};
use crate::detection::{Detections, Group};
use crate::geometry::{BBox, Point};
use crate::time::{Span, Timestamp};

/// What the tracker can be told. The defaults suit town cameras at 5 to 30 pictures a second.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// From this score on a detection may start a track and is matched first.
    pub high: f32,
    /// From this score on a detection may continue a track.
    pub low: f32,
    /// How long a track that is no longer detected is carried on.
    pub coast: Span,
    /// How long a track that stood still is carried on.
    pub coast_still: Span,
    /// How long a track that was detected only once waits for its second detection.
    pub trial: Span,
    /// Most tracks at a time; detections beyond start none. Bounds memory and time on hostile input.
    pub most: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            high: 0.5,
            low: 0.1,
            coast: Span::from_ms(2000),
            coast_still: Span::from_ms(8000),
            trial: Span::from_ms(300),
            most: 4096,
        }
    }
}

/// Follows boxes from step to step. One per view; deterministic; allocates only while its buffers grow.
#[derive(Debug, Default)]
pub struct Tracker {
    settings: Settings,
    next_id: u64,
    now: Option<Timestamp>,
    states: Vec<State>,
    published: Vec<Track>,
    assignment: Assignment,
    /// Rows of the step's usable detections, sorted by group and place: the order of input never matters.
    order: Vec<u32>,
    /// Per entry of `order`: taken by a track.
    taken: Vec<bool>,
    /// Tracks that take part in the association of the moment.
    active: Vec<u32>,
}

#[derive(Debug)]
struct State {
    id: u64,
    group: Group,
    votes: Votes,
    /// Centre of the box.
    place: Filter,
    /// Width and height of the box.
    size: Filter,
    score: f32,
    first: Timestamp,
    last_seen: Timestamp,
    confirmed: bool,
    det: Option<u32>,
    /// Box as predicted for this step, corrected once a detection is matched.
    bbox: BBox,
}

/// Motion of a box's centre, for a body size of 1. Someone who sets off reaches walking pace (about one body height a
/// second) within a second; running past is twice that.
const PLACE: Process = Process { jerkiness: 0.3, wander: 0.01, memory: 3.0 };
/// Size changes slowly, by approach and by posture.
const SIZE: Process = Process { jerkiness: 0.01, wander: 0.01, memory: 1.0 };
/// Standard deviation of a detector's box edges, in body sizes.
const BOX_SD: f64 = 0.04;
/// Standard deviation of the speed of something never seen before, body sizes a second: a runner makes three.
const SPEED_SD: f64 = 2.0;
/// Standard deviation of its growth, body sizes a second.
const GROWTH_SD: f64 = 0.1;
/// Slower than this is standing still, body sizes a second: a box on a parked car trembles no more than that.
const STILL: f64 = 0.1;
/// Highest cost of a pair.
const LIMIT: f64 = 0.85;

impl Tracker {
    /// A tracker with default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tracker with these settings.
    pub fn with(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Published tracks, ordered by id: confirmed by a second detection, seen in this step or coasting.
    pub fn tracks(&self) -> &[Track] {
        &self.published
    }

    /// Drops one track at once.
    pub fn forget(&mut self, id: u64) {
        self.states.retain(|state| state.id != id);
        self.published.retain(|track| track.id != id);
    }

    /// Ends all tracks; ids go on counting.
    pub fn clear(&mut self) {
        self.states.clear();
        self.published.clear();
        self.now = None;
    }

    /// Advances to `at` with the detections of that moment; `motion` is the camera's since the previous step.
    ///
    /// A time that is not later than the previous step's counts as no time at all.
    pub fn step(&mut self, at: Timestamp, detections: &Detections, motion: Option<&Affine>) {
        let dt = self.now.map_or(0.0, |now| (at - now).seconds().max(0.0));
        self.now = Some(at);
        let steps = (PLACE.over(dt), SIZE.over(dt));
        for state in &mut self.states {
            state.predict(&steps, motion);
        }
        self.sort(detections);
        let Settings { high, low, .. } = self.settings;
        self.associate(at, detections, high, f32::INFINITY);
        self.associate(at, detections, low, high);
        self.start(at, detections);
        self.drop_lost(at);
        self.publish();
    }

    fn sort(&mut self, detections: &Detections) {
        self.order.clear();
        self.order.extend((0..detections.len() as u32).filter(|&row| {
            let b = &detections.boxes[row as usize];
            detections.score[row as usize] >= self.settings.low && b.width() > 0.0 && b.height() > 0.0
        }));
        self.order.sort_unstable_by(|&a, &b| by_place(detections, a as usize, b as usize));
        self.taken.clear();
        self.taken.resize(self.order.len(), false);
    }

    /// Matches the tracks without a detection with the free detections of a score in `low..high`.
    fn associate(&mut self, at: Timestamp, detections: &Detections, low: f32, high: f32) {
        self.active.clear();
        self.active.extend((0..self.states.len() as u32).filter(|&k| self.states[k as usize].det.is_none()));
        self.assignment.begin(self.order.len());
        let widest = self.order.iter().map(|&row| detections.boxes[row as usize].width()).fold(0.0, f64::max);
        for &k in &self.active {
            let state = &self.states[k as usize];
            let reach = state.reach(at);
            let left = state.bbox.x1 - reach - widest * 1.5;
            let right = state.bbox.x2 + reach + widest;
            let begin = self.order.partition_point(|&row| {
                let row = row as usize;
                (detections.group[row], detections.boxes[row].x1).partial_cmp(&(state.group, left))
                    == Some(Ordering::Less)
            });
            for (col, &row) in self.order.iter().enumerate().skip(begin) {
                let row = row as usize;
                let bbox = &detections.boxes[row];
                if detections.group[row] != state.group || bbox.x1 > right {
                    break;
                }
                if self.taken[col] || !(low..high).contains(&detections.score[row]) {
                    continue;
                }
                let cost = state.cost(bbox, reach);
                if cost < LIMIT {
                    self.assignment.offer(col, cost);
                }
            }
            self.assignment.end_row();
        }
        self.assignment.solve(LIMIT);
        for (row, &k) in self.active.iter().enumerate() {
            if let Some(col) = self.assignment.col(row) {
                self.taken[col] = true;
                self.states[k as usize].see(at, detections, self.order[col]);
            }
        }
    }

    /// Starts a track on every free detection with a high score.
    fn start(&mut self, at: Timestamp, detections: &Detections) {
        for (col, &row) in self.order.iter().enumerate() {
            if self.taken[col] || detections.score[row as usize] < self.settings.high {
                continue;
            }
            if self.states.len() >= self.settings.most {
                break;
            }
            self.next_id += 1;
            self.states.push(State::new(self.next_id, at, detections, row));
        }
    }

    fn drop_lost(&mut self, at: Timestamp) {
        let Settings { coast, coast_still, trial, .. } = self.settings;
        self.states.retain(|state| {
            let patience = match (state.confirmed, state.is_still()) {
                (false, _) => trial,
                (true, false) => coast,
                (true, true) => coast_still,
            };
            at - state.last_seen <= patience
        });
    }

    fn publish(&mut self) {
        self.published.clear();
        self.published.extend(self.states.iter().filter(|state| state.confirmed).map(State::track));
    }
}

/// By group, then from left to right; a full order, so that equal sets of detections sort equally.
fn by_place(detections: &Detections, a: usize, b: usize) -> Ordering {
    let key = |row: usize| {
        let BBox { x1, y1, x2, y2 } = detections.boxes[row];
        (detections.group[row], [x1, y1, x2, y2], detections.score[row], detections.class_id[row])
    };
    key(a).partial_cmp(&key(b)).unwrap_or(Ordering::Equal).then(a.cmp(&b))
}

impl State {
    fn new(id: u64, at: Timestamp, detections: &Detections, row: u32) -> Self {
        let k = row as usize;
        let (group, bbox, score) = (detections.group[k], detections.boxes[k], detections.score[k]);
        let unit = body_size(group, &bbox);
        let mut votes = Votes::default();
        votes.add(detections.class_id[k], score);
        Self {
            id,
            group,
            votes,
            place: Filter::new(bbox.centre(), BOX_SD * unit, SPEED_SD * unit),
            size: Filter::new(Point { x: bbox.width(), y: bbox.height() }, BOX_SD * unit, GROWTH_SD * unit),
            score,
            first: at,
            last_seen: at,
            confirmed: false,
            det: Some(row),
            bbox,
        }
    }

    fn unit(&self) -> f64 {
        body_size(self.group, &self.bbox)
    }

    fn predict(&mut self, (place, size): &(Transition, Transition), motion: Option<&Affine>) {
        self.det = None;
        let unit = self.unit();
        self.place.predict(place, unit);
        self.size.predict(size, unit);
        if let Some(motion) = motion {
            self.place.moved_by(motion);
            let scale = motion.scale();
            self.size.carry(self.size.at * scale, self.size.rate * scale, scale);
        }
        self.fit();
    }

    /// Puts the box where the filters believe it to be.
    fn fit(&mut self) {
        // A size that was shrinking fast may pass zero while coasting; a thousandth of the picture is below any box.
        let floor = |v: f64| v.max(1e-3);
        self.size.at = Point { x: floor(self.size.at.x), y: floor(self.size.at.y) };
        let (c, half) = (self.place.at, self.size.at * 0.5);
        self.bbox = BBox { x1: c.x - half.x, y1: c.y - half.y, x2: c.x + half.x, y2: c.y + half.y };
    }

    /// How far from the prediction a detection may be, in view units.
    fn reach(&self, _at: Timestamp) -> f64 {
        self.unit() * 0.1 + self.place.position_sd()
    }

    /// One minus the overlap of the boxes, both grown by half of `reach`: what moved by its own size still overlaps.
    fn cost(&self, bbox: &BBox, reach: f64) -> f64 {
        let grown = |b: &BBox| {
            let m = reach * 0.5;
            BBox { x1: b.x1 - m, y1: b.y1 - m, x2: b.x2 + m, y2: b.y2 + m }
        };
        1.0 - grown(&self.bbox).iou(&grown(bbox))
    }

    fn see(&mut self, at: Timestamp, detections: &Detections, row: u32) {
        let k = row as usize;
        let bbox = detections.boxes[k];
        let sd = BOX_SD * body_size(self.group, &bbox);
        self.place.update(bbox.centre(), sd);
        self.size.update(Point { x: bbox.width(), y: bbox.height() }, sd);
        self.fit();
        self.bbox = bbox;
        self.votes.add(detections.class_id[k], detections.score[k]);
        self.score = detections.score[k];
        self.last_seen = at;
        self.confirmed = true;
        self.det = Some(row);
    }

    fn is_still(&self) -> bool {
        self.place.rate.norm() < STILL * self.unit()
    }

    fn track(&self) -> Track {
        Track {
            id: self.id,
            group: self.group,
            class_id: self.votes.winner(),
            bbox: self.bbox,
            score: self.score,
            first: self.first,
            last_seen: self.last_seen,
            det: self.det,
            velocity: self.place.rate,
        }
    }
}

/// Which class the detections of a track spoke for, weighted by score; old votes fade.
#[derive(Clone, Copy, Debug, Default)]
struct Votes([(u16, f32); 4]);

impl Votes {
    /// What remains of the old votes with each new one: about the last fifty decide.
    const KEPT: f32 = 0.98;

    fn add(&mut self, class_id: u16, score: f32) {
        for vote in &mut self.0 {
            vote.1 *= Self::KEPT;
        }
        // No more classes than this are ever confused with one another; the weakest gives way.
        let weight = |vote: &(u16, f32)| vote.1;
        let slot = self.0.iter().position(|vote| vote.0 == class_id && vote.1 > 0.0).unwrap_or_else(|| {
            let weakest =
                (0..self.0.len()).reduce(|a, b| if weight(&self.0[b]) < weight(&self.0[a]) { b } else { a });
            let slot = weakest.unwrap_or(0);
            self.0[slot] = (class_id, 0.0);
            slot
        });
        // A score of exactly 0 still says something when nothing else does.
        self.0[slot].1 += score.max(1e-3);
    }

    /// The class with the most weight; of equals the smallest, so that the order of the votes does not matter.
    fn winner(&self) -> u16 {
        let mut best = self.0[0];
        for &vote in &self.0[1..] {
            if vote.1 > best.1 || (vote.1 == best.1 && vote.1 > 0.0 && vote.0 < best.0) {
                best = vote;
            }
        }
        best.0
    }
}
