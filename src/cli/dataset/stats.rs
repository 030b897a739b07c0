//! `hpflow dataset stats`: what a benchmark is made of, as tables and figures.

use std::fmt::Write as _;
use std::path::PathBuf;

use hpflow::BenchmarkKind;
use hpflow::low_level::benchmark::stats::{Stats, stats};
use hpflow::low_level::benchmark::{Counts, Factor};
use hpflow::task::draw_stats;

use super::super::console::say;
use super::super::options::benchmarks;
use super::super::output::print;

const EXAMPLE: &str = "\
Examples:
  hpflow dataset stats --root SPair-71k
  hpflow dataset stats --root SPair-71k --figures figures --format csv

For SPair-71k these are tables 1 and 2 of its paper, and the figures show the same as its figures \
1 and 2.";

/// Arguments of `hpflow dataset stats`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub struct Args {
    #[arg(long, default_value = "spair", help = benchmarks())]
    benchmark: BenchmarkKind,
    /// The benchmark's folder.
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Also draw variation.svg and azimuth.svg in this folder.
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    /// How the tables are written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Aligned columns.
    Text,
    /// Comma-separated values, a blank line between tables.
    Csv,
    /// Everything, the headings of the objects too.
    Json,
}

/// Counts the benchmark, prints the tables and draws the figures.
///
/// # Errors
/// A benchmark that cannot be read, a folder that cannot be written.
pub fn run(args: &Args, quiet: bool) -> anyhow::Result<()> {
    let stats = stats(args.benchmark, &args.root, |split| {
        if !quiet {
            say(format!("counted {split}"));
        }
    })?;
    let total = stats.total();
    if let Some(folder) = &args.figures {
        draw_stats(&stats, folder)?;
    }
    print(&match args.format {
        Format::Json => serde_json::to_string_pretty(&stats)? + "\n",
        Format::Text => tables(&stats, &total).iter().map(aligned).collect(),
        Format::Csv => tables(&stats, &total).iter().map(csv).collect(),
    })
}

/// Rows of cells; the first row holds the headings.
type Table = Vec<Vec<String>>;

fn tables(stats: &Stats, total: &Counts) -> Vec<Table> {
    let mut tables = vec![by_split(stats)];
    if total.levels.iter().flatten().any(|&count| count > 0) {
        tables.push(by_level(stats, total));
    }
    tables.push(by_category(stats, total));
    tables
}

fn by_split(stats: &Stats) -> Table {
    let mut rows = vec![row("split", ["pairs", "photographs", "keypoints"].map(str::to_owned))];
    for split in &stats.splits {
        let numbers = [split.counts.pairs, split.photographs, split.keypoints];
        rows.push(row(&split.name, numbers.map(|number| number.to_string())));
    }
    rows
}

/// Table 1 of the paper.
fn by_level(stats: &Stats, total: &Counts) -> Table {
    let headings = Factor::ALL.into_iter().flat_map(|factor| {
        factor.levels().iter().map(move |level| format!("{}_{level}", factor.name()))
    });
    let numbers = |counts: &Counts| {
        let numbers: Vec<String> = counts.levels.iter().flatten().map(usize::to_string).collect();
        numbers
    };
    let mut rows = vec![row("split", headings)];
    rows.extend(stats.splits.iter().map(|split| row(&split.name, numbers(&split.counts))));
    rows.push(row("all", numbers(total)));
    rows
}

/// Table 2 of the paper.
fn by_category(stats: &Stats, total: &Counts) -> Table {
    let names = stats.splits.iter().map(|split| split.name.clone());
    let mut rows = vec![row("category", names.chain(["all".to_owned()]))];
    let counts = || stats.splits.iter().map(|split| &split.counts).chain([total]);
    for category in stats.categories() {
        let number = |counts: &Counts| counts.category.get(category).copied().unwrap_or(0);
        rows.push(row(category, counts().map(|counts| number(counts).to_string())));
    }
    rows.push(row("total", counts().map(|counts| counts.pairs.to_string())));
    rows
}

fn row(label: &str, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    [label.to_owned()].into_iter().chain(cells).collect()
}

/// Labels to the left, numbers to the right, and a blank line.
fn aligned(table: &Table) -> String {
    let width = |column: usize| {
        table.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let mut out = String::new();
    for row in table {
        let mut line = format!("{:<1$}", row[0], width(0));
        for (column, cell) in row.iter().enumerate().skip(1) {
            // Writing to a string cannot fail.
            let _ = write!(line, "  {cell:>0$}", width(column));
        }
        out += line.trim_end();
        out.push('\n');
    }
    out + "\n"
}

fn csv(table: &Table) -> String {
    let cell = |cell: &String| {
        if cell.contains([',', '"', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    };
    let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
    table.iter().map(line).collect::<String>() + "\n"
}
