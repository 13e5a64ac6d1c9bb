//! Tracks: what the tracker believes from box to box.
//!
//! Predict on real elapsed time, follow the camera, match by likelihood, start, drop. Positions are in view units,
//! motion is relative to body size, times are seconds: nothing depends on the frame rate or on the picture's size.

pub mod assign;
pub mod kalman;
mod model;
mod sight;
mod state;
mod sway;
#[cfg(test)]
mod tests;
pub mod tracker;
mod votes;

use crate::detection::Group;
use crate::geometry::{BBox, Point};
use crate::time::Timestamp;

pub use tracker::{Settings, Tracker};

/// Camera motion since the previous step, in view units: `x' = a x + b y + tx`, `y' = c x + d y + ty`.
///
/// The numbers are `[a, b, tx, c, d, ty]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine(pub [f64; 6]);

impl Affine {
    /// The camera stood still.
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);

    /// Where the picture of `p` is after the motion.
    pub fn point(&self, p: Point) -> Point {
        let [a, b, tx, c, d, ty] = self.0;
        Point { x: a * p.x + b * p.y + tx, y: c * p.x + d * p.y + ty }
    }

    /// The same without the shift: for velocities.
    pub fn vector(&self, v: Point) -> Point {
        let [a, b, _, c, d, _] = self.0;
        Point { x: a * v.x + b * v.y, y: c * v.x + d * v.y }
    }

    /// By how much lengths grow: the square root of the area's growth.
    pub fn scale(&self) -> f64 {
        let [a, b, _, c, d, _] = self.0;
        (a * d - b * c).abs().sqrt()
    }
}

/// One published track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Track {
    /// Counts from 1 inside one tracker, never given twice.
    pub id: u64,
    /// All detections of a track are of this group.
    pub group: Group,
    /// The class that its detections voted for, weighted by score.
    pub class_id: u16,
    /// Where the body is believed to be, view units: calmer than its detections, predicted while the track coasts.
    pub bbox: BBox,
    /// Box of its last detection, view units.
    pub seen: BBox,
    /// Score of the last matched detection.
    pub score: f32,
    /// Its first detection, which may be a step earlier than its first publication.
    pub first: Timestamp,
    /// Its last detection.
    pub last_seen: Timestamp,
    /// Row of its detection in this step; `None` if it coasts.
    pub det: Option<u32>,
    /// View units per second.
    pub velocity: Point,
    /// Whether it stood on its spot when it was last seen.
    pub still: bool,
}

/// What distances are measured in: the height of a person, or their length when they lie; the side of the square of equal
/// area for anything else.
///
/// A person's box changes its width with every step taken, its height hardly; a car's shape depends on where it heads.
/// Whom the picture's border cuts at the knees is still no smaller than their shoulders are wide.
pub fn body_size(group: Group, bbox: &BBox) -> f64 {
    match group {
        Group::Person => bbox.height().max(bbox.width()),
        _ => bbox.area().sqrt(),
    }
}
