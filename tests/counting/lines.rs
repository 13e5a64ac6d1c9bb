//! What people do about a line, and how often they have truly crossed it.

// Every kind is drawn alike, and some refuse what chance gave them.
#![expect(clippy::unnecessary_wraps)]

use crate::walk::{ASPECT, Body, Chance, Path, Xy, add, distance};
use crate::{Case, Trouble};

/// A line and a path; None if what was drawn is not of the kind.
type Drawn = Option<(Vec<Xy>, Path)>;
type Draw = fn(&mut Chance, &Body, &mut Trouble) -> Drawn;

/// A kind of behaviour, and the share of its cases in which the total may be wrong: where the tracker itself loses
/// somebody who turns round at full speed, no count can be right.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) wrong: f64,
    draw: Draw,
    /// The picture's border cuts its boxes.
    at_edge: bool,
    /// The truth, where the path alone cannot tell.
    truth: Option<[i64; 2]>,
}

const fn family(name: &'static str, wrong: f64, draw: Draw) -> Family {
    Family { name, wrong, draw, at_edge: false, truth: None }
}

pub(crate) static FAMILIES: [Family; 10] = [
    family("across", 0.0, across),
    family("to and fro", 0.01, to_and_fro),
    family("stop and go", 0.005, stop_and_go),
    family("along it", 0.005, along),
    family("beside it and past its end", 0.0, past_the_end),
    family("round its end", 0.0, round_the_end),
    family("wandering about a line with corners", 0.005, wander),
    family("hidden while crossing, under another track afterwards", 0.02, hand_over),
    Family { at_edge: true, ..family("along the picture's edge", 0.01, edge) },
    Family { truth: Some([0, 0]), ..family("begins or ends on it", 0.02, on_it) },
];

impl Family {
    /// The case of this number; None if its truth would be too close to call.
    pub(crate) fn case(&self, seed: u64, noise: f64) -> Option<Case> {
        let c = &mut Chance(seed);
        let body = Body::any(c);
        let mut trouble = Trouble::any(c, noise);
        let (line, path) = (self.draw)(c, &body, &mut trouble)?;
        let inside = |p: &Xy| (0.02..ASPECT - 0.01).contains(&p[0]) && (0.02..0.99).contains(&p[1]);
        let whole = line.iter().all(inside) && body.fits(&path);
        if !self.at_edge && !whole {
            return None;
        }
        let u = body.unit();
        let truth = self.truth.or_else(|| path.truth(&line, 0.09 * u, 0.5 * u))?;
        Some(Case { path, body, shape: line, truth, trouble })
    }
}

/// A straight line in the middle of the picture: first point, direction, normal, length.
pub(crate) struct Straight {
    first: Xy,
    along: Xy,
    across: Xy,
    length: f64,
}

impl Straight {
    pub(crate) fn any(c: &mut Chance, least: f64) -> Self {
        // Upright and level ones are where ties and clamps are.
        let degrees = if c.likely(0.4) { c.of(&[0.0, 90.0, 180.0, 270.0]) } else { c.within(0.0, 360.0) };
        let (sin, cos) = f64::to_radians(degrees).sin_cos();
        let length = c.within(least, (least * 1.5).max(0.5));
        let middle = [c.within(0.7, 1.1), c.within(0.45, 0.6)];
        let along = [cos, sin];
        Self { first: add(middle, along, -length / 2.0), along, across: [-sin, cos], length }
    }

    /// The point at a share of its length, `off` beside it.
    pub(crate) fn at(&self, share: f64, off: f64) -> Xy {
        add(add(self.first, self.along, share * self.length), self.across, off)
    }

    fn points(&self) -> Vec<Xy> {
        vec![self.at(0.0, 0.0), self.at(1.0, 0.0)]
    }
}

fn far(c: &mut Chance, b: &Body) -> f64 {
    c.within(0.9, 2.0) * b.unit()
}

fn across(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (l, v, s) = (Straight::any(c, 0.8 * b.unit()), b.speed(c), c.sign());
    let (share, skew) = (c.within(0.25, 0.75), c.within(-0.5, 0.5) / l.length);
    let (before, after) = (far(c, b).max(1.2 * b.unit()), far(c, b));
    let path =
        Path::from(l.at(share - skew * before, -s * before)).go(l.at(share + skew * after, s * after), v);
    Some((l.points(), path))
}

fn hand_over(c: &mut Chance, b: &Body, trouble: &mut Trouble) -> Drawn {
    if b.is_long() {
        // Subjects are sought within a share of the body size, which the noise of such boxes exceeds.
        return None;
    }
    let (l, v, s) = (Straight::any(c, 0.8 * b.unit()), b.speed(c), c.sign());
    let share = c.within(0.25, 0.75);
    let (before, after) = (far(c, b).max(1.5 * v), far(c, b).max(2.5 * v));
    let path = Path::from(l.at(share, -s * before)).go(l.at(share, s * after), v);
    trouble.hide(c, before / v);
    Some((l.points(), path))
}

