//! Values of one source row and one target row sorted by offset: what adds up in one vote stands in
//! one lane, and no similarity need be written down to be summed.
//!
//! Columns are those of whole maps, so that sets of different bases share what is sorted; each set has
//! inverse norms of 0 outside its grid.

use std::ops::Range;

use super::super::simd::{LANES, Simd, Sixteen};
use super::super::similarity::{add, cube, mix};
use super::super::tile::{CHAINS, padded};
use super::super::vote::lines_of_block;
use crate::hyperpixel::Grid;
use crate::hyperpixel::upsample::Tap;

/// Zeros before and after a line that is read by offset: what a block reads beyond it on either side.
pub(super) const MARGIN: usize = 2 * LANES;

/// Where the value of a source column and a target column stands: in blocks of [`LANES`] offsets, and
/// in each block a vector for every source column that has such offsets.
pub(super) struct OffsetLayout {
    /// Source columns.
    count: usize,
    /// Target columns.
    columns: usize,
    blocks: Vec<OffsetBlock>,
    /// Vectors of all blocks.
    vectors: usize,
}

/// A block of offsets.
struct OffsetBlock {
    /// Source columns, from a multiple of [`CHAINS`] to a multiple of it.
    lines: Range<usize>,
    /// The first vector.
    start: usize,
}

/// The source columns of each block that a set reads, from a multiple of [`CHAINS`] to a multiple of
/// it.
pub(super) type LineRanges = Vec<Range<usize>>;

/// Values of one set, sorted; or those of one target column, source column by source column.
pub(super) struct SortedValues<'a> {
    /// Sums of products of the base layers.
    pub base: &'a [Sixteen],
    /// What coarse groups add, in their order.
    pub terms: Vec<&'a [Sixteen]>,
}

/// Inverse norms of one set for a source row and a target row: 0 outside its grid.
#[derive(Default)]
pub(super) struct Norms {
    /// Of the source's columns, followed by zeros.
    pub source: Vec<f32>,
    /// Of the target's columns, with margins.
    pub target: Vec<f32>,
}

impl OffsetLayout {
    /// That of `count` source columns and `columns` target columns.
    pub(super) fn new(count: usize, columns: usize) -> Self {
        let (mut blocks, mut vectors) = (Vec::new(), 0);
        for block in 0..(count + columns - 1).div_ceil(LANES) {
            let lines = whole_chains(lines_of_block(block, count, columns));
            blocks.push(OffsetBlock { start: vectors, lines: lines.clone() });
            vectors += lines.len();
        }
        Self { count, columns, blocks, vectors }
    }

    /// Vectors of what is sorted.
    pub(super) fn vectors(&self) -> usize {
        self.vectors
    }

    /// Offsets, padded to a multiple of [`LANES`].
    pub(super) fn offset_stride(&self) -> usize {
        self.blocks.len() * LANES
    }

    /// The offset that is a set's first.
    pub(super) fn first_offset(&self, [first, second]: [&Grid; 2]) -> usize {
        self.count + second.columns.start - first.columns.start - first.columns.len
    }

    /// What a set reads.
    pub(super) fn lines(&self, [first, second]: [&Grid; 2]) -> LineRanges {
        let (source, target) = (first.columns, second.columns);
        let lines = |(number, block): (usize, &OffsetBlock)| {
            let offset = (self.count - 1).wrapping_sub(number * LANES) as isize;
            let from = target.start as isize + offset + 1 - LANES as isize;
            let to = (target.start + target.len) as isize + offset;
            let from = source.start.max(from.max(0) as usize);
            let to = (source.start + source.len).min(to.max(0) as usize);
            if from < to { whole_chains(from..to) } else { block.lines.start..block.lines.start }
        };
        self.blocks.iter().enumerate().map(lines).collect()
    }

    /// Of a line with margins, the place of the first value that block `block` reads for source
    /// column `column`.
    #[inline(always)]
    fn place(&self, block: usize, column: usize) -> usize {
        MARGIN + block * LANES + column + 1 - self.count
    }

    /// Sorts values: source columns × `stride`, each with its margins.
    #[inline(always)]
    pub(super) fn sort<S: Simd>(&self, simd: S, from: &[f32], stride: usize, out: &mut [Sixteen]) {
        for (number, block) in self.blocks.iter().enumerate() {
            let first = block.lines.start;
            let mut at = first * stride + self.place(number, first);
            for out in &mut out[block.start..][..block.lines.len()] {
                simd.store(&mut out.0, simd.load(&from[at..]));
                at += stride + 1;
            }
        }
    }

    /// How a coarse group's mixed rows (coarse columns × `stride`, each with its margins) are sorted.
    pub(super) fn mixes(&self, taps: &[Tap], stride: usize) -> Vec<Mix> {
        let mut mixes = vec![Mix::default(); self.vectors];
        for (number, block) in self.blocks.iter().enumerate() {
            let lines = block.lines.start..block.lines.end.min(self.count);
            for (column, mix) in lines.zip(&mut mixes[block.start..]) {
                let (tap, place) = (taps[column], self.place(number, column));
                *mix = Mix {
                    left: tap.first as usize * stride + place,
                    right: tap.second as usize * stride + place,
                    take: tap.weight,
                };
            }
        }
        mixes
    }

