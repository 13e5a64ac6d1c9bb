//! The detections of a step, sorted so that a track finds those in its reach without looking at the others.

use std::cmp::Ordering;
use std::ops::Range;

use crate::detection::{Detections, Group, NEAR_BORDER};
use crate::geometry::BBox;

/// One usable detection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) group: Group,
    /// Centre.
    pub(super) x: f64,
    pub(super) y: f64,
    /// Logarithms of width and height.
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) bbox: BBox,
    /// Whether the border of the picture cuts it across or down.
    pub(super) cut: [bool; 2],
    pub(super) score: f32,
    pub(super) class_id: u16,
    /// Its row in the input.
    pub(super) row: u32,
}

/// Detections by group, then from left to right: the order of the input never matters.
#[derive(Debug, Default)]
pub(super) struct Sight(Vec<Seen>);

impl Sight {
    /// Takes in the detections with at least this score.
    pub(super) fn fill(&mut self, detections: &Detections, low: f32) {
        self.0.clear();
        for (row, bbox) in detections.boxes.iter().enumerate() {
            let (width, height) = (bbox.width(), bbox.height());
            if detections.score[row] < low || width <= 0.0 || height <= 0.0 {
                continue;
            }
            let centre = bbox.centre();
            self.0.push(Seen {
                group: detections.group[row],
                x: centre.x,
                y: centre.y,
                width: width.ln(),
                height: height.ln(),
                bbox: *bbox,
                cut: [
                    bbox.x1 < NEAR_BORDER || bbox.x2 > detections.aspect - NEAR_BORDER,
                    bbox.y1 < NEAR_BORDER || bbox.y2 > 1.0 - NEAR_BORDER,
                ],
                score: detections.score[row],
                class_id: detections.class_id[row],
                row: row as u32,
            });
        }
        self.0.sort_unstable_by(by_place);
    }

    pub(super) fn all(&self) -> &[Seen] {
        &self.0
    }

    /// Where the detections of this group with a centre in `left..=right` are.
    pub(super) fn between(&self, group: Group, left: f64, right: f64) -> Range<usize> {
        let before = |seen: &Seen| seen.group < group || (seen.group == group && seen.x < left);
        let begin = self.0.partition_point(before);
        let end = self.0[begin..].iter().take_while(|seen| seen.group == group && seen.x <= right).count();
        begin..begin + end
    }
}

/// A full order, so that equal sets of detections sort equally.
fn by_place(a: &Seen, b: &Seen) -> Ordering {
    let key =
        |seen: &Seen| (seen.group, [seen.x, seen.y, seen.width, seen.height], seen.score, seen.class_id);
    key(a).partial_cmp(&key(b)).unwrap_or(Ordering::Equal).then(a.row.cmp(&b.row))
}
