//! Which class a track is of.

/// Which class the detections of a track spoke for, weighted by score; old votes fade.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Votes([(u16, f32); 4]);

impl Votes {
    /// What remains of the old votes with each new one: about the last fifty decide.
    const KEPT: f32 = 0.98;

    pub(super) fn add(&mut self, class_id: u16, score: f32) {
        for vote in &mut self.0 {
            vote.1 *= Self::KEPT;
        }
        // No more classes than this are ever confused with one another; the weakest gives way.
        let weight = |vote: &(u16, f32)| vote.1;
        let slot = self.0.iter().position(|vote| vote.0 == class_id && vote.1 > 0.0).unwrap_or_else(|| {
            let weakest =
                (0..self.0.len()).reduce(|a, b| if weight(&self.0[b]) < weight(&self.0[a]) { b } else { a });
            let slot = weakest.unwrap_or(0);
            self.0[slot] = (class_id, 0.0);
            slot
        });
        // A score of exactly 0 still says something when nothing else does.
        self.0[slot].1 += score.max(1e-3);
    }

    /// The class with the most weight; of equals the smallest, so that the order of the votes does not matter.
    pub(super) fn winner(&self) -> u16 {
        let mut best = self.0[0];
        for &vote in &self.0[1..] {
            if vote.1 > best.1 || (vote.1 == best.1 && vote.1 > 0.0 && vote.0 < best.0) {
                best = vote;
            }
        }
        best.0
    }
}
