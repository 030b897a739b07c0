//! Why a checkpoint could not be converted.

use std::io;
use std::path::PathBuf;

use crate::backbone::WeightsError;
use crate::pickle::PickleError;

/// Why a checkpoint could not be converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file cannot be opened or read.
    #[error("{}: cannot be read: {source}; give a file that PyTorch stored", path.display())]
    Read {
        /// The checkpoint.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{}: {found}, not a checkpoint of PyTorch; {remedy}", path.display())]
    NotCheckpoint {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What to do.
        remedy: String,
    },
    /// The checkpoint asks for something to be run.
    #[error(
        "{}: {error}; save the network's state_dict() alone with torch.save, or with entries that \
         are numbers, texts, lists, dictionaries, arrays and argparse.Namespace",
        path.display()
    )]
    Asks {
        /// The checkpoint.
        path: PathBuf,
        /// What it asks for.
        error: PickleError,
    },
    /// The pickle in the checkpoint cannot be read.
    #[error("{}: {error}", path.display())]
    Pickle {
        /// The checkpoint.
        path: PathBuf,
        /// Why.
        error: PickleError,
    },
    /// The checkpoint contradicts itself or ends too early.
    #[error("{}: {what}; the file is incomplete or damaged, get it again", path.display())]
    Damaged {
        /// The checkpoint.
        path: PathBuf,
        /// What was found, what was expected.
        what: String,
    },
    /// There are no tensors where they are looked for, or in more than one place.
    #[error("{}: {what}", path.display())]
    NoTensors {
        /// The checkpoint.
        path: PathBuf,
        /// What there is instead, and what to do.
        what: String,
    },
    /// Two tensors would have one name.
    #[error("{}: two tensors would be called {name}; {remedy}", path.display())]
    Twice {
        /// The checkpoint.
        path: PathBuf,
        /// The name.
        name: String,
        /// What to do.
        remedy: String,
    },
    /// The tensors take far more space than the checkpoint.
    #[error(
        "{}: its tensors take {bytes} bytes or more, from a file of {length}; hpflow writes at most \
         eight times the file and 16 MB: save tensors that are not expanded or shared",
        path.display()
    )]
    Grows {
        /// The checkpoint.
        path: PathBuf,
        /// Bytes that the tensors take.
        bytes: u64,
        /// Bytes of the checkpoint.
        length: u64,
    },
    /// The output is there already.
    #[error("{}: is there already; give another file, or replace it with option `force`", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// The output is the checkpoint itself.
    #[error("{}: is the checkpoint itself; give another file for the output", path.display())]
    Same {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The output cannot be written.
    #[error(
        "{}: cannot be written: {reason}; make room, or give a file in a folder that exists and can \
         be written",
        path.display()
    )]
    Write {
        /// The output.
        path: PathBuf,
        /// The system's error.
        reason: String,
    },
    /// The checkpoint cannot be identified.
    #[error(transparent)]
    Weights(#[from] Box<WeightsError>),
}
