//! How an engine on a GPU is made.

use std::sync::Arc;

use rayon::ThreadPool;

use super::preset::Preset;
use crate::hyperpixel::Precision;

/// Memory for images on the device, in bytes, unless another is chosen: a category of SPair-71k
/// takes a quarter of it.
pub const MEMORY_BUDGET: u64 = 1 << 30;
/// A scratch buffer of a submission is at most this large, unless one pair takes more.
pub(super) const SCRATCH_BYTES: u64 = 256 << 20;

/// Submissions that are under way at a time.
pub(super) const UNDER_WAY: usize = 2;

/// How an engine on a GPU is made.
#[derive(Debug, Clone)]
pub struct GpuOptions {
    /// Part of the adapter's name, in any case, or its place on the PCI bus; the best adapter if there
    /// is none.
    pub adapter: Option<String>,
    /// Memory for images on the device, in bytes. A pair's two images are always held.
    pub memory_budget: u64,
    /// Tile shapes; those for the adapter's type of device if there are none.
    pub preset: Option<Preset>,
    /// How the maps of the hyperimages are stored that it will match, and on the device.
    pub precision: Precision,
    /// Threads on the processor for what is prepared there; rayon's global pool if there is none.
    pub pool: Option<Arc<ThreadPool>>,
}

impl Default for GpuOptions {
    fn default() -> Self {
        Self {
            adapter: None,
            memory_budget: MEMORY_BUDGET,
            preset: None,
            precision: Precision::default(),
            pool: None,
        }
    }
}
