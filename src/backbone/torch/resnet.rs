//! ResNet-50 and ResNet-101 in libtorch, tapped before the last ReLU of each bottleneck
//! (He et al., CVPR 2016; HPF, section 3.1 and its published code).
//!
//! Photographs run one at a time, on the CPU each on one thread and several side by side. That
//! keeps every bit the same whatever runs beside a photograph: libtorch's convolutions give other
//! bits on two threads than on one (8e-7 of a map's maximum, measured), and batches are no faster
//! there. On CUDA, algorithms are the deterministic ones and TF32 is off.

use serde_json::{Map, Value, json};
use tch::{TchError, Tensor};

use super::residual::ResidualNetwork;
use super::side_by_side::side_by_side;
use super::tensors::{device, device_name, failed, feature_map};
use crate::backbone::networks::{Architecture, geometry};
use crate::backbone::weights::{Weights, WeightsIdentity};
use crate::backbone::{Backbone, BackboneError, BackboneOptions};
use crate::hyperpixel::{FeatureMap, Geometry, LayerSet};
use crate::image::{MEAN, Prepared, STANDARD_DEVIATION};

/// A residual network with its weights.
pub(crate) struct ResNet {
    architecture: Architecture,
    network: ResidualNetwork,
    identity: WeightsIdentity,
    threads: usize,
}

impl ResNet {
    /// Builds the network on its device.
    ///
    /// # Errors
    /// CUDA where there is none, or libtorch's failure to allocate.
    pub(crate) fn new(
        architecture: Architecture,
        weights: &Weights,
        options: BackboneOptions,
    ) -> Result<Self, BackboneError> {
        let network = ResidualNetwork::new(&architecture, &weights.values, device(options.device)?)
            .map_err(|error| failed(architecture.name, &error))?;
        let threads = options.threads.max(1);
        let identity = weights.identity.clone();
        Ok(Self { architecture, network, identity, threads })
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
        geometry(base_layer).ok_or(BackboneError::NoGeometry { layer: base_layer })
    }

    fn extract(
        &self,
        photographs: &[&Prepared],
        layers: &[usize],
    ) -> Result<Vec<Vec<FeatureMap>>, BackboneError> {
        LayerSet::new(layers.to_vec())?.check(self.name(), self.layer_count())?;
        let extract = |network: &ResidualNetwork, photograph: &&Prepared| {
            extract(network, photograph, layers)
        };
        let maps = if self.network.device == tch::Device::Cpu {
            let share = || self.network.shallow_clone();
            side_by_side(self.threads, photographs, share, extract)
        } else {
            photographs.iter().map(|photograph| extract(&self.network, photograph)).collect()
        };
        let maps = maps.into_iter().collect::<Result<_, _>>();
        maps.map_err(|error| failed(self.name(), &error))
    }

    fn describe(&self) -> Map<String, Value> {
        let WeightsIdentity { source, revision, sha256 } = &self.identity;
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

/// Maps of `layers` (ascending) of one photograph.
fn extract(
    network: &ResidualNetwork,
    photograph: &Prepared,
    layers: &[usize],
) -> Result<Vec<FeatureMap>, TchError> {
    tch::no_grad(|| {
        let maps = network.forward(&input(photograph)?.f_to_device(network.device)?, layers)?;
        maps.iter()
            .zip(layers)
            .map(|(map, &layer)| feature_map(map, layer, network.strides[layer]))
            .collect()
    })
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
