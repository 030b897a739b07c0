//! The tensors of residual networks, and how they are put together (He et al., CVPR 2016).

use std::collections::HashMap;

use tch::{TchError, Tensor};

use super::tensors::convolve;
use crate::backbone::networks::{Architecture, BottleneckBlock};

/// What batch normalisation adds to the variance (torchvision).
const EPSILON: f64 = 1e-5;

/// The tensors of a residual network and how they are put together.
pub(super) struct ResidualNetwork {
    pub(super) device: tch::Device,
    /// Pixels between neighbouring cells of each layer.
    pub(super) strides: Vec<usize>,
    stem: NormalisedConvolution,
    bottlenecks: Vec<Bottleneck>,
}

struct Bottleneck {
    residual: [NormalisedConvolution; 3],
    shortcut: Option<NormalisedConvolution>,
}

/// A convolution and its batch normalisation.
struct NormalisedConvolution {
    weight: Tensor,
    stride: i64,
    padding: i64,
    /// Weight, bias, running mean and running variance.
    normalisation: [Tensor; 4],
}

impl ResidualNetwork {
    /// The network of these parameters, by their names in torchvision's files.
    pub(super) fn new(
        architecture: &Architecture,
        values: &HashMap<String, Vec<f32>>,
        device: tch::Device,
    ) -> Result<Self, TchError> {
        let unit = |convolution: &str, normalisation: &str, shape: [usize; 4], stride: usize| {
            let tensor = |name: String, shape: &[i64]| {
                Tensor::f_from_slice(&values[&name])?.f_reshape(shape)?.f_to_device(device)
            };
            let part = |part: &str| tensor(format!("{normalisation}.{part}"), &[shape[0] as i64]);
            Ok::<_, TchError>(NormalisedConvolution {
                weight: tensor(format!("{convolution}.weight"), &shape.map(|side| side as i64))?,
                stride: stride as i64,
                padding: (shape[2] / 2) as i64,
                normalisation: [
                    part("weight")?,
                    part("bias")?,
                    part("running_mean")?,
                    part("running_var")?,
                ],
            })
        };
        let bottleneck = |block: BottleneckBlock| {
            let BottleneckBlock { prefix, inputs, width, outputs, stride, downsample } = block;
            let part = |number: usize, shape, stride| {
                let (convolution, normalisation) =
                    (format!("{prefix}.conv{number}"), format!("{prefix}.bn{number}"));
                unit(&convolution, &normalisation, shape, stride)
            };
            let shortcut = || {
                let names = [format!("{prefix}.downsample.0"), format!("{prefix}.downsample.1")];
                unit(&names[0], &names[1], [outputs, inputs, 1, 1], stride)
            };
            Ok::<_, TchError>(Bottleneck {
                residual: [
                    part(1, [width, inputs, 1, 1], 1)?,
                    part(2, [width, width, 3, 3], stride)?,
                    part(3, [outputs, width, 1, 1], 1)?,
                ],
                shortcut: downsample.then(shortcut).transpose()?,
            })
        };
        Ok(Self {
            device,
            strides: architecture.strides(),
            stem: unit("conv1", "bn1", [64, 3, 7, 7], 2)?,
            bottlenecks: architecture
                .blocks()
                .into_iter()
                .map(bottleneck)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The same tensors, for another thread.
    pub(super) fn shallow_clone(&self) -> Self {
        Self {
            device: self.device,
            strides: self.strides.clone(),
            stem: self.stem.shallow_clone(),
            bottlenecks: self.bottlenecks.iter().map(Bottleneck::shallow_clone).collect(),
        }
    }

    /// Runs as far as the deepest of `layers` and keeps those layers' outputs.
    pub(super) fn forward(
        &self,
        input: &Tensor,
        layers: &[usize],
    ) -> Result<Vec<Tensor>, TchError> {
        let stem = self.stem.forward(input)?.f_relu()?;
        let mut output = stem.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)?;
        let deepest = layers.last().copied().unwrap_or(0);
        let mut kept = Vec::with_capacity(layers.len());
        if layers.contains(&0) {
            kept.push(output.shallow_clone());
        }
        for (layer, bottleneck) in (1..=deepest).zip(&self.bottlenecks) {
            let sum = bottleneck.forward(&output)?;
            output = sum.f_relu()?;
            if layers.contains(&layer) {
                kept.push(sum);
            }
        }
        Ok(kept)
    }
}

impl Bottleneck {
    /// The sum of the residual branch and the shortcut, before the last ReLU.
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let [first, second, third] = &self.residual;
        let narrow = second.forward(&first.forward(input)?.f_relu()?)?.f_relu()?;
        let residual = third.forward(&narrow)?;
        match &self.shortcut {
            None => residual.f_add(input),
            Some(shortcut) => residual.f_add(&shortcut.forward(input)?),
        }
    }

    fn shallow_clone(&self) -> Self {
        Self {
            residual: self.residual.each_ref().map(NormalisedConvolution::shallow_clone),
            shortcut: self.shortcut.as_ref().map(NormalisedConvolution::shallow_clone),
        }
    }
}

impl NormalisedConvolution {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let convolved = convolve(input, &self.weight, None, self.stride, self.padding)?;
        let [weight, bias, mean, variance] = self.normalisation.each_ref().map(Some);
        convolved.f_batch_norm(weight, bias, mean, variance, false, 0.0, EPSILON, true)
    }

    fn shallow_clone(&self) -> Self {
        Self {
            weight: self.weight.shallow_clone(),
            stride: self.stride,
            padding: self.padding,
            normalisation: self.normalisation.each_ref().map(Tensor::shallow_clone),
        }
    }
}
