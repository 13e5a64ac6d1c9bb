//! The little linear algebra that a homography needs.

use super::HORIZON;
use crate::geometry::Point;

/// A 3 x 3 matrix, acting on (x, y, 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix([[f64; 3]; 3]);

impl Matrix {
    /// Third coordinate: proportional to one over the distance from the camera.
    pub(super) fn depth(&self, p: Point) -> f64 {
        let [_, _, [a, b, c]] = self.0;
        a * p.x + b * p.y + c
    }

    /// The image of the point, None if its third coordinate is not positive.
    pub(super) fn apply(&self, p: Point) -> Option<Point> {
        let [[a, b, c], [d, e, f], _] = self.0;
        let depth = self.depth(p);
        (depth > HORIZON).then(|| Point::new(a * p.x + b * p.y + c, d * p.x + e * p.y + f) * (1.0 / depth))
    }

    /// Derivatives of the image's coordinates (rows) by the point's (columns).
    pub(super) fn jacobian(&self, p: Point) -> Option<[[f64; 2]; 2]> {
        let q = self.apply(p)?;
        let [[a, b, _], [d, e, _], [g, h, _]] = self.0;
        let by = 1.0 / self.depth(p);
        Some([[(a - q.x * g) * by, (b - q.x * h) * by], [(d - q.y * g) * by, (e - q.y * h) * by]])
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let (m, o) = (&self.0, &other.0);
        Self([0, 1, 2].map(|i| [0, 1, 2].map(|j| m[i][0] * o[0][j] + m[i][1] * o[1][j] + m[i][2] * o[2][j])))
    }

    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self(self.0.map(|row| row.map(|v| v * factor)))
    }

    /// The inverse, None if there is none.
    pub(super) fn inverse(&self) -> Option<Self> {
        let m = &self.0;
        // The cofactor of row i and column j, from the cyclic neighbours: the signs come by themselves.
        let cofactor = |i: usize, j: usize| {
            let (r, s, u, v) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
            m[r][u] * m[s][v] - m[r][v] * m[s][u]
        };
        let determinant: f64 = (0..3).map(|j| m[0][j] * cofactor(0, j)).sum();
        let inverse = Self([0, 1, 2].map(|i| [0, 1, 2].map(|j| cofactor(j, i) / determinant)));
        inverse.0.iter().flatten().all(|v| v.is_finite()).then_some(inverse)
    }
}

/// Points moved and scaled to lie around the origin at a mean distance of the square root of 2, with the way there
/// and back: without it the equations mix numbers of very different sizes.
pub(super) struct Normalised {
    pub(super) points: Vec<Point>,
    pub(super) forth: Matrix,
    pub(super) back: Matrix,
}

impl Normalised {
    pub(super) fn new(points: &[Point]) -> Self {
        let n = points.len() as f64;
        let centre = points.iter().fold(Point::default(), |sum, &p| sum + p) * (1.0 / n);
        let spread = points.iter().map(|p| p.distance(centre)).sum::<f64>() / n;
        let k = std::f64::consts::SQRT_2 / spread;
        Self {
            points: points.iter().map(|&p| (p - centre) * k).collect(),
            forth: Matrix([[k, 0.0, -centre.x * k], [0.0, k, -centre.y * k], [0.0, 0.0, 1.0]]),
            back: Matrix([[1.0 / k, 0.0, centre.x], [0.0, 1.0 / k, centre.y], [0.0, 0.0, 1.0]]),
        }
    }
}

/// The homography from `from` to `to` (both normalised, at least four) with the least squared distances in `to`.
///
/// Its last entry is 1, which loses nothing: it is 0 only if the middle of `from` lies on the horizon.
pub(super) fn homography(from: &[Point], to: &[Point]) -> Option<Matrix> {
    // The linear equations weigh each distance by the depth; good as a start, exact for four pairs.
    let rows = from.iter().zip(to).flat_map(|(p, q)| {
        [
            [p.x, p.y, 1.0, 0.0, 0.0, 0.0, -q.x * p.x, -q.x * p.y, q.x],
            [0.0, 0.0, 0.0, p.x, p.y, 1.0, -q.y * p.x, -q.y * p.y, q.y],
        ]
    });
    let mut h = least_squares(rows.collect())?;
    if from.len() == 4 {
        return Some(matrix(&h));
    }
    let mut cost = squared_distances(&matrix(&h), from, to);
    for _ in 0..20 {
        let m = matrix(&h);
        let rows = from.iter().zip(to).flat_map(|(p, q)| {
            let w = m.depth(*p);
            let [[a, b, c], [d, e, f], _] = m.0;
            let (u, v) = ((a * p.x + b * p.y + c) / w, (d * p.x + e * p.y + f) / w);
            let (x, y, one) = (p.x / w, p.y / w, 1.0 / w);
            [
                [x, y, one, 0.0, 0.0, 0.0, -u * x, -u * y, q.x - u],
                [0.0, 0.0, 0.0, x, y, one, -v * x, -v * y, q.y - v],
            ]
        });
        let Some(step) = least_squares(rows.collect()) else { break };
        let next: [f64; 8] = std::array::from_fn(|i| h[i] + step[i]);
        let next_cost = squared_distances(&matrix(&next), from, to);
        if next_cost.is_nan() || next_cost >= cost {
            break;
        }
        let done = cost - next_cost < 1e-12 * cost;
        (h, cost) = (next, next_cost);
        if done {
            break;
        }
    }
    Some(matrix(&h))
}

fn matrix(h: &[f64; 8]) -> Matrix {
    Matrix([[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], 1.0]])
}

fn squared_distances(m: &Matrix, from: &[Point], to: &[Point]) -> f64 {
    let [[a, b, c], [d, e, f], _] = m.0;
    let seen = |p: &Point| Point::new(a * p.x + b * p.y + c, d * p.x + e * p.y + f) * (1.0 / m.depth(*p));
    from.iter().zip(to).map(|(p, q)| seen(p) - *q).map(|gap| gap.dot(gap)).sum()
}

/// Solves rows of eight coefficients and a right-hand side by Householder reflections; None if they do not
/// determine the eight unknowns.
fn least_squares(mut rows: Vec<[f64; 9]>) -> Option<[f64; 8]> {
    for k in 0..8 {
        let norm = rows[k..].iter().map(|r| r[k] * r[k]).sum::<f64>().sqrt();
        let pivot = if rows[k][k] > 0.0 { -norm } else { norm };
        // Normalised coefficients are around 1.
        if norm < 1e-10 || !norm.is_finite() {
            return None;
        }
        let mut mirror: Vec<f64> = rows[k..].iter().map(|r| r[k]).collect();
        mirror[0] -= pivot;
        let half = 0.5 * mirror.iter().map(|v| v * v).sum::<f64>();
        for j in k..9 {
            let along = rows[k..].iter().zip(&mirror).map(|(r, v)| r[j] * v).sum::<f64>() / half;
            for (r, v) in rows[k..].iter_mut().zip(&mirror) {
                r[j] -= along * v;
            }
        }
    }
    let mut h = [0.0; 8];
    for k in (0..8).rev() {
        let known: f64 = (k + 1..8).map(|j| rows[k][j] * h[j]).sum();
        h[k] = (rows[k][8] - known) / rows[k][k];
    }
    Some(h)
}
