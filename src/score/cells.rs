//! The cells of a breakdown, by name and in a row.

use crate::benchmark::{Benchmark, Factor};

/// PCK in percent. `None` stands where there is no pair to speak of.
#[derive(Debug, Clone, PartialEq)]
pub struct Breakdown {
    /// Over all scored pairs.
    pub all: Option<f64>,
    /// Per category, in alphabetical order, which is the paper's.
    pub category: Vec<(String, Option<f64>)>,
    /// Per level of each of the four factors, in the order of [`Factor::ALL`]; `None` where the
    /// benchmark's pairs have no such labels.
    pub factors: Option<Levels>,
    /// Likewise, with the three other factors held at easy, easy, none and none (the paper's
    /// table 5). The first level of all four factors is the same set of pairs.
    pub controlled: Option<Levels>,
}

/// PCK per level of each factor, in the order of [`Factor::ALL`].
pub type Levels = [Vec<Option<f64>>; 4];

/// What the cells of a breakdown are, for values in a row: all pairs, the categories, the levels,
/// the controlled levels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CellRow {
    /// The benchmark's categories in alphabetical order.
    pub(super) categories: Vec<String>,
    /// Whether its pairs have labels.
    labelled: bool,
}

impl CellRow {
    pub(super) fn new(benchmark: &Benchmark) -> Self {
        let mut categories: Vec<String> =
            benchmark.pairs.iter().map(|pair| pair.category.clone()).collect();
        categories.sort_unstable();
        categories.dedup();
        Self { categories, labelled: benchmark.pairs.iter().any(|pair| pair.variation.is_some()) }
    }

    /// The number of cells.
    pub(super) fn len(&self) -> usize {
        1 + self.categories.len() + if self.labelled { 2 * levels_before(4) } else { 0 }
    }

    /// The cells that a pair counts for, given the number of its category and its levels.
    pub(super) fn places(&self, category: usize, levels: Option<[usize; 4]>) -> Vec<usize> {
        let mut places = vec![0, 1 + category];
        let first = 1 + self.categories.len();
        for (factor, level) in levels.into_iter().flatten().enumerate() {
            places.push(first + levels_before(factor) + level);
        }
        for (factor, level) in levels.into_iter().flatten().enumerate() {
            let others = levels.into_iter().flatten().enumerate();
            if others.filter(|(other, _)| *other != factor).all(|(_, level)| level == 0) {
                places.push(first + levels_before(4) + levels_before(factor) + level);
            }
        }
        places
    }

    /// Cells as a breakdown.
    pub(super) fn breakdown(&self, cells: &[Option<f64>]) -> Breakdown {
        let first = 1 + self.categories.len();
        let levels = |start: usize| {
            [0, 1, 2, 3].map(|factor| {
                let start = start + levels_before(factor);
                cells[start..start + Factor::ALL[factor].levels().len()].to_vec()
            })
        };
        Breakdown {
            all: cells[0],
            category: self
                .categories
                .iter()
                .cloned()
                .zip(cells[1..first].iter().copied())
                .collect(),
            factors: self.labelled.then(|| levels(first)),
            controlled: self.labelled.then(|| levels(first + levels_before(4))),
        }
    }
}

/// The number of levels of the factors before this one.
fn levels_before(factor: usize) -> usize {
    Factor::ALL[..factor].iter().map(|factor| factor.levels().len()).sum()
}
