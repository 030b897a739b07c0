//! `hpflow search`: beam search for a layer set.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args as ClapArgs;

use super::console::Console;
use super::error::Usage;
use super::lines::LogLines;
use super::merge::{quoted as quoted_path, ranges};
use super::options::{BenchmarkArgs, FeaturesArgs, HpfArgs, at_least_one, in_words};
use super::output::{check_file, counted, failed};
use super::sharded::about;
use hpflow::Alpha;
use hpflow::low_level::backbone;
use hpflow::low_level::hyperpixel::{LayerSet, Precision};
use hpflow::low_level::search::{EvaluationError, Finalist, RESAMPLES, ScoredSet};
use hpflow::low_level::text::quoted;
use hpflow::task::{
    FoundLayers, KeepError, LayerList, Part, PartEvent, PartsError, SearchError, SearchEvent,
    SearchMaps, SearchOptions, Shard, check_search_file, parts_path, search, search_part,
};
use indicatif::ProgressBar;

/// Search for the layer set that scores best on a validation split.
#[derive(Debug, ClapArgs)]
#[command(
    mut_arg("split", |split| split.default_value("val")),
    mut_arg("layers", |layers| layers.hide(true)),
    mut_arg("precision", |precision| precision.hide(true)),
    after_help = "Example:
  hpflow search --benchmark spair --root SPair-71k --backbone resnet50 --out search.json --report search

HPF's beam search: each base layer alone, then every set of the beam with every further layer, scored \
by PCK on the split. Each photograph goes through the backbone once; its maps wait in FILE.features, \
which is removed when the search is complete. A search that was stopped is continued by the same call \
with --resume, as long as its pairs and photographs are what FILE.inputs says they were."
)]
pub struct Args {
    #[command(flatten)]
    benchmark: BenchmarkArgs,
    #[command(flatten)]
    hpf: HpfArgs,
    #[command(flatten)]
    features: FeaturesArgs,
    /// Sets that go on from each depth to the next.
    #[arg(long, default_value = "4", value_name = "N", value_parser = at_least_one)]
    beam: usize,
    /// Layers of the largest sets.
    #[arg(long, default_value = "8", value_name = "N", value_parser = at_least_one)]
    depth: usize,
    /// Layers that are tried as base [default: 0,1,2,3].
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    base: Vec<usize>,
    /// Layers that extend a set [default: all].
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    candidates: Vec<usize>,
    /// The share of the threshold within which a keypoint is right.
    #[arg(long, default_value = "0.1")]
    alpha: Alpha,
    /// Keep the published code's quirk: where a set comes up again, the rest of the candidates of
    /// that beam's set are not tried.
    #[arg(long)]
    as_published: bool,
    /// Memory for the photographs' maps in MiB, of which those of one pair are held in any case, and
    /// again as much for what is kept of pairs.
    #[arg(long, default_value = "2048", value_name = "MIB", value_parser = at_least_one)]
    memory: usize,
    /// The file of the search: written after the first pairs, after every depth and every few
    /// seconds.
    #[arg(long, value_name = "FILE.json")]
    out: PathBuf,
    /// A folder for a page with pictures of the search (index.html) and the pictures (SVG).
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Continue the search in the file; the result is that of a search that was not stopped. A
    /// complete one can be continued to a greater --depth.
    #[arg(long)]
    resume: bool,
    /// Evaluate the part of the I-th of N jobs, from 1, of the first depth whose parts are not all there;
    /// it needs kept features. The same search with --resume, without this, makes the file of all parts.
    #[arg(long, value_name = "I/N", requires = "features", conflicts_with = "report")]
    shard: Option<Shard>,
    /// With --shard: wait for the parts of the other jobs and go on with the next depth. All jobs must
    /// run at once; one that gets no part for ten minutes ends with 1.
    #[arg(long, requires = "shard")]
    wait: bool,
}

