//! A device that matches: images brought onto it, plans submitted, and results fetched.

use std::collections::VecDeque;
use std::time::Instant;

use super::buffers::Buffers;
use super::cooperative::TensorCores;
use super::device::GpuDevice;
use super::options::{GpuOptions, SCRATCH_BYTES};
use super::pipelines::{Pipelines, SetsPipelines};
use super::plan::{self, Plan, Scratch, Shape};
use super::preset::Preset;
use super::resident::{Residency, Resident as _};
use super::submit::{Flight, Landed, STAGES, Submitter};
use crate::engine::contract::{Examination, Matches};
use crate::engine::error::GpuError;
use crate::engine::request::PairRequest;
use crate::engine::stages::StageTimes;
use crate::hyperpixel::Precision;

/// A device with all that matching on it takes.
pub(super) struct GpuMatcher {
    pub device: GpuDevice,
    pub preset: Preset,
    pub precision: Precision,
    pub pipelines: Pipelines,
    pub keeping_pick: Option<wgpu::ComputePipeline>,
    pub sets: Option<SetsPipelines>,
    pub residency: Residency,
    pub buffers: Buffers,
    pub times: Times,
    pub tensor_cores: TensorCores,
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
        Ok(Self {
            residency: Residency::new(options.memory_budget),
            keeping_pick: None,
            sets: None,
            times: Times::default(),
            tensor_cores: TensorCores::Absent,
            device,
            preset,
            precision,
            pipelines,
            buffers,
        })
    }

    /// Bytes of the largest buffer that is to be used for scratch.
    pub(super) fn largest_scratch(&self) -> usize {
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
        let (start, flight) = (Instant::now(), self.send(&plan, PlanKind::Pairs)?);
        Ok(Submitted { flight, pairs: pairs.collect(), start })
    }

    /// Submits a plan whose images are on the device.
    pub(super) fn send(&mut self, plan: &Plan, kernels: PlanKind) -> Result<Flight, GpuError> {
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
    /// two submissions are under way at a time.
    pub(super) fn run(
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

    /// Matches every pair.
    pub(super) fn match_pairs(&mut self, pairs: &[PairRequest]) -> Result<Vec<Matches>, GpuError> {
        let mut results = vec![Matches::default(); pairs.len()];
        let mut next = 0;
        self.run(&mut results, |matcher| {
            if next == pairs.len() {
                return Ok(None);
            }
            let submitted = matcher.submit(next, &pairs[next..])?;
            next += submitted.pairs.len();
            Ok(Some(submitted))
        })?;
        Ok(results)
    }

    /// Matches one pair and keeps what was computed on the way.
    pub(super) fn examine(&mut self, pair: &PairRequest) -> Result<Examination, GpuError> {
        self.place(std::slice::from_ref(pair))?;
        if self.keeping_pick.is_none() {
            self.keeping_pick =
                Some(Pipelines::keeping_pick(&self.device, &self.preset, self.precision)?);
        }
        let plan = Plan::new(&[pair], &self.residency, &self.preset);
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
