//! The command line: one file a command.

use std::ffi::OsString;
use std::io::IsTerminal as _;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

#[macro_use]
mod output;

mod audit;
mod bench;
mod console;
mod dataset;
mod devices;
#[cfg(test)]
mod documented;
mod error;
mod features;
mod import;
mod lines;
mod matching;
mod memory;
mod merge;
mod options;
mod predict;
mod predicted;
mod report;
mod score;
mod search;
mod sharded;
mod show;
mod version;
mod weights;

use console::Console;
use error::{is_usage, remedy, sentence};
use version::VERSION;

/// Semantic correspondence with Hyperpixel Flow: predict keypoints, score them, show them.
#[derive(Debug, Parser)]
#[command(name = "hpflow", version = VERSION.as_str())]
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
    /// Predict the keypoints of a benchmark's pairs.
    Predict(predict::Args),
    /// Make one predictions file of the shards that several jobs wrote.
    Merge(merge::Args),
    /// Keep each photograph's feature maps, so that another layer set costs no backbone pass.
    Features(features::Args),
    /// Score predictions files: PCK per category and variation factor.
    Score(score::Args),
    /// Search for the layer set that scores best on a validation split.
    Search(search::Args),
    /// Draw pairs of a predictions file with the truth: green lines are right, red ones wrong.
    Show(show::Args),
    /// Find keypoints of one photograph in another.
    Match(matching::Args),
    /// Make, check and describe benchmarks.
    Dataset(dataset::Args),
    /// List, fetch, convert and check the weights of networks.
    Weights(weights::Args),
    /// List GPU adapters and what each can run.
    Devices(devices::Args),
    /// Measure the stages of matching, for several engines in one run.
    Bench(bench::Args),
    /// Write one HTML page with tables, charts and a browser of pairs.
    Report(report::Args),
    /// Turn other programs' predictions (CSV, .npz, GeoAware-SC's result.pkl) into a predictions file.
    Import(import::Args),
    /// Check whether the mean of a published table follows from its columns.
    Audit(audit::Args),
}

/// Runs a command line, the program's name first, and gives its exit code: 0 done, 1 failed, 2 wrong
/// usage.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    memory::keep_freed();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // Help and the version are results.
        Err(error) if error.exit_code() == 0 => {
            let text = error.render();
            let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            let text = if colour { text.ansi().to_string() } else { text.to_string() };
            return match output::print(&text) {
                Ok(()) => 0,
                Err(error) => {
                    console::say(format!("hpflow: {}", sentence(&error)));
                    1
                }
            };
        }
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    start_log(cli.verbose);
    silence_decoders();
    let console = Console { quiet: cli.quiet };
    let result = match &cli.command {
        Command::Predict(args) => predict::run(args, console),
        Command::Merge(args) => merge::run(args, console),
        Command::Features(args) => features::run(args, console),
        Command::Score(args) => score::run(args, console),
        Command::Search(args) => search::run(args, console),
        Command::Show(args) => show::run(args, console),
        Command::Match(args) => matching::run(args, console),
        Command::Dataset(args) => dataset::run(args, cli.quiet),
        Command::Weights(args) => weights::run(args, cli.quiet),
        Command::Devices(args) => devices::run(args),
        Command::Bench(args) => bench::run(args, console),
        Command::Report(args) => report::run(args, console),
        Command::Import(args) => import::run(args, console),
        Command::Audit(args) => audit::run(args),
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            console::say(format!("hpflow: {}{}", sentence(&error), remedy(&error)));
            if is_usage(&error) { 2 } else { 1 }
        }
    }
}

/// A decoder's panic becomes an error about its photograph, and that of a GPU that was lost one about
/// the GPU; what Rust would print beside it is left out.
fn silence_decoders() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !hpflow::low_level::image::is_decoding() && !hpflow::low_level::engine::is_waiting() {
            report(panic);
        }
    }));
}

/// Sends what the libraries log to standard error: warnings, and more with -v. Colour only on a
/// terminal, and never where `NO_COLOR` is set.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "warn,wgpu_hal=off,wgpu_core=error,naga=error",
        1 => "info,wgpu_hal=error,wgpu_core=warn,naga=warn",
        _ => "debug,wgpu_core=info,naga=info",
    };
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_writer(|| console::Stderr).with_ansi(colour);
    // A log that was started before, by a test, stays.
    let _ = log.with_env_filter(filter).without_time().with_target(false).try_init();
}
