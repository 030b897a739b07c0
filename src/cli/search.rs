//! `hpflow search`: beam search for a layer set.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use serde_json::{Map, Value};

use super::Usage;
use super::console::Console;
use super::features::keep;
use super::lines::Lines;
use super::merge::{quoted as quoted_path, ranges};
use super::options::{BenchmarkArgs, FeaturesArgs, HpfArgs, at_least_one};
use super::output::{check_file, counted, failed};
use super::sharded::about;
use hpflow::low_level::backbone;
use hpflow::low_level::benchmark::Benchmark;
use hpflow::low_level::engine::Engine;
use hpflow::low_level::features::{Features, FeaturesError, Precision, file_of};
use hpflow::low_level::files;
use hpflow::low_level::hyperpixel::LayerSet;
use hpflow::low_level::inputs::{self, Identify, of_pairs};
use hpflow::low_level::method::OpenError;
use hpflow::low_level::report::search::{Searched, page, pictures};
use hpflow::low_level::score::{Alpha, Measure, default_for};
use hpflow::low_level::search::{
    ARITHMETIC, Entry, Evaluator, Event, Finalist, Outcome, PAIR_BLOCK, Plan, RESAMPLES, Scored,
    Search, SearchError, State, StateError, check_inputs, write_inputs,
};
use hpflow::low_level::text::quoted;
use hpflow::task::{Part, PartEvent, PartsError, SearchParts, Shard, parts_path};

