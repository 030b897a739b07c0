//! What may be asked of a method before it is opened, and why it could not be opened.

use std::path::PathBuf;

use super::{Entry, table};
use crate::backbone::{BackboneError, WeightsError};
use crate::benchmark::Image;
use crate::engine::gpu::GpuError;
use crate::engine::{EngineError, EngineKind};
use crate::features::FeaturesError;
use crate::hyperpixel::Precision;
use crate::progress::Progress;

/// What is asked of a method. A method has defaults of its own for what is `None`.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The benchmark whose published settings are the defaults, for example `spair`.
    pub benchmark: String,
    /// The backbone's name.
    pub backbone: Option<String>,
    /// Weights, as each method understands them.
    pub weights: Option<String>,
    /// Weights of the backbone where those of the method lack it.
    pub backbone_weights: Option<String>,
    /// A layer set.
    pub layers: Option<String>,
    /// Stages of a method that aligns in stages, for example `affine`.
    pub stages: Option<String>,
    /// Which way a learned alignment is asked.
    pub direction: Option<Direction>,
    /// Feature maps that are there already.
    pub features: Option<KeptFeatures>,
    /// The engine.
    pub engine: Option<EngineKind>,
    /// Part of the name of a GPU adapter.
    pub adapter: Option<String>,
    /// Memory for photographs on a GPU, in bytes.
    pub gpu_memory: Option<u64>,
    /// How feature maps are stored.
    pub precision: Option<Precision>,
    /// Threads on the processor. The numbers do not depend on it.
    pub threads: usize,
    /// Told how far a download has come.
    pub progress: Progress,
}

/// Features kept in a folder.
#[derive(Debug, Clone, Default)]
pub struct KeptFeatures {
    /// The folder.
    pub folder: PathBuf,
    /// Photographs whose features must be there.
    pub photographs: Vec<Image>,
    /// Whether it is enough that some of them have usable features; the rest is found when it is read.
    pub some: bool,
}

/// Which way a learned alignment is asked for the pair's keypoints. Such a network maps points of
/// its `target_image` into its `source_image`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Direction {
    /// The network's source_image is the pair's target: its mapping is the answer.
    #[default]
    Direct,
    /// The network's source_image is the pair's source: its mapping is inverted.
    Inverse,
}

impl Direction {
    /// The name on the command line and in predictions files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Inverse => "inverse",
        }
    }
}

/// An option that some methods accept and others refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// [`Options::backbone`].
    Backbone,
    /// [`Options::weights`].
    Weights,
    /// [`Options::backbone_weights`].
    BackboneWeights,
    /// [`Options::layers`].
    Layers,
    /// [`Options::stages`].
    Stages,
    /// [`Options::direction`].
    Direction,
    /// [`Options::features`].
    Features,
    /// [`Options::engine`].
    Engine,
    /// [`Options::adapter`].
    Adapter,
    /// [`Options::gpu_memory`].
    GpuMemory,
    /// [`Options::precision`].
    Precision,
}

impl Setting {
    /// The option on the command line.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Self::Backbone => "--backbone",
            Self::Weights => "--weights",
            Self::BackboneWeights => "--backbone-weights",
            Self::Layers => "--layers",
            Self::Stages => "--stages",
            Self::Direction => "--direction",
            Self::Features => "--features",
            Self::Engine => "--engine",
            Self::Adapter => "--adapter",
            Self::GpuMemory => "--gpu-memory",
            Self::Precision => "--precision",
        }
    }
}

impl Options {
    /// What was asked for.
    #[must_use]
    pub fn given(&self) -> Vec<Setting> {
        [
            (Setting::Backbone, self.backbone.is_some()),
            (Setting::Weights, self.weights.is_some()),
            (Setting::BackboneWeights, self.backbone_weights.is_some()),
            (Setting::Layers, self.layers.is_some()),
            (Setting::Stages, self.stages.is_some()),
            (Setting::Direction, self.direction.is_some()),
            (Setting::Features, self.features.is_some()),
            (Setting::Engine, self.engine.is_some()),
            (Setting::Adapter, self.adapter.is_some()),
            (Setting::GpuMemory, self.gpu_memory.is_some()),
            (Setting::Precision, self.precision.is_some()),
        ]
        .into_iter()
        .filter_map(|(setting, given)| given.then_some(setting))
        .collect()
    }

