//! Archives unpacked without trusting them.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use flate2::bufread::GzDecoder;

use super::{ArchiveKind, DownloadError, looks_like, write_error};
use crate::files;

/// Files and folders in one archive: SPair-71k has some 80,000.
const MAX_ENTRIES: usize = 2_000_000;
/// Unpacked bytes for each byte of the archive: text compresses 20-fold, bombs 1000-fold.
const MAX_RATIO: u64 = 200;
/// Bytes that describe an entry: its header and name, and what is left of the entry before.
const MAX_HEADERS: u64 = 1 << 20;
/// The byte that a gzip member begins with.
const FIRST_OF_GZIP: u8 = 0x1f;
/// Folders in folders.
const MAX_DEPTH: usize = 32;

/// Unpacks an archive (`.tar.gz` or `.zip`, by its first bytes) into the folder `out`, which is
/// made if it is not there; what is at the top of the archive, in name order.
///
/// Everything is unpacked beside its place, looked at by `accept`, and moved there last, so that
/// `out` holds all of it or nothing. Files that only macOS reads are left out.
///
/// # Errors
/// A damaged archive; one with links, devices or paths that lead elsewhere; one that grows beyond
/// reason; something in the way; a folder that cannot be written; what `accept` says.
pub fn unpack<E: From<DownloadError>>(
    archive: &Path,
    out: &Path,
    progress: &mut dyn FnMut(usize),
    accept: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<Vec<PathBuf>, E> {
    fs::create_dir_all(out).map_err(write_error(out))?;
    let staging = tempfile::Builder::new().prefix(".hpflow-").tempdir_in(out);
    let staging = staging.map_err(write_error(out))?;
    Unpacking::new(archive, staging.path(), progress)?.run()?;
    accept(staging.path())?;
    Ok(move_into(staging.path(), out)?)
}

fn move_into(staging: &Path, out: &Path) -> Result<Vec<PathBuf>, DownloadError> {
    let entries: io::Result<Vec<_>> = fs::read_dir(staging).and_then(Iterator::collect);
    let mut names: Vec<_> =
        entries.map_err(write_error(staging))?.iter().map(fs::DirEntry::file_name).collect();
    names.sort();
    // A link that leads nowhere is in the way too.
    if let Some(name) = names.iter().find(|name| out.join(name).symlink_metadata().is_ok()) {
        return Err(DownloadError::Exists { path: out.join(name) });
    }
    for name in &names {
        let place = out.join(name);
        files::place(&staging.join(name), &place).map_err(write_error(&place))?;
    }
    Ok(names.iter().map(|name| out.join(name)).collect())
}

/// A reader that stops at a limit, which can be raised by those that share it.
struct Metered<R> {
    reader: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left.get()).unwrap_or(usize::MAX));
        if most == 0 && !buffer.is_empty() {
            return Err(io::Error::other("an entry's name is longer than any name is"));
        }
        let read = self.reader.read(&mut buffer[..most])?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}

/// What gzip's members hold, one after another, without what follows the last, such as padding.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut decoder) = self.0.take() {
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                self.0 = Some(decoder);
                return Ok(read);
            }
            let mut rest = decoder.into_inner();
            let another = rest.fill_buf()?.first() == Some(&FIRST_OF_GZIP);
            self.0 = another.then(|| GzDecoder::new(rest));
        }
        Ok(0)
    }
}

struct Unpacking<'a> {
    archive: &'a Path,
    into: &'a Path,
    progress: &'a mut dyn FnMut(usize),
    entries: usize,
    bytes_left: u64,
}

impl<'a> Unpacking<'a> {
    fn new(
        archive: &'a Path,
        into: &'a Path,
        progress: &'a mut dyn FnMut(usize),
    ) -> Result<Self, DownloadError> {
        let length = fs::metadata(archive).map_err(write_error(archive))?.len();
        let bytes_left = length.saturating_mul(MAX_RATIO).saturating_add(1 << 20);
        Ok(Self { archive, into, progress, entries: 0, bytes_left })
    }

    fn run(mut self) -> Result<(), DownloadError> {
        let mut first_bytes = Vec::new();
        let mut file = File::open(self.archive).map_err(write_error(self.archive))?;
        file.by_ref().take(64).read_to_end(&mut first_bytes).map_err(|e| self.damaged(&e))?;
        let file = File::open(self.archive).map_err(write_error(self.archive))?;
        match ArchiveKind::of(&first_bytes) {
            Some(ArchiveKind::TarGzip) => self.tar(file),
            Some(ArchiveKind::Zip) => self.zip(file),
            None => Err(DownloadError::NotAnArchive {
                url: self.archive.display().to_string(),
                found: looks_like(&first_bytes),
            }),
        }
    }

