//! Lines to be crossed and routes to be followed. See the [module](super) for left and right.

use std::f64::consts::PI;

use super::predicate::side;
use super::{BBox, Point};

/// What a movement did to a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// Crossings from left to right minus crossings from right to left; never 0.
    pub net: i32,
    /// Share of the way, 0..1, at the last crossing in the direction of `net`.
    pub t: f64,
    /// Angle between movement and line there, 0 (along it) to pi/2 (straight across).
    pub angle_rad: f64,
}

/// Why points are not a line. Indices count from 0; the texts count from 1, as people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolylineError {
    /// Fewer than two points.
    #[error("a line needs at least two points; it has {0}")]
    TooFewPoints(usize),
    /// The point equals the one before it.
    #[error("points {} and {} are the same; leave out one of them", .0, .0 + 1)]
    RepeatedPoint(usize),
    /// NaN or infinity.
    #[error("point {} is not a number", .0 + 1)]
    NotFinite(usize),
}

/// A line of one or more straight segments, with a direction. Queries allocate nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Polyline {
    points: Vec<Point>,
    /// Distance of each point from the first, along the line.
    along: Vec<f64>,
    bounds: BBox,
}

impl Polyline {
    /// The line through these points, in order. It may cross itself, as a route does.
    ///
    /// # Errors
    /// [`PolylineError`] says which point is wrong.
    pub fn new(points: Vec<Point>) -> Result<Self, PolylineError> {
        if let Some(i) = points.iter().position(|p| !p.is_finite()) {
            return Err(PolylineError::NotFinite(i));
        }
        let Some(bounds) = BBox::around(&points).filter(|_| points.len() >= 2) else {
            return Err(PolylineError::TooFewPoints(points.len()));
        };
        if let Some(i) = (1..points.len()).find(|&i| points[i] == points[i - 1]) {
            return Err(PolylineError::RepeatedPoint(i));
        }
        let mut along = vec![0.0];
        along.extend(points.windows(2).scan(0.0, |sum, s| {
            *sum += s[0].distance(s[1]);
            Some(*sum)
        }));
        Ok(Self { points, along, bounds })
    }

    /// The points, in the order given.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The smallest box around it.
    pub fn bounds(&self) -> BBox {
        self.bounds
    }

    /// Length from the first to the last point.
    pub fn length(&self) -> f64 {
        self.along[self.along.len() - 1]
    }

    /// How the straight movement from `a` to `b` crosses the line within its extent; None if it does not, or as
    /// often one way as the other.
    ///
    /// Counts of successive movements fit together exactly: a sample on the line, a way through a bend, a way cut
    /// into smaller steps, all count once. For that, a sample on the line is taken to lie an infinitesimal bit
    /// towards the right of the picture and, by far less, towards its bottom: beside a vertical line it is on the
    /// right, under a horizontal one. Touching the line and going back therefore counts 0 in sum.
    pub fn crossings(&self, a: Point, b: Point) -> Option<Crossing> {
        let path = BBox::new(a.x.min(b.x), a.y.min(b.y), a.x.max(b.x), a.y.max(b.y));
        if !self.bounds.touches(&path) {
            return None;
        }
        let mut net = 0;
        // The last crossing from right to left and from left to right: share of the way, segment.
        let mut last: [(f64, Point); 2] = [(-1.0, Point::default()); 2];
        for segment in self.points.windows(2) {
            let Some((rightwards, t)) = crossing(segment[0], segment[1], a, b) else { continue };
            net += if rightwards { 1 } else { -1 };
            let entry = &mut last[usize::from(rightwards)];
            if t > entry.0 {
                *entry = (t, segment[1] - segment[0]);
            }
        }
        if net == 0 {
            return None;
        }
        let (t, direction) = last[usize::from(net > 0)];
        let movement = b - a;
        let angle = movement.cross(direction).abs().atan2(movement.dot(direction).abs());
        Some(Crossing { net, t, angle_rad: angle.min(PI / 2.0) })
    }

