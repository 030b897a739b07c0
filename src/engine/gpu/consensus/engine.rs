//! The GPU engine of neighbourhood consensus: `mutual` and `consensus` of `shaders/` on any adapter.
//!
//! Pairs of equal grids go into one submission, the pair as a dimension of every dispatch; only
//! correlations go there and come back. Sums have one order, so the batch changes no bit.

use std::time::Instant;

use wgpu::{Buffer, ComputePipeline};

use super::prepared::{ConsensusPlace, PreparedConsensus, Sizes, Step};
use crate::engine::checked::Checked;
use crate::engine::consensus::contract::{ConsensusEngine, ConsensusExamination, ExamineConsensus};
use crate::engine::consensus::lattice::Lattice;
use crate::engine::consensus::{ConsensusWeights, Correlation4d};
use crate::engine::error::{EngineError, GpuError};
use crate::engine::gpu::adapter;
use crate::engine::gpu::device::GpuDevice;
use crate::engine::gpu::kernels::{KERNELS, Variant};
use crate::engine::gpu::options::GpuOptions;
use crate::engine::gpu::pipelines::Loaded;
use crate::engine::gpu::preset::Preset;
use crate::engine::gpu::submit::{Pass, fetch, whole};
use crate::engine::pool::Pool;
use crate::engine::stages::StageTimes;
use crate::hyperpixel::Precision;

/// Filters correlations on an adapter.
pub struct GpuConsensus {
    device: GpuDevice,
    preset: Preset,
    pipelines: ConsensusPipelines,
    weights: ConsensusWeights,
    pool: Pool,
    prepared: Option<PreparedConsensus>,
    seconds: f64,
    pairs: usize,
}

/// A pipeline for each entry point.
struct ConsensusPipelines {
    largest_over_b: ComputePipeline,
    largest_over_a: ComputePipeline,
    floor_of: ComputePipeline,
    mutual: ComputePipeline,
    add: ComputePipeline,
    transform: ComputePipeline,
    convolve: ComputePipeline,
}

impl ConsensusPipelines {
    fn new(device: &GpuDevice, preset: &Preset) -> Result<Self, GpuError> {
        let load = |kernel| Loaded::new(device, kernel, preset, Variant::default());
        let (mutual, consensus) = (load(&KERNELS.mutual), load(&KERNELS.consensus));
        let pipelines = Self {
            largest_over_b: mutual.pipeline("largest_over_b"),
            largest_over_a: mutual.pipeline("largest_over_a"),
            floor_of: mutual.pipeline("floor_of"),
            mutual: mutual.pipeline("mutual"),
            add: mutual.pipeline("add"),
            transform: consensus.pipeline("transform"),
            convolve: consensus.pipeline("convolve"),
        };
        device.check()?;
        Ok(pipelines)
    }
}

/// Which part of the work a submission does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SubmittedPart {
    /// Mutual matching, the network, mutual matching.
    All,
    /// The network alone.
    Network,
}

impl GpuConsensus {
    /// An engine for a network, with options of which the memory budget is not used.
    ///
    /// # Errors
    /// No adapter, none of that name, or one that cannot run the kernels.
    pub fn with(weights: ConsensusWeights, options: &GpuOptions) -> Result<Self, EngineError> {
        let device = GpuDevice::new(options.adapter.as_deref(), Precision::F32)?;
        let preset = device.preset(options.preset)?;
        let pipelines = ConsensusPipelines::new(&device, &preset)?;
        let pool = Pool::new(options.pool.clone());
        let (prepared, seconds, pairs) = (None, 0.0, 0);
        Ok(Self { device, preset, pipelines, weights, pool, prepared, seconds, pairs })
    }

    /// What a size of correlation needs, made again only for another size.
    fn prepare(&mut self, correlation: &Correlation4d, pairs: usize) -> Result<(), GpuError> {
        let sizes = Sizes::new(Lattice::new(correlation, self.weights.reach()));
        let fits =
            |prepared: &PreparedConsensus| prepared.sizes == sizes && prepared.enough_for(pairs);
        if !self.prepared.as_ref().is_some_and(fits) {
            // The old buffers go before the new ones come.
            self.prepared = None;
            let (device, preset, weights) = (&self.device, &self.preset, &self.weights);
            let prepared =
                self.pool.run(|| PreparedConsensus::new(device, preset, weights, sizes, pairs))?;
            self.prepared = Some(prepared);
        }
        Ok(())
    }

