//! Semantic correspondence with Hyperpixel Flow: predict keypoints, score them, show them.
//!
//! The pipeline, one module a step:
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
//! arXiv 1908.10543). That benchmark's learned baselines are methods like it, each a folder of
//! [`method`] and an entry of [`method::table`]: CNNGeo, WeakAlign and A2Net ([`method::alignment`])
//! and NC-Net ([`method::ncnet`]).

// What cannot be printed must never stop the work: standard error is written by `cli::console`, results
// by `cli::output`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod backbone;
pub mod benchmark;
pub mod checkpoint;
pub mod cli;
mod digest;
pub mod download;
pub mod engine;
pub mod features;
mod files;
pub mod flow;
pub mod hyperpixel;
pub mod image;
pub mod import;
pub mod inputs;
mod json;
pub mod method;
mod numpy;
mod pickle;
pub mod picture;
pub mod predictions;
mod records;
pub mod report;
pub mod score;
pub mod search;
mod text;
pub mod transfer;

/// A point in pixels: x to the right, y down, as annotations have it. Most count from 0 at the centre
/// of the top left pixel, those made in MATLAB from 1 ([`method::frame::first_pixel`]). Whether
/// original or resized pixels are meant is said where a point is used.
pub type Point = [f32; 2];

/// The number of hpflow's arithmetic: raised whenever the same input gives other bits than before.
///
/// Files say by which arithmetic they were made, and work that was stopped goes on only where it is
/// equal. Arithmetic 1 is that of hpflow 0.1.0, whose files do not give the number; what each later
/// one changed is in [`ARITHMETIC_CHANGES`].
pub const ARITHMETIC: u64 = 2;

/// What each arithmetic changed, by its number, from 2 on.
///
/// - 2: photographs are resized by reciprocal times number, as PyTorch divides a number by a tensor;
///   up to then some became a pixel larger than published.
pub const ARITHMETIC_CHANGES: [(u64, &str); ARITHMETIC as usize - 1] =
    [(2, "some photographs are resized to a pixel less than before, as published")];

/// What is computed otherwise under arithmetic `now` than under `then`, in parentheses behind a space;
/// nothing where it is not known.
pub(crate) fn arithmetic_changes(then: u64, now: u64) -> String {
    let new = |(number, _): &&(u64, _)| then < *number && *number <= now;
    let new: Vec<&str> = ARITHMETIC_CHANGES.iter().filter(new).map(|(_, change)| *change).collect();
    if new.is_empty() { String::new() } else { format!(" ({})", new.join("; ")) }
}
