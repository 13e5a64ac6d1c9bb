//! Planes seen by known cameras, and mistakes that installers make.

use proptest::prelude::*;

use super::*;

fn p(x: f64, y: f64) -> Point {
    Point::new(x, y)
}

fn points(all: &[(f64, f64)]) -> Vec<Point> {
    all.iter().map(|&(x, y)| p(x, y)).collect()
}

/// A camera on a mast at the origin, looking along +y (metres) and down.
#[derive(Clone, Copy, Debug)]
struct Camera {
    height: f64,
    pitch: f64,
    focal: f64,
}

impl Camera {
    /// Where a ground position appears, in view units.
    fn sees(&self, m: Point) -> Point {
        let (sin, cos) = self.pitch.sin_cos();
        let depth = m.y * cos + self.height * sin;
        let down = self.height * cos - m.y * sin;
        p(0.9 + self.focal * m.x / depth, 0.5 + self.focal * down / depth)
    }

    fn horizon(&self) -> f64 {
        0.5 - self.focal * self.pitch.tan()
    }
}

const MAST: Camera = Camera { height: 6.0, pitch: 0.5, focal: 1.1 };

fn square() -> Vec<Point> {
    points(&[(-3.0, 4.0), (3.0, 4.0), (4.0, 20.0), (-4.0, 20.0)])
}

fn through(camera: Camera, metres: &[Point]) -> Result<GroundPlane, GroundError> {
    let image: Vec<Point> = metres.iter().map(|&m| camera.sees(m)).collect();
    GroundPlane::fit(&image, metres)
}

#[test]
fn a_plane_known_at_four_places_is_known_everywhere() {
    let plane = through(MAST, &square()).unwrap();
    for m in points(&[(0.0, 6.0), (-2.5, 12.0), (10.0, 35.0), (1.0, 2.0)]) {
        assert!(plane.to_metres(MAST.sees(m)).unwrap().distance(m) < 1e-9);
        assert!(plane.to_image(m).unwrap().distance(MAST.sees(m)) < 1e-9);
    }
    assert!(plane.rms_metres() < 1e-9);
}

#[test]
fn there_is_no_ground_beyond_the_horizon() {
    let plane = through(MAST, &square()).unwrap();
    for above in [0.0, 0.01, 0.3] {
        let sky = p(0.9, MAST.horizon() - above);
        assert_eq!(plane.to_metres(sky), None);
        assert_eq!((plane.scale_at(sky), plane.error_at(sky)), (None, None));
    }
    assert!(plane.to_metres(p(0.9, MAST.horizon() + 0.01)).unwrap().y > 100.0);
    // Behind the mast.
    assert_eq!(plane.to_image(p(0.0, -20.0)), None);
}

#[test]
fn scale_is_the_size_of_a_small_step() {
    let plane = through(MAST, &square()).unwrap();
    let at = MAST.sees(p(1.0, 10.0));
    let scale = plane.scale_at(at).unwrap();
    let step = |direction: Point| {
        let ends = [at - direction * 1e-6, at + direction * 1e-6].map(|q| plane.to_metres(q).unwrap());
        ends[0].distance(ends[1]) / 2e-6
    };
    let (worst, best) = (scale.direction, p(-scale.direction.y, scale.direction.x));
    assert!((step(worst) / scale.worst - 1.0).abs() < 1e-6);
    assert!(((step(worst) * step(best)).sqrt() / scale.mean - 1.0).abs() < 1e-6);
    assert!(
        scale.worst > scale.mean && worst.y.abs() > 0.9,
        "the worst direction is up and down the picture"
    );
    let further = plane.scale_at(MAST.sees(p(1.0, 20.0))).unwrap();
    assert!(further.mean > 1.5 * scale.mean);
    assert!((plane.error_at(at).unwrap() - 0.001 * scale.worst).abs() < 1e-9);
    assert_eq!(plane.error_for(at, 0.01), Some(0.01 * scale.worst));
}

#[test]
fn imprecise_clicks_are_averaged_and_their_error_is_told() {
    let metres: Vec<Point> =
        (0..12).map(|i| p(f64::from(i % 3) * 4.0 - 4.0, 5.0 + f64::from(i / 3) * 4.0)).collect();
    let image: Vec<Point> = metres
        .iter()
        .enumerate()
        .map(|(i, &m)| MAST.sees(m) + p([0.003, -0.002, 0.001][i % 3], [-0.002, 0.003][i % 2]))
        .collect();
    let plane = GroundPlane::fit(&image, &metres).unwrap();
    assert!(plane.rms_metres() > 0.01);
    for m in points(&[(0.0, 6.0), (3.0, 12.0), (-3.0, 15.0)]) {
        let at = MAST.sees(m);
        let error = plane.to_metres(at).unwrap().distance(m);
        assert!(error < 2.0 * plane.error_at(at).unwrap() && error < 0.2, "{error}");
    }
}

