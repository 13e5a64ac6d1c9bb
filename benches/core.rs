//! What a step costs: the engine on synthetic crowds, without rules and with ten zones, five lines and dwell timers.
//!
//! `cargo bench --bench core`. Absolute times are for reading, on one machine; what must not get worse is in
//! `budgets.toml`, as ratios. Run it with `RUST_BACKTRACE=1` too: the figures must not differ, as no error is made.

mod crowd;

use std::time::Duration;

use beffroi::engine::{Boxes, Engine};
use beffroi::time::Timestamp;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use crowd::{Picture, STEP_MS};

/// Pictures that are gone through forwards and backwards, over and over: a crowd that never jumps.
struct Reel {
    pictures: Vec<Picture>,
    next: usize,
    at_ms: i64,
}

impl Reel {
    fn new(objects: usize) -> Self {
        let pictures = if objects < 500 { 600 } else { 200 };
        Self { pictures: crowd::crowd(objects, pictures, objects as u64), next: 0, at_ms: 0 }
    }

    fn advance(&mut self, engine: &mut Engine) {
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

fn step(criterion: &mut Criterion) {
    for (name, rules) in [("tracker", false), ("rules", true)] {
        let mut group = criterion.benchmark_group(name);
        let scene = crowd::scene(rules);
        for objects in [10, 50, 100, 500, 1000] {
            let mut engine = Engine::new(&scene).expect("the scene of the bench");
            let mut reel = Reel::new(objects);
            // Until tracks, timers and buffers have their working size.
            for _ in 0..100 {
                reel.advance(&mut engine);
            }
            group.bench_function(BenchmarkId::from_parameter(objects), |b| {
                b.iter(|| reel.advance(&mut engine));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = step
}
criterion_main!(benches);
