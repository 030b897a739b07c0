//! Which network a file's tensors belong to, told from their names and shapes.

use super::baselines::Baseline;
use crate::backbone::networks::Shapes;

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
    let prefixes = prefixes(shapes);
    (!prefixes.is_empty()).then(|| prefixed(&prefixes))
}

/// What stands before torchvision's names in a file, for each ResNet that it holds so, in the order of
/// names.
#[must_use]
pub fn prefixes(shapes: &Shapes) -> Vec<String> {
    let prefixes = shapes.keys().filter_map(|name| name.strip_suffix("layer1.0.conv1.weight"));
    let mut prefixes: Vec<String> =
        prefixes.filter(|prefix| !prefix.is_empty()).map(str::to_owned).collect();
    prefixes.sort_unstable();
    prefixes
}

/// Whether a file has a ResNet under torchvision's names themselves.
pub fn is_plain(shapes: &Shapes) -> bool {
    shapes.contains_key("layer1.0.conv1.weight")
}

/// ResNets under prefixes, in words.
pub fn prefixed(prefixes: &[String]) -> String {
    match prefixes {
        [prefix] => format!("a ResNet whose tensor names begin with {}", with_meaning(prefix)),
        several => {
            let each: Vec<String> = several.iter().map(|prefix| with_meaning(prefix)).collect();
            let (count, each) = (several.len(), each.join(", "));
            format!("{count} ResNets, whose tensor names begin with {each}")
        }
    }
}

/// A prefix or the name of an entry, with the network that it usually belongs to.
pub(crate) fn with_meaning(name: &str) -> String {
    let shown = crate::text::shortened(name);
    meaning(name).map_or_else(|| format!("'{shown}'"), |is| format!("'{shown}' (usually {is})"))
}

/// What is usually kept under a prefix or entry one of whose words is among these, the first that fits.
const MEANINGS: [(&[&str], &str); 9] = [
    (
        &["momentum", "ema", "swa", "averaged", "average"],
        "a moving average of the network that was trained",
    ),
    (&["k", "key"], "MoCo's moving average of its encoder_q"),
    (&["q", "query"], "the encoder that MoCo trained, and the one to use"),
    (&["teacher"], "the moving average of the student, which DINO evaluates"),
    (&["student"], "the network that was trained beside a teacher"),
    (&["target"], "BYOL's moving average of its online network"),
    (&["online"], "the network that BYOL trained, and the one to use"),
    (
        &["backbone", "encoder", "extractor", "trunk", "body", "resnet", "base", "features"],
        "the backbone of a larger network",
    ),
    (&["model", "net", "network"], "the network in a training program"),
];

/// What is usually kept under such a prefix or entry.
pub(crate) fn meaning(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    match words[..] {
        [] => None,
        ["module"] => Some("DataParallel's wrapping of the whole network"),
        [.., "base", "encoder"] => Some("the encoder that MoCo v3 trained, and the one to use"),
        _ => {
            let fits = |known: &&(&[&str], _)| words.iter().any(|word| known.0.contains(word));
            MEANINGS.iter().find(fits).map(|(_, is)| *is)
        }
    }
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
    use crate::backbone::networks::ARCHITECTURES;

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
        let of = |names: &[&str]| -> Shapes {
            let name =
                |prefix: &&str| (format!("{prefix}layer1.0.conv1.weight"), vec![64, 64, 1, 1]);
            names.iter().map(name).collect()
        };
        assert_eq!(
            looks_like(&of(&["encoder_q.", "encoder_k."])).as_deref(),
            Some(
                "2 ResNets, whose tensor names begin with 'encoder_k.' (usually MoCo's moving average \
                 of its encoder_q), 'encoder_q.' (usually the encoder that MoCo trained, and the one \
                 to use)"
            )
        );
        let byol = looks_like(&of(&["online_network.", "target_network.", "x."])).unwrap();
        assert!(byol.starts_with("3 ResNets") && byol.ends_with(", 'x.'"), "{byol}");
        let dino = looks_like(&of(&["student.backbone.", "teacher.backbone."])).unwrap();
        assert!(dino.contains("'teacher.backbone.' (usually the moving average of"), "{dino}");
        assert_eq!(looks_like(&Shapes::new()), None);
        let vgg = Shapes::from([("features.0.weight".to_owned(), vec![64, 3, 3, 3])]);
        assert_eq!(looks_like(&vgg).as_deref(), Some("VGG or AlexNet"));
    }
}
