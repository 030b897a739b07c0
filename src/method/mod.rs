//! Methods: from a benchmark's pairs to predicted keypoints. Each method is one file or folder here
//! and one entry of [`table`].

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::Point;
use crate::backbone::BackboneError;
use crate::benchmark::Benchmark;
use crate::engine::{EngineError, EngineKind};
use crate::features::FeaturesError;
use crate::inputs::{self, Identify};

pub mod alignment;
pub mod frame;
pub mod hpf;
pub mod identity;
mod learned;
pub mod ncnet;
mod options;
mod photograph;
pub(crate) mod schedule;
mod shelf;

pub use options::{Direction, KeptFeatures, OpenError, Options, Setting};

/// A method as the command line knows it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The name after `--method` and in predictions files.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// The options that it accepts; any other is wrong usage.
    pub accepts: &'static [Setting],
    /// Its engines, the fastest usual one first. The last is what the others are compared with.
    pub engines: &'static [EngineKind],
    /// Opens it; what it does not accept has been refused before.
    pub open: fn(&Options) -> Result<Box<dyn Method>, OpenError>,
}

/// The methods, in the order in which they are listed.
#[must_use]
pub fn table() -> &'static [Entry] {
    &[
        hpf::open::ENTRY,
        identity::ENTRY,
        alignment::open::CNNGEO,
        alignment::open::WEAKALIGN,
        alignment::open::A2NET,
        ncnet::open::ENTRY,
    ]
}

/// The method of this name, if it accepts all that is asked.
///
/// # Errors
/// An unknown name, or options that the method refuses.
pub fn check(name: &str, options: &Options) -> Result<&'static Entry, OpenError> {
    let Some(entry) = table().iter().find(|entry| entry.name == name) else {
        let names: Vec<&str> = table().iter().map(|entry| entry.name).collect();
        let names = names.join(", ");
        return Err(OpenError::Usage(format!("there is no method '{name}'; there are {names}")));
    };
    options.check(entry)?;
    Ok(entry)
}

/// Opens a method by its name.
///
/// # Errors
/// Those of [`check`], or parts of the method that cannot be had.
pub fn open(name: &str, options: &Options) -> Result<Box<dyn Method>, OpenError> {
    (check(name, options)?.open)(options)
}

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
    /// A pair that the engine cannot take.
    #[error("{} and {}: {engine}", photographs[0].display(), photographs[1].display())]
    Pair {
        /// The photographs of the source and of the target.
        photographs: [PathBuf; 2],
        /// Why.
        engine: Box<EngineError>,
    },
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
    fn of(self, source: &Path, target: &Path) -> Self {
        match self {
            Self::Engine(error) if error.is_too_large() => {
                let photographs = [source.to_owned(), target.to_owned()];
                Self::Pair { photographs, engine: Box::new(error) }
            }
            other => other,
        }
    }

    /// [`Self::of`] a pair of a benchmark.
    fn of_pair(self, benchmark: &Benchmark, pair: usize) -> Self {
        let pair = &benchmark.pairs[pair];
        let [source, target] = [pair.source, pair.target].map(|at| &*benchmark.images[at].path);
        self.of(source, target)
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
    pub source: &'a Path,
    /// The photograph to find them in.
    pub target: &'a Path,
    /// Keypoints in original pixels of the source.
    pub keypoints: &'a [Point],
    /// Width and height of the source in original pixels, where its dense flow is wanted.
    pub flow: Option<[u32; 2]>,
}

/// What a single pair gives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matched {
    /// The keypoints asked for.
    pub keypoints: Keypoints,
    /// For every pixel of the source, row by row, where it goes less where it is, in original pixels;
    /// `None` where there is no match, empty where no flow was wanted.
    pub flow: Vec<Option<Point>>,
}

/// Something that predicts keypoints.
pub trait Method {
    /// Everything that decides the numbers, for the header of a predictions file. It has `name`, and
    /// `engine` and `adapter` where the method has engines.
    fn describe(&self) -> Map<String, Value>;

    /// Whether it can predict a benchmark, before any work.
    ///
    /// # Errors
    /// Parts of it that belong to another benchmark.
    fn check(&self, _benchmark: &Benchmark) -> Result<(), MethodError> {
        Ok(())
    }

    /// What tells a photograph from another for this method: what unfinished work is tied to. It is the
    /// photograph's content, unless the method starts from something else.
    fn identify(&self) -> Box<Identify> {
        Box::new(inputs::photograph)
    }

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

    /// Finds keypoints of one photograph in another, and the dense flow where it is wanted.
    ///
    /// # Errors
    /// A photograph that cannot be used, or an engine that failed.
    fn find(&mut self, query: &Query) -> Result<Matched, MethodError>;

    /// Seconds that each stage was at work since the method was made. Stages may overlap.
    fn busy(&self) -> Vec<(&'static str, f64)>;
}
