//! The CPU engine: the same factorised steps as the kernels in `shaders/`, on threads.
//!
//! `correlate` and `expand` once a pair, `vote` once a source row, `hough` once a pair, `pick` for
//! the hyperpixels asked for. Threads take pairs where there are many and rows where there are few;
//! every sum has one order, so neither changes a bit of the result.

use std::time::Instant;

use rayon::prelude::*;

use super::hough::HoughSpace;
use super::{Engine, EngineError, Examination, Matches, PairRequest, StageTimes};

mod correlate;
mod expand;
mod hough;
mod pick;
mod simd;
mod similarity;
mod tile;
mod vote;

pub use simd::InstructionSet;

use hough::Votes;
use pick::{Best, Pick};
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
        let (prepared, votes) = run.votes(pair, &mut seconds);
        let mut similarity_rows = vec![0.0; pair.rows.len() * pair.target.grid.len()];
        let best = run.pick(&prepared, &votes, &pair.rows, Some(&mut similarity_rows));
        Ok(Examination {
            similarity_rows,
            matches: matches(&best),
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

/// A source row, the columns of its hyperpixels, and where their similarities go.
type PickWork<'a> = (usize, Vec<usize>, Option<&'a mut [f32]>);

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
        let (prepared, votes) = self.votes(pair, &mut seconds);
        let start = Instant::now();
        let best = self.pick(&prepared, &votes, &pair.rows, None);
        seconds[4] += start.elapsed().as_secs_f64();
        (matches(&best), seconds)
    }

    /// The steps before `pick`.
    fn votes<'a>(self, pair: &'a PairRequest, seconds: &mut Seconds) -> (PreparedPair<'a>, Votes) {
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
        let vote = |(row, out): (usize, &mut [f32])| {
            self.instructions.run(Vote { pair: &prepared, row, out });
        };
        match self.threads {
            Threads::One => partial.chunks_exact_mut(block).enumerate().for_each(vote),
            Threads::All => partial.par_chunks_exact_mut(block).enumerate().for_each(vote),
        }
        let voted = start.elapsed().as_secs_f64();
        let votes = hough::hough(&prepared, &HoughSpace::new(source, target), &partial);
        seconds[2] += voted;
        seconds[3] += start.elapsed().as_secs_f64() - voted;
        (prepared, votes)
    }

    /// The best target of every hyperpixel of `rows`, and their similarities where they are wanted.
    fn pick(
        self,
        prepared: &PreparedPair,
        votes: &Votes,
        rows: &[u32],
        similarities: Option<&mut [f32]>,
    ) -> Vec<Best> {
        let columns = prepared.source.grid.columns.len;
        let row_of = |index: u32| index as usize / columns;
        let mut work: Vec<PickWork> = Vec::new();
        let mut rest = similarities;
        for group in rows.chunk_by(|&a, &b| row_of(a) == row_of(b)) {
            let out = rest.take().map(|all| {
                let (out, after) = all.split_at_mut(group.len() * prepared.target.grid.len());
                rest = Some(after);
                out
            });
            let cells = group.iter().map(|&index| index as usize % columns).collect();
            work.push((row_of(group[0]), cells, out));
        }
        let pick = |(row, columns, similarities): PickWork| {
            let columns = &columns;
            self.instructions.run(Pick { pair: prepared, votes, row, columns, similarities })
        };
        let best: Vec<Vec<Best>> = match self.threads {
            Threads::One => work.into_iter().map(pick).collect(),
            Threads::All => work.into_par_iter().map(pick).collect(),
        };
        best.concat()
    }
}

fn matches(best: &[Best]) -> Matches {
    Matches {
        best: best.iter().map(|best| best.target).collect(),
        confidence: best.iter().map(|best| best.confidence.max(0.0)).collect(),
    }
}