    /// Runs correlations of one size in one submission; gives the places asked for, each for all
    /// pairs.
    fn run(
        &mut self,
        correlations: &[Correlation4d],
        part: SubmittedPart,
        wanted: &[ConsensusPlace],
    ) -> Result<Vec<Vec<Correlation4d>>, GpuError> {
        let start = Instant::now();
        let pairs = correlations.len();
        self.prepare(&correlations[0], pairs)?;
        let prepared = self.prepared.as_ref().expect("prepared on the line above");
        let sizes = &prepared.sizes;
        let to = prepared.place(if part == SubmittedPart::All {
            ConsensusPlace::Given
        } else {
            ConsensusPlace::Matched
        });
        for (index, correlation) in correlations.iter().enumerate() {
            let planes = sizes.planes_of(correlation);
            let bytes: &[u8] = bytemuck::cast_slice(&planes);
            self.device.queue.write_buffer(to, (index * bytes.len()) as u64, bytes);
        }
        self.device.check()?;
        let descriptor = wgpu::CommandEncoderDescriptor { label: Some("hpflow.consensus") };
        let mut encoder = self.device.device.create_command_encoder(&descriptor);
        let descriptor = wgpu::ComputePassDescriptor::default();
        let mut pass = Pass {
            pass: encoder.begin_compute_pass(&descriptor),
            device: &self.device,
            workgroup: self.preset.workgroup,
        };
        if part == SubmittedPart::All {
            self.mutual(
                &mut pass,
                prepared,
                pairs,
                [ConsensusPlace::Given, ConsensusPlace::Matched],
                0,
            )?;
        }
        for step in &prepared.steps {
            self.step(&mut pass, prepared, step, pairs)?;
        }
        if part == SubmittedPart::All {
            self.add(&mut pass, prepared, pairs)?;
            self.mutual(
                &mut pass,
                prepared,
                pairs,
                [ConsensusPlace::Symmetric, ConsensusPlace::Filtered],
                1,
            )?;
        }
        drop(pass);
        let bytes = sizes.correlation_bytes() * pairs;
        let parts: Vec<(&Buffer, usize)> =
            wanted.iter().map(|&place| (prepared.place(place), bytes)).collect();
        let landed = fetch(&self.device, encoder, &parts, None)?.land(&self.device)?;
        let split = |bytes: &Vec<u8>| {
            let planes: Vec<f32> = bytemuck::pod_collect_to_vec(bytes);
            let each = planes.chunks_exact(planes.len() / pairs);
            each.map(|planes| sizes.correlation_of(planes)).collect()
        };
        let results = landed.parts.iter().map(split).collect();
        self.seconds += start.elapsed().as_secs_f64();
        self.pairs += pairs;
        Ok(results)
    }

    /// Mutual matching from one place to another; `which` is 0 for the first, 1 for the second.
    fn mutual(
        &self,
        pass: &mut Pass,
        prepared: &PreparedConsensus,
        pairs: usize,
        [from, to]: [ConsensusPlace; 2],
        which: usize,
    ) -> Result<(), GpuError> {
        let (sizes, pairs) = (&prepared.sizes, pairs as u32);
        let cells = sizes.cells() as u32;
        let planes = pass.groups(sizes.plane as u32);
        let params = (0, whole(&prepared.mutual_params[which]));
        let correlation = (1, whole(prepared.place(from)));
        let [over_b, over_a, floors] = &prepared.largest;
        pass.run(
            &self.pipelines.largest_over_b,
            &[params.clone(), correlation.clone(), (2, whole(over_b))],
            [pass.groups(cells), 1, pairs],
        )?;
        pass.run(
            &self.pipelines.largest_over_a,
            &[params.clone(), correlation.clone(), (3, whole(over_a))],
            [planes, 1, pairs],
        )?;
        pass.run(
            &self.pipelines.floor_of,
            &[params.clone(), (4, whole(over_b)), (5, whole(floors))],
            [1, 1, pairs],
        )?;
        pass.run(
            &self.pipelines.mutual,
            &[
                params,
                correlation,
                (4, whole(over_b)),
                (6, whole(over_a)),
                (7, whole(floors)),
                (8, whole(prepared.place(to))),
            ],
            [planes, cells, pairs],
        )
    }

