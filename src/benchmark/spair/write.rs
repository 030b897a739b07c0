//! Pairs written as SPair-71k distributes them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::annotation::PairAnnotation;
use crate::benchmark::select::LayoutSize;

/// Why pairs cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The split is there already.
    #[error("{} exists already: give another folder or split, or delete it", file.display())]
    Exists {
        /// Its layout.
        file: PathBuf,
    },
    /// The system refuses to write.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file or folder.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An annotation has no JSON form.
    #[error("cannot write {}: {source}", file.display())]
    Json {
        /// The annotation's file.
        file: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
}

/// Writes `PairAnnotation/<split>/<pair>.json` for each pair and, last, the layout of them all.
///
/// # Errors
/// The split's layout is there already, or the folder cannot be written.
pub fn write_pairs(root: &Path, split: &str, pairs: &[PairAnnotation]) -> Result<(), WriteError> {
    let layout = layout_path(root, LayoutSize::Large, split);
    if layout.exists() {
        return Err(WriteError::Exists { file: layout });
    }
    let folder = root.join("PairAnnotation").join(split);
    fs::create_dir_all(&folder).map_err(error(&folder))?;
    for pair in pairs {
        let file = folder.join(format!("{}.json", pair.filename));
        let json = pair.to_json();
        let json = json.map_err(|source| WriteError::Json { file: file.clone(), source })?;
        fs::write(&file, json).map_err(error(&file))?;
    }
    write_layout(root, LayoutSize::Large, split, pairs.iter().map(|pair| pair.filename.as_str()))
}

/// Writes `Layout/<size>/<split>.txt`: the pairs' ids, one a line.
///
/// # Errors
/// The folder cannot be written.
pub fn write_layout<'a>(
    root: &Path,
    size: LayoutSize,
    split: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<(), WriteError> {
    let file = layout_path(root, size, split);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(error(folder))?;
    }
    let text: String = ids.flat_map(|id| [id, "\n"]).collect();
    fs::write(&file, text).map_err(error(&file))
}

fn layout_path(root: &Path, size: LayoutSize, split: &str) -> PathBuf {
    root.join("Layout").join(size.name()).join(format!("{split}.txt"))
}

fn error(file: &Path) -> impl Fn(io::Error) -> WriteError {
    move |source| WriteError::Write { file: file.to_owned(), source }
}
