//! Laws of the geometry, against the `geo` crate as oracle.

use geo::{Area, Centroid, Contains, Distance, Euclidean, Intersects};
use proptest::prelude::*;

use super::*;

fn p(x: f64, y: f64) -> Point {
    Point::new(x, y)
}

fn net(line: &Polyline, a: Point, b: Point) -> i32 {
    line.crossings(a, b).map_or(0, |c| c.net)
}

fn coordinate() -> impl Strategy<Value = f64> {
    // A coarse grid makes exact hits, common edges and collinear triples likely; the other half is arbitrary.
    prop_oneof![(-4..=4_i32).prop_map(f64::from), -4.0..4.0_f64]
}

fn point() -> impl Strategy<Value = Point> {
    (coordinate(), coordinate()).prop_map(|(x, y)| p(x, y))
}

/// Simple polygons: points around a centre in order of angle, at any radius, hence often concave.
fn star() -> impl Strategy<Value = Polygon> {
    (point(), prop::collection::vec((0.3..4.0_f64, 0.05..1.0_f64), 3..12)).prop_filter_map(
        "not simple",
        |(c, rays)| {
            let total: f64 = rays.iter().map(|r| r.1).sum();
            let mut angle = 0.0;
            let points = rays.iter().map(|&(radius, step)| {
                angle += step / total * std::f64::consts::TAU;
                c + p(angle.cos(), angle.sin()) * radius
            });
            Polygon::new(points.collect()).ok()
        },
    )
}

