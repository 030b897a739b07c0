//! `hpflow audit`: does a published table follow from its columns?

use std::path::PathBuf;

use hpflow::low_level::score::audit::{self, Audit, AuditedRow, Claim, Consistency, Implied, Over};
use hpflow::task::audit_file;
use serde_json::{Map, Value, json};

use super::output::print;

/// Arguments of `hpflow audit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hpflow audit table3.csv\n\n\
The table is CSV with a heading: SPair-71k's 18 categories (aero, bike, …, tv) or the levels of \
variation factors (viewpoint_easy, …), and All; other columns name the rows. All must be a mean of \
its columns: over pairs, categories or keypoints, and which fits is said. What hpflow score --format \
csv writes is held to the mean of its protocol. In a table of controlled cells, as the SPair-71k paper's table 5, it cannot be, and the \
first cell of every factor must be one and the same number instead. Exit code 1 if a row contradicts \
itself.")]
pub struct Args {
    /// The table.
    #[arg(value_name = "TABLE.csv")]
    table: PathBuf,
    /// Of which pairs the cells of variation factors are [default: controlled if the first cells of
    /// the factors are equal in half of the rows, and plain cells would contradict All].
    #[arg(long)]
    cells: Option<Cells>,
    /// How the findings are written.
    #[arg(long, default_value = "text")]
    format: Output,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Cells {
    /// All pairs of a level, as in table 4.
    Plain,
    /// Those whose three other factors are held at easy, easy, none, none, as in table 5.
    Controlled,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    /// A line or more for each row.
    Text,
    /// Everything in full precision.
    Json,
}

/// Audits a table and prints the findings.
///
/// # Errors
/// A table that cannot be read, and one with rows that contradict themselves.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let cells = args.cells.map(|cells| match cells {
        Cells::Plain => audit::FactorCells::Plain,
        Cells::Controlled => audit::FactorCells::Controlled,
    });
    let found = audit_file(&args.table, cells)?;
    match args.format {
        Output::Text => print(&text(&found))?,
        Output::Json => print(&(serde_json::to_string_pretty(&as_json(&found))? + "\n"))?,
    }
    let flagged = found.contradictions();
    if flagged > 0 {
        anyhow::bail!(
            "{}: in {flagged} of {} rows {}",
            args.table.display(),
            found.findings.len(),
            match found.cells {
                audit::FactorCells::Plain => {
                    "All contradicts the columns, be it a mean over pairs, categories or keypoints"
                }
                audit::FactorCells::Controlled =>
                    "the first cells differ, which are of the same pairs",
            }
        );
    }
    Ok(())
}

fn text(found: &Audit) -> String {
    let mut text = match found.cells {
        audit::FactorCells::Plain => String::new(),
        audit::FactorCells::Controlled => {
            "These are controlled cells, as in the SPair-71k paper's table 5: \
            the three other factors are held.\nAll cannot follow from them, but the first cell of \
            every factor is one and the same number.\n(--cells plain reads them as table 4.)\n"
                .to_owned()
        }
    };
    for finding in &found.findings {
        let name = if finding.name.is_empty() { "no name" } else { &finding.name };
        let verdict = finding.verdict();
        text += &format!("line {}, {name}: ", finding.line);
        text += &match &finding.claim {
            Claim::Mean { all, implied, .. } => {
                let lines = implied.iter().map(|one| line(one, *all));
                let mean = match finding.mean() {
                    Some(Over::Unknown) => {
                        " as far as can be told where numbers of pairs or keypoints are not known"
                            .to_owned()
                    }
                    Some(over) => format!(" as a mean over {}", over.name()),
                    None => String::new(),
                };
                let lines: String = lines.collect();
                format!("All is {all}, which {}{mean}\n{lines}", follows(verdict))
            }
            Claim::Unchecked { why } => format!("not checked: {why}\n"),
            Claim::OneNumber { cells, .. } => one_number(cells, verdict),
        };
    }
    text
}

const fn follows(verdict: Consistency) -> &'static str {
    match verdict {
        Consistency::Follows => "follows from the columns",
        Consistency::Nearly => "nearly follows from the columns",
        Consistency::Contradicts => "CONTRADICTS the columns",
    }
}

fn line(one: &Implied, all: f64) -> String {
    let tolerance = one.tolerance;
    let (average, said) = (one.average(), said(one.verdict));
    match one.over {
        Over::Pairs | Over::Categories => format!(
            "  mean over {average:<20} {:6.2} ({:+.2}, roundings explain {tolerance:.2}): {said}\n",
            one.low,
            one.low - all,
        ),
        Over::Keypoints([fewest, most]) => format!(
            "  mean over {average:<20} {:6.2} to {:.2} ({fewest} to {most} keypoints a pair, roundings \
             explain {tolerance:.2}): {said}\n",
            one.low, one.high,
        ),
        Over::Unknown => format!(
            "  mean over {average:<20} {:6.2} to {:.2} (the columns', roundings explain \
             {tolerance:.2}): {said}\n",
            one.low, one.high,
        ),
    }
}

fn one_number(cells: &[(String, f64)], verdict: Consistency) -> String {
    let cells: Vec<String> =
        cells.iter().map(|(column, cell)| format!("{column} {cell}")).collect();
    let verdict = match verdict {
        Consistency::Follows => "are one number",
        Consistency::Nearly => "are nearly one number",
        Consistency::Contradicts => "DIFFER",
    };
    format!("the first cells {verdict}: {}\n", cells.join(", "))
}

const fn said(verdict: Consistency) -> &'static str {
    match verdict {
        Consistency::Follows => "follows",
        Consistency::Nearly => "nearly",
        Consistency::Contradicts => "contradicts",
    }
}

fn as_json(found: &Audit) -> Value {
    let cells = match found.cells {
        audit::FactorCells::Plain => "plain",
        audit::FactorCells::Controlled => "controlled",
    };
    json!({ "cells": cells, "rows": found.findings.iter().map(row).collect::<Vec<_>>() })
}

fn row(finding: &AuditedRow) -> Value {
    let mut row = Map::from_iter([
        ("line".to_owned(), json!(finding.line)),
        ("name".to_owned(), json!(finding.name)),
        ("verdict".to_owned(), said(finding.verdict()).into()),
    ]);
    let more = match &finding.claim {
        Claim::Mean { all, tolerance, implied } => {
            let one = |one: &Implied| match one.over {
                Over::Pairs | Over::Categories => {
                    json!({ "average": one.average(), "all": one.low, "verdict": said(one.verdict) })
                }
                Over::Keypoints(_) | Over::Unknown => json!({
                    "average": one.average(),
                    "from": one.low,
                    "to": one.high,
                    "verdict": said(one.verdict),
                }),
            };
            let implied: Vec<Value> = implied.iter().map(one).collect();
            json!({
                "all": all,
                "roundings_explain": tolerance,
                "mean": finding.mean().map(Over::name),
                "implied": implied,
            })
        }
        Claim::Unchecked { why } => json!({ "not_checked": why }),
        Claim::OneNumber { cells, tolerance, .. } => {
            let cells: Map<String, Value> =
                cells.iter().map(|(column, cell)| (column.clone(), json!(cell))).collect();
            json!({ "first_cells": cells, "roundings_explain": tolerance })
        }
    };
    row.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(row)
}
