//! `hpflow predict`: a predictions file of a benchmark.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use indicatif::ProgressBar;

use super::Usage;
use super::console::Console;
use super::options::{BenchmarkArgs, MethodArgs, help_of_methods};
use super::output::{check_writable, counted};
use crate::benchmark::Benchmark;
use crate::features::file_of;
use crate::files::{self, Destination};
use crate::method::{Keypoints, Method, MethodError, Outcome, Unusable};
use crate::predictions::{
    AnyWriter, Done, Header, Prediction, PredictionsError, Writer, partial_path,
};

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
    /// Continue a run that was stopped; the result is the same as of one that was not. Pairs that
    /// were left unanswered are predicted again.
    #[arg(long)]
    resume: bool,
    /// Where a photograph cannot be used, leave its pairs unanswered, list it at the end and exit
    /// with 1, instead of stopping.
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
        let what = format!("--resume: {out} is no regular file, and only such can be continued");
        return Err(Usage(what).into());
    }
    let benchmark = args.benchmark.open()?;
    if !args.keep_going && args.method.features.features.is_none() {
        benchmark.check_photographs()?;
    }
    let mut method = open(args, &benchmark, console)?;
    let mut describe = method.describe();
    describe.extend(args.benchmark.describe());
    let header = Header::new(&benchmark.name, &benchmark.split, describe);
    let (writer, done) = if args.resume {
        let (writer, done) = Writer::resume(&args.out, &header)?;
        (AnyWriter::File(writer), done)
    } else {
        match AnyWriter::create(&args.out, &header) {
            Err(error) if error.is_reader_gone() => return Ok(()),
            writer => (writer?, Vec::new()),
        }
    };
    check_resumed(&benchmark, &done, args)?;
    if args.out.exists() && !args.resume && !streamed {
        console.note(format!(
            "{} is there already; it is replaced when this run is complete",
            args.out.display()
        ));
    }
    let total = benchmark.pairs.len();
    let progress = console.progress(total, "pairs");
    let todo: Vec<usize> = (done.len()..total).collect();
    let again: Vec<usize> = (0..done.len()).filter(|&pair| !done[pair].answered).collect();
    progress.set_position((done.len() - again.len()) as u64);
    let mut output = Output {
        benchmark: &benchmark,
        writer,
        next: done.len(),
        pending: BTreeMap::new(),
        unusable: BTreeSet::new(),
        keep_going: args.keep_going,
        reader_gone: false,
        progress: &progress,
    };
    let place = || files::regular(&args.out).unwrap_or_else(|_| args.out.clone());
    let stopped = || {
        if streamed {
            return format!("stopped; {} has what was predicted", args.out.display());
        }
        format!(
            "stopped; what was predicted is in {} and --resume continues it",
            partial_path(&place()).display()
        )
    };
    if !again.is_empty() {
        let count = counted(again.len(), "unanswered pair");
        console.note(format!("{}: {count} to be predicted again", args.out.display()));
        output.amend(&mut *method, &again).with_context(stopped)?;
    }
    let predicted = method.predict(&benchmark, &todo, &mut |outcome| output.take(outcome));
    progress.finish_and_clear();
    if output.reader_gone {
        // As `hpflow predict … | head` has it: nobody wants the rest.
        return Ok(());
    }
    predicted.map_err(|error| {
        let beyond_the_engine = matches!(error, MethodError::Pair { .. });
        anyhow::Error::new(error).context(if beyond_the_engine && !streamed {
            let partial = partial_path(&place());
            format!("this engine cannot take a pair; delete {}, start again", partial.display())
        } else {
            stopped()
        })
    })?;
    let unusable = std::mem::take(&mut output.unusable);
    output.writer.finish()?;
    console.note(format!("{}: {}", args.out.display(), counted(total, "pair")));
    report_unusable(&unusable)
}

