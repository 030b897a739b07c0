//! SPair-71k folders, whole and broken.

use std::fs;
use std::path::Path;

use hpflow::testing::benchmark::spair::annotation::PairAnnotation;
use hpflow::testing::benchmark::spair::pairs;
use hpflow::testing::benchmark::{
    Benchmark, BenchmarkError, BenchmarkKind, BenchmarkOptions, LayoutSize,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::image_annotations;
use crate::shared::shared;

/// A pair annotation with one keypoint; `change` makes it another.
fn annotation(id: &str, change: Value) -> Value {
    let (pair, category) = id.split_once(':').unwrap();
    let names: Vec<&str> = pair.split('-').collect();
    let mut annotation = json!({
        "pair_id": 1, "filename": id,
        "src_imname": format!("{}.jpg", names[1]), "trg_imname": format!("{}.jpg", names[2]),
        "src_imsize": [100, 80, 3], "trg_imsize": [100, 80, 3],
        "src_bndbox": [10, 10, 90, 70], "trg_bndbox": [20, 10.5, 90, 70], "category": category,
        "src_pose": "Left", "trg_pose": "Right", "src_kps": [[12, 13]], "trg_kps": [[22.5, 33]],
        "kps_ids": ["7"], "mirror": 0, "viewpoint_variation": 2, "scale_variation": 1,
        "truncation": 3, "occlusion": 2
    });
    for (field, value) in change.as_object().unwrap() {
        annotation[field] = value.clone();
    }
    annotation
}

const IDS: [&str; 3] = ["000001-a-b:cat", "000002-b-a:cat", "000004-c-d:dog"];

/// A benchmark of three pairs, the first of them changed.
fn benchmark(change: Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for part in ["Layout/large", "Layout/small", "PairAnnotation/test", "JPEGImages"] {
        fs::create_dir_all(root.join(part)).unwrap();
    }
    fs::write(root.join("Layout/large/test.txt"), IDS.join("\n") + "\n").unwrap();
    fs::write(root.join("Layout/small/test.txt"), IDS[2]).unwrap();
    for (index, id) in IDS.iter().enumerate() {
        let change = if index == 0 { change.clone() } else { json!({}) };
        let text = annotation(id, change).to_string();
        fs::write(root.join(format!("PairAnnotation/test/{id}.json")), text).unwrap();
    }
    folder
}

fn open(root: &Path) -> Result<Benchmark, BenchmarkError> {
    Benchmark::open(BenchmarkKind::Spair, root, &BenchmarkOptions::default())
}

fn ids(benchmark: &Benchmark) -> Vec<&str> {
    benchmark.pairs.iter().map(|pair| pair.id.as_str()).collect()
}

#[test]
fn pairs_come_in_layout_order_and_share_their_photographs() {
    let folder = benchmark(json!({}));
    let read = open(folder.path()).unwrap();
    assert_eq!(ids(&read), IDS);
    assert_eq!(read.images.len(), 4);
    let path = |index: usize| read.images[index].path.strip_prefix(folder.path()).unwrap();
    assert_eq!(path(read.pairs[1].source), Path::new("JPEGImages/cat/b.jpg"));
    assert_eq!(read.pairs[0].source, read.pairs[1].target);
    assert_eq!(read.images[0].size, Some([100, 80]));
    let pair = &read.pairs[0];
    assert_eq!(pair.target_keypoints, [[22.5, 33.0]]);
    assert_eq!(pair.target_box, Some([20.0, 10.5, 90.0, 70.0]));
    assert_eq!(pair.keypoint_ids, ["7"]);
    let variation = pair.variation.unwrap();
    assert_eq!((variation.viewpoint, variation.scale), (2, 1));
    assert_eq!((variation.truncation, variation.occlusion), (3, 2));
}

#[test]
fn categories_limit_and_layout_choose_pairs() {
    let folder = benchmark(json!({}));
    let chosen = |options: BenchmarkOptions| {
        let read = Benchmark::open(BenchmarkKind::Spair, folder.path(), &options).unwrap();
        ids(&read).join(" ")
    };
    let dog = vec!["dog".to_owned()];
    assert_eq!(
        chosen(BenchmarkOptions { categories: dog.clone(), ..BenchmarkOptions::default() }),
        IDS[2]
    );
    assert_eq!(chosen(BenchmarkOptions { limit: Some(1), ..BenchmarkOptions::default() }), IDS[0]);
    assert_eq!(
        chosen(BenchmarkOptions { layout: LayoutSize::Small, ..BenchmarkOptions::default() }),
        IDS[2]
    );
    assert_eq!(
        chosen(BenchmarkOptions { categories: dog, limit: Some(9), ..BenchmarkOptions::default() }),
        IDS[2],
        "the limit counts chosen pairs"
    );
}

#[test]
fn the_folder_above_is_taken_if_it_holds_the_benchmark_alone() {
    let above = tempfile::tempdir().unwrap();
    let folder = benchmark(json!({}));
    fs::rename(folder.path(), above.path().join("SPair-71k")).unwrap();
    assert_eq!(open(above.path()).unwrap().pairs.len(), 3);
    let error = open(&above.path().join("SPair-71k/JPEGImages")).unwrap_err().to_string();
    assert!(
        error.contains("is not the folder of SPair-71k: expected the folders Layout"),
        "{error}"
    );
    assert!(open(Path::new("/no/such/folder")).is_err());
}

#[test]
fn an_unknown_split_or_category_is_refused_with_the_known_ones() {
    let folder = benchmark(json!({}));
    for split in ["train", "../large/test", ""] {
        let options = BenchmarkOptions { split: split.to_owned(), ..BenchmarkOptions::default() };
        let error =
            Benchmark::open(BenchmarkKind::Spair, folder.path(), &options).unwrap_err().to_string();
        assert!(error.ends_with("expected one of test"), "{error}");
    }
    let options =
        BenchmarkOptions { categories: vec!["cow".to_owned()], ..BenchmarkOptions::default() };
    let error =
        Benchmark::open(BenchmarkKind::Spair, folder.path(), &options).unwrap_err().to_string();
    assert!(error.contains("\"cow\"") && error.ends_with("cat, dog"), "{error}");
    let error = "spare".parse::<BenchmarkKind>().unwrap_err().to_string();
    assert!(error.contains("expected one of spair, pf-willow, pf-pascal"), "{error}");
}

#[test]
fn a_missing_photograph_is_named_with_a_pair_that_needs_it() {
    let folder = benchmark(json!({}));
    let read = open(folder.path()).unwrap();
    for (category, image) in [("cat", "a"), ("cat", "b"), ("dog", "c")] {
        fs::create_dir_all(folder.path().join("JPEGImages").join(category)).unwrap();
        fs::write(folder.path().join(format!("JPEGImages/{category}/{image}.jpg")), "").unwrap();
    }
    let error = read.check_photographs().unwrap_err().to_string();
    assert!(error.contains("d.jpg is missing; pair 000004-c-d:dog refers to it"), "{error}");
    fs::write(folder.path().join("JPEGImages/dog/d.jpg"), "").unwrap();
    read.check_photographs().unwrap();
}

#[test]
fn a_contradictory_annotation_is_refused_with_its_file_and_field() {
    for (change, what) in [
        (json!({"src_kps": [[1, 2], [3, 4]]}), "src_kps has 2 keypoints, trg_kps 1 and kps_ids 1"),
        (json!({"kps_ids": []}), "kps_ids 0"),
        (json!({"src_kps": [], "trg_kps": [], "kps_ids": []}), "src_kps is empty"),
        (json!({"src_kps": [null]}), "no keypoint is visible in both images"),
        (json!({"trg_kps": [[1, 2, 3]]}), "000001-a-b:cat.json: "),
        (json!({"trg_kps": [[1e300, 2]]}), "trg_kps holds 1e+300: expected pixels"),
        (json!({"src_bndbox": [10, 10, 9, 70]}), "expected xmin < xmax"),
        (json!({"src_imsize": [0, 80, 3]}), "src_imsize is [0, 80, 3]"),
        (json!({"src_imsize": [-5, 80, 3]}), "src_imsize holds -5, expected 3 whole numbers"),
        (
            json!({"trg_imsize": [101, 80, 3]}),
            "b.jpg is 100 × 80 pixels here and 101 × 80 in another pair",
        ),
        (json!({"occlusion": 4}), "occlusion is 4: expected 0 to 3"),
        (json!({"viewpoint_variation": 3}), "viewpoint_variation is 3: expected 0 to 2"),
        (json!({"category": "dog"}), "category is \"dog\", expected \"cat\""),
        (json!({"filename": "000009-a-b:cat"}), "filename is \"000009-a-b:cat\""),
        (json!({"src_imname": "../a.jpg"}), "expected a name without a folder"),
        (json!({"src_imname": 7}), "found the number 7 where a text is expected"),
    ] {
        let error = open(benchmark(change.clone()).path()).unwrap_err().to_string();
        assert!(error.contains(what), "{change}: {error}");
        assert!(error.contains("PairAnnotation/test/00000"), "{change}: {error}");
    }
}

#[test]
fn a_broken_annotation_or_layout_is_refused_with_its_file() {
    let file = format!("PairAnnotation/test/{}.json", IDS[1]);
    let cut = annotation(IDS[1], json!({})).to_string();
    for (name, content, what) in [
        (file.as_str(), "", "it ends where a value is expected"),
        (&file, &cut[..99], "it ends inside"),
        (&file, "<html>", "line 1, column 1: found no value"),
        (&file, "{\"filename\": NaN}", "found null or NaN where a text is expected"),
        (&file, &format!("{{\"x\": {}", "[".repeat(100_000)), "it ends inside a list"),
        (&file, "\u{0}\u{1}", "found no value"),
        ("Layout/large/test.txt", "\n \n", "test.txt holds no pairs"),
        ("Layout/large/test.txt", "000001-a-b:cat\nnonsense\n", "test.txt:2: found \"nonsense\""),
        ("Layout/large/test.txt", "1-a-b:cat\n1-a-../b:cat", "test.txt:2: found"),
        ("Layout/large/test.txt", "1-a-b:c\n\n1-a-b:c", "test.txt:3: pair 1-a-b:c is listed a sec"),
        ("Layout/large/test.txt", "000009-a-b:cat", "000009-a-b:cat.json is missing;"),
    ] {
        let folder = benchmark(json!({}));
        fs::write(folder.path().join(name), content).unwrap();
        let error = open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(what), "{content:.40}: {error}");
        assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    }
    let folder = benchmark(json!({}));
    fs::write(folder.path().join(&file), vec![b' '; (4 << 20) + 1]).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is larger than 4194304 bytes"), "{error}");
}

