//! The parts that the rest is made of, for whoever needs more than the names at the root: feature
//! maps to matches, files of weights and features, verdicts, tables and pictures.
//!
//! These change more often than the root does; what changes is in the changelog.

/// Networks, and the files of their weights.
pub mod backbone {
    pub use crate::backbone::networks::{ARCHITECTURES, Architecture};
    pub use crate::backbone::weights::baselines::Baseline;
    pub use crate::backbone::weights::{self, HubFile, Shapes, Weights};
    pub use crate::backbone::{Backbone, BackboneError, NAMES, WeightsError, WeightsSource};
    pub use crate::hyperpixel::FeatureMap;
}

/// What a benchmark is made of, how it is checked, counted and made.
pub mod benchmark {
    #[cfg(feature = "demo")]
    pub use crate::benchmark::demo;
    pub use crate::benchmark::{
        Benchmark, BenchmarkError, BenchmarkInfo, BenchmarkKind, BenchmarkOptions, Counts, Factor,
        GroundTruth, Image, LayoutSize, Pair, Unreadable, Variation, Visibility, doctor, spair,
        stats,
    };
}

/// Checkpoints that PyTorch wrote.
pub mod checkpoint {
    pub use crate::checkpoint::{
        CheckpointError, CheckpointFormat, ConvertOptions, Converted, ENTRY, convert,
    };
}

/// Archives of benchmarks from their authors' servers.
#[cfg(feature = "hub")]
pub mod download {
    pub use crate::download::{DownloadError, fetch, unpack};
}

/// From two hyperimages to the best target hyperpixel of each source hyperpixel.
pub mod engine {
    pub use crate::engine::cpu::{CpuEngine, InstructionSet};
    pub use crate::engine::gpu::{
        AdapterReport, DeviceCheck, Finding, GpuEngine, GpuError, GpuOptions, MissingDriver,
        Preset, PresetError, TensorCores, adapters, check, is_waiting, preset_of, why_no_adapter,
    };
    pub use crate::engine::{
        Checked, Engine, EngineError, EngineKind, EngineOptions, Matches, PairRequest, SetRequest,
        SetsRequest, StageTimes, open,
    };
}

/// Feature maps on the disk.
pub mod features {
    pub use crate::features::*;
}

/// Dense flow, and its files.
pub mod flow {
    pub use crate::flow::{Flow, FlowError};
}

/// Layer sets, and the hyperpixels that they make.
pub mod hyperpixel {
    pub use crate::hyperpixel::layers::LayerSetError;
    pub use crate::hyperpixel::{
        Geometry, Grid, Hyperimage, LayerSet, LayerStack, Precision, View,
    };
}

/// Photographs, as published code decodes and resizes them.
pub mod image {
    pub use crate::image::{ImageError, Photograph, Prepared, is_decoding, prepare, read, size};
}

/// Predictions of other programs.
pub mod import {
    pub use crate::import::{ImportError, ImportKind, read};
}

/// The methods.
pub mod method {
    pub use crate::method::*;
}

/// Pictures of matches.
pub mod picture {
    pub use crate::picture::{
        Drawn, PictureError, TrueKeypoint, contact_sheet, matches, write_png,
    };
}

/// Predictions files.
pub mod predictions {
    pub use crate::predictions::*;
}

/// Tables, pages and figures.
pub mod report {
    pub use crate::report::*;
}

/// Verdicts, scores and what they mean.
pub mod score {
    pub use crate::score::*;
}

/// The search for a layer set.
pub mod search {
    pub use crate::search::*;
}

/// Where outputs go, and how they are replaced.
pub mod files {
    pub use crate::files::{Destination, check, regular, rename, write};
}

/// What the answers of pairs are made of, which unfinished work is tied to.
pub mod inputs {
    pub use crate::inputs::*;
}

/// What other programs' text is read with.
pub mod text {
    pub use crate::json::*;
    pub use crate::records::Records;
    pub use crate::text::*;
}

/// From matches of hyperpixels to keypoints.
pub mod transfer {
    pub use crate::transfer::{Neighbours, flow, transfer};
}
