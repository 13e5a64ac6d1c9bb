//! How long a condition must hold: one lifecycle for every rule, so that no rule owns a timer.
//!
//! ```text
//! state      held in this step                     not held in this step
//! (none)     -> Pending since the hold began       -
//! Pending    -> Active when at - since >= after    -> (none) when at - last held > gap
//! Active     stays                                 -> Clearing
//! Clearing   -> Active                             -> (none), `ended`, when at - last held >= clear_after
//! ```
//!
//! `started` is published on Pending -> Active, unless the place had a start less than `cooldown` ago or
//! `max_per_hour` of them within the hour: such an incident lives through the same states in silence.

use crate::event::{Change, Measure};
use crate::time::{Span, Timestamp};
use smallvec::SmallVec;
use std::collections::{BTreeMap, VecDeque};

/// What an incident is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// One subject.
    Subject(u64),
    /// A group of subjects, numbered by its rule.
    Group(u64),
    /// The rule's place as a whole.
    Place,
}

/// The four times and the limit of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long the condition must hold before it starts.
    pub after: Span,
    /// Longest interruption that does not reset a pending incident.
    pub gap: Span,
    /// Quiet time before an active incident ends, counted from when it last held.
    pub clear_after: Span,
    /// Least time between two starts of the rule.
    pub cooldown: Span,
    /// Most starts of the rule in any hour.
    pub max_per_hour: Option<u32>,
}

/// Ids of the subjects that take part.
pub type Subjects = SmallVec<[u64; 4]>;
/// A measured value named at compile time.
pub type Measured = (&'static str, f64, Option<f64>);

/// One condition that a rule found to hold in this step.
#[derive(Debug)]
struct Held {
    key: Key,
    since: Timestamp,
    subjects: Subjects,
    measured: SmallVec<[Measured; 2]>,
    begin: Begin,
}

/// What a rule's `since` means for an incident that is already pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// It tells how far back the first hold reaches; interruptions up to `gap` are forgiven.
    First,
    /// It tells at every step since when; the rule has its own idea of what breaks the condition.
    Always,
    /// It tells when it happened.
    Moment,
}

/// What holds now: filled by a rule, read by its lifecycle. The buffer is kept from step to step.
#[derive(Debug, Default)]
pub struct Holds {
    held: Vec<Held>,
    moments: u64,
    reports: Vec<Report>,
}

/// Totals that a measurement publishes.
#[derive(Debug)]
pub struct Report {
    /// Since when they count.
    pub since: Timestamp,
    /// Whether they are the last ones.
    pub last: bool,
    /// The totals.
    pub measured: Vec<Measure>,
}

impl Holds {
    /// The condition holds for one subject; if nothing was pending, it has held since `since`.
    pub fn hold(&mut self, subject: u64, since: Timestamp, measured: &[Measured]) {
        self.push(Key::Subject(subject), since, &[subject], measured, Begin::First);
    }

    /// The condition holds for one subject without a break since exactly `since`.
    pub fn hold_since(&mut self, subject: u64, since: Timestamp, measured: &[Measured]) {
        self.push(Key::Subject(subject), since, &[subject], measured, Begin::Always);
    }

    /// The condition holds for a group or a place since exactly `since`, with these subjects.
    pub fn hold_together(&mut self, key: Key, since: Timestamp, subjects: &[u64], measured: &[Measured]) {
        self.push(key, since, subjects, measured, Begin::Always);
    }

    /// The condition holds for the rule's place as a whole.
    pub fn hold_place(&mut self, subjects: &[u64], since: Timestamp, measured: &[Measured]) {
        self.push(Key::Place, since, subjects, measured, Begin::First);
    }

    /// Totals to publish; they never alarm.
    pub fn report(&mut self, since: Timestamp, last: bool, measured: Vec<Measure>) {
        self.reports.push(Report { since, last, measured });
    }

    /// Takes the totals to publish.
    pub fn reports(&mut self) -> std::vec::Drain<'_, Report> {
        self.reports.drain(..)
    }

    /// Something momentary happened (a crossing): the same lifecycle, an incident of its own each time.
    pub fn once(&mut self, subject: u64, since: Timestamp, measured: &[Measured]) {
        self.moments += 1;
        self.push(Key::Group(self.moments), since, &[subject], measured, Begin::Moment);
    }

    fn push(&mut self, key: Key, since: Timestamp, subjects: &[u64], measured: &[Measured], begin: Begin) {
        let (subjects, measured) = (SmallVec::from_slice(subjects), SmallVec::from_slice(measured));
        self.held.push(Held { key, since, subjects, measured, begin });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Active,
    Clearing,
}

