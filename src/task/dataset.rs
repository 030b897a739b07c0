//! Benchmarks got, made, checked and counted.

use std::io;
use std::path::{Path, PathBuf};

use crate::benchmark::doctor::{CheckScope, Diagnosis, examine};
use crate::benchmark::spair::pairs::{PairsError, build};
use crate::benchmark::spair::{ImageSelection, WriteError, read_images, write_pairs};
use crate::benchmark::stats::Stats;
use crate::benchmark::{BenchmarkError, BenchmarkKind};
use crate::files::{self, OutputKind};
use crate::progress::{Progress, ProgressUnit};
use crate::report::figures;

/// Looks a benchmark's files over: what is missing, damaged or contradictory, and which counts are not
/// the published ones. `progress` is told from many threads.
///
/// # Errors
/// The folder is not the benchmark's, or has no such split. What is wrong with its files is in the
/// diagnosis.
pub fn check_benchmark(
    kind: BenchmarkKind,
    root: &Path,
    what: &CheckScope,
    progress: &Progress,
) -> Result<Diagnosis, BenchmarkError> {
    examine(kind, root, what, &|what, done, all| {
        progress.tell(what, done as u64, Some(all as u64), ProgressUnit::Items);
    })
}

/// Draws what a benchmark is made of into a folder: the shares of the levels of variation
/// (`variation.svg`) and the headings of objects (`azimuth.svg`), those that its annotations have.
/// Returns the files.
///
/// # Errors
/// A folder that cannot be written.
pub fn draw_stats(stats: &Stats, folder: &Path) -> Result<Vec<PathBuf>, DrawStatsError> {
    let mut drawn = Vec::new();
    let total = stats.total();
    if total.levels.iter().flatten().any(|&count| count > 0) {
        drawn.push(("variation.svg", figures::variation_shares(&total)));
    }
    if !stats.azimuths.is_empty() {
        drawn.push(("azimuth.svg", figures::azimuths(stats)));
    }
    std::fs::create_dir_all(folder)
        .map_err(|source| DrawStatsError::Folder { folder: folder.to_owned(), source })?;
    for (name, _) in &drawn {
        let file = folder.join(name);
        files::check_kind(&file, OutputKind::Figure)
            .map_err(|source| DrawStatsError::Write { file, source })?;
    }
    let write = |(name, figure): (&str, String)| {
        let file = folder.join(name);
        match files::write(&file, figure) {
            Ok(()) => Ok(file),
            Err(source) => Err(DrawStatsError::Write { file, source }),
        }
    };
    drawn.into_iter().map(write).collect()
}

/// Why figures could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawStatsError {
    /// The folder cannot be made.
    #[error("cannot create the folder {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A figure cannot be written.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The figure.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Which images become pairs.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PairsOptions {
    /// Which image annotations; all where nothing is said.
    pub selection: ImageSelection,
    /// The number before that of the first pair: 0 numbers them from 1.
    pub first_id: u64,
}

/// Pairs that were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MadePairs {
    /// How many pairs.
    pub pairs: usize,
    /// Of how many images.
    pub images: usize,
}

