//! Times of the week: on which days, at which hours, by the clock or by the sun, and on which dates not.
//!
//! A pure function of media time, which for live streams is Unix time. What begins on a day belongs to that day: hours
//! past midnight (`22:00-06:00`) that begin on a Friday hold on Saturday morning whatever Saturday says.

use crate::error::{Error, Result};
use crate::time::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan, Zoned};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A schedule as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleText {
    /// Days on which it begins: mon, tue, wed, thu, fri, sat, sun; all if left out.
    #[serde(default = "every_day")]
    pub days: Vec<String>,
    /// Hours of these days: `08:00-19:30`, past midnight `22:00-06:00`, by the sun `sunset+30min - sunrise`; the whole
    /// day if left out.
    #[serde(default = "all_day")]
    pub hours: Vec<String>,
    /// Dates on which it does not begin, `2026-12-25`.
    #[serde(default)]
    pub holidays: Vec<String>,
}

fn every_day() -> Vec<String> {
    DAYS.map(str::to_owned).to_vec()
}

fn all_day() -> Vec<String> {
    vec!["00:00-24:00".to_owned()]
}

/// Monday first, as jiff counts them.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A moment of a day.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// Minutes since midnight; 1440 is the next midnight.
    Clock(i64),
    /// Minutes after sunrise, negative before it.
    Sunrise(i64),
    /// Minutes after sunset, negative before it.
    Sunset(i64),
}

/// A named schedule of the scene.
#[derive(Clone, Debug)]
pub struct Schedule {
    days: [bool; 7],
    hours: Vec<(Moment, Moment)>,
    holidays: Vec<Date>,
    zone: TimeZone,
    /// Latitude and longitude, degrees.
    position: Option<[f64; 2]>,
    /// As it was written, for definitions.
    words: String,
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// [`Error::Config`] with the key, relative to the schedule.
    pub fn read(text: &ScheduleText, zone: Option<&TimeZone>, position: Option<[f64; 2]>) -> Result<Self> {
        let zone = zone.cloned().ok_or_else(|| Error::config("", "hours need the site's `timezone`"))?;
        let mut days = [false; 7];
        for (i, name) in text.days.iter().enumerate() {
            let day = DAYS.iter().position(|d| d == name).ok_or_else(|| {
                let message = format!("`{name}` is no day; there are: {}", DAYS.join(", "));
                Error::config(format!("days[{i}]"), message)
            })?;
            days[day] = true;
        }
        let hours = text
            .hours
            .iter()
            .enumerate()
            .map(|(i, text)| {
                let path = format!("hours[{i}]");
                let span = hours(text).ok_or_else(|| {
                    let message = format!(
                        "`{text}` are no hours; write \"08:00-19:30\", or \"sunset+30min - sunrise\" by the sun"
                    );
                    Error::config(&path, message)
                })?;
                if span.0 == span.1 {
                    return Err(Error::config(path, format!("`{text}` begins and ends at the same time")));
                }
                let by_sun = !matches!(span, (Moment::Clock(_), Moment::Clock(_)));
                if by_sun && position.is_none() {
                    let message = "the sun needs the site's `position`: [latitude, longitude] in degrees";
                    return Err(Error::config(path, message));
                }
                Ok(span)
            })
            .collect::<Result<Vec<_>>>()?;
        let holidays = text
            .holidays
            .iter()
            .enumerate()
            .map(|(i, date)| {
                let message = format!("`{date}` is no date; write 2026-12-25");
                date.parse().map_err(|_| Error::config(format!("holidays[{i}]"), message))
            })
            .collect::<Result<Vec<_>>>()?;
        if hours.is_empty() || !days.contains(&true) {
            let path = if hours.is_empty() { "hours" } else { "days" };
            return Err(Error::config(path, "none at all: it would never hold"));
        }
        let mut words = text.hours.join(", ");
        if days.contains(&false) {
            words = format!("{} {words}", text.days.join(" "));
        }
        if !text.holidays.is_empty() {
            words = format!("{words} (- {})", text.holidays.join(", "));
        }
        Ok(Self { days, hours, holidays, zone, position, words })
    }

