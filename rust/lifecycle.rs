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

mod holds;
mod past;

use crate::event::{Change, Measure};
use crate::time::{Span, Timestamp};
use holds::{Begin, Held};
pub use holds::{Holds, Measured, Report, Subjects};
use past::Past;
use smallvec::SmallVec;

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
    measured: SmallVec<[Measured; 3]>,
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

/// The incidents of one rule.
#[derive(Debug)]
pub struct Lifecycle {
    timing: Timing,
    /// By key.
    incidents: Vec<Incident>,
    past: Past,
    /// No time before it counts.
    opened: Option<Timestamp>,
    /// Keys that are held under another one, see [`Self::fold`], by key; gone with the incident.
    aliases: Vec<(Key, Key)>,
    /// Lists of subjects of crowds whose incidents are over, kept for their buffers; as many as there were at a time.
    spare: Vec<Subjects>,
}

impl Lifecycle {
    /// No incidents yet.
    pub fn new(timing: Timing) -> Self {
        let past = Past::default();
        Self { timing, incidents: Vec::new(), past, opened: None, aliases: Vec::new(), spare: Vec::new() }
    }

    /// The hours of the rule begin: nothing that was before `at` counts.
    pub fn open(&mut self, at: Timestamp) {
        self.opened = Some(at);
    }

    /// Pending and active incidents.
    pub fn timers(&self) -> impl Iterator<Item = Timer> + '_ {
        self.incidents.iter().map(|i| Timer { key: i.key, since: i.since, active: i.state != State::Pending })
    }

    /// `key` turned out to be about the same thing as the active incident `into`: from now on one incident, which goes
    /// on as long as either holds.
    pub fn fold(&mut self, key: Key, into: Key) {
        if let Ok(index) = self.find(key, 0) {
            self.incidents.remove(index);
        }
        match self.aliases.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(index) => self.aliases[index].1 = into,
            Err(index) => self.aliases.insert(index, (key, into)),
        }
    }

    /// Drops what is kept for subjects that never come back; `gone` is ordered. Their incidents go on until they clear.
    pub fn forget(&mut self, gone: &[u64]) {
        if gone.is_empty() {
            return;
        }
        let is_gone = |key: &Key| matches!(key, Key::Subject(id) if gone.binary_search(id).is_ok());
        self.aliases.retain(|(key, _)| !is_gone(key));
        self.past.forget(is_gone);
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
        let mut next = 0;
        for held in holds.held() {
            next = self.held(at, &held, next);
        }
        holds.clear();
        let Self { timing, incidents, past, aliases, spare, .. } = self;
        incidents.retain_mut(|incident| {
            let stays = incident.advance(at, timing, past, out);
            if !stays {
                aliases.retain(|(_, into)| *into != incident.key);
                past.remember_end(incident, at);
                if incident.is_crowd() {
                    spare.push(std::mem::take(&mut incident.subjects));
                }
            }
            stays
        });
    }

    /// Ends what is active, forgets what is pending.
    pub fn finish(&mut self, out: &mut Vec<Transition>) {
        self.aliases.clear();
        self.past.forget(|_| true);
        for incident in self.incidents.drain(..) {
            if incident.state != State::Pending && !incident.silent {
                out.push(incident.transition(Change::Ended, &self.timing));
            }
        }
    }

    /// Where the incident about `key` is, or would be. Rules go through subjects by id, as incidents are kept: the
    /// place after the last one asked about is a good guess.
    fn find(&self, key: Key, guess: usize) -> Result<usize, usize> {
        if self.incidents.get(guess).is_some_and(|i| i.key == key) {
            return Ok(guess);
        }
        self.incidents.binary_search_by_key(&key, |i| i.key)
    }

    /// Takes in what holds; gives the place after it.
    fn held(&mut self, at: Timestamp, held: &Held<'_>, guess: usize) -> usize {
        let mut key = held.key;
        if !self.aliases.is_empty()
            && let Ok(alias) = self.aliases.binary_search_by_key(&key, |(key, _)| *key)
        {
            key = self.aliases[alias].1;
            if self.find(key, guess).is_ok_and(|i| self.incidents[i].last_held == at) {
                return guess;
            }
        }
        let index = match self.find(key, guess) {
            Ok(index) => {
                self.incidents[index].hold(at, held);
                index
            }
            Err(place) => {
                // A moment has a key of its own each time.
                let floor = if held.begin == Begin::Moment { None } else { self.past.end(key) };
                let floor = floor.max(self.opened);
                let mut incident = Incident::new(at, key, held, floor);
                if incident.is_crowd() {
                    incident.subjects = self.spare.pop().unwrap_or_default();
                }
                incident.hold(at, held);
                self.incidents.insert(place, incident);
                place
            }
        };
        index + 1
    }
}

