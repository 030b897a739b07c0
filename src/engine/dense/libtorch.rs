//! What both engines ask of libtorch: a device, threads, values, errors.

use tch::{TchError, Tensor};

use crate::backbone::Device;
use crate::engine::error::EngineError;

/// libtorch's name of a device.
///
/// # Errors
/// CUDA where there is none.
pub(super) fn open_device(device: Device) -> Result<tch::Device, EngineError> {
    match device {
        Device::Auto => Ok(tch::Device::cuda_if_available()),
        Device::Cpu => Ok(tch::Device::Cpu),
        Device::Cuda if tch::Cuda::is_available() => Ok(tch::Device::Cuda(0)),
        Device::Cuda => Err(EngineError::NoCuda),
    }
}

/// A device in words.
pub(super) fn adapter(device: tch::Device) -> String {
    match device {
        tch::Device::Cpu => "libtorch on the CPU".to_owned(),
        _ => "libtorch on CUDA".to_owned(),
    }
}

/// A tensor's values on the host, row-major.
pub(super) fn values<T: tch::kind::Element + Default + Clone>(
    tensor: &Tensor,
) -> Result<Vec<T>, TchError> {
    let tensor = tensor.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
    let mut values = vec![T::default(); tensor.numel()];
    let count = values.len();
    tensor.f_copy_data(&mut values, count)?;
    Ok(values)
}

/// libtorch's message without the trace of its calls.
pub(super) fn error(error: &TchError) -> EngineError {
    let text = error.to_string();
    EngineError::Torch { reason: text.lines().next().unwrap_or_default().to_owned() }
}

/// Sets the threads that libtorch takes on the CPU. It keeps their number by thread, and the backbone
/// sets it too, so this is called before each pair.
pub(super) fn set_threads(threads: usize) {
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
}
