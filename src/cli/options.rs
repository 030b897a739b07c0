//! Options that several commands share: the benchmark, and what makes a method.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Map, Value};

use super::Usage;
use super::console::Console;
use crate::backbone::{self, BackboneError, Device, WeightsSource};
use crate::benchmark::{Benchmark, Kind, LayoutSize, Options};
use crate::engine::gpu::GpuError;
use crate::engine::{self, Engine, EngineError, EngineKind};
use crate::features::Features;
use crate::hyperpixel::LayerSet;
use crate::method::hpf::Hpf;

/// The most threads that may be asked for: more than any machine has cores.
const MOST_THREADS: usize = 1024;

/// Which pairs of which benchmark.
#[derive(Debug, Args)]
pub struct BenchmarkArgs {
    /// spair, pf-willow, pf-pascal, caltech-101, tss, or spair-json: any keypoint benchmark in
    /// SPair-71k's JSON.
    #[arg(long, default_value = "spair")]
    pub benchmark: Kind,
    /// The folder of the benchmark, as it is distributed.
    #[arg(long, value_name = "DIR")]
    pub root: PathBuf,
    /// trn, val or test.
    #[arg(long, default_value = "test")]
    pub split: String,
    /// Which list of pairs of SPair-71k: large (all) or small.
    #[arg(long, default_value = "large", value_parser = layout_size)]
    pub layout: LayoutSize,
    /// Only pairs of this category; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub category: Vec<String>,
    /// Only the first N pairs.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
}

impl BenchmarkArgs {
    /// Reads the pairs.
    ///
    /// # Errors
    /// Those of [`Benchmark::open`].
    pub fn open(&self) -> anyhow::Result<Benchmark> {
        let options = Options {
            split: self.split.clone(),
            layout: self.layout,
            categories: self.category.clone(),
            limit: self.limit,
        };
        Ok(Benchmark::open(self.benchmark, &self.root, &options)?)
    }

    /// Which pairs were asked for, for the header of a predictions file; nothing where it is all.
    pub fn describe(&self) -> Map<String, Value> {
        let mut all = Map::new();
        if self.layout != LayoutSize::Large {
            all.insert("layout".to_owned(), self.layout.name().into());
        }
        if !self.category.is_empty() {
            all.insert("categories".to_owned(), self.category.clone().into());
        }
        if let Some(limit) = self.limit {
            all.insert("limit".to_owned(), limit.into());
        }
        all
    }
}

/// A number of things of which there must be one.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= 1 => Ok(number),
        _ => Err("expected a whole number of at least 1".to_owned()),
    }
}

/// A number of threads that a system can be asked for.
fn thread_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=MOST_THREADS) => Ok(number),
        _ => Err(format!("expected a whole number from 1 to {MOST_THREADS}")),
    }
}

fn layout_size(name: &str) -> Result<LayoutSize, String> {
    [LayoutSize::Large, LayoutSize::Small]
        .into_iter()
        .find(|size| size.name() == name)
        .ok_or_else(|| "expected large or small".to_owned())
}

/// What makes Hyperpixel Flow: backbone, weights, layers, engine.
#[derive(Debug, Clone, Args)]
pub struct HpfArgs {
    /// resnet50, resnet101, or hog (built in: no download, no libtorch). Default: resnet101, or the
    /// one that kept features are of.
    #[arg(long)]
    pub backbone: Option<String>,
    /// A safetensors file with torchvision's names, a Hugging Face repository (owner/name or
    /// owner/name@revision), or `untrained`. Default: the backbone's known weights on the hub.
    #[arg(long, value_name = "PATH|HUB-ID|untrained")]
    pub weights: Option<String>,
    /// Layers, ascending, as in 0,9,10,11,12,13. Default: the published set of the benchmark and
    /// backbone.
    #[arg(long, value_name = "LAYERS", allow_hyphen_values = true)]
    pub layers: Option<String>,
    /// auto takes a hardware GPU if there is one, else the CPU.
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineKind,
    /// Part of the name of a GPU adapter, as `hpflow devices` lists them.
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
    /// Threads on the processor. Default: one a core. The numbers do not depend on it.
    #[arg(long, value_name = "N", value_parser = thread_count)]
    pub threads: Option<usize>,
}

/// Features kept on the disk.
#[derive(Debug, Args)]
pub struct FeaturesArgs {
    /// Start from the feature maps in this folder, which `hpflow features` or a program of your own
    /// wrote, instead of the photographs.
    #[arg(long, value_name = "DIR", conflicts_with = "weights")]
    pub features: Option<PathBuf>,
}

impl HpfArgs {
    /// The backbone's name where no features are given.
    pub fn backbone(&self) -> &str {
        self.backbone.as_deref().unwrap_or("resnet101")
    }

