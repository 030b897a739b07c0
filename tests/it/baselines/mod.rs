//! The learned baselines against golden values of their authors' code
//! (tests/fixtures/baselines/README.md).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::{Dtype, SafeTensors};

mod alignment;
mod files;
mod geometry;
#[cfg(feature = "torch")]
mod ncnet;
#[cfg(feature = "torch")]
mod whole;

/// Where the golden values are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/baselines")
}

/// All tensors of a file as f32.
pub fn fixture(name: &str) -> HashMap<String, Vec<f32>> {
    let bytes = std::fs::read(folder().join(format!("{name}.safetensors"))).expect("a fixture");
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    tensors
        .iter()
        .map(|(name, view)| {
            let data = view.data();
            let values = match view.dtype() {
                Dtype::F32 => {
                    data.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
                }
                Dtype::F16 => {
                    data.as_chunks().0.iter().map(|two| f16::from_le_bytes(*two).to_f32()).collect()
                }
                Dtype::I8 => data.iter().map(|&byte| f32::from(byte as i8)).collect(),
                Dtype::U8 => data.iter().map(|&byte| f32::from(byte)).collect(),
                other => panic!("{name} is of {other:?}"),
            };
            (name.to_owned(), values)
        })
        .collect()
}

/// Every value within `margin` of the golden one.
#[track_caller]
pub fn near(what: &str, found: &[f32], golden: &[f32], margin: f32) {
    assert_eq!(found.len(), golden.len(), "{what}: how many");
    let apart = found.iter().zip(golden).map(|(a, b)| (a - b).abs());
    let worst = apart.clone().fold(0.0, f32::max);
    assert!(apart.clone().all(|apart| apart <= margin), "{what} is {worst} off, {margin} allowed");
}

/// Points of a fixture: a row of x, a row of y.
pub fn points(values: &[f32]) -> Vec<[f32; 2]> {
    let (x, y) = values.split_at(values.len() / 2);
    x.iter().zip(y).map(|(&x, &y)| [x, y]).collect()
}

/// Points as a fixture has them.
pub fn rows(points: &[[f32; 2]]) -> Vec<f32> {
    [0, 1].map(|axis| points.iter().map(|point| point[axis]).collect::<Vec<f32>>()).concat()
}

/// The fixtures' recipe for large weights: bytes of a hash of the name, scaled by a power of two.
pub fn stream(name: &str, exponent: i32, count: usize) -> Vec<f32> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (1..=count as u64)
        .map(|index| {
            let z = seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            f32::from(((z ^ (z >> 31)) >> 56) as u8 as i8) * 2f32.powi(exponent)
        })
        .collect()
}

#[test]
fn the_recipe_of_large_weights_gives_its_test_values() {
    let golden = &fixture("geometry_units")["recipe/unit_test_name_first32_i8"];
    assert_eq!(stream("unit/test", 0, golden.len()), *golden);
}
