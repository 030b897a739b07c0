//! The 4D correlation of two feature maps.

use crate::engine::error::EngineError;

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

    /// Checks what every engine relies on: cells on both sides, and a value for each pair of them.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        let Self { a, b, data } = self;
        let expected = [a[0], a[1], b[0], b[1]].into_iter().try_fold(1, usize::checked_mul);
        match expected {
            Some(expected) if expected > 0 && expected == data.len() => Ok(()),
            _ => Err(EngineError::CorrelationSize { a: *a, b: *b, found: data.len() }),
        }
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
