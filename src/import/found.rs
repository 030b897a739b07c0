//! The predictions found so far, checked against the benchmark.

use std::cell::RefCell;
use std::path::Path;

use super::error::ImportError;
use crate::PredictedKeypoints;
use crate::benchmark::{Benchmark, Ids};
use crate::text::shortened;

/// The predictions found so far.
pub(super) struct ImportedPairs<'a> {
    file: &'a Path,
    pub(super) benchmark: &'a Benchmark,
    ids: Ids<'a>,
    /// How many ids had something else for their colon, and the first with the pair's own.
    pub(super) renamed: RefCell<Option<(usize, String, String)>>,
    pub(super) predicted: Vec<Option<PredictedKeypoints>>,
}

impl<'a> ImportedPairs<'a> {
    pub(super) fn new(file: &'a Path, benchmark: &'a Benchmark) -> Self {
        let predicted = vec![None; benchmark.pairs.len()];
        Self { file, benchmark, ids: Ids::of(benchmark), renamed: RefCell::default(), predicted }
    }

    /// The index of the pair of this id, or of the only one that it may be with something else for a
    /// colon.
    pub(super) fn pair(&self, id: &str, place: &str) -> Result<usize, ImportError> {
        let shown = shortened(id);
        match self.ids.exact(id) {
            [pair] => Ok(*pair),
            [first, second, ..] => {
                let photographs = [first, second].map(|&at| {
                    let pair = &self.benchmark.pairs[at];
                    let [source, target] = [pair.source, pair.target]
                        .map(|image| self.benchmark.images[image].name.as_str());
                    format!("{source} to {target}")
                });
                let photographs = photographs.join(", the other from ");
                let what = format!(
                    "two pairs of the benchmark have the id {shown}, one from {photographs}; rename \
                     one of the photographs"
                );
                Err(self.misfit(place, what))
            }
            [] => {
                let Benchmark { split, pairs, .. } = self.benchmark;
                let name = self.benchmark.name();
                let what = match self.ids.alike(id)[..] {
                    [pair] => {
                        let of = || (0, id.to_owned(), pairs[pair].id.clone());
                        self.renamed.borrow_mut().get_or_insert_with(of).0 += 1;
                        return Ok(pair);
                    }
                    [first, second, ..] => format!(
                        "pair {shown} may be {} or {}; write its id as the benchmark has it",
                        pairs[first].id, pairs[second].id
                    ),
                    [] => format!("pair {shown} is not among the pairs of {name} {split}"),
                };
                Err(self.misfit(place, what))
            }
        }
    }

    /// Keeps the predictions of a pair. The same once more is no fault: some programs draw the pairs
    /// that they evaluate with replacement.
    pub(super) fn keep(
        &mut self,
        pair: usize,
        points: PredictedKeypoints,
        place: &str,
    ) -> Result<(), ImportError> {
        match &self.predicted[pair] {
            Some(before) if *before != points => {
                let id = &self.benchmark.pairs[pair].id;
                Err(self.misfit(place, format!("pair {id} came before with other points")))
            }
            _ => {
                self.predicted[pair] = Some(points);
                Ok(())
            }
        }
    }

    pub(super) fn misfit(&self, place: &str, what: String) -> ImportError {
        ImportError::Misfit { file: self.file.to_owned(), place: place.to_owned(), what }
    }

    pub(super) fn malformed(&self, what: impl ToString) -> ImportError {
        ImportError::Malformed { file: self.file.to_owned(), what: what.to_string() }
    }

    pub(super) fn unread(&self, source: std::io::Error) -> ImportError {
        ImportError::Read { file: self.file.to_owned(), source }
    }
}

/// A point from two numbers as NumPy has them: two NaN are no prediction. Infinite numbers and those
/// beyond f32 are refused.
pub(super) fn point(x: f64, y: f64) -> Result<Option<crate::Point>, String> {
    if x.is_nan() && y.is_nan() {
        return Ok(None);
    }
    let point = [x as f32, y as f32];
    if point.iter().all(|side| side.is_finite()) {
        Ok(Some(point))
    } else {
        Err(format!("({x}, {y}) is not a point; write NaN for both where there is no prediction"))
    }
}
