//! What the network needs apart from a correlation, made once per model and size: transforms, and the
//! kernels' responses in the layout of the register tile.

use rayon::prelude::*;

use crate::engine::consensus::lattice::{Frequency, Lattice};
use crate::engine::consensus::{ConsensusLayer, ConsensusWeights};
use crate::engine::cpu::simd::InstructionSet;
use crate::engine::cpu::tile::{ROW_MARGIN, WIDEST_COLUMNS, computed_rows, padded};

/// Positions over B that are transformed together: what belongs to them stays in the cache.
pub(super) const BLOCK: usize = 80;

const _: () = assert!(BLOCK.is_multiple_of(WIDEST_COLUMNS), "a block fills the widest tiles");

/// A transform of an axis as a source panel: each row padded with [`ROW_MARGIN`] zeros.
pub(super) struct Transform {
    /// Values that it gives.
    pub outputs: usize,
    /// Values from one row to the next.
    pub stride: usize,
    /// Inputs × stride.
    pub panel: Vec<f32>,
}

impl Transform {
    fn new(matrix: &[f32], outputs: usize) -> Self {
        let stride = outputs + ROW_MARGIN;
        let mut panel = vec![0.0; matrix.len() / outputs * stride];
        for (from, to) in matrix.chunks_exact(outputs).zip(panel.chunks_exact_mut(stride)) {
            to[..outputs].copy_from_slice(from);
        }
        Self { outputs, stride, panel }
    }
}

/// Sizes and transforms that all layers share.
pub(super) struct SpectralGrid {
    /// Sizes.
    pub lattice: Lattice,
    /// Positions over B padded to whole blocks.
    pub padded: usize,
    /// From cells to components, along A's rows and columns.
    pub analysis: [Transform; 2],
    /// From components to cells, along A's rows and columns.
    pub synthesis: [Transform; 2],
    /// 1 at positions that are cells of B, 0 between.
    pub mask: Vec<f32>,
}

impl SpectralGrid {
    /// The grid of a lattice.
    pub(super) fn new(lattice: Lattice) -> Self {
        let components = lattice.components();
        let padded = padded(lattice.positions(), BLOCK);
        let mut mask = vec![0.0; padded];
        for row in mask.chunks_mut(lattice.row_stride()).take(lattice.b[0]) {
            row[..lattice.b[1]].fill(1.0);
        }
        Self {
            lattice,
            padded,
            analysis: [0, 1].map(|axis| Transform::new(&lattice.analysis(axis), components[axis])),
            synthesis: [0, 1].map(|axis| Transform::new(&lattice.synthesis(axis), lattice.a[axis])),
            mask,
        }
    }

    /// Number of blocks.
    pub(super) fn blocks(&self) -> usize {
        self.padded / BLOCK
    }

    /// Values of all components of one position.
    pub(super) fn components(&self) -> usize {
        let [rows, columns] = self.lattice.components();
        rows * columns
    }

    /// Values of all components of a block, with room for the rows that tiles compute beyond the last.
    pub(super) fn block_len(&self) -> usize {
        (self.components() + ROW_MARGIN) * BLOCK
    }
}

/// One layer of one direction, in frequencies.
pub(super) struct Responses {
    /// Channels that it takes.
    pub inputs: usize,
    /// Channels that it gives.
    pub outputs: usize,
    /// Those with the rows that tiles compute beyond them.
    pub stride: usize,
    /// Where each tap of the first channel reads, from the margin before a position on.
    pub taps: Vec<usize>,
    /// Pairs of harmonics × frequencies × the factors of three products (real part, imaginary less
    /// real, real plus imaginary) × inputs and taps × stride.
    planes: Vec<f32>,
    /// One value an output.
    pub bias: Vec<f32>,
}

/// Real products that make a complex one.
pub(super) const PRODUCTS: usize = 3;

impl Responses {
    fn new(
        layer: &ConsensusLayer,
        exchanged: bool,
        lattice: &Lattice,
        instructions: InstructionSet,
    ) -> Self {
        let (inputs, outputs, k) = (layer.inputs, layer.outputs, layer.kernel);
        let stride = computed_rows(instructions, outputs);
        let steps = inputs * k * k;
        let [rows, columns] = lattice.harmonics;
        let mut planes = vec![0.0; rows * columns * 2 * PRODUCTS * steps * stride];
        planes.par_chunks_exact_mut(2 * PRODUCTS * steps * stride).enumerate().for_each(
            |(index, planes)| {
                let harmonics = [index / columns, index % columns];
                let frequencies = [Frequency::Sum, Frequency::Difference];
                let planes = planes.chunks_exact_mut(PRODUCTS * steps * stride);
                for (frequency, planes) in frequencies.into_iter().zip(planes) {
                    let response = lattice.response(layer, exchanged, harmonics, frequency);
                    for (at, [real, imaginary]) in response.into_iter().enumerate() {
                        let factors = [real, imaginary - real, real + imaginary];
                        for (product, factor) in factors.into_iter().enumerate() {
                            let step = product * steps + at % steps;
                            planes[step * stride + at / steps] = factor as f32;
                        }
                    }
                }
            },
        );
        let taps = (0..k * k).map(|tap| lattice.tap(k, [tap / k, tap % k])).collect();
        Self { inputs, outputs, stride, taps, planes, bias: layer.bias.clone() }
    }

    /// The factors of one product at one of the frequencies of a pair of harmonics (row-major).
    pub(super) fn plane(&self, pair: usize, frequency: Frequency, product: usize) -> &[f32] {
        let len = self.inputs * self.taps.len() * self.stride;
        let frequency = usize::from(frequency == Frequency::Difference);
        &self.planes[((pair * 2 + frequency) * PRODUCTS + product) * len..][..len]
    }
}

/// Everything for one size of correlation.
pub(super) struct Tables {
    /// What all layers share.
    pub grid: SpectralGrid,
    /// The layers of N, and of T N T.
    pub directions: [Vec<Responses>; 2],
}

impl Tables {
    /// The tables of a network for a lattice.
    pub(super) fn new(
        weights: &ConsensusWeights,
        lattice: Lattice,
        instructions: InstructionSet,
    ) -> Self {
        let layers = |exchanged| {
            let layers = weights.layers().iter();
            layers.map(|layer| Responses::new(layer, exchanged, &lattice, instructions)).collect()
        };
        Self { directions: [layers(false), layers(true)], grid: SpectralGrid::new(lattice) }
    }
}

/// Grid and responses of one layer alone.
pub(super) fn of_layer(
    layer: &ConsensusLayer,
    lattice: Lattice,
    instructions: InstructionSet,
) -> (SpectralGrid, Responses) {
    (SpectralGrid::new(lattice), Responses::new(layer, false, &lattice, instructions))
}
