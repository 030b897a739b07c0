//! The cache that the hub's Python library keeps files of repositories in, and where it is.

use std::path::PathBuf;

use super::folders::folders;
use crate::backbone::weights::error::WeightsError;

/// The revision of a repository where none is pinned.
pub const DEFAULT_REVISION: &str = "main";

/// The file of a repository that hpflow reads.
pub const DEFAULT_FILE: &str = "model.safetensors";

/// A file of a repository on the Hugging Face hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubFile {
    /// Owner and name, for example `timm/resnet50.tv_in1k`.
    pub repository: String,
    /// A branch, a tag or a commit hash.
    pub revision: String,
    /// The file's name in the repository.
    pub file: String,
}

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
        let found = folders(&set, home.as_deref());
        let (cache, home) = found.ok_or(WeightsError::NoHome)?;
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
    // The hub's library names the folder of a repository so.
    let folder = settings.cache.join(format!("models--{}", wanted.repository.replace('/', "--")));
    let commit = if is_commit(&wanted.revision) {
        wanted.revision.clone()
    } else {
        std::fs::read_to_string(folder.join("refs").join(&wanted.revision)).ok()?.trim().to_owned()
    };
    let path = folder.join("snapshots").join(&commit).join(&wanted.file);
    path.exists().then_some(Fetched { path, commit })
}

pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && is_hexadecimal(text)
}

pub(super) fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