/// See [`Args::wait`].
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs the command.
///
/// # Errors
/// Wrong usage, an input that cannot be read, the file of another search, or one that cannot be
/// written.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    if let Some(layers) = &args.hpf.layers {
        let what = format!(
            "--layers {layers} is one layer set, and a search tries many; choose its layers with --base and \
             --candidates"
        );
        return Err(Usage(what).into());
    }
    if args.hpf.precision == Some(Precision::F16) {
        let what = "--precision f16: a search compares layer sets in f32; leave --precision out";
        return Err(Usage(what.to_owned()).into());
    }
    args.hpf.network.set_threads()?;
    let options = options(args)?;
    check_file(&args.out)?;
    if let Some(shard) = args.shard {
        return run_part(args, shard, &options, console);
    }
    if parts_path(&args.out).is_dir() && !args.resume {
        anyhow::bail!(
            "{} has parts of a search; --resume makes {} of them; delete them to begin a new one",
            parts_path(&args.out).display(),
            args.out.display()
        );
    }
    check_search_file(&args.out, args.resume).map_err(explained)?;
    let benchmark = args.benchmark.open()?;
    let mut engine = args.hpf.open_engine(args.hpf.engine.unwrap_or_default())?;
    console.note(format!("engine: {} ({})", engine.name(), engine.adapter()));
    let open = || args.hpf.network.backbone_of(console);
    let maps = match &args.features.features {
        Some(folder) => SearchMaps::Kept { folder, backbone: args.hpf.network.backbone.as_deref() },
        None => SearchMaps::Backbone(&open),
    };
    let mut bars = Bars { console, bar: None };
    let found = search(&benchmark, &maps, &mut *engine, &args.out, &options, &mut |event| {
        bars.tell(event);
    });
    bars.clear();
    let found = found.map_err(|error| match error {
        SearchError::Parts(error) => of_parts(*error, args),
        error => explained(error),
    })?;
    let call = print_outcome(&found, args)?;
    found.write_report(&call)?;
    found.finish()?;
    Ok(())
}

/// Evaluates a shard's part, or one of every depth, with its log.
fn run_part(
    args: &Args,
    shard: Shard,
    options: &SearchOptions,
    console: Console,
) -> anyhow::Result<()> {
    let benchmark = args.benchmark.open()?;
    let part = Part::of(&benchmark, shard);
    let work = about(&part);
    let Some(folder) = &args.features.features else {
        return Err(
            Usage(format!("--shard {shard}: give the kept features with --features")).into()
        );
    };
    let maps = SearchMaps::Kept { folder, backbone: args.hpf.network.backbone.as_deref() };
    let mut engine = args.hpf.open_engine(args.hpf.untimed())?;
    let on = format!("engine: {} ({})", engine.name(), engine.adapter());
    let bar = console.progress(part.positions.len(), "pairs");
    let lines = LogLines::of(&bar, console);
    let (mut before, mut on) = (0, Some(on));
    let wait = args.wait.then_some(PATIENCE);
    let options = (options, shard, wait);
    let done = search_part(&benchmark, &maps, &mut *engine, &args.out, options, &mut |event| {
        match event {
            PartEvent::Begun { depth, sets, kept } => {
                before = kept;
                bar.set_position(kept as u64);
                bar.reset_eta();
                let (sets, kept) = (counted(sets, "set"), counted(kept, "pair"));
                bar.suspend(|| {
                    console.note(format!(
                        "shard {shard}: depth {depth}, {sets}, {work}, {kept} kept from before"
                    ));
                    on.take().iter().for_each(|on| console.note(on));
                });
            }
            PartEvent::Advanced(done) => bar.set_position(done as u64),
            PartEvent::Complete { file, already, depth, parts } => {
                let (what, kept) = match already {
                    true => ("complete already", part.positions.len()),
                    false => ("complete", before),
                };
                let (file, kept) = (file.display(), counted(kept, "pair"));
                bar.suspend(|| {
                console.note(format!(
                    "shard {shard}: {work}, {kept} kept from before: {file}: {what}; {parts} of {} parts of \
                     depth {depth} are complete",
                    shard.of()
                ));
            });
            }
            _ => {}
        }
    });
    drop(lines);
    bar.finish_and_clear();
    let done = done.map_err(|error| of_parts(error, args));
    if done.with_context(|| format!("shard {shard}: {work}"))? {
        console.note(format!(
            "shard {shard}: {work}: all depths are complete; the same search with --resume, without --shard, \
             writes {}",
            args.out.display()
        ));
    }
    Ok(())
}

