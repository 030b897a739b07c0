//! The register tile under every product: `out += sourceᵀ · target` over panels with the channels
//! as rows.

use super::simd::{LANES, Simd};

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

/// Rows that a source panel must have room for beyond its last cell: the tallest register tile less
/// one.
pub const ROW_MARGIN: usize = 16;

/// `out[i * out_stride + j] += Σ_k source[k][i] · target[k][j]` for `i < rows`, `j < columns`, in
/// order of k. `columns` is a multiple of [`LANES`]. The tile may compute up to [`ROW_MARGIN`] rows
/// beyond `rows`: panel and `out` have room for them.
#[inline(always)]
pub fn multiply<S: Simd>(
    simd: S,
    source: Panel,
    rows: usize,
    target: Panel,
    columns: usize,
    out: &mut [f32],
    out_stride: usize,
) {
    let mut vectors = columns / LANES;
    let blocks = vectors.div_ceil(S::TILE_ROWS.len());
    let mut column = 0;
    for block in (1..=blocks).rev() {
        let width = vectors.div_ceil(block);
        let target = Panel { data: &target.data[column..], stride: target.stride };
        let out = &mut out[column..];
        match width {
            1 if S::TILE_ROWS[0] == 14 => {
                strip::<S, 14, 1>(simd, source, rows, target, out, out_stride)
            }
            1 if S::TILE_ROWS[0] == 6 => {
                strip::<S, 6, 1>(simd, source, rows, target, out, out_stride)
            }
            1 => strip::<S, 2, 1>(simd, source, rows, target, out, out_stride),
            2 => strip::<S, 12, 2>(simd, source, rows, target, out, out_stride),
            3 => strip::<S, 8, 3>(simd, source, rows, target, out, out_stride),
            4 => strip::<S, 6, 4>(simd, source, rows, target, out, out_stride),
            _ => strip::<S, 4, 5>(simd, source, rows, target, out, out_stride),
        }
        vectors -= width;
        column += width * LANES;
    }
}

/// All rows of a block of `VECTORS` vectors.
#[inline(always)]
fn strip<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    source: Panel,
    rows: usize,
    target: Panel,
    out: &mut [f32],
    out_stride: usize,
) {
    for row in (0..rows).step_by(ROWS) {
        tile::<S, ROWS, VECTORS>(
            simd,
            source,
            row,
            target,
            &mut out[row * out_stride..],
            out_stride,
        );
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
