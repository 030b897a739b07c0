//! Which keypoints are right: one pair, one protocol, one α.

use std::collections::HashMap;

use super::answers::Answers;
use super::error::ScoreError;
use super::lookup::names;
use super::masks;
use super::verdict::{Verdict, target_size};
use crate::Point;
use crate::PredictedKeypoints;
use crate::benchmark::{Benchmark, Pair, Visibility};
use crate::protocol::{
    Alpha, AnnotationForm, DistanceFrame, DistanceTest, PADDED_TO, Protocol, Threshold,
    TransferDirection, TruthPlacement,
};

/// Judges every answered pair of a benchmark, in layout order.
///
/// # Errors
/// A protocol of another benchmark; a pair without what the protocol measures by (box, image size),
/// or without a mirror where it transfers from target to source.
pub fn judge(
    benchmark: &Benchmark,
    answers: &Answers,
    protocol: &Protocol,
    alpha: Alpha,
) -> Result<Vec<Verdict>, ScoreError> {
    is_for(protocol, benchmark)?;
    if benchmark.has_outlines() {
        return masks::judge(benchmark, answers, protocol);
    }
    let mirrors = match protocol.direction {
        TransferDirection::SourceToTarget => None,
        TransferDirection::TargetToSource => Some(mirrors(benchmark, protocol)?),
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
    is_for(protocol, benchmark)?;
    if benchmark.has_outlines() {
        return benchmark
            .pairs
            .iter()
            .try_for_each(|pair| target_size(benchmark, pair, protocol).map(drop));
    }
    if protocol.direction == TransferDirection::TargetToSource {
        mirrors(benchmark, protocol)?;
    }
    benchmark.pairs.iter().try_for_each(|pair| Ruler::new(benchmark, pair, protocol).map(drop))
}

/// For every keypoint of a pair whether its prediction is right.
///
/// # Errors
/// A pair without what the protocol measures by.
pub fn rights(
    benchmark: &Benchmark,
    pair: &Pair,
    predicted: &PredictedKeypoints,
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

/// That a protocol is the one of this benchmark, as under one name evaluators measure each otherwise, and
/// that its code reads annotations of their form.
pub(super) fn is_for(protocol: &Protocol, benchmark: &Benchmark) -> Result<(), ScoreError> {
    let (name, of, kind) = (protocol.name, protocol.benchmark, benchmark.kind);
    if of != kind.name() {
        let benchmark = kind.name().to_owned();
        return Err(ScoreError::OtherBenchmark { protocol: name, of, benchmark });
    }
    let others = || names(kind, |one| one.annotations == AnnotationForm::Any);
    match (protocol.annotations, &benchmark.visibility) {
        (AnnotationForm::Any, _) | (AnnotationForm::Ap10k, Visibility::Full) => Ok(()),
        (AnnotationForm::Ap10k, Visibility::Unsaid) => Err(ScoreError::NotDefined {
            protocol: name,
            benchmark: kind.name(),
            why: "of this form its authors' code reads AP-10K alone beside SPair-71k, whose pairs name \
                  image annotations as src_json_path and trg_json_path",
            others: others(),
        }),
        (AnnotationForm::Ap10k, Visibility::Partial { pair }) => {
            let (protocol, benchmark, pair) = (name, kind.name(), pair.clone());
            Err(ScoreError::HiddenKeypoints { protocol, benchmark, pair, others: others() })
        }
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
/// it is and keeps integer coordinates integer: x by height, y by width, whatever S is. A warp of
/// corners on corners does the same with S, width and height less one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ruler {
    scale: [f64; 2],
    /// What α is a share of, scaled alike.
    threshold: f64,
    /// Whether the truth is rounded down to whole pixels.
    floored: bool,
    /// The least and the largest coordinates of the truth in original pixels, where it is clamped.
    limits: Option<[[f64; 2]; 2]>,
    comparison: DistanceTest,
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
        // The scale, pixels of the frame for one scaled unit, and of a square its side and that to
        // which a length of the image is warped.
        let (scale, unit, warp) = match protocol.frame {
            DistanceFrame::Original => ([1.0, 1.0], 1.0, None),
            DistanceFrame::Warped(side) => {
                let [width, height] = size()?;
                let side = f64::from(side);
                ([height, width], side / (width * height), Some([side, side]))
            }
            DistanceFrame::WarpedCorners(side) => {
                let [width, height] = size()?.map(|length| length - 1.0);
                if width < 1.0 || height < 1.0 {
                    return Err(ScoreError::TooNarrow {
                        pair: pair.id.clone(),
                        protocol: protocol.name,
                        photograph: benchmark.images[pair.target].path.clone(),
                    });
                }
                let side = f64::from(side);
                ([height, width], (side - 1.0) / (width * height), Some([side, side - 1.0]))
            }
        };
        let floored = protocol.truth == TruthPlacement::FlooredAndClamped;
        let keypoints = || pair.target_keypoints.iter().map(|point| moved(*point, floored));
        let extent = match protocol.threshold {
            Threshold::Box => pair
                .target_box
                .map(|[left, top, right, bottom]| {
                    [f64::from(right) - f64::from(left), f64::from(bottom) - f64::from(top)]
                })
                .ok_or_else(|| ScoreError::NoBox {
                    pair: pair.id.clone(),
                    benchmark: benchmark.name().to_owned(),
                    protocol: protocol.name,
                })?,
            Threshold::Image => match warp {
                None => size()?,
                // The square's own side, which is the same along both axes.
                Some([side, spanned]) => [scale[1], scale[0]].map(|length| length * side / spanned),
            },
            Threshold::Keypoints => extent(keypoints()),
            Threshold::PaddedKeypoints(padding) => {
                let padding = scale.map(|scale| -f64::from(padding) / unit / scale);
                let padded = pair.target_keypoints.len() < PADDED_TO;
                extent(keypoints().chain(padded.then_some(padding)))
            }
        };
        let clamped = match protocol.truth {
            TruthPlacement::Annotated => false,
            TruthPlacement::Clamped | TruthPlacement::FlooredAndClamped => true,
        };
        let limits = warp.filter(|_| clamped).map(|[side, _]| {
            let original = |at: f64| scale.map(|scale| at / unit / scale);
            [original(INSIDE), original(side - 1.0 - INSIDE)]
        });
        Ok(Self {
            scale,
            threshold: f64::max(extent[0] * scale[0], extent[1] * scale[1]),
            floored,
            limits,
            comparison: protocol.comparison,
            unit,
        })
    }

    /// Whether a prediction is right: points in original pixels.
    pub(super) fn right(&self, predicted: Point, truth: Point, alpha: Alpha) -> bool {
        let squared = self.distance_squared(predicted, truth);
        match self.comparison {
            DistanceTest::AtMost => alpha.covers(squared, self.threshold),
            DistanceTest::RatioAtMost => squared.sqrt() / self.threshold <= alpha.value(),
            DistanceTest::Below => alpha.covers_strictly(squared, self.threshold),
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
        let truth = moved(truth, self.floored);
        (0..2)
            .map(|axis| {
                let clamp =
                    |[least, most]: [[f64; 2]; 2]| truth[axis].clamp(least[axis], most[axis]);
                let truth = self.limits.map_or(truth[axis], clamp);
                let distance = (f64::from(predicted[axis]) - truth) * self.scale[axis];
                distance * distance
            })
            .sum()
    }
}

/// How far inside the frame a clamped keypoint is at least, in its pixels (`eps` of SD4Match's and
/// Visual-AI's code).
const INSIDE: f64 = 1e-4;

/// A keypoint in f64, rounded down where that is asked for.
fn moved(point: Point, floored: bool) -> [f64; 2] {
    point.map(|side| if floored { f64::from(side).floor() } else { f64::from(side) })
}

/// Width and height of the tight box of some points.
fn extent(points: impl Iterator<Item = [f64; 2]> + Clone) -> [f64; 2] {
    [0, 1].map(|axis| {
        let values = || points.clone().map(|point| point[axis]);
        f64::max(0.0, values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min))
    })
}
