//! NC-Net: neighbourhood consensus networks (Rocco et al., NeurIPS 2018).

use crate::backbone::FeatureMap;

pub mod matches;

/// Added to the sum of squares of a cell's channels before its root is taken (published code).
const NORM_EPSILON: f32 = 1e-6;

/// Divides every cell of a map by its length over the channels, √(Σ f² + ε) (published code).
pub fn normalise(map: &mut FeatureMap) {
    let cells = map.rows * map.columns;
    let mut squares = vec![0.0; cells];
    for channel in map.data.chunks_exact(cells) {
        for (square, value) in squares.iter_mut().zip(channel) {
            *square += value * value;
        }
    }
    let lengths: Vec<f32> = squares.iter().map(|square| (square + NORM_EPSILON).sqrt()).collect();
    for channel in map.data.chunks_exact_mut(cells) {
        for (value, length) in channel.iter_mut().zip(&lengths) {
            *value /= length;
        }
    }
}
