//! `hpflow report`: predictions files to one HTML page.

use std::path::PathBuf;

use hpflow::Alpha;
use hpflow::task::{ReportError, ReportOptions, report_files};

use super::console::{Console, say};
use super::output::left_out;
use super::predicted::{Layout, in_words};

/// Arguments of `hpflow report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hpflow report hpf.jsonl identity.jsonl --root SPair-71k --out report\n\n\
Writes report/index.html: tables, charts and a browser of pairs in one file that needs no network."
)]
pub struct Args {
    /// Predictions files, compared with each other.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The benchmark's folder.
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// The folder to write index.html to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The share of the threshold within which a keypoint is right.
    #[arg(long, default_value = "0.1")]
    alpha: Alpha,
    /// Which of SPair-71k's lists of pairs makes a file complete [default: the header's, or large].
    #[arg(long)]
    layout: Option<Layout>,
    /// Report files that lack pairs over those that they have, without pairs whose annotations cannot
    /// be read, and say so.
    #[arg(long)]
    partial: bool,
    /// Leave the photographs out: a page of a few megabytes less.
    #[arg(long)]
    no_photographs: bool,
}

/// Writes the report.
///
/// # Errors
/// Those of `hpflow score`, and a folder that cannot be written.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    let mut options = ReportOptions::default();
    options.alpha = args.alpha;
    options.layout = args.layout.map(Into::into);
    options.partial = args.partial;
    options.without_photographs = args.no_photographs;
    let report = report_files(&args.files, &args.root, &args.out, &options);
    let report = report.map_err(explained)?;
    if !report.unreadable.is_empty() {
        say(format!("hpflow: {}", left_out(&report.unreadable)));
    }
    if let Some(doubts) = &report.doubts {
        console.note(doubts);
    }
    if let Some(first) = report.missing.first() {
        say(format!(
            "hpflow: {} of {} photographs are left out; the first: {first}",
            report.missing.len(),
            report.photographs
        ));
    }
    if !console.quiet {
        mention_line!("{}", report.page.display());
    }
    Ok(())
}

/// What stands in the way, with the options and commands that help.
fn explained(error: ReportError) -> anyhow::Error {
    match error {
        ReportError::Files(error) => in_words(error),
        error @ ReportError::Masks { .. } => {
            anyhow::anyhow!("{error}; use hpflow score and hpflow show")
        }
        error => error.into(),
    }
}
