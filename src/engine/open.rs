//! Choosing an engine by name.

use super::cpu::CpuEngine;
use super::gpu::{self, GpuEngine, GpuOptions};
use super::{Engine, EngineError};
use crate::hyperpixel::Precision;

/// The engines on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum EngineKind {
    /// A hardware GPU if there is one, else the CPU.
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

    /// The kind that `auto` stands for here; any other stands for itself.
    pub(super) fn resolved(self, options: Options) -> Self {
        // Whoever names an adapter wants it, software or not.
        let hardware = || options.adapter.is_some() || gpu::hardware_gpu().is_some();
        match self {
            Self::Auto if hardware() => Self::Gpu,
            Self::Auto => Self::Cpu,
            named => named,
        }
    }
}

/// How an engine is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// Part of the name of a GPU adapter, to choose among several.
    pub adapter: Option<&'a str>,
    /// Threads of the dense engine on the processor. The CPU engine takes rayon's.
    pub threads: usize,
    /// How the maps of the hyperimages are stored that it will match.
    pub precision: Precision,
}

/// Opens an engine.
///
/// # Errors
/// No such engine in this build, no such adapter, or one that cannot run the kernels.
pub fn open(kind: EngineKind, options: Options) -> Result<Box<dyn Engine>, EngineError> {
    match kind.resolved(options) {
        EngineKind::Gpu => gpu(options),
        EngineKind::Auto | EngineKind::Cpu => Ok(Box::new(CpuEngine::new())),
        EngineKind::Dense => dense(options),
    }
}

fn gpu(options: Options) -> Result<Box<dyn Engine>, EngineError> {
    let adapter = options.adapter.map(str::to_owned);
    let options = GpuOptions { adapter, precision: options.precision, ..GpuOptions::default() };
    Ok(Box::new(GpuEngine::with(&options)?))
}

#[cfg(feature = "torch")]
fn dense(options: Options) -> Result<Box<dyn Engine>, EngineError> {
    let device = crate::backbone::Device::Auto;
    Ok(Box::new(super::dense::DenseEngine::new(device, options.threads)?))
}

#[cfg(not(feature = "torch"))]
fn dense(_options: Options) -> Result<Box<dyn Engine>, EngineError> {
    Err(EngineError::WithoutTorch)
}
