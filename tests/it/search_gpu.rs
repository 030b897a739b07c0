//! Many layer sets at once on the GPU engine: bit for bit what the sets give one by one, whatever
//! they share, in whatever order they stand, and however little memory there is.

use std::sync::Arc;

use hpflow::testing::backbone::FeatureMap;
use hpflow::testing::engine::gpu::{GpuEngine, GpuOptions};
use hpflow::testing::engine::{Engine, EngineError, Matches, SetRequest, SetsRequest};
use hpflow::testing::hyperpixel::{Geometry, LayerStack, Precision, View};
use hpflow::testing::presets;

use crate::gpu::options_in;

/// Stride, channels, jump and receptive field of the layers: four at the finest resolution, whose
/// grids differ, two at the next and three coarser ones, some with a part of channels and some with
/// several.
const LAYERS: [(usize, usize, u32, u32); 9] = [
    (4, 6, 4, 11),
    (4, 9, 4, 19),
    (4, 70, 4, 27),
    (4, 5, 4, 35),
    (8, 12, 8, 43),
    (8, 5, 8, 59),
    (16, 129, 16, 107),
    (16, 530, 16, 139),
    (32, 1100, 32, 299),
];

/// Sets of one layer, of several base layers, of several groups and of several layers each; some
/// with a base in common, some with a coarse group, some with neither.
const SETS: [&[usize]; 16] = [
    &[0],
    &[0, 1, 2, 4],
    &[1],
    &[0, 6, 7],
    &[1, 4, 5, 6, 7, 8],
    &[0, 1, 2],
    &[2, 8],
    &[1, 2, 6],
    &[0, 1, 2, 4, 5],
    &[1, 6, 7],
    &[0, 7],
    &[3, 4, 5],
    &[4, 8],
    &[5],
    &[0, 4, 5, 6, 7],
    &[4, 6, 7],
];

fn stack([width, height]: [u32; 2], seed: u64) -> Arc<LayerStack> {
    let mut random = seed;
    let mut next = move || {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f32 / (1u64 << 24) as f32 - 0.4
    };
    let maps = LAYERS.iter().enumerate().map(|(layer, &(stride, channels, ..))| {
        let cells = |side: u32| (side as usize).div_ceil(stride);
        let (rows, columns) = (cells(height), cells(width));
        let data = (0..channels * rows * columns).map(|_| next()).collect();
        FeatureMap { layer, stride, channels, rows, columns, data }
    });
    Arc::new(LayerStack::new(width, height, [1.0; 2], maps.collect()))
}

fn views(stack: &LayerStack, sets: &[&[usize]]) -> Vec<Arc<View>> {
    let geometry = |set: &[usize]| Geometry::new(LAYERS[set[0]].2, LAYERS[set[0]].3);
    let sets: Vec<(&[usize], Geometry)> = sets.iter().map(|&set| (set, geometry(set))).collect();
    stack.views(&sets).into_iter().map(Arc::new).collect()
}

fn request(source: &Arc<LayerStack>, target: &Arc<LayerStack>, sets: &[&[usize]]) -> SetsRequest {
    let views = [source, target].map(|stack| views(stack, sets));
    let set = |(number, &set): (usize, &&[usize])| {
        let [source, target] = [0, 1].map(|side| Arc::clone(&views[side][number]));
        // Some sets with the same base are asked for the same rows.
        let rows = (0..source.grid.len() as u32).step_by(3 + number % 3).collect();
        SetRequest { positions: set.into(), source, target, rows }
    };
    let sets = sets.iter().enumerate().map(set).collect();
    SetsRequest { source: Arc::clone(source), target: Arc::clone(target), sets }
}

/// Pairs of images of different sizes: one, its mirror, an image with itself, and one with others.
fn requests(sets: &[&[usize]]) -> Vec<SetsRequest> {
    let images = [stack([90, 131], 1), stack([104, 75], 2), stack([161, 80], 3)];
    [[0, 1], [1, 0], [2, 2], [2, 0]]
        .into_iter()
        .map(|[source, target]| request(&images[source], &images[target], sets))
        .collect()
}

/// Matches with the bits of their confidences.
type Bits = Vec<(Vec<u32>, Vec<u32>)>;

fn bits(matches: &[Matches]) -> Bits {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
    matches.iter().map(|m| (m.best.clone(), bits(&m.confidence))).collect()
}

fn all_bits(matches: &[Vec<Matches>]) -> Vec<Bits> {
    matches.iter().map(|matches| bits(matches)).collect()
}

