//! The residual networks as tables: blocks, parameters with their shapes, and the geometry of
//! their layers (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, in
//! torchvision's arrangement: the stride of a bottleneck is in its 3 × 3 convolution).

use super::parameter::{Parameter, add_convolution, add_normalisation};
use crate::hyperpixel::Geometry;

/// Pixels between neighbours in layers 0 to 9 (HPF's published code).
const JUMPS: [u32; 10] = [4, 4, 4, 4, 8, 8, 8, 8, 16, 16];

/// Side of the receptive field of layers 0 to 9 in pixels (HPF's published code).
const RECEPTIVE_FIELDS: [u32; 10] = [11, 19, 27, 35, 43, 59, 75, 91, 107, 139];

/// Channels of the stem.
const STEM: usize = 64;

/// A bottleneck's output has four times its width.
const EXPANSION: usize = 4;

/// A residual network of bottlenecks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    /// The name on the command line and in predictions files.
    pub name: &'static str,
    /// Number of bottlenecks in each of the four stages.
    pub stages: [usize; 4],
}

/// The networks that layer sets were published for.
pub const ARCHITECTURES: [Architecture; 2] = [
    Architecture { name: "resnet50", stages: [3, 4, 6, 3] },
    Architecture { name: "resnet101", stages: [3, 4, 23, 3] },
];

/// A bottleneck: 1 × 1, 3 × 3 and 1 × 1 convolution beside a shortcut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BottleneckBlock {
    /// What its parameters' names begin with, for example `layer1.0`.
    pub prefix: String,
    /// Channels in.
    pub inputs: usize,
    /// Channels between its convolutions.
    pub width: usize,
    /// Channels out.
    pub outputs: usize,
    /// Stride of the 3 × 3 convolution and of the shortcut.
    pub stride: usize,
    /// Whether the shortcut is a convolution.
    pub downsample: bool,
}

impl Architecture {
    /// The network of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ARCHITECTURES.into_iter().find(|architecture| architecture.name == name)
    }

    /// The same network without its last stage, as learned methods cut it: after layer3.
    #[must_use]
    pub fn without_last_stage(self) -> Self {
        let [first, second, third, _] = self.stages;
        Self { stages: [first, second, third, 0], ..self }
    }

    /// Number of layers that a layer set can name: the stem and every bottleneck.
    #[must_use]
    pub fn layer_count(&self) -> usize {
        1 + self.stages.iter().sum::<usize>()
    }

    /// The bottlenecks in order: the k-th one's output is layer k, counted from 1.
    #[must_use]
    pub fn blocks(&self) -> Vec<BottleneckBlock> {
        let mut blocks = Vec::new();
        let mut inputs = STEM;
        for (stage, &count) in self.stages.iter().enumerate() {
            let width = STEM << stage;
            for index in 0..count {
                blocks.push(BottleneckBlock {
                    prefix: format!("layer{}.{index}", stage + 1),
                    inputs,
                    width,
                    outputs: EXPANSION * width,
                    stride: if stage > 0 && index == 0 { 2 } else { 1 },
                    downsample: index == 0,
                });
                inputs = EXPANSION * width;
            }
        }
        blocks
    }

    /// Pixels between neighbouring cells of each layer: 4 in the stem and the first stage, twice as
    /// many in each stage after it.
    #[must_use]
    pub fn strides(&self) -> Vec<usize> {
        let stages = (0..).zip(self.stages).flat_map(|(stage, count)| vec![4 << stage; count]);
        std::iter::once(4).chain(stages).collect()
    }

    /// Every parameter of the feature extractor, in the order in which the network uses them. The
    /// classifier (`fc`) and `num_batches_tracked` are not among them.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        add_convolution(&mut parameters, "conv1", [STEM, 3, 7, 7]);
        add_normalisation(&mut parameters, "bn1", STEM);
        for block in self.blocks() {
            let BottleneckBlock { prefix, inputs, width, outputs, .. } = block;
            let convolutions =
                [[width, inputs, 1, 1], [width, width, 3, 3], [outputs, width, 1, 1]];
            for (number, shape) in (1..).zip(convolutions) {
                add_convolution(&mut parameters, &format!("{prefix}.conv{number}"), shape);
                add_normalisation(&mut parameters, &format!("{prefix}.bn{number}"), shape[0]);
            }
            if block.downsample {
                let shape = [outputs, inputs, 1, 1];
                add_convolution(&mut parameters, &format!("{prefix}.downsample.0"), shape);
                add_normalisation(&mut parameters, &format!("{prefix}.downsample.1"), outputs);
            }
        }
        parameters
    }
}

/// Jump and receptive field of a base layer, of layers 0 to 9 alone: no others were published. They are
/// the same for both networks, whose first two stages are alike.
#[must_use]
pub fn geometry(base_layer: usize) -> Option<Geometry> {
    let jump = *JUMPS.get(base_layer)?;
    Some(Geometry::new(jump, *RECEPTIVE_FIELDS.get(base_layer)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of torchvision's networks without their classifiers: 25,557,032 − 2,049,000 learned
    /// parameters and 53,120 running statistics for ResNet-50, likewise for ResNet-101.
    #[test]
    fn the_networks_have_the_parameters_of_torchvisions() {
        let count = |name| {
            let architecture = Architecture::named(name).unwrap();
            let parameters = architecture.parameters();
            parameters.iter().map(|parameter| parameter.shape.iter().product::<usize>()).sum()
        };
        let [fifty, one_hundred_one]: [usize; 2] = [count("resnet50"), count("resnet101")];
        assert_eq!(fifty, 25_557_032 - 2_049_000 + 53_120);
        assert_eq!(one_hundred_one, 44_549_160 - 2_049_000 + 105_344);
    }

    #[test]
    fn layers_are_the_stem_and_the_bottlenecks() {
        assert_eq!(Architecture::named("resnet50").unwrap().layer_count(), 17);
        assert_eq!(Architecture::named("resnet101").unwrap().layer_count(), 34);
        assert_eq!(Architecture::named("resnet18"), None);
        let strides = Architecture::named("resnet50").unwrap().strides();
        assert_eq!(strides, [4, 4, 4, 4, 8, 8, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32, 32]);
    }

    #[test]
    fn the_geometry_ends_at_layer_nine() {
        assert_eq!(geometry(9), Some(Geometry::new(16, 139)));
        assert_eq!(geometry(10), None);
    }
}