impl Incident {
    fn new(at: Timestamp, key: Key, held: &Held<'_>, floor: Option<Timestamp>) -> Self {
        Self {
            key,
            state: State::Pending,
            since: floor.map_or(held.since, |floor| held.since.max(floor)).min(at),
            last_held: at,
            silent: false,
            subjects: SmallVec::new(),
            measured: SmallVec::new(),
            told: at,
            changed: false,
            moment: held.begin == Begin::Moment,
            floor,
            orphan: false,
        }
    }

    /// Whether it may be about many subjects.
    fn is_crowd(&self) -> bool {
        !self.moment && !matches!(self.key, Key::Subject(_))
    }

    /// It begins or goes on.
    fn hold(&mut self, at: Timestamp, held: &Held<'_>) {
        if self.state == State::Pending {
            if held.begin == Begin::Always {
                self.since = self.floor.map_or(held.since, |floor| held.since.max(floor)).min(at);
            }
        } else {
            self.state = State::Active;
            self.changed |= !matches!(self.key, Key::Subject(_)) && *self.subjects != *held.subjects;
        }
        self.last_held = at;
        // In place: a crowd's list keeps its buffer.
        self.subjects.clear();
        self.subjects.extend_from_slice(held.subjects);
        self.measured.clear();
        self.measured.extend_from_slice(held.measured);
    }

    /// Moves on; whether the incident stays.
    fn advance(
        &mut self,
        at: Timestamp,
        timing: &Timing,
        past: &mut Past,
        out: &mut Vec<Transition>,
    ) -> bool {
        match (self.state, self.last_held == at) {
            (State::Pending, true) => {
                if at - self.since >= timing.after {
                    self.silent = !past.may_start(at, timing);
                    self.state = State::Active;
                    self.told = at;
                    self.changed = false;
                    if !self.silent {
                        past.started(at);
                        out.push(self.transition(Change::Started, timing));
                    }
                }
                true
            }
            (State::Pending, false) => at - self.last_held <= timing.gap,
            (_, true) => {
                if self.changed && !self.silent && at - self.told >= UPDATE_EVERY {
                    self.changed = false;
                    self.told = at;
                    out.push(self.transition(Change::Updated, timing));
                }
                true
            }
            (_, false) => {
                self.state = State::Clearing;
                if !self.moment && at - self.last_held < timing.clear_after {
                    return true;
                }
                if !self.silent {
                    out.push(self.transition(Change::Ended, timing));
                }
                false
            }
        }
    }

    fn transition(&self, change: Change, timing: &Timing) -> Transition {
        let mut measured = SmallVec::new();
        if timing.after > Span::ZERO {
            let held = (self.last_held - self.since).seconds();
            measured.push(("held_s", held, Some(timing.after.seconds())));
        }
        measured.extend(self.measured.iter().copied());
        Transition {
            key: self.key,
            change,
            since: self.since,
            subjects: self.subjects.clone(),
            measured,
            moment: self.moment,
        }
    }
}

impl From<Measured> for Measure {
    fn from((name, value, threshold): Measured) -> Self {
        Self { name: name.into(), value, threshold }
    }
}
