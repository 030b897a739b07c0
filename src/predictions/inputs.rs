//! Beside a predictions file that is not complete: what its lines are made of.
//!
//! `<file>.inputs` has a line for every pair that was written, with the SHA-256 of the pair's line and
//! of what it was made of ([`Inputs`]). A line is believed only where both files say the same of it,
//! so that neither a kill between two writes nor a file from elsewhere makes an old answer pass for a
//! new one: what is not known is predicted again. Later lines of a pair stand for earlier ones.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Done, Prediction, PredictionsError};
use crate::digest::sha256;
use crate::files;
use crate::inputs::Inputs;
use crate::text::{End, Lines};

/// The first line of the file.
const FIRST_LINE: &str = "{\"format\":\"hpflow-inputs\",\"version\":1}";

/// The longest line that is read, in bytes: an id, four digests and no more.
const MAX_LINE: usize = 1 << 16;

/// Where it is said what the lines of `path` are made of: `<path>.inputs`.
#[must_use]
pub fn inputs_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".inputs");
    PathBuf::from(name)
}

/// What is known of a pair's line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// The pair's id.
    pub pair: String,
    /// SHA-256 of its line, hexadecimal; `None` where it has none, because it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// What the line is made of.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// Whether there is no answer because a photograph cannot be used or the pair is beyond the engine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unusable: bool,
    /// Whether it is not known what the line is made of, and it is taken as it is: it was in a file that
    /// was complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taken: bool,
}

impl Made {
    /// Of a pair that has no line, because it could not be read.
    #[must_use]
    pub fn left_out(pair: &str) -> Self {
        Self { pair: pair.to_owned(), line: None, inputs: None, unusable: false, taken: false }
    }

    /// Of a line, with its SHA-256, of which it is not known what it is made of: an answer is taken as
    /// it is.
    #[must_use]
    pub fn of_unknown(prediction: &Prediction, line: String) -> Self {
        let taken = prediction.is_answered();
        let (pair, line) = (prediction.pair.clone(), Some(line));
        Self { pair, line, inputs: None, unusable: !taken, taken }
    }
}

/// What is known of the lines of a predictions file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known(HashMap<String, Made>);

impl Known {
    /// What the line of a pair is made of, by the SHA-256 of the line.
    #[must_use]
    pub fn get(&self, pair: &str, line: &str) -> Option<&Made> {
        self.0.get(pair).filter(|made| made.line.as_deref() == Some(line))
    }

    /// Whether a pair was left out because it could not be read.
    #[must_use]
    pub fn left_out(&self, pair: &str) -> bool {
        self.0.get(pair).is_some_and(|made| made.line.is_none())
    }

    /// The pairs that were left out, in no order.
    pub fn all_left_out(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter(|made| made.line.is_none()).map(|made| &*made.pair)
    }

    /// Whether nothing is known of any line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The file being written.
#[derive(Debug)]
pub struct InputsFile {
    file: File,
    path: PathBuf,
}

impl InputsFile {
    /// Starts the file of a predictions file, in place of one that is there.
    ///
    /// # Errors
    /// It cannot be written, or something else has its name.
    pub fn create(predictions: &Path) -> Result<Self, PredictionsError> {
        let path = inputs_path(predictions);
        refuse_others(&path)?;
        let file = File::create(&path).map_err(|source| cannot_write(&path, source))?;
        let mut new = Self { file, path };
        new.line(FIRST_LINE.to_owned())?;
        Ok(new)
    }

