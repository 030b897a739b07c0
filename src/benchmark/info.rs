//! What a benchmark is: one value, which its reader declares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::BenchmarkError;
use super::faults::Faults;
use super::pair::{Image, Pair};
use super::select::BenchmarkOptions;
use crate::protocol::{EVALUATORS, Protocol, Refusal, Refused};

/// What hpflow knows of a benchmark.
#[derive(Debug)]
pub struct BenchmarkInfo {
    /// The name in predictions files and on the command line.
    pub name: &'static str,
    /// The name in texts.
    pub title: &'static str,
    /// What the name does not say of it, in a few words; may be empty.
    pub about: &'static str,
    /// The coordinate of the first pixel's centre in its annotations, on both axes. Those made in MATLAB
    /// count from 1; hpflow keeps points as they stand there.
    pub first_pixel: u8,
    /// What is annotated.
    pub truth: GroundTruth,
    /// Where its authors keep its archive; `None` where it is not one archive to be had without asking.
    pub archive: Option<&'static str>,
    /// The evaluators that score it, each as its code does.
    pub protocols: &'static [Protocol],
    /// Which of them are of its own paper: one, or two where it has two measures.
    pub own: &'static [&'static str],
    /// The other evaluators, and why each is refused.
    pub refused: &'static [Refused],
    /// How it is read.
    pub(super) reader: BenchmarkReader,
}

/// What a benchmark's annotations tell of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroundTruth {
    /// Keypoints that correspond.
    Keypoints,
    /// Outlines of both objects, whose points do not correspond.
    Outlines,
    /// A flow: every pixel of the source's object is a keypoint.
    Flow,
}

/// How a benchmark's files are found, read and looked over.
#[derive(Debug)]
pub(super) struct BenchmarkReader {
    /// The benchmark's own folder: the given one, or the one in it under its usual name.
    pub(super) folder: fn(&Path) -> Result<PathBuf, BenchmarkError>,
    /// Whether a folder in which it is found can hardly be another benchmark's.
    pub(super) is_telling: bool,
    /// The splits that are there, given its own folder.
    pub(super) splits: fn(&Path) -> Result<Vec<String>, BenchmarkError>,
    /// Reads the pairs of a split.
    pub(super) read:
        fn(&Path, &BenchmarkOptions, &mut Faults) -> Result<SplitPairs, BenchmarkError>,
    /// Counts its images by heading, where image annotations tell it.
    pub(super) headings: Option<CountHeadings>,
    /// How its files are checked.
    pub(super) check: FileCheck,
}

/// Images of each category by their heading in eighths of a turn (`azimuth_id`).
pub type Headings = BTreeMap<String, [usize; 8]>;

/// Counts images by heading, given the benchmark's folder.
type CountHeadings = fn(&Path) -> Result<Headings, BenchmarkError>;

/// How a benchmark's files are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileCheck {
    /// Pairs are held to image annotations and to the paper's counts, as SPair-71k's can be.
    WithImageAnnotations,
    /// Photographs and annotations are counted a sub-class, as PF-WILLOW's can be.
    BySubClass,
    /// What reading the pairs finds.
    ByReading,
}

/// A split that was read.
#[derive(Debug)]
pub(super) struct SplitPairs {
    pub(super) images: Vec<Image>,
    pub(super) pairs: Vec<Pair>,
    pub(super) visibility: Visibility,
}

/// How visible keypoints are, where annotations say so of each. Published files of most benchmarks do
/// not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Visibility {
    /// Nothing says so, or not of every pair.
    #[default]
    Unsaid,
    /// All that are annotated are visible (2 in COCO's form, as AP-10K has it).
    Full,
    /// Some are annotated but hidden (1 in COCO's form).
    Partial {
        /// The first pair with such a keypoint.
        pair: String,
    },
}

impl BenchmarkInfo {
    /// The evaluator of that name as its code scores this benchmark.
    ///
    /// # Errors
    /// Why it is refused.
    ///
    /// # Panics
    /// There is no evaluator of that name.
    pub(crate) fn protocol(&self, evaluator: &str) -> Result<&'static Protocol, Refusal> {
        if let Some(protocol) = self.protocols.iter().find(|one| one.name == evaluator) {
            return Ok(protocol);
        }
        let refused = self.refused.iter().find(|refused| refused.evaluators.contains(&evaluator));
        Err(refused.expect("every benchmark decides about every evaluator").why)
    }

    /// Whether annotations count pixels from one, as MATLAB does.
    #[must_use]
    pub fn counts_from_one(&self) -> bool {
        self.first_pixel == 1
    }

    /// The protocols of its own paper.
    pub fn own_protocols(&self) -> impl Iterator<Item = &'static Protocol> {
        self.own.iter().map(|name| self.protocol(name).expect("its own protocol is defined"))
    }

    /// Stops the compiler where what a benchmark declares is not whole: it decides about every evaluator
    /// once, and its protocols are its own.
    pub(super) const fn check(&self) {
        let mut evaluator = 0;
        while evaluator < EVALUATORS.len() {
            let name = EVALUATORS[evaluator].name;
            let mut decisions = 0;
            let mut at = 0;
            while at < self.protocols.len() {
                decisions += is_same(self.protocols[at].name, name) as usize;
                at += 1;
            }
            let mut at = 0;
            while at < self.refused.len() {
                decisions += is_among(self.refused[at].evaluators, name) as usize;
                at += 1;
            }
            assert!(decisions == 1, "a benchmark decides about every evaluator once");
            evaluator += 1;
        }
        let mut at = 0;
        while at < self.protocols.len() {
            assert!(is_same(self.protocols[at].benchmark, self.name), "a protocol of its own");
            at += 1;
        }
        assert!(!self.own.is_empty(), "a benchmark has a protocol of its own");
        let mut own = 0;
        while own < self.own.len() {
            let mut is_defined = false;
            let mut at = 0;
            while at < self.protocols.len() {
                is_defined = is_defined || is_same(self.protocols[at].name, self.own[own]);
                at += 1;
            }
            assert!(is_defined, "the benchmark's own protocols are defined for it");
            own += 1;
        }
    }
}

const fn is_among(names: &[&str], name: &str) -> bool {
    let mut at = 0;
    while at < names.len() {
        if is_same(names[at], name) {
            return true;
        }
        at += 1;
    }
    false
}

/// Equality of texts while compiling.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}
