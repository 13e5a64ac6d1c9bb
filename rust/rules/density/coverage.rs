//! Share of a zone that boxes cover, each place counted once.

use crate::geometry::{BBox, Point, Polygon};

/// Cells across and down the zone: a row is one word. A cell is a 128th of the zone's extent, so the error along a box's
/// edge is far below that of the detector.
const CELLS: usize = 128;

/// A zone and what of it is covered, as a raster over its bounds.
#[derive(Debug)]
pub(super) struct Coverage {
    bounds: BBox,
    zone: [u128; CELLS],
    covered: [u128; CELLS],
}

impl Coverage {
    pub(super) fn new(zone: &Polygon) -> Self {
        let bounds = zone.bounds();
        let mut rows = [0; CELLS];
        for (row, cells) in rows.iter_mut().enumerate() {
            for column in 0..CELLS {
                let middle = Point::new(
                    bounds.x1 + bounds.width() * (column as f64 + 0.5) / CELLS as f64,
                    bounds.y1 + bounds.height() * (row as f64 + 0.5) / CELLS as f64,
                );
                if zone.covers(middle) {
                    *cells |= 1 << column;
                }
            }
        }
        Self { bounds, zone: rows, covered: [0; CELLS] }
    }

    /// Nothing is covered.
    pub(super) fn clear(&mut self) {
        self.covered = [0; CELLS];
    }

    /// Covers what lies under the box: the cells whose middle it contains.
    pub(super) fn cover(&mut self, b: &BBox) {
        let columns = span(b.x1, b.x2, self.bounds.x1, self.bounds.width());
        let rows = span(b.y1, b.y2, self.bounds.y1, self.bounds.height());
        if columns.is_empty() {
            return;
        }
        let mask = (u128::MAX >> (CELLS - columns.len())) << columns.start;
        for row in &mut self.covered[rows] {
            *row |= mask;
        }
    }

    /// Per cent of the zone that is covered.
    pub(super) fn percent(&self) -> f64 {
        let count = |of: &dyn Fn(usize) -> u128| (0..CELLS).map(|i| of(i).count_ones()).sum::<u32>();
        let all = count(&|i| self.zone[i]);
        100.0 * f64::from(count(&|i| self.zone[i] & self.covered[i])) / f64::from(all.max(1))
    }
}

/// The cells whose middles lie within `from` to `to`, along an axis that begins at `start` and is `extent` long.
fn span(from: f64, to: f64, start: f64, extent: f64) -> std::ops::Range<usize> {
    let cell = |v: f64| ((v - start) / extent * CELLS as f64 - 0.5).ceil().clamp(0.0, CELLS as f64) as usize;
    let first = cell(from);
    first..cell(to).max(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn square() -> Polygon {
        let p = Point::new;
        Polygon::new(vec![p(0.2, 0.2), p(1.2, 0.2), p(1.2, 0.8), p(0.2, 0.8)]).expect("a square")
    }

    fn boxes() -> impl Strategy<Value = Vec<BBox>> {
        let one = (0.0..1.5, 0.0..1.0, 0.02..0.6, 0.02..0.6);
        proptest::collection::vec(one.prop_map(|(x, y, w, h)| BBox::new(x, y, x + w, y + h)), 0..12)
    }

    fn percent(boxes: &[BBox]) -> f64 {
        let mut coverage = Coverage::new(&square());
        for b in boxes {
            coverage.cover(b);
        }
        coverage.percent()
    }

    #[test]
    fn a_quarter_is_a_quarter_however_often() {
        let quarter = BBox::new(0.0, 0.0, 0.7, 0.5);
        assert!((percent(&[quarter]) - 25.0).abs() < 0.1);
        assert!((percent(&[quarter, quarter]) - 25.0).abs() < 0.1);
        assert!((percent(&[quarter, BBox::new(0.7, 0.5, 2.0, 2.0)]) - 50.0).abs() < 0.1);
        assert_eq!(percent(&[BBox::new(0.0, 0.0, 2.0, 0.19)]), 0.0);
        assert_eq!(percent(&[BBox::new(-1.0, -1.0, 3.0, 3.0)]), 100.0);
    }

    proptest! {
        #[test]
        fn one_box_covers_its_share(boxes in boxes()) {
            for b in &boxes {
                let exact = 100.0 * b.intersection_area(&square().bounds()) / square().area();
                // Half a cell along each of four edges.
                prop_assert!((percent(&[*b]) - exact).abs() <= 1.7, "{} {exact}", percent(&[*b]));
            }
        }

        #[test]
        fn more_boxes_cover_no_less_and_no_more_than_their_sum(boxes in boxes()) {
            let sum: f64 = boxes.iter().map(|b| percent(&[*b])).sum();
            let most = boxes.iter().map(|b| percent(&[*b])).fold(0.0, f64::max);
            let all = percent(&boxes);
            prop_assert!(all <= sum + 1e-9 && all >= most);
        }
    }
}
