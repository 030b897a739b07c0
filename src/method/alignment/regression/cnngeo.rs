//! The regression network of CNNGeo (Rocco et al., CVPR 2017, section 3.3) and WeakAlign (Rocco et
//! al., CVPR 2018), whose published code computes the same.

use super::layers::{CELLS, ConvolutionBlock, Linear, Regression};
use crate::engine::cpu::InstructionSet;
use crate::method::alignment::correlation::Correlation;
use crate::method::learned::ParameterValues;

/// Outputs, inputs and kernel side of both convolutions.
const FIRST: [usize; 3] = [128, CELLS * CELLS, 7];
const SECOND: [usize; 3] = [64, 128, 5];

/// Rows and columns after the first convolution.
const AFTER_FIRST: usize = CELLS + 1 - FIRST[2];

/// Two convolutions and a fully connected layer. Its output is the transformation itself: no
/// identity is added.
pub struct CnnGeo {
    first: ConvolutionBlock,
    second: ConvolutionBlock,
    linear: Linear,
}

/// What the network computes on the way, for tests against golden values.
pub struct CnnGeoActivations {
    /// After the first convolution: 128 × 9 × 9.
    pub first: Vec<f32>,
    /// After the second convolution: 64 × 5 × 5.
    pub second: Vec<f32>,
    /// The numbers of the transformation.
    pub theta: Vec<f32>,
}

impl CnnGeo {
    /// The network of these parameters, which are those of [`super::RegressionKind::parameters`].
    #[must_use]
    pub fn new(values: &ParameterValues) -> Self {
        Self {
            first: ConvolutionBlock::new(values, "conv.0", "conv.1", FIRST),
            second: ConvolutionBlock::new(values, "conv.3", "conv.4", SECOND),
            linear: Linear::new(values),
        }
    }

    /// Runs the network on a correlation of 15 × 15 cells and keeps what is on the way.
    #[must_use]
    pub fn examine(
        &self,
        instructions: InstructionSet,
        correlation: &Correlation,
    ) -> CnnGeoActivations {
        let first = self.first.apply(instructions, &correlation.data, [FIRST[1], CELLS, CELLS]);
        let size = [SECOND[1], AFTER_FIRST, AFTER_FIRST];
        let second = self.second.apply(instructions, &first, size);
        let theta = self.linear.apply(&second);
        CnnGeoActivations { first, second, theta }
    }
}

impl Regression for CnnGeo {
    fn theta(&self, instructions: InstructionSet, correlation: &Correlation) -> Vec<f32> {
        self.examine(instructions, correlation).theta
    }
}
