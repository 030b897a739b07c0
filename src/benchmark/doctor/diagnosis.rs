//! What the doctor says, and what it says of every benchmark's photographs.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use crate::benchmark::counts::Counts;
use crate::benchmark::doubts::BoxOddity;
use crate::image;

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ailment {
    /// A photograph that is not there.
    MissingPhotograph,
    /// A photograph that cannot be decoded, because it is truncated or something else.
    DamagedPhotograph,
    /// An annotation or list that is missing or cannot be read.
    BrokenAnnotation,
    /// An annotation that contradicts itself, another or its photograph.
    Contradiction,
    /// A split whose counts are not the published ones.
    Counts,
    /// A keypoint outside its photograph. The published evaluation takes it as it is, so this is
    /// a note and no problem.
    KeypointOutside,
    /// A box that reaches outside its photograph by more than a pixel, used as it is.
    BoxOutside,
    /// A box that holds none of its keypoints, used as it is.
    BoxBeside,
    /// A box of which one side is zero: it is measured by the other, as the published evaluation
    /// does.
    FlatBox,
    /// A pair of which two keypoints have the same name: they are scored apart.
    RepeatedKeypoint,
    /// A photograph with an EXIF orientation, which is ignored as in published code: keypoints are in
    /// pixels as stored.
    IgnoredOrientation,
}

impl Ailment {
    /// What the ailment is called above its list.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::MissingPhotograph => "missing photographs",
            Self::DamagedPhotograph => "damaged photographs",
            Self::BrokenAnnotation => "missing or malformed annotations",
            Self::Contradiction => "contradictions",
            Self::Counts => "counts other than published",
            Self::KeypointOutside => "keypoints outside their photograph, used as they are",
            Self::BoxOutside => "boxes that reach outside their photograph, used as they are",
            Self::BoxBeside => "boxes that hold none of their keypoints, used as they are",
            Self::FlatBox => "boxes with a side of zero, measured by the other",
            Self::RepeatedKeypoint => "pairs with two keypoints of one name",
            Self::IgnoredOrientation => "photographs with an EXIF orientation, which is ignored",
        }
    }

    /// Whether results would be wrong or impossible.
    #[must_use]
    pub fn is_problem(self) -> bool {
        match self {
            Self::MissingPhotograph
            | Self::DamagedPhotograph
            | Self::BrokenAnnotation
            | Self::Contradiction
            | Self::Counts => true,
            Self::KeypointOutside
            | Self::BoxOutside
            | Self::BoxBeside
            | Self::FlatBox
            | Self::RepeatedKeypoint
            | Self::IgnoredOrientation => false,
        }
    }
}

impl From<BoxOddity> for Ailment {
    fn from(oddity: BoxOddity) -> Self {
        match oddity {
            BoxOddity::Outside => Self::BoxOutside,
            BoxOddity::Beside => Self::BoxBeside,
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub ailment: Ailment,
    /// One sentence that names the file.
    pub what: String,
}

/// A split that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedSplit {
    /// Its name.
    pub name: String,
    /// Its pairs.
    pub counts: Counts,
    /// Whether the counts were compared with published ones.
    pub compared: bool,
}

/// What the doctor says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The splits, in the order `trn`, `val`, `test`, others.
    pub splits: Vec<CheckedSplit>,
    /// How many photographs the annotations speak of.
    pub photographs: usize,
    /// How many of them were decoded without error; `None` where they were not looked at.
    pub decoded: Option<usize>,
    /// What is wrong, by ailment, then in the order of the files.
    pub findings: Vec<Finding>,
}

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct CheckScope {
    /// Only these splits; all that are there where empty.
    pub splits: Vec<String>,
    /// Leave the photographs alone.
    pub without_photographs: bool,
}

/// Told what is looked at, how many are done, and of how many.
pub type CheckProgress<'a> = dyn Fn(&'static str, usize, usize) + Sync + 'a;

/// A photograph and the size that its annotation gives it, if it does.
pub(super) type Annotated = (PathBuf, Option<[u32; 2]>);

/// Decodes the photographs; how many could be, and what is wrong with the others.
pub(super) fn decode(photographs: &[Annotated], progress: &CheckProgress) -> (usize, Vec<Finding>) {
    let done = std::sync::atomic::AtomicUsize::new(0);
    let looked_at: Vec<[Option<Finding>; 2]> = photographs
        .par_iter()
        .map(|(path, size)| {
            let found = [photograph(path, *size), orientation(path)];
            let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            progress("photographs", done, photographs.len());
            found
        })
        .collect();
    let findings: Vec<Finding> = looked_at.into_iter().flatten().flatten().collect();
    let is_undecoded = |finding: &&Finding| {
        matches!(finding.ailment, Ailment::MissingPhotograph | Ailment::DamagedPhotograph)
    };
    let undecoded = findings.iter().filter(is_undecoded).count();
    (photographs.len() - undecoded, findings)
}

fn photograph(path: &Path, annotated: Option<[u32; 2]>) -> Option<Finding> {
    let finding = |ailment, what| Some(Finding { ailment, what });
    if !path.exists() {
        return finding(Ailment::MissingPhotograph, path.display().to_string());
    }
    let photograph = match image::read(path) {
        Ok(photograph) => photograph,
        Err(error) => return finding(Ailment::DamagedPhotograph, error.to_string()),
    };
    let found = [photograph.width, photograph.height];
    let [width, height] = annotated.filter(|&size| size != found)?;
    let what = format!(
        "{} has {} × {} pixels, its annotation says {width} × {height}",
        path.display(),
        found[0],
        found[1]
    );
    finding(Ailment::Contradiction, what)
}

/// What a photograph says of how it is to be turned, which is ignored.
fn orientation(path: &Path) -> Option<Finding> {
    let what = || format!("{}", path.display());
    image::ignores_orientation(path)
        .then(|| Finding { ailment: Ailment::IgnoredOrientation, what: what() })
}
