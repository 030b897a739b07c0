//! The trait of all backbones, and the options that they are opened with.

use super::BackboneError;
use crate::hyperpixel::{FeatureMap, Geometry};
use crate::image::Prepared;
use crate::progress::Progress;

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
pub struct BackboneOptions {
    /// Where it runs.
    pub device: Device,
    /// How many photographs run at once on the CPU. The numbers do not depend on it.
    pub threads: usize,
    /// Reports how far a download has come.
    pub progress: Progress,
}
