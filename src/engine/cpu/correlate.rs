//! `correlate`: the correlation of two maps at their native resolution (namesake of
//! `shaders/correlate.wgsl`; docs/method.md, "A correlation is a sum over resolutions").

use super::simd::{Aligned, LANES, Simd, SimdKernel};
use super::tile::{Multiply, Panel, ROW_MARGIN, WIDEST_COLUMNS, copy, padded};
use crate::hyperpixel::Group;
use crate::hyperpixel::values;

/// Channels summed in one chain before they are added to the result: long chains of f32 lose a
/// digit, and a block of this many stays in the cache.
const CHANNEL_BLOCK: usize = 64;

/// Source cells handled as one block: with a block of the target's cells it stays in the cache.
const ROW_BLOCK: usize = 96;

/// A small correlation: cells of the source's map × cells of the target's, each row padded with
/// zeros to `stride`.
pub struct MapCorrelation {
    /// Values of a row, a multiple of [`LANES`].
    pub stride: usize,
    /// rows × stride.
    pub data: Aligned,
}

impl MapCorrelation {
    /// Adds the correlation of another layer.
    pub fn add(&mut self, other: &Self) {
        for (sum, value) in self.data.iter_mut().zip(&other.data[..]) {
            *sum += value;
        }
    }

    /// The correlation of target and source: the same products, so the same bits. `columns` is the
    /// number of the target's cells.
    #[must_use]
    pub fn transposed(&self, columns: usize) -> Self {
        let rows = self.data.len() / self.stride;
        let stride = padded(rows, LANES);
        let mut data = Aligned::zeros(columns * stride);
        for (row, line) in self.data.chunks_exact(self.stride).enumerate() {
            for (to, &value) in data[row..].iter_mut().step_by(stride).zip(&line[..columns]) {
                *to = value;
            }
        }
        Self { stride, data }
    }
}

/// Correlates two groups: `data[s][t] = Σ_channels source[channel][s] · target[channel][t]`, one map
/// after the other, so that it is the sum of the maps' correlations.
pub(super) struct Correlate<'a> {
    /// The source's maps.
    pub source: &'a Group,
    /// The target's maps.
    pub target: &'a Group,
}

impl SimdKernel for Correlate<'_> {
    type Output = MapCorrelation;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> MapCorrelation {
        let rows = self.source.rows * self.source.columns;
        let columns = self.target.rows * self.target.columns;
        let mut total: Option<MapCorrelation> = None;
        let (source, target) = (self.source.data.view(), self.target.data.view());
        let mut first = 0;
        for &channels in &self.source.layers {
            let last = first + channels;
            let source = (source.part(first * rows..last * rows), rows);
            let target = (target.part(first * columns..last * columns), columns);
            first = last;
            let of_map = correlate_maps(simd, source, target, channels);
            match &mut total {
                Some(total) => total.add(&of_map),
                None => total = Some(of_map),
            }
        }
        total.expect("a group has a layer")
    }
}

/// Correlates the `channels` channels of two lists of cells.
#[inline(always)]
fn correlate_maps<S: Simd>(
    simd: S,
    (source, rows): (values::ValuesView, usize),
    (target, columns): (values::ValuesView, usize),
    channels: usize,
) -> MapCorrelation {
    let stride = padded(columns, LANES);
    let mut data = Aligned::zeros((rows + ROW_MARGIN) * stride);
    let mut source_blocks = CellBlocks::new(rows, ROW_BLOCK, ROW_BLOCK + ROW_MARGIN);
    let mut target_blocks = CellBlocks::new(columns, WIDEST_COLUMNS, WIDEST_COLUMNS);
    for first in (0..channels).step_by(CHANNEL_BLOCK) {
        let last = channels.min(first + CHANNEL_BLOCK);
        source_blocks.pack(simd, source.part(first * rows..last * rows));
        target_blocks.pack(simd, target.part(first * columns..last * columns));
        for column in (0..columns).step_by(WIDEST_COLUMNS) {
            let target = target_blocks.panel(column, last - first);
            let columns = WIDEST_COLUMNS.min(stride - column);
            for row in (0..rows).step_by(ROW_BLOCK) {
                let source = source_blocks.panel(row, last - first);
                simd.call(Multiply {
                    source,
                    rows: ROW_BLOCK.min(rows - row),
                    target,
                    columns,
                    out: &mut data[row * stride + column..],
                    out_stride: stride,
                    overwrite: first == 0,
                });
            }
        }
    }
    data.resize(rows * stride);
    MapCorrelation { stride, data }
}

/// Some channels of a map, cut into blocks of cells: blocks × [`CHANNEL_BLOCK`] × stride, padded with
/// zeros. What a register tile reads then lies on few pages.
struct CellBlocks {
    cells: usize,
    /// Cells of a block.
    size: usize,
    /// Values of a channel of a block.
    stride: usize,
    values: Aligned,
}

impl CellBlocks {
    /// Room for `cells` cells in blocks of `size`.
    fn new(cells: usize, size: usize, stride: usize) -> Self {
        let values = Aligned::zeros(cells.div_ceil(size) * CHANNEL_BLOCK * stride);
        Self { cells, size, stride, values }
    }

    /// Takes channels, at most [`CHANNEL_BLOCK`].
    #[inline(always)]
    fn pack<S: Simd>(&mut self, simd: S, from: values::ValuesView) {
        for channel in 0..from.len() / self.cells {
            for (block, first) in (0..self.cells).step_by(self.size).enumerate() {
                let len = self.size.min(self.cells - first);
                let at = channel * self.cells + first;
                let to = &mut self.values[(block * CHANNEL_BLOCK + channel) * self.stride..];
                copy(simd, from.part(at..at + len), &mut to[..len]);
            }
        }
    }

    /// The first channels of the block that begins with cell `first`.
    #[inline(always)]
    fn panel(&self, first: usize, channels: usize) -> Panel<'_> {
        let at = first / self.size * CHANNEL_BLOCK * self.stride;
        Panel { data: &self.values[at..][..channels * self.stride], stride: self.stride }
    }
}
