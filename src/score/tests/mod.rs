//! Scores worked out by hand.

mod bootstrap;
mod explain;
mod protocols;

use super::*;
use crate::benchmark::{Benchmark, BenchmarkKind, Image, Pair, Variation, Visibility};
use crate::{Point, PredictedKeypoints};

/// A protocol on SPair-71k.
fn find(name: &str) -> Option<&'static Protocol> {
    super::find(name)?.on(BenchmarkKind::Spair).ok()
}

/// A protocol on the kind of benchmark that this is.
fn of(benchmark: &Benchmark, name: &str) -> &'static Protocol {
    super::find(name).unwrap().on(benchmark.kind).unwrap()
}

/// A benchmark of photographs of 200 × 100 px.
fn benchmark(pairs: Vec<Pair>) -> Benchmark {
    let images = pairs.iter().map(|pair| pair.source.max(pair.target) + 1).max().unwrap_or(0);
    let image = |at: usize| Image::below("".as_ref(), format!("{at}.png").into(), Some([200, 100]));
    Benchmark {
        kind: BenchmarkKind::Spair,
        visibility: Visibility::Unsaid,
        split: "test".to_owned(),
        images: (0..images).map(image).collect(),
        pairs,
    }
}

/// A pair whose box is 100 × 50 px and whose keypoints are named "0", "1", ….
fn pair(id: &str, category: &str, photographs: [usize; 2], truth: &[Point]) -> Pair {
    Pair {
        id: id.to_owned(),
        category: category.to_owned(),
        source: photographs[0],
        target: photographs[1],
        source_keypoints: truth.to_vec(),
        target_keypoints: truth.to_vec(),
        keypoint_ids: (0..truth.len()).map(|id| id.to_string()).collect(),
        source_box: Some([0.0, 0.0, 100.0, 50.0]),
        target_box: Some([0.0, 0.0, 100.0, 50.0]),
        variation: Some(Variation { viewpoint: 0, scale: 0, truncation: 0, occlusion: 0 }),
    }
}

fn answers(
    benchmark: &Benchmark,
    lines: &[(&str, PredictedKeypoints)],
) -> Result<Answers, ScoreError> {
    let lines = lines.iter().enumerate();
    Answers::collect(
        benchmark,
        lines.map(|(at, (pair, points))| Ok((at + 2, (*pair).to_owned(), points.clone()))),
    )
}

/// All under a protocol, at its first α.
fn all(benchmark: &Benchmark, lines: &[(&str, PredictedKeypoints)], protocol: &str) -> f64 {
    let protocol = of(benchmark, protocol);
    let answers = answers(benchmark, lines).unwrap();
    let verdicts = judge(benchmark, &answers, protocol, protocol.alphas[0]).unwrap();
    breakdown(benchmark, &verdicts, protocol).all.unwrap()
}

/// All under a protocol, at an α in hundredths.
fn breakdown_at(
    benchmark: &Benchmark,
    lines: &[(&str, PredictedKeypoints)],
    protocol: &str,
    hundredths: u32,
) -> f64 {
    let protocol = of(benchmark, protocol);
    let answers = answers(benchmark, lines).unwrap();
    let verdicts = judge(benchmark, &answers, protocol, Alpha::hundredths(hundredths)).unwrap();
    breakdown(benchmark, &verdicts, protocol).all.unwrap()
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "found {found}, expected {expected}");
}

#[test]
fn a_pair_scores_the_share_of_its_keypoints_within_a_tenth_of_the_longer_side() {
    // Box 100 × 50, so 10 px are allowed. Errors: 0, 9, 10 (6-8-10), 11 and no prediction.
    let benchmark = benchmark(vec![pair("p", "bird", [0, 1], &[[50.0, 20.0]; 5])]);
    let predicted =
        vec![Some([50.0, 20.0]), Some([59.0, 20.0]), Some([56.0, 28.0]), Some([50.0, 31.0]), None];
    near(all(&benchmark, &[("p", predicted)], "spair"), 60.0);
}