    /// The sum of both directions.
    fn add(
        &self,
        pass: &mut Pass,
        prepared: &PreparedConsensus,
        pairs: usize,
    ) -> Result<(), GpuError> {
        let sizes = &prepared.sizes;
        let workgroups = [pass.groups(sizes.plane as u32), sizes.cells() as u32, pairs as u32];
        pass.run(
            &self.pipelines.add,
            &[
                (0, whole(&prepared.mutual_params[0])),
                (9, whole(prepared.place(ConsensusPlace::Direct))),
                (10, whole(prepared.place(ConsensusPlace::Exchanged))),
                (11, whole(prepared.place(ConsensusPlace::Symmetric))),
            ],
            workgroups,
        )
    }

    /// One step of the network.
    fn step(
        &self,
        pass: &mut Pass,
        prepared: &PreparedConsensus,
        step: &Step,
        pairs: usize,
    ) -> Result<(), GpuError> {
        let [from, to] = [step.from, step.to].map(|place| whole(prepared.place(place)));
        let [x, y] = step.workgroups;
        match &step.responses {
            Some(responses) => pass.run(
                &self.pipelines.convolve,
                &[(5, whole(&step.params)), (6, whole(responses)), (7, from), (8, to)],
                [x, y, pairs as u32],
            ),
            None => pass.run(
                &self.pipelines.transform,
                &[
                    (0, whole(&step.params)),
                    (1, whole(&prepared.coefficients[step.transform])),
                    (2, whole(&step.bias)),
                    (3, from),
                    (4, to),
                ],
                [x, y, pairs as u32],
            ),
        }
    }
}

impl ConsensusEngine for GpuConsensus {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn adapter(&self) -> String {
        adapter::describe(&self.device.info)
    }

    fn filter_checked(
        &mut self,
        correlations: Checked<Correlation4d>,
    ) -> Result<Vec<Correlation4d>, EngineError> {
        let mut results = Vec::with_capacity(correlations.len());
        for alike in correlations.chunk_by(|one, other| (one.a, one.b) == (other.a, other.b)) {
            let sizes = Sizes::new(Lattice::new(&alike[0], self.weights.reach()));
            let mut batch = sizes.fitting(&self.device, &self.weights).min(self.preset.pairs);
            let mut rest = alike;
            while !rest.is_empty() {
                let (some, after) = rest.split_at(batch.min(rest.len()));
                match self.run(some, SubmittedPart::All, &[ConsensusPlace::Filtered]) {
                    Ok(mut found) => results.append(&mut found.remove(0)),
                    // Fewer take less memory.
                    Err(GpuError::OutOfMemory { adapter, reason, .. }) if some.len() > 1 => {
                        batch = some.len() / 2;
                        tracing::warn!(
                            "{adapter} is out of memory, and goes on with {batch} pairs at a time: \
                             {reason}"
                        );
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
                rest = after;
            }
        }
        Ok(results)
    }

    fn take_stage_times(&mut self) -> StageTimes {
        let (seconds, pairs) = (std::mem::take(&mut self.seconds), std::mem::take(&mut self.pairs));
        StageTimes::of_seconds(&["kernels"], &[seconds], pairs)
    }
}

impl ExamineConsensus for GpuConsensus {
    fn examine_checked(
        &mut self,
        correlation: Checked<Correlation4d>,
    ) -> Result<ConsensusExamination, EngineError> {
        use ConsensusPlace::{Direct, Filtered, Matched, Symmetric};
        let mut found =
            self.run(&correlation, SubmittedPart::All, &[Matched, Direct, Symmetric, Filtered])?;
        let mut take = || found.remove(0).remove(0);
        Ok(ConsensusExamination {
            mutual: take(),
            direct: take(),
            symmetric: take(),
            filtered: take(),
        })
    }

    fn network_checked(
        &mut self,
        correlation: Checked<Correlation4d>,
    ) -> Result<[Correlation4d; 2], EngineError> {
        let wanted = [ConsensusPlace::Direct, ConsensusPlace::Exchanged];
        let mut found = self.run(&correlation, SubmittedPart::Network, &wanted)?;
        let mut take = || found.remove(0).remove(0);
        Ok([take(), take()])
    }
}
