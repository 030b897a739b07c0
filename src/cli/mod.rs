//! The command line: one file a command, thin.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::benchmark::BenchmarkError;

mod audit;
mod dataset;
mod devices;
mod output;
mod score;
mod weights;

/// Semantic correspondence with Hyperpixel Flow: predict keypoints, score them, show them.
#[derive(Debug, Parser)]
#[command(name = "hpflow", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print results only: no progress, no notes.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Print more of what is done (-v, -vv).
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make, check and describe benchmarks.
    Dataset(dataset::Args),
    /// List GPU adapters and what each can run.
    Devices(devices::Args),
    /// Score predictions files: PCK per category and variation factor.
    Score(score::Args),
    /// List, fetch and check the weights of the residual networks.
    Weights(weights::Args),
    /// Check whether the mean of a published table follows from its columns.
    Audit(audit::Args),
}

/// Wrong usage: the sentence is printed and the exit code is 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Runs the command line and says how it ended: 0 done, 1 failed, 2 wrong usage.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Dataset(args) => dataset::run(args, cli.quiet),
        Command::Devices(args) => devices::run(args),
        Command::Score(args) => score::run(args),
        Command::Weights(args) => weights::run(args, cli.quiet),
        Command::Audit(args) => audit::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hpflow: {error:#}");
            ExitCode::from(if is_usage(&error) { 2 } else { 1 })
        }
    }
}

fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<Usage>()
        || error.downcast_ref::<BenchmarkError>().is_some_and(BenchmarkError::is_usage)
}
