//! Totals of the whole engine against an exact oracle.

mod walk;

use beffroi::engine::{Boxes, Engine};
use beffroi::time::Timestamp;
use std::fmt::Write as _;
use walk::*;

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

#[derive(Clone, Debug)]
struct Case {
    path: Path,
    body: Body,
    line: Vec<Xy>,
    truth: [i64; 2],
    trouble: Trouble,
}

fn scene(line: &[Xy]) -> String {
    let mut points = String::new();
    for p in line {
        let _ = write!(points, "[{}, {}],", p[0] / ASPECT, p[1]);
    }
    let classes = r#""classes": ["person", "car", "truck", "dog", "suitcase"]"#;
    format!(
        r#"{{"lines": {{"l": [{}]}}, "rules": [{{"name": "c", "type": "line_count", "line": "l", "every": "24h", {classes}}}]}}"#,
        points.trim_end_matches(',')
    )
}

fn count(case: &Case, seed: u64) -> [i64; 2] {
    let mut engine = Engine::new(&scene(&case.line)).expect("the scene");
    let mut chance = Chance(seed ^ 0xABCD);
    let step = 1000.0 / case.trouble.fps;
    let tail = 7.0;
    let n = ((case.path.end() + tail) * 1000.0 / step) as usize;
    let mut switched = false;
    for i in 0..n {
        let at = (i as f64 * step).round();
        let t = at / 1000.0;
        let missed = chance.unit() < case.trouble.misses
            || case.trouble.gap.is_some_and(|(from, to)| (from..to).contains(&t));
        let found = case.path.at(t).and_then(|p| case.body.seen(p, case.trouble.noise, &mut chance));
        if !switched && case.trouble.switch.is_some_and(|s| t >= s) {
            switched = true;
            if let Some(track) = engine.tracks().first().map(|t| t.id) {
                engine.lose_track(track);
            }
        }
        let xyxy = found.filter(|_| !missed);
        let (score, class) = ([0.9_f32], [case.body.class]);
        let k = usize::from(xyxy.is_some());
        let flat = xyxy.unwrap_or_default();
        let boxes = Boxes { xyxy: &flat[..4 * k], score: &score[..k], class_id: &class[..k] };
        engine.step(Timestamp::from_ms(at as i64), boxes, [], None).expect("valid");
    }
    let last = engine.last_step().expect("stepped");
    let events = engine.finish(last, "end_of_stream").expect("ends").to_vec();
    let of = |name: &str| {
        events.iter().flat_map(|e| &e.measured).find(|m| m.name == name).map_or(0, |m| m.value as i64)
    };
    [of("left_to_right"), of("right_to_left")]
}

fn body(c: &mut Chance) -> Body {
    match c.below(10) {
        8 => Body { class: PERSON, width: c.within(0.15, 0.4), height: c.within(0.06, 0.1) },
        9 => Body { class: SUITCASE, width: c.within(0.015, 0.03), height: c.within(0.2, 0.5) },
        0..=2 => {
            let height = c.within(0.08, 0.45);
            Body { class: PERSON, height, width: height * c.within(0.3, 0.5) }
        }
        3 => {
            let width = c.within(0.1, 0.4);
            Body { class: CAR, width, height: width * c.within(0.5, 1.0) }
        }
        4 => Body { class: TRUCK, width: c.within(0.35, 0.8), height: c.within(0.12, 0.3) },
        5 => Body { class: PERSON, width: c.within(0.02, 0.05), height: c.within(0.4, 0.7) },
        6 => {
            let width = c.within(0.05, 0.2);
            Body { class: DOG, width, height: width * c.within(0.5, 1.2) }
        }
        _ => {
            let height = c.within(0.08, 0.4);
            Body { class: SUITCASE, height, width: height * c.within(0.2, 0.6) }
        }
    }
}

