//! Opening Hyperpixel Flow: backbone, weights, layers and engine as they are asked for.

use super::Hpf;
use crate::backbone::{self, Backbone, BackboneError, BackboneOptions, Device, WeightsSource};
use crate::engine::{self, Engine, EngineKind, EngineOptions};
use crate::features::Features;
use crate::hyperpixel::LayerSet;
use crate::method::{Entry, KeptFeatures, Method, OpenError, Options, Setting};

/// Hyperpixel Flow among the methods.
pub const ENTRY: Entry = Entry {
    name: "hpf",
    about: "Hyperpixel Flow (Min et al., ICCV 2019), on a backbone's layers or on kept features",
    accepts: &[
        Setting::Backbone,
        Setting::Weights,
        Setting::Layers,
        Setting::Features,
        Setting::Engine,
        Setting::Adapter,
        Setting::GpuMemory,
        Setting::Precision,
    ],
    engines: &[EngineKind::Gpu, EngineKind::Cpu, EngineKind::Dense],
    open,
};

fn open(options: &Options) -> Result<Box<dyn Method>, OpenError> {
    Ok(Box::new(hpf(options)?))
}

/// Hyperpixel Flow as it is asked for.
///
/// # Errors
/// Wrong usage, or parts that cannot be had.
pub(super) fn hpf(options: &Options) -> Result<Hpf, OpenError> {
    let hpf = match &options.features {
        Some(kept) => with_features(options, kept)?,
        None => with_backbone(options)?,
    };
    Ok(hpf.in_precision(options.precision.unwrap_or_default()))
}

/// Backbone, layer set and engine.
fn with_backbone(options: &Options) -> Result<Hpf, OpenError> {
    let name = backbone_name(options);
    if !backbone::NAMES.contains(&name) {
        let unknown = BackboneError::Unknown { name: name.to_owned() };
        return Err(OpenError::Usage(unknown.to_string()));
    }
    let layers = layer_set(options)?;
    let backbone = backbone(options)?;
    let wrong =
        |error: &dyn std::fmt::Display| OpenError::Usage(format!("--layers {layers}: {error}"));
    layers.check(backbone.name(), backbone.layer_count()).map_err(|error| wrong(&error))?;
    backbone.geometry(layers.base()).map_err(|error| wrong(&error))?;
    let engine = engine(options, options.engine.unwrap_or_default())?;
    let name = name.to_owned();
    Hpf::new(backbone, engine, layers)
        .map_err(|source| OpenError::Backbone { name, source: Box::new(source) })
}

/// Kept features of some photographs, and engine.
fn with_features(options: &Options, kept: &KeptFeatures) -> Result<Hpf, OpenError> {
    let features = match kept.some {
        true => Features::open_for_some(&kept.folder, &kept.photographs)?,
        false => Features::open(&kept.folder, &kept.photographs)?,
    };
    let layers = kept_layers(options, &features)?;
    let engine = engine(options, options.engine.unwrap_or_default())?;
    Hpf::with_features(features, engine, layers.clone())
        .map_err(|error| OpenError::Usage(format!("--layers {layers}: {error}")))
}

/// The layers asked for, those published for the benchmark and the backbone of the features, or
/// the only one there is.
fn kept_layers(options: &Options, features: &Features) -> Result<LayerSet, OpenError> {
    let description = features.description();
    if let Some(asked) = options.backbone.as_ref().filter(|name| **name != description.backbone) {
        let found = description.backbone.clone();
        return Err(OpenError::OtherBackbone { asked: asked.clone(), found });
    }
    let usage = |error: &dyn std::fmt::Display| OpenError::Usage(error.to_string());
    match (&options.layers, &description.layers[..]) {
        (None, [only]) => LayerSet::new(vec![only.id]).map_err(|error| usage(&error)),
        (None, layers) => LayerSet::published(&options.benchmark, &description.backbone)
            .ok_or_else(|| {
                let known: Vec<String> = layers.iter().map(|l| l.id.to_string()).collect();
                OpenError::Usage(format!(
                    "no layer set was published for backbone '{}' on {}; choose among its layers \
                     {} with --layers",
                    description.backbone,
                    options.benchmark,
                    known.join(", ")
                ))
            }),
        _ => layer_set(options),
    }
}

/// The backbone's name where no features are given.
#[must_use]
pub fn backbone_name(options: &Options) -> &str {
    options.backbone.as_deref().unwrap_or("resnet101")
}

/// Opens the backbone alone.
///
/// # Errors
/// An unknown name, or weights that cannot be had or do not fit.
pub fn backbone(options: &Options) -> Result<Box<dyn Backbone>, OpenError> {
    let name = backbone_name(options);
    let weights = match &options.weights {
        Some(text) if name == "hog" => {
            let what =
                format!("--weights {text}: hog is no network and has no weights; leave it out");
            return Err(OpenError::Usage(what));
        }
        Some(text) => {
            text.parse::<WeightsSource>().map_err(|error| OpenError::Usage(error.to_string()))?
        }
        None if name == "hog" => WeightsSource::Untrained,
        None => name.parse::<WeightsSource>().unwrap_or(WeightsSource::Untrained),
    };
    let (threads, progress) = (options.threads, options.progress.clone());
    backbone::open(name, &weights, BackboneOptions { device: Device::Auto, threads, progress })
        .map_err(|error| match error {
            BackboneError::Unknown { .. } => OpenError::Usage(error.to_string()),
            source => OpenError::Backbone { name: name.to_owned(), source: Box::new(source) },
        })
}

/// The layers asked for, or those published for the benchmark and backbone.
///
/// # Errors
/// Something that is no layer set, or none published.
pub fn layer_set(options: &Options) -> Result<LayerSet, OpenError> {
    let name = backbone_name(options);
    match &options.layers {
        Some(text) => {
            text.parse().map_err(|error| OpenError::Usage(format!("--layers {text}: {error}")))
        }
        None => LayerSet::published(&options.benchmark, name).ok_or_else(|| {
            OpenError::Usage(format!(
                "no layer set was published for {name} on {}; choose layers with --layers",
                options.benchmark
            ))
        }),
    }
}

/// Opens an engine.
///
/// # Errors
/// Wrong usage (an unknown adapter), or an engine that cannot run.
pub fn engine(options: &Options, kind: EngineKind) -> Result<Box<dyn Engine>, OpenError> {
    options.check_adapter(kind)?;
    let (adapter, threads) = (options.adapter.as_deref(), options.threads);
    let precision = options.precision.unwrap_or_default();
    let memory = options.gpu_memory;
    let options = EngineOptions { adapter, torch_threads: threads, precision, memory, pool: None };
    engine::open(kind, &options).map_err(OpenError::of_engine)
}
