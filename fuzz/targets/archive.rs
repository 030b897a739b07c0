//! Archives: whatever they hold, nothing is written outside of their folder.
#![no_main]

mod shared;

use std::io::Write;

use hpflow::testing::download::{DownloadError, unpack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let root = shared::folder().join("archive");
    let _ = std::fs::remove_dir_all(&root);
    let out = root.join("out");
    std::fs::create_dir_all(&out).expect("the temporary folder can be written");
    // A fuzzer does not find checksums: what begins as no archive is taken as the content of a
    // compressed tar.
    let archive = if data.starts_with(b"PK") || data.starts_with(&[0x1f, 0x8b]) {
        shared::file("input", data)
    } else {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let compressed = encoder.write_all(data).and_then(|()| encoder.finish());
        shared::file("input", &compressed.expect("memory can be written"))
    };
    let _ = unpack::<DownloadError>(&archive, &out, &mut |_| {}, |_| Ok(()));
    let beside: Vec<_> = std::fs::read_dir(&root).expect("it was made above").collect();
    assert_eq!(beside.len(), 1, "something was written beside the folder: {beside:?}");
});
