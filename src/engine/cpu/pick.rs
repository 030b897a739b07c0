//! `pick`: for some hyperpixels of one source row, the target hyperpixel of highest confidence
//! (namesake of `shaders/pick.wgsl`; HPF, section 3.2, and docs/method.md, "Only the rows asked for").

use super::hough::Votes;
use super::simd::{Kernel, LANES, Simd};
use crate::hyperpixel::Grid;

/// The best target of some hyperpixels of one source row.
pub struct Pick<'a> {
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
pub struct KeptRow<'a> {
    /// The source row, relative to the grid.
    pub row: usize,
    /// Columns of the hyperpixels, relative to the grid, ascending.
    pub columns: &'a [usize],
    /// For each target row the similarities: hyperpixels × width.
    pub similarities: Vec<&'a [f32]>,
}

/// The best target hyperpixel so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// Its index, row-major over the target's grid.
    pub target: u32,
    /// Similarity times blurred votes.
    pub confidence: f32,
}

impl Kernel for Pick<'_> {
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
                let line = &line[..target_grid.columns.len];
                let votes = &table[source_grid.columns.len - 1 - column..][..line.len()];
                if let Some(found) = better(simd, line, votes, best.confidence, &mut confidences) {
                    *best = Best {
                        target: (first + found) as u32,
                        confidence: line[found] * votes[found],
                    };
                }
            }
        }
        best
    }
}

/// The first target whose confidence is the highest of the row, if that is above `bar`.
#[inline(always)]
fn better<S: Simd>(
    simd: S,
    similarities: &[f32],
    votes: &[f32],
    bar: f32,
    confidences: &mut [f32],
) -> Option<usize> {
    let confidences = &mut confidences[..similarities.len()];
    let mut highest = simd.splat(bar);
    let whole = similarities.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        let confidence = simd.mul(simd.load(&similarities[at..]), simd.load(&votes[at..]));
        simd.store(&mut confidences[at..], confidence);
        highest = simd.max(confidence, highest);
    }
    let mut lanes = [0.0; LANES];
    simd.store(&mut lanes, highest);
    for at in whole..similarities.len() {
        confidences[at] = similarities[at] * votes[at];
    }
    let highest =
        lanes.iter().chain(&confidences[whole..]).fold(bar, |a, &b| if b > a { b } else { a });
    if highest > bar { confidences.iter().position(|&value| value == highest) } else { None }
}
