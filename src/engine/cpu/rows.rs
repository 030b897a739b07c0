//! The hyperpixels asked for, row by row of a grid, with the similarities that `vote` kept of them.

use super::pick::{Best, KeptRow};
use super::vote::KeptSimilarities;
use crate::engine::contract::Matches;
use crate::hyperpixel::Grid;

/// The rows of the first hyperimage that have hyperpixels asked for.
pub(super) fn forward_rows<'a>(
    width: usize,
    columns: &'a [Vec<usize>],
    kept: &'a [KeptSimilarities],
) -> Vec<KeptRow<'a>> {
    let asked = columns.iter().enumerate().filter(|(_, columns)| !columns.is_empty());
    asked
        .map(|(row, columns)| KeptRow {
            row,
            columns,
            similarities: kept[row].of_sources.chunks_exact(columns.len() * width).collect(),
        })
        .collect()
}

/// The rows of the second hyperimage that have hyperpixels asked for.
pub(super) fn backward_rows<'a>(
    width: usize,
    columns: &'a [Vec<usize>],
    kept: &'a [KeptSimilarities],
) -> Vec<KeptRow<'a>> {
    let mut first = 0;
    let mut rows = Vec::new();
    for (row, columns) in columns.iter().enumerate().filter(|(_, columns)| !columns.is_empty()) {
        let values = columns.len() * width;
        let similarities = kept.iter().map(|kept| &kept.of_targets[first..][..values]).collect();
        rows.push(KeptRow { row, columns, similarities });
        first += values;
    }
    rows
}

/// The columns of hyperpixels asked for, for every row of the source's grid.
pub(super) fn columns_by_row(grid: &Grid, hyperpixels: &[u32]) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); grid.rows.len];
    for &hyperpixel in hyperpixels {
        let hyperpixel = hyperpixel as usize;
        rows[hyperpixel / grid.columns.len].push(hyperpixel % grid.columns.len);
    }
    rows
}

/// The similarities of kept hyperpixels, one after the other over all targets.
pub(super) fn similarity_rows(target: &Grid, width: usize, kept: &[KeptRow]) -> Vec<f32> {
    let lines = kept.iter().flat_map(|kept| {
        let rows = move |at: usize| kept.similarities.iter().map(move |row| &row[at * width..]);
        (0..kept.columns.len()).flat_map(rows)
    });
    lines.flat_map(|line| &line[..target.columns.len]).copied().collect()
}

/// The best targets as an engine gives them.
pub(super) fn matches(best: &[Best]) -> Matches {
    Matches {
        best: best.iter().map(|best| best.target).collect(),
        confidence: best.iter().map(|best| best.confidence.max(0.0)).collect(),
    }
}
