//! Which keypoints are right: one pair, one protocol, one α.

use std::collections::HashMap;

use super::{
    Alpha, Answers, Comparison, Direction, Frame, Measure, Predicted, Protocol, ScoreError,
    Threshold, Truth, masks,
};
use crate::Point;
use crate::benchmark::{Benchmark, Pair};

/// A scored pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The pair that the verdict counts for: index in [`Benchmark::pairs`].
    pub pair: usize,
    /// The pair whose predictions were judged: the same, or its mirror under a protocol that
    /// transfers from target to source.
    pub judged: usize,
    /// For every keypoint of the judged pair, whether it is right.
    pub right: Vec<bool>,
    /// How many of the keypoints have no prediction.
    pub unanswered: usize,
}

impl Verdict {
    /// The pair's PCK: the share of its keypoints that are right.
    #[must_use]
    pub fn share(&self) -> f64 {
        let right = self.right.iter().filter(|&&right| right).count();
        right as f64 / self.right.len() as f64
    }
}

/// Judges every answered pair of a benchmark, in layout order.
///
/// # Errors
/// A pair without what the protocol measures by (box, image size), or without a mirror where the
/// protocol transfers from target to source.
pub fn judge(
    benchmark: &Benchmark,
    answers: &Answers,
    protocol: &Protocol,
    alpha: Alpha,
) -> Result<Vec<Verdict>, ScoreError> {
    if !fits(protocol, benchmark) {
        return Err(unfit_error(protocol, benchmark));
    }
    if benchmark.has_outlines() {
        return masks::judge(benchmark, answers, protocol);
    }
    let mirrors = match protocol.direction {
        Direction::SourceToTarget => None,
        Direction::TargetToSource => Some(mirrors(benchmark, protocol)?),
    };
    let mut verdicts = Vec::with_capacity(benchmark.pairs.len());
    for pair in 0..benchmark.pairs.len() {
        let judged = mirrors.as_ref().map_or(pair, |mirrors| mirrors[pair]);
        let Some(predicted) = answers.get(judged) else { continue };
        let right = rights(benchmark, &benchmark.pairs[judged], predicted, protocol, alpha)?;
        // A pair without keypoints has no PCK.
        if !right.is_empty() {
            let unanswered = predicted.iter().filter(|point| point.is_none()).count();
            verdicts.push(Verdict { pair, judged, right, unanswered });
        }
    }
    Ok(verdicts)
}

/// Whether a protocol can be applied to a benchmark, whatever was predicted.
///
/// # Errors
/// Those of [`judge`] for answers to every pair.
pub fn check(benchmark: &Benchmark, protocol: &Protocol) -> Result<(), ScoreError> {
    if !fits(protocol, benchmark) {
        return Err(unfit_error(protocol, benchmark));
    }
    if benchmark.has_outlines() {
        return benchmark
            .pairs
            .iter()
            .try_for_each(|pair| target_size(benchmark, pair, protocol).map(drop));
    }
    if protocol.direction == Direction::TargetToSource {
        mirrors(benchmark, protocol)?;
    }
    benchmark.pairs.iter().try_for_each(|pair| Ruler::new(benchmark, pair, protocol).map(drop))
}

/// Width and height of a pair's target photograph.
pub(super) fn target_size(
    benchmark: &Benchmark,
    pair: &Pair,
    protocol: &Protocol,
) -> Result<[u32; 2], ScoreError> {
    let image = &benchmark.images[pair.target];
    let size = image.size.filter(|size| size[0] > 0 && size[1] > 0);
    size.ok_or_else(|| ScoreError::NoSize {
        pair: pair.id.clone(),
        protocol: protocol.name,
        photograph: image.path.clone(),
    })
}

/// For every keypoint of a pair whether its prediction is right.
///
/// # Errors
/// A pair without what the protocol measures by.
pub fn rights(
    benchmark: &Benchmark,
    pair: &Pair,
    predicted: &Predicted,
    protocol: &Protocol,
    alpha: Alpha,
) -> Result<Vec<bool>, ScoreError> {
    let ruler = Ruler::new(benchmark, pair, protocol)?;
    let both = predicted.iter().zip(&pair.target_keypoints);
    let right = |(predicted, truth): (&Option<Point>, &Point)| {
        predicted.is_some_and(|predicted| ruler.right(predicted, *truth, alpha))
    };
    Ok(both.map(right).collect())
}

/// Whether a protocol compares what a benchmark has.
pub(super) fn fits(protocol: &Protocol, benchmark: &Benchmark) -> bool {
    (protocol.measure != Measure::Keypoints) == benchmark.has_outlines()
}

pub(super) fn unfit_error(protocol: &Protocol, benchmark: &Benchmark) -> ScoreError {
    ScoreError::Unfit {
        protocol: protocol.name,
        benchmark: benchmark.name.clone(),
        has: if benchmark.has_outlines() { "outlines of objects" } else { "keypoints" },
    }
}

