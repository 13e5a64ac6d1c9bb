//! From the picture to the ground: a plane through four or more places whose positions on both are known.
//!
//! The plane is a homography, fitted so that the squared distances *on the picture* are least (that is where people
//! click inexactly), by the normalised direct linear transform and a few Gauss-Newton steps. R. Hartley and
//! A. Zisserman, *Multiple View Geometry in Computer Vision*, 2nd edition, chapter 4.

mod linear;
#[cfg(test)]
mod tests;

use crate::geometry::Point;
use linear::{Matrix, Normalised};

/// Why pairs of points are not a calibration. Indices count from 0; the texts count from 1, as people do.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum GroundError {
    /// Fewer than four pairs.
    #[error(
        "a ground plane needs at least four pairs of points, no three of them on one line; there are {0}"
    )]
    TooFewPoints(usize),
    /// Lists of different lengths.
    #[error("`image` has {image} points and `metres` has {metres}: each place needs both")]
    Unequal {
        /// Points on the picture.
        image: usize,
        /// Points on the ground.
        metres: usize,
    },
    /// NaN or infinity in this pair.
    #[error("pair {} is not a number", .0 + 1)]
    NotFinite(usize),
    /// Three of the four points lie on one line (of more points: whichever four are taken).
    #[error(
        "points {}, {} and {} of `{list}` lie (almost) on one line; take four places that span an area, as the corners of a car park do",
        points[0] + 1, points[1] + 1, points[2] + 1
    )]
    Collinear {
        /// `image` or `metres`.
        list: &'static str,
        /// The three.
        points: [usize; 3],
    },
    /// The pairs can only be explained by a horizon between them.
    #[error(
        "pair {} would lie beyond the horizon of the others; check that `image` and `metres` name the same places in the same order", .0 + 1
    )]
    Horizon(usize),
    /// The pairs contradict each other.
    #[error(
        "pair {} does not fit the others: on the picture it is {:.0} % of the height, on the ground {metres:.1} m from where the plane has it; check that it is the same place in both lists, and on the ground",
        pair + 1, image * 100.0
    )]
    Residual {
        /// The pair without which the others fit best.
        pair: usize,
        /// Its distance on the picture, in picture heights.
        image: f64,
        /// Its distance on the ground, in metres.
        metres: f64,
    },
}

/// How large a view unit (one picture height) at some place of the picture is on the ground, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Geometric mean over the directions: the square root of the area of one square unit.
    pub mean: f64,
    /// Largest over the directions.
    pub worst: f64,
    /// The direction on the picture, of length 1, in which it is largest; mostly up and down the picture.
    pub direction: Point,
}

/// Ground positions for one fixed view.
#[derive(Clone, Debug, PartialEq)]
pub struct GroundPlane {
    /// From view units to metres; the third coordinate is positive in front of the horizon.
    to_metres: Matrix,
    /// Its inverse; the third coordinate is positive for what lies in front of the camera.
    to_image: Matrix,
    rms_image: f64,
    rms_metres: f64,
}

/// Pairs further off than this, in picture heights, are a mistake and not an imprecise click.
const LARGEST_RESIDUAL: f64 = 0.02;
/// How exactly a place is known on the picture at best, in picture heights: a pixel of a 1000-line picture.
const LEAST_IMAGE_ERROR: f64 = 0.001;
/// Four points are taken as spanning an area if the smallest of their triangles has this share of the largest.
const LEAST_TRIANGLE: f64 = 0.01;
/// Third coordinate, against 1 in the middle of the calibrated points, below which a place counts as on the horizon.
const HORIZON: f64 = 1e-6;

impl GroundPlane {
    /// The plane through pairs of points, `image` in view units and `metres` on the ground, in any axes.
    ///
    /// # Errors
    /// [`GroundError`] names the pairs that are wrong.
    pub fn fit(image: &[Point], metres: &[Point]) -> Result<Self, GroundError> {
        let n = image.len();
        if n != metres.len() {
            return Err(GroundError::Unequal { image: n, metres: metres.len() });
        }
        if n < 4 {
            return Err(GroundError::TooFewPoints(n));
        }
        if let Some(i) = (0..n).find(|&i| !image[i].is_finite() || !metres[i].is_finite()) {
            return Err(GroundError::NotFinite(i));
        }
        spans_an_area(image, metres)?;
        let plane = Self::solve(image, metres)?;
        let off = |i: usize| plane.project(metres[i]).map_or(f64::INFINITY, |p| p.distance(image[i]));
        if (0..n).all(|i| off(i) <= LARGEST_RESIDUAL) {
            return Ok(plane);
        }
        let pair = misfit(image, metres, off);
        let ground = plane.to_metres(image[pair]).map_or(f64::INFINITY, |m| m.distance(metres[pair]));
        Err(GroundError::Residual { pair, image: off(pair), metres: ground })
    }