/// One incident on its way.
// Independent facts beside the state, not a second state machine.
#[expect(clippy::struct_excessive_bools)]
#[derive(Debug)]
struct Incident {
    key: Key,
    state: State,
    /// Where the id comes from: never changes once the incident has started.
    since: Timestamp,
    last_held: Timestamp,
    silent: bool,
    subjects: Subjects,
    measured: SmallVec<[Measured; 2]>,
    told: Timestamp,
    changed: bool,
    /// Over as soon as it happens: it does not wait to clear.
    moment: bool,
    /// When the previous incident about the same key ended or lapsed: no time before it counts.
    floor: Option<Timestamp>,
    /// Its subject never comes back.
    orphan: bool,
}

/// A transition that is published; the engine adds names, boxes and ids.
#[derive(Debug)]
pub struct Transition {
    /// What it is about.
    pub key: Key,
    /// What happened.
    pub change: Change,
    /// Since when the condition holds.
    pub since: Timestamp,
    /// Who takes part.
    pub subjects: Subjects,
    /// Measured values, `held_s` first where time is a threshold.
    pub measured: SmallVec<[Measured; 3]>,
    /// Over as soon as it happened.
    pub moment: bool,
}

/// What a lifecycle knows of a pending or active incident, for those who draw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// What it is about.
    pub key: Key,
    /// Since when it holds.
    pub since: Timestamp,
    /// Whether it has started.
    pub active: bool,
}

/// Changes of an active incident's subjects are told at most this often: a crowd changes at every step.
const UPDATE_EVERY: Span = Span::from_secs(10);
const HOUR: Span = Span::from_secs(3600);

/// The incidents of one rule.
#[derive(Debug)]
pub struct Lifecycle {
    timing: Timing,
    incidents: Vec<Incident>,
    starts: VecDeque<Timestamp>,
    /// When the last incident about a key ended or lapsed: for as long as the key can come again.
    ends: BTreeMap<Key, Timestamp>,
    /// Keys that are held under another one, see [`Self::fold`]; gone with the incident or with the subject.
    aliases: Vec<(Key, Key)>,
}

/// Ends of groups that are remembered; of subjects, those of all that live. With more groups than this at once the oldest
/// could begin too early, never get lost.
const ENDS: usize = 256;

