//! The register tile under every product: `out += sourceᵀ · target` over panels with the channels
//! as rows.

use super::simd::{InstructionSet, LANES, Simd, SimdKernel};
use crate::hyperpixel::values;

/// A block of a matrix whose rows are channels: row `k` starts at `k * stride` of `data`.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    /// The values, from the first of the first row on.
    pub data: &'a [f32],
    /// Values from one row to the next.
    pub stride: usize,
}

/// Rows that a product runs over, one after the other.
pub(super) trait Rows<'a>: Copy {
    /// The rows in order, each from its first value on.
    fn rows(self) -> impl Iterator<Item = &'a [f32]>;
    /// The same rows from column `first` on.
    fn at_column(self, first: usize) -> Self;
}

impl<'a> Rows<'a> for Panel<'a> {
    #[inline(always)]
    fn rows(self) -> impl Iterator<Item = &'a [f32]> {
        self.data.chunks(self.stride)
    }
    #[inline(always)]
    fn at_column(self, first: usize) -> Self {
        Self { data: &self.data[first..], ..self }
    }
}

/// Rows that begin anywhere and may overlap: a convolution is a product with the same values shifted.
#[derive(Clone, Copy)]
pub(super) struct Shifted<'a> {
    /// The values.
    pub data: &'a [f32],
    /// Where each row begins.
    pub starts: &'a [usize],
}

impl<'a> Rows<'a> for Shifted<'a> {
    #[inline(always)]
    fn rows(self) -> impl Iterator<Item = &'a [f32]> {
        self.starts.iter().map(move |&start| &self.data[start..])
    }
    #[inline(always)]
    fn at_column(self, first: usize) -> Self {
        Self { data: &self.data[first..], ..self }
    }
}

/// The smallest multiple of `step` that is not below `count`.
#[inline(always)]
pub(super) fn padded(count: usize, step: usize) -> usize {
    count.div_ceil(step) * step
}

/// Copies values of either precision into as many f32.
#[inline(always)]
pub(super) fn copy<S: Simd>(simd: S, from: values::ValuesView, to: &mut [f32]) {
    match from {
        values::ValuesView::Single(from) => to.copy_from_slice(from),
        values::ValuesView::Half(from) => simd.widen(from, to),
    }
}

/// Rows that a source panel must have room for beyond its last cell: at least the tallest register
/// tile, less one.
pub(super) const ROW_MARGIN: usize = 16;

/// Chains that similarities of one offset are summed in: each takes every fourth source column.
pub(super) const CHAINS: usize = 4;

/// Columns of the widest register tile of any instruction set.
pub(super) const WIDEST_COLUMNS: usize = 5 * LANES;

/// Rows that are computed for `rows` of them where the columns are a multiple of [`WIDEST_COLUMNS`]:
/// source panel and `out` need no more than these.
#[must_use]
pub(super) fn computed_rows(instructions: InstructionSet, rows: usize) -> usize {
    match instructions {
        _ if rows == 1 => 1,
        InstructionSet::Avx512 => padded(rows, widest_tile_rows(rows)),
        InstructionSet::Avx2 => padded(rows, 6),
        InstructionSet::Plain => padded(rows, 2),
    }
}

/// Rows of the widest register tile of AVX-512: four or five, the one that computes fewer rows beyond `rows`.
#[inline(always)]
fn widest_tile_rows(rows: usize) -> usize {
    if padded(rows, 5) < padded(rows, 4) { 5 } else { 4 }
}

/// `out[i * out_stride + j] += Σ_k source[k][i] · target[k][j]` for `i < rows`, `j < columns`, in
/// order of k, or `=` where [`Multiply::overwrite`] says so. The tile may compute up to
/// [`ROW_MARGIN`] rows beyond `rows`: panel and `out` have
/// room for them.
pub(super) struct Multiply<'a, T> {
    /// The source's panel.
    pub source: Panel<'a>,
    /// Rows of the product: cells of the source's panel.
    pub rows: usize,
    /// The target's rows.
    pub target: T,
    /// Columns of the product, a multiple of [`LANES`].
    pub columns: usize,
    /// What is added to, or overwritten.
    pub out: &'a mut [f32],
    /// Values from one row of `out` to the next.
    pub out_stride: usize,
    /// Whether `out` is overwritten.
    pub overwrite: bool,
}

impl<'a, T: Rows<'a>> SimdKernel for Multiply<'a, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let mut vectors = self.columns / LANES;
        for block in (1..=vectors.div_ceil(S::WIDEST_TILE)).rev() {
            let width = vectors.div_ceil(block);
            self.columns_of::<S>(simd, width);
            vectors -= width;
            self.target = self.target.at_column(width * LANES);
            self.out = &mut std::mem::take(&mut self.out)[width * LANES..];
        }
    }
}

impl<'a, T: Rows<'a>> Multiply<'a, T> {
    /// The first `width` vectors of columns, in tiles that fill the registers.
    #[inline(always)]
    fn columns_of<S: Simd>(&mut self, simd: S, width: usize) {
        if S::WIDEST_TILE == 5 {
            match width {
                5 if self.rows == 1 => strip::<S, 1, 5, T>(simd, self),
                1 => strip::<S, 14, 1, T>(simd, self),
                2 => strip::<S, 12, 2, T>(simd, self),
                3 => strip::<S, 8, 3, T>(simd, self),
                4 => strip::<S, 6, 4, T>(simd, self),
                _ if widest_tile_rows(self.rows) == 5 => strip::<S, 5, 5, T>(simd, self),
                _ => strip::<S, 4, 5, T>(simd, self),
            }
        } else if self.rows == 1 {
            strip::<S, 1, 1, T>(simd, self);
        } else if S::NARROW_TILE_ROWS == 6 {
            strip::<S, 6, 1, T>(simd, self);
        } else {
            strip::<S, 2, 1, T>(simd, self);
        }
    }
}

/// All rows of a block of `VECTORS` vectors.
#[inline(always)]
fn strip<'a, S: Simd, const ROWS: usize, const VECTORS: usize, T: Rows<'a>>(
    simd: S,
    work: &mut Multiply<'a, T>,
) {
    for row in (0..work.rows).step_by(ROWS) {
        let out = &mut work.out[row * work.out_stride..];
        let out = (out, work.out_stride, work.overwrite);
        tile::<S, ROWS, VECTORS, T>(simd, work.source, row, work.target, out);
    }
}

/// One register tile: accumulators start at zero, so that what `out` holds is added once.
#[inline(always)]
fn tile<'a, S: Simd, const ROWS: usize, const VECTORS: usize, T: Rows<'a>>(
    simd: S,
    source: Panel<'a>,
    row: usize,
    target: T,
    (out, out_stride, overwrite): (&mut [f32], usize, bool),
) {
    let mut sums = [[simd.splat(0.0); VECTORS]; ROWS];
    for (source, target) in source.rows().zip(target.rows()) {
        let source = &source[row..row + ROWS];
        let target = &target[..VECTORS * LANES];
        let mut values = [simd.splat(0.0); VECTORS];
        for vector in 0..VECTORS {
            values[vector] = simd.load(&target[vector * LANES..]);
        }
        for row in 0..ROWS {
            let factor = simd.splat(source[row]);
            for vector in 0..VECTORS {
                sums[row][vector] = simd.mul_add(factor, values[vector], sums[row][vector]);
            }
        }
    }
    for row in 0..ROWS {
        for vector in 0..VECTORS {
            let to = &mut out[row * out_stride + vector * LANES..];
            let sum = sums[row][vector];
            simd.store(to, if overwrite { sum } else { simd.add(simd.load(to), sum) });
        }
    }
}
