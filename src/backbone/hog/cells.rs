//! Normalised histograms of the cells that windows are made of.

use super::gradients::{Gradients, ORIENTATIONS};

/// Resized pixels between neighbouring windows.
pub(super) const JUMP: usize = 8;

/// Cells along each side of a window.
pub(super) const WINDOW: usize = 5;

/// Where a normalised entry is cut off, so that one strong edge does not decide a cell alone.
const TRUNCATION: f32 = 0.4;

/// Added to the energy of a block: below about a hundredth of full contrast a gradient is noise.
const NOISE: f32 = 1e-4;

/// One value an orientation.
pub(super) type Histogram = [f32; ORIENTATIONS];

/// The cells of one scale around every window's centre.
pub(super) struct HogCells {
    /// Rows of windows.
    pub(super) rows: usize,
    /// Columns of windows.
    pub(super) columns: usize,
    /// Jumps from a cell to the next.
    step: usize,
    normalised: Field,
}

impl HogCells {
    /// Cells of `cell` resized pixels for `rows` × `columns` windows.
    pub(super) fn new(gradients: &Gradients, cell: usize, rows: usize, columns: usize) -> Self {
        let step = cell / JUMP;
        let margin = step * (WINDOW / 2);
        let raw = Field::histograms(gradients, cell, [rows, columns], margin + step);
        Self { rows, columns, step, normalised: raw.normalised(step) }
    }

    /// The cell of window (`row`, `column`) that is `within[0]` down and `within[1]` to the right of
    /// its first.
    pub(super) fn at(&self, row: usize, column: usize, within: [usize; 2]) -> &Histogram {
        let [down, right] = within.map(|cells| cells * self.step);
        &self.normalised.cells[(row + down) * self.normalised.columns + column + right]
    }
}

/// Histograms on the grid of windows, continued beyond the photograph.
struct Field {
    rows: usize,
    columns: usize,
    cells: Vec<Histogram>,
}

impl Field {
    /// Histograms of gradients, each pixel's share falling linearly to 0 at a distance of `cell`
    /// pixels along each axis, on `size` cells with `margin` more on every side.
    fn histograms(gradients: &Gradients, cell: usize, size: [usize; 2], margin: usize) -> Self {
        let [rows, columns] = size.map(|cells| cells + 2 * margin);
        let supports: Vec<Support> = (0..columns)
            .map(|column| Support::new(column, margin, cell, gradients.width))
            .collect();
        let mut lines = vec![[0.0; ORIENTATIONS]; gradients.height * columns];
        for (pixels, line) in
            gradients.pixels.chunks_exact(gradients.width).zip(lines.chunks_exact_mut(columns))
        {
            for (support, histogram) in supports.iter().zip(line) {
                for (pixel, weight) in pixels[support.start..].iter().zip(&support.weights) {
                    histogram[pixel.orientation] += weight * pixel.here;
                    histogram[(pixel.orientation + 1) % ORIENTATIONS] += weight * pixel.next;
                }
            }
        }
        let mut cells = vec![[0.0; ORIENTATIONS]; rows * columns];
        for (row, sums) in cells.chunks_exact_mut(columns).enumerate() {
            let support = Support::new(row, margin, cell, gradients.height);
            let lines = lines[support.start * columns..].chunks_exact(columns);
            for (line, weight) in lines.zip(&support.weights) {
                for (sum, value) in sums.as_flattened_mut().iter_mut().zip(line.as_flattened()) {
                    *sum += weight * value;
                }
            }
        }
        Self { rows, columns, cells }
    }

    /// The sum over the four blocks of 2 × 2 cells that a cell is part of: its histogram over the
    /// block's norm, truncated. Neighbouring cells are `step` apart; `step` cells are lost on every
    /// side.
    fn normalised(&self, step: usize) -> Self {
        let energies: Vec<f32> =
            self.cells.iter().map(|cell| cell.iter().map(|value| value * value).sum()).collect();
        let (rows, columns) = (self.rows - 2 * step, self.columns - 2 * step);
        let mut cells = Vec::with_capacity(rows * columns);
        for row in step..step + rows {
            for column in step..step + columns {
                let energy = |row: usize, column: usize| energies[row * self.columns + column];
                let histogram = &self.cells[row * self.columns + column];
                let mut sum = [0.0; ORIENTATIONS];
                for other_row in [row - step, row + step] {
                    for other_column in [column - step, column + step] {
                        let block = energy(row, column)
                            + energy(other_row, column)
                            + energy(row, other_column)
                            + energy(other_row, other_column);
                        let scale = 1.0 / (block + NOISE).sqrt();
                        for (sum, value) in sum.iter_mut().zip(histogram) {
                            *sum += (value * scale).min(TRUNCATION);
                        }
                    }
                }
                cells.push(sum);
            }
        }
        Self { rows, columns, cells }
    }
}

/// The pixels of one axis that a cell takes gradients from.
struct Support {
    start: usize,
    weights: Vec<f32>,
}

impl Support {
    /// Cell `index` on a grid that starts `margin` cells before the axis of `side` pixels.
    fn new(index: usize, margin: usize, cell: usize, side: usize) -> Self {
        let centre = (index as isize - margin as isize) * JUMP as isize;
        let reach = cell as isize - 1;
        let start = (centre - reach).clamp(0, side as isize);
        let end = (centre + reach + 1).clamp(start, side as isize);
        let weight = |pixel: isize| 1.0 - (pixel - centre).abs() as f32 / cell as f32;
        Self { start: start as usize, weights: (start..end).map(weight).collect() }
    }
}
