//! The labels of SPair-71k's pairs: the four variation factors and their levels.

/// The four variation factors of a SPair-71k pair (paper, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variation {
    /// 0 easy, 1 medium, 2 hard.
    pub viewpoint: u8,
    /// 0 easy, 1 medium, 2 hard.
    pub scale: u8,
    /// 0 none, 1 source, 2 target, 3 both.
    pub truncation: u8,
    /// 0 none, 1 source, 2 target, 3 both.
    pub occlusion: u8,
}

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
