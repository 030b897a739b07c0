//! The register tile under every product: `out += sourceᵀ · target` over panels with the channels
//! as rows.

use super::simd::{Kernel, LANES, Simd};
use crate::hyperpixel::values::View;

/// A block of a matrix whose rows are channels: row `k` starts at `k * stride` of `data`.
#[derive(Clone, Copy)]
pub struct Panel<'a> {
    /// The values, from the first of the first row on.
    pub data: &'a [f32],
    /// Values from one row to the next.
    pub stride: usize,
}

/// The smallest multiple of `step` that is not below `count`.
#[inline(always)]
pub fn padded(count: usize, step: usize) -> usize {
    count.div_ceil(step) * step
}

/// Copies values of either precision into as many f32.
#[inline(always)]
pub fn copy<S: Simd>(simd: S, from: View, to: &mut [f32]) {
    match from {
        View::Single(from) => to.copy_from_slice(from),
        View::Half(from) => simd.widen(from, to),
    }
}

/// Rows that a source panel must have room for beyond its last cell: the tallest register tile less
/// one.
pub const ROW_MARGIN: usize = 16;

/// `out[i * out_stride + j] += Σ_k source[k][i] · target[k][j]` for `i < rows`, `j < columns`, in
/// order of k. The tile may compute up to [`ROW_MARGIN`] rows beyond `rows`: panel and `out` have
/// room for them.
pub struct Multiply<'a> {
    /// The source's panel.
    pub source: Panel<'a>,
    /// Rows of the product: cells of the source's panel.
    pub rows: usize,
    /// The target's panel.
    pub target: Panel<'a>,
    /// Columns of the product, a multiple of [`LANES`].
    pub columns: usize,
    /// What is added to.
    pub out: &'a mut [f32],
    /// Values from one row of `out` to the next.
    pub out_stride: usize,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let mut vectors = self.columns / LANES;
        for block in (1..=vectors.div_ceil(S::WIDEST_TILE)).rev() {
            let width = vectors.div_ceil(block);
            self.columns_of::<S>(simd, width);
            vectors -= width;
            self.target.data = &self.target.data[width * LANES..];
            self.out = &mut std::mem::take(&mut self.out)[width * LANES..];
        }
    }
}

impl Multiply<'_> {
    /// The first `width` vectors of columns, in tiles that fill the registers.
    #[inline(always)]
    fn columns_of<S: Simd>(&mut self, simd: S, width: usize) {
        if S::WIDEST_TILE == 5 {
            match width {
                1 => strip::<S, 14, 1>(simd, self),
                2 => strip::<S, 12, 2>(simd, self),
                3 => strip::<S, 8, 3>(simd, self),
                4 => strip::<S, 6, 4>(simd, self),
                _ => strip::<S, 4, 5>(simd, self),
            }
        } else if S::NARROW_TILE_ROWS == 6 {
            strip::<S, 6, 1>(simd, self);
        } else {
            strip::<S, 2, 1>(simd, self);
        }
    }
}

/// All rows of a block of `VECTORS` vectors.
#[inline(always)]
fn strip<S: Simd, const ROWS: usize, const VECTORS: usize>(simd: S, work: &mut Multiply) {
    for row in (0..work.rows).step_by(ROWS) {
        let out = &mut work.out[row * work.out_stride..];
        tile::<S, ROWS, VECTORS>(simd, work.source, row, work.target, out, work.out_stride);
    }
}

/// One register tile: accumulators start at zero, so that what `out` holds is added once.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    source: Panel,
    row: usize,
    target: Panel,
    out: &mut [f32],
    out_stride: usize,
) {
    let mut sums = [[simd.splat(0.0); VECTORS]; ROWS];
    let steps = source.data.chunks(source.stride).zip(target.data.chunks(target.stride));
    for (source, target) in steps {
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
            simd.store(to, simd.add(simd.load(to), sums[row][vector]));
        }
    }
}
