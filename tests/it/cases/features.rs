//! What is kept of photographs, and which photograph it is of.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Case;
use crate::cli::{fails, text};

/// Arguments without the quiet first: what a run says is looked at.
fn features(case: &Case, benchmark: [&str; 2], out: &str) -> std::process::Output {
    let [kind, root] = benchmark;
    case.hpflow(&[
        "features",
        "--benchmark",
        kind,
        "--root",
        root,
        "--backbone",
        "hog",
        "--out",
        out,
    ])
}

fn predict(case: &Case, [kind, root]: [&str; 2], from: &[&str], out: &str) -> std::process::Output {
    let common = ["-q", "predict", "--benchmark", kind, "--root", root, "--engine", "cpu"];
    case.hpflow(&[&common[..], from, &["--out", out]].concat())
}

const KEPT: [&str; 4] = ["--features", "features", "--layers", "0"];
const STRAIGHT: [&str; 2] = ["--backbone", "hog"];

#[track_caller]
fn said(output: &std::process::Output) -> String {
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    said
}

/// Predicts from kept maps and straight from the photographs, and compares every line.
#[track_caller]
fn kept_are_straight(case: &Case, benchmark: [&str; 2]) {
    said(&predict(case, benchmark, &KEPT, "kept.jsonl"));
    said(&predict(case, benchmark, &STRAIGHT, "straight.jsonl"));
    let straight = case.predictions("straight.jsonl");
    assert!(!straight.is_empty());
    assert!(case.predictions("kept.jsonl") == straight, "the same predictions");
}

/// The files of features in a folder, below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { waiting.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

const TSS: [&str; 2] = ["tss", "TSS"];

#[test]
fn photographs_of_two_subsets_are_told_apart() {
    let case = Case::new("features-two-subsets");
    let said = said(&features(&case, TSS, "features"));
    assert!(said.contains("4 photographs"), "{said}");
    assert_eq!(files(&case.path("features")).len(), 4, "a file a photograph");
    assert!(case.path("features/JODS/001_002/image1.png.safetensors").is_file());
    kept_are_straight(&case, TSS);
    // `match` knows no benchmark, and finds the maps of each subset's photographs by their paths.
    for subset in ["JODS", "FG3DCar"] {
        let [a, b] = [1, 2].map(|number| format!("TSS/{subset}/001_002/image{number}.png"));
        let find = |more: &[&str]| {
            let find = ["-q", "match", &a, &b, "--keypoints", "20,20 30,25", "--engine", "cpu"];
            case.prints(&[&find[..], &["--format", "json"], more].concat())
        };
        assert_eq!(find(&["--features", "features"]), find(&STRAIGHT), "{subset}");
    }
}

/// A pair annotation that leads to two image annotations, as AP-10K's do, in deeper folders.
fn deep(case: &Case, photographs: &[&str], from: &[PathBuf]) {
    for (at, (name, from)) in photographs.iter().zip(from).enumerate() {
        let [photograph, annotation] = [("JPEGImages", "jpg"), ("ImageAnnotation", "json")]
            .map(|(folder, ending)| case.path(&format!("deep/{folder}/{name}.{ending}")));
        for file in [&photograph, &annotation] {
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        }
        let size = image::image_dimensions(from).expect("a photograph");
        fs::copy(from, &photograph).expect("a photograph");
        let (width, height) = size;
        let keypoints = [20 + at, 20, 2, 50, 30 + at, 2];
        let about = json!({
            "width": width, "height": height, "bbox": [5, 5, 60, 50], "keypoints": keypoints,
        });
        fs::write(annotation, about.to_string()).expect("an annotation");
    }
    let pairs = case.path("deep/PairAnnotation/test");
    fs::create_dir_all(&pairs).expect("a folder");
    for (at, two) in photographs.chunks_exact(2).enumerate() {
        let path = |name: &str| format!("/elsewhere/ImageAnnotation/{name}.json");
        let pair = json!({ "src_json_path": path(two[0]), "trg_json_path": path(two[1]) });
        fs::write(pairs.join(format!("{at}-a-b.json")), pair.to_string()).expect("a pair");
    }
}

fn photographs(case: &Case) -> Vec<PathBuf> {
    let of = |subset: &str| {
        [1, 2].map(|number| case.path(&format!("TSS/{subset}/001_002/image{number}.png")))
    };
    [of("JODS"), of("FG3DCar")].concat()
}

const DEEP: [&str; 2] = ["spair-json", "deep"];

