//! A case as it is written: actors, their paths, what goes wrong, what is expected.

use super::expect::Line;
use super::one_or_many;
use crate::detection::Group;
use crate::error::{Error, Result};
use crate::scene::{Scene, read_value};
use crate::time::{Span, Timestamp};
use serde_json::{Map, Value};

/// Times from and to, both included.
type Spells = Vec<(Timestamp, Timestamp)>;
/// Two numbers at moments, straight in between.
type Path = Vec<(Timestamp, f64, f64)>;

#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) expect: Vec<Line>,
    pub(super) expect_text: Vec<String>,
    pub(super) fps: f64,
    pub(super) jitter: f64,
    pub(super) misses: f64,
    pub(super) seed: u64,
    pub(super) actors: Vec<Actor>,
    until: Option<Span>,
    begins: Option<String>,
    drop: Spells,
    signals: Vec<(String, Vec<(Timestamp, String)>)>,
}

#[derive(Debug)]
pub(super) struct Actor {
    pub(super) name: String,
    pub(super) class: String,
    pub(super) score: f32,
    pub(super) switches: Vec<Timestamp>,
    paths: Vec<Path>,
    size: Option<Sizes>,
    misses: Spells,
}

/// Box width and height.
#[derive(Debug)]
enum Sizes {
    Fixed([f64; 2]),
    /// At moments, straight in between: who falls is wide instead of high.
    Changing(Path),
}

/// Time after the last path in which incidents may end.
const TAIL: Span = Span::from_secs(30);

impl Case {
    pub(super) fn read(value: Value) -> Result<Self> {
        let Value::Object(mut all) = value else { return Err(Error::config("", "a case is a table")) };
        let name: String =
            take(&mut all, "name")?.ok_or_else(|| Error::config("name", "a case needs a name"))?;
        let expect_text: Vec<String> = take(&mut all, "expect")?
            .ok_or_else(|| Error::config("expect", "say what must be told; `expect = []` for nothing"))?;
        let expect = expect_text
            .iter()
            .enumerate()
            .map(|(i, text)| Line::read(text).map_err(|m| Error::config(format!("expect[{i}]"), m)))
            .collect::<Result<_>>()?;
        let fps: f64 = take(&mut all, "fps")?.unwrap_or(5.0);
        if !(0.1..=1000.0).contains(&fps) {
            return Err(Error::config("fps", format!("{fps} pictures a second; give 0.1..1000")));
        }
        let jitter = take(&mut all, "jitter")?.unwrap_or(0.0);
        let misses = take(&mut all, "misses")?.unwrap_or(0.0);
        let seed = take(&mut all, "seed")?.unwrap_or(1);
        let until = take(&mut all, "until")?;
        let begins = take(&mut all, "begins")?;
        let drop = all.remove("drop").map(|v| spells("drop", v)).transpose()?.unwrap_or_default();
        let mut by_actor =
            |key: &str| -> Result<Map<String, Value>> { Ok(take(&mut all, key)?.unwrap_or_default()) };
        let (mut miss, mut switch, mut size, mut score, signals) = (
            by_actor("miss")?,
            by_actor("switch")?,
            by_actor("size")?,
            by_actor("score")?,
            by_actor("signals")?,
        );
        let mut actors = Vec::new();
        for (name, written) in all {
            let under = |e: Error| e.under(&name);
            let Some((class, _)) = name.rsplit_once('-') else {
                return Err(Error::config(
                    &name,
                    "no such key; an actor is named <class>-<anything>, such as person-1",
                ));
            };
            let texts: Vec<String> = one_or_many(written).map_err(under)?;
            let paths =
                texts.iter().map(|t| path(t).map_err(|m| Error::config(&name, m))).collect::<Result<_>>()?;
            actors.push(Actor {
                class: class.to_owned(),
                score: score.remove(&name).map(read_value).transpose().map_err(under)?.unwrap_or(0.9),
                switches: match switch.remove(&name) {
                    Some(v) => one_or_many::<Span>(v).map_err(under)?.into_iter().map(moment).collect(),
                    None => Vec::new(),
                },
                size: size.remove(&name).map(sizes).transpose().map_err(under)?,
                misses: miss.remove(&name).map(|v| spells("miss", v)).transpose()?.unwrap_or_default(),
                paths,
                name,
            });
        }
        for (key, left) in [("miss", miss), ("switch", switch), ("size", size), ("score", score)] {
            if let Some(actor) = left.keys().next() {
                return Err(Error::config(format!("{key}.{actor}"), "no actor of this name has a path"));
            }
        }
        let signals = signals
            .into_iter()
            .map(|(name, v)| {
                let text: String = read_value(v)?;
                let states = states(&text).map_err(|m| Error::config(format!("signals.{name}"), m))?;
                Ok((name, states))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            name,
            expect,
            expect_text,
            fps,
            jitter,
            misses,
            seed,
            actors,
            until,
            begins,
            drop,
            signals,
        })
    }

