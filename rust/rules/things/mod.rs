//! Things that were put down: where they lie, since when, who was there when they came, and whether those have left.
//!
//! Not a rule. `abandoned_object` and `dumping` look at the same things; times belong to the lifecycle, here is only what
//! is so in this step. A thing is known by its place, not by its subject: the detector of bags sees it now and then, the
//! one that compares pictures all the time, and each may lose it.

mod bringer;
mod heap;
mod trail;

use crate::detection::Group;
use crate::facts::{Fact, Facts};
use crate::geometry::BBox;
use crate::quantity::Length;
use crate::rules::{Context, Filter};
use crate::time::{Span, Timestamp};
use bringer::{Bringers, REACH};
use heap::{GROWN, Heap};
use serde_json::json;
use trail::{BEFORE, Trails};

/// Who lay there this long after the watch began has been there before it: a detector needs a moment to see everything.
/// Longer misses what is thrown in the first seconds.
const ALREADY: Span = Span::from_secs(1);
/// A thing that somebody brought is remembered for this long after it was last seen ...
const MEMORY: Span = Span::from_secs(60);
/// ... and one that nobody brought for this long: it belongs there, and a detector that finds it again when somebody
/// passes must not take it for news. Longer misses what is put down on the very spot.
const MEMORY_FIXED: Span = Span::from_secs(600);
/// What has been out of sight for this long may have been taken up, and another put down on its spot. Less takes those who
/// hide a thing for owners, more leaves one who steps up with a bag of their own the one who stood there before.
const ABSENT: Span = Span::from_secs(5);
/// How long it must be back before it is asked who stands there.
const AGAIN: Span = Span::from_secs(2);
/// Most things at a time: what the detector finds beyond is not looked at. Bounds memory on hostile input.
const MOST: usize = 512;

/// What a rule asks of the things.
#[derive(Debug)]
pub(super) struct Asked {
    /// Zone probe.
    pub(super) probe: usize,
    /// How far the bringer must be.
    pub(super) distance: Length,
    /// Unseen for this long, the bringer has left.
    pub(super) lost_after: Span,
    /// Whether what is added to a heap is a thing of its own.
    pub(super) grows: bool,
}

/// Something that lies still.
#[derive(Debug)]
pub(super) struct Thing {
    /// Never given twice by one rule.
    pub(super) key: u64,
    /// The subject that it was last seen as.
    pub(super) subject: u64,
    group: Group,
    /// Where it was last seen to lie still.
    pub(super) bbox: BBox,
    /// Since when it lies there.
    pub(super) since: Timestamp,
    last_seen: Timestamp,
    /// Detected in this step.
    pub(super) seen: bool,
    /// Its subject has been seen to move off.
    taken: bool,
    /// Who may have brought it; nobody for what was there before or came by itself.
    bringers: Bringers,
    /// When it came back to sight after it had been absent, and when it was last looked at since.
    again: Option<(Timestamp, Timestamp)>,
    heap: Heap,
}

/// The things of one rule.
#[derive(Debug)]
pub(super) struct Things {
    asked: Asked,
    began: Option<Timestamp>,
    trails: Trails,
    all: Vec<Thing>,
    keys: u64,
}

/// Whether two boxes are of one thing: they cover each other, or one lies in the other and is not much smaller.
///
/// A bag on a heap lies in it and is no heap.
fn is_same(a: &BBox, b: &BBox) -> bool {
    let (common, small, large) = (a.intersection_area(b), a.area().min(b.area()), a.area().max(b.area()));
    a.iou(b) >= 0.3 || (common >= 0.8 * small && small >= 0.25 * large)
}

/// Tells the definition what decides here and is no setting.
pub(super) fn explain(context: &mut Context<'_>) {
    context.setting("reach", json!(Length::Body(REACH)));
    context.setting("before", json!(BEFORE));
    context.setting("already", json!(ALREADY));
    context.setting("grown", json!(GROWN));
}

impl Things {
    pub(super) fn new(asked: Asked) -> Self {
        Self { asked, began: None, trails: Trails::default(), all: Vec::new(), keys: 0 }
    }

    /// Forgets everything: the watch ends.
    pub(super) fn clear(&mut self) {
        self.began = None;
        self.trails.clear();
        self.all.clear();
    }

