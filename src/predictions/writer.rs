//! Writing predictions so that a killed run leaves a file that is clearly partial and can be
//! continued.
//!
//! Lines go to `<file>.partial`, each with one system call; the file gets its name when the last
//! one is on the disk. The partial file is locked while a run writes it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Header, Prediction, PredictionsError, Reader};
use crate::digest::sha256;
use crate::files::{self, Replacement};

/// A predictions file being written.
#[derive(Debug)]
pub struct Writer {
    file: File,
    partial: PathBuf,
    path: PathBuf,
    header: String,
}

/// A pair that an unfinished file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its id.
    pub pair: String,
    /// Whether one of its keypoints has a prediction, or it has no keypoints.
    pub answered: bool,
    /// SHA-256 of its line, hexadecimal.
    pub line: String,
}

/// A line of a file that is written anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line<'a> {
    /// That of the pair at this position in the file.
    Kept(usize),
    /// Another.
    New(&'a Prediction),
}

/// Where the lines of an unfinished `path` are: `<path>.partial`.
#[must_use]
pub fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

impl Writer {
    /// Starts a file: its header is written at once, so that an output that cannot be written is
    /// known before any work.
    ///
    /// # Errors
    /// The folder is missing or cannot be written, the path is something other than a file, or an
    /// unfinished run is there, which this refuses to overwrite.
    pub fn create(path: &Path, header: &Header) -> Result<Self, PredictionsError> {
        let path = &*followed(path)?;
        refuse_others(path)?;
        let partial = partial_path(path);
        let file = OpenOptions::new().write(true).create_new(true).open(&partial);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => output_error(
                path,
                format!(
                    "{} is an unfinished run: continue it with --resume, or delete it",
                    partial.display()
                ),
            ),
            _ => cannot_create(path, &error),
        })?;
        lock(&file, path)?;
        let header = header_line(header);
        let mut writer = Self { file, partial, path: path.to_owned(), header };
        writer.line(&writer.header.clone())?;
        Ok(writer)
    }

    /// Continues an unfinished file, and says which pairs it has, in file order.
    ///
    /// A last line that was torn is dropped. Without an unfinished file this continues the
    /// finished one, and without either it is [`Writer::create`]. Which hpflow began the file does not
    /// matter where its arithmetic is this one's: the header becomes that of this run.
    ///
    /// # Errors
    /// Those of [`Writer::create`]; another arithmetic, with what changed; a header that differs from
    /// this run's, with the first field that does; a complete line that is no prediction.
    pub fn resume(path: &Path, header: &Header) -> Result<(Self, Vec<Done>), PredictionsError> {
        let path = &*followed(path)?;
        let partial = partial_path(path);
        if !partial.exists() {
            if !path.exists() {
                return Ok((Self::create(path, header)?, Vec::new()));
            }
            done(path, header)?; // refuse another run's file before it loses its name
            files::rename(path, &partial).map_err(|error| cannot_create(path, &error))?;
        }
        followed(&partial)?;
        let file = OpenOptions::new().read(true).write(true).open(&partial);
        let file = file.map_err(|error| cannot_create(path, &error))?;
        lock(&file, path)?;
        let whole = whole_lines(&file).map_err(|source| read_error(&partial, source))?;
        let mut writer = Self { file, partial, path: path.to_owned(), header: header_line(header) };
        writer.truncate(whole).map_err(|source| writer.write_error(source))?;
        if whole == 0 {
            writer.line(&writer.header.clone())?;
            return Ok((writer, Vec::new()));
        }
        let pairs = done(&writer.partial, header)?;
        let same = writer.has_its_header();
        if !same.map_err(|source| read_error(&writer.partial, source))? {
            writer.rewrite(&(0..pairs.len()).map(Line::Kept).collect::<Vec<_>>())?;
        }
        Ok((writer, pairs))
    }

    /// The pairs that a complete file of this run has, in file order; it stays as it is.
    ///
    /// # Errors
    /// Those of [`Writer::resume`].
    pub fn complete(path: &Path, header: &Header) -> Result<Vec<Done>, PredictionsError> {
        done(&followed(path)?, header)
    }

    /// Whether the first line of the file is this run's, byte for byte.
    fn has_its_header(&self) -> io::Result<bool> {
        let mut start = vec![0; self.header.len() + 1];
        match File::open(&self.partial)?.read_exact(&mut start) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| start.strip_suffix(b"\n") == Some(self.header.as_bytes())),
        }
    }

    /// Puts other predictions in place of some that the file has, by their position in it. All are
    /// replaced, or none.
    ///
    /// # Errors
    /// The system cannot read or write; the file stays as it was.
    pub fn amend(&mut self, others: &BTreeMap<usize, Prediction>) -> Result<(), PredictionsError> {
        let lines = Reader::open(&self.partial)?.count();
        let line = |at| others.get(&at).map_or(Line::Kept(at), Line::New);
        self.rewrite(&(0..lines).map(line).collect::<Vec<_>>())
    }

    /// Writes the file anew with these lines after the header; those that are kept stand in the order
    /// in which they are. It is the new file as a whole, or stays as it was.
    ///
    /// # Errors
    /// The system cannot read or write; the file stays as it was.
    pub fn rewrite(&mut self, lines: &[Line]) -> Result<(), PredictionsError> {
        let file = self.rewritten(lines).map_err(|source| self.write_error(source))?;
        lock(&file, &self.path)?;
        self.file = file;
        Ok(())
    }

    /// The file with these lines, under its name and to be written on.
    fn rewritten(&self, lines: &[Line]) -> io::Result<File> {
        let mut new = Replacement::of(&self.partial)?;
        let mut writer = BufWriter::new(new.file());
        writeln!(writer, "{}", self.header)?;
        let mut old = BufReader::new(File::open(&self.partial)?);
        // The header is no prediction, and blank lines are none either.
        let mut text = Vec::new();
        let mut next = || {
            text.clear();
            while text.trim_ascii().is_empty() {
                text.clear();
                if old.read_until(b'\n', &mut text)? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok::<_, io::Error>(std::mem::take(&mut text))
        };
        next()?;
        let mut passed = 0;
        for line in lines {
            match line {
                Line::New(prediction) => writeln!(writer, "{}", prediction.to_line())?,
                Line::Kept(position) => {
                    while passed < *position {
                        next()?;
                        passed += 1;
                    }
                    writer.write_all(&next()?)?;
                    passed += 1;
                }
            }
        }
        writer.flush()?;
        drop(writer);
        new.finish()
    }

    /// Adds a pair.
    ///
    /// # Errors
    /// The system cannot write, for example because the disk is full; what was written before
    /// stays and can be continued.
    pub fn write(&mut self, prediction: &Prediction) -> Result<(), PredictionsError> {
        self.line(&prediction.to_line())
    }

    /// Makes sure that the file is on the disk and gives it its name, in place of an older file of
    /// that name.
    ///
    /// # Errors
    /// The system cannot write or rename; the partial file stays.
    pub fn finish(self) -> Result<(), PredictionsError> {
        self.file.sync_all().map_err(|source| self.write_error(source))?;
        files::rename(&self.partial, &self.path).map_err(|source| self.write_error(source))?;
        // A process that this one is just starting may hold the file too, for a moment.
        let _ = self.file.unlock();
        Ok(())
    }

    fn line(&mut self, text: &str) -> Result<(), PredictionsError> {
        // One call a line: what a killed run leaves ends at most in one torn line.
        self.file
            .write_all(format!("{text}\n").as_bytes())
            .map_err(|source| self.write_error(source))
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::End(0)).map(|_| ())
    }

    fn write_error(&self, source: io::Error) -> PredictionsError {
        PredictionsError::Write { file: self.partial.clone(), source }
    }
}

