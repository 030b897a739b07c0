//! PF-WILLOW folders, whole and broken, and the published output on it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use hpflow::testing::benchmark::{Benchmark, BenchmarkError, BenchmarkKind, BenchmarkOptions};
use serde::Deserialize;
use tempfile::TempDir;

use super::matlab::{doubles, file};
use crate::shared::shared;

/// Two sub-classes, with two and three photographs of two keypoints.
fn benchmark() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (sub_class, names) in [("duck(S)", ["b", "a", ""]), ("car(G)", ["z", "x", "y"])] {
        fs::create_dir(folder.path().join(sub_class)).unwrap();
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let path = folder.path().join(sub_class).join(name);
            fs::write(path.with_extension("png"), "").unwrap();
            let keypoints = doubles("pts_coord", &[2, 2], &[1.5, 2.0, 30.0, 4.0]);
            fs::write(path.with_extension("mat"), file(&[(14, keypoints)])).unwrap();
        }
    }
    fs::create_dir(folder.path().join("notes")).unwrap();
    folder
}

fn open(root: &Path) -> Result<Benchmark, BenchmarkError> {
    Benchmark::open(BenchmarkKind::PfWillow, root, &BenchmarkOptions::default())
}

#[test]
fn pairs_are_all_ordered_pairs_of_a_sub_class_in_name_order() {
    let folder = benchmark();
    let read = open(folder.path()).unwrap();
    let ids: Vec<&str> = read.pairs.iter().map(|pair| pair.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "car(G)/x-y",
            "car(G)/x-z",
            "car(G)/y-x",
            "car(G)/y-z",
            "car(G)/z-x",
            "car(G)/z-y",
            "duck(S)/a-b",
            "duck(S)/b-a"
        ]
    );
    assert_eq!(read.images.len(), 5);
    let pair = &read.pairs[6];
    assert_eq!(read.images[pair.source].path, folder.path().join("duck(S)/a.png"));
    assert_eq!(pair.source_keypoints, [[1.5, 2.0], [30.0, 4.0]]);
    assert_eq!((pair.source_box, pair.variation), (None, None));
    read.check_photographs().unwrap();
}

#[test]
fn the_folder_above_is_taken_and_categories_are_sub_classes() {
    let above = tempfile::tempdir().unwrap();
    fs::rename(benchmark().path(), above.path().join("PF-dataset-WILLOW")).unwrap();
    let options =
        BenchmarkOptions { categories: vec!["duck(S)".to_owned()], ..BenchmarkOptions::default() };
    let read = Benchmark::open(BenchmarkKind::PfWillow, above.path(), &options).unwrap();
    assert_eq!(read.pairs.len(), 2);
    assert_eq!(read.images.len(), 2, "photographs of other sub-classes are not listed");
    let options =
        BenchmarkOptions { categories: vec!["duck".to_owned()], ..BenchmarkOptions::default() };
    let error =
        Benchmark::open(BenchmarkKind::PfWillow, above.path(), &options).unwrap_err().to_string();
    assert!(error.ends_with("expected one of car(G), duck(S)"), "{error}");
    let options = BenchmarkOptions { split: "val".to_owned(), ..BenchmarkOptions::default() };
    let error =
        Benchmark::open(BenchmarkKind::PfWillow, above.path(), &options).unwrap_err().to_string();
    assert!(error.ends_with("expected one of test"), "{error}");
    let error = open(&above.path().join("PF-dataset-WILLOW/notes")).unwrap_err().to_string();
    assert!(error.contains("is not the folder of PF-WILLOW"), "{error}");
}

#[test]
fn broken_annotations_are_refused_with_their_file() {
    let with = |name: &str, dimensions: &[i32], values: &[f64]| {
        file(&[(14, doubles(name, dimensions, values))])
    };
    for (bytes, what) in [
        (vec![], "this is not a MATLAB file"),
        (with("points", &[2, 2], &[0.0; 4]), "no variable \"pts_coord\", only \"points\""),
        (with("pts_coord", &[3, 2], &[0.0; 6]), "is an array of [3, 2]: expected 2 rows"),
        (with("pts_coord", &[2, 0], &[]), "is no keypoint"),
        (with("pts_coord", &[2, 2], &[0.0, f64::NAN, 0.0, 0.0]), "is NaN"),
        (with("pts_coord", &[2, 2], &[0.0, 1e300, 0.0, 0.0]), "is inf"),
        (with("pts_coord", &[2, 1], &[0.0; 2]), "2 keypoints, that of x.mat 1"),
    ] {
        let folder = benchmark();
        fs::write(folder.path().join("car(G)/x.mat"), bytes).unwrap();
        let error = open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("car(G)"), "{error}");
    }
}

#[test]
fn a_photograph_without_annotation_or_the_reverse_is_named() {
    let folder = benchmark();
    fs::remove_file(folder.path().join("car(G)/x.png")).unwrap();
    let error = open(folder.path()).unwrap().check_photographs().unwrap_err().to_string();
    assert!(error.contains("x.png is missing; pair car(G)/x-y refers to it"), "{error}");
    let folder = benchmark();
    fs::remove_file(folder.path().join("car(G)/x.mat")).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("x.mat is missing; x.png refers to it"), "{error}");
}

/// The published implementation's keypoints and PCK: the order of all pairs and, for each of them,
/// its PCK@0.1 follow from the coordinates as they stand in the `.mat` files.
#[test]
#[cfg_attr(not(present = "willow-output"), ignore = "needs willow-resnet50.json in HPFLOW_SHARED")]
fn the_published_pck_of_all_pairs_follows_from_the_annotations() {
    #[derive(Deserialize)]
    struct Fixture {
        pairs: Vec<Published>,
        pck_at_0_1: f64,
    }
    #[derive(Deserialize)]
    struct Published {
        pair: String,
        keypoints: Vec<Option<[f64; 2]>>,
        pck: f64,
    }
    let root = shared("data/PF-dataset-WILLOW");
    let fixture = shared("fixtures/willow-resnet50.json");
    let fixture: Fixture = serde_json::from_slice(&fs::read(fixture).unwrap()).unwrap();
    let read = open(&root).unwrap();
    read.check_photographs().unwrap();
    assert_eq!(read.images.len(), 100);
    assert_eq!(read.pairs.len(), 900);
    let mut per_pair = HashMap::new();
    for (pair, published) in read.pairs.iter().zip(&fixture.pairs) {
        assert_eq!(pair.id, published.pair);
        let extent = |axis: usize| {
            let values = pair.target_keypoints.iter().map(|point| f64::from(point[axis]));
            values.clone().fold(f64::MIN, f64::max) - values.fold(f64::MAX, f64::min)
        };
        let threshold = 0.1 * extent(0).max(extent(1));
        let right = |(truth, predicted): (&[f32; 2], &Option<[f64; 2]>)| {
            predicted.is_some_and(|[x, y]| {
                (x - f64::from(truth[0])).hypot(y - f64::from(truth[1])) <= threshold
            })
        };
        let right = pair.target_keypoints.iter().zip(&published.keypoints).filter(|&p| right(p));
        let pck = right.count() as f64 / pair.target_keypoints.len() as f64;
        assert!((pck - published.pck).abs() < 1e-6, "{}: {pck}", pair.id);
        per_pair.insert(pair.id.clone(), pck);
    }
    let mean = 100.0 * per_pair.values().sum::<f64>() / per_pair.len() as f64;
    assert!((mean - fixture.pck_at_0_1).abs() < 1e-4, "{mean}");
}
