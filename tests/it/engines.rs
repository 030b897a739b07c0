//! Every engine against the definition, on made-up features.

use std::sync::Arc;

use hpflow::testing::engine::cpu::{CpuEngine, InstructionSet};
use hpflow::testing::engine::{Engine, EngineError, PairRequest, SetRequest, SetsRequest};
use hpflow::testing::hyperpixel::{Geometry, Hyperimage, LayerSet, LayerStack, Precision, View};
use hpflow::testing::{Examine, synthetic};

use crate::oracle::oracle;

/// A made-up hyperimage with the shapes of ResNet-50.
pub fn hyperimage(layers: &str, size: [u32; 2], seed: u64) -> Arc<Hyperimage> {
    hyperimage_in(Precision::F32, layers, size, seed)
}

/// [`hyperimage`] with maps of a precision.
pub fn hyperimage_in(
    precision: Precision,
    layers: &str,
    [width, height]: [u32; 2],
    seed: u64,
) -> Arc<Hyperimage> {
    let layers: LayerSet = layers.parse().expect("a layer set");
    let (jump, receptive_field) = [(4, 11), (4, 19), (4, 27), (4, 35), (8, 43)][layers.base()];
    let geometry = Geometry::new(jump, receptive_field);
    let maps = synthetic::feature_maps("resnet50", &layers, [width, height], seed);
    Arc::new(Hyperimage::with_precision(geometry, width, height, [1.0; 2], &maps, precision))
}

/// Cases that differ in what can go wrong: one group, two, three and four; narrow and wide bases;
/// odd and unequal sizes; a target that is a single column; rows of more than 80 cells.
pub const CASES: [(&str, [u32; 2], [u32; 2]); 7] = [
    ("0", [61, 45], [50, 67]),
    ("0,9", [97, 66], [75, 101]),
    ("2,7,11", [90, 61], [59, 88]),
    ("1,5,12,15", [64, 48], [72, 64]),
    ("4,8", [99, 80], [121, 57]),
    ("1,8", [40, 70], [21, 60]),
    ("0,8", [402, 30], [390, 26]),
];

/// Holds an engine to the definition on one case, in both directions: an engine may compute either
/// from the other.
pub fn agrees_with_the_definition(engine: &mut dyn Examine, precision: Precision, case: usize) {
    let (layers, source, target) = CASES[case];
    let source = hyperimage_in(precision, layers, source, 1);
    let target = hyperimage_in(precision, layers, target, 2);
    agrees_one_way(engine, Arc::clone(&source), Arc::clone(&target));
    agrees_one_way(engine, target, source);
}

fn agrees_one_way(engine: &mut dyn Examine, source: Arc<Hyperimage>, target: Arc<Hyperimage>) {
    let expected = oracle(&source, &target);
    let rows: Vec<u32> = (0..source.grid.len() as u32).collect();
    let request = PairRequest { source, target, rows };
    let found = engine.examine(&request).expect("an examination");
    close("similarity", &found.similarity_rows, &expected.similarities, 1e-5, 0.0);
    let scale = expected.blurred.iter().copied().fold(0.0, f64::max);
    close("votes", &found.votes, &expected.votes, 1e-6 * scale, 1e-4);
    close("blurred votes", &found.blurred_votes, &expected.blurred, 1e-6 * scale, 1e-4);
    let matched = engine.match_pairs(std::slice::from_ref(&request)).expect("matches");
    assert_eq!(matched[0], found.matches, "examine and match_pairs are one computation");
    let count = request.target.grid.len();
    for (row, (&best, &confidence)) in
        found.matches.best.iter().zip(&found.matches.confidence).enumerate()
    {
        let confidences = &expected.confidences[row * count..][..count];
        let highest = confidences.iter().copied().fold(0.0, f64::max);
        let reached = confidences[best as usize];
        assert!(reached >= highest * (1.0 - 1e-4), "row {row}: {reached} of {highest}");
        assert!((f64::from(confidence) - highest).abs() <= 1e-4 * highest, "row {row}");
    }
}