#[test]
fn photographs_in_folders_of_one_name_are_told_apart() {
    let case = Case::new("features-two-subsets");
    let names = ["cats/young/1", "cats/young/2", "dogs/young/1", "dogs/young/2"];
    deep(&case, &names, &photographs(&case));
    said(&features(&case, DEEP, "features"));
    assert_eq!(files(&case.path("features")).len(), 4, "a file a photograph");
    kept_are_straight(&case, DEEP);
}

#[test]
fn photographs_at_other_depths_are_told_apart() {
    let case = Case::new("features-two-subsets");
    deep(&case, &["young/1", "2", "cats/young/1", "young/2"], &photographs(&case));
    said(&features(&case, DEEP, "features"));
    kept_are_straight(&case, DEEP);
    // Both names end the path of the third photograph; its content says which it is.
    let [a, b] = ["cats/young/1", "young/1"].map(|name| format!("deep/JPEGImages/{name}.jpg"));
    let find = |more: &[&str]| {
        let find = ["-q", "match", &a, &b, "--keypoints", "20,20 30,25", "--engine", "cpu"];
        case.hpflow(&[&find[..], more].concat())
    };
    let kept = find(&["--features", "features"]);
    said(&kept);
    assert_eq!(text(&kept.stdout), text(&find(&STRAIGHT).stdout));
    fs::copy(&photographs(&case)[3], case.path(&a)).expect("another photograph");
    fails(
        &find(&["--features", "features"]),
        1,
        &["young/1.jpg.safetensors", "cats/young/1.jpg.safetensors", "neither has its content"],
    );
}

#[test]
fn two_photographs_that_would_have_one_place_are_refused_by_both_names() {
    let case = Case::new("features-two-subsets");
    let names = ["a", "b", "a.jpg.safetensors/c", "d"];
    deep(&case, &names, &photographs(&case));
    let both = ["JPEGImages/a.jpg ", "JPEGImages/a.jpg.safetensors/c.jpg", "same file"];
    fails(&features(&case, DEEP, "features"), 1, &both);
    assert!(!case.path("features").exists(), "nothing is written");
    fs::create_dir(case.path("features")).expect("a folder");
    fails(&predict(&case, DEEP, &KEPT, "kept.jsonl"), 1, &both);
}

/// Files as version 1 had them, of another network.
fn first_version(case: &Case, from: &str, to: &str) {
    let bytes = fs::read(case.path(from)).expect("a file");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).expect("metadata");
    let text = &metadata.metadata().as_ref().expect("metadata")["hpflow-features"];
    let mut header: Value = serde_json::from_str(text).expect("JSON");
    header["version"] = 1.into();
    header["photograph"] = to.into();
    header["description"]["made_with"] = json!({});
    let metadata = [("hpflow-features".to_owned(), header.to_string())].into();
    let file = case.path(&format!("first/{to}.safetensors"));
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    let bytes = safetensors::serialize(tensors.tensors(), Some(metadata)).expect("a file");
    fs::write(file, bytes).expect("a file");
}

#[test]
fn version_1_is_found_by_folder_and_name_and_refused_where_two_have_both() {
    let case = Case::new("features-two-subsets");
    said(&features(&case, TSS, "features"));
    for number in [1, 2] {
        let name = format!("001_002/image{number}.png");
        first_version(&case, &format!("features/JODS/{name}.safetensors"), &name);
    }
    let first = ["--features", "first", "--layers", "0"];
    let both = ["FG3DCar/001_002/image1.png", "JODS/001_002/image1.png", "version 1"];
    fails(&predict(&case, TSS, &first, "first.jsonl"), 1, &both);
    // Of one subset alone there is no doubt.
    fs::remove_dir_all(case.path("TSS/FG3DCar")).expect("a subset");
    let noted = said(&predict(&case, TSS, &first, "first.jsonl"));
    assert!(noted.contains("2 of 2 files do not say of which content"), "{noted}");
    said(&predict(&case, TSS, &STRAIGHT, "straight.jsonl"));
    assert!(case.predictions("first.jsonl") == case.predictions("straight.jsonl"));
}

const BENCH: [&str; 2] = ["spair-json", "bench"];

/// The case with features of its photographs, one of which was replaced since.
fn mended() -> Case {
    let case = Case::new("features-after-mending");
    said(&features(&case, BENCH, "features"));
    fs::copy(case.path("b-mended.png"), case.path("bench/JPEGImages/cat/b.png")).expect("mended");
    case
}

