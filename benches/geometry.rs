//! What one question to a zone, a line or the ground plane costs: `cargo bench --bench geometry`.

use std::hint::black_box;
use std::time::Duration;

use beffroi::geometry::{BBox, Point, Polygon, Polyline};
use beffroi::ground::GroundPlane;
use criterion::{Criterion, criterion_group, criterion_main};

/// A star with `n` corners around the middle of the picture: half of its corners point inwards.
fn star(n: usize) -> Vec<Point> {
    (0..n)
        .map(|i| {
            let (sin, cos) = (std::f64::consts::TAU * i as f64 / n as f64).sin_cos();
            let radius = if i % 2 == 0 { 0.4 } else { 0.25 };
            Point::new(0.9 + radius * cos, 0.5 + radius * sin)
        })
        .collect()
}

/// Places all over the picture, most of them outside the zone, in no order that a processor could guess.
fn places() -> Vec<Point> {
    (0..1024_u32)
        .map(|i| Point::new(f64::from(i * 619 % 1024) / 576.0, f64::from(i * 373 % 1024) / 1024.0))
        .collect()
}

fn geometry(criterion: &mut Criterion) {
    let places = places();
    // Each measurement asks about the next place, and the next after it.
    let ask = |criterion: &mut Criterion, name: &str, question: &mut dyn FnMut(Point, Point)| {
        let mut i = 0;
        criterion.bench_function(name, |b| {
            b.iter(|| {
                i = (i + 1) % (places.len() - 1);
                question(places[i], places[i + 1]);
            });
        });
    };
    for corners in [6, 24] {
        let zone = Polygon::new(star(corners)).expect("a star");
        ask(criterion, &format!("contains/{corners}"), &mut |p, _| {
            black_box(zone.contains(p));
        });
        ask(criterion, &format!("distance/{corners}"), &mut |p, _| {
            black_box(zone.distance(p));
        });
        ask(criterion, &format!("overlap/{corners}"), &mut |p, _| {
            black_box(zone.overlap(&BBox::new(p.x, p.y, p.x + 0.1, p.y + 0.25)));
        });
        ask(criterion, &format!("passage/{corners}"), &mut |a, b| {
            black_box(zone.passage(a, a.lerp(b, 0.05)));
        });
        let line = Polyline::new(star(corners)).expect("a line");
        ask(criterion, &format!("crossings/{corners}"), &mut |a, b| {
            black_box(line.crossings(a, a.lerp(b, 0.05)));
        });
    }
    let image = [(0.1, 0.9), (1.6, 0.9), (1.2, 0.3), (0.5, 0.3)].map(|(x, y)| Point::new(x, y));
    let metres = [(0.0, 0.0), (12.0, 0.0), (12.0, 30.0), (0.0, 30.0)].map(|(x, y)| Point::new(x, y));
    let plane = GroundPlane::fit(&image, &metres).expect("a plane");
    ask(criterion, "to_metres", &mut |p, _| {
        black_box(plane.to_metres(p));
    });
    ask(criterion, "scale_at", &mut |p, _| {
        black_box(plane.scale_at(p));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    targets = geometry
}
criterion_main!(benches);
