//! The learned baselines as tables: which tensors their authors' checkpoints hold, at which shapes.
//!
//! CNNGeo (Rocco et al., CVPR 2017), WeakAlign (Rocco et al., CVPR 2018), A2Net (Seo et al.,
//! ECCV 2018) and NC-Net (Rocco et al., NeurIPS 2018) each put a head on a backbone that is cut
//! after 16-fold reduction. Names are those of their published code, with `model` for the backbone,
//! which the oldest files call `vgg`.

use std::fmt;
use std::path::Path;

use super::error::{Names, WeightsError};
use super::fit::fits;
use crate::backbone::networks::{
    CONSENSUS, GeometricModel, Parameter, Shapes, TrunkKind, attention, consensus, regression,
};

/// A checkpoint of one of the baselines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// CNNGeo, and WeakAlign's files of one stage, which are the same network.
    CnnGeo {
        /// Its backbone.
        trunk: TrunkKind,
        /// What its head predicts.
        model: GeometricModel,
    },
    /// WeakAlign's file of both stages: an affine head and one for a thin-plate spline.
    WeakAlign {
        /// Its backbone.
        trunk: TrunkKind,
    },
    /// A2Net.
    A2Net {
        /// Its backbone.
        trunk: TrunkKind,
        /// What its head predicts.
        model: GeometricModel,
    },
    /// NC-Net.
    NcNet {
        /// Its backbone.
        trunk: TrunkKind,
        /// The side of each 4D convolution's kernel (`ncons_kernel_sizes`).
        kernel_sizes: Vec<usize>,
        /// The outputs of each 4D convolution (`ncons_channels`).
        channels: Vec<usize>,
    },
}

/// A backbone's tensors by the authors' names.
fn trunk_parameters(trunk: TrunkKind) -> Vec<Parameter> {
    let named = |Parameter { name, shape }| Parameter { name: trunk.authors_name(&name), shape };
    trunk.parameters().into_iter().map(named).collect()
}

/// The model that a head predicts, by its number of outputs; `None` where its last layer is missing or
/// has another number.
#[must_use]
pub fn model_of(shapes: &Shapes, head: &str) -> Option<GeometricModel> {
    let last = |part: &str| shapes.get(&format!("{head}.linear.{part}"))?.first().copied();
    GeometricModel::of_parameters(last("weight").or_else(|| last("bias"))?)
}

impl Baseline {
    /// The baseline whose names a file has. Whether it has all of them, and their shapes, is what
    /// [`Baseline::check`] says.
    #[must_use]
    pub fn of(shapes: &Shapes) -> Option<Self> {
        // A file without a backbone is one of ResNet-101 that lacks it.
        let trunk = TrunkKind::of(shapes).unwrap_or(TrunkKind::ResNet101);
        let has = |prefix: &str| shapes.keys().any(|name| name.starts_with(prefix));
        if has(&format!("{CONSENSUS}.")) {
            let (kernel_sizes, channels) = consensus_of(shapes);
            Some(Self::NcNet { trunk, kernel_sizes, channels })
        } else if has("FeatureRegression2.") {
            Some(Self::WeakAlign { trunk })
        } else if has("FeatureRegression.preconv.") || has("FeatureRegression.att.") {
            let model = model_of(shapes, "FeatureRegression").unwrap_or(GeometricModel::Affine);
            Some(Self::A2Net { trunk, model })
        } else if has("FeatureRegression.") {
            let model = model_of(shapes, "FeatureRegression").unwrap_or(GeometricModel::Affine);
            Some(Self::CnnGeo { trunk, model })
        } else {
            None
        }
    }

