//! `vote`: similarities of one source row with every target row, summed along diagonals (namesake of
//! `shaders/vote.wgsl`; docs/method.md, "Votes are sums along diagonals").

use std::ops::Range;
use std::time::Instant;

use super::simd::{LANES, Simd, SimdKernel};
use super::similarity::{PreparedPair, Similarities, SimilarityTile, SourceRow};
use super::tile::{CHAINS, padded};

/// Votes of one source row: for every target row, one sum an offset
/// `target column − source column + source columns − 1`. On the way the similarities of the
/// hyperpixels that `pick` will ask for are kept, so that they are computed once.
pub(super) struct Vote<'a> {
    /// The pair.
    pub pair: &'a PreparedPair<'a>,
    /// The source row, relative to the grid.
    pub row: usize,
    /// The source hyperpixels of the row whose similarities are kept: columns, relative to the grid.
    pub source_columns: &'a [usize],
    /// The same for each target row: the target hyperpixels whose similarities are kept.
    pub target_columns: &'a [Vec<usize>],
    /// target rows × [`offset_stride`].
    pub out: &'a mut [f32],
    /// Where it is computed.
    pub room: &'a mut Room,
}

/// Room that every source row reuses.
pub(super) struct Room {
    source: SourceRow,
    tile: SimilarityTile,
    similarities: Similarities,
}

impl Room {
    /// Room for the source rows of a pair.
    #[must_use]
    pub(super) fn new(pair: &PreparedPair) -> Self {
        let source = SourceRow::new(pair);
        let similarities = Similarities::new(source.count, pair.width);
        Self { source, tile: SimilarityTile::new(pair), similarities }
    }
}

/// Similarities that one source row leaves for `pick`.
#[derive(Debug, Default)]
pub(super) struct KeptSimilarities {
    /// Of the source hyperpixels asked for: target rows × hyperpixels × width.
    pub of_sources: Vec<f32>,
    /// Of the target hyperpixels asked for, target row by target row: hyperpixels × source width.
    pub of_targets: Vec<f32>,
    /// Seconds spent upsampling, and voting.
    pub seconds: [f64; 2],
}

/// Column offsets of a pair padded to a multiple of [`LANES`].
#[must_use]
pub(super) fn offset_stride(pair: &PreparedPair) -> usize {
    padded(pair.source.grid.columns.len + pair.target.grid.columns.len - 1, LANES)
}

/// Columns of the source's grid padded to a multiple of [`LANES`].
#[must_use]
pub(super) fn source_width(pair: &PreparedPair) -> usize {
    padded(pair.source.grid.columns.len, LANES)
}

impl SimdKernel for Vote<'_> {
    type Output = KeptSimilarities;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> KeptSimilarities {
        let start = Instant::now();
        let Room { source, tile, similarities } = self.room;
        source.take(simd, self.pair, self.row);
        tile.begin();
        let expanded = start.elapsed().as_secs_f64();
        let mut kept = KeptSimilarities::default();
        kept.of_sources
            .reserve(self.target_columns.len() * self.source_columns.len() * self.pair.width);
        let width = source_width(self.pair);
        let columns_start = self.pair.source.grid.columns.start;
        let lines = self.out.chunks_exact_mut(offset_stride(self.pair));
        for (target_row, (sums, columns)) in lines.zip(self.target_columns).enumerate() {
            tile.compute(simd, self.pair, source, target_row, similarities);
            sum_diagonals(simd, similarities, (columns_start, source.count), sums);
            for &column in self.source_columns {
                kept.of_sources.extend_from_slice(similarities.line(column));
            }
            let first = kept.of_targets.len();
            kept.of_targets.resize(first + columns.len() * width, 0.0);
            transpose(similarities, source.count, columns, width, &mut kept.of_targets[first..]);
        }
        kept.seconds = [expanded, start.elapsed().as_secs_f64() - expanded];
        kept
    }
}

/// `out[k * width + j]` is the similarity of source hyperpixel j with the target hyperpixel of
/// column `columns[k]`.
#[inline(always)]
pub(super) fn transpose(
    from: &Similarities,
    count: usize,
    columns: &[usize],
    width: usize,
    out: &mut [f32],
) {
    for (&column, out) in columns.iter().zip(out.chunks_exact_mut(width)) {
        let values = from.data[from.place(0) + column..].iter().step_by(from.stride);
        for (out, value) in out[..count].iter_mut().zip(values) {
            *out = *value;
        }
    }
}

/// The source columns that have offsets in a block of [`LANES`] of them, the offset of source column
/// i and target column j being `j − i + count − 1`.
#[inline(always)]
pub(super) fn lines_of_block(block: usize, count: usize, columns: usize) -> Range<usize> {
    let first = block * LANES;
    count.saturating_sub(LANES + first)..count.min((count + columns - 1).saturating_sub(first))
}

/// `sums[d] = Σ_j similarities[j][d − (columns − 1) + j]`, in [`CHAINS`] chains that are added last;
/// `first` is the column of j = 0 in its map, so that a column is in the same chain for every grid.
#[inline(always)]
pub(super) fn sum_diagonals<S: Simd>(
    simd: S,
    from: &Similarities,
    (first, columns): (usize, usize),
    sums: &mut [f32],
) {
    let width = from.stride - 2 * LANES;
    // Of a line and the next, the same offsets stand one value further on.
    let step = from.stride + 1;
    for (block, sums) in sums.chunks_exact_mut(LANES).enumerate() {
        // Whole chains: the additional lines are zeros at these offsets.
        let lines = lines_of_block(block, columns, width);
        let before = (first + lines.start) % CHAINS;
        let rounds = (before + lines.len()).div_ceil(CHAINS);
        let mut at =
            from.place(lines.start) + block * LANES + lines.start - (columns - 1) - before * step;
        let mut chains = [simd.splat(0.0); CHAINS];
        for _ in 0..rounds {
            let four = &from.data[at..][..(CHAINS - 1) * step + LANES];
            for chain in 0..CHAINS {
                chains[chain] = simd.add(chains[chain], simd.load(&four[chain * step..]));
            }
            at += CHAINS * step;
        }
        let halves = (simd.add(chains[0], chains[1]), simd.add(chains[2], chains[3]));
        simd.store(sums, simd.add(halves.0, halves.1));
    }
}
