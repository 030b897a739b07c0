//! A checkpoint's file, and its errors.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::error::CheckpointError;
use crate::backbone::weights;
use crate::pickle::PickleError;
use crate::text::shortened;

/// A checkpoint's file.
pub(super) struct Input<'a> {
    pub(super) path: &'a Path,
    pub(super) file: BufReader<File>,
    pub(super) length: u64,
}

impl Input<'_> {
    pub(super) fn damaged(&self, what: impl Into<String>) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.to_owned(), what: what.into() }
    }

    pub(super) fn other(&self, found: &str, remedy: &str) -> CheckpointError {
        CheckpointError::NotCheckpoint {
            path: self.path.to_owned(),
            found: found.to_owned(),
            remedy: remedy.to_owned(),
        }
    }

    pub(super) fn pickle(&self, error: PickleError) -> CheckpointError {
        let path = self.path.to_owned();
        match error {
            PickleError::Calls(_) | PickleError::Instruction { .. } => {
                CheckpointError::Asks { path, error }
            }
            _ => CheckpointError::Pickle { path, error },
        }
    }
}

/// SHA-256 of a file, hexadecimal.
pub(super) fn digest(path: &Path) -> Result<String, CheckpointError> {
    weights::sha256(path).map_err(|error| CheckpointError::Weights(Box::new(error)))
}

/// A name from a file, to be shown.
pub(super) fn shown(name: &str) -> String {
    format!("'{}'", shortened(name))
}
