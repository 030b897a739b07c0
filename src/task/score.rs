//! Scoring predictions files under published protocols.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{FilesError, Opened, PredictionsFiles};
use crate::benchmark::{Benchmark, BenchmarkKind, LayoutSize};
use crate::method::row_name;
use crate::predictions::{Header, MethodHeader};
use crate::report::Format;
use crate::report::explanation::ProtocolComparison;
use crate::report::scores::{
    Contrast, FileScores, Scope, flat, json, metrics, names, own_notes, protocol_notes, tables,
};
use crate::score::bootstrap::{Bootstrap, compare};
use crate::score::explain::{explain, judge_differently};
use crate::score::published::is_test_split;
use crate::score::{
    Alpha, Answers, EVALUATORS, Measure, Protocol, Refusal, Score, ScoreError, check, defaults_for,
    defined, find, judge, score, warnings,
};

/// How predictions files are scored.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ScoreOptions {
    /// Names of published ways of scoring, or `all`; that of the benchmark's own paper where empty.
    pub protocols: Vec<String>,
    /// Shares of the threshold within which a keypoint is right; each protocol's own where empty.
    pub alphas: Vec<Alpha>,
    /// Which of SPair-71k's lists of pairs makes a file complete; the header's, or large, where `None`.
    pub layout: Option<LayoutSize>,
    /// Add 95 % intervals, and paired tests between files.
    pub bootstrap: Option<Bootstrap>,
    /// Score files that lack pairs over those that they have.
    pub partial: bool,
    /// Show the SPair-71k paper's own rows beside the files.
    pub with_published: bool,
}

/// Predictions files with their scores.
#[derive(Debug)]
#[non_exhaustive]
pub struct Scored {
    /// The files and their benchmark.
    pub opened: Opened,
    /// The files with their scores, in the order in which they were given.
    pub files: Vec<FileScores>,
    /// Paired tests between files, where intervals were asked for.
    pub contrasts: Vec<Contrast>,
    /// Of the protocols that `all` means those that cannot be applied, by the reason.
    pub left_out: Vec<(String, Vec<&'static str>)>,
    /// What is doubtful in the benchmark's annotations and photographs, a sentence.
    pub doubts: Vec<String>,
    bootstrap: Option<Bootstrap>,
    with_published: bool,
}

/// Why files could not be scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreFilesError {
    /// The files cannot be opened.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// There is no protocol of that name.
    #[error("there is no protocol `{found}`; there are {known} and all")]
    UnknownProtocol {
        /// What was asked for.
        found: String,
        /// The names that there are.
        known: String,
    },
    /// An α is named twice.
    #[error("α {alpha} is named twice; name it once")]
    RepeatedAlpha {
        /// The α.
        alpha: Alpha,
    },
    /// An α was asked for where masks are compared.
    #[error("protocol {protocol} compares masks, which have no α; leave α out")]
    AlphaOfMasks {
        /// The protocol.
        protocol: &'static str,
    },
    /// The paper's rows were asked for beside scores of something else.
    #[error(
        "the published rows are the paper's figures for spair test with protocol spair at α = 0.1, but \
         this is {benchmark} {split}{}; leave them out",
        if *same_pairs { " with another protocol or α" } else { "" }
    )]
    NotComparable {
        /// The benchmark of the files.
        benchmark: String,
        /// Their split.
        split: String,
        /// Whether the pairs are the paper's.
        same_pairs: bool,
    },
    /// Protocols were to be compared, but these judge masks.
    #[error("only protocols that judge keypoints can be explained, and these compare masks")]
    MasksExplained,
    /// Protocols were to be compared, but there is one.
    #[error("name another protocol to compare with {first}{}", proposal(*rival))]
    NothingToCompare {
        /// The protocol.
        first: &'static str,
        /// Another that judges differently.
        rival: Option<&'static str>,
    },
    /// A file cannot be scored under a protocol.
    #[error("{}: {source}", file.display())]
    Score {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Box<ScoreError>,
    },
}

fn proposal(rival: Option<&str>) -> String {
    rival.map_or_else(String::new, |rival| format!(", such as {rival}"))
}

impl ScoreFilesError {
    fn of(file: &Path, source: ScoreError) -> Self {
        Self::Score { file: file.to_owned(), source: Box::new(source) }
    }

    /// Whether something else should have been asked for.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Files(error) => matches!(error, FilesError::Twice { .. } | FilesError::None),
            Self::UnknownProtocol { .. }
            | Self::RepeatedAlpha { .. }
            | Self::AlphaOfMasks { .. }
            | Self::NotComparable { .. }
            | Self::MasksExplained
            | Self::NothingToCompare { .. } => true,
            Self::Score { .. } => false,
        }
    }
}

