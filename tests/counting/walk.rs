//! Paths without noise, the exact number of times that they cross a line, and the boxes that a detector makes of them.

/// A point or vector in view units: the picture's height is 1.
pub type Xy = [f64; 2];

/// Width of the picture.
pub const ASPECT: f64 = 16.0 / 9.0;

pub fn add(a: Xy, b: Xy, share: f64) -> Xy {
    [a[0] + b[0] * share, a[1] + b[1] * share]
}
pub fn sub(a: Xy, b: Xy) -> Xy {
    [a[0] - b[0], a[1] - b[1]]
}
pub fn norm(a: Xy) -> f64 {
    a[0].hypot(a[1])
}
pub fn cross(a: Xy, b: Xy) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

/// Splitmix64: equal bytes on every machine.
pub struct Chance(pub u64);

impl Chance {
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }
    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
    pub fn sign(&mut self) -> f64 {
        if self.unit() < 0.5 { -1.0 } else { 1.0 }
    }
    /// A bell curve of deviation 1.
    pub fn bell(&mut self) -> f64 {
        (-2.0 * self.unit().max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Where the reference point is, straight between corners: seconds and place.
#[derive(Clone, Debug, Default)]
pub struct Path(pub Vec<(f64, Xy)>);

impl Path {
    pub fn from(at: Xy) -> Self {
        Self(vec![(0.0, at)])
    }
    pub fn here(&self) -> Xy {
        self.0[self.0.len() - 1].1
    }
    pub fn end(&self) -> f64 {
        self.0[self.0.len() - 1].0
    }
    /// Goes straight to `to` at `speed` view units a second.
    pub fn go(mut self, to: Xy, speed: f64) -> Self {
        let seconds = (norm(sub(to, self.here())) / speed).max(1e-3);
        self.0.push((self.end() + seconds, to));
        self
    }
    pub fn stay(mut self, seconds: f64) -> Self {
        self.0.push((self.end() + seconds, self.here()));
        self
    }
    pub fn at(&self, t: f64) -> Option<Xy> {
        let pair = self.0.windows(2).find(|p| (p[0].0..=p[1].0).contains(&t))?;
        let share = (t - pair[0].0) / (pair[1].0 - pair[0].0);
        Some(add(pair[0].1, sub(pair[1].1, pair[0].1), share))
    }
    /// Exact meetings with the line: when, and whether from its left to its right.
    pub fn meetings(&self, line: &[Xy]) -> Vec<(f64, bool)> {
        let mut found = Vec::new();
        for leg in self.0.windows(2) {
            let ((t0, a), (t1, b)) = (leg[0], leg[1]);
            let way = sub(b, a);
            for s in line.windows(2) {
                let along = sub(s[1], s[0]);
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
    /// The largest distance from the line between two moments.
    pub fn furthest(&self, line: &[Xy], from: f64, to: f64) -> f64 {
        let step = 0.02;
        let n = ((to - from) / step).ceil().max(1.0) as usize;
        (0..=n)
            .filter_map(|i| self.at((from + (to - from) * i as f64 / n as f64).min(self.end())))
            .map(|p| distance(line, p))
            .fold(0.0, f64::max)
    }
    /// True crossings left to right and right to left: a pair of opposite meetings is none if the path stayed nearer
    /// than `near` in between. None if some excursion lies between `near` and `clear`: too close to call.
    pub fn truth(&self, line: &[Xy], near: f64, clear: f64) -> Option<[i64; 2]> {
        let mut kept: Vec<(f64, bool)> = Vec::new();
        for meeting in self.meetings(line) {
            if let Some(&(t, way)) = kept.last() {
                let far = self.furthest(line, t, meeting.0);
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
        let first = kept.first().map_or(self.end(), |k| k.0);
        let last = kept.last().map_or(0.0, |k| k.0);
        let unclear = |from, to| !kept.is_empty() && self.furthest(line, from, to) < clear;
        if unclear(0.0, first) || unclear(last, self.end()) {
            return None;
        }
        let right = kept.iter().filter(|k| k.1).count() as i64;
        Some([right, kept.len() as i64 - right])
    }
}

pub fn distance(line: &[Xy], p: Xy) -> f64 {
    line.windows(2)
        .map(|s| {
            let along = sub(s[1], s[0]);
            let to = sub(p, s[0]);
            let t = ((to[0] * along[0] + to[1] * along[1]) / (along[0].powi(2) + along[1].powi(2)))
                .clamp(0.0, 1.0);
            norm(sub(p, add(s[0], along, t)))
        })
        .fold(f64::INFINITY, f64::min)
}

/// Something of a class with a box of a size, view units.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    pub class: u16,
    pub width: f64,
    pub height: f64,
}

/// COCO's numbers.
pub const PERSON: u16 = 0;
pub const CAR: u16 = 2;
pub const TRUCK: u16 = 7;
pub const DOG: u16 = 16;
pub const SUITCASE: u16 = 28;

impl Body {
    pub fn unit(&self) -> f64 {
        if self.class == PERSON { self.height } else { (self.width * self.height).sqrt() }
    }
    /// How much of the box lies below its reference point.
    pub fn below(&self) -> f64 {
        match self.class {
            PERSON | DOG => 0.0,
            CAR | TRUCK => 0.25,
            _ => 0.5,
        }
    }
    /// The box around a reference point, its edges shaken by `noise` of its size, cut off at the picture's border;
    /// relative. None if hardly anything of it is in the picture.
    pub fn seen(&self, p: Xy, noise: f64, chance: &mut Chance) -> Option<[f32; 4]> {
        let mut shake = |size: f64| chance.bell() * noise * size;
        let (w, h) = (self.width, self.height);
        let y2 = p[1] + self.below() * h;
        let x1 = p[0] - w / 2.0;
        let (x1, y1, x2, y2) = (x1 + shake(w), y2 - h + shake(h), x1 + w + shake(w), y2 + shake(h));
        let (x1, x2) = (x1.clamp(0.0, ASPECT), x2.clamp(0.0, ASPECT));
        let (y1, y2) = (y1.clamp(0.0, 1.0), y2.clamp(0.0, 1.0));
        let visible = x2 - x1 > 0.15 * w && y2 - y1 > 0.15 * h;
        visible.then(|| [(x1 / ASPECT) as f32, y1 as f32, (x2 / ASPECT) as f32, y2 as f32])
    }
}
