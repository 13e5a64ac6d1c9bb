//! Where people and vehicles were in the last seconds: who brought a thing is asked when it is found, and then they may be
//! some way off already.

use crate::detection::Group;
use crate::facts::{Fact, Facts};
use crate::geometry::BBox;
use crate::time::{Span, Timestamp};

/// How long before a thing was first seen whoever was there may have brought it: as long as they stand before it the
/// detector cannot see it, and those that compare pictures wait for some seconds. Longer makes more of the passers-by
/// bringers, who must leave too; shorter misses who has left quickly.
pub(in crate::rules) const BEFORE: Span = Span::from_secs(10);
/// Looks are at least this far apart: nobody puts anything down in passing in less.
const SPACING: Span = Span::from_ms(400);
/// Looks that are kept, enough for [`BEFORE`].
const LOOKS: usize = 26;

/// The last looks at somebody.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) subject: u64,
    pub(super) group: Group,
    looks: [(Timestamp, BBox); LOOKS],
    begin: usize,
    len: usize,
}

impl Trail {
    /// Where they were since `since`, in any order.
    pub(super) fn since(&self, since: Timestamp) -> impl Iterator<Item = &BBox> {
        self.looks[..self.len].iter().filter(move |(at, _)| *at >= since).map(|(_, bbox)| bbox)
    }

    /// When and where they were last looked at.
    pub(super) fn last(&self) -> (Timestamp, BBox) {
        self.looks[(self.begin + self.len - 1) % LOOKS]
    }

    fn push(&mut self, at: Timestamp, bbox: BBox) {
        if at - self.last().0 < SPACING {
            return;
        }
        if self.len < LOOKS {
            self.len += 1;
        } else {
            self.begin = (self.begin + 1) % LOOKS;
        }
        self.looks[(self.begin + self.len - 1) % LOOKS] = (at, bbox);
    }
}

/// The trails of all who may bring anything.
#[derive(Debug, Default)]
pub(super) struct Trails {
    /// By subject.
    all: Vec<Trail>,
}

/// A vehicle that has stood for longer than this is parked: it brings nothing.
const PARKED: Span = Span::from_secs(300);

/// Whether they may bring something: people, and what has driven up. What has not moved since it was first seen has not.
fn may_bring(fact: &Fact, at: Timestamp) -> bool {
    match fact.group {
        Group::Person => true,
        Group::Cycle | Group::Vehicle => {
            fact.still_since.is_none_or(|since| since > fact.first && at - since <= PARKED)
        }
        _ => false,
    }
}

impl Trails {
    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Trail> {
        self.all.iter()
    }

    pub(super) fn step(&mut self, facts: &Facts<'_>) {
        self.all.retain(|trail| facts.at - trail.last().0 <= BEFORE + BEFORE);
        let mut next = 0;
        for fact in facts.subjects.iter().filter(|f| f.seen && may_bring(f, facts.at)) {
            // Both are ordered by id.
            next += self.all[next..].partition_point(|trail| trail.subject < fact.id);
            match self.all.get_mut(next) {
                Some(trail) if trail.subject == fact.id => trail.push(facts.at, fact.bbox),
                _ => {
                    let looks = [(facts.at, fact.bbox); LOOKS];
                    self.all
                        .insert(next, Trail { subject: fact.id, group: fact.group, looks, begin: 0, len: 1 });
                }
            }
        }
    }
}
