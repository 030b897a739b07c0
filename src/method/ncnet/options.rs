//! What may be asked of NC-Net.

use std::path::PathBuf;

use crate::backbone::WeightsSource;
use crate::benchmark::BenchmarkKind;
use crate::engine::EngineKind;
use crate::method::{Direction, EngineRequest, MethodInfo, OpenError, Request, Resources, Sharing};

/// NC-Net among the methods.
pub const INFO: MethodInfo = MethodInfo {
    name: "ncnet",
    about: "NC-Net (Rocco et al., NeurIPS 2018), trained weights of its authors",
    options: &["weights", "backbone-weights", "direction", "engine", "adapter"],
    engines: &[EngineKind::Gpu.name(), EngineKind::Cpu.name(), EngineKind::Dense.name()],
    layers: &[],
    usual: &[("direction", Direction::Direct.name())],
    parse: |request| Ok(Box::new(NcNetOptions::from_request(request)?)),
};

/// Where NC-Net's weights come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NcNetWeights {
    /// Random networks, the same everywhere.
    Untrained,
    /// The authors' file, converted.
    File(PathBuf),
}

/// NC-Net as it is asked for.
#[derive(Debug, Clone)]
pub struct NcNetOptions {
    /// Its weights.
    pub weights: NcNetWeights,
    /// Weights of the trunk, where they are not to be those of the file.
    pub backbone_weights: Option<WeightsSource>,
    /// Which way it is asked.
    pub direction: Direction,
    /// What filters correlations.
    pub engine: EngineKind,
    /// Part of the name of a GPU adapter.
    pub adapter: Option<String>,
    /// Memory for photographs on a GPU, in bytes.
    pub gpu_memory: Option<u64>,
    /// How work is shared between pairs.
    pub sharing: Sharing,
    /// The benchmark whose coordinates photographs have.
    pub benchmark: BenchmarkKind,
    /// What it may use.
    pub resources: Resources,
}

impl NcNetOptions {
    /// What a request asks for. With the engine of the published formulation, nothing is shared between
    /// pairs either, as published.
    ///
    /// # Errors
    /// Values that make no sense, or no weights.
    pub fn from_request(request: &Request) -> Result<Self, OpenError> {
        let direction = request.choice("direction", INFO.name, &Direction::ALL, Direction::name)?;
        let EngineRequest { engine, adapter, gpu_memory } = request.engine()?;
        let weights = match request.value("weights") {
            None => {
                return Err(OpenError::Missing {
                    option: "weights",
                    method: INFO.name,
                    wanted: "the authors' file, converted by `hpflow weights convert`; or untrained",
                });
            }
            Some("untrained") => NcNetWeights::Untrained,
            Some(file) => NcNetWeights::File(file.into()),
        };
        Ok(Self {
            weights,
            backbone_weights: request.parse("backbone-weights")?,
            direction: direction.unwrap_or_default(),
            engine,
            adapter,
            gpu_memory,
            sharing: match engine {
                EngineKind::Dense => Sharing::PerPair,
                EngineKind::Auto | EngineKind::Gpu | EngineKind::Cpu => Sharing::PerPhotograph,
            },
            benchmark: request.benchmark,
            resources: request.resources.clone(),
        })
    }
}
