//! What every rule takes, and how its settings are read: common keys, then the kind's own, unknown keys refused.

mod duty;
pub(super) mod footprint;
mod identity;
mod severity;
mod target;

use super::{CATALOGUE, Filter, Rule, RuleSpec};
use crate::definition::{Language, render};
use crate::error::{Error, Result};
use crate::event::Origin;
use crate::facts::{Anchor, Probes};
use crate::lifecycle::Timing;
use crate::quantity::{Length, Size, Speed};
use crate::scene::{Scene, read_value};
use crate::time::Span;
pub use duty::Duty;
use identity::hash_of;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
pub use severity::Severity;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use target::{Targets, classes_of, line_named, target_of};

/// The settings that every rule takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// Name of the rule, unique in its view; any language.
    pub name: String,
    /// Kind of the rule.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the zone.
    pub zone: Option<String>,
    /// Name of the line.
    pub line: Option<String>,
    /// Name of the route.
    pub route: Option<String>,
    /// Class labels that count.
    pub classes: Option<Vec<String>>,
    /// How long it must hold before it starts.
    pub after: Option<Span>,
    /// Longest interruption that does not restart the clock; shorter than `after`.
    pub gap: Option<Span>,
    /// Quiet time before it ends, counted from when it last held.
    pub clear_after: Option<Span>,
    /// Least time between two starts.
    #[serde(default)]
    pub cooldown: Span,
    /// Most starts in an hour.
    #[schemars(range(min = 1))]
    pub max_per_hour: Option<u32>,
    /// Name of the schedule of the site at whose times it runs; at all times if left out.
    pub schedule: Option<String>,
    /// How urgent its alerts are.
    #[serde(default)]
    pub severity: Severity,
    /// How urgent they are during schedules of the site, by name; of several that hold, the gravest.
    #[serde(default)]
    pub severity_during: BTreeMap<String, Severity>,
    /// What the best detection of a subject must have scored, 0..1.
    #[serde(default = "min_score")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_score: f64,
    /// Least height of a subject.
    pub min_size: Option<Size>,
    /// Which point of the box stands for the subject; by default feet for people, ground centre for vehicles and
    /// cycles, centre for objects.
    pub anchor: Option<Anchor>,
    /// Id of the authorisation that allows this rule.
    pub authorisation: Option<String>,
    /// Whether it runs in the shadow: recorded and measured, shown to nobody as an alert.
    #[serde(default)]
    pub shadow: bool,
    /// Whether the rule runs.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A stain on the ground is taken for a person at 0.3 to 0.4 for minutes; whatever is really there has been seen
/// clearly at least once by the time that a rule's `after` is over.
fn min_score() -> f64 {
    0.5
}

fn yes() -> bool {
    true
}

/// The keys of [`Common`]; all others belong to the kind.
const COMMON_KEYS: [&str; 20] = [
    "name",
    "type",
    "zone",
    "line",
    "route",
    "classes",
    "after",
    "gap",
    "clear_after",
    "cooldown",
    "max_per_hour",
    "schedule",
    "severity",
    "severity_during",
    "shadow",
    "min_score",
    "min_size",
    "anchor",
    "authorisation",
    "enabled",
];

/// What a kind's `build` may use.
#[derive(Debug)]
pub struct Context<'a> {
    /// The scene.
    pub scene: &'a Scene,
    /// What is to be observed.
    pub probes: &'a mut Probes,
    /// Who counts.
    pub filter: Filter,
    /// The rule's times; a kind may widen `gap`.
    pub timing: Timing,
    /// Point of the box.
    pub anchor: Anchor,
    /// Index of the zone.
    pub zone: Option<usize>,
    /// Index of the line.
    pub line: Option<usize>,
    /// Index of the route.
    pub route: Option<usize>,
    /// Things that are allowed and probably not meant.
    pub warnings: Vec<String>,
    settings: Map<String, Value>,
    /// Lines that the kind's own parameters name.
    gates: Vec<usize>,
    /// Whether the rule itself says `clear_after`.
    clears: bool,
}

