//! Safetensors files: opened, or what they are instead; their numbers as f32.

use std::collections::HashMap;
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::error::WeightsError;
use crate::backbone::networks::Shapes;

/// A file's bytes.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, WeightsError> {
    crate::files::read_input(path)
        .map_err(|source| WeightsError::Read { path: path.to_owned(), source })
}

/// SHA-256 of a file, hexadecimal.
///
/// # Errors
/// A file that cannot be read.
pub fn sha256(path: &Path) -> Result<String, WeightsError> {
    crate::digest::sha256_of_file(path)
        .map_err(|source| WeightsError::Read { path: path.to_owned(), source })
}

/// Shapes of the tensors by name.
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
    let [old, new] = [path, &path.with_file_name(stem)].map(shown);
    format!("convert it with `hpflow weights convert {old} --out {new}`")
}

/// A path as a shell reads it, and no program takes it for an option.
pub(super) fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    crate::text::quoted(&if text.starts_with('-') { format!("./{text}") } else { text })
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