/// All 1,552 pairs of the sample's two categories, more than are parsed at a time.
#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn the_real_pairs_of_two_categories_are_read() {
    let sample = shared("data/SPair-71k-sample");
    let folder = tempfile::tempdir().unwrap();
    let annotations = folder.path().join("PairAnnotation/test");
    fs::create_dir_all(&annotations).unwrap();
    fs::create_dir_all(folder.path().join("Layout/large")).unwrap();
    let layout = fs::read_to_string(sample.join("Layout/large/test.txt")).unwrap();
    fs::write(folder.path().join("Layout/large/test.txt"), &layout).unwrap();
    let mut made: Vec<PairAnnotation> = Vec::new();
    for (category, first_id) in [("aeroplane", 0), ("pottedplant", 9629)] {
        let images = image_annotations(&sample.join("ImageAnnotation").join(category));
        made.extend(pairs::build(&images, first_id).unwrap());
    }
    for pair in &made {
        let file = annotations.join(format!("{}.json", pair.filename));
        fs::write(file, pair.to_json().unwrap()).unwrap();
    }
    let read = open(folder.path()).unwrap();
    assert_eq!(ids(&read), layout.lines().collect::<Vec<_>>());
    assert_eq!(read.images.len(), 57);
    let pair = &read.pairs[0]; // 000001-2008_002719-2008_004100:aeroplane
    assert_eq!(pair.source_keypoints, [[212.0, 153.0], [300.0, 130.0], [330.0, 127.0]]);
    assert_eq!(pair.target_box, Some([36.0, 92.0, 500.0, 200.0]));
    assert_eq!(read.images[pair.target].size, Some([500, 332]));
}