/// A straight line somewhere in the middle of the picture: its ends, its direction and its normal.
fn straight(c: &mut Chance, least: f64) -> ([Xy; 2], Xy, Xy, f64) {
    let angle =
        if c.unit() < 0.4 { f64::from(c.below(4) as u8) * 90.0 } else { c.within(0.0, 360.0) }.to_radians();
    let d = [angle.cos(), angle.sin()];
    let n = [-d[1], d[0]];
    let length = c.within(least, (least * 1.5).max(0.5));
    let middle = [c.within(0.7, 1.1), c.within(0.45, 0.6)];
    ([add(middle, d, -length / 2.0), add(middle, d, length / 2.0)], d, n, length)
}

fn trouble(c: &mut Chance, noise: f64) -> Trouble {
    Trouble {
        fps: c.of(&[5.0, 5.0, 10.0, 30.0]),
        noise,
        misses: c.of(&[0.0, 0.0, 0.1]),
        gap: None,
        switch: None,
    }
}

fn speed(c: &mut Chance, b: &Body) -> f64 {
    c.within(0.3, if b.class == PERSON { 1.2 } else { 1.5 }) * b.unit()
}

fn cut(b: &Body, p: &Xy) -> bool {
    let y2 = p[1] + b.below() * b.height;
    y2 > 0.99 || y2 - b.height < 0.01 || p[0] - b.width / 2.0 < 0.01 || p[0] + b.width / 2.0 > ASPECT - 0.01
}

const FAMILIES: [&str; 10] = [
    "across",
    "to and fro",
    "stop and go",
    "along",
    "round the end",
    "wander",
    "edge",
    "hand over",
    "starts or ends on it",
    "off the end",
];

