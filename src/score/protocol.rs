//! Published ways of scoring keypoint transfer, by name: what each evaluator's code does with the
//! same predictions.
//!
//! A protocol is a choice on each of the axes below. What an evaluator decides while predicting
//! (rounding of the query, resampling of the image) cannot be changed afterwards and is no part of
//! a protocol.

use serde_json::{Map, Value};

use super::Alpha;

/// A published way of scoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    /// What `--protocol` calls it.
    pub name: &'static str,
    /// Whose code it follows, in a few words.
    pub origin: &'static str,
    /// What is compared.
    pub measure: Measure,
    /// Which way keypoints are transferred.
    pub direction: Direction,
    /// What α is a share of.
    pub threshold: Threshold,
    /// Where distances are measured.
    pub frame: Frame,
    /// Whether the truth is moved before it is compared.
    pub truth: Truth,
    /// Whether a distance exactly at the threshold is right.
    pub comparison: Comparison,
    /// What a table entry is the mean of.
    pub average: Average,
    /// What becomes of a pair without predictions.
    pub unanswered: Unanswered,
    /// The α values it is published with.
    pub alphas: &'static [Alpha],
    /// What its code decides while predicting, which no scoring can apply afterwards.
    pub predicting: Option<Predicting>,
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

const WHOLE_PIXELS: &str = "takes queries and predictions at whole original pixels";

const fn warped(image_side: u32, rounding: Option<&'static str>) -> Option<Predicting> {
    Some(Predicting { image_side, resizing: "warps", rounding })
}

const fn padded(image_side: u32) -> Option<Predicting> {
    let rounding = Some("takes queries and predictions at centres of feature cells");
    Some(Predicting { image_side, resizing: "pads", rounding })
}

/// What separates predictions from what these protocols' code would have made, as far as their
/// header's `method` tells: a sentence for all that do the same, none where nothing is known to.
#[must_use]
pub fn warnings(protocols: &[&Protocol], method: &Map<String, Value>) -> Vec<String> {
    let mut alike: Vec<(Predicting, Vec<&str>)> = Vec::new();
    for protocol in protocols {
        let Some(predicting) = protocol.predicting else { continue };
        match alike.iter_mut().find(|(other, _)| *other == predicting) {
            Some((_, names)) => names.push(protocol.name),
            None => alike.push((predicting, vec![protocol.name])),
        }
    }
    alike.iter().filter_map(|(predicting, names)| predicting.warning(names, method)).collect()
}

impl Predicting {
    fn warning(self, protocols: &[&str], method: &Map<String, Value>) -> Option<String> {
        let Self { image_side, resizing, rounding } = self;
        let side = method.get("image_side");
        if rounding.is_none() && side.is_some_and(|side| *side == image_side) {
            return None;
        }
        let rounding = rounding.map_or_else(String::new, |how| format!(" and {how}"));
        let says = side.map_or_else(
            || "says nothing of image_side".to_owned(),
            |side| format!("says image_side {side}"),
        );
        let (s, whose) = if protocols.len() == 1 { ("", "its") } else { ("s", "their") };
        Some(format!(
            "protocol{s} {}: {whose} code also {resizing} images to a square of {image_side} px\
             {rounding} when predicting, which scoring cannot add; the header {says}",
            protocols.join(", ")
        ))
    }
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
pub enum Direction {
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
}

/// Where distances are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Original pixels.
    Original,
    /// The image warped to a square of this side, without keeping the aspect.
    Warped(u32),
}

/// Whether the truth is moved before it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// As annotated.
    Annotated,
    /// Clamped to [0, side − 1] of the warped frame.
    Clamped,
}

/// Whether a distance exactly at the threshold is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// distance ≤ α · threshold.
    AtMost,
    /// distance / threshold ≤ α: [`Comparison::AtMost`] in exact arithmetic; computed in f64 as
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

/// What becomes of keypoints without prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// They are wrong.
    Wrong,
    /// A pair without a single prediction is left out; in other pairs they are wrong.
    PairDropped,
}

const fn alphas<const N: usize>(hundredths: [u32; N]) -> [Alpha; N] {
    let mut alphas = [Alpha::hundredths(1); N];
    let mut index = 0;
    while index < N {
        alphas[index] = Alpha::hundredths(hundredths[index]);
        index += 1;
    }
    alphas
}

const SPAIR: Protocol = Protocol {
    name: "spair",
    origin: "the SPair-71k paper, HPF, SCOT; PF-PASCAL by box",
    measure: Measure::Keypoints,
    direction: Direction::SourceToTarget,
    threshold: Threshold::Box,
    frame: Frame::Original,
    truth: Truth::Annotated,
    comparison: Comparison::AtMost,
    average: Average::Pair,
    unanswered: Unanswered::Wrong,
    alphas: &alphas([10]),
    predicting: None,
};

const STRICT: Protocol =
    Protocol { comparison: Comparison::Below, alphas: &alphas([10, 5, 1]), ..SPAIR };

const SD4MATCH: Protocol = Protocol {
    name: "sd4match-image",
    origin: "SD4Match, per image",
    frame: Frame::Warped(768),
    truth: Truth::Clamped,
    alphas: &alphas([5, 10, 15]),
    predicting: warped(768, None),
    ..SPAIR
};

