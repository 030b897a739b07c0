//! Every protocol on one small benchmark, worked out by hand.
//!
//! Images are 200 × 100 px (width × height), boxes 100 × 50 px. So α = 0.1 allows 10 px in
//! original pixels; warped to a square, 10 px in x but only 5 px in y (both as original pixels).
//!
//! | pair | category | truth | predictions |
//! | --- | --- | --- | --- |
//! | p, source truncated | bird | (50, 20) (60, 20) (70, 20) (210, 20) | exact; 10 px off in x; 6 px off in y; 15 px off in x, inside the image at 195 |
//! | q, its mirror | bird | the same | exact, none, none, none |
//! | c | cow | (50, 20) | exact |
//! | d, its mirror | cow | (50, 20) | none |
//! | e | cow | (50, 20) (60, 20) | both exact |
//! | f, its mirror | cow | the same | exact, none |

use super::*;

fn made_up() -> (Benchmark, Answers) {
    let bird: [Point; 4] = [[50.0, 20.0], [60.0, 20.0], [70.0, 20.0], [210.0, 20.0]];
    let mut pairs = vec![
        pair("p", "bird", [0, 1], &bird),
        pair("q", "bird", [1, 0], &bird),
        pair("c", "cow", [2, 3], &bird[..1]),
        pair("d", "cow", [3, 2], &bird[..1]),
        pair("e", "cow", [4, 5], &bird[..2]),
        pair("f", "cow", [5, 4], &bird[..2]),
    ];
    pairs[0].variation.as_mut().unwrap().truncation = 1;
    pairs[1].variation.as_mut().unwrap().truncation = 2;
    let benchmark = benchmark(pairs);
    let off = vec![Some(bird[0]), Some([70.0, 20.0]), Some([70.0, 26.0]), Some([195.0, 20.0])];
    let lines = [
        ("p", off),
        ("q", vec![Some(bird[0]), None, None, None]),
        ("c", vec![Some(bird[0])]),
        ("d", vec![None]),
        ("e", vec![Some(bird[0]), Some(bird[1])]),
        ("f", vec![Some(bird[0]), None]),
    ];
    let answers = answers(&benchmark, &lines).unwrap();
    (benchmark, answers)
}

/// The made-up benchmark under a protocol, at its own α values.
fn scored(protocol: &str) -> Score {
    let (benchmark, answers) = made_up();
    let protocol = find(protocol).unwrap();
    score(&benchmark, &answers, protocol, protocol.alphas, None).unwrap()
}

/// All at an α.
#[track_caller]
fn all_at(score: &Score, alpha: &str) -> f64 {
    let alpha: Alpha = alpha.parse().unwrap();
    let found = score.pck.iter().find(|one| one.alpha == alpha);
    found.expect("the protocol has this α").pck.all.unwrap()
}

#[test]
fn spair() {
    // p 3/4 (10 px is right, 15 is not), q 1/4, c 1, d 0, e 1, f 1/2: sum 3.5 over 6 pairs.
    let score = scored("spair");
    near(all_at(&score, "0.1"), 100.0 * 3.5 / 6.0);
    assert_eq!((score.pairs, score.keypoints, score.unanswered, score.dropped), (6, 14, 5, 0));
}

#[test]
fn dhpf_240() {
    // 6 px in y is more than 5: p 2/4, q 1/4, the cows 2.5: 3.25 over 6.
    near(all_at(&scored("dhpf-240"), "0.1"), 100.0 * 3.25 / 6.0);
}

#[test]
fn chm_240() {
    // α = 0.05 allows 5 px in x, 2.5 in y: p 1/4, q 1/4, the cows 2.5: 3 over 6.
    let score = scored("chm-240");
    near(all_at(&score, "0.05"), 50.0);
    near(all_at(&score, "0.1"), 100.0 * 3.25 / 6.0);
}

#[test]
fn cats_256() {
    // The truth at 210 is clamped to 255/256 · 200 = 199.2, 4.2 px from 195: p's predictions score
    // 3/4 (6 px in y is wrong), q's 1/4, the cows 2.5: 3.5 over 6. From target to source p is
    // scored by q's predictions, so the pair with truncated source has 1/4.
    let score = scored("cats-256");
    near(all_at(&score, "0.1"), 100.0 * 3.5 / 6.0);
    let truncation = &score.pck[0].pck.factors.as_ref().unwrap()[2];
    assert_eq!(truncation[1..3], [Some(25.0), Some(75.0)]);
}

