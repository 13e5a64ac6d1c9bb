//! What holds in a step: written by a rule, read by its lifecycle.

use super::Key;
use crate::event::Measure;
use crate::time::Timestamp;
use smallvec::SmallVec;

/// Ids of the subjects that take part.
pub type Subjects = SmallVec<[u64; 4]>;
/// A measured value named at compile time.
pub type Measured = (&'static str, f64, Option<f64>);

/// One condition that a rule found to hold in this step.
#[derive(Debug)]
pub(super) struct Held<'a> {
    pub(super) key: Key,
    pub(super) since: Timestamp,
    pub(super) subjects: &'a [u64],
    pub(super) measured: &'a [Measured],
    pub(super) begin: Begin,
}

/// The same, with its lists in the common buffers: from the end of the one before it.
#[derive(Debug)]
struct Entry {
    key: Key,
    since: Timestamp,
    subjects_end: usize,
    measured_end: usize,
    begin: Begin,
}

/// What a rule's `since` means for an incident that is already pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// It tells how far back the first hold reaches; interruptions up to `gap` are forgiven.
    First,
    /// It tells at every step since when; the rule has its own idea of what breaks the condition.
    Always,
    /// It tells when it happened.
    Moment,
}

/// What holds now: filled by a rule, read by its lifecycle. The buffers are kept from step to step.
#[derive(Debug, Default)]
pub struct Holds {
    entries: Vec<Entry>,
    subjects: Vec<u64>,
    measured: Vec<Measured>,
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
        self.once_together(&[subject], since, measured);
    }

    /// The same with several subjects, or none.
    pub fn once_together(&mut self, subjects: &[u64], since: Timestamp, measured: &[Measured]) {
        self.moments += 1;
        self.push(Key::Group(self.moments), since, subjects, measured, Begin::Moment);
    }

    fn push(&mut self, key: Key, since: Timestamp, subjects: &[u64], measured: &[Measured], begin: Begin) {
        self.subjects.extend_from_slice(subjects);
        self.measured.extend_from_slice(measured);
        let (subjects_end, measured_end) = (self.subjects.len(), self.measured.len());
        self.entries.push(Entry { key, since, subjects_end, measured_end, begin });
    }

    /// What holds, in the order in which it was found.
    pub(super) fn held(&self) -> impl Iterator<Item = Held<'_>> {
        let (mut subjects_begin, mut measured_begin) = (0, 0);
        self.entries.iter().map(move |entry| {
            let subjects = &self.subjects[subjects_begin..entry.subjects_end];
            let measured = &self.measured[measured_begin..entry.measured_end];
            (subjects_begin, measured_begin) = (entry.subjects_end, entry.measured_end);
            Held { key: entry.key, since: entry.since, subjects, measured, begin: entry.begin }
        })
    }

    /// Forgets what holds; reports stay until they are taken.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.subjects.clear();
        self.measured.clear();
    }
}
