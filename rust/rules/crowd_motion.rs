//! A crowd suddenly moves: many people speed up at once, together, apart or towards one place.
//!
//! # What holds
//! At least `at_least` people are in the zone; the median of their speeds is at least `speed`; and within the last `window`
//! they were slow: as many people as that were in the zone at half of `speed` or less at a time, and the median of each
//! one's own lowest speed was no higher. Who is seen for the first time in the middle of the zone is left out of that
//! median: a crowd that bursts apart is lost by the tracker and found again. From then on it holds as long as the median
//! stays at least `speed`. Who comes into the zone already fast was never slow: a steady stream of commuters or joggers
//! does not fire. `pattern` narrows it: coherent movement goes one way (the mean resultant length of
//! the directions is at least 0.8), divergent movement leads away from the middle of the crowd and convergent movement
//! towards it (the median of the speeds along the line to the middle is at least 0.6 of the median speed).
//!
//! Where pictures are 0.3 s apart or more, speeds are those between two of them, otherwise those of the last second and
//! a half. Who has not been seen for 0.6 s does not count.
//!
//! # Settings
//! `at_least` (5 people). `speed` (2.3 m/s on a calibrated view, else 1.6 body/s: see running). `window` (3 s). `pattern`:
//! any (default), coherent, divergent, convergent.
//!
//! # What it cannot see
//! People hidden behind others. Uncalibrated, speeds and directions are those of the picture, where depth is foreshortened. Few people
//! often go one way by chance: of random directions, those of five agree once in 25 times, those of three once in seven.
//!
//! # Sources
//! Directions: Mardia and Jupp, Directional Statistics, 2000, chapter 2.

#[cfg(test)]
mod tests;

use super::{Context, Defaults, Filter, PEOPLE, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::geometry::Point;
use crate::lifecycle::Holds;
use crate::quantity::Speed;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "crowd_motion",
    source: include_str!("crowd_motion.rs"),
    definition: Template {
        fr: "Au moins {at_least} personnes, lentes jusque-là, dont la vitesse médiane passe en {window} de la moitié de {speed} \
             ou moins à {speed} ou plus{pattern=coherent?, dans une même direction}{pattern=divergent?, en s'éloignant de leur centre}\
             {pattern=convergent?, en se rapprochant de leur centre}, zone « {zone} »{after=0s!, pendant {after}}.",
        en: "At least {at_least} people who were slow, and whose median speed rises within {window} from half of {speed} or \
             less to {speed} or more{pattern=coherent?, in one direction}{pattern=divergent?, away from their middle}\
             {pattern=convergent?, towards their middle}, zone \"{zone}\"{after=0s!, for {after}}.",
    },
    onvif_topic: None,
    target: Target::Zone,
    defaults: Defaults {
        after: Span::ZERO,
        gap: Span::ZERO,
        clear_after: Span::from_secs(5),
        classes: PEOPLE,
    },
    measurement: false,
    momentary: false,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

/// Which way the people move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Pattern {
    /// Whichever.
    #[default]
    Any,
    /// One way.
    Coherent,
    /// Away from the middle.
    Divergent,
    /// Towards the middle.
    Convergent,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Least number of people.
    #[serde(default = "at_least")]
    #[schemars(range(min = 3))]
    at_least: usize,
    /// Median speed; 2.3 m/s on a calibrated view, else 1.6 body/s.
    speed: Option<Speed>,
    /// Within which time they speed up.
    #[serde(default = "window")]
    window: Span,
    /// Which way they move.
    #[serde(default)]
    pattern: Pattern,
}

fn at_least() -> usize {
    5
}
fn window() -> Span {
    Span::from_secs(3)
}

/// The usual speed, calibrated and not: a crowd that runs.
const FAST: (&str, &str) = ("2.3 m/s", "1.6 body/s");
/// Slow is this share of `speed`: people at a walk before a run, standing before a walk.
const SLOW: f64 = 0.5;
/// Directions go one way from this mean resultant length on: spread over 90 degrees it is 0.9; that of five random ones
/// is above it once in 25 times.
const ONE_WAY: f64 = 0.8;
/// Share of the median speed that leads away from the middle; of random directions it is about 0.
const RADIAL: f64 = 0.6;
/// Who has not been seen for longer is not counted: when a crowd bursts, those whom the tracker lost would go on standing.
const IN_SIGHT: Span = Span::from_ms(600);
/// A window is remembered in so many parts.
const PARTS: usize = 8;

