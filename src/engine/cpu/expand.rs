//! `expand`: small correlations upsampled along the source's rows and the target's columns, once a
//! source row (namesake of `shaders/expand.wgsl`; docs/method.md, "A correlation is a sum over
//! resolutions").
//!
//! Upsampling is linear along each of the four axes, so the axes may be taken in any order. The
//! source's rows come first because that is done on the smallest array; the target's rows come last,
//! inside the vote.

use super::correlate::MapCorrelation;
use super::simd::{Aligned, LANES, Simd};
use super::tile::padded;
use crate::hyperpixel::upsample::{Tap, taps};
use crate::hyperpixel::{Grid, Group, Hyperimage};

/// One group's correlation, and how it is upsampled along each of the four axes.
pub struct Expanded {
    /// Source cells × target cells, at the maps' resolution.
    correlation: MapCorrelation,
    /// Columns of the source's map.
    source_columns: usize,
    /// Rows and columns of the target's map.
    target: [usize; 2],
    /// Columns of the target's grid, padded to a multiple of [`LANES`] with zeros.
    pub width: usize,
    /// What the columns of the target's grid read, a vector each.
    spans: Vec<Span>,
    /// Taps of the source grid's rows.
    source_row_taps: Vec<Tap>,
    /// Taps of the source grid's columns.
    pub source_column_taps: Vec<Tap>,
    /// Taps of the target grid's rows.
    target_row_taps: Vec<Tap>,
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

/// The coarse columns that one vector of fine columns reads.
struct Span {
    /// The first of them.
    first: usize,
    /// How many there are.
    count: usize,
    /// For each fine column the two that it reads, from `first` on, with their weights.
    cells: [[u32; LANES]; 2],
    weights: [[f32; LANES]; 2],
}

/// The spans of all fine columns; lanes beyond the last have no weight.
fn spans(taps: &[Tap]) -> Vec<Span> {
    let span = |taps: &[Tap]| {
        let first = taps[0].first;
        let count = (taps[taps.len() - 1].second + 1 - first) as usize;
        let (mut cells, mut weights) = ([[0; LANES]; 2], [[0.0; LANES]; 2]);
        for (lane, tap) in taps.iter().enumerate() {
            (cells[0][lane], cells[1][lane]) = (tap.first - first, tap.second - first);
            (weights[0][lane], weights[1][lane]) = (1.0 - tap.weight, tap.weight);
        }
        Span { first: first as usize, count, cells, weights }
    };
    taps.chunks(LANES).map(span).collect()
}

impl Span {
    /// One vector of fine columns, number `number`, of every coarse row: rows of `columns` values, after
    /// the last of which there are [`LANES`] more, to rows of `width` values.
    #[inline(always)]
    fn upsample<S: Simd>(
        &self,
        simd: S,
        number: usize,
        (from, columns): (&[f32], usize),
        (to, width): (&mut [f32], usize),
    ) {
        if self.count > LANES {
            return self.upsample_wide(simd, number, (from, columns), (to, width));
        }
        let [keep, take] = [simd.load(&self.weights[0]), simd.load(&self.weights[1])];
        let cells = [simd.lanes(&self.cells[0]), simd.lanes(&self.cells[1])];
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            let values = simd.load(&from[row * columns + self.first..]);
            let left = simd.lookup(values, cells[0]);
            let right = simd.lookup(values, cells[1]);
            let mixed = simd.mul_add(right, take, simd.mul(left, keep));
            simd.store(&mut to[number * LANES..], mixed);
        }
    }

    /// The same where the vector reads more coarse columns than it has values, which happens only with
    /// maps of another network. It is a separate loop, because a choice inside would slow the usual one.
    #[inline(always)]
    fn upsample_wide<S: Simd>(
        &self,
        simd: S,
        number: usize,
        (from, columns): (&[f32], usize),
        (to, width): (&mut [f32], usize),
    ) {
        let [keep, take] = [simd.load(&self.weights[0]), simd.load(&self.weights[1])];
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            let [left, right] = self.sides(&from[row * columns + self.first..]);
            let mixed = simd.mul_add(simd.load(&right), take, simd.mul(simd.load(&left), keep));
            simd.store(&mut to[number * LANES..], mixed);
        }
    }

    /// The two coarse columns that each fine one reads.
    #[inline(always)]
    fn sides(&self, from: &[f32]) -> [[f32; LANES]; 2] {
        self.cells.map(|cells| cells.map(|cell| from[cell as usize]))
    }
}

