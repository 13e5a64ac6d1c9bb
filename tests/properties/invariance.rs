//! What must not matter: the order of boxes, the origin of time, left and right, the rate of pictures, how a zone was
//! drawn, and which other rules run.

use crate::world::{Frame, SCENE, frames, gist, lanes, play, scene, step};
use beffroi::engine::Engine;
use beffroi::event::Event;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn moved(frames: &[Frame], by: i64) -> Vec<Frame> {
    frames.iter().map(|f| Frame { at: f.at + by, ..f.clone() }).collect()
}

/// How often every rule said what.
fn tally(told: &[Event]) -> BTreeMap<(String, &'static str), usize> {
    let mut all = BTreeMap::new();
    for event in told {
        *all.entry((event.origin.rule.clone(), event.change.as_str())).or_default() += 1;
    }
    all
}

fn each_point(shape: &mut Value, change: impl Fn(f64) -> f64) {
    for point in shape.as_array_mut().expect("points") {
        point[0] = json!(change(point[0].as_f64().expect("a number")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_boxes_does_not_matter(frames in frames(30), turn in 1usize..6) {
        // Equal scores are exact ties, which the order may decide.
        let distinct = |boxes: &[crate::world::Seen]| {
            let scores: BTreeSet<u32> = boxes.iter().map(|b| b.4.to_bits()).collect();
            scores.len() == boxes.len()
        };
        prop_assume!(frames.iter().all(|f| distinct(&f.boxes)));
        let (mut one, mut other) = (Engine::new(SCENE).unwrap(), Engine::new(SCENE).unwrap());
        for frame in &frames {
            let mut turned = frame.clone();
            let n = turned.boxes.len().max(1);
            turned.boxes.rotate_left(turn % n);
            let (a, b) = (step(&mut one, frame).to_vec(), step(&mut other, &turned).to_vec());
            let text = |told: &[Event]| told.iter().map(Event::to_json).collect::<Vec<_>>();
            prop_assert_eq!(text(&a), text(&b));
            let back = |row: u32| (row as usize + turn) % n;
            for (s, t) in one.tracks().iter().zip(other.tracks()) {
                prop_assert_eq!((s.id, s.bbox, s.class_id), (t.id, t.bbox, t.class_id));
                prop_assert_eq!(s.det.map(|row| row as usize), t.det.map(back));
            }
        }
    }

    #[test]
    fn a_shift_in_time_shifts_every_event_and_nothing_else(
        frames in frames(40), by in prop::sample::select(vec![1, -977, 1_790_000_000_000i64, -40_000_000_007])
    ) {
        prop_assert_eq!(gist(&play(SCENE, &frames), 0), gist(&play(SCENE, &moved(&frames, by)), by));
    }

    #[test]
    fn left_and_right_are_alike(frames in lanes(200, 20)) {
        // A line that is mirrored and drawn the other way round keeps its sides.
        let mirrored = scene(|s| {
            for family in ["zones", "lines", "routes"] {
                s[family].as_object_mut().unwrap().values_mut().for_each(|p| each_point(p, |x| 1.0 - x));
            }
            each_point(&mut s["ground"]["image"], |x| 1.0 - x);
            s["lines"]["l"].as_array_mut().unwrap().reverse();
        });
        let flipped: Vec<Frame> = frames
            .iter()
            .map(|f| Frame {
                boxes: f.boxes.iter().map(|b| (1.0 - b.0 - b.2, b.1, b.2, b.3, b.4, b.5)).collect(),
                ..f.clone()
            })
            .collect();
        let (one, other) = (gist(&play(SCENE, &frames), 0), gist(&play(&mirrored, &flipped), 0));
        let what = |all: &[(String, &'static str, i64, i64)]| {
            all.iter().map(|e| (e.0.clone(), e.1, e.2)).collect::<Vec<_>>()
        };
        prop_assert_eq!(what(&one), what(&other));
        // A moment between two pictures is rounded to the millisecond.
        prop_assert!(one.iter().zip(&other).all(|(a, b)| (a.3 - b.3).abs() <= 1), "{:?} {:?}", one, other);
    }

    #[test]
    fn twice_the_pictures_tell_of_the_same_moments(fine in lanes(100, 20)) {
        let coarse: Vec<Frame> = fine.iter().step_by(2).cloned().collect();
        let moments = |frames: &[Frame]| {
            let told = play(SCENE, frames);
            let mut all: Vec<(String, i64)> = told
                .iter()
                .filter(|e| ["i", "x"].contains(&e.origin.rule.as_str()) && e.change.as_str() == "started")
                .map(|e| (e.origin.rule.clone(), e.since.ms()))
                .collect();
            all.sort();
            all
        };
        let (one, other) = (moments(&fine), moments(&coarse));
        prop_assert_eq!(one.len(), other.len(), "{:?} {:?}", &one, &other);
        for (a, b) in one.iter().zip(&other) {
            prop_assert_eq!(&a.0, &b.0);
            // A moment between two pictures: to a quarter of what lies between the coarse ones.
            prop_assert!((a.1 - b.1).abs() <= 50, "{:?} {:?}", a, b);
        }
    }

    #[test]
    fn how_a_zone_was_drawn_does_not_matter(frames in frames(30), turn in 0usize..5, back in any::<bool>()) {
        let drawn = scene(|s| {
            let corners = s["zones"]["a"].as_array_mut().unwrap();
            corners.rotate_left(turn);
            if back {
                corners.reverse();
            }
        });
        prop_assert_eq!(gist(&play(SCENE, &frames), 0), gist(&play(&drawn, &frames), 0));
    }

    #[test]
    fn rules_do_not_disturb_each_other(frames in frames(40), which in 0usize..19) {
        let alone = scene(|s| {
            let rule = s["rules"][which].take();
            s["rules"] = json!([rule]);
        });
        let name = serde_json::from_str::<Value>(&alone).unwrap()["rules"][0]["name"].clone();
        let mut told = play(SCENE, &frames);
        told.retain(|e| e.origin.rule == name);
        prop_assert_eq!(gist(&told, 0), gist(&play(&alone, &frames), 0));
    }

    #[test]
    fn a_rule_that_is_switched_off_is_silent_and_changes_nothing(frames in frames(20), which in 0usize..19) {
        let off = scene(|s| s["rules"][which]["enabled"] = json!(false));
        let name = serde_json::from_str::<Value>(SCENE).unwrap()["rules"][which]["name"].clone();
        let mut told = play(SCENE, &frames);
        told.retain(|e| e.origin.rule != name);
        prop_assert_eq!(gist(&told, 0), gist(&play(&off, &frames), 0));
    }

    #[test]
    fn other_signals_and_low_scores_change_nothing(frames in frames(30)) {
        // Below 0.1 a box is the detector's noise, which no track may touch.
        let plain = tally(&play(SCENE, &frames));
        let disturbed: Vec<Frame> = frames
            .iter()
            .map(|f| {
                let mut f = f.clone();
                f.signal = f.signal.or(Some("blue"));
                f.boxes.retain(|b| b.4 >= 0.1);
                f.boxes.push((0.3, 0.3, 0.2, 0.3, 0.05, 0));
                f
            })
            .collect();
        prop_assert_eq!(plain, tally(&play(SCENE, &disturbed)));
    }
}

#[test]
fn lanes_are_played_and_do_tell_something() {
    // The properties above would hold of silence too.
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut rules = BTreeSet::new();
    for strategy in [lanes(200, 20).boxed(), frames(60).boxed()] {
        for _ in 0..150 {
            let frames = strategy.new_tree(&mut runner).unwrap().current();
            rules.extend(play(SCENE, &frames).into_iter().map(|e| e.origin.rule.clone()));
        }
    }
    let all: Value = serde_json::from_str(SCENE).unwrap();
    let all: BTreeSet<String> =
        all["rules"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(all.difference(&rules).collect::<Vec<_>>(), Vec::<&String>::new(), "these rules never spoke");
}
