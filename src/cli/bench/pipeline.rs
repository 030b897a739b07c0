//! `hpflow bench --pipeline`: a benchmark predicted whole, with what each stage was at work.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::args::{Args, BenchFormat};
use crate::cli::console::Console;
use crate::cli::error::Usage;
use crate::cli::options::{HpfArgs, MethodArgs};
use hpflow::low_level::benchmark::{Benchmark, BenchmarkOptions};
use hpflow::low_level::engine::EngineKind;
use hpflow::low_level::method::{Unanswered, Work};
use hpflow::low_level::predictions::MethodHeader;

/// Test images a category of the benchmark that is drawn where none is given.
#[cfg(feature = "demo")]
const DRAWN_IMAGES: usize = 6;

/// One engine's run.
struct Run {
    engine: String,
    adapter: String,
    pairs: usize,
    photographs: usize,
    seconds: f64,
    /// Seconds that each stage was at work, in order.
    busy: Vec<(&'static str, f64)>,
}

/// Predicts all pairs once with each engine, writing nothing down.
///
/// # Errors
/// Wrong usage, a benchmark or photograph that cannot be read, an engine that fails.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let root = match &args.root {
        Some(root) => root.clone(),
        None => draw(folder.path())?,
    };
    let options = BenchmarkOptions { limit: args.limit, ..BenchmarkOptions::default() };
    let benchmark = Benchmark::open(args.benchmark, &root, &options)?;
    benchmark.check_photographs()?;
    let mut runs = Vec::new();
    for kind in args.engines() {
        runs.push(predict(kind, args, &benchmark, console)?);
    }
    match args.format {
        BenchFormat::Text => {
            runs.iter().try_for_each(print)?;
            print_ratios(&runs)
        }
        BenchFormat::Json => {
            let engines: Vec<Value> = runs.iter().map(as_json).collect();
            print_line!("{}", serde_json::to_string_pretty(&json!({ "pipeline": engines }))?);
            Ok(())
        }
    }
}

/// A small benchmark drawn for the occasion.
#[cfg(feature = "demo")]
fn draw(folder: &Path) -> anyhow::Result<PathBuf> {
    use hpflow::low_level::benchmark::demo::{DemoOptions, Size, USUAL_CATEGORIES, generate};
    let categories = USUAL_CATEGORIES.map(str::to_owned).to_vec();
    let size = Size::Small { images: DRAWN_IMAGES, categories };
    generate(folder, &DemoOptions { seed: 0, size }, false, &|_, _, _| {})?;
    Ok(folder.to_owned())
}

#[cfg(not(feature = "demo"))]
fn draw(_folder: &Path) -> anyhow::Result<PathBuf> {
    Err(Usage("this build of hpflow cannot draw a benchmark; give one with --root".to_owned())
        .into())
}

fn predict(
    kind: EngineKind,
    args: &Args,
    benchmark: &Benchmark,
    console: Console,
) -> anyhow::Result<Run> {
    let hpf = HpfArgs { engine: Some(kind), ..args.method.hpf.clone() };
    let asked = MethodArgs { hpf, ..args.method.clone() };
    let mut method = asked.open((&benchmark.images, false), benchmark.kind, console)?;
    let pairs: Vec<usize> = (0..benchmark.pairs.len()).collect();
    let work = Work::of(benchmark, &pairs);
    let progress = console.progress(pairs.len(), "pairs");
    let start = Instant::now();
    method.predict(&work, &mut |outcome| {
        progress.inc(1);
        outcome.keypoints.map(drop).map_err(|why| match why {
            Unanswered::Unusable(unusable) => format!("{unusable}; mend it").into(),
            Unanswered::TooLarge(too_large) => too_large.into(),
        })
    })?;
    let seconds = start.elapsed().as_secs_f64();
    progress.finish_and_clear();
    let about = method.header();
    let part = |field| about.get(field).unwrap_or_else(|| "none".to_owned());
    let photographs = benchmark.images.len();
    let (engine, adapter, busy) =
        (part(MethodHeader::ENGINE), part(MethodHeader::ADAPTER), method.stage_seconds());
    Ok(Run { engine, adapter, pairs: pairs.len(), photographs, seconds, busy })
}

impl Run {
    fn pairs_per_second(&self) -> f64 {
        self.pairs as f64 / self.seconds
    }

    /// The stage that was longest at work, with its share of the time.
    fn bottleneck(&self) -> (&'static str, f64) {
        let (stage, busy) =
            self.busy.iter().copied().fold(("", 0.0), |a, b| if b.1 > a.1 { b } else { a });
        (stage, busy / self.seconds)
    }

    fn in_words(&self) -> String {
        let (stage, share) = self.bottleneck();
        let percent = 100.0 * share;
        if share >= 0.8 {
            format!(
                "bottleneck: {stage}, at work {percent:.0} % of the time; the other stages ran beside \
                 it, and only a faster {stage} makes the run shorter"
            )
        } else {
            format!(
                "bottleneck: none alone; {stage} was longest at work, {percent:.0} % of the time, and \
                 the stages waited for one another or for the processor's cores"
            )
        }
    }
}

fn print(run: &Run) -> anyhow::Result<()> {
    print_line!(
        "engine {} ({}): {} pairs of {} photographs in {:.2} s, {:.1} pairs a second",
        run.engine,
        run.adapter,
        run.pairs,
        run.photographs,
        run.seconds,
        run.pairs_per_second()
    );
    for &(stage, busy) in &run.busy {
        let share = 100.0 * busy / run.seconds;
        print_line!("  {stage:<10} at work {busy:>8.2} s  {share:>5.1} %");
    }
    print_line!("  {}", run.in_words());
    Ok(())
}

/// How fast each run was, against the last.
fn print_ratios(runs: &[Run]) -> anyhow::Result<()> {
    let Some((last, others)) = runs.split_last() else { return Ok(()) };
    for run in others {
        let ratio = last.seconds / run.seconds;
        print_line!("{} is {ratio:.1} times as fast as {}", run.engine, last.engine);
    }
    Ok(())
}

fn as_json(run: &Run) -> Value {
    let busy: Map<String, Value> =
        run.busy.iter().map(|(stage, busy)| ((*stage).to_owned(), json!(busy))).collect();
    let (stage, share) = run.bottleneck();
    json!({
        "engine": run.engine,
        "adapter": run.adapter,
        "pairs": run.pairs,
        "photographs": run.photographs,
        "seconds": run.seconds,
        "pairs_per_second": run.pairs_per_second(),
        "busy_s": busy,
        "bottleneck": { "stage": stage, "share": share },
        "in_words": run.in_words(),
    })
}

/// Wrong usage: what belongs to the pipeline without it.
pub fn check(args: &Args) -> Result<(), Usage> {
    if args.is_pipeline() && !args.precisions.is_empty() {
        return Err(Usage(
            "--precisions compares stages of hpf one by one; give --precision where a benchmark is \
             predicted whole"
                .to_owned(),
        ));
    }
    let given = [
        ("--root", args.root.is_some()),
        ("--limit", args.limit.is_some() && !args.sweep),
        ("--features", args.method.features.features.is_some()),
    ];
    match given.into_iter().find(|&(_, given)| given && !args.is_pipeline()) {
        None => Ok(()),
        Some((option, _)) => Err(Usage(format!(
            "{option} chooses what --pipeline predicts; add --pipeline, or leave {option} out"
        ))),
    }
}
