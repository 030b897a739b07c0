//! The HOG backbone: its values against a dense definition, its geometry, and what it is worth on
//! PF-WILLOW.

use std::sync::Arc;

use hpflow::testing::backbone::hog::Hog;
use hpflow::testing::backbone::{self, Backbone, Device, FeatureMap, WeightsSource};
use hpflow::testing::benchmark::{Benchmark, BenchmarkKind, BenchmarkOptions};
use hpflow::testing::engine::cpu::CpuEngine;
use hpflow::testing::hyperpixel::{Grid, Hyperimage, LayerSet};
use hpflow::testing::image::{Photograph, Prepared, prepare};
use hpflow::testing::method::hpf::{BackboneKind, Hpf, published_layers};
use hpflow::testing::method::{Method, Work};
use hpflow::{Point, Progress};
use proptest::prelude::*;

use crate::shared::shared;

/// A prepared picture whose colour at (x, y) is `colour`.
fn picture(width: u32, height: u32, colour: impl Fn(u32, u32) -> [f32; 3]) -> Prepared {
    let colours: Vec<[f32; 3]> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| colour(x, y))
        .collect();
    let rgb =
        (0..3).flat_map(|channel| colours.iter().map(move |colour| colour[channel])).collect();
    Prepared { width, height, ratio: 1.0, original: [width, height], rgb }
}

/// The picture of `tests/fixtures/hog/make.py`: three waves of colour and a flat corner.
fn waves(x: u32, y: u32) -> [f32; 3] {
    if x >= 30 && y >= 20 {
        return [0.25; 3];
    }
    [(x * x + 3 * y) % 67, (5 * x + y * y) % 59, (x * y) % 61].map(|value| value as f32 / 67.0)
}

fn describe(photograph: &Prepared) -> FeatureMap {
    Hog.extract(&[photograph], &[0]).unwrap().remove(0).remove(0)
}

#[test]
fn hog_agrees_with_its_dense_definition() {
    #[derive(serde::Deserialize)]
    struct Expected {
        shape: [usize; 3],
        every: usize,
        values: Vec<f32>,
    }
    let text = include_str!("../fixtures/hog/expected.json");
    let expected: Expected = serde_json::from_str(text).unwrap();
    let map = describe(&picture(52, 37, waves));
    assert_eq!([map.channels, map.rows, map.columns], expected.shape);
    let sampled: Vec<f32> = map.data.iter().step_by(expected.every).copied().collect();
    assert_eq!(sampled.len(), expected.values.len(), "number of samples");
    for (index, (got, want)) in sampled.iter().zip(&expected.values).enumerate() {
        // Sines stand for angles when a gradient is shared between orientations.
        assert!((got - want).abs() < 5e-4, "sample {index}: {got}, not {want}");
    }
}

#[test]
fn hog_does_not_tell_a_picture_from_its_negative() {
    // Colours of 64ths, so that differences are exact.
    let colour =
        |x: u32, y: u32| [x * x + 3 * y, 5 * x + y * y, x * y].map(|v| (v % 64) as f32 / 64.0);
    let positive = picture(45, 61, colour);
    let negative = picture(45, 61, |x, y| colour(x, y).map(|value| 1.0 - value));
    assert_eq!(describe(&positive), describe(&negative));
}

#[test]
fn a_photograph_has_the_same_hog_in_any_batch() {
    let (a, b) = (picture(45, 61, waves), picture(61, 45, |x, y| waves(y, x)));
    let together = Hog.extract(&[&a, &b, &a], &[0]).unwrap();
    assert_eq!(together[0], [describe(&a)]);
    assert_eq!(together[1], [describe(&b)]);
    assert_eq!(together[2], together[0]);
}

#[test]
fn a_picture_of_one_colour_has_a_hog_of_zeros() {
    assert!(describe(&picture(40, 24, |_, _| [0.3, 0.5, 0.9])).data.iter().all(|&v| v == 0.0));
    let one = describe(&picture(1, 1, |_, _| [0.3, 0.5, 0.9]));
    assert_eq!((one.rows, one.columns), (1, 1));
    assert!(one.data.iter().all(|&value| value == 0.0));
}

#[test]
fn hog_opens_by_its_name() {
    let options = backbone::BackboneOptions {
        device: Device::Auto,
        threads: 1,
        progress: Progress::default(),
    };
    let opened = backbone::open("hog", &WeightsSource::Untrained, options).unwrap();
    assert_eq!(opened.name(), "hog");
}

