//! What several targets share: a file of the input, and a benchmark to import predictions for.

#![allow(dead_code, reason = "each target uses a part")]

use std::path::{Path, PathBuf};

use hpflow::testing::benchmark::{Benchmark, BenchmarkKind, Image, Pair, Visibility};

/// The input as a file of that name in a folder of this process.
pub fn file(name: &str, data: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, data).expect("the temporary folder can be written");
    path
}

/// A folder of this process.
pub fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("hpflow-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    folder
}

/// The pairs that the fixtures in `src/import/samples` are about.
pub fn benchmark() -> Benchmark {
    let pair = |id: &str, keypoints: usize| Pair {
        id: id.to_owned(),
        category: "cat".to_owned(),
        source: 0,
        target: 1,
        source_keypoints: vec![[1.0, 2.0]; keypoints],
        target_keypoints: vec![[3.0, 4.0]; keypoints],
        keypoint_ids: (0..keypoints).map(|at| at.to_string()).collect(),
        source_box: Some([0.0, 0.0, 9.0, 9.0]),
        target_box: Some([0.0, 0.0, 9.0, 9.0]),
        variation: None,
    };
    let image =
        |name: &str| Image::below(Path::new(""), Path::new(name).to_owned(), Some([100, 100]));
    Benchmark {
        kind: BenchmarkKind::Spair,
        visibility: Visibility::Unsaid,
        split: "test".to_owned(),
        images: vec![image("cat/a.jpg"), image("cat/b.jpg")],
        pairs: vec![pair("000000-a-b:cat", 2), pair("000001-b-a:cat", 3)],
    }
}
