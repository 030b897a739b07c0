//! `hpflow predict`: a predictions file of a benchmark.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use indicatif::ProgressBar;

use super::Usage;
use super::console::Console;
use super::options::{BenchmarkArgs, MethodArgs, help_of_methods};
use super::output::{check_writable, counted, left_out};
use hpflow::low_level::benchmark::{Benchmark, Pair, Unreadable};
use hpflow::low_level::files::{self, Destination};
use hpflow::low_level::inputs::{Inputs, of_pairs};
use hpflow::low_level::method::{Method, MethodError, Outcome, Unusable};
use hpflow::low_level::predictions::{
    AnyWriter, Done, Header, InputsFile, Known, Line, Made, Prediction, PredictionsError, Writer,
    partial_path,
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
    /// Continue a run that was stopped; the result is the same as of one that was not. Pairs whose
    /// photographs or annotations are not those that were answered are predicted again, and so are
    /// pairs that were left unanswered or out.
    #[arg(long)]
    resume: bool,
    /// Where a photograph cannot be used, leave its pairs unanswered, where a pair's annotation cannot
    /// be read, leave the pair out, list both at the end and exit with 1, instead of stopping.
    #[arg(long)]
    keep_going: bool,
}

/// What was predicted again is put in its place in the file this often, and after as many times what
/// that takes as [`AMEND_SHARE`].
const AMEND_EVERY: Duration = Duration::from_secs(5);

/// See [`AMEND_EVERY`].
const AMEND_SHARE: u32 = 20;

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
    let (benchmark, unreadable) = if args.keep_going {
        args.benchmark.open_readable()?
    } else {
        (args.benchmark.open()?, Vec::new())
    };
    if !args.keep_going && args.method.features.features.is_none() {
        benchmark.check_photographs()?;
    }
    let mut method = open(args, &benchmark, console)?;
    let mut describe = method.describe();
    describe.extend(args.benchmark.describe());
    let header = Header::new(&benchmark.name, &benchmark.split, describe);
    let total = benchmark.pairs.len();
    // Before any photograph is read: what changes later is another than this.
    let inputs = of_pairs(&benchmark, 0..total, &*method.identify(), false);
    let place = files::regular(&args.out).unwrap_or_else(|_| args.out.clone());
    let finished = args.resume && place.exists() && !partial_path(&place).exists();
    let (writer, done) = if args.resume {
        let (writer, done) = Writer::resume(&args.out, &header)?;
        (AnyWriter::File(writer), done)
    } else {
        match AnyWriter::create(&args.out, &header) {
            Err(error) if error.is_reader_gone() => return Ok(()),
            writer => (writer?, Vec::new()),
        }
    };
    let (log, known) = match (streamed, args.resume) {
        (true, _) => (None, Known::default()),
        (false, true) => {
            let (log, known) = InputsFile::resume(&place)?;
            (Some(log), known)
        }
        (false, false) => (Some(InputsFile::create(&place)?), Known::default()),
    };
    let resumed = Resumed::of(args, &benchmark, &unreadable, &inputs, (&done, &known, finished))?;
    if args.out.exists() && !args.resume && !streamed {
        console.note(format!(
            "{} is there already; it is replaced when this run is complete",
            args.out.display()
        ));
    }
    for note in resumed.notes(&benchmark) {
        console.note(format!("{}: {note}", args.out.display()));
    }
    console.doubts(&benchmark);
    let Resumed { lines, again, next, unanswered, .. } = resumed;
    let todo: Vec<usize> = (next..total).collect();
    if finished && again.is_empty() && todo.is_empty() {
        console.note(format!("{}: complete already; it stays as it is", args.out.display()));
    }
    let progress = console.progress(total, "pairs");
    progress.set_position((next - again.len()) as u64);
    let mut output = Output {
        benchmark: &benchmark,
        inputs: &inputs,
        writer,
        log,
        lines: lines.iter().map(|&(_, pair)| pair).collect(),
        next,
        pending: BTreeMap::new(),
        unanswered,
        unusable: BTreeSet::new(),
        keep_going: args.keep_going,
        reader_gone: false,
        progress: &progress,
    };
    let stopped = || {
        if streamed {
            return format!("stopped; {} has what was predicted", args.out.display());
        }
        format!(
            "stopped; what was predicted is in {} and --resume continues it",
            partial_path(&place).display()
        )
    };
    output.leave_out(&unreadable, &known)?;
    if finished && known.is_empty() {
        output.vouch(&done, &lines)?;
    }
    if lines.len() < done.len() {
        let kept: Vec<Line> = lines.iter().map(|&(position, _)| Line::Kept(position)).collect();
        output.writer.rewrite(&kept)?;
    }
    if !again.is_empty() {
        output.predict_again(&mut *method, &again).with_context(stopped)?;
    }
    let predicted = method.predict(&benchmark, &todo, &mut |outcome| Ok(output.take(outcome)?));
    progress.finish_and_clear();
    if output.reader_gone {
        // As `hpflow predict … | head` has it: nobody wants the rest.
        return Ok(());
    }
    predicted.map_err(|error| {
        let beyond_the_engine = matches!(error, MethodError::Pair { .. });
        anyhow::Error::new(error).context(if beyond_the_engine && !streamed {
            let partial = partial_path(&place);
            format!("this engine cannot take a pair; delete {}, start again", partial.display())
        } else {
            stopped()
        })
    })?;
    let Output { writer, log, unanswered, unusable, .. } = output;
    writer.finish()?;
    if let (Some(log), true) = (log, unanswered.is_empty() && unreadable.is_empty()) {
        log.remove()?;
    }
    console.note(format!("{}: {}", args.out.display(), counted(total, "pair")));
    report_faults(&unusable, &unreadable)
}

