//! Predictions of other programs become predictions of this one: CSV, NumPy `.npz`, the
//! `result.pkl` of GeoAware-SC's evaluation, and folders of flows.
//!
//! Everything is checked against the benchmark: pairs and keypoints that it does not have are
//! refused, keypoints without a prediction are kept as such, and pairs that the file lacks stay
//! lacking. No input is run, and none is read beyond the limits that the readers name.

mod flows;
mod geoaware;
mod npz;
mod table;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::PredictedKeypoints;
use crate::benchmark::Benchmark;

pub use crate::numpy::{Array, ArrayError};
pub use crate::pickle::PickleError;

/// The kinds of files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// CSV with columns `pair,keypoint,x,y`: a line a predicted keypoint, named as the annotation
    /// names it; empty x and y, or no line, where there is no prediction.
    Csv,
    /// A NumPy archive with an array of shape (keypoints, 2) for each pair, under the pair's id;
    /// NaN where there is no prediction.
    Npz,
    /// The list of results that GeoAware-SC's `pck_train.py` pickles.
    GeoAware,
    /// A folder of `.flo` files, as TSS's evaluation kit takes results.
    Flows,
}

impl Kind {
    /// The kind that a file name's extension stands for; a folder holds flows.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        if path.is_dir() {
            return Some(Self::Flows);
        }
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "npz" => Some(Self::Npz),
            "pkl" | "pickle" => Some(Self::GeoAware),
            _ => None,
        }
    }

    /// The kind's name in headers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Npz => "npz",
            Self::GeoAware => "geoaware",
            Self::Flows => "flows",
        }
    }
}

/// Why predictions cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; give the file or folder of predictions that is to be imported", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system, or the decompression, says.
        source: std::io::Error,
    },
    /// The file is larger than any predictions are.
    #[error("{}: more than {limit} bytes, which is more than predictions take; is it the right file?", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// The file is not of its kind, or damaged.
    #[error("{}: {what}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What was found, what was expected.
        what: String,
    },
    /// Something in the file does not fit the benchmark.
    #[error("{}: {place}: {what}", file.display())]
    Misfit {
        /// The file.
        file: PathBuf,
        /// Where: a line, an array, a result.
        place: String,
        /// What does not fit.
        what: String,
    },
}

/// Reads predictions for a benchmark: index of the pair in [`Benchmark::pairs`], ascending, and the
/// predicted points in original pixels of the target.
///
/// # Errors
/// A file that cannot be read, is not of its kind or does not fit the benchmark; see
/// [`ImportError`].
pub fn read(
    path: &Path,
    kind: Kind,
    benchmark: &Benchmark,
) -> Result<Vec<(usize, PredictedKeypoints)>, ImportError> {
    let mut found = Found::new(path, benchmark);
    match kind {
        Kind::Csv => table::read(path, &mut found)?,
        Kind::Npz => npz::read(path, &mut found)?,
        Kind::GeoAware => geoaware::read(path, &mut found)?,
        Kind::Flows => flows::read(path, &mut found)?,
    }
    Ok(found.predicted.into_iter().enumerate().filter_map(|(at, p)| Some((at, p?))).collect())
}

/// What was found so far.
struct Found<'a> {
    file: &'a Path,
    benchmark: &'a Benchmark,
    /// By their ids. Several have one id where photographs differ by what it leaves out, such as their
    /// extensions.
    pairs: HashMap<&'a str, Vec<usize>>,
    predicted: Vec<Option<PredictedKeypoints>>,
}

impl<'a> Found<'a> {
    fn new(file: &'a Path, benchmark: &'a Benchmark) -> Self {
        let mut pairs: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, pair) in benchmark.pairs.iter().enumerate() {
            pairs.entry(pair.id.as_str()).or_default().push(at);
        }
        Self { file, benchmark, pairs, predicted: vec![None; benchmark.pairs.len()] }
    }

    /// The index of the pair of this id.
    fn pair(&self, id: &str, place: &str) -> Result<usize, ImportError> {
        let shown = crate::pickle::shortened(id);
        match self.pairs.get(id).map(Vec::as_slice) {
            Some([pair]) => Ok(*pair),
            Some([first, second, ..]) => {
                let photographs = [first, second].map(|&at| {
                    let pair = &self.benchmark.pairs[at];
                    let [source, target] = [pair.source, pair.target]
                        .map(|image| self.benchmark.images[image].name.as_str());
                    format!("{source} to {target}")
                });
                let photographs = photographs.join(", the other from ");
                let what = format!(
                    "two pairs of the benchmark have the id {shown}, one from {photographs}; rename \
                     one of the photographs"
                );
                Err(self.misfit(place, what))
            }
            None | Some([]) => {
                let Benchmark { name, split, .. } = self.benchmark;
                let what = format!("pair {shown} is not among the pairs of {name} {split}");
                Err(self.misfit(place, what))
            }
        }
    }

    /// Keeps the predictions of a pair. The same once more is no fault: some programs draw the pairs
    /// that they evaluate with replacement.
    fn keep(
        &mut self,
        pair: usize,
        points: PredictedKeypoints,
        place: &str,
    ) -> Result<(), ImportError> {
        match &self.predicted[pair] {
            Some(before) if *before != points => {
                let id = &self.benchmark.pairs[pair].id;
                Err(self.misfit(place, format!("pair {id} came before with other points")))
            }
            _ => {
                self.predicted[pair] = Some(points);
                Ok(())
            }
        }
    }

    fn misfit(&self, place: &str, what: String) -> ImportError {
        ImportError::Misfit { file: self.file.to_owned(), place: place.to_owned(), what }
    }

    fn malformed(&self, what: impl ToString) -> ImportError {
        ImportError::Malformed { file: self.file.to_owned(), what: what.to_string() }
    }

    fn unread(&self, source: std::io::Error) -> ImportError {
        ImportError::Read { file: self.file.to_owned(), source }
    }
}

/// A point from two numbers as NumPy has them: NaN is no prediction, infinite or beyond f32 is none
/// that can be meant.
fn point(x: f64, y: f64) -> Result<Option<crate::Point>, String> {
    if x.is_nan() && y.is_nan() {
        return Ok(None);
    }
    let point = [x as f32, y as f32];
    if point.iter().all(|side| side.is_finite()) {
        Ok(Some(point))
    } else {
        Err(format!("({x}, {y}) is no point; two NaN stand for no prediction"))
    }
}

#[cfg(test)]
mod tests;
