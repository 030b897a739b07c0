//! From predictions to PCK: which keypoints are right, and means over pairs, categories and
//! variation factors.
//!
//! PCK, the percentage of correct keypoints, counts a predicted keypoint as right if its distance
//! to the truth is at most α times a threshold (for SPair-71k the longer side of the target's box).
//! A pair's PCK is the share of its keypoints that are right, one without prediction is wrong, and
//! a table entry is the mean over its pairs (SPair-71k paper, section 5; HPF's published code,
//! `model/evaluation.py`). Other evaluators differ in ways that a [`Protocol`] names.
//!
//! Distances are compared in f64 against α as the decimal that was written ([`Alpha::covers`]), so
//! that a keypoint exactly at the threshold is decided as in exact arithmetic.

mod alpha;
mod answers;
pub mod audit;
pub mod bootstrap;
mod breakdown;
pub mod explain;
mod groups;
mod judge;
mod ledger;
mod masks;
mod protocol;
pub mod published;
mod running;
#[cfg(test)]
mod tests;

pub use alpha::{Alpha, NotAnAlpha};
pub use answers::Answers;
pub use breakdown::{Breakdown, Levels, breakdown};
pub use groups::{Factor, abbreviation};
pub use judge::{Verdict, check, judge, radius, rights};
use protocol::PADDED_TO;
pub use protocol::{
    Average, Comparison, Direction, EVALUATORS, Evaluator, Frame, Measure, Predicting, Protocol,
    Rule, Rules, Threshold, Truth, default_for, defaults_for, defined, find, markdown, warnings,
};
pub use running::{RunningPck, RunningPckError};

use std::path::PathBuf;

use crate::benchmark::Benchmark;
use bootstrap::{Bootstrap, Interval, interval};

/// One method's predictions, scored under one protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// The number of pairs that the means count.
    pub pairs: usize,
    /// The number of keypoints of the counted pairs.
    pub keypoints: usize,
    /// The number of those keypoints without prediction.
    pub unanswered: usize,
    /// PCK at each α, in the order asked for.
    pub pck: Vec<Measured>,
}

/// PCK at one α.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The α.
    pub alpha: Alpha,
    /// The means.
    pub pck: Breakdown,
    /// How sure they are, where that was asked for.
    pub interval: Option<Interval>,
}

/// Scores predictions under a protocol, with intervals where a bootstrap is asked for.
///
/// # Errors
/// Those of [`judge()`].
pub fn score(
    benchmark: &Benchmark,
    answers: &Answers,
    protocol: &'static Protocol,
    alphas: &[Alpha],
    bootstrap: Option<Bootstrap>,
) -> Result<Score, ScoreError> {
    let mut score = Score { protocol, pairs: 0, keypoints: 0, unanswered: 0, pck: Vec::new() };
    for &alpha in alphas {
        let verdicts = judge(benchmark, answers, protocol, alpha)?;
        score.pairs = verdicts.len();
        let keypoints = |one: &Verdict| answers.get(one.judged).map_or(0, Vec::len);
        score.keypoints = verdicts.iter().map(keypoints).sum();
        score.unanswered = verdicts.iter().map(|one| one.unanswered).sum();
        score.pck.push(Measured {
            alpha,
            pck: breakdown(benchmark, &verdicts, protocol),
            interval: bootstrap.map(|how| interval(benchmark, &verdicts, protocol, how)),
        });
    }
    Ok(score)
}

