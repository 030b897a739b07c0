//! What a benchmark is made of: pairs per split, category and level of variation, and which way its
//! objects head.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use super::{Benchmark, BenchmarkError, BenchmarkKind, BenchmarkOptions, Counts, Headings};

/// Numbers of pairs, photographs and keypoints of a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SplitStats {
    /// The split's name.
    pub name: String,
    /// Numbers of pairs.
    pub counts: Counts,
    /// Photographs that are in a pair.
    pub photographs: usize,
    /// Keypoints, counted in each pair.
    pub keypoints: usize,
}

/// What a benchmark is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// The splits: `trn`, `val`, `test`, then others.
    pub splits: Vec<SplitStats>,
    /// Images of each category by their heading in eighths of a turn (`azimuth_id`); empty where
    /// there are no image annotations.
    pub azimuths: Headings,
}

impl Stats {
    /// All categories, in name order.
    #[must_use]
    pub fn categories(&self) -> BTreeSet<&str> {
        self.splits.iter().flat_map(|s| s.counts.category.keys()).map(String::as_str).collect()
    }

    /// The counts of all splits together.
    #[must_use]
    pub fn total(&self) -> Counts {
        let mut total = Counts::new();
        for split in &self.splits {
            total.pairs += split.counts.pairs;
            for (category, count) in &split.counts.category {
                *total.category.entry(category.clone()).or_default() += count;
            }
            for (sums, levels) in total.levels.iter_mut().zip(&split.counts.levels) {
                sums.iter_mut().zip(levels).for_each(|(sum, level)| *sum += level);
            }
        }
        total
    }
}

/// Counts the benchmark in `root`; `split_done` is told of every split that is counted.
///
/// # Errors
/// Those of [`Benchmark::open`], no split or one without pairs, and image annotations that cannot be read.
pub fn stats(
    kind: BenchmarkKind,
    root: &Path,
    mut split_done: impl FnMut(&str),
) -> Result<Stats, BenchmarkError> {
    let mut splits = Vec::new();
    for name in kind.splits_to_read(root)? {
        let options = BenchmarkOptions { split: name.clone(), ..BenchmarkOptions::default() };
        let benchmark = Benchmark::open(kind, root, &options)?;
        if benchmark.pairs.is_empty() {
            return Err(BenchmarkError::NoPairs { root: root.to_owned(), split: name });
        }
        split_done(&name);
        splits.push(SplitStats {
            name,
            counts: Counts::of(&benchmark.pairs),
            photographs: benchmark.images.len(),
            keypoints: benchmark.pairs.iter().map(|pair| pair.source_keypoints.len()).sum(),
        });
    }
    let headings = kind.info().reader.headings;
    let azimuths = headings.map(|count| count(root)).transpose()?.unwrap_or_else(Headings::new);
    Ok(Stats { splits, azimuths })
}