fn open(args: &Args, benchmark: &Benchmark, console: Console) -> anyhow::Result<Box<dyn Method>> {
    // Photographs without usable features are left to the run where it is to go on past them.
    let photographs = (&*benchmark.images, args.keep_going);
    let method = args.method.open(photographs, &benchmark.name, console)?;
    method.check(benchmark)?;
    Ok(method)
}

/// What a file that is continued has of this run.
#[derive(Debug, Default)]
struct Resumed {
    /// The lines that stay where they are: position in the file, and pair.
    lines: Vec<(usize, usize)>,
    /// Pairs before `next` that are to be predicted, because their lines do not answer them.
    again: Vec<usize>,
    /// The pair to be written next.
    next: usize,
    /// Pairs whose lines answer no keypoint.
    unanswered: BTreeSet<usize>,
    /// How many pairs answer something else than now, and the first with what that is.
    changed: usize,
    first_changed: Option<(usize, &'static str)>,
    /// Pairs of which it is not known what they answer.
    unknown: usize,
    /// Pairs that a photograph left without an answer.
    without: usize,
    /// Pairs that could not be read before.
    left_out: usize,
    /// Pairs that cannot be read any more.
    dropped: usize,
}

impl Resumed {
    /// Compares a file's lines with what is asked for now: the same pairs in the same order, but for
    /// those that could not be read then or cannot now.
    fn of(
        args: &Args,
        benchmark: &Benchmark,
        unreadable: &[Unreadable],
        inputs: &[Inputs],
        (done, known, finished): (&[Done], &Known, bool),
    ) -> anyhow::Result<Self> {
        let pairs = &benchmark.pairs;
        let unreadable: HashSet<&str> = unreadable.iter().map(|one| one.pair.as_str()).collect();
        let mut all = Self::default();
        for (position, one) in done.iter().enumerate() {
            if unreadable.contains(one.pair.as_str()) {
                all.dropped += 1;
                continue;
            }
            let is_next = |at: usize| pairs.get(at).is_some_and(|pair| pair.id == one.pair);
            while !is_next(all.next)
                && pairs.get(all.next).is_some_and(|pair| known.left_out(&pair.id))
            {
                all.again.push(all.next);
                all.left_out += 1;
                all.next += 1;
            }
            let at = all.next;
            if !is_next(at) {
                bail!(
                    "{}: pair {} is {}, but {} was asked for there; resume with the options and the \
                     benchmark of the run that was stopped, or start again without --resume",
                    args.out.display(),
                    position + 1,
                    one.pair,
                    pairs.get(at).map_or("nothing", |pair| pair.id.as_str())
                );
            }
            all.next += 1;
            all.lines.push((position, at));
            if !one.answered {
                all.unanswered.insert(at);
            }
            if !all.stays(at, one, &inputs[at], (known, finished)) {
                all.again.push(at);
            }
        }
        Ok(all)
    }

