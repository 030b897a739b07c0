//! A pair of hyperimages and its mirror: `correlate` once for both, `expand` and `vote` once a source
//! row, `hough` once a direction, `pick` for the hyperpixels asked for.

use std::time::Instant;

use rayon::prelude::*;

use super::hough::{self, Votes};
use super::pick::{Best, KeptRow, Pick};
use super::rows::{backward_rows, columns_by_row, forward_rows, similarity_rows};
use super::simd::InstructionSet;
use super::similarity::{PrepareGroup, PreparedPair};
use super::vote::{KeptSimilarities, Room, Vote, offset_stride, source_width};
use crate::engine::hough::HoughSpace;
use crate::engine::mirror::MirrorPair;
use crate::engine::request::PairRequest;
use crate::hyperpixel::{Grid, Hyperimage};

/// Stages in order of execution.
pub(super) const STAGES: [&str; 5] = ["correlate", "expand", "vote", "hough", "pick"];

/// Seconds spent in each of [`STAGES`].
pub(super) type Seconds = [f64; STAGES.len()];

/// What threads share the work by.
#[derive(Clone, Copy)]
pub(super) enum Parallel {
    /// By mirror pairs: there are enough of them, so each stays on one thread.
    Pairs,
    /// By the rows of a mirror pair.
    Rows,
}

/// A mirror pair with the hyperpixels asked for: of either hyperimage, row by row of its grid, columns.
pub(super) struct PairWork<'a> {
    images: [&'a Hyperimage; 2],
    /// Whether the first is to be matched to the second, and the second to the first.
    asked: [bool; 2],
    columns: [Vec<Vec<usize>>; 2],
}

impl<'a> PairWork<'a> {
    /// What `requests` ask of a mirror pair.
    pub(super) fn new(pair: &MirrorPair, requests: &'a [PairRequest]) -> Self {
        let images = pair.images(requests);
        let directions = [pair.forward, pair.backward];
        let columns = [0, 1].map(|side| {
            let rows = directions[side].map_or(&[][..], |request| &requests[request].rows);
            columns_by_row(&images[side].grid, rows)
        });
        Self { images, asked: directions.map(|direction| direction.is_some()), columns }
    }
}

/// What was found of one pair.
pub(super) struct Found {
    /// Its Hough space.
    pub votes: Votes,
    /// Of the hyperpixels asked for, in their order.
    pub best: Vec<Best>,
    /// Their similarities over all targets, where they are kept.
    pub similarity_rows: Vec<f32>,
}

/// How mirror pairs are matched.
#[derive(Clone, Copy)]
pub(super) struct PairRun {
    /// The instruction set.
    pub instructions: InstructionSet,
    /// What threads share.
    pub parallel: Parallel,
    /// Whether the similarities of the hyperpixels asked for are part of what is found.
    pub keeping: bool,
}

impl PairRun {
    /// Matches the first hyperimage to the second and the second to the first, as far as asked.
    pub(super) fn match_both(self, work: &PairWork, seconds: &mut Seconds) -> [Option<Found>; 2] {
        let pair = self.prepare(work.images, seconds);
        let (partial, kept) = self.vote(&pair, &work.columns);
        for [expand, vote] in kept.iter().map(|kept| kept.seconds) {
            seconds[1] += expand;
            seconds[2] += vote;
        }
        let start = Instant::now();
        let stride = offset_stride(&pair);
        let [first, second] = work.images;
        let sums = hough::reduce(&pair, &partial);
        drop(partial);
        let columns = first.grid.columns.len + second.grid.columns.len - 1;
        let forward =
            work.asked[0].then(|| hough::hough(&HoughSpace::new(first, second), &sums, stride));
        let backward = work.asked[1].then(|| {
            let sums = hough::mirrored(&sums, columns, stride);
            hough::hough(&HoughSpace::new(second, first), &sums, stride)
        });
        seconds[3] += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let rows = [
            forward_rows(pair.width, &work.columns[0], &kept),
            backward_rows(source_width(&pair), &work.columns[1], &kept),
        ];
        let grids = [&first.grid, &second.grid];
        let found = [
            forward.map(|votes| self.pick(grids, pair.width, votes, &rows[0])),
            backward
                .map(|votes| self.pick([grids[1], grids[0]], source_width(&pair), votes, &rows[1])),
        ];
        seconds[4] += start.elapsed().as_secs_f64();
        found
    }

    /// The coarse groups, correlated, beside the base.
    fn prepare<'a>(self, images: [&'a Hyperimage; 2], seconds: &mut Seconds) -> PreparedPair<'a> {
        let [source, target] = images;
        let start = Instant::now();
        let groups = (1..source.groups.len()).map(|group| PrepareGroup { source, target, group });
        let expanded = groups.map(|group| self.instructions.run(&group)).collect();
        let correlated = start.elapsed().as_secs_f64();
        let prepared = PreparedPair::new(source, target, expanded);
        seconds[0] += correlated;
        seconds[2] += start.elapsed().as_secs_f64() - correlated;
        prepared
    }

    /// Partial sums of every source row, and the similarities kept for `pick`.
    fn vote(
        self,
        pair: &PreparedPair,
        columns: &[Vec<Vec<usize>>; 2],
    ) -> (Vec<f32>, Vec<KeptSimilarities>) {
        let block = pair.target.grid.rows.len * offset_stride(pair);
        let mut partial = vec![0.0; pair.source.grid.rows.len * block];
        let [sources, target_columns] = columns;
        let room = || Room::new(pair);
        let vote = |room: &mut Room, (row, (out, source_columns)): (_, (_, &Vec<usize>))| {
            self.instructions.run(Vote { pair, row, source_columns, target_columns, out, room })
        };
        let kept = match self.parallel {
            Parallel::Pairs => {
                let mut room = room();
                let rows = partial.chunks_exact_mut(block).zip(sources).enumerate();
                rows.map(|row| vote(&mut room, row)).collect()
            }
            Parallel::Rows => {
                let rows = partial.par_chunks_exact_mut(block).zip(sources).enumerate();
                rows.map_init(room, vote).collect()
            }
        };
        (partial, kept)
    }

    /// The best target of every hyperpixel whose similarities were kept.
    fn pick(self, grids: [&Grid; 2], width: usize, votes: Votes, kept: &[KeptRow]) -> Found {
        let pick =
            |kept: &KeptRow| self.instructions.run(Pick { grids, width, votes: &votes, kept });
        let best: Vec<Vec<Best>> = match self.parallel {
            Parallel::Pairs => kept.iter().map(pick).collect(),
            Parallel::Rows => kept.par_iter().map(pick).collect(),
        };
        let similarity_rows = match self.keeping {
            true => similarity_rows(grids[1], width, kept),
            false => Vec::new(),
        };
        Found { best: best.concat(), votes, similarity_rows }
    }
}
