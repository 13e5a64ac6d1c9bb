//! What a step costs: the engine on synthetic crowds, without rules and with ten zones, five lines and dwell timers.
//!
//! `cargo bench --bench core`. Absolute times are for reading, on one machine; what must not get worse is in
//! `budgets.toml`, as ratios. Run it with `RUST_BACKTRACE=1` too: the figures must not differ, as no error is made.

mod crowd;
mod reel;

use std::time::Duration;

use beffroi::engine::Engine;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use reel::Reel;

fn step(criterion: &mut Criterion) {
    for (name, rules) in [("tracker", false), ("rules", true)] {
        let mut group = criterion.benchmark_group(name);
        let scene = crowd::scene(rules);
        for objects in [10, 50, 100, 500, 1000] {
            let mut engine = Engine::new(&scene).expect("the scene of the bench");
            let mut reel = Reel::new(objects, if objects < 500 { 600 } else { 200 });
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
