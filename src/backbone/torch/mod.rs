//! Networks in libtorch.

mod residual;
mod resnet;
mod side_by_side;
mod tensors;
mod trunk;
mod vgg;

pub(super) use resnet::ResNet;
pub(super) use trunk::TorchTrunk;
