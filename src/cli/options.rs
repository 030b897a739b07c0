//! Options that several commands share: the benchmark, and what makes a method.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::console::Console;
use super::error::{Usage, WithoutTorch};
use hpflow::low_level::backbone::{Backbone, BackboneError};
use hpflow::low_level::benchmark::{
    Benchmark, BenchmarkKind, BenchmarkOptions, Image, LayoutSize, Unreadable,
};
use hpflow::low_level::engine::{Engine, EngineError, EngineKind, adapters};
use hpflow::low_level::hyperpixel::{LayerSet, Precision};
use hpflow::low_level::method::hpf::{BackboneKind, HpfOptions};
use hpflow::low_level::method::{
    self, Direction, KeptFeatures, Method, MethodInfo, OpenError, Request, Resources,
};
use hpflow::low_level::predictions::MethodHeader;

/// The most threads that may be asked for: more than any machine has cores.
const MOST_THREADS: usize = 1024;

/// Which pairs of which benchmark.
#[derive(Debug, Args)]
pub struct BenchmarkArgs {
    #[arg(long, default_value = "spair", help = benchmarks())]
    pub benchmark: BenchmarkKind,
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
        Ok(Benchmark::open(self.benchmark, &self.root, &self.options())?)
    }

    /// Reads the pairs that can be read, and says which cannot.
    ///
    /// # Errors
    /// Those of [`Benchmark::open_readable`].
    pub fn open_readable(&self) -> anyhow::Result<(Benchmark, Vec<Unreadable>)> {
        Ok(Benchmark::open_readable(self.benchmark, &self.root, &self.options())?)
    }

    fn options(&self) -> BenchmarkOptions {
        BenchmarkOptions {
            split: self.split.clone(),
            layout: self.layout,
            categories: self.category.clone(),
            limit: self.limit,
        }
    }

    /// Which pairs were asked for, for the header of a predictions file; nothing where it is all.
    pub fn describe(&self) -> MethodHeader {
        let layout = self.layout.name().to_owned();
        let layout = (self.layout != LayoutSize::Large).then_some(&layout);
        MethodHeader::default()
            .with_some(MethodHeader::LAYOUT, layout)
            .with_some(MethodHeader::CATEGORIES, Some(&self.category).filter(|all| !all.is_empty()))
            .with_some(MethodHeader::LIMIT, self.limit.as_ref())
    }
}

/// The benchmarks that are read, for help.
pub fn benchmarks() -> String {
    let named = |kind: &BenchmarkKind| match kind.info().about {
        "" => kind.name().to_owned(),
        about => format!("{kind}: {about}"),
    };
    let named: Vec<String> = BenchmarkKind::ALL.iter().map(named).collect();
    listed(&named, ", or ")
}

/// Things in a row, with something else than a comma before the last.
pub fn listed(things: &[String], before_last: &str) -> String {
    match things {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{}{before_last}{last}", others.join(", ")),
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

/// A number of MiB that a GPU may have.
fn mebibytes(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(number @ 1..=1_048_576) => Ok(number),
        _ => Err("expected a whole number of MiB from 1 to 1048576".to_owned()),
    }
}

fn layout_size(name: &str) -> Result<LayoutSize, String> {
    [LayoutSize::Large, LayoutSize::Small]
        .into_iter()
        .find(|size| size.name() == name)
        .ok_or_else(|| "expected large or small".to_owned())
}

/// The backbone of Hyperpixel Flow.
#[derive(Debug, Clone, Args)]
pub struct BackboneArgs {
    /// resnet50, resnet101, or hog (built in: no weights, no libtorch). Default: resnet101, or the
    /// one that kept features are of.
    #[arg(long)]
    pub backbone: Option<String>,
    /// A safetensors file with torchvision's names, a Hugging Face repository (owner/name or
    /// owner/name@revision), or `untrained`. Default: the backbone's known weights on the hub.
    #[arg(long, value_name = "PATH|HUB-ID|untrained")]
    pub weights: Option<String>,
    /// Threads on the processor. Default: one a core. The numbers do not depend on it.
    #[arg(long, value_name = "N", value_parser = thread_count)]
    pub threads: Option<usize>,
}

/// What Hyperpixel Flow is made of: backbone, layers, engine.
#[derive(Debug, Clone, Args)]
pub struct HpfArgs {
    #[command(flatten)]
    pub network: BackboneArgs,
    /// Layers, ascending, as in 0,9,10,11,12,13. Default: the published set of the benchmark and
    /// backbone.
    #[arg(long, value_name = "LAYERS", allow_hyphen_values = true)]
    pub layers: Option<String>,
    /// auto takes a discrete GPU if there is one; an integrated or virtual one is timed against the CPU
    /// once; else the CPU. Default: auto.
    #[arg(long, value_enum)]
    pub engine: Option<EngineKind>,
    /// Part of the name of a GPU adapter, or its place on the PCI bus, as `hpflow devices` lists them.
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
    /// Memory for photographs on the GPU, in MiB; what a pair takes beside it is not counted. Default:
    /// 1024. The numbers do not depend on it.
    #[arg(long, value_name = "MIB", value_parser = mebibytes)]
    pub gpu_memory: Option<u64>,
    /// How feature maps are stored: f16 takes half the memory and rounds them; sums are in f32.
    /// Default: f32.
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
}

/// Features kept on the disk.
#[derive(Debug, Clone, Args)]
pub struct FeaturesArgs {
    /// Start from the feature maps in this folder, which `hpflow features` or a program of your own
    /// wrote, instead of the photographs.
    #[arg(long, value_name = "DIR", conflicts_with = "weights")]
    pub features: Option<PathBuf>,
}

/// Which method, and what is asked of it.
#[derive(Debug, Clone, Args)]
#[command(
    mut_arg("backbone", |one| one.help(
        "resnet50, resnet101, or hog (built in: no weights, no libtorch); resnet101 or vgg16 for \
         learned methods. Default: resnet101, or the one that kept features or learned weights are of"
    )),
    mut_arg("weights", |one| one.value_name("PATH[,PATH]|HUB-ID|untrained").help(
        "A safetensors file with torchvision's names, a Hugging Face repository (owner/name or \
         owner/name@revision), or `untrained`. Default: the backbone's known weights on the hub. For \
         learned methods: the file of each stage, or one that holds both, with the authors' names"
    ))
)]
pub struct MethodArgs {
    /// The method. What each accepts is listed below; any other option is refused.
    #[arg(long, default_value = "hpf", value_parser = method_names())]
    pub method: String,
    #[command(flatten)]
    pub hpf: HpfArgs,
    /// The backbone's own weights, for files of learned methods that lack it: as --weights for hpf.
    #[arg(long, value_name = "PATH|HUB-ID|untrained")]
    pub backbone_weights: Option<String>,
    /// The stages of a method that aligns in stages: affine-tps, affine or tps, and of cnngeo
    /// homography or homography-tps. Default: affine-tps.
    #[arg(long, value_name = "STAGES")]
    pub stages: Option<String>,
    /// Which way a learned method is asked: its network maps points of one photograph into another.
    #[arg(long, value_enum)]
    pub direction: Option<Direction>,
    #[command(flatten)]
    pub features: FeaturesArgs,
}

