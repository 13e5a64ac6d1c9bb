//! Incidents that are over: no time before their end counts for the next one, and the limits of a place look back at them.

use super::{Incident, Key, Timing};
use crate::time::{Span, Timestamp};
use std::collections::VecDeque;

const HOUR: Span = Span::from_secs(3600);

/// What is remembered of incidents that are over, and of when they began.
#[derive(Debug, Default)]
pub(super) struct Past {
    starts: VecDeque<Timestamp>,
    /// When the last incident about a key ended or lapsed, by key: for as long as the key can come again.
    ends: Vec<(Key, Timestamp)>,
}

/// Ends of groups that are remembered; of subjects, those of all that live. With more groups than this at once the oldest
/// could begin too early, never get lost.
const ENDS: usize = 256;

impl Past {
    /// An incident was told.
    pub(super) fn started(&mut self, at: Timestamp) {
        self.starts.push_back(at);
    }

    /// Drops the ends of keys that never come again.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&Key) -> bool) {
        self.ends.retain(|(key, _)| !is_gone(key));
    }

    /// When the last incident about `key` was over.
    pub(super) fn end(&self, key: Key) -> Option<Timestamp> {
        self.ends.binary_search_by_key(&key, |(ended, _)| *ended).ok().map(|index| self.ends[index].1)
    }

    pub(super) fn remember_end(&mut self, incident: &Incident, at: Timestamp) {
        let Incident { key, orphan, moment, .. } = *incident;
        // Every moment has a key of its own, and whoever is gone does not come again: nobody will ask.
        if orphan || moment {
            return;
        }
        match self.ends.binary_search_by_key(&key, |(ended, _)| *ended) {
            Ok(index) => self.ends[index].1 = at,
            Err(mut index) => {
                let oldest = self.ends.partition_point(|(ended, _)| matches!(ended, Key::Subject(_)));
                if matches!(key, Key::Group(_)) && self.ends.len() - oldest >= ENDS && index > oldest {
                    self.ends.remove(oldest);
                    index -= 1;
                }
                self.ends.insert(index, (key, at));
            }
        }
    }

    pub(super) fn may_start(&mut self, at: Timestamp, timing: &Timing) -> bool {
        // Only what the two limits can ask about is kept.
        let longest = if timing.max_per_hour.is_some() { HOUR.max(timing.cooldown) } else { timing.cooldown };
        while self.starts.front().is_some_and(|start| at - *start >= longest) {
            self.starts.pop_front();
        }
        let in_cooldown =
            timing.cooldown > Span::ZERO && self.starts.back().is_some_and(|s| at - *s < timing.cooldown);
        let in_hour = self.starts.iter().filter(|start| at - **start < HOUR).count();
        !in_cooldown && timing.max_per_hour.is_none_or(|most| in_hour < most as usize)
    }
}
