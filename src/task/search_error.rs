//! Why a search stopped, whole or in shards.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::keep::KeepError;
use crate::benchmark::BenchmarkError;
use crate::features::FeaturesError;
use crate::method::OpenError;
use crate::search::{EvaluationError, StateError};

/// One of the two lists of layers that are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerList {
    /// [`SearchOptions::bases`](super::SearchOptions::bases).
    Bases,
    /// [`SearchOptions::candidates`](super::SearchOptions::candidates).
    Candidates,
}

impl fmt::Display for LayerList {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bases => "bases",
            Self::Candidates => "candidates",
        })
    }
}

/// Why there is no layer set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// Something that a search cannot be kept in.
    #[error("{}: {source}", file.display())]
    Output {
        /// What was to be the file of the search.
        file: PathBuf,
        /// Why it cannot be.
        source: io::Error,
    },
    /// A file that is there, of a search that was not to be resumed.
    #[error(
        "{} is there already; resume its search, or give another name to begin a new one",
        file.display()
    )]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// Another search has the file.
    #[error(
        "{}: another search is writing it; wait for that one, or give another name",
        file.display()
    )]
    Busy {
        /// The file.
        file: PathBuf,
    },
    /// A benchmark whose masks are compared.
    #[error("a search scores keypoints, but {benchmark} has masks")]
    Masks {
        /// The benchmark.
        benchmark: String,
    },
    /// The folder of the report cannot be made.
    #[error("{}: cannot make the folder: {source}; give another name", folder.display())]
    ReportFolder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The report cannot be written.
    #[error("cannot write the report to {}: {source}; give a folder that can be written", folder.display())]
    Report {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A layer that there is not.
    #[error("{list}: {backbone} has no layer {layer}; it has {known}")]
    NoLayer {
        /// Where it is named.
        list: LayerList,
        /// The backbone.
        backbone: String,
        /// The layer.
        layer: usize,
        /// Those that there are.
        known: String,
    },
    /// A layer that is named twice.
    #[error("{list} name layer {layer} twice; name it once")]
    RepeatedLayer {
        /// Where it is named.
        list: LayerList,
        /// The layer.
        layer: usize,
    },
    /// A layer that cannot be a base.
    #[error("base {layer}: {why}")]
    NoBase {
        /// The layer.
        layer: usize,
        /// Why, in a sentence.
        why: String,
    },
    /// Kept features of another backbone than the one asked for.
    #[error(
        "{asked} was asked for, but the features are of {found}; give the folder of its features"
    )]
    OtherBackbone {
        /// The backbone asked for.
        asked: String,
        /// The features' backbone.
        found: String,
    },
    /// A search that has larger sets already.
    #[error(
        "{}: its sets have up to {layers} layers already; search to that depth or a greater one",
        file.display()
    )]
    Deeper {
        /// The file.
        file: PathBuf,
        /// Layers of its largest sets.
        layers: usize,
    },
    /// The benchmark or its photographs.
    #[error(transparent)]
    Benchmark(#[from] BenchmarkError),
    /// The backbone cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Maps cannot be made and kept.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// Kept features that cannot be used.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// The file of the search.
    #[error(transparent)]
    State(#[from] StateError),
    /// It stopped on the way.
    #[error("{why}")]
    Stopped {
        /// The file that has what was evaluated before; `None` where there is nothing yet.
        kept: Option<PathBuf>,
        /// Why.
        #[source]
        why: Box<EvaluationError>,
    },
    /// Parts that make no search.
    #[error(transparent)]
    Parts(Box<PartsError>),
    /// No pair has keypoints.
    #[error("no pair has keypoints to score")]
    NoKeypoints,
    /// Maps that are not needed any more cannot be removed.
    #[error("{}: cannot be removed: {source}", file.display())]
    Remove {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A part of a depth that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingPart {
    /// Which shard, from 1.
    pub shard: usize,
    /// Pairs that are evaluated, where it is begun.
    pub begun: Option<usize>,
}

/// Why a shard of a search stopped, or parts make no search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartsError {
    /// It cannot begin.
    #[error(transparent)]
    Begin(Box<SearchError>),
    /// An evaluation that stopped.
    #[error(transparent)]
    Search(#[from] EvaluationError),
    /// Parts that are missing.
    #[error("{}: {complete} of {of} parts of depth {depth} are complete", folder.display())]
    Missing {
        /// The folder of parts.
        folder: PathBuf,
        /// The depth, from 1.
        depth: usize,
        /// How many parts it has.
        of: usize,
        /// How many are complete.
        complete: usize,
        /// The others.
        missing: Vec<MissingPart>,
    },
    /// A part of another number of shards.
    #[error(
        "{} is one of {found} parts, and {expected} were asked for; ask for one of {found}, or delete {} to \
         start anew",
        file.display(), folder.display()
    )]
    OtherNumber {
        /// The part.
        file: PathBuf,
        /// The folder of parts.
        folder: PathBuf,
        /// Of how many it is one.
        found: usize,
        /// How many were asked for.
        expected: usize,
    },
    /// There are no parts.
    #[error("{} has no parts of a search; delete it, or evaluate parts first", folder.display())]
    None {
        /// The folder of parts.
        folder: PathBuf,
    },
    /// A part of another search, or one that was damaged.
    #[error(
        "{}: {what}; delete it and evaluate that part again, or delete {} to start anew",
        file.display(), folder.display()
    )]
    Part {
        /// The part.
        file: PathBuf,
        /// The folder of parts.
        folder: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The folder of parts cannot be written or read.
    #[error(
        "{}: {source}; make room, or give a file in a folder that can be written; the same call goes on",
        path.display()
    )]
    Folder {
        /// What cannot be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
