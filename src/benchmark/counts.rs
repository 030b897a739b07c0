//! How many pairs a split has, in all, per category and per level of the variation factors, and
//! how many SPair-71k has according to its paper (arXiv 1908.10543, tables 1 and 2).

use std::collections::BTreeMap;

use serde::Serialize;

use super::pair::Pair;
use super::published::{pairs_by_category, pairs_by_level};
use super::variation::{Factor, Variation};

/// Numbers of pairs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// All pairs.
    pub pairs: usize,
    /// Pairs of each category, by its name in annotations.
    pub category: BTreeMap<String, usize>,
    /// Pairs of each level (see [`Factor::levels`]), in the order of [`Factor::ALL`]; zeros where
    /// pairs have no such labels.
    pub levels: [Vec<usize>; 4],
}

impl Counts {
    /// No pairs.
    #[must_use]
    pub fn new() -> Self {
        let levels = Factor::ALL.map(|factor| vec![0; factor.levels().len()]);
        Self { levels, ..Self::default() }
    }

    /// Counts these pairs.
    #[must_use]
    pub fn of(pairs: &[Pair]) -> Self {
        let mut counts = Self::new();
        for pair in pairs {
            counts.add(&pair.category, pair.variation);
        }
        counts
    }

    /// Counts one pair more.
    pub fn add(&mut self, category: &str, variation: Option<Variation>) {
        self.pairs += 1;
        *self.category.entry(category.to_owned()).or_default() += 1;
        let Some(variation) = variation else { return };
        for (factor, levels) in Factor::ALL.into_iter().zip(&mut self.levels) {
            if let Some(level) = levels.get_mut(factor.level(variation)) {
                *level += 1;
            }
        }
    }

    /// What SPair-71k's paper says of this split (`trn`, `val`, `test`).
    #[must_use]
    pub fn published(split: &str) -> Option<Self> {
        let category: BTreeMap<String, usize> = pairs_by_category(split).into_iter().collect();
        if category.is_empty() {
            return None;
        }
        let mut counts = Self { pairs: category.values().sum(), category, ..Self::new() };
        let mut numbers = pairs_by_level(split).into_iter().map(|(_, pairs)| pairs);
        for level in counts.levels.iter_mut().flatten() {
            *level = numbers.next().expect("table 1 has every level");
        }
        Some(counts)
    }

    /// Where these counts are not the published ones: a sentence each.
    #[must_use]
    pub fn differences(&self, published: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: String, here: usize, there: usize| {
            if here != there {
                differences.push(format!("{here} {what}, the paper has {there}"));
            }
        };
        compare("pairs".to_owned(), self.pairs, published.pairs);
        let mut categories: Vec<&String> =
            self.category.keys().chain(published.category.keys()).collect();
        categories.sort();
        categories.dedup();
        for name in categories {
            let count = |counts: &Self| counts.category.get(name).copied().unwrap_or(0);
            compare(format!("pairs of {name}"), count(self), count(published));
        }
        for (index, factor) in Factor::ALL.into_iter().enumerate() {
            for (level, name) in factor.levels().iter().enumerate() {
                let what = format!("pairs of {} {name}", factor.name());
                compare(what, self.levels[index][level], published.levels[index][level]);
            }
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Totals of the paper: 53,340 + 5,384 + 12,234 = 70,958.
    #[test]
    fn published_tables_agree_with_each_other() {
        for (split, pairs) in [("trn", 53_340), ("val", 5384), ("test", 12_234)] {
            let counts = Counts::published(split).unwrap();
            assert_eq!(counts.pairs, pairs);
            assert_eq!(counts.category.len(), 18);
            assert_eq!(counts.category.values().sum::<usize>(), pairs, "{split}");
            for levels in &counts.levels {
                assert_eq!(levels.iter().sum::<usize>(), pairs, "{split} {levels:?}");
            }
        }
        let test = Counts::published("test").unwrap();
        assert_eq!((test.category["pottedplant"], test.category["tvmonitor"]), (862, 692));
        assert_eq!(test.levels[2], [7050, 2166, 2166, 852]);
        assert_eq!(Counts::published("train"), None);
    }

    #[test]
    fn each_difference_is_named() {
        let published = Counts::published("val").unwrap();
        assert!(published.differences(&published).is_empty());
        let mut counts = published.clone();
        counts.category.insert("cup".to_owned(), 3);
        counts.category.remove("cat");
        counts.levels[3][1] += 1;
        assert_eq!(
            counts.differences(&published),
            [
                "0 pairs of cat, the paper has 272",
                "3 pairs of cup, the paper has 0",
                "723 pairs of occlusion source, the paper has 722"
            ]
        );
    }
}
