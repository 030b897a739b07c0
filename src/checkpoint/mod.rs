//! PyTorch's checkpoints become safetensors files, without running anything that they ask for.
//!
//! `torch.save` has two formats: the stream of pickles of PyTorch 0.1 to 1.5 (`stream`), which
//! files called `.pth.tar` usually are, and the zip archive of later ones (`archive`). In both a
//! pickle describes the object, and tensors are views of storages outside of it. What the pickle
//! describes is read as plain data (`crate::pickle`); numbers go from file to file, one tensor at a
//! time.
//!
//! The file written has the tensors of the state dictionary under their own names, C-contiguous and
//! of their own type, and these metadata:
//!
//! | key | value |
//! | --- | --- |
//! | `format` | `pt` |
//! | `source`, `source_sha256` | the checkpoint's file name and SHA-256 |
//! | `checkpoint.NAME` | the entry NAME beside the state dictionary, as JSON: `checkpoint.epoch` |
//! | `checkpoint.NAME.KEY` | the same of an entry that is a namespace or a dictionary: NC-Net's `checkpoint.args.ncons_channels` is `[16,16,1]`, `checkpoint.args.ncons_kernel_sizes` is `[5,5,5]` |
//!
//! Numbers that JSON does not have are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

mod archive;
mod blocks;
mod error;
mod part;
mod state;
mod stream;
mod values;
mod write;

pub use error::CheckpointError;

use crate::backbone::weights::{self, Shapes};
use crate::pickle::{PickleError, Values, shortened};
use blocks::Blocks;

/// What metadata keys of the checkpoint's own entries begin with.
pub const ENTRY: &str = "checkpoint.";

/// Which tensors are taken, and under which names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The entry that holds the tensors, with dots for entries of entries; found where `None`.
    pub key: Option<String>,
    /// Only tensors whose names begin with this are taken, without it.
    pub prefix: Option<String>,
    /// Whether a file that is there already is replaced.
    pub force: bool,
}

/// The formats of `torch.save`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A stream of pickles, and storages after them.
    Stream,
    /// A zip archive.
    Archive,
    /// A safetensors file, of which some tensors are taken.
    Safetensors,
}

/// What was converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// How the checkpoint was stored.
    pub format: Format,
    /// The entry that the tensors were in; empty at the top.
    pub key: String,
    /// Shapes of the tensors written, by name.
    pub shapes: Shapes,
    /// How many numbers they have together.
    pub numbers: u64,
    /// Names that were changed: what, and how many tensors.
    pub renamed: Vec<(String, usize)>,
    /// What was left out, each with the reason.
    pub left_out: Vec<String>,
    /// The metadata, in the order of the file.
    pub metadata: Vec<(String, String)>,
    /// SHA-256 of the file written, hexadecimal.
    pub sha256: String,
}

/// A checkpoint: what its pickle describes, and where its storages are.
#[derive(Debug)]
struct Checkpoint<'a> {
    path: &'a Path,
    format: Format,
    values: Values,
    blocks: Blocks,
}

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
    options: &Options,
) -> Result<Converted, CheckpointError> {
    write::check(input, output, options.force)?;
    if let (Some(prefix), true) = (&options.prefix, part::is_one(input)) {
        return part::take(input, output, options, prefix);
    }
    let mut checkpoint = Checkpoint::open(input)?;
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

fn digest(path: &Path) -> Result<String, CheckpointError> {
    weights::sha256(path).map_err(|error| CheckpointError::Weights(Box::new(error)))
}

impl<'a> Checkpoint<'a> {
    fn open(path: &'a Path) -> Result<Self, CheckpointError> {
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
        match something_else(&first) {
            Some((found, remedy)) => Err(CheckpointError::NotCheckpoint {
                path: path.to_owned(),
                found: found.to_owned(),
                remedy,
            }),
            None => stream::open(file),
        }
    }

    fn damaged(&self, what: impl Into<String>) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.to_owned(), what: what.into() }
    }
}

/// A checkpoint's file.
struct Input<'a> {
    path: &'a Path,
    file: BufReader<File>,
    length: u64,
}

impl Input<'_> {
    fn damaged(&self, what: impl Into<String>) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.to_owned(), what: what.into() }
    }

    fn other(&self, found: &str, remedy: &str) -> CheckpointError {
        CheckpointError::NotCheckpoint {
            path: self.path.to_owned(),
            found: found.to_owned(),
            remedy: remedy.to_owned(),
        }
    }

    fn pickle(&self, error: PickleError) -> CheckpointError {
        let path = self.path.to_owned();
        match error {
            PickleError::Calls(_) | PickleError::Instruction { .. } => {
                CheckpointError::Asks { path, error }
            }
            _ => CheckpointError::Pickle { path, error },
        }
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
            "it needs no conversion: give it to --weights, or take some of its tensors with \
                 --prefix",
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

/// A name from a file, to be shown.
fn shown(name: &str) -> String {
    format!("'{}'", shortened(name))
}
