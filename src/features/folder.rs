//! A folder of features: which file is of which photograph, and that all are of one network.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::{Map, Value};

use super::format::MAX_HEADER;
use super::{Description, FeaturesError, Header, Kept, Layer, open};
use crate::backbone::FeatureMap;
use crate::benchmark::{Benchmark, Image};
use crate::hyperpixel::Geometry;
use crate::inputs::Identify;

/// Feature maps of photographs, all of one network.
#[derive(Debug, Clone)]
pub struct Features {
    folder: PathBuf,
    description: Description,
}

/// A photograph's name in a folder of features: the name of its folder, `/`, and its own.
#[must_use]
pub fn photograph_name(photograph: &Path) -> String {
    let text = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
    };
    match text(photograph.parent().and_then(Path::file_name)) {
        folder if folder.is_empty() => text(photograph.file_name()),
        folder => format!("{folder}/{}", text(photograph.file_name())),
    }
}

/// The file of a photograph's features.
#[must_use]
pub fn file_of(folder: &Path, photograph: &Path) -> PathBuf {
    folder.join(photograph_name(photograph) + ".safetensors")
}

impl Features {
    /// Opens a folder for some photographs; the first one's file says what all must be.
    ///
    /// # Errors
    /// A photograph without a file, or a first file that is no file of features.
    pub fn open<'a>(
        folder: &Path,
        photographs: impl IntoIterator<Item = &'a Path>,
    ) -> Result<Self, FeaturesError> {
        let mut description = None;
        for photograph in photographs {
            let file = file_of(folder, photograph);
            if !file.is_file() {
                let photograph = photograph_name(photograph);
                return Err(FeaturesError::Missing { file, photograph });
            }
            if description.is_none() {
                description = Some(open(&file)?.header().description.clone());
            }
        }
        let description = description.ok_or_else(|| FeaturesError::Missing {
            file: folder.to_owned(),
            photograph: "any photograph".to_owned(),
        })?;
        Ok(Self { folder: folder.to_owned(), description })
    }

    /// A folder whose files must be as described.
    #[must_use]
    pub fn of(folder: &Path, description: &Description) -> Self {
        Self { folder: folder.to_owned(), description: description.clone() }
    }

    /// What a photograph's file says of itself.
    ///
    /// # Errors
    /// As [`Features::maps`].
    pub fn header(
        &self,
        photograph: &Path,
        original: Option<[u32; 2]>,
    ) -> Result<Header, FeaturesError> {
        Ok(self.kept(photograph, original)?.header().clone())
    }

    /// What all files have in common.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Jump, receptive field and offset of a base layer.
    ///
    /// # Errors
    /// A layer that the files do not have, or one whose geometry nobody gave.
    pub fn geometry(&self, layer: usize) -> Result<Geometry, FeaturesError> {
        let &Layer { jump, receptive_field, offset, .. } = self.layer(layer)?;
        match (jump, receptive_field) {
            (Some(jump), Some(receptive_field)) => Ok(Geometry { jump, receptive_field, offset }),
            _ => Err(FeaturesError::NoGeometry { folder: self.folder.clone(), layer }),
        }
    }

    /// A layer by its id.
    ///
    /// # Errors
    /// A layer that the files do not have.
    pub fn layer(&self, id: usize) -> Result<&Layer, FeaturesError> {
        let layers = &self.description.layers;
        layers.iter().find(|layer| layer.id == id).ok_or_else(|| {
            let known: Vec<String> = layers.iter().map(|layer| layer.id.to_string()).collect();
            FeaturesError::NoLayer {
                folder: self.folder.clone(),
                layer: id,
                known: known.join(", "),
            }
        })
    }

    /// A photograph's maps of some layers, and its sizes. `original` is its size in original pixels
    /// where an annotation gives it.
    ///
    /// # Errors
    /// No file, one that is damaged, or one of another photograph or network.
    pub fn maps(
        &self,
        photograph: &Path,
        original: Option<[u32; 2]>,
        layers: &[usize],
    ) -> Result<(Header, Vec<FeatureMap>), FeaturesError> {
        let mut kept = self.kept(photograph, original)?;
        let maps = kept.maps(layers)?;
        Ok((kept.header().clone(), maps))
    }

    fn kept(&self, photograph: &Path, original: Option<[u32; 2]>) -> Result<Kept, FeaturesError> {
        let file = file_of(&self.folder, photograph);
        if !file.is_file() {
            let photograph = photograph_name(photograph);
            return Err(FeaturesError::Missing { file, photograph });
        }
        let kept = open(&file)?;
        let other = |field: &str, found: String, expected: String| {
            let (file, field) = (file.clone(), field.to_owned());
            Err(FeaturesError::Other { file, field, found, expected })
        };
        let (header, name) = (kept.header(), photograph_name(photograph));
        if header.photograph != name {
            return other("photograph", header.photograph.clone(), name);
        }
        if let Some(original) = original.filter(|original| *original != header.original_size) {
            let size = |[width, height]: [u32; 2]| format!("{width} × {height} pixels");
            return other("original size", size(header.original_size), size(original));
        }
        if let Some((field, found, expected)) = difference(&header.description, &self.description) {
            return other(&field, found, expected);
        }
        Ok(kept)
    }

    /// Checks that the first photograph's features are of this benchmark, where their file says so.
    ///
    /// # Errors
    /// Features of another benchmark.
    pub fn check_benchmark(&self, benchmark: &Benchmark) -> Result<(), FeaturesError> {
        let there = |image: &&Image| file_of(&self.folder, &image.path).is_file();
        let Some(image) = benchmark.images.iter().find(there) else { return Ok(()) };
        match self.header(&image.path, image.size)?.benchmark {
            Some(found) if found != benchmark.name => Err(FeaturesError::Other {
                file: file_of(&self.folder, &image.path),
                field: "benchmark".to_owned(),
                found,
                expected: benchmark.name.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// What tells a photograph's maps from others: the header of their file, with its length and the
    /// time when it was written, as the maps themselves may be many gigabytes.
    #[must_use]
    pub fn identify(&self) -> Box<Identify> {
        let folder = self.folder.clone();
        Box::new(move |image| identity(&file_of(&folder, &image.path)).ok())
    }

    /// What decides the numbers, for the header of a predictions file: what the network said of
    /// itself, and under `features` the SHA-256 of the whole [`Description`].
    #[must_use]
    pub fn describe(&self) -> Map<String, Value> {
        let mut all = self.description.made_with.clone();
        let text = as_value(&self.description).to_string();
        let mut features = Map::new();
        features.insert("sha256".to_owned(), crate::digest::sha256(text.as_bytes()).into());
        features.insert("precision".to_owned(), as_value(&self.description)["precision"].clone());
        all.insert("features".to_owned(), features.into());
        all
    }
}

fn identity(file: &Path) -> io::Result<String> {
    let mut from = File::open(file)?;
    let about = from.metadata()?;
    let mut size = [0; 8];
    from.read_exact(&mut size)?;
    let mut bytes = Vec::new();
    from.take(u64::from_le_bytes(size).min(MAX_HEADER)).read_to_end(&mut bytes)?;
    bytes.extend(about.len().to_le_bytes());
    let written = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    bytes.extend(written.as_nanos().to_le_bytes());
    Ok(crate::digest::sha256(&bytes))
}

fn as_value(description: &Description) -> Value {
    // Strings, finite numbers and a map of JSON values: there is always a JSON form.
    serde_json::to_value(description).unwrap_or(Value::Null)
}

/// The first field in which two descriptions differ, with both.
pub(super) fn difference(
    found: &Description,
    expected: &Description,
) -> Option<(String, String, String)> {
    if found == expected {
        return None;
    }
    let [found, expected] = [found, expected].map(as_value);
    let field = ["backbone", "image_side", "precision", "made_with", "layers"]
        .into_iter()
        .find(|field| found[*field] != expected[*field])?;
    Some((field.to_owned(), found[field].to_string(), expected[field].to_string()))
}
