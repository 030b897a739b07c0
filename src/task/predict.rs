//! Predicting a benchmark into a file that can be continued.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::benchmark::{Benchmark, Pair, Unreadable};
use crate::files::{self, Destination};
use crate::inputs::{Inputs, of_pairs};
use crate::method::{Method, MethodError, Outcome, Stop, TooLarge, Unanswered, Unusable, Work};
use crate::predictions::{
    AnyWriter, Done, Header, InputsFile, Known, Line, Made, MethodHeader, Prediction,
    PredictionsError, ShardHeader, Writer, partial_path,
};

/// What was predicted again is put in its place in the file this often, and after as many times what
/// that takes as [`AMEND_SHARE`].
const AMEND_EVERY: Duration = Duration::from_secs(5);

/// See [`AMEND_EVERY`].
const AMEND_SHARE: u32 = 20;

/// How a benchmark is predicted.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PredictOptions {
    /// Continue the run whose file is there; the result is that of a run that was not stopped. Without
    /// one a run begins.
    pub resume: bool,
    /// Leave pairs unanswered whose photographs cannot be used or that are beyond the engine, instead of
    /// stopping at the first.
    pub keep_going: bool,
    /// Which pairs were asked for, for the header of the file; nothing where it is all.
    pub selection: MethodHeader,
    /// Which shard the benchmark is of a whole one, for the header of the file. What its lines are made
    /// of stays beside it, also where all pairs are answered.
    pub shard: Option<ShardHeader>,
}

/// What there is to know while a benchmark is predicted.
#[derive(Debug)]
#[non_exhaustive]
pub enum PredictEvent<'a> {
    /// Work begins.
    Begun(Begun<'a>),
    /// So many of all pairs are predicted.
    Advanced {
        /// Pairs that are predicted, with those from before.
        done: usize,
        /// All pairs.
        total: usize,
    },
}

/// How things stand when work begins.
#[derive(Debug)]
#[non_exhaustive]
pub struct Begun<'a> {
    /// Whether a complete file of that name is there, which is replaced in the end.
    pub replaces: bool,
    /// Whether the file is complete and has all that is asked for.
    pub complete: bool,
    /// How many pairs answered other photographs or annotations than there are now, and the first with
    /// what changed.
    pub changed: Option<(usize, &'a Pair, &'static str)>,
    /// Pairs of which it is not known what they answered, and which are predicted again.
    pub unknown: usize,
    /// Pairs of a file that was complete, of which that is not known either: their answers are taken as
    /// they are.
    pub taken: usize,
    /// Pairs that a photograph, or an engine that they are beyond, left without an answer.
    pub unanswered: usize,
    /// Pairs that could not be read before.
    pub left_out: usize,
    /// Pairs that cannot be read any more.
    pub dropped: usize,
}

/// What became of a benchmark.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Predicted {
    /// How many pairs the file has.
    pub pairs: usize,
    /// The photographs that could not be used, each once, by path. Their pairs are unanswered.
    pub unusable: Vec<Unusable>,
    /// The pairs that are beyond the engine, in the benchmark's order. They are unanswered.
    pub too_large: Vec<TooLarge>,
    /// Whether all is written; not where the reader of a pipe had seen enough.
    pub whole: bool,
}

/// Why a benchmark could not be predicted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// The file cannot be begun, continued or completed.
    #[error(transparent)]
    File(#[from] PredictionsError),
    /// Something that is written through was to be continued.
    #[error("{} is not a regular file, and only a regular file can be continued", out.display())]
    NotContinuable {
        /// What was to be continued.
        out: PathBuf,
    },
    /// The method is of another benchmark.
    #[error(transparent)]
    Method(MethodError),
    /// The file has other pairs than are asked for.
    #[error(
        "{}: pair {position} is {found}, but {expected} was asked for there; resume with the options and \
         the benchmark of the run that was stopped, or start again",
        out.display()
    )]
    OtherPairs {
        /// The file.
        out: PathBuf,
        /// The first position that differs, from 1.
        position: usize,
        /// The pair in the file.
        found: String,
        /// The pair that was asked for, or `nothing`.
        expected: String,
    },
    /// It stopped on the way; what was predicted before is kept.
    #[error("{why}")]
    Stopped {
        /// Where the lines are that can be continued; `None` where they were written through.
        partial: Option<PathBuf>,
        /// Why.
        #[source]
        why: Box<StopReason>,
    },
}

