//! MATLAB's version 5 files, as PF-WILLOW and PF-PASCAL are annotated.
#![no_main]

use hpflow::testing::benchmark::matlab;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(variables) = matlab::parse(data) {
        for name in ["pts_coord", "kps", "bbox"] {
            let _ = matlab::numbers(&variables, name);
        }
    }
});
