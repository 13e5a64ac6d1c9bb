//! Where vehicles are parked: spots, whatever identities the vehicles on them have.

use crate::detection::Group;
use crate::facts::{Fact, Facts};
use crate::geometry::{BBox, Point};
use crate::quantity::Length;
use crate::time::{Span, Timestamp};

/// A vehicle that has stood for this long is parked; at a red light or at a kerb to let somebody out it may be, too.
const PARKED: Span = Span::from_secs(10);
/// Boxes that share this much of their union are of one vehicle: detectors see it whole or in part in turns. Neighbours in
/// a row overlap less.
const SAME: f64 = 0.45;
/// Most spots: the largest car parks that one camera sees.
const MOST: usize = 512;

/// A parked vehicle.
#[derive(Debug)]
struct Spot {
    id: u64,
    /// The vehicle last seen on it.
    subject: u64,
    bbox: BBox,
    last: Timestamp,
}

/// The spots of one zone's surroundings.
#[derive(Debug)]
pub(super) struct Spots {
    all: Vec<Spot>,
    ids: u64,
    memory: Span,
}

impl Spots {
    /// None yet; one on which no vehicle has been seen for `memory` is forgotten.
    pub(super) fn new(memory: Span) -> Self {
        Self { all: Vec::new(), ids: 0, memory }
    }

    /// Takes in the vehicles of the step.
    pub(super) fn step(&mut self, facts: &Facts<'_>) {
        for fact in facts.subjects.iter().filter(|f| f.seen && is_vehicle(f, facts)) {
            let own = self.all.iter().position(|s| s.subject == fact.id);
            let stands = fact.still_since.is_some();
            if let Some(i) = own
                && !stands
                && fact.bbox.iou(&self.all[i].bbox) == 0.0
            {
                // It has driven off.
                self.all.swap_remove(i);
                continue;
            }
            if fact.still_since.is_none_or(|since| facts.at - since < PARKED) {
                continue;
            }
            let same = own.or_else(|| self.all.iter().position(|s| s.bbox.iou(&fact.bbox) >= SAME));
            if let Some(i) = same {
                let spot = &mut self.all[i];
                (spot.subject, spot.bbox, spot.last) = (fact.id, fact.bbox, facts.at);
            } else if self.all.len() < MOST {
                self.ids += 1;
                self.all.push(Spot { id: self.ids, subject: fact.id, bbox: fact.bbox, last: facts.at });
            }
        }
        let memory = self.memory;
        self.all.retain(|s| facts.at - s.last <= memory);
    }

    /// Forgets all of them; ids go on counting.
    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    /// Every spot with its distance from the person's feet, in the unit of `within`.
    pub(super) fn near<'a>(
        &'a self,
        fact: &'a Fact,
        within: Length,
        facts: &'a Facts<'_>,
    ) -> impl Iterator<Item = (u64, f64)> + 'a {
        let feet = fact.bbox.bottom_centre();
        self.all.iter().filter_map(move |spot| {
            let foot = footprint(&spot.bbox);
            let distance = match (within, &facts.scene.ground) {
                (Length::Metres(_), Some(ground)) => {
                    let edge = Point::new(feet.x.clamp(foot.x1, foot.x2), feet.y.clamp(foot.y1, foot.y2));
                    ground.to_metres(feet)?.distance(ground.to_metres(edge)?)
                }
                _ => foot.distance(feet) / fact.body,
            };
            Some((spot.id, distance))
        })
    }
}

/// Cars and larger, and motorcycles; a bicycle is no vehicle here.
fn is_vehicle(fact: &Fact, facts: &Facts<'_>) -> bool {
    fact.group == Group::Vehicle || &*facts.scene.labels[usize::from(fact.class_id)] == "motorcycle"
}

/// What of the box stands on the ground: seen from a mast, its lower half.
fn footprint(b: &BBox) -> BBox {
    BBox { y1: f64::midpoint(b.y1, b.y2), ..*b }
}
