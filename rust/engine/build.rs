//! The rules of a view, built one after the other, and then those that look at others.

use crate::error::{Error, Result};
use crate::event::hex;
use crate::facts::Probes;
use crate::rules::{Built, build};
use crate::scene::Scene;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Builds every rule; two of one name are refused.
///
/// # Errors
/// [`Error::Config`] with `rules[i]` in front of its path.
pub fn build_all(
    scene: &Scene,
    written: &[serde_json::Map<String, Value>],
    probes: &mut Probes,
) -> Result<Vec<Built>> {
    let mut rules: Vec<Built> = Vec::with_capacity(written.len());
    for (i, rule) in written.iter().enumerate() {
        let built = build(rule, scene, probes).map_err(|e| e.under(&format!("rules[{i}]")))?;
        if let Some(j) = rules.iter().position(|r| r.origin.rule == built.origin.rule) {
            return Err(Error::config(
                format!("rules[{i}].name"),
                format!(
                    "`{}` is already the name of rules[{j}]; names are unique in a view",
                    built.origin.rule
                ),
            ));
        }
        rules.push(built);
    }
    link(&mut rules)?;
    Ok(rules)
}

/// Checks the rules that other rules look at, and makes what those are part of what these are.
fn link(rules: &mut [Built]) -> Result<()> {
    for i in 0..rules.len() {
        let mut read = Vec::new();
        for (key, name) in rules[i].rule.reads() {
            let wrong = |message| Err(Error::config(format!("rules[{i}].{key}"), message));
            let can_start = |other: &&Built| other.rule.reads().is_empty() && !other.spec.measurement;
            let Some(other) = rules.iter().find(|other| other.origin.rule == name) else {
                let known: Vec<&str> =
                    rules.iter().filter(can_start).map(|r| r.origin.rule.as_str()).collect();
                let there =
                    if known.is_empty() { "none that could start".to_owned() } else { known.join(", ") };
                return wrong(format!("no rule is named `{name}`; the view has: {there}"));
            };
            if !other.rule.reads().is_empty() {
                return wrong(format!(
                    "`{name}` looks at other rules itself; only rules that do not can be named"
                ));
            }
            if other.spec.measurement {
                return wrong(format!("`{name}` counts and never starts: name a rule that alerts"));
            }
            if !other.enabled {
                return wrong(format!("`{name}` is switched off and could never start"));
            }
            rules[i].rule.accepts(&key, other.spec).map_err(|e| e.under(&format!("rules[{i}]")))?;
            read.push(other.origin.definition_hash.clone());
        }
        if let (false, Some(origin)) = (read.is_empty(), Arc::get_mut(&mut rules[i].origin)) {
            read.insert(0, std::mem::take(&mut origin.definition_hash));
            origin.definition_hash = hex(&Sha256::digest(read.join("\n").as_bytes())[..8]);
        }
    }
    Ok(())
}
