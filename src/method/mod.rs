//! Methods: from a benchmark's pairs to predicted keypoints. Each method is one file or folder here
//! and one entry of [`NAMES`].

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::Point;
use crate::benchmark::Benchmark;
use crate::engine::EngineError;

pub mod hpf;
pub mod identity;
mod schedule;

/// The methods on the command line.
pub const NAMES: [&str; 2] = ["hpf", "identity"];

/// The predicted keypoints of one pair, in original pixels of the target; `None` where there is no
/// prediction.
pub type Keypoints = Vec<Option<Point>>;

/// A photograph that could not be used, so that its pairs have no prediction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unusable {
    /// The photograph.
    pub photograph: PathBuf,
    /// Why, in one sentence that names it.
    pub reason: String,
}

/// What became of one pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Index in [`Benchmark::pairs`].
    pub pair: usize,
    /// Its keypoints, or the photograph that could not be used.
    pub keypoints: Result<Keypoints, Unusable>,
}

/// Why a method stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MethodError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Whoever took the outcomes wants no more.
    #[error("{0:#}")]
    Stopped(anyhow::Error),
}

/// Takes outcomes as they come; an error stops the method.
pub type Sink<'a> = dyn FnMut(Outcome) -> anyhow::Result<()> + 'a;

/// Something that predicts keypoints.
pub trait Method {
    /// Everything that decides the numbers, for the header of a predictions file.
    fn describe(&self) -> Map<String, Value>;

    /// Predicts `pairs` (indices in [`Benchmark::pairs`], ascending) and hands every outcome to
    /// `sink`, once each, in an order of the method's own.
    ///
    /// # Errors
    /// An engine that failed, or a sink that wants no more. A photograph that cannot be used is an
    /// outcome, not an error.
    fn predict(
        &mut self,
        benchmark: &Benchmark,
        pairs: &[usize],
        sink: &mut Sink,
    ) -> Result<(), MethodError>;
}
