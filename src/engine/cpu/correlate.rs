//! `correlate`: the correlation of two maps at their native resolution (namesake of
//! `shaders/correlate.wgsl`; docs/method.md, "A correlation is a sum over resolutions").

use super::simd::{Aligned, Kernel, LANES, Simd};
use super::tile::{Multiply, Panel, ROW_MARGIN, copy, padded};
use crate::hyperpixel::Group;
use crate::hyperpixel::values::View;

/// Channels summed in one chain before they are added to the result: long chains of f32 lose a
/// digit, and a block of this many stays in the cache.
const CHANNEL_BLOCK: usize = 64;

/// Source cells handled as one block: the target's block is read once for each.
const ROW_BLOCK: usize = 96;

/// A small correlation: cells of the source's map × cells of the target's, each row padded with
/// zeros to `stride`.
pub struct Correlation {
    /// Values of a row, a multiple of [`LANES`].
    pub stride: usize,
    /// rows × stride.
    pub data: Aligned,
}

impl Correlation {
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
pub struct Correlate<'a> {
    /// The source's maps.
    pub source: &'a Group,
    /// The target's maps.
    pub target: &'a Group,
}

impl Kernel for Correlate<'_> {
    type Output = Correlation;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Correlation {
        let rows = self.source.rows * self.source.columns;
        let columns = self.target.rows * self.target.columns;
        let mut total: Option<Correlation> = None;
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
        total.unwrap_or(Correlation { stride: LANES, data: Aligned::default() })
    }
}

/// Correlates the `channels` channels of two lists of cells.
#[inline(always)]
fn correlate_maps<S: Simd>(
    simd: S,
    (source, rows): (View, usize),
    (target, columns): (View, usize),
    channels: usize,
) -> Correlation {
    let stride = padded(columns, LANES);
    let mut data = Aligned::zeros((rows + ROW_MARGIN) * stride);
    let mut source_block = Vec::new();
    let mut target_block = Aligned::default();
    for first in (0..channels).step_by(CHANNEL_BLOCK) {
        let last = channels.min(first + CHANNEL_BLOCK);
        let from = target.part(first * columns..last * columns);
        copy_padded(simd, from, columns, stride, &mut target_block);
        let target = Panel { data: &target_block, stride };
        for row in (0..rows).step_by(ROW_BLOCK) {
            let height = ROW_BLOCK.min(rows - row);
            let from = source.part(first * rows..last * rows);
            copy_block(simd, from, rows, row, height, &mut source_block);
            let source = Panel { data: &source_block, stride: height + ROW_MARGIN };
            let out = &mut data[row * stride..];
            let (rows, columns, out_stride) = (height, stride, stride);
            let overwrite = first == 0;
            simd.call(Multiply { source, rows, target, columns, out, out_stride, overwrite });
        }
    }
    data.resize(rows * stride);
    Correlation { stride, data }
}

/// Copies rows of `columns` values into rows of `stride` values, padded with zeros.
#[inline(always)]
fn copy_padded<S: Simd>(simd: S, from: View, columns: usize, stride: usize, to: &mut Aligned) {
    to.resize(from.len() / columns * stride);
    for (row, to) in to.chunks_exact_mut(stride).enumerate() {
        copy(simd, from.part(row * columns..(row + 1) * columns), &mut to[..columns]);
        to[columns..].fill(0.0);
    }
}

/// Copies the cells `first..first + height` of every channel of `cells`, each row padded with zeros by
/// [`ROW_MARGIN`].
#[inline(always)]
fn copy_block<S: Simd>(
    simd: S,
    from: View,
    cells: usize,
    first: usize,
    height: usize,
    to: &mut Vec<f32>,
) {
    let stride = height + ROW_MARGIN;
    to.resize(from.len() / cells * stride, 0.0);
    for (channel, to) in to.chunks_exact_mut(stride).enumerate() {
        let at = channel * cells + first;
        copy(simd, from.part(at..at + height), &mut to[..height]);
        to[height..].fill(0.0);
    }
}
