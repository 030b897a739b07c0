//! Verdicts as sums, so that a mean under other weights of the pairs costs microseconds.
//!
//! Pairs of one category and one set of levels count for the same cells of a [`Breakdown`]: they
//! are summed first, and the few hundred sums go into the cells.
//!
//! [`Breakdown`]: super::Breakdown

use std::collections::{BTreeMap, BTreeSet};

use super::cells::CellRow;
use super::verdict::Verdict;
use crate::benchmark::{Benchmark, Factor};
use crate::protocol::Average;

/// Verdicts under one average.
#[derive(Debug)]
pub(super) struct Ledger {
    row: CellRow,
    average: Average,
    /// The number of classes that [`Average`] takes a mean of each of.
    classes: usize,
    records: Vec<Record>,
    groups: Vec<Group>,
}

/// A pair, or a keypoint where keypoints of a pair are of different classes.
#[derive(Debug, Clone, Copy)]
struct Record {
    /// Index of the judged pair in the benchmark.
    pair: usize,
    group: usize,
    sums: Sums,
}

/// What means are made of.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    right: f64,
    of: f64,
    pairs: f64,
}

impl Sums {
    fn add(&mut self, other: Self, weight: f64) {
        self.right += weight * other.right;
        self.of += weight * other.of;
        self.pairs += weight * other.pairs;
    }
}

/// Records that count for the same cells and the same class.
#[derive(Debug)]
struct Group {
    class: usize,
    cells: Vec<usize>,
}

impl Ledger {
    pub(super) fn new(benchmark: &Benchmark, verdicts: &[&Verdict], average: Average) -> Self {
        let mut ledger = Self {
            row: CellRow::new(benchmark),
            average,
            classes: 1,
            records: Vec::with_capacity(verdicts.len()),
            groups: Vec::new(),
        };
        let mut indices: BTreeMap<std::borrow::Cow<'_, str>, usize> = BTreeMap::new();
        let mut groups = BTreeMap::new();
        for verdict in verdicts {
            let pair = &benchmark.pairs[verdict.pair];
            let category = ledger.row.categories.binary_search(&pair.category);
            let category = category.expect("the row has every category of the benchmark");
            let levels =
                pair.variation.map(|variation| Factor::ALL.map(|factor| factor.level(variation)));
            let mut enter = |class: usize, sums: Sums| {
                let group = *groups.entry((class, category, levels)).or_insert_with(|| {
                    let cells = ledger.row.places(category, levels);
                    ledger.groups.push(Group { class, cells });
                    ledger.groups.len() - 1
                });
                ledger.classes = ledger.classes.max(class + 1);
                ledger.records.push(Record { pair: verdict.judged, group, sums });
            };
            let right = verdict.right.iter().filter(|&&right| right).count() as f64;
            let of = verdict.right.len() as f64;
            match average {
                Average::Pair => enter(0, Sums { right: verdict.share(), of: 1.0, pairs: 1.0 }),
                Average::Point => enter(0, Sums { right, of, pairs: 1.0 }),
                Average::CategoryOfPairs => {
                    enter(category, Sums { right: verdict.share(), of: 1.0, pairs: 1.0 });
                }
                Average::Category | Average::CategoryByPairs => {
                    enter(category, Sums { right, of, pairs: 1.0 });
                }
                Average::KeypointIndex => {
                    let names = &benchmark.pairs[verdict.judged].keypoint_ids;
                    for (at, &right) in verdict.right.iter().enumerate() {
                        let next = indices.len();
                        // Keypoints without names have numbers.
                        let name = names
                            .get(at)
                            .map_or_else(|| at.to_string().into(), |n| n.as_str().into());
                        let class = *indices.entry(name).or_insert(next);
                        let right = f64::from(u8::from(right));
                        enter(class, Sums { right, of: 1.0, pairs: 1.0 });
                    }
                }
            }
        }
        ledger
    }

    pub(super) fn row(&self) -> &CellRow {
        &self.row
    }

    /// The means in percent, in the order of [`CellRow`], with a weight for each pair of the
    /// benchmark. `None` where all weights are zero. Sums are f64, in a fixed order.
    pub(super) fn cells(&self, weight: impl Fn(usize) -> f64) -> Vec<Option<f64>> {
        let mut groups = vec![Sums::default(); self.groups.len()];
        for record in &self.records {
            groups[record.group].add(record.sums, weight(record.pair));
        }
        let mut cells = vec![Sums::default(); self.row.len() * self.classes];
        for (group, sums) in self.groups.iter().zip(groups) {
            for cell in &group.cells {
                cells[cell * self.classes + group.class].add(sums, 1.0);
            }
        }
        cells.chunks(self.classes).map(|classes| self.mean(classes)).collect()
    }

    /// For every cell whether resampling its pairs can tell anything: there are three or more, and in
    /// some category, within which all is drawn, not all are of the same two photographs.
    pub(super) fn enough(&self, benchmark: &Benchmark) -> Vec<bool> {
        let mut pairs = vec![BTreeSet::new(); self.row.len()];
        let mut photographs = vec![BTreeMap::<&str, BTreeSet<_>>::new(); self.row.len()];
        for record in &self.records {
            let pair = &benchmark.pairs[record.pair];
            let both = [pair.source.min(pair.target), pair.source.max(pair.target)];
            for &cell in &self.groups[record.group].cells {
                pairs[cell].insert(record.pair);
                photographs[cell].entry(&pair.category).or_default().insert(both);
            }
        }
        let varied =
            |both: &BTreeMap<&str, BTreeSet<[usize; 2]>>| both.values().any(|set| set.len() > 1);
        pairs
            .iter()
            .zip(&photographs)
            .map(|(pairs, both)| pairs.len() > 2 && varied(both))
            .collect()
    }

    fn mean(&self, classes: &[Sums]) -> Option<f64> {
        let (mut sum, mut weights) = (0.0, 0.0);
        for class in classes.iter().filter(|class| class.of > 0.0) {
            let weight = match self.average {
                Average::CategoryByPairs => class.pairs,
                Average::Pair
                | Average::Point
                | Average::CategoryOfPairs
                | Average::Category
                | Average::KeypointIndex => 1.0,
            };
            sum += weight * class.right / class.of;
            weights += weight;
        }
        (weights > 0.0).then(|| 100.0 * sum / weights)
    }
}
