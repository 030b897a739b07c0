//! Made-up hyperimages with the shapes of a real backbone, for benches and tests that need no
//! network.

use super::map::FeatureMap;
use super::{Geometry, Hyperimage, LayerSet};

/// Channels of the four stages of bottlenecks.
const STAGE_CHANNELS: [usize; 4] = [256, 512, 1024, 2048];

/// Blocks of the four stages.
fn stages(backbone: &str) -> [usize; 4] {
    if backbone == "resnet50" { [3, 4, 6, 3] } else { [3, 4, 23, 3] }
}

/// Stride and channels of a ResNet layer.
fn shape(backbone: &str, layer: usize) -> (usize, usize) {
    if layer == 0 {
        return (4, 64);
    }
    let mut past = 0;
    for (stage, blocks) in stages(backbone).into_iter().enumerate() {
        past += blocks;
        if layer <= past {
            return (4 << stage, STAGE_CHANNELS[stage]);
        }
    }
    (32, STAGE_CHANNELS[3])
}

/// Feature maps of a photograph of `width` × `height` resized pixels with the shapes of `resnet50` or
/// `resnet101` and pseudo-random, partly negative features: the same for the same seed.
#[must_use]
pub fn feature_maps(
    backbone: &str,
    layers: &LayerSet,
    [width, height]: [u32; 2],
    seed: u64,
) -> Vec<FeatureMap> {
    let mut state = seed;
    let map = |&layer: &usize| {
        let (stride, channels) = shape(backbone, layer);
        let cells = |side: u32| (side as usize).div_ceil(stride);
        let (rows, columns) = (cells(height), cells(width));
        let data = (0..channels * rows * columns).map(|_| feature(&mut state)).collect();
        FeatureMap { layer, stride, channels, rows, columns, data }
    };
    layers.layers().iter().map(map).collect()
}

/// A hyperimage of [`feature_maps`].
#[must_use]
pub fn hyperimage(
    backbone: &str,
    layers: &LayerSet,
    geometry: Geometry,
    [width, height]: [u32; 2],
    seed: u64,
) -> Hyperimage {
    let maps = feature_maps(backbone, layers, [width, height], seed);
    Hyperimage::new(geometry, width, height, [1.0; 2], &maps)
}

/// A value in [−0.5, 1), uniform (splitmix64).
fn feature(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32 * 1.5 - 0.5
}
