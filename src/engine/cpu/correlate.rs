//! `correlate`: the correlation of two maps at their native resolution (namesake of
//! `shaders/correlate.wgsl`; DESIGN, section 5, point 1).

use super::simd::{Kernel, LANES, Simd};
use super::tile::{Multiply, Panel, ROW_MARGIN, padded};
use crate::hyperpixel::Group;

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
    pub data: Vec<f32>,
}

impl Correlation {
    /// Adds the correlation of another layer.
    pub fn add(&mut self, other: &Self) {
        for (sum, value) in self.data.iter_mut().zip(&other.data) {
            *sum += value;
        }
    }

    /// The correlation of target and source: the same products, so the same bits. `columns` is the
    /// number of the target's cells.
    #[must_use]
    pub fn transposed(&self, columns: usize) -> Self {
        let rows = self.data.len() / self.stride;
        let stride = padded(rows, LANES);
        let mut data = vec![0.0; columns * stride];
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
        let (mut source, mut target) = (&self.source.data[..], &self.target.data[..]);
        for &channels in &self.source.layers {
            let of_map = correlate_maps(simd, (source, rows), (target, columns), channels);
            source = &source[channels * rows..];
            target = &target[channels * columns..];
            match &mut total {
                Some(total) => total.add(&of_map),
                None => total = Some(of_map),
            }
        }
        total.unwrap_or(Correlation { stride: LANES, data: Vec::new() })
    }
}

/// Correlates the first `channels` channels of two lists of cells.
#[inline(always)]
fn correlate_maps<S: Simd>(
    simd: S,
    (source, rows): (&[f32], usize),
    (target, columns): (&[f32], usize),
    all_channels: usize,
) -> Correlation {
    let stride = padded(columns, LANES);
    let mut data = vec![0.0; (rows + ROW_MARGIN) * stride];
    let mut source_block = Vec::new();
    let mut target_block = Vec::new();
    for first in (0..all_channels).step_by(CHANNEL_BLOCK) {
        let channels = CHANNEL_BLOCK.min(all_channels - first);
        copy_padded(&target[first * columns..], channels, columns, stride, &mut target_block);
        let target = Panel { data: &target_block, stride };
        for row in (0..rows).step_by(ROW_BLOCK) {
            let height = ROW_BLOCK.min(rows - row);
            copy_block(&source[first * rows..], channels, rows, row, height, &mut source_block);
            let source = Panel { data: &source_block, stride: height + ROW_MARGIN };
            let out = &mut data[row * stride..];
            let (rows, columns, out_stride) = (height, stride, stride);
            simd.call(Multiply { source, rows, target, columns, out, out_stride });
        }
    }
    data.truncate(rows * stride);
    Correlation { stride, data }
}

/// Copies `channels` rows of `columns` values into rows of `stride` values, padded with zeros.
#[inline(always)]
fn copy_padded(from: &[f32], channels: usize, columns: usize, stride: usize, to: &mut Vec<f32>) {
    to.resize(channels * stride, 0.0);
    for (from, to) in from.chunks_exact(columns).zip(to.chunks_exact_mut(stride)) {
        to[..columns].copy_from_slice(from);
        to[columns..].fill(0.0);
    }
}

/// Copies the cells `first..first + height` of every channel, each row padded with zeros by
/// [`ROW_MARGIN`].
#[inline(always)]
fn copy_block(
    from: &[f32],
    channels: usize,
    cells: usize,
    first: usize,
    height: usize,
    to: &mut Vec<f32>,
) {
    let stride = height + ROW_MARGIN;
    to.resize(channels * stride, 0.0);
    for (from, to) in from.chunks_exact(cells).zip(to.chunks_exact_mut(stride)) {
        to[..height].copy_from_slice(&from[first..first + height]);
        to[height..].fill(0.0);
    }
}
