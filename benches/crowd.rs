//! A synthetic crowd for load: the same pictures for the same seed, in the manner of `beffroi.crowd`.
//!
//! 5 % of the objects are missed in a picture, boxes are 3 % off, who stands behind somebody else is not seen, and
//! there are 5 % boxes with nothing in them.

use std::fmt::Write as _;

use beffroi::engine::{Boxes, Engine};
use beffroi::time::Timestamp;

const ASPECT: f64 = 16.0 / 9.0;
const STEP_MS: i64 = 100;

/// One picture, as the columns that the engine takes.
#[derive(Default)]
struct Picture {
    xyxy: Vec<f32>,
    score: Vec<f32>,
    class_id: Vec<u16>,
}

/// A small generator of its own (splitmix64): the core has none.
struct Dice(u64);

impl Dice {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Mean 0, standard deviation 1, near enough to a normal distribution.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

struct Walker {
    x: f64,
    y: f64,
    heading: f64,
    pace: f64,
    car: bool,
}

impl Walker {
    fn new(dice: &mut Dice) -> Self {
        let car = dice.uniform() < 0.2;
        Self {
            x: dice.between(0.0, ASPECT),
            y: dice.between(0.3, 1.0),
            heading: dice.between(0.0, std::f64::consts::TAU),
            pace: if car { 2.5 } else { 0.8 } * dice.between(0.6, 1.4),
            car,
        }
    }

    /// Moves on; gives the exact box in view units.
    fn walk(&mut self, size: f64, dice: &mut Dice) -> [f64; 4] {
        let seconds = STEP_MS as f64 / 1000.0;
        let height = size * (0.3 + self.y);
        self.heading += dice.bell() * 0.6 * seconds.sqrt();
        let (x, y) = (
            self.x + self.heading.cos() * self.pace * height * seconds,
            self.y + 0.5 * self.heading.sin() * self.pace * height * seconds,
        );
        (self.x, self.y) = (x.clamp(0.0, ASPECT), y.clamp(0.3, 1.0));
        if (self.x, self.y) != (x, y) {
            self.heading += std::f64::consts::FRAC_PI_2;
        }
        let half = 0.5 * height * if self.car { 1.6 } else { 0.4 };
        [self.x - half, self.y - height, self.x + half, self.y]
    }
}

/// `pictures` pictures of `objects` objects.
fn crowd(objects: usize, pictures: usize, seed: u64) -> Vec<Picture> {
    let mut dice = Dice(seed);
    let size = (1.2 / (objects as f64).sqrt()).min(0.25);
    let mut walkers: Vec<Walker> = (0..objects).map(|_| Walker::new(&mut dice)).collect();
    (0..pictures)
        .map(|_| {
            let exact: Vec<[f64; 4]> = walkers.iter_mut().map(|w| w.walk(size, &mut dice)).collect();
            picture(&walkers, &exact, size, &mut dice)
        })
        .collect()
}

fn picture(walkers: &[Walker], exact: &[[f64; 4]], size: f64, dice: &mut Dice) -> Picture {
    let mut seen = Picture::default();
    let mut push = |b: [f64; 4], score: f64, class: u16| {
        seen.xyxy.extend([b[0] / ASPECT, b[1], b[2] / ASPECT, b[3]].map(|v| v as f32));
        seen.score.push(score as f32);
        seen.class_id.push(class);
    };
    for (walker, b) in walkers.iter().zip(exact) {
        let hidden =
            exact.iter().filter(|nearer| nearer[3] > b[3]).map(|nearer| cover(b, nearer)).fold(0.0, f64::max);
        if hidden > 0.6 || dice.uniform() < 0.05 {
            continue;
        }
        let (w, h) = (b[2] - b[0], b[3] - b[1]);
        let mut off = |spread: f64| 0.03 * spread * dice.bell();
        let noisy = [b[0] + off(w), b[1] + off(h), b[2] + off(w), b[3] + off(h)];
        let score = (0.8 + 0.08 * dice.bell()).clamp(0.3, 1.0) * (1.0 - 0.7 * hidden);
        push(noisy, score, if walker.car { 2 } else { 0 });
    }
    for _ in 0..walkers.len() {
        if dice.uniform() < 0.05 {
            let (x, y) = (dice.between(0.0, ASPECT - 0.1), dice.between(0.1, 0.9));
            let height = size * dice.between(0.2, 0.8);
            push([x, y, x + 0.5 * height, y + height], dice.between(0.2, 0.6), 0);
        }
    }
    seen
}

/// Pictures that are gone through forwards and backwards, over and over: a crowd that never jumps.
pub(crate) struct Reel {
    pictures: Vec<Picture>,
    next: usize,
    at_ms: i64,
}

impl Reel {
    pub(crate) fn new(objects: usize, pictures: usize) -> Self {
        Self { pictures: crowd(objects, pictures, objects as u64), next: 0, at_ms: 0 }
    }