/// Scores predictions files of one benchmark, whose folder is `root`. A file must answer every pair of
/// the split that its header names, unless parts will do.
///
/// # Errors
/// See [`ScoreFilesError`].
pub fn score_files(
    files: &[PathBuf],
    root: &Path,
    options: &ScoreOptions,
) -> Result<Scored, ScoreFilesError> {
    let Asked { opened, protocols, left_out, names } = Asked::of(files, root, options)?;
    let (mut scores, mut all_answers) = (Vec::new(), Vec::new());
    for (at, file) in files.iter().enumerate() {
        let answers = opened.answers(at)?;
        let wrong = |source| ScoreFilesError::of(file, source);
        let method = &opened.of.headers[at].method;
        scores.push(FileScores {
            file: file.display().to_string(),
            method: method.clone(),
            name: names[at].clone(),
            warnings: of_file(&names[at], &protocols, method),
            scores: score_all(&opened.benchmark, &answers, &protocols, options).map_err(wrong)?,
        });
        all_answers.push(answers);
    }
    let contrasts = match options.bootstrap {
        Some(bootstrap) => compare_all(&opened.benchmark, &scores, &all_answers, bootstrap)
            .map_err(|source| ScoreFilesError::of(&files[0], source))?,
        None => Vec::new(),
    };
    let doubts = opened.benchmark.doubts().sentence().into_iter().collect();
    let (bootstrap, with_published) = (options.bootstrap, options.with_published);
    Ok(Scored { opened, files: scores, contrasts, left_out, doubts, bootstrap, with_published })
}

/// What a reader of a file's scores has to know, a sentence each.
fn of_file(name: &str, protocols: &[&Protocol], method: &MethodHeader) -> Vec<String> {
    warnings(protocols, method).iter().map(|warning| format!("{name}: {warning}.")).collect()
}

/// What the first protocol asked for and each other one judge differently, file by file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Explained {
    /// The files and their benchmark.
    pub opened: Opened,
    /// The keypoints that are judged differently, for each file, protocol and α.
    pub comparisons: Vec<ProtocolComparison>,
    /// As [`Scored::left_out`].
    pub left_out: Vec<(String, Vec<&'static str>)>,
    /// What a reader has to know of the protocols, the files and the benchmark, a sentence each.
    pub notes: Vec<String>,
}

/// Lists the keypoints that the first protocol and each other one judge differently.
///
/// # Errors
/// See [`ScoreFilesError`].
pub fn explain_files(
    files: &[PathBuf],
    root: &Path,
    options: &ScoreOptions,
) -> Result<Explained, ScoreFilesError> {
    let Asked { opened, protocols, left_out, names } = Asked::of(files, root, options)?;
    if protocols.iter().any(|protocol| protocol.measure != Measure::Keypoints) {
        return Err(ScoreFilesError::MasksExplained);
    }
    let [first, others @ ..] = &*protocols else { unreachable!("a benchmark has protocols") };
    if others.is_empty() {
        let rival = rival(first, &opened.benchmark).map(|other| other.name);
        return Err(ScoreFilesError::NothingToCompare { first: first.name, rival });
    }
    let alphas = if options.alphas.is_empty() { first.alphas } else { &options.alphas };
    let mut comparisons = Vec::new();
    let mut notes = protocol_notes(protocols.iter().copied());
    for (at, (file, name)) in files.iter().zip(names).enumerate() {
        notes.extend(of_file(&name, &protocols, &opened.of.headers[at].method));
        let answers = opened.answers(at)?;
        for (&other, &alpha) in others.iter().flat_map(|o| alphas.iter().map(move |a| (o, a))) {
            let protocols = [*first, other];
            let differences = explain(&opened.benchmark, &answers, protocols, alpha)
                .map_err(|source| ScoreFilesError::of(file, source))?;
            comparisons.push(ProtocolComparison {
                file: name.clone(),
                protocols,
                alpha,
                differences,
            });
        }
    }
    notes.extend(opened.benchmark.doubts().sentence());
    Ok(Explained { opened, comparisons, left_out, notes })
}

