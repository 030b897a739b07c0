//! The residual networks: what their numbers do not depend on, and what they refuse.

use std::path::Path;

use hpflow::Progress;
use hpflow::testing::backbone::{self, BackboneOptions, Device, FeatureMap, WeightsSource};
use hpflow::testing::engine::dense::DenseEngine;
use hpflow::testing::engine::{Engine, PairRequest};
use hpflow::testing::image::{self, Prepared};

use crate::golden::untrained;

fn photograph(name: &str) -> Prepared {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hpf/images");
    image::prepare(&image::read(&folder.join(name)).expect("a photograph"), 300)
}

fn bits(maps: &[FeatureMap]) -> Vec<u32> {
    maps.iter().flat_map(|map| &map.data).map(|value| value.to_bits()).collect()
}

#[test]
fn neither_threads_nor_neighbours_change_a_bit() {
    let photographs = ["a_src.png", "a_trg.png", "d_src.png", "a_src.png"].map(photograph);
    let all: Vec<&Prepared> = photographs.iter().collect();
    let extract = |threads: usize, photographs: &[&Prepared]| -> Vec<Vec<u32>> {
        let options =
            BackboneOptions { device: Device::Cpu, threads, progress: Progress::default() };
        let network = backbone::open("resnet50", &WeightsSource::Untrained, options);
        let maps = network.expect("a network").extract(photographs, &[0, 5, 11, 16]);
        maps.expect("maps").iter().map(|maps| bits(maps)).collect()
    };
    let alone: Vec<Vec<u32>> =
        all.iter().flat_map(|photograph| extract(1, &[*photograph])).collect();
    assert_eq!(alone[0], alone[3]);
    for threads in [1, 2, 3] {
        assert_eq!(extract(threads, &all), alone, "{threads} threads");
    }
}

#[test]
fn layers_are_what_they_are_whichever_others_are_asked_for() {
    let network = untrained("resnet50");
    let photograph = photograph("d_src.png");
    let every: Vec<usize> = (0..network.layer_count()).collect();
    let maps = network.extract(&[&photograph], &every).expect("maps").remove(0);
    assert_eq!(maps.len(), 17);
    for (map, layer) in maps.iter().zip(0..) {
        let alone = network.extract(&[&photograph], &[layer]).expect("a map").remove(0);
        assert_eq!(&alone[..], std::slice::from_ref(map), "layer {layer}");
    }
    let negative = |layer: usize| maps[layer].data.iter().any(|&value| value < 0.0);
    assert!(!negative(0), "the stem is tapped after its ReLU");
    assert!((1..17).all(negative), "bottlenecks are tapped before theirs");
}

#[test]
fn a_photograph_of_one_pixel_gives_maps_of_one_cell() {
    let one = Prepared { width: 1, height: 1, ratio: 1.0, original: [1, 1], rgb: vec![0.5; 3] };
    let maps = untrained("resnet50").extract(&[&one], &[0, 16]).expect("maps").remove(0);
    assert_eq!(maps.iter().map(|map| map.data.len()).collect::<Vec<_>>(), [64, 2048]);
}

#[test]
fn layers_that_do_not_exist_or_are_out_of_order_are_refused() {
    let network = untrained("resnet50");
    let photograph = photograph("d_src.png");
    for (layers, what) in [(&[0, 17][..], "no layer 17"), (&[2, 1], "ascending"), (&[], "at least")]
    {
        let error = network.extract(&[&photograph], layers).expect_err("no such layers");
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn the_untrained_networks_are_these_and_no_others() {
    for (name, sha256) in [
        ("resnet50", "6cdd46a38a6b2ec0fc0bafcd53da6de0cc334d495b6f945fd154c4397191e26b"),
        ("resnet101", "5d960d91c7d50f874a44a7d5a92afd74623124996a80d98839da541a64b5cdc4"),
    ] {
        let described = untrained(name).describe();
        assert_eq!(described["backbone"], name);
        assert_eq!(described["weights"]["source"], "untrained");
        assert_eq!(described["weights"]["sha256"], sha256);
    }
}

#[test]
fn an_unknown_backbone_is_refused() {
    let options =
        BackboneOptions { device: Device::Cpu, threads: 1, progress: Progress::default() };
    let error = backbone::open("resnet18", &WeightsSource::Untrained, options).err();
    let error = error.expect("no such backbone").to_string();
    assert!(error.contains("'resnet18'") && error.contains("resnet101"), "{error}");
}

#[test]
fn neither_threads_nor_batches_change_a_bit_of_the_dense_engines_matches() {
    let pairs: Vec<PairRequest> = (0..3)
        .map(|seed| PairRequest {
            source: crate::engines::hyperimage("0,9,12", [190, 170 + seed], 1),
            target: crate::engines::hyperimage("0,9,12", [180, 175], u64::from(seed)),
            rows: (0..1000).collect(),
        })
        .collect();
    let mut engine = DenseEngine::new(Device::Cpu, 1).expect("an engine");
    let batch = engine.match_pairs(&pairs).expect("matches");
    assert_eq!(engine.take_stage_times().pairs, 3);
    for threads in [1, 2, 3] {
        let mut engine = DenseEngine::new(Device::Cpu, threads).expect("an engine");
        for (pair, expected) in pairs.iter().zip(&batch) {
            let alone = engine.match_pairs(std::slice::from_ref(pair)).expect("matches");
            assert_eq!(&alone[0], expected, "{threads} threads");
        }
    }
}
