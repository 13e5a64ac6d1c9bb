//! From where to where: the first and the last place of everybody whose way through the view is over.

use super::{GROUPS, group_of};
use crate::facts::{Fact, Facts};
use crate::scene::Scene;
use serde_json::{Map, Value, json};

/// Places of a matrix, at most: beyond, pairs are mostly empty and the table is unreadable.
const MOST_PLACES: usize = 24;
const SIDES: [&str; 4] = ["left", "right", "top", "bottom"];

/// Journeys from each place to each, for people, cycles and vehicles.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    places: usize,
    journeys: Vec<[u32; 3]>,
}

impl Matrix {
    pub(super) fn new(places: usize) -> Self {
        Self { places, journeys: vec![[0; 3]; places * places] }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (number, more) in self.journeys.iter_mut().zip(&other.journeys) {
            for (number, more) in number.iter_mut().zip(more) {
                *number += more;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.journeys.fill([0; 3]);
    }

    /// `journeys[from][to][group]`, pairs with any.
    pub(super) fn json(&self, names: &[String]) -> Value {
        let mut out = Map::new();
        for (from, row) in names.iter().zip(self.journeys.chunks(self.places.max(1))) {
            let mut to = Map::new();
            for (name, numbers) in names.iter().zip(row).filter(|(_, n)| n.iter().any(|&n| n > 0)) {
                let known = GROUPS.iter().zip(numbers).filter(|(_, n)| **n > 0);
                to.insert(
                    name.clone(),
                    known.map(|(g, n)| ((*g).to_owned(), json!(n))).collect::<Map<_, _>>().into(),
                );
            }
            if !to.is_empty() {
                out.insert(from.clone(), to.into());
            }
        }
        out.into()
    }
}

/// The way of one subject so far.
#[derive(Clone, Copy, Debug)]
struct Journey {
    subject: u64,
    group: usize,
    first: usize,
    last: usize,
}

/// Who is on the way, and where from.
#[derive(Debug)]
pub(super) struct Journeys {
    /// Zone probes of the places, the smallest zone first; empty if the sides of the picture are the places.
    zones: Vec<usize>,
    pub(super) names: Vec<String>,
    /// By subject.
    under_way: Vec<Journey>,
}

impl Journeys {
    /// Between the zones of the view; with fewer than two, or too many, between the sides of the picture.
    pub(super) fn new(scene: &Scene, zone_probes: &[usize]) -> Self {
        let between_zones = (2..=MOST_PLACES).contains(&scene.zones.len());
        let mut order: Vec<usize> = if between_zones { (0..scene.zones.len()).collect() } else { Vec::new() };
        let area = |i: &usize| {
            let bounds = scene.zones[*i].1.bounds();
            bounds.width() * bounds.height()
        };
        // Zones may lie in one another: who is in both is in the smaller one.
        order.sort_by(|a, b| area(a).total_cmp(&area(b)).then(a.cmp(b)));
        let names = if between_zones {
            order.iter().map(|&i| scene.zones[i].0.clone()).collect()
        } else {
            SIDES.map(str::to_owned).to_vec()
        };
        Self { zones: order.iter().map(|&i| zone_probes[i]).collect(), names, under_way: Vec::new() }
    }

    fn place(&self, fact: &Fact, aspect: f64) -> Option<usize> {
        if !self.zones.is_empty() {
            return self.zones.iter().position(|&probe| fact.zones[probe].inside);
        }
        let (x, y) = (fact.at.x / aspect, fact.at.y);
        let gaps = [x, 1.0 - x, y, 1.0 - y];
        gaps.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map(|(side, _)| side)
    }

    /// Takes in a step; whose way is over is counted.
    pub(super) fn step(&mut self, facts: &Facts<'_>, matrix: &mut Matrix) {
        for fact in facts.subjects.iter().filter(|f| f.seen) {
            let Some(group) = group_of(fact.group) else { continue };
            let Some(place) = self.place(fact, facts.scene.aspect) else { continue };
            match self.under_way.binary_search_by_key(&fact.id, |j| j.subject) {
                Ok(i) => self.under_way[i].last = place,
                Err(i) => {
                    let journey = Journey { subject: fact.id, group, first: place, last: place };
                    self.under_way.insert(i, journey);
                }
            }
        }
        if facts.gone.is_empty() {
            return;
        }
        self.under_way.retain(|journey| {
            let over = facts.gone.binary_search(&journey.subject).is_ok();
            if over {
                matrix.journeys[journey.first * matrix.places + journey.last][journey.group] += 1;
            }
            !over
        });
    }

    /// The watch ends: whose way was not over is not counted.
    pub(super) fn clear(&mut self) {
        self.under_way.clear();
    }
}