impl Expanded {
    /// A group's correlation, to be upsampled from the groups' resolution to that of a base: of
    /// source and target.
    #[must_use]
    pub fn new(
        correlation: MapCorrelation,
        (source, source_base): (&Group, Base),
        (target, target_base): (&Group, Base),
    ) -> Self {
        Self {
            correlation,
            source_columns: source.columns,
            target: [target.rows, target.columns],
            width: padded(target_base.grid.columns.len, LANES),
            spans: spans(&target_base.column_taps(target)),
            source_row_taps: source_base.row_taps(source),
            source_column_taps: source_base.column_taps(source),
            target_row_taps: target_base.row_taps(target),
        }
    }

    /// Mixes two source rows and upsamples the target's columns: source columns × target rows ×
    /// width, for row `row` of the source's grid.
    #[inline(always)]
    pub fn source_row<S: Simd>(&self, simd: S, row: usize, mixed: &mut Aligned, out: &mut Aligned) {
        let tap = self.source_row_taps[row];
        let stride = self.correlation.stride;
        let len = self.source_columns * stride;
        let upper = &self.correlation.data[tap.first as usize * len..][..len];
        let lower = &self.correlation.data[tap.second as usize * len..][..len];
        let [rows, columns] = self.target;
        out.resize(self.source_columns * rows * self.width);
        mixed.resize(stride + LANES);
        let cells = upper.chunks_exact(stride).zip(lower.chunks_exact(stride));
        for ((upper, lower), out) in cells.zip(out.chunks_exact_mut(rows * self.width)) {
            mix(simd, upper, lower, tap.weight, mixed);
            for (number, span) in self.spans.iter().enumerate() {
                span.upsample(simd, number, (mixed, columns), (out, self.width));
            }
        }
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
        let (block, stride) = (self.target[0] * self.width, self.width + 2 * margin);
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

#[cfg(test)]
mod tests {
    use super::super::simd::{InstructionSet, SimdKernel};
    use super::*;

    /// Upsamples rows of `coarse` columns to `fine` ones.
    struct Upsample<'a> {
        from: &'a [f32],
        coarse: usize,
        fine: usize,
    }

    impl SimdKernel for Upsample<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Vec<f32> {
            let width = padded(self.fine, LANES);
            let rows = (self.from.len() - LANES) / self.coarse;
            let mut out = vec![f32::NAN; rows * width];
            let spans = spans(&taps(self.coarse, self.fine, 0, self.fine));
            for (number, span) in spans.iter().enumerate() {
                span.upsample(simd, number, (self.from, self.coarse), (&mut out, width));
            }
            out
        }
    }

    #[test]
    fn every_fine_column_mixes_its_two_coarse_ones() {
        // The last reads more than sixteen coarse columns a vector.
        for (coarse, fine) in [(1, 1), (1, 20), (9, 33), (38, 75), (75, 75), (40, 23)] {
            let rows = 3;
            let from: Vec<f32> =
                (0..rows * coarse + LANES).map(|value| (value * 37 % 101) as f32 - 50.0).collect();
            let taps = taps(coarse, fine, 0, fine);
            let mut bits: Option<Vec<u32>> = None;
            for instructions in InstructionSet::available() {
                let found = instructions.run(Upsample { from: &from, coarse, fine });
                for (row, line) in found.chunks_exact(padded(fine, LANES)).enumerate() {
                    let value = |cell: u32| f64::from(from[row * coarse + cell as usize]);
                    for (tap, &found) in taps.iter().zip(line) {
                        let take = f64::from(tap.weight);
                        let wanted = value(tap.first) * (1.0 - take) + value(tap.second) * take;
                        assert!((wanted - f64::from(found)).abs() < 1e-4, "{coarse} {fine}");
                    }
                    assert!(line[fine..].iter().all(|&value| value == 0.0), "{coarse} {fine}");
                }
                if instructions != InstructionSet::Plain {
                    let found: Vec<u32> = found.iter().map(|value| value.to_bits()).collect();
                    assert_eq!(*bits.get_or_insert_with(|| found.clone()), found);
                }
            }
        }
    }
}
