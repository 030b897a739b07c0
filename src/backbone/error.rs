//! Why a backbone cannot be had or run.

use super::weights::WeightsError;
use crate::hyperpixel::layers::LayerSetError;

/// The backbones on the command line.
pub const NAMES: [&str; 3] = ["resnet50", "resnet101", "hog"];

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
         build it with default features, or use option `backbone` = `hog`"
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
        /// The first line of its message.
        reason: String,
    },
}
