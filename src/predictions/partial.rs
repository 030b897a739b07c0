//! The file beside a predictions file that holds its lines until the last is there.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::files;

/// Where the lines of an unfinished `path` are: `<path>.partial`.
#[must_use]
pub fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// Whether a run is writing an unfinished file at this moment.
pub(super) fn is_written(partial: &Path) -> bool {
    let locked = |file: File| matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    files::open_input(partial).is_ok_and(locked)
}
