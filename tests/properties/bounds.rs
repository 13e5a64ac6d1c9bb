//! Memory and time have a size, whatever comes in and however long it lasts.

use crate::world::{Frame, empty, step};
use beffroi::engine::{Boxes, Engine};
use beffroi::error::Error;
use beffroi::scenario::rehearse;
use beffroi::time::Timestamp;
use serde_json::json;

/// The refusal of a scene: its path.
fn refused(scene: &serde_json::Value) -> String {
    match Engine::new(&scene.to_string()) {
        Err(Error::Config { path, .. }) => path,
        other => panic!("refused, not {other:?}"),
    }
}

/// Corners on a circle: a simple polygon of any number of them.
fn circle(corners: usize) -> Vec<[f64; 2]> {
    let angle = |i: usize| std::f64::consts::TAU * i as f64 / corners as f64;
    (0..corners).map(|i| [0.5 + 0.4 * angle(i).cos(), 0.5 + 0.4 * angle(i).sin()]).collect()
}

#[test]
fn a_shape_has_a_thousand_points_at_most() {
    for family in ["zones", "lines", "routes"] {
        let big = json!({family: {"s": circle(1000)}});
        Engine::new(&big.to_string()).expect("a thousand are fine");
        // Drawn from a map, say: every step would pay for every corner, and the check for every pair of edges.
        assert_eq!(refused(&json!({family: {"s": circle(100_000)}})), format!("{family}.s"));
    }
}

#[test]
fn a_calibration_has_a_hundred_points_at_most_and_they_are_on_earth() {
    let ground = |n: usize| {
        let line: Vec<_> = (0..n).map(|i| [i as f64 / n as f64, 0.5]).collect();
        json!({"ground": {"image": line, "metres": line}})
    };
    // All on one line: the search for four that span an area looks at every four.
    assert_eq!(refused(&ground(100)), "ground");
    assert_eq!(refused(&ground(100_000)), "ground");
    let far = json!({"ground": {"image": [[0.1, 0.9], [0.9, 0.9], [0.7, 0.3], [0.3, 0.3]],
        "metres": [[0, 0], [1e200, 0], [1e200, 1e200], [0, 1e200]]}});
    assert_eq!(refused(&far), "ground.metres[1]");
}

#[test]
fn a_view_has_so_many_shapes_and_rules_at_most() {
    let triangle = json!([[0, 0], [1, 0], [1, 1]]);
    let zones: serde_json::Map<_, _> = (0..1001).map(|i| (format!("z{i}"), triangle.clone())).collect();
    assert_eq!(refused(&json!({"zones": zones})), "zones");
    let rules: Vec<_> =
        (0..1001).map(|i| json!({"name": format!("{i}"), "type": "intrusion", "zone": "z"})).collect();
    assert_eq!(refused(&json!({"zones": {"z": triangle}, "rules": rules})), "rules");
}

#[test]
fn sixty_thousand_classes_are_read_in_a_moment() {
    let classes: Vec<_> = (0..65_535).map(|i| format!("class {i}")).collect();
    let scene = json!({"classes": classes, "zones": {"z": [[0, 0], [1, 0], [1, 1]]}, "rules": [
        {"name": "i", "type": "intrusion", "zone": "z", "classes": classes}]});
    let mut engine = Engine::new(&scene.to_string()).expect("a scene");
    step(&mut engine, &Frame { boxes: vec![(0.1, 0.1, 0.1, 0.1, 0.9, 65_534)], ..empty(0) });
    let unknown = Boxes { xyxy: &[0.1, 0.1, 0.2, 0.2], score: &[0.9], class_id: &[65_535] };
    assert!(engine.step(Timestamp::from_ms(1), unknown, [], None).is_err());
    let mut twice = classes;
    twice[65_000] = "class 3".into();
    assert_eq!(refused(&json!({"classes": twice})), "classes[65000]");
}

