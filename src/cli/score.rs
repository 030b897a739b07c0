//! `hpflow score`: predictions files to PCK tables.

use std::path::PathBuf;

use anyhow::Context as _;

use super::console::{Console, say};
use super::output::print;
use super::predicted::{Files, Layout, LeftOut, kind, open, read};
use hpflow::low_level::benchmark::{Benchmark, Kind};
use hpflow::low_level::predictions::Header;
use hpflow::low_level::report::Format;
use hpflow::low_level::report::explanation::{self, Comparison};
use hpflow::low_level::report::scores::{
    Contrast, FileScores, Scope, flat, json, metrics, names, own_notes, tables,
};
use hpflow::low_level::score::bootstrap::{Bootstrap, Unit, compare};
use hpflow::low_level::score::explain::judge_differently;
use hpflow::low_level::score::published::is_test_split;
use hpflow::low_level::score::{
    Alpha, Answers, EVALUATORS, Measure, Protocol, Rule, Score, ScoreError, check, defaults_for,
    defined, find, judge, warnings,
};

/// Arguments of `hpflow score`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hpflow score hpf.jsonl identity.jsonl --root SPair-71k --alpha 0.05,0.1\n\n\
A file must answer every pair of the benchmark's split that its header names. Benchmark and split \
are taken from the header. Photographs are not needed, but where annotations give no sizes and a \
protocol measures by or in the whole image: then they are asked for theirs."
)]
pub struct Args {
    /// Predictions files, shown side by side.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The benchmark's folder.
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Shares of the threshold within which a keypoint is right [default: the protocol's own].
    #[arg(long, value_delimiter = ',', value_name = "ALPHA,…")]
    alpha: Vec<Alpha>,
    /// Published ways of scoring, or `all` [default: that of the benchmark's own paper].
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    protocol: Vec<String>,
    /// Which of SPair-71k's lists of pairs makes a file complete [default: the header's, or large].
    #[arg(long)]
    layout: Option<Layout>,
    /// Show the SPair-71k paper's own rows of its tables 3 to 5 beside the files.
    #[arg(long)]
    with_published: bool,
    /// List the keypoints that the first protocol and each other one judge differently, and why.
    #[arg(long)]
    explain: bool,
    /// Add 95 % intervals, and paired tests between files, from so many resamples (try 10000).
    #[arg(long, value_name = "RESAMPLES", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    bootstrap: Option<u32>,
    /// What a resample draws: images, because pairs share them, or pairs for comparison.
    #[arg(long, requires = "bootstrap", default_value = "images")]
    resample: Resample,
    /// The same seed gives the same intervals.
    #[arg(long, requires = "bootstrap", default_value_t = 0)]
    seed: u64,
    /// How the tables are written.
    #[arg(long, default_value = "text")]
    format: Output,
    /// Score files that lack pairs over those that they have, without pairs whose annotations cannot
    /// be read, and say so.
    #[arg(long)]
    partial: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Resample {
    Images,
    Pairs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// Aligned columns; ¹ ² ³ mark the best three of several files.
    Text,
    /// Everything in full precision.
    Json,
    /// One flat JSON object of numbers, as experiment trackers take it.
    Metrics,
    /// Pipe tables; the best bold, the next two underlined.
    Markdown,
    /// Tables for the booktabs package.
    Latex,
    /// One table, a row for each file, protocol and α.
    Csv,
}

/// Scores predictions files and prints the result.
///
/// # Errors
/// A file that cannot be read, is incomplete or does not fit its benchmark; files of different
/// benchmarks; a benchmark that cannot be read; a protocol that does not fit it.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    let Files { paths, headers } = Files::open(&args.files)?;
    let kind = kind(&args.files[0], &headers[0])?;
    let mut protocols = protocols(&args.protocol, kind).with_context(|| paths[0].clone())?;
    if let Some((_, twice)) =
        args.alpha.iter().enumerate().find(|(at, alpha)| args.alpha[..*at].contains(alpha))
    {
        return Err(super::Usage(format!("--alpha names {twice} twice; name it once")).into());
    }
    let masks = protocols.iter().find(|protocol| protocol.measure != Measure::Keypoints);
    if let (Some(protocol), false) = (masks, args.alpha.is_empty()) {
        let what = format!(
            "protocol {} compares masks, which have no α; leave --alpha out",
            protocol.name
        );
        return Err(super::Usage(what).into());
    }
    if args.with_published {
        comparable(&headers[0], &protocols, &args.alpha)?;
    }
    let (benchmark, left_out) =
        open(&args.files[0], &args.root, args.layout, &headers[0], args.partial)?;
    if args.protocol.iter().any(|name| name == "all") {
        leave_out(&mut protocols, &benchmark, kind, &args.protocol)
            .with_context(|| paths[0].clone())?;
    }
    let parts: Vec<_> =
        paths.iter().zip(&headers).map(|(file, header)| (file.as_str(), &header.method)).collect();
    let names = names(&parts);
    if args.explain {
        return explain(args, (&benchmark, &left_out), &protocols, &names);
    }
    let bootstrap = bootstrap(args);
    let (mut files, mut all_answers) = (Vec::new(), Vec::new());
    for (at, file) in args.files.iter().enumerate() {
        let answers = read(file, (&benchmark, &left_out), args.partial)?;
        files.push(FileScores {
            file: paths[at].clone(),
            method: headers[at].method.clone(),
            name: names[at].clone(),
            warnings: warnings(&protocols, &headers[at].method)
                .iter()
                .map(|warning| format!("{}: {warning}.", names[at]))
                .collect(),
            scores: score_all(&benchmark, &answers, &protocols, &args.alpha, bootstrap)
                .with_context(|| paths[at].clone())?,
        });
        all_answers.push(answers);
    }
    let comparisons = match bootstrap {
        Some(bootstrap) => compare_all(&benchmark, &files, &all_answers, bootstrap)?,
        None => Vec::new(),
    };
    let doubts: Vec<String> = console.doubts(&benchmark).into_iter().collect();
    let scope = Scope {
        benchmark: &benchmark.name,
        split: &benchmark.split,
        pairs: benchmark.pairs.len(),
        published: args.with_published,
        comparable: is_test_split(&benchmark),
        bootstrap,
        doubts: &doubts,
    };
    if matches!(args.format, Output::Csv | Output::Metrics) {
        // These have no room for notes.
        own_notes(&files, &comparisons).iter().for_each(|note| console.note(note));
    }
    print(&rendered(args.format, scope, &files, &comparisons)?)
}

/// `all` means those that can be applied. The others are left out, unless they were named beside
/// `all`, and that is said.
fn leave_out(
    protocols: &mut Vec<&'static Protocol>,
    benchmark: &Benchmark,
    kind: Kind,
    asked: &[String],
) -> Result<(), ScoreError> {
    let named = |protocol: &Protocol| asked.iter().any(|name| name == protocol.name);
    let mut why: Vec<(String, Vec<&str>)> = [
        (format!("their authors' code does not define them for {kind}"), Vec::new()),
        (format!("hpflow lacks what their authors' code does on {kind}"), Vec::new()),
    ]
    .into();
    for evaluator in &EVALUATORS {
        match evaluator.rules.on(kind) {
            Rule::Defined(_) => {}
            Rule::NotDefined(_) => why[0].1.push(evaluator.name),
            Rule::NotBuilt(_) => why[1].1.push(evaluator.name),
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
    for (reason, names) in why.into_iter().filter(|(_, names)| !names.is_empty()) {
        say(format!("left out, because {reason}: {}", names.join(", ")));
    }
    Ok(())
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
        other => other.to_string(),
    }
}

/// A protocol that judges keypoints of the benchmark by other choices than `first`, to be proposed.
fn rival(first: &Protocol, benchmark: &Benchmark) -> Option<&'static Protocol> {
    defined(first.benchmark)
        .find(|other| judge_differently(first, other) && check(benchmark, other).is_ok())
}

/// Lists what protocols judge differently, file by file.
fn explain(
    args: &Args,
    (benchmark, left_out): (&Benchmark, &LeftOut),
    protocols: &[&'static Protocol],
    names: &[String],
) -> anyhow::Result<()> {
    if protocols.iter().any(|protocol| protocol.measure != Measure::Keypoints) {
        let what = "--explain is about keypoints, and these protocols compare masks; leave it out";
        return Err(super::Usage(what.to_owned()).into());
    }
    let [first, others @ ..] = protocols else { return Ok(()) };
    if others.is_empty() {
        let one = first.name;
        let proposal = rival(first, benchmark)
            .map_or_else(String::new, |other| format!(", such as --protocol {one},{}", other.name));
        return Err(super::Usage(format!(
            "--explain compares protocols: name another beside {one}{proposal}"
        ))
        .into());
    }
    let alphas = if args.alpha.is_empty() { first.alphas } else { &args.alpha };
    let mut comparisons = Vec::new();
    for (file, name) in args.files.iter().zip(names) {
        let answers = read(file, (benchmark, left_out), args.partial)?;
        for (&other, &alpha) in others.iter().flat_map(|o| alphas.iter().map(move |a| (o, a))) {
            let differences = hpflow::low_level::score::explain::explain(
                benchmark,
                &answers,
                [*first, other],
                alpha,
            )
            .with_context(|| file.display().to_string())?;
            let (file, protocols) = (name.clone(), [*first, other]);
            comparisons.push(Comparison { file, protocols, alpha, differences });
        }
    }
    match args.format {
        Output::Json => {
            let json = explanation::json(benchmark, &comparisons);
            print(&(serde_json::to_string_pretty(&json)? + "\n"))
        }
        Output::Text => print(&explanation::text(benchmark, &comparisons)),
        _ => {
            Err(super::Usage("--explain writes --format text or json, no tables".to_owned()).into())
        }
    }
}

fn bootstrap(args: &Args) -> Option<Bootstrap> {
    let unit = match args.resample {
        Resample::Images => Unit::Images,
        Resample::Pairs => Unit::Pairs,
    };
    args.bootstrap.map(|resamples| Bootstrap {
        resamples: resamples as usize,
        seed: args.seed,
        unit,
    })
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
fn comparable(header: &Header, protocols: &[&Protocol], alphas: &[Alpha]) -> anyhow::Result<()> {
    let same_pairs = header.benchmark == "spair" && header.split == "test";
    let same_alpha = alphas.is_empty() || alphas.contains(&Alpha::hundredths(10));
    let same_protocol = protocols.iter().any(|protocol| protocol.name == "spair");
    if same_pairs && same_alpha && same_protocol {
        return Ok(());
    }
    Err(super::Usage(format!(
        "--with-published shows what the paper measured on spair test with protocol spair at \
         α = 0.1, but this is {} {}{}; leave it out",
        header.benchmark,
        header.split,
        if same_pairs { " with another protocol or α" } else { "" }
    ))
    .into())
}

fn protocols(asked: &[String], kind: Kind) -> anyhow::Result<Vec<&'static Protocol>> {
    if asked.is_empty() {
        return Ok(defaults_for(kind).iter().collect());
    }
    let mut protocols: Vec<&'static Protocol> = Vec::new();
    for name in asked {
        if name == "all" {
            protocols.extend(defined(kind));
        } else {
            let evaluator = find(name).ok_or_else(|| {
                let known: Vec<&str> = EVALUATORS.iter().map(|evaluator| evaluator.name).collect();
                super::Usage(format!(
                    "there is no protocol `{name}`; there are {} and all",
                    known.join(", ")
                ))
            })?;
            protocols.push(evaluator.on(kind)?);
        }
    }
    let mut seen = Vec::new();
    protocols.retain(|protocol| {
        let new = !seen.contains(&protocol.name);
        seen.push(protocol.name);
        new
    });
    Ok(protocols)
}

fn score_all(
    benchmark: &Benchmark,
    answers: &Answers,
    protocols: &[&'static Protocol],
    alphas: &[Alpha],
    bootstrap: Option<Bootstrap>,
) -> Result<Vec<Score>, ScoreError> {
    let score = |&protocol: &&'static Protocol| {
        let alphas = if alphas.is_empty() { protocol.alphas } else { alphas };
        hpflow::low_level::score::score(benchmark, answers, protocol, alphas, bootstrap)
    };
    protocols.iter().map(score).collect()
}

fn rendered(
    output: Output,
    scope: Scope<'_>,
    files: &[FileScores],
    contrasts: &[Contrast],
) -> anyhow::Result<String> {
    let format = match output {
        Output::Json => {
            return Ok(serde_json::to_string_pretty(&json(scope, files, contrasts))? + "\n");
        }
        Output::Metrics => return Ok(serde_json::to_string_pretty(&metrics(files))? + "\n"),
        Output::Csv => return Ok(flat(scope, files).render(Format::Csv)),
        Output::Text => Format::Text,
        Output::Markdown => Format::Markdown,
        Output::Latex => Format::Latex,
    };
    let tables: Vec<String> =
        tables(scope, files, contrasts).iter().map(|table| table.render(format)).collect();
    Ok(tables.join("\n"))
}
