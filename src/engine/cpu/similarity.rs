//! Similarities of some hyperpixels of one source row against one target row: the tile that `vote`
//! sums and `pick` searches (HPF, section 3.2: max(0, cosine) cubed).

use super::correlate::Correlate;
use super::expand::{Base, Expand, Expanded};
use super::simd::{Aligned, Kernel, LANES, Simd};
use super::strip::Packed;
use super::tile::{Multiply, Panel, ROW_MARGIN, WIDEST_COLUMNS, copy, padded};
use crate::hyperpixel::Hyperimage;
use crate::hyperpixel::upsample::Tap;

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
    /// The target's base maps.
    base: Packed,
    /// The target's inverse norms: target rows × width, padded with zeros.
    inverse_norms: Aligned,
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
        let base = Packed::new(&target.groups[0], &target.grid);
        let mut inverse_norms = Aligned::zeros(target.grid.rows.len * width);
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
    mixed: Vec<Aligned>,
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
            let mut rows = Aligned::default();
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
    /// count × stride.
    pub data: Aligned,
}

impl Similarities {
    /// Room for the similarities of `count` hyperpixels with a target row of `width`.
    #[must_use]
    pub fn new(count: usize, width: usize) -> Self {
        let stride = width + 2 * LANES;
        Self { stride, data: Aligned::zeros(count * stride) }
    }

    /// The similarities of hyperpixel `index` of the source row: `width` values, one a target column,
    /// then padding.
    #[must_use]
    pub fn line(&self, index: usize) -> &[f32] {
        &self.data[index * self.stride + LANES..][..self.stride - 2 * LANES]
    }

    /// The same, to be written.
    pub fn line_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.data[index * self.stride + LANES..][..self.stride - 2 * LANES]
    }
}

/// Inner products of the base layers of a [`SourceRow`] and a strip of target rows, and what the
/// coarse groups add to one of them: room that every target row uses anew.
pub struct Tile {
    /// The strip multiplied last.
    strip: Option<usize>,
    /// hyperpixels × width of a strip.
    base: Aligned,
    /// Those of one layer alone, where the base has several.
    layer: Aligned,
    mixed: Vec<Aligned>,
}

impl Tile {
    /// Room for `count` hyperpixels of a pair's source.
    #[must_use]
    pub fn new(count: usize, pair: &PreparedPair) -> Self {
        // The last row of a strip is read to a whole vector.
        let values = (count + ROW_MARGIN) * pair.base.strips.width + LANES;
        let of_layer = if pair.target.groups[0].layers.len() > 1 { values } else { 0 };
        Self {
            strip: None,
            base: Aligned::zeros(values),
            layer: Aligned::zeros(of_layer),
            mixed: vec![Aligned::default(); pair.expanded.len()],
        }
    }

    /// Computes the similarities of a source row with target row `row`.
    #[inline(always)]
    pub fn compute<S: Simd>(
        &mut self,
        simd: S,
        pair: &PreparedPair,
        source: &SourceRow,
        row: usize,
        out: &mut Similarities,
    ) {
        let width = pair.width;
        let (strip, column) = pair.base.strips.place(row);
        if self.strip.replace(strip) != Some(strip) {
            self.multiply_base(simd, pair, source, strip);
        }
        for ((expanded, rows), mixed) in
            pair.expanded.iter().zip(&source.mixed).zip(&mut self.mixed)
        {
            expanded.target_row(simd, rows, row, 0, mixed);
        }
        let norms = &pair.inverse_norms[row * width..][..width];
        let mut sides = Vec::with_capacity(self.mixed.len());
        for index in 0..source.count {
            sides.clear();
            for (mixed, expanded) in self.mixed.iter().zip(&pair.expanded) {
                sides.push(Side::new(
                    simd,
                    mixed,
                    expanded.width,
                    expanded.source_column_taps[index],
                ));
            }
            let base = &self.base[index * pair.base.strips.width + column..][..width];
            let line = out.line_mut(index);
            similarities(simd, base, &sides, source.inverse_norms[index], norms, line);
        }
    }

    /// The sum of the base layers' products with a strip, one layer after the other.
    #[inline(always)]
    fn multiply_base<S: Simd>(
        &mut self,
        simd: S,
        pair: &PreparedPair,
        source: &SourceRow,
        strip: usize,
    ) {
        let stride = source.count + ROW_MARGIN;
        let mut first = 0;
        for (layer, &channels) in pair.target.groups[0].layers.iter().enumerate() {
            let data = &source.panel[first * stride..][..channels * stride];
            let of_source = (Panel { data, stride }, source.count);
            let of_target = pair.base.panel(strip, first..first + channels);
            first += channels;
            let to = if layer == 0 { &mut self.base } else { &mut self.layer };
            let columns = pair.base.strips.used(strip);
            multiply_layer(simd, of_source, (of_target, columns), (to, of_target.stride));
            if layer > 0 {
                add(simd, &mut self.base, &self.layer);
            }
        }
    }
}

