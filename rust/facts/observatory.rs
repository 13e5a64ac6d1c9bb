//! Brings the facts from one step to the next.

use super::border::{Looking, Passing};
use super::chart::{Chart, Marks};
use super::crossing::{LineState, Movement, unit};
use super::motion::{Rest, Track};
use super::pace::{Way, error_of};
use super::{Anchor, Fact, LineCrossing, Memory, Presence, Probes, centre};
use crate::detection::Group;
use crate::geometry::BBox;
use crate::scene::Scene;
use crate::subject::Subject;
use crate::time::{Span, Timestamp};
use crate::track::body_size;

/// The facts of one view from step to step.
#[derive(Debug)]
pub struct Observatory {
    pub(super) probes: Probes,
    /// One for every anchor that probes use: zones by number of their probe, then lines.
    charts: Vec<Reached>,
    pub(super) facts: Vec<Fact>,
    pub(super) crossings: Vec<LineCrossing>,
    visits: Vec<Vec<u32>>,
    looking: Looking,
    /// Ended facts, kept for their buffers: no allocation while people come and go.
    pool: Vec<Fact>,
    /// Probes to ask about the subject of the moment.
    near: Marks,
    fading: Fading,
}

/// What an anchor's way from one detection to the next can touch.
#[derive(Debug)]
struct Reached {
    anchor: Anchor,
    /// The widest band of its lines, body sizes.
    reach: f64,
    chart: Chart,
}

/// `exp(-t)` for the time of the moment: most subjects were last seen at the same time.
#[derive(Debug, Default)]
struct Fading {
    elapsed: Span,
    keep: f64,
}

impl Fading {
    fn after(&mut self, elapsed: Span) -> f64 {
        if self.elapsed != elapsed || self.keep == 0.0 {
            *self = Self { elapsed, keep: (-elapsed.seconds()).exp() };
        }
        self.keep
    }
}

/// Unseen for this long at the picture's border, a subject has left.
const LOST: Span = Span::from_secs(1);

/// The tracker's body size, so that somebody who lies is as large as they were standing. Boxes are never empty, but a
/// clipped one can be a sliver: a floor keeps divisions sane.
fn unit_size(group: Group, bbox: &BBox) -> f64 {
    body_size(group, bbox).max(0.005)
}

fn reached(probes: &Probes, scene: &Scene) -> Vec<Reached> {
    let (zones, lines) = (probes.zones.len(), probes.lines.len());
    let mut all: Vec<Reached> = Vec::new();
    let mut of = |anchor: Anchor, band: f64| {
        let at = all.iter().position(|r| r.anchor == anchor).unwrap_or_else(|| {
            all.push(Reached { anchor, reach: 0.0, chart: Chart::new(zones + lines, scene.aspect) });
            all.len() - 1
        });
        all[at].reach = all[at].reach.max(band);
        at
    };
    let zone_charts: Vec<usize> = probes.zones.iter().map(|&(_, anchor)| of(anchor, 0.0)).collect();
    let line_charts: Vec<usize> = probes.lines.iter().map(|&(_, anchor, band)| of(anchor, band)).collect();
    for (probe, chart) in zone_charts.into_iter().enumerate() {
        all[chart].chart.draw_zone(probe, &scene.zones[probes.zones[probe].0].1);
    }
    for (probe, chart) in line_charts.into_iter().enumerate() {
        all[chart].chart.draw_line(zones + probe, &scene.lines[probes.lines[probe].0].1);
    }
    all
}

impl Observatory {
    /// Observes what `probes` ask for.
    pub fn new(probes: Probes, scene: &Scene) -> Self {
        Self {
            charts: reached(&probes, scene),
            visits: vec![Vec::new(); probes.zones.len()],
            probes,
            facts: Vec::new(),
            crossings: Vec::new(),
            looking: Looking::default(),
            pool: Vec::new(),
            near: Marks::default(),
            fading: Fading::default(),
        }
    }

    /// Subjects in this step.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Lines crossed in this step.
    pub fn crossings(&self) -> &[LineCrossing] {
        &self.crossings
    }

    /// By zone probe: indices of the facts for which the zone is more than somewhere else.
    pub fn visits(&self) -> &[Vec<u32>] {
        &self.visits
    }

    /// From now on every probe is asked about everybody, near or not.
    #[cfg(test)]
    pub(super) fn ask_all(&mut self) {
        for reached in &mut self.charts {
            reached.chart.fill(self.probes.zones.len() + self.probes.lines.len());
        }
    }

    /// Forgets everybody.
    pub fn clear(&mut self) {
        self.pool.append(&mut self.facts);
        self.crossings.clear();
        self.looking = Looking::default();
        for list in &mut self.visits {
            list.clear();
        }
    }

