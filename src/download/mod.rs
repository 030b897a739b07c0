//! Getting a benchmark: an archive from its authors' server, unpacked where nothing is overwritten.
//!
//! A transfer that broke off is continued. What comes is looked at before it is kept: servers that
//! have moved answer with a web page. Archives are unpacked beside their place and moved there
//! whole, and none writes outside of it.

use std::io;
use std::path::{Path, PathBuf};

use crate::benchmark::BenchmarkKind;

mod fetch;
mod unpack;

pub use fetch::fetch;
pub use unpack::unpack;

/// The kinds of archive that are unpacked, known by their first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArchiveKind {
    TarGzip,
    Zip,
}

impl ArchiveKind {
    fn of(first_bytes: &[u8]) -> Option<Self> {
        match first_bytes {
            [0x1f, 0x8b, ..] => Some(Self::TarGzip),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            _ => None,
        }
    }
}

/// Why a benchmark cannot be got.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// Nobody said where the archive is.
    #[error("no archive of {benchmark} is known, only of {}; give its address", known())]
    NoAddress {
        /// The benchmark.
        benchmark: BenchmarkKind,
    },
    /// An address that names no archive.
    #[error("{url}: expected http:// or https:// and a path that ends in the archive's name")]
    Address {
        /// The address.
        url: String,
    },
    /// The server cannot be reached, or broke the protocol.
    #[error("cannot get {url}: {reason}; check the network, or give another address")]
    Ask {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server refuses.
    #[error("{url}: the server answers {code}; give another address")]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status.
        code: u16,
    },
    /// The server sent something else than an archive.
    #[error("{url} gave {found} instead of a .tar.gz or .zip archive; give another address")]
    NotAnArchive {
        /// The address, or the file.
        url: String,
        /// What it looks like.
        found: &'static str,
    },
    /// The transfer broke off.
    #[error(
        "{url}: the transfer broke off after {have} bytes{of}; run the same command again to continue it"
    )]
    Interrupted {
        /// The address.
        url: String,
        /// Bytes that are in the partial file.
        have: u64,
        /// ` of N` where the server said how many there are, or nothing.
        of: String,
    },
    /// The system refuses to write.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file or folder.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The archive cannot be read to its end.
    #[error("{} is damaged: {reason}; delete it and run the command again", archive.display())]
    Damaged {
        /// The archive.
        archive: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The archive holds something that no benchmark's archive does.
    #[error("{} is not trusted: {what}; nothing of it was unpacked", archive.display())]
    Hostile {
        /// The archive.
        archive: PathBuf,
        /// What was found.
        what: String,
    },
    /// Something is where the benchmark should go.
    #[error("{} exists already: give another folder, or delete it", path.display())]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// The folder cannot be made.
    #[error("cannot create the folder {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something is where the archive should go.
    #[error("{}: {source}", file.display())]
    Archive {
        /// The archive.
        file: PathBuf,
        /// What is in the way.
        source: io::Error,
    },
    /// The archive holds something else.
    #[error("{} does not hold {benchmark}; delete it and give another address", archive.display())]
    Other {
        /// The archive.
        archive: PathBuf,
        /// The benchmark.
        benchmark: BenchmarkKind,
    },
    /// The archive cannot be deleted.
    #[error("cannot delete {}: {source}", file.display())]
    Delete {
        /// The archive.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The benchmarks whose archives are known.
fn known() -> String {
    let infos = BenchmarkKind::ALL.iter().map(|kind| kind.info());
    let known = infos.filter(|info| info.archive.is_some()).map(|info| info.name);
    known.collect::<Vec<_>>().join(", ")
}

fn write_error(file: &Path) -> impl Fn(io::Error) -> DownloadError {
    move |source| DownloadError::Write { file: file.to_owned(), source }
}

/// What the first bytes look like where they are no archive's.
fn looks_like(first_bytes: &[u8]) -> &'static str {
    if first_bytes.trim_ascii_start().starts_with(b"<") {
        "a web page"
    } else if first_bytes.is_empty() {
        "nothing"
    } else {
        "something else"
    }
}
