//! The GPU engine: the kernels of `shaders/` on any adapter that speaks Vulkan, Metal or DX12.
//!
//! Images stay on the device under a memory budget, many pairs go into one submission with the pair
//! as a dimension of every dispatch, and only the matches come back. Two submissions are under way
//! at a time, so images are uploaded while the pairs before are matched. Sums have one order, so
//! neither the batch nor the budget changes a bit of the result.

use std::collections::VecDeque;
use std::time::Instant;

use super::{Engine, EngineError, Examination, Matches, PairRequest, SetsRequest, StageTimes};
use crate::hyperpixel::{Hyperimage, Precision};

mod adapter;
mod buffers;
pub mod consensus;
mod cooperative;
mod device;
mod error;
pub mod layout;
mod pipelines;
mod plan;
mod preset;
mod resident;
mod sets;
mod submit;
mod unroll;

pub use adapter::{AdapterReport, adapters, hardware_gpu};
pub use error::GpuError;
pub use pipelines::{CONSENSUS_KERNELS, COOPERATIVE, CROP, KERNELS, Kernel, PAGES, PARAMS};
pub use preset::Preset;

use buffers::Buffers;
use device::Device;
use layout::{ImageLayout, QUAD};
use pipelines::{Pipelines, SetsPipelines};
use plan::{Plan, Scratch, Shape};
use resident::{Residency, Resident as _};
use submit::{Flight, Landed, STAGES, Submitter};

/// Memory for images on the device, in bytes, unless another is chosen: a category of SPair-71k
/// takes a quarter of it.
pub const MEMORY_BUDGET: u64 = 1 << 30;
/// A scratch buffer of a submission is at most this large, unless one pair takes more.
const SCRATCH_BYTES: u64 = 256 << 20;

/// How a [`GpuEngine`] is made.
#[derive(Debug, Clone)]
pub struct GpuOptions {
    /// Part of the adapter's name, in any case; the best adapter if there is none.
    pub adapter: Option<String>,
    /// Memory for images on the device, in bytes. A pair's two images are always held.
    pub memory_budget: u64,
    /// Tile shapes; those for the adapter's type of device if there are none.
    pub preset: Option<Preset>,
    /// How the maps of the hyperimages are stored that it will match, and on the device.
    pub precision: Precision,
}

impl Default for GpuOptions {
    fn default() -> Self {
        Self {
            adapter: None,
            memory_budget: MEMORY_BUDGET,
            preset: None,
            precision: Precision::default(),
        }
    }
}

/// Matches hyperimages on an adapter.
pub struct GpuEngine {
    device: Device,
    preset: Preset,
    precision: Precision,
    pipelines: Pipelines,
    keeping_pick: Option<wgpu::ComputePipeline>,
    sets: Option<SetsPipelines>,
    residency: Residency,
    buffers: Buffers,
    times: Times,
}

/// Which kernels a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernels {
    /// Those of pairs.
    Plain,
    /// The same, with a `pick` that keeps similarities.
    Keeping,
    /// Those of pairs under layer sets.
    Sets,
}

/// What was measured since it was last asked for.
#[derive(Debug, Default)]
struct Times {
    upload: f64,
    stages: [f64; STAGES.len()],
    /// Milliseconds from submission to landing, where kernels cannot be timed.
    untimed: f64,
    pairs: usize,
}

/// A submission under way and whose it is.
struct Submitted {
    flight: Flight,
    /// Request and number of rows of each pair, in the plan's order.
    pairs: Vec<(usize, usize)>,
    start: Instant,
}

impl GpuEngine {
    /// An engine on the adapter whose name contains `adapter` (in any case), or on the best one:
    /// hardware before software.
    ///
    /// # Errors
    /// No adapter, none of that name, or one that cannot run the kernels.
    pub fn new(adapter: Option<&str>) -> Result<Self, EngineError> {
        Self::with(&GpuOptions { adapter: adapter.map(str::to_owned), ..GpuOptions::default() })
    }

