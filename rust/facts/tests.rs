//! The facts of the observatory on random walks.

use super::{Anchor, Observatory, Probes};
use crate::detection::{Detections, Group};
use crate::scene::Scene;
use crate::subject::Subjects;
use crate::time::{Span, Timestamp};
use crate::track::Tracker;
use proptest::prelude::*;

const SCENE: &str = r#"{"classes": ["person", "car"],
    "zones": {"a": [[0.2, 0.2], [0.4, 0.25], [0.35, 0.9], [0.3, 0.4], [0.15, 0.8]], "b": [[0.6, 0.0], [0.62, 0.0], [0.62, 1.0], [0.6, 1.0]]},
    "lines": {"l": [[0.1, 0.1], [0.9, 0.9]], "m": [[0.5, 0.1], [0.45, 0.5], [0.5, 0.95]]}}"#;

fn probes() -> Probes {
    let mut probes = Probes::default();
    for anchor in [Anchor::Auto, Anchor::Feet, Anchor::Centre] {
        for place in 0..2 {
            probes.zone(place, anchor);
            probes.line(place, anchor, 0.2);
        }
    }
    // Among them one that reaches further than its neighbours.
    probes.line(0, Anchor::Centre, 0.7);
    probes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Asking only the probes that can be touched finds what asking all of them finds.
    #[test]
    fn nothing_is_missed_where_nothing_is_near(
        start in prop::collection::vec((0.0..1.0_f32, 0.0..0.8_f32, 0_u16..2), 1..4),
        ways in prop::collection::vec((50_i64..900, prop::collection::vec((-0.12..0.12_f32, -0.12..0.12_f32, prop::bool::weighted(0.8)), 4)), 1..60),
    ) {
        let (scene, _) = Scene::read(SCENE).expect("the scene");
        let (mut some, mut all) = (Observatory::new(probes(), &scene), Observatory::new(probes(), &scene));
        all.ask_all();
        let (mut tracker, mut subjects) = (Tracker::new(), Subjects::new(scene.aspect));
        let (mut detections, mut walkers, mut at) = (Detections::default(), start, Timestamp::from_ms(0));
        for (wait, moves) in ways {
            at = at + Span::from_ms(wait);
            let (mut xyxy, mut score, mut class_id) = (Vec::new(), Vec::new(), Vec::new());
            for ((x, y, class), (dx, dy, seen)) in walkers.iter_mut().zip(moves) {
                (*x, *y) = ((*x + dx).clamp(-0.2, 1.1), (*y + dy).clamp(-0.2, 1.0));
                if seen {
                    xyxy.extend([*x, *y, *x + 0.1, *y + 0.25]);
                    score.push(0.9);
                    class_id.push(*class);
                }
            }
            let groups = [Group::Person, Group::Vehicle];
            detections.fill(scene.aspect, &groups, &xyxy, &score, &class_id).expect("good boxes");
            tracker.step(at, &detections, None);
            subjects.step(at, tracker.tracks());
            for observatory in [&mut some, &mut all] {
                observatory.step(at, &scene, subjects.current(), |_| 0.9);
            }
            prop_assert_eq!(some.crossings(), all.crossings());
            prop_assert_eq!(some.visits(), all.visits());
            for (one, other) in some.facts().iter().zip(all.facts()) {
                prop_assert_eq!(&one.zones, &other.zones);
                prop_assert_eq!(&one.memory.busy, &other.memory.busy);
            }
        }
    }
}
