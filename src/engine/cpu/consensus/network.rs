//! The network on the spectrum of a correlation, as in `shaders/consensus.wgsl` (the idea is in
//! [`crate::engine::consensus`]).
//!
//! Two layouts alternate, each in the order in which it is written. The transforms work on a block
//! of positions of one channel (*blocks*: channel × block × components × positions); the convolutions
//! on a pair of harmonics (*harmonics*: pair × four components × channel × positions). Between two
//! convolutions a block goes to cells, through bias and ReLU, and back to components without leaving
//! the cache.

use rayon::prelude::*;

use super::tables::{BLOCK, PRODUCTS, Responses, SpectralGrid, Transform};
use crate::engine::consensus::Correlation4d;
use crate::engine::consensus::lattice::Frequency;
use crate::engine::cpu::simd::{InstructionSet, Simd, SimdKernel};
use crate::engine::cpu::tile::{Multiply, Panel, ROW_MARGIN, Shifted};

/// Parts along one axis times parts along the other: RR, RI, IR, II.
const PARTS: usize = 4;

/// A spectrum as the transforms leave it: channel × block × components (and room for the rows that
/// tiles compute beyond the last) × positions of the block. Kept from pair to pair, because fresh
/// memory costs as much as the work on it.
#[derive(Default)]
pub(super) struct SpectrumBlocks(Vec<f32>);

/// A spectrum as a convolution leaves it: pair of harmonics × [`PARTS`] × channel × positions. Kept
/// like [`SpectrumBlocks`].
#[derive(Default)]
pub(super) struct Harmonics(Vec<f32>);

/// The network on one grid.
#[derive(Clone, Copy)]
pub(super) struct SpectralNetwork<'a> {
    /// What it runs on.
    pub instructions: InstructionSet,
    /// Sizes and transforms.
    pub grid: &'a SpectralGrid,
}

impl SpectralNetwork<'_> {
    /// The spectrum of some channels of correlations, all of the grid's size.
    pub(super) fn analyse(self, channels: &[Correlation4d], to: &mut SpectrumBlocks) {
        let grid = self.grid;
        let len = grid.block_len();
        to.0.resize(channels.len() * grid.blocks() * len, 0.0);
        let work = |scratch: &mut BlockScratch, (index, out): (usize, &mut [f32])| {
            let channel = &channels[index / grid.blocks()];
            cut_block(grid, channel, index % grid.blocks(), &mut scratch.cells);
            let BlockScratch { cells, middle, .. } = scratch;
            self.instructions.run(Analyse { grid, cells, middle, out });
        };
        let scratch = || BlockScratch::new(grid);
        to.0.par_chunks_exact_mut(len).enumerate().for_each_init(scratch, work);
    }

    /// A layer without its bias: the 2D convolution over B of every frequency.
    pub(super) fn convolve(self, input: &SpectrumBlocks, layer: &Responses, to: &mut Harmonics) {
        let grid = self.grid;
        let pairs = grid.components() / PARTS;
        let len = PARTS * layer.outputs * grid.padded;
        to.0.resize(pairs * len, 0.0);
        let work = |scratch: &mut ConvolutionScratch, (pair, out): (usize, &mut [f32])| {
            self.instructions.run(Convolve { grid, layer, input: &input.0, pair, scratch, out });
        };
        let scratch = || ConvolutionScratch::new(grid, layer);
        to.0.par_chunks_exact_mut(len).enumerate().for_each_init(scratch, work);
    }

    /// Back to cells, bias and ReLU, and to components again.
    pub(super) fn rectify(self, input: &Harmonics, bias: &[f32], to: &mut SpectrumBlocks) {
        let grid = self.grid;
        let len = grid.block_len();
        to.0.resize(bias.len() * grid.blocks() * len, 0.0);
        let work = |scratch: &mut BlockScratch, (index, out): (usize, &mut [f32])| {
            let (channel, block) = (index / grid.blocks(), index % grid.blocks());
            self.cells(input, bias, [channel, block], scratch);
            let BlockScratch { cells, middle, .. } = scratch;
            self.instructions.run(Analyse { grid, cells, middle, out });
        };
        let scratch = || BlockScratch::new(grid);
        to.0.par_chunks_exact_mut(len).enumerate().for_each_init(scratch, work);
    }

    /// Back to cells, with bias and ReLU: one correlation a channel.
    pub(super) fn synthesise(self, input: &Harmonics, bias: &[f32]) -> Vec<Correlation4d> {
        let grid = self.grid;
        let lattice = &grid.lattice;
        let each = |channel: usize| {
            let len = lattice.a[0] * lattice.a[1] * BLOCK;
            let mut blocks = vec![0.0; grid.blocks() * len];
            let work = |scratch: &mut BlockScratch, (block, out): (usize, &mut [f32])| {
                self.cells(input, bias, [channel, block], scratch);
                out.copy_from_slice(&scratch.cells[..len]);
            };
            let scratch = || BlockScratch::new(grid);
            blocks.par_chunks_exact_mut(len).enumerate().for_each_init(scratch, work);
            join_blocks(grid, &blocks)
        };
        (0..bias.len()).map(each).collect()
    }

    /// One block of cells of one channel, into the scratch.
    fn cells(
        self,
        input: &Harmonics,
        bias: &[f32],
        [channel, block]: [usize; 2],
        scratch: &mut BlockScratch,
    ) {
        let grid = self.grid;
        let BlockScratch { components, middle, cells } = scratch;
        let [_, columns] = grid.lattice.components();
        let harmonics = grid.lattice.harmonics[1];
        let planes = input.0.chunks_exact(bias.len() * grid.padded);
        for (plane, from) in planes.enumerate() {
            let (pair, part) = (plane / PARTS, plane % PARTS);
            let row = 2 * (pair / harmonics) + part / 2;
            let column = 2 * (pair % harmonics) + part % 2;
            let from = &from[channel * grid.padded + block * BLOCK..][..BLOCK];
            components[(row * columns + column) * BLOCK..][..BLOCK].copy_from_slice(from);
        }
        let (bias, mask) = (bias[channel], &grid.mask[block * BLOCK..][..BLOCK]);
        self.instructions.run(Synthesise { grid, components, middle, cells, bias, mask });
    }
}

