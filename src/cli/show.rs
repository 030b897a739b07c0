//! `hpflow show`: pictures of a predictions file, right and wrong keypoints against the truth.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use super::console::{Console, say};
use super::options::at_least_one;
use super::output::{counted, failed, left_out};
use super::predicted::in_words;
use hpflow::low_level::benchmark::Benchmark;
use hpflow::low_level::image::{Photograph, read as read_photograph};
use hpflow::low_level::picture::{Drawn, TrueKeypoint, contact_sheet, matches, write_png};
use hpflow::low_level::score::{
    Alpha, Answers, Measure, Protocol, Verdict, default_for, judge, radius,
};
use hpflow::task::PredictionsFiles;

/// Pictures in a row of the sheet, and the sheet's width in pixels.
const SHEET: (usize, u32) = (2, 1600);

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
    let opened = PredictionsFiles::open(std::slice::from_ref(&args.file))
        .and_then(|files| files.with_benchmark(&args.root, None, true))
        .map_err(in_words)?;
    if !opened.unreadable.is_empty() {
        say(format!("hpflow: {}", left_out(&opened.unreadable)));
    }
    let answers = opened.answers(0).map_err(in_words)?;
    let protocol = default_for(opened.of.kind);
    let benchmark = opened.benchmark;
    let alpha = args.alpha.unwrap_or(protocol.alphas[0]);
    let verdicts = judge(&benchmark, &answers, protocol, alpha)?;
    std::fs::create_dir_all(&args.out).map_err(|error| {
        let what = format!("{}: cannot make the folder", args.out.display());
        failed(what, &error, "give a folder that can be written")
    })?;
    let mut pictures = Vec::new();
    for verdict in chosen(verdicts, args) {
        let (name, picture) = draw(&benchmark, &answers, &verdict, protocol, alpha)?;
        write_png(&picture, &args.out.join(file_name(&name)))?;
        pictures.push((format!("{name}: {:.0} % right", 100.0 * verdict.share()), picture));
    }
    let sheet = args.out.join("sheet.png");
    write_png(&contact_sheet(&pictures, SHEET.0, SHEET.1), &sheet)?;
    console.note(format!("{}: {}", sheet.display(), counted(pictures.len(), "pair")));
    Ok(())
}

/// The pairs to draw, in order.
fn chosen(mut verdicts: Vec<Verdict>, args: &Args) -> Vec<Verdict> {
    let by_share = |a: &Verdict, b: &Verdict| a.share().total_cmp(&b.share());
    match args.order {
        Order::Spread => {
            let (count, total) = (args.pairs.clamp(1, verdicts.len().max(1)), verdicts.len());
            let places: Vec<usize> = (0..count).map(|at| at * total / count).collect();
            let mut at = 0..;
            verdicts.retain(|_| at.next().is_some_and(|at| places.binary_search(&at).is_ok()));
        }
        Order::Worst => verdicts.sort_by(by_share),
        Order::Best => verdicts.sort_by(|a, b| by_share(b, a)),
    }
    verdicts.truncate(args.pairs);
    verdicts
}

/// The most keypoints that are drawn of a pair; of more, as a flow has, every n-th.
const MOST_DRAWN: usize = 60;

fn draw(
    benchmark: &Benchmark,
    answers: &Answers,
    verdict: &Verdict,
    protocol: &Protocol,
    alpha: Alpha,
) -> anyhow::Result<(String, Photograph)> {
    let pair = &benchmark.pairs[verdict.judged];
    let photograph = |image: usize| read_photograph(&benchmark.images[image].path);
    // Outlines have no truth for a single point.
    let radius = match protocol.measure {
        Measure::Keypoints => Some(radius(benchmark, pair, protocol, alpha)? as f32),
        _ => None,
    };
    let predicted = answers.get(verdict.judged).map_or(&[][..], Vec::as_slice);
    let drawn: Vec<Drawn> = pair
        .source_keypoints
        .iter()
        .zip(predicted)
        .enumerate()
        .step_by(pair.answers().div_ceil(MOST_DRAWN).max(1))
        .map(|(at, (&source, &prediction))| Drawn {
            source,
            prediction,
            truth: radius.map(|radius| TrueKeypoint { at: pair.target_keypoints[at], radius }),
        })
        .collect();
    let picture = matches(&photograph(pair.source)?, &photograph(pair.target)?, &drawn);
    Ok((pair.id.clone(), picture))
}

/// A pair's id as a file's name: no folder, no colon.
fn file_name(id: &str) -> PathBuf {
    let plain = |character: char| {
        if character.is_alphanumeric() || "-_.".contains(character) { character } else { '_' }
    };
    Path::new(&id.chars().map(plain).collect::<String>()).with_extension("png")
}