#[test]
fn the_average_alone_changes_the_result() {
    // right of keypoints: bird 1/1 and 1/2, cow 1/4 (keypoint "1").
    let at = [50.0, 20.0];
    let (yes, no) = (Some(at), Some([150.0, 90.0]));
    let benchmark = benchmark(vec![
        pair("a", "bird", [0, 1], &[at]),
        pair("b", "bird", [1, 0], &[at; 2]),
        pair("c", "cow", [2, 3], &[at; 4]),
    ]);
    let lines = [("a", vec![yes]), ("b", vec![yes, no]), ("c", vec![no, yes, no, no])];
    let score = |average| {
        let protocol = Protocol { average, ..*find("spair").unwrap() };
        let answers = answers(&benchmark, &lines).unwrap();
        let verdicts = judge(&benchmark, &answers, &protocol, Alpha::hundredths(10)).unwrap();
        breakdown(&benchmark, &verdicts, &protocol).all.unwrap()
    };
    // Pairs: (1 + 1/2 + 1/4) / 3.
    near(score(Average::Pair), 100.0 * 7.0 / 12.0);
    // Points: 3 of 7.
    near(score(Average::Point), 100.0 * 3.0 / 7.0);
    // Categories: bird 2/3, cow 1/4; unweighted 11/24, by pairs (2 · 2/3 + 1 · 1/4) / 3 = 19/36.
    near(score(Average::Category), 100.0 * 11.0 / 24.0);
    near(score(Average::CategoryByPairs), 100.0 * 19.0 / 36.0);
    // Indices: "0" 2/3, "1" 1/2, "2" 0, "3" 0; mean 7/24.
    near(score(Average::KeypointIndex), 100.0 * 7.0 / 24.0);
}

#[test]
fn the_comparison_alone_changes_the_result() {
    // An error of exactly 10 px, and 10 px are allowed.
    let benchmark = benchmark(vec![pair("p", "bird", [0, 1], &[[50.0, 20.0]])]);
    let lines = [("p", vec![Some([50.0, 30.0])])];
    let score = |comparison| {
        let protocol = Protocol { comparison, ..*find("spair").unwrap() };
        let answers = answers(&benchmark, &lines).unwrap();
        let verdicts = judge(&benchmark, &answers, &protocol, Alpha::hundredths(10)).unwrap();
        breakdown(&benchmark, &verdicts, &protocol).all.unwrap()
    };
    near(score(DistanceTest::AtMost), 100.0);
    near(score(DistanceTest::RatioAtMost), 100.0);
    near(score(DistanceTest::Below), 0.0);
}

#[test]
fn the_frame_alone_changes_the_result() {
    // Original: 10 px are allowed. Warped to a square of side S, the box of 100 × 50 in an image
    // of 200 × 100 is S/2 × S/2, so S/20 is allowed: 10 px in x, but only 5 px in y.
    let benchmark = benchmark(vec![pair("p", "bird", [0, 1], &[[50.0, 20.0]; 2])]);
    let lines = [("p", vec![Some([60.0, 20.0]), Some([50.0, 26.0])])];
    near(all(&benchmark, &lines, "spair"), 100.0);
    near(all(&benchmark, &lines, "dhpf-240"), 50.0);
}

#[test]
fn a_clamped_truth_alone_changes_the_result() {
    // SD4Match: x is clamped to 767/768 · 200 = 199.74 px. A keypoint annotated at 210 and predicted
    // at 190 is 9.74 px off instead of 20; 10 px are allowed in x.
    let benchmark = benchmark(vec![
        pair("p", "bird", [0, 1], &[[210.0, 20.0]]),
        pair("q", "bird", [1, 0], &[[210.0, 20.0]]),
    ]);
    let lines = [("p", vec![Some([190.0, 20.0])]), ("q", vec![Some([190.0, 20.0])])];
    near(breakdown_at(&benchmark, &lines, "sd4match-image", 10), 100.0);
    near(all(&benchmark, &lines, "dhpf-240"), 0.0);
    // CATs clamps the query while it predicts, and no truth.
    near(all(&benchmark, &lines, "cats-256"), 0.0);
}

