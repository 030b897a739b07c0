//! Convolutions of small maps on the processor: windows unrolled into a panel, and one product.

use super::simd::{InstructionSet, LANES, Simd, SimdKernel};
use super::tile::{Multiply, Panel, ROW_MARGIN, padded};

/// Values of a window that are summed in one chain before they are added to the result, as in
/// `correlate`.
const BLOCK: usize = 64;

/// The sizes of a map: channels, rows, columns.
pub(super) type MapSize = [usize; 3];

/// A convolution of stride 1 without padding, with its weights in the order of the product.
#[derive(Debug, Clone)]
pub(crate) struct Convolution {
    /// Channels out.
    outputs: usize,
    /// Channels in.
    inputs: usize,
    /// Side of the square kernel.
    side: usize,
    /// (inputs · side · side) × (outputs + margin): the transposed weights.
    panel: Vec<f32>,
}

impl Convolution {
    /// A convolution from weights of outputs × inputs × side × side, row-major.
    #[must_use]
    pub(crate) fn new(weight: &[f32], [outputs, inputs, side]: MapSize) -> Self {
        let depth = inputs * side * side;
        let stride = outputs + ROW_MARGIN;
        let mut panel = vec![0.0; depth * stride];
        for (output, weights) in weight.chunks_exact(depth).take(outputs).enumerate() {
            for (at, &value) in weights.iter().enumerate() {
                panel[at * stride + output] = value;
            }
        }
        Self { outputs, inputs, side, panel }
    }

    /// Rows and columns of what comes out of a map of these.
    #[must_use]
    pub(crate) fn output_size(&self, [_, rows, columns]: MapSize) -> MapSize {
        [self.outputs, rows + 1 - self.side, columns + 1 - self.side]
    }

    /// Applies it to a map, channels × rows × columns row-major, without bias: cross-correlation, the
    /// kernel is not turned. Every sum has one order.
    #[must_use]
    pub(crate) fn apply(
        &self,
        instructions: InstructionSet,
        map: &[f32],
        size: MapSize,
    ) -> Vec<f32> {
        debug_assert_eq!(size[0], self.inputs, "channels");
        let output = self.output_size(size);
        let product = instructions.run(Apply { convolution: self, map, size, output });
        let cells = output[1] * output[2];
        let stride = padded(cells, LANES);
        product.chunks_exact(stride).flat_map(|row| &row[..cells]).copied().collect()
    }

    /// Which channel and shift of the input the `at`-th value of a window is.
    fn place(&self, at: usize) -> [usize; 3] {
        let (area, side) = (self.side * self.side, self.side);
        [at / area, at % area / side, at % side]
    }
}

struct Apply<'a> {
    convolution: &'a Convolution,
    map: &'a [f32],
    size: MapSize,
    output: MapSize,
}

impl SimdKernel for Apply<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { convolution, map, size: [_, rows, columns], output: [outputs, high, wide] } =
            self;
        let depth = convolution.inputs * convolution.side * convolution.side;
        let stride = padded(high * wide, LANES);
        let source_stride = outputs + ROW_MARGIN;
        let mut product = vec![0.0; (outputs + ROW_MARGIN) * stride];
        let mut block = vec![0.0; BLOCK * stride];
        for first in (0..depth).step_by(BLOCK) {
            let count = BLOCK.min(depth - first);
            for (at, unrolled) in block.chunks_exact_mut(stride).take(count).enumerate() {
                let [channel, down, right] = convolution.place(first + at);
                for (row, to) in unrolled.chunks_exact_mut(wide).take(high).enumerate() {
                    let from = (channel * rows + row + down) * columns + right;
                    to.copy_from_slice(&map[from..from + wide]);
                }
            }
            let source = &convolution.panel[first * source_stride..(first + count) * source_stride];
            simd.call(Multiply {
                source: Panel { data: source, stride: source_stride },
                rows: outputs,
                target: Panel { data: &block[..count * stride], stride },
                columns: stride,
                out: &mut product,
                out_stride: stride,
                overwrite: false,
            });
        }
        product.truncate(outputs * stride);
        product
    }
}

/// `out[i][j] = Σ_k left[k][i] · right[k][j]` of two row-major matrices of `depth` rows: the
/// correlation of two maps whose rows are channels. Rows × columns, row-major.
#[must_use]
pub(crate) fn product(
    instructions: InstructionSet,
    left: &[f32],
    right: &[f32],
    depth: usize,
) -> Vec<f32> {
    let (rows, columns) = (left.len() / depth.max(1), right.len() / depth.max(1));
    let transposed: Vec<f32> =
        (0..rows).flat_map(|row| (0..depth).map(move |k| left[k * rows + row])).collect();
    let convolution = Convolution::new(&transposed, [rows, depth, 1]);
    convolution.apply(instructions, right, [depth, 1, columns])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, in f64.
    fn plainly(weight: &[f32], kernel: MapSize, map: &[f32], size: MapSize) -> Vec<f64> {
        let [outputs, inputs, side] = kernel;
        let [_, rows, columns] = size;
        let mut out = Vec::new();
        for output in 0..outputs {
            for row in 0..=rows - side {
                for column in 0..=columns - side {
                    let mut sum = 0.0;
                    for input in 0..inputs {
                        for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
                            let factor = weight[((output * inputs + input) * side + y) * side + x];
                            let value = map[(input * rows + row + y) * columns + column + x];
                            sum += f64::from(factor) * f64::from(value);
                        }
                    }
                    out.push(sum);
                }
            }
        }
        out
    }

    fn values(count: usize, seed: u32) -> Vec<f32> {
        (0..count as u32)
            .map(|at| {
                let hash = (at + seed).wrapping_mul(2_654_435_761).rotate_left(13);
                (hash % 1000) as f32 / 500.0 - 1.0
            })
            .collect()
    }

    proptest! {
        #[test]
        fn convolutions_are_their_definition_on_every_instruction_set(
            outputs in 1_usize..20,
            inputs in 1_usize..9,
            side in 1_usize..5,
            more in [0_usize..6, 0..6],
        ) {
            let (kernel, size) = ([outputs, inputs, side], [inputs, side + more[0], side + more[1]]);
            let weight = values(outputs * inputs * side * side, 7);
            let map = values(size.iter().product(), 99);
            let expected = plainly(&weight, kernel, &map, size);
            for instructions in InstructionSet::available() {
                let found = Convolution::new(&weight, kernel).apply(instructions, &map, size);
                prop_assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    prop_assert!((f64::from(*found) - expected).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn a_product_sums_over_rows_of_both() {
        // Two channels: 3 cells on the left, 2 on the right.
        let (left, right) = ([1.0, 2.0, 3.0, 10.0, 20.0, 30.0], [1.0, 2.0, 0.0, 1.0]);
        let found = product(InstructionSet::Plain, &left, &right, 2);
        assert_eq!(found, [1.0, 12.0, 2.0, 24.0, 3.0, 36.0]);
    }
}