    /// What the file of a predictions file knows, which stays as it is; nothing where there is none.
    ///
    /// # Errors
    /// It cannot be read, or something else has its name.
    pub fn read(predictions: &Path) -> Result<Known, PredictionsError> {
        let path = inputs_path(predictions);
        refuse_others(&path)?;
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Known::default()),
            Err(source) => Err(cannot_write(&path, source)),
            Ok(file) => {
                let known = parse(BufReader::new(file));
                Ok(known.map_err(|source| cannot_write(&path, source))?.unwrap_or_default())
            }
        }
    }

    /// Makes the file of a complete predictions file, of which it is not known what its lines are made
    /// of: those that are answered are taken as they are, the others are to be answered. It is there as
    /// a whole or not at all.
    ///
    /// # Errors
    /// It cannot be written, or something else has its name.
    pub fn take<'a>(
        predictions: &Path,
        lines: impl Iterator<Item = &'a Done>,
    ) -> Result<(), PredictionsError> {
        let made = lines.map(|Done { pair, answered, line }| {
            let (pair, line) = (pair.clone(), Some(line.clone()));
            Made { pair, line, inputs: None, unusable: !answered, taken: *answered }
        });
        Self::replace(predictions, &made.collect::<Vec<_>>())
    }

    /// Writes the file of a predictions file as a whole, in place of one that is there.
    ///
    /// # Errors
    /// It cannot be written, or something else has its name.
    pub fn replace(predictions: &Path, all: &[Made]) -> Result<(), PredictionsError> {
        let path = inputs_path(predictions);
        refuse_others(&path)?;
        let mut text = format!("{FIRST_LINE}\n");
        for made in all {
            text += &as_line(made);
            text.push('\n');
        }
        files::write(&path, text).map_err(|source| cannot_write(&path, source))
    }

    /// Goes on with the file of a predictions file, and says what it knows. What cannot be understood
    /// is not known.
    ///
    /// # Errors
    /// It cannot be read or written, or something else has its name.
    pub fn resume(predictions: &Path) -> Result<(Self, Known), PredictionsError> {
        let path = inputs_path(predictions);
        refuse_others(&path)?;
        match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok((Self::create(predictions)?, Known::default()))
            }
            Err(source) => Err(cannot_write(&path, source)),
            Ok(mut file) => {
                let known = Self::known(&mut file).map_err(|source| cannot_write(&path, source))?;
                match known {
                    Some(known) => Ok((Self { file, path }, known)),
                    None => Ok((Self::create(predictions)?, Known::default())),
                }
            }
        }
    }

    /// What a file knows, which is left to be written on; `None` where it is something else.
    fn known(file: &mut File) -> io::Result<Option<Known>> {
        let known = parse(BufReader::new(&*file))?;
        if known.is_some() {
            // A last line that was torn is written anew.
            file.seek(SeekFrom::Start(0))?;
            file.set_len(whole_lines(file)?)?;
            file.seek(SeekFrom::End(0))?;
        }
        Ok(known)
    }

    /// Says what the line of a pair is made of, after that line was written.
    ///
    /// # Errors
    /// The system cannot write.
    pub fn write(
        &mut self,
        prediction: &Prediction,
        inputs: &Inputs,
        unusable: bool,
    ) -> Result<(), PredictionsError> {
        self.made(&Made {
            pair: prediction.pair.clone(),
            line: Some(sha256(prediction.to_line().as_bytes())),
            inputs: Some(inputs.clone()),
            unusable,
            taken: false,
        })
    }

    /// Says that a pair was left out, or what a line that is there is made of.
    ///
    /// # Errors
    /// The system cannot write.
    pub fn made(&mut self, made: &Made) -> Result<(), PredictionsError> {
        self.line(as_line(made))
    }

    /// Removes the file: the predictions file is complete.
    ///
    /// # Errors
    /// The system cannot remove it.
    pub fn remove(self) -> Result<(), PredictionsError> {
        fs::remove_file(&self.path).map_err(|source| cannot_write(&self.path, source))
    }

    fn line(&mut self, mut text: String) -> Result<(), PredictionsError> {
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(|source| cannot_write(&self.path, source))
    }
}

fn as_line(made: &Made) -> String {
    serde_json::to_string(made).expect("texts and truths have a JSON form")
}

/// The length of a file from here up to its last line break of any kind.
fn whole_lines(file: &File) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut position, mut whole) = (0, 0);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(whole);
        }
        if let Some(last) = buffer.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')) {
            whole = position + last as u64 + 1;
        }
        let length = buffer.len();
        position += length as u64;
        reader.consume(length);
    }
}

/// A file of that name that hpflow did not write is somebody's, and one of another version is another
/// hpflow's.
fn refuse_others(path: &Path) -> Result<(), PredictionsError> {
    let mut start = Vec::new();
    match files::open_input(path) {
        Ok(file) => drop(file.take(FIRST_LINE.len() as u64 + 1).read_to_end(&mut start)),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            let what = format!("{error}; move it away, or give another name for the predictions");
            return Err(PredictionsError::Output { file: path.to_owned(), what });
        }
        Err(_) => return Ok(()),
    }
    // One that was torn in its first line is hpflow's too, and so is one with other line breaks.
    let own = |end: &str| format!("{FIRST_LINE}{end}").into_bytes().starts_with(&start);
    if own("\n") || own("\r") {
        return Ok(());
    }
    let what = "it is not the file that this hpflow keeps beside unfinished predictions; move it away, or \
                give another name for the predictions";
    Err(PredictionsError::Output { file: path.to_owned(), what: what.to_owned() })
}

fn cannot_write(path: &Path, source: io::Error) -> PredictionsError {
    PredictionsError::Write { file: path.to_owned(), source }
}

