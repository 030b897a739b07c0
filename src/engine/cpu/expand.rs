//! `expand`: small correlations upsampled along the target's columns once a pair, and along the
//! source's rows once a source row (namesake of `shaders/expand.wgsl`; docs/method.md, "A correlation
//! is a sum over resolutions").
//!
//! Upsampling is linear along each of the four axes, so the axes may be taken in any order. The
//! target's columns come first because that is done on the smallest array; its rows come last,
//! inside the vote.

use super::correlate::Correlation;
use super::simd::{Aligned, Kernel, LANES, Simd, Sixteen};
use super::tile::padded;
use crate::hyperpixel::upsample::{Tap, taps};
use crate::hyperpixel::{Grid, Group, Hyperimage};

/// One group's correlation with the target's columns upsampled to the grid, and the taps of the
/// other three axes.
pub struct Expanded {
    /// Columns of the source's map.
    pub source_columns: usize,
    /// Rows of the target's map.
    pub target_rows: usize,
    /// Columns of the target's grid, padded to a multiple of [`LANES`] with zeros.
    pub width: usize,
    /// source rows × source columns × target rows × width.
    pub data: Aligned,
    /// Taps of the source grid's rows.
    pub source_row_taps: Vec<Tap>,
    /// Taps of the source grid's columns.
    pub source_column_taps: Vec<Tap>,
    /// Taps of the target grid's rows.
    pub target_row_taps: Vec<Tap>,
}

/// A grid and the group that sets its resolution.
#[derive(Clone, Copy)]
pub struct Base<'a> {
    /// The hyperpixels.
    pub grid: &'a Grid,
    /// The base group.
    pub group: &'a Group,
}

impl<'a> Base<'a> {
    /// The grid and base group of a hyperimage.
    #[must_use]
    pub fn of(image: &'a Hyperimage) -> Self {
        Self { grid: &image.grid, group: &image.groups[0] }
    }

    fn row_taps(self, coarse: &Group) -> Vec<Tap> {
        taps(coarse.rows, self.group.rows, self.grid.rows.start, self.grid.rows.len)
    }

    fn column_taps(self, coarse: &Group) -> Vec<Tap> {
        taps(coarse.columns, self.group.columns, self.grid.columns.start, self.grid.columns.len)
    }
}

/// Upsamples the target's columns of a group's correlation.
pub struct Expand<'a> {
    /// The correlation of the two groups below.
    pub correlation: &'a Correlation,
    /// The source's group and what it is upsampled to.
    pub source: (&'a Group, Base<'a>),
    /// The target's group and what it is upsampled to.
    pub target: (&'a Group, Base<'a>),
}

impl Kernel for Expand<'_> {
    type Output = Expanded;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Expanded {
        let (source, source_base) = self.source;
        let (target, target_base) = self.target;
        let spans = spans(&target_base.column_taps(target));
        let width = padded(target_base.grid.columns.len, LANES);
        let cells = source.rows * source.columns;
        let mut data = Aligned::with_capacity(cells * target.rows * width);
        for from in self.correlation.data.chunks_exact(self.correlation.stride) {
            for from in from.chunks_exact(target.columns).take(target.rows) {
                for span in &spans {
                    data.push(span.upsample(simd, from));
                }
            }
        }
        Expanded {
            source_columns: source.columns,
            target_rows: target.rows,
            width,
            data,
            source_row_taps: source_base.row_taps(source),
            source_column_taps: source_base.column_taps(source),
            target_row_taps: target_base.row_taps(target),
        }
    }
}

/// The coarse columns that one vector of fine columns reads.
struct Span {
    /// The first of them.
    first: usize,
    /// For each coarse column its weight in every fine one.
    weights: Vec<f32>,
}

/// The spans of all fine columns; lanes beyond the last have no weight.
fn spans(taps: &[Tap]) -> Vec<Span> {
    let span = |taps: &[Tap]| {
        let first = taps[0].first as usize;
        let past = taps[taps.len() - 1].second as usize + 1;
        let mut weights = vec![0.0; (past - first) * LANES];
        for (lane, tap) in taps.iter().enumerate() {
            weights[(tap.first as usize - first) * LANES + lane] += 1.0 - tap.weight;
            weights[(tap.second as usize - first) * LANES + lane] += tap.weight;
        }
        Span { first, weights }
    };
    taps.chunks(LANES).map(span).collect()
}

impl Span {
    /// One vector of fine columns of a coarse row.
    #[inline(always)]
    fn upsample<S: Simd>(&self, simd: S, from: &[f32]) -> Sixteen {
        let mut sum = simd.splat(0.0);
        for (&value, weights) in from[self.first..].iter().zip(self.weights.chunks_exact(LANES)) {
            sum = simd.mul_add(simd.splat(value), simd.load(weights), sum);
        }
        let mut to = Sixteen::ZERO;
        simd.store(&mut to.0, sum);
        to
    }
}

impl Expanded {
    /// Mixes two source rows: source columns × target rows × width, for row `row` of the source's
    /// grid.
    #[inline(always)]
    pub fn source_row<S: Simd>(&self, simd: S, row: usize, out: &mut Aligned) {
        let tap = self.source_row_taps[row];
        let len = self.source_columns * self.target_rows * self.width;
        out.resize(len);
        let upper = &self.data[tap.first as usize * len..][..len];
        let lower = &self.data[tap.second as usize * len..][..len];
        mix(simd, upper, lower, tap.weight, out);
    }

    /// Mixes two target rows of what [`Expanded::source_row`] gave, for row `row` of the target's
    /// grid: source columns × (width with `margin` zeros on either side).
    #[inline(always)]
    pub fn target_row<S: Simd>(
        &self,
        simd: S,
        source_row: &[f32],
        row: usize,
        margin: usize,
        out: &mut Aligned,
    ) {
        let tap = self.target_row_taps[row];
        let (block, stride) = (self.target_rows * self.width, self.width + 2 * margin);
        out.resize(self.source_columns * stride);
        for (from, to) in source_row.chunks_exact(block).zip(out.chunks_exact_mut(stride)) {
            let upper = &from[tap.first as usize * self.width..][..self.width];
            let lower = &from[tap.second as usize * self.width..][..self.width];
            mix(simd, upper, lower, tap.weight, &mut to[margin..][..self.width]);
        }
    }
}

/// `out = upper · (1 − weight) + lower · weight`; the length is a multiple of [`LANES`].
#[inline(always)]
fn mix<S: Simd>(simd: S, upper: &[f32], lower: &[f32], weight: f32, out: &mut [f32]) {
    let (keep, take) = (simd.splat(1.0 - weight), simd.splat(weight));
    let pairs = upper.chunks_exact(LANES).zip(lower.chunks_exact(LANES));
    for ((upper, lower), out) in pairs.zip(out.chunks_exact_mut(LANES)) {
        let lower = simd.mul(simd.load(lower), take);
        simd.store(out, simd.mul_add(simd.load(upper), keep, lower));
    }
}
