//! `hpflow report`: predictions files to one HTML page.

use std::path::PathBuf;

use anyhow::Context as _;

use super::console::{Console, say};
use super::output::{failed, left_out};
use super::predicted::{Layout, in_words};
use hpflow::low_level::files;
use hpflow::low_level::report::html::{Photographs, ReportedMethod, curve_alphas, load, page};
use hpflow::low_level::report::scores::{FileScores, Scope, names, tables};
use hpflow::low_level::score::{Alpha, Measure, default_for, score};
use hpflow::task::PredictionsFiles;

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
    let cannot_write = |error: std::io::Error| {
        let what = format!("cannot write the report to {}", args.out.display());
        failed(what, &error, "give a folder that can be written")
    };
    let opened = PredictionsFiles::open(&args.files)
        .and_then(|files| {
            files.with_benchmark(&args.root, args.layout.map(Into::into), args.partial)
        })
        .map_err(in_words)?;
    if !opened.unreadable.is_empty() {
        say(format!("hpflow: {}", left_out(&opened.unreadable)));
    }
    let (benchmark, headers) = (&opened.benchmark, &opened.of.headers);
    let paths: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    let protocol = default_for(opened.of.kind);
    anyhow::ensure!(
        protocol.measure == Measure::Keypoints,
        "{}: a report shows keypoints, but {} has masks; use hpflow score and hpflow show",
        paths[0],
        benchmark.name()
    );
    std::fs::create_dir_all(&args.out).map_err(cannot_write)?;
    let path = args.out.join("index.html");
    files::check(&path).map_err(cannot_write)?;
    let parts: Vec<_> =
        paths.iter().zip(headers).map(|(file, header)| (file.as_str(), &header.method)).collect();
    let (mut files, mut answers, mut curves) = (Vec::new(), Vec::new(), Vec::new());
    for (at, name) in names(&parts).into_iter().enumerate() {
        let found = opened.answers(at).map_err(in_words)?;
        let scored = |alphas: &[Alpha]| {
            score(benchmark, &found, protocol, alphas, None).with_context(|| paths[at].clone())
        };
        curves.push(scored(&curve_alphas())?.pck);
        files.push(FileScores {
            file: paths[at].clone(),
            method: headers[at].method.clone(),
            name,
            scores: vec![scored(&[args.alpha])?],
            warnings: Vec::new(),
        });
        answers.push(found);
    }
    console.doubts(benchmark);
    let photographs = if args.no_photographs { Photographs::default() } else { load(benchmark) };
    if let (Some(first), false) = (photographs.missing.first(), args.no_photographs) {
        say(format!(
            "hpflow: {} of {} photographs are left out; the first: {first}",
            photographs.missing.len(),
            benchmark.images.len()
        ));
    }
    let scope = Scope {
        benchmark: benchmark.name(),
        split: &benchmark.split,
        pairs: benchmark.pairs.len(),
        published: false,
        comparable: false,
        bootstrap: None,
        doubts: &[],
    };
    let methods: Vec<ReportedMethod<'_>> = files
        .iter()
        .zip(&answers)
        .zip(&curves)
        .map(|((file, answers), curve)| ReportedMethod { file, answers, curve })
        .collect();
    let tables = tables(scope, &files, &[]);
    let html = page(benchmark, &methods, protocol, args.alpha, &tables, &photographs)?;
    files::write(&path, html).map_err(cannot_write)?;
    if !console.quiet {
        mention_line!("{}", path.display());
    }
    Ok(())
}
