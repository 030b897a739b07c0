//! Checkpoints of PyTorch: nothing is run, and what is written can be read.
#![no_main]

mod shared;

use hpflow::testing::checkpoint::{ConvertOptions, convert};
use libfuzzer_sys::fuzz_target;
use safetensors::SafeTensors;

/// What a stream of torch.save begins with, up to the object.
const STREAM: &[u8] =
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02";

fuzz_target!(|data: &[u8]| {
    // What begins as no checkpoint is taken as the object's pickle and what follows it.
    let whole = if data.starts_with(b"PK") || data.starts_with(b"\x80") {
        data.to_vec()
    } else {
        [STREAM, data].concat()
    };
    let input = shared::file("input.pth", &whole);
    let output = shared::folder().join("output.safetensors");
    let options = ConvertOptions { force: true, ..ConvertOptions::default() };
    if let Ok(converted) = convert(&input, &output, &options) {
        let bytes = std::fs::read(&output).expect("it was written");
        let file = SafeTensors::deserialize(&bytes).expect("what is written can be read");
        assert_eq!(file.len(), converted.shapes.len());
        for (name, view) in file.iter() {
            assert_eq!(view.shape(), converted.shapes[name]);
        }
        assert!(bytes.len() <= 8 * whole.len() + (18 << 20));
        std::fs::remove_file(&output).expect("it was written");
    }
});
