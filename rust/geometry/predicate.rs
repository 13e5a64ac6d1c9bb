//! Exact sign tests: on which side of a line a point lies, and whether two segments meet.

use super::Point;

/// Positive when `p` is to the right of the line from `a` to `b` on the picture, negative to the left, 0 exactly on it.
///
/// The sign is exact for all finite coordinates (Shewchuk's adaptive predicate); the value approximates
/// [`Point::cross`] of `b - a` and `p - a`.
pub(super) fn side(a: Point, b: Point, p: Point) -> f64 {
    // Most points are far from most lines: the plain determinant is certain when it exceeds its rounding error.
    // The bound is that of Shewchuk's first stage, (3 + 16 eps) eps.
    const CERTAIN: f64 = 3.330_669_062_177_372e-16;
    let left = (b.x - a.x) * (p.y - a.y);
    let right = (b.y - a.y) * (p.x - a.x);
    let plain = left - right;
    if plain.abs() > CERTAIN * (left.abs() + right.abs()) {
        return plain;
    }
    let coord = |q: Point| robust::Coord { x: q.x, y: q.y };
    robust::orient2d(coord(a), coord(b), coord(p))
}

/// Whether `p`, known to be on the line through `a` and `b`, lies between them or on one of them.
pub(super) fn between(a: Point, b: Point, p: Point) -> bool {
    (a.x.min(b.x)..=a.x.max(b.x)).contains(&p.x) && (a.y.min(b.y)..=a.y.max(b.y)).contains(&p.y)
}

/// Whether the closed segments from `a` to `b` and from `c` to `d` have a point in common.
pub(super) fn segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool {
    let (sc, sd) = (side(a, b, c), side(a, b, d));
    let (sa, sb) = (side(c, d, a), side(c, d, b));
    if sc * sd < 0.0 && sa * sb < 0.0 {
        return true;
    }
    (sc == 0.0 && between(a, b, c))
        || (sd == 0.0 && between(a, b, d))
        || (sa == 0.0 && between(c, d, a))
        || (sb == 0.0 && between(c, d, b))
}
