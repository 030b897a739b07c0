//! What a pair's answer is made of: its photographs, its keypoints and sizes, and for a score its
//! truth, each as a SHA-256. Unfinished work is tied to it, so that after a photograph or an
//! annotation was mended exactly what it touches is computed again.
//!
//! The digests can be made for any part of the pairs, and hold no more of the others than those do.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::benchmark::{Benchmark, Image, Pair};
use crate::digest::{sha256, sha256_of_file};

/// Says what decides a method's view of a photograph, as a text that is another where the content is
/// another; `None` where it cannot be read.
pub type Identify = dyn Fn(&Image) -> Option<String> + Send + Sync;

/// What the answer for one pair is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The source photograph; `None` where it cannot be read.
    pub source: Option<String>,
    /// The target photograph; `None` where it cannot be read.
    pub target: Option<String>,
    /// The pair's id, its keypoints in the source and the annotated sizes, bit for bit.
    pub asked: String,
    /// The keypoints in the target, the boxes and whatever else a score depends on; none where
    /// nothing is scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<String>,
}

impl Inputs {
    /// The first thing that is not as it was, in words; `None` where all is.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<&'static str> {
        let parts = [
            ("source photograph", self.source == now.source),
            ("target photograph", self.target == now.target),
            ("keypoints in the source or annotated sizes", self.asked == now.asked),
            ("keypoints in the target, box or label", self.truth == now.truth),
        ];
        parts.into_iter().find(|(_, same)| !same).map(|(part, _)| part)
    }
}

/// What the answers for some pairs (indices in [`Benchmark::pairs`]) are made of, in their order. Each
/// photograph of theirs is asked for once. `scored` adds the truth.
#[must_use]
pub fn of_pairs(
    benchmark: &Benchmark,
    pairs: impl IntoIterator<Item = usize>,
    identify: &(impl Fn(&Image) -> Option<String> + Sync + ?Sized),
    scored: bool,
) -> Vec<Inputs> {
    let pairs: Vec<&Pair> = pairs.into_iter().map(|index| &benchmark.pairs[index]).collect();
    let mut images: Vec<usize> = pairs.iter().flat_map(|pair| [pair.source, pair.target]).collect();
    images.sort_unstable();
    images.dedup();
    let identified: HashMap<usize, Option<String>> =
        images.into_par_iter().map(|image| (image, identify(&benchmark.images[image]))).collect();
    let inputs = |pair: &&Pair| Inputs {
        source: identified[&pair.source].clone(),
        target: identified[&pair.target].clone(),
        asked: sha256(&asked(benchmark, pair)),
        truth: scored.then(|| sha256(&truth(pair))),
    };
    pairs.par_iter().map(inputs).collect()
}

/// A photograph by its content.
#[must_use]
pub fn photograph(image: &Image) -> Option<String> {
    sha256_of_file(&image.path).ok()
}

/// What a method is told of a pair beside its photographs.
fn asked(benchmark: &Benchmark, pair: &Pair) -> Vec<u8> {
    let mut bytes = Bytes::default();
    bytes.text(&pair.id);
    for image in [pair.source, pair.target] {
        bytes.numbers(benchmark.images[image].size.iter().flatten().map(|side| side.to_le_bytes()));
    }
    bytes.numbers(pair.source_keypoints.iter().flatten().map(|side| side.to_le_bytes()));
    bytes.0
}

/// What a score depends on beside the prediction.
fn truth(pair: &Pair) -> Vec<u8> {
    let mut bytes = Bytes::default();
    bytes.text(&pair.category);
    bytes.numbers(pair.target_keypoints.iter().flatten().map(|side| side.to_le_bytes()));
    for corners in [pair.source_box, pair.target_box] {
        bytes.numbers(corners.iter().flatten().map(|corner| corner.to_le_bytes()));
    }
    let labels = pair.variation.map(|of| [of.viewpoint, of.scale, of.truncation, of.occlusion]);
    bytes.numbers(labels.iter().flatten().map(|label| [*label]));
    bytes.0
}

