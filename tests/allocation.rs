//! The steady state allocates nothing: a crowd that comes and goes, under rules of every kind.
//!
//! A binary of its own, with a single test: the allocator counts for the whole process.

use beffroi::engine::{Boxes, Engine};
use beffroi::time::Timestamp;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use std::alloc::System;

#[path = "../benches/crowd.rs"]
mod crowd;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Rules of every kind, tuned so that some of them start and end all the time.
const RULES: &str = r#"[
    {"name": "i", "type": "intrusion", "zone": "zone-0", "classes": ["person", "car"]},
    {"name": "e", "type": "intrusion", "zone": "zone-1", "on": "enter"},
    {"name": "o", "type": "intrusion", "zone": "zone-1", "inverse": true, "after": "1s"},
    {"name": "v", "type": "intrusion", "zone": "zone-2", "overlap": 0.3},
    {"name": "x", "type": "line_crossing", "line": "line-0"},
    {"name": "c", "type": "line_count", "line": "line-1", "every": "60s", "reset_at": "00:00"},
    {"name": "n", "type": "occupancy", "zone": "zone-3", "at_least": 1, "after": "1s"},
    {"name": "a", "type": "occupancy", "zone": "all", "line": "line-3", "at_least": 10, "after": "1s", "settle": "3s"},
    {"name": "l", "type": "loitering", "zone": "zone-4", "after": "2s", "radius": "2 body"},
    {"name": "g", "type": "gathering", "zone": "all", "at_least": 2, "within": "3 body", "after": "2s"},
    {"name": "w", "type": "wrong_way", "zone": "zone-5", "direction": [[0, 0], [1, 0]], "classes": ["person", "car"]},
    {"name": "r", "type": "wrong_way", "route": "route", "classes": ["person", "car"]},
    {"name": "s", "type": "stopped_vehicle", "zone": "zone-6", "after": "1s"},
    {"name": "p", "type": "parking", "zone": "zone-7", "after": "1s", "cooldown": "4s", "max_per_hour": 20},
    {"name": "b", "type": "abandoned_object", "zone": "all", "after": "2s", "classes": ["bicycle", "car"]},
    {"name": "d", "type": "dumping", "zone": "all", "after": "1s", "classes": ["bicycle", "car"]},
    {"name": "f", "type": "fire", "zone": "zone-0", "after": "1s"},
    {"name": "m", "type": "removed_object", "zone": "zone-1", "after": "1s", "classes": ["car"]},
    {"name": "k", "type": "state", "signal": "light", "is": "red", "votes": {"share": 0.6, "within": "4s"}},
    {"name": "q", "type": "sequence", "steps": ["x", "x"], "within": "5s", "same_subject": false},
    {"name": "h", "type": "sequence", "steps": ["e", "x"], "within": "9s", "unless": "l"},
    {"name": "turn", "type": "forbidden_turn", "gates": ["line-0", "line-1"], "classes": ["person", "car"]},
    {"name": "red", "type": "red_light", "line": "line-0", "signal": "light", "classes": ["person", "car"]},
    {"name": "fast", "type": "speed", "zone": "all", "above": "20 km/h"},
    {"name": "jam", "type": "queue", "line": "line-2", "zone": "all", "direction": "left_to_right", "at_least": 2, "after": "1s"},
    {"name": "close", "type": "near_miss", "zone": "all"},
    {"name": "lamp", "type": "presence", "zone": "zone-3", "hold": "2s"},
    {"name": "run", "type": "running", "zone": "all", "speed": "1 m/s", "increase": "0.3 m/s", "norm": 1.2},
    {"name": "fall", "type": "fall", "zone": "all", "still_for": "1s"},
    {"name": "full", "type": "density", "zone": "all", "above": "5 %", "after": "1s"},
    {"name": "dense", "type": "density", "zone": "zone-4", "above": "0.05 /m2", "after": "1s"},
    {"name": "rush", "type": "crowd_motion", "zone": "all", "at_least": 3, "speed": "1 m/s"},
    {"name": "linger", "type": "prowling", "zone": "all", "vehicles": 2, "within": "5 m", "each": "500ms"}
]"#;

