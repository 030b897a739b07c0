//! Weights and their identity.

use std::collections::HashMap;

/// The weights of one network.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Every parameter of the network by its name in torchvision's files, row-major.
    pub values: HashMap<String, Vec<f32>>,
    /// Which weights these are.
    pub identity: WeightsIdentity,
}

/// Which weights were used, for the header of a predictions file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightsIdentity {
    /// `untrained`, the file's name, or the repository on the hub.
    pub source: String,
    /// The commit of the repository on the hub.
    pub revision: Option<String>,
    /// SHA-256 of the file (untrained: of the parameters), hexadecimal.
    pub sha256: String,
}
