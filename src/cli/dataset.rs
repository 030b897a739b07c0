//! `hpflow dataset`: make, check and describe benchmarks.

use clap::Subcommand;

mod check;
mod demo;
mod download;
mod pairs;
mod stats;

/// Arguments of `hpflow dataset`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hpflow dataset demo demo-benchmark")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look for missing, damaged and contradictory files, and compare counts with the paper's.
    Check(check::Args),
    /// Draw a demo benchmark: objects with exact keypoints, in SPair-71k's own files.
    Demo(demo::Args),
    /// Get a benchmark from its authors' server and unpack it.
    Download(download::Args),
    /// Build pair annotations and the layout from image annotations.
    Pairs(pairs::Args),
    /// Count pairs by split, category and variation, and draw their shares.
    Stats(stats::Args),
}

/// Runs the subcommand.
///
/// # Errors
/// The subcommand's.
pub fn run(args: &Args, quiet: bool) -> anyhow::Result<()> {
    match &args.command {
        Command::Check(args) => check::run(args, quiet),
        Command::Demo(args) => demo::run(args, quiet),
        Command::Download(args) => download::run(args, quiet),
        Command::Pairs(args) => pairs::run(args),
        Command::Stats(args) => stats::run(args, quiet),
    }
}
