//! NumPy's arrays and archives.
#![no_main]

mod shared;

use hpflow::testing::import::{Array, ImportKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(array) = Array::from_npy(data) {
        assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
    }
    let file = shared::file("input.npz", data);
    let _ = hpflow::testing::import::read(&file, ImportKind::Npz, &shared::benchmark());
});
