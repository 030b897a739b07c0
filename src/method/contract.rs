//! What every method does, and how it fails.

use std::path::PathBuf;

use super::photograph::{Unusable, called};
use super::work::Work;
use crate::backbone::BackboneError;
use crate::benchmark::Image;
use crate::engine::EngineError;
use crate::features::FeaturesError;
use crate::flow::Flow;
use crate::image::Photo;
use crate::inputs::{self, Identify};
use crate::predictions::MethodHeader;
use crate::{Point, PredictedKeypoints};

/// A pair that is beyond what the engine can take; others may not be.
#[derive(Debug, thiserror::Error)]
#[error("{} and {}: {engine}", photographs[0].display(), photographs[1].display())]
pub struct TooLarge {
    /// The photographs of the source and of the target.
    pub photographs: [PathBuf; 2],
    /// Why.
    pub engine: Box<EngineError>,
}

impl TooLarge {
    /// The pair of two photographs.
    pub(super) fn new([source, target]: [&Photo; 2], engine: EngineError) -> Self {
        let photographs = [source, target].map(|photo| called(photo).to_owned());
        Self { photographs, engine: Box::new(engine) }
    }
}

/// Why a pair has no prediction, while others may have one.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// One of its photographs cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// It is beyond what the engine can take.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// What became of one pair.
#[derive(Debug)]
pub struct Outcome {
    /// Its number ([`WorkPair::number`](super::WorkPair::number)).
    pub pair: usize,
    /// Its keypoints, or why it has none.
    pub keypoints: Result<PredictedKeypoints, Unanswered>,
}

/// Why a method stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MethodError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A single pair is beyond what the engine can take.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The network failed.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// A photograph of a single pair cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Kept features that are not of this benchmark.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// Whoever took the outcomes wants no more.
    #[error(transparent)]
    Stopped(Stop),
}

impl MethodError {
    /// The same with the photographs of the pair, where it is one that the engine cannot take.
    pub(super) fn of(self, query: &Query) -> Self {
        match self {
            Self::Engine(error) if error.is_too_large() => {
                TooLarge::new([&query.source, &query.target], error).into()
            }
            other => other,
        }
    }
}

/// Why whoever takes outcomes wants no more.
pub type Stop = Box<dyn std::error::Error + Send + Sync>;

/// Takes outcomes as they come; an error stops the method.
pub type Sink<'a> = dyn FnMut(Outcome) -> Result<(), Stop> + 'a;

/// What is asked of a single pair.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The photograph that the keypoints are in.
    pub source: Photo<'a>,
    /// The photograph to find them in.
    pub target: Photo<'a>,
    /// Keypoints in original pixels of the source.
    pub keypoints: &'a [Point],
    /// Width and height of the source in original pixels, where its dense flow is wanted.
    pub flow: Option<[u32; 2]>,
}

/// What a single pair gives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matched {
    /// The keypoints asked for.
    pub keypoints: PredictedKeypoints,
    /// The dense flow, where it was wanted.
    pub flow: Option<Flow>,
}

/// Something that predicts keypoints. It is given photographs and source keypoints, never the truth.
pub trait Method: Send {
    /// Everything that decides the numbers, for the header of a predictions file. It has a name, and an
    /// engine and an adapter where the method has engines.
    fn header(&self) -> MethodHeader;

    /// Whether it can predict photographs of a benchmark, before any work.
    ///
    /// # Errors
    /// Parts of it that belong to another benchmark.
    fn check(&self, _benchmark: &str, _photographs: &[Image]) -> Result<(), MethodError> {
        Ok(())
    }

    /// What tells a photograph from another for this method: what unfinished work is tied to. It is the
    /// photograph's content, unless the method starts from something else.
    fn identify(&self) -> Box<Identify> {
        Box::new(inputs::photograph)
    }

    /// Predicts all pairs and hands every outcome to `sink`, once each, in an order of the method's
    /// own.
    ///
    /// # Errors
    /// An engine that failed, or a sink that wants no more. A photograph that cannot be used, and a
    /// pair that is beyond the engine, is an outcome, not an error.
    fn predict(&mut self, work: &Work, sink: &mut Sink) -> Result<(), MethodError>;

    /// Finds keypoints of one photograph in another, and the dense flow where it is wanted.
    ///
    /// # Errors
    /// A photograph that cannot be used, a pair that is beyond the engine, or an engine that failed.
    fn match_pair(&mut self, query: &Query) -> Result<Matched, MethodError>;

    /// Seconds that each stage was at work since the method was made. Stages may overlap.
    fn stage_seconds(&self) -> Vec<(&'static str, f64)>;
}

/// Methods can be handed to other threads.
const _: () = {
    const fn is_send<T: Send + ?Sized>() {}
    is_send::<dyn Method>();
    is_send::<Box<dyn Method>>();
};
