//! Which network a file's tensors belong to, told from their names and shapes.

use std::collections::HashMap;

use super::baselines::Baseline;

/// Shapes of a file's tensors by name.
pub type Shapes = HashMap<String, Vec<usize>>;

/// Names that only one family of networks has.
const FAMILIES: [(&str, &str); 6] = [
    ("resnet.embedder.embedder.convolution.weight", "a ResNet with the names of transformers"),
    ("embedder.embedder.convolution.weight", "a ResNet with the names of transformers"),
    ("patch_embed.proj.weight", "a vision transformer"),
    ("embeddings.patch_embeddings.projection.weight", "a vision transformer"),
    ("features.0.weight", "VGG or AlexNet"),
    ("features.denseblock1.denselayer1.conv1.weight", "a DenseNet"),
];

/// The network, in words; `None` where nothing is known of it.
#[must_use]
pub fn looks_like(shapes: &Shapes) -> Option<String> {
    if let Some(baseline) = Baseline::of(shapes) {
        return Some(baseline.to_string());
    }
    if let Some((_, family)) = FAMILIES.iter().find(|(name, _)| shapes.contains_key(*name)) {
        return Some((*family).to_owned());
    }
    if shapes.contains_key("layer1.0.conv1.weight") {
        return Some(residual(shapes));
    }
    let prefix =
        shapes.keys().filter_map(|name| name.strip_suffix("layer1.0.conv1.weight")).min()?;
    Some(format!("a ResNet whose tensor names begin with '{prefix}', which must be removed"))
}

fn residual(shapes: &Shapes) -> String {
    let stages = [1, 2, 3, 4].map(|stage| {
        (0..).take_while(|block| has(shapes, &format!("layer{stage}.{block}.conv1"))).count()
    });
    let bottleneck = has(shapes, "layer1.0.conv3");
    let dimension = |name: &str, axis: usize| {
        shapes.get(name).and_then(|shape| shape.get(axis)).copied().unwrap_or(0)
    };
    let width = dimension("layer1.0.conv2.weight", 0);
    let grouped = dimension("layer1.0.conv2.weight", 1) < width;
    let depth = match stages {
        [2, 2, 2, 2] => 18,
        [3, 4, 6, 3] if !bottleneck => 34,
        [3, 4, 6, 3] => 50,
        [3, 4, 23, 3] => 101,
        [3, 8, 36, 3] => 152,
        _ => return format!("a residual network with {stages:?} blocks"),
    };
    match (bottleneck, grouped, width) {
        (true, true, _) => format!("resnext{depth}"),
        (true, false, 128) => format!("wide_resnet{depth}_2"),
        _ => format!("resnet{depth}"),
    }
}

fn has(shapes: &Shapes, module: &str) -> bool {
    shapes.contains_key(&format!("{module}.weight"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::architecture::ARCHITECTURES;

    #[test]
    fn networks_are_told_by_names_and_shapes() {
        for architecture in ARCHITECTURES {
            let parameters = architecture.parameters();
            let mut shapes: Shapes =
                parameters.into_iter().map(|each| (each.name, each.shape)).collect();
            assert_eq!(looks_like(&shapes).as_deref(), Some(architecture.name));
            let wide = vec![128, 128, 3, 3];
            shapes.insert("layer1.0.conv2.weight".to_owned(), wide);
            assert_eq!(looks_like(&shapes), Some(format!("wide_{}_2", architecture.name)));
            let prefixed: Shapes = shapes
                .iter()
                .map(|(name, shape)| (format!("module.{name}"), shape.clone()))
                .collect();
            assert!(looks_like(&prefixed).unwrap().contains("'module.'"));
        }
        assert_eq!(looks_like(&Shapes::new()), None);
        let vgg = Shapes::from([("features.0.weight".to_owned(), vec![64, 3, 3, 3])]);
        assert_eq!(looks_like(&vgg).as_deref(), Some("VGG or AlexNet"));
    }
}
