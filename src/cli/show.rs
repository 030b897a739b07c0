//! `hpflow show`: pictures of a predictions file, right and wrong keypoints against the truth.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use hpflow::Alpha;
use hpflow::task::{ShowError, ShowOptions, ShowOrder, show_file};

use super::console::{Console, say};
use super::options::at_least_one;
use super::output::{counted, left_out};
use super::predicted::in_words;

/// Draw pairs of a predictions file with the truth: green lines are right, red ones wrong.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  hpflow show hpf.jsonl --root SPair-71k --order worst --pairs 12 --out pictures")]
pub struct Args {
    /// The predictions file.
    file: PathBuf,
    /// The folder of the benchmark that the file is of.
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// The folder for the pictures; sheet.png in it shows all of them.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many pairs are drawn.
    #[arg(long, default_value = "8", value_parser = at_least_one)]
    pairs: usize,
    /// Which pairs come first.
    #[arg(long, value_enum, default_value_t)]
    order: Order,
    /// The α of right and wrong. Default: the first of the benchmark's own.
    #[arg(long)]
    alpha: Option<Alpha>,
    /// Add the source warped onto the target by the thin-plate spline through the predictions. A pair
    /// with fewer than three, or with all on a line, has none.
    #[arg(long)]
    warp: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Order {
    /// Evenly spread over the benchmark.
    #[default]
    Spread,
    /// Lowest PCK first.
    Worst,
    /// Highest PCK first.
    Best,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read or does not fit its benchmark, a photograph that cannot be read, or a
/// folder that cannot be written.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    let mut options = ShowOptions::default();
    options.pairs = args.pairs;
    options.order = match args.order {
        Order::Spread => ShowOrder::Spread,
        Order::Worst => ShowOrder::Worst,
        Order::Best => ShowOrder::Best,
    };
    options.alpha = args.alpha;
    options.warp = args.warp;
    let shown = show_file(&args.file, &args.root, &args.out, &options);
    let shown = shown.map_err(|error| match error {
        ShowError::Files(error) => in_words(error),
        ShowError::Score(error) => error.into(),
        error => error.into(),
    })?;
    if !shown.unreadable.is_empty() {
        say(format!("hpflow: {}", left_out(&shown.unreadable)));
    }
    let pairs = counted(shown.pictures.len(), "pair");
    console.note(format!("{}: {pairs}", shown.sheet.display()));
    Ok(())
}