    /// Unpacks every entry, and reads on to the end, where the checksum is.
    fn tar(&mut self, file: File) -> Result<(), DownloadError> {
        let left = Rc::new(Cell::new(MAX_HEADERS));
        let reader = Members(Some(GzDecoder::new(BufReader::new(file))));
        let mut archive = tar::Archive::new(Metered { reader, left: left.clone() });
        let mut entries = archive.entries().map_err(|error| self.damaged(&error))?;
        loop {
            // The library keeps long names in memory, however long they say they are.
            left.set(MAX_HEADERS);
            let Some(entry) = entries.next() else { break };
            let mut entry = entry.map_err(|error| self.damaged(&error))?;
            left.set(u64::MAX);
            let path = entry.path().map_err(|error| self.damaged(&error))?.into_owned();
            match entry.header().entry_type() {
                tar::EntryType::Directory => self.folder(&path)?,
                tar::EntryType::Regular | tar::EntryType::Continuous => {
                    self.file(&path, &mut entry)?;
                }
                tar::EntryType::XGlobalHeader => {}
                _ => return Err(self.hostile(&path, "is neither a file nor a folder")),
            }
            // What nobody wanted is read here, under the limit.
            self.copy(&path, &mut entry, &mut io::sink())?;
        }
        left.set(u64::MAX);
        self.copy(Path::new(""), &mut archive.into_inner(), &mut io::sink())
    }

    fn zip(&mut self, file: File) -> Result<(), DownloadError> {
        let mut archive =
            zip::ZipArchive::new(BufReader::new(file)).map_err(|error| self.damaged(&error))?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| self.damaged(&error))?;
            let name = entry.name().map_err(|error| self.damaged(&error))?.into_owned();
            let path = PathBuf::from(name);
            if entry.is_symlink() {
                return Err(self.hostile(&path, "is neither a file nor a folder"));
            }
            if entry.is_dir() {
                self.folder(&path)?;
            } else {
                self.file(&path, &mut entry)?;
            }
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path) -> Result<(), DownloadError> {
        let Some(place) = self.place(path)? else { return Ok(()) };
        fs::create_dir_all(&place).map_err(write_error(&place))
    }

    fn file(&mut self, path: &Path, content: &mut dyn Read) -> Result<(), DownloadError> {
        let Some(place) = self.place(path)? else { return Ok(()) };
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(write_error(folder))?;
        }
        let mut file = File::create(&place).map_err(write_error(&place))?;
        self.copy(path, content, &mut file)
    }

    /// Copies an entry's content, within the limit of all entries.
    fn copy(
        &mut self,
        path: &Path,
        content: &mut dyn Read,
        out: &mut dyn io::Write,
    ) -> Result<(), DownloadError> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = content.read(&mut buffer).map_err(|error| self.damaged(&error))?;
            if read == 0 {
                return Ok(());
            }
            if read as u64 > self.bytes_left {
                return Err(self.hostile(path, "makes it grow more than 200-fold"));
            }
            self.bytes_left -= read as u64;
            out.write_all(&buffer[..read]).map_err(write_error(&self.into.join(path)))?;
        }
    }

    /// Where an entry goes; `None` for what only macOS reads.
    fn place(&mut self, path: &Path) -> Result<Option<PathBuf>, DownloadError> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(self.hostile(path, "is one entry too many"));
        }
        (self.progress)(self.entries);
        let mut place = self.into.to_owned();
        let mut depth = 0;
        for component in path.components() {
            let name = match component {
                Component::Normal(name) => name,
                Component::CurDir => continue,
                _ => return Err(self.hostile(path, "leads out of its folder")),
            };
            let text = name.to_string_lossy();
            let disk = text.as_bytes().get(1) == Some(&b':') && depth == 0;
            if text.contains('\\') || disk {
                return Err(self.hostile(path, "leads out of its folder on some systems"));
            }
            if text.starts_with("._") || text == "__MACOSX" || text == ".DS_Store" {
                return Ok(None);
            }
            place.push(name);
            depth += 1;
        }
        if depth > MAX_DEPTH {
            return Err(self.hostile(path, "lies in too many folders"));
        }
        Ok((depth > 0).then_some(place))
    }

    fn damaged(&self, error: &dyn std::fmt::Display) -> DownloadError {
        let archive = self.archive.to_owned();
        DownloadError::Damaged { archive, reason: error.to_string() }
    }

    fn hostile(&self, path: &Path, what: &str) -> DownloadError {
        let shown: String = path.display().to_string().chars().take(120).collect();
        DownloadError::Hostile {
            archive: self.archive.to_owned(),
            what: format!("{shown:?} {what}"),
        }
    }
}