    /// An engine made to order.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with(options: &GpuOptions) -> Result<Self, EngineError> {
        let device = Device::new(options.adapter.as_deref(), options.precision)?;
        let preset =
            options.preset.unwrap_or_else(|| Preset::of(&device.info, device.device.features()));
        let preset = preset.with_cooperative(device.cooperative);
        let mut engine = Self::on(device, preset, options)?;
        if engine.device.cooperative > 0 {
            let source = COOPERATIVE.cooperative_source(&engine.preset);
            engine.take_cooperative(source)?;
        }
        Ok(engine)
    }

    /// An engine on a device, with ordinary kernels.
    fn on(device: Device, preset: Preset, options: &GpuOptions) -> Result<Self, GpuError> {
        let precision = options.precision;
        let pipelines = Pipelines::new(&device, &preset, precision)?;
        let buffers = Buffers::new(&device)?;
        Ok(Self {
            residency: Residency::new(options.memory_budget),
            keeping_pick: None,
            sets: None,
            times: Times::default(),
            device,
            preset,
            precision,
            pipelines,
            buffers,
        })
    }

    /// Gives the device up: every later call fails as on a device that was lost.
    pub fn destroy(&self) {
        self.device.device.destroy();
    }

    /// Bytes that a photograph takes on the device.
    #[must_use]
    pub fn bytes_of(&self, image: &Hyperimage) -> usize {
        ImageLayout::new(image, &self.preset).quads * QUAD
    }

    /// What the kernels rely on.
    fn check(&self, pair: &PairRequest) -> Result<(), EngineError> {
        pair.check()?;
        pair.check_precision(self.precision)?;
        Ok(check_rows(&pair.rows, pair.source.grid.len())?)
    }

    /// Bytes of the largest buffer that is to be used for scratch.
    fn largest_scratch(&self) -> usize {
        SCRATCH_BYTES.min(self.device.limits.max_storage_buffer_binding_size) as usize
    }

    /// How many of the first requests fit into one submission; at least one.
    fn fitting(&self, requests: &[PairRequest]) -> usize {
        let limit = self.largest_scratch();
        let mut scratch = Scratch::default();
        let fits = |request: &&PairRequest| {
            scratch = scratch.and(Shape::of_pair(request, &self.preset).scratch());
            scratch.largest() <= limit
        };
        requests.iter().take(self.preset.pairs).take_while(fits).count().max(1)
    }

    /// Brings the images of the first requests onto the device; of how many, at least of one.
    fn place(&mut self, requests: &[PairRequest]) -> Result<usize, GpuError> {
        let start = Instant::now();
        let mut pinned = Vec::new();
        let mut placed = requests.len();
        'requests: for (index, request) in requests.iter().enumerate() {
            for image in [&request.source, &request.target] {
                let must = index == 0;
                if !self.residency.place(&self.device, &self.preset, &**image, &pinned, must)? {
                    placed = index;
                    break 'requests;
                }
                pinned.push(image.key());
            }
        }
        self.times.upload += start.elapsed().as_secs_f64() * 1e3;
        Ok(placed)
    }

    /// Submits the first of `requests`, as many as go into one submission.
    fn submit(&mut self, first: usize, requests: &[PairRequest]) -> Result<Submitted, GpuError> {
        let count = self.fitting(requests);
        let count = self.place(&requests[..count])?;
        let order = plan::order(&requests[..count], &self.residency);
        let planned: Vec<&PairRequest> = order.iter().map(|&index| &requests[index]).collect();
        let plan = Plan::new(&planned, &self.residency, &self.preset);
        let pairs = order.iter().map(|&index| (first + index, requests[index].rows.len()));
        let (start, flight) = (Instant::now(), self.send(&plan, Kernels::Plain)?);
        Ok(Submitted { flight, pairs: pairs.collect(), start })
    }

    /// Submits a plan whose images are on the device.
    fn send(&mut self, plan: &Plan, kernels: Kernels) -> Result<Flight, GpuError> {
        let keeping = self.keeping_pick.as_ref().filter(|_| kernels == Kernels::Keeping);
        let submitter = Submitter {
            device: &self.device,
            pipelines: &self.pipelines,
            preset: &self.preset,
            residency: &self.residency,
            sets: self.sets.as_ref().filter(|_| kernels == Kernels::Sets),
        };
        submitter.submit(plan, &mut self.buffers, keeping)
    }

    /// Submits whatever `next` does until there is no more, and lands it in `results`; two
    /// submissions are under way at a time.
    fn run(
        &mut self,
        results: &mut [Matches],
        mut next: impl FnMut(&mut Self) -> Result<Option<Submitted>, GpuError>,
    ) -> Result<(), GpuError> {
        let mut under_way = VecDeque::new();
        while let Some(submitted) = next(self)? {
            under_way.push_back(submitted);
            if under_way.len() > 1
                && let Some(oldest) = under_way.pop_front()
            {
                self.land(oldest, results)?;
            }
        }
        under_way.into_iter().try_for_each(|submitted| self.land(submitted, results))
    }

    fn land(&mut self, submitted: Submitted, results: &mut [Matches]) -> Result<(), GpuError> {
        let landed = submitted.flight.land(&self.device)?;
        self.times.pairs += submitted.pairs.len();
        match landed.milliseconds {
            Some(stages) => {
                for (total, milliseconds) in self.times.stages.iter_mut().zip(stages) {
                    *total += milliseconds;
                }
            }
            None => self.times.untimed += submitted.start.elapsed().as_secs_f64() * 1e3,
        }
        let mut rest = matches(&landed);
        for (request, rows) in submitted.pairs {
            let after = rest.split_off(rows);
            results[request] = Matches {
                best: rest.iter().map(|row| row[0]).collect(),
                confidence: rest.iter().map(|row| f32::from_bits(row[1])).collect(),
            };
            rest = after;
        }
        Ok(())
    }
}

