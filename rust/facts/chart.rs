//! Where on the picture which zones and lines lie: a coarse grid, so that a subject far from a shape costs nothing.
//!
//! Every cell knows the shapes that touch it. A movement asks the cells that it may pass; what it finds may be near,
//! what it does not find is certainly not touched, however long the list of shapes.

use crate::geometry::{BBox, Point, Polygon, Polyline};
use smallvec::SmallVec;

/// Cells are about as large as the step of a walker: finer ones would be asked several at a time.
const COLUMNS: usize = 32;
const ROWS: usize = 18;
/// Rounding when an edge is cut at the border of a row: a millionth of a pixel.
const SLACK: f64 = 1e-9;

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Marks(SmallVec<[u64; 2]>);

impl Marks {
    /// Empties it and makes room for numbers below `size`.
    pub(super) fn reset(&mut self, size: usize) {
        self.0.clear();
        self.0.resize(size.div_ceil(64), 0);
    }

    /// Becomes the same as `other`.
    pub(super) fn copy(&mut self, other: &Self) {
        self.0.clear();
        self.0.extend_from_slice(&other.0);
    }

    /// Becomes all numbers below `size`.
    pub(super) fn fill(&mut self, size: usize) {
        self.reset(size);
        (0..size).for_each(|i| self.set(i, true));
    }

    pub(super) fn set(&mut self, i: usize, on: bool) {
        let bit = 1 << (i % 64);
        if on { self.0[i / 64] |= bit } else { self.0[i / 64] &= !bit }
    }

    /// Keeps those of its numbers below `end` for which `keep` holds, and all from `end` on.
    pub(super) fn retain_below(&mut self, end: usize, mut keep: impl FnMut(usize) -> bool) {
        for (i, word) in self.0.iter_mut().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let bit = rest.trailing_zeros() as usize;
                if 64 * i + bit >= end {
                    return;
                }
                rest &= rest - 1;
                if !keep(64 * i + bit) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// The numbers in it, rising.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(i, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(64 * i + bit)
            })
        })
    }
}

/// A grid over the picture; positions beyond the picture belong to the cells at its border.
#[derive(Debug)]
pub(super) struct Chart {
    /// Cells per view unit.
    across: f64,
    down: f64,
    words: usize,
    /// Row after row, `words` words a cell.
    cells: Vec<u64>,
}

impl Chart {
    /// An empty chart for numbers below `shapes`, of a picture `aspect` wide and 1 high.
    pub(super) fn new(shapes: usize, aspect: f64) -> Self {
        let words = shapes.div_ceil(64);
        Self {
            across: COLUMNS as f64 / aspect,
            down: ROWS as f64,
            words,
            cells: vec![0; words * COLUMNS * ROWS],
        }
    }

    // Both rise with their argument, rounding included: intervals that meet have cells that meet.
    fn column(&self, x: f64) -> usize {
        ((x * self.across) as usize).min(COLUMNS - 1)
    }

    fn row(&self, y: f64) -> usize {
        ((y * self.down) as usize).min(ROWS - 1)
    }

    /// Enters a zone: every cell that it touches.
    pub(super) fn draw_zone(&mut self, number: usize, zone: &Polygon) {
        let (points, bounds) = (zone.points(), zone.bounds());
        for (i, &p) in points.iter().enumerate() {
            self.draw_edge(number, p, points[(i + 1) % points.len()]);
        }
        // A cell that no edge touches is wholly inside or wholly outside: its middle tells.
        for row in self.row(bounds.y1)..=self.row(bounds.y2) {
            for column in self.column(bounds.x1)..=self.column(bounds.x2) {
                let middle = Point::new((column as f64 + 0.5) / self.across, (row as f64 + 0.5) / self.down);
                if zone.covers(middle) {
                    self.mark(number, row, column);
                }
            }
        }
    }

    /// Enters a line: every cell that it touches.
    pub(super) fn draw_line(&mut self, number: usize, line: &Polyline) {
        for pair in line.points().windows(2) {
            self.draw_edge(number, pair[0], pair[1]);
        }
    }

