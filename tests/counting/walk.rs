//! Paths without noise, how often they truly cross a line, and the boxes that a detector makes of them.

/// A point or vector in view units: the picture's height is 1.
pub(crate) type Xy = [f64; 2];

/// Width of the picture.
pub(crate) const ASPECT: f64 = 16.0 / 9.0;

pub(crate) fn add(a: Xy, b: Xy, share: f64) -> Xy {
    [a[0] + b[0] * share, a[1] + b[1] * share]
}

pub(crate) fn sub(a: Xy, b: Xy) -> Xy {
    [a[0] - b[0], a[1] - b[1]]
}

pub(crate) fn norm(a: Xy) -> f64 {
    a[0].hypot(a[1])
}

fn cross(a: Xy, b: Xy) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

/// Distance from the polyline.
pub(crate) fn distance(line: &[Xy], p: Xy) -> f64 {
    let to_segment = |s: &[Xy]| {
        let (along, to) = (sub(s[1], s[0]), sub(p, s[0]));
        let t = ((to[0] * along[0] + to[1] * along[1]) / norm(along).powi(2)).clamp(0.0, 1.0);
        norm(sub(p, add(s[0], along, t)))
    };
    line.windows(2).map(to_segment).fold(f64::INFINITY, f64::min)
}

/// Splitmix64: the same cases on every machine.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    pub(crate) fn likely(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub(crate) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub(crate) fn sign(&mut self) -> f64 {
        if self.likely(0.5) { -1.0 } else { 1.0 }
    }

    /// A bell curve of deviation 1.
    fn bell(&mut self) -> f64 {
        (-2.0 * self.unit().max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Where the reference point is, straight between corners: seconds and place.
#[derive(Clone, Debug)]
pub(crate) struct Path(pub(crate) Vec<(f64, Xy)>);

impl Path {
    pub(crate) fn from(at: Xy) -> Self {
        Self(vec![(0.0, at)])
    }

    fn last(&self) -> (f64, Xy) {
        self.0[self.0.len() - 1]
    }

    pub(crate) fn end(&self) -> f64 {
        self.last().0
    }

    /// Goes straight to `to` at `speed` view units a second.
    pub(crate) fn go(mut self, to: Xy, speed: f64) -> Self {
        let (at, here) = self.last();
        self.0.push((at + (norm(sub(to, here)) / speed).max(1e-3), to));
        self
    }

    pub(crate) fn stay(mut self, seconds: f64) -> Self {
        let (at, here) = self.last();
        self.0.push((at + seconds, here));
        self
    }

    pub(crate) fn at(&self, t: f64) -> Option<Xy> {
        let leg = self.0.windows(2).find(|leg| (leg[0].0..=leg[1].0).contains(&t))?;
        Some(add(leg[0].1, sub(leg[1].1, leg[0].1), (t - leg[0].0) / (leg[1].0 - leg[0].0)))
    }

    /// Every meeting with the line: when, and whether from its left to its right. Orientations, no sampling.
    fn meetings(&self, line: &[Xy]) -> Vec<(f64, bool)> {
        let mut found = Vec::new();
        for leg in self.0.windows(2) {
            let ((t0, a), (t1, b)) = (leg[0], leg[1]);
            for s in line.windows(2) {
                let (along, way) = (sub(s[1], s[0]), sub(b, a));
                let (sa, sb) = (cross(along, sub(a, s[0])), cross(along, sub(b, s[0])));
                let (sp, sq) = (cross(way, sub(s[0], a)), cross(way, sub(s[1], a)));
                if (sa < 0.0) != (sb < 0.0) && (sp < 0.0) != (sq < 0.0) {
                    found.push((t0 + (t1 - t0) * sa / (sa - sb), sb >= 0.0));
                }
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found
    }

    /// Points of the path between two moments, close together.
    fn points(&self, from: f64, to: f64) -> impl Iterator<Item = Xy> + '_ {
        let n = ((to - from) / 0.02).ceil().max(1.0) as usize;
        (0..=n).filter_map(move |i| self.at((from + (to - from) * i as f64 / n as f64).min(self.end())))
    }

    /// The smallest distance from a place.
    pub(crate) fn nearest(&self, place: Xy) -> f64 {
        self.points(0.0, self.end()).map(|p| norm(sub(p, place))).fold(f64::INFINITY, f64::min)
    }

    /// True crossings left to right and right to left. Two opposite meetings are none if the path stayed nearer to the
    /// line than `near` in between. None if it is too close to call: an excursion, or the way before the first or after
    /// the last crossing, ends between `near` and `clear`.
    pub(crate) fn truth(&self, line: &[Xy], near: f64, clear: f64) -> Option<[i64; 2]> {
        let furthest = |from, to| self.points(from, to).map(|p| distance(line, p)).fold(0.0, f64::max);
        let mut kept: Vec<(f64, bool)> = Vec::new();
        for meeting in self.meetings(line) {
            if let Some(&(t, way)) = kept.last() {
                let far = furthest(t, meeting.0);
                if far > near && far < clear {
                    return None;
                }
                if far <= near && way != meeting.1 {
                    kept.pop();
                    continue;
                }
            }
            kept.push(meeting);
        }
        if let (Some(first), Some(last)) = (kept.first(), kept.last())
            && (furthest(0.0, first.0) < clear || furthest(last.0, self.end()) < clear)
        {
            return None;
        }
        let right = kept.iter().filter(|k| k.1).count() as i64;
        Some([right, kept.len() as i64 - right])
    }
}

/// Something of a class with a box of a size, view units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) class: u16,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// Numbers in the scene of [`crate::scene`].
pub(crate) const CLASSES: [&str; 5] = ["person", "car", "truck", "dog", "suitcase"];
const PERSON: u16 = 0;
const CAR: u16 = 1;
const TRUCK: u16 = 2;
const DOG: u16 = 3;
const SUITCASE: u16 = 4;

impl Body {
    /// People near and far, cars, lorries, dogs, suitcases; narrow ones, somebody who lies, a pole.
    pub(crate) fn any(c: &mut Chance) -> Self {
        let (class, width, height) = match c.below(10) {
            0..=2 => {
                let height = c.within(0.08, 0.45);
                (PERSON, height * c.within(0.3, 0.5), height)
            }
            3 => {
                let width = c.within(0.1, 0.4);
                (CAR, width, width * c.within(0.5, 1.0))
            }
            4 => (TRUCK, c.within(0.35, 0.8), c.within(0.12, 0.3)),
            5 => (PERSON, c.within(0.02, 0.05), c.within(0.4, 0.7)),
            6 => {
                let width = c.within(0.05, 0.2);
                (DOG, width, width * c.within(0.5, 1.2))
            }
            7 => {
                let height = c.within(0.08, 0.4);
                (SUITCASE, height * c.within(0.2, 0.6), height)
            }
            8 => (PERSON, c.within(0.15, 0.4), c.within(0.06, 0.1)),
            _ => (SUITCASE, c.within(0.015, 0.03), c.within(0.2, 0.5)),
        };
        Self { class, width, height }
    }

    fn body_size(&self) -> f64 {
        if self.class == PERSON { self.width.max(self.height) } else { (self.width * self.height).sqrt() }
    }

    /// What nearness is measured in: the body size, more for very long boxes.
    pub(crate) fn unit(&self) -> f64 {
        self.body_size().max(0.7 * self.width.max(self.height))
    }

    /// Whether it is four times as long as high, or as high as long.
    pub(crate) fn is_long(&self) -> bool {
        self.unit() > 1.4 * self.body_size()
    }

    /// Some speed, view units a second; who lies crawls, at half a walker's pace.
    pub(crate) fn speed(&self, c: &mut Chance) -> f64 {
        let lies = self.class == PERSON && self.width > self.height;
        let fastest = if self.class == PERSON { 1.2 } else { 1.5 };
        c.within(0.3, fastest) * self.body_size() * if lies { 0.5 } else { 1.0 }
    }

    /// The box around a reference point, view units.
    fn around(&self, p: Xy) -> [f64; 4] {
        let below = match self.class {
            PERSON | DOG => 0.0,
            CAR | TRUCK => 0.25,
            _ => 0.5,
        };
        let (x1, y2) = (p[0] - self.width / 2.0, p[1] + below * self.height);
        [x1, y2 - self.height, x1 + self.width, y2]
    }

    /// Whether the picture shows all of it everywhere on the path.
    pub(crate) fn fits(&self, path: &Path) -> bool {
        path.0.iter().all(|&(_, p)| {
            let [x1, y1, x2, y2] = self.around(p);
            x1 > 0.01 && y1 > 0.01 && x2 < ASPECT - 0.01 && y2 < 0.99
        })
    }

    /// What a detector sees of it, relative: edges shaken by `noise` of its size, cut off at the picture's border.
    /// None if hardly anything of it is in the picture.
    pub(crate) fn seen(&self, p: Xy, noise: f64, chance: &mut Chance) -> Option<[f32; 4]> {
        let (w, h) = (self.width, self.height);
        let exact = self.around(p);
        let size = [w, h, w, h];
        let shaken: [f64; 4] = std::array::from_fn(|i| exact[i] + chance.bell() * noise * size[i]);
        let limit = [ASPECT, 1.0, ASPECT, 1.0];
        let [x1, y1, x2, y2] = std::array::from_fn(|i| shaken[i].clamp(0.0, limit[i]));
        let visible = x2 - x1 > 0.15 * w && y2 - y1 > 0.15 * h;
        visible.then(|| [(x1 / ASPECT) as f32, y1 as f32, (x2 / ASPECT) as f32, y2 as f32])
    }
}
