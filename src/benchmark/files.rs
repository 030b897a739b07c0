//! Reading files of bounded size and folders in name order.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::BenchmarkError;
use crate::files::{is_litter, open_input};
use crate::text;

/// The file's content, refused beyond `limit` bytes. A missing file is what `wanted_by` refers to.
pub(super) fn read(file: &Path, limit: u64, wanted_by: &str) -> Result<Vec<u8>, BenchmarkError> {
    let error = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => {
            BenchmarkError::Missing { file: file.to_owned(), wanted_by: wanted_by.to_owned() }
        }
        _ => BenchmarkError::Read { file: file.to_owned(), source },
    };
    let mut bytes = Vec::new();
    open_input(file).and_then(|f| f.take(limit + 1).read_to_end(&mut bytes)).map_err(error)?;
    if bytes.len() as u64 > limit {
        return Err(BenchmarkError::TooLarge { file: file.to_owned(), limit });
    }
    Ok(bytes)
}

/// The file's text in UTF-8 without a byte-order mark, whatever it is stored in; refused beyond `limit`
/// bytes. Whether it is UTF-8 where it is not UTF-16 is for its reader to say.
pub(super) fn read_text(
    file: &Path,
    limit: u64,
    wanted_by: &str,
) -> Result<Vec<u8>, BenchmarkError> {
    let bytes = read(file, limit, wanted_by)?;
    text::utf8(bytes).map_err(|what| BenchmarkError::Contradiction {
        file: file.to_owned(),
        what: what.to_string(),
    })
}

/// The folder's entries in order of their names' bytes. Hidden files and what else systems leave is no
/// data. Names that are no Unicode are left out: no benchmark has one.
pub(super) fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, BenchmarkError> {
    let error = |source| BenchmarkError::Read { file: folder.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(error)? {
        let entry = entry.map_err(error)?;
        if let Ok(name) = entry.file_name().into_string()
            && !is_litter(&name)
        {
            entries.push((name, entry.path()));
        }
    }
    entries.sort();
    Ok(entries)
}

/// Whether a name from an annotation may be used as a file's name: it must not lead elsewhere.
pub(super) fn is_plain_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0'])
}

/// What photographs' names may end in.
const PHOTOGRAPHS: [&str; 8] = ["jpg", "jpeg", "png", "bmp", "gif", "webp", "tif", "tiff"];

/// Whether a path ends as a photograph's, in letters of either case.
pub(super) fn is_photograph(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| PHOTOGRAPHS.contains(&&*ending))
}
