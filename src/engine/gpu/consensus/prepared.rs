//! What the network needs on the device for one size of correlation: transforms, responses, buffers,
//! and the list of steps.

use rayon::prelude::*;
use wgpu::{Buffer, BufferUsages};

use crate::engine::consensus::lattice::{Frequency, Lattice};
use crate::engine::consensus::{
    ConsensusLayer, ConsensusWeights, Correlation4d, FLOOR, MUTUAL_EPSILON,
};
use crate::engine::error::GpuError;
use crate::engine::gpu::device::GpuDevice;
use crate::engine::gpu::layout::{ConvolveParams, MutualParams, TransformParams, slots};
use crate::engine::gpu::options::SCRATCH_BYTES;
use crate::engine::gpu::preset::Preset;

const USAGE: BufferUsages =
    BufferUsages::STORAGE.union(BufferUsages::COPY_DST).union(BufferUsages::COPY_SRC);

/// Sizes of everything on the device, in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub lattice: Lattice,
    /// A plane of B with the zeros between rows and after the last one; whole vec4.
    pub plane: usize,
    /// Zeros before the first plane of a spectrum, for kernels that reach before it; whole vec4.
    pub lead: usize,
}

impl Sizes {
    pub(super) fn new(lattice: Lattice) -> Self {
        let rows = lattice.b[0] + lattice.reach;
        let plane = (rows * lattice.row_stride()).next_multiple_of(4);
        Self { lattice, plane, lead: lattice.margin().next_multiple_of(4) }
    }

    /// Cells of A.
    pub(super) fn cells(&self) -> usize {
        self.lattice.a[0] * self.lattice.a[1]
    }

    /// Bytes of a correlation in planes.
    pub(super) fn correlation_bytes(&self) -> usize {
        self.cells() * self.plane * size_of::<f32>()
    }

    /// A spectrum of some channels of some pairs, or anything on the way to it.
    fn spectrum(&self, channels: usize) -> usize {
        let [rows, columns] = self.lattice.components();
        channels * rows * columns * self.plane
    }

    /// Bytes of the buffer of the widest spectrum of `pairs` pairs.
    fn scratch_bytes(&self, channels: usize, pairs: usize) -> u64 {
        let values = self.spectrum(channels) * pairs + 2 * self.lead;
        (values * size_of::<f32>()) as u64
    }

    /// How many pairs fit into one submission; at least one.
    pub(super) fn fitting(&self, device: &GpuDevice, weights: &ConsensusWeights) -> usize {
        let limit = SCRATCH_BYTES.min(device.limits.max_storage_buffer_binding_size);
        let fits = |pairs: &usize| self.scratch_bytes(weights.widest(), *pairs) <= limit;
        (1..).take_while(fits).last().unwrap_or(1)
    }

    /// A correlation in planes.
    pub(super) fn planes_of(&self, correlation: &Correlation4d) -> Vec<f32> {
        let mut planes = vec![0.0; self.cells() * self.plane];
        let cells = correlation.data.chunks_exact(correlation.cells_b());
        for (cell, plane) in cells.zip(planes.chunks_exact_mut(self.plane)) {
            let rows = plane.chunks_exact_mut(self.lattice.row_stride());
            for (from, to) in cell.chunks_exact(self.lattice.b[1]).zip(rows) {
                to[..from.len()].copy_from_slice(from);
            }
        }
        planes
    }

    /// The correlation of some planes.
    pub(super) fn correlation_of(&self, planes: &[f32]) -> Correlation4d {
        let Lattice { a, b, .. } = self.lattice;
        let rows = |plane| -> std::iter::Take<std::slice::ChunksExact<'_, f32>> {
            <[f32]>::chunks_exact(plane, self.lattice.row_stride()).take(b[0])
        };
        let planes = planes.chunks_exact(self.plane);
        let data = planes.flat_map(|plane| rows(plane).flat_map(|row| &row[..b[1]])).copied();
        Correlation4d { a, b, data: data.collect() }
    }
}

/// A buffer that passes results on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConsensusPlace {
    /// The correlation as it was given.
    Given,
    /// After the first mutual matching.
    Matched,
    /// The spectrum of that.
    Spectrum,
    /// Spectra and what is between them, in turn.
    Scratch,
    /// The other of the two.
    OtherScratch,
    /// The network on one direction.
    Direct,
    /// The network on the other.
    Exchanged,
    /// The sum of both.
    Symmetric,
    /// After the second mutual matching.
    Filtered,
}

