//! The file of a search: what was evaluated, so that a search that was stopped goes on, and what was
//! found in the end. It has the same bytes whether the search was stopped or not.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::beam::ScoredSet;
use super::error::StateError;
use crate::digest::sha256;
use crate::hyperpixel::LayerSet;

/// What every file of a search says it is.
const FORMAT: &str = "hpflow-search";

/// The version of the format that this hpflow reads and writes.
const VERSION: u64 = 1;

/// The most bytes that are read. The largest depth of a search with ResNet-101 on SPair-71k's
/// validation split takes three million.
const MOST_BYTES: u64 = 1 << 30;

/// The setting that is the number of hpflow's arithmetic.
pub const ARITHMETIC_KEY: &str = "arithmetic";

/// The most characters of a text of bits that a message shows.
const SHOWN: usize = 20;

/// The file of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    format: String,
    version: u64,
    /// Of everything else in the file, so that a score that was changed on the disk decides nothing.
    /// Empty but in the file.
    sha256: String,
    /// What decides the numbers: benchmark, backbone, engine, what is searched.
    pub settings: Map<String, Value>,
    /// Every set that was evaluated, depth by depth, in the order of evaluation.
    pub depths: Vec<Vec<StoredScore>>,
    /// Which keypoints the best sets get right.
    pub best: Vec<StoredBits>,
    /// The evaluation that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

/// A set that was evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredScore {
    /// Its layers, ascending.
    pub layers: Vec<usize>,
    /// PCK in percent.
    pub pck: f64,
}

/// Which keypoints a set gets right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredBits {
    /// The set's layers, ascending.
    pub layers: Vec<usize>,
    /// A bit a keypoint, pairs in the order of matching.
    pub right: Bits,
}

/// Sets that were evaluated on the first pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unfinished {
    /// How many pairs, in the order of matching.
    pub pairs: usize,
    /// The sets.
    pub sets: Vec<StoredBits>,
}

/// Truths in a row, in the file eight a byte and in base 64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Bits(pub Vec<bool>);

impl From<Bits> for String {
    fn from(bits: Bits) -> Self {
        let byte =
            |bits: &[bool]| bits.iter().rev().fold(0u8, |byte, &bit| byte << 1 | u8::from(bit));
        let bytes: Vec<u8> = bits.0.chunks(8).map(byte).collect();
        format!("{}:{}", bits.0.len(), STANDARD.encode(bytes))
    }
}

impl TryFrom<String> for Bits {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            let shown: String = text.chars().take(SHOWN).collect();
            let rest = if shown.len() < text.len() { "…" } else { "" };
            format!("`{shown}{rest}` is not a list of bits")
        };
        let (len, text) = text.split_once(':').ok_or_else(wrong)?;
        let len: usize = len.parse().map_err(|_| wrong())?;
        let bytes = STANDARD.decode(text).map_err(|_| wrong())?;
        if bytes.len() != len.div_ceil(8) {
            return Err(wrong());
        }
        Ok(Self((0..len).map(|at| bytes[at / 8] >> (at % 8) & 1 == 1).collect()))
    }
}

