//! Hostile callers: every input is taken or refused, a refusal changes nothing, and nothing that comes out is not a
//! number.

use crate::world::{Columns, Frame, SCENE, empty, engine, frames, lines, step, try_step};
use beffroi::engine::{Boxes, Engine};
use beffroi::error::Error;
use beffroi::scenario::rehearse;
use beffroi::time::{Span, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

fn edgy() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => 0.0f32..=1.0,
        1 => any::<f32>(),
        1 => prop::sample::select(vec![0.0, -0.0, 1e-45, 1.0, 2.0, -1.0, f32::NAN, f32::INFINITY, f32::MIN, 640.0]),
    ]
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(1.0),
        -2.0..2.0f64,
        any::<f64>(),
        prop::sample::select(vec![1e3, -1e3, 1e150, 1e300, -1e300, 5e-324, f64::NAN, f64::INFINITY]),
    ]
}

fn times() -> impl Strategy<Value = i64> {
    prop_oneof![
        0i64..100_000,
        any::<i64>(),
        prop::sample::select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX]),
    ]
}

/// Any JSON at all, small.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        prop::sample::select(vec![
            "a",
            "l",
            "r",
            "30s",
            "0s",
            "36500d",
            "1 m",
            "1e9 m",
            "person",
            "intrusion",
            "Etc/GMT+1"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Every place in a JSON value, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(all) => all.iter().for_each(|(k, v)| places(v, &format!("{at}/{k}"), found)),
        Value::Array(all) => all.iter().enumerate().for_each(|(i, v)| places(v, &format!("{at}/{i}"), found)),
        _ => {}
    }
}