fn open(args: &Args, benchmark: &Benchmark, console: Console) -> anyhow::Result<Box<dyn Method>> {
    let photographs = benchmark.images.iter().map(|image| &*image.path);
    // Photographs without features are left to the run where it is to go on past them.
    let there = |photograph: &&Path| {
        let folder = args.method.features.features.as_ref().filter(|_| args.keep_going);
        folder.is_none_or(|folder| file_of(folder, photograph).is_file())
    };
    let method = args.method.open(photographs.filter(there), &benchmark.name, console)?;
    method.check(benchmark)?;
    Ok(method)
}

/// A resumed file holds the first pairs of this very selection, in order.
fn check_resumed(benchmark: &Benchmark, done: &[Done], args: &Args) -> anyhow::Result<()> {
    for (position, Done { pair: id, .. }) in done.iter().enumerate() {
        let expected = benchmark.pairs.get(position).map(|pair| pair.id.as_str());
        if expected != Some(id) {
            bail!(
                "{}: pair {} is {id}, but {} was asked for there; resume with the options of the \
                 run that was stopped, or start again without --resume",
                args.out.display(),
                position + 1,
                expected.unwrap_or("nothing")
            );
        }
    }
    Ok(())
}

fn report_unusable(unusable: &BTreeSet<(PathBuf, String)>) -> anyhow::Result<()> {
    if unusable.is_empty() {
        return Ok(());
    }
    let reasons: Vec<&str> = unusable.iter().map(|(_, reason)| reason.as_str()).collect();
    bail!(
        "{} could not be used, and the pairs with {} are unanswered:\n  {}",
        counted(unusable.len(), "photograph"),
        if unusable.len() == 1 { "it" } else { "them" },
        reasons.join("\n  ")
    )
}

/// Puts outcomes in layout order and writes them.
struct Output<'a> {
    benchmark: &'a Benchmark,
    writer: AnyWriter,
    /// The pair to be written next.
    next: usize,
    /// Pairs predicted before their turn.
    pending: BTreeMap<usize, Keypoints>,
    unusable: BTreeSet<(PathBuf, String)>,
    keep_going: bool,
    /// Whether the reader of a pipe has seen enough.
    reader_gone: bool,
    progress: &'a ProgressBar,
}

impl Output<'_> {
    fn take(&mut self, outcome: Outcome) -> anyhow::Result<()> {
        let (pair, keypoints) = self.answer(outcome)?;
        self.pending.insert(pair, keypoints);
        while let Some(keypoints) = self.pending.remove(&self.next) {
            let written = self.writer.write(&self.prediction(self.next, keypoints));
            self.reader_gone = written.as_ref().is_err_and(PredictionsError::is_reader_gone);
            written?;
            self.next += 1;
        }
        Ok(())
    }

    /// Predicts pairs that the file has already, and puts what comes of it in their place.
    fn amend(&mut self, method: &mut dyn Method, pairs: &[usize]) -> anyhow::Result<()> {
        let mut others = BTreeMap::new();
        method.predict(self.benchmark, pairs, &mut |outcome| {
            let (pair, keypoints) = self.answer(outcome)?;
            others.insert(pair, self.prediction(pair, keypoints));
            Ok(())
        })?;
        match &mut self.writer {
            AnyWriter::File(writer) => Ok(writer.amend(&others)?),
            AnyWriter::Stream(_) => unreachable!("only a file has pairs already"),
        }
    }

    /// A pair and its keypoints; none where a photograph cannot be used and the run goes on.
    fn answer(&mut self, outcome: Outcome) -> anyhow::Result<(usize, Keypoints)> {
        let keypoints = match outcome.keypoints {
            Ok(keypoints) => keypoints,
            Err(unusable) if self.keep_going => {
                let Unusable { photograph, reason } = unusable;
                self.unusable.insert((photograph, reason));
                vec![None; self.benchmark.pairs[outcome.pair].source_keypoints.len()]
            }
            Err(unusable) => {
                bail!("{unusable}; mend it, or use --keep-going to leave its pairs unanswered")
            }
        };
        self.progress.inc(1);
        Ok((outcome.pair, keypoints))
    }

    fn prediction(&self, pair: usize, keypoints: Keypoints) -> Prediction {
        Prediction { pair: self.benchmark.pairs[pair].id.clone(), keypoints }
    }
}
