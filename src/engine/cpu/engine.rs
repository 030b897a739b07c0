//! The CPU engine: requests to matches.

use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::pair::{PairRun, PairWork, Parallel, STAGES, Seconds};
use super::rows::matches;
use super::sets::match_sets;
use super::simd::InstructionSet;
use crate::engine::checked::Checked;
use crate::engine::contract::{Engine, Examination, Examine, Matches};
use crate::engine::error::EngineError;
use crate::engine::mirror::{MirrorPair, mirror_pairs};
use crate::engine::pool::Pool;
use crate::engine::request::{PairRequest, SetsRequest};
use crate::engine::stages::StageTimes;

/// Matches hyperimages on the processor.
#[derive(Debug)]
pub struct CpuEngine {
    instructions: InstructionSet,
    pool: Pool,
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
        Self { instructions, pool: Pool::default(), seconds: Seconds::default(), pairs: 0 }
    }

    /// The same on the threads of a pool instead of rayon's global one.
    #[must_use]
    pub fn in_pool(self, pool: Arc<ThreadPool>) -> Self {
        Self { pool: Pool::new(Some(pool)), ..self }
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

    fn match_checked_pairs(
        &mut self,
        pairs: Checked<PairRequest>,
    ) -> Result<Vec<Matches>, EngineError> {
        let mirror_pairs = mirror_pairs(&pairs);
        let results = self.pool.run(|| match_all(self.instructions, &pairs, &mirror_pairs));
        let mut all = vec![Matches::default(); pairs.len()];
        for (pair, (found, seconds)) in mirror_pairs.iter().zip(results) {
            self.record(&seconds);
            let directions = [pair.forward, pair.backward];
            for (request, found) in
                directions.into_iter().flatten().zip(found.into_iter().flatten())
            {
                all[request] = found;
            }
        }
        self.pairs += pairs.len();
        Ok(all)
    }

    fn match_checked_sets(
        &mut self,
        pairs: Checked<SetsRequest>,
        memory: usize,
    ) -> Result<Vec<Vec<Matches>>, EngineError> {
        Ok(self.pool.run(|| match_sets(self.instructions, &pairs, memory)))
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

impl Examine for CpuEngine {
    fn examine_checked(&mut self, pair: Checked<PairRequest>) -> Result<Examination, EngineError> {
        let run =
            PairRun { instructions: self.instructions, parallel: Parallel::Rows, keeping: true };
        let work = PairWork::new(&mirror_pairs(&pair)[0], &pair);
        let [forward, backward] = self.pool.run(|| run.match_both(&work, &mut Seconds::default()));
        let found = forward.or(backward).expect("a mirror pair has a request");
        Ok(Examination {
            similarity_rows: found.similarity_rows,
            matches: matches(&found.best),
            votes: found.votes.raw,
            blurred_votes: found.votes.blurred,
        })
    }
}

/// What is found of one mirror pair, in either direction, and how long each stage took.
type OfMirrorPair = ([Option<Matches>; 2], Seconds);

/// Matches mirror pairs in parallel where there are many, and else the rows of each.
fn match_all(
    instructions: InstructionSet,
    requests: &[PairRequest],
    pairs: &[MirrorPair],
) -> Vec<OfMirrorPair> {
    let one = |pair: &MirrorPair, parallel| {
        let mut seconds = Seconds::default();
        let work = PairWork::new(pair, requests);
        let run = PairRun { instructions, parallel, keeping: false };
        let found = run.match_both(&work, &mut seconds);
        (found.map(|found| found.map(|found| matches(&found.best))), seconds)
    };
    if pairs.len() >= rayon::current_num_threads() {
        pairs.par_iter().map(|pair| one(pair, Parallel::Pairs)).collect()
    } else {
        pairs.iter().map(|pair| one(pair, Parallel::Rows)).collect()
    }
}
