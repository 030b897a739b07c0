//! What two protocols judge differently, on keypoints made for it.

use super::*;
use crate::score::explain::{Choice, Difference, explain};

fn differences(lines: &[(&str, PredictedKeypoints)], protocols: [&Protocol; 2]) -> Vec<Difference> {
    let at = [50.0, 20.0];
    let benchmark =
        benchmark(vec![pair("p", "bird", [0, 1], &[at; 3]), pair("q", "bird", [1, 0], &[at; 3])]);
    let answers = answers(&benchmark, lines).unwrap();
    explain(&benchmark, &answers, protocols, Alpha::hundredths(10)).unwrap()
}

#[test]
fn names_the_choice_that_makes_the_difference_and_the_distances() {
    // Original: 10 px allowed. Warped to 240 × 240, the 200 × 100 image is 1.2 times as wide and
    // 2.4 times as high: 12 px allowed, and 6 px in y become 14.4. The others agree.
    let exact = Some([50.0, 20.0]);
    let lines = [("p", vec![exact, Some([50.0, 26.0]), None]), ("q", vec![exact; 3])];
    let found = differences(&lines, [find("spair").unwrap(), find("dhpf-240").unwrap()]);
    let [one] = &found[..] else { panic!("one keypoint differs: {found:?}") };
    assert_eq!((one.pair, one.keypoint.as_str()), (0, "1"));
    assert_eq!((&one.because[..], one.together), (&[Choice::Frame][..], false));
    let [original, warped] = one.verdicts;
    assert!(original.right && !warped.right);
    near(original.distance.unwrap(), 6.0);
    near(original.allowed, 10.0);
    near(warped.distance.unwrap(), 14.4);
    near(warped.allowed, 12.0);
}

#[test]
fn a_tie_is_because_of_the_comparison() {
    let lines = [("p", vec![Some([60.0, 20.0]), None, None])];
    let found = differences(&lines, [find("spair").unwrap(), find("geoaware-point").unwrap()]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].because, [Choice::Comparison]);
}

#[test]
fn an_answer_of_the_mirror_alone_is_because_of_the_direction() {
    // p's second keypoint is right, its mirror's has no prediction.
    let exact = Some([50.0, 20.0]);
    let lines = [("p", vec![exact, exact, None]), ("q", vec![exact, None, None])];
    let found = differences(&lines, [find("spair").unwrap(), find("cats-256").unwrap()]);
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.pair, one.verdicts.map(|view| view.right), one.because.clone()))
        .collect();
    let direction = vec![Choice::Direction];
    assert_eq!(told, [(0, [true, false], direction.clone()), (1, [false, true], direction)]);
    assert_eq!(found[0].verdicts[1].distance, None);
}

#[test]
fn choices_that_only_turn_a_verdict_together_are_all_named() {
    // 15 px in y. A tenth of the box is 10 px, or 5 px in y when warped; a tenth of the image is
    // 20 px, or 10 px in y when warped. So neither the frame nor the threshold alone makes it right.
    let one = Protocol { name: "one", threshold: Threshold::Box, ..*find("dhpf-240").unwrap() };
    let other = Protocol { name: "other", threshold: Threshold::Image, ..*find("spair").unwrap() };
    let lines = [("p", vec![Some([50.0, 35.0]), None, None])];
    let found = differences(&lines, [&one, &other]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].because, [Choice::Threshold, Choice::Frame]);
    assert!(found[0].together);
}
