//! Hough space: its cell, its bins, and the bin of every cell offset, computed once on the host so
//! that no two engines disagree about a bin (HPF, section 3.2; docs/method.md, "Hough voting").

use crate::hyperpixel::geometry::Range;
use crate::hyperpixel::{Grid, Hyperimage};

/// Number of Hough cells that the bins are made for (published code: 8192).
pub const HOUGH_CELLS: f64 = 8192.0;

/// Side of the Gaussian that blurs the votes, in bins (published code).
pub const BLUR_SIDE: usize = 7;

/// Hough space of a pair of photographs, and its lattice of cell offsets.
///
/// Centres of hyperpixels are multiples of the jump, but for a shift that is one photograph's, so the
/// bin of a match depends on the offset (target cell − source cell) alone. Offsets are counted from the
/// smallest one: offset index `target_column - source_column + (source_columns - 1)`, in counted
/// cells, is in `0..offset_columns()`.
#[derive(Debug, Clone, PartialEq)]
pub struct HoughSpace {
    /// Side of a bin in resized pixels.
    pub cell: f64,
    /// Number of bins along x.
    pub bins_x: usize,
    /// Number of bins along y.
    pub bins_y: usize,
    /// Bin along x of each column offset.
    pub bin_of_column_offset: Vec<u32>,
    /// Bin along y of each row offset.
    pub bin_of_row_offset: Vec<u32>,
}

impl HoughSpace {
    /// Hough space of two hyperimages.
    #[must_use]
    pub fn new(source: &Hyperimage, target: &Hyperimage) -> Self {
        let sizes = [source, target].map(|image| [image.width, image.height]);
        Self::between(sizes, [&source.grid, &target.grid])
    }

    /// Hough space of two photographs of these sizes (width and height in resized pixels) with these
    /// hyperpixels.
    #[must_use]
    pub fn between(sizes: [[u32; 2]; 2], [s, t]: [&Grid; 2]) -> Self {
        let side = |axis: usize| f64::from(sizes[0][axis]) + f64::from(sizes[1][axis]);
        let (width, height) = (side(0), side(1));
        let cell = (width * height / HOUGH_CELLS).sqrt();
        let [bins_x, bins_y] = [width, height].map(|side| (side / cell) as usize + 1);
        let axis = |axis: usize, ranges, count| {
            let shift = t.geometry.offset[axis] - s.geometry.offset[axis];
            bins((sizes[0][axis], shift), s.geometry.jump, ranges, (cell, count))
        };
        Self {
            cell,
            bins_x,
            bins_y,
            bin_of_column_offset: axis(0, [s.columns, t.columns], bins_x),
            bin_of_row_offset: axis(1, [s.rows, t.rows], bins_y),
        }
    }

    /// Number of column offsets: source columns + target columns − 1.
    #[must_use]
    pub fn offset_columns(&self) -> usize {
        self.bin_of_column_offset.len()
    }

    /// Number of row offsets: source rows + target rows − 1.
    #[must_use]
    pub fn offset_rows(&self) -> usize {
        self.bin_of_row_offset.len()
    }
}

/// Bins of every offset along one axis of a source of `side` pixels: trunc(((side − c_s) + c_t) /
/// cell) in f32, where c_t − c_s is the offset times the jump, and `shift` more where the grids of the
/// two photographs begin at different places. There are `count` bins.
fn bins(
    (side, shift): (u32, f32),
    jump: u32,
    [source, target]: [Range; 2],
    (cell, count): (f64, usize),
) -> Vec<u32> {
    if source.len == 0 || target.len == 0 {
        return Vec::new();
    }
    let jump = i64::from(jump);
    let smallest = target.start as i64 - (source.start + source.len - 1) as i64;
    (0..(source.len + target.len - 1) as i64)
        .map(|offset| {
            let distance = i64::from(side) + (smallest + offset) * jump;
            // Rounding may lead past the last bin where a shift is no whole number.
            ((distance as f32 + shift) / cell as f32).min((count - 1) as f32) as u32
        })
        .collect()
}

/// The 7 × 7 Gaussian of the published code: standard deviation 7 / 2 / 2.354 bins, sum 1.
#[must_use]
pub fn gaussian() -> [f32; BLUR_SIDE * BLUR_SIDE] {
    let sigma = BLUR_SIDE as f64 / 2.0 / 2.354;
    let middle = (BLUR_SIDE / 2) as f64;
    let mut weights = [0.0f64; BLUR_SIDE * BLUR_SIDE];
    for (index, weight) in weights.iter_mut().enumerate() {
        let (x, y) = ((index % BLUR_SIDE) as f64 - middle, (index / BLUR_SIDE) as f64 - middle);
        *weight = (-(x * x + y * y) / (2.0 * sigma * sigma)).exp();
    }
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| (weight / sum) as f32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hyperpixel::Geometry;

    proptest! {
        /// Whatever the geometry, also of a network whose boxes do not reach the next centre.
        #[test]
        fn every_offset_has_a_bin(
            jump in 1..2000u32,
            receptive_field in 0..3000u32,
            offsets in [[-40.0..40.0f32, -40.0..40.0f32], [-40.0..40.0f32, -40.0..40.0f32]],
            sizes in [[1..1000u32, 1..1000u32], [1..1000u32, 1..1000u32]],
            map in [1..90usize, 1..90usize],
        ) {
            let grid = |side: usize| {
                let geometry = Geometry { jump, receptive_field, offset: offsets[side] };
                Grid::new(geometry, map[0], map[1], sizes[side][0], sizes[side][1])
            };
            let grids = [grid(0), grid(1)];
            let space = HoughSpace::between(sizes, [&grids[0], &grids[1]]);
            prop_assert!(space.bin_of_column_offset.iter().all(|&bin| (bin as usize) < space.bins_x));
            prop_assert!(space.bin_of_row_offset.iter().all(|&bin| (bin as usize) < space.bins_y));
        }
    }
}
