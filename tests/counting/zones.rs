//! What people do about a zone: how often it is truly entered, left, and has somebody in it.

// Every kind is drawn alike, and some refuse what chance gave them.
#![expect(clippy::unnecessary_wraps)]

use crate::lines::Straight;
use crate::walk::{ASPECT, Body, Chance, Path, Xy};
use crate::{Case, Trouble};

/// A zone, a path and its number of visits; None if what was drawn is not of the kind.
type Drawn = Option<(Vec<Xy>, Path, i64)>;
type Draw = fn(&mut Chance, &Body, &mut Trouble) -> Drawn;

/// A kind of behaviour, the share of its cases that may be told wrongly, and whether standing at the border makes one
/// telling as right as none.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) wrong: f64,
    pub(crate) at_most: bool,
    draw: Draw,
    at_edge: bool,
}

const fn family(name: &'static str, wrong: f64, draw: Draw) -> Family {
    Family { name, wrong, draw, at_most: false, at_edge: false }
}

pub(crate) static FAMILIES: [Family; 6] = [
    Family { at_most: true, ..family("standing at its border", 0.02, at_the_border) },
    Family { at_most: true, ..family("standing beside a strip", 0.01, beside_a_strip) },
    family("through a strip", 0.0, through_a_strip),
    family("hidden in a strip, under another track afterwards", 0.01, hidden_in_a_strip),
    family("in and out", 0.005, in_and_out),
    Family { at_edge: true, ..family("along the picture's edge", 0.03, edge) },
];

impl Family {
    /// The case of this number; its truth is how often the zone is entered, which is how often it is left.
    pub(crate) fn case(&self, seed: u64, noise: f64) -> Option<Case> {
        let c = &mut Chance(seed);
        let body = Body::any(c);
        let mut trouble = Trouble::any(c, noise);
        let (zone, path, visits) = (self.draw)(c, &body, &mut trouble)?;
        let inside = |p: &Xy| (0.0..ASPECT).contains(&p[0]) && (0.0..1.0).contains(&p[1]);
        let whole = zone.iter().all(inside) && body.fits(&path);
        if !self.at_edge && !whole {
            return None;
        }
        Some(Case { path, body, shape: zone, truth: [visits, visits], trouble })
    }
}

/// A zone on one side of a line, `wide` across; the side is part of every distance from it.
struct Strip {
    line: Straight,
    side: f64,
    share: f64,
}

impl Strip {
    fn any(c: &mut Chance, b: &Body) -> Self {
        Self { line: Straight::any(c, 1.6 * b.unit()), side: c.sign(), share: c.within(0.4, 0.6) }
    }

    fn zone(&self, wide: f64) -> Vec<Xy> {
        let far = self.side * wide;
        vec![self.line.at(0.0, 0.0), self.line.at(1.0, 0.0), self.line.at(1.0, far), self.line.at(0.0, far)]
    }

    /// A place `off` from its first border, positive inside and beyond.
    fn at(&self, off: f64) -> Xy {
        self.line.at(self.share, self.side * off)
    }
}

fn at_the_border(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (strip, u, v) = (Strip::any(c, b), b.unit(), b.speed(c));
    let path = Path::from(strip.at(-c.within(0.9, 2.0) * u)).go(strip.at(c.within(-0.15, 0.15) * u), v);
    Some((strip.zone(1.2 * u), path.stay(c.within(30.0, 200.0)), 1))
}

fn beside_a_strip(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (strip, u, v) = (Strip::any(c, b), b.unit(), b.speed(c));
    let off = if c.likely(0.5) { c.within(-0.15, -0.05) } else { c.within(0.1, 0.2) };
    let path = Path::from(strip.at(-c.within(0.9, 2.0) * u)).go(strip.at(off * u), v);
    Some((strip.zone(0.05 * u), path.stay(c.within(30.0, 200.0)), 1))
}

fn through_a_strip(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (strip, u, v) = (Strip::any(c, b), b.unit(), b.speed(c));
    let wide = c.within(0.02, 0.6) * u;
    let path = Path::from(strip.at(-c.within(0.9, 1.5) * u)).go(strip.at(wide + c.within(0.9, 1.5) * u), v);
    Some((strip.zone(wide), path, 1))
}

fn hidden_in_a_strip(c: &mut Chance, b: &Body, trouble: &mut Trouble) -> Drawn {
    if b.is_long() {
        return None;
    }
    let (strip, u, v) = (Strip::any(c, b), b.unit(), b.speed(c));
    let wide = c.within(0.02, 0.6) * u;
    let (before, after) = ((c.within(0.9, 1.5) * u).max(1.5 * v), (c.within(0.9, 1.5) * u).max(2.5 * v));
    trouble.hide(c, (before + wide / 2.0) / v);
    Some((strip.zone(wide), Path::from(strip.at(-before)).go(strip.at(wide + after), v), 1))
}

fn in_and_out(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let (strip, u, v) = (Strip::any(c, b), b.unit(), b.speed(c));
    let mut path = Path::from(strip.at(-c.within(0.9, 2.0) * u));
    let visits = 1 + c.below(4);
    for _ in 0..visits {
        path = path.go(strip.at(0.6 * u), v).stay(c.within(0.5, 4.0));
        // Longer outside than the rule waits before it ends.
        path = path.go(strip.at(-c.within(0.6, 1.0) * u), v).stay(c.within(4.0, 5.0));
    }
    Some((strip.zone(1.2 * u), path, visits as i64))
}

/// In or out of the picture through a zone along one of its sides.
fn edge(c: &mut Chance, b: &Body, _: &mut Trouble) -> Drawn {
    let v = b.speed(c);
    let depth = c.within(0.03, 0.3);
    let (x, y) = (c.within(0.5, 1.2), c.within(0.4, 0.8));
    let ([x1, y1, x2, y2], inner, outer) = match c.below(4) {
        0 => ([0.0, 0.0, depth, 1.0], [0.8, y], [-1.0, y]),
        1 => ([ASPECT - depth, 0.0, ASPECT, 1.0], [ASPECT - 0.8, y], [ASPECT + 1.0, y]),
        2 => ([0.0, 1.0 - depth, ASPECT, 1.0], [x, 0.3], [x, 1.9]),
        _ => ([0.0, 0.0, ASPECT, depth + 0.03], [x, 0.8], [x, -0.9]),
    };
    let (from, to) = if c.likely(0.5) { (outer, inner) } else { (inner, outer) };
    Some((vec![[x1, y1], [x2, y1], [x2, y2], [x1, y2]], Path::from(from).go(to, v), 1))
}
