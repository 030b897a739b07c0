//! Trunks with their weights, which learned methods take their features from.

use super::BackboneError;
use crate::hyperpixel::FeatureMap;
use crate::image::corners::Square;

/// What the published code adds to the sum of squares before its root is taken.
const NORM_EPSILON: f64 = 1e-6;

/// How threads are shared among images. On the CPU the two differ in the last digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// One thread for each image, several images at once: the same bits, however many there are.
    SideBySide,
    /// All threads on one image after the other, as published code runs.
    Together,
}

/// A trunk with its weights.
pub trait Trunk: Send {
    /// The feature map of each image, not normalised; it does not depend on the other images.
    ///
    /// # Errors
    /// A failure of the library that runs it.
    fn features(
        &self,
        pictures: &[&Square],
        threads: Threads,
    ) -> Result<Vec<FeatureMap>, BackboneError>;

    /// Where it runs: `cpu` or `cuda`.
    fn device(&self) -> &'static str;
}

/// Divides every cell of a map of channels × cells by its length over the channels, √(Σ f² + 1e-6).
pub fn normalise_cells(data: &mut [f32], cells: usize) {
    let mut squares = vec![0.0f64; cells];
    for channel in data.chunks_exact(cells) {
        for (square, &value) in squares.iter_mut().zip(channel) {
            *square += f64::from(value) * f64::from(value);
        }
    }
    let factors: Vec<f64> = squares.iter().map(|sum| 1.0 / (sum + NORM_EPSILON).sqrt()).collect();
    for channel in data.chunks_exact_mut(cells) {
        for (value, factor) in channel.iter_mut().zip(&factors) {
            *value = (f64::from(*value) * factor) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_divided_by_their_length_and_zeros_stay_zeros() {
        let mut map = [3.0, 0.0, 4.0, 0.0];
        normalise_cells(&mut map, 2);
        assert!((map[0] - 0.6).abs() < 1e-6 && (map[2] - 0.8).abs() < 1e-6, "{map:?}");
        assert_eq!((map[1], map[3]), (0.0, 0.0));
    }
}
