//! Intervals against what is known of them.

use super::*;
use crate::score::bootstrap::{Bootstrap, ResamplingUnit, compare, interval};

const RESAMPLES: usize = 2000;

fn draw(unit: ResamplingUnit, seed: u64) -> Bootstrap {
    Bootstrap { resamples: RESAMPLES, seed, unit }
}

/// Every ordered pair of some photographs, right where `right(source, target)`.
fn all_pairs(images: usize, right: impl Fn(usize, usize) -> bool) -> (Benchmark, Vec<Verdict>) {
    let both = (0..images).flat_map(|one| (0..images).map(move |other| [one, other]));
    let both: Vec<[usize; 2]> = both.filter(|[one, other]| one != other).collect();
    let verdicts = both.iter().enumerate().map(|(pair, &[source, target])| Verdict {
        pair,
        judged: pair,
        right: vec![right(source, target)],
        unanswered: 0,
    });
    let verdicts = verdicts.collect();
    let named = |(at, images): (usize, &[usize; 2])| {
        pair(&at.to_string(), "bird", *images, &[[50.0, 20.0]])
    };
    (benchmark(both.iter().enumerate().map(named).collect()), verdicts)
}

fn width(benchmark: &Benchmark, verdicts: &[Verdict], bootstrap: Bootstrap) -> f64 {
    let found = interval(benchmark, verdicts, find("spair").unwrap(), bootstrap);
    found.high.all.unwrap() - found.low.all.unwrap()
}

#[test]
fn independent_pairs_have_the_binomial_interval() {
    // 400 pairs of photographs of their own, half of them right: the standard error of the mean is
    // 50 / √400 = 2.5 points, so the 95 % interval is 50 ± 4.9. Drawing photographs must not be
    // asked here: two photographs that are in one pair only both carry it.
    let at: [Point; 1] = [[50.0, 20.0]];
    let pairs = (0..400).map(|n| pair(&n.to_string(), "bird", [2 * n, 2 * n + 1], &at)).collect();
    let benchmark = benchmark(pairs);
    let verdicts: Vec<Verdict> = (0..400)
        .map(|n| Verdict { pair: n, judged: n, right: vec![n % 2 == 0], unanswered: 0 })
        .collect();
    let found =
        interval(&benchmark, &verdicts, find("spair").unwrap(), draw(ResamplingUnit::Pairs, 1));
    assert!((found.low.all.unwrap() - 45.1).abs() < 0.6, "{:?}", found.low.all);
    assert!((found.high.all.unwrap() - 54.9).abs() < 0.6, "{:?}", found.high.all);
}

#[test]
fn pairs_that_share_a_hard_photograph_need_an_interval_over_photographs() {
    // 20 photographs, the 10 odd ones of which cannot be matched to as targets. The mean depends on
    // which targets were drawn. The share of even ones has a standard error of 50 / √20 = 11.2
    // points; a target that is drawn c times meets 20 − c sources, which takes about a twentieth
    // off that. So 95 % are ± 20.7, where 380 independent pairs would have ± 5.
    let (benchmark, verdicts) = all_pairs(20, |_, target| target % 2 == 0);
    let images = width(&benchmark, &verdicts, draw(ResamplingUnit::Images, 1));
    let pairs = width(&benchmark, &verdicts, draw(ResamplingUnit::Pairs, 1));
    assert!((images - 41.4).abs() < 3.0, "{images}");
    assert!((pairs - 10.0).abs() < 1.5, "{pairs}");
}

#[test]
fn the_same_seed_gives_the_same_interval_on_any_number_of_threads() {
    let (benchmark, verdicts) = all_pairs(9, |source, target| (source + target) % 3 == 0);
    let protocol = find("spair").unwrap();
    let found = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            interval(&benchmark, &verdicts, protocol, draw(ResamplingUnit::Images, seed))
        })
    };
    assert_eq!(found(1, 5), found(4, 5));
    assert_ne!(found(1, 5), found(1, 6));
}

#[test]
fn every_average_has_intervals_around_its_means() {
    let (benchmark, verdicts) = all_pairs(9, |source, target| (source * target) % 3 == 0);
    for protocol in defined(BenchmarkKind::Spair) {
        let mean = breakdown(&benchmark, &verdicts, protocol).all.unwrap();
        let found = interval(&benchmark, &verdicts, protocol, draw(ResamplingUnit::Images, 1));
        let (low, high) = (found.low.all.unwrap(), found.high.all.unwrap());
        assert!(low < mean && mean < high, "{}: {low} {mean} {high}", protocol.name);
    }
}