/// Buffers for one block.
struct BlockScratch {
    /// Components along A's rows × along A's columns × positions.
    components: Vec<f32>,
    /// Components along A's rows × A's columns × positions.
    middle: Vec<f32>,
    /// A's rows × A's columns × positions.
    cells: Vec<f32>,
}

impl BlockScratch {
    /// Buffers with room for the rows that tiles compute beyond the last.
    fn new(grid: &SpectralGrid) -> Self {
        let [rows, columns] = grid.lattice.a;
        let [component_rows, component_columns] = grid.lattice.components();
        let lines = |count: usize, line: usize| vec![0.0; (count + ROW_MARGIN) * line * BLOCK];
        Self {
            components: lines(component_rows, component_columns),
            middle: lines(component_rows, columns),
            cells: lines(rows, columns),
        }
    }
}

/// Copies a block of positions out of a correlation: A's cells × positions, zeros between rows of B.
fn cut_block(grid: &SpectralGrid, correlation: &Correlation4d, block: usize, to: &mut [f32]) {
    let first = block * BLOCK;
    let (stride, columns) = (grid.lattice.row_stride(), grid.lattice.b[1]);
    let rows = correlation.data.chunks_exact(correlation.cells_b());
    for (from, to) in rows.zip(to.chunks_exact_mut(BLOCK)) {
        for (position, to) in (first..).zip(to) {
            let (row, column) = (position / stride, position % stride);
            let inside = column < columns && row < grid.lattice.b[0];
            *to = if inside { from[row * columns + column] } else { 0.0 };
        }
    }
}

/// Puts blocks of positions together: the reverse of [`cut_block`].
fn join_blocks(grid: &SpectralGrid, blocks: &[f32]) -> Correlation4d {
    let lattice = &grid.lattice;
    let mut correlation = Correlation4d::zeros(lattice.a, lattice.b);
    let (stride, columns) = (lattice.row_stride(), lattice.b[1]);
    let cells = lattice.a[0] * lattice.a[1];
    let cells_b = correlation.cells_b();
    for (cell, to) in correlation.data.chunks_exact_mut(cells_b).enumerate() {
        for (row, to) in to.chunks_exact_mut(columns).enumerate() {
            for (position, to) in (row * stride..).zip(to) {
                let block = position / BLOCK;
                *to = blocks[(block * cells + cell) * BLOCK + position % BLOCK];
            }
        }
    }
    correlation
}

/// From a block of cells to its components.
struct Analyse<'a> {
    grid: &'a SpectralGrid,
    cells: &'a [f32],
    middle: &'a mut [f32],
    out: &'a mut [f32],
}

