//! Feature maps kept on the disk: one safetensors file a photograph, written by `hpflow features` or
//! by anyone's own network, so that another layer set or engine costs no backbone pass.
//!
//! A file holds a tensor a layer, channels × rows × columns, in f32 or f16, and one entry of
//! metadata, [`METADATA`], whose value is JSON (a [`FeaturesHeader`]):
//!
//! ```json
//! {"version":2,"arithmetic":3,"benchmark":"spair","photograph":"horse/2008_000219.jpg",
//!  "sha256":"…","original_size":[500,375],"resized_size":[300,225],"ratio":0.6,
//!  "description":{"backbone":"resnet50","image_side":300,"precision":"f32",
//!    "layers":[{"id":0,"name":"layer0","stride":4,"channels":64,
//!               "jump":4,"receptive_field":11,"offset":0.0}],
//!    "made_with":{"weights":{"source":"…","sha256":"…"}}}}
//! ```
//!
//! A photograph is known by its path below the benchmark's photographs ([`Image::name`]): the file of
//! `JPEGImages/horse/2008_000219.jpg` is `horse/2008_000219.jpg.safetensors` in the folder of features.
//! The SHA-256 is that of the photograph's file. `docs/features.md` tells the same to those who write
//! such files.
//!
//! [`Image::name`]: crate::benchmark::Image::name

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod folder;
mod format;
mod header;

pub use folder::{Features, Standing, check_names, file_of, locate};
pub use format::{FeaturesFile, open, write};

use crate::hyperpixel::Geometry;
pub use crate::hyperpixel::Precision;
use crate::json::{maybe_whole, whole, wholes};

/// The key of the metadata.
pub const METADATA: &str = "hpflow-features";

/// The version of the format that this hpflow writes. It reads version 1 too, but for what hpflow's
/// own backbones wrote in it.
pub const VERSION: u64 = 2;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeaturesHeader {
    /// Version of the format.
    #[serde(deserialize_with = "whole")]
    pub version: u64,
    /// The number of the arithmetic ([`crate::ARITHMETIC`]) of maps that hpflow made itself.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "maybe_whole")]
    pub arithmetic: Option<u64>,
    /// The benchmark that the photograph is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// The photograph: its path below the benchmark's photographs, with `/`. In version 1 the name of
    /// its folder, `/`, and its own name.
    pub photograph: String,
    /// SHA-256 of the photograph's file, hexadecimal. Version 1 has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Width and height of the photograph in original pixels.
    #[serde(deserialize_with = "wholes")]
    pub original_size: [u32; 2],
    /// Width and height of the photograph, without padding, in the pixels that the network saw, which
    /// jump, receptive field and offsets are counted in.
    #[serde(deserialize_with = "wholes")]
    pub resized_size: [u32; 2],
    /// Resized over original pixels: keypoints are multiplied by it. By default that of each axis, in
    /// f32; in version 1 that of the longer sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Ratio>,
    /// Where the photograph's first pixel is in the pixels that the network saw, x and y: how much
    /// padding is before it. By default 0, as always in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<[f32; 2]>,
    /// What all files of a folder have in common.
    pub description: Description,
}

/// Resized over original pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected one number, or one for each of x and y")]
pub enum Ratio {
    /// Along both axes.
    Both(f32),
    /// Along x and along y: a warped photograph.
    Each([f32; 2]),
}

/// What decides the numbers; the same in every file of a folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The network's name, for the header of a predictions file.
    pub backbone: String,
    /// The long side that photographs were shrunk to, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "maybe_whole")]
    pub image_side: Option<u32>,
    /// How numbers are stored.
    #[serde(default)]
    pub precision: Precision,
    /// The layers, ids ascending.
    pub layers: Vec<Layer>,
    /// Whatever else decides the numbers: weights with their SHA-256, device, …
    #[serde(default)]
    pub made_with: Map<String, Value>,
}

/// A layer of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// The number that `--layers` knows it by.
    #[serde(deserialize_with = "whole")]
    pub id: usize,
    /// The name of its tensor.
    pub name: String,
    /// Pixels between neighbouring cells; maps of equal stride have equal sizes.
    #[serde(deserialize_with = "whole")]
    pub stride: usize,
    /// Number of channels.
    #[serde(deserialize_with = "whole")]
    pub channels: usize,
    /// Resized pixels between the centres of neighbouring cells. A layer without cannot be a base.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "maybe_whole")]
    pub jump: Option<u32>,
    /// Side of the receptive field in resized pixels. A layer without cannot be a base.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "maybe_whole")]
    pub receptive_field: Option<u32>,
    /// Centre of the first cell in resized pixels, along both axes.
    #[serde(default)]
    pub offset: f32,
}

