//! `pick`: for some hyperpixels of one source row, the target hyperpixel of highest confidence
//! (namesake of `shaders/pick.wgsl`; HPF, section 3.2, and docs/method.md, "Only the rows asked for").

use super::hough::Votes;
use super::simd::{LANES, Simd, SimdKernel};
use crate::hyperpixel::Grid;

/// The best target of some hyperpixels of one source row.
pub(super) struct Pick<'a> {
    /// The grids of source and target.
    pub grids: [&'a Grid; 2],
    /// Values of a line of similarities: the target's columns, padded.
    pub width: usize,
    /// The votes of the pair.
    pub votes: &'a Votes,
    /// The hyperpixels, and what `vote` kept of them.
    pub kept: &'a KeptRow<'a>,
}

/// Some hyperpixels of one source row with their similarities.
pub(super) struct KeptRow<'a> {
    /// The source row, relative to the grid.
    pub row: usize,
    /// Columns of the hyperpixels, relative to the grid, ascending.
    pub columns: &'a [usize],
    /// For each target row the similarities: hyperpixels × width.
    pub similarities: Vec<&'a [f32]>,
}

/// The best target hyperpixel so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Best {
    /// Its index, row-major over the target's grid.
    pub target: u32,
    /// Similarity times blurred votes.
    pub confidence: f32,
}

impl SimdKernel for Pick<'_> {
    type Output = Vec<Best>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<Best> {
        let Self { grids: [source_grid, target_grid], width, votes, kept } = self;
        // Below every confidence, so that the first target is taken even where all are zero.
        let mut best = vec![Best { target: 0, confidence: -1.0 }; kept.columns.len()];
        let mut confidences = vec![0.0; width];
        for (target_row, lines) in kept.similarities.iter().enumerate() {
            let offset = target_row + source_grid.rows.len - 1 - kept.row;
            let table = &votes.table[offset * votes.stride..];
            let first = target_row * target_grid.columns.len;
            let lines = lines.chunks_exact(width).zip(kept.columns);
            for ((line, &column), best) in lines.zip(&mut best) {
                let votes = &table[source_grid.columns.len - 1 - column..][..width];
                if let Some(found) = better(simd, line, votes, best.confidence, &mut confidences) {
                    let confidence = confidences[found];
                    *best = Best { target: (first + found) as u32, confidence };
                }
            }
        }
        best
    }
}

/// The first target whose confidence is the highest of the row, if that is above `bar`. Where the row
/// is padded its similarities are zeros; no similarity is negative or not a number, so a target that is
/// at least as good stands before them.
#[inline(always)]
fn better<S: Simd>(
    simd: S,
    similarities: &[f32],
    votes: &[f32],
    bar: f32,
    confidences: &mut [f32],
) -> Option<usize> {
    let mut highest = simd.splat(bar);
    let lines = similarities.chunks_exact(LANES).zip(votes.chunks_exact(LANES));
    for ((similarities, votes), to) in lines.zip(confidences.chunks_exact_mut(LANES)) {
        let confidence = simd.mul(simd.load(similarities), simd.load(votes));
        simd.store(to, confidence);
        highest = simd.max(confidence, highest);
    }
    let mut lanes = [0.0; LANES];
    simd.store(&mut lanes, highest);
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            let other = lanes[lane + half];
            lanes[lane] = if other > lanes[lane] { other } else { lanes[lane] };
        }
        half /= 2;
    }
    let highest = lanes[0];
    if highest > bar { confidences.iter().position(|&value| value == highest) } else { None }
}