fn oracle(points: &[Point]) -> geo::Polygon {
    geo::Polygon::new(points.iter().map(|q| (q.x, q.y)).collect(), vec![])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn containment_is_geos(points in prop::collection::vec(point(), 3..9), q in point()) {
        if let Ok(zone) = Polygon::new(points) {
            let other = oracle(zone.points());
            let gp = geo::Point::new(q.x, q.y);
            let expected = if other.contains(&gp) {
                Containment::Inside
            } else if other.intersects(&gp) {
                Containment::Boundary
            } else {
                Containment::Outside
            };
            prop_assert_eq!(zone.contains(q), expected);
        }
    }

    #[test]
    fn measures_are_geos(zone in star(), q in point()) {
        let other = oracle(zone.points());
        prop_assert!((zone.area() - other.unsigned_area()).abs() < 1e-9);
        let centroid = other.centroid().unwrap();
        prop_assert!(zone.centroid().distance(p(centroid.x(), centroid.y())) < 1e-6);
        let expected = Euclidean.distance(&geo::Point::new(q.x, q.y), other.exterior());
        prop_assert!((zone.distance(q) - expected).abs() < 1e-9);
        let route = Polyline::new(zone.points().to_vec()).unwrap();
        let string: geo::LineString = zone.points().iter().map(|r| (r.x, r.y)).collect();
        let expected = Euclidean.distance(&geo::Point::new(q.x, q.y), &string);
        prop_assert!((route.distance(q) - expected).abs() < 1e-9);
        prop_assert!((route.project(q).1.abs() - expected).abs() < 1e-9);
    }

    #[test]
    fn overlap_is_geos(zone in star(), a in point(), size in (0.01..5.0_f64, 0.01..5.0_f64)) {
        use geo::BooleanOps;
        let b = BBox::new(a.x, a.y, a.x + size.0, a.y + size.1);
        let rectangle = oracle(&[a, p(b.x2, b.y1), p(b.x2, b.y2), p(b.x1, b.y2)]);
        let expected = oracle(zone.points()).intersection(&rectangle).unsigned_area() / b.area();
        // geo's clipping snaps to a grid of its own, hence the tolerance.
        prop_assert!((zone.overlap(&b) - expected).abs() < 1e-6, "{} {}", zone.overlap(&b), expected);
    }

    #[test]
    fn self_crossing_is_geos_invalidity(points in prop::collection::vec(point(), 3..8)) {
        use geo::Validation;
        let valid = oracle(&points).is_valid();
        match Polygon::new(points.clone()) {
            Ok(_) => prop_assert!(valid),
            Err(PolygonError::SelfCrossing { first, second, count }) => {
                prop_assert!(!valid);
                prop_assert!(first < second && second < count);
            }
            // The oracle tolerates repeated neighbours, which enclose nothing and are a slip of the hand.
            Err(PolygonError::RepeatedPoint(_) | PolygonError::TooFewPoints(_)) => {}
            // It also calls some flat rings valid.
            Err(PolygonError::NoArea) => prop_assert!(oracle(&points).unsigned_area() < 1e-9),
            Err(other) => prop_assert!(!valid, "{other}"),
        }
    }

    #[test]
    fn passages_of_a_path_fit_together(zone in star(), path in prop::collection::vec(point(), 2..20)) {
        for s in path.windows(2) {
            let (a, b) = (s[0], s[1]);
            let (before, after) = (zone.covers(a), zone.covers(b));
            match zone.passage(a, b) {
                Passage::Outside => {
                    prop_assert!(!before && !after);
                    for i in 1..50 {
                        let q = a.lerp(b, f64::from(i) / 50.0);
                        prop_assert!(!zone.covers(q) || zone.distance(q) < 1e-9);
                    }
                }
                Passage::Inside => prop_assert!(before && after),
                Passage::Enter { t } => {
                    prop_assert!(!before && after);
                    prop_assert!(zone.distance(a.lerp(b, t)) < 1e-9);
                }
                Passage::Leave { t } => {
                    prop_assert!(before && !after);
                    prop_assert!(zone.distance(a.lerp(b, t)) < 1e-9);
                }
                Passage::Cross { t_in, t_out } => {
                    prop_assert!(!before && !after && 0.0 < t_in && t_in < t_out && t_out < 1.0);
                    prop_assert!(zone.distance(a.lerp(b, t_in)) < 1e-9 && zone.distance(a.lerp(b, t_out)) < 1e-9);
                }
            }
        }
    }

    /// A closed walk crosses the boundary of a zone, drawn as a closed line, as often in as out; a walk between two
    /// points crosses it once in sum if and only if one of them is inside.
    #[test]
    fn crossings_of_a_ring_are_its_winding(zone in star(), walk in prop::collection::vec(point(), 2..20)) {
        let mut ring = zone.points().to_vec();
        ring.push(ring[0]);
        let ring = Polyline::new(ring).unwrap();
        let sum: i32 = walk.windows(2).map(|s| net(&ring, s[0], s[1])).sum();
        let (first, last) = (walk[0], walk[walk.len() - 1]);
        prop_assert_eq!(sum + net(&ring, last, first), 0);
        let (inside, after) = (zone.contains(first), zone.contains(last));
        if inside != Containment::Boundary && after != Containment::Boundary {
            prop_assert_eq!(sum.abs(), i32::from(inside != after));
        }
    }

    /// The count does not depend on how often a straight way is sampled, also when the samples hit the line.
    #[test]
    fn crossings_do_not_depend_on_the_steps(
        drawn in prop::collection::vec((-4..=4_i32, -4..=4_i32), 2..6),
        from in (-16..=16_i32, -16..=16_i32),
        to in (-16..=16_i32, -16..=16_i32),
    ) {
        let points = drawn.iter().map(|&(x, y)| p(f64::from(x), f64::from(y))).collect();
        if let Ok(gate) = Polyline::new(points) {
            // Multiples of 1/4 cut in four: exact in floats, so the steps are truly on the straight way.
            let at = |(x, y): (i32, i32)| p(f64::from(x) / 4.0, f64::from(y) / 4.0);
            let (a, b) = (at(from), at(to));
            let step = (b - a) * 0.25;
            let samples: Vec<Point> = (0..=4).map(|i| a + step * f64::from(i)).collect();
            let sum: i32 = samples.windows(2).map(|s| net(&gate, s[0], s[1])).sum();
            prop_assert_eq!(sum, net(&gate, a, b));
            prop_assert_eq!(net(&gate, b, a), -sum);
        }
    }

    /// Drawn the other way round, a line counts the same with the opposite sign.
    #[test]
    fn reversing_the_line_reverses_the_sign(
        points in prop::collection::vec(point(), 2..6), a in point(), b in point(),
    ) {
        let mut reversed = points.clone();
        reversed.reverse();
        if let (Ok(there), Ok(back)) = (Polyline::new(points), Polyline::new(reversed)) {
            prop_assert_eq!(net(&there, a, b), -net(&back, a, b));
            if let Some(crossing) = there.crossings(a, b) {
                prop_assert!(there.distance(a.lerp(b, crossing.t)) < 1e-9);
            }
        }
    }
}
