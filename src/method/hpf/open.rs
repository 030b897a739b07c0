//! Opening Hyperpixel Flow: backbone, weights, layers and engine as they are asked for.

use super::Hpf;
use super::options::{BackboneKind, HpfFeatures, HpfOptions, INFO};
use crate::backbone::weights::{HubFile, hub, manifest};
use crate::backbone::{self, Backbone, WeightsSource};
use crate::engine::{self, Engine, EngineKind, EngineOptions};
use crate::features::Features;
use crate::hyperpixel::LayerSet;
use crate::method::learned::how;
use crate::method::request::check_engine;
use crate::method::{KeptFeatures, Method, MethodOptions, OpenError};

/// Hyperpixel Flow as it is asked for.
///
/// # Errors
/// Parts that cannot be had, or that do not fit each other.
pub(super) fn hpf(options: &HpfOptions) -> Result<Hpf, OpenError> {
    let hpf = match &options.features {
        HpfFeatures::Kept { features, backbone } => {
            with_features(options, features, backbone.as_deref())?
        }
        HpfFeatures::Backbone { backbone, .. } => with_backbone(options, *backbone)?,
    };
    Ok(hpf.in_precision(options.precision))
}

/// Backbone, layer set and engine.
fn with_backbone(options: &HpfOptions, kind: BackboneKind) -> Result<Hpf, OpenError> {
    let layers = options.layer_set()?;
    let backbone = options.open_backbone()?;
    let wrong = |error: &dyn std::fmt::Display| OpenError::value("layers", &layers, error);
    layers.check(backbone.name(), backbone.layer_count()).map_err(|error| wrong(&error))?;
    backbone.geometry(layers.base()).map_err(|error| wrong(&error))?;
    let engine = options.open_engine()?;
    let name = kind.name().to_owned();
    Hpf::new(backbone, engine, layers)
        .map_err(|source| OpenError::Backbone { name, source: Box::new(source) })
}

/// Kept features of some photographs, and engine.
fn with_features(
    options: &HpfOptions,
    kept: &KeptFeatures,
    backbone: Option<&str>,
) -> Result<Hpf, OpenError> {
    let features = match kept.some {
        true => Features::open_for_some(&kept.folder, &kept.photographs)?,
        false => Features::open(&kept.folder, &kept.photographs)?,
    };
    let found = &features.description().backbone;
    if let Some(asked) = backbone.filter(|asked| asked != found) {
        let (asked, found) = (asked.to_owned(), found.clone());
        return Err(OpenError::OtherBackbone { asked, found });
    }
    let layers = kept_layers(options, &features)?;
    let engine = options.open_engine()?;
    Hpf::with_features(features, engine, layers.clone())
        .map_err(|error| OpenError::value("layers", layers, error))
}

/// The layers asked for, those published for the benchmark and the backbone of the features, or
/// the only one there is.
fn kept_layers(options: &HpfOptions, features: &Features) -> Result<LayerSet, OpenError> {
    let description = features.description();
    match (&options.layers, &*description.layers) {
        (Some(asked), _) => Ok(asked.clone()),
        (None, [only]) => Ok(LayerSet::of(only.id)),
        (None, layers) => {
            let there = layers.iter().map(|layer| layer.id);
            INFO.published_layers(&description.backbone, options.benchmark, there)
        }
    }
}

impl HpfOptions {
    /// The backbone where no features are kept.
    fn backbone(&self) -> (BackboneKind, Option<&WeightsSource>) {
        match &self.features {
            HpfFeatures::Backbone { backbone, weights } => (*backbone, weights.as_ref()),
            HpfFeatures::Kept { .. } => (BackboneKind::default(), None),
        }
    }

    /// Opens the backbone alone.
    ///
    /// # Errors
    /// Weights that cannot be had or do not fit, or a build without libtorch.
    pub fn open_backbone(&self) -> Result<Box<dyn Backbone>, OpenError> {
        let (kind, weights) = self.backbone();
        let weights = match (kind, weights) {
            (BackboneKind::Hog, Some(weights)) => {
                let reason = "hog is no network and has no weights; leave it out";
                return Err(OpenError::value("weights", weights, reason));
            }
            (BackboneKind::Hog, None) => WeightsSource::Untrained,
            (BackboneKind::ResNet50 | BackboneKind::ResNet101, Some(weights)) => weights.clone(),
            (BackboneKind::ResNet50 | BackboneKind::ResNet101, None) => known_weights(kind),
        };
        let name = kind.name();
        backbone::open(name, &weights, how(&self.resources)).map_err(|source| OpenError::Backbone {
            name: name.to_owned(),
            source: Box::new(source),
        })
    }

    /// The layers asked for, or those published for the benchmark and backbone.
    ///
    /// # Errors
    /// None were published.
    pub fn layer_set(&self) -> Result<LayerSet, OpenError> {
        match &self.layers {
            Some(layers) => Ok(layers.clone()),
            None => INFO.published_layers(self.backbone().0.name(), self.benchmark, []),
        }
    }

    /// Opens the engine alone.
    ///
    /// # Errors
    /// An adapter that there is not or that the engine does not use, or an engine that cannot run.
    pub fn open_engine(&self) -> Result<Box<dyn Engine>, OpenError> {
        self.open_engine_of(self.engine)
    }

    /// [`Self::open_engine`] of another kind.
    ///
    /// # Errors
    /// As [`Self::open_engine`].
    pub fn open_engine_of(&self, kind: EngineKind) -> Result<Box<dyn Engine>, OpenError> {
        check_engine(kind, self.adapter.as_deref(), self.gpu_memory)?;
        let options = EngineOptions {
            adapter: self.adapter.as_deref(),
            torch_threads: self.resources.threads(),
            memory: self.gpu_memory,
            precision: self.precision,
            pool: self.resources.pool.clone(),
        };
        engine::open(kind, &options).map_err(OpenError::of_engine)
    }
}

/// The weights of a network that are known on the Hugging Face hub.
fn known_weights(backbone: BackboneKind) -> WeightsSource {
    let known = manifest::known().into_iter().find(|known| known.name == backbone.name());
    let known = known.expect("every network has known weights, as a test of the manifest has it");
    WeightsSource::Hub(HubFile {
        repository: known.repository,
        revision: hub::DEFAULT_REVISION.to_owned(),
        file: known.file,
    })
}

/// The layer set that was published for a network and a benchmark.
///
/// # Errors
/// None was, with those that were.
pub fn published_layers(
    backbone: BackboneKind,
    benchmark: crate::benchmark::BenchmarkKind,
) -> Result<LayerSet, OpenError> {
    INFO.published_layers(backbone.name(), benchmark, [])
}

impl MethodOptions for HpfOptions {
    fn open(&self) -> Result<Box<dyn Method>, OpenError> {
        Ok(Box::new(hpf(self)?))
    }
}
