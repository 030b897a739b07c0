//! What is raised in Python: the library's sentences as `hpflow.Error` and its kinds.

use std::any::Any;
use std::fmt::Display;

use pyo3::PyErr;

use hpflow::low_level::benchmark::BenchmarkError;
use hpflow::low_level::engine::{EngineError, GpuError};
use hpflow::task::ScoreFilesError;

mod python {
    use pyo3::import_exception;

    import_exception!(hpflow._errors, Error);
    import_exception!(hpflow._errors, UsageError);
    import_exception!(hpflow._errors, InternalError);
}

/// Why a call failed, before it is an exception.
#[derive(Debug)]
pub enum Failure {
    /// Something else should have been asked for.
    Usage(String),
    /// It cannot be done.
    Failed(String),
    /// A bug.
    Internal(String),
    /// Nobody waits for it any more.
    Cancelled,
}

/// What comes of a call.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// What a panic said.
    pub fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Internal(format!(
            "this is a bug in hpflow, please report it: {}",
            said.unwrap_or("it stopped without a word")
        ))
    }

    /// An error of the library that is no wrong usage.
    pub fn failed(error: impl Display) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Usage(what) => python::UsageError::new_err(what),
            Failure::Failed(what) => python::Error::new_err(what),
            Failure::Internal(what) => python::InternalError::new_err(what),
            Failure::Cancelled => python::Error::new_err("the work was stopped"),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let what = error.to_string();
        match error {
            EngineError::WithoutTorch
            | EngineError::DifferentLayers { .. }
            | EngineError::DifferentPrecision { .. }
            | EngineError::Gpu(GpuError::UnknownAdapter { .. }) => Self::Usage(what),
            _ => Self::Failed(what),
        }
    }
}

impl From<BenchmarkError> for Failure {
    fn from(error: BenchmarkError) -> Self {
        if error.is_usage() { Self::Usage(error.to_string()) } else { Self::failed(error) }
    }
}

impl From<ScoreFilesError> for Failure {
    fn from(error: ScoreFilesError) -> Self {
        if error.is_usage() { Self::Usage(error.to_string()) } else { Self::failed(error) }
    }
}
