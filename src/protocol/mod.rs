//! Published ways of scoring keypoint transfer, by name: what each evaluator's code does with the
//! same predictions.
//!
//! A protocol is a choice on each of some axes. The same code chooses differently from benchmark to
//! benchmark: every benchmark declares what each evaluator ([`EVALUATORS`]) does there, or that it is
//! refused. What an evaluator decides while predicting (rounding of the query, resampling of the image)
//! cannot be changed afterwards and is no part of a protocol. `docs/protocols.md` has the whole table.

mod alpha;
mod axes;
pub(crate) mod evaluators;

pub use alpha::{Alpha, NotAnAlpha};
pub(crate) use axes::PADDED_TO;
pub use axes::{
    AnnotationForm, Average, DistanceFrame, DistanceTest, Measure, Predicting, Protocol, Threshold,
    TransferDirection, TruthPlacement,
};
pub use evaluators::{EVALUATORS, Evaluator, Refusal, Refused, find};
