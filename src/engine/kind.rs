//! The engines by name.

/// The engines on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
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
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Gpu, Self::Cpu, Self::Dense];

    /// The name in requests and in predictions files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Dense => "dense",
        }
    }
}
