//! Crossings and visits that the whole engine counts, boxes in and totals out, against an exact oracle.
//!
//! Each case is a path without noise, whose crossings are counted by orientations, and a detector that shakes its boxes
//! by 0 to 3 % of their size, misses some, at 5 to 30 pictures a second. The cases are the same in every run.

mod lines;
mod walk;
mod zones;

use beffroi::engine::{Boxes, Engine};
use beffroi::event::{Change, Event};
use beffroi::time::Timestamp;
use std::fmt::Debug;
use walk::{ASPECT, Body, CLASSES, Chance, Path, Xy};

/// Cases of each kind at each level of noise; the shares that may be wrong were found with 2000.
const CASES: usize = 150;
const NOISES: [f64; 4] = [0.0, 0.01, 0.02, 0.03];

/// What the detector and the tracker do wrong.
#[derive(Clone, Debug)]
struct Trouble {
    fps: f64,
    noise: f64,
    misses: f64,
    /// Seconds without a detection.
    gap: Option<(f64, f64)>,
    /// Moment at which the tracker loses the track.
    switch: Option<f64>,
}

impl Trouble {
    fn any(c: &mut Chance, noise: f64) -> Self {
        let (fps, misses) = (c.of(&[5.0, 5.0, 10.0, 30.0]), c.of(&[0.0, 0.0, 0.1]));
        Self { fps, noise, misses, gap: None, switch: None }
    }

    /// Unseen for up to two seconds about a moment, and under another track afterwards.
    fn hide(&mut self, c: &mut Chance, about: f64) {
        let hidden = c.unit();
        self.gap = Some((about - hidden * c.unit(), about + hidden * c.unit()));
        self.switch = Some(about + hidden * c.within(-1.0, 1.0));
    }
}

/// Somebody's path about a line or zone.
#[derive(Clone, Debug)]
struct Case {
    path: Path,
    body: Body,
    shape: Vec<Xy>,
    truth: [i64; 2],
    trouble: Trouble,
}

/// A scene with one shape, and rules about it that look at every class.
fn scene(family: &str, shape: &[Xy], rules: &str) -> String {
    let points: Vec<Xy> = shape.iter().map(|p| [p[0] / ASPECT, p[1]]).collect();
    format!(r#"{{"classes": {CLASSES:?}, "{family}": {{"shape": {points:?}}}, "rules": [{rules}]}}"#)
}

/// Plays the case to an engine until everybody is forgotten; gives all events, those of the end included.
fn play(case: &Case, seed: u64, scene: &str) -> Vec<Event> {
    let Trouble { fps, noise, misses, gap, mut switch } = case.trouble;
    let mut engine = Engine::new(scene).expect("the scene");
    let mut chance = Chance(!seed);
    let mut events = Vec::new();
    let mut last = Timestamp::from_ms(0);
    for i in 0..((case.path.end() + 7.0) * fps) as i64 {
        last = Timestamp::from_ms((i as f64 * 1000.0 / fps).round() as i64);
        let t = last.ms() as f64 / 1000.0;
        let missed = chance.likely(misses) || gap.is_some_and(|(from, to)| (from..to).contains(&t));
        let seen = case.path.at(t).and_then(|p| case.body.seen(p, noise, &mut chance)).filter(|_| !missed);
        if switch.is_some_and(|moment| t >= moment) {
            switch = None;
            if let Some(track) = engine.tracks().first().map(|track| track.id) {
                engine.lose_track(track);
            }
        }
        let (score, class_id) = ([0.9], [case.body.class]);
        let n = usize::from(seen.is_some());
        let xyxy = seen.unwrap_or_default();
        let boxes = Boxes { xyxy: &xyxy[..4 * n], score: &score[..n], class_id: &class_id[..n] };
        engine.step(last, boxes, [], None).expect("valid boxes");
        events.extend_from_slice(engine.events());
    }
    events.extend_from_slice(engine.finish(last, "end_of_stream").expect("not backwards"));
    events
}

fn crossings(case: &Case, seed: u64) -> [i64; 2] {
    let rule = format!(
        r#"{{"name": "total", "type": "line_count", "line": "shape", "every": "24h", "classes": {CLASSES:?}}}"#
    );
    let events = play(case, seed, &scene("lines", &case.shape, &rule));
    let total = |name: &str| {
        let measured = events.iter().flat_map(|e| &e.measured).find(|m| m.name == name);
        measured.map_or(0, |m| m.value as i64)
    };
    [total("left_to_right"), total("right_to_left")]
}

/// How often the zone was entered, left, and told to have somebody inside.
fn visits(case: &Case, seed: u64) -> [i64; 3] {
    let rules = ["enter", "leave", "inside"].map(|on| {
        format!(r#"{{"name": "{on}", "type": "intrusion", "zone": "shape", "on": "{on}", "classes": {CLASSES:?}}}"#)
    });
    let events = play(case, seed, &scene("zones", &case.shape, &rules.join(",")));
    ["enter", "leave", "inside"].map(|rule| {
        events.iter().filter(|e| e.origin.rule == rule && e.change == Change::Started).count() as i64
    })
}

/// Plays a family at every level of noise; complains if more than the share `allowed` of its cases is wrong.
fn judge<T: Debug>(
    name: &str,
    allowed: f64,
    case: impl Fn(u64, f64) -> Option<Case>,
    count: impl Fn(&Case, u64) -> T,
    right: impl Fn(&Case, &T) -> bool,
) -> Option<String> {
    let (mut wrong, mut played) = (Vec::new(), 0.0);
    for (level, noise) in NOISES.into_iter().enumerate() {
        let first = 1_000_000 * level as u64;
        let cases = (first..).filter_map(|seed| Some((seed, case(seed, noise)?))).take(CASES);
        for (seed, case) in cases {
            let got = count(&case, seed);
            played += 1.0;
            if !right(&case, &got) {
                wrong.push(format!("seed {seed}: {got:?} instead of {:?}: {case:?}", case.truth));
            }
        }
    }
    let worst: Vec<&str> = wrong.iter().take(3).map(String::as_str).collect();
    let too_many = wrong.len() as f64 > allowed * played;
    too_many.then(|| format!("{name}: {} of {played} wrong\n  {}", wrong.len(), worst.join("\n  ")))
}

#[test]
fn lines_count_what_was_crossed() {
    let failures: Vec<String> = lines::FAMILIES
        .iter()
        .filter_map(|family| {
            let case = |seed, noise| family.case(seed, noise);
            judge(family.name, family.wrong, case, crossings, |case, got| *got == case.truth)
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn zones_tell_who_came_and_went() {
    let failures: Vec<String> = zones::FAMILIES
        .iter()
        .filter_map(|family| {
            let case = |seed, noise| family.case(seed, noise);
            judge(family.name, family.wrong, case, visits, |case, got| {
                got.iter().all(|&n| n == case.truth[0] || (family.at_most && n < case.truth[0]))
            })
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
