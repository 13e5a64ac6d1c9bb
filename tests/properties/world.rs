//! A scene with every rule kind, recordings made by chance, and an engine that plays them.

use beffroi::engine::{Boxes, Engine};
use beffroi::event::Event;
use beffroi::time::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

/// Every rule kind, and every way in which one of them tells time or place; fuzzing starts from it too.
pub(crate) const SCENE: &str = include_str!("../fuzz/seeds/scene/every_rule.json");

/// The scene with changes.
pub(crate) fn scene(change: impl FnOnce(&mut Value)) -> String {
    let mut scene: Value = serde_json::from_str(SCENE).expect("JSON");
    change(&mut scene);
    scene.to_string()
}

pub(crate) fn engine() -> Engine {
    Engine::new(SCENE).expect("the scene")
}

/// One box: x, y, width, height, score, class.
pub(crate) type Seen = (f32, f32, f32, f32, f32, u16);

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) at: i64,
    pub(crate) boxes: Vec<Seen>,
    pub(crate) motion: Option<[f64; 6]>,
    pub(crate) signal: Option<&'static str>,
}

pub(crate) struct Columns {
    pub(crate) xyxy: Vec<f32>,
    pub(crate) score: Vec<f32>,
    pub(crate) class_id: Vec<u16>,
}

impl Columns {
    pub(crate) fn of(boxes: &[Seen]) -> Self {
        Self {
            xyxy: boxes.iter().flat_map(|&(x, y, w, h, ..)| [x, y, x + w, y + h]).collect(),
            score: boxes.iter().map(|b| b.4).collect(),
            class_id: boxes.iter().map(|b| b.5).collect(),
        }
    }

    pub(crate) fn boxes(&self) -> Boxes<'_> {
        Boxes { xyxy: &self.xyxy, score: &self.score, class_id: &self.class_id }
    }
}

pub(crate) fn try_step(engine: &mut Engine, frame: &Frame) -> beffroi::error::Result<()> {
    let columns = Columns::of(&frame.boxes);
    // No rule reads what is blue.
    let signal = frame.signal.map(|state| (if state == "blue" { "lamp" } else { "light" }, state));
    engine.step(Timestamp::from_ms(frame.at), columns.boxes(), signal, frame.motion)
}

pub(crate) fn step<'e>(engine: &'e mut Engine, frame: &Frame) -> &'e [Event] {
    try_step(engine, frame).expect("valid input");
    engine.events()
}

/// A step without boxes.
pub(crate) fn empty(at: i64) -> Frame {
    Frame { at, boxes: Vec::new(), motion: None, signal: None }
}

/// Plays a recording to its end, `finish` included.
pub(crate) fn play(scene: &str, frames: &[Frame]) -> Vec<Event> {
    let mut engine = Engine::new(scene).expect("the scene");
    let mut told = Vec::new();
    for frame in frames {
        told.extend_from_slice(step(&mut engine, frame));
    }
    let end = frames.last().map_or(0, |frame| frame.at);
    told.extend_from_slice(engine.finish(Timestamp::from_ms(end), "end_of_stream").expect("not backwards"));
    told
}

pub(crate) fn lines(told: &[Event]) -> Vec<String> {
    told.iter().map(Event::to_json).collect()
}

/// What was told, without the ids: which rule, what, when, since when; sorted.
pub(crate) fn gist(told: &[Event], shift: i64) -> Vec<(String, &'static str, i64, i64)> {
    let mut all: Vec<_> = told
        .iter()
        .map(|e| (e.origin.rule.clone(), e.change.as_str(), e.at.ms() - shift, e.since.ms() - shift))
        .collect();
    all.sort();
    all
}

fn class() -> impl Strategy<Value = u16> {
    prop::sample::select(vec![0u16, 0, 0, 0, 2, 2, 7, 1, 16, 24, 80, 81, 82, 82, 83])
}

fn motion() -> impl Strategy<Value = Option<[f64; 6]>> {
    let shake = (-0.01..0.01f64, -0.05..0.05f64, -0.01..0.01f64, -0.05..0.05f64);
    prop::option::weighted(0.2, shake.prop_map(|(a, tx, c, ty)| [1.0 + a, -c, tx, c, 1.0 + a, ty]))
}

/// Pictures at irregular times with boxes anywhere, near the rules' shapes and beyond the picture.
fn noise(most: usize) -> impl Strategy<Value = Vec<Frame>> {
    let seen = (-0.1f32..1.0, -0.1f32..1.0, 0.01f32..0.4, 0.01f32..0.6, 0.0f32..=1.0, class());
    let signal = prop::sample::select(vec![None, Some("red"), Some("green")]);
    let one = (1i64..3000, prop::collection::vec(seen, 0..6), motion(), signal);
    prop::collection::vec(one, 1..most).prop_map(|all| {
        let mut now = 0;
        all.into_iter()
            .map(|(wait, boxes, motion, signal)| {
                now += wait;
                Frame { at: now, boxes, motion, signal }
            })
            .collect()
    })
}

