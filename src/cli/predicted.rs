//! Predictions files and the benchmark that they are for, as commands that score them open both.

use std::collections::HashSet;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::console::say;
use super::output::left_out;
use hpflow::low_level::benchmark::{Benchmark, BenchmarkError, Kind, LayoutSize, Options};
use hpflow::low_level::predictions::{Header, Reader};
use hpflow::low_level::score::{Answers, ScoreError};

/// Which of SPair-71k's lists of pairs.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Layout {
    Large,
    Small,
}

/// Predictions files of one benchmark and split.
pub(super) struct Files {
    /// Their names as they were given.
    pub(super) paths: Vec<String>,
    /// Their headers.
    pub(super) headers: Vec<Header>,
}

impl Files {
    /// Reads the headers of files, of which there is at least one.
    pub(super) fn open(files: &[PathBuf]) -> anyhow::Result<Self> {
        each_once(files)?;
        let mut headers: Vec<Header> = Vec::with_capacity(files.len());
        for file in files {
            let header = Reader::open(file)?.header().clone();
            if let Some(first) = headers.first().filter(|first| {
                (&header.benchmark, &header.split) != (&first.benchmark, &first.split)
            }) {
                anyhow::bail!(
                    "{} is for {} {}, but {} is for {} {}; score them apart",
                    file.display(),
                    header.benchmark,
                    header.split,
                    files[0].display(),
                    first.benchmark,
                    first.split,
                );
            }
            headers.push(header);
        }
        Ok(Self { paths: files.iter().map(|file| file.display().to_string()).collect(), headers })
    }
}

/// A file that is given twice would be a rival of itself.
fn each_once(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    for file in files {
        if !seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())) {
            let what = format!("{} is given twice; name each file once", file.display());
            return Err(super::Usage(what).into());
        }
    }
    Ok(())
}

/// The predictions of a file, in the order of the benchmark's pairs.
pub(super) fn read(
    file: &Path,
    (benchmark, left_out): (&Benchmark, &LeftOut),
    partial: bool,
) -> anyhow::Result<Answers> {
    let mut reader = Reader::open(file)?;
    let lines = std::iter::from_fn(|| next(&mut reader));
    let known = |line: &anyhow::Result<Line>| match line {
        Ok((_, pair, _)) => !left_out.contains(pair),
        Err(_) => true,
    };
    let answers = Answers::collect(benchmark, lines.filter(known));
    let answers = answers.and_then(|answers| {
        if !partial {
            answers.complete(benchmark)?;
        }
        Ok(answers)
    });
    answers.map_err(|error: anyhow::Error| match error.downcast::<ScoreError>() {
        // The reader's own errors name the file already.
        Ok(error) => anyhow::Error::new(error).context(file.display().to_string()),
        Err(error) => error,
    })
}

type Line = (usize, String, Vec<Option<hpflow::Point>>);

fn next<R: BufRead>(reader: &mut Reader<R>) -> Option<anyhow::Result<Line>> {
    let prediction = reader.next()?;
    let line = reader.line_number();
    Some(prediction.map(|one| (line, one.pair, one.keypoints)).map_err(Into::into))
}

/// The ids of pairs that cannot be read.
pub(super) type LeftOut = HashSet<String>;

/// The kind of benchmark that a header names.
pub(super) fn kind(file: &Path, header: &Header) -> anyhow::Result<Kind> {
    header.benchmark.parse().map_err(|error: BenchmarkError| {
        anyhow::anyhow!("{}: {error}; mend \"benchmark\" in its first line", file.display())
    })
}

/// The benchmark that the header names, with the sizes of photographs that are there. What the header
/// names and is not there is the file's fault, no wrong usage. Where parts will do, pairs that cannot
/// be read are left out, and that is said.
pub(super) fn open(
    file: &Path,
    root: &Path,
    layout: Option<Layout>,
    header: &Header,
    partial: bool,
) -> anyhow::Result<(Benchmark, LeftOut)> {
    let of_the_file = |error: BenchmarkError| {
        let (name, wanted) = (file.display(), &header.benchmark);
        match error {
            BenchmarkError::UnknownSplit { .. } => anyhow::anyhow!(
                "{name}: {error}; mend \"split\" in its first line, or give another folder with --root"
            ),
            BenchmarkError::NoFolder { root, .. } => anyhow::anyhow!(
                "{name} is for {wanted}, and there is no folder {}; give the benchmark's with --root",
                root.display()
            ),
            BenchmarkError::Root { root, benchmark, expected, looks_like } => anyhow::anyhow!(
                "{name} is for {wanted}, and {} is no {benchmark} folder{}: expected {expected} in it; \
                 give the folder that holds them with --root",
                root.display(),
                looks_like.map_or_else(String::new, |kind| format!(" (it looks like {kind})"))
            ),
            error => error.into(),
        }
    };
    let kind = kind(file, header)?;
    let small = header.method.get("layout").is_some_and(|layout| layout == "small");
    let layout = match layout {
        Some(Layout::Small) => LayoutSize::Small,
        None if small => LayoutSize::Small,
        Some(Layout::Large) | None => LayoutSize::Large,
    };
    let options = Options { split: header.split.clone(), layout, ..Options::default() };
    let (mut benchmark, unreadable) = if partial {
        Benchmark::open_readable(kind, root, &options).map_err(of_the_file)?
    } else {
        (Benchmark::open(kind, root, &options).map_err(of_the_file)?, Vec::new())
    };
    if !unreadable.is_empty() {
        say(format!("hpflow: {}", left_out(&unreadable)));
    }
    benchmark.measure();
    Ok((benchmark, unreadable.into_iter().map(|one| one.pair).collect()))
}