/// The products of one layer: `out[i * out_stride + j]` for the cells i of the source and j of the
/// target. One block of columns after the other, so that it stays in the first-level cache.
#[inline(always)]
pub fn multiply_layer<S: Simd>(
    simd: S,
    (source, rows): (Panel, usize),
    (target, columns): (Panel, usize),
    (out, out_stride): (&mut [f32], usize),
) {
    let vectors = columns / LANES;
    let step = vectors.div_ceil(vectors.div_ceil(WIDEST_COLUMNS / LANES)) * LANES;
    for column in (0..columns).step_by(step) {
        let of_source = source.data.chunks(CHANNEL_BLOCK * source.stride);
        let of_target = target.data.chunks(CHANNEL_BLOCK * target.stride);
        for (block, (of_source, of_target)) in of_source.zip(of_target).enumerate() {
            simd.call(Multiply {
                source: Panel { data: of_source, stride: source.stride },
                rows,
                target: Panel { data: &of_target[column..], stride: target.stride },
                columns: step.min(columns - column),
                out: &mut out[column..],
                out_stride,
                overwrite: block == 0,
            });
        }
    }
}

/// `sum += values`; lengths are multiples of [`LANES`].
#[inline(always)]
pub fn add<S: Simd>(simd: S, sum: &mut [f32], values: &[f32]) {
    for (sum, values) in sum.chunks_exact_mut(LANES).zip(values.chunks_exact(LANES)) {
        simd.store(sum, simd.add(simd.load(sum), simd.load(values)));
    }
}

/// The two coarse columns that one source hyperpixel reads of a coarse group, with their weights.
#[derive(Clone, Copy)]
pub struct Side<'a, V> {
    left: &'a [f32],
    right: &'a [f32],
    take: V,
}

impl<'a, V> Side<'a, V> {
    /// Those of a source column, out of what [`Expanded::target_row`] gave: coarse columns × stride.
    #[inline(always)]
    pub fn new<S: Simd<Vector = V>>(simd: S, mixed: &'a [f32], stride: usize, tap: Tap) -> Self {
        Self {
            left: &mixed[tap.first as usize * stride..],
            right: &mixed[tap.second as usize * stride..],
            take: simd.splat(tap.weight),
        }
    }

    /// The mix of the values from `at` on.
    #[inline(always)]
    fn mix<S: Simd<Vector = V>>(&self, simd: S, at: usize) -> V
    where
        V: Copy,
    {
        mix(simd, simd.load(&self.left[at..]), simd.load(&self.right[at..]), self.take)
    }
}

/// `left + (right − left) · take`
#[inline(always)]
pub fn mix<S: Simd>(simd: S, left: S::Vector, right: S::Vector, take: S::Vector) -> S::Vector {
    simd.mul_add(simd.sub(right, left), take, left)
}

/// `out = max(0, (base + Σ_groups (left + (right − left) · take)) · norm · norms)³`
#[inline(always)]
pub fn similarities<S: Simd>(
    simd: S,
    base: &[f32],
    sides: &[Side<S::Vector>],
    norm: f32,
    norms: &[f32],
    out: &mut [f32],
) {
    // Loops over few groups are unrolled where their number is known.
    match sides {
        [] => combine(simd, base, [], norm, norms, out),
        &[a] => combine(simd, base, [a], norm, norms, out),
        &[a, b] => combine(simd, base, [a, b], norm, norms, out),
        &[a, b, c] => combine(simd, base, [a, b, c], norm, norms, out),
        &[ref rest @ .., a, b, c] => {
            let mut sum = base.to_vec();
            for side in rest {
                for (block, sum) in sum.chunks_exact_mut(LANES).enumerate() {
                    simd.store(sum, simd.add(simd.load(sum), side.mix(simd, block * LANES)));
                }
            }
            combine(simd, &sum, [a, b, c], norm, norms, out);
        }
    }
}

#[inline(always)]
fn combine<S: Simd, const GROUPS: usize>(
    simd: S,
    base: &[f32],
    sides: [Side<S::Vector>; GROUPS],
    norm: f32,
    norms: &[f32],
    out: &mut [f32],
) {
    // Slices of equal length: no vector is checked against the end of one.
    let vectors = out.len() / LANES;
    let part = |values| &bytemuck::cast_slice::<f32, [f32; LANES]>(values)[..vectors];
    let (norm, base, norms) = (simd.splat(norm), part(&base[..vectors * LANES]), part(norms));
    let mut mixes = [(base, base); GROUPS];
    for (mix, side) in mixes.iter_mut().zip(&sides) {
        *mix = (part(&side.left[..vectors * LANES]), part(&side.right[..vectors * LANES]));
    }
    for (at, out) in out.chunks_exact_mut(LANES).enumerate() {
        let mut sum = simd.load(&base[at]);
        for ((left, right), side) in mixes.iter().zip(&sides) {
            let (left, right) = (simd.load(&left[at]), simd.load(&right[at]));
            sum = simd.add(sum, mix(simd, left, right, side.take));
        }
        simd.store(out, cube(simd, sum, simd.mul(norm, simd.load(&norms[at]))));
    }
}

/// `max(0, sum · norms)³`
#[inline(always)]
pub fn cube<S: Simd>(simd: S, sum: S::Vector, norms: S::Vector) -> S::Vector {
    let cosine = simd.max(simd.mul(sum, norms), simd.splat(0.0));
    simd.mul(simd.mul(cosine, cosine), cosine)
}
