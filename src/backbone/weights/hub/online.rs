//! Asking the hub itself, through its client.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hf_hub::api::Progress as Transfer;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};

use super::cache::{Fetched, HubFile, Settings, cached, is_commit, is_hexadecimal};
use crate::backbone::weights::error::WeightsError;
use crate::backbone::weights::file::sha256;
use crate::progress::{Progress, ProgressUnit};

/// A file from the hub into the cache, at the commit that its revision is now.
///
/// # Errors
/// As `fetch` of this folder.
pub(super) fn fetch(
    settings: &Settings,
    wanted: &HubFile,
    progress: &Progress,
) -> Result<Fetched, WeightsError> {
    let hub = Hub { settings, wanted };
    let api = hub.api()?;
    let commit = hub.commit(&api)?;
    let pinned = HubFile { revision: commit.clone(), ..wanted.clone() };
    let path = match cached(settings, &pinned) {
        Some(fetched) => fetched.path,
        None => hub.download(&api, &pinned, progress)?,
    };
    // So that the revision is found in the cache the next time.
    let cache = Cache::new(settings.cache.clone());
    let reference = cache.repo(repository(wanted, &wanted.revision)).create_ref(&commit);
    reference.map_err(|error| hub.unwritable(error))?;
    Ok(Fetched { path, commit })
}

/// One request to the hub, for its errors.
struct Hub<'a> {
    settings: &'a Settings,
    wanted: &'a HubFile,
}

impl Hub<'_> {
    fn api(&self) -> Result<Api, WeightsError> {
        let endpoint = &self.settings.endpoint;
        if !(endpoint.starts_with("http://") || endpoint.starts_with("https://")) {
            return Err(self.failed("HF_ENDPOINT does not begin with https:// or http://"));
        }
        ApiBuilder::from_cache(Cache::new(self.settings.cache.clone()))
            .with_endpoint(endpoint.clone())
            .with_token(self.settings.token.clone())
            .with_user_agent("hpflow", env!("CARGO_PKG_VERSION"))
            .build()
            .map_err(|error| self.failed(&error.to_string()))
    }

    /// The commit that the revision is now.
    fn commit(&self, api: &Api) -> Result<String, WeightsError> {
        let api: ApiRepo = api.repo(repository(self.wanted, &self.wanted.revision));
        let info = api.info().map_err(|error| self.error(error))?;
        if !is_commit(&info.sha) {
            return Err(self.failed("the answer names no commit, so it is not the hub's"));
        }
        let file = &self.wanted.file;
        if !info.siblings.iter().any(|sibling| sibling.rfilename == *file) {
            return Err(self.absent(&format!("file {file} in {}", self.wanted.repository), ""));
        }
        Ok(info.sha)
    }

    fn download(
        &self,
        api: &Api,
        pinned: &HubFile,
        progress: &Progress,
    ) -> Result<PathBuf, WeightsError> {
        let api = api.repo(repository(pinned, &pinned.revision));
        let told = Told { progress: progress.clone(), file: String::new(), done: 0, total: 0 };
        let path =
            api.download_with_progress(&pinned.file, told).map_err(|error| self.error(error))?;
        self.verify(&path)?;
        Ok(path)
    }

    /// Large files are kept under their SHA-256: what came must have it.
    fn verify(&self, path: &Path) -> Result<(), WeightsError> {
        let blob = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let expected = blob.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if expected.len() != 64 || !is_hexadecimal(&expected) {
            return Ok(());
        }
        let found = sha256(path)?;
        if found == expected {
            return Ok(());
        }
        // Left in place it would be taken for the file; an error here changes nothing about it.
        let _ = std::fs::remove_file(path);
        let _ = std::fs::remove_file(blob);
        Err(WeightsError::Corrupt {
            endpoint: self.settings.endpoint.clone(),
            wanted: self.name(),
            found,
            expected,
        })
    }

    fn error(&self, error: ApiError) -> WeightsError {
        match error {
            ApiError::RequestError(error) => {
                let reason = error.to_string();
                match error.into_response().map(|response| response.status()) {
                    Some(404) => self.absent(&self.name(), ""),
                    Some(401 | 403) => self.absent(&self.name(), " and HF_TOKEN, if it is private"),
                    Some(status) => self.failed(&format!("it answered with status {status}")),
                    None => self.failed(&reason),
                }
            }
            ApiError::MissingHeader(name) | ApiError::InvalidHeader(name) => {
                self.failed(&format!("the answer lacks a valid {name}, so it is not the hub's"))
            }
            ApiError::InvalidResume => self.failed(&format!(
                "a partial download is longer than the file; delete the *.part files in {}",
                self.settings.cache.display()
            )),
            ApiError::LockAcquisition(path) => self.failed(&format!(
                "another process is downloading it (it holds {})",
                path.display()
            )),
            ApiError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
                self.failed("the connection ended early; the next try continues")
            }
            ApiError::IoError(error) if error.kind() == ErrorKind::InvalidData => {
                self.failed("the answer is not the hub's, perhaps a proxy's or a login page")
            }
            ApiError::IoError(error) if is_of_the_disk(error.kind()) => self.unwritable(error),
            other => self.failed(&other.to_string()),
        }
    }

    fn absent(&self, wanted: &str, hint: &str) -> WeightsError {
        WeightsError::NotOnHub {
            endpoint: self.settings.endpoint.clone(),
            wanted: wanted.to_owned(),
            hint: hint.to_owned(),
        }
    }

    fn unwritable(&self, source: std::io::Error) -> WeightsError {
        WeightsError::Cache { cache: self.settings.cache.clone(), source }
    }

    fn failed(&self, reason: &str) -> WeightsError {
        WeightsError::Hub {
            endpoint: self.settings.endpoint.clone(),
            wanted: self.name(),
            reason: reason.to_owned(),
        }
    }

    fn name(&self) -> String {
        format!("{}@{}", self.wanted.repository, self.wanted.revision)
    }
}

/// A download, whose progress is told.
struct Told {
    progress: Progress,
    file: String,
    done: u64,
    total: u64,
}

impl Told {
    fn tell(&self) {
        self.progress.tell(&self.file, self.done, Some(self.total), ProgressUnit::Bytes);
    }
}

impl Transfer for Told {
    fn init(&mut self, size: usize, filename: &str) {
        (self.total, self.file) = (size as u64, filename.to_owned());
        self.tell();
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        self.tell();
    }

    fn finish(&mut self) {
        self.done = self.total;
        self.tell();
    }
}

/// Whether an error is of the kind that files give and connections do not.
fn is_of_the_disk(kind: ErrorKind) -> bool {
    use ErrorKind::{
        AlreadyExists, IsADirectory, NotADirectory, NotFound, PermissionDenied, QuotaExceeded,
        ReadOnlyFilesystem, StorageFull,
    };
    matches!(
        kind,
        AlreadyExists
            | IsADirectory
            | NotADirectory
            | NotFound
            | PermissionDenied
            | QuotaExceeded
            | ReadOnlyFilesystem
            | StorageFull
    )
}

fn repository(file: &HubFile, revision: &str) -> Repo {
    Repo::with_revision(file.repository.clone(), RepoType::Model, revision.to_owned())
}
