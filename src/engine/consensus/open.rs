//! Choosing an engine by name.

use super::cpu::CpuConsensus;
use super::{ConsensusEngine, ConsensusWeights};
use crate::engine::gpu::GpuOptions;
use crate::engine::gpu::consensus::GpuConsensus;
use crate::engine::{EngineError, EngineKind, Options};

/// Opens an engine for a network.
///
/// # Errors
/// No such engine in this build, no such adapter, or one that cannot run the kernels.
pub fn open(
    kind: EngineKind,
    options: Options,
    weights: ConsensusWeights,
) -> Result<Box<dyn ConsensusEngine>, EngineError> {
    match kind.resolved(options) {
        EngineKind::Gpu => {
            let adapter = options.adapter.map(str::to_owned);
            let options = GpuOptions { adapter, ..GpuOptions::default() };
            Ok(Box::new(GpuConsensus::with(weights, &options)?))
        }
        EngineKind::Auto | EngineKind::Cpu => Ok(Box::new(CpuConsensus::new(weights))),
        EngineKind::Dense => dense(options, &weights),
    }
}

#[cfg(feature = "torch")]
fn dense(
    options: Options,
    weights: &ConsensusWeights,
) -> Result<Box<dyn ConsensusEngine>, EngineError> {
    let device = crate::backbone::Device::Auto;
    Ok(Box::new(super::dense::DenseConsensus::new(weights, device, options.threads)?))
}

#[cfg(not(feature = "torch"))]
fn dense(
    _options: Options,
    _weights: &ConsensusWeights,
) -> Result<Box<dyn ConsensusEngine>, EngineError> {
    Err(EngineError::WithoutTorch)
}
