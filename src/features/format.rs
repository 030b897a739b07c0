//! One file of features: read tensor by tensor, written at once and whole.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo, TensorView};
use sha2::{Digest as _, Sha256};

use super::header::{parse, refuse};
use super::{FeaturesError, FeaturesHeader, METADATA, Precision};
use crate::digest::{hexadecimal, sha256};
use crate::hyperpixel::FeatureMap;

/// The longest header that is read, in bytes: far beyond what any network's layers need.
const MAX_HEADER: u64 = 16 << 20;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A file whose header has been read and checked.
#[derive(Debug)]
pub struct FeaturesFile {
    file: PathBuf,
    from: BufReader<File>,
    header: FeaturesHeader,
    tensors: Metadata,
    /// Where tensors begin, in bytes.
    start: u64,
}

/// Opens a file of features.
///
/// # Errors
/// A file that cannot be read, that is truncated, that is no file of features, or that hpflow wrote by
/// another arithmetic.
pub fn open(file: &Path) -> Result<FeaturesFile, FeaturesError> {
    let read_error = |source| FeaturesError::Read { file: file.to_owned(), source };
    let not_features = |what: String| FeaturesError::NotFeatures { file: file.to_owned(), what };
    let opened = crate::files::open_input(file).map_err(read_error)?;
    let found = opened.metadata().map_err(read_error)?.len();
    let mut from = BufReader::new(opened);
    let length = |expected| FeaturesError::Length { file: file.to_owned(), found, expected };
    let mut size = [0; 8];
    if found < size.len() as u64 {
        return Err(length(size.len() as u64));
    }
    from.read_exact(&mut size).map_err(read_error)?;
    let size = u64::from_le_bytes(size);
    if size > MAX_HEADER {
        return Err(not_features("it is not a safetensors file".to_owned()));
    }
    let start = 8 + size;
    if found < start {
        return Err(length(start));
    }
    let mut bytes = vec![0; size as usize];
    from.read_exact(&mut bytes).map_err(read_error)?;
    // Some programs write a byte-order mark before the text that they are given.
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
    let tensors: Metadata = serde_json::from_slice(text)
        .map_err(|error| not_features(format!("it is not a safetensors file ({error})")))?;
    let end = tensors.tensors().values().map(|info| info.data_offsets.1).max().unwrap_or(0);
    let expected = start.saturating_add(end as u64);
    if found != expected {
        return Err(length(expected));
    }
    let text = tensors.metadata().as_ref().and_then(|entries| entries.get(METADATA));
    let text = text.ok_or_else(|| not_features(format!("it has no metadata `{METADATA}`")))?;
    let header =
        parse(text).map_err(|what| FeaturesError::Metadata { file: file.to_owned(), what })?;
    refuse(file, &header)?;
    Ok(FeaturesFile { file: file.to_owned(), from, header, tensors, start })
}

/// The largest number that maps may hold: the squares of larger ones leave single precision.
const LARGEST: f32 = 1e12;

/// The least that the largest number of a photograph's maps may be, likewise.
const SMALLEST_PEAK: f32 = 1e-12;

impl FeaturesFile {
    /// What the file says of itself.
    #[must_use]
    pub fn header(&self) -> &FeaturesHeader {
        &self.header
    }

    /// SHA-256 of what the file says of itself and of the maps of some layers (ids): another where one
    /// of their numbers is another. `None` where a map cannot be read.
    pub(super) fn identity(&mut self, layers: &[usize]) -> Option<String> {
        let mut hash = Sha256::new();
        // Strings, finite numbers and a map of JSON values: there is always a JSON form.
        hash.update(sha256(serde_json::to_string(&self.header).ok()?.as_bytes()));
        for id in layers {
            let layer = self.header.description.layers.iter().find(|layer| layer.id == *id)?;
            let info = self.tensors.info(&layer.name)?;
            let (first, end) = info.data_offsets;
            hash.update(format!("{id} {:?} {:?} ", info.dtype, info.shape));
            self.from.seek(SeekFrom::Start(self.start + first as u64)).ok()?;
            let mut tensor = self.from.by_ref().take((end - first) as u64);
            if io::copy(&mut tensor, &mut hash).ok()? != (end - first) as u64 {
                return None;
            }
        }
        Some(hexadecimal(&hash.finalize()))
    }

