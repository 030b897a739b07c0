//! Making Hyperpixel Flow in a program: what the command line's options are to the command.

use std::sync::Arc;

use rayon::ThreadPool;

use super::options::{BackboneKind, HpfFeatures, HpfOptions};
use super::{Hpf, open};
use crate::backbone::WeightsSource;
use crate::benchmark::BenchmarkKind;
use crate::engine::EngineKind;
use crate::hyperpixel::{LayerSet, Precision};
use crate::method::OpenError;
use crate::progress::Progress;

/// How Hyperpixel Flow is made; what is not said is as published for SPair-71k.
#[derive(Debug, Clone, Default)]
pub struct HpfBuilder {
    backbone: BackboneKind,
    weights: Option<WeightsSource>,
    options: HpfOptions,
}

impl Hpf {
    /// Begins to make Hyperpixel Flow.
    #[must_use]
    pub fn builder() -> HpfBuilder {
        HpfBuilder::default()
    }
}

impl HpfBuilder {
    /// The network.
    #[must_use]
    pub fn backbone(mut self, backbone: BackboneKind) -> Self {
        self.backbone = backbone;
        self
    }

    /// The network's weights; those that are known on the Hugging Face hub where not said.
    #[must_use]
    pub fn weights(mut self, weights: &WeightsSource) -> Self {
        self.weights = Some(weights.clone());
        self
    }

    /// The layers; the published set of the benchmark and backbone where not said.
    #[must_use]
    pub fn layers(mut self, layers: &LayerSet) -> Self {
        self.options.layers = Some(layers.clone());
        self
    }

    /// The benchmark whose published layer set is taken.
    #[must_use]
    pub fn benchmark(mut self, benchmark: BenchmarkKind) -> Self {
        self.options.benchmark = benchmark;
        self
    }

    /// What matches; [`EngineKind::Auto`] where not said.
    #[must_use]
    pub fn engine(mut self, engine: EngineKind) -> Self {
        self.options.engine = engine;
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
        self.options.precision = precision;
        self
    }

    /// Threads of the network on the processor; one a core for 0. The numbers do not depend on it.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.options.resources.threads = threads;
        self
    }

    /// Threads of the engine on the processor; rayon's global pool where not said. The numbers do not
    /// depend on it.
    #[must_use]
    pub fn pool(mut self, pool: Arc<ThreadPool>) -> Self {
        self.options.resources.pool = Some(pool);
        self
    }

    /// Told how far a download of weights has come.
    #[must_use]
    pub fn progress(mut self, progress: Progress) -> Self {
        self.options.resources.progress = progress;
        self
    }

    /// Opens network and engine.
    ///
    /// # Errors
    /// Weights that cannot be had, layers that do not fit, an engine that cannot run here, or a build
    /// without libtorch where it is needed.
    pub fn build(self) -> Result<Hpf, OpenError> {
        let Self { backbone, weights, options } = self;
        let features = HpfFeatures::Backbone { backbone, weights };
        open::hpf(&HpfOptions { features, ..options })
    }
}
