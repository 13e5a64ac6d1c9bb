//! When a rule runs, and how urgent it is at which time.

use super::{Common, Severity};
use crate::error::{Error, Result};
use crate::scene::Scene;
use crate::schedule::Timetable;
use crate::time::Timestamp;
use serde_json::{Map, Value};

/// When a rule runs, and how urgent its alerts are then.
#[derive(Debug)]
pub struct Duty {
    hours: Option<Timetable>,
    severity: Severity,
    /// The gravest first.
    during: Vec<(Severity, Timetable)>,
}

impl Duty {
    /// Looks up the schedules that the rule names.
    ///
    /// # Errors
    /// [`Error::Config`] with the key.
    pub(super) fn read(common: &Common, scene: &Scene) -> Result<Self> {
        let named = |key: &str, name: &str| match scene.schedules.get(name) {
            Some(schedule) => Ok(Timetable::new(schedule.clone())),
            None if scene.schedules.is_empty() => {
                Err(Error::config(key, format!("no schedule is named `{name}`; the site has none")))
            }
            None => {
                let known = scene.schedules.keys().cloned().collect::<Vec<_>>().join(", ");
                Err(Error::config(key, format!("no schedule is named `{name}`; the site has: {known}")))
            }
        };
        let hours = common.schedule.as_deref().map(|name| named("schedule", name)).transpose()?;
        let mut during = common
            .severity_during
            .iter()
            .map(|(name, severity)| Ok((*severity, named(&format!("severity_during.{name}"), name)?)))
            .collect::<Result<Vec<_>>>()?;
        during.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
        Ok(Self { hours, severity: common.severity, during })
    }

    /// Puts the times themselves in the place of their names: definitions and hashes speak of hours.
    pub(super) fn describe(common: &Common, scene: &Scene, settings: &mut Map<String, Value>) {
        if let Some(schedule) = common.schedule.as_ref().and_then(|name| scene.schedules.get(name)) {
            settings.insert("schedule".into(), schedule.to_string().into());
        }
        let during: Vec<String> = common
            .severity_during
            .iter()
            .filter_map(|(name, severity)| {
                scene.schedules.get(name).map(|schedule| format!("{} {schedule}", severity.as_str()))
            })
            .collect();
        if during.is_empty() {
            settings.remove("severity_during");
        } else {
            settings.insert("severity_during".into(), during.join("; ").into());
        }
    }

    /// Whether the rule runs at `at`.
    pub fn runs(&mut self, at: Timestamp) -> bool {
        self.hours.as_mut().is_none_or(|hours| hours.holds(at))
    }

    /// How urgent an alert is that starts at `at`.
    pub fn severity(&mut self, at: Timestamp) -> Severity {
        let grave = self.during.iter_mut().find_map(|(severity, hours)| hours.holds(at).then_some(*severity));
        grave.unwrap_or(self.severity)
    }
}
