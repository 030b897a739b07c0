//! Errors as the command says them.

use hpflow::low_level::benchmark::BenchmarkError;
use hpflow::low_level::engine::{EngineError, GpuError};

/// Wrong usage: the sentence is printed and the exit code is 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Something that only a build with libtorch has.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct WithoutTorch {
    /// What is lacking and what to do.
    pub sentence: String,
    /// Whether it is wrong usage.
    pub is_usage: bool,
}

/// An error and its causes, each once: many name what the system said already, or what a parser of
/// JSON did, in other words.
pub fn sentence(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        let cause = match cause.downcast_ref::<serde_json::Error>() {
            Some(error) => hpflow::low_level::text::fault(error),
            None => cause.to_string(),
        };
        match said.as_str() {
            "" => cause,
            so_far if so_far.contains(&cause) => said,
            _ => format!("{said}: {cause}"),
        }
    })
}

/// What helps in this program where libtorch is missing, behind a separator: a package that compiles these
/// files sets the variable in its build script.
const WITHOUT_TORCH: Option<&str> = option_env!("HPFLOW_WITHOUT_TORCH");

/// What helps, where the library's sentence does not name it: an option, or what stands for libtorch.
pub fn remedy(error: &anyhow::Error) -> &'static str {
    use hpflow::low_level::method::MethodError;
    use hpflow::task::StopReason;
    if error.is::<WithoutTorch>()
        || matches!(error.downcast_ref::<EngineError>(), Some(EngineError::WithoutTorch))
    {
        return WITHOUT_TORCH.unwrap_or_default();
    }
    let engine = error.chain().find_map(|cause| {
        let stop = cause.downcast_ref::<StopReason>().and_then(|stop| match stop {
            StopReason::Method(MethodError::Engine(engine)) => Some(engine),
            _ => None,
        });
        let method = cause.downcast_ref::<MethodError>().and_then(|method| match method {
            MethodError::Engine(engine) => Some(engine),
            _ => None,
        });
        stop.or(method).or_else(|| cause.downcast_ref::<EngineError>())
    });
    match engine {
        Some(EngineError::Gpu(GpuError::OutOfMemory { .. })) => {
            ", or give it fewer MiB for photographs with --gpu-memory"
        }
        _ => "",
    }
}

/// Whether an error is wrong usage.
pub fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<Usage>()
        || error.downcast_ref::<WithoutTorch>().is_some_and(|error| error.is_usage)
        || error.downcast_ref::<BenchmarkError>().is_some_and(BenchmarkError::is_usage)
        || matches!(
            error.downcast_ref::<EngineError>(),
            Some(EngineError::Gpu(GpuError::UnknownAdapter { .. }) | EngineError::WithoutTorch)
        )
}
