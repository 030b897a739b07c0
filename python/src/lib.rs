//! The Python package: the command, matching, benchmarks, predictions files and scores for NumPy.
//!
//! Public signatures and documentation are in the Python files (`hpflow/`), which are thin; this module
//! is theirs alone.

#![deny(clippy::print_stdout, clippy::print_stderr)]
#![allow(missing_docs, reason = "what Python's names do is said where users see them")]

use pyo3::prelude::*;

mod arrays;
mod benchmark;
#[path = "../../src/cli/mod.rs"]
mod cli;
mod command;
mod errors;
mod matching;
mod metrics;
mod pool;
mod predict;
mod predictions;
mod report;
mod score;

#[pymodule]
mod _hpflow {
    #[pymodule_export]
    use crate::benchmark::{Benchmark, benchmarks};
    #[pymodule_export]
    use crate::command::main;
    #[pymodule_export]
    use crate::matching::{Hyperimage, Matcher, devices, why_no_device};
    #[pymodule_export]
    use crate::metrics::Pck;
    #[pymodule_export]
    use crate::pool::{panic, set_threads, wait};
    #[pymodule_export]
    use crate::predict::{predict_maps, predict_pairs, read_image};
    #[pymodule_export]
    use crate::predictions::{header, read_predictions, write_predictions};
    #[pymodule_export]
    use crate::report::{report, show};
    #[pymodule_export]
    use crate::score::{Scores, protocols, score};

    #[pymodule_export]
    const VERSION: &str = hpflow::low_level::build::VERSION;
}