    /// Whether it holds at `at`, and until when that is certain.
    fn look(&self, at: Timestamp) -> Option<(bool, Timestamp)> {
        let moment = jiff::Timestamp::from_millisecond(at.ms()).ok()?;
        let today = moment.to_zoned(self.zone.clone()).date();
        let yesterday = today.yesterday().ok()?;
        let tomorrow = today.tomorrow().ok()?;
        let mut until = tomorrow.to_zoned(self.zone.clone()).ok()?.timestamp();
        let mut holds = false;
        for day in [yesterday, today] {
            if !self.days[day.weekday().to_monday_zero_offset() as usize] || self.holidays.contains(&day) {
                continue;
            }
            for &(from, to) in &self.hours {
                let (Some(begin), Some(mut end)) = (self.moment(day, from), self.moment(day, to)) else {
                    continue;
                };
                if end <= begin {
                    end = match day.tomorrow().ok().and_then(|next| self.moment(next, to)) {
                        Some(end) => end,
                        None => continue,
                    };
                }
                holds |= (begin..end).contains(&moment);
                for edge in [begin, end] {
                    if edge > moment {
                        until = until.min(edge);
                    }
                }
            }
        }
        Some((holds, Timestamp::from_ms(until.as_millisecond())))
    }

    fn moment(&self, day: Date, moment: Moment) -> Option<jiff::Timestamp> {
        let (event, minutes) = match moment {
            Moment::Clock(minutes) => {
                let time = day.at(0, 0, 0, 0).checked_add(minutes.minutes()).ok()?;
                return Some(time.to_zoned(self.zone.clone()).ok()?.timestamp());
            }
            Moment::Sunrise(minutes) => (sunrise::SolarEvent::Sunrise, minutes),
            Moment::Sunset(minutes) => (sunrise::SolarEvent::Sunset, minutes),
        };
        let sun = sun(day, self.position?, event, &self.zone)?;
        sun.checked_add(SignedDuration::from_mins(minutes)).ok()
    }
}