    /// Whether a line answers its pair as it is now.
    fn stays(
        &mut self,
        pair: usize,
        one: &Done,
        now: &Inputs,
        (known, finished): (&Known, bool),
    ) -> bool {
        match known.get(&one.pair, &one.line) {
            Some(Made { unusable: true, .. }) => self.without += 1,
            Some(Made { inputs: Some(then), .. }) => match then.difference(now) {
                None => return true,
                Some(what) => {
                    self.changed += 1;
                    self.first_changed.get_or_insert((pair, what));
                }
            },
            // What a finished file answers is its own affair, where it answers.
            _ if finished && known.is_empty() && one.answered => return true,
            _ if finished && known.is_empty() => self.without += 1,
            _ => self.unknown += 1,
        }
        false
    }

    /// What is done again, and why.
    fn notes(&self, benchmark: &Benchmark) -> Vec<String> {
        let Self { changed, unknown, without, left_out, dropped, .. } = self;
        let mut notes = Vec::new();
        if let Some((pair, what)) = self.first_changed {
            notes.push(format!(
                "{} answered other photographs or annotations than there are now, {} first (its {what} \
                 changed): to be predicted again",
                counted(*changed, "pair"),
                benchmark.pairs[pair].id
            ));
        }
        let mut note = |count: &usize, thing: &str, what: &str| {
            if *count > 0 {
                notes.push(format!("{}{what}", counted(*count, thing)));
            }
        };
        note(
            unknown,
            "pair",
            " of which it is not known what they answered: to be predicted again",
        );
        note(without, "unanswered pair", " to be predicted again");
        note(left_out, "pair", " left out before: to be predicted");
        note(dropped, "pair", " cannot be read any more: left out");
        notes
    }
}

fn report_faults(
    unusable: &BTreeSet<(PathBuf, String)>,
    unreadable: &[Unreadable],
) -> anyhow::Result<()> {
    let mut faults = Vec::new();
    if !unusable.is_empty() {
        let reasons: Vec<&str> = unusable.iter().map(|(_, reason)| reason.as_str()).collect();
        faults.push(format!(
            "{} could not be used, and the pairs with {} are unanswered:\n  {}",
            counted(unusable.len(), "photograph"),
            if unusable.len() == 1 { "it" } else { "them" },
            reasons.join("\n  ")
        ));
    }
    if !unreadable.is_empty() {
        faults.push(left_out(unreadable));
    }
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

/// Puts outcomes in layout order and writes them.
struct Output<'a> {
    benchmark: &'a Benchmark,
    inputs: &'a [Inputs],
    writer: AnyWriter,
    /// Nothing where lines are written through: they cannot be continued.
    log: Option<InputsFile>,
    /// The pair of every line of the file, ascending.
    lines: Vec<usize>,
    /// The pair to be written next.
    next: usize,
    /// Pairs predicted before their turn.
    pending: BTreeMap<usize, Answer>,
    /// Pairs whose lines answer no keypoint.
    unanswered: BTreeSet<usize>,
    unusable: BTreeSet<(PathBuf, String)>,
    keep_going: bool,
    /// Whether the reader of a pipe has seen enough.
    reader_gone: bool,
    progress: &'a ProgressBar,
}

/// What is written for a pair.
struct Answer {
    prediction: Prediction,
    /// Whether a photograph cannot be used.
    unusable: bool,
}

impl Output<'_> {
    fn take(&mut self, outcome: Outcome) -> anyhow::Result<()> {
        let (pair, answer) = self.answer(outcome)?;
        self.pending.insert(pair, answer);
        while let Some(answer) = self.pending.remove(&self.next) {
            let written = self.writer.write(&answer.prediction);
            self.reader_gone = written.as_ref().is_err_and(PredictionsError::is_reader_gone);
            written?;
            self.lines.push(self.next);
            self.log(self.next, &answer)?;
            self.next += 1;
        }
        Ok(())
    }

