//! Hyperpixel Flow (Min et al., ICCV 2019).

mod builder;
mod extract;
mod open;
mod options;
mod own;
mod pipeline;

pub use builder::HpfBuilder;
pub use extract::{IMAGE_SIDE, decode};
pub use open::published_layers;
pub use options::{BackboneKind, HpfFeatures, HpfOptions, INFO};
pub use own::{GivenMaps, MapsError, MapsMethod, PhotographMaps};
pub use pipeline::Hpf;
