//! Making Hyperpixel Flow in a program: what the command line's options are to the command.

use super::{Hpf, open};
use crate::backbone::WeightsSource;
use crate::benchmark::BenchmarkKind;
use crate::engine::EngineKind;
use crate::hyperpixel::{LayerSet, Precision};
use crate::method::{OpenError, Options};
use crate::progress::Progress;

/// The networks that give Hyperpixel Flow its features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackboneKind {
    /// Histograms of oriented gradients: built in, without weights, the same everywhere.
    Hog,
    /// ResNet-50, through libtorch.
    ResNet50,
    /// ResNet-101, through libtorch.
    #[default]
    ResNet101,
}

impl BackboneKind {
    /// The name on the command line and in predictions files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hog => "hog",
            Self::ResNet50 => "resnet50",
            Self::ResNet101 => "resnet101",
        }
    }
}

/// How Hyperpixel Flow is made; what is not said is as published for SPair-71k.
#[derive(Debug, Clone, Default)]
pub struct HpfBuilder {
    options: Options,
}

impl Hpf {
    /// Begins to make Hyperpixel Flow.
    #[must_use]
    pub fn builder() -> HpfBuilder {
        HpfBuilder::default().benchmark(BenchmarkKind::Spair).threads(0)
    }
}

impl HpfBuilder {
    /// The network.
    #[must_use]
    pub fn backbone(mut self, backbone: BackboneKind) -> Self {
        self.options.backbone = Some(backbone.name().to_owned());
        self
    }

    /// The network's weights; those that are known on the Hugging Face hub where not said.
    #[must_use]
    pub fn weights(mut self, weights: &WeightsSource) -> Self {
        self.options.weights = Some(weights.to_string());
        self
    }

    /// The layers; the published set of the benchmark and backbone where not said.
    #[must_use]
    pub fn layers(mut self, layers: &LayerSet) -> Self {
        self.options.layers = Some(layers.to_string());
        self
    }

    /// The benchmark whose published layer set is taken.
    #[must_use]
    pub fn benchmark(mut self, benchmark: BenchmarkKind) -> Self {
        self.options.benchmark = benchmark.name().to_owned();
        self
    }

    /// What matches: a hardware GPU if there is one, else the processor, where not said.
    #[must_use]
    pub fn engine(mut self, engine: EngineKind) -> Self {
        self.options.engine = Some(engine);
        self
    }

    /// Part of the name of a GPU adapter, to choose among several.
    #[must_use]
    pub fn adapter(mut self, adapter: impl Into<String>) -> Self {
        self.options.adapter = Some(adapter.into());
        self
    }

    /// How feature maps are stored.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.options.precision = Some(precision);
        self
    }

    /// Threads of the network on the processor; one a core for 0. The numbers do not depend on it.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.options.threads = if threads == 0 { rayon::current_num_threads() } else { threads };
        self
    }

    /// Told how far a download of weights has come.
    #[must_use]
    pub fn progress(mut self, progress: Progress) -> Self {
        self.options.progress = progress;
        self
    }

    /// Opens network and engine.
    ///
    /// # Errors
    /// Weights that cannot be had, layers that do not fit, an engine that cannot run here, or a build
    /// without libtorch where it is needed.
    pub fn build(self) -> Result<Hpf, OpenError> {
        open::hpf(&self.options)
    }
}