#[test]
fn hog_has_layer_zero_alone() {
    assert_eq!(Hog.layer_count(), 1);
    let said = Hog.geometry(1).unwrap_err().to_string();
    assert_eq!(said, "hog has one layer, 0; there is no layer 1");
    assert!(Hog.extract(&[&picture(9, 9, waves)], &[0, 1]).is_err());
}

#[test]
fn a_shifted_picture_is_matched_by_its_shift() {
    let shift = [16i32, -8];
    // Tiles of 20 × 20 pixels, each of a grey of its own.
    let tiles = |x: i32, y: i32| {
        let tile = (x.div_euclid(20) * 7919 + y.div_euclid(20) * 104_729) as u32;
        let mixed = tile.wrapping_mul(2_654_435_761);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
        [((mixed ^ (mixed >> 13)) & 255) as f32 / 255.0; 3]
    };
    let source = picture(300, 240, |x, y| tiles(x as i32, y as i32));
    let target = picture(300, 240, |x, y| tiles(x as i32 - shift[0], y as i32 - shift[1]));
    let hyperimage = |prepared: &Prepared| {
        let geometry = Hog.geometry(0).unwrap();
        Arc::new(Hyperimage::new(geometry, 300, 240, [1.0; 2], &[describe(prepared)]))
    };
    let layers = LayerSet::new(vec![0]).unwrap();
    let mut method = Hpf::new(Box::new(Hog), Box::new(CpuEngine::new()), layers).unwrap();
    let keypoints: [Point; 3] = [[116.0, 140.0], [144.0, 112.0], [180.0, 131.0]];
    let matched = method.transfer(&hyperimage(&source), &hyperimage(&target), &keypoints).unwrap();
    for (keypoint, predicted) in keypoints.iter().zip(matched) {
        let predicted = predicted.expect("a prediction");
        for axis in 0..2 {
            let want = keypoint[axis] + shift[axis] as f32;
            assert!((predicted[axis] - want).abs() <= 0.01, "{keypoint:?} came to {predicted:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_window_counts_and_every_point_has_a_neighbour(
        width in 1u32..=300, height in 1u32..=300, across in 0.0f32..1.0, down in 0.0f32..1.0
    ) {
        let map = describe(&picture(width, height, |x, y| [(x ^ y) as f32 / 512.0; 3]));
        prop_assert!(map.data.iter().all(|value| value.is_finite()));
        let grid = Grid::new(Hog.geometry(0).unwrap(), map.rows, map.columns, width, height);
        prop_assert_eq!(grid.len(), map.rows * map.columns);
        let point = [across * (width - 1) as f32, down * (height - 1) as f32];
        prop_assert!((1..=9).contains(&grid.neighbours(point).len()));
    }
}

#[test]
#[cfg_attr(not(present = "pf-willow"), ignore = "needs HPFLOW_SHARED/data/PF-dataset-WILLOW")]
fn hog_is_a_real_matcher_on_pf_willow() {
    let root = shared("data/PF-dataset-WILLOW");
    let benchmark =
        Benchmark::open(BenchmarkKind::PfWillow, &root, &BenchmarkOptions::default()).unwrap();
    // Every tenth pair, of every sub-class; all 900 have 48.9 %.
    let pairs: Vec<usize> = (0..benchmark.pairs.len()).step_by(10).collect();
    let layers = published_layers(BackboneKind::Hog, BenchmarkKind::PfWillow).unwrap();
    let mut method = Hpf::new(Box::new(Hog), Box::new(CpuEngine::new()), layers).unwrap();
    let (mut right, mut all) = (0, 0);
    let mut count = |outcome: hpflow::testing::method::Outcome| {
        let truth = &benchmark.pairs[outcome.pair].target_keypoints;
        let extent = |axis: usize| {
            let side =
                |pick: fn(f32, f32) -> f32| truth.iter().map(|p| p[axis]).reduce(pick).unwrap();
            side(f32::max) - side(f32::min)
        };
        let reach = 0.1 * extent(0).max(extent(1));
        for (predicted, truth) in outcome.keypoints?.iter().zip(truth) {
            let [x, y] = predicted.expect("a prediction for every keypoint");
            right += usize::from((x - truth[0]).hypot(y - truth[1]) <= reach);
            all += 1;
        }
        Ok(())
    };
    method.predict(&Work::of(&benchmark, &pairs), &mut count).unwrap();
    let share = 100.0 * right as f64 / f64::from(all);
    assert!(share >= 40.0, "PCK at 0.1 is {share:.1} %");
}

#[test]
fn a_small_photograph_can_be_described() {
    let photograph = Photograph { width: 3, height: 500, rgb: vec![9; 4500] };
    let map = describe(&prepare(&photograph, 300));
    assert_eq!((map.rows, map.columns, map.stride), (38, 1, 8));
}
