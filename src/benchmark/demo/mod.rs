//! The demo benchmark: drawn objects with exact keypoints, in SPair-71k's own files.
//!
//! Nobody has to ask for photographs to try hpflow: every object is a solid model with random
//! proportions, colours and patterns, seen from one of eight azimuths, at any scale, now and then
//! across the image's border or behind something, before cluttered scenery. Keypoints are points of
//! the model; one that is hidden or outside the image is `null`, as in SPair-71k.
//!
//! A folder is fixed by its seed, its size and its categories: the same bytes on every machine and
//! with any number of threads. Each image has its own random numbers, drawing uses only arithmetic
//! that IEEE 754 rounds exactly, and files are written in a fixed order of names.

use std::path::PathBuf;

mod backdrop;
mod camera;
mod canvas;
mod files;
mod like_spair;
mod objects;
mod plan;
mod random;
mod scene;
mod solid;

pub use files::generate;

/// Categories of a small benchmark, unless others are asked for.
pub const USUAL_CATEGORIES: [&str; 8] =
    ["aeroplane", "bicycle", "bird", "bottle", "car", "chair", "horse", "motorbike"];

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoOptions {
    /// Another seed gives other images.
    pub seed: u64,
    /// How much of it.
    pub size: Size,
}

/// How large a benchmark is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Size {
    /// A small benchmark.
    Small {
        /// Test images a category (two or more); training has half as many, validation a third, but
        /// two at least.
        images: usize,
        /// Names of SPair-71k's categories.
        categories: Vec<String>,
    },
    /// 1,800 images of 18 categories and 70,958 pairs, split by split and category by category as
    /// many as SPair-71k has (Table 2 of the paper): the test split has 481 images and 12,234 pairs.
    LikeSpair,
}

/// A part of a benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// For training.
    Train,
    /// For choosing a model.
    Validation,
    /// For the number that is reported.
    Test,
}

impl Split {
    /// All of them, in the order in which images are numbered.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The name in SPair-71k's files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "trn",
            Self::Validation => "val",
            Self::Test => "test",
        }
    }
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Number of images.
    pub images: usize,
    /// Number of pairs of the training, validation and test split.
    pub pairs: [usize; 3],
    /// Whether the folder had it all already, so that nothing was written.
    pub unchanged: bool,
}

/// How far the work is: what is being done, how many of how many are done. Called from many threads.
pub type DemoProgress<'a> = dyn Fn(&str, usize, usize) + Sync + 'a;

/// Why a demo benchmark could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// A category that is not drawn.
    #[error("there is no category \"{name}\": choose from {}", category_names().join(", "))]
    Category {
        /// What was asked for.
        name: String,
    },
    /// One image makes no pair.
    #[error("{} per category cannot make a pair: ask for 2 or more", crate::text::counted(*images, "test image"))]
    TooFew {
        /// What was asked for.
        images: usize,
    },
    /// A number of pairs that no choice of images made.
    #[error("{images} images of {category} did not make {pairs} pairs: use another seed")]
    Quota {
        /// The category.
        category: &'static str,
        /// Number of images.
        images: usize,
        /// Number of ordered pairs asked for.
        pairs: usize,
    },
    /// A folder with other files.
    #[error(
        "{path}: the folder is not empty and holds no demo benchmark: choose a new or an empty \
         folder, because hpflow does not overwrite other files"
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// A folder with another demo benchmark.
    #[error(
        "{path}: the folder holds a demo benchmark of another seed, size or version: choose another \
         folder, or replace it"
    )]
    Present {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder that cannot be written.
    #[error("{path}: cannot be written: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder that cannot be read.
    #[error("{path}: cannot be read: {source}; check its permissions, or give another folder")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Pixels that the JPEG encoder refused.
    #[error("{path}: cannot be encoded: {source}")]
    Encode {
        /// The photograph.
        path: PathBuf,
        /// What the encoder said.
        source: image::ImageError,
    },
    /// Annotations from which no pairs follow.
    #[error(transparent)]
    Pairs(#[from] super::spair::pairs::PairsError),
    /// Pairs or a layout that cannot be written.
    #[error(transparent)]
    WritePairs(#[from] super::spair::WriteError),
}

/// Names of the categories that are drawn, in alphabetical order.
#[must_use]
pub fn category_names() -> Vec<&'static str> {
    objects::CATEGORIES.iter().map(|category| category.name).collect()
}
