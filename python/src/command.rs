//! The `hpflow` command.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;

use crate::cli;
use crate::errors::Failure;

/// Runs a command line, the program's name first, and gives its exit code.
#[pyfunction]
pub fn main(py: Python, arguments: Vec<OsString>) -> PyResult<u8> {
    let run = || catch_unwind(AssertUnwindSafe(|| cli::run(arguments)));
    Ok(py.detach(run).map_err(|panic| Failure::of_panic(&*panic))?)
}