/// The state is written at most so often while a depth is under way, after its first pairs.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// The bases that are tried where none are given (published code: as many as the beam is wide).
const USUAL_BASES: usize = 4;

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
    let memory = args
        .memory
        .checked_mul(1 << 20)
        .ok_or_else(|| Usage(format!("--memory {}: too many MiB; give fewer", args.memory)))?;
    check_file(&args.out)?;
    let in_parts = args.shard.is_none() && parts_path(&args.out).is_dir();
    if in_parts && !args.resume {
        bail!(
            "{} has parts of a search; --resume makes {} of them; delete them to begin a new one",
            parts_path(&args.out).display(),
            args.out.display()
        );
    }
    if args.out.exists() && !args.resume && args.shard.is_none() {
        // One that is at work is not to be continued by a second.
        Lock::of(&args.out)?;
        bail!(
            "{} is there already; continue its search with --resume, or give another name to begin a \
             new one",
            args.out.display()
        );
    }
    let benchmark = args.benchmark.open()?;
    let protocol = default_for(benchmark.kind);
    if protocol.measure != Measure::Keypoints {
        let what = format!("a search scores keypoints, but {} has masks", benchmark.name());
        return Err(Usage(what).into());
    }
    if let Some(folder) = &args.report {
        std::fs::create_dir_all(folder).map_err(|error| {
            let what = format!("--report {}: cannot make the folder", folder.display());
            failed(what, &error, "give another name")
        })?;
    }
    // Whatever can be wrong is found before the backbone is at work.
    let kind = match args.shard {
        Some(_) => args.hpf.untimed(),
        None => args.hpf.engine.unwrap_or_default(),
    };
    let mut engine = args.hpf.open_engine(kind)?;
    let on = format!("engine: {} ({})", engine.name(), engine.adapter());
    if args.shard.is_none() {
        console.note(&on);
    }
    // Shards write no file that another process writes.
    let _lock = args.shard.is_none().then(|| Lock::of(&args.out)).transpose()?;
    let begun = args.out.exists() && args.shard.is_none();
    let of_photographs = |identify: &Identify| {
        let inputs = of_pairs(&benchmark, 0..benchmark.pairs.len(), identify, true);
        if begun {
            // What is no search, or one of other pairs, is said first.
            State::check(&args.out, &which(args, &benchmark))?;
            let known = check_inputs(&args.out, &benchmark, &inputs)?;
            // Before the backbone is at work; kept maps may show first that it is no search.
            if !known && args.features.features.is_none() {
                return Err(SearchError::from(StateError::Unknown { file: args.out.clone() }));
            }
        }
        Ok(inputs)
    };
    // Before any photograph is read: what changes later is another than this.
    let mut inputs = match args.features.features {
        None => of_photographs(&inputs::photograph)?,
        Some(_) => Vec::new(),
    };
    let (features, plan, temporary) = match &args.features.features {
        Some(folder) => {
            let features = open_features(folder, &benchmark, args)?;
            let ids: Vec<usize> =
                features.description().layers.iter().map(|layer| layer.id).collect();
            let plan = plan(args, &features.description().backbone, &ids)?;
            let mut tried = [&plan.bases[..], &plan.candidates].concat();
            tried.sort_unstable();
            tried.dedup();
            inputs = of_photographs(&*features.identify(&tried))?;
            (features, plan, None)
        }
        None => {
            let (features, plan, folder) = extract(args, &benchmark, &*engine, console)?;
            (features, plan, Some(folder))
        }
    };
    for &base in &plan.bases {
        features.geometry(base).map_err(|error| Usage(format!("--base {base}: {error}")))?;
    }
    let mut settings = asked(args, &benchmark, &*engine, &plan);
    settings.extend(of_features(&features));
    let mut state = match args.shard {
        Some(_) => State::new(settings.clone()),
        None => State::resume(&args.out, settings.clone())?,
    };
    if state.depths.len() > args.depth {
        bail!(
            "{}: its sets have up to {} already; continue it with --depth {} or more",
            args.out.display(),
            counted(state.depths.len(), "layer"),
            state.depths.len()
        );
    }
    let evaluator = Evaluator {
        benchmark: &benchmark,
        features: &features,
        engine: &mut *engine,
        protocol,
        alpha: args.alpha,
        layers: layers(&plan),
        memory,
        block: PAIR_BLOCK,
    };
    let order = evaluator.schedule().pairs;
    let keypoints: Vec<usize> = order.iter().map(|&pair| benchmark.pairs[pair].answers()).collect();
    state.fits(&keypoints, &evaluator.layers).map_err(|reason| {
        SearchError::from(StateError::NotAState { file: args.out.clone(), reason })
    })?;
    let mut search = Search { evaluator, plan, depth: args.depth };
    if args.shard.is_some() || in_parts {
        let mut parts = SearchParts::new(&mut search, settings, &inputs, &args.out);
        if let Some(shard) = args.shard {
            return run_part(&mut parts, &Part::of(&benchmark, shard), (args, &on), console);
        }
        state = parts.merged().map_err(|error| of_parts(error, args))?;
    }
    if !begun {
        write_inputs(&args.out, &benchmark, &inputs)?;
    } else if !check_inputs(&args.out, &benchmark, &inputs)? {
        return Err(StateError::Unknown { file: args.out.clone() }.into());
    }
    let outcome = run_search(&mut search, &mut state, args, console)?;
    state.write(&args.out)?;
    print_outcome(&outcome, args, &features)?;
    if let Some(folder) = &args.report {
        write_report(folder, &searched(&search, &state), &outcome, args, &features)
            .with_context(|| format!("cannot write the report to {}", folder.display()))?;
    }
    if let Some(folder) = temporary {
        discard(&folder, &benchmark)?;
    }
    Ok(())
}

