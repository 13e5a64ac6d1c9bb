//! A person runs.
//!
//! # What holds
//! Inside the zone the person's speed over the last `window` is at least `speed`, or has grown by at least `increase`
//! from the window before. The speed is the median of short stretches along the way: a box that trembles or jumps once
//! is not fast. On a calibrated view it is that of the feet on the ground, less what the tremble of a box can feign there
//! (3 % of the body size at both ends of the window); elsewhere the slower of feet and head, in body sizes. Whose box is
//! cut by the upper or lower border of the picture, or changes its height by more than 60 % within the window, is not
//! measured.
//!
//! # Settings
//! `speed` (2.3 m/s on a calibrated view, elsewhere 1.6 body/s: 2.7 m/s for somebody of 1.7 m seen level, 2.2 m/s seen from
//! 35° above, where bodies are foreshortened; walkers reach 2 m/s).
//! `window`: how long the speed is measured (1 s). `increase`: also tell of whoever gains this much from one window to the
//! next, at whatever speed (m/s or body/s; not set). `norm`: tell only of those who are this many times as fast as the
//! median of the people who moved in the zone during the last minutes (not set; a minute of people moving must have been
//! seen before it counts), so that a promenade full of joggers is silent.
//!
//! # What it cannot see
//! Uncalibrated, running towards the camera or away from it is foreshortened and found late or not at all. A child whose
//! body is half as large is told of at half the metres a second. A person whose box lies on a cycle that moves along rides
//! it and does not run; where the detector does not find the cycle, riders and scooters count as runners. Uncalibrated,
//! somebody whose legs are hidden all the way (behind a railing) is small, and so too fast: draw the zone where feet show.

mod norm;
mod pace;

use super::{Context, Defaults, Filter, PEOPLE, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::detection::{Group, NEAR_BORDER};
use crate::error::{Error, Result};
use crate::facts::{Anchor, Fact, Facts};
use crate::geometry::Point;
use crate::lifecycle::Holds;
use crate::quantity::Speed;
use crate::time::{Span, Timestamp};
use norm::Norm;
use pace::{Pace, Sample};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smallvec::SmallVec;

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "running",
    source: include_str!("running.rs"),
    definition: Template {
        fr: "Personne se déplaçant à {speed} ou plus{increase?, ou accélérant d'au moins {increase} en {window}}, \
             vitesse mesurée sur {window}{norm?, et au moins {norm} fois la vitesse médiane des personnes qui s'y déplacent}, \
             zone « {zone} »{after=0s!, pendant {after}}.",
        en: "A person moves at {speed} or faster{increase?, or gains at least {increase} within {window}}, \
             measured over {window}{norm?, and at least {norm} times the median speed of the people who move there}, \
             zone \"{zone}\"{after=0s!, for {after}}.",
    },
    onvif_topic: None,
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_ms(400),
        gap: Span::from_secs(1),
        clear_after: Span::from_secs(2),
        classes: PEOPLE,
    },
    measurement: false,
    momentary: false,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Who is as fast runs; 2.3 m/s on a calibrated view, else 1.6 body/s.
    speed: Option<Speed>,
    /// Also tell of whoever gains this much from one window to the next.
    increase: Option<Speed>,
    /// How long the speed is measured.
    #[serde(default = "window")]
    window: Span,
    /// Tell only of those who are this many times as fast as the median of the zone's last minutes.
    #[schemars(range(min = 1.1, max = 10.0))]
    norm: Option<f64>,
}

fn window() -> Span {
    Span::from_secs(1)
}

/// Windows between these are long enough to measure and short enough to still be one movement.
const WINDOWS: [Span; 2] = [Span::from_ms(500), Span::from_secs(10)];
/// People walk at up to 2 m/s (1.2 body sizes a second) and begin to run at about that (Alexander 1989: a Froude number
/// of one half); the default lies as far above that as measured speeds of fast walkers scatter.
const RUNS: (&str, &str) = ("2.3 m/s", "1.6 body/s");
/// A detector's edges tremble by this share of the body size.
const TREMBLE: f64 = 0.03;
/// How long a person keeps their size when the box shrinks: legs hidden behind a car do not make them faster.
const SIZE: Span = Span::from_secs(4);
/// Who has been riding rides on, though the detector misses the cycle under them.
const RIDES: Span = Span::from_secs(3);

