//! Whether tensor cores are used.

/// Whether an engine in half precision uses tensor cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TensorCores {
    /// It does.
    Taken,
    /// The adapter has none that can be used, or the engine is in single precision.
    Absent,
    /// It does not though there are some: why.
    Refused(String),
}
