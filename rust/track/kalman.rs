//! Constant-velocity Kalman filter of one quantity on real time.
//!
//! A box is four such quantities: the place of its centre along x and y, and the logarithms of its width and height.
//! They are filtered apart, for what connects them (a body walks, a lens shrinks what goes away) is weak beside the
//! noise of a detector, and a step then costs a few multiplications.

/// A quantity and its rate of change, with their uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filter {
    /// Estimate.
    pub at: f64,
    /// Its change per second.
    pub rate: f64,
    /// Variance of the estimate, covariance, variance of the rate.
    var: [f64; 3],
}

/// What a step of time does to a filter; the same for every filter with this memory.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// Share of the rate that is left.
    kept: f64,
    /// Seconds that the rate carries on for.
    moved: f64,
    /// Seconds.
    dt: f64,
    /// Variances that an acceleration noise of spectral density 1 adds, laid out as in [`Filter`].
    noise: [f64; 3],
}

impl Transition {
    /// What happens in `dt` seconds to a rate of which 1/e is left after `memory` seconds unseen.
    ///
    /// The rate decays (Ornstein-Uhlenbeck, integrated exactly), so a prediction over many seconds stays within
    /// reach instead of leaving the picture, and one long step equals many short ones.
    pub fn over(dt: f64, memory: f64) -> Self {
        let t = memory;
        let kept = (-dt / t).exp();
        let gone = 1.0 - kept;
        Self {
            kept,
            moved: t * gone,
            dt,
            noise: [
                t * t * (dt - 2.0 * t * gone + 0.5 * t * (1.0 - kept * kept)).max(0.0),
                0.5 * t * t * gone * gone,
                0.5 * t * (1.0 - kept * kept),
            ],
        }
    }
}

impl Filter {
    /// A quantity seen once: at rest, with these standard deviations of itself and of its rate.
    pub fn new(at: f64, sd: f64, rate_sd: f64) -> Self {
        Self { at, rate: 0.0, var: [sd * sd, 0.0, rate_sd * rate_sd] }
    }

    /// Moves the estimate on.
    ///
    /// `jerkiness` is the spectral density of the acceleration noise (units² / s³), `wander` that of the position
    /// noise (units² / s): what a steady rate cannot explain.
    pub fn predict(&mut self, step: &Transition, jerkiness: f64, wander: f64) {
        let Transition { kept, moved, dt, noise } = *step;
        let [p, c, v] = self.var;
        self.at += self.rate * moved;
        self.rate *= kept;
        self.var = [
            p + moved * (2.0 * c + moved * v) + noise[0] * jerkiness + dt * wander,
            kept * (c + moved * v) + noise[1] * jerkiness,
            kept * kept * v + noise[2] * jerkiness,
        ];
    }

    /// Takes in a measurement with variance `noise`.
    pub fn update(&mut self, seen: f64, noise: f64) {
        let [p, c, v] = self.var;
        let s = p + noise;
        // Zero only if both the estimate and the measurement claim to be exact; then there is nothing to learn.
        if s <= 0.0 {
            return;
        }
        let (gain, gain_rate) = (p / s, c / s);
        let innovation = seen - self.at;
        self.at += innovation * gain;
        self.rate += innovation * gain_rate;
        self.var = [p * (1.0 - gain), c * (1.0 - gain), v - gain_rate * c];
    }

    /// Variance of the estimate.
    pub fn variance(&self) -> f64 {
        self.var[0]
    }

    /// Follows a camera that moved: the estimate is now here, and lengths have grown by `scale`.
    pub fn carry(&mut self, at: f64, rate: f64, scale: f64) {
        self.at = at;
        self.rate = rate;
        let grown = scale * scale;
        self.var = self.var.map(|v| v * grown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JERKINESS: f64 = 0.1;
    const MEMORY: f64 = 10.0;

    fn walker(dt: f64) -> Filter {
        let mut filter = Filter::new(0.0, 0.05, 1.0);
        let steps = (4.0 / dt).round() as usize;
        for k in 1..=steps {
            filter.predict(&Transition::over(dt, MEMORY), JERKINESS, 0.0);
            filter.update(0.5 * dt * k as f64, 0.05 * 0.05);
        }
        filter
    }

    #[test]
    fn learns_the_same_rate_at_any_frame_rate() {
        for dt in [1.0 / 30.0, 0.1, 0.2] {
            let filter = walker(dt);
            assert!((filter.rate - 0.5).abs() < 0.05, "{dt}: {}", filter.rate);
            assert!((filter.at - 2.0).abs() < 0.03, "{dt}: {}", filter.at);
        }
    }

    #[test]
    fn one_long_prediction_equals_many_short_ones() {
        let (mut once, mut often) = (walker(0.1), walker(0.1));
        once.predict(&Transition::over(2.0, MEMORY), JERKINESS, 0.01);
        for _ in 0..20 {
            often.predict(&Transition::over(0.1, MEMORY), JERKINESS, 0.01);
        }
        assert!((once.at - often.at).abs() < 1e-9);
        assert!((once.variance() / often.variance() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_prediction_over_minutes_stays_within_the_memory_of_its_rate() {
        let mut filter = walker(0.1);
        let before = filter.at;
        filter.predict(&Transition::over(600.0, MEMORY), JERKINESS, 0.0);
        assert!(filter.at - before < 0.55 * MEMORY);
        assert!(filter.variance().is_finite());
    }
}
