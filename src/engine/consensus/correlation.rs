//! The 4D correlation of two feature maps.

use crate::backbone::FeatureMap;
use crate::engine::cpu::{InstructionSet, product};

/// One value for every cell of photograph A and every cell of photograph B.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation4d {
    /// Rows and columns of A's grid.
    pub a: [usize; 2],
    /// Rows and columns of B's grid.
    pub b: [usize; 2],
    /// A's rows × A's columns × B's rows × B's columns, row-major.
    pub data: Vec<f32>,
}

impl Correlation4d {
    /// A correlation of zeros.
    #[must_use]
    pub fn zeros(a: [usize; 2], b: [usize; 2]) -> Self {
        Self { a, b, data: vec![0.0; a[0] * a[1] * b[0] * b[1]] }
    }

    /// Number of cells of A.
    #[must_use]
    pub fn cells_a(&self) -> usize {
        self.a[0] * self.a[1]
    }

    /// Number of cells of B.
    #[must_use]
    pub fn cells_b(&self) -> usize {
        self.b[0] * self.b[1]
    }

    /// The same with A and B exchanged.
    #[must_use]
    pub fn exchanged(&self) -> Self {
        let (rows, columns) = (self.cells_a(), self.cells_b());
        let mut data = Vec::with_capacity(self.data.len());
        for column in 0..columns {
            data.extend((0..rows).map(|row| self.data[row * columns + column]));
        }
        Self { a: self.b, b: self.a, data }
    }
}

/// Correlates two feature maps of one number of channels: the inner product of every cell of `a` and
/// every cell of `b` (NC-Net, section 3.1; no ReLU and no normalisation here).
#[must_use]
pub fn correlate(a: &FeatureMap, b: &FeatureMap) -> Correlation4d {
    let data = product(InstructionSet::available()[0], &a.data, &b.data, a.channels);
    Correlation4d { a: [a.rows, a.columns], b: [b.rows, b.columns], data }
}
