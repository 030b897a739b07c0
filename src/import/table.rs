//! CSV: a line a predicted keypoint.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result as IoResult};
use std::path::Path;

use super::{Found, ImportError, point};
use crate::Point;

/// The longest line that is read, in bytes.
const MAX_LINE: usize = 1 << 16;

const COLUMNS: [&str; 4] = ["pair", "keypoint", "x", "y"];

pub(super) fn read(path: &Path, found: &mut Found<'_>) -> Result<(), ImportError> {
    let file = File::open(path).map_err(|source| found.unread(source))?;
    let input = ShortLines { input: file, line: 0 };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let heading = reader.headers().map_err(|error| damaged(found, &error))?.clone();
    let mut columns = [0; 4];
    for (column, name) in columns.iter_mut().zip(COLUMNS) {
        let place = heading.iter().position(|heading| heading.eq_ignore_ascii_case(name));
        *column = place.ok_or_else(|| {
            found.malformed(format!(
                "line 1: there is no column {name}; expected a heading pair,keypoint,x,y"
            ))
        })?;
    }
    let mut points: BTreeMap<usize, BTreeMap<usize, Option<Point>>> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| damaged(found, &error))?;
        let place = format!("line {}", record.position().map_or(0, csv::Position::line));
        let [id, keypoint, x, y] = columns.map(|column| record.get(column).unwrap_or_default());
        let pair = found.pair(id, &place)?;
        let pair_of = &found.benchmark.pairs[pair];
        let Some(at) = pair_of.keypoint(keypoint) else {
            let known = match pair_of.keypoint_ids.as_slice() {
                [] => format!("0 to {}", pair_of.answers() - 1),
                names => names.join(", "),
            };
            let what = format!("pair {id} has no keypoint `{keypoint}`, only {known}");
            return Err(found.misfit(&place, what));
        };
        let coordinate = |text: &str| {
            if text.is_empty() {
                return Ok(f64::NAN);
            }
            let what = || format!("`{text}` is no number");
            text.parse().map_err(|_| found.misfit(&place, what()))
        };
        let one =
            point(coordinate(x)?, coordinate(y)?).map_err(|what| found.misfit(&place, what))?;
        if points.entry(pair).or_default().insert(at, one).is_some() {
            let what = format!("keypoint {keypoint} of pair {id} came before");
            return Err(found.misfit(&place, what));
        }
    }
    for (pair, mut points) in points {
        let keypoints = 0..found.benchmark.pairs[pair].answers();
        let points = keypoints.map(|keypoint| points.remove(&keypoint).flatten()).collect();
        found.keep(pair, points, "the table")?;
    }
    Ok(())
}

fn damaged(found: &Found<'_>, error: &csv::Error) -> ImportError {
    found.malformed(format!("{error}; expected lines of pair,keypoint,x,y"))
}

/// A reader that refuses endless lines, which would otherwise be kept in memory.
struct ShortLines {
    input: File,
    /// The length of the line so far.
    line: usize,
}

impl Read for ShortLines {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let read = self.input.read(buffer)?;
        for line in buffer[..read].split_inclusive(|&byte| byte == b'\n') {
            self.line += line.len();
            if self.line > MAX_LINE {
                let what = format!("a line is longer than {MAX_LINE} bytes");
                return Err(Error::new(ErrorKind::InvalidData, what));
            }
            if line.ends_with(b"\n") {
                self.line = 0;
            }
        }
        Ok(read)
    }
}
