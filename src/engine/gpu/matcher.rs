//! A device that matches: images brought onto it, plans submitted, and results fetched.

use std::collections::VecDeque;
use std::time::Instant;

use super::buffers::Buffers;
use super::device::GpuDevice;
use super::layout::QUAD;
use super::options::{GpuOptions, SCRATCH_BYTES, UNDER_WAY};
use super::pace::Pace;
use super::pipelines::{Pipelines, SetsPipelines};
use super::plan::{self, Scratch, Shape, SubmissionPlan};
use super::preset::Preset;
use super::resident::{Residency, Resident as _};
use super::submit::{Flight, Landed, STAGES, Submitter};
use super::tensor_cores::TensorCores;
use crate::engine::contract::{Examination, Matches};
use crate::engine::error::GpuError;
use crate::engine::mirror::{MirrorPair, mirror_pairs};
use crate::engine::request::PairRequest;
use crate::engine::stages::StageTimes;
use crate::hyperpixel::Precision;

/// Memory below which images are not cut down further.
const LEAST_BUDGET: u64 = 16 << 20;

/// A device with all that matching on it takes.
pub(super) struct GpuMatcher {
    pub device: GpuDevice,
    pub preset: Preset,
    pub precision: Precision,
    pub pipelines: Pipelines,
    /// What keeps similarities, of either way.
    pub keeping_pick: Option<[wgpu::ComputePipeline; 2]>,
    pub sets: Option<SetsPipelines>,
    pub residency: Residency,
    pub buffers: Buffers,
    pub times: Times,
    pub tensor_cores: TensorCores,
    /// How many mirror pairs go into a submission, and how many layer sets.
    pub pace: Pace,
    pub sets_pace: Pace,
    /// Bytes of the largest buffer that is to be used for scratch.
    scratch_bytes: u64,
}

/// Which kernels a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlanKind {
    /// Those of pairs.
    Pairs,
    /// The same, with a `pick` that keeps similarities.
    Keeping,
    /// Those of pairs under layer sets.
    Sets,
}

/// What was measured since it was last asked for.
#[derive(Debug, Default)]
pub(super) struct Times {
    pub upload: f64,
    stages: [f64; STAGES.len()],
    /// Milliseconds from submission to landing, where kernels cannot be timed.
    untimed: f64,
    pub pairs: usize,
}

/// A submission under way and whose it is.
pub(super) struct Submitted {
    pub flight: Flight,
    /// Request and number of rows of each pair, in the plan's order.
    pub pairs: Vec<(usize, usize)>,
    /// How many of what its pace counts.
    pub count: usize,
    pub kind: PlanKind,
    pub start: Instant,
}

impl GpuMatcher {
    /// On a device, with ordinary kernels.
    pub(super) fn on(
        device: GpuDevice,
        preset: Preset,
        options: &GpuOptions,
    ) -> Result<Self, GpuError> {
        let precision = options.precision;
        let pipelines = Pipelines::new(&device, &preset, precision)?;
        let buffers = Buffers::new(&device)?;
        let watched = device.info.device_type != wgpu::DeviceType::Cpu;
        Ok(Self {
            residency: Residency::new(options.memory_budget),
            keeping_pick: None,
            sets: None,
            times: Times::default(),
            tensor_cores: TensorCores::Absent,
            pace: Pace::new(preset.pairs, watched),
            sets_pace: Pace::new(usize::MAX / 2, watched),
            scratch_bytes: SCRATCH_BYTES,
            device,
            preset,
            precision,
            pipelines,
            buffers,
        })
    }

    /// Bytes of the largest buffer that is to be used for scratch.
    pub(super) fn largest_scratch(&self) -> usize {
        self.scratch_bytes.min(self.device.limits.max_storage_buffer_binding_size) as usize
    }

    /// How many of the first mirror pairs fit into one submission; at least one.
    fn fitting(&self, pairs: &[MirrorPair], requests: &[PairRequest]) -> usize {
        let limit = self.largest_scratch();
        let mut scratch = Scratch::default();
        let fits = |pair: &&MirrorPair| {
            let shape = Shape::of_mirror_pair(pair, requests, &self.preset);
            scratch = scratch.and(shape.scratch());
            scratch.largest() <= limit
        };
        pairs.iter().take(self.pace.at_once()).take_while(fits).count().max(1)
    }