impl Lifecycle {
    /// No incidents yet.
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            incidents: Vec::new(),
            starts: VecDeque::new(),
            ends: BTreeMap::new(),
            aliases: Vec::new(),
        }
    }

    /// Pending and active incidents.
    pub fn timers(&self) -> impl Iterator<Item = Timer> + '_ {
        self.incidents.iter().map(|i| Timer { key: i.key, since: i.since, active: i.state != State::Pending })
    }

    /// `key` turned out to be about the same thing as the active incident `into`: from now on one incident, which goes
    /// on as long as either holds.
    pub fn fold(&mut self, key: Key, into: Key) {
        self.incidents.retain(|i| i.key != key);
        self.aliases.push((key, into));
    }

    /// Drops what is kept for subjects that never come back; `gone` is ordered. Their incidents go on until they clear.
    pub fn forget(&mut self, gone: &[u64]) {
        if gone.is_empty() {
            return;
        }
        let is_gone = |key: &Key| matches!(key, Key::Subject(id) if gone.binary_search(id).is_ok());
        self.aliases.retain(|(key, _)| !is_gone(key));
        self.ends.retain(|key, _| !is_gone(key));
        for incident in self.incidents.iter_mut().filter(|i| is_gone(&i.key)) {
            incident.orphan = true;
        }
    }

    /// Number of incidents remembered, and of keys that are held under another one.
    pub fn len(&self) -> usize {
        self.incidents.len() + self.aliases.len()
    }

    /// Whether nothing is pending or active.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves every incident through the table above and empties `holds`.
    pub fn step(&mut self, at: Timestamp, holds: &mut Holds, out: &mut Vec<Transition>) {
        for held in holds.held.drain(..) {
            self.held(at, held);
        }
        let mut i = 0;
        while i < self.incidents.len() {
            if self.advance(at, i, out) { i += 1 } else { drop(self.incidents.remove(i)) }
        }
    }

    /// Ends what is active, forgets what is pending.
    pub fn finish(&mut self, out: &mut Vec<Transition>) {
        self.aliases.clear();
        self.ends.clear();
        for incident in self.incidents.drain(..) {
            if incident.state != State::Pending && !incident.silent {
                out.push(transition(&incident, Change::Ended, &self.timing));
            }
        }
    }

    fn held(&mut self, at: Timestamp, mut held: Held) {
        if let Some((_, into)) = self.aliases.iter().find(|(key, _)| *key == held.key) {
            held.key = *into;
            if self.incidents.iter().any(|i| i.key == *into && i.last_held == at) {
                return;
            }
        }
        match self.incidents.binary_search_by_key(&held.key, |i| i.key) {
            Ok(index) => {
                let incident = &mut self.incidents[index];
                if incident.state == State::Pending {
                    if held.begin == Begin::Always {
                        incident.since =
                            incident.floor.map_or(held.since, |floor| held.since.max(floor)).min(at);
                    }
                } else {
                    incident.state = State::Active;
                    incident.changed |=
                        !matches!(held.key, Key::Subject(_)) && incident.subjects != held.subjects;
                }
                incident.last_held = at;
                incident.subjects = held.subjects;
                incident.measured = held.measured;
            }
            Err(place) => {
                let floor = self.ends.get(&held.key).copied();
                let incident = Incident {
                    key: held.key,
                    state: State::Pending,
                    since: floor.map_or(held.since, |floor| held.since.max(floor)).min(at),
                    last_held: at,
                    silent: false,
                    subjects: held.subjects,
                    measured: held.measured,
                    told: at,
                    changed: false,
                    moment: held.begin == Begin::Moment,
                    floor,
                    orphan: false,
                };
                self.incidents.insert(place, incident);
            }
        }
    }

    /// Whether the incident stays.
    fn advance(&mut self, at: Timestamp, index: usize, out: &mut Vec<Transition>) -> bool {
        let held_now = self.incidents[index].last_held == at;
        match (self.incidents[index].state, held_now) {
            (State::Pending, true) => {
                if at - self.incidents[index].since >= self.timing.after {
                    let silent = !self.may_start(at);
                    let incident = &mut self.incidents[index];
                    incident.state = State::Active;
                    incident.silent = silent;
                    incident.told = at;
                    incident.changed = false;
                    if !silent {
                        self.starts.push_back(at);
                        out.push(transition(&self.incidents[index], Change::Started, &self.timing));
                    }
                }
                true
            }
            (State::Pending, false) => {
                let stays = at - self.incidents[index].last_held <= self.timing.gap;
                if !stays {
                    self.remember_end(index, at);
                }
                stays
            }
            (_, true) => {
                let timing = self.timing;
                let incident = &mut self.incidents[index];
                if incident.changed && !incident.silent && at - incident.told >= UPDATE_EVERY {
                    incident.changed = false;
                    incident.told = at;
                    out.push(transition(incident, Change::Updated, &timing));
                }
                true
            }
            (_, false) => {
                let incident = &mut self.incidents[index];
                incident.state = State::Clearing;
                if !incident.moment && at - incident.last_held < self.timing.clear_after {
                    return true;
                }
                if !incident.silent {
                    out.push(transition(incident, Change::Ended, &self.timing));
                }
                self.remember_end(index, at);
                false
            }
        }
    }

    fn remember_end(&mut self, index: usize, at: Timestamp) {
        let Incident { key, orphan, moment, .. } = self.incidents[index];
        self.aliases.retain(|(_, into)| *into != key);
        // A moment has a key of its own each time.
        if orphan || moment {
            return;
        }
        if matches!(key, Key::Group(_)) && self.ends.len() == ENDS {
            self.ends.pop_first();
        }
        self.ends.insert(key, at);
    }

    fn may_start(&mut self, at: Timestamp) -> bool {
        // Only what the two limits can ask about is kept.
        let longest = if self.timing.max_per_hour.is_some() {
            HOUR.max(self.timing.cooldown)
        } else {
            self.timing.cooldown
        };
        while self.starts.front().is_some_and(|start| at - *start >= longest) {
            self.starts.pop_front();
        }
        let in_cooldown = self.timing.cooldown > Span::ZERO
            && self.starts.back().is_some_and(|s| at - *s < self.timing.cooldown);
        let in_hour = self.starts.iter().filter(|start| at - **start < HOUR).count();
        !in_cooldown && self.timing.max_per_hour.is_none_or(|most| in_hour < most as usize)
    }
}

fn transition(incident: &Incident, change: Change, timing: &Timing) -> Transition {
    let mut measured = SmallVec::new();
    if timing.after > Span::ZERO {
        let held = (incident.last_held - incident.since).seconds();
        measured.push(("held_s", held, Some(timing.after.seconds())));
    }
    measured.extend(incident.measured.iter().copied());
    Transition {
        key: incident.key,
        change,
        since: incident.since,
        subjects: incident.subjects.clone(),
        measured,
        moment: incident.moment,
    }
}

impl From<Measured> for Measure {
    fn from((name, value, threshold): Measured) -> Self {
        Self { name: name.into(), value, threshold }
    }
}
