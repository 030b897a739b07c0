//! PCK of predictions as they come, without a benchmark: in a training loop, or in parts that are put
//! together afterwards.

use std::collections::BTreeMap;

use super::{Alpha, Average};
use crate::Point;

/// PCK at one α of pairs that are given one after the other.
///
/// Sums are of whole numbers, so the order of the pairs, and which part they were in, changes no bit of
/// the result. Distances are in the pixels of the points, compared as [`Alpha::covers`] does; a protocol
/// that measures in another frame needs points and threshold in that.
///
/// ```
/// use hpflow::low_level::score::{Average, RunningPck};
///
/// let mut pck = RunningPck::new("0.1".parse().unwrap(), Average::Pair).unwrap();
/// let found = [Some([10.0, 10.0]), None];
/// pck.update("cat", &found, &[[13.0, 14.0], [50.0, 50.0]], 50.0).unwrap();
/// assert_eq!(pck.compute(), Some(50.0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningPck {
    alpha: Alpha,
    average: Average,
    /// By category, then by the number of a pair's keypoints.
    tallies: BTreeMap<String, BTreeMap<u64, Tally>>,
}

/// Pairs of one category with the same number of keypoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    pairs: u64,
    right: u64,
}

/// Why a pair cannot be counted, or parts not put together.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RunningPckError {
    /// Another number of predicted points than of true ones.
    #[error(
        "{found} predicted points for {expected} keypoints; give one for each, none where there is none"
    )]
    Points {
        /// Predicted points.
        found: usize,
        /// Keypoints.
        expected: usize,
    },
    /// A threshold that nothing can be a share of.
    #[error(
        "the threshold is {found}; expected a length above 0, such as the longer side of the box"
    )]
    Threshold {
        /// What was given.
        found: f64,
    },
    /// A truth that is no point.
    #[error("keypoint {at} is no point; leave keypoints out that are not annotated")]
    NoPoint {
        /// Its place, from 0.
        at: usize,
    },
    /// A mean that needs the names of keypoints.
    #[error("a mean over the indices of keypoints needs a whole benchmark; choose another mean")]
    KeypointIndex,
    /// Parts under another α or mean.
    #[error("parts are put together where α and mean are the same")]
    Different,
}

impl RunningPck {
    /// No pairs yet.
    ///
    /// # Errors
    /// [`Average::KeypointIndex`].
    pub fn new(alpha: Alpha, average: Average) -> Result<Self, RunningPckError> {
        match average {
            Average::KeypointIndex => Err(RunningPckError::KeypointIndex),
            average => Ok(Self { alpha, average, tallies: BTreeMap::new() }),
        }
    }

    /// Counts a pair: what was predicted for each keypoint, where it is, and the length that α is a share
    /// of. Points that are not finite are wrong, as `None` is. A pair without keypoints has no PCK and
    /// does not count.
    ///
    /// # Errors
    /// Points that do not go with keypoints, a threshold that is no length.
    pub fn update(
        &mut self,
        category: &str,
        predicted: &[Option<Point>],
        truth: &[Point],
        threshold: f64,
    ) -> Result<(), RunningPckError> {
        let (found, expected) = (predicted.len(), truth.len());
        if found != expected {
            return Err(RunningPckError::Points { found, expected });
        }
        if !(threshold > 0.0 && threshold.is_finite()) {
            return Err(RunningPckError::Threshold { found: threshold });
        }
        if let Some(at) = truth.iter().position(|point| !point.iter().all(|side| side.is_finite()))
        {
            return Err(RunningPckError::NoPoint { at });
        }
        if truth.is_empty() {
            return Ok(());
        }
        let is_right = |(predicted, truth): (&Option<Point>, &Point)| {
            predicted.is_some_and(|predicted| {
                let along = |axis: usize| f64::from(predicted[axis]) - f64::from(truth[axis]);
                self.alpha.covers(along(0) * along(0) + along(1) * along(1), threshold)
            })
        };
        let right = predicted.iter().zip(truth).filter(|pair| is_right(*pair)).count();
        if !self.tallies.contains_key(category) {
            self.tallies.insert(category.to_owned(), BTreeMap::new());
        }
        if let Some(tallies) = self.tallies.get_mut(category) {
            let tally = tallies.entry(expected as u64).or_default();
            tally.pairs += 1;
            tally.right += right as u64;
        }
        Ok(())
    }

