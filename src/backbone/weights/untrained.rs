//! The untrained recipe: weights that are the same everywhere and need no download, for tests,
//! throughput and a first try (docs/method.md, "The untrained recipe").

use std::collections::HashMap;

use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use super::identity::{Weights, WeightsIdentity};
use crate::backbone::networks::{Architecture, Parameter, TrunkKind};
use crate::digest::hexadecimal;

/// Running statistics of the untrained networks, averaged over photographs: without them the
/// activations would grow from block to block.
const STATISTICS: [(&str, &[u8]); 2] = [
    ("resnet50", include_bytes!("../../../weights/untrained-resnet50-bn.safetensors")),
    ("resnet101", include_bytes!("../../../weights/untrained-resnet101-bn.safetensors")),
];

/// The untrained weights of a network. Their SHA-256 is that of all parameters in the network's
/// order, as little-endian f32.
///
/// # Panics
/// If the statistics compiled into hpflow do not fit the network, which a test rules out.
#[must_use]
pub fn weights(architecture: &Architecture) -> Weights {
    let statistics = statistics(architecture.name);
    let mut hash = Sha256::new();
    let mut values = HashMap::new();
    for parameter in architecture.parameters() {
        let data = match statistics.get(&parameter.name) {
            Some(data) => data.clone(),
            None => learned(&parameter),
        };
        hash.update(bytemuck::cast_slice::<f32, u8>(&data));
        values.insert(parameter.name, data);
    }
    let identity = WeightsIdentity {
        source: "untrained".to_owned(),
        revision: None,
        sha256: hexadecimal(&hash.finalize()),
    };
    Weights { values, identity }
}

/// Parameters of a network without statistics, and the SHA-256 of them all in their order, as
/// little-endian f32. `prefix` goes before each name where the hash is taken, so that two networks of
/// one kind differ. Fully connected layers are uniform in ±√(6 / inputs).
#[must_use]
pub fn values(prefix: &str, parameters: &[Parameter]) -> (HashMap<String, Vec<f32>>, String) {
    let mut hash = Sha256::new();
    let mut values = HashMap::new();
    for Parameter { name, shape } in parameters {
        let data = learned(&Parameter { name: format!("{prefix}{name}"), shape: shape.clone() });
        hash.update(bytemuck::cast_slice::<f32, u8>(&data));
        values.insert(name.clone(), data);
    }
    (values, hexadecimal(&hash.finalize()))
}

impl TrunkKind {
    /// The parameters of the untrained recipe, and their SHA-256.
    #[must_use]
    pub fn untrained(self) -> (HashMap<String, Vec<f32>>, String) {
        match self.residual() {
            Some(architecture) => {
                let weights = weights(&architecture);
                (weights.values, weights.identity.sha256)
            }
            None => values("", &self.parameters()),
        }
    }
}

/// Convolutions and fully connected layers from the hash; batch normalisations that leave their input
/// alone.
fn learned(parameter: &Parameter) -> Vec<f32> {
    let count = parameter.shape.iter().product();
    let ends = |ending: &str| parameter.name.ends_with(ending);
    match *parameter.shape {
        [outputs, _, rows, columns] => {
            convolution(&parameter.name, outputs * rows * columns, count)
        }
        [_, inputs] => convolution(&parameter.name, inputs, count),
        _ if ends(".bias") || ends(".running_mean") => vec![0.0; count],
        _ => vec![1.0; count],
    }
}

/// Uniform in ±√(6 / fan_out).
fn convolution(name: &str, fan_out: usize, count: usize) -> Vec<f32> {
    uniform(name, (6.0 / fan_out as f32).sqrt(), count)
}

/// Uniform in ±bound, from a hash of the name and the position.
#[must_use]
pub fn uniform(name: &str, bound: f32, count: usize) -> Vec<f32> {
    let seed = fnv1a64(name.as_bytes());
    (0..count as u64)
        .map(|position| {
            let random = splitmix64(seed.wrapping_add(position)) >> 40;
            let uniform = random as f32 / (1u32 << 24) as f32;
            (2.0 * uniform - 1.0) * bound
        })
        .collect()
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
fn fnv1a64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// One output of splitmix64 (Steele, Lea, Flood 2014) from the state `state`.
fn splitmix64(state: u64) -> u64 {
    let mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn statistics(backbone: &str) -> HashMap<String, Vec<f32>> {
    let (_, bytes) = STATISTICS
        .iter()
        .find(|(name, _)| *name == backbone)
        .expect("every architecture has statistics; a test sees to it");
    let file = SafeTensors::deserialize(bytes).expect("compiled in and read by a test");
    file.iter()
        .map(|(name, view)| {
            let values = view.data().chunks_exact(4);
            let values =
                values.map(|value| f32::from_le_bytes([value[0], value[1], value[2], value[3]]));
            (name.to_owned(), values.collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::networks::ARCHITECTURES;

    /// The first values of the recipe (docs/method.md, "The untrained recipe"), in f32.
    #[test]
    fn the_first_values_are_the_recipes() {
        let first = |name, fan_out| convolution(name, fan_out, 3);
        let near = |found: &[f32], expected: [f32; 3]| {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
            }
        };
        near(&first("conv1.weight", 64 * 7 * 7), [0.003_943_235_6, -0.037_195_962, 0.040_243_268]);
        near(
            &first("layer3.2.conv2.weight", 256 * 3 * 3),
            [-0.008_417_504, -0.025_730_822, 0.048_799_165],
        );
    }

    #[test]
    fn every_network_gets_every_parameter_at_its_length() {
        for architecture in ARCHITECTURES {
            let weights = weights(&architecture);
            for parameter in architecture.parameters() {
                let expected: usize = parameter.shape.iter().product();
                assert_eq!(weights.values[&parameter.name].len(), expected, "{}", parameter.name);
            }
            let variance = &weights.values["layer4.2.bn3.running_var"];
            assert!(variance.iter().all(|&value| value > 0.0 && value != 1.0), "from the file");
        }
    }
}
