//! Semantic correspondence with Hyperpixel Flow: find keypoints of one photograph in another, predict
//! benchmarks, score predictions as published.
//!
//! ```
//! # fn main() -> Result<(), hpflow::Error> {
//! # let drawn = |shift: u32| hpflow::Photograph {
//! #     width: 96,
//! #     height: 72,
//! #     rgb: (0..96 * 72)
//! #         .flat_map(|at| {
//! #             let (x, y) = (at % 96 + shift, at / 96);
//! #             [(x * x / 9 + y * 3) as u8, (x * 2 + y * y / 7) as u8, (x * y / 11) as u8]
//! #         })
//! #         .collect(),
//! # };
//! # let (horse, zebra) = (drawn(0), drawn(5)); // paths do as well
//! use hpflow::{BackboneKind, EngineKind, Hpf};
//!
//! let mut hpf = Hpf::builder().backbone(BackboneKind::Hog).engine(EngineKind::Cpu).build()?;
//! let (source, target) = (hpf.prepare(&horse)?, hpf.prepare(&zebra)?);
//! let found = hpf.transfer(&source, &target, &[[40.0, 30.0]])?;
//! println!("{:?}", found[0]);
//! # assert!(found[0].is_some());
//! # Ok(())
//! # }
//! ```
//!
//! - [`Hpf`] is Hyperpixel Flow; every other method is opened by name ([`low_level::method`]).
//! - [`task`] has what a user wants done, whole, a function for what each command of `hpflow` does:
//!   predict a benchmark into a file that can be continued, keep feature maps, search for a layer set,
//!   score predictions files, whoever wrote them, report on them, show them.
//! - [`Benchmark`] reads SPair-71k, PF-WILLOW, PF-PASCAL, Caltech-101, TSS and benchmarks in
//!   SPair-71k's JSON; [`Reader`] and [`Writer`] are for predictions files.
//! - [`Error`] is what every error of the library becomes with `?`.
//! - [`low_level`] has the parts that these are made of.
//!
//! The features `cli`, `hub`, `torch` and `demo`, all on by default, add the `hpflow` command, downloads,
//! the ResNets and learned methods, and the drawn benchmark. Without any of them the crate still matches
//! ([`BackboneKind::Hog`], or feature maps from elsewhere), scores and reports.
//!
//! # The pipeline
//!
//! ```text
//! benchmark ─► pair: source, target, source keypoints, labels
//! image ─► prepare ─► backbone ─► feature maps, each at its native resolution     once per image
//! feature maps ─► hyperimage: grid, groups, inverse norms (resident on the engine) once per image
//! two hyperimages + keypoints ─► engine: correlate, vote, pick ─► transferred keypoints   once per pair
//! predictions.jsonl ─► score ─► tables ─► report
//! ```
//!
//! The method is Hyperpixel Flow (Min et al., "Hyperpixel Flow: Semantic Correspondence with
//! Multi-layer Neural Features", ICCV 2019); the benchmark is SPair-71k (Min et al.,
//! arXiv 1908.10543), whose learned baselines CNNGeo, WeakAlign, A2Net and NC-Net are methods too.

// What cannot be printed must never stop the work: standard error is written by `cli::console`, results
// by `cli::output`.
#![deny(clippy::print_stdout, clippy::print_stderr)]
// `pub` is what a program can reach, and nothing else.
#![warn(unreachable_pub)]

mod backbone;
mod benchmark;
mod checkpoint;
mod digest;
#[cfg(feature = "hub")]
mod download;
mod engine;
mod error;
mod features;
mod files;
mod flow;
mod hyperpixel;
mod image;
mod import;
mod inputs;
mod json;
pub mod low_level;
mod method;
mod numpy;
mod pickle;
mod picture;
mod predictions;
mod progress;
mod protocol;
mod records;
mod report;
mod score;
mod search;
pub mod task;
#[doc(hidden)]
pub mod testing;
mod text;
mod transfer;

pub use backbone::WeightsSource;
pub use benchmark::{Benchmark, BenchmarkKind, BenchmarkOptions, Pair};
pub use engine::EngineKind;
pub use error::Error;
pub use hyperpixel::{Hyperimage, LayerSet, Precision};
pub use image::Photograph;
pub use method::Method;
pub use method::hpf::{BackboneKind, Hpf};
pub use predictions::{Header, MethodHeader, Prediction, Reader, Writer};
pub use progress::Progress;
pub use report::Format;
pub use score::bootstrap::Bootstrap;
pub use score::{Alpha, Protocol, Score};

/// A point in pixels: x to the right, y down, as annotations have it. Most count from 0 at the centre
/// of the top left pixel, those made in MATLAB from 1. Whether original or resized pixels are meant is
/// said where a point is used.
pub type Point = [f32; 2];

/// The predicted keypoints of one pair, one for each of its keypoints and in their order, in original
/// pixels of the target; `None` where there is no prediction.
pub type PredictedKeypoints = Vec<Option<Point>>;

/// The number of hpflow's arithmetic: raised whenever the same input gives other bits than before.
///
/// Files say by which arithmetic they were made, and work that was stopped goes on only where it is
/// equal. Arithmetic 1 is that of hpflow 0.1.0, whose files do not give the number; what each later
/// one changed is in the changelog.
pub const ARITHMETIC: u64 = 3;

/// What each arithmetic changed, by its number, from 2 on.
///
/// - 2: photographs are resized by reciprocal times number, as PyTorch divides a number by a tensor;
///   up to then some became a pixel larger than published.
/// - 3: the gpu engine mixes two values in one rounding, and computes a pair and its mirror as one.
const ARITHMETIC_CHANGES: [(u64, &str); ARITHMETIC as usize - 1] = [
    (2, "some photographs are resized to a pixel less than before, as published"),
    (3, "the gpu engine rounds the last digits otherwise"),
];

/// What is computed otherwise under arithmetic `now` than under `then`, in parentheses behind a space;
/// nothing where it is not known.
pub(crate) fn arithmetic_changes(then: u64, now: u64) -> String {
    let new = |(number, _): &&(u64, _)| then < *number && *number <= now;
    let new: Vec<&str> = ARITHMETIC_CHANGES.iter().filter(new).map(|(_, change)| *change).collect();
    if new.is_empty() { String::new() } else { format!(" ({})", new.join("; ")) }
}
