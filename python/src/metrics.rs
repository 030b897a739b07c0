//! PCK of batches.

use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{PyReadonlyArray2, PyReadonlyArray3, PyUntypedArrayMethods as _};
use pyo3::prelude::*;

use hpflow::Point;
use hpflow::low_level::score::{Alpha, Average, RunningPck};

use crate::errors::Failure;

/// Sums of pairs.
#[pyclass(frozen, module = "hpflow._hpflow")]
pub struct Pck {
    of: Mutex<RunningPck>,
    #[pyo3(get)]
    needs_category: bool,
}

impl Pck {
    fn lock(&self) -> MutexGuard<'_, RunningPck> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::Usage(error.to_string())
}

#[pymethods]
impl Pck {
    #[new]
    fn new(alpha: &str, average: &str) -> PyResult<Self> {
        let alpha: Alpha = alpha.parse().map_err(usage)?;
        let mean = match average {
            "image" => Average::Pair,
            "point" => Average::Point,
            "category" => Average::CategoryOfPairs,
            _ => {
                let known = "\"image\", \"point\" or \"category\"";
                return Err(usage(format!("average is {average:?}; expected {known}")).into());
            }
        };
        let of = Mutex::new(RunningPck::new(alpha, mean).map_err(usage)?);
        Ok(Self { of, needs_category: mean == Average::CategoryOfPairs })
    }

    /// Counts a batch, or nothing of it where something is wrong with it.
    fn update(
        &self,
        predicted: PyReadonlyArray3<f32>,
        truth: PyReadonlyArray3<f32>,
        mask: PyReadonlyArray2<bool>,
        thresholds: Vec<f64>,
        categories: Vec<String>,
    ) -> PyResult<()> {
        let keypoints = mask.shape()[1];
        let (predicted, _) = predicted.as_slice()?.as_chunks::<2>();
        let (truth, _) = truth.as_slice()?.as_chunks::<2>();
        let mask = mask.as_slice()?;
        let mut of = self.lock();
        let mut counted = of.clone();
        for (pair, (threshold, category)) in thresholds.into_iter().zip(categories).enumerate() {
            let there = (pair * keypoints..(pair + 1) * keypoints).filter(|&at| mask[at]);
            let (found, true_points): (Vec<Option<Point>>, Vec<Point>) =
                there.map(|at| (Some(predicted[at]), truth[at])).unzip();
            counted
                .update(&category, &found, &true_points, threshold)
                .map_err(|error| usage(format!("pair {pair} of the batch: {error}")))?;
        }
        *of = counted;
        Ok(())
    }

    fn compute(&self) -> f64 {
        self.lock().compute().unwrap_or(f64::NAN)
    }

    fn reset(&self) {
        self.lock().reset();
    }

    fn merge(&self, other: &Self) -> PyResult<()> {
        // One after the other: it may be the same.
        let other = other.lock().clone();
        Ok(self.lock().merge(&other).map_err(usage)?)
    }
}