    fn draw_edge(&mut self, number: usize, a: Point, b: Point) {
        let (top, bottom) = (a.y.min(b.y), a.y.max(b.y));
        for row in self.row(top - SLACK)..=self.row(bottom + SLACK) {
            let (from, to) = (row as f64 / self.down - SLACK, (row + 1) as f64 / self.down + SLACK);
            // The share of the edge within the row; all of an edge along it.
            let share = |y: f64| if a.y == b.y { 0.0 } else { ((y - a.y) / (b.y - a.y)).clamp(0.0, 1.0) };
            let ends = if a.y == b.y { [a, b] } else { [a.lerp(b, share(from)), a.lerp(b, share(to))] };
            let (left, right) = (ends[0].x.min(ends[1].x), ends[0].x.max(ends[1].x));
            for column in self.column(left - SLACK)..=self.column(right + SLACK) {
                self.mark(number, row, column);
            }
        }
    }

    fn mark(&mut self, number: usize, row: usize, column: usize) {
        self.cells[(row * COLUMNS + column) * self.words + number / 64] |= 1 << (number % 64);
    }

    /// Says of every number below `shapes` that it may be touched anywhere.
    #[cfg(test)]
    pub(super) fn fill(&mut self, shapes: usize) {
        for number in 0..shapes {
            for place in 0..ROWS * COLUMNS {
                self.mark(number, place / COLUMNS, place % COLUMNS);
            }
        }
    }

    /// Adds to `marks` every shape that may touch `area`.
    pub(super) fn near(&self, area: &BBox, marks: &mut Marks) {
        let (left, right) = (self.column(area.x1), self.column(area.x2));
        for row in self.row(area.y1)..=self.row(area.y2) {
            let cells =
                &self.cells[(row * COLUMNS + left) * self.words..(row * COLUMNS + right + 1) * self.words];
            for cell in cells.chunks_exact(self.words) {
                for (mark, word) in marks.0.iter_mut().zip(cell) {
                    *mark |= word;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point() -> impl Strategy<Value = Point> {
        // Coarse on purpose: edges along the cells' borders, corners on them.
        (0_u8..=36, 0_u8..=36)
            .prop_map(|(x, y)| Point::new(f64::from(x) / 36.0 * 16.0 / 9.0, f64::from(y) / 36.0))
    }

    fn found(chart: &Chart, area: &BBox) -> bool {
        let mut marks = Marks::default();
        marks.reset(70);
        chart.near(area, &mut marks);
        marks.iter().eq(std::iter::once(69))
    }

    proptest! {
        #[test]
        fn what_touches_a_line_is_found(a in point(), b in point(), p in point(), share in 0.0..=1.0) {
            prop_assume!(a != b);
            let mut chart = Chart::new(70, 16.0 / 9.0);
            chart.draw_line(69, &Polyline::new(vec![a, b]).expect("two points"));
            let on = a.lerp(b, share);
            let area = BBox::around(&[on, p]).expect("two points");
            prop_assert!(found(&chart, &area));
        }

        #[test]
        fn what_touches_a_zone_is_found(corners in proptest::collection::vec(point(), 3..7), p in point(), q in point()) {
            let Ok(zone) = Polygon::new(corners) else { return Ok(()) };
            let mut chart = Chart::new(70, 16.0 / 9.0);
            chart.draw_zone(69, &zone);
            if zone.covers(p) {
                prop_assert!(found(&chart, &BBox::around(&[p, q]).expect("two points")));
            }
        }
    }

    #[test]
    fn what_is_far_from_a_slanting_line_is_not_found() {
        let mut chart = Chart::new(70, 16.0 / 9.0);
        chart.draw_line(69, &Polyline::new(vec![Point::new(0.0, 0.0), Point::new(1.7, 1.0)]).expect("two"));
        assert!(!found(&chart, &BBox::new(1.2, 0.1, 1.3, 0.2)));
    }
}
