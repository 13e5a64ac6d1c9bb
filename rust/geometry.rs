//! Points, boxes, polygons and polylines in *view units*: x times the picture's aspect ratio, y as it is, so that
//! one unit is one picture height in every direction and distances are isotropic. y points downwards.
//!
//! # Sides and directions
//!
//! "Left" and "right" of a line are those of somebody who stands on its first point and looks to its second,
//! *on the picture as it is shown*. A line drawn from the left of the picture to its right has its left side
//! above and its right side below:
//!
//! ```text
//!            left side
//!   first o-------------> last            a path from a to b counts +1 (left to right),
//!            right side                   from b to a it counts -1 (right to left)
//!
//!       a                        o first
//!       |  +1                    |
//!   o---+----->      left of     |     right of the picture is LEFT of a line
//!       v            the picture v     that is drawn downwards
//!       b            is RIGHT    o last
//! ```
//!
//! Because y points downwards, [`Point::cross`] of two directions is positive when the second turns clockwise
//! (to the right) from the first.

mod polygon;
mod polyline;
mod predicate;
#[cfg(test)]
mod properties;
mod simple;
#[cfg(test)]
mod tests;

use std::ops::{Add, Mul, Neg, Sub};

pub use polygon::{Containment, Passage, Polygon};
pub use polyline::{Crossing, Polyline, PolylineError};
pub use simple::PolygonError;

/// A point or vector in view units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Rightwards, picture heights.
    pub x: f64,
    /// Downwards, picture heights.
    pub y: f64,
}

impl Point {
    /// The point (x, y).
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// Scalar product.
    pub fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y
    }

    /// Cross product: positive when `other` points to the right (clockwise on the picture) of `self`.
    pub fn cross(self, other: Self) -> f64 {
        self.x * other.y - self.y * other.x
    }

    /// Length of the vector.
    pub fn norm(self) -> f64 {
        // hypot guards against overflow that coordinates around 1 cannot cause, at ten times the cost.
        self.dot(self).sqrt()
    }

    /// Distance to another point.
    pub fn distance(self, other: Self) -> f64 {
        (other - self).norm()
    }

    /// The point a share `t` of the way to `to`; exact at both ends.
    #[must_use]
    pub fn lerp(self, to: Self, t: f64) -> Self {
        Self::new(self.x * (1.0 - t) + to.x * t, self.y * (1.0 - t) + to.y * t)
    }

    /// Whether both coordinates are numbers.
    pub fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }

    /// Distance to the segment from `a` to `b`, squared.
    pub(crate) fn distance_squared_to_segment(self, a: Self, b: Self) -> f64 {
        let along = b - a;
        let t = ((self - a).dot(along) / along.dot(along)).clamp(0.0, 1.0);
        let gap = self - (a + along * t);
        gap.dot(gap)
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f64> for Point {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}

impl Neg for Point {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.x, -self.y)
    }
}

/// A box in view units, x1 <= x2 and y1 <= y2.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BBox {
    /// Left.
    pub x1: f64,
    /// Top.
    pub y1: f64,
    /// Right.
    pub x2: f64,
    /// Bottom.
    pub y2: f64,
}

impl BBox {
    /// The box with these corners.
    pub const fn new(x1: f64, y1: f64, x2: f64, y2: f64) -> Self {
        Self { x1, y1, x2, y2 }
    }

    /// The smallest box around `points`, None without any.
    pub fn around(points: &[Point]) -> Option<Self> {
        let (first, rest) = points.split_first()?;
        let start = Self::new(first.x, first.y, first.x, first.y);
        Some(rest.iter().fold(start, |b, p| b.hull(&Self::new(p.x, p.y, p.x, p.y))))
    }

    /// Width.
    pub fn width(&self) -> f64 {
        self.x2 - self.x1
    }

    /// Height.
    pub fn height(&self) -> f64 {
        self.y2 - self.y1
    }

    /// Area.
    pub fn area(&self) -> f64 {
        self.width() * self.height()
    }

    /// Length of the diagonal.
    pub fn diagonal(&self) -> f64 {
        Point::new(self.width(), self.height()).norm()
    }

    /// The middle.
    pub fn centre(&self) -> Point {
        Point::new(0.5 * (self.x1 + self.x2), 0.5 * (self.y1 + self.y2))
    }

    /// The middle of the lower edge: where a standing person's feet are.
    pub fn bottom_centre(&self) -> Point {
        Point::new(0.5 * (self.x1 + self.x2), self.y2)
    }

    /// Area common to both.
    pub fn intersection_area(&self, other: &Self) -> f64 {
        let width = self.x2.min(other.x2) - self.x1.max(other.x1);
        let height = self.y2.min(other.y2) - self.y1.max(other.y1);
        width.max(0.0) * height.max(0.0)
    }

    /// Intersection over union, 0..1; 0 for two boxes without area.
    pub fn iou(&self, other: &Self) -> f64 {
        let common = self.intersection_area(other);
        let union = self.area() + other.area() - common;
        if union > 0.0 { common / union } else { 0.0 }
    }

    /// The smallest box around both.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        Self {
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
            x2: self.x2.max(other.x2),
            y2: self.y2.max(other.y2),
        }
    }

    /// Whether the point is inside or on the edge.
    pub fn contains(&self, p: Point) -> bool {
        self.x1 <= p.x && p.x <= self.x2 && self.y1 <= p.y && p.y <= self.y2
    }

    /// Whether the two share at least a point of their edges.
    pub fn touches(&self, other: &Self) -> bool {
        self.x1 <= other.x2 && other.x1 <= self.x2 && self.y1 <= other.y2 && other.y1 <= self.y2
    }

    /// Distance from a point to the box, 0 inside.
    pub fn distance(&self, p: Point) -> f64 {
        let nearest = Point::new(p.x.clamp(self.x1, self.x2), p.y.clamp(self.y1, self.y2));
        p.distance(nearest)
    }
}