    /// Brings the facts up to date with the subjects of this step, both ordered by id.
    pub fn step(
        &mut self,
        at: Timestamp,
        scene: &Scene,
        subjects: &[Subject],
        scores: impl Fn(&Subject) -> f32,
    ) {
        self.crossings.clear();
        self.looking.step(at);
        let mut i = 0;
        let mut some_ended = false;
        for subject in subjects {
            while i < self.facts.len() && self.facts[i].id < subject.id {
                self.end(i, scene);
                some_ended = true;
                i += 1;
            }
            if i == self.facts.len() || self.facts[i].id != subject.id {
                let fact = self.begin(subject);
                // Ids rise: whoever is new comes last.
                self.facts.insert(i, fact);
            }
            self.facts[i].seen = subject.seen;
            self.observe(at, i, scene, subject, scores(subject));
            i += 1;
        }
        for i in i..self.facts.len() {
            self.end(i, scene);
            some_ended = true;
        }
        if some_ended {
            // All at once: taken out one by one, each would move the rest of the crowd.
            self.pool.extend(self.facts.extract_if(.., |fact| fact.ended));
        }
        self.enlist();
    }

    /// Writes down who is to be looked at for each zone.
    fn enlist(&mut self) {
        let zones = self.visits.len();
        for list in &mut self.visits {
            list.clear();
            // Room for everybody: who is inside of which zone changes long after the crowd has stopped growing.
            list.reserve(self.facts.len());
        }
        for (i, fact) in self.facts.iter().enumerate() {
            for probe in fact.memory.busy.iter().take_while(|&probe| probe < zones) {
                self.visits[probe].push(i as u32);
            }
        }
    }

    fn begin(&mut self, subject: &Subject) -> Fact {
        let rest = Rest::new(centre(&subject.bbox), subject.first);
        let (mut zones, mut memory) = match self.pool.pop() {
            Some(Fact { zones, memory, .. }) => (zones, memory),
            None => (Vec::new(), Box::new(Memory::new(rest, &subject.bbox))),
        };
        let (zone_probes, line_probes) = (self.probes.zones.len(), self.probes.lines.len());
        zones.clear();
        zones.resize(zone_probes, Presence::OUTSIDE);
        let Memory { lines, busy, .. } = &mut *memory;
        lines.clear();
        lines.resize(line_probes, LineState::default());
        busy.reset(zone_probes + line_probes);
        for (probe, state) in lines.iter().enumerate() {
            busy.set(zone_probes + probe, !state.is_idle());
        }
        memory.observed = false;
        memory.passing = Passing::new(&subject.bbox);
        memory.history = Track::default();
        memory.way = Way::default();
        memory.rest = rest;
        let at = Anchor::Auto.point(&subject.bbox, subject.group);
        Fact {
            id: subject.id,
            group: subject.group,
            class_id: subject.class_id,
            best_score: 0.0,
            bbox: subject.bbox,
            seen: false,
            first: subject.first,
            last_seen: subject.first,
            previous_seen: None,
            body: unit_size(subject.group, &subject.bbox),
            at,
            from: at,
            ground: None,
            ground_from: None,
            velocity: None,
            pace: None,
            still_since: None,
            zones,
            ended: false,
            memory,
        }
    }

    fn end(&mut self, index: usize, scene: &Scene) {
        self.facts[index].ended = true;
        self.unfinished(index, scene);
    }

    fn observe(&mut self, at: Timestamp, index: usize, scene: &Scene, subject: &Subject, score: f32) {
        let fact = &mut self.facts[index];
        fact.settle();
        if !subject.seen {
            if at - fact.last_seen >= LOST {
                self.went_out(index, scene);
            }
            return;
        }
        let first = !fact.memory.observed;
        fact.memory.observed = true;
        let before = if first { subject.first.min(at) } else { fact.last_seen };
        let old = if first { subject.bbox } else { fact.bbox };
        fact.group = subject.group;
        fact.class_id = subject.class_id;
        fact.bbox = subject.bbox;
        fact.previous_seen = (!first).then_some(before);
        fact.last_seen = at;
        let size = unit_size(subject.group, &subject.bbox);
        // A second's memory: long enough to calm the detector, short enough for somebody who walks towards us.
        let keep = self.fading.after(at - before);
        fact.body = if first { size } else { fact.body * keep + size * (1.0 - keep) };
        fact.best_score = fact.best_score.max(score);
        let place = Anchor::Auto.point(&subject.bbox, subject.group);
        fact.from = if first { place } else { fact.at };
        fact.at = place;
        fact.ground_from = fact.ground;
        fact.ground = scene.ground.as_ref().and_then(|g| g.to_metres(fact.at));
        fact.velocity = match (&scene.ground, fact.ground) {
            (Some(_), None) => None,
            (Some(_), Some(metres)) => fact.memory.history.push(at, metres),
            (None, _) => fact.memory.history.push(at, fact.at).map(|v| v * (1.0 / fact.body)),
        };
        fact.pace = None;
        if let (Some(ground), Some(metres)) = (&scene.ground, fact.ground)
            && !fact.is_cut(scene.aspect)
            && let Some(error) = error_of(ground, fact.at, fact.body)
        {
            fact.pace = fact.memory.way.push(at, metres, error);
        }
        fact.still_since = fact.memory.rest.push(at, centre(&subject.bbox), fact.body);
        if first {
            // Somebody already there when we first looked stands since the first detection.
            fact.still_since = fact.still_since.map(|since| since.min(subject.first));
        }
        if first {
            fact.memory.passing.arrive(at, &subject.bbox, self.looking.found(subject.first));
        }
        self.touch(Look { at, before, old, first, keep }, index, scene, subject.first);
    }

