//! Choosing an engine by name.

use std::sync::Arc;

use rayon::ThreadPool;

use super::auto::auto_choice;
use super::consensus::{ConsensusEngine, ConsensusWeights};
use super::contract::Engine;
use super::cpu::{CpuConsensus, CpuEngine};
use super::error::EngineError;
use super::gpu::{self, GpuConsensus, GpuEngine, GpuOptions};
use crate::hyperpixel::Precision;

/// The engines on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum EngineKind {
    /// A discrete GPU if there is one; an integrated or virtual one if it was faster than the CPU when
    /// both were timed; else the CPU.
    #[default]
    Auto,
    /// WGSL kernels on a GPU, or on a software driver where there is no GPU.
    Gpu,
    /// Threads and vector instructions.
    Cpu,
    /// The formulation as published, through libtorch.
    Dense,
}

impl EngineKind {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Dense => "dense",
        }
    }

    /// The kind that `auto` stands for here, where no adapter is named: who names one wants it,
    /// software or not.
    fn of_auto(options: &EngineOptions) -> Self {
        let Some(adapter) = gpu::hardware_gpu() else { return Self::Cpu };
        auto_choice(&adapter, &options.of_gpu()).unwrap_or_else(|error| {
            tracing::warn!("the cpu engine is taken: {error}");
            Self::Cpu
        })
    }

    /// Opens an engine of this kind. `auto` goes on with the CPU where a GPU that nobody named cannot be
    /// opened.
    fn open<T>(
        self,
        options: &EngineOptions,
        open: impl Fn(Self) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        match (self, options.adapter) {
            (Self::Auto, Some(_)) => open(Self::Gpu),
            (Self::Auto, None) => match Self::of_auto(options) {
                Self::Gpu => open(Self::Gpu).or_else(|error| {
                    tracing::warn!("the cpu engine is taken: {error}");
                    open(Self::Cpu)
                }),
                other => open(other),
            },
            (named, _) => open(named),
        }
    }
}

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

/// Opens an engine.
///
/// # Errors
/// No such engine in this build, no such adapter, or one that cannot run the kernels.
pub fn open(kind: EngineKind, options: &EngineOptions) -> Result<Box<dyn Engine>, EngineError> {
    kind.open(options, |kind| open_named(kind, options))
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
    kind.open(options, |kind| open_named_consensus(kind, options, weights.clone()))
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
