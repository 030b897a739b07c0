//! What can be wrong with a benchmark's files, each as one sentence with the file and the remedy.

use std::io;
use std::path::PathBuf;

use super::matlab::MatlabError;

/// Why a benchmark cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// The folder is not the benchmark's.
    #[error("{} is not the folder of {benchmark}: expected {expected} in it; give the folder that holds them with option `root`{}", root.display(), hint(*looks_like))]
    Root {
        /// The folder that was given.
        root: PathBuf,
        /// The benchmark that was wanted.
        benchmark: &'static str,
        /// What such a folder holds.
        expected: &'static str,
        /// What the folder seems to be instead.
        looks_like: Option<&'static str>,
    },
    /// There is no such folder.
    #[error("there is no folder {}; give the folder of {benchmark} with option `root`", root.display())]
    NoFolder {
        /// The path that was given.
        root: PathBuf,
        /// The benchmark that was wanted.
        benchmark: &'static str,
    },
    /// A benchmark of that name is not known.
    #[error("benchmark \"{found}\" is not known: expected one of {known}")]
    UnknownBenchmark {
        /// What was given.
        found: String,
        /// The known names.
        known: String,
    },
    /// The benchmark has no such split.
    #[error("split \"{found}\" is not in {}: expected one of {known}", root.display())]
    UnknownSplit {
        /// The folder in which splits were looked for.
        root: PathBuf,
        /// What was given.
        found: String,
        /// The splits that are there.
        known: String,
    },
    /// The benchmark's split has no such category.
    #[error("category \"{found}\" is not in this split: expected one of {known}")]
    UnknownCategory {
        /// What was given.
        found: String,
        /// The split's categories.
        known: String,
    },
    /// The lists of pairs come apart from the benchmark, and this one is not there.
    #[error("{} has no list of pairs for split {split}: put {names} into it, which comes separately from the photographs", root.display())]
    NoList {
        /// The benchmark's folder.
        root: PathBuf,
        /// The split.
        split: String,
        /// The list's possible names.
        names: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}; check its permissions, or unpack the benchmark again", file.display())]
    Read {
        /// The file or folder.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is larger than any such file should be.
    #[error("{} is larger than {limit} bytes, more than any file of its kind: unpack the benchmark again", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// A photograph, annotation or list that others refer to is not there.
    #[error("{} is missing; {wanted_by} refers to it: unpack the benchmark again", file.display())]
    Missing {
        /// The file that is not there.
        file: PathBuf,
        /// What refers to it.
        wanted_by: String,
    },
    /// A line of a list is not what it should be.
    #[error("{}:{line}: {what}", file.display())]
    Line {
        /// The list.
        file: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What was found and what was expected.
        what: String,
    },
    /// A list without pairs.
    #[error("{} holds no pairs: expected one per line; unpack the benchmark again", file.display())]
    Empty {
        /// The list, or the folder that should hold pairs.
        file: PathBuf,
    },
    /// An annotation is not JSON of the expected form.
    #[error("{}: {}; expected an annotation as SPair-71k distributes it", file.display(), crate::json::fault_at(source))]
    Json {
        /// The annotation.
        file: PathBuf,
        /// What was found, with line and column.
        source: serde_json::Error,
    },
    /// An annotation is not a MATLAB file of the expected form.
    #[error("{}: {source}", file.display())]
    Matlab {
        /// The annotation.
        file: PathBuf,
        /// What was found.
        source: MatlabError,
    },
    /// A flow is not in Middlebury's format.
    #[error("{what}")]
    Flow {
        /// The file, and what was found.
        what: String,
    },
    /// An annotation contradicts itself or another.
    #[error("{}: {what}", file.display())]
    Contradiction {
        /// The annotation.
        file: PathBuf,
        /// What was found and what was expected.
        what: String,
    },
}

impl BenchmarkError {
    /// Whether the command line alone shows what is wrong (exit code 2), rather than what was found
    /// on the disk (exit code 1).
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::UnknownBenchmark { .. })
    }
}

/// That another benchmark is meant.
fn hint(looks_like: Option<&'static str>) -> String {
    looks_like.map_or_else(String::new, |kind| {
        format!(" (it looks like {kind}: option `benchmark` = `{kind}`)")
    })
}
