//! Choosing an engine by name.

use std::sync::Arc;

use rayon::ThreadPool;

use super::auto::auto_choice;
use super::consensus::{ConsensusEngine, ConsensusWeights};
use super::contract::Engine;
use super::cpu::{CpuConsensus, CpuEngine};
use super::error::EngineError;
use super::gpu::{self, GpuConsensus, GpuEngine, GpuOptions};
use super::kind::EngineKind;
use crate::hyperpixel::Precision;

/// How an engine is opened.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions<'a> {
    /// Part of the name of a GPU adapter, to choose among several.
    pub adapter: Option<&'a str>,
    /// Threads of libtorch, on which the dense engine runs on the processor; no other engine uses
    /// them. 0 counts as 1.
    pub torch_threads: usize,
    /// Threads on the processor of the CPU engine, and of what the GPU engine prepares there; rayon's
    /// global pool if there is none.
    pub pool: Option<Arc<ThreadPool>>,
    /// How the maps of the hyperimages are stored that it will match.
    pub precision: Precision,
    /// Memory for photographs on a GPU, in bytes; [`MEMORY_BUDGET`](gpu::MEMORY_BUDGET) if not said.
    pub memory: Option<u64>,
}

impl EngineOptions<'_> {
    fn of_gpu(&self) -> GpuOptions {
        GpuOptions {
            adapter: self.adapter.map(str::to_owned),
            precision: self.precision,
            pool: self.pool.clone(),
            memory_budget: self.memory.unwrap_or(gpu::MEMORY_BUDGET),
            ..GpuOptions::default()
        }
    }
}

/// The kind that `auto` stands for here, where no adapter is named: who names one wants it,
/// software or not.
fn of_auto(options: &EngineOptions) -> EngineKind {
    let Some(adapter) = gpu::hardware_gpu() else { return EngineKind::Cpu };
    auto_choice(&adapter, &options.of_gpu()).unwrap_or_else(|error| {
        tracing::warn!("the cpu engine is taken: {error}");
        EngineKind::Cpu
    })
}

/// Opens an engine of this kind. `auto` goes on with the CPU where a GPU that nobody named cannot be
/// opened.
fn open_kind<T>(
    kind: EngineKind,
    options: &EngineOptions,
    open: impl Fn(EngineKind) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    match (kind, options.adapter) {
        (EngineKind::Auto, Some(_)) => open(EngineKind::Gpu),
        (EngineKind::Auto, None) => match of_auto(options) {
            EngineKind::Gpu => open(EngineKind::Gpu).or_else(|error| {
                tracing::warn!("the cpu engine is taken: {error}");
                open(EngineKind::Cpu)
            }),
            other => open(other),
        },
        (named, _) => open(named),
    }
}

/// Opens an engine.
///
/// # Errors
/// No such engine in this build, no such adapter, or one that cannot run the kernels.
pub fn open(kind: EngineKind, options: &EngineOptions) -> Result<Box<dyn Engine>, EngineError> {
    open_kind(kind, options, |kind| open_named(kind, options))
}

fn open_named(kind: EngineKind, options: &EngineOptions) -> Result<Box<dyn Engine>, EngineError> {
    match kind {
        EngineKind::Gpu => Ok(Box::new(GpuEngine::with(&options.of_gpu())?)),
        EngineKind::Auto | EngineKind::Cpu => {
            let engine = CpuEngine::new();
            Ok(Box::new(match &options.pool {
                Some(pool) => engine.in_pool(Arc::clone(pool)),
                None => engine,
            }))
        }
        EngineKind::Dense => dense(options),
    }
}

/// Opens an engine for a consensus network; the precision of maps is not used.
///
/// # Errors
/// As [`open`].
pub fn open_consensus(
    kind: EngineKind,
    options: &EngineOptions,
    weights: ConsensusWeights,
) -> Result<Box<dyn ConsensusEngine>, EngineError> {
    open_kind(kind, options, |kind| open_named_consensus(kind, options, weights.clone()))
}

fn open_named_consensus(
    kind: EngineKind,
    options: &EngineOptions,
    weights: ConsensusWeights,
) -> Result<Box<dyn ConsensusEngine>, EngineError> {
    match kind {
        EngineKind::Gpu => Ok(Box::new(GpuConsensus::with(weights, &options.of_gpu())?)),
        EngineKind::Auto | EngineKind::Cpu => {
            let engine = CpuConsensus::new(weights);
            Ok(Box::new(match &options.pool {
                Some(pool) => engine.in_pool(Arc::clone(pool)),
                None => engine,
            }))
        }
        EngineKind::Dense => dense_consensus(options, &weights),
    }
}

#[cfg(feature = "torch")]
fn dense(options: &EngineOptions) -> Result<Box<dyn Engine>, EngineError> {
    let device = crate::backbone::Device::Auto;
    Ok(Box::new(super::dense::DenseEngine::new(device, options.torch_threads)?))
}

#[cfg(not(feature = "torch"))]
fn dense(_options: &EngineOptions) -> Result<Box<dyn Engine>, EngineError> {
    Err(EngineError::WithoutTorch)
}

#[cfg(feature = "torch")]
fn dense_consensus(
    options: &EngineOptions,
    weights: &ConsensusWeights,
) -> Result<Box<dyn ConsensusEngine>, EngineError> {
    let device = crate::backbone::Device::Auto;
    Ok(Box::new(super::dense::DenseConsensus::new(weights, device, options.torch_threads)?))
}

#[cfg(not(feature = "torch"))]
fn dense_consensus(
    _options: &EngineOptions,
    _weights: &ConsensusWeights,
) -> Result<Box<dyn ConsensusEngine>, EngineError> {
    Err(EngineError::WithoutTorch)
}