    /// The mean in percent; `None` where no pair was counted.
    #[must_use]
    pub fn compute(&self) -> Option<f64> {
        let (mut sum, mut weights) = (0.0, 0.0);
        for class in self.classes() {
            let (right, of, pairs) = class;
            let weight = if self.average == Average::CategoryByPairs { pairs } else { 1.0 };
            sum += weight * right / of;
            weights += weight;
        }
        (weights > 0.0).then(|| 100.0 * sum / weights)
    }

    /// What is right, of how much, and the number of pairs, for every class that the mean is over.
    fn classes(&self) -> Vec<(f64, f64, f64)> {
        let of_pairs = matches!(self.average, Average::Pair | Average::CategoryOfPairs);
        let class = |tallies: &mut dyn Iterator<Item = (u64, Tally)>| {
            tallies.fold((0.0, 0.0, 0.0), |(right, of, pairs), (keypoints, tally)| {
                let (more_pairs, more) = (tally.pairs as f64, tally.right as f64);
                match of_pairs {
                    true => (right + more / keypoints as f64, of + more_pairs, pairs + more_pairs),
                    false => {
                        (right + more, of + (keypoints * tally.pairs) as f64, pairs + more_pairs)
                    }
                }
            })
        };
        let all =
            |tallies: &BTreeMap<u64, Tally>| class(&mut tallies.iter().map(|(n, t)| (*n, *t)));
        match self.average {
            Average::Pair | Average::Point => {
                let mut together: BTreeMap<u64, Tally> = BTreeMap::new();
                for (keypoints, tally) in self.tallies.values().flatten() {
                    together.entry(*keypoints).or_default().add(*tally);
                }
                if together.is_empty() { Vec::new() } else { vec![all(&together)] }
            }
            _ => self.tallies.values().map(all).collect(),
        }
    }

    /// Adds what was counted elsewhere.
    ///
    /// # Errors
    /// Another α or mean.
    pub fn merge(&mut self, other: &Self) -> Result<(), RunningPckError> {
        if (self.alpha, self.average) != (other.alpha, other.average) {
            return Err(RunningPckError::Different);
        }
        for (category, tallies) in &other.tallies {
            let own = self.tallies.entry(category.clone()).or_default();
            for (keypoints, tally) in tallies {
                own.entry(*keypoints).or_default().add(*tally);
            }
        }
        Ok(())
    }

    /// Forgets what was counted.
    pub fn reset(&mut self) {
        self.tallies.clear();
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.right += other.right;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Answers, Protocol, ScoreError, default_for, score};
    use super::*;
    use crate::benchmark::{Benchmark, BenchmarkKind, Image, Pair, Visibility};

    /// Numbers that look random and are the same everywhere.
    struct Numbers(u32);

    impl Numbers {
        fn below(&mut self, end: u32) -> u32 {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) % end
        }

