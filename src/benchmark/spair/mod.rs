//! SPair-71k: its files, its pairs and how pairs follow from annotated images.

pub mod annotation;
pub mod pairs;
mod python_json;
mod read;

pub(super) use read::open;
pub use read::read_layout;