/// Why predictions cannot be scored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScoreError {
    /// A pair that the benchmark does not have.
    #[error(
        "line {line}: pair {pair} is not among the pairs of {benchmark} {split}; \
         was it predicted on another split or layout?"
    )]
    Unknown {
        /// The line in the file, from 1.
        line: usize,
        /// The pair's id.
        pair: String,
        /// The benchmark's name.
        benchmark: String,
        /// Its split.
        split: String,
    },
    /// A pair that came before.
    #[error("line {line}: pair {pair} came before; keep one of its lines")]
    Repeated {
        /// The line in the file, from 1.
        line: usize,
        /// The pair's id.
        pair: String,
    },
    /// Another number of points than the pair has keypoints.
    #[error(
        "line {line}: pair {pair} has {found} points, expected {expected}: one per keypoint, null \
         where there is no prediction"
    )]
    Points {
        /// The line in the file, from 1.
        line: usize,
        /// The pair's id.
        pair: String,
        /// Points in the file.
        found: usize,
        /// Keypoints of the pair.
        expected: usize,
    },
    /// Pairs without predictions.
    #[error(
        "lacks {lacking} of the {pairs} pairs of {benchmark} {split}, the first is {first}; \
         predict them too (`hpflow predict --resume`), or score what is there with --partial"
    )]
    Lacking {
        /// How many lack.
        lacking: usize,
        /// How many there are.
        pairs: usize,
        /// The id of the first that lacks.
        first: String,
        /// The benchmark's name.
        benchmark: String,
        /// Its split.
        split: String,
    },
    /// A protocol that measures by the object's box, and a pair without.
    #[error(
        "pair {pair} of {benchmark} has no object box, which protocol {protocol} measures by; \
         choose another with --protocol"
    )]
    NoBox {
        /// The pair's id.
        pair: String,
        /// The benchmark's name.
        benchmark: String,
        /// The protocol's name.
        protocol: &'static str,
    },
    /// A protocol that measures by or in the whole image, and a photograph of unknown size.
    #[error(
        "pair {pair}: protocol {protocol} needs the size of its target photograph, which neither its \
         annotation nor {} says; put the photographs where they belong, or choose another protocol \
         with --protocol",
        photograph.display()
    )]
    NoSize {
        /// The pair's id.
        pair: String,
        /// The photograph, which is not there or has no readable header.
        photograph: PathBuf,
        /// The protocol's name.
        protocol: &'static str,
    },
    /// A protocol whose authors' code does not score the benchmark.
    #[error(
        "protocol {protocol} is not defined for {benchmark}: {why}; choose one that is with \
         --protocol: {others}"
    )]
    NotDefined {
        /// The protocol's name.
        protocol: &'static str,
        /// The benchmark's name.
        benchmark: &'static str,
        /// The reason.
        why: &'static str,
        /// The names of those that are defined.
        others: String,
    },
    /// A protocol whose authors' code scores the benchmark in a way that hpflow lacks.
    #[error(
        "protocol {protocol} is defined for {benchmark}, but hpflow lacks it: {why}; choose another \
         with --protocol: {others}"
    )]
    NotBuilt {
        /// The protocol's name.
        protocol: &'static str,
        /// The benchmark's name.
        benchmark: &'static str,
        /// What its authors' code does.
        why: &'static str,
        /// The names of those that hpflow has.
        others: String,
    },
    /// A protocol that was taken for another benchmark.
    #[error(
        "protocol {protocol} as it is on {of} cannot score {benchmark}; find it by its name and take \
         it on that benchmark"
    )]
    OtherBenchmark {
        /// The protocol's name.
        protocol: &'static str,
        /// The benchmark that it is for.
        of: &'static str,
        /// The benchmark that was to be scored.
        benchmark: String,
    },
    /// A photograph of one pixel where lengths less one divide.
    #[error(
        "pair {pair}: protocol {protocol} divides by the sides of the target photograph less one, and \
         {} is one pixel wide or high; choose another protocol with --protocol",
        photograph.display()
    )]
    TooNarrow {
        /// The pair's id.
        pair: String,
        /// The protocol's name.
        protocol: &'static str,
        /// The photograph.
        photograph: PathBuf,
    },
    /// An outline that encloses no pixel.
    #[error(
        "pair {pair}: the target's outline encloses no pixel, so that there is no mask to compare \
         with; mend the list of pairs"
    )]
    NoMask {
        /// The pair's id.
        pair: String,
    },
    /// A protocol that transfers from target to source, and a pair without its mirror.
    #[error(
        "pair {pair}: protocol {protocol} transfers from target to source, but the benchmark \
         lacks the pair with the photographs exchanged; choose another with --protocol"
    )]
    NoMirror {
        /// The pair's id.
        pair: String,
        /// The protocol's name.
        protocol: &'static str,
    },
}
