//! Opening a benchmark.

use std::path::Path;

use rayon::prelude::*;

use super::BenchmarkKind;
use super::error::BenchmarkError;
use super::faults::{Faults, Unreadable};
use super::info::{GroundTruth, SplitPairs, Visibility};
use super::pair::{Image, Pair};
use super::select::BenchmarkOptions;

/// A benchmark's pairs of one split.
#[derive(Debug, Clone)]
pub struct Benchmark {
    /// Which benchmark it is.
    pub kind: BenchmarkKind,
    /// `trn`, `val` or `test`.
    pub split: String,
    /// The photographs that the pairs refer to, in order of first use.
    pub images: Vec<Image>,
    /// The pairs, in layout order.
    pub pairs: Vec<Pair>,
    /// What annotations say of keypoints that are hidden.
    pub visibility: Visibility,
}

impl Benchmark {
    /// Reads the pairs of a split. Photographs are not opened, so a benchmark without them can be
    /// scored; see [`Benchmark::check_photographs`] and [`Benchmark::measure`].
    ///
    /// `root` is the folder that holds the benchmark's own ones (SPair-71k: `Layout`,
    /// `PairAnnotation`, `JPEGImages`; PF-WILLOW: the sub-classes), or the one above it under the
    /// name it has in the distributed archive.
    ///
    /// # Errors
    /// The folder is not the benchmark's; it has no such split or category; a file is missing,
    /// malformed or contradicts another. See [`BenchmarkError`].
    pub fn open(
        kind: BenchmarkKind,
        root: &Path,
        options: &BenchmarkOptions,
    ) -> Result<Self, BenchmarkError> {
        Self::read(kind, root, options, &mut Faults::default())
    }

    /// Reads the pairs of a split that can be read, as [`Benchmark::open`] does, and sets the others
    /// aside: a pair whose annotation is missing, malformed or contradicts another, and a row of a list
    /// of pairs that is malformed or lists a pair a second time. Where two give a
    /// photograph different sizes and the photograph is there with one of them, the other is wrong.
    ///
    /// # Errors
    /// Those of [`Benchmark::open`] that are of no single pair, and that of the first pair where none
    /// can be read.
    pub fn open_readable(
        kind: BenchmarkKind,
        root: &Path,
        options: &BenchmarkOptions,
    ) -> Result<(Self, Vec<Unreadable>), BenchmarkError> {
        let mut faults = Faults::set_aside();
        let mut benchmark = Self::read(kind, root, options, &mut faults)?;
        while let Some(mut again) = faults.again() {
            // What is to be said of the folder was said.
            let silent = tracing::subscriber::NoSubscriber::default();
            benchmark = tracing::subscriber::with_default(silent, || {
                Self::read(kind, root, options, &mut again)
            })?;
            faults = again;
        }
        let mut unreadable = faults.into_unreadable();
        if benchmark.pairs.is_empty() && !unreadable.is_empty() {
            return Err(unreadable.remove(0).error);
        }
        Ok((benchmark, unreadable))
    }

    fn read(
        kind: BenchmarkKind,
        root: &Path,
        options: &BenchmarkOptions,
        faults: &mut Faults,
    ) -> Result<Self, BenchmarkError> {
        kind.folder(root)?; // says what the folder is instead
        let SplitPairs { images, pairs, visibility } =
            (kind.info().reader.read)(root, options, faults)?;
        let split = options.split.clone();
        Ok(Self { kind, split, images, pairs, visibility })
    }

    /// Takes the sizes that no annotation gives from the photographs' headers. A photograph that is
    /// not there, or that has no readable header, stays without.
    pub fn measure(&mut self) {
        self.images.par_iter_mut().filter(|image| image.size.is_none()).for_each(|image| {
            image.size = crate::image::size(&image.path);
        });
    }

    /// Whether all photographs are there.
    ///
    /// # Errors
    /// The first one that is not, with a pair that needs it.
    pub fn check_photographs(&self) -> Result<(), BenchmarkError> {
        let Some(missing) = self.images.iter().position(|image| !image.path.is_file()) else {
            return Ok(());
        };
        let path = &self.images[missing].path;
        if path.exists() {
            let source = crate::files::open_input(path)
                .err()
                .unwrap_or_else(|| std::io::Error::other("it was no file a moment ago"));
            return Err(BenchmarkError::Read { file: path.clone(), source });
        }
        let pair = self.pairs.iter().find(|p| p.source == missing || p.target == missing);
        Err(BenchmarkError::Missing {
            file: path.clone(),
            wanted_by: pair
                .map_or_else(|| self.name().to_owned(), |pair| format!("pair {}", pair.id)),
        })
    }

    /// The name in predictions files: that of its kind.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind.info().name
    }

    /// Whether pairs have outlines of objects, whose points do not correspond, and no keypoints.
    #[must_use]
    pub fn has_outlines(&self) -> bool {
        self.kind.info().truth == GroundTruth::Outlines
    }
}
