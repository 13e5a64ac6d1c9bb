//! Plain examples; the laws are in `properties`.

use super::*;

fn p(x: f64, y: f64) -> Point {
    Point::new(x, y)
}

fn polygon(points: &[(f64, f64)]) -> Polygon {
    Polygon::new(points.iter().map(|&(x, y)| p(x, y)).collect()).unwrap()
}

fn refused(points: &[(f64, f64)]) -> PolygonError {
    Polygon::new(points.iter().map(|&(x, y)| p(x, y)).collect()).unwrap_err()
}

fn line(points: &[(f64, f64)]) -> Polyline {
    Polyline::new(points.iter().map(|&(x, y)| p(x, y)).collect()).unwrap()
}

fn net(line: &Polyline, a: Point, b: Point) -> i32 {
    line.crossings(a, b).map_or(0, |c| c.net)
}

/// A square from (1, 1) to (3, 3).
fn square() -> Polygon {
    polygon(&[(1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0)])
}

/// An open-topped vessel: a notch from (1, 0) to (2, 2) is cut out of the box (0, 0) to (3, 3).
fn vessel() -> Polygon {
    polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 2.0), (2.0, 2.0), (2.0, 0.0), (3.0, 0.0), (3.0, 3.0), (0.0, 3.0)])
}

#[test]
fn a_box_knows_its_measures() {
    let b = BBox::new(1.0, 2.0, 4.0, 6.0);
    assert_eq!((b.width(), b.height(), b.area(), b.diagonal()), (3.0, 4.0, 12.0, 5.0));
    assert_eq!((b.centre(), b.bottom_centre()), (p(2.5, 4.0), p(2.5, 6.0)));
    let other = BBox::new(3.0, 5.0, 5.0, 7.0);
    assert_eq!(b.intersection_area(&other), 1.0);
    assert_eq!(b.iou(&other), 1.0 / 15.0);
    assert_eq!(b.iou(&BBox::new(8.0, 8.0, 9.0, 9.0)), 0.0);
    assert_eq!(BBox::default().iou(&BBox::default()), 0.0);
    assert_eq!(b.hull(&other), BBox::new(1.0, 2.0, 5.0, 7.0));
    assert!(b.contains(p(1.0, 6.0)) && !b.contains(p(0.9, 3.0)));
    assert_eq!((b.distance(p(2.0, 3.0)), b.distance(p(7.0, 10.0))), (0.0, 5.0));
    assert_eq!(BBox::around(&[p(2.0, 1.0), p(0.0, 5.0)]), Some(BBox::new(0.0, 1.0, 2.0, 5.0)));
}

#[test]
fn boundary_points_are_exactly_on_the_boundary() {
    let zone = vessel();
    for q in [p(0.0, 0.0), p(0.5, 0.0), p(1.0, 1.0), p(1.5, 2.0), p(2.0, 0.0), p(3.0, 3.0)] {
        assert_eq!(zone.contains(q), Containment::Boundary, "{q:?}");
        assert!(zone.covers(q));
        assert_eq!(zone.distance(q), 0.0);
    }
    for (q, expected) in [
        (p(0.5, 1.0), Containment::Inside),
        (p(1.5, 2.5), Containment::Inside),
        (p(0.5, 2.0), Containment::Inside),
        (p(1.5, 1.0), Containment::Outside),
        (p(1.5, 0.0), Containment::Outside),
        (p(3.5, 2.0), Containment::Outside),
        (p(1.0 + f64::EPSILON, 1.0), Containment::Outside),
        (p(1.0 - f64::EPSILON, 1.0), Containment::Inside),
    ] {
        assert_eq!(zone.contains(q), expected, "{q:?}");
    }
}

#[test]
fn mistakes_are_told_in_the_installers_words() {
    assert_eq!(refused(&[(0.0, 0.0), (1.0, 0.0)]), PolygonError::TooFewPoints(2));
    assert_eq!(refused(&[(0.0, 0.0), (1.0, 0.0), (0.0, 0.0)]), PolygonError::TooFewPoints(2));
    assert_eq!(refused(&[(0.0, 0.0), (1.0, f64::NAN), (0.0, 1.0)]), PolygonError::NotFinite(1));
    assert_eq!(refused(&[(0.0, 0.0), (1.0, 0.0), (1.0, 0.0), (0.0, 1.0)]), PolygonError::RepeatedPoint(2));
    assert_eq!(refused(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]), PolygonError::NoArea);
    assert_eq!(refused(&[(0.0, 0.0), (1.0, 0.0), (0.5, 1e-14)]), PolygonError::NoArea);
    let bow_tie = refused(&[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)]);
    assert_eq!(bow_tie, PolygonError::SelfCrossing { first: 0, second: 2, count: 4 });
    assert_eq!(bow_tie.to_string(), "its edges 1-2 and 3-4 cross; draw the points in order around the zone");
    let spike = refused(&[(0.0, 0.0), (2.0, 0.0), (1.0, 0.0), (1.0, 1.0)]);
    assert_eq!(spike, PolygonError::SelfCrossing { first: 0, second: 1, count: 4 });
    let closing = refused(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (2.0, 0.0)]);
    assert_eq!(closing.to_string(), "its edges 1-2 and 4-1 cross; draw the points in order around the zone");
    assert_eq!(Polyline::new(vec![p(0.0, 0.0)]).unwrap_err(), PolylineError::TooFewPoints(1));
    let twice = Polyline::new(vec![p(0.0, 0.0), p(1.0, 0.0), p(1.0, 0.0)]).unwrap_err();
    assert_eq!(twice.to_string(), "points 2 and 3 are the same; leave out one of them");
}

