//! NumPy's arrays to what the library takes, and back. Shapes and types were checked in Python
//! (`_arrays.py`), where they can be named.

use numpy::{
    PyArray1, PyArray2, PyArray3, PyArrayMethods as _, PyReadonlyArray2, PyReadonlyArray3,
    PyUntypedArrayMethods as _,
};
use pyo3::prelude::*;

use hpflow::low_level::backbone::FeatureMap;
use hpflow::low_level::flow::Flow;
use hpflow::{Point, PredictedKeypoints};

use crate::errors::Failure;

/// A feature map, copied.
///
/// # Errors
/// An array that is not contiguous: a bug in the package.
pub fn feature_map(
    layer: usize,
    stride: usize,
    map: &PyReadonlyArray3<f32>,
) -> PyResult<FeatureMap> {
    let &[channels, rows, columns] = map.shape() else { unreachable!("it has three axes") };
    Ok(FeatureMap { layer, stride, channels, rows, columns, data: map.as_slice()?.to_vec() })
}

/// Points (N, 2), copied.
///
/// # Errors
/// Another shape, or an array that is not contiguous.
pub fn points(array: &PyReadonlyArray2<f32>) -> PyResult<Vec<Point>> {
    if array.shape()[1] != 2 {
        let found = array.shape().to_vec();
        return Err(Failure::Usage(format!("points of shape {found:?}; expected (N, 2)")).into());
    }
    Ok(array.as_slice()?.as_chunks::<2>().0.to_vec())
}

/// Predicted points as (N, 2), NaN where there is none.
///
/// # Errors
/// NumPy's own.
pub fn predicted<'py>(
    py: Python<'py>,
    points: &PredictedKeypoints,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let flat = points.iter().flat_map(|point| point.unwrap_or([f32::NAN; 2])).collect();
    PyArray1::from_vec(py, flat).reshape([points.len(), 2])
}

/// A flow as (H, W, 2), NaN where there is none.
///
/// # Errors
/// NumPy's own.
pub fn flow<'py>(py: Python<'py>, flow: &Flow) -> PyResult<Bound<'py, PyArray3<f32>>> {
    let flat = flow.vectors.iter().flat_map(|vector| vector.unwrap_or([f32::NAN; 2])).collect();
    PyArray1::from_vec(py, flat).reshape([flow.height as usize, flow.width as usize, 2])
}
