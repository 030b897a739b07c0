//! What networks in libtorch share: the device, convolutions, feature maps and errors.

use tch::{TchError, Tensor};

use crate::backbone::{BackboneError, Device};
use crate::hyperpixel::FeatureMap;

/// libtorch's name for the device.
pub(super) fn device(device: Device) -> Result<tch::Device, BackboneError> {
    match device {
        Device::Auto => Ok(tch::Device::cuda_if_available()),
        Device::Cpu => Ok(tch::Device::Cpu),
        Device::Cuda if tch::Cuda::is_available() => Ok(tch::Device::Cuda(0)),
        Device::Cuda => Err(BackboneError::NoCuda),
    }
}

/// The device's name in predictions files.
pub(super) fn device_name(device: tch::Device) -> &'static str {
    match device {
        tch::Device::Cpu => "cpu",
        _ => "cuda",
    }
}

/// A convolution that gives the same bits every time.
pub(super) fn convolve(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: i64,
    padding: i64,
) -> Result<Tensor, TchError> {
    // In order: not transposed, no output padding, one group; then no search for the fastest
    // algorithm, deterministic ones only, cuDNN where there is one, no TF32.
    input.f_internal_convolution(
        weight,
        bias,
        [stride; 2],
        [padding; 2],
        [1, 1],
        false,
        [0, 0],
        1,
        false,
        true,
        true,
        false,
    )
}

/// A 1 × C × H × W tensor as a feature map.
pub(super) fn feature_map(
    map: &Tensor,
    layer: usize,
    stride: usize,
) -> Result<FeatureMap, TchError> {
    let (_, channels, rows, columns) = map.size4()?;
    let map = map.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
    let mut data = vec![0.0f32; map.numel()];
    map.f_copy_data(&mut data, map.numel())?;
    let [channels, rows, columns] = [channels, rows, columns].map(|side| side as usize);
    Ok(FeatureMap { layer, stride, channels, rows, columns, data })
}

/// An error of libtorch's, without the stack trace.
pub(super) fn failed(name: &str, error: &TchError) -> BackboneError {
    let text = error.to_string();
    let reason = text.lines().next().unwrap_or_default().to_owned();
    BackboneError::Torch { name: name.to_owned(), reason }
}