const PLACES: usize = ConsensusPlace::Filtered as usize + 1;

/// One dispatch of the network.
pub(super) struct Step {
    pub params: Buffer,
    pub from: ConsensusPlace,
    pub to: ConsensusPlace,
    /// Workgroups along x and y.
    pub workgroups: [u32; 2],
    /// A convolution's responses; a transform has none.
    pub responses: Option<Buffer>,
    /// Which of [`PreparedConsensus::coefficients`] a transform takes.
    pub transform: usize,
    /// A transform's biases, read only where it rectifies.
    pub bias: Buffer,
}

/// Everything for one size and number of pairs.
pub(super) struct PreparedConsensus {
    pub sizes: Sizes,
    pairs: usize,
    places: Vec<Buffer>,
    /// Analysis along A's rows and columns, synthesis along A's rows and columns.
    pub coefficients: Vec<Buffer>,
    pub steps: Vec<Step>,
    /// Of the first and second mutual matching.
    pub mutual_params: [Buffer; 2],
    /// Maxima over B and over A, and floors.
    pub largest: [Buffer; 3],
}

impl PreparedConsensus {
    pub(super) fn new(
        device: &GpuDevice,
        preset: &Preset,
        weights: &ConsensusWeights,
        sizes: Sizes,
        pairs: usize,
    ) -> Result<Self, GpuError> {
        let lattice = &sizes.lattice;
        let matrices = [
            (lattice.analysis(0), lattice.components()[0]),
            (lattice.analysis(1), lattice.components()[1]),
            (lattice.synthesis(0), lattice.a[0]),
            (lattice.synthesis(1), lattice.a[1]),
        ];
        let coefficients = matrices
            .iter()
            .map(|(matrix, outputs)| filled(device, &padded_rows(matrix, *outputs, preset)))
            .collect::<Result<_, _>>()?;
        let mutual_params = [0.0, FLOOR].map(|floor| MutualParams {
            cells: sizes.cells() as u32,
            plane: sizes.plane as u32,
            row_stride: lattice.row_stride() as u32,
            b_rows: lattice.b[0] as u32,
            b_columns: lattice.b[1] as u32,
            epsilon: MUTUAL_EPSILON,
            floor,
        });
        let [first, second] = mutual_params.map(|params| filled_bytes(device, &slots(&[params])));
        let list = |count: usize| {
            device.buffer("hpflow.largest", (count * pairs * size_of::<f32>()) as u64, USAGE)
        };
        Ok(Self {
            sizes,
            pairs,
            places: places(device, weights, &sizes, pairs)?,
            coefficients,
            steps: Steps { device, preset, sizes: &sizes, steps: Vec::new() }.of(weights)?,
            mutual_params: [first?, second?],
            largest: [list(sizes.cells())?, list(sizes.plane)?, list(1)?],
        })
    }

    /// Whether the buffers hold `pairs` pairs.
    pub(super) fn enough_for(&self, pairs: usize) -> bool {
        self.pairs >= pairs
    }

    pub(super) fn place(&self, place: ConsensusPlace) -> &Buffer {
        &self.places[place as usize]
    }
}

/// The buffers of all [`ConsensusPlace`]s, in order.
fn places(
    device: &GpuDevice,
    weights: &ConsensusWeights,
    sizes: &Sizes,
    pairs: usize,
) -> Result<Vec<Buffer>, GpuError> {
    let correlation = (sizes.correlation_bytes() * pairs) as u64;
    let mut bytes = [correlation; PLACES];
    bytes[ConsensusPlace::Spectrum as usize] = sizes.scratch_bytes(1, pairs);
    let scratch = sizes.scratch_bytes(weights.widest(), pairs);
    bytes[ConsensusPlace::Scratch as usize] = scratch;
    bytes[ConsensusPlace::OtherScratch as usize] = scratch;
    let limit = device.limits.max_storage_buffer_binding_size;
    device.check_size(["matching the pair", "bytes in one buffer"], scratch, limit)?;
    bytes.iter().map(|&bytes| device.buffer("hpflow.consensus", bytes, USAGE)).collect()
}