#[test]
fn the_direction_exchanges_the_levels_of_truncation() {
    // p: the source is truncated, its mirror q: the target is. p is right, q is wrong. From target
    // to source, p is scored by q's predictions.
    let at = [50.0, 20.0];
    let mut pairs = vec![pair("p", "bird", [0, 1], &[at]), pair("q", "bird", [1, 0], &[at])];
    pairs[0].variation.as_mut().unwrap().truncation = 1;
    pairs[1].variation.as_mut().unwrap().truncation = 2;
    let benchmark = benchmark(pairs);
    let answers = answers(&benchmark, &[("p", vec![Some(at)]), ("q", vec![None])]).unwrap();
    let truncation = |name: &str| {
        let protocol = find(name).unwrap();
        let verdicts = judge(&benchmark, &answers, protocol, Alpha::hundredths(10)).unwrap();
        breakdown(&benchmark, &verdicts, protocol).factors.unwrap()[2].clone()
    };
    assert_eq!(truncation("spair"), [None, Some(100.0), Some(0.0), None]);
    assert_eq!(truncation("cats-256"), [None, Some(0.0), Some(100.0), None]);
}

#[test]
fn a_pair_without_its_mirror_cannot_be_scored_from_target_to_source() {
    let benchmark = benchmark(vec![pair("p", "bird", [0, 1], &[[50.0, 20.0]])]);
    let answers = answers(&benchmark, &[("p", vec![None])]).unwrap();
    let protocol = find("cats-256").unwrap();
    let error = judge(&benchmark, &answers, protocol, Alpha::hundredths(10)).unwrap_err();
    assert_eq!(error, ScoreError::NoMirror { pair: "p".to_owned(), protocol: "cats-256" });
}

#[test]
fn willow_measures_by_the_extent_of_the_keypoints() {
    // The keypoints span 30 × 40 px, so at α = 0.05 an error of 2 px is right and one of 3 wrong.
    let mut one = pair("p", "car(G)", [0, 1], &[[10.0, 10.0], [40.0, 50.0]]);
    one.target_box = None;
    let willow = Benchmark { kind: BenchmarkKind::PfWillow, ..benchmark(vec![one.clone()]) };
    let lines = [("p", vec![Some([12.0, 10.0]), Some([40.0, 47.0])])];
    near(all(&willow, &lines, "willow"), 50.0);
    let spair = benchmark(vec![one]);
    let answers = answers(&spair, &lines).unwrap();
    let error = judge(&spair, &answers, find("spair").unwrap(), Alpha::hundredths(10));
    assert!(matches!(error, Err(ScoreError::NoBox { .. })), "{error:?}");
    // A protocol that was looked up for another benchmark measures it otherwise.
    let error = judge(&willow, &answers, find("dhpf-240").unwrap(), Alpha::hundredths(10));
    assert!(matches!(error, Err(ScoreError::OtherBenchmark { of: "spair", .. })), "{error:?}");
}

#[test]
fn the_scnet_protocol_measures_by_the_image_and_counts_a_pair_without_predictions_as_zero() {
    // An image is S × S after the warp, so S/10 is allowed: 20 px in x, 10 px in y. Pair q has no
    // prediction: 0. Its mirror p has errors of 20 px in x, 11 px in y and a keypoint without
    // prediction, which is wrong: 1 of 3. Their mean is 1/6.
    let at = [50.0, 20.0];
    let pairs = vec![pair("p", "bird", [0, 1], &[at; 3]), pair("q", "bird", [1, 0], &[at; 3])];
    let benchmark = Benchmark { kind: BenchmarkKind::PfPascal, ..benchmark(pairs) };
    let lines = [("p", vec![Some([70.0, 20.0]), Some([50.0, 31.0]), None]), ("q", vec![None; 3])];
    near(all(&benchmark, &lines, "scnet-224"), 100.0 / 6.0);
    // A pair without keypoints has no PCK and is left out.
    let mut with_empty = benchmark.clone();
    with_empty.pairs.extend([pair("r", "bird", [2, 3], &[]), pair("s", "bird", [3, 2], &[])]);
    with_empty.images.extend(benchmark.images.clone());
    let more = [lines.as_slice(), &[("r", vec![]), ("s", vec![])]].concat();
    near(all(&with_empty, &more, "scnet-224"), 100.0 / 6.0);
    near(all(&benchmark, &lines, "spair"), 0.0);
}