/// One person's lowest speed of late.
#[derive(Debug)]
struct Mover {
    subject: u64,
    /// Lowest speed in each part of the window, by number of the part; infinity where it was not measured.
    lowest: [f64; PARTS],
    part: i64,
}

/// What the crowd does in this step.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Motion {
    speed: f64,
    coherence: f64,
    /// Median speed away from the middle.
    outwards: f64,
}

/// Buffers that are kept from step to step.
#[derive(Debug, Default)]
struct Room {
    ids: Vec<u64>,
    places: Vec<Point>,
    velocities: Vec<Point>,
    lowest: Vec<f64>,
    sorted: Vec<f64>,
}

#[derive(Debug)]
struct CrowdMotion {
    probe: usize,
    filter: Filter,
    at_least: usize,
    speed: f64,
    metres: bool,
    window: Span,
    pattern: Pattern,
    movers: Vec<Mover>,
    /// Most slow people at a time in each part of the window, and the last part.
    slow: ([usize; PARTS], i64),
    /// The crowd has sped up and not slowed down since.
    rushing: bool,
    room: Room,
}

fn build(mut own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let metres = context.scene.ground.is_some();
    own.entry("speed").or_insert_with(|| if metres { FAST.0 } else { FAST.1 }.into());
    let params: Params = context.params(own)?;
    let speed = params.speed.ok_or_else(|| Error::config("speed", "say how fast"))?;
    context.speed("speed", speed)?;
    if metres && matches!(speed, Speed::BodyPerSecond(_)) {
        return Err(Error::config(
            "speed",
            format!("this view is calibrated: give m/s or km/h, not `{speed}`"),
        ));
    }
    if speed.value() <= 0.0 {
        return Err(Error::config("speed", format!("`{speed}` always holds; it must be above 0")));
    }
    if params.at_least < 3 {
        return Err(Error::config("at_least", "a crowd is three people at least; use running for one"));
    }
    let [least, most] = [Span::from_secs(1), Span::from_secs(60)];
    if !(least..=most).contains(&params.window) {
        return Err(Error::config("window", format!("{} is not within {least} to {most}", params.window)));
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    Ok(Box::new(CrowdMotion {
        probe,
        filter: context.take_filter(),
        at_least: params.at_least,
        speed: speed.value(),
        metres,
        window: params.window,
        pattern: params.pattern,
        movers: Vec::new(),
        slow: ([0; PARTS], 0),
        rushing: false,
        room: Room::default(),
    }))
}

/// Lower median; 0 of nothing.
fn median(values: impl Iterator<Item = f64>, sorted: &mut Vec<f64>) -> f64 {
    sorted.clear();
    sorted.extend(values);
    if sorted.is_empty() {
        return 0.0;
    }
    let middle = (sorted.len() - 1) / 2;
    *sorted.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Median speed, agreement of the directions, and median speed away from the middle.
fn motion(places: &[Point], velocities: &[Point], sorted: &mut Vec<f64>) -> Motion {
    let unit = |v: Point| if v.norm() > 0.0 { v * (1.0 / v.norm()) } else { v };
    let speed = median(velocities.iter().map(|v| v.norm()), sorted);
    let sum = velocities.iter().fold(Point::default(), |sum, &v| sum + unit(v));
    let coherence = sum.norm() / velocities.len().max(1) as f64;
    // The median along each axis: one who stands far off does not shift the middle.
    let middle =
        Point::new(median(places.iter().map(|p| p.x), sorted), median(places.iter().map(|p| p.y), sorted));
    let radial = places.iter().zip(velocities).map(|(&p, &v)| v.dot(unit(p - middle)));
    Motion { speed, coherence, outwards: median(radial, sorted) }
}

impl CrowdMotion {
    /// The part of the window that a moment belongs to.
    fn part(&self, at: Timestamp) -> i64 {
        at.ms().div_euclid((self.window.ms() / PARTS as i64).max(1))
    }

    /// Takes in how many are slow; gives the most at a time within the window.
    fn were_slow(&mut self, at: Timestamp, now: usize) -> usize {
        let part = self.part(at);
        let (most, last) = &mut self.slow;
        for over in *last + 1..=part.min(*last + PARTS as i64) {
            most[over.rem_euclid(PARTS as i64) as usize] = 0;
        }
        *last = part;
        let here = &mut most[part.rem_euclid(PARTS as i64) as usize];
        *here = now.max(*here);
        most.iter().copied().max().unwrap_or_default()
    }

    /// Takes in a person's speed; gives their lowest within the window.
    fn follow(&mut self, subject: u64, at: Timestamp, speed: f64) -> f64 {
        let part = self.part(at);
        let place = self.movers.binary_search_by_key(&subject, |m| m.subject).unwrap_or_else(|i| {
            self.movers.insert(i, Mover { subject, lowest: [f64::INFINITY; PARTS], part });
            i
        });
        let mover = &mut self.movers[place];
        // Parts that have passed without this person are of no speed.
        for over in mover.part + 1..=part.min(mover.part + PARTS as i64) {
            mover.lowest[over.rem_euclid(PARTS as i64) as usize] = f64::INFINITY;
        }
        mover.part = part;
        let now = &mut mover.lowest[part.rem_euclid(PARTS as i64) as usize];
        *now = now.min(speed);
        mover.lowest.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn gather(&mut self, facts: &Facts<'_>, room: &mut Room) {
        let Room { ids, places, velocities, lowest, .. } = room;
        ids.clear();
        places.clear();
        velocities.clear();
        lowest.clear();
        let probe = self.probe;
        for fact in facts.visitors(probe).filter(|f| f.zones[probe].inside) {
            let Some(velocity) = fact.latest_velocity() else { continue };
            if facts.at - fact.last_seen > IN_SIGHT || !self.filter.admits(fact, facts.scene) {
                continue;
            }
            let Some(place) = (if self.metres { fact.ground } else { Some(fact.at) }) else { continue };
            ids.push(fact.id);
            places.push(place);
            velocities.push(velocity);
            let slowest = self.follow(fact.id, facts.at, velocity.norm());
            if !(fact.zones[probe].appeared && facts.at - fact.first < self.window) {
                lowest.push(slowest);
            }
        }
    }

    fn fits(&self, motion: &Motion) -> bool {
        let radial = motion.outwards / motion.speed;
        match self.pattern {
            Pattern::Any => true,
            Pattern::Coherent => motion.coherence >= ONE_WAY,
            Pattern::Divergent => radial >= RADIAL,
            Pattern::Convergent => radial <= -RADIAL,
        }
    }

    fn look(&mut self, facts: &Facts<'_>, room: &mut Room, holds: &mut Holds) {
        self.gather(facts, room);
        let people = room.ids.len();
        let slow = SLOW * self.speed;
        let now = room.velocities.iter().filter(|v| v.norm() <= slow).count();
        let were_slow = self.were_slow(facts.at, now);
        if people < self.at_least {
            self.rushing = false;
            return;
        }
        let motion = motion(&room.places, &room.velocities, &mut room.sorted);
        if motion.speed < self.speed {
            self.rushing &= motion.speed > slow;
            return;
        }
        let same = room.lowest.is_empty() || median(room.lowest.iter().copied(), &mut room.sorted) <= slow;
        self.rushing |= same && were_slow >= self.at_least;
        if !(self.rushing && self.fits(&motion)) {
            return;
        }
        let name = if self.metres { "speed_ms" } else { "speed_bodyps" };
        let coherent = (self.pattern == Pattern::Coherent).then_some(ONE_WAY);
        let measured = [
            (name, motion.speed, Some(self.speed)),
            ("people", people as f64, Some(self.at_least as f64)),
            ("coherence", motion.coherence, coherent),
        ];
        holds.hold_place(&room.ids, facts.at, &measured);
    }
}

impl Rule for CrowdMotion {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        if !facts.gone.is_empty() {
            self.movers.retain(|m| facts.gone.binary_search(&m.subject).is_err());
        }
        let mut room = std::mem::take(&mut self.room);
        self.look(facts, &mut room, holds);
        self.room = room;
    }

    fn finish(&mut self, _: &mut Holds) {
        self.movers.clear();
        self.slow.0 = [0; PARTS];
        self.rushing = false;
    }
}
