//! Optimal assignment on a sparse, rectangular, gated graph.
//!
//! Shortest augmenting paths in the manner of Jonker and Volgenant (1987), with two differences: only the pairs that
//! were offered exist, and a row may stay alone at the price `limit`, by a column of its own that nobody else can
//! reach. So the result minimises the sum of the costs of the pairs plus `limit` for every row left alone.

/// No row, no column.
const NONE: u32 = u32::MAX;

/// Most pairs of a row. Who has more candidates than this stands in a heap of boxes that no detector should give; without
/// a bound the work would grow with the cube of the heap.
const MOST: usize = 64;

/// Finds the cheapest pairs of rows and columns; keeps its buffers from one problem to the next.
#[derive(Debug, Default)]
pub struct Assignment {
    /// Offered pairs, row after row: column and cost.
    pairs: Vec<(u32, f64)>,
    /// Where the pairs of each row begin; one more at the end.
    begin: Vec<u32>,
    col_of: Vec<u32>,
    cols: Vec<Column>,
    /// Columns reached but not yet settled, in the search of the moment.
    open: Vec<u32>,
    /// Columns settled in the search of the moment.
    settled: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    row: u32,
    /// Cost of the pair with `row`.
    cost: f64,
    /// Dual price.
    price: f64,
    /// Shortest distance from the row that searches, and the row before it on that path.
    distance: f64,
    via: u32,
    via_cost: f64,
    /// Number of the search that last reached it, so that nothing needs to be wiped between searches.
    search: u32,
    is_settled: bool,
}

const FREE: Column = Column {
    row: NONE,
    cost: 0.0,
    price: 0.0,
    distance: 0.0,
    via: NONE,
    via_cost: 0.0,
    search: NONE,
    is_settled: false,
};

impl Assignment {
    /// Begins a problem with this many columns and no rows.
    pub fn begin(&mut self, cols: usize) {
        self.pairs.clear();
        self.begin.clear();
        self.begin.push(0);
        self.cols.clear();
        self.cols.resize(cols, FREE);
    }

    /// Offers a pair of the row that is being described with `col`.
    pub fn offer(&mut self, col: usize, cost: f64) {
        self.pairs.push((col as u32, cost));
    }

