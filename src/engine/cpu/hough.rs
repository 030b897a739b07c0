//! `hough`: votes summed over source rows, binned, blurred, and read back as a table over offsets
//! (namesake of `shaders/hough.wgsl`; HPF, section 3.2).

use super::similarity::PreparedPair;
use super::vote::offset_stride;
use crate::engine::hough::{BLUR_SIDE, HoughSpace, gaussian};

/// The vote map and its table over offsets.
pub struct Votes {
    /// bins_y × bins_x, before blurring.
    pub raw: Vec<f32>,
    /// bins_y × bins_x, blurred.
    pub blurred: Vec<f32>,
    /// Row offsets × `stride`: the blurred votes of each offset's bin.
    pub table: Vec<f32>,
    /// Values of a row of `table`.
    pub stride: usize,
}

/// Turns the partial sums of all source rows (source rows × target rows × offset stride) into votes.
#[must_use]
pub fn hough(pair: &PreparedPair, space: &HoughSpace, partial: &[f32]) -> Votes {
    let stride = offset_stride(pair);
    let sums = reduce(pair, partial, space.offset_rows(), stride);
    let raw = bin(space, &sums, stride);
    let blurred = blur(space, &raw);
    let table = look_back(space, &blurred, stride);
    Votes { raw, blurred, table, stride }
}

/// Adds the partial sums of equal row offset, in order of the source row.
fn reduce(pair: &PreparedPair, partial: &[f32], offset_rows: usize, stride: usize) -> Vec<f32> {
    let (source_rows, target_rows) = (pair.source.grid.rows.len, pair.target.grid.rows.len);
    let mut sums = vec![0.0f32; offset_rows * stride];
    for (source_row, lines) in partial.chunks_exact(target_rows * stride).enumerate() {
        let first = (source_rows - 1 - source_row) * stride;
        for (sum, value) in sums[first..].iter_mut().zip(lines) {
            *sum += value;
        }
    }
    sums
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
    let mut table = vec![0.0f32; space.offset_rows() * stride];
    for (line, &bin_y) in table.chunks_exact_mut(stride).zip(&space.bin_of_row_offset) {
        let votes = &blurred[bin_y as usize * space.bins_x..][..space.bins_x];
        for (value, &bin_x) in line.iter_mut().zip(&space.bin_of_column_offset) {
            *value = votes[bin_x as usize];
        }
    }
    table
}
