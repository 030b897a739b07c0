//! The predictions found so far, checked against the benchmark.

use std::collections::HashMap;
use std::path::Path;

use super::error::ImportError;
use crate::benchmark::Benchmark;
use crate::score::Predicted;
use crate::text::shortened;

/// The predictions found so far.
pub(super) struct ImportedPairs<'a> {
    file: &'a Path,
    pub(super) benchmark: &'a Benchmark,
    /// By their ids. Several have one id where photographs differ by what it leaves out, such as their
    /// extensions.
    pairs: HashMap<&'a str, Vec<usize>>,
    pub(super) predicted: Vec<Option<Predicted>>,
}

impl<'a> ImportedPairs<'a> {
    pub(super) fn new(file: &'a Path, benchmark: &'a Benchmark) -> Self {
        let mut pairs: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, pair) in benchmark.pairs.iter().enumerate() {
            pairs.entry(pair.id.as_str()).or_default().push(at);
        }
        Self { file, benchmark, pairs, predicted: vec![None; benchmark.pairs.len()] }
    }

    /// The index of the pair of this id.
    pub(super) fn pair(&self, id: &str, place: &str) -> Result<usize, ImportError> {
        let shown = shortened(id);
        match self.pairs.get(id).map(Vec::as_slice) {
            Some([pair]) => Ok(*pair),
            Some([first, second, ..]) => {
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
            None | Some([]) => {
                let Benchmark { name, split, .. } = self.benchmark;
                let what = format!("pair {shown} is not among the pairs of {name} {split}");
                Err(self.misfit(place, what))
            }
        }
    }

    /// Keeps the predictions of a pair. The same once more is no fault: some programs draw the pairs
    /// that they evaluate with replacement.
    pub(super) fn keep(
        &mut self,
        pair: usize,
        points: Predicted,
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
        Err(format!("({x}, {y}) is no point; two NaN stand for no prediction"))
    }
}