/// Files, benchmark and protocols, checked against each other.
struct Asked {
    opened: Opened,
    protocols: Vec<&'static Protocol>,
    left_out: Vec<(String, Vec<&'static str>)>,
    names: Vec<String>,
}

impl Asked {
    /// What can be known from headers alone is checked before the benchmark is read.
    fn of(files: &[PathBuf], root: &Path, options: &ScoreOptions) -> Result<Self, ScoreFilesError> {
        let headers = PredictionsFiles::open(files)?;
        let of_first = |source| ScoreFilesError::of(&files[0], source);
        let mut protocols = protocols(&options.protocols, headers.kind, &of_first)?;
        let alphas = &options.alphas;
        let repeated = alphas.iter().enumerate().find(|(at, one)| alphas[..*at].contains(one));
        if let Some((_, &alpha)) = repeated {
            return Err(ScoreFilesError::RepeatedAlpha { alpha });
        }
        let masks = protocols.iter().find(|protocol| protocol.measure != Measure::Keypoints);
        if let (Some(protocol), false) = (masks, alphas.is_empty()) {
            return Err(ScoreFilesError::AlphaOfMasks { protocol: protocol.name });
        }
        if options.with_published {
            comparable(&headers.headers[0], &protocols, alphas)?;
        }
        let opened = headers.with_benchmark(root, options.layout, options.partial)?;
        let all = options.protocols.iter().any(|name| name == "all");
        let left_out = match all {
            true => leave_out(&mut protocols, &opened, &options.protocols).map_err(of_first)?,
            false => Vec::new(),
        };
        let paths: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let parts: Vec<_> = paths
            .iter()
            .zip(&opened.of.headers)
            .map(|(file, header)| (file.as_str(), row_name(&header.method)))
            .collect();
        let names = names(&parts);
        Ok(Self { opened, protocols, left_out, names })
    }
}

impl Scored {
    /// What the files were predicted for, and how they were scored.
    #[must_use]
    pub fn scope(&self) -> Scope<'_> {
        let benchmark = &self.opened.benchmark;
        Scope {
            benchmark: benchmark.name(),
            split: &benchmark.split,
            pairs: benchmark.pairs.len(),
            published: self.with_published,
            comparable: is_test_split(benchmark),
            bootstrap: self.bootstrap,
            doubts: &self.doubts,
        }
    }

    /// The tables in a format: the paper's in text, Markdown and LaTeX, and one with a row for each
    /// file, protocol and α in CSV.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        if matches!(format, Format::Csv) {
            return flat(self.scope(), &self.files).render(format);
        }
        let tables = tables(self.scope(), &self.files, &self.contrasts);
        let tables: Vec<String> = tables.iter().map(|table| table.render(format)).collect();
        tables.join("\n")
    }

    /// Everything in full precision.
    #[must_use]
    pub fn json(&self) -> Value {
        json(self.scope(), &self.files, &self.contrasts)
    }

    /// One flat object of numbers, as experiment trackers take it.
    #[must_use]
    pub fn metrics(&self) -> Value {
        metrics(&self.files)
    }

    /// What a reader of the numbers has to know, a sentence each, for formats without room for it.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        own_notes(&self.files, &self.contrasts)
    }
}

fn score_all(
    benchmark: &Benchmark,
    answers: &Answers,
    protocols: &[&'static Protocol],
    options: &ScoreOptions,
) -> Result<Vec<Score>, ScoreError> {
    let score_one = |&protocol: &&'static Protocol| {
        let alphas = if options.alphas.is_empty() { protocol.alphas } else { &options.alphas };
        score(benchmark, answers, protocol, alphas, options.bootstrap)
    };
    protocols.iter().map(score_one).collect()
}

