//! Similarities of some hyperpixels of one source row against one target row: the tile that `vote`
//! sums and `pick` searches (HPF, section 3.2: max(0, cosine) cubed).

use super::correlate::Correlate;
use super::expand::{Base, Expanded};
use super::simd::{Aligned, LANES, Simd, SimdKernel};
use super::strip::Packed;
use super::tile::{CHAINS, Multiply, Panel, ROW_MARGIN, WIDEST_COLUMNS, copy, padded};
use crate::hyperpixel::Hyperimage;
use crate::hyperpixel::upsample::Tap;

/// Channels of the base multiplied at a time: the target's row of them fits the first-level cache.
const CHANNEL_BLOCK: usize = 64;

/// A pair made ready: coarse groups correlated and expanded, the target's base in rows.
pub(super) struct PreparedPair<'a> {
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

/// Correlates one coarse group.
pub struct PrepareGroup<'a> {
    /// The source.
    pub source: &'a Hyperimage,
    /// The target.
    pub target: &'a Hyperimage,
    /// Which group; not 0, which is the base.
    pub group: usize,
}

impl SimdKernel for &PrepareGroup<'_> {
    type Output = Expanded;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Expanded {
        let (source, target) = (&self.source.groups[self.group], &self.target.groups[self.group]);
        let correlation = Correlate { source, target }.run(simd);
        let (of_source, of_target) = (Base::of(self.source), Base::of(self.target));
        Expanded::new(correlation, (source, of_source), (target, of_target))
    }
}

