//! Who was there when a thing came, and where they are now.

use super::Asked;
use super::trail::{BEFORE, Trails};
use crate::detection::{Group, NEAR_BORDER};
use crate::facts::{Fact, Facts, PRESENT};
use crate::geometry::{BBox, Point};
use crate::ground::GroundPlane;
use crate::quantity::Length;
use crate::time::{Span, Timestamp};
use crate::track::body_size;
use smallvec::SmallVec;

/// Who was within this many of their own body sizes of the thing may have brought it: an arm's length, and as much again
/// for feet that are hidden. More counts passers-by, who must then leave too; less misses who throws.
pub(in crate::rules) const REACH: f64 = 1.0;
/// Somebody new who comes to sight within this many body sizes of where a bringer was last seen, a moment after that, is
/// the bringer under another name.
const HEIR: f64 = 0.7;
/// ... seen first at most this long before the bringer was seen last: two tracks on one body overlap for a moment.
const OVERLAP: Span = Span::from_secs(1);
/// Beyond the picture's border for this long, a bringer has left.
const OUT: Span = Span::from_secs(1);
/// Most bringers of a thing, the nearest: a crowd that stands around it must not all leave first.
const MOST: usize = 4;

/// Somebody who may have brought a thing.
#[derive(Clone, Debug)]
pub(super) struct Bringer {
    subject: u64,
    group: Group,
    /// Where they were last seen, and when.
    bbox: BBox,
    last_seen: Timestamp,
    away_since: Option<Timestamp>,
    /// How far they are, in the unit of the setting, while they are seen.
    distance: Option<f64>,
}

/// All who may have.
#[derive(Debug, Default)]
pub(super) struct Bringers(SmallVec<[Bringer; MOST]>);

/// From where distances count: feet for people, the whole box for what one sits in.
fn gap(group: Group, bbox: &BBox, thing: &BBox) -> f64 {
    if group == Group::Person {
        return thing.distance(bbox.bottom_centre());
    }
    let apart = |a1: f64, a2: f64, b1: f64, b2: f64| (b1 - a2).max(a1 - b2).max(0.0);
    let (x, y) = (apart(bbox.x1, bbox.x2, thing.x1, thing.x2), apart(bbox.y1, bbox.y2, thing.y1, thing.y2));
    Point::new(x, y).norm()
}

/// How far somebody is from a thing, in body sizes.
fn in_bodies(group: Group, bbox: &BBox, thing: &BBox) -> f64 {
    gap(group, bbox, thing) / body_size(group, bbox)
}

/// Whether a thing is on somebody: it hangs in their box, above the ground they stand on.
pub(super) fn is_worn(thing: &Fact, facts: &Facts<'_>) -> bool {
    let (bbox, area) = (&thing.bbox, thing.bbox.area());
    facts.subjects.iter().filter(|f| f.seen && f.group == Group::Person).any(|person| {
        let feet = person.bbox.y2 - 0.2 * person.body;
        bbox.y2 < feet && bbox.intersection_area(&person.bbox) >= 0.8 * area
    })
}

/// Whether the thing may be the person themselves, who sits where they were last seen.
fn may_be(thing: &BBox, person: &BBox) -> bool {
    thing.intersection_area(person) >= 0.6 * thing.area() && thing.area() >= 0.3 * person.area()
}

impl Bringers {
    /// Who was within reach of a thing that has lain there since `since`, or shortly before.
    pub(super) fn of(thing: &BBox, since: Timestamp, trails: &Trails) -> Self {
        let mut near: SmallVec<[(f64, Bringer); 8]> = SmallVec::new();
        for trail in trails.iter() {
            let (subject, group) = (trail.subject, trail.group);
            let nearest =
                trail.since(since - BEFORE).map(|b| in_bodies(group, b, thing)).fold(f64::INFINITY, f64::min);
            if nearest <= REACH {
                let (last_seen, bbox) = trail.last();
                let (away_since, distance) = (None, None);
                near.push((nearest, Bringer { subject, group, bbox, last_seen, away_since, distance }));
            }
        }
        Self::nearest_of(near)
    }

