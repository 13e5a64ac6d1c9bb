//! Whether points in order enclose a zone: no edge crosses another, no corner is drawn twice.

use super::Point;
use super::predicate::{between, segments_meet, side};

/// Why points are not a zone. Indices count from 0; the texts count from 1, as people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolygonError {
    /// Fewer than three different points.
    #[error("a zone needs at least three points; it has {0}")]
    TooFewPoints(usize),
    /// Two edges have a point in common other than the corner between neighbours.
    #[error("its edges {} and {} cross; draw the points in order around the zone", edge(*first, *count), edge(*second, *count))]
    SelfCrossing {
        /// The edge that starts at this point.
        first: usize,
        /// The edge that starts at this point.
        second: usize,
        /// Number of points.
        count: usize,
    },
    /// All points on one straight line, or so close together that nothing is inside.
    #[error("its points lie on one line and enclose no area; a zone needs a width")]
    NoArea,
    /// The point was there before.
    #[error("point {} is drawn twice; leave out one of them", .0 + 1)]
    RepeatedPoint(usize),
    /// NaN or infinity.
    #[error("point {} is not a number", .0 + 1)]
    NotFinite(usize),
}

fn edge(i: usize, count: usize) -> String {
    format!("{}-{}", i + 1, (i + 1) % count + 1)
}

/// The first two edges that have more in common than the corner between neighbours, by the index of their first point.
pub(super) fn self_crossing(points: &[Point]) -> Option<(usize, usize)> {
    let n = points.len();
    let at = |i: usize| points[i % n];
    for i in 0..n {
        for j in i + 1..n {
            let (a, b, c, d) = (at(i), at(i + 1), at(j), at(j + 1));
            let bad = if j == i + 1 {
                folds_back(a, b, d)
            } else if i == 0 && j == n - 1 {
                folds_back(c, a, b)
            } else {
                segments_meet(a, b, c, d)
            };
            if bad {
                return Some((i, j));
            }
        }
    }
    None
}

/// Whether the way from `a` by `b` to `c` turns round on the spot.
fn folds_back(a: Point, b: Point, c: Point) -> bool {
    side(a, b, c) == 0.0 && (between(a, b, c) || between(b, c, a))
}