    /// Whether it is in version 1 of the format.
    pub(super) fn is_of_version_1(&self) -> bool {
        self.header.version == 1
    }

    /// The maps of some layers (ids), in that order. No other tensor is read.
    ///
    /// # Errors
    /// A layer that the file does not have, or a tensor that is not as the metadata say: shape,
    /// type of number, numbers that are not finite.
    pub fn maps(&mut self, layers: &[usize]) -> Result<Vec<FeatureMap>, FeaturesError> {
        let mut maps: Vec<FeatureMap> = Vec::with_capacity(layers.len());
        for &id in layers {
            let map = self.map(id)?;
            let size = (map.rows, map.columns);
            let other = maps
                .iter()
                .find(|other| other.stride == map.stride && (other.rows, other.columns) != size);
            if let Some(other) = other {
                let found = format!("has {} × {} cells", map.rows, map.columns);
                let expected = format!(
                    "{} × {}, as other maps of stride {} have",
                    other.rows, other.columns, map.stride
                );
                return Err(self.wrong(&self.name(id), found, expected));
            }
            maps.push(map);
        }
        maps.iter().try_for_each(|map| self.check_cover(map))?;
        let seen = |map: &FeatureMap| map.data.iter().any(|value| value.abs() >= SMALLEST_PEAK);
        if let (false, Some(map)) = (maps.iter().any(seen), maps.first()) {
            let found =
                format!("holds nothing of {SMALLEST_PEAK:e} or more, like all layers asked for");
            let expected = "features of the photograph; scale all layers alike".to_owned();
            return Err(self.wrong(&self.name(map.layer), found, expected));
        }
        Ok(maps)
    }

    /// That a map reaches to the photograph's end: what is left of it may be less than a cell.
    fn check_cover(&self, map: &FeatureMap) -> Result<(), FeaturesError> {
        let (offset, size) = (self.header.offset(), self.header.resized_size);
        for (axis, cells, what) in [(0, map.columns, "columns"), (1, map.rows, "rows")] {
            let end = f64::from(offset[axis]) + f64::from(size[axis]);
            if ((cells + 1) * map.stride) as f64 > end {
                continue;
            }
            let stride = map.stride;
            let found = format!(
                "has {cells} {what} of {stride} pixels, which end at {}, and the photograph ends at {end}",
                cells * stride
            );
            let expected = "a map that covers the photograph (channels × rows × columns), or the \
                            stride, resized_size and offset that belong to it";
            return Err(self.wrong(&self.name(map.layer), found, expected.to_owned()));
        }
        Ok(())
    }

    fn name(&self, id: usize) -> String {
        let layer = self.header.description.layers.iter().find(|layer| layer.id == id);
        layer.map_or_else(|| id.to_string(), |layer| layer.name.clone())
    }

