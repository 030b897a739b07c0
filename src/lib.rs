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

pub mod backbone;
pub mod benchmark;
pub mod checkpoint;
pub mod cli;
pub mod download;
pub mod engine;
pub mod features;
mod files;
pub mod flow;
pub mod hyperpixel;
pub mod image;
pub mod import;
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
#[doc(hidden)]
pub mod testing;
pub mod transfer;

/// A point in pixels: x to the right, y down, as annotations have it. Most count from 0 at the centre
/// of the top left pixel, those made in MATLAB from 1 ([`method::frame::first_pixel`]). Whether
/// original or resized pixels are meant is said where a point is used.
pub type Point = [f32; 2];

/// The number of hpflow's arithmetic: raised whenever the same input gives other bits than before.
///
/// Files say by which arithmetic they were made, and work that was stopped goes on only where it is
/// equal. The changes:
///
/// - 1: hpflow 0.1.0, whose files do not give the number.
/// - 2: photographs are resized by reciprocal times number, as PyTorch divides a number by a tensor;
///   up to then some became a pixel larger than published.
pub const ARITHMETIC: u64 = 2;
