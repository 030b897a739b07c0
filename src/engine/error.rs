//! Why an engine could not be made or could not match.

use super::missing::MissingDriver;
use crate::hyperpixel::Precision;

/// Why an engine could not be made or could not match.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The dense engine in a build without libtorch.
    #[error(
        "this hpflow was built without libtorch, which the dense engine needs; use option `engine` = `cpu` \
         or gpu, or build with the torch feature"
    )]
    WithoutTorch,
    /// A photograph with no hyperpixel at all.
    #[error(
        "a photograph of {width} × {height} resized pixels has no hyperpixel of a layer with \
         receptive field {receptive_field}; use a larger photograph or a lower base layer"
    )]
    NoHyperpixels {
        /// Resized width.
        width: u32,
        /// Resized height.
        height: u32,
        /// Receptive field of the base layer.
        receptive_field: u32,
    },
    /// Feature maps with numbers that are not finite.
    #[error(
        "a photograph of {width} × {height} resized pixels has feature maps with numbers that are not \
         finite (NaN or infinite); check the network's weights, or where the maps come from"
    )]
    NotFinite {
        /// Resized width.
        width: u32,
        /// Resized height.
        height: u32,
    },
    /// Hyperimages that were not made of the same layers of the same backbone.
    #[error(
        "the source has feature maps of (stride, channels) {source_layers:?}, the target of \
         {target_layers:?}; make both with the same backbone and layers"
    )]
    DifferentLayers {
        /// Stride and channels of the source's layers.
        source_layers: Vec<(usize, usize)>,
        /// Stride and channels of the target's layers.
        target_layers: Vec<(usize, usize)>,
    },
    /// Hyperimages of another precision than each other, or than the engine was made for.
    #[error(
        "the maps of a pair are in {} and {}, and {} was expected of both; make both with the \
         precision that the engine was opened with",
        found[0].name(), found[1].name(), expected.name()
    )]
    DifferentPrecision {
        /// Of the source and of the target.
        found: [Precision; 2],
        /// That of the engine, or of the source.
        expected: Precision,
    },
    /// A row that the source does not have.
    #[error("row {row} was asked for, and the source has {rows} hyperpixels")]
    NoSuchRow {
        /// The row.
        row: u32,
        /// Number of hyperpixels of the source.
        rows: usize,
    },
    /// Rows out of order, or one of them twice.
    #[error(
        "row {row} was asked for after row {before}; ask for rows in ascending order, each of them \
         once"
    )]
    RowOrder {
        /// The row that comes too late.
        row: u32,
        /// The row before it.
        before: u32,
    },
    /// Positions that do not make a layer set of the stacks.
    #[error(
        "the positions {positions:?} are not a layer set of {layers} layers; give at least one, in \
         ascending order and below {layers}"
    )]
    LayerPositions {
        /// The positions.
        positions: Vec<usize>,
        /// Number of layers of the stacks.
        layers: usize,
    },
    /// A correlation without cells, or with too many or too few values.
    #[error(
        "a correlation of {} × {} and {} × {} cells has {found} values; it needs at least one cell \
         on either side and a value for each pair of cells",
        a[0], a[1], b[0], b[1]
    )]
    CorrelationSize {
        /// Rows and columns of the grid of photograph A.
        a: [usize; 2],
        /// Rows and columns of the grid of photograph B.
        b: [usize; 2],
        /// Number of values.
        found: usize,
    },
    /// CUDA was asked for where there is none.
    #[error("libtorch finds no CUDA device here; use the CPU, or a libtorch with CUDA")]
    NoCuda,
    /// libtorch failed.
    #[error("libtorch failed while matching: {reason}; try option `engine` = `cpu`")]
    Torch {
        /// What it said, its first line.
        reason: String,
    },
    /// The GPU engine could not be made or could not match.
    #[error(transparent)]
    Gpu(#[from] GpuError),
}

impl EngineError {
    /// Whether a pair is beyond what the device can take: others may not be.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Gpu(GpuError::TooLarge { .. }))
    }
}

/// Why the GPU engine could not be made or could not match.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// No driver at all.
    #[error("no GPU adapter was found: {missing}, or use option `engine` = `cpu`")]
    NoAdapter {
        /// Why.
        missing: MissingDriver,
    },
    /// No adapter of that name.
    #[error(
        "no adapter's name contains '{asked}', and none is there on the PCI bus; there is {present}"
    )]
    UnknownAdapter {
        /// The text that was looked for.
        asked: String,
        /// The adapters that there are.
        present: String,
    },
    /// An adapter that cannot run the kernels.
    #[error(
        "{adapter} cannot run the gpu engine: {reason}; use another adapter (option `adapter`) or option `engine` = `cpu`"
    )]
    Unsuitable {
        /// The adapter.
        adapter: String,
        /// What it lacks.
        reason: String,
    },
    /// Tile shapes that an adapter cannot run.
    #[error("{adapter} cannot run the preset {preset}: {reason}; choose another preset")]
    Preset {
        /// The adapter.
        adapter: String,
        /// The preset.
        preset: String,
        /// What does not fit.
        reason: String,
    },
    /// The driver refused to make a device.
    #[error(
        "{adapter} gave no device: {source}; use another adapter (option `adapter`) or option `engine` = `cpu`"
    )]
    NoDevice {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        source: wgpu::RequestDeviceError,
    },
    /// The device is gone: unplugged, reset or crashed.
    #[error("{adapter} was lost: {reason}; run the command again, or use option `engine` = `cpu`")]
    Lost {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// The device does not finish what it was given.
    #[error(
        "{adapter} did not finish in {seconds} s what takes a fraction of that, and was given up; run \
         the command again, or use option `engine` = `cpu`"
    )]
    Stuck {
        /// The adapter.
        adapter: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The device has no memory left.
    #[error(
        "{adapter} is out of memory: {reason}{}; close what else uses it, or use option `engine` = `cpu`",
        needed.map(|bytes| format!(", and one pair takes {} MiB", bytes.div_ceil(1 << 20)))
            .unwrap_or_default()
    )]
    OutOfMemory {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
        /// Bytes that the smallest submission takes, where they are known.
        needed: Option<u64>,
    },
    /// The driver refused an operation.
    #[error(
        "{adapter} failed: {reason}; use another adapter (option `adapter`) or option `engine` = `cpu`"
    )]
    Failed {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// A pair beyond the device's limits.
    #[error(
        "{what} takes {needed} {unit}, and {adapter} allows {limit}; use option `engine` = `cpu`, which has no \
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
}