    /// Who now stands within reach of it, and has come to stand there since `since`.
    pub(super) fn standing(thing: &BBox, since: Timestamp, facts: &Facts<'_>) -> Self {
        let stands = |f: &&Fact| {
            let present = facts.at - f.last_seen <= PRESENT && f.group == Group::Person;
            present && f.still_since.is_some_and(|s| s >= since)
        };
        let near = facts.subjects.iter().filter(stands).filter_map(|f| {
            let away = in_bodies(f.group, &f.bbox, thing);
            let (subject, group, bbox, last_seen) = (f.id, f.group, f.bbox, f.last_seen);
            let bringer = Bringer { subject, group, bbox, last_seen, away_since: None, distance: None };
            (away <= REACH).then_some((away, bringer))
        });
        Self::nearest_of(near.collect())
    }

    fn nearest_of(mut near: SmallVec<[(f64, Bringer); 8]>) -> Self {
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.subject.cmp(&b.1.subject)));
        Self(near.into_iter().take(MOST).map(|(_, bringer)| bringer).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Since when all of them have been away; `None` while one of them is not, or if there are none.
    pub(super) fn away_since(&self) -> Option<Timestamp> {
        let mut latest = None;
        for bringer in &self.0 {
            latest = latest.max(Some(bringer.away_since?));
        }
        latest
    }

    /// How far the nearest is of those that are seen.
    pub(super) fn nearest(&self) -> Option<f64> {
        self.0.iter().filter_map(|b| b.distance).min_by(f64::total_cmp)
    }

    /// Looks where they are now.
    pub(super) fn follow(&mut self, thing: &BBox, asked: &Asked, facts: &Facts<'_>) {
        for k in 0..self.0.len() {
            let bringer = &self.0[k];
            let mut fact = facts.subject(bringer.subject).filter(|f| f.seen);
            if fact.is_none() && facts.at - bringer.last_seen <= asked.lost_after + OVERLAP {
                let known = |id: u64| self.0.iter().any(|b| b.subject == id);
                let mut all = facts.subjects.iter();
                fact = all.find(|f| bringer.goes_on_as(f, asked.lost_after) && !known(f.id));
            }
            let bringer = &mut self.0[k];
            match fact {
                Some(fact) => bringer.see(fact, thing, asked, facts),
                None => bringer.miss(thing, asked, facts),
            }
        }
    }
}

impl Bringer {
    /// Whether this is the bringer, whom the tracker has lost and found under another name.
    fn goes_on_as(&self, fact: &Fact, lost_after: Span) -> bool {
        fact.seen
            && fact.group == self.group
            && fact.first + OVERLAP >= self.last_seen
            && fact.first - self.last_seen <= lost_after
            && fact.bbox.bottom_centre().distance(self.bbox.bottom_centre())
                <= HEIR * body_size(self.group, &self.bbox)
    }

    fn see(&mut self, fact: &Fact, thing: &BBox, asked: &Asked, facts: &Facts<'_>) {
        (self.subject, self.bbox, self.last_seen) = (fact.id, fact.bbox, facts.at);
        let distance = match (asked.distance, &facts.scene.ground) {
            (Length::Metres(_), Some(ground)) => metres(ground, fact, thing),
            _ => Some(in_bodies(fact.group, &fact.bbox, thing)),
        };
        self.distance = distance;
        // Beyond the horizon nobody can say how far they are: far.
        if distance.is_none_or(|d| d > asked.distance.value()) {
            self.away_since.get_or_insert(facts.at);
        } else {
            self.away_since = None;
        }
    }

    fn miss(&mut self, thing: &BBox, asked: &Asked, facts: &Facts<'_>) {
        self.distance = None;
        let unseen = facts.at - self.last_seen;
        let b = &self.bbox;
        let aspect = facts.scene.aspect;
        let at_border = b.x1 < NEAR_BORDER || b.x2 > aspect - NEAR_BORDER || b.y2 > 1.0 - NEAR_BORDER;
        let left = unseen >= asked.lost_after || (at_border && unseen >= OUT);
        if self.away_since.is_none() && left && !may_be(thing, b) {
            self.away_since = Some(self.last_seen);
        }
    }
}

/// Metres on the ground from somebody to where the thing lies.
fn metres(ground: &GroundPlane, fact: &Fact, thing: &BBox) -> Option<f64> {
    Some(ground.to_metres(thing.bottom_centre())?.distance(fact.ground?))
}