    /// Ends the description of a row; the next pairs belong to the next one. Of very many pairs the cheapest are kept.
    pub fn end_row(&mut self) {
        let from = self.begin[self.begin.len() - 1] as usize;
        if self.pairs.len() - from > MOST {
            let row = &mut self.pairs[from..];
            row.select_nth_unstable_by(MOST, |a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            self.pairs.truncate(from + MOST);
            self.pairs[from..].sort_unstable_by_key(|pair| pair.0);
        }
        self.begin.push(self.pairs.len() as u32);
    }

    /// Solves the problem: a row stays alone where every pairing would cost more than `limit` on the whole.
    pub fn solve(&mut self, limit: f64) {
        let rows = self.begin.len() - 1;
        self.col_of.clear();
        self.col_of.resize(rows, NONE);
        for row in 0..rows as u32 {
            self.augment(row, limit);
        }
    }

    /// The column of `row`, if it has one. Valid after [`Self::solve`].
    pub fn col(&self, row: usize) -> Option<usize> {
        let col = self.col_of[row];
        (col != NONE).then_some(col as usize)
    }

    /// The row of `col`, if it has one. Valid after [`Self::solve`].
    pub fn row(&self, col: usize) -> Option<usize> {
        let row = self.cols[col].row;
        (row != NONE).then_some(row as usize)
    }

    /// Finds the cheapest way to give `start` a column or to leave one row alone, and follows it.
    fn augment(&mut self, start: u32, limit: f64) {
        self.open.clear();
        self.settled.clear();
        // The cheapest end known so far: some row of the tree stays alone.
        let mut alone = (limit, start);
        self.reach(start, start, 0.0);
        let (shortest, end) = loop {
            let Some(col) = self.nearest().filter(|&col| self.cols[col as usize].distance < alone.0) else {
                break (alone.0, NONE);
            };
            let Column { row, cost, price, distance, .. } = self.cols[col as usize];
            if row == NONE {
                break (distance, col);
            }
            self.cols[col as usize].is_settled = true;
            self.settled.push(col);
            let base = distance - (cost - price);
            if base + limit < alone.0 {
                alone = (base + limit, row);
            }
            self.reach(row, start, base);
        };
        for &col in &self.settled {
            let column = &mut self.cols[col as usize];
            column.price += column.distance - shortest;
        }
        // Hand the columns on along the path: each goes to the row before it.
        let mut free =
            if end == NONE { std::mem::replace(&mut self.col_of[alone.1 as usize], NONE) } else { end };
        while free != NONE {
            let column = &mut self.cols[free as usize];
            column.row = column.via;
            column.cost = column.via_cost;
            let row = column.row;
            free = std::mem::replace(&mut self.col_of[row as usize], free);
        }
    }

    /// Relaxes the pairs of `row`, whose own distance is `base`, in the search of `search`.
    fn reach(&mut self, row: u32, search: u32, base: f64) {
        let pairs = self.begin[row as usize] as usize..self.begin[row as usize + 1] as usize;
        for &(col, cost) in &self.pairs[pairs] {
            let column = &mut self.cols[col as usize];
            let distance = base + cost - column.price;
            if column.search != search {
                column.search = search;
                column.is_settled = false;
                self.open.push(col);
            } else if column.is_settled || distance >= column.distance {
                continue;
            }
            column.distance = distance;
            column.via = row;
            column.via_cost = cost;
        }
    }

    /// Takes the nearest open column; of equals one that is free, which ends the search. The graph falls apart into small
    /// crowds, so looking through them all is quickest.
    fn nearest(&mut self) -> Option<u32> {
        let rank = |col: u32| (self.cols[col as usize].distance, self.cols[col as usize].row != NONE);
        let best = (0..self.open.len())
            .reduce(|a, b| if rank(self.open[b]) < rank(self.open[a]) { b } else { a })?;
        Some(self.open.swap_remove(best))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn solve(cols: usize, rows: &[Vec<Option<f64>>], limit: f64) -> (Vec<Option<usize>>, f64) {
        let mut problem = Assignment::default();
        problem.begin(cols);
        for row in rows {
            for (col, cost) in row.iter().enumerate() {
                if let Some(cost) = cost {
                    problem.offer(col, *cost);
                }
            }
            problem.end_row();
        }
        problem.solve(limit);
        let found: Vec<_> = (0..rows.len()).map(|row| problem.col(row)).collect();
        for (row, col) in found.iter().enumerate() {
            if let Some(col) = col {
                assert_eq!(problem.row(*col), Some(row));
            }
        }
        let total =
            found.iter().enumerate().map(|(row, col)| col.map_or(limit, |c| rows[row][c].unwrap())).sum();
        (found, total)
    }

    /// Every way to give the rows from `row` on a column or none: the cheapest.
    fn brute_force(rows: &[Vec<Option<f64>>], row: usize, taken: &mut Vec<bool>, limit: f64) -> f64 {
        let Some(costs) = rows.get(row) else { return 0.0 };
        let mut best = limit + brute_force(rows, row + 1, taken, limit);
        for (col, cost) in costs.iter().enumerate() {
            if let (Some(cost), false) = (cost, taken[col]) {
                taken[col] = true;
                best = best.min(cost + brute_force(rows, row + 1, taken, limit));
                taken[col] = false;
            }
        }
        best
    }

    #[test]
    fn prefers_the_best_sum_to_the_best_pair() {
        let rows = vec![vec![Some(0.1), Some(0.2)], vec![Some(0.2), Some(0.9)]];
        assert_eq!(solve(2, &rows, 1.0).0, vec![Some(1), Some(0)]);
    }

    #[test]
    fn leaves_a_row_alone_rather_than_pay_more_than_the_limit() {
        let rows = vec![vec![Some(0.1)], vec![Some(0.05)]];
        assert_eq!(solve(1, &rows, 0.8).0, vec![None, Some(0)]);
        assert_eq!(solve(1, &[vec![Some(0.9)]], 0.8).0, vec![None]);
    }

    #[test]
    fn takes_nothing_at_all() {
        assert_eq!(solve(0, &[], 1.0).0, vec![]);
        assert_eq!(solve(0, &[vec![]], 1.0).0, vec![None]);
        assert_eq!(solve(3, &[], 1.0).0, vec![]);
    }

    proptest! {
        #[test]
        fn costs_what_brute_force_costs(
            (cols, rows) in (0_usize..6).prop_flat_map(|cols| {
                // Eighths add up without rounding, and make ties.
                let cost = proptest::option::of((0_u8..12).prop_map(|c| f64::from(c) / 8.0));
                (Just(cols), proptest::collection::vec(proptest::collection::vec(cost, cols), 0..7))
            })
        ) {
            let (found, total) = solve(cols, &rows, 1.0);
            prop_assert_eq!(total, brute_force(&rows, 0, &mut vec![false; cols], 1.0));
            let mut taken: Vec<_> = found.iter().flatten().collect();
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), found.iter().flatten().count());
        }
    }
}
