//! Looks a benchmark's files over: what is missing, damaged or contradictory, and what differs from
//! the published counts.

mod diagnosis;
mod pf_willow;
mod plain;
mod spair;

use std::path::Path;

use super::info::FileCheck;
use super::{BenchmarkError, BenchmarkKind};

pub use diagnosis::{Ailment, CheckProgress, CheckScope, CheckedSplit, Diagnosis, Finding};

/// Looks over the benchmark in `root`. What is wrong with its files is in the diagnosis, in the
/// same order on every run.
///
/// # Errors
/// The folder is not the benchmark's, or has no such split.
pub fn examine(
    kind: BenchmarkKind,
    root: &Path,
    examination: &CheckScope,
    progress: &CheckProgress,
) -> Result<Diagnosis, BenchmarkError> {
    kind.folder(root)?; // says what the folder is instead
    let mut diagnosis = match kind.info().reader.check {
        FileCheck::WithImageAnnotations => spair::examine(root, examination, progress),
        FileCheck::BySubClass => pf_willow::examine(root, examination, progress),
        FileCheck::ByReading => plain::examine(kind, root, examination, progress),
    }?;
    // Where there is nothing to check, nothing is right.
    if !diagnosis.findings.iter().any(|finding| finding.ailment.is_problem()) {
        let empty = diagnosis.splits.iter().filter(|split| split.counts.pairs == 0);
        let empty: Vec<Finding> = empty
            .map(|split| {
                let (root, split) = (root.to_owned(), split.name.clone());
                let what = BenchmarkError::NoPairs { root, split }.to_string();
                Finding { ailment: Ailment::BrokenAnnotation, what }
            })
            .collect();
        diagnosis.findings.extend(empty);
    }
    diagnosis.findings.sort_by_key(|finding| finding.ailment); // stable
    Ok(diagnosis)
}
