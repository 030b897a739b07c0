//! Scores of predictions files as the paper's tables and as JSON.

mod json;
mod published;
mod tables;

use serde_json::{Map, Value};

use crate::method::Direction;
use crate::method::alignment::open::USUAL_STAGES;
use crate::score::bootstrap::{Bootstrap, Paired};
use crate::score::{Alpha, Score};

pub use json::{json, metrics};
pub use tables::{flat, tables};

/// One predictions file with its scores, one per protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct FileScores {
    /// The file's name as it was given.
    pub file: String,
    /// The header's `method`.
    pub method: Map<String, Value>,
    /// The name that tables give to its rows.
    pub name: String,
    /// The scores.
    pub scores: Vec<Score>,
    /// What a reader of the scores has to know of this file, a sentence each.
    pub warnings: Vec<String>,
}

/// What the files were predicted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The benchmark's name.
    pub benchmark: &'a str,
    /// Its split.
    pub split: &'a str,
    /// The number of pairs of the split.
    pub pairs: usize,
    /// Whether the paper's own rows are shown too.
    pub published: bool,
    /// Whether the pairs are those that the paper's rows speak of.
    pub comparable: bool,
    /// How intervals were made, where they were.
    pub bootstrap: Option<Bootstrap>,
}

/// Two files compared under one protocol at one α.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// The names of their rows.
    pub names: [String; 2],
    /// The protocol's name.
    pub protocol: &'static str,
    /// The α.
    pub alpha: Alpha,
    /// The comparison.
    pub paired: Paired,
}

/// Names for rows: the method and backbone, a learned method's stages and direction where they are
/// not the usual ones, and the file where that does not tell files apart.
#[must_use]
pub fn names(files: &[(&str, &Map<String, Value>)]) -> Vec<String> {
    let usual = Direction::default().name();
    let text = |method: &Map<String, Value>, key: &str| {
        method.get(key).and_then(Value::as_str).map(str::to_owned)
    };
    let method = |file: &str, header: &Map<String, Value>| {
        let unusual = |(key, usual): (&str, &str)| text(header, key).filter(|said| said != usual);
        let known: Vec<String> = ["name", "backbone"]
            .iter()
            .filter_map(|key| text(header, key))
            .chain([("stages", USUAL_STAGES), ("direction", usual)].into_iter().filter_map(unusual))
            .collect();
        if known.is_empty() { file.to_owned() } else { known.join(" ") }
    };
    let plain: Vec<String> = files.iter().map(|(file, header)| method(file, header)).collect();
    let alone = |name: &String| plain.iter().filter(|&other| other == name).count() == 1;
    let named = plain.iter().zip(files);
    named
        .map(
            |(name, (file, _))| {
                if alone(name) || name == file { name.clone() } else { format!("{name} ({file})") }
            },
        )
        .collect()
}
