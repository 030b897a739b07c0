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

mod abbreviations;
mod answers;
pub mod audit;
pub mod bootstrap;
mod breakdown;
mod cells;
mod error;
pub mod explain;
mod judge;
mod ledger;
mod lookup;
mod masks;
mod predicting;
pub mod published;
mod running;
mod scoring;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

pub use crate::protocol::{
    Alpha, AnnotationForm, Average, DistanceFrame, DistanceTest, EVALUATORS, Evaluator, Measure,
    NotAnAlpha, Predicting, Protocol, Refusal, Refused, Threshold, TransferDirection,
    TruthPlacement, find,
};
pub use abbreviations::abbreviation;
pub use answers::Answers;
pub use breakdown::breakdown;
pub use cells::{Breakdown, Levels};
pub use error::ScoreError;
pub use judge::{check, judge, radius, rights};
pub use lookup::{default_for, defaults_for, defined};
pub use predicting::warnings;
pub use running::{RunningPck, RunningPckError};
pub use scoring::{Measured, Score, score};
pub use table::markdown;
pub use verdict::Verdict;