/// Why predicting stopped on the way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopReason {
    /// A photograph that cannot be used.
    #[error(transparent)]
    Unusable(Unusable),
    /// A pair that is beyond the engine.
    #[error(transparent)]
    TooLarge(TooLarge),
    /// The method failed.
    #[error(transparent)]
    Method(MethodError),
    /// The file cannot be written.
    #[error(transparent)]
    File(PredictionsError),
    /// The method gave something else than what is asked of every method.
    #[error(
        "the method {what}; it has to give one outcome for each pair, with a point or none for each of its keypoints"
    )]
    Outcome {
        /// What it did.
        what: String,
    },
}

/// Predicts the pairs of a benchmark into a file, whose name it gets when it is complete; until then its
/// lines are beside it ([`partial_path`]). `out` may be `-`, a device or a pipe, which lines are
/// written through. `unreadable` are pairs that the benchmark lacks because they cannot be read.
///
/// # Errors
/// A file that cannot be written or continued, a method that fails, or, unless it is to keep going, a
/// photograph that cannot be used or a pair that is beyond the engine.
pub fn predict(
    (benchmark, unreadable): (&Benchmark, &[Unreadable]),
    method: &mut dyn Method,
    out: &Path,
    options: &PredictOptions,
    listener: &mut dyn FnMut(PredictEvent),
) -> Result<Predicted, PredictError> {
    let streamed =
        matches!(Destination::of(out), Ok(Destination::Standard | Destination::Stream(_)));
    if streamed && options.resume {
        return Err(PredictError::NotContinuable { out: out.to_owned() });
    }
    method.check(benchmark.name(), &benchmark.images).map_err(PredictError::Method)?;
    let header = header_of(benchmark, method, options);
    let total = benchmark.pairs.len();
    // Before any photograph is read: what changes later is another than this.
    let inputs = of_pairs(benchmark, 0..total, &*method.identify(), false);
    let place = files::regular(out).unwrap_or_else(|_| out.to_owned());
    let finished = options.resume && place.exists() && !partial_path(&place).exists();
    if finished {
        // A complete file keeps its name until it is known that something of it is to be done again.
        let done = Writer::complete(out, &header)?;
        let known = InputsFile::read(&place)?;
        let state = (&*done, &known, true);
        let resumed = Resumed::of(out, benchmark, unreadable, &inputs, state)?;
        if resumed.has_nothing_to_do(total) {
            listener(PredictEvent::Begun(resumed.begun(benchmark, false, true)));
            return Ok(Predicted { pairs: total, whole: true, ..Predicted::default() });
        }
        if known.is_empty() {
            InputsFile::take(&place, done.iter())?;
        }
    }
    if !streamed {
        // What has the name of the file beside it is seen before any file is begun.
        InputsFile::read(&place)?;
    }
    let (writer, done) = if options.resume {
        let (writer, done) = Writer::resume(out, &header)?;
        (AnyWriter::File(writer), done)
    } else {
        match AnyWriter::create(out, &header) {
            Err(error) if error.is_reader_gone() => {
                return Ok(Predicted::default());
            }
            writer => (writer?, Vec::new()),
        }
    };
    let (log, known) = match (streamed, options.resume) {
        (true, _) => (None, Known::default()),
        (false, true) => {
            let (log, known) = InputsFile::resume(&place)?;
            (Some(log), known)
        }
        (false, false) => (Some(InputsFile::create(&place)?), Known::default()),
    };
    let resumed = Resumed::of(out, benchmark, unreadable, &inputs, (&done, &known, finished))?;
    let replaces = !options.resume && !streamed && out.exists();
    listener(PredictEvent::Begun(resumed.begun(benchmark, replaces, false)));
    let Resumed { lines, again, next, unanswered, .. } = resumed;
    let todo: Vec<usize> = (next..total).collect();
    let mut output = Output {
        benchmark,
        inputs: &inputs,
        writer,
        log,
        lines: lines.iter().map(|&(_, pair)| pair).collect(),
        done: next - again.len(),
        next,
        pending: BTreeMap::new(),
        unanswered,
        unusable: BTreeMap::new(),
        too_large: BTreeMap::new(),
        keep_going: options.keep_going,
        reader_gone: false,
        listener,
    };
    output.tell();
    let stopped = |why| PredictError::Stopped {
        partial: (!streamed).then(|| partial_path(&place)),
        why: Box::new(why),
    };
    let before = |error| stopped(StopReason::File(error));
    output.leave_out(unreadable, &known).map_err(before)?;
    if lines.len() < done.len() {
        let kept: Vec<Line> = lines.iter().map(|&(position, _)| Line::Kept(position)).collect();
        output.writer.rewrite(&kept).map_err(before)?;
    }
    if !again.is_empty() {
        output.predict_again(method, &again).map_err(stopped)?;
    }
    let work = Work::of(benchmark, &todo);
    let predicted = method.predict(&work, &mut |outcome| output.take(outcome).map_err(Stop::from));
    if output.reader_gone {
        return Ok(Predicted { pairs: output.next, ..Predicted::default() });
    }
    predicted.map_err(|error| stopped(StopReason::of(error)))?;
    if output.next < total {
        return Err(stopped(output.left_out(output.next)));
    }
    let Output { writer, log, unanswered, unusable, too_large, .. } = output;
    writer.finish()?;
    let all_answered = unanswered.is_empty() && unreadable.is_empty();
    if let (Some(log), true) = (log, all_answered && options.shard.is_none()) {
        log.remove()?;
    }
    let unusable = unusable.into_values().collect();
    let too_large = too_large.into_values().collect();
    Ok(Predicted { pairs: total, unusable, too_large, whole: true })
}

