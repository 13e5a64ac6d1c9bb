//! What zones, lines and rules cost, with ten and with a hundred zones: `cargo bench --bench rules`.
//!
//! `facts` is the observatory alone, on subjects that are ready; `step` is the whole engine. Both at 50 objects: what a
//! zone costs where nobody is must not show.

mod crowd;
mod reel;

use std::time::Duration;

use beffroi::detection::Detections;
use beffroi::engine::Engine;
use beffroi::facts::{Anchor, Observatory, Probes};
use beffroi::rules::BAND;
use beffroi::scene::Scene;
use beffroi::subject::{Subject, Subjects};
use beffroi::time::Timestamp;
use beffroi::track::Tracker;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use crowd::STEP_MS;
use reel::Reel;

const OBJECTS: usize = 50;
const ZONES: [usize; 3] = [0, 10, 100];

/// No zones and lines, ten and five, or a hundred and fifty short lines all over the picture.
fn scene(zones: usize) -> String {
    if zones <= 10 {
        return crowd::scene(zones > 0);
    }
    let line = |i: usize| {
        let (x, y) = ((i * 7 % 10) as f64 / 10.0, 0.3 + (i * 3 % 7) as f64 / 10.0);
        [[x, y], [x + 0.08, y + 0.05]]
    };
    let side = zones.isqrt() as u32;
    crowd::watched(side, side, &(0..zones / 2).map(line).collect::<Vec<_>>())
}

/// The subjects of every step of a crowd.
fn subjects(scene: &Scene) -> Vec<Vec<Subject>> {
    let (mut detections, mut tracker) = (Detections::default(), Tracker::new());
    let mut subjects = Subjects::new(scene.aspect);
    let pictures = crowd::crowd(OBJECTS, 400, OBJECTS as u64).into_iter().enumerate();
    pictures
        .map(|(i, picture)| {
            let at = Timestamp::from_ms(i as i64 * STEP_MS);
            let (xyxy, score, class_id) = (&picture.xyxy, &picture.score, &picture.class_id);
            detections.fill(scene.aspect, &scene.groups, xyxy, score, class_id).expect("a clean picture");
            tracker.step(at, &detections, None);
            subjects.step(at, tracker.tracks());
            subjects.current().to_vec()
        })
        .collect()
}

fn facts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("facts");
    for zones in ZONES {
        let (scene, _) = Scene::read(&scene(zones)).expect("the scene of the bench");
        let steps = subjects(&scene);
        let mut probes = Probes::default();
        for zone in 0..scene.zones.len() {
            probes.zone(zone, Anchor::Auto);
        }
        for line in 0..scene.lines.len() {
            probes.line(line, Anchor::Auto, BAND);
        }
        let mut observatory = Observatory::new(probes, &scene);
        let mut i = 0;
        group.bench_function(BenchmarkId::from_parameter(zones), |b| {
            b.iter(|| {
                if i == steps.len() {
                    // The crowd begins anew, with ids and times that were there before.
                    observatory.clear();
                    i = 0;
                }
                let at = Timestamp::from_ms(i as i64 * STEP_MS);
                observatory.step(at, &scene, &steps[i], |_| 0.8);
                i += 1;
            });
        });
    }
    group.finish();
}

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    for zones in ZONES {
        let mut engine = Engine::new(&scene(zones)).expect("the scene of the bench");
        let mut reel = Reel::new(OBJECTS, 600);
        // Until tracks, timers and buffers have their working size.
        for _ in 0..100 {
            reel.advance(&mut engine);
        }
        group.bench_function(BenchmarkId::from_parameter(zones), |b| b.iter(|| reel.advance(&mut engine)));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = facts, step
}
criterion_main!(benches);