#[test]
fn mistakes_are_told_in_the_installers_words() {
    let fit = |image: &[(f64, f64)], metres: &[(f64, f64)]| {
        GroundPlane::fit(&points(image), &points(metres)).unwrap_err()
    };
    let corners = [(0.1, 0.9), (0.9, 0.9), (0.7, 0.3), (0.3, 0.3)];
    let metres = [(0.0, 0.0), (12.0, 0.0), (12.0, 30.0), (0.0, 30.0)];
    assert_eq!(fit(&corners[..3], &metres[..3]), GroundError::TooFewPoints(3));
    assert_eq!(fit(&corners, &metres[..3]), GroundError::Unequal { image: 4, metres: 3 });
    let nan = [(0.1, 0.9), (0.9, f64::NAN), (0.7, 0.3), (0.3, 0.3)];
    assert_eq!(fit(&nan, &metres), GroundError::NotFinite(1));
    let line = [(0.1, 0.9), (0.5, 0.9), (0.7, 0.3), (0.9, 0.901)];
    assert_eq!(fit(&line, &metres), GroundError::Collinear { list: "image", points: [0, 1, 3] });
    let repeated = [(0.0, 0.0), (12.0, 0.0), (12.0, 30.0), (12.0, 30.0)];
    assert!(matches!(fit(&corners, &repeated), GroundError::Collinear { list: "metres", .. }));
    let swapped = [(0.0, 0.0), (12.0, 0.0), (0.0, 30.0), (12.0, 30.0)];
    let error = fit(&corners, &swapped);
    assert!(matches!(error, GroundError::Horizon(_)), "{error}");
    assert!(error.to_string().contains("the same places in the same order"));
}

#[test]
fn a_long_narrow_street_is_not_a_line() {
    through(
        Camera { height: 8.0, pitch: 0.2, focal: 2.0 },
        &points(&[(-2.0, 15.0), (2.0, 15.0), (2.0, 200.0), (-2.0, 200.0)]),
    )
    .unwrap();
}

#[test]
fn the_pair_that_contradicts_the_others_is_named() {
    let metres =
        points(&[(-3.0, 4.0), (3.0, 4.0), (4.0, 20.0), (-4.0, 20.0), (0.0, 8.0), (2.0, 12.0), (-2.0, 15.0)]);
    for wrong in 0..metres.len() {
        let mut moved = metres.clone();
        moved[wrong] = moved[wrong] + p(3.0, -1.0);
        let image: Vec<Point> = metres.iter().map(|&m| MAST.sees(m)).collect();
        let error = GroundPlane::fit(&image, &moved).unwrap_err();
        let GroundError::Residual { pair, .. } = error else { panic!("{error}") };
        assert_eq!(pair, wrong);
        assert!(error.to_string().starts_with(&format!("pair {} does not fit the others", wrong + 1)));
    }
}

#[test]
fn large_national_coordinates_lose_no_precision() {
    let origin = p(652_000.0, 6_862_000.0);
    let metres: Vec<Point> = square().iter().map(|&m| m + origin).collect();
    let image: Vec<Point> = square().iter().map(|&m| MAST.sees(m)).collect();
    let plane = GroundPlane::fit(&image, &metres).unwrap();
    let m = p(1.0, 9.0);
    assert!(plane.to_metres(MAST.sees(m)).unwrap().distance(m + origin) < 1e-6);
    assert!(plane.to_image(m + origin).unwrap().distance(MAST.sees(m)) < 1e-6);
}

proptest! {
    #[test]
    fn fitting_undoes_any_camera(
        height in 3.0..20.0_f64,
        pitch in 0.2..1.3_f64,
        focal in 0.6..3.0_f64,
        places in prop::collection::vec((0.05..1.75_f64, 0.05..0.95_f64), 4..12),
        probe in (0.05..1.75_f64, 0.05..0.95_f64),
    ) {
        let camera = Camera { height, pitch, focal };
        // Places on the picture, well below the horizon, and where they are on the ground.
        let on_ground = |(x, y): (f64, f64)| {
            let y = y.max(camera.horizon() + 0.1);
            let (sin, cos) = pitch.sin_cos();
            let v = (y - 0.5) / focal;
            let far = height * (cos - v * sin) / (sin + v * cos);
            let depth = far * cos + height * sin;
            p((x - 0.9) / focal * depth, far)
        };
        let metres: Vec<Point> = places.iter().map(|&q| on_ground(q)).collect();
        match through(camera, &metres) {
            Ok(plane) => {
                let m = on_ground(probe);
                let seen = camera.sees(m);
                let scale = plane.scale_at(seen).unwrap();
                prop_assert!(plane.to_metres(seen).unwrap().distance(m) < 1e-5 * scale.worst);
                prop_assert!(plane.to_image(m).unwrap().distance(seen) < 1e-5);
                prop_assert!(plane.rms_metres() < 1e-5 * scale.worst.max(10.0));
            }
            Err(GroundError::Collinear { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