/// What stands in the way of a search in parts, with the calls that help.
fn of_parts(error: PartsError, args: &Args) -> anyhow::Error {
    match error {
        PartsError::Begin(error) => explained(*error),
        PartsError::Missing { of, ref missing, .. } => {
            let numbers: Vec<usize> = missing.iter().map(|one| one.shard).collect();
            let begun = missing.iter().filter_map(|one| {
                let pairs = counted(one.begun?, "pair");
                Some(format!("\n  {}: begun, {pairs} evaluated", one.shard))
            });
            let (again, begun) = (ranges(&numbers), begun.collect::<String>());
            anyhow::anyhow!(
                "{error}, {again} not{begun}\nrun them again: hpflow search … --out {} --shard I/{of} for each \
                 I of {again} (Slurm: sbatch --array={again} SCRIPT)",
                quoted_path(&args.out)
            )
        }
        error => error.into(),
    }
}

fn options(args: &Args) -> anyhow::Result<SearchOptions> {
    let mut options = SearchOptions::default();
    options.memory = args
        .memory
        .checked_mul(1 << 20)
        .ok_or_else(|| Usage(format!("--memory {}: too many MiB; give fewer", args.memory)))?;
    options.resume = args.resume;
    options.selection = args.benchmark.describe();
    options.bases.clone_from(&args.base);
    options.candidates.clone_from(&args.candidates);
    options.beam = args.beam;
    options.depth = args.depth;
    options.as_published = args.as_published;
    options.alpha = args.alpha;
    options.report.clone_from(&args.report);
    Ok(options)
}

/// How far a search has come.
struct Bars {
    console: Console,
    /// Photographs through the backbone, then pairs × sets.
    bar: Option<(Stage, ProgressBar)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Photographs,
    Pairs,
}

impl Bars {
    /// The bar of a stage, which takes the place of another's.
    fn bar(&mut self, stage: Stage, what: &'static str) -> &ProgressBar {
        if self.bar.as_ref().is_none_or(|(shown, _)| *shown != stage) {
            self.clear();
        }
        let bar = || (stage, self.console.progress(0, what));
        &self.bar.get_or_insert_with(bar).1
    }

