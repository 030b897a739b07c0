//! The heads of the learned baselines as tables, and the geometric models that they predict.

use std::fmt;

use super::parameter::{Parameter, add_biased, add_normalisation, biased};

/// What the names of the parameters of NC-Net's 4D convolutions begin with.
pub const CONSENSUS: &str = "NeighConsensus.conv";

/// Sides of the maps that CNNGeo, WeakAlign and A2Net correlate.
const SIDE: usize = 15;

/// The geometric model that an alignment predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeometricModel {
    /// Six numbers, a matrix of 2 × 3.
    Affine,
    /// Eight numbers: where the corners go.
    Homography,
    /// Eighteen numbers: where the nine control points of a thin-plate spline go.
    Tps,
}

impl GeometricModel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Affine, Self::Homography, Self::Tps];

    /// The name in `--stages` and in predictions files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Affine => "affine",
            Self::Homography => "homography",
            Self::Tps => "tps",
        }
    }

    /// How many numbers describe it.
    #[must_use]
    pub const fn parameters(self) -> usize {
        match self {
            Self::Affine => 6,
            Self::Homography => 8,
            Self::Tps => 18,
        }
    }

    /// The model that `count` numbers describe.
    #[must_use]
    pub fn of_parameters(count: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.parameters() == count)
    }
}

impl fmt::Display for GeometricModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Affine => "affine",
            Self::Homography => "homography",
            Self::Tps => "thin-plate spline",
        })
    }
}

/// NC-Net's 4D convolutions of these kernels and outputs. Names are those after [`CONSENSUS`].
#[must_use]
pub fn consensus(kernel_sizes: &[usize], channels: &[usize]) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    let mut inputs = 1;
    for (layer, (&side, &outputs)) in kernel_sizes.iter().zip(channels).enumerate() {
        // A ReLU is between two of them; the first spatial axis is stored first.
        let name = (2 * layer).to_string();
        let shape = [side, outputs, inputs, side, side, side];
        parameters.extend(biased(&name, &shape, outputs));
        inputs = outputs;
    }
    parameters
}

/// The regression of CNNGeo and WeakAlign with `outputs` outputs: two convolutions with batch
/// normalisation and a linear layer. Names are those after `FeatureRegression.`.
#[must_use]
pub fn regression(outputs: usize) -> Vec<Parameter> {
    let (first, second) = (128, 64);
    // Convolutions of 7 and of 5 without padding take 15 to 9 and 9 to 5.
    let (left, cells) = (5 * 5, SIDE * SIDE);
    let mut parameters = Vec::new();
    add_biased(&mut parameters, "conv.0", &[first, cells, 7, 7]);
    add_normalisation(&mut parameters, "conv.1", first);
    add_biased(&mut parameters, "conv.3", &[second, first, 5, 5]);
    add_normalisation(&mut parameters, "conv.4", second);
    add_biased(&mut parameters, "linear", &[outputs, second * left]);
    parameters
}

/// A2Net's regression with `outputs` outputs: offset-aware convolutions, a learned map of positions, and
/// attention. Names are those after `FeatureRegression.`.
#[must_use]
pub fn attention(outputs: usize) -> Vec<Parameter> {
    let (width, attention, positions, left) = (128, 64, 5, 9);
    // Offsets of one cell to another along an axis are -14 to 14.
    let offsets = (2 * SIDE - 1) * (2 * SIDE - 1);
    let shape = vec![1, positions, left, left];
    let mut parameters = vec![Parameter { name: "weight".to_owned(), shape }];
    for (place, normalisation, shape) in [
        ("preconv.0", "preconv.1", [width, offsets, 1, 1]),
        ("preconv.3", "preconv.4", [width, width, 7, 7]),
        ("conv.0", "conv.1", [width, width + positions, 1, 1]),
        ("proj.0", "proj.1", [width, width, 1, 1]),
        ("att.att.0", "att.att.1", [attention, width, 1, 1]),
    ] {
        add_biased(&mut parameters, place, &shape);
        add_normalisation(&mut parameters, normalisation, shape[0]);
    }
    add_biased(&mut parameters, "att.att.3", &[1, attention, 1, 1]);
    add_biased(&mut parameters, "linear", &[outputs, width]);
    parameters
}
