//! The image annotations of a folder `ImageAnnotation/<category>/<image>.json`.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::annotation::{ImageAnnotation, stem};
use crate::benchmark::error::BenchmarkError;
use crate::benchmark::files::{entries, is_plain_name, read, read_text};

/// An image annotation has about 1 kB.
const MAX_ANNOTATION: u64 = 4 << 20;
/// A list of a million images has some 30 MB.
const MAX_LIST: u64 = 256 << 20;

/// Which image annotations of a folder.
#[derive(Debug, Clone, Default)]
pub struct ImageSelection {
    /// Only these categories; all where empty.
    pub categories: Vec<String>,
    /// Only the images of this list, one `category/image` a line (an extension is allowed); all
    /// where there is none.
    pub list: Option<PathBuf>,
}

/// The selected annotations, categories and images in name order.
///
/// # Errors
/// A category or listed image that is not there; a file that is malformed, or is of another
/// category or image than its place says.
pub fn read_images(
    folder: &Path,
    selection: &ImageSelection,
) -> Result<Vec<ImageAnnotation>, BenchmarkError> {
    let files = match &selection.list {
        Some(list) => listed(folder, list, &selection.categories)?,
        None => in_categories(folder, &selection.categories)?,
    };
    if files.is_empty() {
        let file = selection.list.as_deref().unwrap_or(folder).to_owned();
        return Err(BenchmarkError::Contradiction {
            file,
            what: "no image annotations: expected <category>/<image>.json".to_owned(),
        });
    }
    let parsed: Vec<_> = files.par_iter().map(|(category, file)| image(category, file)).collect();
    parsed.into_iter().collect()
}

/// The folders in `ImageAnnotation`, in name order.
pub(in crate::benchmark) fn categories(folder: &Path) -> Result<Vec<String>, BenchmarkError> {
    let folders = entries(folder)?.into_iter().filter(|(_, path)| path.is_dir());
    Ok(folders.map(|(name, _)| name).collect())
}

/// The annotations of one category, in name order.
pub(in crate::benchmark) fn files_of(
    folder: &Path,
    category: &str,
) -> Result<Vec<PathBuf>, BenchmarkError> {
    let entries = entries(&folder.join(category))?;
    Ok(entries.into_iter().filter(|(name, _)| name.ends_with(".json")).map(|(_, p)| p).collect())
}

fn in_categories(
    folder: &Path,
    wanted: &[String],
) -> Result<Vec<(String, PathBuf)>, BenchmarkError> {
    let known = categories(folder)?;
    check_categories(wanted, &known)?;
    let mut files = Vec::new();
    for category in known.iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        let of_category = files_of(folder, category)?;
        files.extend(of_category.into_iter().map(|file| (category.clone(), file)));
    }
    Ok(files)
}

fn check_categories(wanted: &[String], known: &[String]) -> Result<(), BenchmarkError> {
    match wanted.iter().find(|category| !known.contains(category)) {
        Some(unknown) => {
            Err(BenchmarkError::UnknownCategory { found: unknown.clone(), known: known.join(", ") })
        }
        None => Ok(()),
    }
}

fn listed(
    folder: &Path,
    list: &Path,
    wanted: &[String],
) -> Result<Vec<(String, PathBuf)>, BenchmarkError> {
    check_categories(wanted, &categories(folder)?)?;
    let bytes = read_text(list, MAX_LIST, "option `list`")?;
    let text = String::from_utf8_lossy(&bytes);
    let mut files = Vec::new();
    for (number, line) in crate::text::lines(&text).map(str::trim).enumerate() {
        if line.is_empty() {
            continue;
        }
        let named = line.split_once('/').filter(|(c, i)| is_plain_name(c) && is_plain_name(i));
        let Some((category, image)) = named else {
            let shown: String = line.chars().take(80).collect();
            return Err(BenchmarkError::Line {
                file: list.to_owned(),
                line: number + 1,
                what: format!("found {shown:?}, expected category/image"),
            });
        };
        if wanted.is_empty() || wanted.iter().any(|name| name == category) {
            let file = folder.join(category).join(format!("{}.json", stem(image)));
            files.push((category.to_owned(), file));
        }
    }
    files.sort();
    Ok(files)
}

/// One annotation, checked against its place.
pub(in crate::benchmark) fn image(
    category: &str,
    file: &Path,
) -> Result<ImageAnnotation, BenchmarkError> {
    let bytes = read(file, MAX_ANNOTATION, "the list of images")?;
    let annotation = ImageAnnotation::parse(&bytes)
        .map_err(|source| BenchmarkError::Json { file: file.to_owned(), source })?;
    let error = |what| Err(BenchmarkError::Contradiction { file: file.to_owned(), what });
    if annotation.category != category {
        return error(format!(
            "category is \"{}\", expected \"{category}\" as its folder",
            annotation.category
        ));
    }
    let name =
        file.file_stem().and_then(|name| name.to_str()).expect("the name is text that was read");
    if annotation.name() != name || !is_plain_name(&annotation.filename) {
        return error(format!("filename is \"{}\", expected that of {name}", annotation.filename));
    }
    Ok(annotation)
}