    /// Refuses what a method does not accept, engines that it has not, and an adapter for an engine
    /// that uses none.
    ///
    /// # Errors
    /// Wrong usage, in a sentence.
    pub fn check(&self, method: &Entry) -> Result<(), OpenError> {
        let name = method.name;
        if let Some(setting) = self.given().into_iter().find(|one| !method.accepts.contains(one)) {
            let option = setting.option();
            let accepting: Vec<&str> = table()
                .iter()
                .filter(|entry| entry.accepts.contains(&setting))
                .map(|entry| entry.name)
                .collect();
            return Err(OpenError::Usage(format!(
                "{option} is not for --method {name}, but for {}; leave it out",
                accepting.join(", ")
            )));
        }
        let Some(kind) = self.engine else { return Ok(()) };
        if kind != EngineKind::Auto && !method.engines.contains(&kind) {
            let engines: Vec<&str> = method.engines.iter().map(|kind| kind.name()).collect();
            return Err(OpenError::Usage(format!(
                "--engine {}: --method {name} has no such engine; it has {}",
                kind.name(),
                engines.join(", ")
            )));
        }
        self.check_adapter(kind)
    }

    /// Refuses an adapter, and memory on one, for an engine that uses none.
    ///
    /// # Errors
    /// Wrong usage, in a sentence.
    pub fn check_adapter(&self, kind: EngineKind) -> Result<(), OpenError> {
        let (EngineKind::Cpu | EngineKind::Dense) = kind else { return Ok(()) };
        let engine = kind.name();
        if let Some(adapter) = &self.adapter {
            return Err(OpenError::Usage(format!(
                "--adapter {adapter} chooses the GPU of --engine gpu, and --engine {engine} uses none; \
                 leave one of the two out"
            )));
        }
        if self.gpu_memory.is_some() {
            return Err(OpenError::Usage(format!(
                "--gpu-memory is the memory of --engine gpu, and --engine {engine} uses no GPU; leave \
                 one of the two out"
            )));
        }
        Ok(())
    }
}

/// Why a method could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Wrong usage, as far as what was asked shows it.
    #[error("{0}")]
    Usage(String),
    /// The backbone cannot be had.
    #[error("cannot open the backbone {name}")]
    Backbone {
        /// Its name.
        name: String,
        /// Why.
        source: Box<BackboneError>,
    },
    /// Weights of the method that cannot be had or do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Files of weights that are of something else than what was asked for.
    #[error("{files}: {found}; {remedy}")]
    Unfit {
        /// The files.
        files: String,
        /// What they hold.
        found: String,
        /// What to do.
        remedy: String,
    },
    /// Kept features that are missing, damaged or of another network.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// Kept features of another backbone than the one asked for.
    #[error(
        "--backbone {asked}, but the features are of {found}; leave --backbone out, or give the \
         folder of its features"
    )]
    OtherBackbone {
        /// The backbone asked for.
        asked: String,
        /// The features' backbone.
        found: String,
    },
    /// An engine that cannot run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A learned method in a build without libtorch.
    #[error(
        "this build of hpflow has no {method}: it was built without libtorch (feature `torch`); \
         build it with default features"
    )]
    WithoutTorch {
        /// The method.
        method: &'static str,
    },
}

impl OpenError {
    /// The error for an engine that could not be opened: wrong usage where another name would do.
    #[must_use]
    pub fn of_engine(error: EngineError) -> Self {
        match error {
            EngineError::Gpu(GpuError::UnknownAdapter { .. }) => {
                Self::Usage(format!("--adapter: {error}"))
            }
            EngineError::WithoutTorch => Self::Usage(error.to_string()),
            error => error.into(),
        }
    }
}
