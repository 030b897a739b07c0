//! Weights of the residual networks: from a safetensors file, from the Hugging Face hub, or made
//! by the untrained recipe; always checked against the network and identified by their SHA-256.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::architecture::Architecture;
use crate::progress::Progress;
use baselines::Baseline;

pub mod baselines;
mod checkpoint;
mod error;
mod file;
pub mod hub;
mod hub_cache;
mod identify;
pub mod manifest;
pub mod untrained;

pub use checkpoint::Checkpoint;
pub use error::{Names, WeightsError};
pub use file::remedy;
pub(crate) use file::{open, read, unusable};
pub use identify::{Shapes, looks_like, prefixes};
pub use identify::{is_plain, prefixed};
pub(crate) use identify::{meaning, with_meaning};

/// Where weights come from, as written after `--weights`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WeightsSource {
    /// The untrained recipe.
    Untrained,
    /// A safetensors file.
    File(PathBuf),
    /// A file of a repository on the Hugging Face hub.
    Hub(HubFile),
}

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

/// The weights of one network.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Every parameter of the network by its name in torchvision's files, row-major.
    pub values: HashMap<String, Vec<f32>>,
    /// Which weights these are.
    pub identity: Identity,
}

/// Which weights were used, for the header of a predictions file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `untrained`, the file's name, or the repository on the hub.
    pub source: String,
    /// The commit of the repository on the hub.
    pub revision: Option<String>,
    /// SHA-256 of the file (untrained: of the parameters), hexadecimal.
    pub sha256: String,
}

impl FromStr for WeightsSource {
    type Err = WeightsError;

    /// Reads what follows `--weights`: `untrained`, a file, a short name of the manifest or an
    /// `owner/name` on the hub, the last two with `@REVISION` where a revision is to be pinned. A
    /// file that exists wins over a name.
    fn from_str(text: &str) -> Result<Self, WeightsError> {
        if text == "untrained" {
            return Ok(Self::Untrained);
        }
        if Path::new(text).exists() {
            return Ok(Self::File(PathBuf::from(text)));
        }
        let (name, revision) = text.split_once('@').unwrap_or((text, hub::DEFAULT_REVISION));
        let known = manifest::known().into_iter().find(|known| known.name == name);
        let (repository, file) = match known {
            Some(known) => (known.repository, known.file),
            None if is_repository(name) => (name.to_owned(), hub::DEFAULT_FILE.to_owned()),
            None => return Err(WeightsError::NotASource { found: text.to_owned() }),
        };
        if !is_revision(revision) {
            return Err(WeightsError::NotARevision { found: revision.to_owned() });
        }
        Ok(Self::Hub(HubFile { repository, revision: revision.to_owned(), file }))
    }
}

impl fmt::Display for WeightsSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrained => write!(formatter, "untrained"),
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Hub(HubFile { repository, revision, .. }) => {
                write!(formatter, "{repository}@{revision}")
            }
        }
    }
}

/// Loads and checks the weights of a network, from the hub's cache where they are in it.
///
/// # Errors
/// Weights that cannot be had, are no safetensors, or are not of this network.
pub fn load(
    source: &WeightsSource,
    architecture: &Architecture,
    progress: &Progress,
) -> Result<Weights, WeightsError> {
    match source {
        WeightsSource::Untrained => Ok(untrained::weights(architecture)),
        WeightsSource::File(path) => {
            let (values, sha256) = file::load(path, architecture)?;
            let name = path.file_name().unwrap_or(path.as_os_str());
            let source = name.to_string_lossy().into_owned();
            Ok(Weights { values, identity: Identity { source, revision: None, sha256 } })
        }
        WeightsSource::Hub(wanted) => {
            let settings = hub::Settings::from_environment()?;
            let fetched = hub::fetch(&settings, wanted, hub::Freshness::Cached, progress)?;
            let (values, sha256) = file::load(&fetched.path, architecture)?;
            let identity = Identity {
                source: wanted.repository.clone(),
                revision: Some(fetched.commit),
                sha256,
            };
            Ok(Weights { values, identity })
        }
    }
}

