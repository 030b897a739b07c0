//! Networks as tables: layers, and parameters with their names and shapes. Nothing here runs.

mod heads;
mod parameter;
mod residual;
mod trunk;
mod vgg;

pub use heads::{CONSENSUS, GeometricModel, attention, consensus, regression};
pub use parameter::{Parameter, Shapes};
pub use residual::{ARCHITECTURES, Architecture, BottleneckBlock, geometry};
pub use trunk::{PREFIX, STRIDE, TrunkKind};
pub use vgg::{VGG_LAYERS, VggLayer};
