//! One layer set of two photographs: what is asked of it, what the vote leaves, and its matches.

use super::super::hough::{hough, mirrored};
use super::super::pick::{KeptRow, Pick};
use super::super::rows::{backward_rows, forward_rows, matches};
use super::super::simd::{InstructionSet, LANES};
use super::super::tile::padded;
use super::super::vote::KeptSimilarities;
use crate::engine::contract::Matches;
use crate::engine::hough::HoughSpace;
use crate::hyperpixel::{Grid, LayerStack, View};

/// One set of two photographs, the way around in which it is computed.
pub(super) struct SetWork<'a> {
    /// Its number among the sets of the requests.
    pub number: usize,
    /// Positions of its layers at the base's resolution.
    pub base: Vec<usize>,
    /// Positions of its layers at each coarser resolution.
    pub coarse: Vec<Vec<usize>>,
    /// The hyperpixels of either photograph.
    pub views: [&'a View; 2],
    /// Whether the first is to be matched to the second, and the second to the first.
    pub asked: [bool; 2],
    /// The hyperpixels asked for, of either photograph: columns, row by row.
    pub columns: [Vec<Vec<usize>>; 2],
    /// What the vote left.
    pub found: SetVotes,
}

/// What the vote leaves of one set.
#[derive(Default)]
pub(super) struct SetVotes {
    /// Sums over offsets of whole maps: row offsets × the stride of their layout.
    pub sums: Vec<f32>,
    /// Similarities for `pick`, a source row each.
    pub kept: Vec<KeptSimilarities>,
}

impl SetWork<'_> {
    /// The grids of either photograph.
    pub(super) fn grids(&self) -> [&Grid; 2] {
        self.views.map(|view| &view.grid)
    }

    /// Widths of lines of similarities: of the second's columns and of the first's.
    pub(super) fn widths(&self) -> [usize; 2] {
        let [first, second] = self.grids();
        [padded(second.columns.len, LANES), padded(first.columns.len, LANES)]
    }

    /// Offsets, padded to a multiple of [`LANES`].
    pub(super) fn offset_stride(&self) -> usize {
        let [first, second] = self.grids();
        padded(first.columns.len + second.columns.len - 1, LANES)
    }

    /// About the bytes that the set keeps while it is matched.
    pub(super) fn bytes(&self, [first, second]: [&LayerStack; 2]) -> usize {
        let asked = |side: usize| self.columns[side].iter().map(Vec::len).sum::<usize>();
        let [grid, target] = self.grids();
        let kept = asked(0) * target.len() + asked(1) * grid.len();
        let cells = |group: &Vec<usize>| {
            let (source, target) = (&first.maps[group[0]], &second.maps[group[0]]);
            source.rows * source.columns * target.rows * self.widths()[0]
        };
        (kept + self.coarse.iter().map(cells).sum::<usize>()) * size_of::<f32>()
    }

    /// From votes to matches, first to second and second to first.
    pub(super) fn pick(
        &self,
        instructions: InstructionSet,
        sums: &[f32],
        sizes: [[u32; 2]; 2],
    ) -> [Option<Matches>; 2] {
        let (grids, [width, source_width]) = (self.grids(), self.widths());
        let kept = &self.found.kept;
        let stride = self.offset_stride();
        let pick = |space: HoughSpace, sums: &[f32], grids, width, rows: Vec<KeptRow>| {
            let votes = hough(&space, sums, stride);
            let picks = rows.iter().map(|kept| Pick { grids, width, votes: &votes, kept });
            matches(&picks.flat_map(|pick| instructions.run(pick)).collect::<Vec<_>>())
        };
        let forward = || {
            let rows = forward_rows(width, &self.columns[0], kept);
            pick(HoughSpace::between(sizes, grids), sums, grids, width, rows)
        };
        let backward = || {
            let columns = grids[0].columns.len + grids[1].columns.len - 1;
            let rows = backward_rows(source_width, &self.columns[1], kept);
            let (grids, sizes) = ([grids[1], grids[0]], [sizes[1], sizes[0]]);
            let space = HoughSpace::between(sizes, grids);
            pick(space, &mirrored(sums, columns, stride), grids, source_width, rows)
        };
        [self.asked[0].then(forward), self.asked[1].then(backward)]
    }
}
