//! Where what belongs to the file of a search is.

use std::path::{Path, PathBuf};

use crate::files;

/// Where it is said what the scores of the search in `file` are made of: `<file>.inputs`.
#[must_use]
pub fn inputs_path(file: &Path) -> PathBuf {
    // Beside the file that a link leads to, as the search itself is.
    let place = files::regular(file).unwrap_or_else(|_| file.to_owned());
    let mut name = place.into_os_string();
    name.push(".inputs");
    PathBuf::from(name)
}