fn case(family: &str, seed: u64, noise: f64) -> Option<Case> {
    let c = &mut Chance(seed);
    let b = body(c);
    let u = b.unit().max(0.7 * b.width.max(b.height));
    let v = speed(c, &b);
    let mut trouble = trouble(c, noise);
    let (near, clear) = (0.09 * u, 0.5 * u);
    let free = |c: &mut Chance| c.within(0.9, 2.0) * u;
    let (line, path) = match family {
        "across" | "hand over" => {
            let (l, d, n, len) = straight(c, 0.8 * u);
            let hit = add(l[0], d, len * c.within(0.25, 0.75));
            let s = c.sign();
            let skew = c.within(-0.5, 0.5);
            let way = [n[0] * s + d[0] * skew, n[1] * s + d[1] * skew];
            let (before, after) = if family == "hand over" { (v * 1.5, v * 2.5) } else { (1.2 * u, 0.9 * u) };
            let path = Path::from(add(hit, way, -free(c).max(before)))
                .go(hit, v)
                .go(add(hit, way, free(c).max(after)), v);
            if family == "hand over" {
                let mid = path.0[1].0;
                let hidden = c.within(0.0, 1.0);
                trouble.gap = Some((mid - hidden * c.unit(), mid + hidden * c.unit()));
                trouble.switch = Some(mid - hidden + 2.0 * hidden * c.unit());
            }
            (l.to_vec(), path)
        }
        "to and fro" => {
            let (l, d, n, len) = straight(c, 0.8 * u);
            let s = c.sign();
            let mut path = Path::from(add(add(l[0], d, len * 0.5), n, -s * free(c)));
            for k in 0..2 + c.below(6) {
                let side = if k % 2 == 0 { s } else { -s };
                let to = add(add(l[0], d, len * c.within(0.3, 0.7)), n, side * c.within(0.6, 1.5) * u);
                path = path.go(to, v).stay(c.within(0.0, 2.0));
            }
            (l.to_vec(), path)
        }
        "stop and go" => {
            let (l, d, n, len) = straight(c, 0.8 * u);
            let s = c.sign();
            let foot = add(l[0], d, len * c.within(0.3, 0.7));
            let mut path = Path::from(add(foot, n, -s * free(c)));
            for _ in 0..1 + c.below(5) {
                path = path.go(add(foot, n, c.within(-0.06, 0.06) * u), v * 0.5).stay(c.within(1.0, 20.0));
            }
            let out = if c.unit() < 0.7 { s } else { -s };
            (l.to_vec(), path.go(add(foot, n, out * free(c)), v))
        }
        "along" => {
            let (l, d, n, len) = straight(c, 2.5 * u);
            let s = c.sign();
            let start = add(l[0], d, len * 0.3);
            let mut path = Path::from(add(start, n, -s * free(c)));
            path = path.go(add(start, n, c.within(-0.05, 0.05) * u), v);
            path = path.go(add(add(l[0], d, len * 0.7), n, c.within(-0.05, 0.05) * u), v);
            let out = c.sign();
            (l.to_vec(), path.go(add(add(l[0], d, len * 0.7), n, out * free(c)), v))
        }
        "off the end" => {
            // Along the line, well on one side of it, past its end, and only then over to the other side.
            let (l, d, n, len) = straight(c, 1.5 * u);
            let s = c.sign();
            let off = -s * c.within(0.12, 0.3) * u;
            let past = add(l[1], d, c.within(0.4, 1.0) * u);
            let mut path = Path::from(add(add(l[0], d, len * 0.3), n, -s * free(c)));
            path = path.go(add(add(l[0], d, len * 0.5), n, off), v).go(add(past, n, off), v);
            path = path.go(add(past, n, s * free(c)), v);
            if c.unit() < 0.5 {
                path = path.go(add(add(l[0], d, len * 0.5), n, s * 1.2 * u), v);
            }
            (l.to_vec(), path)
        }
        "round the end" => {
            let (l, d, n, len) = straight(c, 0.8 * u);
            let s = c.sign();
            let past = add(l[1], d, c.within(0.25, 0.6) * u);
            let mut path = Path::from(add(add(l[0], d, len * 0.5), n, -s * free(c)));
            path = path.go(add(past, n, -s * 0.5 * u), v).go(add(past, n, s * 0.5 * u), v);
            path = path.go(add(add(l[0], d, len * 0.5), n, s * free(c)), v);
            (l.to_vec(), path)
        }
        "wander" => {
            let k = 2 + c.below(3);
            let line: Vec<Xy> =
                (0..=k).map(|i| [0.3 + 1.2 * i as f64 / k as f64, c.within(0.25, 0.75)]).collect();
            let line = if c.unit() < 0.5 { line } else { line.into_iter().rev().collect() };
            let place = |c: &mut Chance| [c.within(0.3, 1.5), c.within(0.15, 0.98)];
            let mut path = Path::from(place(c));
            for _ in 0..3 + c.below(5) {
                path = path.go(place(c), v);
                if c.unit() < 0.4 {
                    path = path.stay(c.within(0.5, 8.0));
                }
            }
            if distance(&line, path.0[0].1) < 0.5 * u {
                return None;
            }
            // Near an end of the line it is too close to call.
            let ends = [line[0], line[line.len() - 1]];
            let n = (path.end() / 0.02) as usize;
            if (0..n).any(|i| {
                ends.iter().any(|e| norm(sub(path.at(i as f64 * 0.02).expect("there"), *e)) < 0.3 * u)
            }) {
                return None;
            }
            (line, path)
        }
        "edge" => {
            // A line along one side of the picture; somebody walks in or out over it.
            let side = c.below(4);
            let depth = c.within(0.02, 0.15);
            let (line, inner, outer): (Vec<Xy>, Xy, Xy) = match side {
                0 => {
                    let y = c.within(0.4, 0.8);
                    (vec![[depth, 0.02], [depth, 0.98]], [0.8, y], [-1.0, y])
                }
                1 => {
                    let y = c.within(0.4, 0.8);
                    let x = ASPECT - depth;
                    (vec![[x, 0.98], [x, 0.02]], [ASPECT - 0.8, y], [ASPECT + 1.0, y])
                }
                2 => {
                    let x = c.within(0.5, 1.2);
                    let y = 1.0 - depth;
                    (vec![[0.02, y], [ASPECT - 0.02, y]], [x, 0.45], [x, 1.9])
                }
                _ => {
                    let x = c.within(0.5, 1.2);
                    (vec![[0.02, depth + 0.03], [ASPECT - 0.02, depth + 0.03]], [x, 0.7], [x, -0.9])
                }
            };
            let inwards = c.unit() < 0.5;
            let path = if inwards { Path::from(outer).go(inner, v) } else { Path::from(inner).go(outer, v) };
            (line, path)
        }
        _ => {
            let (l, d, n, len) = straight(c, 0.8 * u);
            let s = c.sign();
            let on = add(add(l[0], d, len * c.within(0.3, 0.7)), n, c.within(-0.02, 0.02) * u);
            let off = add(add(l[0], d, len * 0.5), n, s * free(c));
            let wait = c.within(1.0, 30.0);
            let path = if c.unit() < 0.5 {
                Path::from(on).stay(wait).go(off, v)
            } else {
                Path::from(off).go(on, v).stay(wait)
            };
            if path.0.iter().any(|(_, p)| cut(&b, p)) {
                return None;
            }
            return Some(Case { path, body: b, line: l.to_vec(), truth: [0, 0], trouble });
        }
    };
    let truth = path.truth(&line, near, clear)?;
    let inside = |p: &Xy| (0.02..1.76).contains(&p[0]) && (0.02..0.98).contains(&p[1]);
    if family != "edge" && !(line.iter().all(inside)) {
        return None;
    }
    // Boxes that the border cuts are the edge family's.
    if family != "edge" {
        if path.0.iter().any(|(_, p)| cut(&b, p)) {
            return None;
        }
    }
    Some(Case { path, body: b, line, truth, trouble })
}

