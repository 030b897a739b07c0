//! Layer sets, grid geometry and hyperimages (HPF, section 3.1).

pub mod geometry;
pub mod group;
pub mod hyperimage;
pub mod layers;
pub mod map;
mod norms;
pub mod stack;
pub(crate) mod synthetic;
pub mod upsample;
pub mod values;

pub use geometry::{Geometry, Grid};
pub use group::Group;
pub use hyperimage::Hyperimage;
pub use layers::LayerSet;
pub use map::FeatureMap;
pub use stack::{LayerStack, View};
pub use values::{Precision, Values};