fn is_sane(engine: &Engine, at: i64) -> Result<(), proptest::test_runner::TestCaseError> {
    for track in engine.tracks() {
        let b = track.bbox;
        // A box in view units; no camera turns a box into a hundred pictures.
        prop_assert!([b.x1, b.y1, b.x2, b.y2].iter().all(|v| v.abs() < 100.0), "{:?}", track);
        prop_assert!(track.velocity.is_finite(), "{:?}", track);
        prop_assert!(track.first.ms() <= at);
    }
    for event in engine.events() {
        prop_assert!(event.measured.iter().all(|m| m.value.is_finite()), "{}", event.to_json());
        prop_assert!(event.since <= event.at);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_input_is_taken_or_refused(
        steps in prop::collection::vec(
            (
                times(),
                prop::collection::vec((edgy(), edgy(), edgy(), edgy(), edgy(), prop::sample::select(vec![0u16, 2, 80, 65_535])), 0..4),
                prop::option::weighted(0.3, [numbers(), numbers(), numbers(), numbers(), numbers(), numbers()]),
                any::<bool>(),
            ),
            1..12,
        )
    ) {
        let mut engine = engine();
        for (at, boxes, motion, finish) in steps {
            let before = engine.last_step();
            let frame = Frame { at, boxes, motion, signal: Some("red") };
            match try_step(&mut engine, &frame) {
                Ok(()) => {
                    prop_assert!(before.is_none_or(|last| last.ms() < at));
                    prop_assert_eq!(engine.last_step(), Some(Timestamp::from_ms(at)));
                    is_sane(&engine, at)?;
                }
                Err(Error::Input(_)) => prop_assert_eq!(engine.last_step(), before),
                Err(other) => prop_assert!(false, "{}", other),
            }
            if finish {
                let _ = engine.finish(Timestamp::from_ms(at), "view_lost");
            }
        }
    }

    #[test]
    fn boxes_follow_any_camera_that_there_is(
        frames in frames(20), motion in [numbers(), numbers(), numbers(), numbers(), numbers(), numbers()], times in 1usize..30
    ) {
        let mut engine = engine();
        for frame in &frames {
            step(&mut engine, frame);
        }
        // Nothing is seen while the camera turns and turns; the tracks coast.
        let mut at = frames[frames.len() - 1].at;
        for _ in 0..times {
            at += 40;
            let turned = Frame { motion: Some(motion), ..empty(at) };
            if try_step(&mut engine, &turned).is_ok() {
                is_sane(&engine, at)?;
            }
        }
    }

    #[test]
    fn refused_input_changes_nothing(frames in frames(12), which in 0usize..12) {
        let (mut engine, mut other) = (engine(), engine());
        for frame in &frames {
            step(&mut engine, frame);
            step(&mut other, frame);
        }
        let last = frames[frames.len() - 1].at;
        let next = |boxes| Frame { boxes, ..empty(last + 200) };
        let good = (0.2, 0.2, 0.1, 0.3, 0.9, 0);
        let bad = match which {
            0 => next(vec![good, (f32::NAN, 0.2, 0.1, 0.3, 0.9, 0)]),
            1 => next(vec![good, (0.2, 0.2, f32::INFINITY, 0.3, 0.9, 0)]),
            2 => next(vec![good, (0.2, 0.2, 640.0, 0.3, 0.9, 0)]),
            3 => next(vec![good, (0.2, 0.2, 0.0, 0.3, 0.9, 0)]),
            4 => next(vec![good, (0.2, 0.2, 0.1, 0.3, f32::NAN, 0)]),
            5 => next(vec![good, (0.2, 0.2, 0.1, 0.3, 1.5, 0)]),
            6 => next(vec![good, (0.2, 0.2, 0.1, 0.3, 0.9, 84)]),
            7 => empty(last),
            8 => empty(last - 1),
            9 => Frame { motion: Some([f64::NAN, 0.0, 0.0, 0.0, 1.0, 0.0]), ..next(vec![good]) },
            10 => Frame { motion: Some([1e9, 0.0, 0.0, 0.0, 1.0, 0.0]), ..next(vec![good]) },
            _ => Frame { motion: Some([0.0; 6]), ..next(vec![good]) },
        };
        let bad = Frame { signal: Some("never set"), ..bad };
        prop_assert!(matches!(try_step(&mut engine, &bad), Err(Error::Input(_))), "{:?}", bad);
        let columns = Columns::of(&[good]);
        let short = Boxes { score: &[], ..columns.boxes() };
        prop_assert!(engine.step(Timestamp::from_ms(last + 200), short, [], None).is_err());
        prop_assert!(engine.finish(Timestamp::from_ms(last - 1), "view_lost").is_err());
        for k in 2..8 {
            let frame = Frame { boxes: vec![good], ..empty(last + 200 * k) };
            let (a, b) = (lines(step(&mut engine, &frame)), lines(step(&mut other, &frame)));
            prop_assert_eq!(a, b);
            prop_assert_eq!(engine.tracks(), other.tracks());
        }
        prop_assert_eq!(engine.totals(), other.totals());
    }

    #[test]
    fn any_text_is_a_scene_or_an_error(text in ".{0,200}") {
        let _ = Engine::new(&text);
        let _ = rehearse(&text, None);
        let _ = Span::parse(&text);
    }

    #[test]
    fn a_scene_with_anything_in_any_place_runs_or_names_it(
        place in any::<prop::sample::Index>(), value in anything(), frames in frames(6)
    ) {
        let mut scene: Value = serde_json::from_str(SCENE).unwrap();
        let mut all = Vec::new();
        places(&scene, "", &mut all);
        let place: &String = place.get(&all);
        *scene.pointer_mut(place).unwrap() = value;
        match Engine::new(&scene.to_string()) {
            Ok(mut engine) => {
                for frame in &frames {
                    // Fewer classes may be left than the recording speaks of.
                    if try_step(&mut engine, frame).is_ok() {
                        is_sane(&engine, frame.at)?;
                    }
                }
            }
            Err(Error::Config { message, .. }) => prop_assert!(!message.is_empty()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn a_name_is_told_as_it_was_written(name in "\\PC{1,12}|[\u{200b}-\u{200f}\u{202a}-\u{202e}]{1,3}|\u{0}[\"\\\\{}\n]") {
        prop_assume!(!name.trim().is_empty());
        let scene = json!({"view": &name, "zones": {&name: [[0, 0], [1, 0], [1, 1], [0, 1]]}, "rules": [
            {"name": &name, "type": "intrusion", "zone": &name, "authorisation": &name}]});
        let mut engine = Engine::new(&scene.to_string()).expect("a scene");
        for k in 0..4 {
            step(&mut engine, &Frame { boxes: vec![(0.3, 0.3, 0.1, 0.3, 0.9, 0)], ..empty(200 * k) });
            for event in engine.events() {
                let told: Value = serde_json::from_str(&event.to_json()).expect("JSON");
                for key in ["view", "rule", "zone", "authorisation"] {
                    prop_assert_eq!(&told[key], &Value::from(name.clone()));
                }
            }
        }
        prop_assert_eq!(engine.timers().count(), 1);
    }
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"rules\":[{\"x\":[", "]}]}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(Engine::new(&deep).is_err());
        assert!(rehearse(&format!("[scene]\nx = {deep}"), Some(SCENE)).is_err());
        assert!(rehearse(&format!("x = {}1{}", "[".repeat(100_000), "]".repeat(100_000)), None).is_err());
    }
    assert!(rehearse(&format!("{}x = 1", "a.".repeat(100_000)), None).is_err());
    assert!(rehearse(&format!("[{}x]", "a.".repeat(100_000)), None).is_err());
}

#[test]
fn a_time_of_day_is_between_midnight_and_midnight() {
    // The first was found by fuzzing: its minutes were multiplied before its hours were looked at.
    for wrong in [
        "9223372036854775807:00",
        "-9223372036854775808:00",
        "24:00",
        "-1:00",
        "00:60",
        "00:-1",
        "1",
        ":",
        "a:b",
    ] {
        let scene = json!({"timezone": "Europe/Paris", "lines": {"l": [[0, 0], [1, 1]]},
            "rules": [{"name": "c", "type": "line_count", "line": "l", "reset_at": wrong}]});
        match Engine::new(&scene.to_string()) {
            Err(Error::Config { path, .. }) => assert_eq!(path, "rules[0].reset_at", "{wrong}"),
            other => panic!("{wrong} is refused, not {other:?}"),
        }
    }
}

#[test]
fn the_whole_of_time_can_pass_between_two_pictures() {
    let mut engine = engine();
    let end = Timestamp::FURTHEST.ms();
    for at in [i64::MIN, -end - 1] {
        assert!(try_step(&mut engine, &empty(at)).is_err());
    }
    for at in [-end, -end + 200, 0, 1, end - 200, end] {
        let boxes = vec![(0.3, 0.3, 0.1, 0.3, 0.9, 0), (0.6, 0.3, 0.1, 0.3, 0.9, 2)];
        step(&mut engine, &Frame { boxes, ..empty(at) });
        assert!(engine.tracks().iter().all(|t| t.first.ms() <= at));
    }
    engine.finish(Timestamp::FURTHEST, "end_of_stream").expect("equal times are fine");
    for at in [end, end + 1, i64::MAX] {
        assert!(try_step(&mut engine, &empty(at)).is_err());
    }
    assert!(engine.finish(Timestamp::from_ms(i64::MAX), "end_of_stream").is_err());
}
