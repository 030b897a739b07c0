//! What every engine of neighbourhood consensus does.

use super::correlation::Correlation4d;
use crate::engine::checked::Checked;
use crate::engine::error::EngineError;
use crate::engine::stages::StageTimes;

/// Added to both maxima in mutual matching (published code).
pub(crate) const MUTUAL_EPSILON: f32 = 1e-5;

/// Values below this part of the largest one are rounding noise of the transforms; 2⁻²⁰.
pub(crate) const FLOOR: f32 = 1.0 / 1_048_576.0;

/// What an engine computes on the way, for tests against golden values.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsensusExamination {
    /// After the first mutual matching.
    pub mutual: Correlation4d,
    /// The network on one direction, N(M(c)).
    pub direct: Correlation4d,
    /// The sum of both directions.
    pub symmetric: Correlation4d,
    /// After the second mutual matching.
    pub filtered: Correlation4d,
}

/// Something that filters correlations with one network. Every engine gives the same answer; by how
/// much floats may differ between engines is measured in the tests.
///
/// Callers use [`ConsensusEngine::filter`], which checks every correlation before an engine is given
/// it.
pub trait ConsensusEngine: Send {
    /// The name on the command line and in predictions files: `cpu`, `gpu`, `dense`.
    fn name(&self) -> &'static str;

    /// The device in words, for the header of a predictions file.
    fn adapter(&self) -> String;

    /// Filters every correlation. The result of one does not depend on the others.
    ///
    /// # Errors
    /// A correlation without cells, or with too many or too few values; a device that is lost or out
    /// of memory, or a correlation beyond its limits.
    fn filter(
        &mut self,
        correlations: &[Correlation4d],
    ) -> Result<Vec<Correlation4d>, EngineError> {
        self.filter_checked(Checked::all(correlations, Correlation4d::check)?)
    }

    /// [`ConsensusEngine::filter`] of checked correlations.
    ///
    /// # Errors
    /// A device that is lost or out of memory, or a correlation beyond its limits.
    fn filter_checked(
        &mut self,
        correlations: Checked<Correlation4d>,
    ) -> Result<Vec<Correlation4d>, EngineError>;

    /// Milliseconds spent in each stage by the pairs filtered since the last call, and their number.
    fn take_stage_times(&mut self) -> StageTimes;
}

/// An engine of neighbourhood consensus that shows what it computes on the way.
pub trait ExamineConsensus: ConsensusEngine {
    /// Filters one correlation and keeps what was computed on the way.
    ///
    /// # Errors
    /// As [`ConsensusEngine::filter`].
    fn examine(
        &mut self,
        correlation: &Correlation4d,
    ) -> Result<ConsensusExamination, EngineError> {
        let correlation = std::slice::from_ref(correlation);
        self.examine_checked(Checked::all(correlation, Correlation4d::check)?)
    }

    /// [`ExamineConsensus::examine`] of a checked correlation.
    ///
    /// # Errors
    /// As [`ConsensusEngine::filter_checked`].
    fn examine_checked(
        &mut self,
        correlation: Checked<Correlation4d>,
    ) -> Result<ConsensusExamination, EngineError>;

    /// The network alone, without mutual matching: N(c) and T(N(T(c))).
    ///
    /// # Errors
    /// As [`ConsensusEngine::filter`].
    fn network(&mut self, correlation: &Correlation4d) -> Result<[Correlation4d; 2], EngineError> {
        let correlation = std::slice::from_ref(correlation);
        self.network_checked(Checked::all(correlation, Correlation4d::check)?)
    }

    /// [`ExamineConsensus::network`] of a checked correlation.
    ///
    /// # Errors
    /// As [`ConsensusEngine::filter_checked`].
    fn network_checked(
        &mut self,
        correlation: Checked<Correlation4d>,
    ) -> Result<[Correlation4d; 2], EngineError>;
}
