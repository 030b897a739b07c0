//! The order of work: pairs category by category, so that the photographs that are needed at a time are
//! one category's, and each pair followed by its mirror, with which it shares its similarities.

use std::collections::{HashMap, VecDeque};

use crate::benchmark::Benchmark;

/// The order in which some pairs of a benchmark are matched. Categories stand in the order of their first
/// pair, pairs of a category in the order given, but for mirrors: the pair from target to source, if
/// there is one, follows the pair from source to target.
#[must_use]
pub(crate) fn order(benchmark: &Benchmark, pairs: &[usize]) -> Vec<usize> {
    let mut categories: Vec<(&str, Vec<usize>)> = Vec::new();
    for &index in pairs {
        let category = benchmark.pairs[index].category.as_str();
        match categories.iter_mut().rev().find(|(name, _)| *name == category) {
            Some((_, members)) => members.push(index),
            None => categories.push((category, vec![index])),
        }
    }
    let members = categories.into_iter().map(|(_, members)| members);
    members.flat_map(|members| with_mirrors(benchmark, &members)).collect()
}

/// The pairs in their order, each followed by its mirror.
fn with_mirrors(benchmark: &Benchmark, pairs: &[usize]) -> Vec<usize> {
    let images = |index: usize| (benchmark.pairs[index].source, benchmark.pairs[index].target);
    let mut waiting: HashMap<(usize, usize), VecDeque<usize>> = HashMap::new();
    for &index in pairs {
        waiting.entry(images(index)).or_default().push_back(index);
    }
    let mut next = |key: (usize, usize)| waiting.get_mut(&key).and_then(VecDeque::pop_front);
    let mut ordered = Vec::with_capacity(pairs.len());
    for &index in pairs {
        let (source, target) = images(index);
        // What is not waiting any more followed its mirror.
        if let Some(pair) = next((source, target)) {
            ordered.push(pair);
            ordered.extend(next((target, source)));
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::{BenchmarkKind, Image, Pair, Visibility};

    /// A benchmark of pairs given as category, source and target.
    fn benchmark(pairs: &[(&str, usize, usize)]) -> Benchmark {
        let pair = |&(category, source, target): &(&str, usize, usize)| Pair {
            id: format!("{category}:{source}-{target}"),
            category: category.to_owned(),
            source,
            target,
            source_keypoints: Vec::new(),
            target_keypoints: Vec::new(),
            keypoint_ids: Vec::new(),
            source_box: None,
            target_box: None,
            variation: None,
        };
        let images = pairs.iter().map(|pair| pair.1.max(pair.2)).max().map_or(0, |last| last + 1);
        Benchmark {
            kind: BenchmarkKind::Spair,
            visibility: Visibility::Unsaid,
            split: "test".to_owned(),
            images: vec![Image::below("".as_ref(), "photograph".into(), None); images],
            pairs: pairs.iter().map(pair).collect(),
        }
    }

    #[test]
    fn mirrors_follow_their_pairs_within_a_category() {
        let benchmark = benchmark(&[
            ("cat", 0, 1), // 0
            ("cat", 0, 2), // 1
            ("dog", 3, 4), // 2
            ("cat", 1, 0), // 3, the mirror of 0
            ("cat", 1, 2), // 4, without a mirror
            ("cat", 0, 1), // 5, pair 0 again, without another mirror
            ("cat", 2, 0), // 6, the mirror of 1
            ("dog", 4, 3), // 7, the mirror of 2
        ]);
        let all = order(&benchmark, &[0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(all, [0, 3, 1, 6, 4, 5, 2, 7]);
        // Of a run that is resumed some pairs are done.
        assert_eq!(order(&benchmark, &[3, 4, 5, 6, 7]), [3, 5, 4, 6, 7]);
    }
}
