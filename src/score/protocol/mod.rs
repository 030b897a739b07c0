//! Published ways of scoring keypoint transfer, by name: what each evaluator's code does with the
//! same predictions.
//!
//! A protocol is a choice on each of the axes below. The same code chooses differently from benchmark
//! to benchmark, so a name ([`Evaluator`]) stands for a [`Rule`] on each of them. What an evaluator
//! decides while predicting (rounding of the query, resampling of the image) cannot be changed
//! afterwards and is no part of a protocol. `docs/protocols.md` has the whole table.

mod list;
mod table;

use super::{Alpha, ScoreError};
use crate::benchmark::Kind;
use crate::predictions::MethodHeader;

pub use list::EVALUATORS;
pub use table::markdown;

/// A published way of scoring one benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    /// What `--protocol` calls it.
    pub name: &'static str,
    /// The benchmark that it is for.
    pub benchmark: Kind,
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
    /// The α values it is published with.
    pub alphas: &'static [Alpha],
    /// What its code decides while predicting, which no scoring can apply afterwards.
    pub predicting: Option<Predicting>,
    /// How this was compared with the evaluator's own code.
    pub verified: &'static str,
    /// What a reader of its numbers has to know; goes with every table.
    pub warning: Option<&'static str>,
}

/// A name of [`EVALUATORS`]: one evaluator's code on every benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluator {
    /// What `--protocol` calls it.
    pub name: &'static str,
    /// Whose code it follows, in a few words.
    pub origin: &'static str,
    /// Where that code is: repository, commit, files and functions.
    pub code: &'static str,
    /// What it does on each benchmark.
    pub rules: Rules,
}

/// A rule for each benchmark: one more [`Kind`] needs one more decision of every evaluator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// SPair-71k.
    pub spair: Rule,
    /// PF-WILLOW.
    pub pf_willow: Rule,
    /// PF-PASCAL.
    pub pf_pascal: Rule,
    /// Caltech-101.
    pub caltech_101: Rule,
    /// TSS.
    pub tss: Rule,
    /// Any benchmark in SPair-71k's JSON.
    pub spair_json: Rule,
}

impl Rules {
    /// The rule for a benchmark.
    #[must_use]
    pub const fn on(&self, kind: Kind) -> &Rule {
        match kind {
            Kind::Spair => &self.spair,
            Kind::PfWillow => &self.pf_willow,
            Kind::PfPascal => &self.pf_pascal,
            Kind::Caltech101 => &self.caltech_101,
            Kind::Tss => &self.tss,
            Kind::SpairJson => &self.spair_json,
        }
    }
}

/// What an evaluator's code does on a benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It scores it so.
    Defined(Protocol),
    /// Its authors' code does not score this benchmark; the reason, as the end of a sentence.
    NotDefined(&'static str),
    /// Its authors' code does, and hpflow lacks it; what it does, as the end of a sentence.
    NotBuilt(&'static str),
}

impl Evaluator {
    /// What this evaluator does on a benchmark.
    ///
    /// # Errors
    /// Its code does not score the benchmark, or does and hpflow lacks it.
    pub fn on(&'static self, kind: Kind) -> Result<&'static Protocol, ScoreError> {
        let (protocol, benchmark) = (self.name, kind.name());
        let others = || defined(kind).map(|one| one.name).collect::<Vec<_>>().join(", ");
        match self.rules.on(kind) {
            Rule::Defined(protocol) => Ok(protocol),
            Rule::NotDefined(why) => {
                Err(ScoreError::NotDefined { protocol, benchmark, why, others: others() })
            }
            Rule::NotBuilt(why) => {
                Err(ScoreError::NotBuilt { protocol, benchmark, why, others: others() })
            }
        }
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

/// What separates predictions from what these protocols' code would have made, as far as their
/// header's `method` tells: a sentence for all that do the same, none where nothing is known to.
#[must_use]
pub fn warnings(protocols: &[&Protocol], method: &MethodHeader) -> Vec<String> {
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
    fn warning(self, protocols: &[&str], method: &MethodHeader) -> Option<String> {
        let Self { image_side, resizing, rounding } = self;
        let side = method.value(MethodHeader::IMAGE_SIDE);
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
    /// The same with one more point at (−n, −n) of the frame: DHPF, CHM and CATs pad the keypoints
    /// of a pair to 40 entries of −1 or −2 and take the extent of all of them (`data/pfwillow.py`,
    /// `get_points` and `get_pckthres`).
    PaddedKeypoints(u8),
}

/// Keypoints to which DHPF, CHM and CATs pad a pair: one with as many has no padding.
pub(super) const PADDED_TO: usize = 40;

/// Where distances are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Original pixels.
    Original,
    /// The image warped to a square of this side, without keeping the aspect: x times side / width.
    Warped(u32),
    /// The same, corner on corner: x times (side − 1) / (width − 1).
    WarpedCorners(u32),
}

/// Whether the truth is moved before it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// As annotated.
    Annotated,
    /// Clamped to [10⁻⁴, side − 1 − 10⁻⁴] of the warped frame. What α is a share of is measured
    /// before that.
    Clamped,
    /// Rounded down to whole original pixels, then [`Truth::Clamped`].
    FlooredAndClamped,
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

/// The protocols of a benchmark's own paper: one, or two where it has two measures.
#[must_use]
pub const fn defaults_for(kind: Kind) -> &'static [Protocol] {
    match kind {
        Kind::Spair => &list::OF_SPAIR,
        Kind::PfWillow => &list::OF_PF_WILLOW,
        Kind::PfPascal => &list::OF_PF_PASCAL,
        Kind::Caltech101 => &list::OF_CALTECH_101,
        Kind::Tss => &list::OF_TSS,
        Kind::SpairJson => &list::OF_SPAIR_JSON,
    }
}

/// The first of [`defaults_for`].
#[must_use]
pub const fn default_for(kind: Kind) -> &'static Protocol {
    &defaults_for(kind)[0]
}

/// The protocols that are defined for a benchmark, in the order of [`EVALUATORS`].
pub fn defined(kind: Kind) -> impl Iterator<Item = &'static Protocol> {
    EVALUATORS.iter().filter_map(move |evaluator| match evaluator.rules.on(kind) {
        Rule::Defined(protocol) => Some(protocol),
        Rule::NotDefined(_) | Rule::NotBuilt(_) => None,
    })
}

/// The evaluator of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Evaluator> {
    EVALUATORS.iter().find(|evaluator| evaluator.name == name)
}
