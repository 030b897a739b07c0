//! PCK of all pairs, of every category and of every level: one row of the paper's tables 3 and 4.

use std::collections::BTreeMap;

use super::{Average, Factor, Protocol, Unanswered, Verdict};
use crate::benchmark::{Benchmark, Variation};

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

/// Breaks verdicts down.
#[must_use]
pub fn breakdown(benchmark: &Benchmark, verdicts: &[Verdict], protocol: &Protocol) -> Breakdown {
    let counted = counted(verdicts, protocol);
    let average = |keep: &dyn Fn(&Verdict) -> bool| {
        let kept: Vec<&Verdict> = counted.iter().copied().filter(|one| keep(one)).collect();
        average(benchmark, &kept, protocol.average)
    };
    let mut categories: Vec<&str> =
        benchmark.pairs.iter().map(|pair| pair.category.as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    let labelled = benchmark.pairs.iter().any(|pair| pair.variation.is_some());
    let levels = |keep: &dyn Fn(Factor, Variation) -> bool| {
        Factor::ALL.map(|factor| {
            let level = |level| {
                average(&|one| {
                    let variation = benchmark.pairs[one.pair].variation;
                    variation.is_some_and(|variation| {
                        factor.level(variation) == level && keep(factor, variation)
                    })
                })
            };
            (0..factor.levels().len()).map(level).collect()
        })
    };
    Breakdown {
        all: average(&|_| true),
        category: categories
            .into_iter()
            .map(|category| {
                let pck = average(&|one| benchmark.pairs[one.pair].category == category);
                (category.to_owned(), pck)
            })
            .collect(),
        factors: labelled.then(|| levels(&|_, _| true)),
        controlled: labelled.then(|| levels(&others_easiest)),
    }
}

/// Whether the factors other than this one are at their first level: easy, easy, none, none.
fn others_easiest(factor: Factor, variation: Variation) -> bool {
    Factor::ALL.iter().all(|&other| other == factor || other.level(variation) == 0)
}

/// The verdicts that a protocol's means count.
#[must_use]
pub fn counted<'a>(verdicts: &'a [Verdict], protocol: &Protocol) -> Vec<&'a Verdict> {
    let drops = protocol.unanswered == Unanswered::PairDropped;
    verdicts.iter().filter(|one| !(drops && one.unanswered == one.right.len())).collect()
}

/// The mean of some verdicts, in percent, in f64 and in the order given. `None` without verdicts.
#[must_use]
pub fn average(benchmark: &Benchmark, verdicts: &[&Verdict], average: Average) -> Option<f64> {
    let share = match average {
        Average::Pair => mean(verdicts.iter().map(|one| (one.share(), 1.0))),
        Average::Point => mean(
            verdicts
                .iter()
                .flat_map(|one| &one.right)
                .map(|&right| (f64::from(u8::from(right)), 1.0)),
        ),
        Average::Category => by_category(benchmark, verdicts, |_| 1.0),
        Average::CategoryByPairs => by_category(benchmark, verdicts, |pairs| pairs as f64),
        Average::KeypointIndex => by_keypoint_index(benchmark, verdicts),
    };
    share.map(|share| share * 100.0)
}

fn by_category(
    benchmark: &Benchmark,
    verdicts: &[&Verdict],
    weight: impl Fn(usize) -> f64,
) -> Option<f64> {
    let mut categories: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
    for one in verdicts {
        let category = benchmark.pairs[one.pair].category.as_str();
        categories.entry(category).or_default().push(one);
    }
    mean(categories.values().map(|verdicts| {
        let right = verdicts.iter().flat_map(|one| &one.right).filter(|&&right| right).count();
        let all: usize = verdicts.iter().map(|one| one.right.len()).sum();
        (right as f64 / all as f64, weight(verdicts.len()))
    }))
}

fn by_keypoint_index(benchmark: &Benchmark, verdicts: &[&Verdict]) -> Option<f64> {
    let mut indices: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    for one in verdicts {
        for (index, &right) in benchmark.pairs[one.judged].keypoint_ids.iter().zip(&one.right) {
            let counts = indices.entry(index).or_default();
            counts[0] += f64::from(u8::from(right));
            counts[1] += 1.0;
        }
    }
    mean(indices.values().map(|[right, all]| (right / all, 1.0)))
}

/// The weighted mean of (value, weight).
fn mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let [sum, weights] = values.fold([0.0, 0.0], |[sum, weights], (value, weight)| {
        [sum + value * weight, weights + weight]
    });
    (weights > 0.0).then(|| sum / weights)
}