impl<'a> PreparedPair<'a> {
    /// Puts the target's base and inverse norms in padded rows beside the expanded groups.
    #[must_use]
    pub(super) fn new(
        source: &'a Hyperimage,
        target: &'a Hyperimage,
        expanded: Vec<Expanded>,
    ) -> Self {
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
pub(super) struct SourceRow {
    /// Number of hyperpixels.
    pub count: usize,
    /// Base maps: channels × (count + margin).
    panel: Vec<f32>,
    /// Inverse norm of each.
    inverse_norms: Vec<f32>,
    /// For each coarse group the upsampled rows of its correlation.
    expanded: Vec<Aligned>,
    /// What they are upsampled from.
    mixed: Aligned,
}

impl SourceRow {
    /// Room for a row of the source's grid.
    #[must_use]
    pub(super) fn new(pair: &PreparedPair) -> Self {
        let count = pair.source.grid.columns.len;
        Self {
            count,
            panel: vec![0.0; pair.source.groups[0].channels * (count + ROW_MARGIN)],
            inverse_norms: vec![0.0; count],
            expanded: vec![Aligned::default(); pair.expanded.len()],
            mixed: Aligned::default(),
        }
    }

    /// Takes the hyperpixels of row `row` of the source's grid.
    #[inline(always)]
    pub(super) fn take<S: Simd>(&mut self, simd: S, pair: &PreparedPair, row: usize) {
        let count = self.count;
        copy_cells(simd, pair.source, row, count, count + ROW_MARGIN, &mut self.panel);
        self.inverse_norms.copy_from_slice(&pair.source.inverse_norms[row * count..][..count]);
        for (expanded, rows) in pair.expanded.iter().zip(&mut self.expanded) {
            expanded.source_row(simd, row, &mut self.mixed, rows);
        }
    }
}

/// Similarities of a [`SourceRow`] with one target row. Each line has [`LANES`] zeros on either side,
/// and there are [`CHAINS`] lines of zeros before the first and after the last, so that diagonals can
/// be read as whole vectors and in whole chains.
pub(super) struct Similarities {
    /// Values of a line: width + 2 · [`LANES`].
    pub stride: usize,
    /// (count + 2 · [`CHAINS`]) × stride.
    pub data: Aligned,
}

impl Similarities {
    /// Room for the similarities of `count` hyperpixels with a target row of `width`.
    #[must_use]
    pub(super) fn new(count: usize, width: usize) -> Self {
        let stride = width + 2 * LANES;
        Self { stride, data: Aligned::zeros((count + 2 * CHAINS) * stride) }
    }

    /// Where the similarities of hyperpixel `index` of the source row begin.
    #[inline(always)]
    pub(super) fn place(&self, index: usize) -> usize {
        (index + CHAINS) * self.stride + LANES
    }

    /// The similarities of hyperpixel `index` of the source row: `width` values, one a target column,
    /// then padding.
    #[must_use]
    pub(super) fn line(&self, index: usize) -> &[f32] {
        &self.data[self.place(index)..][..self.stride - 2 * LANES]
    }
}

/// Inner products of the base layers of a [`SourceRow`] and a strip of target rows, and what the
/// coarse groups add to one of them: room that every target row reuses.
pub(super) struct SimilarityTile {
    /// The strip multiplied last.
    strip: Option<usize>,
    /// hyperpixels × width of a strip.
    base: Aligned,
    /// Those of one layer alone, where the base has several.
    layer: Aligned,
    mixed: Vec<Aligned>,
}

impl SimilarityTile {
    /// Room for a row of the source's grid.
    #[must_use]
    pub(super) fn new(pair: &PreparedPair) -> Self {
        let count = pair.source.grid.columns.len;
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

    /// Begins a source row: no strip has met it.
    pub(super) fn begin(&mut self) {
        self.strip = None;
    }

    /// Computes the similarities of a source row with target row `row`.
    #[inline(always)]
    pub(super) fn compute<S: Simd>(
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
            pair.expanded.iter().zip(&source.expanded).zip(&mut self.mixed)
        {
            expanded.target_row(simd, rows, row, 0, mixed);
        }
        let terms = Terms {
            base: &self.base[column..],
            base_stride: pair.base.strips.width,
            source_norms: &source.inverse_norms,
            norms: &pair.inverse_norms[row * width..][..width],
        };
        let coarse = |at: usize| Coarse {
            mixed: &self.mixed[at],
            stride: width,
            taps: &pair.expanded[at].source_column_taps,
        };
        // Loops over few groups are unrolled where their number is known.
        match self.mixed.len() {
            0 => terms.lines(simd, [], out),
            1 => terms.lines(simd, [coarse(0)], out),
            2 => terms.lines(simd, [coarse(0), coarse(1)], out),
            3 => terms.lines(simd, [coarse(0), coarse(1), coarse(2)], out),
            groups => {
                let last = (source.count - 1) * terms.base_stride + width;
                let mut sums = terms.base[..last].to_vec();
                for group in 0..groups - 3 {
                    coarse(group).add_to(simd, &mut sums, terms.base_stride, terms.norms.len());
                }
                let rest = [coarse(groups - 3), coarse(groups - 2), coarse(groups - 1)];
                Terms { base: &sums, ..terms }.lines(simd, rest, out);
            }
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
pub(super) fn multiply_layer<S: Simd>(
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
pub(super) fn add<S: Simd>(simd: S, sum: &mut [f32], values: &[f32]) {
    for (sum, values) in sum.chunks_exact_mut(LANES).zip(values.chunks_exact(LANES)) {
        simd.store(sum, simd.add(simd.load(sum), simd.load(values)));
    }
}

/// A coarse group's share of the products with one target row.
#[derive(Clone, Copy)]
struct Coarse<'a> {
    /// What [`Expanded::target_row`] gave: coarse columns × stride.
    mixed: &'a [f32],
    stride: usize,
    /// The coarse columns that each source column reads.
    taps: &'a [Tap],
}

impl<'a> Coarse<'a> {
    /// Whether source column `index` and the next read the same coarse columns.
    #[inline(always)]
    fn is_shared(&self, index: usize) -> bool {
        let (a, b) = (self.taps[index], self.taps[index + 1]);
        (a.first, a.second) == (b.first, b.second)
    }

    /// The two coarse columns that source column `index` reads, vector by vector.
    #[inline(always)]
    fn sides(&self, index: usize) -> [&'a [[f32; LANES]]; 2] {
        let tap = self.taps[index];
        let column = |at: u32| vectors(&self.mixed[at as usize * self.stride..][..self.stride]);
        [column(tap.first), column(tap.second)]
    }

    /// Adds the first `width` values of every source column to lines of `stride` values.
    #[inline(always)]
    fn add_to<S: Simd>(&self, simd: S, sums: &mut [f32], stride: usize, width: usize) {
        for (index, sums) in sums.chunks_mut(stride).enumerate().take(self.taps.len()) {
            let take = simd.splat(self.taps[index].weight);
            let [left, right] = self.sides(index);
            let sides = left.iter().zip(right);
            for ((left, right), sum) in sides.zip(sums[..width].chunks_exact_mut(LANES)) {
                let mixed = mix(simd, simd.load(left), simd.load(right), take);
                simd.store(sum, simd.add(simd.load(sum), mixed));
            }
        }
    }
}

/// Values as vectors.
#[inline(always)]
fn vectors(values: &[f32]) -> &[[f32; LANES]] {
    bytemuck::cast_slice(values)
}

/// What the similarities of a source row with one target row are made of, except for the coarse groups.
#[derive(Clone, Copy)]
struct Terms<'a> {
    /// Products of the base layers: source columns × `base_stride`.
    base: &'a [f32],
    base_stride: usize,
    /// The inverse norm of every source column.
    source_norms: &'a [f32],
    /// Those of the target's columns, padded to whole vectors.
    norms: &'a [f32],
}

impl Terms<'_> {
    /// The similarities of every source column. Two that read the same coarse columns are computed
    /// together, because reading takes longer than computing.
    #[inline(always)]
    fn lines<S: Simd, const GROUPS: usize>(
        &self,
        simd: S,
        coarse: [Coarse; GROUPS],
        out: &mut Similarities,
    ) {
        let mut index = 0;
        while index < self.source_norms.len() {
            let mut shared = index + 1 < self.source_norms.len();
            for coarse in &coarse {
                shared = shared && coarse.is_shared(index);
            }
            if shared {
                self.some_lines::<S, GROUPS, 2>(simd, &coarse, index, out);
                index += 2;
            } else {
                self.some_lines::<S, GROUPS, 1>(simd, &coarse, index, out);
                index += 1;
            }
        }
    }

    /// `max(0, (base + Σ_groups (left + (right − left) · take)) · norm · norms)³` for `LINES` source
    /// columns from `first` on, which read the same coarse columns.
    #[inline(always)]
    fn some_lines<S: Simd, const GROUPS: usize, const LINES: usize>(
        &self,
        simd: S,
        coarse: &[Coarse; GROUPS],
        first: usize,
        out: &mut Similarities,
    ) {
        let norms = vectors(self.norms);
        let mut sides = [[norms; 2]; GROUPS];
        let mut takes = [[simd.splat(0.0); LINES]; GROUPS];
        for group in 0..GROUPS {
            sides[group] = coarse[group].sides(first).map(|side| &side[..norms.len()]);
            let taps = &coarse[group].taps[first..first + LINES];
            for (take, tap) in takes[group].iter_mut().zip(taps) {
                *take = simd.splat(tap.weight);
            }
        }
        let mut bases = [norms; LINES];
        let mut factors = [simd.splat(0.0); LINES];
        for line in 0..LINES {
            let base = &self.base[(first + line) * self.base_stride..][..self.norms.len()];
            bases[line] = vectors(base);
            factors[line] = simd.splat(self.source_norms[first + line]);
        }
        let (stride, place) = (out.stride, out.place(first));
        let out = &mut out.data[place..][..(LINES - 1) * stride + self.norms.len()];
        for at in 0..norms.len() {
            let mut sums = [simd.splat(0.0); LINES];
            for line in 0..LINES {
                sums[line] = simd.load(&bases[line][at]);
            }
            for group in 0..GROUPS {
                let [left, right] = sides[group];
                let left = simd.load(&left[at]);
                let difference = simd.sub(simd.load(&right[at]), left);
                for line in 0..LINES {
                    let mixed = simd.mul_add(difference, takes[group][line], left);
                    sums[line] = simd.add(sums[line], mixed);
                }
            }
            let norms = simd.load(&norms[at]);
            for line in 0..LINES {
                let similarity = cube(simd, sums[line], simd.mul(factors[line], norms));
                simd.store(&mut out[line * stride + at * LANES..], similarity);
            }
        }
    }
}

/// `left + (right − left) · take`
#[inline(always)]
pub(super) fn mix<S: Simd>(
    simd: S,
    left: S::Vector,
    right: S::Vector,
    take: S::Vector,
) -> S::Vector {
    simd.mul_add(simd.sub(right, left), take, left)
}

/// `max(0, sum · norms)³`
#[inline(always)]
pub(super) fn cube<S: Simd>(simd: S, sum: S::Vector, norms: S::Vector) -> S::Vector {
    let cosine = simd.max(simd.mul(sum, norms), simd.splat(0.0));
    simd.mul(simd.mul(cosine, cosine), cosine)
}