#[test]
#[ignore = "exploration"]
fn explore() {
    let n: u64 = std::env::var("N").map_or(300, |n| n.parse().expect("a number"));
    let only = std::env::var("ONLY").ok();
    let show: usize = std::env::var("SHOW").map_or(3, |n| n.parse().expect("a number"));
    for family in FAMILIES {
        if only.as_deref().is_some_and(|o| o != family) {
            continue;
        }
        for noise in [0.0, 0.01, 0.02, 0.03] {
            let (mut cases, mut wrong, mut truth, mut total, mut shown) = (0, 0, 0, 0, 0);
            let mut seed = 0;
            while cases < n && seed < 40 * n {
                seed += 1;
                let Some(case) = case(family, seed, noise) else { continue };
                cases += 1;
                let got = count(&case, seed);
                truth += case.truth[0] + case.truth[1];
                total += got[0] + got[1];
                if got != case.truth {
                    wrong += 1;
                    if shown < show {
                        shown += 1;
                        println!(
                            "   seed {seed} truth {:?} got {got:?} body {:?} unit {:.3} line {:.3?} trouble {:?}\n      path {:.3?}",
                            case.truth,
                            case.body,
                            case.body.unit(),
                            case.line,
                            case.trouble,
                            case.path.0
                        );
                    }
                }
            }
            println!(
                "{family:22} noise {noise:.2}: {cases} cases, wrong {wrong}, truth {truth}, counted {total}"
            );
        }
    }
}

