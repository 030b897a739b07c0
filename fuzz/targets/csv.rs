//! Predictions as CSV.
#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let file = shared::file("input.csv", data);
    let _ = hpflow::testing::import::read(&file, hpflow::testing::import::ImportKind::Csv, &shared::benchmark());
});
