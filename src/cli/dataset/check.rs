//! `hpflow dataset check`: what is wrong with a benchmark's files.

use std::fmt::Write as _;
use std::path::PathBuf;

use hpflow::BenchmarkKind;
use hpflow::low_level::benchmark::doctor::{CheckScope, Diagnosis};
use hpflow::task::check_benchmark;

use super::super::console::Console;
use super::super::options::benchmarks;
use super::super::output::{counted, print};

const EXAMPLE: &str = "\
Examples:
  hpflow dataset check --root SPair-71k
  hpflow dataset check --root SPair-71k --split test --without-photographs
  hpflow dataset check --benchmark pf-willow --root PF-dataset-WILLOW --format json

Every photograph is decoded, every pair held to its images' annotations, and the counts to the \
paper's. Exit code 1 says that something is wrong.";

/// Findings of a kind that are shown without --all.
const SHOWN: usize = 10;

/// Arguments of `hpflow dataset check`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub struct Args {
    #[arg(long, default_value = "spair", help = benchmarks())]
    benchmark: BenchmarkKind,
    /// The benchmark's folder.
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Only this split (may be repeated) [default: all that are there].
    #[arg(long, value_name = "NAME")]
    split: Vec<String>,
    /// Do not look at the photographs.
    #[arg(long)]
    without_photographs: bool,
    /// List every finding instead of the first ones of each kind.
    #[arg(long)]
    all: bool,
    /// How the findings are written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs: everything.
    Json,
}

/// Looks the benchmark over and prints what it finds.
///
/// # Errors
/// A folder that is not the benchmark's, or problems found.
pub fn run(args: &Args, quiet: bool) -> anyhow::Result<()> {
    let examination =
        CheckScope { splits: args.split.clone(), without_photographs: args.without_photographs };
    let (progress, bar) = Console { quiet }.work("{msg:>12} {wide_bar} {human_pos}/{human_len}");
    let diagnosis = check_benchmark(args.benchmark, &args.root, &examination, &progress);
    bar.finish_and_clear();
    let diagnosis = diagnosis?;
    print(&match args.format {
        Format::Text => text(&diagnosis, if args.all { usize::MAX } else { SHOWN }),
        Format::Json => serde_json::to_string_pretty(&diagnosis)? + "\n",
    })?;
    let problems = diagnosis.findings.iter().filter(|f| f.ailment.is_problem()).count();
    let root = args.root.display();
    anyhow::ensure!(
        problems == 0,
        "{root}: {}; mend what is listed or unpack the benchmark again",
        counted(problems, "problem")
    );
    Ok(())
}

fn text(diagnosis: &Diagnosis, shown: usize) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{text}");
    };
    for split in &diagnosis.splits {
        let categories = match split.counts.category.len() {
            1 => "1 category".to_owned(),
            count => format!("{count} categories"),
        };
        let compared = if split.compared { "" } else { "; no published counts to compare with" };
        let pairs = counted(split.counts.pairs, "pair");
        line(format!("{}: {pairs} in {categories}{compared}", split.name));
    }
    line(match diagnosis.decoded {
        Some(decoded) => format!("photographs: {decoded} of {} decoded", diagnosis.photographs),
        None => format!("photographs: {}, not looked at", diagnosis.photographs),
    });
    for findings in diagnosis.findings.chunk_by(|a, b| a.ailment == b.ailment) {
        line(format!("\n{} ({}):", findings[0].ailment.heading(), findings.len()));
        for finding in findings.iter().take(shown) {
            line(format!("  {}", finding.what));
        }
        if findings.len() > shown {
            line(format!("  … and {} more (--all lists them)", findings.len() - shown));
        }
    }
    if diagnosis.findings.is_empty() {
        line("nothing is wrong".to_owned());
    }
    out
}
