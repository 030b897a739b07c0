//! The GPU engine: requests to matches.

use super::adapter;
use super::cooperative::take_cooperative;
use super::device::GpuDevice;
use super::kernels::{KERNELS, Variant};
use super::layout::{ImageLayout, QUAD};
use super::matcher::GpuMatcher;
use super::options::GpuOptions;
use super::sets::match_sets;
use crate::engine::checked::Checked;
use crate::engine::contract::{Engine, Examination, Examine, Matches};
use crate::engine::error::EngineError;
use crate::engine::request::{PairRequest, SetsRequest};
use crate::engine::stages::StageTimes;
use crate::hyperpixel::{Hyperimage, Precision};

/// Matches hyperimages on an adapter.
pub struct GpuEngine(pub(super) GpuMatcher);

impl GpuEngine {
    /// An engine on the adapter whose name contains `adapter` (in any case) or that is at this place
    /// of the PCI bus, or on the best one: hardware before software.
    ///
    /// # Errors
    /// No adapter, none of that name, or one that cannot run the kernels.
    pub fn new(adapter: Option<&str>) -> Result<Self, EngineError> {
        Self::with(&GpuOptions { adapter: adapter.map(str::to_owned), ..GpuOptions::default() })
    }

    /// An engine with these options.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with(options: &GpuOptions) -> Result<Self, EngineError> {
        let device = GpuDevice::new(options.adapter.as_deref(), options.precision)?;
        let preset = device.preset(options.preset)?.with_cooperative(device.cooperative);
        let mut matcher = GpuMatcher::on(device, preset, options)?;
        if matcher.device.cooperative > 0 {
            let source =
                KERNELS.correlate_cooperative.source(&matcher.preset, Variant::of(Precision::F16));
            matcher.tensor_cores = take_cooperative(&mut matcher, source)?;
        }
        Ok(Self(matcher))
    }

    /// Gives the device up: every later call fails as on a device that was lost.
    pub(crate) fn destroy(&self) {
        self.0.device.device.destroy();
    }

    /// Bytes that a photograph takes on the device.
    #[must_use]
    pub fn bytes_of(&self, image: &Hyperimage) -> usize {
        ImageLayout::new(image, &self.0.preset).quads * QUAD
    }
}

impl Engine for GpuEngine {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn adapter(&self) -> String {
        adapter::describe(&self.0.device.info)
    }

    fn precision(&self) -> Option<Precision> {
        Some(self.0.precision)
    }

    fn match_checked_pairs(
        &mut self,
        pairs: Checked<PairRequest>,
    ) -> Result<Vec<Matches>, EngineError> {
        Ok(self.0.match_pairs(&pairs)?)
    }

    fn match_checked_sets(
        &mut self,
        pairs: Checked<SetsRequest>,
        memory: usize,
    ) -> Result<Vec<Vec<Matches>>, EngineError> {
        Ok(match_sets(&mut self.0, &pairs, memory)?)
    }

    fn take_stage_times(&mut self) -> StageTimes {
        self.0.take_stage_times()
    }
}

impl Examine for GpuEngine {
    fn examine_checked(&mut self, pair: Checked<PairRequest>) -> Result<Examination, EngineError> {
        Ok(self.0.examine(&pair[0])?)
    }
}