    /// Refuses actors of a class that the scene does not have.
    pub(super) fn check(&self, scene: &Scene) -> Result<()> {
        match self.actors.iter().find(|a| !scene.labels.iter().any(|l| **l == *a.class)) {
            Some(actor) => {
                Err(Error::config(&actor.name, format!("the scene has no class `{}`", actor.class)))
            }
            None => Ok(()),
        }
    }

    /// What must be added to the times of the case to have media time.
    pub(super) fn origin(&self, scene: &Scene) -> Result<Span> {
        let Some(text) = &self.begins else { return Ok(Span::ZERO) };
        let zone = scene
            .timezone
            .clone()
            .ok_or_else(|| Error::config("begins", "a time of day needs the scene's `timezone`"))?;
        let local = text.parse::<jiff::civil::DateTime>().and_then(|local| local.to_zoned(zone));
        let local = local.map_err(|_| {
            Error::config("begins", format!("`{text}` is no local time; write \"2026-11-27T21:59\""))
        })?;
        Ok(Span::from_ms(local.timestamp().as_millisecond()))
    }

    pub(super) fn until(&self) -> Span {
        let last = self.actors.iter().flat_map(|a| a.paths.iter().flatten()).map(|p| p.0).max();
        self.until.unwrap_or_else(|| last.map_or(Span::ZERO, |t| t - Timestamp::from_ms(0)) + TAIL)
    }

    pub(super) fn dropped(&self, at: Timestamp) -> bool {
        within(&self.drop, at)
    }

    pub(super) fn signals_at(&self, at: Timestamp) -> Vec<(String, String)> {
        let now = |states: &[(Timestamp, String)]| {
            states.iter().rev().find(|(t, _)| *t <= at).map(|(_, s)| s.clone())
        };
        self.signals.iter().filter_map(|(name, states)| now(states).map(|s| (name.clone(), s))).collect()
    }
}

impl Actor {
    /// Its reference point, if it is there.
    pub(super) fn position(&self, at: Timestamp) -> Option<(f64, f64)> {
        self.paths.iter().find_map(|path| along(path, at))
    }

    /// Its width and height, if they were given: before the first moment those of the first, after the last of the last.
    fn size_at(&self, at: Timestamp) -> Option<[f64; 2]> {
        match self.size.as_ref()? {
            Sizes::Fixed(size) => Some(*size),
            Sizes::Changing(path) => {
                let (first, last) = (path.first()?.0, path.last()?.0);
                along(path, at.clamp(first, last)).map(|(w, h)| [w, h])
            }
        }
    }

    pub(super) fn missed(&self, at: Timestamp) -> bool {
        within(&self.misses, at)
    }

