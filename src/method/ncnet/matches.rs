//! From a filtered correlation to points: the best cell of A for every cell of B, and the points of
//! B carried along (NC-Net, section 3.4; the published evaluation code).
//!
//! Positions are from -1 to 1 on both axes; -1 is the middle of the first cell, 1 of the last.

use crate::Point;
use crate::engine::consensus::Correlation4d;

/// For every cell of B the cell of A that it matches.
#[derive(Debug, Clone, PartialEq)]
pub struct CellMatches {
    /// Rows and columns of A's grid.
    pub a: [usize; 2],
    /// Rows and columns of B's grid.
    pub b: [usize; 2],
    /// Index of A's cell, row-major, for every cell of B, row-major.
    pub cells: Vec<usize>,
    /// The correlation of the two.
    pub values: Vec<f32>,
}

impl CellMatches {
    /// The cell of A of highest correlation for every cell of B, the first on ties.
    #[must_use]
    pub fn of(correlation: &Correlation4d) -> Self {
        let columns = correlation.cells_b();
        let mut rows = correlation.data.chunks_exact(columns);
        let first = rows.next().expect("an engine filters correlations with cells on both sides");
        let mut values = first.to_vec();
        let mut cells = vec![0; columns];
        for (row, candidates) in rows.enumerate() {
            for ((value, cell), &candidate) in values.iter_mut().zip(&mut cells).zip(candidates) {
                if candidate > *value {
                    (*value, *cell) = (candidate, row + 1);
                }
            }
        }
        Self { a: correlation.a, b: correlation.b, cells, values }
    }

    /// The softmax of each match over all cells of A, as the published code scores it.
    #[must_use]
    pub(crate) fn scores(&self, correlation: &Correlation4d) -> Vec<f32> {
        let mut sums = vec![0.0; self.values.len()];
        for row in correlation.data.chunks_exact(self.values.len()) {
            for ((sum, &value), &best) in sums.iter_mut().zip(row).zip(&self.values) {
                *sum += (value - best).exp();
            }
        }
        sums.iter().map(|sum| 1.0 / sum).collect()
    }

    /// Where a point of B is in A, both from -1 to 1: see [`interpolate`].
    #[must_use]
    pub fn transfer(&self, point: Point) -> Point {
        interpolate(self.b, |cell| self.position(self.cells[cell]), point)
    }

    /// Where a cell of A is.
    fn position(&self, cell: usize) -> Point {
        [middle(self.a[1], cell % self.a[1]), middle(self.a[0], cell / self.a[1])]
    }
}

/// The mean of what the four cells of B around a point match, weighted bilinearly: `matched` gives it
/// for a cell of a grid of `b` rows and columns, row-major. A point outside the outermost middles of
/// cells is first clamped to them, where published code blends two cells the wrong way round at one
/// side and reads the next row or fails at the other.
#[must_use]
pub fn interpolate(b: [usize; 2], matched: impl Fn(usize) -> Point, point: Point) -> Point {
    let (mut sum, mut total) = ([0.0; 2], 0.0);
    for (row, weight_y) in corners(b[0], point[1]) {
        for (column, weight_x) in corners(b[1], point[0]) {
            let weight = weight_x * weight_y;
            let position = matched(row * b[1] + column);
            sum = [0, 1].map(|axis| sum[axis] + weight * position[axis]);
            total += weight;
        }
    }
    sum.map(|sum| sum / total)
}

/// Middle of cell `index` of `count` along an axis, from -1 to 1; of a single cell -1.
fn middle(count: usize, index: usize) -> f32 {
    if count < 2 {
        return -1.0;
    }
    let step = 2.0 / (count - 1) as f32;
    // As `linspace` has it: counted from the nearer end, so that both ends are exact.
    match index < count / 2 {
        true => -1.0 + step * index as f32,
        false => 1.0 - step * (count - 1 - index) as f32,
    }
}

/// The two cells of an axis beside a position, each with its weight: the distance to the other one.
fn corners(count: usize, position: f32) -> [(usize, f32); 2] {
    if count < 2 {
        return [(0, 1.0), (0, 0.0)];
    }
    let position = position.clamp(-1.0, 1.0);
    let below = (0..count).filter(|&index| middle(count, index) < position).count();
    let first = below.saturating_sub(1).min(count - 2);
    let distance = |index| (position - middle(count, index)).abs();
    [(first, distance(first + 1)), (first + 1, distance(first))]
}