/// A file that holds something else than predictions may be somebody's photograph, annotation or table:
/// it is not replaced.
fn refuse_others(path: &Path) -> Result<(), PredictionsError> {
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => drop(file.take(64).read_to_end(&mut start)),
        Err(_) => return Ok(()),
    }
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&start).trim_ascii_start();
    if start.is_empty() || start.starts_with(b"{\"format\"") {
        return Ok(());
    }
    let what = "it is there already and is not a predictions file; give another name, or delete it";
    Err(output_error(path, what.to_owned()))
}

/// The pairs in a file of this run.
fn done(path: &Path, header: &Header) -> Result<Vec<Done>, PredictionsError> {
    let reader = Reader::open(path)?;
    let begun = reader.header();
    if begun.arithmetic != header.arithmetic {
        return Err(PredictionsError::OtherArithmetic {
            file: path.to_owned(),
            by: begun.created_by.clone(),
            found: begun.arithmetic,
            expected: header.arithmetic,
        });
    }
    let begun = Header { created_by: header.created_by.clone(), ..begun.clone() };
    let (found, expected) = (as_value(&begun), as_value(header));
    if let Some((field, found, expected)) = difference("", &found, &expected) {
        return Err(PredictionsError::OtherRun { file: path.to_owned(), field, found, expected });
    }
    let done = |prediction: Prediction| Done {
        answered: prediction.is_answered(),
        line: sha256(prediction.to_line().as_bytes()),
        pair: prediction.pair,
    };
    reader.map(|prediction| prediction.map(done)).collect()
}

