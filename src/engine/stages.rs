//! How long an engine was busy with each of its stages.

/// Time spent in each stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageTimes {
    /// Stage and milliseconds, in order of execution.
    pub milliseconds: Vec<(&'static str, f64)>,
    /// How many pairs the times are of.
    pub pairs: usize,
}

impl StageTimes {
    /// The times of stages that were measured in seconds.
    pub(super) fn of_seconds(stages: &[&'static str], seconds: &[f64], pairs: usize) -> Self {
        let milliseconds = seconds.iter().map(|seconds| seconds * 1e3);
        Self { milliseconds: stages.iter().copied().zip(milliseconds).collect(), pairs }
    }
}