/// The first line of what a method predicts.
pub(super) fn header_of(
    benchmark: &Benchmark,
    method: &dyn Method,
    options: &PredictOptions,
) -> Header {
    let about = method.header().with_all(options.selection.clone());
    let header = Header::new(benchmark.name(), &benchmark.split, about);
    header.of_shard(options.shard.clone())
}

impl StopReason {
    /// What a method's error is: its own, or what it was stopped with.
    fn of(error: MethodError) -> Self {
        match error {
            MethodError::Stopped(stop) => match stop.downcast::<Self>() {
                Ok(reason) => *reason,
                Err(stop) => Self::Method(MethodError::Stopped(stop)),
            },
            error => Self::Method(error),
        }
    }
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
    /// Pairs of which that is not known either, whose answers are taken as they are.
    taken: usize,
    /// Pairs that a photograph, or an engine that they are beyond, left without an answer.
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
        out: &Path,
        benchmark: &Benchmark,
        unreadable: &[Unreadable],
        inputs: &[Inputs],
        (done, known, finished): (&[Done], &Known, bool),
    ) -> Result<Self, PredictError> {
        let pairs = &benchmark.pairs;
        // Rows that cannot be read may be of any pair that is not there.
        let mut without_id = unreadable.iter().filter(|one| one.pair.is_empty()).count();
        let unreadable: HashSet<&str> = unreadable.iter().map(|one| one.pair.as_str()).collect();
        let places: HashMap<&str, usize> =
            pairs.iter().enumerate().map(|(at, pair)| (pair.id.as_str(), at)).collect();
        let mut all = Self::default();
        for (position, one) in done.iter().enumerate() {
            let place = places.get(one.pair.as_str());
            if unreadable.contains(one.pair.as_str()) {
                all.dropped += 1;
                continue;
            }
            if place.is_none() && without_id > 0 {
                without_id -= 1;
                all.dropped += 1;
                continue;
            }
            let is_next = |at: usize| pairs.get(at).is_some_and(|pair| pair.id == one.pair);
            // Of those that had no id, any may have been left out before this one.
            let comes = known.left_out("") && place.is_some_and(|&place| place > all.next);
            while !is_next(all.next)
                && pairs.get(all.next).is_some_and(|pair| comes || known.left_out(&pair.id))
            {
                all.again.push(all.next);
                all.left_out += 1;
                all.next += 1;
            }
            let at = all.next;
            if !is_next(at) {
                return Err(PredictError::OtherPairs {
                    out: out.to_owned(),
                    position: position + 1,
                    found: one.pair.clone(),
                    expected: pairs
                        .get(at)
                        .map_or_else(|| "nothing".to_owned(), |pair| pair.id.clone()),
                });
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
            Some(Made { taken: true, .. }) => {
                self.taken += 1;
                return true;
            }
            Some(Made { inputs: Some(then), .. }) => match then.difference(now) {
                None => return true,
                Some(what) => {
                    self.changed += 1;
                    self.first_changed.get_or_insert((pair, what));
                }
            },
            // What a complete file answers is its own affair, where it answers.
            _ if finished && known.is_empty() && one.answered => {
                self.taken += 1;
                return true;
            }
            _ if finished && known.is_empty() => self.without += 1,
            _ => self.unknown += 1,
        }
        false
    }

    /// Whether the file has the answers of all pairs, and no others.
    fn has_nothing_to_do(&self, total: usize) -> bool {
        self.again.is_empty() && self.next == total && self.dropped == 0
    }

    /// How things stand, in numbers.
    fn begun<'a>(&self, benchmark: &'a Benchmark, replaces: bool, finished: bool) -> Begun<'a> {
        Begun {
            replaces,
            complete: finished && self.has_nothing_to_do(benchmark.pairs.len()),
            taken: self.taken,
            changed: self
                .first_changed
                .map(|(pair, what)| (self.changed, &benchmark.pairs[pair], what)),
            unknown: self.unknown,
            unanswered: self.without,
            left_out: self.left_out,
            dropped: self.dropped,
        }
    }
}