/// Evaluates a shard's part, or one of every depth, with its log.
fn run_part(
    parts: &mut SearchParts,
    part: &Part,
    (args, engine): (&Args, &str),
    console: Console,
) -> anyhow::Result<()> {
    let (shard, work) = (part.shard, about(part));
    let bar = console.progress(part.positions.len(), "pairs");
    let lines = Lines::of(&bar, console);
    let (mut before, mut engine) = (0, Some(engine));
    let wait = args.wait.then_some(PATIENCE);
    let done = parts.evaluate(shard, wait, &mut |event| match event {
        PartEvent::Begun { depth, sets, kept } => {
            before = kept;
            bar.set_position(kept as u64);
            bar.reset_eta();
            let (sets, kept) = (counted(sets, "set"), counted(kept, "pair"));
            bar.suspend(|| {
                console.note(format!(
                    "shard {shard}: depth {depth}, {sets}, {work}, {kept} kept from before"
                ));
                engine.take().iter().for_each(|engine| console.note(engine));
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
        PartsError::Search(error) => error.into(),
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

/// Removes the maps of a benchmark's photographs, and the folders that are empty then: what else is
/// there is not this command's.
fn discard(folder: &Path, benchmark: &Benchmark) -> anyhow::Result<()> {
    for image in &benchmark.images {
        let file = file_of(folder, &image.name);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("{}: cannot be removed", file.display()));
            }
            Err(_) | Ok(()) => {}
        }
        for above in file.ancestors().skip(1).take_while(|above| above.starts_with(folder)) {
            // One that is not empty stays.
            if std::fs::remove_dir(above).is_err() {
                break;
            }
        }
    }
    Ok(())
}

/// All layers that sets are made of, ascending.
fn layers(plan: &Plan) -> Vec<usize> {
    let mut layers = [&plan.bases[..], &plan.candidates].concat();
    layers.sort_unstable();
    layers.dedup();
    layers
}

/// What is searched, in a network with these layers.
fn plan(args: &Args, backbone: &str, known: &[usize]) -> anyhow::Result<Plan> {
    let asked = |option: &str, layers: &[usize], usual: &[usize]| {
        if layers.is_empty() {
            return Ok(usual.to_vec());
        }
        for (at, layer) in layers.iter().enumerate() {
            if !known.contains(layer) {
                let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                return Err(Usage(format!(
                    "{option}: {backbone} has no layer {layer}; it has {}",
                    known.join(", ")
                )));
            }
            if layers[..at].contains(layer) {
                return Err(Usage(format!("{option} names layer {layer} twice; name it once")));
            }
        }
        Ok(layers.to_vec())
    };
    Ok(Plan {
        bases: asked("--base", &args.base, &known[..known.len().min(USUAL_BASES)])?,
        candidates: asked("--candidates", &args.candidates, known)?,
        beam: args.beam,
        as_published: args.as_published,
    })
}

fn open_features(folder: &Path, benchmark: &Benchmark, args: &Args) -> anyhow::Result<Features> {
    let features = Features::open(folder, &benchmark.images)?;
    features.check_benchmark(benchmark)?;
    let found = &features.description().backbone;
    match &args.hpf.network.backbone {
        Some(asked) if asked != found => {
            Err(OpenError::OtherBackbone { asked: asked.clone(), found: found.clone() }.into())
        }
        _ => Ok(features),
    }
}

/// Keeps the maps of all candidate layers beside the file of the search.
fn extract(
    args: &Args,
    benchmark: &Benchmark,
    engine: &dyn Engine,
    console: Console,
) -> anyhow::Result<(Features, Plan, PathBuf)> {
    benchmark.check_photographs()?;
    let backbone = args.hpf.network.open(console)?;
    let plan = plan(args, backbone.name(), &(0..backbone.layer_count()).collect::<Vec<_>>())?;
    for &base in &plan.bases {
        backbone.geometry(base).map_err(|error| Usage(format!("--base {base}: {error}")))?;
    }
    State::check(&args.out, &asked(args, benchmark, engine, &plan))?;
    let folder = beside(&args.out, "features");
    let to = (&*folder, Precision::F32);
    if let Err(error) = keep(benchmark, &*backbone, &layers(&plan), to, console) {
        if !is_of_another_run(&error) {
            return Err(error);
        }
        let name = folder.display();
        console
            .note(format!("{name}: its maps are of other options or damaged; they are made again"));
        discard(&folder, benchmark)?;
        keep(benchmark, &*backbone, &layers(&plan), to, console)?;
    }
    Ok((Features::open(&folder, &benchmark.images)?, plan, folder))
}

/// Whether maps that are there already are not those that a search would make.
fn is_of_another_run(error: &anyhow::Error) -> bool {
    use FeaturesError::{Length, Metadata, NotFeatures, Other, Outdated, Tensor};
    matches!(
        error.downcast_ref(),
        Some(
            Other { .. }
                | Outdated { .. }
                | Length { .. }
                | NotFeatures { .. }
                | Metadata { .. }
                | Tensor { .. }
        )
    )
}

/// The file of the search with another ending behind its own: where the file is, whatever links lead
/// to it, because two names of one search have one lock and one set of maps.
fn beside(out: &Path, ending: &str) -> PathBuf {
    let out = files::regular(out).unwrap_or_else(|_| out.to_owned());
    let mut name = out.into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Keeps a second search from the same file, and is gone with the search.
struct Lock(PathBuf, #[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    fn of(out: &Path) -> anyhow::Result<Self> {
        let path = beside(out, "lock");
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("{}: cannot be written", path.display()))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => bail!(
                "{}: another search is writing it; wait for that one, or give another name",
                out.display()
            ),
            // Some file systems have no locks; two searches of one file are then the user's to avoid.
            Err(TryLockError::Error(_)) | Ok(()) => Ok(Self(path, file)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What stays after a failure is an empty file that the next search takes.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Which pairs a search is of, and the arithmetic.
fn which(args: &Args, benchmark: &Benchmark) -> Map<String, Value> {
    let mut all = Map::from_iter([
        ("benchmark".to_owned(), benchmark.name().to_owned().into()),
        ("split".to_owned(), benchmark.split.clone().into()),
        ("pairs".to_owned(), benchmark.pairs.len().into()),
        (ARITHMETIC.to_owned(), hpflow::ARITHMETIC.into()),
    ]);
    all.extend(args.benchmark.describe());
    all
}

/// What decides the numbers of a search, but for its features.
fn asked(
    args: &Args,
    benchmark: &Benchmark,
    engine: &dyn Engine,
    plan: &Plan,
) -> Map<String, Value> {
    let mut all = which(args, benchmark);
    all.extend([
        ("engine".to_owned(), engine.name().into()),
        ("adapter".to_owned(), engine.adapter().into()),
        ("alpha".to_owned(), args.alpha.value().into()),
        ("base".to_owned(), plan.bases.clone().into()),
        ("candidates".to_owned(), plan.candidates.clone().into()),
        ("beam".to_owned(), plan.beam.into()),
        ("as_published".to_owned(), plan.as_published.into()),
    ]);
    all
}

/// What decides the numbers of features: what made them, and the SHA-256 of all that they say.
fn of_features(features: &Features) -> Map<String, Value> {
    let mut all = features.describe();
    all.insert("backbone".to_owned(), features.description().backbone.clone().into());
    all
}

fn run_search(
    search: &mut Search,
    state: &mut State,
    args: &Args,
    console: Console,
) -> anyhow::Result<Outcome> {
    let progress = console.progress(0, "pairs × sets");
    let mut saved: Option<Instant> = None;
    let outcome = search.run(state, &mut |event| {
        match event {
            Event::Begun { done, total, depth, sets } => {
                progress.set_length(total as u64);
                progress.set_position(done as u64);
                progress.reset_eta();
                progress
                    .set_message(format!("depth {depth}: {}, pairs × sets", counted(sets, "set")));
            }
            Event::Advanced(done) => progress.inc(done as u64),
            Event::Changed(state) => {
                let due = saved.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY);
                if state.unfinished.is_none() || due {
                    state.write(&args.out)?;
                    saved = Some(Instant::now());
                }
            }
            Event::Depth(depth, evaluated, beam) => {
                progress.suspend(|| print_depth(depth, evaluated, beam));
            }
        }
        Ok::<(), SearchError>(())
    });
    progress.finish_and_clear();
    let outcome = match outcome {
        Err(error) if args.out.exists() => {
            let file = args.out.display();
            let kept = match error {
                SearchError::Pair { .. } => {
                    "start again with another engine and another --out".to_owned()
                }
                _ => format!("the scores so far are in {file}, and --resume continues them"),
            };
            bail!("{error}; {kept}");
        }
        outcome => outcome?,
    };
    Ok(outcome)
}

fn print_depth(depth: usize, evaluated: usize, beam: &[Scored]) {
    mention_line!("depth {depth}: {} evaluated", counted(evaluated, "set"));
    for Scored { layers, pck } in beam {
        mention_line!("  {pck:6.2}  {layers}");
    }
}

fn print_outcome(outcome: &Outcome, args: &Args, features: &Features) -> anyhow::Result<()> {
    let Some(best) = outcome.finalists.first() else { bail!("no pair has keypoints to score") };
    mention_line!("\nbest sets of all depths, PCK at α = {} in percent", args.alpha);
    for Finalist { layers, pck, interval, chance } in &outcome.finalists {
        let set = LayerSet::new(layers.clone())?;
        let interval = interval
            .map_or_else(String::new, |[low, high]| format!("  95 % {low:.2} to {high:.2}"));
        let chance = chance.map_or_else(String::new, |chance| {
            format!("  better than the best with a chance of {:.0} %", 100.0 * chance)
        });
        mention_line!("  {pck:6.2}  {set}{interval}{chance}");
    }
    mention_line!("  (bootstrap over images, {RESAMPLES} resamples)");
    let layers = LayerSet::new(best.layers.clone())?;
    mention_line!("\nbest set: {layers}\n{}", command(&layers, args, features));
    Ok(())
}

/// What the pictures are of.
fn searched(search: &Search, state: &State) -> Searched {
    let Evaluator { benchmark, features, layers, alpha, .. } = &search.evaluator;
    let (name, split) = (benchmark.name(), &benchmark.split);
    let backbone = &features.description().backbone;
    let scored = |entries: &Vec<Entry>| entries.iter().filter_map(Entry::scored).collect();
    let depths: Vec<Vec<Scored>> = state.depths.iter().map(scored).collect();
    Searched {
        title: format!("Layer search on {name} {split} with {backbone}, α = {alpha}"),
        layers: layers.clone(),
        beams: depths.iter().map(|depth| search.plan.best(depth)).collect(),
        depths,
    }
}

fn write_report(
    folder: &Path,
    searched: &Searched,
    outcome: &Outcome,
    args: &Args,
    features: &Features,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let best = outcome.finalists.first().map(|one| LayerSet::new(one.layers.clone()));
    let command = best.transpose()?.map(|layers| command(&layers, args, features));
    let html = page(searched, outcome, &command.unwrap_or_default());
    files::write(&folder.join("index.html"), html)?;
    for (name, picture) in pictures(searched) {
        files::write(&folder.join(name), picture)?;
    }
    Ok(())
}

/// The call that predicts the test split with a layer set.
fn command(layers: &LayerSet, args: &Args, features: &Features) -> String {
    let mut words = vec!["hpflow predict".to_owned()];
    let root = args.benchmark.root.display().to_string();
    words.push(format!("--benchmark {} --root {}", args.benchmark.benchmark, quoted(&root)));
    match &args.features.features {
        Some(folder) if args.benchmark.split == "test" => {
            words.push(format!("--features {}", quoted(&folder.display().to_string())));
        }
        Some(_) if !backbone::NAMES.contains(&&*features.description().backbone) => {
            words.push("--features FEATURES-OF-THE-TEST-SPLIT".to_owned());
        }
        _ => {
            words.push(format!("--backbone {}", features.description().backbone));
            words.extend(weights(args, features).map(|name| format!("--weights {}", quoted(name))));
        }
    }
    words.push(format!("--layers {layers} --out predictions.jsonl"));
    words.join(" ")
}

/// The weights that were asked for, or those that kept features say they were made with.
fn weights<'a>(args: &'a Args, features: &'a Features) -> Option<&'a str> {
    let made_with = &features.description().made_with;
    let kept = || made_with.get("weights")?.get("source")?.as_str();
    args.hpf.network.weights.as_deref().or_else(kept)
}