/// The first field (dotted path) in which a header differs from another, with both values; which
/// program wrote them does not count, nor do the fields named.
#[must_use]
pub fn header_difference(
    found: &Header,
    expected: &Header,
    but: &[&str],
) -> Option<(String, String, String)> {
    let [found, expected] = [found, expected].map(|header| {
        let mut value = as_value(header);
        for field in but.iter().chain(&["created_by"]) {
            let (above, name) = field.rsplit_once('.').unwrap_or(("", field));
            let above = above.split('.').filter(|name| !name.is_empty());
            let map = above.fold(Some(&mut value), |value, name| value?.get_mut(name));
            map.and_then(Value::as_object_mut).map(|map| map.shift_remove(name));
        }
        value
    });
    difference("", &found, &expected)
}

fn as_value(header: &Header) -> Value {
    // A header is strings, a number and a map of JSON values: it always has a JSON form.
    serde_json::to_value(header).unwrap_or(Value::Null)
}

pub(crate) fn header_line(header: &Header) -> String {
    as_value(header).to_string()
}

/// The first field (dotted path) in which two values differ, with both; absent is `null`.
fn difference(path: &str, found: &Value, expected: &Value) -> Option<(String, String, String)> {
    if found == expected {
        return None;
    }
    let (Value::Object(a), Value::Object(b)) = (found, expected) else {
        return Some((path.to_owned(), found.to_string(), expected.to_string()));
    };
    a.keys().chain(b.keys()).find_map(|key| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let value = |map: &serde_json::Map<String, Value>| map.get(key).cloned();
        difference(&path, &value(a).unwrap_or_default(), &value(b).unwrap_or_default())
    })
}

/// The length of the file up to its last line break.
pub(super) fn whole_lines(file: &File) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut position, mut whole) = (0, 0);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(whole);
        }
        if let Some(last) = buffer.iter().rposition(|&byte| byte == b'\n') {
            whole = position + last as u64 + 1;
        }
        let length = buffer.len();
        position += length as u64;
        reader.consume(length);
    }
}

fn lock(file: &File, path: &Path) -> Result<(), PredictionsError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(output_error(
            path,
            "another run is writing it; wait for that run, or give another file".to_owned(),
        )),
        // Some file systems have no locks; two runs on one file are then the user's to avoid.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// The regular file to which a path leads.
fn followed(path: &Path) -> Result<PathBuf, PredictionsError> {
    files::regular(path).map_err(|error| match error.kind() {
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            output_error(path, error.to_string())
        }
        _ => cannot_create(path, &error),
    })
}

fn cannot_create(path: &Path, error: &io::Error) -> PredictionsError {
    output_error(path, format!("{error}; give a file in a folder that exists and can be written"))
}

fn output_error(path: &Path, what: String) -> PredictionsError {
    PredictionsError::Output { file: path.to_owned(), what }
}

fn read_error(path: &Path, source: io::Error) -> PredictionsError {
    PredictionsError::Read { file: path.to_owned(), source, hint: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file_and_the_remedy() {
        let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (partial, path) = ("out.jsonl.partial".into(), "out.jsonl".into());
        let mut writer = Writer { file, partial, path, header: String::new() };
        let error = writer
            .write(&Prediction { pair: "a".to_owned(), keypoints: vec![] })
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("cannot write to out.jsonl.partial: "), "{error}");
        assert!(error.ends_with("make room and continue with --resume"), "{error}");
    }
}