/// One person on the move.
#[derive(Debug)]
struct Mover {
    subject: u64,
    pace: Pace,
    /// Body size, view units: grows with the box, shrinks slowly.
    size: f64,
    seen: Timestamp,
    rode: Option<Timestamp>,
}

#[derive(Debug)]
struct Running {
    probe: usize,
    filter: Filter,
    speed: Speed,
    increase: Option<Speed>,
    window: Span,
    ratio: Option<f64>,
    norm: Norm,
    movers: Vec<Mover>,
    /// Indices of the cycles of the step.
    cycles: Vec<usize>,
}

fn build(mut own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let usual = if context.scene.ground.is_some() { RUNS.0 } else { RUNS.1 };
    own.entry("speed").or_insert_with(|| usual.into());
    let params: Params = context.params(own)?;
    let speed = params.speed.ok_or_else(|| Error::config("speed", "say how fast"))?;
    for (key, speed) in [("speed", Some(speed)), ("increase", params.increase)] {
        let Some(speed) = speed else { continue };
        context.speed(key, speed)?;
        if speed.value() <= 0.0 {
            return Err(Error::config(key, format!("`{speed}` always holds; it must be above 0")));
        }
    }
    if !(WINDOWS[0]..=WINDOWS[1]).contains(&params.window) {
        let [least, most] = WINDOWS;
        return Err(Error::config("window", format!("{} is not within {least} to {most}", params.window)));
    }
    if params.norm.is_some_and(|n| !(1.1..=10.0).contains(&n)) {
        return Err(Error::config(
            "norm",
            "give 1.1 to 10 times the median; half of all people are above it",
        ));
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    Ok(Box::new(Running {
        probe,
        filter: context.take_filter(),
        speed,
        increase: params.increase,
        window: params.window,
        ratio: params.norm,
        norm: Norm::new(),
        movers: Vec::new(),
        cycles: Vec::new(),
    }))
}

/// Feet, and head where the view is not calibrated; None where the picture's border cuts them.
fn sample(fact: &Fact, at: Timestamp, calibrated: bool) -> Option<Sample> {
    let b = &fact.bbox;
    if b.y1 < NEAR_BORDER || b.y2 > 1.0 - NEAR_BORDER {
        return None;
    }
    let feet = if calibrated { fact.ground? } else { b.bottom_centre() };
    let head = (!calibrated).then(|| Point::new(f64::midpoint(b.x1, b.x2), b.y1));
    Some(Sample { at: at.ms(), feet, head, height: b.height() })
}

impl Running {
    /// The person's state with this look taken in.
    fn follow(&mut self, fact: &Fact, facts: &Facts<'_>) -> usize {
        let at = facts.at;
        let place = self.movers.binary_search_by_key(&fact.id, |m| m.subject).unwrap_or_else(|i| {
            let pace = Pace::default();
            self.movers.insert(i, Mover { subject: fact.id, pace, size: fact.body, seen: at, rode: None });
            i
        });
        let mover = &mut self.movers[place];
        let keep = (-(at - mover.seen).seconds() / SIZE.seconds()).exp();
        mover.size = fact.body.max(mover.size * keep + fact.body * (1.0 - keep));
        mover.seen = at;
        if let Some(sample) = sample(fact, at, facts.scene.ground.is_some()) {
            mover.pace.push(sample, self.window);
        }
        place
    }

    /// A threshold in m/s or body sizes a second, whichever this view measures in.
    fn threshold(speed: Speed, fact: &Fact, facts: &Facts<'_>) -> Option<f64> {
        match (speed, &facts.scene.ground) {
            (Speed::BodyPerSecond(v), Some(ground)) => {
                // Across the line of sight a metre of height is as long on the picture as a metre of ground.
                let scale = ground.scale_at(fact.bbox.bottom_centre())?;
                Some(v * fact.body * scale.mean * scale.mean / scale.worst)
            }
            (v, _) => Some(v.value()),
        }
    }

    /// Speed over the window that ended at `end`, in the unit of the view.
    fn speed(&self, mover: &Mover, fact: &Fact, end: Timestamp, facts: &Facts<'_>) -> Option<f64> {
        let pace = mover.pace.over(self.window, end)?;
        let Some(ground) = &facts.scene.ground else { return Some(pace / mover.size) };
        let foot = Anchor::Feet.point(&fact.bbox, fact.group);
        let feigned = ground.error_for(foot, TREMBLE * fact.body * std::f64::consts::SQRT_2)?;
        Some((pace - feigned / self.window.seconds()).max(0.0))
    }

    /// Whether a cycle moves along under the person, who moves at `speed`.
    fn rides(&self, fact: &Fact, speed: f64, facts: &Facts<'_>) -> bool {
        let unit = |f: &Fact| if facts.scene.ground.is_some() { 1.0 } else { f.body };
        self.cycles.iter().map(|&i| &facts.subjects[i]).any(|cycle| {
            cycle.bbox.touches(&fact.bbox)
                && cycle.bbox.intersection_area(&fact.bbox) >= 0.2 * cycle.bbox.area()
                && cycle.speed().is_none_or(|v| v * unit(cycle) >= 0.5 * speed * unit(fact))
        })
    }

    fn look(&mut self, fact: &Fact, facts: &Facts<'_>, holds: &mut Holds) {
        let place = self.follow(fact, facts);
        let Some(speed) = self.speed(&self.movers[place], fact, facts.at, facts) else { return };
        let median = self.norm.median();
        self.norm.see(speed);
        let Some(least) = Self::threshold(self.speed, fact, facts) else { return };
        let before = Timestamp::from_ms(facts.at.ms() - self.window.ms());
        let gain = self.increase.and_then(|increase| {
            let earlier = self.speed(&self.movers[place], fact, before, facts)?;
            Some((speed - earlier, Self::threshold(increase, fact, facts)?))
        });
        let gained = gain.is_some_and(|(gain, least)| gain >= least);
        if speed < least && !gained {
            return;
        }
        if self.rides(fact, speed, facts) {
            self.movers[place].rode = Some(facts.at);
        }
        let rode = self.movers[place].rode.is_some_and(|rode| facts.at - rode <= RIDES);
        let beyond = self.ratio.zip(median).map(|(ratio, median)| ratio * median);
        if rode || beyond.is_some_and(|beyond| speed < beyond) || !self.filter.admits(fact, facts.scene) {
            return;
        }
        let ground = facts.scene.ground.is_some();
        let [speed_name, gain_name, norm_name] = if ground {
            ["speed_ms", "gain_ms", "norm_ms"]
        } else {
            ["speed_bodyps", "gain_bodyps", "norm_bodyps"]
        };
        let mut measured: SmallVec<[_; 3]> = SmallVec::new();
        measured.push((speed_name, speed, Some(beyond.map_or(least, |b| b.max(least)))));
        if let Some((gain, least)) = gain {
            measured.push((gain_name, gain, Some(least)));
        }
        if let Some(median) = median.filter(|_| self.ratio.is_some()) {
            measured.push((norm_name, median, None));
        }
        holds.hold(fact.id, facts.at, &measured);
    }
}

impl Rule for Running {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        if !facts.gone.is_empty() {
            self.movers.retain(|m| facts.gone.binary_search(&m.subject).is_err());
        }
        self.norm.step(facts.at);
        self.cycles.clear();
        let cycles = facts.subjects.iter().enumerate().filter(|(_, f)| f.group == Group::Cycle && f.seen);
        self.cycles.extend(cycles.map(|(i, _)| i));
        let probe = self.probe;
        for fact in facts.visitors(probe).filter(|f| f.seen && f.zones[probe].inside) {
            if self.filter.class(fact.class_id) {
                self.look(fact, facts, holds);
            }
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.movers.clear();
        self.norm = Norm::new();
    }
}