#[test]
fn a_ring_closed_by_its_first_point_is_the_open_one() {
    let closed = polygon(&[(1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0), (1.0, 1.0)]);
    assert_eq!(closed, square());
}

#[test]
fn area_and_centroid_hold_for_either_direction() {
    assert_eq!((vessel().area(), square().area()), (7.0, 4.0));
    assert_eq!(square().centroid(), p(2.0, 2.0));
    let backwards = polygon(&[(1.0, 3.0), (3.0, 3.0), (3.0, 1.0), (1.0, 1.0)]);
    assert_eq!((backwards.area(), backwards.centroid()), (4.0, p(2.0, 2.0)));
}

#[test]
fn overlap_is_the_share_of_the_box() {
    let zone = vessel();
    assert_eq!(zone.overlap(&BBox::new(0.0, 0.0, 3.0, 3.0)), 7.0 / 9.0);
    assert_eq!(zone.overlap(&BBox::new(1.0, 0.0, 2.0, 2.0)), 0.0);
    assert_eq!(zone.overlap(&BBox::new(0.5, 0.0, 1.5, 1.0)), 0.5);
    assert_eq!(zone.overlap(&BBox::new(0.2, 2.2, 0.8, 2.8)), 1.0);
    assert_eq!(zone.overlap(&BBox::new(5.0, 5.0, 6.0, 6.0)), 0.0);
    assert_eq!(zone.overlap(&BBox::new(-1.0, -1.0, 5.0, 5.0)), 7.0 / 36.0);
    assert_eq!(zone.overlap(&BBox::new(0.5, 1.0, 0.5, 1.0)), 1.0);
}

#[test]
fn a_movement_enters_stays_leaves_or_crosses() {
    let zone = square();
    assert_eq!(zone.passage(p(0.0, 2.0), p(2.0, 2.0)), Passage::Enter { t: 0.5 });
    assert_eq!(zone.passage(p(1.5, 2.0), p(2.0, 2.5)), Passage::Inside);
    assert_eq!(zone.passage(p(2.0, 2.0), p(2.0, 4.0)), Passage::Leave { t: 0.5 });
    assert_eq!(zone.passage(p(0.0, 2.0), p(4.0, 2.0)), Passage::Cross { t_in: 0.25, t_out: 0.75 });
    assert_eq!(zone.passage(p(0.0, 0.5), p(4.0, 0.5)), Passage::Outside);
    assert_eq!(zone.passage(p(2.0, 2.0), p(2.0, 2.0)), Passage::Inside);
    assert_eq!(zone.passage(p(0.0, 0.0), p(0.0, 0.0)), Passage::Outside);
}

#[test]
fn touching_is_not_crossing() {
    let zone = square();
    // A corner, and along an edge.
    assert_eq!(zone.passage(p(0.0, 2.0), p(2.0, 0.0)), Passage::Outside);
    assert_eq!(zone.passage(p(0.0, 1.0), p(4.0, 1.0)), Passage::Outside);
    // Through two opposite corners is a crossing.
    assert_eq!(zone.passage(p(0.0, 0.0), p(4.0, 4.0)), Passage::Cross { t_in: 0.25, t_out: 0.75 });
    // A sample on the edge is in, so it enters with it and leaves from it.
    assert_eq!(zone.passage(p(0.0, 2.0), p(1.0, 2.0)), Passage::Enter { t: 1.0 });
    assert_eq!(zone.passage(p(1.0, 2.0), p(0.0, 2.0)), Passage::Leave { t: 0.0 });
    assert_eq!(zone.passage(p(1.0, 2.0), p(5.0, 2.0)), Passage::Leave { t: 0.5 });
}

#[test]
fn a_concave_zone_gives_first_entry_and_last_exit() {
    let zone = vessel();
    let passage = zone.passage(p(-1.0, 1.0), p(4.0, 1.0));
    assert_eq!(passage, Passage::Cross { t_in: 0.2, t_out: 0.8 });
    assert_eq!(zone.passage(p(0.5, 1.0), p(2.5, 1.0)), Passage::Inside);
    assert_eq!(zone.passage(p(1.5, 1.0), p(4.0, 1.0)), Passage::Cross { t_in: 0.2, t_out: 0.6 });
    // Along the notch's bottom edge, with the inside before and after it.
    assert_eq!(zone.passage(p(-1.0, 2.0), p(4.0, 2.0)), Passage::Cross { t_in: 0.2, t_out: 0.8 });
}

