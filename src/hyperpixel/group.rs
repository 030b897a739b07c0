//! Feature maps of one resolution, concatenated.

use super::map::FeatureMap;
use super::values::{Precision, Values};

/// Maps of one stride, and so of one resolution, concatenated along the channels in layer order.
/// Grouping by stride rather than by size gives every photograph of a backbone the same groups, also
/// where a tiny one has maps of two strides that are both 1 × 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Pixels of the photograph between neighbouring cells.
    pub stride: usize,
    /// Number of channels C of all maps together.
    pub channels: usize,
    /// The channels of each map, in layer order: engines sum one map after the other, so that the
    /// correlation of a layer set is the sum of its layers'.
    pub layers: Vec<usize>,
    /// Number of rows H.
    pub rows: usize,
    /// Number of columns W.
    pub columns: usize,
    /// C × H × W, row-major.
    pub data: Values,
}

impl Group {
    /// A group of one map, stored in a given precision after a scaling (see [`half_scale`](super::values::half_scale); 1 in
    /// single precision).
    ///
    /// # Panics
    /// If the map's data does not have its shape's length: a backbone's bug.
    #[must_use]
    pub fn of(map: &FeatureMap, precision: Precision, scale: f32) -> Self {
        let &FeatureMap { layer, stride, channels, rows, columns, .. } = map;
        let length = channels * rows * columns;
        assert_eq!(map.data.len(), length, "length of the map of layer {layer}");
        let mut data = Values::new(precision);
        data.extend(&map.data, scale);
        Self { stride, channels, layers: vec![channels], rows, columns, data }
    }

    /// This group with the maps of another of its stride behind its own.
    ///
    /// # Panics
    /// If the sizes differ: a backbone's bug.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let (size, others) = ((self.rows, self.columns), (other.rows, other.columns));
        assert_eq!(size, others, "maps of stride {} have one size", self.stride);
        self.channels += other.channels;
        self.layers.extend(other.layers);
        self.data.append(other.data);
        self
    }
}