/// Why features could not be kept or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeaturesError {
    /// No file of a photograph.
    #[error(
        "{}: there are no features of {photograph} in this folder; write them with \
         `hpflow features`, or give the folder that has them",
        file.display()
    )]
    Missing {
        /// The file that is missing.
        file: PathBuf,
        /// The photograph.
        photograph: String,
    },
    /// A file that cannot be read.
    #[error(
        "{}: cannot be read: {source}; write it again with `hpflow features`, or give the folder that \
         has it",
        file.display()
    )]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of another length than its header says.
    #[error(
        "{}: is truncated or damaged: {found} bytes, expected {expected}; write it again",
        file.display()
    )]
    Length {
        /// The file.
        file: PathBuf,
        /// Its length.
        found: u64,
        /// What its header says, or the shortest that a file can have.
        expected: u64,
    },
    /// Something else than features.
    #[error(
        "{}: {what}; expected a safetensors file with the metadata `{METADATA}`, see \
         docs/features.md",
        file.display()
    )]
    NotFeatures {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Metadata with a field that is not what it should be.
    #[error("{}: in its metadata `{METADATA}`, {what}; see docs/features.md", file.display())]
    Metadata {
        /// The file.
        file: PathBuf,
        /// The field, what was found and what is expected.
        what: String,
    },
    /// A tensor that is not what the metadata says.
    #[error("{}: tensor `{tensor}` {found}; expected {expected}", file.display())]
    Tensor {
        /// The file.
        file: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A file of another photograph, benchmark or network than expected.
    #[error(
        "{}: its {field} is {found}, expected {expected}; it is of another run, benchmark or network: \
         write the features again, or give another folder",
        file.display()
    )]
    Other {
        /// The file.
        file: PathBuf,
        /// The field that differs.
        field: String,
        /// What the file says.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// What an earlier hpflow's own backbone wrote.
    #[error(
        "{}: was written by the {backbone} of an earlier hpflow, which resized some photographs \
         differently from the published code and did not store their SHA-256; remove it and write it \
         again with `hpflow features`",
        file.display()
    )]
    Outdated {
        /// The file.
        file: PathBuf,
        /// The backbone.
        backbone: String,
    },
    /// Maps of a photograph that has other bytes now.
    #[error(
        "{}: its maps are of another version of {} (SHA-256 {found}, expected {expected}); \
         write them again (`hpflow features` does so for photographs that changed), or put the \
         photograph back",
        file.display(), photograph.display()
    )]
    OtherContent {
        /// The file.
        file: PathBuf,
        /// The photograph.
        photograph: PathBuf,
        /// The SHA-256 that the file says.
        found: String,
        /// That of the photograph.
        expected: String,
    },
    /// A photograph that is there and cannot be read.
    #[error(
        "{}: cannot be read, to compare it with its features: {source}; check its permissions",
        photograph.display()
    )]
    Photograph {
        /// The photograph.
        photograph: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Two photographs whose features would be in one place.
    #[error(
        "the features of {first} and of {second} would be in the same file; rename one of the two \
         photographs"
    )]
    Collision {
        /// A photograph.
        first: String,
        /// Another.
        second: String,
    },
    /// A file of version 1 that may be of either of two photographs.
    #[error(
        "{}: version 1 does not say whether it is of {first} or of {second}; write both in version 2, \
         see docs/features.md",
        file.display()
    )]
    Ambiguous {
        /// The file.
        file: PathBuf,
        /// A photograph.
        first: String,
        /// Another.
        second: String,
    },
    /// Several files that may be of a photograph, none with its content.
    #[error(
        "both {} and {} may be the features of {}, and neither has its content; remove the one that \
         is not",
        files[0].display(), files[1].display(), photograph.display()
    )]
    Undecided {
        /// Two of the files.
        files: [PathBuf; 2],
        /// The photograph.
        photograph: PathBuf,
    },
    /// A layer that the files do not have.
    #[error(
        "the features in {} have no layer {layer}; they have {known}",
        folder.display()
    )]
    NoLayer {
        /// The folder of features.
        folder: PathBuf,
        /// The layer asked for.
        layer: usize,
        /// Those that there are.
        known: String,
    },
    /// A base layer whose geometry nobody gave.
    #[error(
        "layer {layer} of the features in {} cannot be the base of a layer set: its metadata give \
         no jump and receptive field; put a layer first that has them",
        folder.display()
    )]
    NoGeometry {
        /// The folder of features.
        folder: PathBuf,
        /// The layer.
        layer: usize,
    },
    /// A number beyond half precision.
    #[error(
        "{photograph}: layer {layer} reaches {value}, beyond half precision's 65504; keep its \
         features with option `precision` = `f32`"
    )]
    TooLarge {
        /// The photograph.
        photograph: String,
        /// The layer.
        layer: usize,
        /// The number.
        value: f32,
    },
    /// A file that cannot be written.
    #[error("{}: cannot be written: {reason}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl FeaturesHeader {
    /// Resized over original pixels along x and y.
    #[must_use]
    pub fn ratio(&self) -> [f32; 2] {
        let (original, resized) = (self.original_size, self.resized_size);
        let longer = |size: [u32; 2]| size[0].max(size[1]) as f32;
        match self.ratio {
            Some(Ratio::Both(ratio)) => [ratio; 2],
            Some(Ratio::Each(ratios)) => ratios,
            None if self.version == 1 => [longer(resized) / longer(original); 2],
            None => [0, 1].map(|axis| resized[axis] as f32 / original[axis] as f32),
        }
    }

    /// Where the photograph's first pixel is in the pixels that the network saw, x and y.
    #[must_use]
    pub fn offset(&self) -> [f32; 2] {
        self.offset.unwrap_or_default()
    }

    /// A base layer's geometry (see [`Features::geometry`]) in this photograph.
    #[must_use]
    pub fn geometry(&self, of_layer: Geometry) -> Geometry {
        of_layer.from_pixel(self.offset())
    }
}

#[cfg(test)]
mod tests;
