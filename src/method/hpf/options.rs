//! What may be asked of Hyperpixel Flow.

use std::str::FromStr;

use crate::backbone::{BackboneError, WeightsSource};
use crate::benchmark::BenchmarkKind;
use crate::engine::EngineKind;
use crate::hyperpixel::{LayerSet, Precision};
use crate::method::{
    EngineRequest, KeptFeatures, MethodInfo, OpenError, PublishedLayers, Request, Resources,
};

/// Hyperpixel Flow among the methods.
pub const INFO: MethodInfo = MethodInfo {
    name: "hpf",
    about: "Hyperpixel Flow (Min et al., ICCV 2019), on a backbone's layers or on kept features",
    options: &[
        "backbone",
        "weights",
        "layers",
        "features",
        "engine",
        "adapter",
        "gpu-memory",
        "precision",
    ],
    engines: &[EngineKind::Gpu.name(), EngineKind::Cpu.name(), EngineKind::Dense.name()],
    layers: PUBLISHED,
    usual: &[],
    parse: |request| Ok(Box::new(HpfOptions::from_request(request)?)),
};

/// The published layer sets (HPF, section 4.1 and its code); of hog the only layer that it has.
const PUBLISHED: &[PublishedLayers] = &[
    PublishedLayers {
        backbone: BackboneKind::ResNet50.name(),
        benchmarks: &[BenchmarkKind::Spair],
        layers: &[0, 9, 10, 11, 12, 13],
    },
    PublishedLayers {
        backbone: BackboneKind::ResNet50.name(),
        benchmarks: &[BenchmarkKind::PfWillow, BenchmarkKind::PfPascal, BenchmarkKind::Caltech101],
        layers: &[2, 7, 11, 12, 13],
    },
    PublishedLayers {
        backbone: BackboneKind::ResNet101.name(),
        benchmarks: &[BenchmarkKind::Spair],
        layers: &[0, 8, 20, 21, 26, 28, 29, 30],
    },
    PublishedLayers {
        backbone: BackboneKind::ResNet101.name(),
        benchmarks: &[BenchmarkKind::PfWillow, BenchmarkKind::PfPascal],
        layers: &[2, 17, 21, 22, 25, 26, 28],
    },
    PublishedLayers {
        backbone: BackboneKind::Hog.name(),
        benchmarks: BenchmarkKind::ALL,
        layers: &[0],
    },
];

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
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::ResNet50, Self::ResNet101, Self::Hog];

    /// The name in requests and in predictions files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hog => "hog",
            Self::ResNet50 => "resnet50",
            Self::ResNet101 => "resnet101",
        }
    }
}

impl FromStr for BackboneKind {
    type Err = BackboneError;

    fn from_str(name: &str) -> Result<Self, BackboneError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| BackboneError::Unknown { name: name.to_owned() })
    }
}

/// Where feature maps come from.
#[derive(Debug, Clone)]
pub enum HpfFeatures {
    /// From photographs.
    Backbone {
        /// The network.
        backbone: BackboneKind,
        /// Its weights; those that are known on the Hugging Face hub where not said.
        weights: Option<WeightsSource>,
    },
    /// From a folder that a backbone, or another network, left.
    Kept {
        /// The folder.
        features: KeptFeatures,
        /// The network that they must be of; any where not said.
        backbone: Option<String>,
    },
}

/// Hyperpixel Flow as it is asked for.
#[derive(Debug, Clone)]
pub struct HpfOptions {
    /// Where feature maps come from.
    pub features: HpfFeatures,
    /// The layers; the published set of the benchmark and backbone where not said.
    pub layers: Option<LayerSet>,
    /// The benchmark whose published layer set is taken.
    pub benchmark: BenchmarkKind,
    /// What matches: a hardware GPU if there is one, else the processor, where not said.
    pub engine: EngineKind,
    /// Part of the name of a GPU adapter.
    pub adapter: Option<String>,
    /// Memory for photographs on a GPU, in bytes.
    pub gpu_memory: Option<u64>,
    /// How feature maps are stored.
    pub precision: Precision,
    /// What it may use.
    pub resources: Resources,
}

impl Default for HpfOptions {
    /// As published for SPair-71k.
    fn default() -> Self {
        Self {
            features: HpfFeatures::Backbone { backbone: BackboneKind::default(), weights: None },
            layers: None,
            benchmark: BenchmarkKind::Spair,
            engine: EngineKind::default(),
            adapter: None,
            gpu_memory: None,
            precision: Precision::default(),
            resources: Resources::default(),
        }
    }
}

impl HpfOptions {
    /// What a request asks for.
    ///
    /// # Errors
    /// Values that make no sense, or options that exclude each other.
    pub fn from_request(request: &Request) -> Result<Self, OpenError> {
        let EngineRequest { engine, adapter, gpu_memory } = request.engine()?;
        let precisions = [Precision::F32, Precision::F16];
        let precision = request.choice("precision", "hpflow", &precisions, Precision::name)?;
        Ok(Self {
            features: features(request)?,
            layers: request.parse("layers")?,
            benchmark: request.benchmark,
            engine,
            adapter,
            gpu_memory,
            precision: precision.unwrap_or_default(),
            resources: request.resources.clone(),
        })
    }
}

fn features(request: &Request) -> Result<HpfFeatures, OpenError> {
    if let Some(features) = &request.features {
        if request.value("weights").is_some() {
            return Err(OpenError::Together { options: ["features", "weights"] });
        }
        let (features, backbone) = (features.clone(), request.value("backbone").map(str::to_owned));
        return Ok(HpfFeatures::Kept { features, backbone });
    }
    let backbone: Option<BackboneKind> = request.parse("backbone")?;
    let backbone = backbone.unwrap_or_default();
    if let (BackboneKind::Hog, Some(weights)) = (backbone, request.value("weights")) {
        let reason = "hog is no network and has no weights; leave it out";
        return Err(OpenError::value("weights", weights, reason));
    }
    Ok(HpfFeatures::Backbone { backbone, weights: request.parse("weights")? })
}
