//! The `hpflow` command.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;

use crate::cli;
use crate::errors::Failure;

/// What helps where libtorch is needed, said after the sentence that says so.
const WITHOUT_TORCH: &str = ", or give --features the maps of your own PyTorch: this is the hpflow of \
                             pip, which comes without libtorch";

/// Runs a command line, the program's name first, and gives its exit code.
#[pyfunction]
pub fn main(py: Python, arguments: Vec<OsString>) -> PyResult<u8> {
    let run = || catch_unwind(AssertUnwindSafe(|| cli::run(arguments, WITHOUT_TORCH)));
    Ok(py.detach(run).map_err(|panic| Failure::of_panic(&*panic))?)
}
