//! The CPU engine: the same factorised steps as the kernels in `shaders/`, on threads.
//!
//! `correlate` and `expand` once a pair, `vote` once a source row, `hough` once a pair, `pick` for
//! the hyperpixels asked for. Threads take pairs where there are many and rows where there are few;
//! every sum has one order, so neither changes a bit of the result.

use std::time::Instant;

use rayon::prelude::*;

use super::hough::HoughSpace;
use super::{Engine, EngineError, Examination, Matches, PairRequest, StageTimes};
use crate::hyperpixel::Hyperimage;

mod convolve;
mod correlate;
mod expand;
mod hough;
mod pick;
pub(in crate::engine) mod simd;
mod similarity;
pub(in crate::engine) mod tile;
mod vote;

pub use convolve::{Convolution, product};
pub use simd::InstructionSet;

use hough::Votes;
use pick::{Best, KeptRow, Pick};
use similarity::{PrepareGroup, PreparedPair};
use vote::{Vote, offset_stride};

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
        self.pairs += 1;
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
        let one = |pair: &PairRequest, threads| Run { instructions, threads }.match_pair(pair);
        let results: Vec<(Matches, Seconds)> = if pairs.len() >= rayon::current_num_threads() {
            pairs.par_iter().map(|pair| one(pair, Threads::One)).collect()
        } else {
            pairs.iter().map(|pair| one(pair, Threads::All)).collect()
        };
        results.iter().for_each(|(_, seconds)| self.record(seconds));
        Ok(results.into_iter().map(|(matches, _)| matches).collect())
    }

    fn examine(&mut self, pair: &PairRequest) -> Result<Examination, EngineError> {
        pair.check()?;
        let run = Run { instructions: self.instructions, threads: Threads::All };
        let mut seconds = Seconds::default();
        let (prepared, votes, kept) = run.votes(pair, &mut seconds);
        Ok(Examination {
            similarity_rows: kept.iter().flat_map(|kept| rows_of(&prepared, kept)).collect(),
            matches: matches(&run.pick(&prepared, &votes, &kept)),
            votes: votes.raw,
            blurred_votes: votes.blurred,
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

/// Which threads work on a pair.
#[derive(Clone, Copy)]
enum Threads {
    /// The one that it was given to: there are pairs enough for the others.
    One,
    /// All, row by row.
    All,
}

/// How pairs are matched.
#[derive(Clone, Copy)]
struct Run {
    instructions: InstructionSet,
    threads: Threads,
}

impl Run {
    fn match_pair(self, pair: &PairRequest) -> (Matches, Seconds) {
        let mut seconds = Seconds::default();
        let (prepared, votes, kept) = self.votes(pair, &mut seconds);
        let start = Instant::now();
        let best = self.pick(&prepared, &votes, &kept);
        seconds[4] += start.elapsed().as_secs_f64();
        (matches(&best), seconds)
    }

    /// The steps before `pick`, with the similarities of the rows asked for.
    fn votes<'a>(
        self,
        pair: &'a PairRequest,
        seconds: &mut Seconds,
    ) -> (PreparedPair<'a>, Votes, Vec<KeptRow>) {
        let (source, target) = (&*pair.source, &*pair.target);
        let mut expanded = Vec::new();
        for group in 1..source.groups.len() {
            let group = PrepareGroup { source, target, group };
            let (group, [correlate, expand]) = self.instructions.run(&group);
            expanded.push(group);
            seconds[0] += correlate;
            seconds[1] += expand;
        }
        let start = Instant::now();
        let prepared = PreparedPair::new(source, target, expanded);
        let block = target.grid.rows.len * offset_stride(&prepared);
        let mut partial = vec![0.0; source.grid.rows.len * block];
        let wanted = columns_by_row(source, &pair.rows);
        let vote = |(row, (out, columns)): (usize, (&mut [f32], Vec<usize>))| {
            let vote = Vote { pair: &prepared, row, kept: &columns, out };
            KeptRow { row, similarities: self.instructions.run(vote), columns }
        };
        let kept: Vec<KeptRow> = match self.threads {
            Threads::One => {
                partial.chunks_exact_mut(block).zip(wanted).enumerate().map(vote).collect()
            }
            Threads::All => {
                partial.par_chunks_exact_mut(block).zip(wanted).enumerate().map(vote).collect()
            }
        };
        let voted = start.elapsed().as_secs_f64();
        let votes = hough::hough(&prepared, &HoughSpace::new(source, target), &partial);
        seconds[2] += voted;
        seconds[3] += start.elapsed().as_secs_f64() - voted;
        (prepared, votes, kept)
    }

    /// The best target of every hyperpixel whose similarities were kept.
    fn pick(self, pair: &PreparedPair, votes: &Votes, kept: &[KeptRow]) -> Vec<Best> {
        let pick = |kept: &KeptRow| self.instructions.run(Pick { pair, votes, kept });
        let asked = |kept: &&KeptRow| !kept.columns.is_empty();
        let best: Vec<Vec<Best>> = match self.threads {
            Threads::One => kept.iter().filter(asked).map(pick).collect(),
            Threads::All => kept.par_iter().filter(asked).map(pick).collect(),
        };
        best.concat()
    }
}

/// The columns of hyperpixels asked for, for every row of the source's grid.
fn columns_by_row(source: &Hyperimage, hyperpixels: &[u32]) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); source.grid.rows.len];
    for &hyperpixel in hyperpixels {
        let hyperpixel = hyperpixel as usize;
        rows[hyperpixel / source.grid.columns.len].push(hyperpixel % source.grid.columns.len);
    }
    rows
}

/// The similarities of kept hyperpixels, one after the other over all targets.
fn rows_of(pair: &PreparedPair, kept: &KeptRow) -> Vec<f32> {
    let columns = pair.target.grid.columns.len;
    let stride = kept.columns.len() * pair.width;
    let lines = (0..kept.columns.len()).flat_map(|at| {
        let first = (0..pair.target.grid.rows.len).map(move |row| row * stride + at * pair.width);
        first.map(|first| &kept.similarities[first..][..columns])
    });
    lines.flatten().copied().collect()
}

fn matches(best: &[Best]) -> Matches {
    Matches {
        best: best.iter().map(|best| best.target).collect(),
        confidence: best.iter().map(|best| best.confidence.max(0.0)).collect(),
    }
}
