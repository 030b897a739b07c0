//! The Hugging Face hub: files of model repositories, kept in the cache that the hub's Python
//! library uses, under the environment variables that it obeys.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use indicatif::{ProgressBar, ProgressStyle};

use super::{HubFile, WeightsError, hub_cache, sha256};

/// The revision of a repository where none is pinned.
pub const DEFAULT_REVISION: &str = "main";

/// The file of a repository that hpflow reads.
pub const DEFAULT_FILE: &str = "model.safetensors";

/// Where the hub and its cache are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The hub's address.
    pub endpoint: String,
    /// The folder that repositories are kept in.
    pub cache: PathBuf,
    /// An access token, for private repositories.
    pub token: Option<String>,
    /// Whether the hub must not be asked.
    pub offline: bool,
}

/// A file of the hub in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file.
    pub path: PathBuf,
    /// The commit it belongs to.
    pub commit: String,
}

/// Whether a file in the cache is good enough, or the hub is asked what the revision is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// What the cache has is taken.
    Cached,
    /// The hub is asked which commit the revision is.
    Current,
}

impl Settings {
    /// Settings as the hub's Python library reads them: `HF_ENDPOINT`, `HF_HUB_CACHE`,
    /// `HUGGINGFACE_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_TOKEN`, `HF_HUB_OFFLINE`.
    ///
    /// # Errors
    /// A system without a home folder, where none of the variables names another.
    pub fn from_environment() -> Result<Self, WeightsError> {
        let set = |name: &str| std::env::var(name).ok();
        let read = |name: &str| set(name).filter(|value| !value.is_empty());
        let home = std::env::home_dir();
        let folders = hub_cache::folders(&set, home.as_deref());
        let (cache, home) = folders.ok_or(WeightsError::NoHome)?;
        let token = read("HF_TOKEN").or_else(|| std::fs::read_to_string(home.join("token")).ok());
        let offline = read("HF_HUB_OFFLINE").is_some_and(|value| {
            ["1", "ON", "YES", "TRUE"].contains(&value.to_ascii_uppercase().as_str())
        });
        let endpoint = read("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            cache,
            token: token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            offline,
        })
    }
}

/// The file as it lies in the cache, if it does.
#[must_use]
pub fn cached(settings: &Settings, wanted: &HubFile) -> Option<Fetched> {
    let repository = repository(wanted, &wanted.revision);
    let folder = settings.cache.join(repository.folder_name());
    let commit = if is_commit(&wanted.revision) {
        wanted.revision.clone()
    } else {
        std::fs::read_to_string(folder.join("refs").join(&wanted.revision)).ok()?.trim().to_owned()
    };
    let path = folder.join("snapshots").join(&commit).join(&wanted.file);
    path.exists().then_some(Fetched { path, commit })
}

/// A file of the hub: from the cache, or downloaded into it. A revision is first resolved to its
/// commit, and that commit's file is the one taken; its SHA-256 is held against the hub's.
///
/// # Errors
/// A hub that cannot be reached or answers with something else, a repository, revision or file
/// that it does not have, or a download that came incomplete.
pub fn fetch(
    settings: &Settings,
    wanted: &HubFile,
    freshness: Freshness,
    progress: bool,
) -> Result<Fetched, WeightsError> {
    if (freshness == Freshness::Cached || settings.offline)
        && let Some(fetched) = cached(settings, wanted)
    {
        return Ok(fetched);
    }
    if settings.offline {
        return Err(WeightsError::Offline {
            repository: wanted.repository.clone(),
            revision: wanted.revision.clone(),
            cache: settings.cache.clone(),
        });
    }
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
        progress: bool,
    ) -> Result<PathBuf, WeightsError> {
        let api = api.repo(repository(pinned, &pinned.revision));
        let bar = if progress { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let path = api
            .download_with_progress(&pinned.file, Bar(bar))
            .map_err(|error| self.error(error))?;
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

/// A download's progress bar.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn init(&mut self, size: usize, filename: &str) {
        const STYLE: &str =
            "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        self.0.set_length(size as u64);
        self.0.set_style(
            ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        self.0.set_message(filename.to_owned());
    }

    fn update(&mut self, size: usize) {
        self.0.inc(size as u64);
    }

    fn finish(&mut self) {
        self.0.finish_and_clear();
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

fn is_commit(text: &str) -> bool {
    text.len() == 40 && is_hexadecimal(text)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
