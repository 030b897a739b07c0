//! The choices that make a protocol.

use super::Alpha;

/// A published way of scoring one benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    /// What `--protocol` calls it.
    pub name: &'static str,
    /// The name of the benchmark that it is for.
    pub benchmark: &'static str,
    /// What is compared.
    pub measure: Measure,
    /// Which way keypoints are transferred.
    pub direction: TransferDirection,
    /// What α is a share of.
    pub threshold: Threshold,
    /// Where distances are measured.
    pub frame: DistanceFrame,
    /// Whether the truth is moved before it is compared.
    pub truth: TruthPlacement,
    /// Whether a distance exactly at the threshold is right.
    pub comparison: DistanceTest,
    /// What a table entry is the mean of.
    pub average: Average,
    /// The α values it is published with.
    pub alphas: &'static [Alpha],
    /// What its code decides while predicting, which no scoring can apply afterwards.
    pub predicting: Option<Predicting>,
    /// How this was compared with the evaluator's own code.
    pub verified: &'static str,
    /// What a reader of its numbers has to know; goes with every table.
    pub warning: Option<&'static str>,
    /// Which of the benchmark's forms of annotation its code reads.
    pub annotations: AnnotationForm,
}

impl Protocol {
    /// These protocols as they are on the benchmark of that name.
    pub(crate) const fn all_on<const N: usize>(
        benchmark: &'static str,
        mut protocols: [Self; N],
    ) -> [Self; N] {
        let mut at = 0;
        while at < N {
            protocols[at].benchmark = benchmark;
            at += 1;
        }
        protocols
    }
}

/// What an evaluator's code does while predicting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predicting {
    /// The side in pixels of the square that it makes of images.
    pub image_side: u32,
    /// How it does that, in words.
    pub resizing: &'static str,
    /// How it rounds points, in words; `None` where it does not.
    pub rounding: Option<&'static str>,
}

/// What a protocol compares, and so what its percentages are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Predicted keypoints with the truth: the percentage of correct keypoints.
    Keypoints,
    /// The mask in the predicted outline with the true mask: the share of the photograph's pixels
    /// on which they agree (LT-ACC, label transfer accuracy). It has no α.
    LabelTransfer,
    /// The same masks: pixels in both over pixels in either (IoU). It has no α.
    Overlap,
}

impl Measure {
    /// The name above percentages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keypoints => "PCK",
            Self::LabelTransfer => "LT-ACC",
            Self::Overlap => "IoU",
        }
    }
}

/// Which way keypoints are transferred. A file of source → target predictions holds the other
/// direction under the mirrored pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferDirection {
    /// Keypoints of the source are sought in the target.
    SourceToTarget,
    /// Keypoints of the target are sought in the source.
    TargetToSource,
}

/// The length that α is a share of, always of the image in which keypoints are sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// The longer side of the object's box, in the frame of the distance.
    Box,
    /// The longer side of the image, in the frame of the distance.
    Image,
    /// The longer side of the keypoints' tight box, in the frame of the distance.
    Keypoints,
    /// The same with one more point at (−n, −n) of the frame: DHPF, CHM and CATs pad the keypoints
    /// of a pair to 40 entries of −1 or −2 and take the extent of all of them (`data/pfwillow.py`,
    /// `get_points` and `get_pckthres`).
    PaddedKeypoints(u8),
}

/// Keypoints to which DHPF, CHM and CATs pad a pair: one with as many has no padding.
pub(crate) const PADDED_TO: usize = 40;

/// Where distances are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistanceFrame {
    /// Original pixels.
    Original,
    /// The image warped to a square of this side, without keeping the aspect: x times side / width.
    Warped(u32),
    /// The same, corner on corner: x times (side − 1) / (width − 1).
    WarpedCorners(u32),
}

/// Whether the truth is moved before it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TruthPlacement {
    /// As annotated.
    Annotated,
    /// Clamped to [10⁻⁴, side − 1 − 10⁻⁴] of the warped frame. What α is a share of is measured
    /// before that.
    Clamped,
    /// Rounded down to whole original pixels, then [`TruthPlacement::Clamped`].
    FlooredAndClamped,
}

/// Whether a distance exactly at the threshold is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistanceTest {
    /// distance ≤ α · threshold.
    AtMost,
    /// distance / threshold ≤ α: [`DistanceTest::AtMost`] in exact arithmetic; computed in f64 as
    /// written.
    RatioAtMost,
    /// distance < α · threshold.
    Below,
}

/// What a table entry is the mean of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// The pairs' PCK.
    Pair,
    /// All keypoints, whatever their pair.
    Point,
    /// The categories' means over pairs, unweighted.
    CategoryOfPairs,
    /// The categories' keypoint PCK, unweighted.
    Category,
    /// The categories' keypoint PCK, weighted by their number of pairs.
    CategoryByPairs,
    /// The PCK of each keypoint index ("0" to "29"), unweighted.
    KeypointIndex,
}

/// Which of a benchmark's forms of annotation an evaluator's code reads, where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnotationForm {
    /// All of them.
    Any,
    /// AP-10K's: pairs of image annotations that say how visible each keypoint is.
    Ap10k,
}
