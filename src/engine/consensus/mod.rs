//! Neighbourhood consensus: a 4D correlation filtered by a small network of 4D convolutions
//! (NC-Net; Rocco et al., "Neighbourhood Consensus Networks", NeurIPS 2018, section 3).
//!
//! What an engine computes of a correlation c, in this order (published code):
//!
//! ```text
//! M(c) ─► N(M(c)) + T(N(T(M(c)))) ─► M
//! ```
//!
//! M is soft mutual matching, N the network with a ReLU after every layer, T the exchange of the two
//! photographs. T N T is N with the axes of its kernels exchanged, so no engine but the dense one
//! ever exchanges a correlation, and what is made of M(c) serves both directions.
//!
//! # Fewer multiplications
//!
//! With three layers of 5⁴ taps and 16 channels on 25⁴ cells the definition costs 70 billion
//! multiplications a direction. By the convolution theorem the two axes of photograph A are taken to
//! frequencies once ([`lattice`]), where a layer is a small complex 2D convolution over B a
//! frequency: the 25 taps along A are gone, and with three real products for a complex one what is
//! left, transforms included, is an eleventh. Every step is a matrix product: the transforms, because 25 values to 28
//! components are a product with a small constant matrix, and the convolutions, because shifted rows
//! are rows ([`crate::engine::cpu`]'s register tile takes both).
//!
//! Other ways were weighed. Transforming all four axes leaves next to nothing to multiply, but its
//! weights take half a gigabyte in memory and per pair through it, or are made again per pair for
//! more than the products cost. Toom–Cook (Winograd) tiles of 4 × 4 outputs save as much as this on
//! two axes, but their matrices have entries from 1/24 to 32 and lose two more digits of f32, and a
//! period of 27 needs no more padding than they do. Direct products cannot be faster than the
//! processor's peak, which is 2.4 times the published loop here.
//!
//! # Zeros
//!
//! The definition gives exact zeros where there is no evidence and no bias, a transform gives
//! rounding noise there, a millionth of the largest value, and the arg-max over a column of noise is
//! anywhere instead of at the first cell. So whatever is below [`FLOOR`] of the largest value counts
//! as zero before the second mutual matching. Columns of one constant above zero do not need the
//! like: mutual matching divides each of their cells by another row's maximum.

use super::{EngineError, StageTimes};

mod correlation;
pub mod cpu;
#[cfg(feature = "torch")]
pub mod dense;
pub mod lattice;
mod open;
mod weights;

pub use correlation::{Correlation4d, correlate};
pub use open::open;
pub use weights::{ConsensusWeights, ConsensusWeightsError, Layer, PUBLISHED};

/// Added to both maxima in mutual matching (published code).
pub const MUTUAL_EPSILON: f32 = 1e-5;

/// Values below this part of the largest one are rounding noise of the transforms; 2⁻²⁰.
pub const FLOOR: f32 = 1.0 / 1_048_576.0;

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
pub trait ConsensusEngine: Send {
    /// The name on the command line and in predictions files: `cpu`, `gpu`, `dense`.
    fn name(&self) -> &'static str;

    /// The device in words, for the header of a predictions file.
    fn adapter(&self) -> String;

    /// Filters every correlation. The result of one does not depend on those beside it.
    ///
    /// # Errors
    /// A device that is lost or out of memory, or a correlation beyond its limits.
    fn filter(&mut self, correlations: &[Correlation4d])
    -> Result<Vec<Correlation4d>, EngineError>;

    /// Filters one correlation and keeps what was computed on the way.
    ///
    /// # Errors
    /// As [`ConsensusEngine::filter`].
    fn examine(&mut self, correlation: &Correlation4d)
    -> Result<ConsensusExamination, EngineError>;

    /// The network alone, without mutual matching: N(c) and T(N(T(c))).
    ///
    /// # Errors
    /// As [`ConsensusEngine::filter`].
    fn network(&mut self, correlation: &Correlation4d) -> Result<[Correlation4d; 2], EngineError>;

    /// Milliseconds spent in each stage by the pairs filtered since the last call, and their number.
    fn take_stage_times(&mut self) -> StageTimes;
}
