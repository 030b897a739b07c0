//! The CPU engines: the same factorised steps as the kernels in `shaders/`, on threads and vector
//! instructions.
//!
//! `correlate` once for a pair of hyperimages and its mirror, `expand` and `vote` once a source row of
//! it, `hough` once a pair, `pick` for the hyperpixels asked for; `consensus` filters the correlations
//! of NC-Net. Threads take pairs where there are many and rows where there are few; every sum has one
//! order, so neither they nor their number change a bit of the result.

pub(crate) mod consensus;
mod convolve;
mod correlate;
mod engine;
mod expand;
mod hough;
mod pair;
mod pick;
mod rows;
mod sets;
mod simd;
mod similarity;
mod strip;
mod tile;
mod vote;

pub use consensus::{CpuConsensus, correlate};
pub(crate) use convolve::{Convolution, product};
pub use engine::CpuEngine;
pub use simd::InstructionSet;
