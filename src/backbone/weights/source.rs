//! Where weights come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::WeightsError;
use super::hub::{self, HubFile};
use super::manifest;

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