/// A matrix with its rows padded to whole groups of outputs.
fn padded_rows(matrix: &[f32], outputs: usize, preset: &Preset) -> Vec<f32> {
    let padded = 4 * output_quads(outputs, preset);
    let mut rows = vec![0.0; matrix.len() / outputs * padded];
    for (from, to) in matrix.chunks_exact(outputs).zip(rows.chunks_exact_mut(padded)) {
        to[..outputs].copy_from_slice(from);
    }
    rows
}

/// vec4 in a padded row of a transform's coefficients.
fn output_quads(outputs: usize, preset: &Preset) -> usize {
    outputs.div_ceil(4).next_multiple_of(preset.transform_quads as usize)
}

fn filled(device: &GpuDevice, values: &[f32]) -> Result<Buffer, GpuError> {
    filled_bytes(device, bytemuck::cast_slice(values))
}

fn filled_bytes(device: &GpuDevice, bytes: &[u8]) -> Result<Buffer, GpuError> {
    let limit = device.limits.max_storage_buffer_binding_size;
    let needed = bytes.len() as u64;
    device.check_size(["a layer's weights", "bytes in one buffer"], needed, limit)?;
    let buffer = device.buffer("hpflow.consensus.constants", bytes.len() as u64, USAGE)?;
    device.queue.write_buffer(&buffer, 0, bytes);
    device.check()?;
    Ok(buffer)
}

/// The steps of a network as they are made.
struct Steps<'a> {
    device: &'a GpuDevice,
    preset: &'a Preset,
    sizes: &'a Sizes,
    steps: Vec<Step>,
}

/// A direction along an axis of A.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Along {
    AnalyseRows,
    AnalyseColumns,
    SynthesiseRows,
    SynthesiseColumns,
}

