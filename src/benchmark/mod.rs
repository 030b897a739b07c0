//! What is measured: images, pairs, labels, read from benchmarks as they are distributed.
//!
//! A benchmark is a reader, which declares all that is known of it ([`BenchmarkInfo`]), and a line each
//! in [`BenchmarkKind`], its `ALL` and its `info` here.

mod caltech;
mod counts;
#[cfg(feature = "demo")]
pub mod demo;
pub mod doctor;
mod doubts;
mod error;
mod faults;
mod files;
mod ids;
mod info;
mod list;
pub mod matlab;
mod numbers;
mod open;
mod pair;
mod pair_files;
mod pf_pascal;
mod pf_willow;
mod published;
mod select;
pub mod spair;
mod spair_json;
pub mod stats;
mod tss;
mod variation;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use counts::Counts;
pub use doubts::{Count, Doubts};
pub use error::BenchmarkError;
pub use faults::Unreadable;
pub(crate) use ids::Ids;
pub use info::{BenchmarkInfo, GroundTruth, Headings, Visibility};
pub use open::Benchmark;
pub use pair::{Image, Pair};
pub use published::{TEST_PAIRS, pairs_by_category, pairs_by_level};
pub use select::{BenchmarkOptions, LayoutSize};
pub use variation::{Factor, Variation};

/// The benchmarks that hpflow reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BenchmarkKind {
    /// SPair-71k (Min et al., arXiv 1908.10543), whose settings are meant where none is said.
    #[default]
    Spair,
    /// PF-WILLOW (Ham et al., "Proposal Flow", CVPR 2016).
    PfWillow,
    /// PF-PASCAL (Ham et al., TPAMI 2018).
    PfPascal,
    /// Caltech-101 with masks to transfer (Fei-Fei et al., TPAMI 2006; pairs of HPF's line).
    Caltech101,
    /// TSS (Taniai et al., CVPR 2016).
    Tss,
    /// Any keypoint benchmark in SPair-71k's JSON, such as SPair-U or the pairs of AP-10K.
    SpairJson,
}

/// What each declares is whole.
const _: () = {
    let mut at = 0;
    while at < BenchmarkKind::ALL.len() {
        BenchmarkKind::ALL[at].info().check();
        at += 1;
    }
};

impl BenchmarkKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Spair,
        Self::PfWillow,
        Self::PfPascal,
        Self::Caltech101,
        Self::Tss,
        Self::SpairJson,
    ];

    /// What it is.
    #[must_use]
    pub const fn info(self) -> &'static BenchmarkInfo {
        match self {
            Self::Spair => &spair::INFO,
            Self::PfWillow => &pf_willow::INFO,
            Self::PfPascal => &pf_pascal::INFO,
            Self::Caltech101 => &caltech::INFO,
            Self::Tss => &tss::INFO,
            Self::SpairJson => &spair_json::INFO,
        }
    }

    /// The name in predictions files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The benchmark's own folder: `root`, or the one in it under the name that it has in the
    /// distributed archive.
    ///
    /// # Errors
    /// There is no such folder, or neither is the benchmark's.
    pub fn folder(self, root: &Path) -> Result<PathBuf, BenchmarkError> {
        if !root.is_dir() {
            let benchmark = self.name();
            return Err(BenchmarkError::NoFolder { root: root.to_owned(), benchmark });
        }
        (self.info().reader.folder)(root).map_err(|error| match error {
            BenchmarkError::Root { root, benchmark, expected, .. } => {
                let looks_like = looks_like(&root);
                BenchmarkError::Root { root, benchmark, expected, looks_like }
            }
            error => error,
        })
    }

    /// The splits that the benchmark in this folder has.
    ///
    /// # Errors
    /// The folder is not the benchmark's, or cannot be read.
    pub fn splits(self, root: &Path) -> Result<Vec<String>, BenchmarkError> {
        (self.info().reader.splits)(&self.folder(root)?)
    }

    /// Its splits; where there is none, `test`, so that reading it says what is missing.
    fn splits_to_read(self, root: &Path) -> Result<Vec<String>, BenchmarkError> {
        let splits = self.splits(root)?;
        Ok(if splits.is_empty() { vec!["test".to_owned()] } else { splits })
    }
}

/// The benchmark that a folder may be: those first that are easily told.
fn looks_like(root: &Path) -> Option<&'static str> {
    let is_it = |is_telling: bool| {
        let infos = BenchmarkKind::ALL.iter().map(|kind| kind.info());
        let mut infos = infos.filter(|info| info.reader.is_telling == is_telling);
        infos.find(|info| (info.reader.folder)(root).is_ok())
    };
    is_it(true).or_else(|| is_it(false)).map(|info| info.name)
}

impl fmt::Display for BenchmarkKind {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for BenchmarkKind {
    type Err = BenchmarkError;

    fn from_str(name: &str) -> Result<Self, BenchmarkError> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|kind| kind.name()).collect();
            BenchmarkError::UnknownBenchmark { found: name.to_owned(), known: known.join(", ") }
        })
    }
}
