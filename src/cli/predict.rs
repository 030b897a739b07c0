//! `hpflow predict`: a predictions file of a benchmark.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args as ClapArgs, ValueEnum as _};
use hpflow::low_level::benchmark::{Benchmark, Unreadable};
use hpflow::low_level::engine::EngineKind;
use hpflow::low_level::files::Destination;
use hpflow::low_level::method::{Method, TooLarge, Unusable};
use hpflow::low_level::predictions::{MethodHeader, Reader, partial_path};
use hpflow::task::{
    Begun, Part, PredictError, PredictEvent, PredictOptions, PredictShardError, Shard, StopReason,
    estimate, predict,
};

use super::console::Console;
use super::error::Usage;
use super::lines::LogLines;
use super::options::{BenchmarkArgs, MethodArgs, help_of_methods};
use super::output::{check_writable, counted, left_out};
use super::sharded::{self, photographs};

/// Predict the keypoints of a benchmark's pairs.
#[derive(Debug, ClapArgs)]
#[command(after_help = help_of_methods("Example:
  hpflow predict --benchmark spair --root SPair-71k --backbone resnet101 --out hpf.jsonl
  hpflow score hpf.jsonl --root SPair-71k"))]
pub struct Args {
    #[command(flatten)]
    benchmark: BenchmarkArgs,
    #[command(flatten)]
    method: MethodArgs,
    /// The predictions file to write. Until it is complete its lines are in FILE.partial, beside the
    /// file where FILE is a link. `-`, a device or a pipe is written through as pairs are predicted,
    /// and cannot be continued.
    #[arg(long, value_name = "FILE.jsonl")]
    out: PathBuf,
    /// Continue a run that was stopped; the result is the same as of one that was not. Pairs whose
    /// photographs or annotations are not those that were answered are predicted again, and so are
    /// pairs that were left unanswered or out.
    #[arg(long)]
    resume: bool,
    /// Where a photograph cannot be used or a pair is beyond the engine, leave the pairs unanswered,
    /// where a pair's annotation cannot be read, leave the pair out, list all at the end and exit with 1,
    /// instead of stopping.
    #[arg(long)]
    keep_going: bool,
    /// Only the I-th of N parts of the pairs, from 1, for jobs that run beside each other; it goes on
    /// where an earlier run of it was stopped. `hpflow merge FILE` makes the file of all parts.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Predict a few pairs, write nothing, and say how many pairs and photographs there are, and about
    /// how much time and memory this machine needs for them.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, an input that cannot be read, or a file that cannot be written.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    args.method.check()?;
    args.method.hpf.network.set_threads()?;
    let streamed = !args.dry_run && !matches!(check_writable(&args.out)?, Destination::File(_));
    if let Some(shard) = args.shard.filter(|_| streamed) {
        let out = args.out.display();
        let what = format!("--shard {shard}: {out} is no regular file, and only such has shards");
        return Err(Usage(what).into());
    }
    if streamed && args.resume {
        let out = args.out.display();
        let what = format!(
            "--resume: {out} is not a regular file, and only a regular file can be continued"
        );
        return Err(Usage(what).into());
    }
    let (benchmark, unreadable) = if args.keep_going {
        args.benchmark.open_readable()?
    } else {
        (args.benchmark.open()?, Vec::new())
    };
    if args.dry_run {
        return dry_run(args, &benchmark, console);
    }
    if let Some(shard) = args.shard {
        return predict_part(args, shard, (&benchmark, unreadable), console);
    }
    check_photographs(args, &benchmark)?;
    let mut method = open(args, &benchmark, console)?;
    let progress = console.progress(benchmark.pairs.len(), "pairs");
    let lines = LogLines::of(&progress, console);
    let options = options(args);
    let pairs = (&benchmark, &*unreadable);
    let predicted = predict(pairs, &mut *method, &args.out, &options, &mut |event| match event {
        PredictEvent::Begun(begun) => progress.suspend(|| {
            notes(args, &begun).iter().for_each(|note| console.note(note));
            console.doubts(&benchmark);
            if begun.complete {
                let out = args.out.display();
                console.note(format!("{out}: complete already; it stays as it is"));
            }
            taken(args, &begun).iter().for_each(|note| console.note(note));
        }),
        PredictEvent::Advanced { done, .. } => progress.set_position(done as u64),
        _ => {}
    });
    drop(lines);
    progress.finish_and_clear();
    let predicted = predicted.map_err(|error| explained(error, args))?;
    if !predicted.whole {
        // As `hpflow predict … | head` has it: nobody wants the rest.
        return Ok(());
    }
    console.note(format!("{}: {}", args.out.display(), counted(predicted.pairs, "pair")));
    report_faults(&predicted.unusable, &predicted.too_large, &unreadable)
}

