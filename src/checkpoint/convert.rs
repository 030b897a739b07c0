//! From a checkpoint to a safetensors file.

use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::converted::{ConvertOptions, Converted};
use super::error::CheckpointError;
use super::input::{Input, digest};
use super::pickled::PickledCheckpoint;
use super::{archive, part, state, stream, values, write};
use crate::backbone::weights::{self, Shapes, WeightsError};

/// Converts a checkpoint to a safetensors file, which appears under its name when it is whole. With a
/// prefix the input may be a safetensors file too, whose metadata are kept.
///
/// Memory: what the pickle describes, and one tensor where it is not contiguous in its storage.
///
/// # Errors
/// A file that is no checkpoint, is damaged, asks for something to be run or has no tensors; an
/// output that is there already (unless `force`) or cannot be written.
pub fn convert(
    input: &Path,
    output: &Path,
    options: &ConvertOptions,
) -> Result<Converted, CheckpointError> {
    write::check(input, output, options.force)?;
    if let (Some(prefix), true) = (&options.prefix, part::is_one(input)) {
        return part::take(input, output, options, prefix);
    }
    let mut checkpoint = open(input)?;
    let found = state::find(&checkpoint, options)?;
    let (entries, mut left_out) = values::entries(&checkpoint, &found)?;
    left_out.extend(found.left_out);
    let name = input.file_name().unwrap_or(input.as_os_str()).to_string_lossy().into_owned();
    let mut metadata = vec![
        ("format".to_owned(), "pt".to_owned()),
        ("source".to_owned(), name),
        ("source_sha256".to_owned(), digest(input)?),
    ];
    metadata.extend(entries);
    let blocks = &mut checkpoint.blocks;
    let sha256 = write::write(checkpoint.path, blocks, &found.tensors, &metadata, output)?;
    let shapes: Shapes =
        found.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect();
    Ok(Converted {
        format: checkpoint.format,
        key: found.key,
        numbers: found.tensors.iter().map(|(_, tensor)| tensor.count).sum(),
        shapes,
        renamed: found.renamed,
        left_out,
        metadata,
        sha256,
    })
}

/// Opens a checkpoint of either format.
fn open(path: &Path) -> Result<PickledCheckpoint<'_>, CheckpointError> {
    let unread = |source| CheckpointError::Read { path: path.to_owned(), source };
    let mut file = crate::files::open_input(path).map_err(unread)?;
    let mut first = Vec::new();
    file.by_ref().take(1 << 10).read_to_end(&mut first).map_err(unread)?;
    let length = file.seek(SeekFrom::End(0)).map_err(unread)?;
    file.rewind().map_err(unread)?;
    let file = Input { path, file: BufReader::new(file), length };
    if first.starts_with(b"PK") {
        return archive::open(file);
    }
    // A safetensors file of several networks: which, and what each is.
    if first.get(8) == Some(&b'{')
        && let Err(error @ WeightsError::Prefixed { .. }) = weights::check_names(path)
    {
        return Err(CheckpointError::Weights(Box::new(error)));
    }
    match something_else(&first) {
        Some((found, remedy)) => Err(CheckpointError::NotCheckpoint {
            path: path.to_owned(),
            found: found.to_owned(),
            remedy,
        }),
        None => stream::open(file),
    }
}

/// Files that are commonly given for checkpoints, and what to do about them.
fn something_else(first: &[u8]) -> Option<(&'static str, String)> {
    const AGAIN: &str = "give the file that torch.save wrote";
    if let Some((found, remedy)) = weights::unusable(first) {
        return Some((found, remedy.to_owned()));
    }
    let (found, remedy) = match first {
        [0x80, 2..=5, ..] => return None,
        [0x1f, 0x8b, ..] => ("a gzip archive", "unpack it first, and give the file inside"),
        [0x89, b'H', b'D', b'F', ..] => ("an HDF5 file", AGAIN),
        [_, _, _, _, _, _, _, _, b'{', ..] => (
            "a safetensors file, or one like it",
            "it needs no conversion: give it as option `weights`, or take some of its \
             tensors with option `prefix`",
        ),
        _ if first.get(257..262) == Some(b"ustar") || is_tar(first) => (
            "a tar archive, the format of PyTorch's first releases",
            "load it with PyTorch 0.4 to 1.13 and save it again, or unpack it if there is a file inside",
        ),
        _ => ("something that torch.save did not write", AGAIN),
    };
    Some((found, remedy.to_owned()))
}

/// Whether a file begins with the header of a tar archive without a magic number, as in Unix V7:
/// the sum of its bytes, the sum's own eight taken as blanks.
fn is_tar(first: &[u8]) -> bool {
    let Some(header) = first.get(..512) else { return false };
    let said = std::str::from_utf8(&header[148..156]).unwrap_or_default();
    let said = u32::from_str_radix(said.trim_matches([' ', '\0']), 8);
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    let own: u32 = header[148..156].iter().map(|&byte| u32::from(byte)).sum();
    said == Ok(sum - own + 8 * u32::from(b' '))
}
