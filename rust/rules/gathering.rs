//! People gather: at least so many of them, linked by short steps, and they stay together.
//!
//! # What holds
//! Two people are linked when their feet are at most `within` apart. A group is everybody linked directly or through
//! others. It gathers since the moment from which at least `at_least` of its present members have all been in it: a
//! queue that walks past has new members all the time and never gathers.
//!
//! # Settings
//! `at_least` (4), `within` (metres, or body heights: 1.2), `still`: true to count only people who stand.
//!
//! # What it cannot see
//! People hidden behind others. Without calibration `within` is measured in the picture, where depth is foreshortened.

use super::{Context, Defaults, Filter, PEOPLE, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Fact, Facts, PRESENT};
use crate::lifecycle::{Holds, Key};
use crate::quantity::Length;
use crate::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "gathering",
    source: include_str!("gathering.rs"),
    definition: Template {
        fr: "Au moins {at_least} personnes {still?à l'arrêt }à {within} au plus les unes des autres de proche en proche, \
             dans la zone « {zone} », les mêmes restant ensemble pendant {after} au moins.",
        en: "At least {at_least} people {still?standing }at most {within} from one to the next, in the zone \"{zone}\", \
             the same ones staying together for at least {after}.",
    },
    onvif_topic: Some("tns1:RuleEngine/CrowdDetector/Crowd"),
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_secs(20),
        gap: Span::from_secs(4),
        clear_after: Span::from_secs(8),
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
    /// Least number of people.
    #[serde(default = "at_least")]
    #[schemars(range(min = 2))]
    at_least: usize,
    /// Longest step from one to the next.
    #[serde(default = "within")]
    within: Length,
    /// Count only people who stand.
    #[serde(default)]
    still: bool,
}

fn at_least() -> usize {
    4
}
fn within() -> Length {
    Length::Body(1.2)
}

/// Somebody passing through stands for no longer than this.
const STANDS: Span = Span::from_ms(1500);

/// A person's membership of any group.
#[derive(Debug)]
struct Member {
    subject: u64,
    since: Timestamp,
    last: Timestamp,
}

/// Lists of members have room for this many from the start: most groups never make them grow.
const LIST: usize = 64;

/// A group of the last step, to be recognised by its members.
#[derive(Debug)]
struct Group {
    key: u64,
    members: Vec<u64>,
    last: Timestamp,
}

#[derive(Debug)]
struct Gathering {
    probe: usize,
    filter: Filter,
    params: Params,
    gap: Span,
    members: Vec<Member>,
    groups: Vec<Group>,
    keys: u64,
    room: Room,
}

/// Buffers that are kept from step to step.
#[derive(Debug, Default)]
struct Room {
    /// Everybody who counts: indices into the subjects of the step.
    people: Vec<usize>,
    /// Beside `people`: index of the first person of their group.
    label: Vec<usize>,
    /// People whose links are still to be followed.
    open: Vec<usize>,
    /// Ids of one group.
    ids: Vec<u64>,
    /// Since when each of them has been in it.
    since: Vec<Timestamp>,
    /// Lists of groups that are no more.
    lists: Vec<Vec<u64>>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    context.length("within", params.within)?;
    if params.at_least < 2 {
        return Err(Error::config("at_least", "a gathering is two people at least; use intrusion for one"));
    }
    if context.timing.after == Span::ZERO {
        return Err(Error::config(
            "after",
            "people who pass each other are together for a moment; say how long counts",
        ));
    }
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    let (filter, gap) = (context.take_filter(), context.timing.gap);
    Ok(Box::new(Gathering {
        probe,
        filter,
        params,
        gap,
        members: Vec::new(),
        groups: Vec::new(),
        keys: 0,
        room: Room::default(),
    }))
}

impl Gathering {
    fn counts(&self, fact: &Fact, facts: &Facts<'_>) -> bool {
        let standing = fact.still_since.is_some_and(|since| fact.last_seen - since >= STANDS);
        // Members whom the detector misses for a moment keep their place: a group of ten is never all seen at once.
        facts.at - fact.last_seen <= PRESENT
            && fact.zones[self.probe].inside
            && (!self.params.still || standing)
            && self.filter.admits(fact, facts.scene)
    }

    fn linked(&self, a: &Fact, b: &Fact) -> bool {
        match (self.params.within, a.ground, b.ground) {
            (Length::Metres(m), Some(p), Some(q)) => p.distance(q) <= m,
            (Length::Body(n), ..) => a.at.distance(b.at) <= n * f64::midpoint(a.body, b.body),
            _ => false,
        }
    }

