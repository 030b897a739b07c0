//! The two axes of photograph A in frequencies: sizes, transforms, and kernels.
//!
//! An axis of n values is taken to have a period of at least n + reach, so that what a kernel reads
//! beyond either end is zero: the padding of one end is that of the other. The period is odd, so its
//! h = (period + 1) / 2 harmonics are 0 and pairs of conjugates, and the transform is a real matrix
//! with 2h rows: real and imaginary part of each harmonic (the imaginary part of harmonic 0 is zero,
//! and is kept so that all are alike).
//!
//! Transforming both axes gives four components for each pair of harmonics (j, k), the products of a
//! part along one axis and a part along the other: RR, RI, IR, II. They hold the values of the 2D
//! transform at two frequencies,
//!
//! ```text
//! (j, k):  RR − II + i (RI + IR)        (j, −k):  RR + II + i (IR − RI)
//! ```
//!
//! and a kernel's response is multiplied there.

use std::f64::consts::TAU;

use super::correlation::Correlation4d;
use super::weights::ConsensusLayer;

/// Sizes of a correlation and of its transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lattice {
    /// Rows and columns of A's grid.
    pub a: [usize; 2],
    /// Rows and columns of B's grid.
    pub b: [usize; 2],
    /// Cells that the kernels reach beyond their own.
    pub reach: usize,
    /// Harmonics along A's rows and columns.
    pub harmonics: [usize; 2],
}

/// Which of the two frequencies of a pair of harmonics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frequency {
    /// (j, k).
    Sum,
    /// (j, −k).
    Difference,
}

impl Lattice {
    /// The lattice of a correlation under kernels that reach so far.
    #[must_use]
    pub(crate) fn new(correlation: &Correlation4d, reach: usize) -> Self {
        let Correlation4d { a, b, .. } = *correlation;
        Self { a, b, reach, harmonics: a.map(|cells| (cells + reach) / 2 + 1) }
    }

    /// Components along A's rows and columns.
    #[must_use]
    pub(crate) fn components(&self) -> [usize; 2] {
        self.harmonics.map(|harmonics| 2 * harmonics)
    }

    /// Values from one row of B's cells to the next, with the zeros between: what a kernel reads
    /// beyond the end of a row is what it reads before the start of the next.
    #[must_use]
    pub(crate) fn row_stride(&self) -> usize {
        self.b[1] + self.reach
    }

    /// Positions of B's cells with the zeros between rows.
    #[must_use]
    pub(crate) fn positions(&self) -> usize {
        self.b[0] * self.row_stride()
    }

    /// Furthest position that a kernel reads before or after its own.
    #[must_use]
    pub(crate) fn margin(&self) -> usize {
        self.reach * self.row_stride() + self.reach
    }

    /// Position that tap (row, column) of a kernel over B reads, counted from [`Self::margin`] before
    /// its own.
    #[must_use]
    pub(crate) fn tap(&self, kernel: usize, [row, column]: [usize; 2]) -> usize {
        let offset = self.reach - kernel / 2;
        (offset + row) * self.row_stride() + offset + column
    }

    /// The period of an axis of A.
    fn period(&self, axis: usize) -> usize {
        2 * self.harmonics[axis] - 1
    }

    /// The transform of an axis of A: cells × components.
    #[must_use]
    pub(crate) fn analysis(&self, axis: usize) -> Vec<f32> {
        let mut matrix = Vec::new();
        for cell in 0..self.a[axis] {
            for harmonic in 0..self.harmonics[axis] {
                let (sine, cosine) = self.angle(axis, harmonic * cell).sin_cos();
                matrix.extend([cosine as f32, -sine as f32]);
            }
        }
        matrix
    }

    /// The way back along an axis of A: components × cells.
    #[must_use]
    pub(crate) fn synthesis(&self, axis: usize) -> Vec<f32> {
        let mut matrix = Vec::new();
        for harmonic in 0..self.harmonics[axis] {
            let scale = if harmonic == 0 { 1.0 } else { 2.0 } / self.period(axis) as f64;
            let angle = |cell| self.angle(axis, harmonic * cell).sin_cos();
            matrix.extend((0..self.a[axis]).map(|cell| (scale * angle(cell).1) as f32));
            matrix.extend((0..self.a[axis]).map(|cell| (-scale * angle(cell).0) as f32));
        }
        matrix
    }

    /// The response of a layer's kernels at one of the frequencies of a pair of harmonics: outputs ×
    /// inputs × taps over B, real and imaginary. With `exchanged`, of the kernels with A's axes and
    /// B's exchanged, which filter T c as the others filter c, and exchange the result.
    #[must_use]
    pub(crate) fn response(
        &self,
        layer: &ConsensusLayer,
        exchanged: bool,
        harmonics: [usize; 2],
        frequency: Frequency,
    ) -> Vec<[f64; 2]> {
        let k = layer.kernel;
        let taps = || (0..k).flat_map(|row| (0..k).map(move |column| [row, column]));
        let phases: Vec<([usize; 2], [f64; 2])> =
            taps().map(|tap| (tap, self.phase(k, tap, harmonics, frequency))).collect();
        let mut response = Vec::with_capacity(layer.outputs * layer.inputs * k * k);
        for output in 0..layer.outputs {
            for input in 0..layer.inputs {
                for over in taps() {
                    let mut sum = [0.0; 2];
                    for &(along, [cosine, sine]) in &phases {
                        let (a, b) = if exchanged { (over, along) } else { (along, over) };
                        let weight = f64::from(layer.at(output, input, [a[0], a[1], b[0], b[1]]));
                        sum = [sum[0] + weight * cosine, sum[1] + weight * sine];
                    }
                    response.push(sum);
                }
            }
        }
        response
    }

    /// Cosine and sine by which a tap along A turns a frequency: the kernel is correlated with the
    /// values, not convolved.
    fn phase(
        &self,
        kernel: usize,
        tap: [usize; 2],
        harmonics: [usize; 2],
        frequency: Frequency,
    ) -> [f64; 2] {
        let angle = |axis: usize| {
            let turns = harmonics[axis] * (tap[axis] + self.period(axis) - kernel / 2);
            self.angle(axis, turns)
        };
        let (sine, cosine) = match frequency {
            Frequency::Sum => angle(0) + angle(1),
            Frequency::Difference => angle(0) - angle(1),
        }
        .sin_cos();
        [cosine, sine]
    }

    /// 2π · turns / period, of whole turns less than one.
    fn angle(&self, axis: usize, turns: usize) -> f64 {
        let period = self.period(axis);
        TAU * (turns % period) as f64 / period as f64
    }
}
