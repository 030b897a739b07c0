//! `hpflow predict`: a predictions file of a benchmark.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args as ClapArgs, ValueEnum as _};
use hpflow::low_level::benchmark::{Benchmark, Unreadable};
use hpflow::low_level::engine::EngineKind;
use hpflow::low_level::files::Destination;
use hpflow::low_level::method::{Method, TooLarge, Unusable};
use hpflow::low_level::predictions::{MethodHeader, Reader, partial_path};
use hpflow::task::{Begun, PredictError, PredictEvent, PredictOptions, StopReason, predict};

use super::console::Console;
use super::error::Usage;
use super::options::{BenchmarkArgs, MethodArgs, help_of_methods};
use super::output::{check_writable, counted, left_out};

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
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, an input that cannot be read, or a file that cannot be written.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    args.method.check()?;
    args.method.hpf.network.set_threads()?;
    let streamed = !matches!(check_writable(&args.out)?, Destination::File(_));
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
    if !args.keep_going && args.method.features.features.is_none() {
        benchmark.check_photographs()?;
    }
    let mut method = open(args, &benchmark, console)?;
    let progress = console.progress(benchmark.pairs.len(), "pairs");
    let mut options = PredictOptions::default();
    options.resume = args.resume;
    options.keep_going = args.keep_going;
    options.selection = args.benchmark.describe();
    let pairs = (&benchmark, &*unreadable);
    let predicted = predict(pairs, &mut *method, &args.out, &options, &mut |event| {
        match event {
        PredictEvent::Begun(begun) => progress.suspend(|| {
            notes(args, &begun).iter().for_each(|note| console.note(note));
            console.doubts(&benchmark);
            if begun.complete {
                let out = args.out.display();
                console.note(format!("{out}: complete already; it stays as it is"));
            }
            if begun.taken > 0 {
                console.note(format!(
                    "{}: it is not known which photographs and annotations {} answered; their answers are \
                     kept as they are: run without --resume if any has changed",
                    args.out.display(),
                    counted(begun.taken, "pair")
                ));
            }
        }),
        PredictEvent::Advanced { done, .. } => progress.set_position(done as u64),
        _ => {}
    }
    });
    progress.finish_and_clear();
    let predicted = predicted.map_err(|error| explained(error, args))?;
    if !predicted.whole {
        // As `hpflow predict … | head` has it: nobody wants the rest.
        return Ok(());
    }
    console.note(format!("{}: {}", args.out.display(), counted(predicted.pairs, "pair")));
    report_faults(&predicted.unusable, &predicted.too_large, &unreadable)
}

fn open(args: &Args, benchmark: &Benchmark, console: Console) -> anyhow::Result<Box<dyn Method>> {
    // Photographs without usable features are left to the run where it is to go on past them.
    let photographs = (&*benchmark.images, args.keep_going);
    let mut asked = args.method.clone();
    if args.resume && matches!(asked.hpf.engine, None | Some(EngineKind::Auto)) {
        asked.hpf.engine = begun_with(&args.out).or(asked.hpf.engine);
    }
    let method = asked.open(photographs, benchmark.kind, console)?;
    method.check(benchmark.name(), &benchmark.images)?;
    Ok(method)
}

/// The engine that a run which is to be continued was begun with: what `auto` takes may have changed.
/// Nothing where no file says; one that cannot be read is refused later.
fn begun_with(out: &Path) -> Option<EngineKind> {
    let files = [partial_path(out), out.to_owned()];
    let mut readers = files.iter().filter_map(|file| Reader::open(file).ok());
    let engine = readers.next()?.header().method.get(MethodHeader::ENGINE)?;
    EngineKind::from_str(&engine, false).ok()
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
    let why = match *why {
        StopReason::Unusable(unusable) => anyhow::anyhow!(
            "{unusable}; mend it, or use --keep-going to leave its pairs unanswered"
        ),
        why => why.into(),
    };
    anyhow::anyhow!("{why}; {kept}")
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
