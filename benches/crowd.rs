//! A synthetic crowd for load: the same pictures for the same seed, in the manner of `beffroi.crowd`.
//!
//! 5 % of the objects are missed in a picture, boxes are 3 % off, who stands behind somebody else is not seen, and
//! there are 5 % boxes with nothing in them.

pub(crate) const ASPECT: f64 = 16.0 / 9.0;
pub(crate) const STEP_MS: i64 = 100;

/// One picture, as the columns that the engine takes.
#[derive(Default)]
pub(crate) struct Picture {
    pub(crate) xyxy: Vec<f32>,
    pub(crate) score: Vec<f32>,
    pub(crate) class_id: Vec<u16>,
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
pub(crate) fn crowd(objects: usize, pictures: usize, seed: u64) -> Vec<Picture> {
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

/// Share of `b` that `other` covers.
fn cover(b: &[f64; 4], other: &[f64; 4]) -> f64 {
    let width = (b[2].min(other[2]) - b[0].max(other[0])).max(0.0);
    let height = (b[3].min(other[3]) - b[1].max(other[1])).max(0.0);
    width * height / ((b[2] - b[0]) * (b[3] - b[1]))
}

/// The scene as JSON; with rules it has ten zones with a dwell timer each and five lines.
pub(crate) fn scene(rules: bool) -> String {
    let ends = [
        [[0.25, 0.3], [0.27, 1.0]],
        [[0.5, 0.3], [0.49, 1.0]],
        [[0.75, 0.3], [0.76, 1.0]],
        [[0.0, 0.5], [1.0, 0.52]],
        [[1.0, 0.8], [0.0, 0.78]],
    ];
    if rules { watched(5, 2, &ends) } else { watched(0, 0, &[]) }
}

/// A scene with a grid of zones, each with a dwell timer, over the lower two thirds of the picture, and these lines.
pub(crate) fn watched(columns: u32, rows: u32, ends: &[[[f64; 2]; 2]]) -> String {
    // An arrow head: one corner points inwards. In shares of a cell of the grid.
    let corners = [(0.0, 0.06), (0.41, 0.0), (0.87, 0.09), (0.67, 0.45), (0.92, 0.91), (0.05, 0.85)];
    let (mut zones, mut lines, mut watches) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..columns * rows {
        let (wide, high) = (0.975 / f64::from(columns), 0.66 / f64::from(rows));
        let (x, y) = (0.02 + wide * f64::from(i % columns), 0.32 + high * f64::from(i / columns));
        let points: Vec<String> =
            corners.iter().map(|(dx, dy)| format!("[{},{}]", x + wide * dx, y + high * dy)).collect();
        zones.push(format!(r#""zone-{i}":[{}]"#, points.join(",")));
        watches.push(format!(
            r#"{{"name":"dwell-{i}","type":"loitering","zone":"zone-{i}","after":"5s","classes":["person","bicycle","car"]}}"#
        ));
    }
    for (i, [a, b]) in ends.iter().enumerate() {
        lines.push(format!(r#""line-{i}":[{a:?},{b:?}]"#));
        watches.push(format!(
            r#"{{"name":"cross-{i}","type":"line_crossing","line":"line-{i}","classes":["person","bicycle","car"]}}"#
        ));
    }
    let [zones, lines, watches] = [zones, lines, watches].map(|parts| parts.join(","));
    format!(
        r#"{{"view":"bench","aspect":{ASPECT},"classes":["person","bicycle","car"],"zones":{{{zones}}},"lines":{{{lines}}},"rules":[{watches}]}}"#
    )
}
