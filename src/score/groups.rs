//! What tables break PCK down by: categories and the levels of the four variation factors.

use crate::benchmark::Variation;

/// A factor of variation between the photographs of a pair (SPair-71k paper, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// How differently the objects are seen.
    Viewpoint,
    /// How differently large they are.
    Scale,
    /// Which of them the frame cuts off.
    Truncation,
    /// Which of them something hides.
    Occlusion,
}

impl Factor {
    /// All four, in the paper's order.
    pub const ALL: [Self; 4] = [Self::Viewpoint, Self::Scale, Self::Truncation, Self::Occlusion];

    /// The factor's name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewpoint => "viewpoint",
            Self::Scale => "scale",
            Self::Truncation => "truncation",
            Self::Occlusion => "occlusion",
        }
    }

    /// The names of its levels, in the order of the annotation's numbers.
    #[must_use]
    pub const fn levels(self) -> &'static [&'static str] {
        match self {
            Self::Viewpoint | Self::Scale => &["easy", "medium", "hard"],
            Self::Truncation | Self::Occlusion => &["none", "source", "target", "both"],
        }
    }

    /// The number of a pair's level.
    #[must_use]
    pub const fn level(self, variation: Variation) -> usize {
        (match self {
            Self::Viewpoint => variation.viewpoint,
            Self::Scale => variation.scale,
            Self::Truncation => variation.truncation,
            Self::Occlusion => variation.occlusion,
        }) as usize
    }
}

/// SPair-71k's categories as its annotations name them, and the paper's abbreviations, in the
/// paper's order.
const ABBREVIATIONS: [(&str, &str); 18] = [
    ("aeroplane", "aero"),
    ("bicycle", "bike"),
    ("bird", "bird"),
    ("boat", "boat"),
    ("bottle", "bottle"),
    ("bus", "bus"),
    ("car", "car"),
    ("cat", "cat"),
    ("chair", "chair"),
    ("cow", "cow"),
    ("dog", "dog"),
    ("horse", "horse"),
    ("motorbike", "moto"),
    ("person", "person"),
    ("pottedplant", "plant"),
    ("sheep", "sheep"),
    ("train", "train"),
    ("tvmonitor", "tv"),
];

/// The paper's abbreviation of a category, or the category itself where it has none.
#[must_use]
pub fn abbreviation(category: &str) -> &str {
    let found = ABBREVIATIONS.iter().find(|(name, _)| *name == category);
    found.map_or(category, |(_, short)| short)
}
