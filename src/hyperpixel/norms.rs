//! Inverse norms of hyperpixels, once per image: the upsampled maps are summed cell by cell and
//! never stored (DESIGN, section 5, point 2).

use super::upsample::taps;
use super::{Grid, Group};

/// 1 / norm of every hyperpixel of `grid`, row-major; 0 where the norm is 0. The first group is the
/// base group.
pub(super) fn inverse_norms(grid: &Grid, groups: &[Group]) -> Vec<f32> {
    if grid.is_empty() {
        return Vec::new();
    }
    let mut squares = vec![0.0f32; grid.len()];
    for group in groups {
        add_squares(grid, groups, group, &mut squares);
    }
    squares.iter().map(|&square| if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }).collect()
}

fn add_squares(grid: &Grid, groups: &[Group], group: &Group, squares: &mut [f32]) {
    let rows = taps(group.rows, groups[0].rows, grid.rows.start, grid.rows.len);
    let columns = taps(group.columns, groups[0].columns, grid.columns.start, grid.columns.len);
    for channel in group.data.chunks_exact(group.rows * group.columns) {
        for (row, squares) in rows.iter().zip(squares.chunks_exact_mut(grid.columns.len)) {
            let upper = &channel[row.first as usize * group.columns..][..group.columns];
            let lower = &channel[row.second as usize * group.columns..][..group.columns];
            for (column, square) in columns.iter().zip(squares) {
                let mix = |line: &[f32]| {
                    line[column.first as usize] * (1.0 - column.weight)
                        + line[column.second as usize] * column.weight
                };
                let value = mix(upper) * (1.0 - row.weight) + mix(lower) * row.weight;
                *square += value * value;
            }
        }
    }
}