/// Puts outcomes in layout order and writes them.
struct Output<'a, 'b> {
    benchmark: &'a Benchmark,
    inputs: &'a [Inputs],
    writer: AnyWriter,
    /// Nothing where lines are written through: they cannot be continued.
    log: Option<InputsFile>,
    /// The pair of every line of the file, ascending.
    lines: Vec<usize>,
    /// How many pairs are predicted.
    done: usize,
    /// The pair to be written next.
    next: usize,
    /// Pairs predicted before their turn.
    pending: BTreeMap<usize, Answer>,
    /// Pairs whose lines answer no keypoint.
    unanswered: BTreeSet<usize>,
    /// By photograph and reason.
    unusable: BTreeMap<(PathBuf, String), Unusable>,
    /// By pair.
    too_large: BTreeMap<usize, TooLarge>,
    keep_going: bool,
    /// Whether the reader of a pipe has seen enough.
    reader_gone: bool,
    listener: &'b mut dyn FnMut(PredictEvent),
}

/// What is written for a pair.
struct Answer {
    prediction: Prediction,
    /// Whether a photograph cannot be used, or the pair is beyond the engine.
    unusable: bool,
}

impl Output<'_, '_> {
    /// Tells how many pairs are predicted.
    fn tell(&mut self) {
        let total = self.benchmark.pairs.len();
        (self.listener)(PredictEvent::Advanced { done: self.done, total });
    }

    fn take(&mut self, outcome: Outcome) -> Result<(), StopReason> {
        let (pair, answer) = self.answer(outcome)?;
        if pair < self.next || self.pending.contains_key(&pair) {
            return Err(self.twice(pair));
        }
        self.pending.insert(pair, answer);
        while let Some(answer) = self.pending.remove(&self.next) {
            let written = self.writer.write(&answer.prediction);
            self.reader_gone = written.as_ref().is_err_and(PredictionsError::is_reader_gone);
            written.map_err(StopReason::File)?;
            self.lines.push(self.next);
            self.log(self.next, &answer).map_err(StopReason::File)?;
            self.next += 1;
        }
        Ok(())
    }

    /// That a pair was answered before, or was not asked for.
    fn twice(&self, pair: usize) -> StopReason {
        let id = &self.benchmark.pairs[pair].id;
        StopReason::Outcome { what: format!("answered pair {id} twice, or without being asked") }
    }

