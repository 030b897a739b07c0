//! Neighbourhood consensus on the processor, step by step as in `shaders/mutual.wgsl` and
//! `shaders/consensus.wgsl`, and the correlations that it filters.

mod correlation;
mod engine;
mod mutual;
mod network;
mod tables;

pub use correlation::correlate;
pub use engine::{CpuConsensus, layer};
pub use mutual::mutual;
