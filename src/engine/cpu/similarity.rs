//! Similarities of some hyperpixels of one source row against one target row: the tile that `vote`
//! sums and `pick` searches (HPF, section 3.2: max(0, cosine) cubed).

use super::correlate::Correlate;
use super::expand::{Base, Expand, Expanded, mix};
use super::simd::{Kernel, LANES, Plain, Simd};
use super::tile::{Multiply, Panel, ROW_MARGIN, copy, padded};
use crate::hyperpixel::Hyperimage;

/// Channels of the base multiplied at a time: the target's row of them fits the first-level cache.
const CHANNEL_BLOCK: usize = 64;

/// A pair made ready: coarse groups correlated and expanded, the target's base in rows.
pub struct PreparedPair<'a> {
    /// The source.
    pub source: &'a Hyperimage,
    /// The target.
    pub target: &'a Hyperimage,
    /// The coarse groups.
    pub expanded: Vec<Expanded>,
    /// Columns of the target's grid padded to a multiple of [`LANES`].
    pub width: usize,
    /// The target's base maps: target rows × channels × width, padded with zeros.
    base: Vec<f32>,
    /// The target's inverse norms: target rows × width, padded with zeros.
    inverse_norms: Vec<f32>,
}

/// Correlates one coarse group and upsamples the target's columns.
pub struct PrepareGroup<'a> {
    /// The source.
    pub source: &'a Hyperimage,
    /// The target.
    pub target: &'a Hyperimage,
    /// Which group; not 0, which is the base.
    pub group: usize,
}

impl Kernel for &PrepareGroup<'_> {
    type Output = (Expanded, [f64; 2]);

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let start = std::time::Instant::now();
        let (source, target) = (&self.source.groups[self.group], &self.target.groups[self.group]);
        let correlation = Correlate { source, target }.run(simd);
        let correlated = start.elapsed().as_secs_f64();
        let expanded = Expand {
            correlation: &correlation,
            source: (source, Base::of(self.source)),
            target: (target, Base::of(self.target)),
        }
        .run(simd);
        (expanded, [correlated, start.elapsed().as_secs_f64() - correlated])
    }
}

impl<'a> PreparedPair<'a> {
    /// Puts the target's base and inverse norms in padded rows beside the expanded groups.
    #[must_use]
    pub fn new(source: &'a Hyperimage, target: &'a Hyperimage, expanded: Vec<Expanded>) -> Self {
        let columns = target.grid.columns.len;
        let width = padded(columns, LANES);
        let group = &target.groups[0];
        let mut base = vec![0.0; target.grid.rows.len * group.channels * width];
        for (row, to) in base.chunks_exact_mut(group.channels * width).enumerate() {
            copy_cells(Plain, target, row, columns, width, to);
        }
        let mut inverse_norms = vec![0.0; target.grid.rows.len * width];
        let rows = target.inverse_norms.chunks_exact(columns);
        for (from, to) in rows.zip(inverse_norms.chunks_exact_mut(width)) {
            to[..columns].copy_from_slice(from);
        }
        Self { source, target, expanded, width, base, inverse_norms }
    }
}

/// Copies one row of the grid out of the base maps: channels × stride.
#[inline(always)]
fn copy_cells<S: Simd>(
    simd: S,
    image: &Hyperimage,
    row: usize,
    columns: usize,
    stride: usize,
    to: &mut [f32],
) {
    let group = &image.groups[0];
    let first = (image.grid.rows.start + row) * group.columns + image.grid.columns.start;
    for (channel, to) in to.chunks_exact_mut(stride).enumerate() {
        let at = channel * group.rows * group.columns + first;
        copy(simd, group.data.view().part(at..at + columns), &mut to[..columns]);
    }
}

/// Hyperpixels of one source row, ready to meet target rows.
pub struct SourceRow {
    /// Number of hyperpixels.
    pub count: usize,
    /// Base maps: channels × (count + margin).
    panel: Vec<f32>,
    /// Inverse norm of each, zeros in the margin.
    inverse_norms: Vec<f32>,
    /// For each coarse group the mixed rows of its expanded correlation.
    mixed: Vec<Vec<f32>>,
}

impl SourceRow {
    /// The hyperpixels of row `row` of the source's grid.
    #[inline(always)]
    pub fn new<S: Simd>(simd: S, pair: &PreparedPair, row: usize) -> Self {
        let (grid, group) = (&pair.source.grid, &pair.source.groups[0]);
        let count = grid.columns.len;
        let stride = count + ROW_MARGIN;
        let mut panel = vec![0.0; group.channels * stride];
        copy_cells(simd, pair.source, row, count, stride, &mut panel);
        let mut inverse_norms = vec![0.0; stride];
        inverse_norms[..count].copy_from_slice(&pair.source.inverse_norms[row * count..][..count]);
        // A loop, not a closure: a closure is compiled without the instruction set.
        let mut mixed = Vec::with_capacity(pair.expanded.len());
        for expanded in &pair.expanded {
            let mut rows = Vec::new();
            expanded.source_row(simd, row, &mut rows);
            mixed.push(rows);
        }
        Self { count, panel, inverse_norms, mixed }
    }
}

