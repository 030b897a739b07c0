//! Weights of the networks: from a safetensors file, from the Hugging Face hub, or made by the untrained
//! recipe; always checked against the network and identified by their SHA-256.

pub mod baselines;
mod error;
mod file;
mod fit;
pub mod hub;
mod identify;
mod identity;
mod load;
pub mod manifest;
mod source;
pub mod untrained;
mod weights_file;

pub use super::networks::Shapes;
pub use error::{Names, WeightsError};
pub use file::sha256;
pub(crate) use file::{open, read, unusable};
pub use hub::HubFile;
pub use identify::{is_plain, looks_like, prefixed, prefixes};
pub(crate) use identify::{meaning, with_meaning};
pub use identity::{Weights, WeightsIdentity};
pub(crate) use load::check_names;
pub use load::{check, load, load_baseline, network_of, prefixes_beside, remedy};
pub use source::WeightsSource;
pub use weights_file::WeightsFile;
