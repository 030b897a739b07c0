//! Photographs: decoding as Pillow's `convert("RGB")` would, resizing and normalising as the
//! published code does.

pub mod corners;
mod jpeg;
mod prepare;
mod read;

use std::path::{Path, PathBuf};

pub use prepare::{prepare, scaled_size};
pub use read::{PIXEL_LIMIT, ignores_orientation, is_decoding, read, size};

/// Mean of each channel of ImageNet's photographs (RGB in [0, 1]), which the ResNet backbones
/// subtract (torchvision's pretrained models).
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];

/// Standard deviation of each channel of ImageNet's photographs (RGB in [0, 1]), by which the
/// ResNet backbones divide (torchvision's pretrained models).
pub const STANDARD_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

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

impl Photograph {
    /// Whether all its pixels are the same.
    #[must_use]
    pub fn is_of_one_colour(&self) -> bool {
        self.rgb.chunks_exact(3).all(|pixel| *pixel == self.rgb[..3])
    }
}

/// A photograph ready for a backbone (docs/method.md, "Prepare").
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

/// Why a photograph could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file could not be opened or read.
    #[error("{path}: cannot be read: {source}; check the path and its permissions")]
    Read {
        /// The photograph.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file has no bytes.
    #[error("{path}: is empty; download or copy it again")]
    Empty {
        /// The photograph.
        path: PathBuf,
    },
    /// The file is in no format that hpflow reads.
    #[error(
        "{path}: is not a photograph: {found}; hpflow reads JPEG, PNG, BMP, GIF, TIFF and WebP; \
         the extension does not matter"
    )]
    NotAPhotograph {
        /// The file.
        path: PathBuf,
        /// What it looks like instead.
        found: &'static str,
    },
    /// A photograph that its decoder refuses: truncated or damaged.
    #[error(
        "{path}: is truncated or damaged and cannot be decoded as {format} ({reason}); download or \
         copy it again"
    )]
    Decode {
        /// The photograph.
        path: PathBuf,
        /// The format that its first bytes announce.
        format: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// A photograph of a kind that hpflow does not decode, though its format is known.
    #[error(
        "{path}: is a {format} file of a kind that hpflow does not decode ({reason}); convert it to \
         an 8-bit RGB PNG"
    )]
    Unsupported {
        /// The photograph.
        path: PathBuf,
        /// The format that its first bytes announce.
        format: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// A photograph with more pixels than hpflow decodes, or none.
    #[error(
        "{path}: has {width} × {height} pixels; hpflow decodes photographs of 1 to {limit} \
         pixels: scale it down, and its keypoints with it"
    )]
    Size {
        /// The photograph.
        path: PathBuf,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// The largest number of pixels that is decoded.
        limit: u64,
    },
}

/// A photograph as a program has it: a file, or pixels.
#[derive(Debug, Clone, Copy)]
pub enum Photo<'a> {
    /// A file that is still to be decoded.
    File(&'a Path),
    /// Pixels, 8 bits a channel.
    Pixels(&'a Photograph),
}

impl<'a> From<&'a Path> for Photo<'a> {
    fn from(file: &'a Path) -> Self {
        Self::File(file)
    }
}

impl<'a> From<&'a PathBuf> for Photo<'a> {
    fn from(file: &'a PathBuf) -> Self {
        Self::File(file)
    }
}

impl<'a> From<&'a str> for Photo<'a> {
    fn from(file: &'a str) -> Self {
        Self::File(Path::new(file))
    }
}

impl<'a> From<&'a Photograph> for Photo<'a> {
    fn from(pixels: &'a Photograph) -> Self {
        Self::Pixels(pixels)
    }
}
