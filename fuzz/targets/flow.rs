//! Middlebury's flow, and the headers of weights files.
#![no_main]

mod shared;

use std::path::Path;

use hpflow::testing::flow::Flow;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(flow) = Flow::from_bytes(data, Path::new("input")) {
        assert_eq!(flow.vectors.len(), flow.width as usize * flow.height as usize);
        let again = flow.to_bytes().expect("a flow that was read can be written");
        assert_eq!(Flow::from_bytes(&again, Path::new("again")).ok(), Some(flow));
    }
    let _ = hpflow::testing::backbone::weights::network_of(&shared::file("weights.safetensors", data));
});
