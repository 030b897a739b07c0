//! Photographs of every kind that is read.
#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = hpflow::testing::image::read(&shared::file("input", data));
});