#[test]
fn down_the_picture_over_a_line_drawn_rightwards_is_left_to_right() {
    let gate = line(&[(0.2, 0.5), (0.8, 0.5)]);
    let crossing = gate.crossings(p(0.5, 0.4), p(0.5, 0.6)).unwrap();
    assert_eq!((crossing.net, crossing.angle_rad), (1, std::f64::consts::FRAC_PI_2));
    assert!((crossing.t - 0.5).abs() < 1e-12);
    assert_eq!(net(&gate, p(0.5, 0.6), p(0.5, 0.4)), -1);
    // Drawn downwards: its left side is on the right of the picture.
    let gate = line(&[(0.5, 0.2), (0.5, 0.8)]);
    assert_eq!(net(&gate, p(0.6, 0.5), p(0.4, 0.5)), 1);
    // Round the end, and short of the line.
    assert_eq!(gate.crossings(p(0.6, 0.9), p(0.4, 0.9)), None);
    assert_eq!(gate.crossings(p(0.7, 0.5), p(0.6, 0.5)), None);
}

#[test]
fn the_angle_is_between_movement_and_line() {
    let gate = line(&[(0.0, 0.0), (2.0, 0.0)]);
    let angle = |a, b| gate.crossings(a, b).unwrap().angle_rad.to_degrees();
    assert!((angle(p(0.5, -0.5), p(1.5, 0.5)) - 45.0).abs() < 1e-9);
    assert!((angle(p(1.5, -0.5), p(0.5, 0.5)) - 45.0).abs() < 1e-9);
    assert!((angle(p(0.5, 0.5), p(1.5, -0.5)) - 45.0).abs() < 1e-9);
}

#[test]
fn a_sample_on_the_line_counts_once_or_not_at_all() {
    for gate in [line(&[(0.0, 1.0), (2.0, 1.0)]), line(&[(2.0, 1.0), (0.0, 1.0)])] {
        let (above, on, below) = (p(1.0, 0.0), p(1.0, 1.0), p(1.0, 2.0));
        let through = net(&gate, above, below);
        assert_eq!(through.abs(), 1);
        assert_eq!(net(&gate, above, on) + net(&gate, on, below), through);
        assert_eq!(net(&gate, below, on) + net(&gate, on, above), -through);
        assert_eq!(net(&gate, above, on) + net(&gate, on, above), 0);
        assert_eq!(net(&gate, below, on) + net(&gate, on, below), 0);
        assert_eq!(net(&gate, on, p(1.5, 1.0)), 0);
    }
}

#[test]
fn a_bend_hit_exactly_counts_once() {
    let bent = line(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)]);
    assert_eq!(net(&bent, p(1.0, 0.0), p(1.0, 2.0)).abs(), 1);
    // Touching the tip from outside and passing by, going along: in one side and out again.
    assert_eq!(net(&bent, p(0.0, 1.0), p(2.0, 1.0)), 0);
    // In by one leg, out by the other: no net crossing.
    assert_eq!(bent.crossings(p(-1.0, 0.5), p(3.0, 0.5)), None);
    // A zigzag crossed three times counts once, at the last crossing that way.
    let zigzag = line(&[(0.0, 0.0), (4.0, 1.0), (0.0, 2.0), (4.0, 3.0)]);
    let crossing = zigzag.crossings(p(2.0, 4.0), p(2.0, -1.0)).unwrap();
    assert_eq!((crossing.net.abs(), (crossing.t * 100.0).round()), (1, 70.0));
}

#[test]
fn projection_measures_along_and_beside() {
    let route = line(&[(0.0, 0.0), (3.0, 0.0), (3.0, 4.0)]);
    assert_eq!(route.length(), 7.0);
    assert_eq!(route.project(p(1.0, 0.5)), (1.0, 0.5));
    assert_eq!(route.project(p(1.0, -0.5)), (1.0, -0.5));
    assert_eq!(route.project(p(2.0, 3.0)), (6.0, 1.0));
    assert_eq!(route.project(p(3.0, 9.0)), (7.0, 5.0));
    assert_eq!(route.distance(p(-3.0, -4.0)), 5.0);
    // In the wedge outside the bend the point is on the left, wherever it is.
    for q in [p(6.0, -4.0), p(3.1, -4.0), p(6.0, -0.1)] {
        assert!(route.project(q).1 < 0.0, "{q:?}");
    }
}

#[test]
fn an_offset_past_the_end_is_from_the_line_prolonged() {
    let route = line(&[(0.0, 0.0), (3.0, 0.0), (3.0, 4.0)]);
    assert_eq!(route.offset(p(1.0, 0.5)), (0.5, false));
    assert_eq!(route.offset(p(-2.0, 0.5)), (0.5, true));
    assert_eq!(route.offset(p(3.5, 9.0)), (-0.5, true));
    assert_eq!(route.offset(p(6.0, -4.0)), (-5.0, false), "outside a bend is beside the line");
}