impl Engine for GpuEngine {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn adapter(&self) -> String {
        adapter::describe(&self.device.info)
    }

    fn match_pairs(&mut self, pairs: &[PairRequest]) -> Result<Vec<Matches>, EngineError> {
        pairs.iter().try_for_each(|pair| self.check(pair))?;
        let mut results = vec![Matches::default(); pairs.len()];
        let mut next = 0;
        self.run(&mut results, |engine| {
            if next == pairs.len() {
                return Ok(None);
            }
            let submitted = engine.submit(next, &pairs[next..])?;
            next += submitted.pairs.len();
            Ok(Some(submitted))
        })?;
        Ok(results)
    }

    fn match_sets(
        &mut self,
        pairs: &[SetsRequest],
        memory: usize,
    ) -> Result<Vec<Vec<Matches>>, EngineError> {
        sets::match_sets(self, pairs, memory)
    }

    fn examine(&mut self, pair: &PairRequest) -> Result<Examination, EngineError> {
        self.check(pair)?;
        self.place(std::slice::from_ref(pair))?;
        if self.keeping_pick.is_none() {
            self.keeping_pick =
                Some(Pipelines::keeping_pick(&self.device, &self.preset, self.precision)?);
        }
        let plan = Plan::new(&[pair], &self.residency, &self.preset);
        let landed = self.send(&plan, Kernels::Keeping)?.land(&self.device)?;
        let matches = matches(&landed);
        let space: Vec<f32> = bytemuck::pod_collect_to_vec(&landed.parts[1]);
        let bins = (plan.pairs[0].bins_x * plan.pairs[0].bins_y) as usize;
        let (votes, blurred_votes) = space[space.len() - 2 * bins..].split_at(bins);
        Ok(Examination {
            similarity_rows: similarity_rows(
                &plan,
                &bytemuck::pod_collect_to_vec(&landed.parts[2]),
            ),
            votes: votes.to_vec(),
            blurred_votes: blurred_votes.to_vec(),
            matches: Matches {
                best: matches.iter().map(|row| row[0]).collect(),
                confidence: matches.iter().map(|row| f32::from_bits(row[1])).collect(),
            },
        })
    }

    fn take_stage_times(&mut self) -> StageTimes {
        let times = std::mem::take(&mut self.times);
        let mut milliseconds = vec![("upload", times.upload)];
        if self.device.timestamp_period.is_some() {
            milliseconds.extend(STAGES.into_iter().zip(times.stages));
        } else {
            milliseconds.push(("kernels", times.untimed));
        }
        StageTimes { milliseconds, pairs: times.pairs }
    }
}

/// Rows that a source of so many has.
fn check_rows(asked: &[u32], rows: usize) -> Result<(), GpuError> {
    match asked.iter().find(|&&row| row as usize >= rows) {
        Some(&row) => Err(GpuError::NoSuchRow { row, rows }),
        None => Ok(()),
    }
}

/// Target and bits of the confidence of each row.
fn matches(landed: &Landed) -> Vec<[u32; 2]> {
    bytemuck::pod_collect_to_vec(&landed.parts[0])
}

/// Rows × targets out of the padded targets × rows that `pick` keeps.
fn similarity_rows(plan: &Plan, kept: &[f32]) -> Vec<f32> {
    let mut rows = Vec::new();
    for pick in &plan.picks {
        let pair = &plan.pairs[pick.pair as usize];
        let kept = &kept[pick.similarities as usize * 4..];
        for row in 0..pick.row_count {
            for target_row in 0..pair.target_rows {
                rows.extend((0..pair.target_columns).map(|column| {
                    let cell = target_row * pair.target_quads * 4 + column;
                    kept[(cell * pick.row_quads * 4 + row) as usize]
                }));
            }
        }
    }
    rows
}