#[test]
fn groups_without_pairs_have_no_pck() {
    let benchmark = benchmark(vec![
        pair("a", "bird", [0, 1], &[[50.0, 20.0]]),
        pair("b", "cow", [2, 3], &[[50.0, 20.0]]),
    ]);
    let protocol = find("spair").unwrap();
    let answers = answers(&benchmark, &[("b", vec![Some([50.0, 20.0])])]).unwrap();
    let verdicts = judge(&benchmark, &answers, protocol, Alpha::hundredths(10)).unwrap();
    let found = breakdown(&benchmark, &verdicts, protocol);
    assert_eq!(found.category, [("bird".to_owned(), None), ("cow".to_owned(), Some(100.0))]);
    let factors = found.factors.unwrap();
    assert_eq!(factors[0], [Some(100.0), None, None]);
    assert_eq!(factors[3], [Some(100.0), None, None, None]);
    assert_eq!(answers.pairs(), 1);
    assert!(matches!(
        answers.complete(&benchmark),
        Err(ScoreError::Lacking { lacking: 1, pairs: 2, first, .. }) if first == "a"
    ));
}

#[test]
fn unknown_and_repeated_pairs_and_wrong_numbers_of_points_are_named() {
    let benchmark = benchmark(vec![pair("p", "bird", [0, 1], &[[50.0, 20.0]; 2])]);
    let fine = ("p", vec![None, None]);
    for (lines, sentence) in [
        (
            vec![("x", vec![None, None])],
            "line 2: pair x is not among the pairs of spair test; was it predicted on another \
             split or layout?",
        ),
        (vec![fine.clone(), fine.clone()], "line 3: pair p came before; keep one of its lines"),
        (
            vec![("p", vec![None; 3])],
            "line 2: pair p has 3 points, expected 2: one per keypoint, null where there is no \
             prediction",
        ),
    ] {
        assert_eq!(answers(&benchmark, &lines).unwrap_err().to_string(), sentence);
    }
}

#[test]
fn protocols_have_names_of_their_own() {
    for &kind in BenchmarkKind::ALL {
        for protocol in defined(kind) {
            let evaluator = super::find(protocol.name).unwrap();
            assert_eq!(evaluator.on(kind), Ok(protocol), "the name is that of the row");
            assert_eq!(protocol.benchmark, kind.name(), "{}", protocol.name);
            assert!(!protocol.alphas.is_empty());
        }
        // What a benchmark's own paper does is what its name does there.
        for own in defaults_for(kind) {
            assert_eq!(super::find(own.name).unwrap().on(kind), Ok(own));
        }
    }
    assert_eq!(default_for(BenchmarkKind::PfWillow).name, "willow");
    assert_eq!(default_for(BenchmarkKind::Spair).name, "spair");
}

#[test]
fn the_controlled_table_holds_the_other_factors_at_their_first_level() {
    // a: all easiest; b: only the viewpoint is hard; c: viewpoint hard and occluded on both sides.
    let at = [50.0, 20.0];
    let mut pairs: Vec<Pair> = [("a", [0, 1]), ("b", [1, 2]), ("c", [2, 3])]
        .map(|(id, p)| pair(id, "bird", p, &[at]))
        .into();
    pairs[1].variation.as_mut().unwrap().viewpoint = 2;
    *pairs[2].variation.as_mut().unwrap() =
        Variation { viewpoint: 2, scale: 0, truncation: 0, occlusion: 3 };
    let benchmark = benchmark(pairs);
    let lines = [("a", vec![Some(at)]), ("b", vec![Some(at)]), ("c", vec![None])];
    let answers = answers(&benchmark, &lines).unwrap();
    let score = score(&benchmark, &answers, find("spair").unwrap(), &[Alpha::hundredths(10)], None);
    let score = score.unwrap();
    assert_eq!((score.pairs, score.keypoints, score.unanswered), (3, 3, 1));
    let pck = &score.pck[0].pck;
    let factors = pck.factors.as_ref().unwrap();
    assert_eq!(factors[0], [Some(100.0), None, Some(50.0)]);
    let controlled = pck.controlled.as_ref().unwrap();
    assert_eq!(controlled[0], [Some(100.0), None, Some(100.0)]);
    assert_eq!(controlled[3], [Some(100.0), None, None, None]);
    assert!(controlled.iter().all(|levels| levels[0] == Some(100.0)));
}
