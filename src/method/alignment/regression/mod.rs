//! The networks that read a transformation off a correlation: one of CNNGeo and WeakAlign, one of
//! A2Net.

use super::correlation::{Correlation, rectified};
use crate::backbone::networks::{self, GeometricModel, Parameter};
use crate::engine::cpu::{Convolution, InstructionSet};

pub mod a2net;
pub mod cnngeo;

pub use crate::method::learned::Values;

/// Rows and columns of the correlation that the networks are made for.
pub const CELLS: usize = 15;

/// What batch normalisation adds to the variance (PyTorch).
const EPSILON: f32 = 1e-5;

/// A network that reads a transformation off a correlation.
pub trait Regression: Send + Sync {
    /// The numbers of the transformation.
    fn theta(&self, instructions: InstructionSet, correlation: &Correlation) -> Vec<f32>;
}

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegressionKind {
    /// CNNGeo's, which is WeakAlign's.
    CnnGeo,
    /// A2Net's.
    A2Net,
}

impl RegressionKind {
    /// Its parameters with their names after `FeatureRegression.`.
    #[must_use]
    pub fn parameters(self, geometry: GeometricModel) -> Vec<Parameter> {
        match self {
            Self::CnnGeo => networks::regression(geometry.parameters()),
            Self::A2Net => networks::attention(geometry.parameters()),
        }
    }

    /// The network of these parameters.
    #[must_use]
    pub fn build(self, values: &Values) -> Box<dyn Regression> {
        match self {
            Self::CnnGeo => Box::new(cnngeo::CnnGeo::new(values)),
            Self::A2Net => Box::new(a2net::A2Net::new(values)),
        }
    }
}

/// A convolution with its bias, batch normalisation and ReLU.
pub(crate) struct Unit {
    convolution: Convolution,
    bias: Vec<f32>,
    /// Weight, bias, running mean, running variance of each channel.
    normalisation: [Vec<f32>; 4],
}

impl Unit {
    /// The convolution called `convolution` and the normalisation after it.
    fn new(values: &Values, convolution: &str, normalisation: &str, size: [usize; 3]) -> Self {
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
    fn apply(&self, instructions: InstructionSet, map: &[f32], size: [usize; 3]) -> Vec<f32> {
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
struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    fn new(values: &Values) -> Self {
        Self { weight: values["linear.weight"].clone(), bias: values["linear.bias"].clone() }
    }

    fn apply(&self, input: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(input.len()).zip(&self.bias);
        // In f64: the numbers decide where every keypoint goes.
        let dot = |row: &[f32]| -> f64 {
            row.iter().zip(input).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        rows.map(|(row, bias)| (dot(row) + f64::from(*bias)) as f32).collect()
    }
}
