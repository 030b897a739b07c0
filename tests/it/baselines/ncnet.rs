//! NC-Net from photographs to predictions file, with the untrained network and with files that hold
//! the same. Its values between features and points are in `tests/it/ncnet.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hpflow::testing::backbone::networks::TrunkKind;
use hpflow::testing::engine::consensus::{ConsensusLayer, ConsensusWeights};

use super::files::keys;
use super::whole::{done, predicted, write};
use crate::cli::{Tiny, fails, hpflow, text};

/// Tensors of a file: names, shapes, values.
type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

const UNTRAINED: [&str; 4] = ["--weights", "untrained", "--engine", "cpu"];

#[test]
fn predictions_are_the_same_bytes_with_any_number_of_threads_and_nearly_with_any_engine() {
    let tiny = Tiny::new();
    done(&tiny.predict_by("ncnet", "one.jsonl", &[&UNTRAINED[..], &["--threads", "1"]].concat()));
    done(&tiny.predict_by("ncnet", "three.jsonl", &[&UNTRAINED[..], &["--threads", "3"]].concat()));
    let [one, three] =
        ["one.jsonl", "three.jsonl"].map(|name| fs::read(tiny.path(name)).expect("it"));
    assert!(one == three, "the same bytes");
    let (about, expected) = predicted(&tiny, "one.jsonl");
    assert_eq!(expected.len(), 12, "every keypoint");
    for (key, value) in [("name", "ncnet"), ("direction", "direct"), ("engine", "cpu")] {
        assert_eq!(about[key], value);
    }
    assert_eq!(about["consensus"], serde_json::json!([[5, 16], [5, 16], [5, 1]]));
    assert_eq!(about["image_side"], 400);
    // Everything anew for every pair, and the other wiring of a symmetric network.
    let dense = ["--weights", "untrained", "--engine", "dense"];
    let inverse = [&UNTRAINED[..], &["--direction", "inverse"]].concat();
    for (name, more) in [("dense", &dense[..]), ("inverse", &inverse)] {
        let file = format!("{name}.jsonl");
        done(&tiny.predict_by("ncnet", &file, &[more, &["--limit", "2"]].concat()));
        let (_, found) = predicted(&tiny, &file);
        assert_eq!(found.len(), 4);
        for (a, b) in found.iter().zip(&expected) {
            assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 0.05, "{name}: {a:?} and {b:?}");
        }
    }
    let scored = ["score", &tiny.arg("one.jsonl"), "--root", tiny.root(), "--format", "json"];
    let table: serde_json::Value = serde_json::from_slice(&hpflow(&scored).stdout).expect("JSON");
    assert_eq!(table["files"][0]["keypoints"], 12);
}

/// The untrained trunk by the authors' names.
fn extractor() -> Tensors {
    let network = TrunkKind::ResNet101;
    let (mut values, _) = network.untrained();
    let parameters = network.parameters().into_iter();
    parameters
        .map(|one| {
            let values = values.remove(&one.name).expect("a parameter");
            (network.authors_name(&one.name), one.shape, values)
        })
        .collect()
}

/// A consensus network by the authors' names.
fn consensus(layers: &[ConsensusLayer]) -> Tensors {
    let tensors = layers.iter().enumerate().flat_map(|(index, layer)| {
        let ConsensusLayer { kernel: k, inputs, outputs, weight, bias } = layer.clone();
        let name = |part: &str| format!("NeighConsensus.conv.{}.{part}", 2 * index);
        let shape = vec![k, outputs, inputs, k, k, k];
        [(name("weight"), shape, weight), (name("bias"), vec![outputs], bias)]
    });
    tensors.collect()
}

/// Layers of zeros.
fn layers(shapes: &[(usize, usize)]) -> Vec<ConsensusLayer> {
    let mut inputs = 1;
    let mut layer = |&(kernel, outputs): &(usize, usize)| {
        let weight = vec![0.0; kernel.pow(4) * inputs * outputs];
        let layer = ConsensusLayer { kernel, inputs, outputs, weight, bias: vec![0.0; outputs] };
        inputs = outputs;
        layer
    };
    shapes.iter().map(&mut layer).collect()
}

#[test]
fn every_tensor_of_both_files_of_the_authors_is_read_at_its_shape_and_no_other() {
    let network = TrunkKind::ResNet101;
    for (file, shapes) in
        [("ncnet_pfpascal", &[(5, 16), (5, 16), (5, 1)][..]), ("ncnet_ivd", &[(3, 16), (3, 1)])]
    {
        let trunk = network.parameters().into_iter();
        let trunk = trunk.map(|one| (network.authors_name(&one.name), one.shape));
        let consensus =
            consensus(&layers(shapes)).into_iter().map(|(name, shape, _)| (name, shape));
        let read: BTreeMap<String, String> =
            trunk.chain(consensus).map(|(name, shape)| (name, format!("{shape:?}"))).collect();
        assert_eq!(read, keys(file), "{file}");
    }
}