    /// Predicts pairs before the next, and puts what comes of it in its place.
    fn predict_again(&mut self, method: &mut dyn Method, pairs: &[usize]) -> anyhow::Result<()> {
        let mut others = BTreeMap::new();
        let (mut last, mut pause) = (Instant::now(), AMEND_EVERY);
        let predicted = method.predict(self.benchmark, pairs, &mut |outcome| {
            let (pair, answer) = self.answer(outcome)?;
            others.insert(pair, answer);
            if last.elapsed() >= pause {
                let begun = Instant::now();
                self.amend(&std::mem::take(&mut others))?;
                last = Instant::now();
                pause = AMEND_EVERY.max(begun.elapsed() * AMEND_SHARE);
            }
            Ok(())
        });
        // Where it stopped, what it predicted before is kept.
        self.amend(&others)?;
        Ok(predicted?)
    }

    /// Puts answers in their place, then says what they are made of.
    fn amend(&mut self, others: &BTreeMap<usize, Answer>) -> anyhow::Result<()> {
        let mut lines: BTreeMap<usize, Line> =
            self.lines.iter().enumerate().map(|(at, &pair)| (pair, Line::Kept(at))).collect();
        lines.extend(others.iter().map(|(&pair, answer)| (pair, Line::New(&answer.prediction))));
        if others.is_empty() {
            return Ok(());
        }
        self.writer.rewrite(&lines.values().copied().collect::<Vec<_>>())?;
        self.lines = lines.into_keys().collect();
        others.iter().try_for_each(|(&pair, answer)| self.log(pair, answer))
    }

    /// Says what a line that was written is made of.
    fn log(&mut self, pair: usize, answer: &Answer) -> anyhow::Result<()> {
        if answer.prediction.is_answered() {
            self.unanswered.remove(&pair);
        } else {
            self.unanswered.insert(pair);
        }
        match &mut self.log {
            Some(log) => Ok(log.write(&answer.prediction, &self.inputs[pair], answer.unusable)?),
            None => Ok(()),
        }
    }

    /// Says which pairs have no line, before any that they had is removed.
    fn leave_out(&mut self, unreadable: &[Unreadable], known: &Known) -> anyhow::Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        for Unreadable { pair, .. } in unreadable.iter().filter(|one| !known.left_out(&one.pair)) {
            let (pair, line, inputs) = (pair.clone(), None, None);
            log.made(&Made { pair, line, inputs, unusable: false })?;
        }
        Ok(())
    }

    /// Says of the answers of a finished file that they stay.
    fn vouch(&mut self, done: &[Done], lines: &[(usize, usize)]) -> anyhow::Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        for &(position, at) in lines.iter().filter(|&&(position, _)| done[position].answered) {
            let Done { pair, line, .. } = done[position].clone();
            let (line, inputs) = (Some(line), Some(self.inputs[at].clone()));
            log.made(&Made { pair, line, inputs, unusable: false })?;
        }
        Ok(())
    }

    /// A pair and its answer; none where a photograph cannot be used and the run goes on.
    fn answer(&mut self, outcome: Outcome) -> anyhow::Result<(usize, Answer)> {
        let benchmark = self.benchmark;
        let Pair { id, source_keypoints, .. } = &benchmark.pairs[outcome.pair];
        let (keypoints, unusable) = match outcome.keypoints {
            Ok(keypoints) => (keypoints, false),
            Err(unusable) if self.keep_going => {
                let Unusable { photograph, reason } = unusable;
                self.unusable.insert((photograph, reason));
                (vec![None; source_keypoints.len()], true)
            }
            Err(unusable) => {
                bail!("{unusable}; mend it, or use --keep-going to leave its pairs unanswered")
            }
        };
        self.progress.inc(1);
        let prediction = Prediction { pair: id.clone(), keypoints };
        Ok((outcome.pair, Answer { prediction, unusable }))
    }
}