impl Context<'_> {
    /// Index of a line that the kind's own parameter `key` names: it is part of what the rule is drawn on.
    ///
    /// # Errors
    /// [`Error::Config`] at `key` with the lines that there are.
    pub fn gate(&mut self, key: &str, name: &str) -> Result<usize> {
        let index = line_named(key, name, self.scene)?;
        self.gates.push(index);
        Ok(index)
    }

    /// The kind's own parameter `key` is what `clear_after` is for other kinds.
    ///
    /// # Errors
    /// [`Error::Config`] if the rule gives both.
    pub fn clears_after(&mut self, key: &str, quiet: Span) -> Result<()> {
        if self.clears {
            return Err(Error::config(
                "clear_after",
                format!("`{key}` is the quiet time of this kind; give only `{key}`"),
            ));
        }
        self.timing.clear_after = quiet;
        self.settings.shift_remove("clear_after");
        Ok(())
    }

    /// Reads the kind's own parameters.
    ///
    /// # Errors
    /// [`Error::Config`] with the key.
    pub fn params<P: DeserializeOwned + Serialize>(&mut self, own: Map<String, Value>) -> Result<P> {
        let params: P = read_value(Value::Object(own))?;
        if let Ok(Value::Object(all)) = serde_json::to_value(&params) {
            self.settings.extend(all);
        }
        Ok(params)
    }

    /// A number that decides and is no key of its own, for the definition.
    pub fn setting(&mut self, key: &str, value: Value) {
        self.settings.insert(key.to_owned(), value);
    }

    /// The filter, once: the rule keeps it.
    pub fn take_filter(&mut self) -> Filter {
        std::mem::take(&mut self.filter)
    }

    /// Refuses metres on a view without calibration, and lengths that no subject can keep or exceed.
    ///
    /// # Errors
    /// [`Error::Config`] at `key`.
    pub fn length(&self, key: &str, length: Length) -> Result<()> {
        if matches!(length, Length::Metres(_)) && self.scene.ground.is_none() {
            return Err(uncalibrated(key, length, "1.2 body"));
        }
        if length.value() <= 0.0 {
            return Err(Error::config(key, format!("`{length}` is no distance; it must be above 0")));
        }
        Ok(())
    }

    /// Refuses a view without calibration for a kind that needs metres.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn calibrated(&self) -> Result<()> {
        if self.scene.ground.is_some() {
            return Ok(());
        }
        Err(Error::config(
            "type",
            "this kind measures in metres and needs a calibrated view: give `ground`, at least four places of the \
             picture and where they are",
        ))
    }

    /// Refuses metres on a view without calibration.
    ///
    /// # Errors
    /// [`Error::Config`] at `key`.
    pub fn speed(&self, key: &str, speed: Speed) -> Result<()> {
        if matches!(speed, Speed::MetresPerSecond(_)) && self.scene.ground.is_none() {
            return Err(uncalibrated(key, speed, "0.5 body/s"));
        }
        Ok(())
    }
}

fn uncalibrated(key: &str, value: impl std::fmt::Display, instead: &str) -> Error {
    Error::config(
        key,
        format!("`{value}` needs a calibrated view: give `ground`, or use body sizes such as \"{instead}\""),
    )
}

/// A rule ready to run.
#[derive(Debug)]
pub struct Built {
    /// What holds.
    pub rule: Box<dyn Rule>,
    /// For how long.
    pub timing: Timing,
    /// What its events say of it.
    pub origin: Arc<Origin>,
    /// Its kind.
    pub spec: &'static RuleSpec,
    /// Whether it runs.
    pub enabled: bool,
    /// When it runs.
    pub duty: Duty,
    /// Definition in French and English.
    pub definition: [String; 2],
    /// Things that are allowed and probably not meant.
    pub warnings: Vec<String>,
}

