//! Known weights: short names for repositories on the Hugging Face hub (`weights/manifest.json`).

use serde::Deserialize;

/// Weights that hpflow knows by a short name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ManifestEntry {
    /// The short name.
    pub name: String,
    /// The network they are for.
    pub backbone: String,
    /// Owner and name on the hub.
    pub repository: String,
    /// The file in the repository.
    pub file: String,
    /// What they are, in a sentence.
    pub about: String,
}

/// All known weights.
///
/// # Panics
/// Never: the manifest is compiled in, and a test reads it.
#[must_use]
pub fn known() -> Vec<ManifestEntry> {
    serde_json::from_str(include_str!("../../../weights/manifest.json"))
        .expect("compiled in and read by a test")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::networks::ARCHITECTURES;

    #[test]
    fn every_network_has_known_weights() {
        for architecture in ARCHITECTURES {
            assert!(known().iter().any(|known| known.name == architecture.name));
        }
        for known in known() {
            assert!(ARCHITECTURES.iter().any(|network| network.name == known.backbone));
        }
    }
}
