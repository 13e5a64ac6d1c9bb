//! Properties of the engine on any input.

use beffroi::engine::{Boxes, Engine};
use beffroi::event::Change;
use beffroi::time::Timestamp;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const SCENE: &str = r#"{
  "view": "square/north", "timezone": "Europe/Paris",
  "ground": {"image": [[0.1, 0.9], [0.9, 0.9], [0.7, 0.3], [0.3, 0.3]], "metres": [[0, 0], [12, 0], [12, 30], [0, 30]]},
  "zones": {"a": [[0.1, 0.1], [0.9, 0.2], [0.8, 0.9], [0.4, 0.5], [0.1, 0.9]], "b": [[0.4, 0.0], [0.5, 0.0], [0.5, 1.0], [0.4, 1.0]]},
  "lines": {"l": [[0.5, 0.1], [0.45, 0.5], [0.5, 0.95]]},
  "routes": {"r": [[0.1, 0.5], [0.9, 0.6]]},
  "rules": [
    {"name": "i", "type": "intrusion", "zone": "b", "classes": ["person", "car"]},
    {"name": "e", "type": "intrusion", "zone": "a", "on": "enter"},
    {"name": "o", "type": "intrusion", "zone": "a", "inverse": true, "after": "1s"},
    {"name": "x", "type": "line_crossing", "line": "l"},
    {"name": "c", "type": "line_count", "line": "l", "every": "5s", "reset_at": "00:00"},
    {"name": "n", "type": "occupancy", "zone": "a", "line": "l", "at_least": 1, "after": "1s", "settle": "3s"},
    {"name": "t", "type": "loitering", "zone": "a", "after": "2s", "radius": "4 m"},
    {"name": "g", "type": "gathering", "zone": "a", "at_least": 2, "within": "3 m", "after": "2s"},
    {"name": "w", "type": "wrong_way", "route": "r", "distance": "1 m", "min_speed": "1 km/h"},
    {"name": "s", "type": "stopped_vehicle", "zone": "a", "after": "2s"},
    {"name": "p", "type": "parking", "zone": "a", "after": "3s", "cooldown": "4s", "max_per_hour": 2}
  ]
}"#;

type Frame = (i64, Vec<(f32, f32, f32, f32, f32, u16)>);

/// Pictures at irregular times with boxes that move by chance, near the rules' shapes and beyond the picture.
fn frames(most: usize) -> impl Strategy<Value = Vec<Frame>> {
    let a_box = (
        -0.1f32..1.0,
        -0.1f32..1.0,
        0.01f32..0.4,
        0.01f32..0.6,
        0.0f32..=1.0,
        prop::sample::select(vec![0u16, 0, 0, 2, 2, 1, 16, 24]),
    );
    prop::collection::vec((1i64..3000, prop::collection::vec(a_box, 0..6)), 1..most)
}

struct Columns {
    xyxy: Vec<f32>,
    score: Vec<f32>,
    class_id: Vec<u16>,
}

fn columns(boxes: &[(f32, f32, f32, f32, f32, u16)]) -> Columns {
    Columns {
        xyxy: boxes.iter().flat_map(|&(x, y, w, h, ..)| [x, y, x + w, y + h]).collect(),
        score: boxes.iter().map(|b| b.4).collect(),
        class_id: boxes.iter().map(|b| b.5).collect(),
    }
}

fn step(engine: &mut Engine, at: i64, boxes: &[(f32, f32, f32, f32, f32, u16)]) -> Vec<String> {
    let c = columns(boxes);
    let boxes = Boxes { xyxy: &c.xyxy, score: &c.score, class_id: &c.class_id };
    engine.step(Timestamp::from_ms(at), boxes, [], None).expect("valid input");
    engine.events().iter().map(beffroi::event::Event::to_json).collect()
}

