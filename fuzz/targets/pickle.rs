//! GeoAware-SC's pickles: nothing is run, memory stays bounded.
#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let file = shared::file("input.pkl", data);
    let _ = hpflow::testing::import::read(&file, hpflow::testing::import::ImportKind::GeoAware, &shared::benchmark());
});