        fn point(&mut self) -> Point {
            [self.below(100) as f32, self.below(100) as f32]
        }
    }

    /// Pairs of five categories with predictions of which some are right and some are missing.
    fn made_up() -> (Benchmark, Vec<Vec<Option<Point>>>) {
        let mut numbers = Numbers(7);
        let (mut pairs, mut predicted) = (Vec::new(), Vec::new());
        for at in 0..97 {
            let truth: Vec<Point> = (0..=numbers.below(11)).map(|_| numbers.point()).collect();
            let near = truth.iter().map(|&[x, y]| {
                let [dx, dy] = [0, 1].map(|_| numbers.below(30) as f32 - 15.0);
                (numbers.below(9) > 0).then_some([x + dx, y + dy])
            });
            predicted.push(near.collect());
            pairs.push(Pair {
                id: format!("{at}"),
                category: format!("{}", numbers.below(5)),
                source: 0,
                target: 1,
                source_keypoints: truth.clone(),
                target_keypoints: truth,
                keypoint_ids: Vec::new(),
                source_box: None,
                target_box: Some([0.0, 0.0, 40.0 + numbers.below(60) as f32, 30.0]),
                variation: None,
            });
        }
        let image = || Image::below("".as_ref(), "photograph".into(), Some([200, 200]));
        let benchmark = Benchmark {
            kind: BenchmarkKind::Spair,
            visibility: Visibility::Unsaid,
            split: "test".to_owned(),
            images: vec![image(), image()],
            pairs,
        };
        (benchmark, predicted)
    }

    #[test]
    fn it_is_the_score_of_the_same_predictions_under_every_mean() {
        let (benchmark, predicted) = made_up();
        let lines = benchmark.pairs.iter().zip(&predicted).enumerate();
        let lines = lines.map(|(at, (pair, points))| Ok((at, pair.id.clone(), points.clone())));
        let answers = Answers::collect::<ScoreError>(&benchmark, lines).unwrap();
        let alpha = Alpha::hundredths(10);
        let averages = [
            Average::Pair,
            Average::Point,
            Average::CategoryOfPairs,
            Average::Category,
            Average::CategoryByPairs,
        ];
        let mut all = Vec::new();
        for average in averages {
            let protocol: &'static Protocol =
                Box::leak(Box::new(Protocol { average, ..*default_for(BenchmarkKind::Spair) }));
            let expected = score(&benchmark, &answers, protocol, &[alpha], None).unwrap();
            let expected = expected.pck[0].pck.all.unwrap();
            let mut parts = [0, 1, 2].map(|_| RunningPck::new(alpha, average).unwrap());
            let mut whole = parts[0].clone();
            for (at, (pair, points)) in benchmark.pairs.iter().zip(&predicted).enumerate() {
                let [left, top, right, bottom] = pair.target_box.unwrap().map(f64::from);
                let threshold = f64::max(right - left, bottom - top);
                for one in [&mut whole, &mut parts[at % 3]] {
                    one.update(&pair.category, points, &pair.target_keypoints, threshold).unwrap();
                }
            }
            let found = whole.compute().unwrap();
            assert!((found - expected).abs() < 1e-10, "{average:?}: {found} and {expected}");
            let [mut last, one, other] = parts;
            last.merge(&other).unwrap();
            last.merge(&one).unwrap();
            assert_eq!(last.compute(), Some(found), "{average:?}, in parts");
            all.push(found);
        }
        all.sort_by(f64::total_cmp);
        all.dedup();
        assert_eq!(all.len(), averages.len(), "the means differ: {all:?}");
        assert!(all[0] > 10.0 && all[4] < 90.0, "{all:?}");
    }

    #[test]
    fn what_cannot_be_counted_is_refused_and_nothing_is_counted() {
        let mut pck = RunningPck::new(Alpha::hundredths(10), Average::Point).unwrap();
        let [x, y] = [[1.0, 2.0], [3.0, f32::NAN]];
        for (predicted, truth, threshold, said) in [
            (&[None][..], &[x, x][..], 10.0, "1 predicted points for 2 keypoints"),
            (&[None], &[x], 0.0, "threshold is 0"),
            (&[None], &[x], f64::NAN, "threshold is NaN"),
            (&[None, None], &[x, y], 10.0, "keypoint 1 is no point"),
        ] {
            let error = pck.update("cat", predicted, truth, threshold).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
        assert_eq!(pck.compute(), None);
        pck.update("cat", &[], &[], 10.0).unwrap();
        assert_eq!(pck.compute(), None);
        pck.update("cat", &[Some(y), Some(x)], &[x, x], 10.0).unwrap();
        assert_eq!(pck.compute(), Some(50.0));
        pck.reset();
        assert_eq!(pck.compute(), None);
        let index = RunningPck::new(Alpha::hundredths(10), Average::KeypointIndex);
        assert_eq!(index, Err(RunningPckError::KeypointIndex));
    }
}
