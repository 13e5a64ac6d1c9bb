//! Geometry in view units.

/// A point or vector in view units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Rightwards, picture heights.
    pub x: f64,
    /// Downwards, picture heights.
    pub y: f64,
}

/// A box in view units.
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
