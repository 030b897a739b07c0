//! Hyperimages: a photograph's feature maps grouped by resolution, with the inverse norms of its
//! hyperpixels (HPF, section 3.1; docs/method.md, "A correlation is a sum over resolutions").

use std::sync::atomic::{AtomicU64, Ordering};

use super::geometry::{Geometry, Grid};
use super::group::Group;
use super::map::FeatureMap;
use super::norms::inverse_norms;
use super::values::{Precision, half_scale};

/// A photograph as hyperpixels. The hyperpixel of a cell is the concatenation of all groups,
/// bilinearly upsampled (corners aligned) to the grid of the base group; it is never stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperimage {
    /// A number no other hyperimage of this process has: engines keep hyperimages resident by it.
    pub id: u64,
    /// Width of the photograph in resized pixels.
    pub width: u32,
    /// Height of the photograph in resized pixels.
    pub height: u32,
    /// Resized over original pixels along x and y: keypoints in original pixels times this are in
    /// resized pixels.
    pub ratio: [f32; 2],
    /// The hyperpixels: a rectangle of the base group's cells.
    pub grid: Grid,
    /// Groups by resolution. The first is the base group, at the resolution of the base layer.
    pub groups: Vec<Group>,
    /// 1 / norm of every hyperpixel as it is stored (row-major over `grid`); 0 where the norm is 0.
    pub inverse_norms: Vec<f32>,
    /// Whether every number of the maps is finite: no engine matches others.
    pub finite: bool,
}

impl Hyperimage {
    /// Groups the maps of a layer set (ascending, the first is the base) by resolution and computes
    /// the inverse norms. `width` and `height` are the photograph's, in resized pixels.
    ///
    /// # Panics
    /// If there is no map, or one whose data does not have its shape's length: a backbone's bug.
    #[must_use]
    pub fn new(
        geometry: Geometry,
        width: u32,
        height: u32,
        ratio: [f32; 2],
        maps: &[FeatureMap],
    ) -> Self {
        Self::with_precision(geometry, width, height, ratio, maps, Precision::F32)
    }

    /// [`Self::new`] with maps stored in a given precision. In half precision they are rounded here,
    /// once, after a scaling that changes no cosine: see [`half_scale`]. All that follows, the norms
    /// too, is computed from the rounded maps in f32.
    ///
    /// # Panics
    /// As [`Self::new`].
    #[must_use]
    pub fn with_precision(
        geometry: Geometry,
        width: u32,
        height: u32,
        ratio: [f32; 2],
        maps: &[FeatureMap],
        precision: Precision,
    ) -> Self {
        assert!(!maps.is_empty(), "a hyperimage needs at least one feature map");
        let groups = group(maps, precision);
        let grid = Grid::new(geometry, groups[0].rows, groups[0].columns, width, height);
        let inverse_norms = inverse_norms(&grid, &groups);
        let finite = are_finite(maps);
        Self { id: next_id(), width, height, ratio, grid, groups, inverse_norms, finite }
    }

    /// How its maps are stored.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.groups[0].data.precision()
    }

    /// Bytes of its maps and norms in the memory of the host.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let maps: usize = self.groups.iter().map(|group| group.data.bytes()).sum();
        maps + size_of_val(self.inverse_norms.as_slice())
    }
}

/// Whether maps have finite numbers alone.
pub(super) fn are_finite(maps: &[FeatureMap]) -> bool {
    // The exponent of a number that is none, or infinite, has all its bits set. Without an early end the
    // loop is one of vectors.
    let odd = |value: &f32| u32::from(value.to_bits() & 0x7f80_0000 == 0x7f80_0000);
    maps.iter().all(|map| map.data.iter().fold(0, |found, value| found | odd(value)) == 0)
}

/// A number that was not given before in this process.
pub(super) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Concatenates maps of equal stride; groups stand in the order of their first layer.
fn group(maps: &[FeatureMap], precision: Precision) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let scale = match precision {
        Precision::F32 => 1.0,
        Precision::F16 => half_scale(&maps.iter().map(|map| &*map.data).collect::<Vec<_>>()),
    };
    for map in maps {
        let new = Group::of(map, precision, scale);
        match groups.iter().position(|group| group.stride == map.stride) {
            Some(at) => {
                let group = groups.remove(at);
                groups.insert(at, group.and(new));
            }
            None => groups.push(new),
        }
    }
    groups
}