/// `all` means those that can be applied. The others are left out, unless they were named beside
/// `all`; why is returned.
fn leave_out(
    protocols: &mut Vec<&'static Protocol>,
    opened: &Opened,
    asked: &[String],
) -> Result<Vec<(String, Vec<&'static str>)>, ScoreError> {
    let (benchmark, kind) = (&opened.benchmark, opened.of.kind);
    let named = |protocol: &Protocol| asked.iter().any(|name| name == protocol.name);
    let mut why: Vec<(String, Vec<&'static str>)> =
        [(undefined(kind.name()), Vec::new()), (not_built(kind.name()), Vec::new())].into();
    for evaluator in &EVALUATORS {
        match kind.info().protocol(evaluator.name) {
            Ok(_) => {}
            Err(Refusal::NotDefined(_)) => why[0].1.push(evaluator.name),
            Err(Refusal::Lacking(_)) => why[1].1.push(evaluator.name),
        }
    }
    let mut first = None;
    protocols.retain(|protocol| {
        let Err(error) = check(benchmark, protocol) else { return true };
        if named(protocol) {
            return true;
        }
        let lacking = lacking(&error);
        match why.iter_mut().find(|(reason, _)| *reason == lacking) {
            Some((_, names)) => names.push(protocol.name),
            None => why.push((lacking, vec![protocol.name])),
        }
        first.get_or_insert(error);
        false
    });
    match first {
        Some(error) if protocols.is_empty() => return Err(error),
        _ => {}
    }
    why.retain(|(_, names)| !names.is_empty());
    Ok(why)
}

/// Why several protocols cannot be applied.
fn lacking(error: &ScoreError) -> String {
    match error {
        ScoreError::NoBox { benchmark, .. } => {
            format!("they measure by the object's box, which pairs of {benchmark} do not have")
        }
        ScoreError::NoSize { photograph, .. } => format!(
            "they need the size of photographs, which neither annotations nor {} say",
            photograph.display()
        ),
        ScoreError::NoMirror { pair, .. } => format!(
            "they transfer from target to source, and the pair with the photographs of {pair} \
             exchanged is not there"
        ),
        ScoreError::NotDefined { benchmark, .. } => undefined(benchmark),
        ScoreError::HiddenKeypoints { benchmark, .. } => not_built(benchmark),
        other => other.to_string(),
    }
}

fn undefined(benchmark: &str) -> String {
    format!("their authors' code does not define them for {benchmark}")
}

fn not_built(benchmark: &str) -> String {
    format!("hpflow lacks what their authors' code does on {benchmark}")
}

/// A protocol that judges keypoints of the benchmark by other choices than `first`, to be proposed.
fn rival(first: &Protocol, benchmark: &Benchmark) -> Option<&'static Protocol> {
    defined(benchmark.kind)
        .find(|other| judge_differently(first, other) && check(benchmark, other).is_ok())
}

/// Every two files, under every protocol and α that they were scored with.
fn compare_all(
    benchmark: &Benchmark,
    files: &[FileScores],
    answers: &[Answers],
    bootstrap: Bootstrap,
) -> Result<Vec<Contrast>, ScoreError> {
    let mut contrasts = Vec::new();
    for score in files.iter().take(1).flat_map(|file| &file.scores) {
        for measured in &score.pck {
            let (protocol, alpha) = (score.protocol, measured.alpha);
            let verdicts = answers
                .iter()
                .map(|answers| judge(benchmark, answers, protocol, alpha))
                .collect::<Result<Vec<_>, _>>()?;
            let two =
                (0..files.len()).flat_map(|one| (one + 1..files.len()).map(move |b| (one, b)));
            contrasts.extend(two.filter_map(|(one, other)| {
                let verdicts = [&verdicts[one][..], &verdicts[other][..]];
                let paired = compare(benchmark, verdicts, protocol, bootstrap)?;
                let names = [&files[one], &files[other]].map(|file| file.name.clone());
                Some(Contrast { names, protocol: protocol.name, alpha, paired })
            }));
        }
    }
    Ok(contrasts)
}

/// That the paper's rows say something about these scores.
fn comparable(
    header: &Header,
    protocols: &[&Protocol],
    alphas: &[Alpha],
) -> Result<(), ScoreFilesError> {
    let same_pairs = header.benchmark == BenchmarkKind::Spair.name() && header.split == "test";
    let same_alpha = alphas.is_empty() || alphas.contains(&Alpha::hundredths(10));
    let same_protocol = protocols.iter().any(|protocol| protocol.name == "spair");
    if same_pairs && same_alpha && same_protocol {
        return Ok(());
    }
    let (benchmark, split) = (header.benchmark.clone(), header.split.clone());
    Err(ScoreFilesError::NotComparable { benchmark, split, same_pairs })
}

/// The protocols of these names, each once, as they are defined for a kind of benchmark.
fn protocols(
    asked: &[String],
    kind: BenchmarkKind,
    wrong: &impl Fn(ScoreError) -> ScoreFilesError,
) -> Result<Vec<&'static Protocol>, ScoreFilesError> {
    if asked.is_empty() {
        return Ok(defaults_for(kind));
    }
    let mut protocols: Vec<&'static Protocol> = Vec::new();
    for name in asked {
        if name == "all" {
            protocols.extend(defined(kind));
            continue;
        }
        let Some(evaluator) = find(name) else {
            let known: Vec<&str> = EVALUATORS.iter().map(|evaluator| evaluator.name).collect();
            let (found, known) = (name.clone(), known.join(", "));
            return Err(ScoreFilesError::UnknownProtocol { found, known });
        };
        protocols.push(evaluator.on(kind).map_err(wrong)?);
    }
    let mut seen = Vec::new();
    protocols.retain(|protocol| {
        let new = !seen.contains(&protocol.name);
        seen.push(protocol.name);
        new
    });
    Ok(protocols)
}
