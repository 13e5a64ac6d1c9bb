//! Zones: simple polygons, convex or not.

use super::predicate::{between, side};
use super::simple::{PolygonError, self_crossing};
use super::{BBox, Point};

/// Where a point lies with respect to a polygon; exact, also on the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Containment {
    /// Strictly inside.
    Inside,
    /// On an edge or a corner.
    Boundary,
    /// Strictly outside.
    Outside,
}

/// What the straight movement from one sample to the next does to a zone; `t` is the share of the way, 0..1.
///
/// Whether a sample itself is in the zone follows [`Polygon::covers`] (the boundary counts as in), so successive
/// passages of one path always fit together: after `Enter` the next one is `Inside` or `Leave`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Passage {
    /// Both samples are out and the way between them never was inside; touching a corner or an edge is no visit.
    Outside,
    /// Both samples are in; a short way out of a concave zone between them is not looked at.
    Inside,
    /// From out to in.
    Enter {
        /// First entry.
        t: f64,
    },
    /// From in to out.
    Leave {
        /// Last exit.
        t: f64,
    },
    /// Both samples are out, but the way between them went through the zone: the runner through a narrow strip.
    Cross {
        /// First entry.
        t_in: f64,
        /// Last exit.
        t_out: f64,
    },
}

/// A thousandth of a pixel of a 4K picture, squared and rounded up: below it, "inside" has no meaning.
const LEAST_AREA: f64 = 1e-12;

/// A simple polygon: no two edges cross, some area is inside. Queries allocate nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    points: Vec<Point>,
    bounds: BBox,
    area: f64,
    centroid: Point,
}

impl Polygon {
    /// The polygon with these corners, in order, clockwise or not; a last point equal to the first is dropped.
    ///
    /// # Errors
    /// [`PolygonError`] says which points or edges are wrong.
    pub fn new(mut points: Vec<Point>) -> Result<Self, PolygonError> {
        if points.len() > 1 && points.first() == points.last() {
            points.pop();
        }
        let n = points.len();
        if let Some(i) = points.iter().position(|p| !p.is_finite()) {
            return Err(PolygonError::NotFinite(i));
        }
        let Some(bounds) = BBox::around(&points).filter(|_| n >= 3) else {
            return Err(PolygonError::TooFewPoints(n));
        };
        if let Some(i) = (1..n).find(|&i| points[..i].contains(&points[i])) {
            return Err(PolygonError::RepeatedPoint(i));
        }
        if (2..n).all(|i| side(points[0], points[1], points[i]) == 0.0) {
            return Err(PolygonError::NoArea);
        }
        if let Some((first, second)) = self_crossing(&points) {
            return Err(PolygonError::SelfCrossing { first, second, count: n });
        }
        let (area, centroid) = moments(&points);
        if area < LEAST_AREA {
            return Err(PolygonError::NoArea);
        }
        Ok(Self { points, bounds, area, centroid })
    }

    /// The corners, in the order given.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The smallest box around it.
    pub fn bounds(&self) -> BBox {
        self.bounds
    }

    /// Area, positive.
    pub fn area(&self) -> f64 {
        self.area
    }

    /// Centre of gravity; may lie outside a concave polygon.
    pub fn centroid(&self) -> Point {
        self.centroid
    }

