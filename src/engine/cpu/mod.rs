//! The CPU engine: the same factorised steps as the kernels in `shaders/`, on threads.
//!
//! `correlate` once a couple of hyperimages, `expand` and `vote` once a source row of it, `hough` once
//! a pair, `pick` for the hyperpixels asked for. Threads take couples where there are many and rows
//! where there are few; every sum has one order, so neither changes a bit of the result.

use std::time::Instant;

use rayon::prelude::*;

use super::couple::{Couple, couples};
use super::hough::HoughSpace;
use super::{Engine, EngineError, Examination, Matches, PairRequest, SetsRequest, StageTimes};
use crate::hyperpixel::{Grid, Hyperimage};

mod convolve;
mod correlate;
mod expand;
mod hough;
mod pick;
mod sets;
pub(in crate::engine) mod simd;
mod similarity;
mod strip;
pub(in crate::engine) mod tile;
mod vote;

pub use convolve::{Convolution, product};
pub use simd::InstructionSet;

use hough::Votes;
use pick::{Best, KeptRow, Pick};
use similarity::{PrepareGroup, PreparedPair};
use vote::{Kept, Room, Vote, offset_stride, source_width};

/// Stages in order of execution.
const STAGES: [&str; 5] = ["correlate", "expand", "vote", "hough", "pick"];

/// Seconds spent in each of [`STAGES`].
type Seconds = [f64; STAGES.len()];

/// Matches hyperimages on the processor.
#[derive(Debug)]
pub struct CpuEngine {
    instructions: InstructionSet,
    seconds: Seconds,
    pairs: usize,
}

impl Default for CpuEngine {
    fn default() -> Self {
        Self::with(InstructionSet::available()[0])
    }
}

impl CpuEngine {
    /// An engine on the widest instruction set that this machine has.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An engine on a given instruction set; on the plain one where this machine lacks it.
    #[must_use]
    pub fn with(instructions: InstructionSet) -> Self {
        Self { instructions, seconds: Seconds::default(), pairs: 0 }
    }

    fn record(&mut self, seconds: &Seconds) {
        for (total, seconds) in self.seconds.iter_mut().zip(seconds) {
            *total += seconds;
        }
    }
}

impl Engine for CpuEngine {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn adapter(&self) -> String {
        self.instructions.name().to_owned()
    }

    fn match_pairs(&mut self, pairs: &[PairRequest]) -> Result<Vec<Matches>, EngineError> {
        pairs.iter().try_for_each(PairRequest::check)?;
        let instructions = self.instructions;
        let couples = couples(pairs);
        let one = |couple: &Couple, threads| {
            let mut seconds = Seconds::default();
            let work = Work::new(couple, pairs);
            let run = Run { instructions, threads, keeping: false };
            let found = run.match_couple(&work, &mut seconds);
            (found.map(|found| found.map(|found| matches(&found.best))), seconds)
        };
        let results: Vec<([Option<Matches>; 2], Seconds)> =
            if couples.len() >= rayon::current_num_threads() {
                couples.par_iter().map(|couple| one(couple, Threads::One)).collect()
            } else {
                couples.iter().map(|couple| one(couple, Threads::All)).collect()
            };
        let mut all = vec![Matches::default(); pairs.len()];
        for (couple, (found, seconds)) in couples.iter().zip(results) {
            self.record(&seconds);
            let directions = [couple.forward, couple.backward];
            for (request, found) in
                directions.into_iter().flatten().zip(found.into_iter().flatten())
            {
                all[request] = found;
            }
        }
        self.pairs += pairs.len();
        Ok(all)
    }

    fn match_sets(
        &mut self,
        pairs: &[SetsRequest],
        memory: usize,
    ) -> Result<Vec<Vec<Matches>>, EngineError> {
        Ok(sets::match_sets(self.instructions, pairs, memory))
    }

    fn examine(&mut self, pair: &PairRequest) -> Result<Examination, EngineError> {
        pair.check()?;
        let run = Run { instructions: self.instructions, threads: Threads::All, keeping: true };
        let requests = std::slice::from_ref(pair);
        let work = Work::new(&couples(requests)[0], requests);
        let [forward, backward] = run.match_couple(&work, &mut Seconds::default());
        // A couple of one request was matched in that direction.
        let found = forward.or(backward).unwrap_or_default();
        Ok(Examination {
            similarity_rows: found.similarity_rows,
            matches: matches(&found.best),
            votes: found.votes.raw,
            blurred_votes: found.votes.blurred,
        })
    }

    fn take_stage_times(&mut self) -> StageTimes {
        let milliseconds = STAGES
            .iter()
            .zip(self.seconds)
            .map(|(&stage, seconds)| (stage, seconds * 1e3))
            .collect();
        let times = StageTimes { milliseconds, pairs: self.pairs };
        (self.seconds, self.pairs) = (Seconds::default(), 0);
        times
    }
}

/// Which threads work on a couple.
#[derive(Clone, Copy)]
enum Threads {
    /// The one that it was given to: there are couples enough for the others.
    One,
    /// All, row by row.
    All,
}

