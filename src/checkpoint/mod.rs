//! PyTorch's checkpoints become safetensors files, without running anything that they ask for.
//!
//! `torch.save` has two formats: the stream of pickles of PyTorch 0.1 to 1.5 (`stream`), which
//! files called `.pth.tar` usually are, and the zip archive of later ones (`archive`). In both a
//! pickle describes the object, and tensors are views of storages outside of it. What the pickle
//! describes is read as plain data (`crate::pickle`); numbers go from file to file, one tensor at a
//! time.
//!
//! The file written has the tensors of the state dictionary under their own names, C-contiguous and
//! of their own type, and these metadata:
//!
//! | key | value |
//! | --- | --- |
//! | `format` | `pt` |
//! | `source`, `source_sha256` | the checkpoint's file name and SHA-256 |
//! | `checkpoint.NAME` | the entry NAME beside the state dictionary, as JSON: `checkpoint.epoch` |
//! | `checkpoint.NAME.KEY` | the same of an entry that is a namespace or a dictionary: NC-Net's `checkpoint.args.ncons_channels` is `[16,16,1]`, `checkpoint.args.ncons_kernel_sizes` is `[5,5,5]` |
//!
//! Numbers that JSON does not have are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`.

mod archive;
mod blocks;
mod convert;
mod converted;
mod error;
mod input;
mod part;
mod pickled;
mod state;
mod stream;
mod values;
mod write;

pub use convert::convert;
pub use converted::{CheckpointFormat, ConvertOptions, Converted, ENTRY};
pub use error::CheckpointError;
