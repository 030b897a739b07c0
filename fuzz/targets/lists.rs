//! Lists of pairs, PF-PASCAL's and Caltech-101's: no row is lost or added.
#![no_main]

mod shared;

use std::path::Path;
use std::sync::OnceLock;

use hpflow::testing::benchmark::{Benchmark, BenchmarkKind, BenchmarkOptions};
use libfuzzer_sys::fuzz_target;

const ANNOTATION: &[u8] =
    include_bytes!("../../tests/cases/list-quoted/PF-PASCAL/Annotations/aeroplane/im0.mat");

/// Folders of both benchmarks without their lists.
fn folders(root: &Path) {
    let annotations = root.join("pascal/Annotations/aeroplane");
    for folder in
        [&annotations, &root.join("pascal/JPEGImages"), &root.join("caltech/101_ObjectCategories")]
    {
        std::fs::create_dir_all(folder).expect("the temporary folder can be written");
    }
    for image in 0..3 {
        std::fs::write(annotations.join(format!("im{image}.mat")), ANNOTATION)
            .expect("the temporary folder can be written");
    }
}

/// Lines that are not blank.
fn lines(data: &[u8]) -> usize {
    let lines = data.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.filter(|line| !String::from_utf8_lossy(line).trim().is_empty()).count()
}

/// Whether the last four cells of the first line are numbers that do not count its columns.
fn ends_in_coordinates(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let first = text.split(['\n', '\r']).find(|line| !line.trim().is_empty()).unwrap_or_default();
    let cells: Vec<&str> = first.split([',', ';', '\t']).map(str::trim).collect();
    let counts = |first| {
        let mut cells = cells.iter().enumerate();
        cells.all(|(place, cell)| cell.parse::<usize>() == Ok(place + first))
    };
    let numbers = cells.iter().rev().take_while(|cell| cell.parse::<f64>().is_ok());
    numbers.count() >= 4 && !counts(0) && !counts(1)
}

fuzz_target!(|data: &[u8]| {
    static MADE: OnceLock<()> = OnceLock::new();
    let root = shared::folder().join("lists");
    MADE.get_or_init(|| folders(&root));
    let open = |kind, name: &str| {
        let folder = root.join(name);
        std::fs::write(folder.join("test_pairs.csv"), data)
            .expect("the temporary folder can be written");
        Benchmark::open(kind, &folder, &BenchmarkOptions::default()).ok()
    };
    // UTF-16 has zeros, and quotation marks make several lines of one row.
    let is_plain = !data.contains(&0) && !data.contains(&b'"') && !data.starts_with(b"\xff\xfe");
    if let Some(read) = open(BenchmarkKind::PfPascal, "pascal") {
        assert!(!is_plain || read.pairs.len() <= lines(data));
        for pair in &read.pairs {
            assert!(!pair.source_keypoints.is_empty());
            assert_eq!(pair.source_keypoints.len(), pair.target_keypoints.len());
        }
    }
    if let Some(read) = open(BenchmarkKind::Caltech101, "caltech") {
        // With a heading or without: a first line that ends in coordinates is a row.
        let pairs = read.pairs.len();
        let has_heading = pairs + 1 == lines(data) && !ends_in_coordinates(data);
        assert!(!is_plain || pairs == lines(data) || has_heading);
        let points = read.pairs.iter().flat_map(|p| p.source_keypoints.iter().flatten());
        assert!(points.into_iter().all(|side| side.is_finite()));
    }
});