    /// Every tensor and its shape. `num_batches_tracked` is not among them.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        match self {
            Self::CnnGeo { trunk, model } => {
                let mut parameters = trunk_parameters(*trunk);
                parameters.extend(named("FeatureRegression", regression(model.parameters())));
                parameters
            }
            Self::WeakAlign { trunk } => {
                let mut parameters = trunk_parameters(*trunk);
                for (head, model) in [
                    ("FeatureRegression", GeometricModel::Affine),
                    ("FeatureRegression2", GeometricModel::Tps),
                ] {
                    parameters.extend(named(head, regression(model.parameters())));
                }
                parameters
            }
            Self::A2Net { trunk, model } => {
                let mut parameters = trunk_parameters(*trunk);
                parameters.extend(named("FeatureRegression", attention(model.parameters())));
                parameters
            }
            Self::NcNet { trunk, kernel_sizes, channels } => {
                let mut parameters = trunk_parameters(*trunk);
                parameters.extend(named(CONSENSUS, consensus(kernel_sizes, channels)));
                parameters
            }
        }
    }

    /// Whether a file has every tensor at its shape, and hpflow runs what it holds.
    ///
    /// # Errors
    /// A tensor that is missing or has another shape, with both shapes, and those of
    /// [`Baseline::runs`].
    pub fn check(&self, path: &Path, shapes: &Shapes) -> Result<(), WeightsError> {
        fits(path, shapes, self.parameters(), &self.to_string(), Names::Authors)?;
        self.runs(path)
    }

    /// Whether hpflow runs it, going by its shapes. The path is for errors.
    ///
    /// # Errors
    /// A form that no published code of the baseline has.
    pub fn runs(&self, path: &Path) -> Result<(), WeightsError> {
        let found = match self {
            Self::A2Net { model: GeometricModel::Homography, .. } => {
                "it regresses a homography, which A2Net does not".to_owned()
            }
            Self::NcNet { trunk: TrunkKind::Vgg16, .. } => {
                "its extractor is VGG-16, and NC-Net's is ResNet-101".to_owned()
            }
            Self::NcNet { kernel_sizes, channels, .. } => {
                let even = kernel_sizes.iter().position(|side| side % 2 == 0);
                match (even, channels.last()) {
                    (Some(layer), _) => format!(
                        "{CONSENSUS}.{} has a kernel of {} taps an axis, expected an odd number",
                        2 * layer,
                        kernel_sizes[layer]
                    ),
                    (None, Some(1)) => return Ok(()),
                    (None, Some(outputs)) => {
                        format!("its last 4D convolution gives {outputs} channels, expected 1")
                    }
                    (None, None) => format!("has no 4D convolution ({CONSENSUS}.0.weight)"),
                }
            }
            _ => return Ok(()),
        };
        let remedy = "give a file of its authors', converted by `hpflow weights convert`";
        Err(WeightsError::NotRun { path: path.to_owned(), found, remedy })
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CnnGeo { trunk, model } => {
                write!(formatter, "CNNGeo or a stage of WeakAlign ({model}, {trunk})")
            }
            Self::WeakAlign { trunk } => write!(formatter, "WeakAlign (both stages, {trunk})"),
            Self::A2Net { trunk, model } => write!(formatter, "A2Net ({model}, {trunk})"),
            Self::NcNet { trunk, kernel_sizes, channels } => write!(
                formatter,
                "NC-Net (kernels {}, channels {}, {trunk})",
                listed(kernel_sizes),
                listed(channels)
            ),
        }
    }
}

fn listed(numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
}

/// Kernel sizes and channels of NC-Net's 4D convolutions, from the shapes of their weights. Of a
/// layer whose weight is missing they are what its neighbours and its bias need.
fn consensus_of(shapes: &Shapes) -> (Vec<usize>, Vec<usize>) {
    const MOST: usize = 64;
    const USUAL: usize = 5;
    let get = |layer: usize, part: &str, axis: usize| {
        let shape = shapes.get(&format!("{CONSENSUS}.{}.{part}", 2 * layer))?;
        shape.get(axis).copied()
    };
    let there = |&layer: &usize| ["weight", "bias"].iter().any(|p| get(layer, p, 0).is_some());
    let layers = (0..MOST).rev().find(there).map_or(0, |last| last + 1);
    let side = |layer| get(layer, "weight", 0);
    let kernel = (0..layers).find_map(side).unwrap_or(USUAL);
    let outputs = |layer| {
        let neighbours = get(layer, "bias", 0).or(get(layer + 1, "weight", 2));
        get(layer, "weight", 1).or(neighbours).unwrap_or(1)
    };
    (0..layers).map(|layer| (side(layer).unwrap_or(kernel), outputs(layer))).unzip()
}