fn method_names() -> PossibleValuesParser {
    let value = |method: &MethodInfo| PossibleValue::new(method.name).help(method.about);
    PossibleValuesParser::new(method::table().iter().map(value))
}

/// The end of a command's help: its examples, and the options that each method accepts.
pub fn help_of_methods(examples: &str) -> String {
    let lines = method::table().iter().map(|method| {
        let options: Vec<String> = method.options.iter().map(|option| flag(option)).collect();
        let options = if options.is_empty() { "none".to_owned() } else { options.join(" ") };
        let engines = match method.engines {
            [] => String::new(),
            engines => format!("; engines {}", engines.join(", ")),
        };
        format!("\n  {:<10} {options}{engines}", method.name)
    });
    format!("{examples}\n\nOptions of each method:{}", lines.collect::<String>())
}

/// An option of a method on the command line.
fn flag(option: &str) -> String {
    format!("--{option}")
}

impl MethodArgs {
    /// What these options ask of the method. `benchmark` decides defaults, `photographs` are those
    /// that kept features must have: all, or some. A method's option is one line here or below.
    fn request(
        &self,
        (photographs, some): (&[Image], bool),
        benchmark: BenchmarkKind,
        console: Console,
    ) -> Request {
        let features = self.features.features.as_ref().map(|folder| KeptFeatures {
            folder: folder.clone(),
            photographs: photographs.to_vec(),
            some,
        });
        self.hpf
            .request(benchmark, console)
            .with_features(features)
            .with_some("backbone-weights", self.backbone_weights.clone())
            .with_some("stages", self.stages.clone())
            .with_some("direction", self.direction.map(Direction::name))
    }

    /// The same for one of several jobs, which must all take one engine: where none is named, a
    /// discrete GPU where there is one, else the CPU, and never what happens to be faster.
    pub fn untimed(&self) -> Self {
        let mut options = self.clone();
        let named = !matches!(self.hpf.engine, None | Some(EngineKind::Auto));
        let entry = method::table().iter().find(|entry| entry.name == self.method);
        let has = |kind| entry.is_some_and(|entry| entry.engines.contains(&kind));
        if named || self.hpf.adapter.is_some() || !(has("gpu") && has("cpu")) {
            return options;
        }
        options.hpf.engine = Some(self.hpf.untimed());
        options
    }

    /// Refuses what the method does not accept.
    ///
    /// # Errors
    /// Wrong usage.
    pub fn check(&self) -> anyhow::Result<()> {
        let request = self.request((&[], false), BenchmarkKind::Spair, Console { quiet: true });
        method::parse(&self.method, &request).map(drop).map_err(in_words)
    }

