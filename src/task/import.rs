//! Predictions of other programs become a predictions file.

use std::path::{Path, PathBuf};

use crate::benchmark::Benchmark;
use crate::import::{ImportError, ImportKind, read};
use crate::predictions::{
    AnyWriter, Header, HeaderField, MethodHeader, Prediction, PredictionsError,
};

/// How predictions are imported.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ImportOptions {
    /// What the file is; as its extension says where `None`.
    pub kind: Option<ImportKind>,
    /// The method's name in tables; the file's name where `None`.
    pub name: Option<String>,
}

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// How many pairs of the benchmark have predictions.
    pub pairs: usize,
    /// What the file was read as.
    pub kind: ImportKind,
    /// Whether all is written; not where the reader of a pipe had seen enough.
    pub whole: bool,
}

/// Why predictions could not be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportFileError {
    /// An extension that says nothing.
    #[error("{}: the extension is not .csv, .npz or .pkl; give the kind", file.display())]
    UnknownKind {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be read or does not fit the benchmark.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The predictions file cannot be written.
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
}

/// Writes the predictions of another program for a benchmark into a predictions file. `out` may be `-`,
/// a device or a pipe.
///
/// # Errors
/// See [`ImportFileError`].
pub fn import_file(
    file: &Path,
    benchmark: &Benchmark,
    out: &Path,
    options: &ImportOptions,
) -> Result<Imported, ImportFileError> {
    let unknown = || ImportFileError::UnknownKind { file: file.to_owned() };
    let kind = options.kind.or_else(|| ImportKind::of(file)).ok_or_else(unknown)?;
    let predicted = read(file, kind, benchmark)?;
    let stem = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let method = MethodHeader::of(&options.name.clone().unwrap_or_else(stem))
        .with(HeaderField::new("imported_from"), &kind.name().to_owned());
    // This hpflow's arithmetic had no part in the numbers.
    let mut header = Header::new(benchmark.name(), &benchmark.split, method);
    header.arithmetic = None;
    let pairs = predicted.len();
    let write = || {
        let mut writer = AnyWriter::create(out, &header)?;
        for (pair, keypoints) in predicted {
            let pair = benchmark.pairs[pair].id.clone();
            writer.write(&Prediction { pair, keypoints })?;
        }
        writer.finish()
    };
    match write() {
        Err(error) if error.is_reader_gone() => Ok(Imported { pairs, kind, whole: false }),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(Imported { pairs, kind, whole: true }),
    }
}
