//! Backbones: from a prepared photograph to feature maps at their native resolutions.

use crate::hyperpixel::Geometry;
use crate::hyperpixel::layers::LayerSetError;
use crate::image::Prepared;
use crate::progress::Progress;

pub mod architecture;
pub mod hog;
#[cfg(feature = "torch")]
pub mod resnet;
#[cfg(feature = "torch")]
mod side_by_side;
pub mod trunk;
#[cfg(feature = "torch")]
mod vgg;
pub mod weights;

pub use crate::hyperpixel::FeatureMap;
pub use weights::{WeightsError, WeightsSource};

/// The backbones on the command line.
pub const NAMES: [&str; 3] = ["resnet50", "resnet101", "hog"];

/// A network or descriptor that turns photographs into feature maps.
pub trait Backbone: Send {
    /// The name on the command line and in predictions files.
    fn name(&self) -> &str;

    /// Number of layers; a layer set holds numbers below this.
    fn layer_count(&self) -> usize;

    /// Jump and receptive field of a base layer.
    ///
    /// # Errors
    /// A layer without published geometry.
    fn geometry(&self, base_layer: usize) -> Result<Geometry, BackboneError>;

    /// Feature maps of `layers` (ascending) for each photograph. Photographs of equal size may be
    /// run as one batch; the result does not depend on it.
    ///
    /// # Errors
    /// A photograph too small for the network, or a failure of the library that runs it.
    fn extract(
        &self,
        photographs: &[&Prepared],
        layers: &[usize],
    ) -> Result<Vec<Vec<FeatureMap>>, BackboneError>;

    /// What decides the numbers, for the header of a predictions file: weights with their SHA-256,
    /// device, and so on.
    fn describe(&self) -> serde_json::Map<String, serde_json::Value>;
}

/// Where a backbone runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Device {
    /// CUDA if libtorch has it and a device is there, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The first CUDA device.
    Cuda,
}

/// How a backbone is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it runs.
    pub device: Device,
    /// How many photographs run at once on the CPU. The numbers do not depend on it.
    pub threads: usize,
    /// Told how far a download has come.
    pub progress: Progress,
}

/// Opens a backbone by its name: `resnet50`, `resnet101` or `hog`. `hog` has no weights and
/// disregards them.
///
/// # Errors
/// An unknown name, a network in a build without libtorch, weights that cannot be had or do not
/// fit, or a device that is not there.
pub fn open(
    name: &str,
    weights: &WeightsSource,
    options: Options,
) -> Result<Box<dyn Backbone>, BackboneError> {
    match architecture::Architecture::named(name) {
        None if name == "hog" => Ok(Box::new(hog::Hog)),
        Some(architecture) => open_network(architecture, weights, options),
        None => Err(BackboneError::Unknown { name: name.to_owned() }),
    }
}

#[cfg(feature = "torch")]
fn open_network(
    architecture: architecture::Architecture,
    weights: &WeightsSource,
    options: Options,
) -> Result<Box<dyn Backbone>, BackboneError> {
    let weights = weights::load(weights, &architecture, &options.progress)?;
    Ok(Box::new(resnet::ResNet::new(architecture, &weights, options)?))
}

#[cfg(not(feature = "torch"))]
fn open_network(
    architecture: architecture::Architecture,
    _weights: &WeightsSource,
    _options: Options,
) -> Result<Box<dyn Backbone>, BackboneError> {
    Err(BackboneError::WithoutTorch { name: architecture.name })
}

/// Why a backbone could not be made or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackboneError {
    /// A base layer for which no geometry was published.
    #[error(
        "layer {layer} cannot be the base of a layer set: jump and receptive field are published \
         for layers 0 to 9 alone; put a layer of 0 to 9 first"
    )]
    NoGeometry {
        /// The layer asked for.
        layer: usize,
    },
    /// A backbone that hpflow does not have.
    #[error("there is no backbone '{name}'; there are {}", NAMES.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// A network in a build without libtorch.
    #[error(
        "this build of hpflow has no {name}: it was built without libtorch (feature `torch`); \
         build it with default features, or use --backbone hog"
    )]
    WithoutTorch {
        /// The network asked for.
        name: &'static str,
    },
    /// CUDA was asked for where there is none.
    #[error("libtorch finds no CUDA device here; use the CPU, or a libtorch with CUDA")]
    NoCuda,
    /// Layers that the backbone does not have.
    #[error(transparent)]
    Layers(#[from] LayerSetError),
    /// Weights that cannot be had or do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// libtorch failed.
    #[error("libtorch failed in {name}: {reason}")]
    Torch {
        /// The network.
        name: String,
        /// What it said, its first line.
        reason: String,
    },
}