    /// Opens the method: see [`MethodArgs::request`].
    ///
    /// # Errors
    /// Those of [`method::open`].
    pub fn open(
        &self,
        photographs: (&[Image], bool),
        benchmark: BenchmarkKind,
        console: Console,
    ) -> anyhow::Result<Box<dyn Method>> {
        let request = self.request(photographs, benchmark, console);
        let method = method::open(&self.method, &request).map_err(in_words)?;
        let about = method.header();
        let [engine, adapter] = [MethodHeader::ENGINE, MethodHeader::ADAPTER];
        if let (Some(engine), Some(adapter)) = (about.get(engine), about.get(adapter)) {
            console.note(format!("engine: {engine} ({adapter})"));
        }
        Ok(method)
    }
}

/// An error of a method with the options that it is about, and wrong usage as such, so that it ends with
/// 2.
pub fn in_words(error: OpenError) -> anyhow::Error {
    let sentence = error.in_terms(&flag);
    if lacks_torch(&error) {
        WithoutTorch { sentence, is_usage: error.is_usage() }.into()
    } else if error.is_usage() {
        Usage(sentence).into()
    } else if sentence == error.to_string() {
        error.into()
    } else {
        anyhow::anyhow!("{sentence}")
    }
}

/// Whether something is asked for that only a build with libtorch has.
fn lacks_torch(error: &OpenError) -> bool {
    match error {
        OpenError::WithoutTorch { .. } | OpenError::Engine(EngineError::WithoutTorch) => true,
        OpenError::Backbone { source, .. } => {
            matches!(**source, BackboneError::WithoutTorch { .. })
        }
        _ => false,
    }
}

impl BackboneArgs {
    /// The backbone's name where no features are given.
    pub fn backbone(&self) -> &str {
        self.backbone.as_deref().unwrap_or(BackboneKind::default().name())
    }

    /// What these options ask of a method.
    fn request(&self, benchmark: BenchmarkKind, console: Console) -> Request {
        let (threads, progress) = (self.threads.unwrap_or_default(), console.transfers());
        let resources = Resources { threads, progress, ..Resources::default() };
        Request::new(benchmark)
            .with_resources(resources)
            .with_some("backbone", self.backbone.clone())
            .with_some("weights", self.weights.clone())
    }

    /// Opens the backbone alone.
    ///
    /// # Errors
    /// An unknown name, or weights that cannot be had or do not fit.
    pub fn open(&self, console: Console) -> anyhow::Result<Box<dyn Backbone>> {
        self.backbone_of(console).map_err(in_words)
    }

    /// [`Self::open`], with the library's error.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn backbone_of(&self, console: Console) -> Result<Box<dyn Backbone>, OpenError> {
        HpfOptions::from_request(&self.request(BenchmarkKind::Spair, console))?.open_backbone()
    }

    /// Sizes the pool of threads. Its first user makes it, so every command does this before all else.
    ///
    /// # Errors
    /// If the pool is there already, or cannot be made.
    pub fn set_threads(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build_global().with_context(|| format!("--threads {threads}"))?;
        }
        tracing::debug!("threads on the processor: {}", rayon::current_num_threads());
        Ok(())
    }
}

impl HpfArgs {
    /// The engine asked for, for one of several jobs: where none is named, a discrete GPU where there
    /// is one, else the CPU.
    pub fn untimed(&self) -> EngineKind {
        match self.engine {
            None | Some(EngineKind::Auto) if self.adapter.is_none() => {
                let discrete = adapters()
                    .iter()
                    .any(|adapter| adapter.is_discrete() && adapter.unsuitable.is_none());
                if discrete { EngineKind::Gpu } else { EngineKind::Cpu }
            }
            named => named.unwrap_or_default(),
        }
    }

    /// What these options ask of a method.
    fn request(&self, benchmark: BenchmarkKind, console: Console) -> Request {
        self.network
            .request(benchmark, console)
            .with_some("layers", self.layers.clone())
            .with_some("engine", self.engine.map(EngineKind::name))
            .with_some("adapter", self.adapter.clone())
            .with_some("gpu-memory", self.gpu_memory.map(|mebibytes| mebibytes.to_string()))
            .with_some("precision", self.precision.map(Precision::name))
    }

    /// What these options ask of Hyperpixel Flow.
    ///
    /// # Errors
    /// Wrong usage.
    pub fn options(&self, benchmark: BenchmarkKind) -> anyhow::Result<HpfOptions> {
        let request = self.request(benchmark, Console { quiet: true });
        HpfOptions::from_request(&request).map_err(in_words)
    }

    /// The layers asked for, or those published for the benchmark and backbone.
    ///
    /// # Errors
    /// Something that is no layer set, or none published.
    pub fn layer_set(&self, benchmark: BenchmarkKind) -> anyhow::Result<LayerSet> {
        self.options(benchmark)?.layer_set().map_err(in_words)
    }

    /// Opens an engine.
    ///
    /// # Errors
    /// Wrong usage (an unknown adapter), or an engine that cannot run.
    pub fn open_engine(&self, kind: EngineKind) -> anyhow::Result<Box<dyn Engine>> {
        self.options(BenchmarkKind::Spair)?.open_engine_of(kind).map_err(in_words)
    }
}
