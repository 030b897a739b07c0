//! The correlation that a learned alignment looks at (CNNGeo: Rocco et al., CVPR 2017, section 3.2).

use crate::backbone::trunk::normalise_cells;
use crate::engine::cpu::{InstructionSet, product};
use crate::hyperpixel::FeatureMap;

/// A correlation of two maps of equal size: cells of A × rows of B × columns of B, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    /// Rows of both maps.
    pub rows: usize,
    /// Columns of both maps.
    pub columns: usize,
    /// The channel of A's cell (row, column) is column · rows + row: A is read column by column.
    pub data: Vec<f32>,
}

/// Correlates two maps whose cells are normalised: similarities below 0 count as 0, and each cell of
/// B is normalised over the cells of A.
#[must_use]
pub fn correlate(instructions: InstructionSet, a: &FeatureMap, b: &FeatureMap) -> Correlation {
    let (rows, columns) = (a.rows, a.columns);
    let by_columns = a.data.chunks_exact(rows * columns).flat_map(|channel| {
        (0..rows * columns).map(|cell| channel[cell % rows * columns + cell / rows])
    });
    let by_columns: Vec<f32> = by_columns.collect();
    let mut data = product(instructions, &by_columns, &b.data, a.channels);
    data.iter_mut().for_each(|value| *value = rectified(*value));
    normalise_cells(&mut data, b.rows * b.columns);
    Correlation { rows: b.rows, columns: b.columns, data }
}

/// A value, or 0 where it is below. What is no number stays none, so that broken weights end in no
/// prediction and never in one of the biases alone.
pub(super) fn rectified(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}
