//! What a rule is drawn on and whom it watches, by the names that it gives.

use super::Common;
use crate::error::{Error, Result};
use crate::rules::{RuleSpec, Target};
use crate::scene::Scene;
use std::collections::BTreeSet;

pub(super) type Targets = (Option<usize>, Option<usize>, Option<usize>);

pub(super) fn target_of(common: &Common, spec: &RuleSpec, scene: &Scene) -> Result<Targets> {
    let takes = spec.target.takes();
    let zone = named("zone", common.zone.as_deref(), takes.zone, &names(&scene.zones))?;
    let line = named("line", common.line.as_deref(), takes.line, &names(&scene.lines))?;
    let route = named("route", common.route.as_deref(), takes.route, &names(&scene.routes))?;
    let missing = match spec.target {
        Target::Zone if zone.is_none() => Some(("zone", "a `zone`")),
        Target::Line | Target::LineInZone if line.is_none() => Some(("line", "a `line`")),
        Target::ZoneOrLine if zone.is_none() && line.is_none() => Some(("zone", "a `zone` or a `line`")),
        Target::ZoneOrRoute if zone.is_none() && route.is_none() => Some(("zone", "a `zone` or a `route`")),
        _ => None,
    };
    match missing {
        Some((key, what)) => Err(Error::config(key, format!("{} needs {what}", spec.kind))),
        None => Ok((zone, line, route)),
    }
}

/// Index of the line `name`.
///
/// # Errors
/// [`Error::Config`] at `key` with the lines that there are.
pub(super) fn line_named(key: &str, name: &str, scene: &Scene) -> Result<usize> {
    known("line", key, name, &names(&scene.lines))
}

fn names<T>(shapes: &[(String, T)]) -> Vec<&str> {
    shapes.iter().map(|(name, _)| name.as_str()).collect()
}

fn named(key: &str, name: Option<&str>, allowed: bool, known: &[&str]) -> Result<Option<usize>> {
    let Some(name) = name else { return Ok(None) };
    if !allowed {
        return Err(Error::config(key, format!("this kind of rule has no `{key}`")));
    }
    self::known(key, key, name, known).map(Some)
}

fn known(what: &str, key: &str, name: &str, known: &[&str]) -> Result<usize> {
    known.iter().position(|k| *k == name).ok_or_else(|| {
        let there = if known.is_empty() {
            format!("the view has no {what}s")
        } else {
            format!("the view has: {}", known.join(", "))
        };
        Error::config(key, format!("no {what} is named `{name}`; {there}"))
    })
}

pub(super) fn classes_of(common: &Common, spec: &RuleSpec, scene: &Scene) -> Result<Vec<String>> {
    let labels: BTreeSet<&str> = scene.labels.iter().map(|l| &**l).collect();
    let known = |label: &str| labels.contains(label);
    let Some(asked) = &common.classes else {
        if spec.defaults.classes.is_empty() {
            return Ok(Vec::new());
        }
        let classes: Vec<String> =
            spec.defaults.classes.iter().filter(|c| known(c)).map(|&c| c.to_owned()).collect();
        if classes.is_empty() {
            return Err(Error::config(
                "classes",
                format!(
                    "the detector knows none of {}; say which `classes` count",
                    spec.defaults.classes.join(", ")
                ),
            ));
        }
        return Ok(classes);
    };
    if asked.is_empty() {
        return Err(Error::config(
            "classes",
            "no class at all could never fire; leave it out for the default",
        ));
    }
    if let Some(i) = asked.iter().position(|c| !known(c)) {
        return Err(Error::config(
            format!("classes[{i}]"),
            format!("the detector knows no class `{}`", asked[i]),
        ));
    }
    Ok(asked.clone())
}
