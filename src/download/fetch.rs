//! One file over HTTP, continued where it broke off.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{ArchiveKind, DownloadError, looks_like, write_error};
use crate::files;

/// Gets `url` into `file`; `progress` is told how many bytes there are, and of how many where the
/// server says so.
///
/// Bytes go to `<file>.partial`, which a later call continues if the server still has the same
/// version (by its ETag or date); a file that is there already is taken as it is.
///
/// # Errors
/// A server that cannot be reached, refuses, or sends no archive; a transfer that broke off; a
/// folder that cannot be written.
pub fn fetch(
    url: &str,
    file: &Path,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), DownloadError> {
    if file.is_file() {
        return Ok(());
    }
    let file = &files::regular(file).map_err(write_error(file))?;
    let partial = Partial::new(file);
    let response = match ask(url, partial.resumable(url))? {
        Some(response) => response,
        // The partial file is as long as the server's: nothing is left to ask for, or it is not
        // what the server has. Starting over settles it.
        None => ask(url, None)?.ok_or_else(|| ask_error(url, "it refuses the whole file"))?,
    };
    let start = if response.status() == 206 { partial.length() } else { 0 };
    if start > 0 && range_start(&response) != Some(start) {
        return Err(ask_error(url, "it sent another range of bytes than was asked for"));
    }
    if response.content_type() == "text/html" {
        return Err(DownloadError::NotAnArchive { url: url.to_owned(), found: "a web page" });
    }
    let left = response.header("Content-Length").and_then(|length| length.parse::<u64>().ok());
    let total = left.map(|left| start + left);
    partial.remember(url, &response)?;
    let have = partial.receive(url, response, start, total, progress)?;
    if total.is_some_and(|total| have < total) {
        return Err(interrupted(url, have, total));
    }
    partial.finish(file)
}

/// The response, or `None` where the server does not have the range that is asked for.
fn ask(url: &str, resume: Option<(u64, String)>) -> Result<Option<ureq::Response>, DownloadError> {
    let agent = ureq::AgentBuilder::new()
        .timeout_connect(Duration::from_secs(30))
        .timeout_read(Duration::from_secs(60))
        .user_agent(concat!("hpflow/", env!("CARGO_PKG_VERSION")))
        .build();
    // Bytes as they are stored: a range of a compressed transfer would mean nothing.
    let mut request = agent.get(url).set("Accept-Encoding", "identity");
    if let Some((start, version)) = resume {
        request = request.set("Range", &format!("bytes={start}-")).set("If-Range", &version);
    }
    match request.call() {
        Ok(response) => Ok(Some(response)),
        Err(ureq::Error::Status(416, _)) => Ok(None),
        Err(ureq::Error::Status(code, _)) => {
            Err(DownloadError::Refused { url: url.to_owned(), code })
        }
        Err(ureq::Error::Transport(transport)) => Err(ask_error(url, &transport.to_string())),
    }
}

fn ask_error(url: &str, reason: &str) -> DownloadError {
    DownloadError::Ask { url: url.to_owned(), reason: reason.to_owned() }
}

fn interrupted(url: &str, have: u64, total: Option<u64>) -> DownloadError {
    let of = total.map_or_else(String::new, |total| format!(" of {total}"));
    DownloadError::Interrupted { url: url.to_owned(), have, of }
}

/// The first byte of `Content-Range: bytes 100-199/200`.
fn range_start(response: &ureq::Response) -> Option<u64> {
    let range = response.header("Content-Range")?.strip_prefix("bytes ")?;
    range.split('-').next()?.parse().ok()
}

/// The bytes that are there, and beside them which version of which file they are of.
struct Partial {
    bytes: PathBuf,
    version: PathBuf,
}

impl Partial {
    fn new(file: &Path) -> Self {
        let beside = |extension: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(extension);
            PathBuf::from(name)
        };
        Self { bytes: beside(".partial"), version: beside(".partial.version") }
    }

    fn length(&self) -> u64 {
        fs::metadata(&self.bytes).map_or(0, |metadata| metadata.len())
    }

    /// Where to continue, and the version that the server must still have.
    fn resumable(&self, url: &str) -> Option<(u64, String)> {
        let remembered = fs::read_to_string(&self.version).ok()?;
        let (of, version) = remembered.split_once('\n')?;
        let length = self.length();
        (of == url && !version.is_empty() && length > 0).then(|| (length, version.to_owned()))
    }

    fn remember(&self, url: &str, response: &ureq::Response) -> Result<(), DownloadError> {
        // A weak ETag does not promise equal bytes.
        let tag = response.header("ETag").filter(|tag| !tag.starts_with("W/"));
        let version = tag.or_else(|| response.header("Last-Modified")).unwrap_or_default();
        fs::write(&self.version, format!("{url}\n{version}")).map_err(write_error(&self.version))
    }

    /// Appends the response's bytes from `start` on; how many there are then.
    fn receive(
        &self,
        url: &str,
        response: ureq::Response,
        start: u64,
        total: Option<u64>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<u64, DownloadError> {
        let error = write_error(&self.bytes);
        let mut file = OpenOptions::new()
            .create(true)
            .append(start > 0)
            .write(true)
            .truncate(start == 0)
            .open(&self.bytes)
            .map_err(&error)?;
        let mut reader = response.into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut have = start;
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(interrupted(url, have, total)),
            };
            if have == 0 && ArchiveKind::of(&buffer[..read]).is_none() {
                self.forget();
                let found = looks_like(&buffer[..read]);
                return Err(DownloadError::NotAnArchive { url: url.to_owned(), found });
            }
            if read == 0 {
                return Ok(have);
            }
            file.write_all(&buffer[..read]).map_err(&error)?;
            have += read as u64;
            progress(have, total);
        }
    }

    fn forget(&self) {
        // What cannot be deleted is truncated by the next call.
        let _ = fs::remove_file(&self.bytes);
        let _ = fs::remove_file(&self.version);
    }

    fn finish(&self, file: &Path) -> Result<(), DownloadError> {
        let written = File::open(&self.bytes).and_then(|bytes| bytes.sync_all());
        written.and_then(|()| files::rename(&self.bytes, file)).map_err(write_error(file))?;
        self.forget();
        Ok(())
    }
}
