//! Photographs and pairs, as every benchmark has them.

use std::path::{Component, Path, PathBuf};

use super::variation::Variation;
use crate::Point;

/// A photograph of a benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// What it is known by: its path below the benchmark's photographs, with `/` on all systems, for
    /// example `horse/2008_000219.jpg`. No other photograph of the benchmark has it.
    pub name: String,
    /// Where its file is.
    pub path: PathBuf,
    /// Width and height in original pixels, where an annotation says so or, after
    /// [`Benchmark::measure`](crate::Benchmark::measure), the photograph does.
    pub size: Option<[u32; 2]>,
}

/// Two photographs of one category with corresponding keypoints.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The pair's name in predictions files.
    pub id: String,
    /// The category (SPair-71k) or sub-class (PF-WILLOW).
    pub category: String,
    /// Index of the source photograph in [`Benchmark::images`](crate::Benchmark::images).
    pub source: usize,
    /// Index of the target photograph in [`Benchmark::images`](crate::Benchmark::images).
    pub target: usize,
    /// Keypoints in original pixels of the source.
    pub source_keypoints: Vec<Point>,
    /// The corresponding keypoints in original pixels of the target. Caltech-101 has outlines
    /// instead, whose points do not correspond and may be more or fewer than the source's.
    pub target_keypoints: Vec<Point>,
    /// Names of the keypoints (SPair-71k: "0" to "29"); empty where numbers do (TSS).
    pub keypoint_ids: Vec<String>,
    /// The object in the source: xmin, ymin, xmax, ymax in original pixels.
    pub source_box: Option<[f32; 4]>,
    /// The object in the target: xmin, ymin, xmax, ymax in original pixels.
    pub target_box: Option<[f32; 4]>,
    /// The four labels of SPair-71k.
    pub variation: Option<Variation>,
}

impl Image {
    /// A photograph known by its path below a folder.
    #[must_use]
    pub fn below(folder: &Path, path: PathBuf, size: Option<[u32; 2]>) -> Self {
        let below = path.strip_prefix(folder).unwrap_or(&path);
        let parts = below.components().filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy()),
            _ => None,
        });
        Self { name: parts.collect::<Vec<_>>().join("/"), path, size }
    }
}

impl Pair {
    /// How many points a prediction for the pair has: one for each keypoint of the source.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.source_keypoints.len()
    }

    /// The place of the keypoint of that name, or of that number where keypoints have no names.
    #[must_use]
    pub fn keypoint(&self, name: &str) -> Option<usize> {
        if self.keypoint_ids.is_empty() {
            return name.parse().ok().filter(|&at| at < self.answers());
        }
        self.keypoint_ids.iter().position(|id| id == name)
    }
}
