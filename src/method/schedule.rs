//! The order of work: pairs category by category, each photograph prepared just before its first
//! pair and dropped after its last, so that the working set is one category's photographs.

use crate::benchmark::Benchmark;

/// When each pair is matched and each photograph is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Indices of the pairs, in the order of matching.
    pub pairs: Vec<usize>,
    /// Indices of the photographs, in the order of first use.
    pub images: Vec<usize>,
    /// For each photograph of the benchmark, the position in `pairs` of its last use; `None` where no
    /// pair uses it.
    pub last_use: Vec<Option<usize>>,
}

impl Schedule {
    /// The schedule of some pairs of a benchmark. Categories stand in the order of their first pair,
    /// pairs of a category in the order given.
    #[must_use]
    pub fn new(benchmark: &Benchmark, pairs: &[usize]) -> Self {
        let mut categories: Vec<(&str, Vec<usize>)> = Vec::new();
        for &index in pairs {
            let category = benchmark.pairs[index].category.as_str();
            match categories.iter_mut().rev().find(|(name, _)| *name == category) {
                Some((_, members)) => members.push(index),
                None => categories.push((category, vec![index])),
            }
        }
        let pairs: Vec<usize> = categories.into_iter().flat_map(|(_, members)| members).collect();
        let mut last_use = vec![None; benchmark.images.len()];
        let mut images = Vec::new();
        for (position, &index) in pairs.iter().enumerate() {
            let pair = &benchmark.pairs[index];
            for image in [pair.source, pair.target] {
                if last_use[image].replace(position).is_none() {
                    images.push(image);
                }
            }
        }
        Self { pairs, images, last_use }
    }
}
