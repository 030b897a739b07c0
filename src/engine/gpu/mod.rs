//! The GPU engines: the kernels of `shaders/` on any adapter that speaks Vulkan, Metal or DX12.
//!
//! Images stay on the device under a memory budget, many pairs go into one submission with the pair
//! as a dimension of every dispatch, and only the matches come back. Two submissions are under way
//! at a time, so images are uploaded while the pairs before are matched. Sums have one order, so
//! neither the batch nor the budget changes a bit of the result.

mod adapter;
mod buffers;
mod check;
mod consensus;
mod cooperative;
mod device;
mod engine;
pub(crate) mod kernels;
pub(crate) mod layout;
mod matcher;
mod options;
mod pace;
mod pipelines;
mod plan;
mod preset;
mod resident;
mod sets;
mod submit;
mod tensor_cores;
mod unroll;

pub use crate::engine::error::GpuError;
pub(super) use adapter::hardware_gpu;
pub(crate) use adapter::presets;
pub use adapter::{AdapterReport, adapters, preset_of, why_no_adapter};
pub(super) use check::timed_pairs;
pub use check::{CheckFinding, DeviceCheck, check};
pub use consensus::GpuConsensus;
pub use device::is_waiting;
pub use engine::GpuEngine;
pub use options::{GpuOptions, MEMORY_BUDGET};
pub use preset::{Preset, PresetError};
pub use tensor_cores::TensorCores;