/// Predicts a shard.
fn predict_part(
    args: &Args,
    shard: Shard,
    (benchmark, unreadable): (&Benchmark, Vec<Unreadable>),
    console: Console,
) -> anyhow::Result<()> {
    let part = Part::of(benchmark, shard);
    check_photographs(args, &part.benchmark)?;
    // The log begins with the shard; the engine is said after it.
    let quiet = Console { quiet: true };
    let photographs = (photographs(&part, benchmark), args.keep_going);
    let mut method = args.method.untimed().open(photographs, benchmark.kind, quiet)?;
    method.check(benchmark.name(), &part.benchmark.images)?;
    let said = |event: &PredictEvent| match event {
        PredictEvent::Begun(begun) => {
            let mut said = notes(args, begun);
            said.extend(part.benchmark.doubts().sentence());
            said.extend(taken(args, begun));
            said
        }
        _ => Vec::new(),
    };
    let explained = |error: PredictShardError| match error {
        PredictShardError::Predict(error) => explained(error, args),
        error => error.into(),
    };
    let pairs = (&part, &*unreadable);
    let out = (&*args.out, &options(args));
    let done = sharded::predict(pairs, &mut *method, out, console, &said, &explained)?;
    // One shard alone answers for the pairs that no shard has.
    let unreadable = if shard.index() == 1 { unreadable } else { Vec::new() };
    report_faults(&done.unusable, &done.too_large, &unreadable)
}

/// Says what a run, or a shard of it, takes.
fn dry_run(args: &Args, benchmark: &Benchmark, console: Console) -> anyhow::Result<()> {
    let part = Part::of(benchmark, args.shard.unwrap_or_default());
    check_photographs(args, &part.benchmark)?;
    let options = if args.shard.is_some() { args.method.untimed() } else { args.method.clone() };
    let photographs = (photographs(&part, benchmark), args.keep_going);
    let mut method = options.open(photographs, benchmark.kind, console)?;
    method.check(benchmark.name(), &part.benchmark.images)?;
    let passes = match method.header().get(MethodHeader::BACKBONE) {
        _ if args.method.features.features.is_some() => "none, the features are kept".to_owned(),
        Some(backbone) => sharded::passes(&part, benchmark, &backbone),
        None => "none".to_owned(),
    };
    let mut predict = self::options(args);
    predict.keep_going = true;
    let found =
        estimate(&part.benchmark, &mut *method, &predict).map_err(|e| explained(e, args))?;
    let all = if args.shard.is_some() { format!(" of {}", part.total) } else { String::new() };
    print_line!("pairs        {}{all}", part.positions.len());
    print_line!("photographs  {}", part.benchmark.images.len());
    print_line!("passes       {passes}");
    print_line!("memory       {}", sharded::memory(found.memory));
    print_line!("time         {}", sharded::time(&found));
    Ok(())
}

fn options(args: &Args) -> PredictOptions {
    let mut options = PredictOptions::default();
    options.resume = args.resume;
    options.keep_going = args.keep_going;
    options.selection = args.benchmark.describe();
    options
}

/// Photographs that are missing are said before any work, unless it is to go on past them or starts
/// from kept features.
fn check_photographs(args: &Args, benchmark: &Benchmark) -> anyhow::Result<()> {
    if !args.keep_going && args.method.features.features.is_none() {
        benchmark.check_photographs()?;
    }
    Ok(())
}

fn open(args: &Args, benchmark: &Benchmark, console: Console) -> anyhow::Result<Box<dyn Method>> {
    // Photographs without usable features are left to the run where it is to go on past them.
    let photographs = (&*benchmark.images, args.keep_going);
    let mut asked = args.method.clone();
    if args.resume && matches!(asked.hpf.engine, None | Some(EngineKind::Auto)) {
        asked.hpf.engine = begun_with(&args.out, &asked.method).or(asked.hpf.engine);
    }
    let method = asked.open(photographs, benchmark.kind, console)?;
    method.check(benchmark.name(), &benchmark.images)?;
    Ok(method)
}

