//! The options of a conversion, and its result.

use crate::backbone::weights::Shapes;

/// What metadata keys of the checkpoint's own entries begin with.
pub const ENTRY: &str = "checkpoint.";

/// Which tensors are taken, and under which names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConvertOptions {
    /// The entry that holds the tensors, with dots for entries of entries; found where `None`.
    pub key: Option<String>,
    /// Only tensors whose names begin with this are taken, without it.
    pub prefix: Option<String>,
    /// Whether a file that is there already is replaced.
    pub force: bool,
}

/// The formats of `torch.save`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointFormat {
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
    pub format: CheckpointFormat,
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
