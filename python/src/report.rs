//! The page of a report, and pictures of pairs.

use std::path::PathBuf;

use numpy::{PyArray1, PyArray3, PyArrayMethods as _};
use pyo3::prelude::*;

use hpflow::low_level::score::{Alpha, default_for};
use hpflow::task::{PredictionsFiles, ReportOptions, picture_of, report_files};

use crate::benchmark::layout;
use crate::errors::Failure;
use crate::pool::work;
use crate::score::check_benchmark;

fn share(alpha: &str) -> Result<Alpha, Failure> {
    alpha
        .parse()
        .map_err(|error: hpflow::low_level::score::NotAnAlpha| Failure::Usage(error.to_string()))
}

/// Writes the page of files of the benchmark of a kind, split, folder and layout.
#[pyfunction]
pub fn report(
    py: Python,
    files: Vec<PathBuf>,
    of: (String, String, PathBuf, String),
    out: PathBuf,
    alpha: &str,
    partial: bool,
) -> PyResult<PathBuf> {
    let (kind, split, root, size) = of;
    let mut options = ReportOptions::default();
    options.alpha = share(alpha)?;
    options.layout = Some(layout(&size)?);
    options.partial = partial;
    work(py, move |_| {
        let opened = PredictionsFiles::open(&files).map_err(Failure::failed)?;
        check_benchmark(&opened, &kind, &split)?;
        let report = report_files(&files, &root, &out, &options).map_err(Failure::failed)?;
        Ok(report.page)
    })
}

/// The picture (H, W, 3) of a pair of a file, judged by the benchmark's own protocol.
#[pyfunction]
pub fn show<'py>(
    py: Python<'py>,
    file: PathBuf,
    of: (String, String, PathBuf, String),
    pair: String,
    alpha: Option<&str>,
) -> PyResult<Bound<'py, PyArray3<u8>>> {
    let (kind, split, root, size) = of;
    let size = layout(&size)?;
    let alpha = alpha.map(share).transpose()?;
    let picture = work(py, move |_| {
        let files = PredictionsFiles::open(&[file]).map_err(Failure::failed)?;
        check_benchmark(&files, &kind, &split)?;
        let opened = files.with_benchmark(&root, Some(size), true).map_err(Failure::failed)?;
        let answers = opened.answers(0).map_err(Failure::failed)?;
        let benchmark = &opened.benchmark;
        let at = benchmark.pairs.iter().position(|one| one.id == pair).ok_or_else(|| {
            Failure::Usage(format!("there is no pair {pair:?} in {kind} {split}; give a pair's id"))
        })?;
        if answers.get(at).is_none() {
            let what = format!("the predictions lack the pair {pair}; give another one");
            return Err(Failure::Usage(what));
        }
        let protocol = default_for(opened.of.kind);
        let alpha = alpha.unwrap_or(protocol.alphas[0]);
        picture_of(benchmark, &answers, at, protocol, alpha).map_err(Failure::failed)
    })?;
    let (rows, columns) = (picture.height as usize, picture.width as usize);
    PyArray1::from_vec(py, picture.rgb).reshape([rows, columns, 3])
}
