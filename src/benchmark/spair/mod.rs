//! SPair-71k: its files, its pairs and how pairs follow from annotated images.

pub mod annotation;
mod images;
mod info;
pub mod pairs;
mod python_json;
mod read;
mod write;

pub use images::{ImageSelection, read_images};
pub(super) use images::{categories, files_of, image};
pub(super) use info::INFO;
pub use read::read_layout;
pub(super) use read::{check, folder, layout_path, layout_rows, read_pair};
pub use write::{WriteError, write_layout, write_pairs};
