//! Safetensors files: read, identified, checked tensor by tensor against a network.

use std::collections::HashMap;
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::identify::{Shapes, is_plain, looks_like, prefixed, prefixes};
use super::{Names, WeightsError};
use crate::backbone::architecture::{Architecture, Parameter};

/// Parameters by name, row-major.
type Values = HashMap<String, Vec<f32>>;

/// The parameters of a network in a file, and the file's SHA-256.
pub(super) fn load(
    path: &Path,
    architecture: &Architecture,
) -> Result<(Values, String), WeightsError> {
    let bytes = read(path)?;
    let tensors = open(path, &bytes)?;
    let shapes = shapes(&tensors);
    check(path, &shapes, architecture)?;
    let values = values(path, &tensors, architecture.parameters())?;
    Ok((values, crate::digest::sha256(&bytes)))
}

/// The parameters of a file that `fits` has found every name in.
fn values(
    path: &Path,
    tensors: &SafeTensors<'_>,
    parameters: Vec<Parameter>,
) -> Result<Values, WeightsError> {
    let mut values = Values::new();
    for Parameter { name, .. } in parameters {
        if let Ok(view) = tensors.tensor(&name) {
            let numbers = numbers(path, &name, &view)?;
            values.insert(name, numbers);
        }
    }
    Ok(values)
}

/// The network a file seems to be of.
pub(super) fn network_of(path: &Path) -> Result<Option<String>, WeightsError> {
    let bytes = read(path)?;
    let shapes = shapes(&open(path, &bytes)?);
    under_torchvisions_names(path, &shapes)?;
    Ok(looks_like(&shapes))
}

/// A file's bytes.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, WeightsError> {
    crate::files::read_input(path)
        .map_err(|source| WeightsError::Read { path: path.to_owned(), source })
}

/// SHA-256 of a file, hexadecimal.
pub(super) fn digest(path: &Path) -> Result<String, WeightsError> {
    crate::digest::sha256_of_file(path)
        .map_err(|source| WeightsError::Read { path: path.to_owned(), source })
}

pub(super) fn shapes(tensors: &SafeTensors<'_>) -> Shapes {
    tensors.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec())).collect()
}

/// Opens a safetensors file, or says what it is instead.
pub(crate) fn open<'data>(
    path: &Path,
    bytes: &'data [u8],
) -> Result<SafeTensors<'data>, WeightsError> {
    let error = match SafeTensors::deserialize(bytes) {
        Ok(tensors) => return Ok(tensors),
        Err(error) => error,
    };
    let path = path.to_owned();
    if let Some((found, remedy)) = something_else(&path, bytes) {
        return Err(WeightsError::NotSafetensors { path, found, remedy });
    }
    match announced_length(bytes) {
        Some(expected) if expected != bytes.len() as u64 => {
            Err(WeightsError::Length { path, found: bytes.len() as u64, expected })
        }
        _ => Err(WeightsError::NotSafetensors {
            path,
            found: format!("a file that cannot be understood ({error})"),
            remedy: "fetch it again or give another".to_owned(),
        }),
    }
}

/// The length a safetensors header announces: 8 bytes, the header, and the end of the last tensor.
fn announced_length(bytes: &[u8]) -> Option<u64> {
    let header = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let end = header.checked_add(8)?;
    let Some(header) = bytes.get(8..usize::try_from(end).ok()?) else {
        // Cut within the header, if it begins like one.
        return (bytes.get(8) == Some(&b'{') && end < (1 << 30)).then_some(end);
    };
    let header: HashMap<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let last = header.values().filter_map(|tensor| tensor.get("data_offsets")?.get(1)?.as_u64());
    end.checked_add(last.max().unwrap_or(0))
}

/// Files that are commonly given for weights, and what to do about them.
fn something_else(path: &Path, bytes: &[u8]) -> Option<(String, String)> {
    if let Some((found, remedy)) = unusable(bytes) {
        return Some((found.to_owned(), remedy.to_owned()));
    }
    let pickle = bytes.starts_with(b"PK\x03\x04") || matches!(bytes, [0x80, 2..=5, ..]);
    pickle.then(|| ("a PyTorch file (a pickle)".to_owned(), conversion(path)))
}

/// Files that hold nothing, and what to do about them.
pub(crate) fn unusable(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let text = bytes.trim_ascii_start();
    if bytes.is_empty() {
        Some(("an empty file", "fetch it again"))
    } else if text.starts_with(b"<") {
        Some(("a web page", "download the file itself, not the page about it"))
    } else if text.starts_with(b"version https://git-lfs") {
        Some(("a Git LFS pointer", "run `git lfs pull` in its repository"))
    } else {
        None
    }
}