    fn tell(&mut self, event: SearchEvent) {
        match event {
            SearchEvent::Remade { folder } => {
                self.clear();
                let name = folder.display();
                self.console.note(format!(
                    "{name}: its maps are of other options or damaged; they are made again"
                ));
            }
            SearchEvent::Extracted { done, total } => {
                let bar = self.bar(Stage::Photographs, "photographs");
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            }
            SearchEvent::Begun { done, total, depth, sets } => {
                let bar = self.bar(Stage::Pairs, "pairs × sets");
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.reset_eta();
                let sets = counted(sets, "set");
                bar.set_message(format!("depth {depth}: {sets}, pairs × sets"));
            }
            SearchEvent::Advanced(done) => self.bar(Stage::Pairs, "pairs × sets").inc(done as u64),
            SearchEvent::Depth { depth, evaluated, beam } => {
                let bar = self.bar(Stage::Pairs, "pairs × sets");
                bar.suspend(|| print_depth(depth, evaluated, beam));
            }
            _ => {}
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// What stands in the way, with the options that help, and wrong usage as such.
fn explained(error: SearchError) -> anyhow::Error {
    let option = |list: LayerList| match list {
        LayerList::Bases => "--base",
        LayerList::Candidates => "--candidates",
    };
    let wrong = match error {
        SearchError::Masks { .. } => error.to_string(),
        SearchError::NoLayer { list, backbone, layer, known } => {
            format!("{}: {backbone} has no layer {layer}; it has {known}", option(list))
        }
        SearchError::RepeatedLayer { list, layer } => {
            format!("{} names layer {layer} twice; name it once", option(list))
        }
        SearchError::NoBase { layer, why } => format!("--base {layer}: {why}"),
        SearchError::Exists { file } => {
            return anyhow::anyhow!(
                "{} is there already; continue its search with --resume, or give another name to \
                 begin a new one",
                file.display()
            );
        }
        SearchError::ReportFolder { folder, source } => {
            let folder = folder.display();
            let what = format!("--report {folder}: cannot make the folder");
            return failed(what, &source, "give another name");
        }
        SearchError::OtherBackbone { asked, found } => {
            return anyhow::anyhow!(
                "--backbone {asked}, but the features are of {found}; leave --backbone out, or give the \
                 folder of its features"
            );
        }
        SearchError::Deeper { file, layers } => {
            return anyhow::anyhow!(
                "{}: its sets have up to {} already; continue it with --depth {layers} or more",
                file.display(),
                counted(layers, "layer")
            );
        }
        SearchError::Stopped { kept: Some(file), why } => {
            let kept = match *why {
                EvaluationError::Pair { .. } => {
                    "start again with another engine and another --out".to_owned()
                }
                _ => format!(
                    "the scores so far are in {}, and --resume continues them",
                    file.display()
                ),
            };
            return anyhow::anyhow!("{why}; {kept}");
        }
        SearchError::Stopped { kept: None, why } => return (*why).into(),
        SearchError::Open(error) => return in_words(error),
        SearchError::Benchmark(error) => return error.into(),
        SearchError::Keep(KeepError::Features(error)) => return error.into(),
        SearchError::Keep(error) => return error.into(),
        error => return error.into(),
    };
    Usage(wrong).into()
}

fn print_depth(depth: usize, evaluated: usize, beam: &[ScoredSet]) {
    mention_line!("depth {depth}: {} evaluated", counted(evaluated, "set"));
    for ScoredSet { layers, pck } in beam {
        mention_line!("  {pck:6.2}  {layers}");
    }
}

/// Prints what was found, and gives the call that predicts with the best set.
fn print_outcome(found: &FoundLayers, args: &Args) -> anyhow::Result<String> {
    mention_line!("\nbest sets of all depths, PCK at α = {} in percent", args.alpha);
    for Finalist { layers, pck, interval, chance } in &found.outcome.finalists {
        let set = LayerSet::new(layers.clone())?;
        let interval = interval
            .map_or_else(String::new, |[low, high]| format!("  95 % {low:.2} to {high:.2}"));
        let chance = chance.map_or_else(String::new, |chance| {
            format!("  better than the best with a chance of {:.0} %", 100.0 * chance)
        });
        mention_line!("  {pck:6.2}  {set}{interval}{chance}");
    }
    mention_line!("  (bootstrap over images, {RESAMPLES} resamples)");
    let Some(layers) = found.outcome.best() else { return Ok(String::new()) };
    let call = command(&layers, args, found);
    mention_line!("\nbest set: {layers}\n{call}");
    Ok(call)
}

/// The call that predicts the test split with a layer set.
fn command(layers: &LayerSet, args: &Args, found: &FoundLayers) -> String {
    let mut words = vec!["hpflow predict".to_owned()];
    let root = args.benchmark.root.display().to_string();
    words.push(format!("--benchmark {} --root {}", args.benchmark.benchmark, quoted(&root)));
    match &args.features.features {
        Some(folder) if args.benchmark.split == "test" => {
            words.push(format!("--features {}", quoted(&folder.display().to_string())));
        }
        Some(_) if !backbone::NAMES.contains(&&*found.backbone) => {
            words.push("--features FEATURES-OF-THE-TEST-SPLIT".to_owned());
        }
        _ => {
            words.push(format!("--backbone {}", found.backbone));
            words.extend(weights(args, found).map(|name| format!("--weights {}", quoted(name))));
        }
    }
    words.push(format!("--layers {layers} --out predictions.jsonl"));
    words.join(" ")
}

/// The weights that were asked for, or those that kept features say they were made with.
fn weights<'a>(args: &'a Args, found: &'a FoundLayers) -> Option<&'a str> {
    let kept = || found.made_with.get("weights")?.get("source")?.as_str();
    args.hpf.network.weights.as_deref().or_else(kept)
}
