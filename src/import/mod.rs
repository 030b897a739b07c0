//! Predictions of other programs become predictions of this one: CSV, NumPy `.npz`, the
//! `result.pkl` of GeoAware-SC's evaluation, and folders of flows.
//!
//! Everything is checked against the benchmark: pairs and keypoints that it does not have are
//! refused, keypoints without a prediction are kept as such, and pairs that the file lacks stay
//! lacking. No input is run, and none is read beyond the limits that the readers name.

mod error;
mod flows;
mod found;
mod geoaware;
mod npz;
mod read;
mod table;
#[cfg(test)]
mod tests;

pub use crate::numpy::{Array, ArrayError};
pub use crate::pickle::PickleError;
pub use error::ImportError;
pub use read::{ImportKind, read};
