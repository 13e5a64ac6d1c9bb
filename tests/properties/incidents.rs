//! What events promise: ids are unique, starts and ends alternate, numbers are numbers, nothing is remembered for ever.

use crate::world::{Frame, SCENE, empty, engine, frames, lines, play, step};
use beffroi::engine::Engine;
use beffroi::event::{Change, Event};
use beffroi::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeSet;

/// Open and past incidents, as a reader of the events would keep them.
#[derive(Default)]
struct Reader {
    open: BTreeSet<String>,
    ever: BTreeSet<String>,
}

impl Reader {
    fn read(&mut self, at: i64, events: &[Event]) -> Result<(), TestCaseError> {
        for event in events {
            let text = event.to_json();
            prop_assert_eq!(event.at.ms(), at, "{}", text);
            prop_assert!(event.since <= event.at, "{}", text);
            prop_assert_eq!(event.id.len(), 32);
            for measure in &event.measured {
                prop_assert!(measure.value.is_finite(), "{}", text);
                if measure.name == "held_s" && event.change == Change::Started {
                    prop_assert!(measure.value >= measure.threshold.unwrap_or(f64::MAX), "{}", text);
                }
            }
            prop_assert!(event.xyxy.iter().flatten().all(|v| v.is_finite()), "{}", text);
            prop_assert!(event.subjects.iter().all(|s| s.ground.iter().flatten().all(|v| v.is_finite())));
            prop_assert_eq!(event.reason.is_some(), event.change == Change::Ended, "{}", text);
            if event.origin.kind == "line_count" {
                continue;
            }
            match event.change {
                Change::Started => {
                    prop_assert!(self.ever.insert(event.id.clone()), "twice: {}", text);
                    self.open.insert(event.id.clone());
                }
                Change::Updated => prop_assert!(self.open.contains(&event.id), "not open: {}", text),
                Change::Ended => prop_assert!(self.open.remove(&event.id), "not open: {}", text),
            }
        }
        Ok(())
    }
}

fn finish(engine: &mut Engine, at: i64, reader: &mut Reader) -> Result<(), TestCaseError> {
    let last = engine.finish(Timestamp::from_ms(at), "view_lost").expect("not backwards").to_vec();
    reader.read(at, &last)?;
    prop_assert!(reader.open.is_empty(), "finish ends what is active");
    prop_assert_eq!(engine.remembered(), 0, "finish forgets everybody");
    Ok(())
}

/// People who stand in rows all over the picture, none before another.
fn crowd(at: i64, people: usize) -> Frame {
    let place = |i: usize| (0.02 + 0.045 * (i % 20) as f32, 0.02 + 0.045 * (i / 20) as f32);
    let boxes = (0..people).map(|i| (place(i).0, place(i).1, 0.02, 0.04, 0.9, 0));
    Frame { boxes: boxes.collect(), ..empty(at) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_input_gives_the_same_bytes(frames in frames(40)) {
        prop_assert_eq!(lines(&play(SCENE, &frames)), lines(&play(SCENE, &frames)));
    }

    #[test]
    fn started_and_ended_alternate_and_ids_are_unique(frames in frames(60), stop in 0usize..60) {
        let (mut engine, mut reader) = (engine(), Reader::default());
        for (k, frame) in frames.iter().enumerate() {
            let events = step(&mut engine, frame).to_vec();
            reader.read(frame.at, &events)?;
            if k == stop {
                finish(&mut engine, frame.at, &mut reader)?;
            }
        }
        finish(&mut engine, frames[frames.len() - 1].at, &mut reader)?;
    }

    #[test]
    fn state_returns_to_zero_when_the_scene_empties(frames in frames(40)) {
        let mut engine = engine();
        for frame in &frames {
            step(&mut engine, frame);
        }
        // Longer than any memory of a lost subject, at one picture a second.
        let end = frames[frames.len() - 1].at;
        for second in 1..=400 {
            step(&mut engine, &empty(end + 1000 * second));
        }
        prop_assert_eq!(engine.remembered(), 0);
        prop_assert_eq!(engine.timers().count(), 0);
        prop_assert!(engine.tracks().is_empty());
    }
}

/// A zone that is the whole picture, with an incident for everybody in it that ends at the first picture without them.
const EVERYBODY: &str = r#"{"zones": {"z": [[0, 0], [1, 0], [1, 1], [0, 1]]},
  "rules": [{"name": "q", "type": "intrusion", "zone": "z", "clear_after": "0s"}]}"#;

#[test]
fn a_crowd_that_is_missed_for_a_moment_gets_no_id_twice() {
    // More people than any short list of past incidents would hold; each ends and starts again.
    let (mut engine, mut reader) = (Engine::new(EVERYBODY).unwrap(), Reader::default());
    let mut started = 0;
    for k in 0..40 {
        let at = 1000 + 200 * k;
        let frame = if k % 8 == 7 { empty(at) } else { crowd(at, 400) };
        let events = step(&mut engine, &frame).to_vec();
        started += events.iter().filter(|e| e.change == Change::Started).count();
        reader.read(at, &events).unwrap();
    }
    assert_eq!(started, 400 * 5, "everybody starts after each of the five gaps");
}
