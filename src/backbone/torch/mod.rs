//! Networks in libtorch.

mod residual;
mod resnet;
mod side_by_side;
mod tensors;
mod trunk;
mod vgg;

pub use resnet::ResNet;
pub use trunk::TorchTrunk;
