//! Backbones: from a prepared photograph to feature maps at their native resolutions.

use crate::hyperpixel::Geometry;
use crate::image::Prepared;

/// The output of one layer for one photograph.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMap {
    /// The layer's number in its backbone (0 is the stem after max-pooling).
    pub layer: usize,
    /// Pixels of the photograph between neighbouring cells. Maps of equal stride have equal numbers
    /// of rows and columns, whatever the photograph; a hyperimage groups maps by it.
    pub stride: usize,
    /// Number of channels C.
    pub channels: usize,
    /// Number of rows H.
    pub rows: usize,
    /// Number of columns W.
    pub columns: usize,
    /// C × H × W, row-major.
    pub data: Vec<f32>,
}

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
}
