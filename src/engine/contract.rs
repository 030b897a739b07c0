//! What every engine does.

use super::checked::Checked;
use super::error::EngineError;
use super::request::{PairRequest, SetsRequest};
use super::stages::StageTimes;
use crate::hyperpixel::Precision;

/// Matches of the rows of a [`PairRequest`], in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matches {
    /// Target hyperpixel of highest confidence (first on ties), row-major over the target's grid.
    pub best: Vec<u32>,
    /// Its confidence: similarity times blurred votes.
    pub confidence: Vec<f32>,
}

/// What an engine computes on the way, for tests against golden values.
#[derive(Debug, Clone, PartialEq)]
pub struct Examination {
    /// Similarities of each requested row against all target hyperpixels: rows × targets.
    pub similarity_rows: Vec<f32>,
    /// The vote map before blurring: bins_y × bins_x, row-major.
    pub votes: Vec<f32>,
    /// The vote map after blurring: bins_y × bins_x, row-major.
    pub blurred_votes: Vec<f32>,
    /// Matches of the requested rows.
    pub matches: Matches,
}

/// Something that matches hyperimages. Every engine gives the same answer; by how much floats may
/// differ between engines is measured in the tests.
///
/// Callers use [`Engine::match_pairs`] and [`Engine::match_sets`], which check every request before
/// an engine is given it: a request is refused by every engine for the same reason. Engines
/// implement the methods for checked requests.
pub trait Engine: Send {
    /// The name on the command line and in predictions files: `cpu`, `gpu`, `dense`.
    fn name(&self) -> &'static str;

    /// The device in words, for the header of a predictions file.
    fn adapter(&self) -> String;

    /// The precision of the maps that it was made for; `None` where it accepts any.
    fn precision(&self) -> Option<Precision> {
        None
    }

    /// Matches every pair. The result of a pair does not depend on the other pairs.
    ///
    /// # Errors
    /// A photograph without hyperpixels, hyperimages of different layers or of another precision,
    /// rows that the source does not have or that do not ascend; a device that is lost or out of
    /// memory, or a pair beyond its limits.
    fn match_pairs(&mut self, pairs: &[PairRequest]) -> Result<Vec<Matches>, EngineError> {
        let precision = self.precision();
        self.match_checked_pairs(Checked::all(pairs, |pair| pair.check(precision))?)
    }

    /// Matches every pair under each of its layer sets: bit for bit what [`Engine::match_pairs`] gives
    /// for the set's hyperimages. What is kept of pairs for all sets takes about `memory` bytes at
    /// most.
    ///
    /// # Errors
    /// As [`Engine::match_pairs`], or positions that are not a layer set of the stacks.
    fn match_sets(
        &mut self,
        pairs: &[SetsRequest],
        memory: usize,
    ) -> Result<Vec<Vec<Matches>>, EngineError> {
        let precision = self.precision();
        self.match_checked_sets(Checked::all(pairs, |pair| pair.check(precision))?, memory)
    }

    /// [`Engine::match_pairs`] of checked requests.
    ///
    /// # Errors
    /// A device that is lost or out of memory, or a pair beyond its limits.
    fn match_checked_pairs(
        &mut self,
        pairs: Checked<PairRequest>,
    ) -> Result<Vec<Matches>, EngineError>;

    /// [`Engine::match_sets`] of checked requests; unless an engine has a faster way, set by set.
    ///
    /// # Errors
    /// As [`Engine::match_checked_pairs`].
    fn match_checked_sets(
        &mut self,
        pairs: Checked<SetsRequest>,
        memory: usize,
    ) -> Result<Vec<Vec<Matches>>, EngineError> {
        pairs.iter().map(|pair| match_set_by_set(self, pair, memory)).collect()
    }

    /// Milliseconds spent in each stage by the pairs matched since the last call, and their number:
    /// `correlate`, `expand`, `vote`, `hough`, `pick` (and `upload` where there is one).
    fn take_stage_times(&mut self) -> StageTimes;
}

/// An engine that shows what it computes on the way.
pub trait Examine: Engine {
    /// Matches one pair and keeps what was computed on the way.
    ///
    /// # Errors
    /// As [`Engine::match_pairs`].
    fn examine(&mut self, pair: &PairRequest) -> Result<Examination, EngineError> {
        let precision = self.precision();
        let pair = std::slice::from_ref(pair);
        self.examine_checked(Checked::all(pair, |pair| pair.check(precision))?)
    }

    /// [`Examine::examine`] of a checked request.
    ///
    /// # Errors
    /// As [`Engine::match_checked_pairs`].
    fn examine_checked(&mut self, pair: Checked<PairRequest>) -> Result<Examination, EngineError>;
}

/// Matches the hyperimages of each of a pair's sets as a pair of their own, in batches of about
/// `memory` bytes; nothing is shared between sets.
fn match_set_by_set<E: Engine + ?Sized>(
    engine: &mut E,
    request: &SetsRequest,
    memory: usize,
) -> Result<Vec<Matches>, EngineError> {
    let mut matches = Vec::with_capacity(request.sets.len());
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for set in &request.sets {
        let pair = request.pair(set);
        let own = pair.source.bytes() + pair.target.bytes();
        if bytes + own > memory && !batch.is_empty() {
            matches.extend(engine.match_pairs(&batch)?);
            batch.clear();
            bytes = 0;
        }
        batch.push(pair);
        bytes += own;
    }
    matches.extend(engine.match_pairs(&batch)?);
    Ok(matches)
}