impl State {
    /// Nothing evaluated yet.
    #[must_use]
    pub fn new(settings: Map<String, Value>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            sha256: String::new(),
            settings,
            depths: Vec::new(),
            best: Vec::new(),
            unfinished: None,
            result: None,
        }
    }

    /// The state in a file; a new one where there is no file.
    ///
    /// # Errors
    /// A file that cannot be read, is no file of a search, or of a search with other settings.
    pub fn resume(file: &Path, settings: Map<String, Value>) -> Result<Self, StateError> {
        let Some(state) = Self::read(file)? else { return Ok(Self::new(settings)) };
        let keys = state.settings.keys().chain(settings.keys());
        state.compare(file, keys, &settings)?;
        Ok(state)
    }

    /// The state in a file, if it is there.
    fn read(file: &Path) -> Result<Option<Self>, StateError> {
        let wrong = |reason| StateError::NotAState { file: file.to_owned(), reason };
        // Asked before it is opened: opening a pipe waits for its other end.
        match std::fs::metadata(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Ok(about) if about.is_file() && about.len() <= MOST_BYTES => {}
            Ok(about) if about.is_file() => {
                let found = about.len();
                return Err(wrong(format!("it has {found} bytes, expected at most {MOST_BYTES}")));
            }
            Ok(_) => return Err(wrong("it is not a regular file".to_owned())),
            Err(source) => return Err(StateError::Read { file: file.to_owned(), source }),
        }
        let opened = File::open(file)
            .map_err(|source| StateError::Read { file: file.to_owned(), source })?;
        parse(BufReader::new(opened.take(MOST_BYTES))).map(Some).map_err(wrong)
    }

    /// Whether some of the settings are those of the file, if it is there: what is known before the
    /// features are.
    ///
    /// # Errors
    /// As [`Self::resume`].
    pub fn check(file: &Path, some: &Map<String, Value>) -> Result<(), StateError> {
        match Self::read(file)? {
            Some(state) => state.compare(file, some.keys(), some),
            None => Ok(()),
        }
    }

    fn compare<'a>(
        &self,
        file: &Path,
        mut keys: impl Iterator<Item = &'a String>,
        settings: &Map<String, Value>,
    ) -> Result<(), StateError> {
        // Searches of hpflow 0.1.0 do not give theirs.
        let arithmetic = |of: &Map<String, Value>| of.get(ARITHMETIC_KEY)?.as_u64();
        let found = arithmetic(&self.settings).unwrap_or(1);
        if let Some(expected) = arithmetic(settings).filter(|expected| *expected != found) {
            return Err(StateError::Arithmetic { file: file.to_owned(), found, expected });
        }
        let Some(key) = keys.find(|key| self.settings.get(*key) != settings.get(*key)) else {
            return Ok(());
        };
        let shown = |of: &Map<String, Value>| {
            of.get(key).map_or_else(|| "nothing".to_owned(), ToString::to_string)
        };
        Err(StateError::Other {
            file: file.to_owned(),
            setting: key.clone(),
            found: shown(&self.settings),
            expected: shown(settings),
        })
    }

    /// Whether what is in the file can be of a benchmark whose pairs, in the order of matching, have
    /// so many keypoints, and of sets of these layers.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn fits(&self, keypoints: &[usize], layers: &[usize]) -> Result<(), String> {
        let known: Vec<&[usize]> = self.depths.iter().flatten().map(|one| &*one.layers).collect();
        let unfinished = self.unfinished.iter();
        let sets = unfinished.clone().flat_map(|one| &one.sets).chain(&self.best);
        for set in known.iter().copied().chain(sets.map(|kept| &*kept.layers)) {
            if let Some(layer) = set.iter().find(|layer| !layers.contains(layer)) {
                return Err(format!("one of its sets has layer {layer}, which is not searched"));
            }
        }
        if !known.is_empty() && self.best.is_empty() {
            return Err("it has sets, but no best one".to_owned());
        }
        if let Some(kept) = self.best.iter().find(|kept| !known.contains(&&*kept.layers)) {
            return Err(format!("its best set {:?} is not among its sets", kept.layers));
        }
        let whole = (keypoints.len(), &self.best);
        for (pairs, sets) in unfinished.map(|one| (one.pairs, &one.sets)).chain([whole]) {
            let Some(pairs_done) = keypoints.get(..pairs) else {
                return Err(format!("{pairs} of {} pairs are done", keypoints.len()));
            };
            let expected: usize = pairs_done.iter().sum();
            if let Some(kept) = sets.iter().find(|kept| kept.right.0.len() != expected) {
                let (set, found) = (&kept.layers, kept.right.0.len());
                return Err(format!("set {set:?} has {found} keypoints, expected {expected}"));
            }
        }
        Ok(())
    }

    /// SHA-256 of all but itself, hexadecimal.
    fn digest(&self) -> String {
        // Texts, numbers and maps whose keys are texts: it always has a JSON form.
        let without = Self { sha256: String::new(), ..self.clone() };
        sha256(&serde_json::to_vec(&without).expect("numbers and texts have a JSON form"))
    }

    /// Writes the file: it is replaced when the new one is whole.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), StateError> {
        let failed = |reason: String| StateError::Write { file: file.to_owned(), reason };
        let whole = Self { sha256: self.digest(), ..self.clone() };
        let text =
            serde_json::to_string_pretty(&whole).map_err(|error| failed(error.to_string()))?;
        let save = || {
            let mut new = crate::files::Replacement::of(file)?;
            new.file().write_all(text.as_bytes())?;
            new.file().write_all(b"\n")?;
            new.finish().map(drop)
        };
        save().map_err(|error: std::io::Error| {
            failed(format!("{error}; make room, or give a folder that can be written"))
        })
    }
}

fn parse(text: impl Read) -> Result<State, String> {
    let state = serde_json::from_reader(text);
    let mut state: State = state.map_err(|error| crate::json::fault_at(&error))?;
    if state.format != FORMAT || state.version != VERSION {
        return Err(format!("this hpflow does not read format {} {}", state.format, state.version));
    }
    let announced = std::mem::take(&mut state.sha256);
    if announced != state.digest() {
        return Err("its content does not have the SHA-256 stored in it: it was changed".to_owned());
    }
    let sets = state.depths.iter().flatten().map(|entry| &entry.layers);
    let kept = state.best.iter().chain(state.unfinished.iter().flat_map(|one| &one.sets));
    for layers in sets.chain(kept.map(|kept| &kept.layers)) {
        LayerSet::new(layers.clone()).map_err(|error| error.to_string())?;
    }
    Ok(state)
}

impl StoredScore {
    /// The entry of a scored set.
    #[must_use]
    pub fn new(scored: &ScoredSet) -> Self {
        Self { layers: scored.layers.layers().to_vec(), pck: scored.pck }
    }

    /// The scored set; `None` for layers that are no set, which a parsed state does not have.
    #[must_use]
    pub fn scored(&self) -> Option<ScoredSet> {
        Some(ScoredSet { layers: LayerSet::new(self.layers.clone()).ok()?, pck: self.pck })
    }
}