/// `|found − expected| ≤ absolute + relative · |expected|`, and so nothing that is not a number.
#[track_caller]
pub fn close(what: &str, found: &[f32], expected: &[f64], absolute: f64, relative: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let wrong: Vec<_> = found
        .iter()
        .zip(expected)
        .enumerate()
        .filter(|(_, (found, expected))| {
            let within = absolute + relative * expected.abs();
            let difference = (f64::from(**found) - **expected).abs();
            difference.is_nan() || difference > within
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{what}: {} wrong, first {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
}

/// Tests of every instruction set take those that the processor has: what they leave out is ignored
/// here.
#[test]
#[cfg_attr(
    not(present = "avx512"),
    ignore = "this processor has no AVX-512: its kernels did not run"
)]
fn kernels_for_avx512_are_among_those_tested() {
    assert!(InstructionSet::available().contains(&InstructionSet::Avx512));
}

#[test]
#[cfg_attr(not(present = "avx2"), ignore = "this processor has no AVX2: its kernels did not run")]
fn kernels_for_avx2_are_among_those_tested() {
    assert!(InstructionSet::available().contains(&InstructionSet::Avx2));
}

#[test]
fn the_cpu_engine_agrees_with_the_definition_on_every_instruction_set() {
    for precision in [Precision::F32, Precision::F16] {
        for instructions in InstructionSet::available() {
            for case in 0..CASES.len() {
                agrees_with_the_definition(&mut CpuEngine::with(instructions), precision, case);
            }
        }
    }
}

/// As tight as in single precision: what differs between engines is the order of sums alone.
#[cfg(feature = "torch")]
#[test]
fn the_dense_engine_agrees_with_the_definition_in_half_precision() {
    let device = hpflow::testing::backbone::Device::Cpu;
    let mut engine =
        hpflow::testing::engine::dense::DenseEngine::new(device, 2).expect("an engine");
    for case in 0..CASES.len() {
        agrees_with_the_definition(&mut engine, Precision::F16, case);
    }
}

#[test]
fn half_precision_moves_similarities_by_rounding_alone_and_is_not_single_precision() {
    let pair = |precision| {
        let source = hyperimage_in(precision, "0,9", [90, 70], 1);
        let target = hyperimage_in(precision, "0,9", [80, 75], 2);
        let rows = (0..source.grid.len() as u32).collect();
        PairRequest { source, target, rows }
    };
    let similarities = |precision| {
        CpuEngine::new().examine(&pair(precision)).expect("an examination").similarity_rows
    };
    let (single, half) = (similarities(Precision::F32), similarities(Precision::F16));
    assert_ne!(single, half);
    let single: Vec<f64> = single.iter().map(|&similarity| similarity.into()).collect();
    close("similarity", &half, &single, 2e-4, 0.0);
}

#[test]
fn features_of_any_range_match_as_features_of_an_ordinary_one() {
    let scaled = |factor: f32, seed| {
        let layers: LayerSet = "0,9".parse().expect("a layer set");
        let mut maps = synthetic::feature_maps("resnet50", &layers, [90, 70], seed);
        maps.iter_mut().flat_map(|map| &mut map.data).for_each(|value| *value *= factor);
        let geometry = Geometry::new(4, 11);
        Arc::new(Hyperimage::with_precision(geometry, 90, 70, [1.0; 2], &maps, Precision::F16))
    };
    let similarities = |factor: f32| {
        let (source, target) = (scaled(factor, 1), scaled(1.0, 2));
        let rows = (0..source.grid.len() as u32).collect();
        let pair = PairRequest { source, target, rows };
        CpuEngine::new().examine(&pair).expect("an examination").similarity_rows
    };
    let expected: Vec<f64> = similarities(1.0).iter().map(|&value| value.into()).collect();
    assert!(expected.iter().any(|&similarity| similarity > 0.1));
    for factor in [2f32.powi(20), 2f32.powi(100), 2f32.powi(-20), 2f32.powi(-90)] {
        close(&format!("times {factor}"), &similarities(factor), &expected, 1e-6, 0.0);
    }
}

#[test]
fn a_pair_of_two_precisions_is_an_error() {
    let source = hyperimage_in(Precision::F16, "0,9", [60, 60], 1);
    let target = hyperimage("0,9", [60, 60], 2);
    let pair = PairRequest { source, target, rows: Vec::new() };
    let error = CpuEngine::new().match_pairs(&[pair]).expect_err("two precisions");
    assert!(matches!(error, EngineError::DifferentPrecision { .. }), "{error}");
    assert!(error.to_string().contains("f16 and f32"), "{error}");
}

/// So many threads.
pub fn pool(threads: usize) -> Arc<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Arc::new(pool.expect("threads"))
}

