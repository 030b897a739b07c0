//! Trunks: the part of an ImageNet network that learned methods take their features from, ResNet-101
//! up to layer3 or VGG-16 up to its fourth pooling (CNNGeo, WeakAlign, A2Net, NC-Net; published
//! code). Both end in cells of 16 pixels and features that are not negative.

use std::collections::HashMap;
use std::fmt;

use super::architecture::{Architecture, Parameter};
use super::weights::untrained;
use super::{BackboneError, FeatureMap, Options};
use crate::image::corners::Square;

/// Pixels between neighbouring cells.
pub const STRIDE: usize = 16;

/// What the published code adds to the sum of squares before its root is taken.
const NORM_EPSILON: f64 = 1e-6;

/// A network that learned methods are built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// ResNet-101 after the last ReLU of layer3: 1024 channels.
    ResNet101,
    /// VGG-16 after its fourth pooling: 512 channels.
    Vgg16,
}

/// A layer of VGG-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VggLayer {
    /// 3 × 3, padded by one, with bias and ReLU; `number` is its place in torchvision's `features`.
    Convolution { number: usize, inputs: usize, outputs: usize },
    /// The largest of 2 × 2.
    Pooling,
}

/// VGG-16 up to its fourth pooling.
pub(super) const VGG_LAYERS: [VggLayer; 14] = {
    const fn convolution(number: usize, inputs: usize, outputs: usize) -> VggLayer {
        VggLayer::Convolution { number, inputs, outputs }
    }
    [
        convolution(0, 3, 64),
        convolution(2, 64, 64),
        VggLayer::Pooling,
        convolution(5, 64, 128),
        convolution(7, 128, 128),
        VggLayer::Pooling,
        convolution(10, 128, 256),
        convolution(12, 256, 256),
        convolution(14, 256, 256),
        VggLayer::Pooling,
        convolution(17, 256, 512),
        convolution(19, 512, 512),
        convolution(21, 512, 512),
        VggLayer::Pooling,
    ]
};

/// What the names of the extractor's parameters begin with in the authors' files.
pub const PREFIX: &str = "FeatureExtraction.model.";

impl Network {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ResNet101, Self::Vgg16];

    /// The name on the command line and in predictions files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ResNet101 => "resnet101",
            Self::Vgg16 => "vgg16",
        }
    }

    /// The residual network, if it is one.
    pub(super) fn residual(self) -> Option<Architecture> {
        Architecture::named(self.name()).map(Architecture::without_last_stage)
    }

    /// Every parameter, by its name in torchvision's files.
    #[must_use]
    pub fn parameters(self) -> Vec<Parameter> {
        if let Some(architecture) = self.residual() {
            return architecture.parameters();
        }
        let convolutions = VGG_LAYERS.iter().filter_map(|layer| match *layer {
            VggLayer::Pooling => None,
            VggLayer::Convolution { number, inputs, outputs } => Some([
                Parameter {
                    name: format!("features.{number}.weight"),
                    shape: vec![outputs, inputs, 3, 3],
                },
                Parameter { name: format!("features.{number}.bias"), shape: vec![outputs] },
            ]),
        });
        convolutions.flatten().collect()
    }

    /// The parameters of the untrained recipe, and their SHA-256.
    #[must_use]
    pub fn untrained(self) -> (HashMap<String, Vec<f32>>, String) {
        match self.residual() {
            Some(architecture) => {
                let weights = untrained::weights(&architecture);
                (weights.values, weights.identity.sha256)
            }
            None => untrained::values("", &self.parameters()),
        }
    }

    /// The name in the authors' files of a parameter with this name in torchvision's: the modules of
    /// an `nn.Sequential`, numbered.
    #[must_use]
    pub fn authors_name(self, name: &str) -> String {
        const MODULES: [(&str, &str); 6] = [
            ("features.", ""),
            ("conv1.", "0."),
            ("bn1.", "1."),
            ("layer1.", "4."),
            ("layer2.", "5."),
            ("layer3.", "6."),
        ];
        let numbered = MODULES.iter().find_map(|(module, number)| {
            name.strip_prefix(module).map(|rest| format!("{number}{rest}"))
        });
        format!("{PREFIX}{}", numbered.unwrap_or_else(|| name.to_owned()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ResNet101 => "ResNet-101",
            Self::Vgg16 => "VGG-16",
        })
    }
}

/// Which threads work on pictures. On the CPU the two differ in the last digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// A thread a picture, several side by side: the same bits whatever runs beside it.
    SideBySide,
    /// All threads on one picture after the other, as published code runs.
    Together,
}

