//! `correlate`: the correlation of two maps at their native resolution (namesake of
//! `shaders/correlate.wgsl`; DESIGN, section 5, point 1).

use super::simd::{Kernel, LANES, Simd};
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
    pub data: Vec<f32>,
}

/// Correlates two groups: `data[s][t] = Σ_channels source[channel][s] · target[channel][t]`.
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
        let stride = padded(columns, LANES);
        let mut data = vec![0.0; (rows + ROW_MARGIN) * stride];
        let mut source_block = Vec::new();
        let mut target_block = Vec::new();
        for first in (0..self.source.channels).step_by(CHANNEL_BLOCK) {
            let channels = CHANNEL_BLOCK.min(self.source.channels - first);
            let all = first * columns..(first + channels) * columns;
            let from = self.target.data.view().part(all);
            copy_padded(simd, from, columns, stride, &mut target_block);
            let target = Panel { data: &target_block, stride };
            for row in (0..rows).step_by(ROW_BLOCK) {
                let height = ROW_BLOCK.min(rows - row);
                let from = self.source.data.view().part(first * rows..(first + channels) * rows);
                copy_block(simd, from, rows, row, height, &mut source_block);
                let source = Panel { data: &source_block, stride: height + ROW_MARGIN };
                let out = &mut data[row * stride..];
                let (rows, columns, out_stride) = (height, stride, stride);
                simd.call(Multiply { source, rows, target, columns, out, out_stride });
            }
        }
        data.truncate(rows * stride);
        Correlation { stride, data }
    }
}

/// Copies rows of `columns` values into rows of `stride` values, padded with zeros.
#[inline(always)]
fn copy_padded<S: Simd>(simd: S, from: View, columns: usize, stride: usize, to: &mut Vec<f32>) {
    to.resize(from.len() / columns * stride, 0.0);
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