    /// Takes in a step.
    pub(super) fn step(&mut self, facts: &Facts<'_>, filter: &Filter) {
        let began = *self.began.get_or_insert(facts.at);
        self.trails.step(facts);
        for thing in &mut self.all {
            thing.seen = false;
        }
        let probe = self.asked.probe;
        for fact in facts.visitors(probe).filter(|f| f.seen && f.zones[probe].inside) {
            if filter.admits(fact, facts.scene) && !bringer::is_worn(fact, facts) {
                self.see(fact, facts, began);
            }
        }
        let Self { asked, all, .. } = self;
        all.retain_mut(|thing| {
            let known = facts.subject(thing.subject).filter(|f| f.seen && f.still_since.is_none());
            thing.taken |= !thing.seen && known.is_some_and(|f| f.bbox.intersection_area(&thing.bbox) <= 0.0);
            let memory = if thing.bringers.is_empty() { MEMORY_FIXED } else { MEMORY };
            thing.bringers.follow(&thing.bbox, asked, facts);
            facts.at - thing.last_seen <= memory
        });
    }

    /// Things that are seen to lie there and were brought by somebody who has left; since when both is so, and how far
    /// away the nearest of those is who brought it, if they are seen.
    pub(super) fn left(&self) -> impl Iterator<Item = (&Thing, Timestamp, Option<f64>)> {
        self.all.iter().filter(|thing| thing.seen).filter_map(|thing| {
            let away = thing.bringers.away_since()?;
            Some((thing, away.max(thing.since), thing.bringers.nearest()))
        })
    }

    fn see(&mut self, fact: &Fact, facts: &Facts<'_>, began: Timestamp) {
        let best =
            (0..self.all.len()).filter(|&i| is_same(&self.all[i].bbox, &fact.bbox)).max_by(|&a, &b| {
                let alike = |i: usize| self.all[i].bbox.iou(&fact.bbox);
                alike(a).total_cmp(&alike(b)).then(b.cmp(&a))
            });
        match (best, fact.still_since) {
            (Some(i), _) => self.again(i, fact, facts),
            (None, Some(since)) if self.all.len() < MOST => {
                self.keys += 1;
                let fixed = since - began <= ALREADY;
                let bringers =
                    if fixed { Bringers::default() } else { Bringers::of(&fact.bbox, since, &self.trails) };
                self.all.push(Thing {
                    key: self.keys,
                    subject: fact.id,
                    group: fact.group,
                    bbox: fact.bbox,
                    since,
                    last_seen: facts.at,
                    seen: true,
                    taken: false,
                    bringers,
                    again: None,
                    heap: Heap::of(&fact.bbox),
                });
            }
            (None, _) => {}
        }
    }

    /// A thing that is known is seen.
    fn again(&mut self, index: usize, fact: &Fact, facts: &Facts<'_>) {
        let thing = &mut self.all[index];
        if !thing.bringers.is_empty() && (thing.taken || facts.at - thing.last_seen >= ABSENT) {
            // It, or another on its spot: what is carried past is neither, and who comes with a bag needs a moment to stand.
            let Some(since) = fact.still_since else { return };
            let (from, last) = thing.again.unwrap_or((facts.at, facts.at));
            let from = if facts.at - last >= ABSENT { facts.at } else { from };
            thing.again = Some((from, facts.at));
            if facts.at - from < AGAIN {
                return;
            }
            thing.again = None;
            let (lay_until, taken) = (thing.last_seen, thing.taken);
            let bringers = if taken {
                Bringers::of(&fact.bbox, since, &self.trails)
            } else {
                Bringers::standing(&fact.bbox, lay_until, facts)
            };
            if !bringers.is_empty() {
                self.keys += 1;
                thing.key = self.keys;
                thing.since = since;
                thing.bringers = bringers;
            }
            thing.taken = false;
        }
        // Of several boxes on one thing, the one that it was known by goes on standing for it while it is seen.
        let known = facts.subject(thing.subject);
        let is_free = !known.is_some_and(|f| f.seen && is_same(&f.bbox, &thing.bbox));
        if thing.subject != fact.id && is_free && fact.still_since.is_some() {
            thing.subject = fact.id;
            if std::mem::replace(&mut thing.group, fact.group) != fact.group {
                // Another detector draws it larger or smaller.
                thing.heap = Heap::of(&fact.bbox);
            }
        }
        let unseen = facts.at - std::mem::replace(&mut thing.last_seen, facts.at);
        thing.seen = true;
        if fact.still_since.is_none() || thing.subject != fact.id {
            return;
        }
        thing.bbox = fact.bbox;
        // A heap is not what a detector of bags sees.
        if self.asked.grows
            && fact.group != Group::Thing
            && let Some(since) = thing.heap.grown(fact.bbox.area(), facts.at, unseen)
        {
            // If somebody was there, it is news.
            let bringers = Bringers::of(&thing.bbox, since, &self.trails);
            if !bringers.is_empty() {
                self.keys += 1;
                thing.key = self.keys;
                thing.since = since;
                thing.bringers = bringers;
            }
        }
    }
}
