//! Engines: from two hyperimages to the best target hyperpixel of each source hyperpixel asked for
//! (HPF, sections 3.2 and 3.3; docs/method.md, "What is computed instead").

use std::sync::Arc;

use crate::hyperpixel::{Grid, Group, Hyperimage, Precision};

pub mod consensus;
mod couple;
pub mod cpu;
#[cfg(feature = "torch")]
pub mod dense;
pub mod gpu;
pub mod hough;
mod open;
mod sets;

pub use open::{EngineKind, Options, open};
pub use sets::{SetRequest, SetsRequest};

/// Number of Hough cells that the bins are made for (published code: 8192).
pub const HOUGH_CELLS: f64 = 8192.0;

/// One pair's work: match some hyperpixels of `source` against all of `target`.
#[derive(Debug, Clone)]
pub struct PairRequest {
    /// The source hyperimage.
    pub source: Arc<Hyperimage>,
    /// The target hyperimage.
    pub target: Arc<Hyperimage>,
    /// Source hyperpixels to match (row-major indices over the source's grid), ascending, each once.
    pub rows: Vec<u32>,
}

/// Matches of the rows of a [`PairRequest`], in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matches {
    /// Target hyperpixel of highest confidence (first on ties), row-major over the target's grid.
    pub best: Vec<u32>,
    /// Its confidence: similarity times blurred votes.
    pub confidence: Vec<f32>,
}

/// What an engine computes on the way, for tests against golden values.
#[derive(Debug, Clone, PartialEq)]
pub struct Examination {
    /// Similarities of each requested row against all target hyperpixels: rows × targets.
    pub similarity_rows: Vec<f32>,
    /// The vote map before blurring: bins_y × bins_x, row-major.
    pub votes: Vec<f32>,
    /// The vote map after blurring: bins_y × bins_x, row-major.
    pub blurred_votes: Vec<f32>,
    /// Matches of the requested rows.
    pub matches: Matches,
}

/// Something that matches hyperimages. Every engine gives the same answer; by how much floats may
/// differ between engines is measured in the tests.
pub trait Engine: Send {
    /// The name on the command line and in predictions files: `cpu`, `gpu`, `dense`.
    fn name(&self) -> &'static str;

    /// The device in words, for the header of a predictions file.
    fn adapter(&self) -> String;

    /// Matches every pair. The result of a pair does not depend on the pairs beside it.
    ///
    /// # Errors
    /// A device that is lost or out of memory, or a pair beyond its limits.
    fn match_pairs(&mut self, pairs: &[PairRequest]) -> Result<Vec<Matches>, EngineError>;

    /// Matches every pair under each of its layer sets: bit for bit what [`Engine::match_pairs`] gives
    /// for the set's hyperimages. What is kept of pairs for all sets takes about `memory` bytes at
    /// most.
    ///
    /// # Errors
    /// As [`Engine::match_pairs`].
    fn match_sets(
        &mut self,
        pairs: &[SetsRequest],
        memory: usize,
    ) -> Result<Vec<Vec<Matches>>, EngineError> {
        pairs.iter().map(|pair| pair.as_pairs(self, memory)).collect()
    }

    /// Matches one pair and keeps what was computed on the way.
    ///
    /// # Errors
    /// As [`Engine::match_pairs`].
    fn examine(&mut self, pair: &PairRequest) -> Result<Examination, EngineError>;

    /// Milliseconds spent in each stage by the pairs matched since the last call, and their number:
    /// `correlate`, `expand`, `vote`, `hough`, `pick` (and `upload` where there is one).
    fn take_stage_times(&mut self) -> StageTimes;
}

/// Time spent in each stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageTimes {
    /// Stage and milliseconds, in order of execution.
    pub milliseconds: Vec<(&'static str, f64)>,
    /// How many pairs the times are of.
    pub pairs: usize,
}

impl StageTimes {
    /// The times of stages that were measured in seconds.
    fn of_seconds(stages: &[&'static str], seconds: &[f64], pairs: usize) -> Self {
        let milliseconds = seconds.iter().map(|seconds| seconds * 1e3);
        Self { milliseconds: stages.iter().copied().zip(milliseconds).collect(), pairs }
    }
}

/// Why an engine could not be made or could not match.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The dense engine in a build without libtorch.
    #[error(
        "this hpflow was built without libtorch, which the dense engine needs; use --engine cpu or \
         gpu, or build with the torch feature"
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
    /// CUDA was asked for where there is none.
    #[error("libtorch finds no CUDA device here; use the CPU, or a libtorch with CUDA")]
    NoCuda,
    /// libtorch failed.
    #[error("libtorch failed while matching: {reason}; try --engine cpu")]
    Torch {
        /// What it said, its first line.
        reason: String,
    },
    /// The GPU engine could not be made or could not match.
    #[error(transparent)]
    Gpu(#[from] gpu::GpuError),
}

impl EngineError {
    /// Whether a pair is beyond what the device can take: others may not be.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Gpu(gpu::GpuError::TooLarge { .. }))
    }
}

impl PairRequest {
    /// Checks what every engine relies on: hyperpixels on both sides, of the same layers.
    ///
    /// # Errors
    /// A photograph without hyperpixels, or hyperimages of different layers.
    pub fn check(&self) -> Result<(), EngineError> {
        for image in [&self.source, &self.target] {
            check_grid(&image.grid, image.width, image.height)?;
        }
        check_layers([&self.source.groups, &self.target.groups])?;
        self.check_precision(self.source.precision())
    }

    /// Checks that both sides are of a precision.
    ///
    /// # Errors
    /// One that is not.
    pub(crate) fn check_precision(&self, expected: Precision) -> Result<(), EngineError> {
        check_precision([self.source.precision(), self.target.precision()], expected)
    }
}

/// Checks that a photograph has hyperpixels.
fn check_grid(grid: &Grid, width: u32, height: u32) -> Result<(), EngineError> {
    let receptive_field = grid.geometry.receptive_field;
    match grid.is_empty() {
        true => Err(EngineError::NoHyperpixels { width, height, receptive_field }),
        false => Ok(()),
    }
}

/// Checks that the maps of both sides are of the same layers.
fn check_layers(sides: [&[Group]; 2]) -> Result<(), EngineError> {
    let layers = |groups: &[Group]| -> Vec<(usize, usize)> {
        let strides = groups.iter().flat_map(|group| group.layers.iter().map(|_| group.stride));
        strides.zip(groups.iter().flat_map(|group| group.layers.iter().copied())).collect()
    };
    let [source_layers, target_layers] = sides.map(layers);
    match source_layers == target_layers {
        true => Ok(()),
        false => Err(EngineError::DifferentLayers { source_layers, target_layers }),
    }
}

/// Checks that both sides are of a precision.
fn check_precision(found: [Precision; 2], expected: Precision) -> Result<(), EngineError> {
    match found == [expected; 2] {
        true => Ok(()),
        false => Err(EngineError::DifferentPrecision { found, expected }),
    }
}
