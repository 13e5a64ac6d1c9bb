//! Totals agree with what was told, whatever was seen.

use crate::world::{Frame, empty, frames, lines, scene, step};
use beffroi::engine::Engine;
use beffroi::event::Event;
use beffroi::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Sum of the counts of every line and class.
fn crossings(totals: &Value) -> u64 {
    let lines = totals["lines"].as_object().expect("lines").values();
    let classes = lines.flat_map(|by_class| by_class.as_object().expect("classes").values());
    classes
        .flat_map(|ways| ways.as_object().expect("ways").values())
        .map(|n| n.as_u64().expect("a count"))
        .sum()
}

/// Numbers of a quarter against those of its minutes.
fn agree(minutes: &[Value], quarter: &Value) -> Result<(), TestCaseError> {
    let number = |v: &Value| v.as_f64().expect("a number");
    let watched = |period: &Value| number(&period["watched_ms"]);
    let sum = |of: &dyn Fn(&Value) -> f64| minutes.iter().map(of).sum::<f64>();
    prop_assert_eq!(crossings(quarter), minutes.iter().map(crossings).sum::<u64>());
    prop_assert_eq!(watched(quarter), sum(&watched));
    prop_assert_eq!(&quarter["from_ms"], &minutes[0]["from_ms"]);
    for (zone, of_quarter) in quarter["zones"].as_object().expect("zones") {
        let weight = sum(&|m| number(&m["zones"][zone]["mean"]) * watched(m));
        let mean = number(&of_quarter["mean"]);
        prop_assert!((mean * watched(quarter) - weight).abs() <= 0.002 * watched(quarter) + 1e-6);
        let peak = minutes.iter().map(|m| number(&m["zones"][zone]["peak"])).fold(0.0, f64::max);
        prop_assert_eq!(number(&of_quarter["peak"]), peak);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn three_ways_to_count_crossings_agree(frames in frames(60)) {
        // A rule that tells every crossing, a rule that counts them, and the statistics.
        let every = json!([
            "person", "bicycle", "car", "truck", "dog", "backpack", "bird", "cat", "fire", "smoke", "still_object",
            "missing_object",
        ]);
        let all = scene(|s| s["rules"] = json!([
            {"name": "x", "type": "line_crossing", "line": "l", "classes": every, "min_score": 0},
            {"name": "c", "type": "line_count", "line": "l", "classes": every, "min_score": 0, "every": "24h"},
        ]));
        let mut engine = Engine::new(&all).expect("there");
        let (mut told, mut periods) = (0, 0);
        for frame in &frames {
            told += step(&mut engine, frame).iter().filter(|e| e.change.as_str() == "started").count() as u64;
            periods += engine.closed().map_or(0, crossings);
        }
        prop_assert_eq!(crossings(&engine.totals()), told);
        let end = frames[frames.len() - 1].at;
        // What the running minute holds is told once the next one begins.
        step(&mut engine, &empty(end + 200_000));
        let late = engine.events().iter().filter(|e| e.change.as_str() == "started").count() as u64;
        periods += engine.closed().map_or(0, crossings);
        let last = engine.finish(Timestamp::from_ms(end + 200_000), "end_of_stream").expect("there").to_vec();
        let counted = last.iter().find(|e: &&Event| e.origin.rule == "c").expect("a count");
        prop_assert_eq!(counted.measured[0].value as u64, told + late, "{:?}", lines(&last));
        prop_assert!(periods == told + late || periods == told, "{} of {} and {}", periods, told, late);
    }

    #[test]
    fn a_quarter_is_the_sum_of_its_minutes(frames in frames(60), stretch in prop::sample::select(vec![1i64, 9, 40])) {
        let mut engine = Engine::new(crate::world::SCENE).expect("there");
        let mut minutes: Vec<Value> = Vec::new();
        let mut all = 0;
        for frame in &frames {
            step(&mut engine, &Frame { at: frame.at * stretch, ..frame.clone() });
            let Some(closed) = engine.closed() else { continue };
            all += crossings(closed);
            minutes.push(closed.clone());
            if let Some(quarter) = closed.get("quarter") {
                agree(&minutes, quarter)?;
                minutes.clear();
            }
        }
        let end = Timestamp::from_ms(frames[frames.len() - 1].at * stretch);
        if let Some(running) = engine.running(end) {
            all += crossings(&running);
            minutes.push(running.clone());
            agree(&minutes, &running["quarter"])?;
            prop_assert_eq!(all, crossings(&engine.totals()), "every crossing lies in one minute");
        }
    }

    #[test]
    fn nobody_is_present_on_average_more_often_than_at_most(
        frames in frames(60), stretch in prop::sample::select(vec![1i64, 7, 90]), stop in 0usize..60
    ) {
        let mut engine = Engine::new(crate::world::SCENE).expect("there");
        for (k, frame) in frames.iter().enumerate() {
            step(&mut engine, &Frame { at: frame.at * stretch, ..frame.clone() });
            if let Some(period) = engine.closed() {
                let (from, until) = (period["from_ms"].as_i64().expect("there"), period["until_ms"].as_i64().expect("there"));
                prop_assert!(from < until && until <= frame.at * stretch, "{}", period);
                prop_assert_eq!((from % 60_000, until % 60_000), (0, 0));
                for zone in period["zones"].as_object().expect("zones by name").values() {
                    let (mean, peak) = (zone["mean"].as_f64().expect("a number"), zone["peak"].as_u64().expect("a count"));
                    prop_assert!(mean >= 0.0 && mean <= peak as f64 + 1e-9, "{}", period);
                }
            }
            if k == stop {
                let at = Timestamp::from_ms(frame.at * stretch);
                engine.finish(at, "view_lost").expect("there");
                for zone in engine.totals()["zones"].as_object().expect("zones by name").values() {
                    prop_assert_eq!(&zone["now"], 0, "nobody is known to be there when nobody looks");
                }
            }
        }
    }
}
