//! A checkpoint that is open.

use std::path::Path;

use super::blocks::Blocks;
use super::converted::CheckpointFormat;
use super::error::CheckpointError;
use crate::pickle::Pickle;

/// A checkpoint: what its pickle describes, and where its storages are.
#[derive(Debug)]
pub(super) struct PickledCheckpoint<'a> {
    pub(super) path: &'a Path,
    pub(super) format: CheckpointFormat,
    pub(super) values: Pickle,
    pub(super) blocks: Blocks,
}

impl PickledCheckpoint<'_> {
    pub(super) fn damaged(&self, what: impl Into<String>) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.to_owned(), what: what.into() }
    }
}
