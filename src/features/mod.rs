//! Feature maps kept on the disk: one safetensors file a photograph, written by `hpflow features` or
//! by anyone's own network, so that another layer set or engine costs no backbone pass.
//!
//! A file holds a tensor a layer, channels × rows × columns, in f32 or f16, and one entry of
//! metadata, [`METADATA`], whose value is JSON (a [`Header`]):
//!
//! ```json
//! {"version":1,"benchmark":"spair","photograph":"horse/2008_000219.jpg",
//!  "original_size":[500,375],"resized_size":[300,225],"ratio":0.6,
//!  "description":{"backbone":"resnet50","image_side":300,"precision":"f32",
//!    "layers":[{"id":0,"name":"layer0","stride":4,"channels":64,
//!               "jump":4,"receptive_field":11,"offset":0.0}],
//!    "made_with":{"weights":{"source":"…","sha256":"…"}}}}
//! ```
//!
//! The file of `…/horse/2008_000219.jpg` is `horse/2008_000219.jpg.safetensors` in the folder of
//! features. `docs/features.md` tells the same to those who write such files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod folder;
mod format;

pub use folder::{Features, file_of, photograph_name};
pub use format::{Kept, open, write};

pub use crate::hyperpixel::Precision;

/// The key of the metadata.
pub const METADATA: &str = "hpflow-features";

/// The version of the format that this hpflow reads and writes.
pub const VERSION: u64 = 1;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format.
    pub version: u64,
    /// The benchmark that the photograph is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// The photograph: the name of its folder, `/`, and its own name.
    pub photograph: String,
    /// Width and height of the photograph in original pixels.
    pub original_size: [u32; 2],
    /// Width and height in the pixels that jump, receptive field and offset are counted in.
    pub resized_size: [u32; 2],
    /// Resized over original pixels: keypoints are multiplied by it. By default the ratio of the
    /// longer sides, in f32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f32>,
    /// What all files of a folder have in common.
    pub description: Description,
}

/// What decides the numbers; the same in every file of a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The network's name, for the header of a predictions file.
    pub backbone: String,
    /// The long side that photographs were shrunk to, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    pub id: usize,
    /// The name of its tensor.
    pub name: String,
    /// Pixels between neighbouring cells; maps of equal stride have equal sizes.
    pub stride: usize,
    /// Number of channels.
    pub channels: usize,
    /// Resized pixels between the centres of neighbouring cells. A layer without cannot be a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<u32>,
    /// Side of the receptive field in resized pixels. A layer without cannot be a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
        "{}: its {field} is {found}, expected {expected}; are these the features of another run, \
         benchmark or network? Write them anew, or give another folder",
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
         features with --precision f32"
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

impl Header {
    /// Resized over original pixels.
    #[must_use]
    pub fn ratio(&self) -> f32 {
        let longer = |size: [u32; 2]| size[0].max(size[1]) as f32;
        self.ratio.unwrap_or_else(|| longer(self.resized_size) / longer(self.original_size))
    }
}