    /// The edges as pairs of corners, the closing one first.
    fn edges(&self) -> impl Iterator<Item = (Point, Point)> + '_ {
        let mut from = self.points[self.points.len() - 1];
        self.points.iter().map(move |&to| (std::mem::replace(&mut from, to), to))
    }

    /// Where the point lies; exact.
    pub fn contains(&self, p: Point) -> Containment {
        if !self.bounds.contains(p) {
            return Containment::Outside;
        }
        let mut inside = false;
        for (a, b) in self.edges() {
            // Half-open in y, so that a ray through a corner meets exactly one of its two edges.
            if (a.y > p.y) != (b.y > p.y) {
                let s = side(a, b, p);
                if s == 0.0 {
                    return Containment::Boundary;
                }
                // The ray from p to the right of the picture meets the edge: it does when p is on the right side of an
                // edge that leads down the picture, or on the left side of one that leads up.
                if (s > 0.0) == (b.y > a.y) {
                    inside = !inside;
                }
            } else if (a.y == p.y || b.y == p.y) && side(a, b, p) == 0.0 && between(a, b, p) {
                return Containment::Boundary;
            }
        }
        if inside { Containment::Inside } else { Containment::Outside }
    }

    /// Whether the point is inside or on the boundary.
    pub fn covers(&self, p: Point) -> bool {
        self.contains(p) != Containment::Outside
    }

    /// Distance from the point to the boundary, from either side.
    pub fn distance(&self, p: Point) -> f64 {
        self.edges().map(|(a, b)| p.distance_squared_to_segment(a, b)).fold(f64::INFINITY, f64::min).sqrt()
    }

    /// Share of the box's area that lies inside the polygon, 0..1; a box without area counts by its centre.
    pub fn overlap(&self, b: &BBox) -> f64 {
        let area = b.area();
        if area <= 0.0 {
            return f64::from(u8::from(self.covers(b.centre())));
        }
        if !self.bounds.touches(b) {
            return 0.0;
        }
        // Green's theorem: the area inside the box is the sum over all edges of the signed area between the edge,
        // clamped into the box, and the box's top. It needs no clipped polygon and holds for concave ones.
        let signed: f64 = self.edges().map(|(from, to)| area_above(b, from, to)).sum();
        (signed.abs() / area).min(1.0)
    }

    /// What the straight movement from `a` to `b` does to the zone.
    pub fn passage(&self, a: Point, b: Point) -> Passage {
        let path = BBox::new(a.x.min(b.x), a.y.min(b.y), a.x.max(b.x), a.y.max(b.y));
        if !self.bounds.touches(&path) {
            return Passage::Outside;
        }
        match (self.covers(a), self.covers(b)) {
            (true, true) => Passage::Inside,
            (false, true) => Passage::Enter { t: self.visit(a, b).map_or(1.0, |(t, _)| t) },
            (true, false) => Passage::Leave { t: self.visit(a, b).map_or(0.0, |(_, t)| t) },
            (false, false) => {
                self.visit(a, b).map_or(Passage::Outside, |(t_in, t_out)| Passage::Cross { t_in, t_out })
            }
        }
    }

    /// First entry into and last exit from the interior on the way from `a` to `b`.
    fn visit(&self, a: Point, b: Point) -> Option<(f64, f64)> {
        let mut found: Option<(f64, f64)> = None;
        let mut from = 0.0;
        // Between two successive meetings with the boundary the way is all inside, all outside or all on an edge:
        // its middle tells which. Looking for the next meeting again and again needs no list of them.
        while from < 1.0 {
            let to = self.next_meeting(a, b, from);
            if self.contains(a.lerp(b, 0.5 * (from + to))) == Containment::Inside {
                found = Some((found.map_or(from, |(first, _)| first), to));
            }
            from = to;
        }
        found
    }

    /// The smallest share of the way after `from` at which the boundary is met, 1 if there is none.
    fn next_meeting(&self, a: Point, b: Point, from: f64) -> f64 {
        let along = b - a;
        let length_squared = along.dot(along);
        let mut next = 1.0_f64;
        let last = self.points[self.points.len() - 1];
        let mut previous = (last, side(a, b, last));
        for &q in &self.points {
            let (p, s_p) = previous;
            let s_q = side(a, b, q);
            previous = (q, s_q);
            let t = if s_q == 0.0 {
                (q - a).dot(along) / length_squared
            } else if (s_p < 0.0 && s_q > 0.0) || (s_p > 0.0 && s_q < 0.0) {
                let (s_a, s_b) = (side(p, q, a), side(p, q, b));
                s_a / (s_a - s_b)
            } else {
                continue;
            };
            if t > from && t < next {
                next = t;
            }
        }
        next
    }
}

/// Signed area between the edge, clamped into the box, and the top of the box.
fn area_above(b: &BBox, from: Point, to: Point) -> f64 {
    let (l, r) = if from.x <= to.x { (from, to) } else { (to, from) };
    let (x1, x2) = (l.x.max(b.x1), r.x.min(b.x2));
    if x1 >= x2 {
        return 0.0;
    }
    let slope = (r.y - l.y) / (r.x - l.x);
    let y_at = |x: f64| (l.y + slope * (x - l.x)).clamp(l.y.min(r.y), l.y.max(r.y));
    let (y1, y2) = (y_at(x1), y_at(x2));
    // The clamped edge is made of at most three straight pieces, parted where it passes the box's top and bottom.
    let part = |y: f64| if y1 == y2 { x1 } else { (x1 + (x2 - x1) * (y - y1) / (y2 - y1)).clamp(x1, x2) };
    let (mut m1, mut m2) = (part(b.y1), part(b.y2));
    if m1 > m2 {
        std::mem::swap(&mut m1, &mut m2);
    }
    let depth = |x: f64| {
        let y = y1 + (y2 - y1) * ((x - x1) / (x2 - x1));
        y.clamp(b.y1, b.y2) - b.y1
    };
    let piece = |u: f64, v: f64| 0.5 * (depth(u) + depth(v)) * (v - u);
    let area = piece(x1, m1) + piece(m1, m2) + piece(m2, x2);
    if from.x <= to.x { area } else { -area }
}

/// Area and centre of gravity of a simple polygon.
fn moments(points: &[Point]) -> (f64, Point) {
    // From the first corner, not the origin: small zones far from the origin keep their digits.
    let origin = points[0];
    let (mut twice, mut sum) = (0.0, Point::default());
    for pair in points[1..].windows(2) {
        let (p, q) = (pair[0] - origin, pair[1] - origin);
        let cross = p.cross(q);
        twice += cross;
        sum = sum + (p + q) * cross;
    }
    (0.5 * twice.abs(), origin + sum * (1.0 / (3.0 * twice)))
}
