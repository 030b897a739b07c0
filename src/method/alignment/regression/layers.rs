//! What the regression networks are made of.

use crate::engine::cpu::{Convolution, InstructionSet};
use crate::method::alignment::correlation::{Correlation, rectified};
use crate::method::learned::ParameterValues;

/// Rows and columns of the correlation that the networks are made for.
pub const CELLS: usize = 15;

/// What batch normalisation adds to the variance (PyTorch).
const EPSILON: f32 = 1e-5;

/// A network that reads a transformation off a correlation.
pub trait Regression: Send + Sync {
    /// The numbers of the transformation.
    fn theta(&self, instructions: InstructionSet, correlation: &Correlation) -> Vec<f32>;
}

/// A convolution with its bias, batch normalisation and ReLU.
pub(crate) struct ConvolutionBlock {
    convolution: Convolution,
    bias: Vec<f32>,
    /// Weight, bias, running mean, running variance of each channel.
    normalisation: [Vec<f32>; 4],
}

impl ConvolutionBlock {
    /// The convolution called `convolution` and the normalisation after it.
    pub(super) fn new(
        values: &ParameterValues,
        convolution: &str,
        normalisation: &str,
        size: [usize; 3],
    ) -> Self {
        let part = |part: &str| values[&format!("{normalisation}.{part}")].clone();
        Self {
            convolution: Convolution::new(&values[&format!("{convolution}.weight")], size),
            bias: values[&format!("{convolution}.bias")].clone(),
            normalisation: [
                part("weight"),
                part("bias"),
                part("running_mean"),
                part("running_var"),
            ],
        }
    }

    /// Channels × rows × columns in and out.
    pub(super) fn apply(
        &self,
        instructions: InstructionSet,
        map: &[f32],
        size: [usize; 3],
    ) -> Vec<f32> {
        let mut out = self.convolution.apply(instructions, map, size);
        let cells = out.len() / self.bias.len();
        let [weight, shift, mean, variance] = &self.normalisation;
        for (channel, values) in out.chunks_exact_mut(cells).enumerate() {
            let scale = weight[channel] / (variance[channel] + EPSILON).sqrt();
            let offset = self.bias[channel] - mean[channel];
            for value in values {
                *value = rectified((*value + offset) * scale + shift[channel]);
            }
        }
        out
    }
}

/// A fully connected layer: `weight` is outputs × inputs.
pub(super) struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    pub(super) fn new(values: &ParameterValues) -> Self {
        Self { weight: values["linear.weight"].clone(), bias: values["linear.bias"].clone() }
    }

    pub(super) fn apply(&self, input: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(input.len()).zip(&self.bias);
        // In f64: the numbers decide where every keypoint goes.
        let dot = |row: &[f32]| -> f64 {
            row.iter().zip(input).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        rows.map(|(row, bias)| (dot(row) + f64::from(*bias)) as f32).collect()
    }
}
