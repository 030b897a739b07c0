//! For hpflow's own tests, benchmarks and fuzzers: everything that is not private to a module, and what
//! engines compute on the way, their kernels and buffer layouts. It may change with any version.

#![allow(missing_docs, reason = "not for users")]

use crate::engine::consensus::Correlation4d;
pub use crate::engine::consensus::contract::{ConsensusExamination, ExamineConsensus};
pub use crate::engine::contract::{Examination, Examine};
pub use crate::engine::cpu::consensus::{layer, mutual};
use crate::engine::gpu::GpuEngine;
use crate::method::ncnet::matches::CellMatches;

macro_rules! all_of {
    ($($name:ident),*) => {
        $(pub mod $name {
            pub use crate::$name::*;
        })*
    };
}

all_of!(
    backbone,
    benchmark,
    checkpoint,
    engine,
    features,
    flow,
    hyperpixel,
    image,
    import,
    inputs,
    method,
    picture,
    predictions,
    report,
    score,
    search,
    transfer
);

#[cfg(feature = "hub")]
all_of!(download);

/// Made-up hyperimages.
pub mod synthetic {
    pub use crate::hyperpixel::synthetic::{feature_maps, hyperimage};
}

/// Hough space.
pub mod hough {
    pub use crate::engine::hough::{BLUR_SIDE, HoughSpace, gaussian};
}

/// The kernels of `shaders/`.
pub mod kernels {
    pub use crate::engine::gpu::kernels::{KERNELS, KernelFile, PARAMS, SHARED_FILES, Variant};
}

/// Buffer layouts of the kernels.
pub mod layout {
    pub use crate::engine::gpu::layout::{
        ConvolveParams, CropParams, GroupParams, LayerParams, MutualParams, NOT_ASKED, PairParams,
        PickParams, SKEW, SLOT, TransformParams,
    };
}

/// The presets that this machine's best adapter runs, its own first.
///
/// # Panics
/// If there is no adapter.
#[must_use]
pub fn presets() -> Vec<crate::engine::gpu::Preset> {
    crate::engine::gpu::presets(None).expect("an adapter, or HPFLOW_NO_GPU=1")
}

/// Gives an engine's device up: every later call fails as on a device that was lost.
pub fn destroy(engine: &GpuEngine) {
    engine.destroy();
}

/// The softmax of each match over all cells of A, as NC-Net's published code scores it.
#[must_use]
pub fn scores(matches: &CellMatches, correlation: &Correlation4d) -> Vec<f32> {
    matches.scores(correlation)
}