    /// Moves what the way from the old box to the present one touches, and what waits for the subject's next place.
    fn touch(&mut self, look: Look, index: usize, scene: &Scene, first_seen: Timestamp) {
        let Look { at, before, old, first, keep } = look;
        let fact = &mut self.facts[index];
        let (bbox, group, body, aspect) = (fact.bbox, fact.group, fact.body, scene.aspect);
        let unit = unit(&bbox, body);
        // Who went out of the picture and is back comes from there.
        let passing = &mut fact.memory.passing;
        let out = passing.out();
        let came_in = passing.push((before, at), first_seen, &bbox, (body, keep), aspect);
        let open = passing.is_open();
        let way_in = |anchor: Anchor| {
            let (side, arrival) = came_in.as_ref()?;
            let arrived = anchor.point(arrival, group);
            let outside = side.beyond(arrived, arrival, side.extent(&bbox), aspect)?;
            Some(Movement { from: (first_seen, outside), to: (first_seen, arrived) })
        };
        let movement = |anchor: Anchor| {
            let (last, to) = (anchor.point(&old, group), anchor.point(&bbox, group));
            let outside = out.and_then(|side| side.beyond(last, &old, body, aspect));
            let from = if first { to } else { outside.unwrap_or(last) };
            Movement { from: (before, from), to: (at, to) }
        };
        let zones = self.probes.zones.len();
        if out.is_some() || came_in.is_some() {
            // The way beyond the border leads anywhere, and is seldom gone.
            self.near.fill(zones + self.probes.lines.len());
        } else {
            self.near.copy(&fact.memory.busy);
            for Reached { anchor, reach, chart } in &self.charts {
                let (from, to) = (anchor.point(&old, group), anchor.point(&bbox, group));
                let reach = reach * unit;
                let area = BBox::new(
                    from.x.min(to.x) - reach,
                    from.y.min(to.y) - reach,
                    from.x.max(to.x) + reach,
                    from.y.max(to.y) + reach,
                );
                chart.near(&area, &mut self.near);
            }
        }
        for probe in self.near.iter() {
            if let Some(&(zone, anchor)) = self.probes.zones.get(probe) {
                let polygon = &scene.zones[zone].1;
                let presence = &mut fact.zones[probe];
                if let Some(way) = way_in(anchor) {
                    presence.came_in(way, polygon);
                }
                presence.push(movement(anchor), polygon, group, unit);
                fact.memory.busy.set(probe, !presence.is_idle());
                continue;
            }
            let (line, anchor, band) = self.probes.lines[probe - zones];
            let polyline = &scene.lines[line].1;
            let state = &mut fact.memory.lines[probe - zones];
            if let Some(way) = way_in(anchor) {
                state.came_in(way, polyline);
            }
            let found = state.push(movement(anchor), polyline, band * unit, open);
            fact.memory.busy.set(probe, !state.is_idle());
            if let Some(passed) = found {
                self.crossings.push(passed.of(probe - zones, fact));
            }
        }
    }
}

/// One look at a subject.
#[derive(Clone, Copy)]
struct Look {
    at: Timestamp,
    /// The look before, and its box; the first detection if there was none.
    before: Timestamp,
    old: BBox,
    first: bool,
    /// What remains of something known at the look before, after a memory of one second.
    keep: f64,
}

impl Memory {
    fn new(rest: Rest, bbox: &BBox) -> Self {
        Self {
            lines: Vec::new(),
            busy: Marks::default(),
            observed: false,
            passing: Passing::new(bbox),
            history: Track::default(),
            way: Way::default(),
            rest,
        }
    }
}

impl Fact {
    /// What happened in the step before is over.
    fn settle(&mut self) {
        let zones = &mut self.zones;
        self.memory.busy.retain_below(zones.len(), |probe| {
            zones[probe].settle();
            !zones[probe].is_idle()
        });
    }
}
