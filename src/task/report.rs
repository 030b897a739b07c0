//! One page about predictions files: tables, charts and a browser of pairs.

use std::io;
use std::path::{Path, PathBuf};

use super::files::{FilesError, PredictionsFiles};
use crate::benchmark::{LayoutSize, Unreadable};
use crate::files::{self, OutputKind};
use crate::method::row_name;
use crate::progress::{Progress, ProgressUnit};
use crate::report::Table;
use crate::report::html::{Photographs, ReportedMethod, curve_alphas, load, page};
use crate::report::scores::{FileScores, Scope, names, tables};
use crate::score::{Alpha, Measure, ScoreError, default_for, score};

/// What a report shows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReportOptions {
    /// The share of the threshold within which a keypoint is right.
    pub alpha: Alpha,
    /// Which of SPair-71k's lists of pairs makes a file complete; the header's, or large, where `None`.
    pub layout: Option<LayoutSize>,
    /// Report files that lack pairs over those that they have.
    pub partial: bool,
    /// Leave the photographs out: a page of a few megabytes less.
    pub without_photographs: bool,
    /// Told how many files are scored.
    pub progress: Progress,
}

impl Default for ReportOptions {
    /// α 0.1, complete files, with photographs.
    fn default() -> Self {
        Self {
            alpha: Alpha::hundredths(10),
            layout: None,
            partial: false,
            without_photographs: false,
            progress: Progress::default(),
        }
    }
}

/// A report that was written.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// The page.
    pub page: PathBuf,
    /// Its tables, which can be written in other formats: [`Table::render`].
    pub tables: Vec<Table>,
    /// The files with their scores at α, in the order in which they were given.
    pub files: Vec<FileScores>,
    /// Pairs that cannot be read, which are left out; none unless parts will do.
    pub unreadable: Vec<Unreadable>,
    /// What is doubtful in the benchmark's annotations and photographs, a sentence.
    pub doubts: Option<String>,
    /// How many photographs the benchmark has.
    pub photographs: usize,
    /// A sentence for each photograph that could not be read and is left out.
    pub missing: Vec<String>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The files cannot be opened.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A benchmark whose masks are compared.
    #[error("{}: a report shows keypoints, but {benchmark} has masks", file.display())]
    Masks {
        /// The first file.
        file: PathBuf,
        /// Its benchmark.
        benchmark: String,
    },
    /// A file cannot be scored.
    #[error("{}: {source}", file.display())]
    Score {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Box<ScoreError>,
    },
    /// An output has the name of something else, which stays.
    #[error("{}: {source}", file.display())]
    Taken {
        /// The file.
        file: PathBuf,
        /// What it is.
        source: io::Error,
    },
    /// The folder cannot be written.
    #[error("cannot write the report to {}: {source}; give a folder that can be written", folder.display())]
    Write {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes `index.html` about predictions files of one benchmark, whose folder is `root`, into the
/// folder `out`: one file that needs no network.
///
/// # Errors
/// See [`ReportError`]. That the folder cannot be written, or that its `index.html` is another page, is
/// found before the files are scored.
pub fn report_files(
    files: &[PathBuf],
    root: &Path,
    out: &Path,
    options: &ReportOptions,
) -> Result<Report, ReportError> {
    let opened =
        PredictionsFiles::open(files)?.with_benchmark(root, options.layout, options.partial)?;
    let (benchmark, headers) = (&opened.benchmark, &opened.of.headers);
    let protocol = default_for(opened.of.kind);
    if protocol.measure != Measure::Keypoints {
        let (file, benchmark) = (files[0].clone(), benchmark.name().to_owned());
        return Err(ReportError::Masks { file, benchmark });
    }
    let unwritten = |source| ReportError::Write { folder: out.to_owned(), source };
    std::fs::create_dir_all(out).map_err(unwritten)?;
    let path = out.join("index.html");
    files::check(&path).map_err(unwritten)?;
    files::check_kind(&path, OutputKind::Page)
        .map_err(|source| ReportError::Taken { file: path.clone(), source })?;
    let paths: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let parts: Vec<_> = paths
        .iter()
        .zip(headers)
        .map(|(file, header)| (file.as_str(), row_name(&header.method)))
        .collect();
    let (mut scored, mut answers, mut curves) = (Vec::new(), Vec::new(), Vec::new());
    for (at, name) in names(&parts).into_iter().enumerate() {
        let (done, total) = (at as u64, files.len() as u64);
        options.progress.tell("files", done, Some(total), ProgressUnit::Items);
        let found = opened.answers(at)?;
        let score = |alphas: &[Alpha]| {
            score(benchmark, &found, protocol, alphas, None).map_err(|source| ReportError::Score {
                file: files[at].clone(),
                source: Box::new(source),
            })
        };
        curves.push(score(&curve_alphas())?.pck);
        scored.push(FileScores {
            file: paths[at].clone(),
            method: headers[at].method.clone(),
            name,
            scores: vec![score(&[options.alpha])?],
            warnings: Vec::new(),
        });
        answers.push(found);
    }
    let (doubts, images) = (benchmark.doubts().sentence(), benchmark.images.len());
    let photographs = match options.without_photographs {
        true => Photographs::default(),
        false => load(benchmark),
    };
    let scope = Scope {
        benchmark: benchmark.name(),
        split: &benchmark.split,
        pairs: benchmark.pairs.len(),
        published: false,
        comparable: false,
        bootstrap: None,
        doubts: &[],
    };
    let tables = tables(scope, &scored, &[]);
    let each = scored.iter().zip(&answers).zip(&curves);
    let methods: Vec<ReportedMethod<'_>> =
        each.map(|((file, answers), curve)| ReportedMethod { file, answers, curve }).collect();
    let html = page(benchmark, &methods, protocol, options.alpha, &tables, &photographs);
    let html = html.map_err(|source| ReportError::Score {
        file: files[0].clone(),
        source: Box::new(source),
    })?;
    files::write(&path, html).map_err(unwritten)?;
    Ok(Report {
        page: path,
        tables,
        files: scored,
        unreadable: opened.unreadable,
        doubts,
        photographs: images,
        missing: photographs.missing,
    })
}
