//! What `hpflow bench` is asked for.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::devices::preset;
use crate::cli::options::{MethodArgs, at_least_one, help_of_methods};
use hpflow::low_level::benchmark::BenchmarkKind;
use hpflow::low_level::engine::{EngineKind, Preset};
use hpflow::low_level::hyperpixel::Precision;
use hpflow::low_level::method::hpf;

/// The method whose stages are measured one by one.
pub const HPF: &str = hpf::INFO.name;

/// Measure the stages of matching, for several engines in one run.
#[derive(Debug, ClapArgs)]
#[command(after_help = help_of_methods("Examples:
  hpflow bench --engines cpu,gpu,dense --backbone resnet101 --weights untrained --pairs 4
  hpflow bench --engines cpu,gpu --precisions f32,f16 --backbone resnet101 --weights untrained
  hpflow bench --pipeline --backbone hog --engines cpu
  hpflow bench --sweep --backbone resnet101 --weights untrained --pairs 32
  hpflow bench --engines gpu --preset hardware --preset hardware,vote_tile=16x8 --backbone hog"))]
pub struct Args {
    /// Engines to compare, in this order. Default: cpu for hpf, cpu and dense for any other method.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub engines: Vec<EngineKind>,
    /// Precisions to compare, in this order, each with every engine. Default: that of --precision.
    #[arg(long, value_enum, value_delimiter = ',', conflicts_with_all = ["precision", "pipeline"])]
    pub precisions: Vec<Precision>,
    #[command(flatten)]
    pub method: MethodArgs,
    /// Pairs of a repetition, handed to the engine at once. None is the mirror of another; a second
    /// measurement adds to each its mirror, as benchmarks do.
    #[arg(long, default_value = "4", value_parser = at_least_one)]
    pub pairs: usize,
    /// Repetitions that are measured, after one that is not.
    #[arg(long, default_value = "5", value_parser = at_least_one)]
    pub repetitions: usize,
    /// Tile shapes of the gpu engine to compare, in this order: a preset's name, and settings after
    /// commas as in hardware,vote_tile=16x8. Default: those of the adapter's type.
    #[arg(long, value_name = "PRESET", value_parser = preset, conflicts_with = "pipeline")]
    pub preset: Vec<Preset>,
    /// Compare many tile shapes of the gpu engine, around each of --preset or of the adapter's type: a
    /// line each, as soon as it is measured, and the fastest at the end.
    #[arg(long, conflicts_with_all = ["pipeline", "engines", "precisions"])]
    pub sweep: bool,
    /// Photographs to use in turn instead of drawn noise of 400 × 300 pixels.
    #[arg(long, value_name = "PHOTOGRAPH", num_args = 2..)]
    pub photographs: Vec<PathBuf>,
    /// Predict a benchmark whole instead, and say what each stage was at work and which one is the
    /// bottleneck. Nothing is written down. Methods other than hpf are always measured so.
    #[arg(long)]
    pub pipeline: bool,
    /// The benchmark of --pipeline: spair or pf-willow.
    #[arg(long, default_value = "spair")]
    pub benchmark: BenchmarkKind,
    /// The folder of the benchmark of --pipeline. Default: a small one, drawn for the occasion.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Only the first N pairs of --pipeline, or tile shapes of --sweep.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: BenchFormat,
}

impl Args {
    /// Whether a benchmark is predicted whole.
    pub fn is_pipeline(&self) -> bool {
        self.pipeline || self.method.method != HPF
    }

    /// The engines to compare.
    pub fn engines(&self) -> Vec<EngineKind> {
        match self.engines.as_slice() {
            [] if self.method.method == HPF => vec![EngineKind::Cpu],
            [] => vec![EngineKind::Cpu, EngineKind::Dense],
            engines => engines.to_vec(),
        }
    }

    /// The precisions to compare.
    pub fn precisions(&self) -> Vec<Precision> {
        match self.precisions.as_slice() {
            [] => vec![self.method.hpf.precision.unwrap_or_default()],
            precisions => precisions.to_vec(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum BenchFormat {
    #[default]
    Text,
    Json,
}