    /// Adds to `sums`, one an offset, a set's similarities of a source row and a target row.
    #[inline(always)]
    pub(super) fn add_votes<S: Simd>(
        &self,
        simd: S,
        lines: &LineRanges,
        values: &SortedValues,
        norms: &Norms,
        sums: &mut [f32],
    ) {
        // Loops over few groups are unrolled where their number is known.
        match values.terms[..] {
            [] => self.add_votes_of(simd, lines, (values.base, []), norms, sums),
            [a] => self.add_votes_of(simd, lines, (values.base, [a]), norms, sums),
            [a, b] => self.add_votes_of(simd, lines, (values.base, [a, b]), norms, sums),
            [a, b, c] => self.add_votes_of(simd, lines, (values.base, [a, b, c]), norms, sums),
            [ref rest @ .., a, b, c] => {
                let mut base = values.base.to_vec();
                for term in rest {
                    add(simd, bytemuck::cast_slice_mut(&mut base), bytemuck::cast_slice(term));
                }
                self.add_votes_of(simd, lines, (&base, [a, b, c]), norms, sums);
            }
        }
    }

    #[inline(always)]
    fn add_votes_of<S: Simd, const TERMS: usize>(
        &self,
        simd: S,
        lines: &LineRanges,
        (base, terms): (&[Sixteen], [&[Sixteen]; TERMS]),
        norms: &Norms,
        sums: &mut [f32],
    ) {
        for (number, lines) in lines.iter().enumerate() {
            let block = &self.blocks[number];
            let mut chains = [simd.splat(0.0); CHAINS];
            let mut column = lines.start;
            while column < lines.end {
                let at = block.start + column - block.lines.start;
                let base = &base[at..at + CHAINS];
                let mut of_terms = [base; TERMS];
                for term in 0..TERMS {
                    of_terms[term] = &terms[term][at..at + CHAINS];
                }
                let of_source = &norms.source[column..column + CHAINS];
                let of_target = &norms.target[self.place(number, column)..][..LANES + CHAINS - 1];
                for step in 0..CHAINS {
                    let mut sum = simd.load(&base[step].0);
                    for term in &of_terms {
                        sum = simd.add(sum, simd.load(&term[step].0));
                    }
                    let of_target = simd.load(&of_target[step..]);
                    let norms = simd.mul(simd.splat(of_source[step]), of_target);
                    chains[step] = simd.add(chains[step], cube(simd, sum, norms));
                }
                column += CHAINS;
            }
            let halves = (simd.add(chains[0], chains[1]), simd.add(chains[2], chains[3]));
            let sums = &mut sums[number * LANES..][..LANES];
            simd.store(sums, simd.add(simd.load(sums), simd.add(halves.0, halves.1)));
        }
    }

    /// A set's similarities of one source column with the target row: a line with margins, of which
    /// those of the target's columns are written.
    #[inline(always)]
    pub(super) fn of_source<S: Simd>(
        &self,
        simd: S,
        column: usize,
        values: &SortedValues,
        norms: &Norms,
        out: &mut [f32],
    ) {
        let of_source = simd.splat(norms.source[column]);
        let first = self.count - 1 - column;
        for number in first / LANES..(first + self.columns - 1) / LANES + 1 {
            let (block, place) = (&self.blocks[number], self.place(number, column));
            let sum = values.sum(simd, block.start + column - block.lines.start);
            let norms = simd.mul(of_source, simd.load(&norms.target[place..]));
            simd.store(&mut out[place..], cube(simd, sum, norms));
        }
    }

    /// Where the values of one target column stand, a source column each.
    pub(super) fn of_target(&self, column: usize) -> Vec<usize> {
        let value = |source: usize| {
            let offset = column + self.count - 1 - source;
            let block = &self.blocks[offset / LANES];
            (block.start + source - block.lines.start) * LANES + offset % LANES
        };
        (0..self.count).map(value).collect()
    }
}

impl SortedValues<'_> {
    /// The sum of one vector.
    #[inline(always)]
    pub(super) fn sum<S: Simd>(&self, simd: S, at: usize) -> S::Vector {
        let mut sum = simd.load(&self.base[at].0);
        for term in &self.terms {
            sum = simd.add(sum, simd.load(&term[at].0));
        }
        sum
    }

    /// A set's similarities with one target column, given these values of that column alone: a vector
    /// for every [`LANES`] source columns.
    #[inline(always)]
    pub(super) fn of_target<S: Simd>(
        &self,
        simd: S,
        column: usize,
        norms: &Norms,
        out: &mut [f32],
    ) {
        let of_target = simd.splat(norms.target[MARGIN + column]);
        for at in 0..self.base.len() {
            let of_source = simd.load(&norms.source[at * LANES..]);
            let norms = simd.mul(of_source, of_target);
            simd.store(&mut out[at * LANES..], cube(simd, self.sum(simd, at), norms));
        }
    }
}

/// What one sorted vector of a coarse group is mixed of.
#[derive(Clone, Copy, Default)]
pub(super) struct Mix {
    /// Where the left coarse column is read.
    left: usize,
    /// Where the right one is read.
    right: usize,
    take: f32,
}

/// Sorts what a coarse group adds: `left + (right − left) · take` of its mixed rows.
#[inline(always)]
pub(super) fn sort_mixed<S: Simd>(simd: S, mixed: &[f32], mixes: &[Mix], out: &mut [Sixteen]) {
    for (place, out) in mixes.iter().zip(out) {
        let (left, right) = (simd.load(&mixed[place.left..]), simd.load(&mixed[place.right..]));
        simd.store(&mut out.0, mix(simd, left, right, simd.splat(place.take)));
    }
}

/// Source columns, extended to whole chains.
fn whole_chains(lines: Range<usize>) -> Range<usize> {
    lines.start / CHAINS * CHAINS..padded(lines.end, CHAINS)
}
