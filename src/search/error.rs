//! Why a search stopped, or cannot go on.

use std::path::PathBuf;

use crate::engine::EngineError;
use crate::features::FeaturesError;
use crate::score::ScoreError;

/// Why a search stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// Features that cannot be used.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A pair that the engine cannot take.
    #[error("{} and {}: {engine}", photographs[0].display(), photographs[1].display())]
    Pair {
        /// The photographs of the source and of the target.
        photographs: [PathBuf; 2],
        /// Why.
        engine: Box<EngineError>,
    },
    /// A benchmark that cannot be scored.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The file of the search.
    #[error(transparent)]
    State(#[from] StateError),
    /// A photograph without hyperpixels of a base layer.
    #[error("{}: layer {base} cannot be its base: {engine}", photograph.display())]
    TooSmall {
        /// The photograph.
        photograph: PathBuf,
        /// The base layer.
        base: usize,
        /// Why.
        engine: Box<EngineError>,
    },
}

/// Why the file of a search cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A file that cannot be read.
    #[error(
        "{}: cannot be read: {source}; give the file that `hpflow search` wrote, or another name to \
         begin a new search",
        file.display()
    )]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something else than the file of a search.
    #[error(
        "{}: is not the file of a search ({reason}); give the file that `hpflow search` wrote, or another \
         name to begin a new search",
        file.display()
    )]
    NotAState {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of another search.
    #[error(
        "{}: is of another search: its {setting} is {found}, but {expected} was asked for; continue \
         it with the options that it was begun with, or give another name to begin a new search",
        file.display()
    )]
    Other {
        /// The file.
        file: PathBuf,
        /// The setting that differs.
        setting: String,
        /// What the file says.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The file of a search that an hpflow began which computes otherwise.
    #[error(
        "{}: was begun with arithmetic {found}, and this hpflow's is {expected}{}, so its scores and new \
         ones do not compare; finish it with the hpflow that began it, or give another name to begin a \
         new search",
        file.display(),
        crate::arithmetic_changes(*found, *expected)
    )]
    Arithmetic {
        /// The file.
        file: PathBuf,
        /// Its arithmetic.
        found: u64,
        /// This hpflow's.
        expected: u64,
    },
    /// The file of a search whose pairs are not what they were.
    #[error(
        "{}: cannot be continued: {what} when the search was begun, and all its scores depend on it; \
         put back what was there, or give another name to begin a new search",
        file.display()
    )]
    Changed {
        /// The file.
        file: PathBuf,
        /// The first difference.
        what: String,
    },
    /// The file of a search of which it is not known what it is made of.
    #[error(
        "{}: cannot be continued: {}, which says what pairs and photographs its scores are of, is not \
         there or is damaged; put it back, or give another name to begin a new search",
        file.display(),
        super::paths::inputs_path(file).display()
    )]
    Unknown {
        /// The file.
        file: PathBuf,
    },
    /// A file that cannot be written.
    #[error("{}: cannot be written: {reason}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
}
