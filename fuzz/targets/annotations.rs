//! SPair-71k's files: layouts, image annotations, and a benchmark with one pair annotation.
#![no_main]

mod shared;

use hpflow::testing::benchmark::spair::annotation::{ImageAnnotation, PairAnnotation};
use hpflow::testing::benchmark::{Benchmark, BenchmarkKind, BenchmarkOptions, spair};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(annotation) = ImageAnnotation::parse(data) {
        assert!(annotation.to_json().is_ok());
    }
    let _ = spair::read_layout(&shared::file("layout.txt", data));
    // A benchmark of the one pair that the input says it is.
    let Ok(pair) = PairAnnotation::parse(data) else { return };
    let id = &pair.filename;
    if id.len() > 100 || id.contains(['/', '\\', '\0', '\n']) {
        return;
    }
    let root = shared::folder().join("benchmark");
    let _ = std::fs::remove_dir_all(&root);
    for folder in ["Layout/large", "PairAnnotation/test"] {
        std::fs::create_dir_all(root.join(folder)).expect("the temporary folder can be written");
    }
    let written = std::fs::write(root.join("Layout/large/test.txt"), id).and_then(|()| {
        std::fs::write(root.join("PairAnnotation/test").join(format!("{id}.json")), data)
    });
    if written.is_ok()
        && let Ok(benchmark) = Benchmark::open(BenchmarkKind::Spair, &root, &BenchmarkOptions::default())
    {
        let pair = &benchmark.pairs[0];
        assert_eq!(pair.source_keypoints.len(), pair.target_keypoints.len());
        assert!(pair.source_keypoints.iter().flatten().all(|side| side.is_finite()));
    }
});