#[test]
fn sd_dino_class() {
    // Below 10 px, so p has 2 of 4; bird 3 of 8, cow 4 of 6: mean of 3/8 and 2/3.
    near(all_at(&scored("sd-dino-class"), "0.1"), 100.0 * (3.0 / 8.0 + 2.0 / 3.0) / 2.0);
}

#[test]
fn sd_dino_weighted() {
    // bird 3/8 over 2 pairs, cow 2/3 over 4.
    let expected = 100.0 * (2.0 * 3.0 / 8.0 + 4.0 * 2.0 / 3.0) / 6.0;
    near(all_at(&scored("sd-dino-weighted"), "0.1"), expected);
}

#[test]
fn geoaware_image() {
    // p 2/4 (10 px is not below 10), q 1/4, the cows 2.5: 3.25 over 6. At α = 0.01 exact ones
    // alone are right: p 1/4, q 1/4, the cows 2.5.
    let score = scored("geoaware-image");
    near(all_at(&score, "0.1"), 100.0 * 3.25 / 6.0);
    near(all_at(&score, "0.01"), 50.0);
}

#[test]
fn geoaware_point() {
    // p 2, q 1, the cows 4 of 14 keypoints.
    near(all_at(&scored("geoaware-point"), "0.1"), 50.0);
}

#[test]
fn dift_image() {
    // 10/100 ≤ 0.1, so like spair: 3.5 over 6.
    near(all_at(&scored("dift-image"), "0.1"), 100.0 * 3.5 / 6.0);
}

#[test]
fn dift_point() {
    // p 3, q 1, the cows 4 of 14.
    near(all_at(&scored("dift-point"), "0.1"), 100.0 * 8.0 / 14.0);
}

#[test]
fn sd4match_image() {
    // Clamped to 767/768 · 200 = 199.7, 4.7 px from 195: right at α = 0.05 (5 px in x). p 2/4,
    // q 1/4, the cows 2.5. At 0.1 p has 10 px in x too, but not 6 px in y: 3/4.
    let score = scored("sd4match-image");
    near(all_at(&score, "0.05"), 100.0 * 3.25 / 6.0);
    near(all_at(&score, "0.1"), 100.0 * 3.5 / 6.0);
}

#[test]
fn sd4match_point() {
    // α = 0.05: p 2, q 1, the cows 4 of 14.
    near(all_at(&scored("sd4match-point"), "0.05"), 50.0);
}

#[test]
fn visual_ai_image() {
    // α = 0.01 allows 1 px: p 1/4, q 1/4, the cows 2.5. At 0.05, 839/840 · 200 = 199.8 is 4.8 px
    // from 195: p 2/4.
    let score = scored("visual-ai-image");
    near(all_at(&score, "0.01"), 50.0);
    near(all_at(&score, "0.05"), 100.0 * 3.25 / 6.0);
}

#[test]
fn visual_ai_point() {
    // α = 0.01: p 1, q 1, the cows 4 of 14.
    near(all_at(&scored("visual-ai-point"), "0.01"), 100.0 * 6.0 / 14.0);
}

#[test]
fn scnet_224() {
    // A tenth of the image: 20 px in x, 10 in y. p 4/4, q 1/4, c 1, e 1, f 1/2; d has no
    // prediction and is dropped: 3.75 over 5.
    let score = scored("scnet-224");
    near(all_at(&score, "0.1"), 75.0);
    assert_eq!((score.pairs, score.keypoints, score.unanswered, score.dropped), (5, 13, 4, 1));
}

#[test]
fn willow() {
    // Bird keypoints span 160 px: α = 0.05 allows 8 px, p 2/4 (6 px, not 10 or 15), q 1/4. A single
    // keypoint spans nothing, so only an exact one is right: c 1, d 0. e and f span 10 px: 1, 1/2.
    // α = 0.1 allows 16 px: p 4/4.
    let score = scored("willow");
    near(all_at(&score, "0.05"), 100.0 * 3.25 / 6.0);
    near(all_at(&score, "0.1"), 100.0 * 3.75 / 6.0);
}