/// Texts and lists, each behind its length, so that no two different rows are the same bytes.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn text(&mut self, text: &str) {
        self.numbers(text.bytes().map(|byte| [byte]));
    }

    fn numbers<const N: usize>(&mut self, numbers: impl Iterator<Item = [u8; N]>) {
        let start = self.0.len();
        self.0.extend([0; 8]);
        self.0.extend(numbers.flatten());
        let length = (self.0.len() - start - 8) as u64;
        self.0[start..start + 8].copy_from_slice(&length.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::benchmark::{BenchmarkKind, Variation, Visibility};

    fn benchmark() -> Benchmark {
        let pair = |id: &str, source, target| Pair {
            id: id.to_owned(),
            category: "cat".to_owned(),
            source,
            target,
            source_keypoints: vec![[1.0, 2.0], [3.0, 4.0]],
            target_keypoints: vec![[5.0, 6.0], [7.0, 8.0]],
            keypoint_ids: vec!["0".to_owned(), "1".to_owned()],
            source_box: Some([0.0, 0.0, 9.0, 9.0]),
            target_box: Some([0.0, 0.0, 9.0, 9.0]),
            variation: Some(Variation { viewpoint: 0, scale: 1, truncation: 2, occlusion: 3 }),
        };
        let image =
            |name: &str| Image { name: name.to_owned(), path: name.into(), size: Some([100, 100]) };
        Benchmark {
            kind: BenchmarkKind::Spair,
            visibility: Visibility::Unsaid,
            split: "test".to_owned(),
            images: vec![image("a"), image("b"), image("c")],
            pairs: vec![pair("ab", 0, 1), pair("ba", 1, 0), pair("bc", 1, 2)],
        }
    }

    fn names(image: &Image) -> Option<String> {
        Some(image.path.display().to_string())
    }

    #[test]
    fn each_change_is_told_by_its_name_and_no_other_pair_is_touched() {
        let before = of_pairs(&benchmark(), 0..3, &names, true);
        type Change = fn(&mut Benchmark);
        let changes: [(Change, &str); 8] = [
            (|b| b.images[2].path = "d".into(), "target photograph"),
            (|b| b.pairs[2].source_keypoints[1][0] = 3.000_000_2, "keypoints in the source"),
            (|b| b.pairs[2].source_keypoints.truncate(1), "keypoints in the source"),
            (|b| b.images[2].size = Some([100, 101]), "size"),
            (|b| b.images[2].size = None, "size"),
            (|b| b.pairs[2].target_keypoints[0][1] = -0.0, "keypoints in the target"),
            (|b| b.pairs[2].target_box = None, "box"),
            (|b| b.pairs[2].variation = None, "label"),
        ];
        for (change, said) in changes {
            let mut mended = benchmark();
            change(&mut mended);
            let now = of_pairs(&mended, 0..3, &names, true);
            assert_eq!(now[..2], before[..2], "{said}");
            let difference = before[2].difference(&now[2]).expect("a difference");
            assert!(difference.contains(said), "{difference}");
        }
    }

    #[test]
    fn the_truth_counts_for_scores_alone() {
        let mut mended = benchmark();
        mended.pairs[0].target_keypoints[0] = [0.0, 0.0];
        mended.pairs[0].target_box = None;
        let [before, now] =
            [benchmark(), mended].map(|one| of_pairs(&one, [0], &names, false).remove(0));
        assert_eq!(before.difference(&now), None);
    }

    #[test]
    fn a_part_of_the_pairs_asks_for_its_own_photographs_once_each() {
        let asked = AtomicUsize::new(0);
        let count = |image: &Image| {
            asked.fetch_add(1, Ordering::Relaxed);
            assert_ne!(image.path.display().to_string(), "c");
            names(image)
        };
        let part = of_pairs(&benchmark(), [1, 0], &count, false);
        assert_eq!(asked.into_inner(), 2);
        let whole = of_pairs(&benchmark(), 0..3, &names, false);
        assert_eq!(part, [whole[1].clone(), whole[0].clone()]);
    }

    #[test]
    fn lists_do_not_run_into_each_other() {
        let mut one = benchmark();
        let mut other = benchmark();
        one.pairs[0].source_box = Some([1.0, 2.0, 3.0, 4.0]);
        one.pairs[0].target_box = None;
        other.pairs[0].source_box = None;
        other.pairs[0].target_box = Some([1.0, 2.0, 3.0, 4.0]);
        let [one, other] = [one, other].map(|one| of_pairs(&one, [0], &names, true).remove(0));
        assert!(one.difference(&other).is_some());
    }
}
