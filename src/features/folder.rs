//! A folder of features: which file is of which photograph, that its maps are of the photograph's
//! content, and that all are of one network.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::{Description, FeaturesError, FeaturesFile, FeaturesHeader, Layer, open};
use crate::benchmark::Image;
use crate::digest::{sha256, sha256_of_file};
use crate::hyperpixel::FeatureMap;
use crate::hyperpixel::Geometry;
use crate::inputs::Identify;

/// What a file of features is called behind its photograph's name.
const ENDING: &str = ".safetensors";

/// Feature maps of photographs, all of one network.
#[derive(Debug, Clone)]
pub struct Features {
    folder: PathBuf,
    description: Description,
    /// Names of version 1 that two photographs have.
    shared: HashMap<String, [String; 2]>,
    /// SHA-256 of photographs that were read for it: each is read once.
    hashed: Arc<Mutex<HashMap<PathBuf, String>>>,
}

/// Whether a photograph's maps are in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is no file.
    Absent,
    /// There are maps of its content.
    Kept,
    /// There are maps of what it was before.
    Changed,
}

/// The file of a photograph's features, by its [`Image::name`].
#[must_use]
pub fn file_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{ENDING}"))
}

/// The name that version 1 has for a photograph: that of its folder, `/`, and its own.
fn former_name(photograph: &Path) -> String {
    let text = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
    };
    match text(photograph.parent().and_then(Path::file_name)) {
        folder if folder.is_empty() => text(photograph.file_name()),
        folder => format!("{folder}/{}", text(photograph.file_name())),
    }
}

/// Checks that each photograph has a place of its own in a folder of features.
///
/// # Errors
/// Two that would be one file, or one whose file would be the folder of another's.
pub fn check_names<'a>(images: impl IntoIterator<Item = &'a Image>) -> Result<(), FeaturesError> {
    let mut places: HashMap<String, &Image> = HashMap::new();
    let collision = |one: &Image, other: &Image| FeaturesError::Collision {
        first: one.path.display().to_string(),
        second: other.path.display().to_string(),
    };
    for image in images {
        match places.insert(format!("{}{ENDING}", image.name), image) {
            Some(other) if other.path != image.path => return Err(collision(other, image)),
            _ => {}
        }
    }
    let mut names: Vec<&Image> = places.values().copied().collect();
    names.sort_by(|a, b| a.name.cmp(&b.name));
    for image in names {
        for (at, _) in image.name.match_indices('/') {
            if let Some(other) = places.get(&image.name[..at]) {
                return Err(collision(other, image));
            }
        }
    }
    Ok(())
}

/// A photograph without a benchmark, known as the features in a folder know it: by so much of the end
/// of its path that there is a file of that name. Of several the one with the photograph's content
/// counts.
///
/// # Errors
/// No such file, or several of other content.
pub fn locate(folder: &Path, photograph: &Path) -> Result<Image, FeaturesError> {
    let unread = |source| FeaturesError::Photograph { photograph: photograph.to_owned(), source };
    let whole = std::path::absolute(photograph).map_err(unread)?;
    let mut names: Vec<String> = Vec::new();
    for part in whole.components().rev() {
        let Component::Normal(part) = part else { break };
        let part = part.to_string_lossy();
        names.push(match names.last() {
            Some(below) => format!("{part}/{below}"),
            None => part.into_owned(),
        });
    }
    names.retain(|name| file_of(folder, name).exists());
    let image = |name: String| Image { name, path: photograph.to_owned(), size: None };
    match names.len() {
        0 => Err(FeaturesError::Missing {
            file: file_of(folder, &former_name(&whole)),
            photograph: photograph.display().to_string(),
        }),
        1 => Ok(image(names.remove(0))),
        _ => {
            let content = sha256_of_file(photograph).map_err(unread)?;
            let of_content = |name: &&String| {
                open(&file_of(folder, name))
                    .is_ok_and(|kept| kept.header().sha256.as_ref() == Some(&content))
            };
            match names.iter().rev().find(of_content) {
                Some(name) => Ok(image(name.clone())),
                None => Err(FeaturesError::Undecided {
                    files: [0, 1].map(|at| file_of(folder, &names[at])),
                    photograph: photograph.to_owned(),
                }),
            }
        }
    }
}

