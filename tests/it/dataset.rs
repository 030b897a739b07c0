//! `hpflow dataset` on the command line.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::str::contains;

use crate::shared::shared;

fn hpflow(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("hpflow").unwrap();
    command.arg("dataset").args(arguments);
    command
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn pairs_are_those_of_spair_71k_byte_for_byte() {
    let Some(sample) = shared("data/SPair-71k-sample") else { return };
    let out = tempfile::tempdir().unwrap();
    let images = sample.join("ImageAnnotation");
    let mut layout = String::new();
    for (category, first_id, count) in [("aeroplane", "0", 690), ("pottedplant", "9629", 862)] {
        let out = out.path().join(category);
        hpflow(&["pairs", "--images", text(&images), "--split", "test", "--out", text(&out)])
            .args(["--category", category, "--first-id", first_id])
            .assert()
            .success()
            .stdout(contains(format!("{count} pairs of ")));
        layout += &fs::read_to_string(out.join("Layout/large/test.txt")).unwrap();
        assert_eq!(fs::read_dir(out.join("PairAnnotation/test")).unwrap().count(), count);
    }
    assert_eq!(layout, fs::read_to_string(sample.join("Layout/large/test.txt")).unwrap());
    for file in fs::read_dir(sample.join("PairAnnotation/test")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let category = name.trim_end_matches(".json").rsplit_once(':').unwrap().1;
        let made = out.path().join(category).join("PairAnnotation/test").join(&name);
        assert_eq!(fs::read(made).unwrap(), fs::read(file.path()).unwrap(), "{name}");
    }
}

/// A folder of two images of a category with one keypoint in common.
fn images(folder: &Path) {
    for (name, heading) in [("a", 1), ("b", 5)] {
        let annotation = format!(
            r#"{{"filename": "{name}.png", "image_width": 10, "image_height": 8, "image_depth": 3,
                "category": "cup", "pose": "Left", "truncated": 0, "occluded": 1, "difficult": 0,
                "bndbox": [1, 1, 9, 7], "kps": {{"0": [2, 3], "1": null}}, "azimuth_id": {heading}}}"#
        );
        fs::create_dir_all(folder.join("cup")).unwrap();
        fs::write(folder.join(format!("cup/{name}.json")), annotation).unwrap();
    }
}

#[test]
fn pairs_count_an_image_with_itself_but_do_not_list_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(&root.join("ImageAnnotation"));
    let from = root.join("ImageAnnotation");
    let arguments = ["pairs", "--images", text(&from), "--split", "new", "--out", text(root)];
    hpflow(&arguments).assert().success().stdout(contains("2 pairs of 2 images"));
    let layout = fs::read_to_string(root.join("Layout/large/new.txt")).unwrap();
    assert_eq!(layout, "000001-a-b:cup\n000002-b-a:cup\n");
    let pair = fs::read_to_string(root.join("PairAnnotation/new/000001-a-b:cup.json")).unwrap();
    assert!(pair.contains(r#""viewpoint_variation": 2, "scale_variation": 0"#), "{pair}");
    assert!(pair.contains(r#""truncation": 0, "occlusion": 3}"#), "{pair}");
    hpflow(&arguments).assert().code(1).stderr(contains("new.txt exists already"));
}

#[test]
fn pairs_of_a_list_are_those_of_its_images() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let from = root.join("ImageAnnotation");
    images(&from);
    fs::copy(from.join("cup/a.json"), from.join("cup/c.json")).unwrap();
    let list = root.join("list.txt");
    fs::write(&list, "cup/b.png\n\ncup/a\n").unwrap();
    let arguments = ["pairs", "--images", text(&from), "--split", "new", "--out", text(root)];
    hpflow(&arguments)
        .args(["--list", text(&list)])
        .assert()
        .success()
        .stdout(contains("2 pairs of 2 images"));
}

#[test]
fn pairs_refuse_what_is_wrong_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let from = root.join("ImageAnnotation");
    let pairs = |more: &[&str], code: i32, what: &str| {
        let out = root.join("out");
        hpflow(&["pairs", "--images", text(&from), "--out", text(&out)])
            .args(more)
            .assert()
            .code(code)
            .stderr(contains(what.to_owned()));
        assert!(!out.exists(), "nothing is written");
    };
    pairs(&["--split", "x"], 1, "cannot read ");
    images(&from);
    pairs(&["--split", "../x"], 2, "expected a name for files");
    pairs(&["--split", "x", "--category", "cat"], 2, "expected one of cup");
    fs::write(root.join("list"), "cup/a\n../b").unwrap();
    pairs(&["--split", "x", "--list", text(&root.join("list"))], 1, "list:2: found \"../b\"");
    fs::write(root.join("list"), "cup/z").unwrap();
    pairs(&["--split", "x", "--list", text(&root.join("list"))], 1, "z.json is missing");
    let good = fs::read_to_string(from.join("cup/a.json")).unwrap();
    for (find, replace, what) in [
        ("\"cup\"", "\"mug\"", "category is \"mug\", expected \"cup\""),
        ("a.png", "b.png", "filename is \"b.png\", expected that of a"),
        ("\"azimuth_id\": 1", "\"azimuth_id\": 8", "azimuth_id 8: expected 0 to 7"),
        ("[1, 1, 9, 7]", "[1, 1, 1, 7]", "expected xmin < xmax"),
        ("\"1\": null", "\"0\": null", "keypoint \"0\" appears twice"),
        ("[2, 3]", "[2]", "invalid length 1"),
        ("{", "", "a.json: "),
    ] {
        fs::write(from.join("cup/a.json"), good.replacen(find, replace, 1)).unwrap();
        pairs(&["--split", "x"], 1, what);
    }
}