/// Why pairs could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakePairsError {
    /// A name of a split that is none of files.
    #[error("split {split:?}: expected a name for files, such as test")]
    Split {
        /// The name.
        split: String,
    },
    /// Image annotations that cannot be read.
    #[error(transparent)]
    Images(#[from] BenchmarkError),
    /// Image annotations that contradict each other.
    #[error(transparent)]
    Pairs(#[from] PairsError),
    /// The split is there already, or the folder cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Makes SPair-71k's pair annotations and layout of a split in the folder `out`, from the image
/// annotations in the folder `images`: every ordered pair of a category's images that have a visible
/// keypoint in common.
///
/// # Errors
/// See [`MakePairsError`].
pub fn make_pairs(
    images: &Path,
    split: &str,
    out: &Path,
    options: &PairsOptions,
) -> Result<MadePairs, MakePairsError> {
    if split.is_empty() || split.contains(['/', '\\']) || split.starts_with('.') {
        return Err(MakePairsError::Split { split: split.to_owned() });
    }
    let images = read_images(images, &options.selection)?;
    let pairs = build(&images, options.first_id)?;
    write_pairs(out, split, &pairs)?;
    Ok(MadePairs { pairs: pairs.len(), images: images.len() })
}

#[cfg(feature = "demo")]
pub use drawn::draw_benchmark;

#[cfg(feature = "demo")]
mod drawn {
    use std::path::Path;

    use crate::benchmark::demo::{DemoError, DemoOptions, Summary, generate};
    use crate::progress::{Progress, ProgressUnit};

    /// Draws a benchmark, objects with exact keypoints in SPair-71k's own files, into a folder that is
    /// new, empty or holds a drawn benchmark. Another one is replaced only where `force` is set.
    /// `progress` is told from many threads.
    ///
    /// # Errors
    /// A folder with other files, a category that is not drawn, files that cannot be written.
    pub fn draw_benchmark(
        folder: &Path,
        options: &DemoOptions,
        force: bool,
        progress: &Progress,
    ) -> Result<Summary, DemoError> {
        generate(folder, options, force, &|what, done, all| {
            progress.tell(what, done as u64, Some(all as u64), ProgressUnit::Items);
        })
    }
}

#[cfg(feature = "hub")]
pub use downloaded::{DownloadOptions, download_benchmark};

#[cfg(feature = "hub")]
mod downloaded {
    use std::path::{Path, PathBuf};

    use crate::benchmark::BenchmarkKind;
    use crate::download::{DownloadError, fetch, unpack};
    use crate::files;
    use crate::progress::{Progress, ProgressUnit};

    /// How a benchmark is got.
    #[derive(Debug, Clone, Default)]
    #[non_exhaustive]
    pub struct DownloadOptions {
        /// Where the archive (`.tar.gz` or `.zip`) is; at its authors' server where `None`.
        pub url: Option<String>,
        /// Keep the archive when it is unpacked.
        pub keep_archive: bool,
        /// Told what is done (`downloading`, `unpacking`) and how far it has come.
        pub progress: Progress,
    }

    /// Gets a benchmark's archive, unpacks it in the folder `out`, which is made if need be, and returns
    /// the benchmark's own folder. A download that broke off is continued.
    ///
    /// # Errors
    /// See [`DownloadError`].
    pub fn download_benchmark(
        kind: BenchmarkKind,
        out: &Path,
        options: &DownloadOptions,
    ) -> Result<PathBuf, DownloadError> {
        let unknown = || DownloadError::NoAddress { benchmark: kind };
        let url = options.url.as_deref().or(kind.info().archive).ok_or_else(unknown)?;
        let name = archive_name(url)?;
        if let Ok(path) = kind.folder(out) {
            return Err(DownloadError::Exists { path });
        }
        let folder = |source| DownloadError::Folder { folder: out.to_owned(), source };
        std::fs::create_dir_all(out).map_err(folder)?;
        // What is fetched, and deleted in the end, is where a link leads.
        let named = out.join(name);
        let archive = files::regular(&named)
            .map_err(|source| DownloadError::Archive { file: named.clone(), source })?;
        let progress = &options.progress;
        fetch(url, &archive, &mut |have, total| {
            progress.tell("downloading", have, total, ProgressUnit::Bytes);
        })?;
        let mut unpacked = |entries: usize| {
            progress.tell("unpacking", entries as u64, None, ProgressUnit::Items);
        };
        unpack::<DownloadError>(&archive, out, &mut unpacked, |folder| {
            let other = |_| DownloadError::Other { archive: archive.clone(), benchmark: kind };
            kind.folder(folder).map(drop).map_err(other)
        })?;
        if !options.keep_archive {
            std::fs::remove_file(&archive)
                .map_err(|source| DownloadError::Delete { file: archive.clone(), source })?;
        }
        kind.folder(out).map_err(|_| DownloadError::Other { archive, benchmark: kind })
    }

    /// The last part of the address, which names the archive.
    fn archive_name(url: &str) -> Result<&str, DownloadError> {
        let path = url.split(['?', '#']).next().unwrap_or(url);
        let scheme = ["http://", "https://"].iter().find_map(|scheme| path.strip_prefix(scheme));
        match scheme.and_then(|rest| rest.rsplit_once('/')) {
            Some((_, name)) if !matches!(name, "" | "." | "..") && !name.contains('\\') => Ok(name),
            _ => Err(DownloadError::Address { url: url.to_owned() }),
        }
    }
}
