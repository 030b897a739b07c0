//! `hpflow score`: predictions files to PCK tables.

use std::path::PathBuf;

use hpflow::Alpha;
use hpflow::low_level::report::Format;
use hpflow::low_level::report::explanation;
use hpflow::low_level::score::bootstrap::{Bootstrap, ResamplingUnit};
use hpflow::task::{Explained, ScoreFilesError, ScoreOptions, Scored, explain_files, score_files};

use super::console::{Console, say};
use super::error::Usage;
use super::output::{left_out, print};
use super::predicted::{Layout, in_words};

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
    let mut options = ScoreOptions::default();
    options.protocols.clone_from(&args.protocol);
    options.alphas.clone_from(&args.alpha);
    options.layout = args.layout.map(Into::into);
    options.bootstrap = bootstrap(args);
    options.partial = args.partial;
    options.with_published = args.with_published;
    if args.explain {
        if !matches!(args.format, Output::Json | Output::Text) {
            let what = "--explain writes --format text or json only";
            return Err(Usage(what.to_owned()).into());
        }
        let explained =
            explain_files(&args.files, &args.root, &options).map_err(explained_error)?;
        return print_explained(&explained, args.format, console);
    }
    let scored = score_files(&args.files, &args.root, &options).map_err(explained_error)?;
    if !scored.opened.unreadable.is_empty() {
        say(format!("hpflow: {}", left_out(&scored.opened.unreadable)));
    }
    say_left_out(&scored.left_out);
    scored.doubts.iter().for_each(|doubts| console.note(doubts));
    if matches!(args.format, Output::Csv | Output::Metrics) {
        // These have no room for notes.
        scored.notes().iter().for_each(|note| console.note(note));
    }
    print(&rendered(args.format, &scored)?)
}

/// An error with the options that it is about, and wrong usage as such.
fn explained_error(error: ScoreFilesError) -> anyhow::Error {
    let usage = match &error {
        ScoreFilesError::Files(_) => {
            let ScoreFilesError::Files(error) = error else { unreachable!("just seen") };
            return in_words(error);
        }
        ScoreFilesError::RepeatedAlpha { alpha } => {
            format!("--alpha names {alpha} twice; name it once")
        }
        ScoreFilesError::AlphaOfMasks { protocol } => {
            format!("protocol {protocol} compares masks, which have no α; leave --alpha out")
        }
        ScoreFilesError::NotComparable { benchmark, split, same_pairs } => format!(
            "--with-published shows the paper's figures for spair test with protocol spair at α = 0.1, but this is {benchmark} {split}{}; leave it out",
            if *same_pairs { " with another protocol or α" } else { "" }
        ),
        ScoreFilesError::MasksExplained => {
            "--explain is about keypoints, and these protocols compare masks; leave it out"
                .to_owned()
        }
        ScoreFilesError::NothingToCompare { first, rival } => format!(
            "--explain compares protocols: name another beside {first}{}",
            rival.map_or_else(String::new, |rival| format!(", such as --protocol {first},{rival}"))
        ),
        other if other.is_usage() => other.to_string(),
        _ => return error.into(),
    };
    Usage(usage).into()
}

/// Says which protocols `all` leaves out.
fn say_left_out(left_out: &[(String, Vec<&str>)]) {
    for (reason, names) in left_out {
        say(format!("left out, because {reason}: {}", names.join(", ")));
    }
}

fn print_explained(explained: &Explained, format: Output, console: Console) -> anyhow::Result<()> {
    if !explained.opened.unreadable.is_empty() {
        say(format!("hpflow: {}", left_out(&explained.opened.unreadable)));
    }
    say_left_out(&explained.left_out);
    explained.notes.iter().for_each(|note| console.note(note));
    let (benchmark, comparisons) = (&explained.opened.benchmark, &explained.comparisons);
    match format {
        Output::Json => {
            let json = explanation::json(benchmark, comparisons);
            print(&(serde_json::to_string_pretty(&json)? + "\n"))
        }
        _ => print(&explanation::text(benchmark, comparisons)),
    }
}

fn bootstrap(args: &Args) -> Option<Bootstrap> {
    let unit = match args.resample {
        Resample::Images => ResamplingUnit::Images,
        Resample::Pairs => ResamplingUnit::Pairs,
    };
    args.bootstrap.map(|resamples| Bootstrap {
        resamples: resamples as usize,
        seed: args.seed,
        unit,
    })
}

fn rendered(output: Output, scored: &Scored) -> anyhow::Result<String> {
    Ok(match output {
        Output::Json => serde_json::to_string_pretty(&scored.json())? + "\n",
        Output::Metrics => serde_json::to_string_pretty(&scored.metrics())? + "\n",
        Output::Csv => scored.render(Format::Csv),
        Output::Text => scored.render(Format::Text),
        Output::Markdown => scored.render(Format::Markdown),
        Output::Latex => scored.render(Format::Latex),
    })
}
