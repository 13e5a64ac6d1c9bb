//! What makes two rules the same rule.

use super::Targets;
use crate::event::hex;
use crate::scene::Scene;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Hash of everything that decides: settings, shapes, calibration, and the sentence that people read.
pub(super) fn hash_of(
    settings: &Map<String, Value>,
    definition: &[String; 2],
    scene: &Scene,
    (zone, line, route): Targets,
    gates: &[usize],
) -> String {
    let mut sorted: Vec<_> = settings.iter().collect();
    sorted.sort_by_key(|(key, _)| key.as_str());
    let shapes = (
        zone.map(|i| &scene.zones[i].1),
        line.map(|i| &scene.lines[i].1),
        route.map(|i| &scene.routes[i].1),
        &scene.ground,
    );
    let mut text = format!("{sorted:?}\n{definition:?}\n{shapes:?}");
    for &gate in gates {
        // Writing into a String cannot fail.
        let _ = write!(text, "\n{:?}", scene.lines[gate].1);
    }
    hex(&Sha256::digest(text.as_bytes())[..8])
}