#[test]
fn files_with_the_authors_names_are_read_and_unfit_ones_refused_in_one_sentence() {
    let tiny = Tiny::new();
    let file = |name: &str, tensors: &[(String, Vec<usize>, Vec<f32>)]| {
        let path = tiny.arg(name);
        write(Path::new(&path), tensors);
        path
    };
    let untrained = ConsensusWeights::untrained();
    let whole = consensus(untrained.layers());
    let same = file("same.safetensors", &[extractor(), whole.clone()].concat());
    let bare = file("bare.safetensors", &whole);
    let ivd = file("ivd.safetensors", &consensus(&layers(&[(3, 16), (3, 1)])));
    let one = ["--limit", "1", "--engine", "cpu"];
    let predict = |out: &str, weights: &str, more: &[&str]| {
        let first = ["--weights", weights];
        tiny.predict_by("ncnet", out, &[&first[..], &one, more].concat())
    };
    done(&predict("untrained.jsonl", "untrained", &[]));
    let expected = predicted(&tiny, "untrained.jsonl").1;
    let trunk = ["--backbone-weights", "untrained"];
    done(&predict("same.jsonl", &same, &[]));
    assert_eq!(predicted(&tiny, "same.jsonl").1, expected);
    done(&predict("bare.jsonl", &bare, &trunk));
    assert_eq!(predicted(&tiny, "bare.jsonl").1, expected);
    // The other published shape; a network of zeros leaves no evidence, and so no prediction.
    done(&predict("ivd.jsonl", &ivd, &trunk));
    let lines = fs::read_to_string(tiny.path("ivd.jsonl")).expect("a file");
    assert!(lines.contains(r#""consensus":[[3,16],[3,1]]"#), "{lines}");
    let points = lines.lines().nth(1).expect("a pair");
    assert!(points.contains("null") && !points.contains("[["), "{points}");

    let refused = |name: &str, tensors: &[(String, Vec<usize>, Vec<f32>)], parts: &[&str]| {
        let path = file(name, tensors);
        fails(&predict("no.jsonl", &path, &trunk), 1, &[&[name], parts].concat());
    };
    fails(&predict("no.jsonl", &bare, &[]), 1, &["bare.safetensors", "--backbone-weights"]);
    let lacking = [&whole[..2], &whole[3..]].concat();
    refused("lacking.safetensors", &lacking, &["NeighConsensus.conv.2.weight"]);
    let mut wide = whole.clone();
    (wide[2].1, wide[2].2) = (vec![5, 16, 8, 5, 5, 5], vec![0.0; 16 * 8 * 625]);
    let shapes = ["NeighConsensus.conv.2.weight", "[5, 16, 8, 5, 5, 5]", "[5, 16, 16, 5, 5, 5]"];
    refused("wide.safetensors", &wide, &shapes);
    let mut short = whole.clone();
    (short[1].1, short[1].2) = (vec![15], vec![0.0; 15]);
    refused("short.safetensors", &short, &["NeighConsensus.conv.0.bias", "[15]", "[16]"]);
    refused("even.safetensors", &consensus(&layers(&[(4, 1)])), &["4 taps", "odd"]);
    refused("two.safetensors", &consensus(&layers(&[(3, 2)])), &["gives 2 channels"]);
    let vgg = file("vgg.safetensors", &[super::whole::extractor(), whole.clone()].concat());
    fails(&predict("no.jsonl", &vgg, &[]), 1, &["vgg.safetensors", "VGG-16", "ResNet-101"]);
    done(&predict("vgg.jsonl", &vgg, &trunk));
    assert_eq!(predicted(&tiny, "vgg.jsonl").1, expected);
    let other = [("FeatureRegression.linear.bias".to_owned(), vec![6], vec![0.0; 6])];
    refused("affine.safetensors", &other, &["no consensus network", "cnngeo"]);
    refused("bias.safetensors", &whole[1..2], &["NeighConsensus.conv.0.weight"]);
    fails(&predict("no.jsonl", "no/file.safetensors", &[]), 1, &["no/file.safetensors"]);
    fails(&tiny.predict_by("ncnet", "no.jsonl", &[]), 2, &["--weights", "untrained"]);
    fails(&predict("no.jsonl", "untrained", &["--layers", "1"]), 2, &["--layers", "ncnet"]);
    let adapter = ["--adapter", "no such"];
    fails(&predict("no.jsonl", "untrained", &adapter), 2, &["--adapter", "--engine cpu"]);
}

#[test]
fn points_at_and_beyond_the_border_are_those_of_the_border() {
    let tiny = Tiny::new();
    let [source, target] = [0, 1].map(|index| tiny.arg(&format!("JPEGImages/mug/mug_{index}.png")));
    let flow = tiny.arg("a.flo");
    let first = ["-q", "match", &source, &target, "--method", "ncnet", "--format", "json"];
    // The middles of the last column and row, and beyond them as far as the photograph goes.
    let more = ["--keypoints", "0,0 89,79 89.9,79.9 89,40 89.5,40", "--flow", &flow];
    let output = hpflow(&[&first[..], &UNTRAINED, &more].concat());
    done(&output);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let points: Vec<[f32; 2]> = serde_json::from_value(found["target"].clone()).expect("points");
    let [_, last, beyond, side, beside] = points[..] else { panic!("five points") };
    assert_eq!((last, side), (beyond, beside));
    let inside = |[x, y]: [f32; 2]| (-0.01..99.01).contains(&x) && (-0.01..79.01).contains(&y);
    assert!(points.iter().all(|&point| inside(point)), "{points:?}");
    let flow = hpflow::testing::flow::Flow::read(flow.as_ref()).expect("a flow");
    let [x, y] = flow.vectors[90 * 80 - 1].expect("the last pixel");
    assert!((x - (last[0] - 89.0)).abs() < 1e-3 && (y - (last[1] - 79.0)).abs() < 1e-3);
}

#[test]
fn bench_shows_both_engines_and_their_ratio() {
    let tiny = Tiny::new();
    let first = ["-q", "bench", "--method", "ncnet", "--root", tiny.root(), "--limit", "2"];
    let output = hpflow(&[&first[..], &["--weights", "untrained"]].concat());
    let said = text(&output.stdout);
    assert!(said.contains("engine cpu") && said.contains("engine dense"), "{said}");
    assert!(said.contains("times as fast as dense"), "{said}");
    for stage in ["decode", "backbone", "correlation", "consensus", "transfer"] {
        assert!(said.contains(stage), "{stage}: {said}");
    }
}
