//! The kinds of files, each with its reader.

use std::path::Path;

use super::error::ImportError;
use super::found::ImportedPairs;
use super::{flows, geoaware, npz, table};
use crate::PredictedKeypoints;
use crate::benchmark::Benchmark;
use crate::text::times;

/// The kinds of files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportKind {
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

impl ImportKind {
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

/// Reads predictions for a benchmark: index of the pair in [`Benchmark::pairs`], ascending, and the
/// predicted points in original pixels of the target.
///
/// # Errors
/// A file that cannot be read, is not of its kind or does not fit the benchmark; see
/// [`ImportError`].
pub fn read(
    path: &Path,
    kind: ImportKind,
    benchmark: &Benchmark,
) -> Result<Vec<(usize, PredictedKeypoints)>, ImportError> {
    let mut found = ImportedPairs::new(path, benchmark);
    match kind {
        ImportKind::Csv => table::read(path, &mut found)?,
        ImportKind::Npz => npz::read(path, &mut found)?,
        ImportKind::GeoAware => geoaware::read(path, &mut found)?,
        ImportKind::Flows => flows::read(path, &mut found)?,
    }
    if let Some((count, given, id)) = &*found.renamed.borrow() {
        tracing::warn!(
            "{}: {} the id of a pair is not written as in the benchmark, first \
             {given} for {id}, and taken for that pair's",
            path.display(),
            times(*count)
        );
    }
    Ok(found.predicted.into_iter().enumerate().filter_map(|(at, p)| Some((at, p?))).collect())
}
