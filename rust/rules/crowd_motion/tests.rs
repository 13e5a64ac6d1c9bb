use super::*;
use proptest::prelude::*;
use std::f64::consts::TAU;

fn circle(n: usize, turn: f64) -> (Vec<Point>, Vec<Point>) {
    let on = |angle: f64| Point::new(angle.cos(), angle.sin());
    let angle = |i: usize| i as f64 / n as f64 * TAU;
    let places = (0..n).map(|i| on(angle(i))).collect();
    (places, (0..n).map(|i| on(angle(i) + turn) * 2.0).collect())
}

#[test]
fn a_burst_leads_outwards_and_a_parade_one_way() {
    let (places, burst) = circle(8, 0.0);
    let all = motion(&places, &burst, &mut Vec::new());
    assert!(all.outwards > 1.5 && all.coherence < 0.01 && (all.speed - 2.0).abs() < 1e-9, "{all:?}");
    let (_, inwards) = circle(8, TAU / 2.0);
    assert!(motion(&places, &inwards, &mut Vec::new()).outwards < -1.5);
    let parade = vec![Point::new(0.0, 3.0); 8];
    let all = motion(&places, &parade, &mut Vec::new());
    assert!((all.coherence - 1.0).abs() < 1e-9 && all.outwards.abs() < 0.6 * all.speed, "{all:?}");
}

proptest! {
    #[test]
    fn the_statistics_do_not_care_about_order_or_place(
        crowd in proptest::collection::vec((-1.0..1.0, -1.0..1.0, -3.0..3.0, -3.0..3.0), 1..30),
        shift in -9.0..9.0,
    ) {
        let split = |crowd: &[(f64, f64, f64, f64)], shift: f64| {
            let places: Vec<Point> = crowd.iter().map(|c| Point::new(c.0 + shift, c.1)).collect();
            let velocities: Vec<Point> = crowd.iter().map(|c| Point::new(c.2, c.3)).collect();
            motion(&places, &velocities, &mut Vec::new())
        };
        let a = split(&crowd, 0.0);
        let reversed: Vec<_> = crowd.iter().rev().copied().collect();
        let b = split(&reversed, shift);
        prop_assert!((a.speed - b.speed).abs() < 1e-9 && (a.coherence - b.coherence).abs() < 1e-9);
        prop_assert!((a.outwards - b.outwards).abs() < 1e-6, "{a:?} {b:?}");
        prop_assert!((0.0..=1.0 + 1e-9).contains(&a.coherence) && a.outwards.abs() <= a.speed.max(5.0));
    }
}
