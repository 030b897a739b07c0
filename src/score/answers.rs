//! Predictions put in the order of the benchmark's pairs, and the checks that this needs.

use super::error::ScoreError;
use crate::PredictedKeypoints;
use crate::benchmark::{Benchmark, Ids};

/// One method's predictions for a benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers(Vec<Option<PredictedKeypoints>>);

impl Answers {
    /// Collects predictions: the line of the file, the pair's id and the predicted points.
    ///
    /// # Errors
    /// A pair that the benchmark does not have, that may be either of two or that came before, or a pair
    /// with another number
    /// of points than it has keypoints.
    pub fn collect<E: From<ScoreError>>(
        benchmark: &Benchmark,
        lines: impl IntoIterator<Item = Result<(usize, String, PredictedKeypoints), E>>,
    ) -> Result<Self, E> {
        let ids = Ids::of(benchmark);
        // How many ids had something else for their colon, and the first with the pair's own.
        let mut renamed: Option<(usize, String, &str)> = None;
        let mut answers = vec![None; benchmark.pairs.len()];
        for line in lines {
            let (line, pair, points) = line?;
            let place = match ids.exact(&pair) {
                [.., place] => *place,
                [] => match ids.alike(&pair)[..] {
                    [place] => {
                        let of = || (0, pair.clone(), benchmark.pairs[place].id.as_str());
                        renamed.get_or_insert_with(of).0 += 1;
                        place
                    }
                    [first, second, ..] => {
                        let may_be = [first, second].map(|at| benchmark.pairs[at].id.clone());
                        return Err(ScoreError::Ambiguous { line, pair, may_be }.into());
                    }
                    [] => {
                        let (benchmark, split) =
                            (benchmark.name().to_owned(), benchmark.split.clone());
                        return Err(ScoreError::Unknown { line, pair, benchmark, split }.into());
                    }
                },
            };
            if answers[place].is_some() {
                return Err(ScoreError::Repeated { line, pair }.into());
            }
            let expected = benchmark.pairs[place].answers();
            if points.len() != expected {
                let found = points.len();
                return Err(ScoreError::Points { line, pair, found, expected }.into());
            }
            answers[place] = Some(points);
        }
        if let Some((count, given, id)) = renamed {
            tracing::warn!(
                "{} the id of a pair is not written as in the benchmark, first \
                 {given} for {id}, and taken for that pair's",
                crate::text::times(count)
            );
        }
        Ok(Self(answers))
    }

    /// The predictions for a pair, by its index in [`Benchmark::pairs`].
    #[must_use]
    pub fn get(&self, pair: usize) -> Option<&PredictedKeypoints> {
        self.0.get(pair).and_then(Option::as_ref)
    }

    /// The number of pairs that have predictions.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// The number of keypoints of those pairs.
    #[must_use]
    pub fn keypoints(&self) -> usize {
        self.0.iter().flatten().map(Vec::len).sum()
    }

    /// The number of those keypoints without prediction.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.0.iter().flatten().flatten().filter(|point| point.is_none()).count()
    }

    /// That every pair of the benchmark has predictions.
    ///
    /// # Errors
    /// Pairs without: the first is named.
    pub fn complete(&self, benchmark: &Benchmark) -> Result<(), ScoreError> {
        let Some(first) = self.0.iter().position(Option::is_none) else { return Ok(()) };
        Err(ScoreError::Lacking {
            lacking: self.0.len() - self.pairs(),
            pairs: self.0.len(),
            first: benchmark.pairs[first].id.clone(),
            benchmark: benchmark.name().to_owned(),
            split: benchmark.split.clone(),
        })
    }
}
