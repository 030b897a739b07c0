//! `hpflow score`: predictions files to PCK tables.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::output::print;
use crate::benchmark::{Benchmark, BenchmarkError, Kind, LayoutSize, Options};
use crate::predictions::{Header, Reader};
use crate::report::Format;
use crate::report::explanation::{self, Comparison};
use crate::report::scores::{FileScores, Scope, flat, json, names, tables};
use crate::score::{Alpha, Answers, PROTOCOLS, Protocol, Score, ScoreError, default_for, find};

/// Arguments of `hpflow score`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hpflow score hpf.jsonl identity.jsonl --root SPair-71k --alpha 0.05,0.1\n\n\
A file must answer every pair of the benchmark's split that its header names. Benchmark and split \
are taken from the header; photographs are not needed."
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
    /// How the tables are written.
    #[arg(long, default_value = "text")]
    format: Output,
    /// Score files that lack pairs over those that they have, and say so.
    #[arg(long)]
    partial: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Layout {
    Large,
    Small,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// Aligned columns; ¹ ² ³ mark the best three of several files.
    Text,
    /// Everything in full precision.
    Json,
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
pub fn run(args: &Args) -> anyhow::Result<()> {
    let headers = args
        .files
        .iter()
        .map(|file| Ok(Reader::open(file)?.header().clone()))
        .collect::<anyhow::Result<Vec<Header>>>()?;
    same_benchmark(args, &headers)?;
    let protocols = protocols(&args.protocol, &headers[0].benchmark)?;
    if args.with_published {
        comparable(&headers[0], &protocols, &args.alpha)?;
    }
    let benchmark = open(&args.files[0], &args.root, args.layout, &headers[0])?;
    let shown: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    let parts: Vec<_> =
        shown.iter().zip(&headers).map(|(file, header)| (file.as_str(), &header.method)).collect();
    let names = names(&parts);
    if args.explain {
        return explain(args, &benchmark, &protocols, &names);
    }
    let mut files = Vec::with_capacity(args.files.len());
    for (at, file) in args.files.iter().enumerate() {
        let answers = read(file, &benchmark, args.partial)?;
        files.push(FileScores {
            file: shown[at].clone(),
            method: headers[at].method.clone(),
            name: names[at].clone(),
            warnings: warnings(&names[at], &headers[at], &protocols),
            scores: score_all(&benchmark, &answers, &protocols, &args.alpha)
                .with_context(|| shown[at].clone())?,
        });
    }
    let scope = Scope {
        benchmark: &benchmark.name,
        split: &benchmark.split,
        pairs: benchmark.pairs.len(),
        published: args.with_published,
    };
    print(&rendered(args.format, scope, &files)?)
}

/// Lists what protocols judge differently, file by file.
fn explain(
    args: &Args,
    benchmark: &Benchmark,
    protocols: &[&'static Protocol],
    names: &[String],
) -> anyhow::Result<()> {
    let [first, others @ ..] = protocols else { return Ok(()) };
    if others.is_empty() {
        return Err(super::Usage(format!(
            "--explain compares protocols: name another beside {}, such as --protocol {},cats-256",
            first.name, first.name
        ))
        .into());
    }
    let alphas = if args.alpha.is_empty() { first.alphas } else { &args.alpha };
    let mut comparisons = Vec::new();
    for (file, name) in args.files.iter().zip(names) {
        let answers = read(file, benchmark, args.partial)?;
        for (&other, &alpha) in others.iter().flat_map(|o| alphas.iter().map(move |a| (o, a))) {
            let differences =
                crate::score::explain::explain(benchmark, &answers, [*first, other], alpha)
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

/// The predictions of a file, in the order of the benchmark's pairs.
pub(super) fn read(file: &Path, benchmark: &Benchmark, partial: bool) -> anyhow::Result<Answers> {
    let mut reader = Reader::open(file)?;
    let answers = Answers::collect(benchmark, std::iter::from_fn(|| next(&mut reader)));
    let answers = answers.and_then(|answers| {
        if !partial {
            answers.complete(benchmark)?;
        }
        Ok(answers)
    });
    answers.map_err(|error: anyhow::Error| match error.downcast::<ScoreError>() {
        // The reader's own errors name the file already.
        Ok(error) => anyhow::Error::new(error).context(file.display().to_string()),
        Err(error) => error,
    })
}

type Line = (usize, String, Vec<Option<crate::Point>>);

fn next<R: BufRead>(reader: &mut Reader<R>) -> Option<anyhow::Result<Line>> {
    let prediction = reader.next()?;
    let line = reader.line_number();
    Some(prediction.map(|one| (line, one.pair, one.keypoints)).map_err(Into::into))
}

fn same_benchmark(args: &Args, headers: &[Header]) -> anyhow::Result<()> {
    for (file, header) in args.files.iter().zip(headers).skip(1) {
        let first = &headers[0];
        if (&header.benchmark, &header.split) != (&first.benchmark, &first.split) {
            anyhow::bail!(
                "{} is for {} {}, but {} is for {} {}; score them apart",
                file.display(),
                header.benchmark,
                header.split,
                args.files[0].display(),
                first.benchmark,
                first.split,
            );
        }
    }
    Ok(())
}

fn warnings(name: &str, header: &Header, protocols: &[&Protocol]) -> Vec<String> {
    let warnings = protocols.iter().filter_map(|protocol| protocol.warning(&header.method));
    warnings.map(|warning| format!("{name}: {warning}.")).collect()
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

fn protocols(asked: &[String], benchmark: &str) -> anyhow::Result<Vec<&'static Protocol>> {
    if asked.is_empty() {
        return Ok(vec![default_for(benchmark)]);
    }
    let mut protocols: Vec<&'static Protocol> = Vec::new();
    for name in asked {
        if name == "all" {
            protocols.extend(&PROTOCOLS);
        } else {
            protocols.push(find(name).ok_or_else(|| {
                let known: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.name).collect();
                super::Usage(format!(
                    "there is no protocol `{name}`; there are {} and all",
                    known.join(", ")
                ))
            })?);
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

/// The benchmark that the header names. A name that there is not is the file's fault, no wrong usage.
pub(super) fn open(
    file: &Path,
    root: &Path,
    layout: Option<Layout>,
    header: &Header,
) -> anyhow::Result<Benchmark> {
    let of_the_file = |error: BenchmarkError| {
        if error.is_usage() { anyhow::anyhow!("{}: {error}", file.display()) } else { error.into() }
    };
    let kind: Kind = header.benchmark.parse().map_err(of_the_file)?;
    let small = header.method.get("layout").is_some_and(|layout| layout == "small");
    let layout = match layout {
        Some(Layout::Small) => LayoutSize::Small,
        None if small => LayoutSize::Small,
        Some(Layout::Large) | None => LayoutSize::Large,
    };
    let options = Options { split: header.split.clone(), layout, ..Options::default() };
    Benchmark::open(kind, root, &options).map_err(of_the_file)
}

fn score_all(
    benchmark: &Benchmark,
    answers: &Answers,
    protocols: &[&'static Protocol],
    alphas: &[Alpha],
) -> Result<Vec<Score>, ScoreError> {
    let score = |&protocol: &&'static Protocol| {
        let alphas = if alphas.is_empty() { protocol.alphas } else { alphas };
        crate::score::score(benchmark, answers, protocol, alphas)
    };
    protocols.iter().map(score).collect()
}

fn rendered(output: Output, scope: Scope<'_>, files: &[FileScores]) -> anyhow::Result<String> {
    let format = match output {
        Output::Json => return Ok(serde_json::to_string_pretty(&json(scope, files))? + "\n"),
        Output::Csv => return Ok(flat(scope, files).render(Format::Csv)),
        Output::Text => Format::Text,
        Output::Markdown => Format::Markdown,
        Output::Latex => Format::Latex,
    };
    let tables: Vec<String> =
        tables(scope, files).iter().map(|table| table.render(format)).collect();
    Ok(tables.join("\n"))
}
