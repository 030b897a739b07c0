//! Beside the file of a search: what its scores are made of. Every score is of all pairs, so a search
//! goes on only where none of them has changed.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::StateError;
use super::paths::inputs_path;
use crate::benchmark::Benchmark;
use crate::files::Replacement;
use crate::inputs::Inputs;

/// The first line of the file.
const FIRST_LINE: &str = "{\"format\":\"hpflow-search-inputs\",\"version\":1}";

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1 << 16;

/// A line of the file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Made {
    pair: String,
    #[serde(flatten)]
    inputs: Inputs,
}

/// Writes what the scores of a search are made of, each pair's in the benchmark's order; this is done
/// before the search itself is written for the first time.
///
/// # Errors
/// A file that cannot be written.
pub fn write_inputs(
    file: &Path,
    benchmark: &Benchmark,
    inputs: &[Inputs],
) -> Result<(), StateError> {
    let path = inputs_path(file);
    let write = || {
        let mut new = Replacement::of(&path)?;
        let mut out = BufWriter::new(new.file());
        writeln!(out, "{FIRST_LINE}")?;
        for (pair, inputs) in benchmark.pairs.iter().zip(inputs) {
            let made = Made { pair: pair.id.clone(), inputs: inputs.clone() };
            writeln!(out, "{}", serde_json::to_string(&made)?)?;
        }
        out.flush()?;
        drop(out);
        new.finish().map(drop)
    };
    let failed = |error: io::Error| format!("{error}; make room, or give another folder");
    write().map_err(|error| StateError::Write { file: path.clone(), reason: failed(error) })
}

/// Whether the search in `file` is known to be of these pairs; `false` where it is not known.
///
/// # Errors
/// It is of others: the first difference.
pub fn check_inputs(
    file: &Path,
    benchmark: &Benchmark,
    inputs: &[Inputs],
) -> Result<bool, StateError> {
    let Some(then) = read(&inputs_path(file)) else { return Ok(false) };
    let changed = |what| Err(StateError::Changed { file: file.to_owned(), what });
    for (at, (pair, now)) in benchmark.pairs.iter().zip(inputs).enumerate() {
        let (number, id) = (at + 1, &pair.id);
        let Some(Made { pair: of, inputs: then }) = then.get(at) else {
            return changed(format!("pair {number} is {id} now and was missing before"));
        };
        if of != id {
            return changed(format!("pair {number} is {id} now and was {of} before"));
        }
        if let Some(what) = then.difference(now) {
            let image = match what {
                "source photograph" => Some(pair.source),
                "target photograph" => Some(pair.target),
                _ => None,
            };
            let path = image.map_or_else(String::new, |image| {
                format!(" {}", benchmark.images[image].path.display())
            });
            let are = if image.is_some() { "is not what it was" } else { "are not what they were" };
            return changed(format!("pair {id} changed: its {what}{path} {are}"));
        }
    }
    match then.get(inputs.len()) {
        Some(more) => changed(format!("pair {} is missing", more.pair)),
        None => Ok(true),
    }
}

/// The lines of the file; `None` where it is not there or something else.
fn read(path: &Path) -> Option<Vec<Made>> {
    if !path.is_file() {
        return None;
    }
    let mut lines = BufReader::new(File::open(path).ok()?);
    let mut next = || {
        let mut line = Vec::new();
        let read = (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line).ok()?;
        // A line without its end was torn.
        (read == 0 || line.ends_with(b"\n")).then_some(line)
    };
    if next()?.trim_ascii() != FIRST_LINE.as_bytes() {
        return None;
    }
    let mut all = Vec::new();
    loop {
        let line = next()?;
        if line.is_empty() {
            return Some(all);
        }
        all.push(serde_json::from_slice(&line).ok()?);
    }
}