impl SimdKernel for Analyse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let [rows, columns] = self.grid.lattice.a;
        let [along_rows, along_columns] = &self.grid.analysis;
        let line = columns * BLOCK;
        transform(simd, along_rows, &self.cells[..rows * line], line, self.middle);
        let out_line = along_columns.outputs * BLOCK;
        for row in 0..along_rows.outputs {
            let from = &self.middle[row * line..][..line];
            transform(simd, along_columns, from, BLOCK, &mut self.out[row * out_line..]);
        }
    }
}

/// From a block of components to its cells, with bias, ReLU and zeros between rows of B.
struct Synthesise<'a> {
    grid: &'a SpectralGrid,
    components: &'a [f32],
    middle: &'a mut [f32],
    cells: &'a mut [f32],
    bias: f32,
    mask: &'a [f32],
}

impl SimdKernel for Synthesise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let [rows, columns] = self.grid.lattice.components();
        let [along_rows, along_columns] = &self.grid.synthesis;
        let (line, out_line) = (columns * BLOCK, along_columns.outputs * BLOCK);
        for row in 0..rows {
            let from = &self.components[row * line..][..line];
            transform(simd, along_columns, from, BLOCK, &mut self.middle[row * out_line..]);
        }
        transform(simd, along_rows, &self.middle[..rows * out_line], out_line, self.cells);
        for cells in self.cells[..along_rows.outputs * out_line].chunks_exact_mut(BLOCK) {
            for (cell, &mask) in cells.iter_mut().zip(self.mask) {
                let value = *cell + self.bias;
                *cell = if value > 0.0 { value } else { 0.0 } * mask;
            }
        }
    }
}

/// Transforms along the first axis of `from`, whose rows have `line` values. The rows that tiles
/// compute beyond the last are left as products with zeros.
#[inline(always)]
fn transform<S: Simd>(simd: S, transform: &Transform, from: &[f32], line: usize, out: &mut [f32]) {
    let rows = transform.outputs;
    out[..rows * line].fill(0.0);
    simd.call(Multiply {
        source: Panel { data: &transform.panel, stride: transform.stride },
        rows,
        target: Panel { data: from, stride: line },
        columns: line,
        out,
        out_stride: line,
        overwrite: false,
    });
}

/// Buffers for one pair of harmonics.
struct ConvolutionScratch {
    /// Frequencies × factors of [`PRODUCTS`] × inputs × positions with a margin of zeros at both ends.
    values: Vec<f32>,
    /// Frequencies × products × rows that tiles compute × positions.
    products: Vec<f32>,
}

impl ConvolutionScratch {
    fn new(grid: &SpectralGrid, layer: &Responses) -> Self {
        let line = grid.padded + 2 * grid.lattice.margin();
        Self {
            values: vec![0.0; 2 * PRODUCTS * layer.inputs * line],
            products: vec![0.0; 2 * PRODUCTS * layer.stride * grid.padded],
        }
    }
}

/// The convolutions at the two frequencies of a pair of harmonics.
struct Convolve<'a> {
    grid: &'a SpectralGrid,
    layer: &'a Responses,
    input: &'a [f32],
    pair: usize,
    scratch: &'a mut ConvolutionScratch,
    out: &'a mut [f32],
}

impl SimdKernel for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        // Without one of the harmonics the second frequency is the first, or its conjugate.
        let [rows, columns] = [self.pair / self.columns(), self.pair % self.columns()];
        let frequencies: &[Frequency] = match rows == 0 || columns == 0 {
            true => &[Frequency::Sum],
            false => &[Frequency::Sum, Frequency::Difference],
        };
        self.gather();
        self.scratch.products.fill(0.0);
        for &frequency in frequencies {
            self.multiply(simd, frequency);
        }
        match frequencies.len() {
            1 => self.put_one(rows == 0),
            _ => self.put_two(),
        }
    }
}

