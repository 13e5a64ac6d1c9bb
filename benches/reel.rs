//! Pictures for the benchmarks of the whole step.

use crate::crowd::{self, Picture, STEP_MS};
use beffroi::engine::{Boxes, Engine};
use beffroi::time::Timestamp;

/// Pictures that are gone through forwards and backwards, over and over: a crowd that never jumps.
pub(crate) struct Reel {
    pictures: Vec<Picture>,
    next: usize,
    at_ms: i64,
}

impl Reel {
    pub(crate) fn new(objects: usize, pictures: usize) -> Self {
        Self { pictures: crowd::crowd(objects, pictures, objects as u64), next: 0, at_ms: 0 }
    }

    pub(crate) fn advance(&mut self, engine: &mut Engine) {
        let n = self.pictures.len();
        let i = if self.next < n { self.next } else { 2 * n - 1 - self.next };
        self.next = (self.next + 1) % (2 * n);
        self.at_ms += STEP_MS;
        let Picture { xyxy, score, class_id } = &self.pictures[i];
        engine
            .step(Timestamp::from_ms(self.at_ms), Boxes { xyxy, score, class_id }, [], None)
            .expect("a clean picture");
    }
}