#[test]
fn mmpose() {
    // Below 5 px. Index "0": 5 of 6; "1": e alone, 1 of 4; "2" and "3": 0 of 2.
    near(all_at(&scored("mmpose"), "0.05"), 100.0 * (5.0 / 6.0 + 1.0 / 4.0) / 4.0);
}

#[test]
fn every_protocol_has_a_test_here() {
    let tests = include_str!("protocols.rs");
    for protocol in &PROTOCOLS {
        let name = protocol.name;
        let ways = [format!("scored(\"{name}\")"), format!(", \"{name}\")")];
        assert!(ways.iter().any(|way| tests.contains(way)), "{name} has no test");
    }
}

#[test]
fn a_header_that_contradicts_a_protocols_code_is_warned_about() {
    let method = |side: u32| {
        serde_json::Map::from_iter([("image_side".to_owned(), serde_json::Value::from(side))])
    };
    let told = |names: &[&str], side: u32| {
        let protocols: Vec<&Protocol> = names.iter().map(|name| find(name).unwrap()).collect();
        warnings(&protocols, &method(side))
    };
    assert_eq!(told(&["cats-256"], 256), [""; 0]);
    assert_eq!(
        told(&["cats-256"], 300)[0],
        "protocol cats-256: its code also warps images to a square of 256 px when predicting, \
         which scoring cannot add; the header says image_side 300"
    );
    let dift = told(&["dift-image"], 768).remove(0);
    assert!(dift.contains("whole original pixels"), "{dift}");
    assert_eq!(told(&["spair"], 256), [""; 0]);
    // What several do alike is said once.
    let several = told(&["dhpf-240", "cats-256", "chm-240"], 300);
    assert_eq!(several.len(), 2);
    assert!(
        several[0].starts_with("protocols dhpf-240, chm-240: their code also warps"),
        "{several:?}"
    );
}

/// A benchmark of that name with one pair in each category, in photographs of 200 × 100 px.
fn named(name: &str, pairs: Vec<Pair>) -> Benchmark {
    Benchmark { name: name.to_owned(), ..benchmark(pairs) }
}

#[test]
fn pascal_measures_by_the_image() {
    // The image is 200 × 100: α = 0.05 allows 10 px, whatever the box (100 × 50 would allow 5).
    let truth = [[50.0, 50.0], [60.0, 50.0], [70.0, 50.0]];
    let benchmark = named("pf-pascal", vec![pair("p", "cat", [0, 1], &truth)]);
    let predicted = vec![Some([60.0, 50.0]), Some([60.0, 60.1]), None];
    // Errors 10 (right, at the threshold), 10.1 (wrong), none (wrong): 1 of 3.
    near(all(&benchmark, &[("p", predicted.clone())], "pascal"), 100.0 / 3.0);
    near(breakdown_at(&benchmark, &[("p", predicted)], "spair", 5), 0.0);
    assert_eq!(default_for("pf-pascal").name, "pascal");
}

#[test]
fn tss_is_the_mean_of_the_subsets_means() {
    // Image threshold: 10 px of 200. JODS: one pair all right (100). PASCAL: pairs of 100, 0 and 0
    // (33.3). The mean of subsets is 66.7; the mean over pairs would be 50.
    let truth = [[50.0, 50.0]];
    let (right, wrong) = (vec![Some([50.0, 60.0])], vec![Some([50.0, 60.5])]);
    let benchmark = named(
        "tss",
        vec![
            pair("a", "JODS", [0, 1], &truth),
            pair("b", "PASCAL", [1, 2], &truth),
            pair("c", "PASCAL", [2, 3], &truth),
            pair("d", "PASCAL", [3, 4], &truth),
        ],
    );
    let lines = [("a", right.clone()), ("b", right), ("c", wrong.clone()), ("d", wrong)]
        .map(|(p, k)| (p, k));
    near(all(&benchmark, &lines, "tss"), 100.0 * (1.0 + 1.0 / 3.0) / 2.0);
}

/// The truth is a square of 3 × 3 pixels with corners (10, 10) and (12, 12); photographs have
/// 200 × 100 pixels, fewer than 300, so that masks are drawn in original pixels.
fn outlines() -> Benchmark {
    let square = [[10.0, 10.0], [12.0, 10.0], [12.0, 12.0], [10.0, 12.0]];
    let mut one = pair("p", "cat", [0, 1], &square);
    one.source_keypoints = vec![[0.0, 0.0]; 3]; // a triangle there, a square here
    named("caltech-101", vec![one])
}

