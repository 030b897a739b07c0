//! `vote`: similarities of one source row with every target row, summed along diagonals (namesake of
//! `shaders/vote.wgsl`; docs/method.md, "Votes are sums along diagonals").

use std::ops::Range;

use super::simd::{Kernel, LANES, Simd};
use super::similarity::{PreparedPair, Similarities, SourceRow, Tile};
use super::tile::padded;

/// Votes of one source row: for every target row, one sum an offset
/// `target column − source column + source columns − 1`. On the way the similarities of the
/// hyperpixels that `pick` will ask for are kept, so that they are computed once.
pub struct Vote<'a> {
    /// The pair.
    pub pair: &'a PreparedPair<'a>,
    /// The source row, relative to the grid.
    pub row: usize,
    /// The source hyperpixels of the row whose similarities are kept: columns, relative to the grid.
    pub source_columns: &'a [usize],
    /// For each target row the target hyperpixels whose similarities are kept, likewise.
    pub target_columns: &'a [Vec<usize>],
    /// target rows × [`offset_stride`].
    pub out: &'a mut [f32],
}

/// Similarities that one source row leaves for `pick`.
#[derive(Debug, Default)]
pub struct Kept {
    /// Of the source hyperpixels asked for: target rows × hyperpixels × width.
    pub of_sources: Vec<f32>,
    /// Of the target hyperpixels asked for, target row by target row: hyperpixels × source width.
    pub of_targets: Vec<f32>,
}

/// Column offsets of a pair padded to a multiple of [`LANES`].
#[must_use]
pub fn offset_stride(pair: &PreparedPair) -> usize {
    padded(pair.source.grid.columns.len + pair.target.grid.columns.len - 1, LANES)
}

/// Columns of the source's grid padded to a multiple of [`LANES`].
#[must_use]
pub fn source_width(pair: &PreparedPair) -> usize {
    padded(pair.source.grid.columns.len, LANES)
}

impl Kernel for Vote<'_> {
    type Output = Kept;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Kept {
        let source = SourceRow::new(simd, self.pair, self.row);
        let mut similarities = Similarities::new(source.count, self.pair.width);
        let mut tile = Tile::new(source.count, self.pair);
        let mut kept = Kept::default();
        kept.of_sources
            .reserve(self.target_columns.len() * self.source_columns.len() * self.pair.width);
        let width = source_width(self.pair);
        let columns_start = self.pair.source.grid.columns.start;
        let lines = self.out.chunks_exact_mut(offset_stride(self.pair));
        for (target_row, (sums, columns)) in lines.zip(self.target_columns).enumerate() {
            tile.compute(simd, self.pair, &source, target_row, &mut similarities);
            sum_diagonals(simd, &similarities, (columns_start, source.count), sums);
            for &column in self.source_columns {
                kept.of_sources.extend_from_slice(similarities.line(column));
            }
            let first = kept.of_targets.len();
            kept.of_targets.resize(first + columns.len() * width, 0.0);
            transpose(&similarities, source.count, columns, width, &mut kept.of_targets[first..]);
        }
        kept
    }
}

/// `out[k * width + j]` is the similarity of source hyperpixel j with the target hyperpixel of
/// column `columns[k]`.
#[inline(always)]
pub fn transpose(
    from: &Similarities,
    count: usize,
    columns: &[usize],
    width: usize,
    out: &mut [f32],
) {
    for index in 0..count {
        let line = from.line(index);
        for (at, &column) in columns.iter().enumerate() {
            out[at * width + index] = line[column];
        }
    }
}

/// Chains that similarities of one offset are summed in: one for every so manieth source column.
pub const CHAINS: usize = 4;

/// The source columns that have offsets in a block of [`LANES`] of them, the offset of source column
/// i and target column j being `j − i + count − 1`.
#[inline(always)]
pub fn lines_of_block(block: usize, count: usize, columns: usize) -> Range<usize> {
    let first = block * LANES;
    count.saturating_sub(LANES + first)..count.min((count + columns - 1).saturating_sub(first))
}

/// `sums[d] = Σ_j similarities[j][d − (columns − 1) + j]`, in [`CHAINS`] chains that are added last;
/// `first` is the column of j = 0 in its map, so that a column is in one chain whatever the grid.
#[inline(always)]
pub fn sum_diagonals<S: Simd>(
    simd: S,
    from: &Similarities,
    (first, columns): (usize, usize),
    sums: &mut [f32],
) {
    let width = from.stride - 2 * LANES;
    for (block, sums) in sums.chunks_exact_mut(LANES).enumerate() {
        let lines = lines_of_block(block, columns, width);
        let at = |line: usize| line * from.stride + (block + 1) * LANES + line - (columns - 1);
        let mut chains = [simd.splat(0.0); CHAINS];
        let mut line = lines.start;
        while line < lines.end && !(first + line).is_multiple_of(CHAINS) {
            let chain = &mut chains[(first + line) % CHAINS];
            *chain = simd.add(*chain, simd.load(&from.data[at(line)..]));
            line += 1;
        }
        while line + CHAINS <= lines.end {
            let four = &from.data[at(line)..][..(CHAINS - 1) * (from.stride + 1) + LANES];
            for (step, chain) in chains.iter_mut().enumerate() {
                *chain = simd.add(*chain, simd.load(&four[step * (from.stride + 1)..]));
            }
            line += CHAINS;
        }
        for (chain, line) in chains.iter_mut().zip(line..lines.end) {
            *chain = simd.add(*chain, simd.load(&from.data[at(line)..]));
        }
        let halves = (simd.add(chains[0], chains[1]), simd.add(chains[2], chains[3]));
        simd.store(sums, simd.add(halves.0, halves.1));
    }
}