    /// The least-squares plane, whatever its residual.
    fn solve(image: &[Point], metres: &[Point]) -> Result<Self, GroundError> {
        let n = image.len();
        let (from, to) = (Normalised::new(metres), Normalised::new(image));
        let Some(solution) = linear::homography(&from.points, &to.points) else {
            // No single pair is to blame; the first is as good as any to look at.
            return Err(GroundError::Horizon(0));
        };
        let composed = to.back.times(&solution).times(&from.forth);
        let Some(inverse) = composed.inverse() else { return Err(GroundError::Horizon(0)) };
        let mut to_metres = inverse;
        let depths: Vec<f64> = image.iter().map(|&p| to_metres.depth(p)).collect();
        let middle = depths.iter().sum::<f64>() / n as f64;
        if let Some(i) = depths.iter().position(|d| d / middle < HORIZON || !d.is_finite()) {
            return Err(GroundError::Horizon(i));
        }
        to_metres = to_metres.scaled(1.0 / middle);
        let Some(to_image) = to_metres.inverse() else { return Err(GroundError::Horizon(0)) };
        let mut plane = Self { to_metres, to_image, rms_image: 0.0, rms_metres: 0.0 };
        let (mut on_picture, mut on_ground) = (0.0, 0.0);
        for (&p, &m) in image.iter().zip(metres) {
            let seen = plane.project(m).map_or(f64::INFINITY, |q| q.distance(p));
            let stands = plane.to_metres(p).map_or(f64::INFINITY, |q| q.distance(m));
            on_picture += seen * seen;
            on_ground += stands * stands;
        }
        // Four pairs are met exactly; only those beyond tell how exact the clicks are.
        plane.rms_image = if n > 4 { (on_picture / (n - 4) as f64).sqrt() } else { 0.0 };
        plane.rms_metres = (on_ground / n as f64).sqrt();
        Ok(plane)
    }

    /// Position on the ground; None on the horizon and beyond.
    pub fn to_metres(&self, p: Point) -> Option<Point> {
        self.to_metres.apply(p)
    }

    /// Place on the picture, in view units, of a position on the ground; None for what is behind the camera.
    pub fn to_image(&self, metres: Point) -> Option<Point> {
        self.project(metres)
    }

    fn project(&self, metres: Point) -> Option<Point> {
        let p = self.to_image.apply(metres)?;
        (self.to_metres.depth(p) > HORIZON).then_some(p)
    }

    /// How large a view unit is on the ground around `p`; None on the horizon and beyond.
    pub fn scale_at(&self, p: Point) -> Option<Scale> {
        let [[a, b], [c, d]] = self.to_metres.jacobian(p)?;
        // Singular values of a 2 x 2 matrix in closed form.
        let (xx, xy, yy) = (a * a + c * c, a * b + c * d, b * b + d * d);
        let worst = (0.5 * (xx + yy) + (0.25 * (xx - yy) * (xx - yy) + xy * xy).sqrt()).sqrt();
        let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
        let mean = (a * d - b * c).abs().sqrt();
        Some(Scale { mean, worst, direction: Point::new(angle.cos(), angle.sin()) })
    }

    /// How far off, in metres, the ground position of `p` may be, for the usual inexactness of boxes and clicks.
    ///
    /// `error = worst(p) * sqrt(r * r + 0.001 * 0.001)`, where `worst(p)` is the largest singular value of the
    /// Jacobian of [`Self::to_metres`] at p (metres per picture height, [`Scale::worst`]), r the calibration's
    /// residual on the picture, `sqrt(sum of squared distances / (n - 4))` over its n pairs (0 for four), and 0.001
    /// one thousandth of the picture height. It holds between the calibrated places; far outside them the plane
    /// itself is less certain. None on the horizon and beyond.
    pub fn error_at(&self, p: Point) -> Option<f64> {
        self.error_for(p, self.rms_image.hypot(LEAST_IMAGE_ERROR))
    }

    /// How far off, in metres, the ground position of `p` may be if `p` may be `image_error` view units off.
    pub fn error_for(&self, p: Point, image_error: f64) -> Option<f64> {
        Some(self.scale_at(p)?.worst * image_error)
    }

    /// Root mean square of the distances on the ground between the given positions and those of the fit, in metres.
    pub fn rms_metres(&self) -> f64 {
        self.rms_metres
    }
}

/// Whether some four pairs have no three on one line, on the picture nor on the ground.
fn spans_an_area(image: &[Point], metres: &[Point]) -> Result<(), GroundError> {
    let n = image.len();
    let mut first = None;
    for a in 0..n {
        for b in a + 1..n {
            for c in b + 1..n {
                for d in c + 1..n {
                    let four = [a, b, c, d];
                    let flat = thin("image", image, four).or_else(|| thin("metres", metres, four));
                    let Some(error) = flat else { return Ok(()) };
                    first.get_or_insert(error);
                }
            }
        }
    }
    first.map_or(Ok(()), Err)
}

/// The three of these four that lie on one line, if any: measured by areas of triangles, whose ratios do not change
/// when one axis is stretched (a long narrow street is no line).
fn thin(list: &'static str, all: &[Point], four: [usize; 4]) -> Option<GroundError> {
    let triangles = [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]].map(|t| t.map(|i| four[i]));
    let area = |t: &[usize; 3]| (all[t[1]] - all[t[0]]).cross(all[t[2]] - all[t[0]]).abs();
    let largest = triangles.iter().map(area).fold(0.0, f64::max);
    let smallest = triangles.iter().min_by(|s, t| area(s).total_cmp(&area(t)))?;
    (area(smallest) <= LEAST_TRIANGLE * largest).then_some(GroundError::Collinear { list, points: *smallest })
}

/// The pair to blame: the one without which the others fit best; of five, where any four fit, the furthest off.
fn misfit(image: &[Point], metres: &[Point], off: impl Fn(usize) -> f64) -> usize {
    let n = image.len();
    let without = |i: usize| {
        let but = |all: &[Point]| [&all[..i], &all[i + 1..]].concat();
        GroundPlane::solve(&but(image), &but(metres)).map_or(f64::INFINITY, |p| p.rms_image)
    };
    let cost: Vec<f64> = (0..n).map(|i| if n > 5 { without(i) } else { -off(i) }).collect();
    (0..n).min_by(|&i, &j| cost[i].total_cmp(&cost[j])).unwrap_or(0)
}
