//! SPair-71k: its files, its pairs and how pairs follow from annotated images.

pub mod annotation;
mod images;
pub mod pairs;
mod python_json;
mod read;
mod write;

pub use images::{Selection, read_images};
pub(super) use images::{categories, files_of, image};
pub use read::read_layout;
pub(super) use read::{check, folder, layout_path, layout_rows, open, read_pair, splits};
pub use write::{WriteError, write_layout, write_pairs};