    fn map(&mut self, id: usize) -> Result<FeatureMap, FeaturesError> {
        let layer = self.header.description.layers.iter().find(|layer| layer.id == id).cloned();
        let layer = layer.ok_or_else(|| FeaturesError::NotFeatures {
            file: self.file.clone(),
            what: format!("it has no layer {id}"),
        })?;
        let expected = format!("{} channels × rows × columns, f32 or f16", layer.channels);
        let Some(info) = self.tensors.info(&layer.name).cloned() else {
            return Err(self.wrong(&layer.name, "is missing".to_owned(), expected));
        };
        let TensorInfo { dtype, shape, data_offsets: (first, end) } = info;
        let &[channels, rows, columns] = &shape[..] else {
            return Err(self.wrong(&layer.name, format!("has shape {shape:?}"), expected));
        };
        if channels != layer.channels || rows * columns * channels == 0 {
            return Err(self.wrong(&layer.name, format!("has shape {shape:?}"), expected));
        }
        let mut bytes = vec![0; end - first];
        self.from
            .seek(SeekFrom::Start(self.start + first as u64))
            .and_then(|_| self.from.read_exact(&mut bytes))
            .map_err(|source| FeaturesError::Read { file: self.file.clone(), source })?;
        let data: Vec<f32> = match dtype {
            Dtype::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F16 => {
                bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect()
            }
            other => return Err(self.wrong(&layer.name, format!("holds {other:?}"), expected)),
        };
        if let Some(at) = data.iter().position(|value| !value.is_finite()) {
            let found = format!("holds {} at place {at}", data[at]);
            return Err(self.wrong(&layer.name, found, "finite numbers".to_owned()));
        }
        if let Some(at) = data.iter().position(|value| value.abs() > LARGEST) {
            let found = format!("holds {:e} at place {at}", data[at]);
            let expected = format!("numbers of at most {LARGEST:e}; scale all layers alike");
            return Err(self.wrong(&layer.name, found, expected));
        }
        Ok(FeatureMap { layer: id, stride: layer.stride, channels, rows, columns, data })
    }

    fn wrong(&self, tensor: &str, found: String, expected: String) -> FeaturesError {
        FeaturesError::Tensor {
            file: self.file.clone(),
            tensor: tensor.to_owned(),
            found,
            expected,
        }
    }
}

/// Writes a photograph's maps (of the layers that the header names, in its order): the file appears
/// under its name when it is whole.
///
/// # Errors
/// A file that cannot be written, or a number beyond half precision where that was asked for.
pub fn write(
    file: &Path,
    header: &FeaturesHeader,
    maps: &[FeatureMap],
) -> Result<(), FeaturesError> {
    let failed = |reason: String| FeaturesError::Write { file: file.to_owned(), reason };
    let (dtype, precision) = match header.description.precision {
        Precision::F32 => (Dtype::F32, Precision::F32),
        Precision::F16 => (Dtype::F16, Precision::F16),
    };
    let mut numbers = Vec::with_capacity(maps.len());
    for map in maps {
        numbers.push(match precision {
            Precision::F32 => bytemuck::cast_slice(&map.data).to_vec(),
            Precision::F16 => halves(map, &header.photograph)?,
        });
    }
    let mut views = Vec::with_capacity(maps.len());
    for ((layer, map), bytes) in header.description.layers.iter().zip(maps).zip(&numbers) {
        let view = TensorView::new(dtype, vec![map.channels, map.rows, map.columns], bytes);
        views.push((layer.name.as_str(), view.map_err(|error| failed(error.to_string()))?));
    }
    // One entry alone: the order of several would change from run to run.
    let text = serde_json::to_string(header).map_err(|error| failed(error.to_string()))?;
    let metadata = HashMap::from([(METADATA.to_owned(), text)]);
    let bytes =
        safetensors::serialize(views, Some(metadata)).map_err(|error| failed(error.to_string()))?;
    let save = || {
        std::fs::create_dir_all(crate::files::folder(file))?;
        let mut new = crate::files::Replacement::of(file)?;
        new.file().write_all(&bytes)?;
        new.finish().map(drop)
    };
    save().map_err(|error: io::Error| {
        failed(format!("{error}; make room, or give a folder that can be written"))
    })
}

fn halves(map: &FeatureMap, photograph: &str) -> Result<Vec<u8>, FeaturesError> {
    let mut bytes = Vec::with_capacity(map.data.len() * 2);
    for &value in &map.data {
        let half = f16::from_f32(value);
        if !half.is_finite() {
            let photograph = photograph.to_owned();
            return Err(FeaturesError::TooLarge { photograph, layer: map.layer, value });
        }
        bytes.extend(half.to_le_bytes());
    }
    Ok(bytes)
}
