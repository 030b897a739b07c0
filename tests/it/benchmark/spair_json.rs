//! Benchmarks in SPair-71k's JSON that are not SPair-71k.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use hpflow::testing::benchmark::{
    Benchmark, BenchmarkError, BenchmarkKind, BenchmarkOptions, Variation,
};
use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

fn write(root: &Path, path: &str, content: &Value) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content.to_string()).unwrap();
}

fn open(root: &Path, split: &str) -> Result<Benchmark, BenchmarkError> {
    let options = BenchmarkOptions { split: split.to_owned(), ..BenchmarkOptions::default() };
    Benchmark::open(BenchmarkKind::SpairJson, root, &options)
}

/// A pair with no more than it needs.
fn pair() -> Value {
    json!({
        "src_imname": "a.jpg", "trg_imname": "b.jpg",
        "src_kps": [[1, 2], null, [5.5, 6]], "trg_kps": [[10, 20], [30, 40], [50, 60]],
    })
}

/// An image of AP-10K as GeoAware-SC stores it: COCO's fields and one more.
fn animal(keypoints: &[[u32; 3]]) -> Value {
    json!({
        "file_name": "000000000001.jpg", "width": 100, "height": 80, "bbox": [10, 20, 30, 40],
        "keypoints": keypoints.concat(), "num_keypoints": 2, "category_id": 7,
    })
}

/// AP-10K's folders: families, species with blanks in their names, splits of three kinds.
fn ap_10k() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        "ImageAnnotation/Ursidae/brown bear/1.json",
        &animal(&[[11, 21, 2], [12, 22, 1], [0, 0, 0]]),
    );
    write(
        root,
        "ImageAnnotation/Ursidae/polar bear/2.json",
        &animal(&[[13, 23, 2], [0, 0, 0], [15, 25, 2]]),
    );
    let path = |name: &str| format!("data/ap-10k/ImageAnnotation/Ursidae/{name}.json");
    write(
        root,
        "PairAnnotation/test_cross_species/000000-1-2:Ursidae.json",
        &json!({"src_json_path": path("brown bear/1"), "trg_json_path": path("polar bear/2")}),
    );
    write(
        root,
        "PairAnnotation/test/000000-1-1:brown bear.json",
        &json!({"src_json_path": path("brown bear/1"), "trg_json_path": path("brown bear/1")}),
    );
    folder
}

#[test]
fn ap_10k_is_read_as_geoaware_sc_stores_it() {
    let folder = ap_10k();
    let read = open(folder.path(), "test_cross_species").unwrap();
    let [pair] = &read.pairs[..] else { panic!("{read:?}") };
    assert_eq!((read.name(), pair.id.as_str()), ("spair-json", "000000-1-2:Ursidae"));
    assert_eq!(pair.category, "Ursidae");
    // Keypoint 0 alone is visible in both; visibility 1 (occluded) counts as GeoAware-SC counts it.
    assert_eq!(pair.keypoint_ids, ["0"]);
    assert_eq!(pair.source_keypoints, [[11.0, 21.0]]);
    assert_eq!(pair.target_keypoints, [[13.0, 23.0]]);
    // COCO's left, top, width, height.
    assert_eq!(pair.target_box, Some([10.0, 20.0, 40.0, 60.0]));
    assert_eq!(pair.variation, None);
    let image = &read.images[pair.target];
    assert_eq!(image.size, Some([100, 80]));
    assert!(image.path.ends_with("JPEGImages/Ursidae/polar bear/2.jpg"), "{image:?}");
    assert_eq!(open(folder.path(), "test").unwrap().pairs[0].keypoint_ids, ["0", "1"]);
    let splits = BenchmarkKind::SpairJson.splits(folder.path()).unwrap();
    assert_eq!(splits, ["test", "test_cross_species"]);
}

#[test]
fn ap_10k_is_predicted_scored_and_counted() {
    let folder = ap_10k();
    let hpflow = || Command::cargo_bin("hpflow").unwrap();
    let root = folder.path().to_str().unwrap();
    let photographs = folder.path().join("JPEGImages/Ursidae");
    for name in ["brown bear/1.jpg", "polar bear/2.jpg"] {
        fs::create_dir_all(photographs.join(name).parent().unwrap()).unwrap();
        let photograph = image::RgbImage::new(100, 80);
        photograph.save_with_format(photographs.join(name), image::ImageFormat::Png).unwrap();
    }
    let out = folder.path().join("id.jsonl");
    hpflow()
        .args(["predict", "--benchmark", "spair-json", "--split", "test_cross_species"])
        .args(["--root", root, "--method", "identity", "--out"])
        .arg(&out)
        .assert()
        .success();
    // The error is (2, 2), 2.83 px; the box's longer side is 40, so that α = 0.1 allows 4 px.
    hpflow()
        .args(["score", "--root", root, "--alpha", "0.1,0.05", "--format", "csv"])
        .arg(&out)
        .assert()
        .success()
        .stdout(contains(",spair-json,test_cross_species,spair,0.1,1,1,1,0,100,"))
        .stdout(contains(",spair-json,test_cross_species,spair,0.05,1,1,1,0,0,"));
    let check = ["dataset", "check", "--benchmark", "spair-json", "--root", root];
    hpflow().args(check).assert().success().stdout(contains("test_cross_species: 1 pair in 1 "));
    let stats = ["dataset", "stats", "--benchmark", "spair-json", "--root", root];
    hpflow().args(stats).assert().success().stdout(contains("Ursidae"));
}

