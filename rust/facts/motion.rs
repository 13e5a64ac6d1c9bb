//! Motion of one subject: robust velocity, and since when it stands on its spot.

use crate::geometry::Point;
use crate::time::{Span, Timestamp};

/// Samples are at least this far apart, so that eight of them span about a second at any frame rate.
const SPACING: Span = Span::from_ms(120);
/// Older samples say nothing about the speed now.
const WINDOW: Span = Span::from_ms(1600);
/// Below this much time a slope is noise.
const LEAST: Span = Span::from_ms(350);
const SAMPLES: usize = 8;

/// The last positions, in the unit of the velocity that is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Track {
    /// A ring: the oldest gives its place to the newest.
    samples: [(i64, Point); SAMPLES],
    /// Where the oldest is.
    begin: usize,
    len: usize,
}

impl Track {
    /// Adds a position; gives the least-squares slope per second over the window, once it is long enough.
    pub(super) fn push(&mut self, at: Timestamp, p: Point) -> Option<Point> {
        let now = at.ms();
        // The newest stands for its whole interval: it is replaced until the interval is over.
        let last = self.len.wrapping_sub(1);
        if self.len > 1
            && now - self.samples[self.place(last)].0 < SPACING.ms()
            && now - self.samples[self.place(last - 1)].0 < SPACING.ms()
        {
            self.samples[self.place(last)] = (now, p);
            return self.slope(now);
        }
        if self.len == SAMPLES {
            self.begin = self.place(1);
        } else {
            self.len += 1;
        }
        self.samples[self.place(self.len - 1)] = (now, p);
        self.slope(now)
    }

    /// Where the sample is that came `i` after the oldest.
    fn place(&self, i: usize) -> usize {
        (self.begin + i) % SAMPLES
    }

    fn slope(&self, now: i64) -> Option<Point> {
        let all = (0..self.len).map(|i| self.samples[self.place(i)]);
        let used = all.skip_while(|(t, _)| now - t > WINDOW.ms());
        let (mut n, mut st, mut sx, mut sy, mut stt, mut stx, mut sty) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        let mut oldest = now;
        for (t, p) in used {
            // Seconds before now: small numbers, no cancellation.
            let s = (t - now) as f64 / 1000.0;
            oldest = oldest.min(t);
            n += 1.0;
            st += s;
            sx += p.x;
            sy += p.y;
            stt += s * s;
            stx += s * p.x;
            sty += s * p.y;
        }
        let spread = n * stt - st * st;
        if now - oldest < LEAST.ms() || n < 3.0 || spread <= 0.0 {
            return None;
        }
        Some(Point { x: (n * stx - st * sx) / spread, y: (n * sty - st * sy) / spread })
    }
}

/// A subject stands as long as it keeps within this many body sizes of its spot: shifting weight, a swinging door,
/// the tremble of a box.
const SPOT: f64 = 0.25;
/// Away from its spot for less than this it has not left it: headlights, rain and a passer-by in front distort a box
/// for a moment. On its spot for less than this it has not come to stand: at a fifth of a body size a second it moves.
pub const SETTLE: Span = Span::from_ms(1200);

/// The spot of one subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    spot: Point,
    since: Timestamp,
    /// Where it might be standing instead, while it is away.
    next: Point,
    next_since: Timestamp,
    away_since: Option<Timestamp>,
}

impl Rest {
    pub(super) fn new(spot: Point, since: Timestamp) -> Self {
        Self { spot, since, next: spot, next_since: since, away_since: None }
    }

    /// Adds a position; gives since when the subject stands, None while it is away from its spot.
    pub(super) fn push(&mut self, at: Timestamp, p: Point, body: f64) -> Option<Timestamp> {
        if p.distance(self.spot) <= SPOT * body {
            self.away_since = None;
            // The spot follows a slow drift of the box (dusk, a door left open) but not a walk.
            self.spot = self.spot.lerp(p, 0.02);
            return (at - self.since >= SETTLE).then_some(self.since);
        }
        if self.away_since.is_none() || p.distance(self.next) > SPOT * body {
            self.next = p;
            self.next_since = at;
        }
        let away = *self.away_since.get_or_insert(at);
        if at - away >= SETTLE {
            self.spot = self.next;
            self.since = self.next_since;
            self.away_since = None;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn velocity_is_the_slope_whatever_the_frame_rate() {
        for step in [40, 100, 200, 400] {
            let mut track = Track::default();
            let mut v = None;
            for i in 0..30 {
                let t = i * step;
                v = track.push(at(t), Point { x: t as f64 * 0.002, y: 1.0 });
            }
            let v = v.expect("known by now");
            assert!((v.x - 2.0).abs() < 1e-9 && v.y.abs() < 1e-9, "{step}: {v:?}");
        }
    }

    #[test]
    fn a_moment_away_does_not_move_the_spot_but_a_departure_does() {
        let mut rest = Rest::new(Point { x: 0.0, y: 0.0 }, at(0));
        for t in (1200..10_000).step_by(200) {
            assert_eq!(rest.push(at(t), Point { x: 0.01, y: 0.0 }, 1.0), Some(at(0)));
        }
        assert_eq!(rest.push(at(10_000), Point { x: 0.6, y: 0.0 }, 1.0), None);
        assert_eq!(rest.push(at(10_200), Point { x: 0.0, y: 0.0 }, 1.0), Some(at(0)));
        for t in (10_400..13_000).step_by(200) {
            rest.push(at(t), Point { x: 2.0, y: 0.0 }, 1.0);
        }
        assert_eq!(rest.push(at(13_000), Point { x: 2.0, y: 0.0 }, 1.0), Some(at(10_400)));
    }
}