impl Convolve<'_> {
    fn columns(&self) -> usize {
        self.grid.lattice.harmonics[1]
    }

    /// Takes the four components of every channel apart into two frequencies, each as the factors of
    /// three products: real plus imaginary, real, imaginary.
    #[inline(always)]
    fn gather(&mut self) {
        let grid = self.grid;
        let [row, column] = [self.pair / self.columns(), self.pair % self.columns()];
        let line = grid.lattice.components()[1] * BLOCK;
        let at = 2 * row * line + 2 * column * BLOCK;
        let margin = grid.lattice.margin();
        let stride = grid.padded + 2 * margin;
        let plane = self.layer.inputs * stride;
        let blocks = self.input.chunks_exact(grid.block_len());
        for (index, block) in blocks.enumerate() {
            let (channel, first) = (index / grid.blocks(), index % grid.blocks() * BLOCK);
            let upper = &block[at..][..2 * BLOCK];
            let lower = &block[at + line..][..2 * BLOCK];
            let to = channel * stride + margin + first;
            for position in 0..BLOCK {
                let (rr, ri) = (upper[position], upper[BLOCK + position]);
                let (ir, ii) = (lower[position], lower[BLOCK + position]);
                let values = [[rr - ii, ri + ir], [rr + ii, ir - ri]];
                for (frequency, [real, imaginary]) in values.into_iter().enumerate() {
                    let factors = [real + imaginary, real, imaginary];
                    for (product, factor) in factors.into_iter().enumerate() {
                        let at = (frequency * PRODUCTS + product) * plane + to;
                        self.scratch.values[at + position] = factor;
                    }
                }
            }
        }
    }

    /// The three real products of a frequency.
    #[inline(always)]
    fn multiply<S: Simd>(&mut self, simd: S, frequency: Frequency) {
        let (grid, layer) = (self.grid, self.layer);
        let stride = grid.padded + 2 * grid.lattice.margin();
        let mut starts = Vec::with_capacity(layer.inputs * layer.taps.len());
        for input in 0..layer.inputs {
            for &tap in &layer.taps {
                starts.push(input * stride + tap);
            }
        }
        for product in 0..PRODUCTS {
            let index = usize::from(frequency == Frequency::Difference) * PRODUCTS + product;
            let len = layer.inputs * stride;
            let out = layer.stride * grid.padded;
            simd.call(Multiply {
                source: Panel {
                    data: layer.plane(self.pair, frequency, product),
                    stride: layer.stride,
                },
                rows: layer.outputs,
                target: Shifted {
                    data: &self.scratch.values[index * len..][..len],
                    starts: &starts,
                },
                columns: grid.padded,
                out: &mut self.scratch.products[index * out..][..out],
                out_stride: grid.padded,
                overwrite: false,
            });
        }
    }

    /// Puts both frequencies back together as four components.
    #[inline(always)]
    fn put_two(&mut self) {
        let len = self.layer.outputs * self.grid.padded;
        let plane = self.layer.stride * self.grid.padded;
        let products = &self.scratch.products;
        let product = |index: usize| &products[index * plane..][..len];
        let (sums, reals, imaginaries) = (product(0), product(1), product(2));
        let (sums_2, reals_2, imaginaries_2) = (product(3), product(4), product(5));
        let (rr, rest) = self.out.split_at_mut(len);
        let (ri, rest) = rest.split_at_mut(len);
        let (ir, ii) = rest.split_at_mut(len);
        for at in 0..len {
            let [real, imaginary] = [sums[at] - imaginaries[at], sums[at] + reals[at]];
            let [real_2, imaginary_2] = [sums_2[at] - imaginaries_2[at], sums_2[at] + reals_2[at]];
            rr[at] = (real + real_2) * 0.5;
            ri[at] = (imaginary - imaginary_2) * 0.5;
            ir[at] = (imaginary + imaginary_2) * 0.5;
            ii[at] = (real_2 - real) * 0.5;
        }
    }

    /// Puts the one frequency back where one of the harmonics is 0: of the rows, or else of the
    /// columns.
    #[inline(always)]
    fn put_one(&mut self, of_rows: bool) {
        let len = self.layer.outputs * self.grid.padded;
        let plane = self.layer.stride * self.grid.padded;
        let products = &self.scratch.products;
        let (sums, reals) = (&products[..len], &products[plane..][..len]);
        let imaginaries = &products[2 * plane..][..len];
        let (rr, rest) = self.out.split_at_mut(len);
        let (ri, rest) = rest.split_at_mut(len);
        let (ir, ii) = rest.split_at_mut(len);
        let (imaginary, nothing) = if of_rows { (ri, ir) } else { (ir, ri) };
        nothing.fill(0.0);
        for at in 0..len {
            rr[at] = sums[at] - imaginaries[at];
            imaginary[at] = sums[at] + reals[at];
        }
        ii.fill(0.0);
    }
}
