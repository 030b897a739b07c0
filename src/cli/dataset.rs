//! `hpflow dataset`: make, check and describe benchmarks.

use clap::Subcommand;

mod pairs;

/// Arguments of `hpflow dataset`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build pair annotations and the layout from image annotations.
    Pairs(pairs::Args),
}

/// Runs the subcommand.
///
/// # Errors
/// The subcommand's.
pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Pairs(args) => pairs::run(args),
    }
}