#[test]
fn masks_are_compared_over_all_pixels_and_over_their_own() {
    // The predicted triangle (10, 10), (12, 10), (10, 12) covers 3 + 2 + 1 = 6 pixels, all of the
    // square's 9. IoU: 6 of 9. LT-ACC: 3 of 20,000 pixels differ.
    let triangle = vec![Some([10.0, 10.0]), Some([12.0, 10.0]), Some([10.0, 12.0])];
    near(all(&outlines(), &[("p", triangle.clone())], "caltech-iou"), 100.0 * 6.0 / 9.0);
    near(all(&outlines(), &[("p", triangle)], "caltech-lt-acc"), 100.0 * 19_997.0 / 20_000.0);
    // No prediction at all: an empty mask. None of 9 pixels is found, 9 of 20,000 differ.
    near(all(&outlines(), &[("p", vec![None; 3])], "caltech-iou"), 0.0);
    near(all(&outlines(), &[("p", vec![None; 3])], "caltech-lt-acc"), 100.0 * 19_991.0 / 20_000.0);
}

#[test]
fn masks_are_drawn_where_the_long_side_is_300() {
    // A photograph of 600 × 300: everything is halved. The truth is the square from (20, 20) to
    // (24, 24), halved (10, 10) to (12, 12): 9 pixels. The prediction from (20, 20) to (25, 25),
    // halved to (12.5, 12.5), covers the same pixels; in original pixels it would cover 36, not 25.
    let mut benchmark = outlines();
    benchmark.images.iter_mut().for_each(|image| image.size = Some([600, 300]));
    let square = |to: f32| [[20.0, 20.0], [to, 20.0], [to, to], [20.0, to]];
    benchmark.pairs[0].target_keypoints = square(24.0).to_vec();
    benchmark.pairs[0].source_keypoints = vec![[0.0, 0.0]; 4];
    near(all(&benchmark, &[("p", square(25.0).map(Some).to_vec())], "caltech-iou"), 100.0);
}

#[test]
fn a_protocol_that_does_not_fit_the_benchmark_is_refused() {
    let refused = |benchmark: &Benchmark, name: &str| {
        let answers = answers(benchmark, &[]).unwrap();
        judge(benchmark, &answers, find(name).unwrap(), Alpha::hundredths(10)).unwrap_err()
    };
    let keypoints = benchmark(vec![pair("p", "cat", [0, 1], &[[1.0, 1.0]])]);
    assert!(matches!(refused(&keypoints, "caltech-iou"), ScoreError::Unfit { .. }));
    assert!(matches!(refused(&outlines(), "spair"), ScoreError::Unfit { .. }));
    assert!(fitting("caltech-101").all(|one| one.name.starts_with("caltech")));
    assert_eq!(fitting("spair").count() + fitting("caltech-101").count(), PROTOCOLS.len());
}

#[test]
fn what_cannot_be_applied_is_known_before_any_prediction() {
    let mut pf_willow =
        named("pf-willow", vec![pair("p", "car", [0, 1], &[[1.0, 1.0], [5.0, 9.0]])]);
    pf_willow.pairs[0].target_box = None;
    let fault = |benchmark: &Benchmark, name: &str| check(benchmark, find(name).unwrap()).err();
    assert_eq!([fault(&pf_willow, "willow"), fault(&pf_willow, "pascal")], [None, None]);
    assert!(matches!(fault(&pf_willow, "spair"), Some(ScoreError::NoBox { .. })));
    assert!(matches!(fault(&pf_willow, "scnet-224"), Some(ScoreError::NoMirror { .. })));
    assert!(matches!(fault(&pf_willow, "caltech-iou"), Some(ScoreError::Unfit { .. })));
    let mut outlines = outlines();
    assert_eq!(fault(&outlines, "caltech-iou"), None);
    for benchmark in [&mut pf_willow, &mut outlines] {
        benchmark.images.iter_mut().for_each(|image| image.size = None);
    }
    let fault = [fault(&pf_willow, "pascal"), fault(&outlines, "caltech-iou")];
    for error in fault {
        let error = error.unwrap().to_string();
        assert!(error.contains("needs the size") && error.contains("nor 1.png says"), "{error}");
    }
}