/// A head's parameters by their names in a file.
fn named(head: &str, parameters: Vec<Parameter>) -> impl Iterator<Item = Parameter> {
    parameters
        .into_iter()
        .map(move |Parameter { name, shape }| Parameter { name: format!("{head}.{name}"), shape })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of tensors of the authors' checkpoints, and of values in their heads.
    #[test]
    fn tables_have_as_many_tensors_and_values_as_the_authors_networks() {
        let trunk = TrunkKind::ResNet101;
        let nc_net = |kernel_sizes: &[usize], channels: &[usize]| Baseline::NcNet {
            trunk,
            kernel_sizes: kernel_sizes.to_vec(),
            channels: channels.to_vec(),
        };
        for (baseline, tensors, values) in [
            (Baseline::CnnGeo { trunk, model: GeometricModel::Affine }, 484, 1_626_566),
            (Baseline::CnnGeo { trunk, model: GeometricModel::Tps }, 484, 1_645_778),
            (Baseline::WeakAlign { trunk }, 498, 1_626_566 + 1_645_778),
            (Baseline::A2Net { trunk, model: GeometricModel::Affine }, 505, 956_188),
            (Baseline::A2Net { trunk, model: GeometricModel::Tps }, 505, 957_736),
            (nc_net(&[5, 5, 5], &[16, 16, 1]), 476, 180_033),
            (nc_net(&[3, 3], &[16, 1]), 474, 81 * 16 * 2 + 17),
        ] {
            let parameters = baseline.parameters();
            let head = parameters.iter().filter(|each| !each.name.starts_with("FeatureExtraction"));
            let found: usize = head.map(|each| each.shape.iter().product::<usize>()).sum();
            assert_eq!((parameters.len(), found), (tensors, values), "{baseline}");
        }
        let vgg = Baseline::CnnGeo { trunk: TrunkKind::Vgg16, model: GeometricModel::Homography };
        assert_eq!(vgg.parameters().len(), 34);
    }

    #[test]
    fn a_baseline_is_known_by_its_own_tensors() {
        for trunk in [TrunkKind::ResNet101, TrunkKind::Vgg16] {
            for model in [GeometricModel::Affine, GeometricModel::Homography, GeometricModel::Tps] {
                for baseline in [
                    Baseline::CnnGeo { trunk, model },
                    Baseline::WeakAlign { trunk },
                    Baseline::A2Net { trunk, model },
                    Baseline::NcNet { trunk, kernel_sizes: vec![3, 5], channels: vec![10, 1] },
                ] {
                    let parameters = baseline.parameters().into_iter();
                    let shapes: Shapes = parameters.map(|each| (each.name, each.shape)).collect();
                    assert_eq!(Baseline::of(&shapes), Some(baseline.clone()));
                    let (file, of) = (Path::new("file"), baseline.to_string());
                    fits(file, &shapes, baseline.parameters(), &of, Names::Authors).unwrap();
                }
            }
        }
    }

    /// Forms that nobody published: the file may have every tensor, and hpflow does not run it.
    #[test]
    fn what_is_not_run_is_no_fit() {
        let trunk = TrunkKind::ResNet101;
        let nc_net = |trunk, kernel_sizes: &[usize], channels: &[usize]| Baseline::NcNet {
            trunk,
            kernel_sizes: kernel_sizes.to_vec(),
            channels: channels.to_vec(),
        };
        for (baseline, what) in [
            (
                nc_net(trunk, &[5, 4, 5], &[16, 16, 1]),
                "NeighConsensus.conv.2 has a kernel of 4 taps",
            ),
            (nc_net(trunk, &[3, 3], &[16, 2]), "gives 2 channels"),
            (nc_net(trunk, &[], &[]), "NeighConsensus.conv.0.weight"),
            (nc_net(TrunkKind::Vgg16, &[3], &[1]), "its extractor is VGG-16"),
            (Baseline::A2Net { trunk, model: GeometricModel::Homography }, "a homography"),
        ] {
            let parameters = baseline.parameters().into_iter();
            let shapes: Shapes = parameters.map(|each| (each.name, each.shape)).collect();
            let error = baseline.check(Path::new("file"), &shapes).unwrap_err().to_string();
            assert!(error.starts_with("file: ") && error.contains(what), "{error}");
        }
        let homography = Baseline::CnnGeo { trunk, model: GeometricModel::Homography };
        homography.runs(Path::new("file")).unwrap();
    }
}
