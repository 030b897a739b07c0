//! Tensors of one network out of a safetensors file that holds more, or holds them under longer names.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufReader, Read as _};
use std::path::Path;

use safetensors::SafeTensors;

use super::blocks::{Blocks, PlacedTensor};
use super::converted::{CheckpointFormat, ConvertOptions, Converted};
use super::error::CheckpointError;
use super::input::digest;
use super::{state, write};
use crate::backbone::WeightsError;
use crate::backbone::weights;
use crate::files::open_input;

/// Whether a file begins as safetensors do: the length of a header that is no longer than 4 GB, and the
/// header.
pub(super) fn is_one(path: &Path) -> bool {
    let mut first = [0; 9];
    let read = open_input(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && first[4..8] == [0; 4] && first[8] == b'{'
}

/// Writes the tensors whose names begin with the prefix, without it.
pub(super) fn take(
    input: &Path,
    output: &Path,
    options: &ConvertOptions,
    prefix: &str,
) -> Result<Converted, CheckpointError> {
    if let Some(key) = &options.key {
        return Err(CheckpointError::NoTensors {
            path: input.to_owned(),
            what: format!("a safetensors file has no entry '{key}': leave out option `key`"),
        });
    }
    let of_weights = |error: WeightsError| CheckpointError::Weights(Box::new(error));
    let bytes = weights::read(input).map_err(of_weights)?;
    let file = weights::open(input, &bytes).map_err(of_weights)?;
    let mut names = file.names();
    names.sort_unstable();
    let chosen = state::choose(input, &names, Some(prefix))?;
    let damaged = |what| CheckpointError::Damaged { path: input.to_owned(), what };
    let mut tensors = Vec::new();
    for (at, name) in chosen.taken {
        let view = file.tensor(names[at]).map_err(|error| damaged(error.to_string()))?;
        let data = view.data();
        let start = data.as_ptr() as usize - bytes.as_ptr() as usize;
        let tensor =
            PlacedTensor::contiguous(view.dtype(), view.shape(), start as u64, data.len() as u64);
        if tensor.bytes() != data.len() as u64 {
            let what =
                format!("tensor '{}' is of {:?}, which is not read", names[at], view.dtype());
            return Err(damaged(what));
        }
        tensors.push((name, tensor));
    }
    state::in_order(&mut tensors);
    let metadata = metadata(&bytes, input)?;
    let unread = |source| CheckpointError::Read { path: input.to_owned(), source };
    let reader = BufReader::new(open_input(input).map_err(unread)?);
    let mut blocks = Blocks { file: reader, length: bytes.len() as u64, by_key: HashMap::new() };
    let sha256 = write::write(input, &mut blocks, &tensors, &metadata, output)?;
    Ok(Converted {
        format: CheckpointFormat::Safetensors,
        key: String::new(),
        numbers: tensors.iter().map(|(_, tensor)| tensor.count).sum(),
        shapes: tensors.into_iter().map(|(name, tensor)| (name, tensor.shape)).collect(),
        renamed: chosen.renamed,
        left_out: chosen.left_out,
        metadata,
        sha256,
    })
}

/// The file's own metadata, in the order of their names, but for what says where tensors are from.
fn metadata(bytes: &[u8], input: &Path) -> Result<Vec<(String, String)>, CheckpointError> {
    let read = SafeTensors::read_metadata(bytes).ok();
    let own = read.and_then(|(_, metadata)| metadata.metadata().clone()).unwrap_or_default();
    let mut metadata: BTreeMap<String, String> = own.into_iter().collect();
    let name = input.file_name().unwrap_or(input.as_os_str()).to_string_lossy().into_owned();
    metadata.insert("format".to_owned(), "pt".to_owned());
    metadata.insert("source".to_owned(), name);
    metadata.insert("source_sha256".to_owned(), digest(input)?);
    Ok(metadata.into_iter().collect())
}
