//! Why predictions cannot be imported.

use std::path::PathBuf;

/// Why predictions cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; give the file or folder of predictions to import", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system, or the decompression, says.
        source: std::io::Error,
    },
    /// The file is larger than any predictions are.
    #[error("{}: it has more than {limit} bytes, more than predictions take; give the file of predictions", file.display())]
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
