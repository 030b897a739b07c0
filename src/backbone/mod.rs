//! Backbones: from a prepared photograph to feature maps at their native resolutions.

mod contract;
mod error;
pub mod hog;
pub mod networks;
mod open;
#[cfg(feature = "torch")]
mod torch;
pub mod trunk;
pub mod weights;

pub use crate::hyperpixel::FeatureMap;
pub use contract::{Backbone, BackboneOptions, Device};
pub use error::{BackboneError, NAMES};
pub use open::{open, open_trunk};
pub use weights::{WeightsError, WeightsSource};
