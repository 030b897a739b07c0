//! VGG-16 in libtorch, up to its fourth pooling (Simonyan and Zisserman, ICLR 2015).

use std::collections::HashMap;

use tch::{TchError, Tensor};

use super::tensors::convolve;
use crate::backbone::networks::{VGG_LAYERS, VggLayer};

/// Convolutions with their biases, and pooling layers.
pub(super) struct VggNetwork {
    pub(super) device: tch::Device,
    layers: Vec<Layer>,
}

enum Layer {
    /// Weight and bias of a convolution, which a ReLU follows.
    Convolution(Tensor, Tensor),
    Pooling,
}

impl VggNetwork {
    /// The network of these parameters, by their names in torchvision's files.
    pub(super) fn new(
        values: &HashMap<String, Vec<f32>>,
        device: tch::Device,
    ) -> Result<Self, TchError> {
        let tensor = |name: String, shape: &[i64]| {
            Tensor::f_from_slice(&values[&name])?.f_reshape(shape)?.f_to_device(device)
        };
        let layer = |layer: &VggLayer| match *layer {
            VggLayer::Pooling => Ok(Layer::Pooling),
            VggLayer::Convolution { number, inputs, outputs } => {
                let (inputs, outputs) = (inputs as i64, outputs as i64);
                let shape = [outputs, inputs, 3, 3];
                Ok::<_, TchError>(Layer::Convolution(
                    tensor(format!("features.{number}.weight"), &shape)?,
                    tensor(format!("features.{number}.bias"), &[outputs])?,
                ))
            }
        };
        Ok(Self { device, layers: VGG_LAYERS.iter().map(layer).collect::<Result<_, _>>()? })
    }

    /// The same tensors, for another thread.
    pub(super) fn shallow_clone(&self) -> Self {
        let clone = |layer: &Layer| match layer {
            Layer::Pooling => Layer::Pooling,
            Layer::Convolution(weight, bias) => {
                Layer::Convolution(weight.shallow_clone(), bias.shallow_clone())
            }
        };
        Self { device: self.device, layers: self.layers.iter().map(clone).collect() }
    }

    /// The map after the fourth pooling.
    pub(super) fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let mut output = input.shallow_clone();
        for layer in &self.layers {
            output = match layer {
                Layer::Pooling => output.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)?,
                Layer::Convolution(weight, bias) => {
                    convolve(&output, weight, Some(bias), 1, 1)?.f_relu()?
                }
            };
        }
        Ok(output)
    }
}
