//! The network of 4D convolutions that filters a correlation (NC-Net, section 3.2), as the authors
//! store it.

use crate::backbone::weights::untrained;

/// Taps and channels out of each layer of the published network that was trained on PF-PASCAL.
pub const PUBLISHED: [(usize, usize); 3] = [(5, 16), (5, 16), (5, 1)];

/// One 4D convolution with zero padding, a bias, and a ReLU behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsensusLayer {
    /// Taps along each of the four axes; odd.
    pub kernel: usize,
    /// Channels that it takes.
    pub inputs: usize,
    /// Channels that it gives.
    pub outputs: usize,
    /// In the checkpoints' order: taps along A's rows × outputs × inputs × taps along A's columns,
    /// B's rows, B's columns.
    pub weight: Vec<f32>,
    /// One value an output.
    pub bias: Vec<f32>,
}

impl ConsensusLayer {
    /// The weight of a tap: offsets from 0 along A's rows, A's columns, B's rows, B's columns.
    #[must_use]
    pub fn at(&self, output: usize, input: usize, tap: [usize; 4]) -> f32 {
        let k = self.kernel;
        let plane = (tap[0] * self.outputs + output) * self.inputs + input;
        self.weight[((plane * k + tap[1]) * k + tap[2]) * k + tap[3]]
    }

    /// Numbers in `weight`.
    fn weight_count(&self) -> usize {
        self.kernel.pow(4) * self.outputs * self.inputs
    }
}

/// What [`ConsensusWeights::new`] makes sure of.
const HAS_LAYERS: &str = "a consensus network has at least one layer";

/// The layers of a consensus network: one channel in, one channel out.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsensusWeights(Vec<ConsensusLayer>);

/// Why layers do not make a consensus network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsensusWeightsError {
    /// No layer at all.
    #[error("a consensus network has no layer; give at least one 4D convolution")]
    NoLayer,
    /// A kernel without a middle.
    #[error(
        "the kernel of 4D convolution {layer} has {kernel} taps an axis; an odd number is needed"
    )]
    EvenKernel {
        /// The layer, from 0.
        layer: usize,
        /// Its taps.
        kernel: usize,
    },
    /// A layer with another number of inputs than the layer before has outputs.
    #[error("4D convolution {layer} takes {found} channels, but {expected} come in")]
    Inputs {
        /// The layer, from 0.
        layer: usize,
        /// Channels that it takes.
        found: usize,
        /// Channels that come in.
        expected: usize,
    },
    /// More than one channel at the end.
    #[error("the last 4D convolution gives {0} channels; a correlation has 1")]
    Outputs(usize),
    /// Numbers missing or left over.
    #[error(
        "4D convolution {layer} has {found:?} weights and biases; its shape needs {expected:?}"
    )]
    Length {
        /// The layer, from 0.
        layer: usize,
        /// Weights and biases that there are.
        found: [usize; 2],
        /// Weights and biases of the shape.
        expected: [usize; 2],
    },
}

impl ConsensusWeights {
    /// A network of these layers.
    ///
    /// # Errors
    /// No layer, channels that do not fit together, an even kernel, or a list of the wrong length.
    pub fn new(layers: Vec<ConsensusLayer>) -> Result<Self, ConsensusWeightsError> {
        let mut channels = 1;
        for (index, layer) in layers.iter().enumerate() {
            if layer.kernel % 2 == 0 {
                let kernel = layer.kernel;
                return Err(ConsensusWeightsError::EvenKernel { layer: index, kernel });
            }
            if layer.inputs != channels {
                let (found, expected) = (layer.inputs, channels);
                return Err(ConsensusWeightsError::Inputs { layer: index, found, expected });
            }
            let found = [layer.weight.len(), layer.bias.len()];
            let expected = [layer.weight_count(), layer.outputs];
            if found != expected {
                return Err(ConsensusWeightsError::Length { layer: index, found, expected });
            }
            channels = layer.outputs;
        }
        match (layers.is_empty(), channels) {
            (true, _) => Err(ConsensusWeightsError::NoLayer),
            (_, 1) => Ok(Self(layers)),
            _ => Err(ConsensusWeightsError::Outputs(channels)),
        }
    }

    /// The untrained network of [`PUBLISHED`]'s shape, the same everywhere: weights uniform in
    /// ±√(3 / (inputs · taps)) by the untrained recipe under the checkpoints' names, biases 0.
    #[must_use]
    pub fn untrained() -> Self {
        let inputs = [1].into_iter().chain(PUBLISHED.map(|(_, outputs)| outputs));
        let layers = PUBLISHED.iter().zip(inputs).enumerate();
        let layer = |(index, (&(kernel, outputs), inputs)): (usize, (&(usize, usize), usize))| {
            let taps = inputs * kernel.pow(4);
            let name = format!("NeighConsensus.conv.{}.weight", 2 * index);
            let weight = untrained::uniform(&name, (3.0 / taps as f32).sqrt(), taps * outputs);
            ConsensusLayer { kernel, inputs, outputs, weight, bias: vec![0.0; outputs] }
        };
        Self(layers.map(layer).collect())
    }

    /// The layers in order.
    #[must_use]
    pub fn layers(&self) -> &[ConsensusLayer] {
        &self.0
    }

    /// Cells that a kernel reaches beyond its own, the furthest of all layers.
    #[must_use]
    pub(crate) fn reach(&self) -> usize {
        self.0.iter().map(|layer| layer.kernel / 2).max().expect(HAS_LAYERS)
    }

    /// The most channels between layers.
    #[must_use]
    pub(crate) fn widest(&self) -> usize {
        self.0.iter().map(|layer| layer.outputs).max().expect(HAS_LAYERS)
    }
}