/// The engine that a run of the method which is to be continued was begun with: what `auto` takes may have
/// changed. Nothing where no file says; one that cannot be read, or of another method, is refused later.
fn begun_with(out: &Path, method: &str) -> Option<EngineKind> {
    let files = [partial_path(out), out.to_owned()];
    let mut readers = files.iter().filter_map(|file| Reader::open(file).ok());
    let begun = readers.next()?.header().method.clone();
    let engine = begun.get(MethodHeader::ENGINE)?;
    let is_same = begun.get(MethodHeader::NAME).is_some_and(|name| name == method);
    EngineKind::from_str(&engine, false).ok().filter(|_| is_same)
}

/// What stands in the way, with the options that help.
fn explained(error: PredictError, args: &Args) -> anyhow::Error {
    let (partial, why) = match error {
        PredictError::Stopped { partial, why } => (partial, why),
        other @ PredictError::OtherPairs { .. } => {
            return anyhow::anyhow!("{other} without --resume");
        }
        error => return error.into(),
    };
    let out = args.out.display();
    if args.shard.is_some() {
        return match &partial {
            Some(partial) => anyhow::anyhow!(
                "{}; the predictions so far are in {}, and the same call continues them",
                reason(*why),
                partial.display()
            ),
            None => reason(*why),
        };
    }
    let kept = match (&*why, &partial) {
        (StopReason::TooLarge(_), Some(partial)) => format!(
            "delete {} and start again with another engine, or continue with --resume --keep-going, \
             which leaves the pair unanswered",
            partial.display()
        ),
        (_, Some(partial)) => format!(
            "the predictions so far are in {}, and --resume continues them",
            partial.display()
        ),
        (_, None) => format!("the predictions so far are in {out}"),
    };
    anyhow::anyhow!("{}; {kept}", reason(*why))
}

fn reason(why: StopReason) -> anyhow::Error {
    match why {
        StopReason::Unusable(unusable) => anyhow::anyhow!(
            "{unusable}; mend it, or use --keep-going to leave its pairs unanswered"
        ),
        why => why.into(),
    }
}

/// That answers are taken of which it is not known what they answered.
fn taken(args: &Args, begun: &Begun) -> Option<String> {
    (begun.taken > 0).then(|| {
        format!(
            "{}: it is not known which photographs and annotations {} answered; their answers are kept as \
             they are: run without --resume if any has changed",
            args.out.display(),
            counted(begun.taken, "pair")
        )
    })
}

/// What is done again, and why.
fn notes(args: &Args, begun: &Begun) -> Vec<String> {
    let out = args.out.display();
    let mut notes = Vec::new();
    if begun.replaces {
        notes.push(format!("{out} is there already; it is replaced when this run is complete"));
    }
    if let Some((count, pair, what)) = begun.changed {
        notes.push(format!(
            "{out}: {} answered other photographs or annotations than there are now, {} first (its \
             {what} changed): to be predicted again",
            counted(count, "pair"),
            pair.id
        ));
    }
    let mut note = |count: usize, thing: &str, what: &str| {
        if count > 0 {
            notes.push(format!("{out}: {}{what}", counted(count, thing)));
        }
    };
    let unknown = " of which it is not known what they answered: to be predicted again";
    note(begun.unknown, "pair", unknown);
    note(begun.unanswered, "unanswered pair", " to be predicted again");
    note(begun.left_out, "pair", " left out before: to be predicted");
    note(begun.dropped, "pair", " cannot be read any more: left out");
    notes
}

fn report_faults(
    unusable: &[Unusable],
    too_large: &[TooLarge],
    unreadable: &[Unreadable],
) -> anyhow::Result<()> {
    let mut faults = Vec::new();
    if !unusable.is_empty() {
        let reasons: Vec<&str> = unusable.iter().map(|one| one.reason.as_str()).collect();
        faults.push(format!(
            "{} could not be used, and the pairs with {} are unanswered:\n  {}",
            counted(unusable.len(), "photograph"),
            if unusable.len() == 1 { "it" } else { "them" },
            reasons.join("\n  ")
        ));
    }
    if !too_large.is_empty() {
        let reasons: Vec<String> = too_large.iter().map(ToString::to_string).collect();
        faults.push(format!(
            "{} {} beyond the engine and unanswered:\n  {}",
            counted(too_large.len(), "pair"),
            if too_large.len() == 1 { "is" } else { "are" },
            reasons.join("\n  ")
        ));
    }
    if !unreadable.is_empty() {
        faults.push(left_out(unreadable));
    }
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}