/// What some bytes know; `None` where they do not begin as such a file does.
fn parse(bytes: impl io::BufRead) -> io::Result<Option<Known>> {
    let mut known = HashMap::new();
    let mut lines = Lines::new(bytes);
    let mut line = Vec::new();
    let mut first = true;
    while let Some(end) = lines.next(&mut line, MAX_LINE)? {
        if end == End::Text {
            break; // it was torn
        }
        if std::mem::take(&mut first) {
            if line.trim_ascii() != FIRST_LINE.as_bytes() {
                return Ok(None);
            }
        } else if let Ok(made) = serde_json::from_slice::<Made>(&line) {
            known.insert(made.pair.clone(), made);
        }
    }
    Ok((!first).then_some(Known(known)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inputs(photograph: &str) -> Inputs {
        Inputs {
            source: Some(photograph.into()),
            target: None,
            asked: sha256(photograph.as_bytes()),
            truth: None,
        }
    }

    fn prediction(pair: &str, x: f32) -> Prediction {
        Prediction { pair: pair.to_owned(), keypoints: vec![Some([x, 1.0]), None] }
    }

    fn line(prediction: &Prediction) -> String {
        sha256(prediction.to_line().as_bytes())
    }

    /// A file that knows of three pairs, one twice and one left out.
    fn written(predictions: &Path) -> Vec<u8> {
        let mut file = InputsFile::create(predictions).unwrap();
        file.write(&prediction("a", 1.0), &inputs("one"), false).unwrap();
        file.write(&prediction("b", 1.0), &inputs("two"), true).unwrap();
        let left_out =
            Made { pair: "c".into(), line: None, inputs: None, unusable: false, taken: false };
        file.made(&left_out).unwrap();
        file.write(&prediction("a", 2.0), &inputs("three"), false).unwrap();
        fs::read(inputs_path(predictions)).unwrap()
    }

    #[test]
    fn the_last_word_on_a_line_counts_and_on_no_other_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.jsonl");
        written(&path);
        let (file, known) = InputsFile::resume(&path).unwrap();
        let get = |one: &Prediction| known.get(&one.pair, &line(one));
        assert_eq!(get(&prediction("a", 1.0)), None, "another line came after it");
        let a = get(&prediction("a", 2.0)).unwrap();
        assert_eq!((a.inputs.as_ref(), a.unusable), (Some(&inputs("three")), false));
        assert!(get(&prediction("b", 1.0)).unwrap().unusable);
        assert_eq!(get(&prediction("b", 1.5)), None, "the line is not what it was");
        assert_eq!(["a", "b", "c", "d"].map(|id| known.left_out(id)), [false, false, true, false]);
        file.remove().unwrap();
        assert!(!inputs_path(&path).exists());
    }

    /// Killed at any byte it knows less, never other than it did.
    #[test]
    fn a_file_that_was_torn_anywhere_knows_its_whole_lines_and_is_written_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.jsonl");
        let whole = written(&path);
        for length in 0..=whole.len() {
            fs::write(inputs_path(&path), &whole[..length]).unwrap();
            let (mut file, known) = InputsFile::resume(&path).unwrap();
            let lines = whole[..length].iter().filter(|&&byte| byte == b'\n').count();
            let a = if lines > 4 { 2.0 } else { 1.0 };
            let a = known.get("a", &line(&prediction("a", a)));
            assert_eq!(a.is_some(), lines > 1, "{length} bytes");
            assert_eq!(known.left_out("c"), lines > 3, "{length} bytes");
            file.write(&prediction("d", 1.0), &inputs("four"), false).unwrap();
            let (_, known) = InputsFile::resume(&path).unwrap();
            assert!(known.get("d", &line(&prediction("d", 1.0))).is_some(), "{length} bytes");
            assert_eq!(known.left_out("c"), lines > 3, "{length} bytes");
        }
    }

    #[test]
    fn an_empty_file_is_begun_anew_and_what_is_no_such_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.jsonl");
        fs::write(inputs_path(&path), "").unwrap();
        let (_, known) = InputsFile::resume(&path).unwrap();
        assert!(known.is_empty());
        let text = fs::read_to_string(inputs_path(&path)).unwrap();
        assert_eq!(text, format!("{FIRST_LINE}\n"));
        for bytes in [&b"\n\n"[..], b"{\"format\":\"hpflow-inputs\",\"version\":2}\n{}\n"] {
            fs::write(inputs_path(&path), bytes).unwrap();
            assert!(InputsFile::resume(&path).is_err() && InputsFile::create(&path).is_err());
            assert!(InputsFile::read(&path).is_err());
            assert_eq!(fs::read(inputs_path(&path)).unwrap(), bytes);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_know_what_was_not_written(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let with_start = [FIRST_LINE.as_bytes(), b"\n", &bytes].concat();
            let known = parse(&with_start[..]).unwrap().unwrap();
            prop_assert!(known.get("a", &line(&prediction("a", 1.0))).is_none());
            let _ = parse(&bytes[..]).unwrap();
        }
    }
}