/// When the sun rises or sets. Where it does not set it is up from midnight to midnight; where it does not rise it is up
/// for no time at noon.
fn sun(
    day: Date,
    [latitude, longitude]: [f64; 2],
    event: sunrise::SolarEvent,
    zone: &TimeZone,
) -> Option<jiff::Timestamp> {
    let date = chrono::NaiveDate::from_ymd_opt(i32::from(day.year()), day.month() as u32, day.day() as u32)?;
    let place = sunrise::Coordinates::new(latitude, longitude)?;
    if let Some(time) = sunrise::SolarDay::new(place, date).event_time(event) {
        return jiff::Timestamp::from_second(time.timestamp()).ok();
    }
    let summer = (4..=9).contains(&day.month()) == (latitude > 0.0);
    let hours = match (summer, event) {
        (true, sunrise::SolarEvent::Sunrise) => 0,
        (true, _) => 24,
        (false, _) => 12,
    };
    let local: Zoned = day.at(0, 0, 0, 0).checked_add(hours.hours()).ok()?.to_zoned(zone.clone()).ok()?;
    Some(local.timestamp())
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

fn hours(text: &str) -> Option<(Moment, Moment)> {
    // The first hyphen that parts two moments: there are others, `sunset-30min - sunrise`.
    text.match_indices('-')
        .find_map(|(i, _)| Some((moment(text[..i].trim())?, moment(text[i + 1..].trim())?)))
}

fn moment(text: &str) -> Option<Moment> {
    type Make = fn(i64) -> Moment;
    for (word, make) in [("sunrise", Moment::Sunrise as Make), ("sunset", Moment::Sunset)] {
        if let Some(rest) = text.strip_prefix(word) {
            if rest.is_empty() {
                return Some(make(0));
            }
            let minutes: i64 = rest.strip_suffix("min")?.parse().ok()?;
            let signed = rest.starts_with(['+', '-']) && minutes.abs() <= 999;
            return signed.then(|| make(minutes));
        }
    }
    let (h, m) = text.split_once(':')?;
    let digits = |t: &str| (t.len() == 2).then(|| t.parse::<i64>().ok()).flatten();
    let (h, m) = (digits(h)?, digits(m)?);
    ((0..24).contains(&h) && (0..60).contains(&m) || (h, m) == (24, 0)).then_some(Moment::Clock(h * 60 + m))
}

/// A schedule that is asked at every step: it is reckoned with only when it may have changed.
#[derive(Debug)]
pub struct Timetable {
    schedule: Arc<Schedule>,
    known: Option<(bool, Timestamp, Timestamp)>,
}

impl Timetable {
    /// Nothing asked yet.
    pub fn new(schedule: Arc<Schedule>) -> Self {
        Self { schedule, known: None }
    }

    /// Whether it holds at `at`. Beyond the years of the calendar it does not.
    pub fn holds(&mut self, at: Timestamp) -> bool {
        if let Some((holds, from, until)) = self.known
            && (from..until).contains(&at)
        {
            return holds;
        }
        let Some((holds, until)) = self.schedule.look(at) else { return false };
        self.known = Some((holds, at, until));
        holds
    }
}

/// Schedules by name.
pub type Schedules = BTreeMap<String, Arc<Schedule>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(json: serde_json::Value) -> Result<Schedule> {
        let text: ScheduleText = crate::scene::read_value(json)?;
        let paris = TimeZone::get("Europe/Paris").expect("a zone of the database");
        Schedule::read(&text, Some(&paris), Some([48.87, 2.23]))
    }

    fn holds(schedule: &Schedule, local: &str) -> bool {
        let zoned: Zoned = format!("{local}[Europe/Paris]").parse().expect("a local time");
        Timetable::new(Arc::new(schedule.clone()))
            .holds(Timestamp::from_ms(zoned.timestamp().as_millisecond()))
    }

    #[test]
    fn hours_of_some_days() {
        let s =
            schedule(serde_json::json!({"days": ["mon", "tue"], "hours": ["08:00-12:00", "14:00-18:30"]}));
        let s = s.expect("good");
        for (local, expected) in [
            ("2026-11-23T08:00:00", true),
            ("2026-11-23T07:59:59.999", false),
            ("2026-11-23T12:00:00", false),
            ("2026-11-24T18:29:00", true),
            ("2026-11-25T09:00:00", false),
        ] {
            assert_eq!(holds(&s, local), expected, "{local}");
        }
    }

    #[test]
    fn past_midnight_belongs_to_the_day_on_which_it_begins() {
        let s = schedule(
            serde_json::json!({"days": ["fri"], "hours": ["22:00-06:00"], "holidays": ["2026-11-20"]}),
        );
        let s = s.expect("good");
        assert!(holds(&s, "2026-11-27T22:00:00") && holds(&s, "2026-11-28T05:59:00"));
        assert!(!holds(&s, "2026-11-28T06:00:00") && !holds(&s, "2026-11-27T05:00:00"));
        assert!(!holds(&s, "2026-11-20T23:00:00") && !holds(&s, "2026-11-21T03:00:00"), "a holiday");
    }

    #[test]
    fn by_the_sun_as_the_almanac_has_it() {
        // Paris, 21 June 2026: sunrise 05:47, sunset 21:58; 21 December: 08:41, 16:56 (to a few minutes).
        let s = schedule(serde_json::json!({"hours": ["sunset+30min - sunrise"]})).expect("good");
        assert!(!holds(&s, "2026-06-21T22:20:00") && holds(&s, "2026-06-21T22:36:00"));
        assert!(holds(&s, "2026-06-21T05:40:00") && !holds(&s, "2026-06-21T05:55:00"));
        assert!(holds(&s, "2026-12-21T17:34:00") && !holds(&s, "2026-12-21T17:18:00"));
    }

    #[test]
    fn the_clock_change_moves_nothing_but_the_clock() {
        // On 29 March 2026 the clock goes from 02:00 to 03:00.
        let s = schedule(serde_json::json!({"hours": ["03:00-24:00"]})).expect("good");
        assert!(!holds(&s, "2026-03-29T01:59:59") && holds(&s, "2026-03-29T03:00:00"));
    }

    #[test]
    fn where_the_sun_does_not_set() {
        let text: ScheduleText =
            crate::scene::read_value(serde_json::json!({"hours": ["sunset-sunrise"]})).expect("good");
        let oslo = TimeZone::get("Europe/Oslo").expect("a zone of the database");
        let tromso = Schedule::read(&text, Some(&oslo), Some([69.65, 18.96])).expect("good");
        let at = |local: &str| {
            let zoned: Zoned = format!("{local}[Europe/Oslo]").parse().expect("a local time");
            tromso.look(Timestamp::from_ms(zoned.timestamp().as_millisecond())).map(|(holds, _)| holds)
        };
        assert_eq!(at("2026-06-21T12:00:00"), Some(false));
        assert_eq!(at("2026-12-21T09:00:00"), Some(true));
    }

    #[test]
    fn mistakes_are_named() {
        for (json, path) in [
            (serde_json::json!({"days": ["lundi"]}), "days[0]"),
            (serde_json::json!({"hours": ["8-12"]}), "hours[0]"),
            (serde_json::json!({"hours": ["08:00-08:00"]}), "hours[0]"),
            (serde_json::json!({"hours": []}), "hours"),
            (serde_json::json!({"holidays": ["25/12"]}), "holidays[0]"),
        ] {
            let Err(Error::Config { path: told, .. }) = schedule(json.clone()) else { panic!("{json}") };
            assert_eq!(told, path);
        }
    }
}
