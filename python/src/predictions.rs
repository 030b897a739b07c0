//! Predictions files.

use std::path::PathBuf;

use numpy::{PyArray1, PyArray2, PyArrayMethods as _, PyReadonlyArray2};
use pyo3::prelude::*;

use hpflow::{Header, MethodHeader, Prediction, Reader, Writer};

use crate::arrays;
use crate::errors::Failure;
use crate::pool::work;

/// The header as JSON, the pairs' ids, how many points each has, and all points.
type Read<'py> = (String, Vec<String>, Vec<usize>, Bound<'py, PyArray2<f32>>);

/// Reads a file.
#[pyfunction]
pub fn read_predictions(py: Python<'_>, path: PathBuf) -> PyResult<Read<'_>> {
    let (header, ids, counts, points) = work(py, move |waited| {
        let reader = Reader::open(&path).map_err(Failure::failed)?;
        let header = serde_json::to_string(reader.header()).map_err(Failure::failed)?;
        let (mut ids, mut counts, mut points) = (Vec::new(), Vec::new(), Vec::new());
        for prediction in reader {
            waited.check()?;
            let Prediction { pair, keypoints } = prediction.map_err(Failure::failed)?;
            ids.push(pair);
            counts.push(keypoints.len());
            points.extend(keypoints.iter().flat_map(|point| point.unwrap_or([f32::NAN; 2])));
        }
        Ok((header, ids, counts, points))
    })?;
    let all = points.len() / 2;
    Ok((header, ids, counts, PyArray1::from_vec(py, points).reshape([all, 2])?))
}

/// Writes a file, which gets its name when it is complete.
#[pyfunction]
pub fn write_predictions(
    py: Python,
    path: PathBuf,
    header: &str,
    ids: Vec<String>,
    counts: Vec<usize>,
    points: PyReadonlyArray2<f32>,
) -> PyResult<()> {
    let header: Header = serde_json::from_str(header)
        .map_err(|error| Failure::Usage(format!("the header of the predictions: {error}")))?;
    let points = arrays::points(&points)?;
    work(py, move |_| {
        let mut writer = Writer::create(&path, &header).map_err(Failure::failed)?;
        let mut rest = &points[..];
        for (pair, count) in ids.into_iter().zip(counts) {
            let (of_pair, others) = rest.split_at(count);
            rest = others;
            let given = |point: &[f32; 2]| point.iter().all(|side| side.is_finite());
            let keypoints = of_pair.iter().map(|point| given(point).then_some(*point)).collect();
            writer.write(&Prediction { pair, keypoints }).map_err(Failure::failed)?;
        }
        writer.finish().map_err(Failure::failed)
    })
}

/// The header, as JSON, of a file that this hpflow writes; `method` is JSON.
#[pyfunction]
pub fn header(benchmark: &str, split: &str, method: &str) -> PyResult<String> {
    let method: MethodHeader = serde_json::from_str(method)
        .map_err(|error| Failure::Usage(format!("method: {error}; expected named fields")))?;
    let header = Header::new(benchmark, split, method);
    Ok(serde_json::to_string(&header).map_err(Failure::failed)?)
}
