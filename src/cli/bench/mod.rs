//! `hpflow bench`: what each stage takes, for several engines side by side in one run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args as ClapArgs, ValueEnum};
use serde_json::{Map, Value, json};

mod pipeline;

use super::Usage;
use super::console::Console;
use super::options::{MethodArgs, at_least_one, help_of_methods};
use crate::Point;
use crate::backbone::Backbone;
use crate::benchmark::Kind;
use crate::engine::{Engine, EngineKind, PairRequest, StageTimes};
use crate::hyperpixel::{Hyperimage, LayerSet};
use crate::image::{Prepared, prepare, read};
use crate::method::hpf::{self, IMAGE_SIDE};
use crate::transfer::{Neighbours, transfer};

/// The method whose stages are measured one by one.
const HPF: &str = hpf::open::ENTRY.name;

/// Measure the stages of matching, for several engines in one run.
#[derive(Debug, ClapArgs)]
#[command(after_help = help_of_methods("Examples:
  hpflow bench --engines cpu,gpu,dense --backbone resnet101 --weights untrained --pairs 4
  hpflow bench --pipeline --backbone hog --engines cpu"))]
pub struct Args {
    /// Engines to compare, in this order. Default: cpu for hpf, cpu and dense for any other method.
    #[arg(long, value_enum, value_delimiter = ',')]
    engines: Vec<EngineKind>,
    #[command(flatten)]
    method: MethodArgs,
    /// Pairs of a repetition, handed to the engine at once. None is the mirror of another; a second
    /// measurement adds to each its mirror, as benchmarks do.
    #[arg(long, default_value = "4", value_parser = at_least_one)]
    pairs: usize,
    /// Repetitions that are measured, after one that is not.
    #[arg(long, default_value = "5", value_parser = at_least_one)]
    repetitions: usize,
    /// Photographs to use in turn instead of drawn noise of 400 × 300 pixels.
    #[arg(long, value_name = "PHOTOGRAPH", num_args = 2..)]
    photographs: Vec<PathBuf>,
    /// Predict a benchmark whole instead, and say what each stage was at work and which one is the
    /// bottleneck. Nothing is written down. Methods other than hpf are always measured so.
    #[arg(long)]
    pipeline: bool,
    /// The benchmark of --pipeline: spair or pf-willow.
    #[arg(long, default_value = "spair")]
    benchmark: Kind,
    /// The folder of the benchmark of --pipeline. Default: a small one, drawn for the occasion.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Only the first N pairs of --pipeline.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit: Option<usize>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Args {
    /// Whether a benchmark is predicted whole.
    fn is_pipeline(&self) -> bool {
        self.pipeline || self.method.method != HPF
    }

