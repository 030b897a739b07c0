//! Photographs: decoding as Pillow's `convert("RGB")` would, resizing and normalising as the
//! published code does.

use std::path::{Path, PathBuf};

/// A decoded photograph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photograph {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// RGB, 8 bits a channel, interleaved, row by row: `height * width * 3` bytes.
    pub rgb: Vec<u8>,
}

/// A photograph ready for a backbone (DESIGN: "Prepare").
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Width after resizing.
    pub width: u32,
    /// Height after resizing.
    pub height: u32,
    /// Resized over original side (f32), 1 where the photograph was not resized. Keypoints in
    /// original pixels times this are in resized pixels.
    pub ratio: f32,
    /// Width and height of the photograph in original pixels.
    pub original: [u32; 2],
    /// RGB in [0, 1], resized, **not yet normalised**: planar, `3 * height * width`.
    pub rgb: Vec<f32>,
}

/// Why a photograph could not be read or prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file could not be opened or read.
    #[error("{path}: cannot be read: {source}")]
    Read {
        /// The photograph.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Reads a photograph.
///
/// # Errors
/// A missing, empty, truncated or undecodable file.
pub fn read(path: &Path) -> Result<Photograph, ImageError> {
    Err(ImageError::Read { path: path.to_owned(), source: std::io::ErrorKind::Unsupported.into() })
}
