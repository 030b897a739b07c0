//! Neighbourhood consensus on any adapter: the kernels of `shaders/mutual.wgsl` and
//! `shaders/consensus.wgsl`.

mod engine;
mod prepared;

pub use engine::GpuConsensus;