#[test]
fn a_detector_that_suppresses_nothing_does_not_stop_the_engine() {
    // The same box over and over: every pair is as good as every other.
    let mut engine = crate::world::engine();
    for k in 0..3 {
        let boxes = vec![(0.2, 0.2, 0.2, 0.4, 0.9, 0); 2000];
        step(&mut engine, &Frame { boxes, ..empty(200 * k) });
        // And boxes that tremble, so that none is.
        let shaken = |i: usize| 0.2 + 0.01 * ((i * 7919 + k as usize * 104_729) % 997) as f32 / 997.0;
        let boxes = (0..2000).map(|i| (shaken(i), shaken(i + 31), 0.2, 0.4, 0.9, 2)).collect();
        step(&mut engine, &Frame { boxes, ..empty(200 * k + 100) });
    }
    assert!(engine.tracks().len() <= 4096);
}

#[test]
fn a_picture_has_ten_thousand_boxes_at_most() {
    let mut engine = crate::world::engine();
    let n = 100_000;
    let (xyxy, score, class_id) = ([0.1, 0.1, 0.2, 0.2].repeat(n), vec![0.9; n], vec![0; n]);
    let boxes = Boxes { xyxy: &xyxy, score: &score, class_id: &class_id };
    let told = engine.step(Timestamp::from_ms(0), boxes, [], None).expect_err("too many").to_string();
    assert!(told.contains("100000") && told.contains("10000"), "{told}");
    assert_eq!(engine.last_step(), None);
}

#[test]
fn signals_have_names_that_somebody_chose() {
    let mut engine = crate::world::engine();
    let none = Boxes { xyxy: &[], score: &[], class_id: &[] };
    let mut refused = 0;
    for k in 0..3000 {
        let name = format!("lamp {k}");
        refused +=
            i32::from(engine.step(Timestamp::from_ms(k), none, [(name.as_str(), "on")], None).is_err());
    }
    assert_eq!(refused, 2000, "a thousand names are kept, no more");
    // The known ones go on changing.
    engine.step(Timestamp::from_ms(3000), none, [("lamp 0", "off")], None).expect("known");
    let many: Vec<_> = (0..1001).map(|k| format!("other {k}")).collect();
    let mut fresh = crate::world::engine();
    let at_once = many.iter().map(|name| (name.as_str(), "on"));
    assert!(fresh.step(Timestamp::from_ms(0), none, at_once, None).is_err());
    let long = "x".repeat(100_000);
    assert!(fresh.step(Timestamp::from_ms(0), none, [("lamp", long.as_str())], None).is_err());
    assert_eq!(fresh.last_step(), None);
}

#[test]
fn an_incident_that_never_ends_does_not_remember_all_who_passed() {
    // A car stands for hours; the detector now and then sees a second car in its place, a new one each time.
    let scene = r#"{"zones": {"z": [[0, 0], [1, 0], [1, 1], [0, 1]]},
      "rules": [{"name": "p", "type": "parking", "zone": "z", "after": "2s"}]}"#;
    let mut engine = Engine::new(scene).unwrap();
    let parked = (0.4, 0.4, 0.2, 0.2, 0.9, 2);
    let mut most = 0;
    let mut started = 0;
    for k in 0..12_000 {
        let mut boxes = vec![parked];
        // Twenty seconds in every three minutes, each time with another shape inside the first.
        if k > 200 && k % 900 < 100 {
            let inner = 0.13 + 0.003 * ((k / 900) % 13) as f32;
            boxes.push((0.42, 0.42, inner, inner, 0.8, 2));
        }
        started += step(&mut engine, &Frame { boxes, ..empty(200 * k) }).len();
        most = most.max(engine.remembered());
    }
    assert_eq!(started, 1, "one car, one incident");
    assert!(most <= 8, "{most} things remembered of two cars");
}

#[test]
fn a_case_that_would_play_for_years_is_refused() {
    let scene = "[scene]\nzones.z = [[0, 0], [1, 0], [1, 1]]\n[[case]]\nname = \"long\"\nexpect = []\n";
    for (more, place) in [
        ("person-1 = \"0s 0.5,0.5 -> 36500d 0.5,0.5\"", "case[0].until"),
        ("until = \"30000d\"", "case[0].until"),
        ("until = \"48h\"\nfps = 1000", "case[0].until"),
    ] {
        match rehearse(&format!("{scene}{more}\n"), None) {
            Err(Error::Config { path, .. }) => assert_eq!(path, place),
            other => panic!("refused, not {other:?}"),
        }
    }
    rehearse(&format!("{scene}until = \"24h\"\n"), None).expect("a day at five pictures a second is fine");
}