    /// Opens kept features of some photographs and the engine.
    ///
    /// # Errors
    /// Features that are missing, damaged or of another backbone, layers that they do not have, an
    /// engine that cannot run.
    pub fn open_kept<'a>(
        &self,
        folder: &Path,
        photographs: impl IntoIterator<Item = &'a Path>,
        benchmark: &str,
        console: Console,
    ) -> anyhow::Result<Hpf> {
        self.set_threads();
        let features = Features::open(folder, photographs)?;
        let layers = self.kept_layers(&features, benchmark)?;
        let engine = self.open_engine(self.engine)?;
        console.note(format!("engine: {} ({})", engine.name(), engine.adapter()));
        Hpf::with_features(features, engine, layers.clone())
            .map_err(|error| Usage(format!("--layers {layers}: {error}")).into())
    }

    /// The layers asked for, those published for the benchmark and the backbone of the features, or
    /// the only one there is.
    fn kept_layers(&self, features: &Features, benchmark: &str) -> anyhow::Result<LayerSet> {
        let description = features.description();
        if let Some(asked) = self.backbone.as_ref().filter(|name| **name != description.backbone) {
            anyhow::bail!(
                "--backbone {asked}, but the features are of {}; leave --backbone out, or give the \
                 folder of its features",
                description.backbone
            );
        }
        match (&self.layers, &description.layers[..]) {
            (None, [only]) => Ok(LayerSet::new(vec![only.id])?),
            (None, layers) => {
                LayerSet::published(benchmark, &description.backbone).ok_or_else(|| {
                    let known: Vec<String> = layers.iter().map(|l| l.id.to_string()).collect();
                    Usage(format!(
                        "no layer set was published for backbone '{}' on {benchmark}; choose among \
                         its layers {} with --layers",
                        description.backbone,
                        known.join(", ")
                    ))
                    .into()
                })
            }
            _ => self.layer_set(benchmark),
        }
    }

    /// Opens the backbone and the engine. `benchmark` decides the default layer set.
    ///
    /// # Errors
    /// Wrong usage (layers, backbone, adapter), weights that cannot be had, an engine that cannot
    /// run.
    pub fn open(&self, benchmark: &str, console: Console) -> anyhow::Result<Hpf> {
        self.set_threads();
        let name = self.backbone();
        if !backbone::NAMES.contains(&name) {
            return Err(Usage(BackboneError::Unknown { name: name.to_owned() }.to_string()).into());
        }
        let layers = self.layer_set(benchmark)?;
        let backbone = self.open_backbone(console)?;
        let wrong = |error: &dyn std::fmt::Display| Usage(format!("--layers {layers}: {error}"));
        layers.check(backbone.name(), backbone.layer_count()).map_err(|error| wrong(&error))?;
        backbone.geometry(layers.base()).map_err(|error| wrong(&error))?;
        let engine = self.open_engine(self.engine)?;
        console.note(format!("engine: {} ({})", engine.name(), engine.adapter()));
        Ok(Hpf::new(backbone, engine, layers)?)
    }

    /// Opens the backbone alone.
    ///
    /// # Errors
    /// An unknown name, or weights that cannot be had or do not fit.
    pub fn open_backbone(&self, console: Console) -> anyhow::Result<Box<dyn backbone::Backbone>> {
        let weights = match &self.weights {
            Some(text) => {
                text.parse::<WeightsSource>().map_err(|error| Usage(error.to_string()))?
            }
            None if self.backbone() == "hog" => WeightsSource::Untrained,
            None => self.backbone().parse::<WeightsSource>().unwrap_or(WeightsSource::Untrained),
        };
        let threads = self.thread_count();
        let options = backbone::Options { device: Device::Auto, threads, progress: !console.quiet };
        backbone::open(self.backbone(), &weights, options)
            .map_err(|error| match error {
                BackboneError::Unknown { .. } => Usage(error.to_string()).into(),
                _ => anyhow::Error::from(error),
            })
            .context(format!("cannot open the backbone {}", self.backbone()))
    }

    /// The layers asked for, or those published for the benchmark and backbone.
    ///
    /// # Errors
    /// Something that is no layer set, or none published.
    pub fn layer_set(&self, benchmark: &str) -> anyhow::Result<LayerSet> {
        match &self.layers {
            Some(text) => {
                text.parse().map_err(|error| Usage(format!("--layers {text}: {error}")).into())
            }
            None => LayerSet::published(benchmark, self.backbone()).ok_or_else(|| {
                Usage(format!(
                    "no layer set was published for {} on {benchmark}; choose layers with --layers",
                    self.backbone()
                ))
                .into()
            }),
        }
    }

    /// Opens an engine.
    ///
    /// # Errors
    /// Wrong usage (an unknown adapter), or an engine that cannot run.
    pub fn open_engine(&self, kind: EngineKind) -> anyhow::Result<Box<dyn Engine>> {
        if let (Some(adapter), EngineKind::Cpu | EngineKind::Dense) = (&self.adapter, kind) {
            return Err(Usage(format!(
                "--adapter {adapter} chooses the GPU of --engine gpu, and --engine {} uses none; \
                 leave one of the two out",
                kind.name()
            ))
            .into());
        }
        engine::open(kind, self.engine_options()).map_err(|error| match error {
            EngineError::Gpu(GpuError::UnknownAdapter { .. }) => {
                Usage(format!("--adapter: {error}")).into()
            }
            _ => error.into(),
        })
    }

    /// How every engine of this command is opened.
    pub fn engine_options(&self) -> engine::Options<'_> {
        engine::Options { adapter: self.adapter.as_deref(), threads: self.thread_count() }
    }

    pub fn thread_count(&self) -> usize {
        self.threads.unwrap_or_else(rayon::current_num_threads)
    }

    /// Sizes the pool of threads that the CPU engine uses. It can be sized once a process, and a
    /// command opens one method.
    pub fn set_threads(&self) {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            if pool.build_global().is_err() {
                tracing::debug!("the pool of threads had been made before");
            }
        }
    }
}
