//! Where road users were, and for how long: a coarse grid over the picture.

use super::{GROUPS, group_of};
use crate::facts::{Facts, PRESENT};
use serde_json::{Map, Value, json};

/// Cells along the picture's height; along its width as many as keep them square, about.
const ROWS: usize = 18;
/// Most cells along the width, for panoramas.
const MOST_COLUMNS: usize = 96;

/// Milliseconds of presence by cell, for people, cycles and vehicles.
#[derive(Clone, Debug)]
pub(super) struct Heat {
    columns: usize,
    aspect: f64,
    cells: [Vec<u64>; 3],
}

impl Heat {
    pub(super) fn new(aspect: f64) -> Self {
        let columns = ((aspect * ROWS as f64).round() as usize).clamp(1, MOST_COLUMNS);
        Self { columns, aspect, cells: [(); 3].map(|()| vec![0; columns * ROWS]) }
    }

    /// Adds where everybody is who is seen in this step, for the time since they were last seen.
    pub(super) fn add(&mut self, facts: &Facts<'_>) {
        for fact in facts.subjects.iter().filter(|f| f.seen) {
            let (Some(group), Some(before)) = (group_of(fact.group), fact.previous_seen) else { continue };
            let time = facts.at - before;
            if time > PRESENT {
                continue;
            }
            let along =
                |share: f64, cells: usize| (share * cells as f64).clamp(0.0, (cells - 1) as f64) as usize;
            let cell = along(fact.at.y, ROWS) * self.columns + along(fact.at.x / self.aspect, self.columns);
            self.cells[group][cell] += time.ms().unsigned_abs();
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (cells, more) in self.cells.iter_mut().zip(&other.cells) {
            for (cell, more) in cells.iter_mut().zip(more) {
                *cell += more;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        for cells in &mut self.cells {
            cells.fill(0);
        }
    }

    /// Seconds by row and column, for the groups that were there.
    pub(super) fn json(&self) -> Value {
        let mut groups = Map::new();
        for (name, cells) in GROUPS.iter().zip(&self.cells).filter(|(_, cells)| cells.iter().any(|&c| c > 0))
        {
            let seconds: Vec<f64> = cells.iter().map(|&ms| (ms as f64 / 100.0).round() / 10.0).collect();
            groups.insert((*name).to_owned(), seconds.into());
        }
        json!({"columns": self.columns, "rows": ROWS, "seconds": groups})
    }
}