/// Loads and checks the weights of a learned baseline; `None` where the file is of none of them.
/// Values are under the authors' names, row-major.
///
/// # Errors
/// A file that cannot be read, is no safetensors, lacks a tensor or has one of another shape, holds
/// numbers that are not finite, or is in a form that hpflow does not run.
pub fn load_baseline(path: &Path) -> Result<Option<(Baseline, Weights)>, WeightsError> {
    let checkpoint = Checkpoint::open(path)?;
    let Some(baseline) = checkpoint.baseline() else { return Ok(None) };
    checkpoint.check(&baseline)?;
    let values = checkpoint.read(&baseline.to_string(), &baseline.parameters(), str::to_owned)?;
    let identity = checkpoint.identity().clone();
    Ok(Some((baseline, Weights { values, identity })))
}

/// Whether tensors of these names and shapes are a network's.
///
/// # Errors
/// A tensor that is missing or of another shape, or another network's tensors.
pub fn check(
    path: &Path,
    shapes: &Shapes,
    architecture: &Architecture,
) -> Result<(), WeightsError> {
    file::check(path, shapes, architecture)
}

/// SHA-256 of a file, hexadecimal.
///
/// # Errors
/// A file that cannot be read.
pub fn sha256(path: &Path) -> Result<String, WeightsError> {
    file::digest(path)
}

/// What stands before the names of other ResNets in a file that holds one under torchvision's own.
///
/// # Errors
/// A file that cannot be read or is no safetensors.
pub fn prefixes_beside(path: &Path) -> Result<Vec<String>, WeightsError> {
    file::prefixes_beside(path)
}

/// The network whose weights a file seems to hold, in words; `None` where nothing is known of it.
///
/// # Errors
/// A file that cannot be read or is no safetensors, or that has more before the names of its ResNets
/// than torchvision's.
pub fn network_of(path: &Path) -> Result<Option<String>, WeightsError> {
    file::network_of(path)
}

/// `owner/name` as the hub allows it, and not the path of a weights file that does not exist.
fn is_repository(text: &str) -> bool {
    const FILES: [&str; 6] = [".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".onnx"];
    let mut parts = text.split('/');
    let (Some(owner), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let plain = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    plain(owner) && plain(name) && !FILES.iter().any(|ending| name.ends_with(ending))
}

fn is_revision(text: &str) -> bool {
    !text.is_empty()
        && !text.contains("..")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(repository: &str, revision: &str) -> WeightsSource {
        WeightsSource::Hub(HubFile {
            repository: repository.to_owned(),
            revision: revision.to_owned(),
            file: "model.safetensors".to_owned(),
        })
    }

    #[test]
    fn sources_are_read_as_they_are_written() {
        let read = |text: &str| text.parse::<WeightsSource>().unwrap();
        assert_eq!(read("untrained"), WeightsSource::Untrained);
        assert_eq!(read("resnet50"), hub("timm/resnet50.tv_in1k", "main"));
        assert_eq!(read("resnet101@v1"), hub("timm/resnet101.tv_in1k", "v1"));
        assert_eq!(read("someone/net-2.x@refs/pr/1"), hub("someone/net-2.x", "refs/pr/1"));
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(read(here), WeightsSource::File(PathBuf::from(here)));
    }

    #[test]
    fn what_is_no_source_is_refused_with_the_remedy() {
        for text in ["nowhere/weights.safetensors", "a/b/c", "resnet5", "", "/no/file", "-x/y"] {
            let error = text.parse::<WeightsSource>().unwrap_err().to_string();
            assert!(error.contains("untrained") && error.contains("resnet50"), "{text}: {error}");
        }
        for text in ["a/b@", "a/b@x y", "a/b@../../x"] {
            let error = text.parse::<WeightsSource>().unwrap_err().to_string();
            assert!(error.contains("revision"), "{text}: {error}");
        }
    }
}
