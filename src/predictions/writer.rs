//! Writing predictions so that a killed run leaves a file that is clearly partial and can be
//! continued.
//!
//! Lines go to `<file>.partial`, each with one system call; the file gets its name when the last
//! one is on the disk. The partial file is locked while a run writes it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::partial::{is_written, partial_path};
use super::{Header, MAX_LINE, Prediction, PredictionsError, Reader};
use crate::digest::{hexadecimal, sha256};
use crate::files::{self, Replacement};
use crate::text::{End, Lines, NoText, Utf8};

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
            io::ErrorKind::AlreadyExists if is_written(&partial) => being_written(path),
            io::ErrorKind::AlreadyExists => output_error(
                path,
                format!(
                    "{} is an unfinished run: continue it with option `resume`, or delete it",
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
    /// matter where its arithmetic is this one's: the header becomes that of this run. Where another
    /// program has stored the file since, with other line breaks or as UTF-16, it is written anew, so
    /// that the finished file is the one of a run that was not stopped.
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
        let begins = has_header(&file).map_err(|source| read_error(&partial, source))?;
        let mut writer = Self { file, partial, path: path.to_owned(), header: header_line(header) };
        if !begins {
            refuse_no_beginning(&writer.partial)?;
            // Not even the first line was written to its end.
            writer.truncate(0).map_err(|source| writer.write_error(source))?;
            writer.line(&writer.header.clone())?;
            return Ok((writer, Vec::new()));
        }
        let Whole { pairs, length, digest } = whole(&writer.partial, header)?;
        let same = sha256_of_start(&writer.partial, length);
        if same.map_err(|source| read_error(&writer.partial, source))? == Some(digest) {
            writer.truncate(length).map_err(|source| writer.write_error(source))?;
        } else {
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
        let file = self.rewritten(lines)?;
        lock(&file, &self.path)?;
        self.file = file;
        Ok(())
    }

    /// The file with these lines, under its name and to be written on. Those that are kept are written
    /// as any prediction is, whatever they are stored as.
    fn rewritten(&self, lines: &[Line]) -> Result<File, PredictionsError> {
        let failed = |source| self.write_error(source);
        let mut new = Replacement::of(&self.partial).map_err(failed)?;
        let mut writer = BufWriter::new(new.file());
        writeln!(writer, "{}", self.header).map_err(failed)?;
        let mut old = Reader::open(&self.partial)?;
        let mut next =
            || old.next().unwrap_or_else(|| Err(failed(io::ErrorKind::UnexpectedEof.into())));
        let mut passed = 0;
        for line in lines {
            let text = match line {
                Line::New(prediction) => prediction.to_line(),
                Line::Kept(position) => {
                    while passed < *position {
                        next()?;
                        passed += 1;
                    }
                    passed += 1;
                    next()?.to_line()
                }
            };
            writeln!(writer, "{text}").map_err(failed)?;
        }
        writer.flush().map_err(failed)?;
        drop(writer);
        new.finish().map_err(failed)
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

/// Refuses an unfinished file without a whole line, unless it begins as a header does.
fn refuse_no_beginning(partial: &Path) -> Result<(), PredictionsError> {
    const HEADER: &[u8] = b"{\"format\"";
    let mut start = Vec::new();
    File::open(partial)
        .and_then(|file| file.take(HEADER.len() as u64).read_to_end(&mut start))
        .map_err(|source| read_error(partial, source))?;
    if HEADER.starts_with(&start) {
        return Ok(());
    }
    let what = "it is not an unfinished predictions file; give another name, or delete it";
    Err(output_error(partial, what.to_owned()))
}

/// The pairs in a file of this run.
fn done(path: &Path, header: &Header) -> Result<Vec<Done>, PredictionsError> {
    let reader = begun(path, header)?;
    reader.map(|prediction| prediction.map(|one| of_line(&one))).collect()
}

/// What an unfinished file of this run has in lines that were written to their end.
struct Whole {
    pairs: Vec<Done>,
    /// The bytes that this run would have written until then, and their SHA-256.
    length: u64,
    digest: String,
}

fn whole(path: &Path, header: &Header) -> Result<Whole, PredictionsError> {
    let mut reader = begun(path, header)?;
    let mut digest = Sha256::new();
    let mut length = 0;
    let mut line = |text: &str| {
        digest.update(text);
        digest.update("\n");
        length += text.len() as u64 + 1;
    };
    line(&header_line(header));
    let mut pairs = Vec::new();
    while let Some(prediction) = reader.next() {
        if reader.is_torn() {
            break;
        }
        let prediction = prediction?;
        line(&prediction.to_line());
        pairs.push(of_line(&prediction));
    }
    Ok(Whole { pairs, length, digest: hexadecimal(&digest.finalize()) })
}

/// SHA-256 of the first bytes of a file; `None` where it has less.
fn sha256_of_start(path: &Path, length: u64) -> io::Result<Option<String>> {
    let mut digest = Sha256::new();
    let read = io::copy(&mut File::open(path)?.take(length), &mut digest)?;
    Ok((read == length).then(|| hexadecimal(&digest.finalize())))
}

/// Whether the first line of a file that is not blank was written to its end.
fn has_header(file: &File) -> io::Result<bool> {
    let mut lines = Lines::new(Utf8::new(BufReader::new(file))?);
    let mut line = Vec::new();
    loop {
        let read = lines.next(&mut line, MAX_LINE as usize);
        match read {
            // Half a character, where it was torn.
            Err(error) if NoText::of(&error).is_some() => return Ok(false),
            read => match read? {
                None | Some(End::Text) => return Ok(false),
                Some(End::Break) if line.trim_ascii().is_empty() => {}
                Some(End::Break | End::TooLong) => return Ok(true),
            },
        }
    }
}

fn of_line(prediction: &Prediction) -> Done {
    Done {
        answered: prediction.is_answered(),
        line: sha256(prediction.to_line().as_bytes()),
        pair: prediction.pair.clone(),
    }
}

/// A file that this run can continue, by its header.
fn begun(path: &Path, header: &Header) -> Result<Reader<BufReader<File>>, PredictionsError> {
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
    let mut begun = begun.clone();
    begun.created_by.clone_from(&header.created_by);
    let (found, expected) = (as_value(&begun), as_value(header));
    if let Some((field, found, expected)) = difference("", &found, &expected) {
        return Err(PredictionsError::OtherRun { file: path.to_owned(), field, found, expected });
    }
    Ok(reader)
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
            let mut above = above.split('.').filter(|name| !name.is_empty());
            let map = above.try_fold(&mut value, |value, name| value.get_mut(name));
            map.and_then(Value::as_object_mut).map(|map| map.shift_remove(name));
        }
        value
    });
    difference("", &found, &expected)
}

fn as_value(header: &Header) -> Value {
    serde_json::to_value(header).expect("texts, numbers and JSON values have a JSON form")
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

fn lock(file: &File, path: &Path) -> Result<(), PredictionsError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(being_written(path)),
        // Some file systems have no locks; two runs on one file are then the user's to avoid.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

fn being_written(path: &Path) -> PredictionsError {
    let what = "another run is writing it; wait for that run, or give another file";
    output_error(path, what.to_owned())
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
        assert!(error.ends_with("make room and continue with option `resume`"), "{error}");
    }
}
