//! `hpflow audit`: does a published table follow from its columns?

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::output::print;
use crate::score::audit::{Finding, Verdict, audit};

/// The longest table that is read, in bytes.
const MAX_TABLE: u64 = 16 << 20;

/// Arguments of `hpflow audit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hpflow audit table3.csv\n\n\
The table is CSV with a heading: SPair-71k's 18 categories (aero, bike, …, tv) or the levels of \
variation factors (viewpoint_easy, …), and All; other columns name the rows. Exit code 1 if the \
All of a row contradicts its columns.")]
pub struct Args {
    /// The table.
    #[arg(value_name = "TABLE.csv")]
    table: PathBuf,
    /// How the findings are written.
    #[arg(long, default_value = "text")]
    format: Output,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    /// A line for each row and average.
    Text,
    /// Everything in full precision.
    Json,
}

/// Audits a table and prints the findings.
///
/// # Errors
/// A table that cannot be read, and one with rows whose All contradicts their columns.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let (heading, rows) = read(&args.table)?;
    let findings = audit(&heading, &rows).with_context(|| args.table.display().to_string())?;
    match args.format {
        Output::Text => print(&text(&findings))?,
        Output::Json => print(&(serde_json::to_string_pretty(&as_json(&findings))? + "\n"))?,
    }
    let flagged =
        findings.iter().filter(|finding| finding.verdict() == Verdict::Contradicts).count();
    if flagged > 0 {
        anyhow::bail!(
            "{}: in {flagged} of {} rows All contradicts the columns",
            args.table.display(),
            findings.len()
        );
    }
    Ok(())
}

type Table = (Vec<String>, Vec<(usize, Vec<String>)>);

fn read(path: &Path) -> anyhow::Result<Table> {
    let name = || path.display().to_string();
    let cannot_read =
        || format!("cannot read {}, which should be a table as CSV; check the path", name());
    let length = std::fs::metadata(path).with_context(cannot_read)?.len();
    anyhow::ensure!(
        length <= MAX_TABLE,
        "{} has {length} bytes, and a table has at most {MAX_TABLE}; is it the right file?",
        name()
    );
    let reader = csv::ReaderBuilder::new().flexible(true).from_path(path);
    let mut reader = reader.with_context(cannot_read)?;
    let fields = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let no_table = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        let what = match error.kind() {
            csv::ErrorKind::Utf8 { .. } => "is no text in UTF-8".to_owned(),
            _ => format!("cannot be read: {error}"),
        };
        anyhow::anyhow!("{}: line {line} {what}; expected a table as CSV", name())
    };
    let heading = fields(reader.headers().map_err(no_table)?);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(no_table)?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push((usize::try_from(line)?, fields(&record)));
    }
    Ok((heading, rows))
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        text += &format!(
            "line {}, {}: All is {}, which {}\n",
            finding.line,
            if finding.name.is_empty() { "no name" } else { &finding.name },
            finding.all,
            match finding.verdict() {
                Verdict::Follows => "follows from the columns",
                Verdict::Nearly => "nearly follows from the columns",
                Verdict::Contradicts => "CONTRADICTS the columns",
            }
        );
        for one in &finding.implied {
            text += &format!(
                "  mean over {:<20} {:6.2} ({:+.2}, roundings explain {:.2}): {}\n",
                one.average,
                one.all,
                one.all - finding.all,
                finding.tolerance,
                said(one.verdict)
            );
        }
    }
    text
}

const fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Follows => "follows",
        Verdict::Nearly => "nearly",
        Verdict::Contradicts => "contradicts",
    }
}

fn as_json(findings: &[Finding]) -> Value {
    let implied = |finding: &Finding| -> Vec<Value> {
        let one = |one: &crate::score::audit::Implied| json!({ "average": one.average, "all": one.all, "verdict": said(one.verdict) });
        finding.implied.iter().map(one).collect()
    };
    let finding = |finding: &Finding| {
        json!({
            "line": finding.line,
            "name": finding.name,
            "all": finding.all,
            "roundings_explain": finding.tolerance,
            "verdict": said(finding.verdict()),
            "implied": implied(finding),
        })
    };
    json!({ "rows": findings.iter().map(finding).collect::<Vec<_>>() })
}
