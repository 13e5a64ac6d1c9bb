//! Constant-velocity Kalman filter on real time, for two axes that share one covariance.
//!
//! The noise of x and y is the same (a share of the body size), so their covariances stay equal for ever: one
//! 2 by 2 matrix serves both, and a box costs two such filters, one for its centre and one for its size.

use super::Affine;
use crate::geometry::Point;

/// Position and velocity of a point, with their common uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filter {
    /// Estimate.
    pub at: Point,
    /// Its change per second.
    pub rate: Point,
    /// Variance of the position, covariance, variance of the velocity: the same on either axis.
    var: [f64; 3],
}

/// How a filter's point moves on its own.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Spectral density of the acceleration noise, units² / s³.
    pub jerkiness: f64,
    /// Spectral density of the position noise, units² / s: what a constant velocity cannot explain.
    pub wander: f64,
    /// Seconds after which an unseen velocity has fallen to 1/e.
    pub memory: f64,
}

/// What a process does to a filter in one step; the same for every filter, up to the body size.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// Share of the velocity that is left.
    kept: f64,
    /// Seconds that the velocity carries on for.
    moved: f64,
    /// Noise for a body size of 1, laid out as in [`Filter`].
    noise: [f64; 3],
}

impl Process {
    /// What happens in `dt` seconds.
    ///
    /// The velocity decays (Ornstein-Uhlenbeck, integrated exactly), so a prediction over many seconds stays within
    /// reach instead of leaving the picture, and one long step equals many short ones.
    pub fn over(&self, dt: f64) -> Transition {
        let (t, q) = (self.memory, self.jerkiness);
        let kept = (-dt / t).exp();
        let gone = 1.0 - kept;
        Transition {
            kept,
            moved: t * gone,
            noise: [
                q * t * t * (dt - 2.0 * t * gone + 0.5 * t * (1.0 - kept * kept)).max(0.0) + self.wander * dt,
                q * t * t * gone * gone / 2.0,
                q * t * (1.0 - kept * kept) / 2.0,
            ],
        }
    }
}

impl Filter {
    /// A point seen once: at rest, with these standard deviations of position and velocity.
    pub fn new(at: Point, position_sd: f64, velocity_sd: f64) -> Self {
        Self { at, rate: Point::default(), var: [position_sd * position_sd, 0.0, velocity_sd * velocity_sd] }
    }

    /// Moves the estimate on, for a body size of `unit`.
    pub fn predict(&mut self, step: &Transition, unit: f64) {
        let Transition { kept, moved, noise } = *step;
        let [p, c, v] = self.var;
        let squared = unit * unit;
        self.at = self.at + self.rate * moved;
        self.rate = self.rate * kept;
        self.var = [
            p + moved * (2.0 * c + moved * v) + noise[0] * squared,
            kept * (c + moved * v) + noise[1] * squared,
            kept * kept * v + noise[2] * squared,
        ];
    }

    /// Takes in a measurement with standard deviation `sd`.
    pub fn update(&mut self, seen: Point, sd: f64) {
        let [p, c, v] = self.var;
        let s = p + sd * sd;
        // Zero only if both the estimate and the measurement claim to be exact; then there is nothing to learn.
        if s <= 0.0 {
            return;
        }
        let (gain, gain_rate) = (p / s, c / s);
        let innovation = seen - self.at;
        self.at = self.at + innovation * gain;
        self.rate = self.rate + innovation * gain_rate;
        self.var = [p * (1.0 - gain), c * (1.0 - gain), v - gain_rate * c];
    }

    /// Standard deviation of the position.
    pub fn position_sd(&self) -> f64 {
        self.var[0].max(0.0).sqrt()
    }

    /// Follows a camera that moved: `scale` is the growth of lengths.
    pub fn carry(&mut self, at: Point, rate: Point, scale: f64) {
        let grown = scale * scale;
        self.at = at;
        self.rate = rate;
        self.var = self.var.map(|v| v * grown);
    }

    /// Follows a camera that moved by `motion`.
    pub fn moved_by(&mut self, motion: &Affine) {
        self.carry(motion.point(self.at), motion.vector(self.rate), motion.scale());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALK: Process = Process { jerkiness: 0.1, wander: 0.0, memory: 10.0 };

    fn walker(dt: f64) -> Filter {
        let mut filter = Filter::new(Point::default(), 0.05, 1.0);
        let steps = (4.0 / dt).round() as usize;
        for k in 1..=steps {
            filter.predict(&WALK.over(dt), 1.0);
            filter.update(Point { x: 0.5 * dt * k as f64, y: 0.0 }, 0.05);
        }
        filter
    }

    #[test]
    fn learns_the_same_velocity_at_any_rate() {
        for dt in [1.0 / 30.0, 0.1, 0.2] {
            let filter = walker(dt);
            assert!((filter.rate.x - 0.5).abs() < 0.05, "{dt}: {}", filter.rate.x);
            assert!((filter.at.x - 2.0).abs() < 0.03, "{dt}: {}", filter.at.x);
        }
    }

    #[test]
    fn one_long_prediction_equals_many_short_ones() {
        let (mut once, mut often) = (walker(0.1), walker(0.1));
        once.predict(&WALK.over(2.0), 1.0);
        for _ in 0..20 {
            often.predict(&WALK.over(0.1), 1.0);
        }
        assert!(once.at.distance(often.at) < 1e-9);
        assert!((once.position_sd() / often.position_sd() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_prediction_over_minutes_stays_within_the_memory_of_its_velocity() {
        let mut filter = walker(0.1);
        let before = filter.at.x;
        filter.predict(&WALK.over(600.0), 1.0);
        assert!(filter.at.x - before < 0.55 * WALK.memory);
        assert!(filter.position_sd().is_finite());
    }

    #[test]
    fn follows_the_camera() {
        let mut filter = walker(0.1);
        let rate = filter.rate.x;
        filter.moved_by(&Affine([2.0, 0.0, 0.25, 0.0, 2.0, 0.0]));
        assert!((filter.at.x - (2.0 * 2.0 + 0.25)).abs() < 0.06);
        assert!((filter.rate.x - 2.0 * rate).abs() < 1e-12);
    }
}
