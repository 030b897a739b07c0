//! Why weights could not be had or do not fit.

use std::fmt;
use std::path::PathBuf;

/// Whose names the tensors of a network have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// torchvision's.
    Torchvision,
    /// Those of the method's authors' code.
    Authors,
}

impl fmt::Display for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Torchvision => "torchvision's names",
            Self::Authors => "the names of its authors' code",
        })
    }
}

/// Why weights could not be had or do not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// Neither a file, nor a known name, nor a repository.
    #[error(
        "'{found}' is neither a file that exists nor weights hpflow knows: give a safetensors \
         file, resnet50, resnet101, OWNER/NAME on the Hugging Face hub (with @REVISION to pin \
         one), or untrained"
    )]
    NotASource {
        /// The text found.
        found: String,
    },
    /// A revision that no repository can have.
    #[error("'{found}' is not a revision of a repository: give a branch, a tag or a commit hash")]
    NotARevision {
        /// The text found.
        found: String,
    },
    /// A file that cannot be opened or read.
    #[error("{path}: cannot be read: {source}; give a safetensors file, and check its permissions")]
    Read {
        /// The weights file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file that is something else than safetensors.
    #[error("{path}: {found}, not a safetensors file; {remedy}")]
    NotSafetensors {
        /// The weights file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What to do.
        remedy: String,
    },
    /// A safetensors file with less, or more, data than its header announces.
    #[error(
        "{path}: has {found} bytes where its header announces {expected}: it is incomplete or \
         damaged; fetch it again"
    )]
    Length {
        /// The weights file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length its header announces.
        expected: u64,
    },
    /// Weights that look like another network's.
    #[error(
        "{path}: looks like the weights of {found}, not of {expected}; give weights of \
         {expected}, or the option `backbone` they belong to"
    )]
    OtherNetwork {
        /// The weights file.
        path: PathBuf,
        /// What it looks like.
        found: String,
        /// The network asked for.
        expected: String,
    },
    /// ResNets whose tensors have more before their names than torchvision's.
    #[error("{path}: holds {found}; {remedy}")]
    Prefixed {
        /// The weights file.
        path: PathBuf,
        /// How many there are, and what stands before their names.
        found: String,
        /// The command that takes it off.
        remedy: String,
    },
    /// A tensor the network needs is not there.
    #[error(
        "{path}: {backbone} needs the tensor {name} of shape {shape:?}, which is missing \
         ({missing} of {needed} tensors are); give a file with {names}"
    )]
    Missing {
        /// The weights file.
        path: PathBuf,
        /// The network asked for.
        backbone: String,
        /// The first missing tensor.
        name: String,
        /// The shape it should have.
        shape: Vec<usize>,
        /// How many tensors are missing.
        missing: u32,
        /// How many tensors the network needs.
        needed: u32,
        /// Whose names are expected.
        names: Names,
    },
    /// A tensor of another shape.
    #[error(
        "{path}: tensor {name} has shape {found:?} where {backbone} has {expected:?}; give \
         weights of {backbone}"
    )]
    Shape {
        /// The weights file.
        path: PathBuf,
        /// The network asked for.
        backbone: String,
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A file of a learned baseline in a form that hpflow does not run.
    #[error("{path}: {found}; {remedy}")]
    NotRun {
        /// The weights file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A running variance below zero, which has no root.
    #[error(
        "{path}: tensor {name} holds a negative variance; the file is damaged or was made wrongly; \
         fetch it again or give another"
    )]
    NegativeVariance {
        /// The weights file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor of numbers that are not floating point.
    #[error("{path}: tensor {name} holds {found} numbers; hpflow reads F64, F32, F16 and BF16")]
    NumberType {
        /// The weights file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
    /// A tensor with a value that is infinite or not a number.
    #[error(
        "{path}: tensor {name} holds a value that is infinite or not a number; the file is \
         damaged or its training failed; fetch it again or give another"
    )]
    NotFinite {
        /// The weights file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// Weights that are not in the cache while the hub must not be asked.
    #[error(
        "{repository}@{revision} is not in the cache {cache}, and HF_HUB_OFFLINE forbids asking \
         the hub; unset it, or fetch the weights where there is a network and set HF_HOME to the \
         folder they are in"
    )]
    Offline {
        /// The repository.
        repository: String,
        /// The revision asked for.
        revision: String,
        /// The cache folder.
        cache: PathBuf,
    },
    /// The hub is needed in a build without its client.
    #[error(
        "{wanted} is not in {}, and this build of hpflow cannot ask the Hugging Face hub for it: it was \
         built without the feature `hub`; give a file, or fetch the weights with Python's \
         huggingface_hub",
        cache.display()
    )]
    WithoutHub {
        /// Repository and revision.
        wanted: String,
        /// The cache folder.
        cache: PathBuf,
    },
    /// A repository, revision or file that the hub does not have.
    #[error(
        "{endpoint} has no {wanted}; check the name{hint}, or give a file's path or 'untrained'"
    )]
    NotOnHub {
        /// The hub.
        endpoint: String,
        /// What it does not have.
        wanted: String,
        /// What else might be wrong, or nothing.
        hint: String,
    },
    /// The hub could not be asked, or answered with something else.
    #[error(
        "{wanted} could not be fetched from {endpoint}: {reason}; check the network and \
         HF_ENDPOINT and try again, or give a file's path or 'untrained'"
    )]
    Hub {
        /// The hub.
        endpoint: String,
        /// What was asked for.
        wanted: String,
        /// What went wrong.
        reason: String,
    },
    /// A download whose SHA-256 is not the one the hub announced.
    #[error(
        "{wanted}: the file from {endpoint} has SHA-256 {found} where {expected} was announced; \
         it was removed from the cache: try again"
    )]
    Corrupt {
        /// The hub.
        endpoint: String,
        /// What was fetched.
        wanted: String,
        /// The SHA-256 of what came.
        found: String,
        /// The SHA-256 announced.
        expected: String,
    },
    /// A cache that nothing can be written to.
    #[error(
        "{cache}: cannot keep weights in this cache: {source}; make room in it or set HF_HOME to \
         another folder"
    )]
    Cache {
        /// The cache folder.
        cache: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// No place for the cache.
    #[error(
        "the home folder is unknown, so there is no folder for fetched weights; set HF_HOME to one"
    )]
    NoHome,
}