/// Entries, exits and incidents of a zone.
fn visits(zone: &[Xy], path: &Path, body: &Body, trouble: &Trouble, seed: u64) -> [usize; 3] {
    let mut points = String::new();
    for p in zone {
        let _ = write!(points, "[{}, {}],", p[0] / ASPECT, p[1]);
    }
    let classes = r#""classes": ["person", "car", "truck", "dog", "suitcase"]"#;
    let scene = format!(
        r#"{{"zones": {{"z": [{}]}}, "rules": [
        {{"name": "enter", "type": "intrusion", "zone": "z", "on": "enter", {classes}}},
        {{"name": "leave", "type": "intrusion", "zone": "z", "on": "leave", {classes}}},
        {{"name": "inside", "type": "intrusion", "zone": "z", {classes}}}]}}"#,
        points.trim_end_matches(',')
    );
    let mut engine = Engine::new(&scene).expect("the scene");
    let mut told = [0; 3];
    let mut look = |events: &[beffroi::event::Event]| {
        for e in events.iter().filter(|e| e.change.as_str() == "started") {
            told[["enter", "leave", "inside"].iter().position(|n| *n == e.origin.rule).expect("a rule")] += 1;
        }
    };
    let mut chance = Chance(seed ^ 0xABCD);
    let step = 1000.0 / trouble.fps;
    let n = ((path.end() + 7.0) * 1000.0 / step) as usize;
    let mut switched = false;
    for i in 0..n {
        let at = (i as f64 * step).round();
        let t = at / 1000.0;
        let missed = chance.unit() < trouble.misses || trouble.gap.is_some_and(|(a, b)| (a..b).contains(&t));
        let found = path.at(t).and_then(|p| body.seen(p, trouble.noise, &mut chance));
        if !switched && trouble.switch.is_some_and(|s| t >= s) {
            switched = true;
            if let Some(track) = engine.tracks().first().map(|t| t.id) {
                engine.lose_track(track);
            }
        }
        let xyxy = found.filter(|_| !missed);
        let (score, class) = ([0.9_f32], [body.class]);
        let k = usize::from(xyxy.is_some());
        let flat = xyxy.unwrap_or_default();
        let boxes = Boxes { xyxy: &flat[..4 * k], score: &score[..k], class_id: &class[..k] };
        engine.step(Timestamp::from_ms(at as i64), boxes, [], None).expect("valid");
        look(engine.events());
    }
    told
}