const VISUAL_AI: Protocol = Protocol {
    name: "visual-ai-image",
    origin: "Visual-AI, per image",
    frame: Frame::Warped(840),
    alphas: &alphas([1, 5, 10, 15]),
    predicting: warped(840, None),
    ..SD4MATCH
};

const DIFT: Protocol = Protocol {
    name: "dift-image",
    origin: "DIFT, per image",
    comparison: Comparison::RatioAtMost,
    predicting: warped(768, Some(WHOLE_PIXELS)),
    ..SPAIR
};

/// Masks are not compared by distance: the other axes do not speak.
const MASKS: Protocol = Protocol { alphas: &alphas([100]), ..SPAIR };

/// Every protocol, the paper's first.
pub const PROTOCOLS: [Protocol; 21] = [
    SPAIR,
    Protocol {
        name: "dhpf-240",
        origin: "DHPF",
        frame: Frame::Warped(240),
        predicting: warped(240, None),
        ..SPAIR
    },
    Protocol {
        name: "chm-240",
        origin: "CHM",
        frame: Frame::Warped(240),
        alphas: &alphas([5, 10]),
        predicting: warped(240, None),
        ..SPAIR
    },
    Protocol {
        name: "cats-256",
        origin: "CATs",
        direction: Direction::TargetToSource,
        frame: Frame::Warped(256),
        truth: Truth::Clamped,
        predicting: warped(256, None),
        ..SPAIR
    },
    Protocol {
        name: "sd-dino-class",
        origin: "sd-dino, \"Average\"",
        average: Average::Category,
        predicting: padded(840),
        ..STRICT
    },
    Protocol {
        name: "sd-dino-weighted",
        origin: "sd-dino, \"Weighted\"",
        average: Average::CategoryByPairs,
        predicting: padded(840),
        ..STRICT
    },
    Protocol {
        name: "geoaware-image",
        origin: "GeoAware-SC, per image",
        predicting: padded(840),
        ..STRICT
    },
    Protocol {
        name: "geoaware-point",
        origin: "GeoAware-SC, per keypoint",
        average: Average::Point,
        predicting: padded(840),
        ..STRICT
    },
    DIFT,
    Protocol { name: "dift-point", origin: "DIFT, per point", average: Average::Point, ..DIFT },
    SD4MATCH,
    Protocol {
        name: "sd4match-point",
        origin: "SD4Match, per point",
        average: Average::Point,
        ..SD4MATCH
    },
    VISUAL_AI,
    Protocol {
        name: "visual-ai-point",
        origin: "Visual-AI, per point",
        average: Average::Point,
        ..VISUAL_AI
    },
    Protocol {
        name: "scnet-224",
        origin: "NC-Net's line, \"scnet\"",
        direction: Direction::TargetToSource,
        threshold: Threshold::Image,
        frame: Frame::Warped(224),
        unanswered: Unanswered::PairDropped,
        predicting: warped(224, None),
        ..SPAIR
    },
    Protocol {
        name: "willow",
        origin: "PF-WILLOW",
        threshold: Threshold::Keypoints,
        alphas: &alphas([5, 10, 15]),
        ..SPAIR
    },
    Protocol {
        name: "pascal",
        origin: "PF-PASCAL, HPF and others by image",
        threshold: Threshold::Image,
        alphas: &alphas([5, 10, 15]),
        ..SPAIR
    },
    Protocol {
        name: "tss",
        origin: "TSS",
        threshold: Threshold::Image,
        average: Average::CategoryOfPairs,
        alphas: &alphas([5]),
        ..SPAIR
    },
    Protocol {
        name: "caltech-lt-acc",
        origin: "Caltech-101, HPF",
        measure: Measure::LabelTransfer,
        ..MASKS
    },
    Protocol {
        name: "caltech-iou",
        origin: "Caltech-101, HPF",
        measure: Measure::Overlap,
        ..MASKS
    },
    Protocol {
        name: "mmpose",
        origin: "mmpose",
        average: Average::KeypointIndex,
        alphas: &alphas([5]),
        ..STRICT
    },
];

/// The protocol of a benchmark's own paper; the first of [`defaults_for`] where there are two.
#[must_use]
pub fn default_for(benchmark: &str) -> &'static Protocol {
    defaults_for(benchmark)[0]
}

/// The protocols of a benchmark's own paper.
#[must_use]
pub fn defaults_for(benchmark: &str) -> Vec<&'static Protocol> {
    let names: &[&str] = match benchmark {
        "pf-willow" => &["willow"],
        "pf-pascal" => &["pascal"],
        "tss" => &["tss"],
        "caltech-101" => &["caltech-lt-acc", "caltech-iou"],
        _ => &["spair"],
    };
    let found: Vec<_> = names.iter().filter_map(|name| find(name)).collect();
    if found.is_empty() { vec![&PROTOCOLS[0]] } else { found }
}

/// The protocols that can score a benchmark: outlines have no corresponding points, keypoints no
/// masks.
pub fn fitting(benchmark: &str) -> impl Iterator<Item = &'static Protocol> {
    let masks = benchmark == crate::benchmark::Kind::Caltech101.name();
    PROTOCOLS.iter().filter(move |protocol| (protocol.measure != Measure::Keypoints) == masks)
}

/// The protocol of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|protocol| protocol.name == name)
}
