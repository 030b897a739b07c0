//! Inverse norms of hyperpixels, once per image, from the Gram matrix of neighbouring coarse cells
//! (docs/method.md, "Norms").
//!
//! An upsampled cell is a mix of at most four coarse cells, so the square of its norm is a mix of
//! their inner products. Only products of neighbours occur: five a coarse cell, whatever the number
//! of fine cells, and independent of the number of channels once they are summed.

use super::upsample::{Tap, taps};
use super::values::ValuesView;
use super::{Grid, Group};

/// Channels summed in f32 before they are added in f64.
const CHANNEL_BLOCK: usize = 64;

/// Inner products of every coarse cell with itself and with its neighbours; a neighbour beyond the
/// border is 0 and never read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gram {
    rows: usize,
    columns: usize,
    own: Vec<f64>,
    right: Vec<f64>,
    below: Vec<f64>,
    below_right: Vec<f64>,
    below_left: Vec<f64>,
}

/// 1 / norm of every hyperpixel of `grid`, row-major; 0 where the norm is 0. The first group is the
/// base group. Squares are added map by map in layer order, so that those of a layer set are the sum
/// of its layers'.
pub(super) fn inverse_norms(grid: &Grid, groups: &[Group]) -> Vec<f32> {
    let mut squares = vec![0.0f64; grid.len()];
    for group in groups {
        let (data, cells) = (group.data.view(), group.rows * group.columns);
        let mut first = 0;
        for channels in &group.layers {
            let map = data.part(first..first + channels * cells);
            first += channels * cells;
            add(&mut squares, &Gram::new(group, map).squares(grid, &groups[0]));
        }
    }
    inverse_roots(&squares)
}

/// Adds the squares of one map.
pub(super) fn add(squares: &mut [f64], of_map: &[f64]) {
    for (sum, square) in squares.iter_mut().zip(of_map) {
        *sum += square;
    }
}

/// 1 / √square of each.
pub(super) fn inverse_roots(squares: &[f64]) -> Vec<f32> {
    squares.iter().map(|&square| inverse_root(square)).collect()
}

/// 1 / √square, 0 where the square is 0, not a number, or (by rounding) negative.
fn inverse_root(square: f64) -> f32 {
    if square > 0.0 { (1.0 / square.sqrt()) as f32 } else { 0.0 }
}

impl Gram {
    /// The products of a map that has a group's size.
    pub(super) fn new(group: &Group, map: ValuesView) -> Self {
        let columns = group.columns;
        let cells = group.rows * columns;
        let product = |shift: usize| inner_products(map, cells, shift);
        Self {
            rows: group.rows,
            columns,
            own: product(0),
            right: product(1),
            below: product(columns),
            below_right: product(columns + 1),
            below_left: product(columns - 1),
        }
    }

    /// Squared norm of the map at every hyperpixel of `grid`, whose resolution `base` sets.
    pub(super) fn squares(&self, grid: &Grid, base: &Group) -> Vec<f64> {
        let rows = taps(self.rows, base.rows, grid.rows.start, grid.rows.len);
        let columns = taps(self.columns, base.columns, grid.columns.start, grid.columns.len);
        let cells = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
        cells.map(|(row, column)| self.square(row, column)).collect()
    }

    /// Squared norm of the mix of the (up to) four coarse cells of two taps.
    fn square(&self, row: &Tap, column: &Tap) -> f64 {
        let (v, u) = (f64::from(row.weight), f64::from(column.weight));
        let weights = [(1.0 - v) * (1.0 - u), (1.0 - v) * u, v * (1.0 - u), v * u];
        let corner = |y: u32, x: u32| y as usize * self.columns + x as usize;
        let cells = [
            corner(row.first, column.first),
            corner(row.first, column.second),
            corner(row.second, column.first),
            corner(row.second, column.second),
        ];
        let across = |table: &[f64], a: usize, b: usize, first: usize| {
            let product = weights[a] * weights[b];
            if product == 0.0 { 0.0 } else { 2.0 * product * table[cells[first]] }
        };
        let own: f64 =
            weights.iter().zip(cells).map(|(weight, cell)| weight * weight * self.own[cell]).sum();
        own + across(&self.right, 0, 1, 0)
            + across(&self.right, 2, 3, 2)
            + across(&self.below, 0, 2, 0)
            + across(&self.below, 1, 3, 1)
            + across(&self.below_right, 0, 3, 0)
            + across(&self.below_left, 1, 2, 1)
    }
}

/// Inner product of every cell with the one `shift` cells further, 0 at the end of the map.
fn inner_products(map: ValuesView, cells: usize, shift: usize) -> Vec<f64> {
    let mut sums = vec![0.0f64; cells];
    let mut block = vec![0.0f32; cells];
    for first in (0..map.len()).step_by((CHANNEL_BLOCK * cells).max(1)) {
        let last = map.len().min(first + CHANNEL_BLOCK * cells);
        let channels = map.part(first..last).single();
        block.fill(0.0);
        for channel in channels.chunks_exact(cells) {
            for (sum, (a, b)) in
                block.iter_mut().zip(channel.iter().zip(&channel[shift.min(cells)..]))
            {
                *sum += a * b;
            }
        }
        for (sum, value) in sums.iter_mut().zip(&block) {
            *sum += f64::from(*value);
        }
    }
    sums
}