/// Matches of rows of several pairs, as bytes.
fn bytes(engine: &mut CpuEngine, pairs: &[PairRequest], batch: usize) -> Vec<(Vec<u32>, Vec<u32>)> {
    pairs
        .chunks(batch)
        .flat_map(|pairs| engine.match_pairs(pairs).expect("matches"))
        .map(|matches| {
            (matches.best, matches.confidence.iter().map(|value| value.to_bits()).collect())
        })
        .collect()
}

fn some_pairs(precision: Precision) -> Vec<PairRequest> {
    let image = |size, seed| hyperimage_in(precision, "0,9,12", size, seed);
    (0..5)
        .map(|index| {
            let source = image([90 + index, 70], u64::from(index));
            let target = image([80, 75 + index], 100 + u64::from(index));
            let rows = (0..source.grid.len() as u32).step_by(7).collect();
            PairRequest { source, target, rows }
        })
        .collect()
}

#[test]
fn batches_threads_and_wide_instructions_change_no_bit() {
    for precision in [Precision::F32, Precision::F16] {
        nothing_changes_a_bit(&some_pairs(precision));
    }
}

fn nothing_changes_a_bit(pairs: &[PairRequest]) {
    let expected = bytes(&mut CpuEngine::new(), pairs, 1);
    for batch in [2, 5] {
        assert_eq!(bytes(&mut CpuEngine::new(), pairs, batch), expected, "batches of {batch}");
    }
    for threads in [1, 3, 7] {
        let mut engine = CpuEngine::new().in_pool(pool(threads));
        for batch in [1, 5] {
            let found = bytes(&mut engine, pairs, batch);
            assert_eq!(found, expected, "{threads} threads, batches of {batch}");
        }
    }
    for instructions in InstructionSet::available() {
        if instructions != InstructionSet::Plain {
            let found = bytes(&mut CpuEngine::with(instructions), pairs, 5);
            assert_eq!(found, expected, "{}", instructions.name());
        }
    }
}

/// Pairs of images of unequal sizes each way around, other hyperpixels asked for in each, the mirror
/// beside its pair and far from it, a pair twice, and an image with itself.
pub fn pairs_with_mirrors() -> Vec<PairRequest> {
    let pairs = some_pairs(Precision::F32);
    let mirror = |pair: &PairRequest, step: usize| PairRequest {
        source: Arc::clone(&pair.target),
        target: Arc::clone(&pair.source),
        rows: (3..pair.target.grid.len() as u32).step_by(step).collect(),
    };
    let itself = PairRequest { target: Arc::clone(&pairs[0].source), ..pairs[0].clone() };
    let mut all = vec![pairs[0].clone(), mirror(&pairs[0], 5), pairs[1].clone()];
    all.extend([itself.clone(), pairs[2].clone(), mirror(&pairs[1], 11), itself]);
    all.extend([mirror(&pairs[2], 9), pairs[2].clone(), mirror(&pairs[3], 4)]);
    all
}

#[test]
fn a_mirror_beside_a_pair_changes_no_bit() {
    for instructions in InstructionSet::available() {
        let pairs = pairs_with_mirrors();
        let alone = bytes(&mut CpuEngine::with(instructions), &pairs, 1);
        for batch in [3, pairs.len()] {
            let found = bytes(&mut CpuEngine::with(instructions), &pairs, batch);
            assert_eq!(found, alone, "{} in batches of {batch}", instructions.name());
        }
    }
}

#[test]
fn the_plain_path_differs_by_rounding_alone() {
    let pairs = some_pairs(Precision::F32);
    let wide = CpuEngine::new().match_pairs(&pairs).expect("matches");
    let plain = CpuEngine::with(InstructionSet::Plain).match_pairs(&pairs).expect("matches");
    for (wide, plain) in wide.iter().zip(&plain) {
        let expected: Vec<f64> = wide.confidence.iter().map(|&value| value.into()).collect();
        close("confidence", &plain.confidence, &expected, 0.0, 1e-5);
    }
}

#[test]
fn a_photograph_without_hyperpixels_is_an_error() {
    let (source, target) = (hyperimage("1", [5, 5], 1), hyperimage("1", [60, 60], 2));
    let pair = PairRequest { source, target, rows: Vec::new() };
    let error = CpuEngine::new().match_pairs(&[pair]).expect_err("no hyperpixel");
    assert!(error.to_string().contains("5 × 5"), "{error}");
}

