use super::{Affine, Track, Tracker};
use crate::detection::{Detections, Group};
use crate::time::Timestamp;

const ASPECT: f64 = 16.0 / 9.0;
const HEIGHT: f64 = 0.2;

/// Somebody: feet in view units, height, score.
type Body = (f64, f64, f64, f32);

fn picture(bodies: &[Body]) -> Detections {
    let relative = |v: f64, scale: f64| (v / scale) as f32;
    let (mut xyxy, mut score) = (Vec::new(), Vec::new());
    for &(x, y, height, sure) in bodies {
        let half = 0.2 * height;
        let (left, right) = ((x - half).max(0.0), (x + half).min(ASPECT));
        let (top, bottom) = ((y - height).max(0.0), y.min(1.0));
        if left < right && top < bottom {
            xyxy.extend([relative(left, ASPECT), top as f32, relative(right, ASPECT), bottom as f32]);
            score.push(sure);
        }
    }
    let mut detections = Detections::default();
    let classes = vec![0; score.len()];
    detections.fill(ASPECT, &[Group::Person], &xyxy, &score, &classes).expect("boxes in the picture");
    detections
}

/// Plays pictures at this rate; gives the tracks of each step.
fn play(fps: f64, seconds: f64, bodies: impl Fn(f64) -> Vec<Body>) -> Vec<Vec<Track>> {
    let mut tracker = Tracker::new();
    (0..(seconds * fps) as i64)
        .map(|i| {
            let at = Timestamp::from_ms((i as f64 * 1000.0 / fps).round() as i64);
            tracker.step(at, &picture(&bodies(at.ms() as f64 / 1000.0)), None);
            tracker.tracks().to_vec()
        })
        .collect()
}