fn play(frames: &[Frame]) -> (Engine, Vec<String>, i64) {
    let mut engine = Engine::new(SCENE).expect("the scene");
    let (mut at, mut told) = (0, Vec::new());
    for (wait, boxes) in frames {
        at += wait;
        told.extend(step(&mut engine, at, boxes));
    }
    (engine, told, at)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_input_gives_the_same_bytes(frames in frames(40)) {
        prop_assert_eq!(play(&frames).1, play(&frames).1);
    }

    #[test]
    fn started_and_ended_alternate_and_ids_are_unique(frames in frames(60)) {
        let mut engine = Engine::new(SCENE).expect("the scene");
        let (mut at, mut open, mut ever) = (0, BTreeSet::new(), BTreeSet::new());
        let mut look = |events: &[beffroi::event::Event]| {
            for event in events.iter().filter(|e| e.origin.kind != "line_count") {
                prop_assert!(event.since <= event.at);
                match event.change {
                    Change::Started => {
                        prop_assert!(ever.insert(event.id.clone()), "{} twice", event.to_json());
                        open.insert(event.id.clone());
                    }
                    Change::Updated => prop_assert!(open.contains(&event.id), "{}", event.to_json()),
                    Change::Ended => prop_assert!(open.remove(&event.id), "{}", event.to_json()),
                }
            }
            Ok(open.len())
        };
        for (wait, boxes) in &frames {
            at += wait;
            step(&mut engine, at, boxes);
            look(engine.events())?;
        }
        let last = engine.finish(Timestamp::from_ms(at), "end_of_stream").expect("not backwards").to_vec();
        prop_assert_eq!(look(&last)?, 0, "finish ends what is active");
    }

    #[test]
    fn state_returns_to_zero_when_the_scene_empties(frames in frames(40)) {
        let (mut engine, _, mut at) = play(&frames);
        // Longer than any memory of a lost subject, at one picture a second.
        for _ in 0..400 {
            at += 1000;
            step(&mut engine, at, &[]);
        }
        prop_assert_eq!(engine.remembered(), 0);
    }

    #[test]
    fn the_order_of_boxes_does_not_matter(frames in frames(30), turn in 0usize..6) {
        // Equal scores are exact ties, which the order may decide.
        let distinct = |boxes: &[(f32, f32, f32, f32, f32, u16)]| {
            let scores: BTreeSet<u32> = boxes.iter().map(|b| b.4.to_bits()).collect();
            scores.len() == boxes.len()
        };
        prop_assume!(frames.iter().all(|(_, boxes)| distinct(boxes)));
        let turned: Vec<Frame> = frames
            .iter()
            .map(|(wait, boxes)| {
                let mut boxes = boxes.clone();
                if !boxes.is_empty() {
                    let n = boxes.len();
                    boxes.rotate_left(turn % n);
                }
                (*wait, boxes)
            })
            .collect();
        let strip = |told: Vec<String>| {
            let mut kinds = BTreeMap::new();
            for line in told {
                let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
                *kinds.entry(format!("{} {} {}", event["rule"], event["change"], event["at_ms"])).or_insert(0) += 1;
            }
            kinds
        };
        prop_assert_eq!(strip(play(&frames).1), strip(play(&turned).1));
    }

    #[test]
    fn any_text_is_a_scene_or_an_error(text in ".{0,200}") {
        let _ = Engine::new(&text);
        let _ = beffroi::scenario::rehearse(&text, None);
    }

    #[test]
    fn refused_input_changes_nothing(frames in frames(10), bad in prop::sample::select(vec![f32::NAN, f32::INFINITY, 640.0])) {
        let (mut engine, _, at) = play(&frames);
        let (mut other, _, _) = play(&frames);
        let xyxy = [0.1, 0.1, bad, 0.5];
        let boxes = Boxes { xyxy: &xyxy, score: &[0.5], class_id: &[0] };
        let refused = engine.step(Timestamp::from_ms(at + 100), boxes, [], None);
        prop_assert!(refused.is_err());
        let empty = Boxes { xyxy: &[], score: &[], class_id: &[] };
        let backwards = engine.step(Timestamp::from_ms(at), empty, [], None);
        prop_assert!(backwards.is_err());
        let next = [(0.2, 0.2, 0.1, 0.3, 0.9, 0)];
        prop_assert_eq!(step(&mut engine, at + 200, &next), step(&mut other, at + 200, &next));
    }
}
