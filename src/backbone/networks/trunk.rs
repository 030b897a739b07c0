//! Trunks: the part of an ImageNet network that learned methods take their features from, ResNet-101
//! up to layer3 or VGG-16 up to its fourth pooling (CNNGeo, WeakAlign, A2Net, NC-Net; published
//! code). Both end in cells of 16 pixels and features that are not negative.

use std::fmt;

use super::parameter::{Parameter, Shapes};
use super::residual::Architecture;
use super::vgg::vgg_parameters;

/// A network that learned methods are built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkKind {
    /// ResNet-101 after the last ReLU of layer3: 1024 channels.
    ResNet101,
    /// VGG-16 after its fourth pooling: 512 channels.
    Vgg16,
}

/// What the names of the extractor's parameters begin with in the authors' files.
pub const PREFIX: &str = "FeatureExtraction.model.";

/// Pixels between neighbouring cells.
pub const STRIDE: usize = 16;

impl TrunkKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ResNet101, Self::Vgg16];

    /// The network whose extractor a file has under the authors' names: the one that has more tensors in
    /// the file. `None` where a file has no tensor of either.
    #[must_use]
    pub fn of(shapes: &Shapes) -> Option<Self> {
        let fits = |kind: Self| {
            let found = kind.parameters().into_iter().filter_map(|Parameter { name, shape }| {
                shapes.get(&kind.authors_name(&name)).map(|found| *found == shape)
            });
            // Both begin with a convolution `0`, which its shape tells apart.
            found.fold((0, 0), |(names, same), fits| (names + 1, same + usize::from(fits)))
        };
        let [residual, vgg] = Self::ALL.map(fits);
        match residual.max(vgg) {
            (0, _) => None,
            most if most == residual => Some(Self::ResNet101),
            _ => Some(Self::Vgg16),
        }
    }

    /// The name on the command line and in predictions files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ResNet101 => "resnet101",
            Self::Vgg16 => "vgg16",
        }
    }

    /// The residual network, if it is one.
    #[must_use]
    pub fn residual(self) -> Option<Architecture> {
        Architecture::named(self.name()).map(Architecture::without_last_stage)
    }

    /// Every parameter, by its name in torchvision's files.
    #[must_use]
    pub fn parameters(self) -> Vec<Parameter> {
        self.residual().map_or_else(vgg_parameters, |network| network.parameters())
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

impl fmt::Display for TrunkKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ResNet101 => "ResNet-101",
            Self::Vgg16 => "VGG-16",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authors_number_what_torchvision_names() {
        let residual = TrunkKind::ResNet101;
        for (name, expected) in [
            ("conv1.weight", "0.weight"),
            ("bn1.running_var", "1.running_var"),
            ("layer1.0.downsample.1.bias", "4.0.downsample.1.bias"),
            ("layer3.22.bn3.weight", "6.22.bn3.weight"),
        ] {
            assert_eq!(residual.authors_name(name), format!("{PREFIX}{expected}"));
        }
        assert_eq!(TrunkKind::Vgg16.authors_name("features.21.bias"), format!("{PREFIX}21.bias"));
    }

    /// 34 and 484 tensors in a whole file, 14 of which are the regression's.
    #[test]
    fn the_trunks_have_as_many_parameters_as_the_authors_files() {
        assert_eq!(TrunkKind::Vgg16.parameters().len(), 34 - 14);
        assert_eq!(TrunkKind::ResNet101.parameters().len(), 484 - 14);
    }

    /// A damaged file's extractor is the one that the rest of its tensors belong to.
    #[test]
    fn an_extractor_is_known_by_most_of_its_tensors() {
        for kind in TrunkKind::ALL {
            let parameters = kind.parameters().into_iter();
            let whole: Shapes =
                parameters.map(|one| (kind.authors_name(&one.name), one.shape)).collect();
            assert_eq!(TrunkKind::of(&whole), Some(kind));
            for lost in whole.keys() {
                let mut shapes = whole.clone();
                shapes.remove(lost);
                assert_eq!(TrunkKind::of(&shapes), Some(kind), "without {lost}");
            }
            let first = format!("{PREFIX}0.weight");
            let alone = Shapes::from([(first.clone(), whole[&first].clone())]);
            assert_eq!(TrunkKind::of(&alone), Some(kind));
        }
        let other = Shapes::from([(format!("{PREFIX}stem.weight"), vec![64, 3, 7, 7])]);
        assert_eq!(TrunkKind::of(&other), None);
    }
}
