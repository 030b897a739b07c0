//! What is found of a pair, whether of its keypoints or of its masks.

use super::error::ScoreError;
use crate::benchmark::{Benchmark, Pair};
use crate::protocol::Protocol;

/// A scored pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The pair that the verdict counts for: index in [`Benchmark::pairs`].
    pub pair: usize,
    /// The pair whose predictions were judged: the same, or its mirror under a protocol that
    /// transfers from target to source.
    pub judged: usize,
    /// For every keypoint of the judged pair, whether it is right.
    pub right: Vec<bool>,
    /// How many of the keypoints have no prediction.
    pub unanswered: usize,
}

impl Verdict {
    /// The pair's PCK: the share of its keypoints that are right.
    #[must_use]
    pub fn share(&self) -> f64 {
        let right = self.right.iter().filter(|&&right| right).count();
        right as f64 / self.right.len() as f64
    }
}

/// Width and height of a pair's target photograph.
pub(super) fn target_size(
    benchmark: &Benchmark,
    pair: &Pair,
    protocol: &Protocol,
) -> Result<[u32; 2], ScoreError> {
    let image = &benchmark.images[pair.target];
    let size = image.size.filter(|size| size[0] > 0 && size[1] > 0);
    size.ok_or_else(|| ScoreError::NoSize {
        pair: pair.id.clone(),
        protocol: protocol.name,
        photograph: image.path.clone(),
    })
}
