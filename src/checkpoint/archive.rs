//! The zip archive of PyTorch 1.6 and later: `data.pkl` describes the object, and `data/KEY` is a
//! storage.
//!
//! PyTorch stores its records uncompressed, so a storage is a stretch of the file, as in a stream.
//! Records are looked up by their exact names and never become files, so it does not matter where a
//! name leads.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

use super::blocks::{Block, Blocks, Copying, is_whole, length_of, storages};
use super::converted::CheckpointFormat;
use super::error::CheckpointError;
use super::input::{Input, shown};
use super::pickled::PickledCheckpoint;
use crate::files::open_input;
use crate::pickle;

type Archive = ZipArchive<BufReader<File>>;

pub(super) fn open(mut input: Input<'_>) -> Result<PickledCheckpoint<'_>, CheckpointError> {
    let file = open_input(input.path).map_err(|source| unread(&input, source))?;
    let archive = ZipArchive::new(BufReader::new(file));
    let mut archive = archive
        .map_err(|error| input.damaged(format!("the zip archive cannot be read: {error}")))?;
    let root = root(&input, &archive)?;
    sound(&input, &mut archive)?;
    little_endian(&mut input, &mut archive, &root)?;
    let name = format!("{root}data.pkl");
    let pickle = required(&input, &mut archive, &name)?;
    match is_whole(&mut input.file, &pickle) {
        Ok(true) => {}
        Ok(false) => {
            let what = format!("record {} is not as its checksum says", shown(&name));
            return Err(input.damaged(what));
        }
        Err(Copying::Read(source) | Copying::Write(source)) => return Err(unread(&input, source)),
    }
    let mut description = at(&mut input, pickle)?;
    let values = pickle::read(&mut description).map_err(|error| input.pickle(error))?;
    let mut by_key = HashMap::new();
    let found = storages(&values).map_err(|what| input.damaged(what))?;
    for (key, storage) in found {
        let name = format!("{root}data/{key}");
        let block = required(&input, &mut archive, &name)?;
        if Some(block.length) != length_of(storage) {
            let (found, numbers) = (block.length, storage.count);
            return Err(input.damaged(format!(
                "record {} has {found} bytes, where {numbers} numbers were announced",
                shown(&name)
            )));
        }
        by_key.insert(key.to_owned(), block);
    }
    let blocks = Blocks { file: input.file, length: input.length, by_key };
    Ok(PickledCheckpoint { path: input.path, format: CheckpointFormat::Archive, values, blocks })
}

/// The folder of all records, with its slash; or what the archive is instead of a checkpoint.
fn root(input: &Input<'_>, archive: &Archive) -> Result<String, CheckpointError> {
    const AGAIN: &str = "give the file that torch.save wrote";
    let names = || archive.file_names().filter_map(Result::ok);
    let has = |end: &str| names().any(|name| name.ends_with(end));
    if has("/constants.pkl") || has("/model.json") || names().any(|name| name.contains("/code/")) {
        return Err(input.other(
            "a TorchScript archive (torch.jit.save)",
            "save its tensors: torch.save(torch.jit.load(FILE).state_dict(), NEW)",
        ));
    }
    if has(".data/extern_modules") {
        return Err(input.other(
            "an archive of torch.package",
            "load it with PyTorch and save the network's state_dict() with torch.save",
        ));
    }
    let mut roots = names().filter_map(|name| {
        let root = name.strip_suffix("data.pkl")?;
        (root.matches('/').count() == 1 && root.ends_with('/')).then(|| root.to_owned())
    });
    match (roots.next(), roots.next()) {
        (Some(root), None) => Ok(root),
        (Some(_), Some(_)) => Err(input.other("a zip archive with more than one data.pkl", AGAIN)),
        (None, _) if has(".npy") => Err(input.other(
            "a NumPy archive (.npz)",
            "load it in Python and save a dictionary of tensors with torch.save",
        )),
        (None, _) => Err(input.other(
            "a zip archive without data.pkl",
            "unpack it if there is a checkpoint inside, or give the file that torch.save wrote",
        )),
    }
}

/// No record is there twice, and none lies in another.
fn sound(input: &Input<'_>, archive: &mut Archive) -> Result<(), CheckpointError> {
    if archive.has_duplicate_names() {
        return Err(input.damaged("the archive has two records of one name"));
    }
    match archive.has_overlapping_entries() {
        Ok(false) => Ok(()),
        Ok(true) => Err(input.damaged("records of the archive overlap")),
        Err(error) => Err(input.damaged(format!("the zip archive cannot be read: {error}"))),
    }
}

fn little_endian(
    input: &mut Input<'_>,
    archive: &mut Archive,
    root: &str,
) -> Result<(), CheckpointError> {
    let name = format!("{root}byteorder");
    if archive.index_for_name(&name).is_none() {
        return Ok(());
    }
    let block = required(input, archive, &name)?;
    let mut order = Vec::new();
    let read = at(input, block)?.take(16).read_to_end(&mut order);
    read.map_err(|source| unread(input, source))?;
    if order == b"little" {
        return Ok(());
    }
    Err(input.other(
        "a checkpoint with the highest byte first",
        "load it with PyTorch and save it again on a machine with the lowest byte first",
    ))
}

/// Where a record's bytes are.
fn required(
    input: &Input<'_>,
    archive: &mut Archive,
    name: &str,
) -> Result<Block, CheckpointError> {
    let said = shown(name);
    let Some(index) = archive.index_for_name(name) else {
        return Err(input.damaged(format!("there is no record {said}")));
    };
    let record = archive.by_index_raw(index);
    let record = record.map_err(|error| input.damaged(format!("record {said}: {error}")))?;
    if record.compression() != CompressionMethod::Stored || record.encrypted() {
        return Err(input.other(
            &format!("an archive whose record {said} is compressed or encrypted"),
            "PyTorch stores records as they are: give the file that torch.save wrote",
        ));
    }
    let length = record.size();
    let start = record.data_start().unwrap_or(u64::MAX);
    if start.checked_add(length).is_none_or(|end| end > input.length) {
        return Err(input.damaged(format!("the file ends before record {said} does")));
    }
    // PyTorch writes 0 where it was told not to compute any.
    let checksum = Some(record.crc32()).filter(|&sum| sum != 0);
    Ok(Block { start, length, checksum })
}

/// A record's bytes.
fn at<'a>(
    input: &'a mut Input<'_>,
    block: Block,
) -> Result<io::Take<&'a mut BufReader<File>>, CheckpointError> {
    if let Err(source) = input.file.seek(SeekFrom::Start(block.start)) {
        return Err(unread(input, source));
    }
    Ok(input.file.by_ref().take(block.length))
}

fn unread(input: &Input<'_>, source: io::Error) -> CheckpointError {
    CheckpointError::Read { path: input.path.to_owned(), source }
}
