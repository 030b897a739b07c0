//! Reading predictions a line at a time, whoever wrote them.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::partial::{is_written, partial_path};
use super::{FORMAT, Header, Prediction, PredictionsError, VERSION};
use crate::files::open_input;
use crate::json::MaybePoint;
use crate::text::{self, End, Utf8};

/// The longest line that is read, in bytes: a million keypoints fit.
pub const MAX_LINE: u64 = 64 << 20;

/// What may help where a file cannot be read.
const WANTED: &str = "; give a predictions file, such as `hpflow predict` writes";

/// The longest header, in bytes: as a tree of values it takes many times its length.
const MAX_HEADER: usize = 1 << 20;

/// An open predictions file: its header, then an iterator over its predictions.
///
/// Memory is bounded by the longest line. Blank lines are skipped. Text may be UTF-8 or UTF-16, lines may
/// end with LF, CRLF or CR, and NaN is no prediction, as `null` is.
#[derive(Debug)]
pub struct Reader<R> {
    header: Header,
    lines: Lines<Utf8<R>>,
}

impl Reader<BufReader<File>> {
    /// Opens the file and reads its header.
    ///
    /// # Errors
    /// No such file, a pipe (commands read the header before the rest), or a first line that is no
    /// header of a known version.
    pub fn open(path: &Path) -> Result<Self, PredictionsError> {
        let unreadable =
            |source, hint| PredictionsError::Read { file: path.to_owned(), source, hint };
        let file = open_input(path).map_err(|source| {
            let hint = match source.kind() {
                io::ErrorKind::InvalidInput => {
                    "; predictions are read twice: write them to a file first".to_owned()
                }
                _ => unfinished(path),
            };
            unreadable(source, hint)
        })?;
        Self::new(BufReader::new(file), path)
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the header from `input`; `path` is the name that errors give it.
    ///
    /// # Errors
    /// A first line that is no header of a known version, or a failure to read it.
    pub fn new(input: R, path: &Path) -> Result<Self, PredictionsError> {
        let input = Utf8::new(input).map_err(|source| unread(path, source))?;
        let input = text::Lines::new(input);
        let (path_of, line) = (path.to_owned(), Vec::new());
        let mut lines = Lines { input, path: path_of, number: 0, line, is_torn: false };
        if !lines.next_line()? {
            return Err(header_error(path, "the file is empty".to_owned()));
        }
        if lines.line.len() > MAX_HEADER {
            let what = format!("the first line is longer than {MAX_HEADER} bytes");
            return Err(header_error(path, what));
        }
        let header = parse_header(&lines.line, path)?;
        Ok(Self { header, lines })
    }

    /// The file's first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the line read last has no line break at its end, as one that was not written to its end.
    pub(super) fn is_torn(&self) -> bool {
        self.lines.is_torn
    }

    /// The number of the line read last, from 1.
    pub fn line_number(&self) -> usize {
        self.lines.number
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Prediction, PredictionsError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.lines.next_line() {
            Ok(false) => None,
            Ok(true) => Some(parse_line(&self.lines.line).map_err(|what| self.lines.error(what))),
            Err(error) => Some(Err(error)),
        }
    }
}

fn unfinished(path: &Path) -> String {
    let partial = partial_path(path);
    if is_written(&partial) {
        format!("; another run is writing {}: wait for it", partial.display())
    } else if partial.exists() {
        format!(
            "; {} is an unfinished run: `hpflow predict --resume` finishes it",
            partial.display()
        )
    } else {
        WANTED.to_owned()
    }
}

fn unread(path: &Path, source: io::Error) -> PredictionsError {
    PredictionsError::Read { file: path.to_owned(), source, hint: WANTED.to_owned() }
}

fn header_error(path: &Path, what: String) -> PredictionsError {
    PredictionsError::Header { file: path.to_owned(), what }
}

fn parse_header(line: &[u8], path: &Path) -> Result<Header, PredictionsError> {
    let error = |what| header_error(path, what);
    let packed: [(&[u8], &str); 5] = [
        (b"\x1f\x8b", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
    ];
    if let Some((_, by)) = packed.iter().find(|(start, _)| line.starts_with(start)) {
        return Err(error(format!("the file is compressed with {by}: decompress it first")));
    }
    let mut value: Value = crate::json::from_utf8(line).map_err(|e| error(describe(&e)))?;
    for field in ["version", "arithmetic"] {
        // Written as 1.0 by programs that have numbers of one kind.
        if let Some(number) = value.get_mut(field)
            && let Some(whole) = number.as_f64().filter(|number| number.fract() == 0.0)
            && (0.0..f64::from(u32::MAX)).contains(&whole)
        {
            *number = (whole as u64).into();
        }
    }
    match value.get("format") {
        Some(Value::String(format)) if format == FORMAT => {}
        Some(other) => return Err(error(format!("the format is {other}"))),
        None => return Err(error("this is not a predictions file".to_owned())),
    }
    if let Some(version) = value.get("version").filter(|version| **version != VERSION) {
        return Err(error(format!("version {version} is not known, only {VERSION}")));
    }
    Header::deserialize(value).map_err(|e| error(describe(&e)))
}

/// One prediction from its line. `serde_json` refuses numbers that are beyond `f32`, so all that it
/// returns are finite.
fn parse_line(line: &[u8]) -> Result<Prediction, String> {
    #[derive(Deserialize)]
    struct Line {
        pair: String,
        keypoints: Vec<MaybePoint<f32>>,
    }
    let Line { pair, keypoints } = crate::json::from_utf8(line).map_err(|e| describe(&e))?;
    Ok(Prediction { pair, keypoints: keypoints.into_iter().map(|point| point.0).collect() })
}

/// What `serde_json` found, with the column; its line number is always 1 here.
fn describe(error: &serde_json::Error) -> String {
    let what = crate::json::fault(error);
    if error.column() == 0 { what } else { format!("{what} (column {})", error.column()) }
}

#[derive(Debug)]
struct Lines<R> {
    input: text::Lines<R>,
    path: PathBuf,
    number: usize,
    line: Vec<u8>,
    is_torn: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line that is not blank into `line`; false at the end of the file.
    fn next_line(&mut self) -> Result<bool, PredictionsError> {
        loop {
            let read = self.input.next(&mut self.line, MAX_LINE as usize);
            let Some(end) = read.map_err(|source| unread(&self.path, source))? else {
                return Ok(false);
            };
            self.number += 1;
            if end == End::TooLong {
                return Err(self.error(format!("the line is longer than {MAX_LINE} bytes")));
            }
            self.is_torn = end == End::Text;
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn error(&self, what: String) -> PredictionsError {
        PredictionsError::Line { file: self.path.clone(), line: self.number, what }
    }
}
