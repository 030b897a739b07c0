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
//! frequencies once (`lattice.rs`), where a layer is a small complex 2D convolution over B a
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
//! The definition gives exact zeros where there is no evidence and no bias; a transform gives
//! rounding noise there, a millionth of the largest value, and the arg-max over a column of noise is
//! anywhere instead of at the first cell. So every value below `FLOOR` of the largest counts as zero
//! before the second mutual matching. Columns of one constant above zero need no such rule: mutual
//! matching divides each of their cells by another row's maximum.

pub(crate) mod contract;
mod correlation;
pub(super) mod lattice;
mod weights;

pub use contract::ConsensusEngine;
pub(super) use contract::{FLOOR, MUTUAL_EPSILON};
pub use correlation::Correlation4d;
pub use weights::{ConsensusLayer, ConsensusWeights, ConsensusWeightsError, PUBLISHED};
