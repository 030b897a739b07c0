//! The safetensors file: its header in one order, its numbers as they come.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::blocks::{Blocks, Copying, PlacedTensor};
use super::error::CheckpointError;
use super::input::shown;
use crate::digest::hexadecimal;

/// The most that tensors may take: for each byte of the checkpoint, and beside.
const MAX_GROWTH: (u64, u64) = (8, 16 << 20);

/// Whether the output may be written, found out before the checkpoint is read.
pub(super) fn check(input: &Path, output: &Path, force: bool) -> Result<(), CheckpointError> {
    let path = output.to_owned();
    let same = input.canonicalize().ok().zip(output.canonicalize().ok());
    if same.is_some_and(|(input, output)| input == output) {
        return Err(CheckpointError::Same { path });
    }
    let failed = |error: io::Error| CheckpointError::Write {
        path: output.to_owned(),
        reason: error.to_string(),
    };
    let place = crate::files::regular(output).map_err(failed)?;
    if place.exists() && !force {
        return Err(CheckpointError::Exists { path });
    }
    tempfile::tempfile_in(crate::files::folder(&place)).map(drop).map_err(failed)
}

/// Writes tensors of the file at `path` and metadata, and gives the written file's SHA-256.
pub(super) fn write(
    path: &Path,
    blocks: &mut Blocks,
    tensors: &[(String, PlacedTensor)],
    metadata: &[(String, String)],
    output: &Path,
) -> Result<String, CheckpointError> {
    let bytes = tensors.iter().fold(0u64, |sum, (_, tensor)| sum.saturating_add(tensor.bytes()));
    let length = blocks.length;
    if bytes > length.saturating_mul(MAX_GROWTH.0).saturating_add(MAX_GROWTH.1) {
        return Err(CheckpointError::Grows { path: path.to_owned(), bytes, length });
    }
    let failed = |error: io::Error| CheckpointError::Write {
        path: output.to_owned(),
        reason: error.to_string(),
    };
    let stopped = |error| match error {
        Copying::Read(source) => CheckpointError::Read { path: path.to_owned(), source },
        Copying::Write(error) => failed(error),
    };
    if let Some(key) = blocks.damaged(tensors.iter().map(|(_, tensor)| tensor)).map_err(stopped)? {
        let what = format!("storage {} is not as its checksum says", shown(&key));
        return Err(CheckpointError::Damaged { path: path.to_owned(), what });
    }
    let mut new = crate::files::Replacement::of(output).map_err(failed)?;
    let hash = fill(new.file(), blocks, tensors, metadata).map_err(stopped)?;
    new.finish().map_err(failed)?;
    Ok(hash)
}

/// Writes all that the file has, and gives its SHA-256.
fn fill(
    file: &File,
    blocks: &mut Blocks,
    tensors: &[(String, PlacedTensor)],
    metadata: &[(String, String)],
) -> Result<String, Copying> {
    let mut out = Hashing { file: BufWriter::new(file), hash: Sha256::new() };
    out.write_all(&header(tensors, metadata)).map_err(Copying::Write)?;
    for (_, tensor) in tensors {
        blocks.copy(tensor, &mut out)?;
    }
    out.flush().map_err(Copying::Write)?;
    Ok(hexadecimal(&out.hash.finalize()))
}

/// Length and text of the header. The library's own would give metadata another order in every
/// run.
fn header(tensors: &[(String, PlacedTensor)], metadata: &[(String, String)]) -> Vec<u8> {
    let metadata: Map<String, Json> =
        metadata.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let mut header = Map::from_iter([("__metadata__".to_owned(), Json::Object(metadata))]);
    let mut start = 0;
    for (name, tensor) in tensors {
        let end = start + tensor.bytes();
        header.insert(
            name.clone(),
            json!({
                "dtype": format!("{:?}", tensor.dtype),
                "shape": tensor.shape,
                "data_offsets": [start, end],
            }),
        );
        start = end;
    }
    let mut text = Json::Object(header).to_string().into_bytes();
    // Numbers begin at a multiple of eight.
    text.resize(text.len().next_multiple_of(8), b' ');
    [&(text.len() as u64).to_le_bytes()[..], &text].concat()
}

/// A file and the hash of what is written to it.
struct Hashing<'a> {
    file: BufWriter<&'a File>,
    hash: Sha256,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