impl Features {
    /// Opens a folder for some photographs, and checks the file of each; the first one's says what all
    /// must be. Where photographs are there, their content is compared with what the files say.
    ///
    /// # Errors
    /// A photograph without a file, a file that is no file of features, or one that is of another
    /// network, photograph or content.
    pub fn open<'a>(
        folder: &Path,
        photographs: impl IntoIterator<Item = &'a Image>,
    ) -> Result<Self, FeaturesError> {
        let images: Vec<&Image> = photographs.into_iter().collect();
        let mut features = Self::of_these(folder, &images)?;
        for (at, image) in images.iter().enumerate() {
            let (file, _) = features.place(image)?;
            if at == 0 {
                features.description = open(&file)?.header().description.clone();
            }
        }
        let checked: Vec<Result<bool, FeaturesError>> = images
            .par_iter()
            .map(|image| Ok(features.kept(image)?.header().sha256.is_some()))
            .collect();
        let tied = checked.into_iter().collect::<Result<Vec<bool>, _>>()?;
        let loose = tied.iter().filter(|tied| !**tied).count();
        features.warn_of_loose(loose, tied.len());
        Ok(features)
    }

    /// Opens a folder for some photographs where those without usable features are left to who reads
    /// them: the first that has some says what all must be.
    ///
    /// # Errors
    /// No photograph has usable features: why the first has none.
    pub fn open_for_some<'a>(
        folder: &Path,
        photographs: impl IntoIterator<Item = &'a Image>,
    ) -> Result<Self, FeaturesError> {
        let images: Vec<&Image> = photographs.into_iter().collect();
        let mut features = Self::of_these(folder, &images)?;
        let mut first_error = None;
        for image in &images {
            match features.place(image).and_then(|(file, _)| open(&file)) {
                Ok(kept) => {
                    features.description = kept.header().description.clone();
                    let loose = usize::from(kept.header().sha256.is_none());
                    features.warn_of_loose(loose, 1);
                    return Ok(features);
                }
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(|| no_photograph(folder)))
    }

    /// A folder whose files must be as described.
    #[must_use]
    pub fn of(folder: &Path, description: &Description) -> Self {
        Self {
            folder: folder.to_owned(),
            description: description.clone(),
            shared: HashMap::new(),
            hashed: Arc::default(),
        }
    }

    /// A folder for photographs that have names of their own; what its files must be is not known yet.
    fn of_these(folder: &Path, images: &[&Image]) -> Result<Self, FeaturesError> {
        if images.is_empty() {
            return Err(no_photograph(folder));
        }
        check_names(images.iter().copied())?;
        let mut former: HashMap<String, &Image> = HashMap::new();
        let mut shared = HashMap::new();
        for image in images {
            let name = former_name(&image.path);
            match former.get(&name) {
                Some(other) if other.name != image.name => {
                    shared.insert(name, [other.name.clone(), image.name.clone()]);
                }
                Some(_) => {}
                None => drop(former.insert(name, image)),
            }
        }
        Ok(Self { shared, ..Self::of(folder, &Description::default()) })
    }

    fn warn_of_loose(&self, loose: usize, all: usize) {
        if loose > 0 {
            tracing::warn!(
                "{}: {loose} of {all} files do not say of which content their photographs were \
                 (version 1, or no sha256), so one that changed since goes unnoticed; \
                 docs/features.md has the version that says it",
                self.folder.display()
            );
        }
    }

    /// The file of a photograph, and the name that it must say. Version 1 has it under a name of its
    /// own.
    fn place(&self, image: &Image) -> Result<(PathBuf, String), FeaturesError> {
        let file = file_of(&self.folder, &image.name);
        // Something else than a file is refused as such when it is opened.
        if file.exists() {
            return Ok((file, image.name.clone()));
        }
        let former = former_name(&image.path);
        let former_file = file_of(&self.folder, &former);
        if former != image.name && former_file.exists() && open(&former_file)?.is_of_version_1() {
            if let Some([first, second]) = self.shared.get(&former).cloned() {
                return Err(FeaturesError::Ambiguous { file: former_file, first, second });
            }
            return Ok((former_file, former));
        }
        Err(FeaturesError::Missing { file, photograph: image.name.clone() })
    }

    /// Whether a photograph's maps are there, under its own name.
    ///
    /// # Errors
    /// A file that is damaged, or of another network, photograph or size, or a photograph that cannot
    /// be read.
    pub fn standing(&self, image: &Image) -> Result<Standing, FeaturesError> {
        let file = file_of(&self.folder, &image.name);
        if !file.exists() {
            return Ok(Standing::Absent);
        }
        match self.checked(&file, &image.name, image) {
            Ok(_) => Ok(Standing::Kept),
            Err(FeaturesError::OtherContent { .. }) => Ok(Standing::Changed),
            Err(error) => Err(error),
        }
    }

    /// What a photograph's file says of itself.
    ///
    /// # Errors
    /// As [`Features::maps`].
    pub fn header(&self, image: &Image) -> Result<FeaturesHeader, FeaturesError> {
        Ok(self.kept(image)?.header().clone())
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
            (Some(jump), Some(receptive_field)) => {
                Ok(Geometry { jump, receptive_field, offset: [offset; 2] })
            }
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

    /// A photograph's maps of some layers, and its sizes. Its size in original pixels is compared where
    /// an annotation gives it, its content where the photograph is there.
    ///
    /// # Errors
    /// No file, one that is damaged, or one of another photograph, content or network.
    pub fn maps(
        &self,
        image: &Image,
        layers: &[usize],
    ) -> Result<(FeaturesHeader, Vec<FeatureMap>), FeaturesError> {
        let mut kept = self.kept(image)?;
        let maps = kept.maps(layers)?;
        Ok((kept.header().clone(), maps))
    }

    /// [`locate`] in this folder.
    ///
    /// # Errors
    /// As [`locate`].
    pub fn locate(&self, photograph: &Path) -> Result<Image, FeaturesError> {
        locate(&self.folder, photograph)
    }

    fn kept(&self, image: &Image) -> Result<FeaturesFile, FeaturesError> {
        let (file, name) = self.place(image)?;
        self.checked(&file, &name, image)
    }

    /// A file that must be of a photograph, under that name.
    fn checked(
        &self,
        file: &Path,
        name: &str,
        image: &Image,
    ) -> Result<FeaturesFile, FeaturesError> {
        let kept = open(file)?;
        let other = |field: &str, found: String, expected: String| {
            let (file, field) = (file.to_owned(), field.to_owned());
            Err(FeaturesError::Other { file, field, found, expected })
        };
        let header = kept.header();
        // Programs on Windows write `\`.
        if header.photograph != name && header.photograph.replace('\\', "/") != name {
            return other("photograph", header.photograph.clone(), name.to_owned());
        }
        if let Some((field, found, expected)) = difference(&header.description, &self.description) {
            return other(&field, found, expected);
        }
        self.check_content(file, header, image)?;
        if let Some(original) = image.size.filter(|original| *original != header.original_size) {
            let size = |[width, height]: [u32; 2]| format!("{width} × {height} pixels");
            return other("original size", size(header.original_size), size(original));
        }
        Ok(kept)
    }

    /// Checks that maps are of the content that a photograph has, where it is there and they say.
    fn check_content(
        &self,
        file: &Path,
        header: &FeaturesHeader,
        image: &Image,
    ) -> Result<(), FeaturesError> {
        let Some(found) = header.sha256.as_ref().filter(|_| image.path.exists()) else {
            tracing::debug!("{}: not compared with its photograph", file.display());
            return Ok(());
        };
        let expected = self.content(&image.path)?;
        if *found == expected {
            return Ok(());
        }
        Err(FeaturesError::OtherContent {
            file: file.to_owned(),
            photograph: image.path.clone(),
            found: found.clone(),
            expected,
        })
    }

    /// SHA-256 of a photograph's file, which is read once.
    ///
    /// # Errors
    /// A photograph that cannot be read.
    pub fn content(&self, photograph: &Path) -> Result<String, FeaturesError> {
        let hashed = || self.hashed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hashed().get(photograph) {
            return Ok(known.clone());
        }
        let found = sha256_of_file(photograph).map_err(|source| FeaturesError::Photograph {
            photograph: photograph.to_owned(),
            source,
        })?;
        hashed().insert(photograph.to_owned(), found.clone());
        Ok(found)
    }

    /// Checks that the first usable features are of this benchmark, where their file says so.
    ///
    /// # Errors
    /// Features of another benchmark.
    pub fn check_benchmark(
        &self,
        benchmark: &str,
        photographs: &[Image],
    ) -> Result<(), FeaturesError> {
        let first = |image: &Image| {
            let (file, _) = self.place(image).ok()?;
            let said = open(&file).ok()?.header().benchmark.clone();
            Some((file, said))
        };
        let Some((file, said)) = photographs.iter().find_map(first) else { return Ok(()) };
        match said {
            Some(found) if found != benchmark => Err(FeaturesError::Other {
                file,
                field: "benchmark".to_owned(),
                found,
                expected: benchmark.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// What tells a photograph's maps from others: what its file says of itself, and the bytes of the
    /// maps of these layers (ids), which are those that are matched. Reading and hashing them costs less
    /// than matching does, which reads them too.
    #[must_use]
    pub fn identify(&self, layers: &[usize]) -> Box<Identify> {
        let (features, layers) = (self.clone(), layers.to_vec());
        Box::new(move |image| {
            let (file, _) = features.place(image).ok()?;
            open(&file).ok()?.identity(&layers)
        })
    }

    /// What decides the numbers, for the header of a predictions file: what the network said of
    /// itself, and under `features` the SHA-256 of the whole [`Description`].
    #[must_use]
    pub fn describe(&self) -> Map<String, Value> {
        let mut all = self.description.made_with.clone();
        let text = as_value(&self.description).to_string();
        let mut features = Map::new();
        features.insert("sha256".to_owned(), sha256(text.as_bytes()).into());
        features.insert("precision".to_owned(), as_value(&self.description)["precision"].clone());
        all.insert("features".to_owned(), features.into());
        all
    }
}

fn no_photograph(folder: &Path) -> FeaturesError {
    FeaturesError::Missing { file: folder.to_owned(), photograph: "any photograph".to_owned() }
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
