//! ResNet-50 and ResNet-101 in libtorch, tapped before the last ReLU of each bottleneck
//! (He et al., CVPR 2016; HPF, section 3.1 and its published code).
//!
//! Photographs run one at a time, on the CPU each on one thread and several side by side. That
//! keeps every bit the same whatever runs beside a photograph: libtorch's convolutions give other
//! bits on two threads than on one (8e-7 of a map's maximum, measured), and batches are no faster
//! there. On CUDA, algorithms are the deterministic ones and TF32 is off.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use tch::{TchError, Tensor};

use super::architecture::{Architecture, Block, geometry};
use super::side_by_side::side_by_side;
use super::weights::{Identity, Weights};
use super::{Backbone, BackboneError, Device, FeatureMap, Options};
use crate::hyperpixel::{Geometry, LayerSet};
use crate::image::{MEAN, Prepared, STANDARD_DEVIATION};

/// What batch normalisation adds to the variance (torchvision).
const EPSILON: f64 = 1e-5;

/// A residual network with its weights.
pub struct ResNet {
    architecture: Architecture,
    network: Network,
    identity: Identity,
    threads: usize,
}

impl ResNet {
    /// Builds the network on its device.
    ///
    /// # Errors
    /// CUDA where there is none, or libtorch's failure to allocate.
    pub fn new(
        architecture: Architecture,
        weights: &Weights,
        options: Options,
    ) -> Result<Self, BackboneError> {
        let network = Network::new(&architecture, &weights.values, device(options.device)?)
            .map_err(|error| torch(architecture.name, &error))?;
        let threads = options.threads.max(1);
        let identity = weights.identity.clone();
        Ok(Self { architecture, network, identity, threads })
    }
}

/// The device of libtorch's.
pub(super) fn device(device: Device) -> Result<tch::Device, BackboneError> {
    match device {
        Device::Auto => Ok(tch::Device::cuda_if_available()),
        Device::Cpu => Ok(tch::Device::Cpu),
        Device::Cuda if tch::Cuda::is_available() => Ok(tch::Device::Cuda(0)),
        Device::Cuda => Err(BackboneError::NoCuda),
    }
}

/// The device's name in predictions files.
pub(super) fn device_name(device: tch::Device) -> &'static str {
    match device {
        tch::Device::Cpu => "cpu",
        _ => "cuda",
    }
}

impl Backbone for ResNet {
    fn name(&self) -> &str {
        self.architecture.name
    }

    fn layer_count(&self) -> usize {
        self.architecture.layer_count()
    }

    fn geometry(&self, base_layer: usize) -> Result<Geometry, BackboneError> {
        geometry(base_layer)
    }

    fn extract(
        &self,
        photographs: &[&Prepared],
        layers: &[usize],
    ) -> Result<Vec<Vec<FeatureMap>>, BackboneError> {
        LayerSet::new(layers.to_vec())?.check(self.name(), self.layer_count())?;
        let extract =
            |network: &Network, photograph: &&Prepared| network.extract(photograph, layers);
        let maps = if self.network.device == tch::Device::Cpu {
            let share = || self.network.shallow_clone();
            side_by_side(self.threads, photographs, share, extract)
        } else {
            photographs.iter().map(|photograph| extract(&self.network, photograph)).collect()
        };
        let maps = maps.into_iter().collect::<Result<_, _>>();
        maps.map_err(|error| torch(self.name(), &error))
    }

    fn describe(&self) -> Map<String, Value> {
        let Identity { source, revision, sha256 } = &self.identity;
        let mut weights = Map::new();
        weights.insert("source".to_owned(), json!(source));
        if let Some(revision) = revision {
            weights.insert("revision".to_owned(), json!(revision));
        }
        weights.insert("sha256".to_owned(), json!(sha256));
        let device = device_name(self.network.device);
        Map::from_iter([
            ("backbone".to_owned(), json!(self.name())),
            ("weights".to_owned(), Value::Object(weights)),
            ("backbone_device".to_owned(), json!(device)),
        ])
    }
}

/// The tensors of a residual network and how they are put together.
pub(super) struct Network {
    pub(super) device: tch::Device,
    /// Pixels between neighbouring cells of each layer.
    strides: Vec<usize>,
    stem: Unit,
    bottlenecks: Vec<Bottleneck>,
}

struct Bottleneck {
    residual: [Unit; 3],
    shortcut: Option<Unit>,
}

/// A convolution and its batch normalisation.
struct Unit {
    weight: Tensor,
    stride: i64,
    padding: i64,
    /// Weight, bias, running mean and running variance.
    normalisation: [Tensor; 4],
}

impl Network {
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
            Ok::<_, TchError>(Unit {
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
        let bottleneck = |block: Block| {
            let Block { prefix, inputs, width, outputs, stride, downsample } = block;
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

    /// Maps of `layers` (ascending) of one photograph.
    fn extract(
        &self,
        photograph: &Prepared,
        layers: &[usize],
    ) -> Result<Vec<FeatureMap>, TchError> {
        tch::no_grad(|| {
            let maps = self.forward(&input(photograph)?.f_to_device(self.device)?, layers)?;
            maps.iter()
                .zip(layers)
                .map(|(map, &layer)| feature_map(map, layer, self.strides[layer]))
                .collect()
        })
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
            residual: self.residual.each_ref().map(Unit::shallow_clone),
            shortcut: self.shortcut.as_ref().map(Unit::shallow_clone),
        }
    }
}

impl Unit {
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

/// A convolution that gives the same bits every time.
pub(super) fn convolve(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: i64,
    padding: i64,
) -> Result<Tensor, TchError> {
    // In order: not transposed, no output padding, one group; then no search for the fastest
    // algorithm, deterministic ones only, cuDNN where there is one, no TF32.
    input.f_internal_convolution(
        weight,
        bias,
        [stride; 2],
        [padding; 2],
        [1, 1],
        false,
        [0, 0],
        1,
        false,
        true,
        true,
        false,
    )
}

/// A photograph as the network's input: 1 × 3 × height × width, normalised.
fn input(photograph: &Prepared) -> Result<Tensor, TchError> {
    let (height, width) = (i64::from(photograph.height), i64::from(photograph.width));
    let plane = photograph.width as usize * photograph.height as usize;
    let mut values = Vec::with_capacity(3 * plane);
    for (channel, (mean, deviation)) in
        photograph.rgb.chunks_exact(plane).zip(MEAN.into_iter().zip(STANDARD_DEVIATION))
    {
        values.extend(channel.iter().map(|value| (value - mean) / deviation));
    }
    Tensor::f_from_slice(&values)?.f_reshape([1, 3, height, width])
}

/// A 1 × C × H × W tensor as a feature map.
pub(super) fn feature_map(
    map: &Tensor,
    layer: usize,
    stride: usize,
) -> Result<FeatureMap, TchError> {
    let (_, channels, rows, columns) = map.size4()?;
    let map = map.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
    let mut data = vec![0.0f32; map.numel()];
    map.f_copy_data(&mut data, map.numel())?;
    let [channels, rows, columns] = [channels, rows, columns].map(|side| side as usize);
    Ok(FeatureMap { layer, stride, channels, rows, columns, data })
}

/// libtorch's complaint without the trace of its calls.
pub(super) fn torch(name: &str, error: &TchError) -> BackboneError {
    let text = error.to_string();
    let reason = text.lines().next().unwrap_or_default().to_owned();
    BackboneError::Torch { name: name.to_owned(), reason }
}
