//! `hpflow bench`: what each stage takes, for several engines side by side in one run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

mod args;
mod pairs;
mod pipeline;
mod sweep;

pub use args::Args;
use args::BenchFormat;
use pairs::{Requested, Samples, measure_pairs, requests, with_mirrors, with_preset};

use super::console::Console;
use super::error::Usage;
use super::options::HpfArgs;
use hpflow::low_level::backbone::{Backbone, FeatureMap};
use hpflow::low_level::benchmark::BenchmarkKind;
use hpflow::low_level::engine::{Engine, EngineKind, Preset, StageTimes};
use hpflow::low_level::hyperpixel::{Geometry, Hyperimage, LayerSet, Precision};
use hpflow::low_level::image::{Prepared, prepare, read};
use hpflow::low_level::method::hpf::IMAGE_SIDE;

/// What each stage took.
type Stages = Vec<(&'static str, Samples)>;

/// What one engine took.
struct EngineResult {
    engine: &'static str,
    precision: Precision,
    adapter: String,
    preset: Option<Preset>,
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
    check_once("--engines", &args.engines, EngineKind::name)?;
    check_once("--precisions", &args.precisions, Precision::name)?;
    args.method.check()?;
    pipeline::check(args)?;
    sweep::check(args)?;
    args.method.hpf.network.set_threads()?;
    if args.is_pipeline() {
        return pipeline::run(args, console);
    }
    let layers = args.method.hpf.layer_set(BenchmarkKind::Spair)?;
    let backbone = args.method.hpf.network.open(console)?;
    let folder = tempfile::tempdir().context("cannot make a folder for the drawn photographs")?;
    let photographs = match args.photographs.is_empty() {
        true => noise(folder.path(), args.pairs)?,
        false => args.photographs.clone(),
    };
    let (extracted, preparation) = extract_all(&photographs, &*backbone, &layers, args)?;
    let geometry = backbone.geometry(layers.base())?;
    let store = |precision| Stored::new(&extracted, geometry, precision, args.repetitions);
    let stored: Vec<Stored> = args.precisions().into_iter().map(store).collect();
    if args.sweep {
        return sweep::run(args, &requests(&stored[0].images, args.pairs));
    }
    let mut results = Vec::new();
    for Stored { precision, images, .. } in &stored {
        let requests = requests(images, args.pairs);
        let hpf = HpfArgs { precision: Some(*precision), ..args.method.hpf.clone() };
        for kind in args.engines() {
            for (engine, preset) in engines(&hpf, kind, &args.preset)? {
                let found = measure(engine, *precision, &requests, args.repetitions, console)?;
                results.push(EngineResult { preset, ..found });
            }
        }
    }
    let bench = Bench { preparation, stored, results };
    match args.format {
        BenchFormat::Text => bench.print(&layers, &*backbone),
        BenchFormat::Json => {
            print_line!("{}", serde_json::to_string_pretty(&bench.json(args))?);
            Ok(())
        }
    }
}

/// Everything once: a second time would be compared with itself.
fn check_once<T: Copy + PartialEq>(
    option: &str,
    list: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<(), Usage> {
    match list.iter().enumerate().find(|&(at, one)| list[..at].contains(one)) {
        None => Ok(()),
        Some((_, &twice)) => {
            Err(Usage(format!("{option} names {} twice; name each once", name(twice))))
        }
    }
}

/// An engine, and the preset that it was asked for with.
type Opened = (Box<dyn Engine>, Option<Preset>);

/// The engine of a kind; the gpu engine with each of the presets, where there are any.
fn engines(hpf: &HpfArgs, kind: EngineKind, presets: &[Preset]) -> anyhow::Result<Vec<Opened>> {
    if kind != EngineKind::Gpu || presets.is_empty() {
        return Ok(vec![(hpf.open_engine(kind)?, None)]);
    }
    let open = |&preset: &Preset| Ok((Box::new(with_preset(hpf, preset)?) as _, Some(preset)));
    presets.iter().map(open).collect()
}

/// The most photographs that are drawn.
const MOST_DRAWN: usize = 9;

/// Photographs of noise on waves, one more than pairs: nothing compresses away, and edges are
/// everywhere.
fn noise(folder: &std::path::Path, pairs: usize) -> anyhow::Result<Vec<PathBuf>> {
    (1..=(pairs + 1).min(MOST_DRAWN) as u32)
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

/// A photograph's feature maps.
struct Extracted {
    width: u32,
    height: u32,
    ratio: f32,
    maps: Vec<FeatureMap>,
}

/// Photographs as hyperimages of one precision.
struct Stored {
    precision: Precision,
    images: Vec<Arc<Hyperimage>>,
    /// What grouping, rounding and the norms took for one.
    norms: Samples,
}

impl Stored {
    fn new(
        extracted: &[Extracted],
        geometry: Geometry,
        precision: Precision,
        times: usize,
    ) -> Self {
        let mut norms = Samples::default();
        let mut images = Vec::new();
        for repetition in 0..=times {
            images.clear();
            for Extracted { width, height, ratio, maps } in extracted {
                let start = Instant::now();
                let image = Hyperimage::with_precision(
                    geometry,
                    *width,
                    *height,
                    [*ratio; 2],
                    maps,
                    precision,
                );
                if repetition > 0 {
                    norms.0.push(start.elapsed().as_secs_f64() * 1e3);
                }
                images.push(Arc::new(image));
            }
        }
        Self { precision, images, norms }
    }

    /// Bytes of the largest hyperimage.
    fn bytes(&self) -> usize {
        self.images.iter().map(|image| image.bytes()).max().unwrap_or(0)
    }
}

/// Extracts the maps of photographs, and measures what each stage takes for one.
fn extract_all(
    photographs: &[PathBuf],
    backbone: &dyn Backbone,
    layers: &LayerSet,
    args: &Args,
) -> anyhow::Result<(Vec<Extracted>, Stages)> {
    let stages = ["decode", "prepare", "backbone"];
    let mut samples = vec![Samples::default(); stages.len()];
    let mut extracted = Vec::new();
    for repetition in 0..=args.repetitions {
        extracted.clear();
        for path in photographs {
            let mut marks = vec![Instant::now()];
            let decoded = read(path)?;
            marks.push(Instant::now());
            let prepared: Prepared = prepare(&decoded, IMAGE_SIDE);
            marks.push(Instant::now());
            let maps = backbone.extract(&[&prepared], layers.layers())?.remove(0);
            marks.push(Instant::now());
            let Prepared { width, height, ratio, .. } = prepared;
            extracted.push(Extracted { width, height, ratio, maps });
            if repetition > 0 {
                for (samples, marks) in samples.iter_mut().zip(marks.windows(2)) {
                    samples.0.push((marks[1] - marks[0]).as_secs_f64() * 1e3);
                }
            }
        }
    }
    Ok((extracted, stages.into_iter().zip(samples).collect()))
}

fn measure(
    mut engine: Box<dyn Engine>,
    precision: Precision,
    pairs: &[Requested],
    repetitions: usize,
    console: Console,
) -> anyhow::Result<EngineResult> {
    let (name, adapter) = (engine.name(), engine.adapter());
    console.note(format!("measuring {name} {} ({adapter})", precision.name()));
    let [matching, transfer] = measure_pairs(&mut *engine, pairs, repetitions)?;
    let StageTimes { milliseconds, pairs: matched } = engine.take_stage_times();
    let each = |(stage, total): (&'static str, f64)| (stage, total / matched.max(1) as f64);
    let stages = milliseconds.into_iter().map(each).collect();
    let [both_ways, _] = measure_pairs(&mut *engine, &with_mirrors(pairs), repetitions)?;
    Ok(EngineResult {
        engine: name,
        precision,
        adapter,
        preset: None,
        matching,
        both_ways,
        stages,
        transfer: transfer.median(),
    })
}

/// What was measured.
struct Bench {
    preparation: Stages,
    stored: Vec<Stored>,
    results: Vec<EngineResult>,
}

impl Bench {
    fn print(&self, layers: &LayerSet, backbone: &dyn Backbone) -> anyhow::Result<()> {
        print_line!(
            "{} layers {layers}; milliseconds, median (lowest to highest)",
            backbone.name()
        );
        print_line!("\nonce a photograph");
        for (stage, samples) in &self.preparation {
            print_samples(stage, samples)?;
        }
        for stored in &self.stored {
            let precision = stored.precision.name();
            print_samples(&format!("norms {precision}"), &stored.norms)?;
            let mebibytes = stored.bytes() as f64 / f64::from(1 << 20);
            print_line!("  {:<14} {mebibytes:>9.2}  MiB", format!("kept in {precision}"));
        }
        for result in &self.results {
            print_line!("\nonce a pair, engine {} ({})", result.name(), result.adapter);
            print_samples("matching", &result.matching)?;
            print_samples("  with mirrors", &result.both_ways)?;
            for (stage, milliseconds) in &result.stages {
                print_line!("    {stage:<12} {milliseconds:>9.2}  (work, summed over threads)");
            }
            print_line!("  {:<14} {:>9.2}", "transfer", result.transfer);
        }
        self.print_ratios()
    }

    /// How fast each was, against the last.
    fn print_ratios(&self) -> anyhow::Result<()> {
        let Some((last, others)) = self.results.split_last() else { return Ok(()) };
        for result in others {
            let ratio = |of: fn(&EngineResult) -> &Samples| of(last).median() / of(result).median();
            print_line!(
                "\n{} is {:.1} times as fast as {}, {:.1} times with mirrors",
                result.name(),
                ratio(|result| &result.matching),
                last.name(),
                ratio(|result| &result.both_ways)
            );
        }
        Ok(())
    }

    fn json(&self, args: &Args) -> Value {
        let preparation: Map<String, Value> = self
            .preparation
            .iter()
            .map(|(stage, samples)| ((*stage).to_owned(), samples.json()))
            .collect();
        let stored = self.stored.iter().map(|stored| {
            json!({
                "precision": stored.precision,
                "norms_ms": stored.norms.json(),
                "bytes_a_photograph": stored.bytes(),
            })
        });
        json!({
            "backbone": args.method.hpf.network.backbone(),
            "pairs": args.pairs,
            "repetitions": args.repetitions,
            "once_a_photograph_ms": preparation,
            "hyperimages": stored.collect::<Vec<_>>(),
            "engines": self.results.iter().map(EngineResult::json).collect::<Vec<_>>(),
        })
    }
}

impl EngineResult {
    fn name(&self) -> String {
        let preset = self.preset.map(|preset| format!(" {preset}")).unwrap_or_default();
        format!("{} {}{preset}", self.engine, self.precision.name())
    }

    fn json(&self) -> Value {
        let mut stages: Map<String, Value> = self
            .stages
            .iter()
            .map(|(stage, milliseconds)| ((*stage).to_owned(), json!(milliseconds)))
            .collect();
        stages.insert("transfer".to_owned(), json!(self.transfer));
        json!({
            "engine": self.engine,
            "precision": self.precision,
            "adapter": self.adapter,
            "preset": self.preset.map(|preset| preset.to_string()),
            "matching_ms_per_pair": self.matching.median(),
            "matching_ms_per_pair_spread": self.matching.json(),
            "with_mirrors_ms_per_pair": self.both_ways.median(),
            "with_mirrors_ms_per_pair_spread": self.both_ways.json(),
            "stages_ms": stages,
        })
    }
}

fn print_samples(name: &str, samples: &Samples) -> anyhow::Result<()> {
    let (low, high) = (samples.quantile(0.0), samples.quantile(1.0));
    print_line!("  {name:<14} {:>9.2}  ({low:.2} to {high:.2})", samples.median());
    Ok(())
}