fn conversion(path: &Path) -> String {
    // `.pth.tar` is one ending.
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let stem = Path::new(name.strip_suffix(".tar").unwrap_or(&name)).with_extension("safetensors");
    let [old, new] = [path, &path.with_file_name(stem)].map(|path| shown(path));
    format!("convert it with `hpflow weights convert {old} --out {new}`")
}

/// What stands before the names of other ResNets in a file that holds one under torchvision's.
pub(super) fn prefixes_beside(path: &Path) -> Result<Vec<String>, WeightsError> {
    let bytes = read(path)?;
    let shapes = shapes(&open(path, &bytes)?);
    Ok(if is_plain(&shapes) { prefixes(&shapes) } else { Vec::new() })
}

/// That a file's ResNets, if it has any, are not all under a prefix.
fn under_torchvisions_names(path: &Path, shapes: &Shapes) -> Result<(), WeightsError> {
    let prefixes = prefixes(shapes);
    if prefixes.is_empty() || is_plain(shapes) {
        return Ok(());
    }
    let (found, remedy) = (prefixed(&prefixes), remedy(path, &prefixes));
    Err(WeightsError::Prefixed { path: path.to_owned(), found, remedy })
}

/// A path as a shell reads it, and no program takes it for an option.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    crate::text::quoted(&if text.starts_with('-') { format!("./{text}") } else { text })
}

/// The command that takes a prefix off the names in a file.
pub fn remedy(path: &Path, prefixes: &[String]) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let stem = stem.strip_suffix(".pth").unwrap_or(&stem);
    let old = shown(path);
    let (prefix, name) = match prefixes {
        [prefix] => {
            let name = prefix.trim_end_matches('.').replace(|c: char| !c.is_alphanumeric(), "-");
            (crate::text::quoted(prefix), format!("{stem}-{name}.safetensors"))
        }
        _ => ("PREFIX".to_owned(), format!("{stem}-of-PREFIX.safetensors")),
    };
    let new = shown(&path.with_file_name(name));
    let command = format!("`hpflow weights convert {old} --prefix {prefix} --out {new}`");
    match prefixes {
        [_] => format!("take that off with {command}"),
        _ => format!("choose one and take it off with {command}"),
    }
}

/// Whether a file has every tensor of a network at its shape, and is not a deeper network's, whose
/// tensors may include them all.
pub(super) fn check(
    path: &Path,
    shapes: &Shapes,
    architecture: &Architecture,
) -> Result<(), WeightsError> {
    under_torchvisions_names(path, shapes)?;
    let (path, backbone) = (path.to_owned(), architecture.name.to_owned());
    if let Some(found) = looks_like(shapes).filter(|found| *found != backbone) {
        return Err(WeightsError::OtherNetwork { path, found, expected: backbone });
    }
    fits(&path, shapes, architecture.parameters(), &backbone, Names::Torchvision)
}

/// Whether a file has every parameter of a network at its shape. The errors say of which network,
/// and whose names are expected.
pub(super) fn fits(
    path: &Path,
    shapes: &Shapes,
    parameters: Vec<Parameter>,
    network: &str,
    names: Names,
) -> Result<(), WeightsError> {
    let (path, backbone) = (path.to_owned(), network.to_owned());
    let mut missing = parameters.iter().filter(|each| !shapes.contains_key(&each.name));
    if let Some(Parameter { name, shape }) = missing.next() {
        return Err(WeightsError::Missing {
            path,
            backbone,
            name: name.clone(),
            shape: shape.clone(),
            missing: 1 + missing.count() as u32,
            needed: parameters.len() as u32,
            names,
        });
    }
    match parameters.into_iter().find(|each| shapes[&each.name] != each.shape) {
        None => Ok(()),
        Some(Parameter { name, shape }) => Err(WeightsError::Shape {
            path,
            backbone,
            found: shapes[&name].clone(),
            expected: shape,
            name,
        }),
    }
}

/// A tensor's values as f32.
pub(super) fn numbers(
    path: &Path,
    name: &str,
    view: &TensorView<'_>,
) -> Result<Vec<f32>, WeightsError> {
    let (path, name) = (path.to_owned(), name.to_owned());
    let data = view.data();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => each(data, f32::from_le_bytes),
        Dtype::F64 => each(data, |bytes| f64::from_le_bytes(bytes) as f32),
        Dtype::F16 => each(data, |bytes| f16::from_le_bytes(bytes).to_f32()),
        Dtype::BF16 => each(data, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        other => {
            return Err(WeightsError::NumberType { path, name, found: format!("{other:?}") });
        }
    };
    if !values.iter().all(|value| value.is_finite()) {
        return Err(WeightsError::NotFinite { path, name });
    }
    if name.ends_with(".running_var") && values.iter().any(|&value| value < 0.0) {
        return Err(WeightsError::NegativeVariance { path, name });
    }
    Ok(values)
}

fn each<const SIZE: usize>(data: &[u8], convert: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    data.as_chunks().0.iter().map(|bytes| convert(*bytes)).collect()
}
