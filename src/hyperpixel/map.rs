//! Feature maps, as backbones make them.

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
