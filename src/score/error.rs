//! Why predictions cannot be scored.

use std::path::PathBuf;

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
    /// A pair whose id is written otherwise than in the benchmark, and may be that of either of two.
    #[error(
        "line {line}: pair {pair} may be {} or {}; write its id as the benchmark has it",
        may_be[0], may_be[1]
    )]
    Ambiguous {
        /// The line in the file, from 1.
        line: usize,
        /// The pair's id as it is written.
        pair: String,
        /// The ids of two pairs.
        may_be: [String; 2],
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
         predict them too (`hpflow predict --resume`), or score what is there with option `partial`"
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
         choose another with option `protocol`"
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
         with option `protocol`",
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
         option `protocol`: {others}"
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
         with option `protocol`: {others}"
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
    /// A protocol whose authors' code takes keypoints that are annotated but hidden in a way that hpflow
    /// lacks, and a pair with such a keypoint.
    #[error(
        "protocol {protocol} is defined for {benchmark}, but hpflow lacks what its authors' code does with \
         keypoints of visibility 1, whose coordinates it halves, and pair {pair} has one; choose \
         another with option `protocol`: {others}"
    )]
    HiddenKeypoints {
        /// The protocol's name.
        protocol: &'static str,
        /// The benchmark's name.
        benchmark: &'static str,
        /// The first pair with such a keypoint.
        pair: String,
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
         {} is one pixel wide or high; choose another protocol with option `protocol`",
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
        "pair {pair}: protocol {protocol} is defined here, but transfers from target to source, and the \
         benchmark lacks the pair with the photographs exchanged; choose another with option `protocol`"
    )]
    NoMirror {
        /// The pair's id.
        pair: String,
        /// The protocol's name.
        protocol: &'static str,
    },
}