/// A couple with the hyperpixels asked for: of either hyperimage, row by row of its grid, columns.
struct Work<'a> {
    images: [&'a Hyperimage; 2],
    /// Whether the first is to be matched to the second, and the second to the first.
    asked: [bool; 2],
    columns: [Vec<Vec<usize>>; 2],
}

impl<'a> Work<'a> {
    fn new(couple: &Couple, requests: &'a [PairRequest]) -> Self {
        let images = couple.images(requests);
        let directions = [couple.forward, couple.backward];
        let columns = [0, 1].map(|side| {
            let rows = directions[side].map_or(&[][..], |request| &requests[request].rows);
            columns_by_row(&images[side].grid, rows)
        });
        Self { images, asked: directions.map(|direction| direction.is_some()), columns }
    }
}

/// What was found of one pair.
#[derive(Default)]
struct Found {
    votes: Votes,
    /// Of the hyperpixels asked for, in their order.
    best: Vec<Best>,
    /// Their similarities over all targets, where they are kept.
    similarity_rows: Vec<f32>,
}

/// How couples are matched.
#[derive(Clone, Copy)]
struct Run {
    instructions: InstructionSet,
    threads: Threads,
    /// Whether the similarities of the hyperpixels asked for are part of what is found.
    keeping: bool,
}

impl Run {
    /// Matches the first hyperimage to the second and the second to the first, as far as asked.
    fn match_couple(self, work: &Work, seconds: &mut Seconds) -> [Option<Found>; 2] {
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
    fn vote(self, pair: &PreparedPair, columns: &[Vec<Vec<usize>>; 2]) -> (Vec<f32>, Vec<Kept>) {
        let block = pair.target.grid.rows.len * offset_stride(pair);
        let mut partial = vec![0.0; pair.source.grid.rows.len * block];
        let [sources, target_columns] = columns;
        let room = || Room::new(pair);
        let vote = |room: &mut Room, (row, (out, source_columns)): (_, (_, &Vec<usize>))| {
            self.instructions.run(Vote { pair, row, source_columns, target_columns, out, room })
        };
        let kept = match self.threads {
            Threads::One => {
                let mut room = room();
                let rows = partial.chunks_exact_mut(block).zip(sources).enumerate();
                rows.map(|row| vote(&mut room, row)).collect()
            }
            Threads::All => {
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
        let best: Vec<Vec<Best>> = match self.threads {
            Threads::One => kept.iter().map(pick).collect(),
            Threads::All => kept.par_iter().map(pick).collect(),
        };
        let similarity_rows = match self.keeping {
            true => similarity_rows(grids[1], width, kept),
            false => Vec::new(),
        };
        Found { best: best.concat(), votes, similarity_rows }
    }
}

/// The rows of the first hyperimage that have hyperpixels asked for.
fn forward_rows<'a>(width: usize, columns: &'a [Vec<usize>], kept: &'a [Kept]) -> Vec<KeptRow<'a>> {
    let asked = columns.iter().enumerate().filter(|(_, columns)| !columns.is_empty());
    asked
        .map(|(row, columns)| KeptRow {
            row,
            columns,
            similarities: kept[row].of_sources.chunks_exact(columns.len() * width).collect(),
        })
        .collect()
}

/// The rows of the second hyperimage that have hyperpixels asked for.
fn backward_rows<'a>(
    width: usize,
    columns: &'a [Vec<usize>],
    kept: &'a [Kept],
) -> Vec<KeptRow<'a>> {
    let mut first = 0;
    let mut rows = Vec::new();
    for (row, columns) in columns.iter().enumerate().filter(|(_, columns)| !columns.is_empty()) {
        let values = columns.len() * width;
        let similarities = kept.iter().map(|kept| &kept.of_targets[first..][..values]).collect();
        rows.push(KeptRow { row, columns, similarities });
        first += values;
    }
    rows
}

/// The columns of hyperpixels asked for, for every row of the source's grid.
fn columns_by_row(grid: &Grid, hyperpixels: &[u32]) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); grid.rows.len];
    for &hyperpixel in hyperpixels {
        let hyperpixel = hyperpixel as usize;
        rows[hyperpixel / grid.columns.len].push(hyperpixel % grid.columns.len);
    }
    rows
}

/// The similarities of kept hyperpixels, one after the other over all targets.
fn similarity_rows(target: &Grid, width: usize, kept: &[KeptRow]) -> Vec<f32> {
    let lines = kept.iter().flat_map(|kept| {
        let rows = move |at: usize| kept.similarities.iter().map(move |row| &row[at * width..]);
        (0..kept.columns.len()).flat_map(rows)
    });
    lines.flat_map(|line| &line[..target.columns.len]).copied().collect()
}

fn matches(best: &[Best]) -> Matches {
    Matches {
        best: best.iter().map(|best| best.target).collect(),
        confidence: best.iter().map(|best| best.confidence.max(0.0)).collect(),
    }
}
