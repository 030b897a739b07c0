//! Opening a backbone by its name, and a trunk by its kind.

use std::collections::HashMap;

use super::contract::{Backbone, BackboneOptions};
use super::error::BackboneError;
use super::hog;
use super::networks::{Architecture, TrunkKind};
#[cfg(feature = "torch")]
use super::torch;
use super::trunk::Trunk;
#[cfg(feature = "torch")]
use super::weights;
use super::weights::WeightsSource;

/// Opens a backbone by its name: `resnet50`, `resnet101` or `hog`. `hog` has no weights and
/// disregards them.
///
/// # Errors
/// An unknown name, a network in a build without libtorch, weights that cannot be had or do not
/// fit, or a device that is not there.
pub fn open(
    name: &str,
    weights: &WeightsSource,
    options: BackboneOptions,
) -> Result<Box<dyn Backbone>, BackboneError> {
    match Architecture::named(name) {
        None if name == "hog" => Ok(Box::new(hog::Hog)),
        Some(architecture) => open_network(architecture, weights, options),
        None => Err(BackboneError::Unknown { name: name.to_owned() }),
    }
}

#[cfg(feature = "torch")]
fn open_network(
    architecture: Architecture,
    weights: &WeightsSource,
    options: BackboneOptions,
) -> Result<Box<dyn Backbone>, BackboneError> {
    let weights = weights::load(weights, &architecture, &options.progress)?;
    Ok(Box::new(torch::ResNet::new(architecture, &weights, options)?))
}

#[cfg(not(feature = "torch"))]
fn open_network(
    architecture: Architecture,
    _weights: &WeightsSource,
    _options: BackboneOptions,
) -> Result<Box<dyn Backbone>, BackboneError> {
    Err(BackboneError::WithoutTorch { name: architecture.name })
}

/// Opens a trunk on these parameters, which are those of [`TrunkKind::parameters`].
///
/// # Errors
/// A build without libtorch, a device that is not there, or libtorch's failure to allocate.
#[cfg(feature = "torch")]
pub fn open_trunk(
    kind: TrunkKind,
    values: &HashMap<String, Vec<f32>>,
    options: BackboneOptions,
) -> Result<Box<dyn Trunk>, BackboneError> {
    Ok(Box::new(torch::TorchTrunk::new(kind, values, options)?))
}

/// Opens a trunk on these parameters, which are those of [`TrunkKind::parameters`].
///
/// # Errors
/// A build without libtorch, a device that is not there, or libtorch's failure to allocate.
#[cfg(not(feature = "torch"))]
pub fn open_trunk(
    kind: TrunkKind,
    _values: &HashMap<String, Vec<f32>>,
    _options: BackboneOptions,
) -> Result<Box<dyn Trunk>, BackboneError> {
    Err(BackboneError::WithoutTorch { name: kind.name() })
}