    /// Distance from the point to the line.
    pub fn distance(&self, p: Point) -> f64 {
        self.nearest(p).0.sqrt()
    }

    /// Nearest place on the line: its distance along the line from the first point, and the point's distance from
    /// it, positive on the line's right side, negative on its left.
    pub fn project(&self, p: Point) -> (f64, f64) {
        let nearest = self.nearest(p);
        let (_, i, t) = nearest;
        (self.along[i] + t * (self.along[i + 1] - self.along[i]), self.signed(p, nearest))
    }

    /// Distance from the nearest segment as if it went on for ever, positive on its right side, and whether the point
    /// lies past an end of the line: in front of its first or behind its last point.
    pub fn offset(&self, p: Point) -> (f64, bool) {
        let nearest = self.nearest(p);
        let (_, i, t) = nearest;
        let past = (i == 0 && t == 0.0) || (i + 2 == self.points.len() && t == 1.0);
        if !past {
            return (self.signed(p, nearest), false);
        }
        let (a, b) = (self.points[i], self.points[i + 1]);
        (side(a, b, p) / a.distance(b), true)
    }

    /// Distance from the nearest place, positive on the line's right side, negative on its left.
    fn signed(&self, p: Point, (squared, i, t): (f64, usize, f64)) -> f64 {
        let mut s = side(self.points[i], self.points[i + 1], p);
        // In the wedge outside a bend both segments are equally near; the turn of the bend tells the side, where
        // one segment alone, prolonged, may pass on the wrong side of the point.
        let bend = if t == 1.0 { i + 1 } else { i };
        if (t == 0.0 || t == 1.0) && bend > 0 && bend + 1 < self.points.len() {
            let turn = side(self.points[bend - 1], self.points[bend], self.points[bend + 1]);
            if turn != 0.0 {
                s = -turn;
            }
        }
        let distance = squared.sqrt();
        if s < 0.0 { -distance } else { distance }
    }

    /// Squared distance of the nearest place, its segment, and the share of the segment's length, 0..1.
    fn nearest(&self, p: Point) -> (f64, usize, f64) {
        let mut best = (f64::INFINITY, 0, 0.0);
        for (i, s) in self.points.windows(2).enumerate() {
            let along = s[1] - s[0];
            let t = ((p - s[0]).dot(along) / along.dot(along)).clamp(0.0, 1.0);
            let gap = p - (s[0] + along * t);
            let squared = gap.dot(gap);
            if squared < best.0 {
                best = (squared, i, t);
            }
        }
        best
    }
}

/// Whether the movement from `a` to `b` crosses the segment from `p` to `q`: from left to right?, share of the way.
///
/// All samples are shifted by one infinitesimal vector (e, e*e), which is what the signs on ties below say. Nothing
/// is then ever *on* anything, and the shifted path is as continuous as the path, hence its counts add up.
fn crossing(p: Point, q: Point, a: Point, b: Point) -> Option<(bool, f64)> {
    let line = q - p;
    let on_line = if line.y == 0.0 { line.x } else { -line.y };
    let (s_a, s_b) = (side(p, q, a), side(p, q, b));
    let to_right = right(s_b, on_line);
    if right(s_a, on_line) == to_right {
        return None;
    }
    let way = b - a;
    let on_way = if way.y == 0.0 { -way.x } else { way.y };
    if right(side(a, b, p), on_way) == right(side(a, b, q), on_way) {
        return None;
    }
    // The signs differ or one is 0, so that the denominator cannot vanish unless both are: then the way lies in the
    // line and its ends fall on different sides, which the tie rule excludes.
    Some((to_right, (s_a / (s_a - s_b)).clamp(0.0, 1.0)))
}

/// The side as a plain answer; `tie` decides for points on the line.
fn right(side: f64, tie: f64) -> bool {
    if side == 0.0 { tie > 0.0 } else { side > 0.0 }
}