/// What `match_pairs` gives, a set at a time.
fn one_by_one(engine: &mut GpuEngine, requests: &[SetsRequest]) -> Vec<Bits> {
    let mut pair = |request: &SetsRequest| -> Vec<Matches> {
        let pairs = request.sets.iter().map(|set| request.pair(set));
        pairs.map(|pair| engine.match_pairs(&[pair]).expect("matches").remove(0)).collect()
    };
    requests.iter().map(|request| bits(&pair(request))).collect()
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn every_set_is_bit_for_bit_what_it_is_alone_with_every_preset() {
    let options = GpuOptions::default();
    let requests = requests(&SETS);
    for preset in presets() {
        let options = GpuOptions { preset: Some(preset), ..options.clone() };
        let mut engine = GpuEngine::with(&options).expect("an engine");
        let expected = one_by_one(&mut engine, &requests);
        let found = engine.match_sets(&requests, usize::MAX).expect("matches");
        for (number, (found, expected)) in all_bits(&found).iter().zip(&expected).enumerate() {
            for ((found, expected), set) in found.iter().zip(expected).zip(SETS) {
                assert!(!found.0.is_empty());
                assert!(found == expected, "{}: pair {number}, {set:?}", preset.name);
            }
        }
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn neither_the_order_of_sets_nor_the_memory_changes_a_bit() {
    let options = GpuOptions::default();
    let all = requests(&SETS);
    let mut engine = GpuEngine::with(&options).expect("an engine");
    let expected = all_bits(&engine.match_sets(&all, usize::MAX).expect("matches"));
    // No memory, some that takes a few sets at a time, and some that takes a pair.
    for memory in [0, 3 << 20, 12 << 20] {
        let found = all_bits(&engine.match_sets(&all, memory).expect("matches"));
        assert!(found == expected, "{memory} bytes");
    }
    let mut turned = all.clone();
    turned.iter_mut().for_each(|request| request.sets.reverse());
    let mut found = all_bits(&engine.match_sets(&turned, 12 << 20).expect("matches"));
    found.iter_mut().for_each(|matches| matches.reverse());
    assert!(found == expected, "the other way around");
    // Room for two maps alone, and for those of some sets.
    for memory_budget in [0, 1 << 20, 3 << 20] {
        let options = GpuOptions { memory_budget, ..options.clone() };
        let mut engine = GpuEngine::with(&options).expect("an engine");
        for round in 0..2 {
            let found = all_bits(&engine.match_sets(&all, usize::MAX).expect("matches"));
            assert!(found == expected, "{memory_budget} bytes for maps, round {round}");
        }
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn rows_in_several_waves_match_as_alone() {
    let options = GpuOptions::default();
    let mut engine = GpuEngine::with(&options).expect("an engine");
    let (source, target) = (stack([402, 200], 5), stack([400, 196], 6));
    // A wave takes fewer rows of the second set than of the others.
    let mut request = request(&source, &target, &[&[0], &[0, 4, 6], &[0, 8]]);
    let all: Arc<[u32]> = (0..request.sets[0].source.grid.len() as u32).collect();
    assert!(all.len() > 4096, "one pick takes 4096 rows");
    request.sets.iter_mut().for_each(|set| set.rows = Arc::clone(&all));
    let requests = [request];
    let found = engine.match_sets(&requests, usize::MAX).expect("matches");
    assert!(all_bits(&found) == one_by_one(&mut engine, &requests));
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn no_pairs_sets_or_rows_are_no_work() {
    let options = GpuOptions::default();
    let mut engine = GpuEngine::with(&options).expect("an engine");
    assert!(engine.match_sets(&[], 0).expect("nothing").is_empty());
    let mut requests = requests(&SETS[..3]);
    requests[1].sets.clear();
    requests[0].sets[1].rows = [].into();
    let found = engine.match_sets(&requests, usize::MAX).expect("matches");
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [3, 0, 3, 3]);
    assert_eq!(found[0][1], Matches::default());
    assert_eq!(all_bits(&found)[2..], one_by_one(&mut engine, &requests[2..]));
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn what_cannot_be_matched_is_an_error() {
    let options = GpuOptions::default();
    let mut engine = GpuEngine::with(&options).expect("an engine");
    let mut refused =
        |request: SetsRequest| engine.match_sets(&[request], usize::MAX).expect_err("an error");
    let good = requests(&SETS[..2]).remove(0);
    let mut wrong = good.clone();
    let row = wrong.sets[1].source.grid.len() as u32;
    wrong.sets[1].rows = [0, row].into();
    let error = refused(wrong);
    assert!(matches!(error, EngineError::NoSuchRow { .. }), "{error}");
    let mut wrong = good.clone();
    let maps = wrong.target.maps.iter().take(3).enumerate();
    let maps = maps.map(|(layer, map)| FeatureMap {
        layer,
        stride: map.stride,
        channels: map.channels,
        rows: map.rows,
        columns: map.columns,
        data: map.data.view().single().to_vec(),
    });
    wrong.target = Arc::new(LayerStack::new(104, 75, [1.0; 2], maps.collect()));
    let error = refused(wrong);
    assert!(matches!(error, EngineError::DifferentLayers { .. }), "{error}");
    let mut wrong = good.clone();
    wrong.sets[0].target = views(&stack([5, 5], 9), &[&[1]]).remove(0);
    let error = refused(wrong);
    assert!(matches!(error, EngineError::NoHyperpixels { .. }), "{error}");
    assert!(
        engine.match_sets(std::slice::from_ref(&good), usize::MAX).is_ok(),
        "the engine goes on"
    );
    let options = options_in(Precision::F16);
    let mut engine = GpuEngine::with(&options).expect("an engine");
    let error = engine.match_sets(&[good], usize::MAX).expect_err("an error");
    assert!(matches!(error, EngineError::DifferentPrecision { .. }), "{error}");
}