#[test]
fn different_layers_are_an_error() {
    let (source, target) = (hyperimage("0,9", [60, 60], 1), hyperimage("0,5", [60, 60], 2));
    let pair = PairRequest { source, target, rows: Vec::new() };
    let error = CpuEngine::new().match_pairs(&[pair]).expect_err("other layers");
    assert!(error.to_string().contains("same backbone and layers"), "{error}");
}

/// Makes the engines that a test holds to the same.
type Engines = fn() -> Vec<Box<dyn Examine>>;

/// Every engine, that of the GPU among them.
fn engines_with_gpu() -> Vec<Box<dyn Examine>> {
    let mut engines = engines_on_the_processor();
    engines.push(Box::new(crate::gpu::engine()));
    engines
}

/// Every engine that needs no GPU.
fn engines_on_the_processor() -> Vec<Box<dyn Examine>> {
    let mut engines: Vec<Box<dyn Examine>> = Vec::new();
    for instructions in InstructionSet::available() {
        engines.push(Box::new(CpuEngine::with(instructions)));
    }
    #[cfg(feature = "torch")]
    {
        let device = hpflow::testing::backbone::Device::Cpu;
        let dense = hpflow::testing::engine::dense::DenseEngine::new(device, 2).expect("an engine");
        engines.push(Box::new(dense));
    }
    engines
}

/// What every engine says of a pair, whether it is matched or examined.
#[track_caller]
fn refusals(engines: Engines, pair: &PairRequest) -> Vec<EngineError> {
    let good = some_pairs(Precision::F32).remove(0);
    let mut errors = Vec::new();
    for mut engine in engines() {
        let pairs = [good.clone(), pair.clone()];
        errors.push(engine.match_pairs(&pairs).expect_err("a refusal"));
        errors.push(engine.examine(pair).expect_err("a refusal"));
        assert!(engine.match_pairs(&pairs[..1]).is_ok(), "{} goes on", engine.name());
    }
    errors
}

