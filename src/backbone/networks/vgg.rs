//! VGG-16 as a table, up to its fourth pooling (Simonyan and Zisserman, ICLR 2015).

use super::parameter::Parameter;

/// A layer of VGG-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VggLayer {
    /// 3 × 3, padded by one, with bias and ReLU.
    Convolution {
        /// Its place in torchvision's `features`.
        number: usize,
        /// Channels in.
        inputs: usize,
        /// Channels out.
        outputs: usize,
    },
    /// The largest of 2 × 2.
    Pooling,
}

/// VGG-16 up to its fourth pooling.
pub const VGG_LAYERS: [VggLayer; 14] = {
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

/// Every parameter, by its name in torchvision's files.
#[must_use]
pub(super) fn vgg_parameters() -> Vec<Parameter> {
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