/// Similarities of a [`SourceRow`] with one target row. Each line has [`LANES`] zeros on either
/// side, so that diagonals can be read as whole vectors.
pub struct Similarities {
    /// Values of a line: width + 2 · [`LANES`].
    pub stride: usize,
    /// (count + margin) × stride.
    pub data: Vec<f32>,
    mixed: Vec<f32>,
}

impl Similarities {
    /// Room for the similarities of `count` hyperpixels with a target row of `width`.
    #[must_use]
    pub fn new(count: usize, width: usize) -> Self {
        let stride = width + 2 * LANES;
        Self { stride, data: vec![0.0; (count + ROW_MARGIN) * stride], mixed: Vec::new() }
    }

    /// The similarities of hyperpixel `index` of the source row: `width` values, one a target column,
    /// then padding.
    #[must_use]
    pub fn line(&self, index: usize) -> &[f32] {
        &self.data[index * self.stride + LANES..][..self.stride - 2 * LANES]
    }

    /// Computes the similarities with target row `row`.
    #[inline(always)]
    pub fn compute<S: Simd>(
        &mut self,
        simd: S,
        pair: &PreparedPair,
        source: &SourceRow,
        row: usize,
    ) {
        let (width, stride) = (pair.width, self.stride);
        self.start_with_coarse_groups(simd, pair, source, row);
        let channels = pair.target.groups[0].channels;
        let base = &pair.base[row * channels * width..][..channels * width];
        let panel_stride = source.count + ROW_MARGIN;
        let blocks = source.panel.chunks(CHANNEL_BLOCK * panel_stride);
        for (source_block, target_block) in blocks.zip(base.chunks(CHANNEL_BLOCK * width)) {
            let out = &mut self.data[LANES..];
            simd.call(Multiply {
                source: Panel { data: source_block, stride: panel_stride },
                rows: source.count,
                target: Panel { data: target_block, stride: width },
                columns: width,
                out,
                out_stride: stride,
            });
        }
        let target_norms = &pair.inverse_norms[row * width..][..width];
        for (line, &norm) in self.data.chunks_exact_mut(stride).zip(&source.inverse_norms) {
            cube(simd, &mut line[LANES..LANES + width], simd.splat(norm), target_norms);
        }
    }

    /// Fills every line with the sum of the coarse groups' upsampled correlations.
    #[inline(always)]
    fn start_with_coarse_groups<S: Simd>(
        &mut self,
        simd: S,
        pair: &PreparedPair,
        source: &SourceRow,
        row: usize,
    ) {
        let width = pair.width;
        if pair.expanded.is_empty() {
            for line in self.data.chunks_exact_mut(self.stride) {
                line[LANES..LANES + width].fill(0.0);
            }
        }
        for (index, (expanded, rows)) in pair.expanded.iter().zip(&source.mixed).enumerate() {
            expanded.target_row(simd, rows, row, &mut self.mixed);
            let taps = &expanded.source_column_taps;
            for (line, tap) in self.data.chunks_exact_mut(self.stride).zip(taps) {
                let left = &self.mixed[tap.first as usize * width..][..width];
                let right = &self.mixed[tap.second as usize * width..][..width];
                let line = &mut line[LANES..LANES + width];
                if index == 0 {
                    mix(simd, left, right, tap.weight, line);
                } else {
                    add_mix(simd, left, right, tap.weight, line);
                }
            }
        }
    }
}

/// `out += left · (1 − weight) + right · weight`
#[inline(always)]
fn add_mix<S: Simd>(simd: S, left: &[f32], right: &[f32], weight: f32, out: &mut [f32]) {
    let (keep, take) = (simd.splat(1.0 - weight), simd.splat(weight));
    let pairs = left.chunks_exact(LANES).zip(right.chunks_exact(LANES));
    for ((left, right), out) in pairs.zip(out.chunks_exact_mut(LANES)) {
        let sum = simd.mul_add(simd.load(right), take, simd.load(out));
        simd.store(out, simd.mul_add(simd.load(left), keep, sum));
    }
}

/// `line = max(0, line · norm · norms)³`
#[inline(always)]
fn cube<S: Simd>(simd: S, line: &mut [f32], norm: S::Vector, norms: &[f32]) {
    let zero = simd.splat(0.0);
    for (line, norms) in line.chunks_exact_mut(LANES).zip(norms.chunks_exact(LANES)) {
        let scale = simd.mul(norm, simd.load(norms));
        let cosine = simd.max(simd.mul(simd.load(line), scale), zero);
        simd.store(line, simd.mul(simd.mul(cosine, cosine), cosine));
    }
}