/// A trunk with its weights.
pub trait Trunk: Send {
    /// The map of each picture, not normalised. The result of one does not depend on those beside it.
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

/// Opens a trunk on these parameters, which are those of [`Network::parameters`].
///
/// # Errors
/// A build without libtorch, a device that is not there, or libtorch's failure to allocate.
#[cfg(feature = "torch")]
pub fn open(
    network: Network,
    values: &HashMap<String, Vec<f32>>,
    options: Options,
) -> Result<Box<dyn Trunk>, BackboneError> {
    Ok(Box::new(torch::TorchTrunk::new(network, values, options)?))
}

/// Opens a trunk on these parameters, which are those of [`Network::parameters`].
///
/// # Errors
/// A build without libtorch, a device that is not there, or libtorch's failure to allocate.
#[cfg(not(feature = "torch"))]
pub fn open(
    network: Network,
    _values: &HashMap<String, Vec<f32>>,
    _options: Options,
) -> Result<Box<dyn Trunk>, BackboneError> {
    Err(BackboneError::WithoutTorch { name: network.name() })
}

#[cfg(feature = "torch")]
mod torch {
    //! Trunks in libtorch.

    use std::collections::HashMap;

    use tch::{TchError, Tensor};

    use super::{Network, STRIDE, Threads, Trunk};
    use crate::backbone::resnet::{self, device, device_name, feature_map};
    use crate::backbone::side_by_side::side_by_side;
    use crate::backbone::{BackboneError, FeatureMap, Options, vgg};
    use crate::image::corners::Square;

    pub(super) struct TorchTrunk {
        network: Network,
        layers: Layers,
        threads: usize,
    }

    enum Layers {
        Residual(resnet::Network, usize),
        Vgg(vgg::Network),
    }

    impl TorchTrunk {
        pub(super) fn new(
            network: Network,
            values: &HashMap<String, Vec<f32>>,
            options: Options,
        ) -> Result<Self, BackboneError> {
            let device = device(options.device)?;
            let layers = match network.residual() {
                Some(architecture) => resnet::Network::new(&architecture, values, device)
                    .map(|layers| Layers::Residual(layers, architecture.layer_count() - 1)),
                None => vgg::Network::new(values, device).map(Layers::Vgg),
            };
            let layers = layers.map_err(|error| resnet::torch(network.name(), &error))?;
            Ok(Self { network, layers, threads: options.threads.max(1) })
        }
    }

    impl Layers {
        fn device(&self) -> tch::Device {
            match self {
                Self::Residual(network, _) => network.device,
                Self::Vgg(network) => network.device,
            }
        }

        fn shallow_clone(&self) -> Self {
            match self {
                Self::Residual(network, last) => Self::Residual(network.shallow_clone(), *last),
                Self::Vgg(network) => Self::Vgg(network.shallow_clone()),
            }
        }

        fn map(&self, picture: &Square) -> Result<FeatureMap, TchError> {
            let side = picture.side as i64;
            tch::no_grad(|| {
                let input = Tensor::f_from_slice(&picture.planes)?.f_reshape([1, 3, side, side])?;
                let input = input.f_to_device(self.device())?;
                let map = match self {
                    // Layers are kept before their last ReLU.
                    Self::Residual(network, last) => {
                        network.forward(&input, &[*last])?.remove(0).f_relu()?
                    }
                    Self::Vgg(network) => network.forward(&input)?,
                };
                feature_map(&map, 0, STRIDE)
            })
        }
    }

    impl Trunk for TorchTrunk {
        fn features(
            &self,
            pictures: &[&Square],
            threads: Threads,
        ) -> Result<Vec<FeatureMap>, BackboneError> {
            let map = |layers: &Layers, picture: &&Square| layers.map(picture);
            let maps = if threads == Threads::SideBySide && self.layers.device() == tch::Device::Cpu
            {
                side_by_side(self.threads, pictures, || self.layers.shallow_clone(), map)
            } else {
                tch::set_num_threads(i32::try_from(self.threads).unwrap_or(i32::MAX));
                pictures.iter().map(|picture| map(&self.layers, picture)).collect()
            };
            let maps = maps.into_iter().collect::<Result<_, _>>();
            maps.map_err(|error| resnet::torch(self.network.name(), &error))
        }

        fn device(&self) -> &'static str {
            device_name(self.layers.device())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authors_number_what_torchvision_names() {
        let residual = Network::ResNet101;
        for (name, expected) in [
            ("conv1.weight", "0.weight"),
            ("bn1.running_var", "1.running_var"),
            ("layer1.0.downsample.1.bias", "4.0.downsample.1.bias"),
            ("layer3.22.bn3.weight", "6.22.bn3.weight"),
        ] {
            assert_eq!(residual.authors_name(name), format!("{PREFIX}{expected}"));
        }
        assert_eq!(Network::Vgg16.authors_name("features.21.bias"), format!("{PREFIX}21.bias"));
    }

    /// 34 and 484 tensors in a whole file, 14 of which are the regression's.
    #[test]
    fn the_trunks_have_as_many_parameters_as_the_authors_files() {
        assert_eq!(Network::Vgg16.parameters().len(), 34 - 14);
        assert_eq!(Network::ResNet101.parameters().len(), 484 - 14);
    }

    #[test]
    fn cells_are_divided_by_their_length_and_zeros_stay_zeros() {
        let mut map = [3.0, 0.0, 4.0, 0.0];
        normalise_cells(&mut map, 2);
        assert!((map[0] - 0.6).abs() < 1e-6 && (map[2] - 0.8).abs() < 1e-6, "{map:?}");
        assert_eq!((map[1], map[3]), (0.0, 0.0));
    }
}