/// A camera 8 m up: the kinds that measure in metres need to know.
const GROUND: &str = r#"{
    "image": [[0.1625, 0.9], [0.8375, 0.9], [0.5844, 0.3], [0.4156, 0.3]],
    "metres": [[-6, 10], [6, 10], [6, 40], [-6, 40]]
}"#;

fn scene(rules: bool) -> String {
    let mut scene: serde_json::Value = serde_json::from_str(&crowd::scene(true)).expect("the bench's scene");
    let all: serde_json::Value = serde_json::from_str(RULES).expect("the rules");
    scene["zones"]["all"] = serde_json::json!([[0, 0], [1, 0], [1, 1], [0, 1]]);
    scene["routes"] = serde_json::json!({"route": [[0.1, 0.5], [0.9, 0.6]]});
    scene["classes"] = serde_json::json!(["person", "bicycle", "car", "fire"]);
    scene["timezone"] = "Europe/Paris".into();
    if rules {
        scene["ground"] = serde_json::from_str(GROUND).expect("the calibration");
    }
    scene["rules"] = if rules { all } else { serde_json::json!([]) };
    scene.to_string()
}

/// What a step did to the heap, and how many events it published.
struct Cost {
    heap: Stats,
    events: usize,
    closed: bool,
}

/// Goes through the pictures over and over; in each round the place empties and fills again.
fn costs(engine: &mut Engine, rounds: std::ops::Range<i64>) -> Vec<Cost> {
    let pictures = crowd::crowd(40, 400, 7);
    let mut costs = Vec::with_capacity(400 * (rounds.end - rounds.start) as usize);
    for round in rounds {
        for (i, picture) in pictures.iter().enumerate() {
            // All of them, some of them, nobody for longer than anybody is remembered.
            let share = if i < 150 { 1.0 } else { ((i as f64 - 250.0) / 100.0).clamp(0.0, 1.0) };
            let n = (picture.score.len() as f64 * share) as usize;
            let pauses = round + i64::from(i >= 200);
            let at = (round * 400 + i as i64) * crowd::STEP_MS + pauses * 70_000;
            let boxes = Boxes {
                xyxy: &picture.xyxy[..4 * n],
                score: &picture.score[..n],
                class_id: &picture.class_id[..n],
            };
            let region = Region::new(ALLOCATOR);
            engine.step(Timestamp::from_ms(at), boxes, [("light", "red")], None).expect("a clean picture");
            let heap = region.change();
            costs.push(Cost { heap, events: engine.events().len(), closed: engine.closed().is_some() });
        }
    }
    costs
}

#[test]
fn a_step_that_tells_nothing_allocates_nothing() {
    for rules in [false, true] {
        let mut engine = Engine::new(&scene(rules)).expect("the scene");
        // Every buffer grows to what the crowd needs; lists of groups go from hand to hand until all are long enough.
        costs(&mut engine, 0..30);
        let all = costs(&mut engine, 30..32);
        let quiet: Vec<&Cost> = all.iter().filter(|c| c.events == 0 && !c.closed).collect();
        assert!(quiet.len() > all.len() / 4, "{} of {} steps are quiet", quiet.len(), all.len());
        for cost in quiet {
            assert_eq!((cost.heap.allocations, cost.heap.reallocations), (0, 0), "{:?}", cost.heap);
        }
        // An event owns its id and, if several are involved, their list and its copy; totals name their numbers.
        for cost in all.iter().filter(|c| !c.closed) {
            let most = 24 * cost.events;
            assert!(
                cost.heap.allocations + cost.heap.reallocations <= most,
                "{:?} for {} events",
                cost.heap,
                cost.events
            );
        }
        if rules {
            assert!(all.iter().any(|c| c.events > 0), "a crowd that nothing happens to proves nothing");
        }
    }
}