    /// Brings the images of the first mirror pairs onto the device; of how many, at least of one.
    fn place(&mut self, pairs: &[MirrorPair], requests: &[PairRequest]) -> Result<usize, GpuError> {
        let start = Instant::now();
        let mut pinned = Vec::new();
        let mut placed = pairs.len();
        'pairs: for (index, pair) in pairs.iter().enumerate() {
            for image in pair.images(requests) {
                let must = index == 0;
                if !self.residency.place(&self.device, &self.preset, image, &pinned, must)? {
                    placed = index;
                    break 'pairs;
                }
                pinned.push(image.key());
            }
        }
        self.times.upload += start.elapsed().as_secs_f64() * 1e3;
        Ok(placed)
    }

    /// Submits the first of some mirror pairs, as many as go into one submission; how many.
    fn submit(
        &mut self,
        pairs: &[MirrorPair],
        requests: &[PairRequest],
    ) -> Result<(usize, Submitted), GpuError> {
        let count = self.fitting(pairs, requests);
        let count = self.place(&pairs[..count], requests)?;
        let order = plan::order(&pairs[..count], requests, &self.residency);
        let plan = SubmissionPlan::new(&order, requests, &self.residency, &self.preset);
        let asked = order.iter().flat_map(|pair| [pair.forward, pair.backward]).flatten();
        let pairs = asked.map(|request| (request, requests[request].rows.len())).collect();
        let (start, flight) = (Instant::now(), self.send(&plan, PlanKind::Pairs)?);
        Ok((count, Submitted { flight, pairs, count, kind: PlanKind::Pairs, start }))
    }

    /// Submits a plan whose images are on the device.
    pub(super) fn send(
        &mut self,
        plan: &SubmissionPlan,
        kernels: PlanKind,
    ) -> Result<Flight, GpuError> {
        let keeping = self.keeping_pick.as_ref().filter(|_| kernels == PlanKind::Keeping);
        let submitter = Submitter {
            device: &self.device,
            pipelines: &self.pipelines,
            preset: &self.preset,
            residency: &self.residency,
            sets: self.sets.as_ref().filter(|_| kernels == PlanKind::Sets),
        };
        submitter.submit(plan, &mut self.buffers, keeping)
    }

    /// Takes submissions from `next` until there are no more, and writes their matches into `results`;
    /// [`UNDER_WAY`] submissions are under way at a time. Where one fails, those before it are landed
    /// first.
    pub(super) fn run(
        &mut self,
        results: &mut [Option<Matches>],
        mut next: impl FnMut(&mut Self) -> Result<Option<Submitted>, GpuError>,
    ) -> Result<(), GpuError> {
        let mut under_way = VecDeque::new();
        let failed = loop {
            match next(self) {
                Ok(Some(submitted)) => under_way.push_back(submitted),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
            if under_way.len() >= UNDER_WAY
                && let Some(oldest) = under_way.pop_front()
            {
                self.land(oldest, results)?;
            }
        };
        under_way.into_iter().try_for_each(|submitted| self.land(submitted, results))?;
        failed.map_or(Ok(()), Err)
    }

    fn land(
        &mut self,
        submitted: Submitted,
        results: &mut [Option<Matches>],
    ) -> Result<(), GpuError> {
        let landed = submitted.flight.land(&self.device)?;
        self.times.pairs += submitted.pairs.len();
        let took = match landed.milliseconds {
            Some(stages) => stages.iter().sum(),
            None => submitted.start.elapsed().as_secs_f64() * 1e3,
        };
        let pace = match submitted.kind {
            PlanKind::Sets => &mut self.sets_pace,
            PlanKind::Pairs | PlanKind::Keeping => &mut self.pace,
        };
        pace.landed(submitted.count, took);
        match landed.milliseconds {
            Some(stages) => {
                for (total, milliseconds) in self.times.stages.iter_mut().zip(stages) {
                    *total += milliseconds;
                }
            }
            None => self.times.untimed += took,
        }
        let mut rest = matches(&landed);
        for (request, rows) in submitted.pairs {
            let after = rest.split_off(rows);
            results[request] = Some(Matches {
                best: rest.iter().map(|row| row[0]).collect(),
                confidence: rest.iter().map(|row| f32::from_bits(row[1])).collect(),
            });
            rest = after;
        }
        Ok(())
    }

    /// Matches every pair. Where memory runs out, what is left is tried again with less of it.
    pub(super) fn match_pairs(
        &mut self,
        requests: &[PairRequest],
    ) -> Result<Vec<Matches>, GpuError> {
        let mut results = vec![None; requests.len()];
        let mut pairs = mirror_pairs(requests);
        loop {
            let mut next = 0;
            let matched = self.run(&mut results, |matcher| {
                if next == pairs.len() {
                    return Ok(None);
                }
                let (count, submitted) = matcher.submit(&pairs[next..], requests)?;
                next += count;
                Ok(Some(submitted))
            });
            match matched {
                Ok(()) => {
                    let answered =
                        |one: Option<Matches>| one.expect("every request is in a submission");
                    return Ok(results.into_iter().map(answered).collect());
                }
                Err(GpuError::OutOfMemory { adapter, reason, .. }) => {
                    let missing = |pair: &MirrorPair| {
                        [pair.forward, pair.backward]
                            .into_iter()
                            .flatten()
                            .any(|request| results[request].is_none())
                    };
                    pairs.retain(missing);
                    if !self.shrink()? {
                        let needed = pairs.first().map(|pair| self.needed(pair, requests));
                        return Err(GpuError::OutOfMemory { adapter, reason, needed });
                    }
                    tracing::warn!(
                        "{adapter} is out of memory, and goes on with {} MiB for photographs and {} \
                         pairs at a time: {reason}",
                        self.residency.budget() >> 20,
                        self.pace.at_once()
                    );
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Bytes that a mirror pair takes on the device.
    fn needed(&self, pair: &MirrorPair, requests: &[PairRequest]) -> u64 {
        let scratch = Shape::of_mirror_pair(pair, requests, &self.preset).scratch().total();
        let images = pair.images(requests);
        let images: usize = images.map(|image| image.quads(&self.preset) * QUAD).iter().sum();
        (scratch + images) as u64
    }

    /// Gives all memory back and takes half as much from now on; false where that is too little.
    pub(super) fn shrink(&mut self) -> Result<bool, GpuError> {
        let halved = self.pace.halve();
        let budget = self.residency.budget();
        if !halved && budget <= LEAST_BUDGET {
            return Ok(false);
        }
        self.residency = Residency::new((budget / 2).max(LEAST_BUDGET).min(budget));
        self.scratch_bytes = (self.scratch_bytes / 2).max(LEAST_BUDGET);
        self.buffers = Buffers::new(&self.device)?;
        Ok(true)
    }

    /// Matches one pair and keeps what was computed on the way.
    pub(super) fn examine(&mut self, pair: &PairRequest) -> Result<Examination, GpuError> {
        let requests = std::slice::from_ref(pair);
        let pairs = mirror_pairs(requests);
        self.place(&pairs, requests)?;
        if self.keeping_pick.is_none() {
            self.keeping_pick =
                Some(Pipelines::keeping_pick(&self.device, &self.preset, self.precision)?);
        }
        let plan = SubmissionPlan::new(&pairs, requests, &self.residency, &self.preset);
        let landed = self.send(&plan, PlanKind::Keeping)?.land(&self.device)?;
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

    /// What was measured since the last call.
    pub(super) fn take_stage_times(&mut self) -> StageTimes {
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

/// Target and bits of the confidence of each row.
fn matches(landed: &Landed) -> Vec<[u32; 2]> {
    bytemuck::pod_collect_to_vec(&landed.parts[0])
}

/// Rows × targets out of the padded targets × rows that `pick` keeps.
fn similarity_rows(plan: &SubmissionPlan, kept: &[f32]) -> Vec<f32> {
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