#[test]
fn what_spair_71k_insists_on_is_optional() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "PairAnnotation/test/000001-a-b:cat.json", &pair());
    let read = open(folder.path(), "test").unwrap();
    let one = &read.pairs[0];
    assert_eq!(one.keypoint_ids, ["0", "2"], "keypoint 1 is not visible in the source");
    assert_eq!(one.source_keypoints, [[1.0, 2.0], [5.5, 6.0]]);
    assert_eq!((one.target_box, one.variation), (None, None));
    assert!(read.images[0].path.ends_with("JPEGImages/cat/a.jpg"));
    // With labels, a size and a layout, it has them.
    let mut full = pair();
    full["kps_ids"] = json!(["nose", "ear", 7]);
    full["trg_imsize"] = json!([64, 48, 3]);
    full["trg_bndbox"] = json!([1, 2, 30, 40]);
    for (label, level) in
        [("viewpoint_variation", 2), ("scale_variation", 0), ("truncation", 3), ("occlusion", 1)]
    {
        full[label] = json!(level);
    }
    write(folder.path(), "PairAnnotation/val/000002-a-b:cat.json", &full);
    write(folder.path(), "PairAnnotation/val/000003-b-a:cat.json", &full);
    fs::create_dir_all(folder.path().join("Layout/large")).unwrap();
    fs::write(folder.path().join("Layout/large/val.txt"), "000002-a-b:cat\n").unwrap();
    let read = open(folder.path(), "val").unwrap();
    assert_eq!(read.pairs.len(), 1, "the layout lists one of two");
    assert_eq!(read.pairs[0].keypoint_ids, ["nose", "7"]);
    assert_eq!(read.images[1].size, Some([64, 48]));
    let variation = Variation { viewpoint: 2, scale: 0, truncation: 3, occlusion: 1 };
    assert_eq!(read.pairs[0].variation, Some(variation));
}

#[test]
fn broken_annotations_are_told_with_their_file() {
    for (change, what) in [
        (json!({"src_kps": [[1, 2]]}), "the source has 1 keypoints, the target 3"),
        (json!({"src_kps": [null, null, null]}), "no keypoint is visible in both"),
        (json!({"src_imname": "../a.jpg"}), "expected a name without a folder"),
        (json!({"src_imname": null}), "src_imname is missing"),
        (json!({"category": "dog"}), "expected \"cat\" as in its name"),
        (json!({"trg_bndbox": [5, 9, 5, 9]}), "expected xmin < xmax"),
        (json!({"trg_imsize": [0, 5]}), "above 0"),
        (json!({"kps_ids": ["a"]}), "kps_ids has 1 names for 3 keypoints"),
        (json!({"truncation": 9}), "truncation is 9: expected 0 to 3"),
        (json!({"src_kps": [[1, 1e300], null, [1, 1]]}), "src_kps holds 1e+300: expected pixels"),
        (
            json!({"src_json_path": "../../etc/passwd", "trg_json_path": "x"}),
            "expected a path in the folder ImageAnnotation",
        ),
        (
            json!({"src_json_path": "ImageAnnotation/../x.json", "trg_json_path": "x"}),
            "expected a path in the folder ImageAnnotation",
        ),
        (
            json!({"src_json_path": "ImageAnnotation/x.json", "trg_json_path": "x"}),
            "x.json is missing",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut broken = pair();
        for (key, value) in change.as_object().unwrap() {
            broken[key] = value.clone();
        }
        write(folder.path(), "PairAnnotation/test/000001-a-b:cat.json", &broken);
        let error = open(folder.path(), "test").unwrap_err().to_string();
        assert!(error.contains(what) && error.contains(".json"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("PairAnnotation/test")).unwrap();
    let error = open(folder.path(), "test").unwrap_err().to_string();
    assert!(error.contains("holds no pairs"), "{error}");
    let error = open(folder.path(), "val").unwrap_err().to_string();
    assert!(error.contains("split \"val\" is not in"), "{error}");
}