/// A zone, a path, and how often at most and at least it is entered, left and told.
fn visit(family: &str, seed: u64, noise: f64) -> Option<(Vec<Xy>, Path, Body, Trouble, [[usize; 2]; 3])> {
    let c = &mut Chance(seed);
    let b = body(c);
    let u = b.unit().max(0.7 * b.width.max(b.height));
    let v = speed(c, &b);
    let mut trouble = trouble(c, noise);
    let (l, d, n, len) = straight(c, 1.6 * u);
    let s = c.sign();
    let band = |from: f64, to: f64| {
        vec![add(l[0], n, s * from), add(l[1], n, s * from), add(l[1], n, s * to), add(l[0], n, s * to)]
    };
    let foot = add(l[0], d, len * c.within(0.4, 0.6));
    let start = add(foot, n, -s * c.within(0.9, 2.0) * u);
    let (zone, path, want) = match family {
        "at the border" => {
            let at = add(foot, n, s * c.within(-0.15, 0.15) * u);
            let path = Path::from(start).go(at, v).stay(c.within(30.0, 200.0));
            (band(0.0, 1.2 * u), path, [[0, 1], [0, 1], [0, 1]])
        }
        "beside a strip" => {
            let off = if c.unit() < 0.5 { c.within(-0.15, -0.05) } else { c.within(0.1, 0.2) };
            let path = Path::from(start).go(add(foot, n, s * off * u), v).stay(c.within(30.0, 200.0));
            (band(0.0, 0.05 * u), path, [[0, 1], [0, 1], [0, 1]])
        }
        "through a strip" | "handed over in a strip" => {
            let wide = c.within(0.02, 0.6) * u;
            let start = add(foot, n, -s * (c.within(0.9, 1.5) * u).max(v * 1.5));
            let end = add(foot, n, s * (wide + (c.within(0.9, 1.5) * u).max(v * 2.5)));
            let path = Path::from(start).go(end, v);
            if family != "through a strip" {
                let mid = norm(sub(add(foot, n, s * wide / 2.0), start)) / v;
                let hidden = c.within(0.0, 1.0);
                trouble.gap = Some((mid - hidden * c.unit(), mid + hidden * c.unit()));
                trouble.switch = Some(mid - hidden + 2.0 * hidden * c.unit());
            }
            (band(0.0, wide), path, [[1, 1], [1, 1], [1, 1]])
        }
        "in and out" => {
            let k = 1 + c.below(4);
            let mut path = Path::from(start);
            for _ in 0..k {
                path = path.go(add(foot, n, s * 0.6 * u), v).stay(c.within(0.5, 4.0));
                path = path.go(add(foot, n, -s * c.within(0.6, 1.0) * u), v).stay(c.within(4.0, 5.0));
            }
            (band(0.0, 1.2 * u), path, [[k, k], [k, k], [k, k]])
        }
        _ => {
            let side = c.below(4);
            let depth = c.within(0.03, 0.3);
            let (x0, y) = (c.within(0.5, 1.2), c.within(0.4, 0.8));
            let (zone, inner, outer): (Vec<Xy>, Xy, Xy) = match side {
                0 => (vec![[0.0, 0.0], [depth, 0.0], [depth, 1.0], [0.0, 1.0]], [0.8, y], [-1.0, y]),
                1 => {
                    let x = ASPECT - depth;
                    (
                        vec![[x, 0.0], [ASPECT, 0.0], [ASPECT, 1.0], [x, 1.0]],
                        [ASPECT - 0.8, y],
                        [ASPECT + 1.0, y],
                    )
                }
                2 => {
                    let y = 1.0 - depth;
                    (vec![[0.0, y], [ASPECT, y], [ASPECT, 1.0], [0.0, 1.0]], [x0, 0.3], [x0, 1.9])
                }
                _ => {
                    let y = depth + 0.03;
                    (vec![[0.0, 0.0], [ASPECT, 0.0], [ASPECT, y], [0.0, y]], [x0, 0.8], [x0, -0.9])
                }
            };
            let path =
                if c.unit() < 0.5 { Path::from(outer).go(inner, v) } else { Path::from(inner).go(outer, v) };
            return Some((zone, path, b, trouble, [[1, 1], [1, 1], [1, 1]]));
        }
    };
    let inside = |p: &Xy| (0.0..ASPECT).contains(&p[0]) && (0.0..1.0).contains(&p[1]);
    if !zone.iter().all(inside) || path.0.iter().any(|(_, p)| cut(&b, p)) {
        return None;
    }
    Some((zone, path, b, trouble, want))
}

const ZONES: [&str; 6] = [
    "at the border",
    "beside a strip",
    "through a strip",
    "handed over in a strip",
    "in and out",
    "at the edge",
];

#[test]
#[ignore = "exploration"]
fn explore_zones() {
    let n: u64 = std::env::var("N").map_or(300, |n| n.parse().expect("a number"));
    let only = std::env::var("ONLY").ok();
    let show: usize = std::env::var("SHOW").map_or(3, |n| n.parse().expect("a number"));
    for family in ZONES {
        if only.as_deref().is_some_and(|o| o != family) {
            continue;
        }
        for noise in [0.0, 0.01, 0.02, 0.03] {
            let (mut cases, mut wrong, mut sum, mut shown, mut seed) = (0, 0, [0; 3], 0, 0);
            while cases < n && seed < 40 * n {
                seed += 1;
                let Some((zone, path, b, trouble, want)) = visit(family, seed, noise) else { continue };
                cases += 1;
                let got = visits(&zone, &path, &b, &trouble, seed);
                for k in 0..3 {
                    sum[k] += got[k];
                }
                if (0..3).any(|k| got[k] < want[k][0] || got[k] > want[k][1]) {
                    wrong += 1;
                    if shown < show {
                        shown += 1;
                        println!(
                            "   seed {seed} truth [{want:?}] got {got:?} body {b:?} unit {:.3} zone {zone:.3?} trouble {trouble:?}\n      path {:.3?}",
                            b.unit(),
                            path.0
                        );
                    }
                }
            }
            println!("{family:22} noise {noise:.2}: {cases} cases, wrong {wrong}, counted {sum:?}");
        }
    }
}