    /// The engines to compare.
    fn engines(&self) -> Vec<EngineKind> {
        match self.engines.as_slice() {
            [] if self.method.method == HPF => vec![EngineKind::Cpu],
            [] => vec![EngineKind::Cpu, EngineKind::Dense],
            engines => engines.to_vec(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Repeated measurements of one thing, in milliseconds.
#[derive(Debug, Clone, Default)]
struct Samples(Vec<f64>);

impl Samples {
    fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Linear between the two nearest samples; 0 where there is none.
    fn quantile(&self, at: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let place = at * (sorted.len().max(1) - 1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        match (sorted.get(below), sorted.get(above)) {
            (Some(low), Some(high)) => low + (high - low) * (place - place.floor()),
            _ => 0.0,
        }
    }

    /// Lowest, median and highest.
    fn json(&self) -> Value {
        json!({ "median": self.median(), "lowest": self.quantile(0.0), "highest": self.quantile(1.0) })
    }
}

/// What each stage took.
type Stages = Vec<(&'static str, Samples)>;

/// What one engine took.
struct EngineResult {
    engine: &'static str,
    adapter: String,
    /// Pairs without their mirrors.
    matching: Samples,
    /// Pairs with their mirrors, a pair.
    both_ways: Samples,
    stages: Vec<(&'static str, f64)>,
    transfer: f64,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, a photograph that cannot be used, or an engine that fails.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    check_engines(&args.engines)?;
    args.method.check()?;
    pipeline::check(args)?;
    if args.is_pipeline() {
        return pipeline::run(args, console);
    }
    let layers = args.method.hpf.layer_set("spair")?;
    let backbone = args.method.hpf.open_backbone(console)?;
    let folder = tempfile::tempdir().context("cannot make a folder for the drawn photographs")?;
    let photographs = match args.photographs.is_empty() {
        true => noise(folder.path())?,
        false => args.photographs.clone(),
    };
    let (images, preparation) = prepare_all(&photographs, &*backbone, &layers, args)?;
    let requests = requests(&images, args.pairs);
    let mut results = Vec::new();
    for kind in args.engines() {
        results.push(measure(kind, args, &requests, console)?);
    }
    match args.format {
        Format::Text => print_text(&preparation, &results, &layers, &*backbone)?,
        Format::Json => {
            print_line!(
                "{}",
                serde_json::to_string_pretty(&as_json(&preparation, &results, args))?
            );
        }
    }
    Ok(())
}

/// Every engine once: a second time would be compared with itself.
fn check_engines(engines: &[EngineKind]) -> Result<(), Usage> {
    match engines.iter().enumerate().find(|&(at, kind)| engines[..at].contains(kind)) {
        None => Ok(()),
        Some((_, kind)) => {
            Err(Usage(format!("--engines names {} twice; name each engine once", kind.name())))
        }
    }
}

/// Two photographs of noise on waves: nothing compresses away, and edges are everywhere.
fn noise(folder: &std::path::Path) -> anyhow::Result<Vec<PathBuf>> {
    (1..=2u32)
        .map(|seed| {
            let path = folder.join(format!("noise-{seed}.jpg"));
            let picture = ::image::RgbImage::from_fn(400, 300, |x, y| {
                let hash = (x * 7919 + y * 104_729 + seed * 31).wrapping_mul(2_654_435_761) >> 24;
                let wave = (x * seed / 5 + y / 7) * 16;
                ::image::Rgb([0, 1, 2].map(|channel| (hash / 4 + wave * (channel + 1)) as u8))
            });
            picture.save(&path).context("cannot write a drawn photograph")?;
            Ok(path)
        })
        .collect()
}

/// Makes hyperimages of photographs, and measures what each stage takes for one.
fn prepare_all(
    photographs: &[PathBuf],
    backbone: &dyn Backbone,
    layers: &LayerSet,
    args: &Args,
) -> anyhow::Result<(Vec<Arc<Hyperimage>>, Stages)> {
    let stages = ["decode", "prepare", "backbone", "norms"];
    let mut samples = vec![Samples::default(); stages.len()];
    let geometry = backbone.geometry(layers.base())?;
    let mut images = Vec::new();
    for repetition in 0..=args.repetitions {
        images.clear();
        for path in photographs {
            let mut marks = vec![Instant::now()];
            let decoded = read(path)?;
            marks.push(Instant::now());
            let prepared: Prepared = prepare(&decoded, IMAGE_SIDE);
            marks.push(Instant::now());
            let maps = backbone.extract(&[&prepared], layers.layers())?.remove(0);
            marks.push(Instant::now());
            let Prepared { width, height, ratio, .. } = prepared;
            images.push(Arc::new(Hyperimage::new(geometry, width, height, ratio, &maps)));
            marks.push(Instant::now());
            if repetition > 0 {
                for (samples, marks) in samples.iter_mut().zip(marks.windows(2)) {
                    samples.0.push((marks[1] - marks[0]).as_secs_f64() * 1e3);
                }
            }
        }
    }
    Ok((images, stages.into_iter().zip(samples).collect()))
}

/// A pair's work, and what turns its matches into keypoints.
type Requested = (PairRequest, Neighbours);

/// Each photograph with the next one in turn, always the earlier one as the source, so that no pair
/// is the mirror of another.
fn requests(images: &[Arc<Hyperimage>], pairs: usize) -> Vec<Requested> {
    let couples = images.windows(2).cycle().take(pairs);
    couples.map(|images| request(&images[0], &images[1])).collect()
}

/// A pair with fifteen keypoints spread over the source.
fn request(source: &Arc<Hyperimage>, target: &Arc<Hyperimage>) -> Requested {
    let side = |pixels: u32, part: usize, parts: usize| {
        pixels as f32 / source.ratio * (part as f32 + 0.5) / parts as f32
    };
    let keypoints: Vec<Point> =
        (0..15).map(|at| [side(source.width, at % 5, 5), side(source.height, at / 5, 3)]).collect();
    let neighbours = Neighbours::new(source, &keypoints);
    let (source, target) = (Arc::clone(source), Arc::clone(target));
    (PairRequest { source, target, rows: neighbours.rows.clone() }, neighbours)
}

/// Every pair followed by its mirror.
fn with_mirrors(pairs: &[Requested]) -> Vec<Requested> {
    let both = |(pair, neighbours): &Requested| {
        [(pair.clone(), neighbours.clone()), request(&pair.target, &pair.source)]
    };
    pairs.iter().flat_map(both).collect()
}

fn measure(
    kind: EngineKind,
    args: &Args,
    pairs: &[Requested],
    console: Console,
) -> anyhow::Result<EngineResult> {
    let mut engine = args.method.hpf.open_engine(kind)?;
    console.note(format!("measuring {} ({})", engine.name(), engine.adapter()));
    let [matching, transfer] = measure_pairs(&mut *engine, pairs, args.repetitions)?;
    let StageTimes { milliseconds, pairs: matched } = engine.take_stage_times();
    let each = |(stage, total): (&'static str, f64)| (stage, total / matched.max(1) as f64);
    let stages = milliseconds.into_iter().map(each).collect();
    let [both_ways, _] = measure_pairs(&mut *engine, &with_mirrors(pairs), args.repetitions)?;
    Ok(EngineResult {
        engine: engine.name(),
        adapter: engine.adapter(),
        matching,
        both_ways,
        stages,
        transfer: transfer.median(),
    })
}

/// Milliseconds a pair of matching and of transferring, after a repetition that is not measured.
fn measure_pairs(
    engine: &mut dyn Engine,
    pairs: &[Requested],
    repetitions: usize,
) -> anyhow::Result<[Samples; 2]> {
    let requests: Vec<PairRequest> = pairs.iter().map(|(request, _)| request.clone()).collect();
    engine.match_pairs(&requests)?;
    engine.take_stage_times();
    let mut samples = [Samples::default(), Samples::default()];
    for _ in 0..repetitions {
        let start = Instant::now();
        let matches = engine.match_pairs(&requests)?;
        let matched = start.elapsed().as_secs_f64() * 1e3;
        for ((request, neighbours), matches) in pairs.iter().zip(&matches) {
            std::hint::black_box(transfer(&request.source, &request.target, neighbours, matches));
        }
        let transferred = start.elapsed().as_secs_f64() * 1e3 - matched;
        samples[0].0.push(matched / pairs.len() as f64);
        samples[1].0.push(transferred / pairs.len() as f64);
    }
    Ok(samples)
}

fn print_text(
    preparation: &[(&'static str, Samples)],
    results: &[EngineResult],
    layers: &LayerSet,
    backbone: &dyn Backbone,
) -> anyhow::Result<()> {
    print_line!("{} layers {layers}; milliseconds, median (lowest to highest)", backbone.name());
    print_line!("\nonce a photograph");
    for (stage, samples) in preparation {
        print_samples(stage, samples)?;
    }
    for result in results {
        print_line!("\nonce a pair, engine {} ({})", result.engine, result.adapter);
        print_samples("matching", &result.matching)?;
        print_samples("  with mirrors", &result.both_ways)?;
        for (stage, milliseconds) in &result.stages {
            print_line!("    {stage:<12} {milliseconds:>9.2}  (work, summed over threads)");
        }
        print_line!("  {:<14} {:>9.2}", "transfer", result.transfer);
    }
    if let Some((last, others)) = results.split_last() {
        for result in others {
            let ratio = |of: fn(&EngineResult) -> &Samples| of(last).median() / of(result).median();
            print_line!(
                "\n{} is {:.1} times as fast as {}, {:.1} times with mirrors",
                result.engine,
                ratio(|result| &result.matching),
                last.engine,
                ratio(|result| &result.both_ways)
            );
        }
    }
    Ok(())
}

fn print_samples(name: &str, samples: &Samples) -> anyhow::Result<()> {
    let (low, high) = (samples.quantile(0.0), samples.quantile(1.0));
    print_line!("  {name:<14} {:>9.2}  ({low:.2} to {high:.2})", samples.median());
    Ok(())
}

fn as_json(
    preparation: &[(&'static str, Samples)],
    results: &[EngineResult],
    args: &Args,
) -> Value {
    let preparation: Map<String, Value> =
        preparation.iter().map(|(stage, samples)| ((*stage).to_owned(), samples.json())).collect();
    let engines: Vec<Value> = results
        .iter()
        .map(|result| {
            let mut stages: Map<String, Value> = result
                .stages
                .iter()
                .map(|(stage, milliseconds)| ((*stage).to_owned(), json!(milliseconds)))
                .collect();
            stages.insert("transfer".to_owned(), json!(result.transfer));
            json!({
                "engine": result.engine,
                "adapter": result.adapter,
                "matching_ms_per_pair": result.matching.median(),
                "matching_ms_per_pair_spread": result.matching.json(),
                "with_mirrors_ms_per_pair": result.both_ways.median(),
                "with_mirrors_ms_per_pair_spread": result.both_ways.json(),
                "stages_ms": stages,
            })
        })
        .collect();
    json!({
        "backbone": args.method.hpf.backbone(),
        "pairs": args.pairs,
        "repetitions": args.repetitions,
        "once_a_photograph_ms": preparation,
        "engines": engines,
    })
}
