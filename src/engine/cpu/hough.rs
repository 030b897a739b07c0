//! `hough`: votes summed over source rows, binned, blurred, and read back as a table over offsets
//! (namesake of `shaders/hough.wgsl`; HPF, section 3.2).

use super::simd::LANES;
use super::similarity::PreparedPair;
use super::vote::offset_stride;
use crate::engine::hough::{BLUR_SIDE, HoughSpace, gaussian};

/// The vote map and its table over offsets.
#[derive(Default)]
pub(super) struct Votes {
    /// bins_y × bins_x, before blurring.
    pub raw: Vec<f32>,
    /// bins_y × bins_x, blurred.
    pub blurred: Vec<f32>,
    /// Row offsets × `stride`: the blurred votes of each offset's bin; then [`LANES`] zeros, so that
    /// any column can be read with whole vectors.
    pub table: Vec<f32>,
    /// Values of a row of `table`.
    pub stride: usize,
}

/// Turns sums over offsets (row offsets × stride) into votes.
#[must_use]
pub(super) fn hough(space: &HoughSpace, sums: &[f32], stride: usize) -> Votes {
    let raw = bin(space, sums, stride);
    let blurred = blur(space, &raw);
    let table = look_back(space, &blurred, stride);
    Votes { raw, blurred, table, stride }
}

/// Adds the partial sums of all source rows (source rows × target rows × offset stride) of equal row
/// offset, in order of the source row: row offsets × offset stride.
#[must_use]
pub(super) fn reduce(pair: &PreparedPair, partial: &[f32]) -> Vec<f32> {
    let stride = offset_stride(pair);
    let (source_rows, target_rows) = (pair.source.grid.rows.len, pair.target.grid.rows.len);
    let mut sums = vec![0.0f32; (source_rows + target_rows - 1) * stride];
    for (source_row, lines) in partial.chunks_exact(target_rows * stride).enumerate() {
        let first = (source_rows - 1 - source_row) * stride;
        for (sum, value) in sums[first..].iter_mut().zip(lines) {
            *sum += value;
        }
    }
    sums
}

/// The sums of the mirrored pair: those of the opposite offsets. `columns` is the number of column
/// offsets, which `stride` pads.
#[must_use]
pub(super) fn mirrored(sums: &[f32], columns: usize, stride: usize) -> Vec<f32> {
    let mut mirrored = vec![0.0f32; sums.len()];
    let lines = sums.chunks_exact(stride).rev().zip(mirrored.chunks_exact_mut(stride));
    for (from, to) in lines {
        let values = from[..columns].iter().rev();
        to.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
    }
    mirrored
}

/// Adds the sums of all offsets that fall into one bin, row by row.
fn bin(space: &HoughSpace, sums: &[f32], stride: usize) -> Vec<f32> {
    let mut votes = vec![0.0f32; space.bins_x * space.bins_y];
    for (line, &bin_y) in sums.chunks_exact(stride).zip(&space.bin_of_row_offset) {
        let votes = &mut votes[bin_y as usize * space.bins_x..][..space.bins_x];
        for (sum, &bin_x) in line.iter().zip(&space.bin_of_column_offset) {
            votes[bin_x as usize] += sum;
        }
    }
    votes
}

/// Convolves the vote map with the Gaussian, zeros outside.
fn blur(space: &HoughSpace, votes: &[f32]) -> Vec<f32> {
    let (weights, reach) = (gaussian(), BLUR_SIDE / 2);
    let padded_width = space.bins_x + 2 * reach;
    let mut padded = vec![0.0f32; padded_width * (space.bins_y + 2 * reach)];
    for (row, line) in votes.chunks_exact(space.bins_x).enumerate() {
        padded[(row + reach) * padded_width + reach..][..space.bins_x].copy_from_slice(line);
    }
    let mut blurred = vec![0.0f32; votes.len()];
    for (row, out) in blurred.chunks_exact_mut(space.bins_x).enumerate() {
        for (tap, weight) in weights.iter().enumerate() {
            let first = (row + tap / BLUR_SIDE) * padded_width + tap % BLUR_SIDE;
            for (out, vote) in out.iter_mut().zip(&padded[first..]) {
                *out += weight * vote;
            }
        }
    }
    blurred
}

/// The blurred votes of every offset's bin.
fn look_back(space: &HoughSpace, blurred: &[f32], stride: usize) -> Vec<f32> {
    let mut table = vec![0.0f32; space.offset_rows() * stride + LANES];
    for (line, &bin_y) in table.chunks_exact_mut(stride).zip(&space.bin_of_row_offset) {
        let votes = &blurred[bin_y as usize * space.bins_x..][..space.bins_x];
        for (value, &bin_x) in line.iter_mut().zip(&space.bin_of_column_offset) {
            *value = votes[bin_x as usize];
        }
    }
    table
}
