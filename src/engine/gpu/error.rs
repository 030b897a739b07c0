//! Why the GPU engine could not be made or could not match.

/// Why the GPU engine could not be made or could not match.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// No driver at all.
    #[error(
        "no GPU adapter was found: neither Vulkan, Metal nor DX12 has a driver here; install one \
         (Mesa's lavapipe is a software driver) or use --engine cpu"
    )]
    NoAdapter,
    /// No adapter of that name.
    #[error("no adapter's name contains '{asked}'; there is {present}")]
    UnknownAdapter {
        /// The text that was looked for.
        asked: String,
        /// The adapters that there are.
        present: String,
    },
    /// An adapter that cannot run the kernels.
    #[error("{adapter} cannot run the gpu engine: {reason}; use another --adapter or --engine cpu")]
    Unsuitable {
        /// The adapter.
        adapter: String,
        /// What it lacks.
        reason: String,
    },
    /// The driver refused to make a device.
    #[error("{adapter} gave no device: {source}; use another --adapter or --engine cpu")]
    NoDevice {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        source: wgpu::RequestDeviceError,
    },
    /// The device is gone: unplugged, reset or crashed.
    #[error("{adapter} was lost: {reason}; run the command again, or use --engine cpu")]
    Lost {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// The device has no memory left.
    #[error("{adapter} is out of memory: {reason}; close what else uses it, or use --engine cpu")]
    OutOfMemory {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// The driver refused an operation.
    #[error("{adapter} failed: {reason}; use another --adapter or --engine cpu")]
    Failed {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// A pair beyond the device's limits.
    #[error(
        "{what} takes {needed} {unit}, and {adapter} allows {limit}; use --engine cpu, which has no \
         such limit"
    )]
    TooLarge {
        /// The adapter.
        adapter: String,
        /// What is too large.
        what: &'static str,
        /// What it is counted in.
        unit: &'static str,
        /// How much it takes.
        needed: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// A row that the source does not have.
    #[error("row {row} was asked for, and the source has {rows} hyperpixels")]
    NoSuchRow {
        /// The row.
        row: u32,
        /// Number of hyperpixels of the source.
        rows: usize,
    },
}
