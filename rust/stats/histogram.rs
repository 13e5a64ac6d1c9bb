//! Speeds in bins of fixed width: means and percentiles of any period, and of periods put together.

use serde_json::{Value, json};

/// Width of a bin, km/h: within one, a percentile is taken as if speeds were spread evenly.
const BIN: f64 = 2.0;
/// Bins: faster than 200 km/h is in the last one.
const BINS: usize = 100;

/// How often each speed was measured.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u32>,
    /// Sum, km/h.
    sum: f64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; BINS], sum: 0.0 }
    }

    /// Adds a speed, km/h.
    pub(super) fn add(&mut self, speed: f64) {
        let bin = (speed / BIN).clamp(0.0, (BINS - 1) as f64) as usize;
        self.counts[bin] += 1;
        self.sum += speed;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }

    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
        self.sum = 0.0;
    }

    fn len(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    /// The speed that this share of all does not exceed, km/h.
    fn percentile(&self, share: f64) -> f64 {
        let wanted = share * self.len() as f64;
        let mut below = 0.0;
        for (i, &count) in self.counts.iter().enumerate() {
            let count = f64::from(count);
            if below + count >= wanted && count > 0.0 {
                return (i as f64 + (wanted - below) / count) * BIN;
            }
            below += count;
        }
        0.0
    }

    /// Number, mean, 85th percentile and the bins from the first to the last that is not empty; None if nothing was
    /// measured.
    pub(super) fn json(&self) -> Option<Value> {
        let first = self.counts.iter().position(|&c| c > 0)?;
        let last = self.counts.iter().rposition(|&c| c > 0)?;
        let n = self.len();
        Some(json!({
            "n": n,
            "mean_kmh": rounded(self.sum / n as f64),
            "v85_kmh": rounded(self.percentile(0.85)),
            "sum_kmh": rounded(self.sum),
            "bin_kmh": BIN,
            "first_bin": first,
            "bins": self.counts[first..=last],
        }))
    }
}

/// A thousandth is more than any of these is worth.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_within_a_bin_of_the_sorted_list_and_merge() {
        let speeds: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 400) * 0.2).collect();
        let (mut one, mut other, mut all) = (Histogram::new(), Histogram::new(), Histogram::new());
        for (i, &speed) in speeds.iter().enumerate() {
            if i % 3 == 0 { &mut one } else { &mut other }.add(speed);
            all.add(speed);
        }
        one.merge(&other);
        assert_eq!(one.counts, all.counts);
        let mut sorted = speeds;
        sorted.sort_by(f64::total_cmp);
        assert!((all.percentile(0.85) - sorted[340]).abs() <= BIN, "{}", all.percentile(0.85));
        assert_eq!(Histogram::new().json(), None);
    }
}
