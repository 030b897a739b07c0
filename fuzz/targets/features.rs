//! Files of features: what they say of themselves, and their tensors.
#![no_main]

mod shared;

use hpflow::testing::features::{METADATA, open};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// A tensor of two channels, three rows and two columns.
const SHAPE: [usize; 3] = [2, 3, 2];

fuzz_target!(|data: &[u8]| {
    // What begins like what a file says of itself is put into a file whose tensor is right.
    let bytes = match std::str::from_utf8(data) {
        Ok(header) if header.starts_with('{') => with_header(header),
        _ => data.to_vec(),
    };
    let Ok(mut kept) = open(&shared::file("input.safetensors", &bytes)) else { return };
    let header = kept.header().clone();
    let (ratio, offset) = (header.ratio(), header.offset());
    for axis in [0, 1] {
        let exact = f64::from(header.original_size[axis]) * f64::from(ratio[axis]);
        let resized = f64::from(header.resized_size[axis]);
        assert!((exact - resized).abs() <= 1.0 + 1e-6 * exact, "{header:?}");
        assert!(offset[axis].is_finite(), "{header:?}");
    }
    for layer in &header.description.layers {
        if let Ok(maps) = kept.maps(&[layer.id]) {
            let map = &maps[0];
            assert_eq!(map.channels, layer.channels);
            assert_eq!(map.data.len(), map.channels * map.rows * map.columns);
            assert!(map.data.iter().all(|value| value.is_finite()));
        }
    }
});

/// A safetensors file with a tensor `layer0`.
fn with_header(header: &str) -> Vec<u8> {
    let numbers: Vec<u8> =
        (0..SHAPE.iter().product()).flat_map(|at: usize| (at as f32 + 0.5).to_le_bytes()).collect();
    let about = json!({
        "__metadata__": { METADATA: header },
        "layer0": { "dtype": "F32", "shape": SHAPE, "data_offsets": [0, numbers.len()] },
    });
    let about = about.to_string().into_bytes();
    [&(about.len() as u64).to_le_bytes()[..], &about, &numbers].concat()
}