fn ids(tracks: &[Vec<Track>]) -> Vec<u64> {
    let mut ids: Vec<u64> = tracks.iter().flatten().map(|track| track.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// A row of six, two body heights apart.
fn row(dx: f64, dy: f64) -> Vec<Body> {
    (0..6).map(|i| (0.2 + 0.25 * f64::from(i) + dx, 0.5 + 0.03 * f64::from(i) + dy, 0.125, 0.9)).collect()
}

#[test]
fn one_walk_is_one_track_at_any_rate() {
    for fps in [2.0, 5.0, 12.5, 30.0] {
        let tracks = play(fps, 6.0, |t| vec![(0.2 + 0.2 * t, 0.6, HEIGHT, 0.9)]);
        assert_eq!(ids(&tracks), [1], "{fps}");
        let velocity = tracks.last().expect("steps")[0].velocity;
        assert!((velocity.x - 0.2).abs() < 0.03, "{fps}: {velocity:?}");
    }
}

#[test]
fn who_walks_past_another_keeps_their_track() {
    for fps in [5.0, 10.0, 30.0] {
        let tracks =
            play(fps, 8.0, |t| vec![(0.3 + 0.15 * t, 0.6, HEIGHT, 0.9), (1.5 - 0.15 * t, 0.61, HEIGHT, 0.9)]);
        let last = tracks.last().expect("steps");
        assert_eq!(last.len(), 2);
        assert!(last[0].bbox.centre().x > last[1].bbox.centre().x, "{fps}: they walked on, not back");
    }
}

#[test]
fn a_camera_that_shakes_by_most_of_a_body_mixes_nobody_up() {
    let shake =
        |t: f64| if t < 1.0 { (0.0, 0.0) } else { (0.07 * (17.0 * t).sin(), 0.03 * (23.0 * t).cos()) };
    let tracks = play(10.0, 6.0, |t| row(shake(t).0, shake(t).1));
    assert_eq!(ids(&tracks), [1, 2, 3, 4, 5, 6]);
    for track in tracks.last().expect("steps") {
        let place = 0.2 + 0.25 * (track.id - 1) as f64 + shake(5.9).0;
        assert!((track.bbox.centre().x - place).abs() < 0.03, "{track:?}");
    }
}

#[test]
fn a_known_motion_of_the_camera_carries_a_lone_body_along() {
    // Two body heights in a fifth of a second: nobody's walk, but the camera says that it was its own.
    let mut tracker = Tracker::new();
    let pan = Affine([1.0, 0.0, 0.4, 0.0, 1.0, 0.0]);
    for i in 0..3 {
        tracker.step(Timestamp::from_ms(200 * i), &picture(&[(0.4, 0.6, HEIGHT, 0.9)]), None);
    }
    tracker.step(Timestamp::from_ms(600), &picture(&[(0.8, 0.6, HEIGHT, 0.9)]), Some(&pan));
    assert_eq!(tracker.tracks().len(), 1);
    assert_eq!((tracker.tracks()[0].id, tracker.tracks()[0].det), (1, Some(0)));
    assert!(tracker.tracks()[0].velocity.norm() < 0.05, "{:?}", tracker.tracks()[0].velocity);
}

#[test]
fn a_zoom_grows_what_it_shows() {
    let mut tracker = Tracker::new();
    let zoom = Affine([1.5, 0.0, -0.5 * 0.9, 0.0, 1.5, -0.5 * 0.5]);
    for i in 0..3 {
        tracker.step(Timestamp::from_ms(200 * i), &picture(&[(1.1, 0.6, HEIGHT, 0.9)]), None);
    }
    tracker.step(Timestamp::from_ms(600), &picture(&[]), Some(&zoom));
    let coasting = tracker.tracks()[0];
    assert_eq!(coasting.det, None);
    assert!((coasting.bbox.height() - 1.5 * HEIGHT).abs() < 0.01, "{coasting:?}");
    assert!((coasting.bbox.centre().x - (1.5 * 1.1 - 0.45)).abs() < 0.01, "{coasting:?}");
}

#[test]
fn a_weak_detection_does_not_make_its_track_take_the_neighbours() {
    // From the second second on the left one is half hidden; both walk to the right, half a body apart.
    let tracks = play(10.0, 5.0, |t| {
        let sure = if t < 2.0 { 0.9 } else { 0.3 };
        vec![(0.3 + 0.1 * t, 0.6, HEIGHT, sure), (0.4 + 0.1 * t, 0.6, HEIGHT, 0.9)]
    });
    assert_eq!(ids(&tracks), [1, 2]);
    let last = tracks.last().expect("steps");
    assert!(last.iter().all(|track| track.det.is_some()));
    assert!(last[0].bbox.centre().x < last[1].bbox.centre().x);
}

#[test]
fn a_track_that_nobody_sees_is_marked_and_ends() {
    let tracks = play(5.0, 8.0, |t| if t < 3.0 { vec![(0.3 + 0.1 * t, 0.6, HEIGHT, 0.9)] } else { vec![] });
    let after = |seconds: f64| &tracks[(5.0 * (3.0 + seconds)) as usize];
    let coasting = after(1.0)[0];
    assert_eq!((coasting.id, coasting.det), (1, None));
    assert!(coasting.bbox.centre().x > 0.3 + 0.1 * 3.4, "it is expected to walk on");
    assert!(after(3.0).is_empty());
}

#[test]
fn somebody_who_comes_in_over_the_border_is_one_from_the_first_glimpse() {
    for fps in [5.0, 10.0, 30.0] {
        let tracks = play(fps, 4.0, |t| vec![(0.9, 0.02 + 0.15 * t, 0.25, 0.9)]);
        assert_eq!(ids(&tracks).len(), 1, "{fps}");
    }
}

#[test]
fn a_doubtful_thing_takes_longer_to_be_believed_but_a_flicker_never_is() {
    let seen = |fps: f64, sure: f32, looks: usize| {
        let tracks = play(fps, 1.0, |t| {
            if t * fps < looks as f64 - 0.5 { vec![(0.5, 0.6, HEIGHT, sure)] } else { vec![] }
        });
        !ids(&tracks).is_empty()
    };
    assert!(!seen(30.0, 0.99, 1), "one look");
    assert!(seen(30.0, 0.95, 2), "two sure looks");
    assert!(!seen(30.0, 0.55, 2), "two doubtful looks at nearly the same picture");
    assert!(seen(30.0, 0.55, 4), "four of them");
    assert!(seen(5.0, 0.55, 2), "two doubtful looks a fifth of a second apart");
}