    /// That the method ended without an outcome for a pair.
    fn left_out(&self, pair: usize) -> StopReason {
        let id = &self.benchmark.pairs[pair].id;
        StopReason::Outcome { what: format!("left out pair {id}, and perhaps others") }
    }

    /// Predicts pairs before the next, and puts what comes of it in its place.
    fn predict_again(
        &mut self,
        method: &mut dyn Method,
        pairs: &[usize],
    ) -> Result<(), StopReason> {
        let mut others = BTreeMap::new();
        let mut missing: BTreeSet<usize> = pairs.iter().copied().collect();
        let (mut last, mut pause) = (Instant::now(), AMEND_EVERY);
        let work = Work::of(self.benchmark, pairs);
        let predicted = method.predict(&work, &mut |outcome| {
            let (pair, answer) = self.answer(outcome)?;
            if !missing.remove(&pair) {
                return Err(self.twice(pair).into());
            }
            others.insert(pair, answer);
            if last.elapsed() >= pause {
                let begun = Instant::now();
                self.amend(&std::mem::take(&mut others)).map_err(StopReason::File)?;
                last = Instant::now();
                pause = AMEND_EVERY.max(begun.elapsed() * AMEND_SHARE);
            }
            Ok(())
        });
        // Where it stopped, what it predicted before is kept.
        self.amend(&others).map_err(StopReason::File)?;
        predicted.map_err(StopReason::of)?;
        missing.first().map_or(Ok(()), |&pair| Err(self.left_out(pair)))
    }

    /// Puts answers in their place, then says what they are made of.
    fn amend(&mut self, others: &BTreeMap<usize, Answer>) -> Result<(), PredictionsError> {
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
    fn log(&mut self, pair: usize, answer: &Answer) -> Result<(), PredictionsError> {
        if answer.prediction.is_answered() {
            self.unanswered.remove(&pair);
        } else {
            self.unanswered.insert(pair);
        }
        match &mut self.log {
            Some(log) => log.write(&answer.prediction, &self.inputs[pair], answer.unusable),
            None => Ok(()),
        }
    }

    /// Says which pairs have no line, before any that they had is removed.
    fn leave_out(
        &mut self,
        unreadable: &[Unreadable],
        known: &Known,
    ) -> Result<(), PredictionsError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        for Unreadable { pair, .. } in unreadable.iter().filter(|one| !known.left_out(&one.pair)) {
            let (pair, line, inputs) = (pair.clone(), None, None);
            log.made(&Made { pair, line, inputs, unusable: false, taken: false })?;
        }
        Ok(())
    }

    /// A pair and its answer; none where it cannot be had and the run goes on.
    fn answer(&mut self, outcome: Outcome) -> Result<(usize, Answer), StopReason> {
        let benchmark = self.benchmark;
        let Some(Pair { id, source_keypoints, .. }) = benchmark.pairs.get(outcome.pair) else {
            let what = format!("answered pair {} of {}", outcome.pair, benchmark.pairs.len());
            return Err(StopReason::Outcome { what });
        };
        if let Ok(keypoints) = &outcome.keypoints
            && keypoints.len() != source_keypoints.len()
        {
            let (found, expected) = (keypoints.len(), source_keypoints.len());
            let what = format!("gave {found} points for pair {id}, which has {expected} keypoints");
            return Err(StopReason::Outcome { what });
        }
        let (keypoints, unusable) = match outcome.keypoints {
            Ok(keypoints) => (keypoints, false),
            Err(why) if self.keep_going => {
                match why {
                    Unanswered::Unusable(unusable) => {
                        let key = (unusable.photograph.clone(), unusable.reason.clone());
                        self.unusable.insert(key, unusable);
                    }
                    Unanswered::TooLarge(too_large) => {
                        self.too_large.insert(outcome.pair, too_large);
                    }
                }
                (vec![None; source_keypoints.len()], true)
            }
            Err(Unanswered::Unusable(unusable)) => return Err(StopReason::Unusable(unusable)),
            Err(Unanswered::TooLarge(too_large)) => return Err(StopReason::TooLarge(too_large)),
        };
        self.done += 1;
        self.tell();
        let prediction = Prediction { pair: id.clone(), keypoints };
        Ok((outcome.pair, Answer { prediction, unusable }))
    }
}