    /// Its box around a reference point, shaken: four offsets in shares of width and height.
    pub(super) fn relative_box(
        &self,
        at: Timestamp,
        (x, y): (f64, f64),
        group: Group,
        shake: [f64; 4],
    ) -> [f32; 4] {
        let [w, h] = self.size_at(at).unwrap_or(match group {
            Group::Person => [0.04, 0.18],
            Group::Vehicle => [0.16, 0.14],
            Group::Cycle => [0.06, 0.12],
            _ => [0.04, 0.06],
        });
        let below = match group {
            Group::Person | Group::Animal => 0.0,
            Group::Vehicle | Group::Cycle => 0.25,
            Group::Thing | Group::Object(_) => 0.5,
        };
        let (x1, y2) = (x - w / 2.0, y + below * h);
        let raw = [x1 + shake[0] * w, y2 - h + shake[1] * h, x1 + w + shake[2] * w, y2 + shake[3] * h];
        // A camera sees no further than its picture.
        raw.map(|v| v.clamp(-0.5, 1.5) as f32)
    }
}

/// Deterministic noise: splitmix64, and a sum of uniforms for a bell curve.
#[derive(Debug)]
pub(super) struct Noise(u64);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 0..1.
    pub(super) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Four offsets with this standard deviation.
    pub(super) fn box_noise(&mut self, deviation: f64) -> [f64; 4] {
        // Twelve uniforms have variance 1 and stay within six deviations.
        [(); 4].map(|()| ((0..12).map(|_| self.uniform()).sum::<f64>() - 6.0) * deviation)
    }
}

fn along(path: &Path, at: Timestamp) -> Option<(f64, f64)> {
    path.windows(2).find_map(|pair| {
        let ((t0, x0, y0), (t1, x1, y1)) = (pair[0], pair[1]);
        let t = if t1 > t0 { (at - t0).seconds() / (t1 - t0).seconds() } else { 0.0 };
        (t0..=t1).contains(&at).then_some((x0 + (x1 - x0) * t, y0 + (y1 - y0) * t))
    })
}

fn sizes(value: Value) -> Result<Sizes> {
    match value {
        Value::String(text) => path(&text).map(Sizes::Changing).map_err(|m| Error::config("size", m)),
        numbers => read_value(numbers).map(Sizes::Fixed),
    }
}

fn moment(span: Span) -> Timestamp {
    Timestamp::from_ms(span.ms())
}

fn within(spells: &Spells, at: Timestamp) -> bool {
    spells.iter().any(|(from, to)| (*from..=*to).contains(&at))
}

fn take<T: serde::de::DeserializeOwned>(all: &mut Map<String, Value>, key: &str) -> Result<Option<T>> {
    all.remove(key).map(|v| read_value(v).map_err(|e| e.under(key))).transpose()
}

fn spells(key: &str, value: Value) -> Result<Spells> {
    let texts: Vec<String> = one_or_many(value).map_err(|e| e.under(key))?;
    texts
        .iter()
        .map(|text| {
            let wrong =
                || Error::config(key, format!("`{text}` is not a time from and to, such as \"3s -> 4.5s\""));
            let (from, to) = text.split_once("->").ok_or_else(wrong)?;
            let read = |t: &str| Span::parse(t).map(moment).map_err(|_| wrong());
            Ok((read(from)?, read(to)?))
        })
        .collect()
}

fn path(text: &str) -> std::result::Result<Path, String> {
    let wrong = || format!("`{text}` is not a path; write \"0s 0.5,0.5 -> 40s 0.5,0.5\"");
    let points: Vec<_> = text
        .split("->")
        .map(|part| {
            let (time, place) = part.trim().split_once(' ').ok_or_else(wrong)?;
            let (x, y) = place.split_once(',').ok_or_else(wrong)?;
            let number = |t: &str| t.trim().parse::<f64>().map_err(|_| wrong());
            Ok((moment(Span::parse(time)?), number(x)?, number(y)?))
        })
        .collect::<std::result::Result<_, String>>()?;
    if points.len() < 2 || points.windows(2).any(|w| w[0].0 > w[1].0) {
        return Err(wrong());
    }
    Ok(points)
}

fn states(text: &str) -> std::result::Result<Vec<(Timestamp, String)>, String> {
    text.split("->")
        .map(|part| {
            let wrong = || format!("`{text}` is not a course of states; write \"0s red -> 10s green\"");
            let (time, state) = part.trim().split_once(' ').ok_or_else(wrong)?;
            Ok((moment(Span::parse(time)?), state.trim().to_owned()))
        })
        .collect()
}