    /// Writes down the index of the group's first person for every person, by flooding along links.
    fn label(&self, room: &mut Room, subjects: &[Fact]) {
        let Room { people, label, open, .. } = room;
        label.clear();
        label.resize(people.len(), usize::MAX);
        for first in 0..people.len() {
            if label[first] != usize::MAX {
                continue;
            }
            label[first] = first;
            open.push(first);
            while let Some(i) = open.pop() {
                for j in first + 1..people.len() {
                    if label[j] == usize::MAX && self.linked(&subjects[people[i]], &subjects[people[j]]) {
                        label[j] = first;
                        open.push(j);
                    }
                }
            }
        }
    }

    fn member_since(&mut self, subject: u64, at: Timestamp, first: Timestamp) -> Timestamp {
        match self.members.binary_search_by_key(&subject, |m| m.subject) {
            Ok(i) => {
                let member = &mut self.members[i];
                if at - member.last > self.gap.max(PRESENT) {
                    member.since = at;
                }
                member.last = at;
                member.since
            }
            Err(i) => {
                // Somebody who was there when we first looked has been in the group since then.
                self.members.insert(i, Member { subject, since: first, last: at });
                first
            }
        }
    }

    /// The key of the earlier group that shares most members, or a new one.
    fn key_of(&mut self, members: &[u64], lists: &mut Vec<Vec<u64>>, at: Timestamp) -> u64 {
        let shared = |g: &Group| g.members.iter().filter(|m| members.contains(m)).count();
        let best = self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, g)| g.last < at && shared(g) > 0)
            .max_by_key(|(i, g)| (shared(g), usize::MAX - i));
        if let Some((i, _)) = best {
            let group = &mut self.groups[i];
            group.members.clear();
            group.members.extend_from_slice(members);
            group.last = at;
            return group.key;
        }
        self.keys += 1;
        let mut list = lists.pop().unwrap_or_default();
        list.reserve(members.len().max(LIST));
        list.extend_from_slice(members);
        self.groups.push(Group { key: self.keys, members: list, last: at });
        self.keys
    }

    /// Drops groups that have not been seen for too long, but not their lists.
    fn forget(&mut self, at: Timestamp, gap: Span, lists: &mut Vec<Vec<u64>>) {
        self.groups.retain_mut(|group| {
            let stays = at - group.last <= gap;
            if !stays {
                group.members.clear();
                lists.push(std::mem::take(&mut group.members));
            }
            stays
        });
    }

    fn look(&mut self, facts: &Facts<'_>, room: &mut Room, holds: &mut Holds) {
        let (at, at_least) = (facts.at, self.params.at_least);
        room.people.clear();
        let all = facts.subjects;
        let inside = facts.visits[self.probe].iter().map(|&i| i as usize);
        room.people.extend(inside.filter(|&i| self.counts(&all[i], facts)));
        if room.people.len() < at_least {
            return;
        }
        self.label(room, all);
        let Room { people, label, ids, since, lists, .. } = room;
        for first in 0..people.len() {
            ids.clear();
            since.clear();
            let of_group = || (0..people.len()).filter(|&i| label[i] == first).map(|i| &all[people[i]]);
            ids.extend(of_group().map(|person| person.id));
            if ids.len() < at_least {
                continue;
            }
            since.extend(of_group().map(|person| {
                let came = person.onset(at);
                let came = if self.params.still { person.still_since.unwrap_or(came) } else { came };
                self.member_since(person.id, at, came)
            }));
            since.sort_unstable();
            // The moment from which `at_least` of them have all been here.
            let together = since[at_least - 1];
            let key = Key::Group(self.key_of(ids, lists, at));
            let people = ("people", ids.len() as f64, Some(at_least as f64));
            holds.hold_together(key, together, ids, &[people]);
        }
    }
}

impl Rule for Gathering {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        let gone = facts.gone;
        self.members.retain(|m| !gone.contains(&m.subject));
        let mut room = std::mem::take(&mut self.room);
        self.forget(facts.at, self.gap.max(PRESENT), &mut room.lists);
        self.look(facts, &mut room, holds);
        self.room = room;
    }

    fn finish(&mut self, _: &mut Holds) {
        self.members.clear();
        self.groups.clear();
    }
}
