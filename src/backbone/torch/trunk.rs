//! Trunks in libtorch.

use std::collections::HashMap;

use tch::{TchError, Tensor};

use super::residual::ResidualNetwork;
use super::side_by_side::side_by_side;
use super::tensors::{device, device_name, failed, feature_map};
use super::vgg::VggNetwork;
use crate::backbone::networks::{STRIDE, TrunkKind};
use crate::backbone::trunk::{Threads, Trunk};
use crate::backbone::{BackboneError, BackboneOptions};
use crate::hyperpixel::FeatureMap;
use crate::image::corners::Square;

/// A trunk in libtorch.
pub(crate) struct TorchTrunk {
    kind: TrunkKind,
    layers: Layers,
    threads: usize,
}

enum Layers {
    Residual(ResidualNetwork, usize),
    Vgg(VggNetwork),
}

impl TorchTrunk {
    /// A trunk of these parameters, by their names in torchvision's files.
    pub(crate) fn new(
        kind: TrunkKind,
        values: &HashMap<String, Vec<f32>>,
        options: BackboneOptions,
    ) -> Result<Self, BackboneError> {
        let device = device(options.device)?;
        let layers = match kind.residual() {
            Some(architecture) => ResidualNetwork::new(&architecture, values, device)
                .map(|layers| Layers::Residual(layers, architecture.layer_count() - 1)),
            None => VggNetwork::new(values, device).map(Layers::Vgg),
        };
        let layers = layers.map_err(|error| failed(kind.name(), &error))?;
        Ok(Self { kind, layers, threads: options.threads.max(1) })
    }
}

impl Layers {
    fn device(&self) -> tch::Device {
        match self {
            Self::Residual(network, _) => network.device,
            Self::Vgg(network) => network.device,
        }
    }

    fn shallow_clone(&self) -> Self {
        match self {
            Self::Residual(network, last) => Self::Residual(network.shallow_clone(), *last),
            Self::Vgg(network) => Self::Vgg(network.shallow_clone()),
        }
    }

    fn map(&self, picture: &Square) -> Result<FeatureMap, TchError> {
        let side = picture.side as i64;
        tch::no_grad(|| {
            let input = Tensor::f_from_slice(&picture.planes)?.f_reshape([1, 3, side, side])?;
            let input = input.f_to_device(self.device())?;
            let map = match self {
                // Layers are kept before their last ReLU.
                Self::Residual(network, last) => {
                    network.forward(&input, &[*last])?.remove(0).f_relu()?
                }
                Self::Vgg(network) => network.forward(&input)?,
            };
            feature_map(&map, 0, STRIDE)
        })
    }
}

impl Trunk for TorchTrunk {
    fn features(
        &self,
        pictures: &[&Square],
        threads: Threads,
    ) -> Result<Vec<FeatureMap>, BackboneError> {
        let map = |layers: &Layers, picture: &&Square| layers.map(picture);
        let maps = if threads == Threads::SideBySide && self.layers.device() == tch::Device::Cpu {
            side_by_side(self.threads, pictures, || self.layers.shallow_clone(), map)
        } else {
            tch::set_num_threads(i32::try_from(self.threads).unwrap_or(i32::MAX));
            pictures.iter().map(|picture| map(&self.layers, picture)).collect()
        };
        let maps = maps.into_iter().collect::<Result<_, _>>();
        maps.map_err(|error| failed(self.kind.name(), &error))
    }

    fn device(&self) -> &'static str {
        device_name(self.layers.device())
    }
}