fn times(case: &Case) -> [std::time::SystemTime; 2] {
    ["a", "b"].map(|name| {
        let file = case.path(&format!("features/cat/{name}.png.safetensors"));
        fs::metadata(file).and_then(|file| file.modified()).expect("a time")
    })
}

#[test]
fn the_maps_of_a_mended_photograph_are_made_again_and_no_others() {
    let case = mended();
    let before = times(&case);
    let again = said(&features(&case, BENCH, "features"));
    assert!(again.contains("1 were there already"), "{again}");
    assert!(again.contains("1 was written again because its photograph changed"), "{again}");
    let after = times(&case);
    assert!(after[0] == before[0] && after[1] != before[1], "{before:?} {after:?}");
    kept_are_straight(&case, BENCH);
    let third = said(&features(&case, BENCH, "features"));
    assert!(third.contains("2 were there already") && !third.contains("again"), "{third}");
}

#[test]
fn maps_of_what_a_photograph_was_are_not_used() {
    let case = mended();
    let parts =
        ["features/cat/b.png.safetensors", "maps are of another version of", "`hpflow features`"];
    fails(&predict(&case, BENCH, &KEPT, "kept.jsonl"), 1, &parts);
    assert!(!case.path("kept.jsonl").exists());
    let search =
        ["-q", "search", "--benchmark", "spair-json", "--root", "bench", "--split", "test"];
    let search = case.hpflow(
        &[&search[..], &["--features", "features", "--base", "0", "--out", "search.json"]].concat(),
    );
    fails(&search, 1, &parts);
    let [a, b] = ["a", "b"].map(|name| format!("bench/JPEGImages/cat/{name}.png"));
    let find = ["-q", "match", &a, &b, "--keypoints", "20,20", "--features", "features"];
    fails(&case.hpflow(&find), 1, &parts);
    // A run that goes on leaves the photograph's pairs unanswered.
    let going = predict(&case, BENCH, &[&KEPT[..], &["--keep-going"]].concat(), "going.jsonl");
    fails(&going, 1, &["1 photograph could not be used", "maps are of another version of"]);
    assert!(case.predictions("going.jsonl").iter().all(|line| line.contains("null")));
}

#[test]
fn photographs_that_are_not_there_are_not_compared() {
    let case = mended();
    fs::remove_dir_all(case.path("bench/JPEGImages")).expect("photographs");
    assert_eq!(said(&predict(&case, BENCH, &KEPT, "kept.jsonl")), "");
    let whole = Case::new("features-after-mending");
    said(&predict(&whole, BENCH, &STRAIGHT, "straight.jsonl"));
    assert!(case.predictions("kept.jsonl") == whole.predictions("straight.jsonl"));
}

#[test]
fn a_photograph_saved_again_has_other_content_and_the_same_maps() {
    let case = Case::new("features-after-mending");
    said(&features(&case, BENCH, "features"));
    let photograph = case.path("bench/JPEGImages/cat/a.png");
    let before = fs::read(&photograph).expect("a photograph");
    let decoded = image::open(&photograph).expect("a photograph").to_rgb8();
    decoded.save_with_format(&photograph, image::ImageFormat::Bmp).expect("saved");
    assert_ne!(fs::read(&photograph).expect("a photograph"), before);
    fails(&predict(&case, BENCH, &KEPT, "kept.jsonl"), 1, &["cat/a.png.safetensors"]);
    let again = said(&features(&case, BENCH, "features"));
    assert!(again.contains("1 was written again because its photograph changed"), "{again}");
    kept_are_straight(&case, BENCH);
}

#[test]
fn a_photograph_mended_while_a_run_was_stopped_is_run_again_with_what_was_missing() {
    let case = mended();
    fs::remove_file(case.path("features/cat/a.png.safetensors")).expect("a file");
    let again = said(&features(&case, BENCH, "features"));
    assert!(again.contains("0 were there already, 1 was written again"), "{again}");
    kept_are_straight(&case, BENCH);
}

#[test]
fn an_option_that_differs_is_named_before_any_content() {
    let case = mended();
    let half = [
        "features",
        "--benchmark",
        "spair-json",
        "--root",
        "bench",
        "--backbone",
        "hog",
        "--precision",
        "f16",
        "--out",
        "features",
    ];
    fails(&case.hpflow(&half), 1, &["a.png.safetensors", "precision", "f16"]);
    assert_eq!(times(&case).len(), 2, "nothing is removed");
}