/// Somebody who goes from one place to another, stands, and is missed now and then.
#[derive(Clone, Debug)]
struct Actor {
    from: (f32, f32),
    to: (f32, f32),
    size: (f32, f32),
    score: f32,
    class: u16,
    begin: usize,
    /// Bit k set: not detected in picture k modulo 32.
    missed: u32,
    /// Goes beside the first one instead of its own way.
    follows: bool,
}

/// People and cars that move as such, with the misses, the trembling and the pace of a real detector.
fn street(most: usize) -> impl Strategy<Value = Vec<Frame>> {
    let place = || (-0.05f32..1.0, 0.0f32..0.8);
    let size = (0.02f32..0.2, 0.05f32..0.3);
    let habits = (0usize..20, any::<(u32, u32)>(), any::<bool>());
    let actor = (place(), place(), size, 0.3f32..1.0, class(), habits).prop_map(
        |(from, to, size, score, class, (begin, (a, b), follows))| {
            let missed = a & b;
            Actor { from, to, size, score, class, begin, missed, follows }
        },
    );
    let pace = prop::sample::select(vec![40i64, 100, 200, 500]);
    let tremble = prop::collection::vec(-0.003f32..0.003, 37);
    (prop::collection::vec(actor, 1..6), pace, 1..most, tremble, motion()).prop_map(
        |(mut actors, pace, count, tremble, motion)| {
            let (first, others) = actors.split_at_mut(1);
            for (i, actor) in others.iter_mut().enumerate().filter(|(_, a)| a.follows) {
                let beside = |p: (f32, f32)| (p.0 + 0.06 * (i + 1) as f32, p.1);
                (actor.from, actor.to) = (beside(first[0].from), beside(first[0].to));
                (actor.begin, actor.class) = (first[0].begin, first[0].class);
            }
            let shown = |actor: &Actor, k: usize| {
                let t = (k as f32 / 25.0).min(1.0);
                let x = actor.from.0 + (actor.to.0 - actor.from.0) * t + tremble[(7 * k) % 37];
                let y = actor.from.1 + (actor.to.1 - actor.from.1) * t + tremble[(5 * k + 3) % 37];
                (x, y, actor.size.0, actor.size.1, actor.score, actor.class)
            };
            (0..count)
                .map(|k| Frame {
                    at: 1000 + k as i64 * pace + (k as i64 * 7) % 13,
                    boxes: actors
                        .iter()
                        .filter(|a| k >= a.begin && a.missed >> (k % 32) & 1 == 0)
                        .map(|a| shown(a, k - a.begin))
                        .collect(),
                    motion: motion.filter(|_| k % 9 == 4),
                    signal: None,
                })
                .collect()
        },
    )
}

/// Any recording of up to so many pictures.
pub(crate) fn frames(most: usize) -> impl Strategy<Value = Vec<Frame>> {
    prop_oneof![noise(most), street(most)]
}

/// People and cars, each in a lane of its own and far from one another, always seen: nothing in it is a tie.
/// Coordinates are whole 2^-20ths, so that `1 - x` is exact.
pub(crate) fn lanes(pace: i64, seconds: i64) -> impl Strategy<Value = Vec<Frame>> {
    let grid = |x: f32| (x * 1_048_576.0).round() / 1_048_576.0;
    // Nobody stops on the line or in the zone before it, nor passes its very end: there a trembling decides.
    let walks = prop::sample::select(vec![1i64, 2, 3, 4, 7, 8, 9, 10, 11, 13]);
    // Begins and stops at whole seconds, which are pictures at every rate; half a second from any zone, for a path begins
    // with the second detection.
    let lane = (0.0f32..0.02, walks, 0.02f32..0.05, 0.06f32..0.1, any::<bool>(), 0i64..3);
    prop::collection::vec(lane, 1..5).prop_map(move |lanes| {
        let last = seconds * 1000 / pace;
        (0..=last)
            .map(|k| {
                let at = k * pace;
                let shown =
                    |(i, &(from, walks, w, h, car, begin)): (usize, &(f32, i64, f32, f32, bool, i64))| {
                        // A body size a second: what a tracker follows without doubt at any of the rates.
                        let x = from + 0.08 * (at - begin * 1000).min(walks * 1000) as f32 / 1000.0;
                        let y = 0.06 + 0.2 * i as f32;
                        (at >= begin * 1000)
                            .then(|| (grid(x), grid(y), grid(w), grid(h), 0.9f32, if car { 2u16 } else { 0 }))
                    };
                Frame {
                    at,
                    boxes: lanes.iter().enumerate().filter_map(shown).collect(),
                    motion: None,
                    signal: None,
                }
            })
            .collect()
    })
}