#[test]
fn every_engine_refuses_rows_that_the_source_lacks() {
    refuse_rows_that_the_source_lacks(engines_on_the_processor);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn every_engine_refuses_rows_that_the_source_lacks_on_the_gpu() {
    refuse_rows_that_the_source_lacks(engines_with_gpu);
}

fn refuse_rows_that_the_source_lacks(engines: Engines) {
    let pair = some_pairs(Precision::F32).remove(1);
    let count = pair.source.grid.len();
    for (rows, wrong) in [
        (vec![count as u32], count as u32),
        (vec![0, u32::MAX], u32::MAX),
        (vec![count as u32 + 7, 1], count as u32 + 7),
    ] {
        for error in refusals(engines, &PairRequest { rows, ..pair.clone() }) {
            assert!(
                matches!(error, EngineError::NoSuchRow { row, rows } if row == wrong && rows == count),
                "{error:?}"
            );
        }
    }
    for mut engine in engines() {
        let rows = vec![0, count as u32 - 1];
        let matches = engine.match_pairs(&[PairRequest { rows, ..pair.clone() }]).expect("matches");
        assert_eq!(matches[0].best.len(), 2, "the last row is one, with {}", engine.name());
    }
}

#[test]
fn every_engine_refuses_rows_that_do_not_ascend() {
    refuse_rows_that_do_not_ascend(engines_on_the_processor);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn every_engine_refuses_rows_that_do_not_ascend_on_the_gpu() {
    refuse_rows_that_do_not_ascend(engines_with_gpu);
}

fn refuse_rows_that_do_not_ascend(engines: Engines) {
    let pair = some_pairs(Precision::F32).remove(1);
    for (rows, wrong) in [(vec![3, 2], [2, 3]), (vec![0, 5, 5], [5, 5]), (vec![1, 9, 4, 2], [4, 9])]
    {
        for error in refusals(engines, &PairRequest { rows, ..pair.clone() }) {
            assert!(
                matches!(error, EngineError::RowOrder { row, before } if [row, before] == wrong),
                "{error:?}"
            );
        }
    }
}

#[test]
fn every_engine_refuses_what_cannot_be_a_pair_with_the_same_words() {
    refuse_what_cannot_be_a_pair_with_the_same_words(engines_on_the_processor);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn every_engine_refuses_what_cannot_be_a_pair_with_the_same_words_on_the_gpu() {
    refuse_what_cannot_be_a_pair_with_the_same_words(engines_with_gpu);
}

fn refuse_what_cannot_be_a_pair_with_the_same_words(engines: Engines) {
    let image = |layers, size| hyperimage(layers, size, 1);
    let pairs = [
        (image("1", [5, 5]), image("1", [60, 60])),
        (image("0,9", [60, 60]), image("0,5", [60, 60])),
        (hyperimage_in(Precision::F16, "0,9", [60, 60], 1), image("0,9", [60, 60])),
    ];
    for (source, target) in pairs {
        let errors = refusals(engines, &PairRequest { source, target, rows: Vec::new() });
        let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(words.iter().all(|one| *one == words[0]), "{words:?}");
    }
}

/// A pair under two layer sets of layers 0, 1 and 9.
fn sets_request() -> SetsRequest {
    let layers = "0,1,9".parse().expect("layers");
    let sets: [(&[usize], Geometry); 2] =
        [(&[0, 2], Geometry::new(4, 11)), (&[1, 2], Geometry::new(4, 19))];
    let [source, target] = [([90, 70], 1), ([80, 75], 2)].map(|(size, seed)| {
        let maps = synthetic::feature_maps("resnet50", &layers, size, seed);
        Arc::new(LayerStack::new(size[0], size[1], [1.0; 2], maps))
    });
    let views = [&source, &target].map(|stack| stack.views(&sets).into_iter().map(Arc::new));
    let [of_source, of_target] = views;
    let set = |((positions, _), (source, target)): (&(&[usize], _), (Arc<View>, _))| SetRequest {
        positions: (*positions).into(),
        rows: (0..source.grid.len() as u32).step_by(5).collect(),
        source,
        target,
    };
    let sets = sets.iter().zip(of_source.zip(of_target)).map(set).collect();
    SetsRequest { source, target, sets }
}

#[test]
fn every_engine_refuses_the_same_layer_sets() {
    refuse_the_same_layer_sets(engines_on_the_processor);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn every_engine_refuses_the_same_layer_sets_on_the_gpu() {
    refuse_the_same_layer_sets(engines_with_gpu);
}

fn refuse_the_same_layer_sets(engines: Engines) {
    let good = sets_request();
    let count = good.sets[1].source.grid.len();
    let with = |change: &dyn Fn(&mut SetRequest)| {
        let mut wrong = good.clone();
        change(&mut wrong.sets[1]);
        wrong
    };
    let positions = |positions: &'static [usize]| with(&|set| set.positions = positions.into());
    let wrong = [
        with(&|set| set.rows = [0, count as u32].into()),
        with(&|set| set.rows = [4, 3].into()),
        positions(&[]),
        positions(&[2, 1]),
        positions(&[1, 1]),
        positions(&[1, 3]),
    ];
    let expected = ["NoSuchRow", "RowOrder"].into_iter().chain(["LayerPositions"; 4]);
    for (wrong, expected) in wrong.iter().zip(expected) {
        for mut engine in engines() {
            let requests = [good.clone(), wrong.clone()];
            let error = engine.match_sets(&requests, 1 << 30).expect_err("a refusal");
            assert!(format!("{error:?}").starts_with(expected), "{}: {error:?}", engine.name());
            assert!(
                engine.match_sets(&requests[..1], 1 << 30).is_ok(),
                "{} goes on",
                engine.name()
            );
        }
    }
}

#[test]
fn threads_change_no_bit_of_layer_sets() {
    let good = sets_request();
    let mirror = SetsRequest {
        source: Arc::clone(&good.target),
        target: Arc::clone(&good.source),
        sets: good
            .sets
            .iter()
            .map(|set| SetRequest {
                positions: Arc::clone(&set.positions),
                source: Arc::clone(&set.target),
                target: Arc::clone(&set.source),
                rows: [1, 2, 30].into(),
            })
            .collect(),
    };
    let requests = [good.clone(), mirror, good];
    let expected = CpuEngine::new().match_sets(&requests, 1 << 30).expect("matches");
    for threads in [1, 3] {
        let mut engine = CpuEngine::new().in_pool(pool(threads));
        let found = engine.match_sets(&requests, 1 << 30).expect("matches");
        assert_eq!(found, expected, "{threads} threads");
    }
}