fn to_and_fro(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (l, v, mut s) = (Straight::any(c, 0.8 * b.unit()), b.speed(c), c.sign());
    let mut path = Path::from(l.at(0.5, -s * far(c, b)));
    for _ in 0..2 + c.below(6) {
        path =
            path.go(l.at(c.within(0.3, 0.7), s * c.within(0.6, 1.5) * b.unit()), v).stay(c.within(0.0, 2.0));
        s = -s;
    }
    Some((l.points(), path))
}

fn stop_and_go(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (l, v, s) = (Straight::any(c, 0.8 * b.unit()), b.speed(c), c.sign());
    let share = c.within(0.3, 0.7);
    let mut path = Path::from(l.at(share, -s * far(c, b)));
    for _ in 0..=c.below(5) {
        path = path.go(l.at(share, c.within(-0.06, 0.06) * b.unit()), v * 0.5).stay(c.within(1.0, 20.0));
    }
    let out = if c.likely(0.7) { s } else { -s };
    Some((l.points(), path.go(l.at(share, out * far(c, b)), v)))
}

fn along(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (l, v) = (Straight::any(c, 2.5 * b.unit()), b.speed(c));
    let mut off = || c.within(-0.05, 0.05) * b.unit();
    let (near, still_near) = (l.at(0.3, off()), l.at(0.7, off()));
    let path = Path::from(l.at(0.3, c.sign() * far(c, b))).go(near, v).go(still_near, v);
    Some((l.points(), path.go(l.at(0.7, c.sign() * far(c, b)), v)))
}

fn past_the_end(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (l, v, s) = (Straight::any(c, 1.5 * b.unit()), b.speed(c), c.sign());
    let off = -s * c.within(0.12, 0.3) * b.unit();
    let past = 1.0 + c.within(0.4, 1.0) * b.unit() / l.length;
    let path = Path::from(l.at(0.3, -s * far(c, b))).go(l.at(0.5, off), v).go(l.at(past, off), v);
    let path = path.go(l.at(past, s * far(c, b)), v);
    Some((l.points(), if c.likely(0.5) { path.go(l.at(0.5, s * 1.2 * b.unit()), v) } else { path }))
}

fn round_the_end(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (l, v, s) = (Straight::any(c, 0.8 * b.unit()), b.speed(c), c.sign());
    let past = 1.0 + c.within(0.25, 0.6) * b.unit() / l.length;
    let path = Path::from(l.at(0.5, -s * far(c, b))).go(l.at(past, -s * 0.5 * b.unit()), v);
    Some((l.points(), path.go(l.at(past, s * 0.5 * b.unit()), v).go(l.at(0.5, s * far(c, b)), v)))
}

fn wander(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let v = b.speed(c);
    let corners = 2 + c.below(3);
    let mut line: Vec<Xy> =
        (0..=corners).map(|i| [0.3 + 1.2 * i as f64 / corners as f64, c.within(0.25, 0.75)]).collect();
    if c.likely(0.5) {
        line.reverse();
    }
    let place = |c: &mut Chance| [c.within(0.3, 1.5), c.within(0.15, 0.98)];
    let mut path = Path::from(place(c));
    for _ in 0..3 + c.below(5) {
        path = path.go(place(c), v);
        if c.likely(0.4) {
            path = path.stay(c.within(0.5, 8.0));
        }
    }
    // Near an end of the line, or when it begins near it, it is too close to call.
    let near_an_end = [line[0], line[corners]].iter().any(|e| path.nearest(*e) < 0.3 * b.unit());
    (!near_an_end && distance(&line, path.0[0].1) > 0.5 * b.unit()).then_some((line, path))
}

/// Somebody walks in or out over a line along one side of the picture.
fn edge(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let v = b.speed(c);
    let depth = c.within(0.02, 0.15);
    let (x, y) = (c.within(0.5, 1.2), c.within(0.4, 0.8));
    let (right, bottom, top) = (ASPECT - depth, 1.0 - depth, depth + 0.03);
    let (line, inner, outer) = match c.below(4) {
        0 => ([[depth, 0.02], [depth, 0.98]], [0.8, y], [-1.0, y]),
        1 => ([[right, 0.98], [right, 0.02]], [ASPECT - 0.8, y], [ASPECT + 1.0, y]),
        2 => ([[0.02, bottom], [ASPECT - 0.02, bottom]], [x, 0.45], [x, 1.9]),
        _ => ([[0.02, top], [ASPECT - 0.02, top]], [x, 0.7], [x, -0.9]),
    };
    let (from, to) = if c.likely(0.5) { (outer, inner) } else { (inner, outer) };
    Some((line.to_vec(), Path::from(from).go(to, v)))
}

fn on_it(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (l, v, s) = (Straight::any(c, 0.8 * b.unit()), b.speed(c), c.sign());
    let on = l.at(c.within(0.3, 0.7), c.within(-0.02, 0.02) * b.unit());
    let off = l.at(0.5, s * far(c, b));
    let wait = c.within(1.0, 30.0);
    let path = if c.likely(0.5) {
        Path::from(on).stay(wait).go(off, v)
    } else {
        Path::from(off).go(on, v).stay(wait)
    };
    Some((l.points(), path))
}
