//! The stream of PyTorch 0.1 to 1.5: pickles one after the other, and the storages behind them.
//!
//! A number that nothing else begins with, the version, the system's sizes, the object, and the
//! list of storages; then for each storage in that order the count of its numbers (64 bits) and
//! they themselves, lowest byte first on every machine.

use std::collections::HashMap;
use std::io::{self, Read as _, Seek as _};

use super::blocks::{Block, Blocks, length_of, storages};
use super::converted::CheckpointFormat;
use super::error::CheckpointError;
use super::input::{Input, shown};
use super::pickled::PickledCheckpoint;
use crate::pickle::{self, Pickle, PickleError, Value};

/// What a stream begins with: 0x1950a86a20f9469cfc6c, lowest byte first.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The version of the format.
const VERSION: i64 = 1001;

pub(super) fn open(mut input: Input<'_>) -> Result<PickledCheckpoint<'_>, CheckpointError> {
    match next(&mut input)?.root() {
        Value::Long(number) if *number == MAGIC => {}
        _ => return Err(other(&input)),
    }
    if *next(&mut input)?.root() != Value::Int(VERSION) {
        return Err(input.other(
            "a stream of an unknown version",
            "save it again with torch.save of this year's PyTorch",
        ));
    }
    next(&mut input)?;
    let values = next(&mut input)?;
    let list = next(&mut input)?;
    let keys = keys(&input, &list)?;
    let by_key = blocks(&mut input, &values, keys)?;
    let blocks = Blocks { file: input.file, length: input.length, by_key };
    Ok(PickledCheckpoint { path: input.path, format: CheckpointFormat::Stream, values, blocks })
}

/// The next pickle of the stream.
fn next(input: &mut Input<'_>) -> Result<Pickle, CheckpointError> {
    let place = input.file.stream_position();
    let place = place.map_err(|source| unread(input, source))?;
    pickle::read(&mut input.file).map_err(|error| match error {
        // Within a stream there is no other place for a pickle.
        PickleError::NotPickle if place > 0 => {
            input.damaged(format!("there is no pickle at byte {place} of the stream"))
        }
        PickleError::Damaged { offset, what } => {
            let offset = place + offset;
            input.pickle(PickleError::Damaged { offset, what })
        }
        error => input.pickle(error),
    })
}

fn other(input: &Input<'_>) -> CheckpointError {
    input.other("a pickle that torch.save did not write", "give the file that torch.save wrote")
}

fn unread(input: &Input<'_>, source: io::Error) -> CheckpointError {
    CheckpointError::Read { path: input.path.to_owned(), source }
}

/// The names of the storages in the order in which they are stored.
fn keys(input: &Input<'_>, list: &Pickle) -> Result<Vec<String>, CheckpointError> {
    let key = |&key: &usize| match list.get(key) {
        Value::Text(key) => Some(key.clone()),
        Value::Int(key) => Some(key.to_string()),
        _ => None,
    };
    let keys = match list.root() {
        Value::List(keys) => keys.iter().map(key).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    keys.ok_or_else(|| input.damaged("the list of storages is not a list of names"))
}

/// Where each storage is, and that the file has all of it.
fn blocks(
    input: &mut Input<'_>,
    values: &Pickle,
    keys: Vec<String>,
) -> Result<HashMap<String, Block>, CheckpointError> {
    let storages = storages(values).map_err(|what| input.damaged(what))?;
    let mut by_key = HashMap::new();
    let mut start = input.file.stream_position().map_err(|source| unread(input, source))?;
    for key in keys {
        let Some(storage) = storages.get(key.as_str()) else {
            return Err(input.damaged(format!("storage {} has no tensor", shown(&key))));
        };
        let name = format!("storage {}", shown(&key));
        let mut count = [0; 8];
        if input.length.saturating_sub(start) < count.len() as u64 {
            return Err(input.damaged(format!("the file ends before {name}")));
        }
        input.file.read_exact(&mut count).map_err(|source| unread(input, source))?;
        start += count.len() as u64;
        let found = u64::from_le_bytes(count);
        if found != storage.count {
            let expected = storage.count;
            return Err(input.damaged(format!("{name} has {found} numbers, expected {expected}")));
        }
        let left = input.length.saturating_sub(start);
        let length = length_of(storage).filter(|&length| length <= left);
        let Some(length) = length else {
            let what = format!("{name} has {found} numbers, but {left} bytes are left of the file");
            return Err(input.damaged(what));
        };
        if by_key.insert(key, Block { start, length, checksum: None }).is_some() {
            return Err(input.damaged(format!("{name} is there twice")));
        }
        // Within the file, whose length a signed number holds.
        let skipped = input.file.seek_relative(i64::try_from(length).unwrap_or(i64::MAX));
        skipped.map_err(|source| unread(input, source))?;
        start += length;
    }
    Ok(by_key)
}