/// The largest error that counts as right for a pair, in pixels of the protocol's frame (for the
/// papers' own protocols: original pixels of the target).
///
/// # Errors
/// A pair without what the protocol measures by.
pub fn radius(
    benchmark: &Benchmark,
    pair: &Pair,
    protocol: &Protocol,
    alpha: Alpha,
) -> Result<f64, ScoreError> {
    Ok(Ruler::new(benchmark, pair, protocol)?.allowed(alpha))
}

/// For every pair the one with its photographs exchanged.
pub(super) fn mirrors(
    benchmark: &Benchmark,
    protocol: &Protocol,
) -> Result<Vec<usize>, ScoreError> {
    let places: HashMap<_, _> = benchmark
        .pairs
        .iter()
        .enumerate()
        .map(|(place, pair)| ((pair.category.as_str(), pair.source, pair.target), place))
        .collect();
    benchmark
        .pairs
        .iter()
        .map(|pair| {
            places.get(&(pair.category.as_str(), pair.target, pair.source)).copied().ok_or_else(
                || ScoreError::NoMirror { pair: pair.id.clone(), protocol: protocol.name },
            )
        })
        .collect()
}

/// What distances of one pair are measured with.
///
/// A warp of a `width × height` image to a square of side S multiplies x by S/width and y by
/// S/height. Multiplying both sides of the comparison by width · height / S instead leaves it as
/// it is and keeps integer coordinates integer: x by height, y by width, whatever S is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ruler {
    scale: [f64; 2],
    /// What α is a share of, scaled alike.
    threshold: f64,
    /// The largest coordinate of the truth in original pixels, where it is clamped.
    limit: Option<[f64; 2]>,
    comparison: Comparison,
    /// Pixels of the protocol's frame for one scaled unit.
    unit: f64,
}

impl Ruler {
    pub(super) fn new(
        benchmark: &Benchmark,
        pair: &Pair,
        protocol: &Protocol,
    ) -> Result<Self, ScoreError> {
        let size = || target_size(benchmark, pair, protocol).map(|size| size.map(f64::from));
        let (scale, unit) = match protocol.frame {
            Frame::Original => ([1.0, 1.0], 1.0),
            Frame::Warped(side) => {
                let [width, height] = size()?;
                ([height, width], f64::from(side) / (width * height))
            }
        };
        let extent = match protocol.threshold {
            Threshold::Box => pair
                .target_box
                .map(|[left, top, right, bottom]| {
                    [f64::from(right) - f64::from(left), f64::from(bottom) - f64::from(top)]
                })
                .ok_or_else(|| ScoreError::NoBox {
                    pair: pair.id.clone(),
                    benchmark: benchmark.name.clone(),
                    protocol: protocol.name,
                })?,
            Threshold::Image => size()?,
            Threshold::Keypoints => extent(&pair.target_keypoints),
        };
        let limit = match (protocol.truth, protocol.frame) {
            (Truth::Clamped, Frame::Warped(side)) => {
                let share = f64::from(side - 1) / f64::from(side);
                Some(size()?.map(|length| length * share))
            }
            _ => None,
        };
        Ok(Self {
            scale,
            threshold: f64::max(extent[0] * scale[0], extent[1] * scale[1]),
            limit,
            comparison: protocol.comparison,
            unit,
        })
    }

    /// Whether a prediction is right: points in original pixels.
    pub(super) fn right(&self, predicted: Point, truth: Point, alpha: Alpha) -> bool {
        let squared = self.distance_squared(predicted, truth);
        match self.comparison {
            Comparison::AtMost => alpha.covers(squared, self.threshold),
            Comparison::RatioAtMost => squared.sqrt() / self.threshold <= alpha.value(),
            Comparison::Below => alpha.covers_strictly(squared, self.threshold),
        }
    }

    /// The distance in pixels of the protocol's frame, to be read by people.
    pub(super) fn distance(&self, predicted: Point, truth: Point) -> f64 {
        self.distance_squared(predicted, truth).sqrt() * self.unit
    }

    /// The distance that α allows, likewise.
    pub(super) fn allowed(&self, alpha: Alpha) -> f64 {
        self.threshold * alpha.value() * self.unit
    }

    fn distance_squared(&self, predicted: Point, truth: Point) -> f64 {
        (0..2)
            .map(|axis| {
                let truth = f64::from(truth[axis]);
                let truth = self.limit.map_or(truth, |limit| truth.clamp(0.0, limit[axis]));
                let distance = (f64::from(predicted[axis]) - truth) * self.scale[axis];
                distance * distance
            })
            .sum()
    }
}

/// Width and height of the tight box of some points.
fn extent(points: &[Point]) -> [f64; 2] {
    [0, 1].map(|axis| {
        let values = || points.iter().map(|point| f64::from(point[axis]));
        f64::max(0.0, values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min))
    })
}