impl Steps<'_> {
    /// Both directions: the spectrum of the matched correlation serves both.
    fn of(mut self, weights: &ConsensusWeights) -> Result<Vec<Step>, GpuError> {
        let (one, other) = (ConsensusPlace::Scratch, ConsensusPlace::OtherScratch);
        self.transform(Along::AnalyseRows, 1, [ConsensusPlace::Matched, one], &[])?;
        self.transform(Along::AnalyseColumns, 1, [one, ConsensusPlace::Spectrum], &[])?;
        for (exchanged, result) in
            [(false, ConsensusPlace::Direct), (true, ConsensusPlace::Exchanged)]
        {
            let mut input = ConsensusPlace::Spectrum;
            let mut free = [one, other];
            for (index, layer) in weights.layers().iter().enumerate() {
                let [first, second] = free;
                let channels = layer.outputs;
                self.convolve(layer, exchanged, [input, first])?;
                self.transform(Along::SynthesiseColumns, channels, [first, second], &[])?;
                if index + 1 == weights.layers().len() {
                    let bias = &layer.bias;
                    self.transform(Along::SynthesiseRows, channels, [second, result], bias)?;
                } else {
                    self.transform(Along::SynthesiseRows, channels, [second, first], &layer.bias)?;
                    self.transform(Along::AnalyseRows, channels, [first, second], &[])?;
                    self.transform(Along::AnalyseColumns, channels, [second, first], &[])?;
                    (input, free) = (first, [second, first]);
                }
            }
        }
        Ok(self.steps)
    }

    /// Where a place's values begin, in f32.
    fn begin(&self, place: ConsensusPlace) -> usize {
        match place {
            ConsensusPlace::Spectrum | ConsensusPlace::Scratch | ConsensusPlace::OtherScratch => {
                self.sizes.lead
            }
            _ => 0,
        }
    }

    /// A transform of some channels; with `bias`, bias and ReLU follow.
    fn transform(
        &mut self,
        along: Along,
        channels: usize,
        [from, to]: [ConsensusPlace; 2],
        bias: &[f32],
    ) -> Result<(), GpuError> {
        let lattice = &self.sizes.lattice;
        let quads = self.sizes.plane / 4;
        let ([a_rows, a_columns], [rows, columns]) = (lattice.a, lattice.components());
        let line = a_columns * quads;
        // Which coefficients, lines, values along the axis before and after, vec4 between these.
        let (transform, lines, inputs, outputs, step) = match along {
            Along::AnalyseRows => (0, channels, a_rows, rows, line),
            Along::AnalyseColumns => (1, channels * rows, a_columns, columns, quads),
            Along::SynthesiseRows => (2, channels, rows, a_rows, line),
            Along::SynthesiseColumns => (3, channels * rows, columns, a_columns, quads),
        };
        let params = TransformParams {
            inputs: inputs as u32,
            outputs: outputs as u32,
            output_quads: output_quads(outputs, self.preset) as u32,
            columns: step as u32,
            values: (self.begin(from) / 4) as u32,
            values_pair: (lines * inputs * step) as u32,
            values_line: (inputs * step) as u32,
            values_step: step as u32,
            out: (self.begin(to) / 4) as u32,
            out_pair: (lines * outputs * step) as u32,
            out_line: (outputs * step) as u32,
            out_step: step as u32,
            rectify: u32::from(!bias.is_empty()),
            plane_quads: quads as u32,
            row_stride: lattice.row_stride() as u32,
            b_rows: lattice.b[0] as u32,
            b_columns: lattice.b[1] as u32,
        };
        let groups = params.output_quads / self.preset.transform_quads;
        self.steps.push(Step {
            from,
            to,
            workgroups: [(step as u32).div_ceil(self.preset.workgroup), lines as u32 * groups],
            responses: None,
            transform,
            bias: filled(self.device, bias)?,
            params: filled_bytes(self.device, &slots(&[params]))?,
        });
        Ok(())
    }

    /// The convolutions of a layer.
    fn convolve(
        &mut self,
        layer: &ConsensusLayer,
        exchanged: bool,
        [from, to]: [ConsensusPlace; 2],
    ) -> Result<(), GpuError> {
        let lattice = &self.sizes.lattice;
        let [rows, columns] = lattice.components();
        let output_quads = layer.outputs.div_ceil(4);
        let params = ConvolveParams {
            inputs: layer.inputs as u32,
            outputs: layer.outputs as u32,
            output_quads: output_quads as u32,
            kernel: layer.kernel as u32,
            rows: rows as u32,
            columns: columns as u32,
            plane: self.sizes.plane as u32,
            row_stride: lattice.row_stride() as u32,
            positions: lattice.positions() as u32,
            values: (self.begin(from) - lattice.margin()) as u32,
            first_tap: lattice.tap(layer.kernel, [0, 0]) as u32,
            out: self.begin(to) as u32,
        };
        let positions = self.preset.workgroup * self.preset.convolve_positions;
        let pairs = rows / 2 * (columns / 2);
        self.steps.push(Step {
            from,
            to,
            workgroups: [params.positions.div_ceil(positions), (pairs * output_quads) as u32],
            responses: Some(filled(self.device, &responses(layer, exchanged, lattice))?),
            transform: 0,
            bias: filled(self.device, &[])?,
            params: filled_bytes(self.device, &slots(&[params]))?,
        });
        Ok(())
    }
}

/// Responses in the order in which `convolve` reads them: pairs of harmonics × vec4 of outputs ×
/// inputs × taps × frequencies × real and imaginary × outputs of the vec4.
fn responses(layer: &ConsensusLayer, exchanged: bool, lattice: &Lattice) -> Vec<f32> {
    let steps = layer.inputs * layer.kernel * layer.kernel;
    let columns = lattice.harmonics[1];
    let pairs = lattice.harmonics[0] * columns;
    let pair_len = layer.outputs.div_ceil(4) * steps * 16;
    let mut packed = vec![0.0; pairs * pair_len];
    packed.par_chunks_exact_mut(pair_len).enumerate().for_each(|(pair, packed)| {
        let harmonics = [pair / columns, pair % columns];
        for (index, frequency) in [Frequency::Sum, Frequency::Difference].into_iter().enumerate() {
            let response = lattice.response(layer, exchanged, harmonics, frequency);
            for (at, parts) in response.into_iter().enumerate() {
                let (output, step) = (at / steps, at % steps);
                for (part, value) in parts.into_iter().enumerate() {
                    let quad = (output / 4 * steps + step) * 4 + index * 2 + part;
                    packed[quad * 4 + output % 4] = value as f32;
                }
            }
        }
    });
    packed
}