/// Builds a rule from what the scene says.
///
/// # Errors
/// [`Error::Config`] with the key inside the rule.
pub fn build(written: &Map<String, Value>, scene: &Scene, probes: &mut Probes) -> Result<Built> {
    let spec = kind_of(written)?;
    let mut own = Map::new();
    let mut shared = Map::new();
    for (key, value) in written {
        let part = if COMMON_KEYS.contains(&key.as_str()) { &mut shared } else { &mut own };
        part.insert(key.clone(), value.clone());
    }
    let common: Common = read_value(Value::Object(shared))?;
    if common.name.trim().is_empty() {
        return Err(Error::config("name", "a rule needs a name"));
    }
    let timing = timing_of(&common, spec)?;
    let (zone, line, route) = target_of(&common, spec, scene)?;
    let classes = classes_of(&common, spec, scene)?;
    if common.min_size.is_some_and(|s| matches!(s, Size::Metres(_))) && scene.ground.is_none() {
        return Err(uncalibrated("min_size", common.min_size.unwrap_or(Size::Metres(0.0)), "0.05"));
    }
    if !(0.0..=1.0).contains(&common.min_score) {
        return Err(Error::config("min_score", "a score lies in 0..1"));
    }
    if common.max_per_hour == Some(0) {
        return Err(Error::config(
            "max_per_hour",
            "0 an hour could never fire; leave it out, or set `enabled: false`",
        ));
    }
    let watched: BTreeSet<&str> = classes.iter().map(String::as_str).collect();
    let duty = Duty::read(&common, scene)?;
    let filter = Filter {
        classes: scene.labels.iter().map(|label| watched.contains(&**label)).collect(),
        min_score: common.min_score as f32,
        min_height: common.min_size,
    };
    let anchor = common.anchor.unwrap_or_default();
    let mut settings = match serde_json::to_value(&common) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    };
    if classes.is_empty() {
        // It looks at nobody: nothing to say of who counts.
        for key in ["classes", "min_score", "anchor"] {
            settings.remove(key);
        }
    } else {
        settings.insert("classes".into(), Value::from(classes));
    }
    Duty::describe(&common, scene, &mut settings);
    for (key, span) in [("after", timing.after), ("gap", timing.gap), ("clear_after", timing.clear_after)] {
        settings.insert(key.into(), Value::from(span.to_string()));
    }
    let mut context = Context {
        scene,
        probes,
        filter,
        timing,
        anchor,
        zone,
        line,
        route,
        warnings: Vec::new(),
        settings,
        gates: Vec::new(),
        clears: common.clear_after.is_some(),
    };
    let rule = (spec.build)(own, &mut context)?;
    let definition = [Language::Fr, Language::En].map(|l| render(spec.definition, &context.settings, l));
    let zone_name = common.zone.clone().or(common.line.clone()).or(common.route.clone());
    let origin = Origin {
        view: scene.view.clone(),
        rule: common.name,
        kind: spec.kind,
        zone: zone_name,
        shadow: common.shadow,
        authorisation: common.authorisation,
        definition_hash: hash_of(&context.settings, &definition, scene, (zone, line, route), &context.gates),
    };
    Ok(Built {
        rule,
        timing: context.timing,
        origin: Arc::new(origin),
        spec,
        enabled: common.enabled,
        duty,
        definition,
        warnings: context.warnings,
    })
}

fn kind_of(written: &Map<String, Value>) -> Result<&'static RuleSpec> {
    let kinds = || CATALOGUE.iter().map(|s| s.kind).collect::<Vec<_>>().join(", ");
    let Some(kind) = written.get("type").and_then(Value::as_str) else {
        return Err(Error::config("type", format!("a rule needs a type, one of: {}", kinds())));
    };
    CATALOGUE
        .iter()
        .find(|s| s.kind == kind)
        .ok_or_else(|| Error::config("type", format!("`{kind}` is no kind of rule; there are: {}", kinds())))
}

fn timing_of(common: &Common, spec: &RuleSpec) -> Result<Timing> {
    let after = common.after.unwrap_or(spec.defaults.after);
    if spec.momentary && after > Span::ZERO {
        return Err(Error::config(
            "after",
            format!("{} happens in a moment: nothing to wait for", spec.kind),
        ));
    }
    // Unless told otherwise, four fifths of `after` at most: one missed picture at five a second is forgiven
    // even where `after` is half a second, and the condition must still hold at the end.
    let room = Span::from_ms(after.ms() * 4 / 5);
    let gap = common.gap.unwrap_or(spec.defaults.gap.min(room));
    if common.gap.is_some() && gap >= after {
        return Err(Error::config(
            "gap",
            format!("{gap} is not below `after` ({after}): an interruption would outlast what it interrupts"),
        ));
    }
    let clear_after = common.clear_after.unwrap_or(spec.defaults.clear_after);
    Ok(Timing { after, gap, clear_after, cooldown: common.cooldown, max_per_hour: common.max_per_hour })
}