#[test]
fn a_paired_test_sees_a_small_difference_that_the_intervals_hide() {
    // Both methods fail on the odd targets; the second also on every target that is 0.
    let (benchmark, first) = all_pairs(20, |_, target| target % 2 == 0);
    let (_, second) = all_pairs(20, |source, target| target % 2 == 0 && source != 3);
    let protocol = find("spair").unwrap();
    let paired =
        compare(&benchmark, [&first, &second], protocol, draw(ResamplingUnit::Images, 1)).unwrap();
    // The ten pairs from photograph 3 to even targets, of 380.
    near(paired.difference, 100.0 * 10.0 / 380.0);
    assert_eq!(paired.pairs, 380);
    let sure = paired.certainty.unwrap();
    assert!(sure.low >= 0.0 && sure.high < 10.0, "{paired:?}");
    let same =
        compare(&benchmark, [&first, &first], protocol, draw(ResamplingUnit::Images, 1)).unwrap();
    let sure = same.certainty.unwrap();
    assert_eq!((same.difference, sure.low, sure.high, sure.p), (0.0, 0.0, 0.0, 1.0));
    // One that is never right: the sign never turns, but zero is reached where no even photograph
    // is drawn, once in a million resamples and not with this seed.
    let (_, opposite) = all_pairs(20, |_, _| false);
    let clear = compare(&benchmark, [&first, &opposite], protocol, draw(ResamplingUnit::Images, 2))
        .unwrap();
    near(clear.certainty.unwrap().p, 2.0 / (RESAMPLES + 1) as f64);
}

#[test]
fn a_paired_test_speaks_of_the_pairs_that_both_were_scored_on() {
    let (benchmark, verdicts) = all_pairs(5, |source, _| source == 0);
    let protocol = find("spair").unwrap();
    let half = &verdicts[..10];
    let paired =
        compare(&benchmark, [&verdicts, half], protocol, draw(ResamplingUnit::Images, 1)).unwrap();
    assert_eq!((paired.pairs, paired.difference), (10, 0.0));
    assert_eq!(
        compare(&benchmark, [&verdicts, &[]], protocol, draw(ResamplingUnit::Images, 1)),
        None
    );
}

#[test]
fn one_or_two_pairs_and_pairs_of_the_same_photographs_have_no_interval() {
    let protocol = find("spair").unwrap();
    let all_of = |photographs: &[[usize; 2]]| {
        let pairs = photographs.iter().enumerate();
        let at: [Point; 2] = [[50.0, 20.0]; 2];
        let pairs = pairs.map(|(n, two)| pair(&n.to_string(), "bird", *two, &at)).collect();
        let benchmark = benchmark(pairs);
        let verdicts: Vec<Verdict> = (0..photographs.len())
            .map(|n| Verdict { pair: n, judged: n, right: vec![n % 2 == 0, true], unanswered: 0 })
            .collect();
        for unit in [ResamplingUnit::Images, ResamplingUnit::Pairs] {
            let found = interval(&benchmark, &verdicts, protocol, draw(unit, 1));
            let paired =
                compare(&benchmark, [&verdicts, &verdicts], protocol, draw(unit, 1)).unwrap();
            assert_eq!(found.low.all.is_some(), paired.certainty.is_some());
            assert_eq!(found.low.all.is_some(), found.high.all.is_some());
            assert_eq!(found.low.all.is_some(), found.low.category[0].1.is_some());
            assert_eq!(found.low.all.is_some(), found.low.controlled.unwrap()[3][0].is_some());
            if unit == ResamplingUnit::Pairs {
                return found.low.all.is_some();
            }
        }
        unreachable!()
    };
    assert!(!all_of(&[[0, 1]]));
    assert!(!all_of(&[[0, 1], [2, 3]]));
    assert!(!all_of(&[[0, 1], [1, 0]]));
    // Keypoints of two photographs in three pairs: every resample has the same mean.
    assert!(!all_of(&[[0, 1], [1, 0], [0, 1]]));
    assert!(all_of(&[[0, 1], [1, 0], [2, 1]]));
}