    /// The next picture.
    pub(crate) fn advance(&mut self, engine: &mut Engine) {
        let n = self.pictures.len();
        let i = if self.next < n { self.next } else { 2 * n - 1 - self.next };
        self.next = (self.next + 1) % (2 * n);
        self.at_ms += STEP_MS;
        let Picture { xyxy, score, class_id } = &self.pictures[i];
        engine
            .step(Timestamp::from_ms(self.at_ms), Boxes { xyxy, score, class_id }, [], None)
            .expect("a clean picture");
    }
}

/// Share of `b` that `other` covers.
fn cover(b: &[f64; 4], other: &[f64; 4]) -> f64 {
    let width = (b[2].min(other[2]) - b[0].max(other[0])).max(0.0);
    let height = (b[3].min(other[3]) - b[1].max(other[1])).max(0.0);
    width * height / ((b[2] - b[0]) * (b[3] - b[1]))
}

/// The scene as JSON; with rules it has ten zones with a dwell timer each and five lines.
pub(crate) fn scene(rules: bool) -> String {
    let head = format!(r#"{{"view":"bench","aspect":{ASPECT},"classes":["person","bicycle","car"]"#);
    if !rules {
        return head + "}";
    }
    // An arrow head: one corner points inwards.
    let corners = [(0.0, 0.02), (0.08, 0.0), (0.17, 0.03), (0.13, 0.15), (0.18, 0.3), (0.01, 0.28)];
    let (mut zones, mut watches) = (String::new(), String::new());
    for i in 0..10_u32 {
        let (x, y) = (0.02 + 0.195 * f64::from(i % 5), 0.32 + 0.33 * f64::from(i / 5));
        let points: Vec<String> = corners.iter().map(|(dx, dy)| format!("[{},{}]", x + dx, y + dy)).collect();
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(zones, r#"{comma}"zone-{i}":[{}]"#, points.join(","));
        let _ = write!(
            watches,
            r#"{comma}{{"name":"dwell-{i}","type":"loitering","zone":"zone-{i}","after":"5s","classes":["person","bicycle","car"]}}"#
        );
    }
    let ends = [
        [[0.25, 0.3], [0.27, 1.0]],
        [[0.5, 0.3], [0.49, 1.0]],
        [[0.75, 0.3], [0.76, 1.0]],
        [[0.0, 0.5], [1.0, 0.52]],
        [[1.0, 0.8], [0.0, 0.78]],
    ];
    let mut lines = String::new();
    for (i, [a, b]) in ends.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(lines, r#"{comma}"line-{i}":[{a:?},{b:?}]"#);
        let _ = write!(
            watches,
            r#",{{"name":"cross-{i}","type":"line_crossing","line":"line-{i}","classes":["person","bicycle","car"]}}"#
        );
    }
    format!(r#"{head},"zones":{{{zones}}},"lines":{{{lines}}},"rules":[{watches}]}}"#)
}
