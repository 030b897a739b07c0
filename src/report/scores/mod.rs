//! Scores of predictions files as the paper's tables and as JSON.

mod json;
mod published;
mod tables;

use crate::predictions::MethodHeader;
use crate::score::bootstrap::{Bootstrap, Paired, TOO_FEW};
use crate::score::{Alpha, Breakdown, Levels, Protocol, Score};

pub use json::{json, metrics};
pub use tables::{flat, tables};

/// One predictions file with its scores, one per protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct FileScores {
    /// The file's name as it was given.
    pub file: String,
    /// The header's `method`.
    pub method: MethodHeader,
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
    /// What is doubtful about the benchmark, a sentence each: part of JSON, not of tables.
    pub doubts: &'a [String],
}

/// What a reader of these scores has to know of protocols, intervals and the benchmark, a sentence
/// each. What only one file is concerned by is in [`FileScores::warnings`].
#[must_use]
pub fn notes(scope: Scope<'_>, files: &[FileScores], contrasts: &[Contrast]) -> Vec<String> {
    let own = own_notes(files, contrasts);
    own.into_iter().chain(scope.doubts.iter().cloned()).collect()
}

/// [`notes`] without what concerns the benchmark.
#[must_use]
pub fn own_notes(files: &[FileScores], contrasts: &[Contrast]) -> Vec<String> {
    let scores = files.iter().take(1).flat_map(|file| &file.scores);
    let mut notes = protocol_notes(scores.map(|score| score.protocol));
    if too_few(files, contrasts) {
        notes.push(format!(
            "Where a mean has no interval there are {TOO_FEW}: from one or two, or from pairs of the \
             same two photographs, resampling cannot tell how sure it is."
        ));
    }
    notes
}

/// What protocols say of their own numbers, a sentence for each warning.
#[must_use]
pub fn protocol_notes<'a>(protocols: impl IntoIterator<Item = &'a Protocol>) -> Vec<String> {
    let mut warned: Vec<(&str, Vec<&str>)> = Vec::new();
    for protocol in protocols {
        let Some(warning) = protocol.warning else { continue };
        match warned.iter_mut().find(|(other, _)| *other == warning) {
            Some((_, names)) => names.push(protocol.name),
            None => warned.push((warning, vec![protocol.name])),
        }
    }
    let note = |(warning, names): (&str, Vec<&str>)| {
        let s = if names.len() == 1 { "" } else { "s" };
        format!("Protocol{s} {}: {warning}.", names.join(", "))
    };
    warned.into_iter().map(note).collect()
}

/// Whether a mean or a difference has no interval for want of pairs.
fn too_few(files: &[FileScores], contrasts: &[Contrast]) -> bool {
    let measured = files.iter().flat_map(|file| &file.scores).flat_map(|score| &score.pck);
    let mut lacks = measured.filter_map(|one| Some((&one.pck, &one.interval.as_ref()?.low)));
    lacks.any(|(pck, low)| {
        cells(pck).zip(cells(low)).any(|(mean, end)| mean.is_some() && end.is_none())
    }) || contrasts.iter().any(|one| one.paired.certainty.is_none())
}

/// The means of a breakdown in a row.
fn cells(pck: &Breakdown) -> impl Iterator<Item = Option<f64>> {
    let levels =
        |levels: &Option<Levels>| levels.iter().flatten().flatten().copied().collect::<Vec<_>>();
    let categories = pck.category.iter().map(|(_, pck)| *pck);
    let levels = [levels(&pck.factors), levels(&pck.controlled)].concat();
    std::iter::once(pck.all).chain(categories).chain(levels)
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

/// Names for rows, given each file and what its header calls it, if anything: that, and the file where
/// that does not tell files apart.
#[must_use]
pub fn names(files: &[(&str, Option<String>)]) -> Vec<String> {
    let called =
        |(file, said): &(&str, Option<String>)| said.clone().unwrap_or_else(|| (*file).to_owned());
    let plain: Vec<String> = files.iter().map(called).collect();
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
