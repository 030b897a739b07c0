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
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn pairs_are_those_of_spair_71k_byte_for_byte() {
    let sample = shared("data/SPair-71k-sample");
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
    pairs(&["--split", "x", "--category", "cat"], 1, "expected one of cup");
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
        ("[2, 3]", "[2]", "found a list of 1 where"),
        ("{", "", "a.json: "),
    ] {
        fs::write(from.join("cup/a.json"), good.replacen(find, replace, 1)).unwrap();
        pairs(&["--split", "x"], 1, what);
    }
}

/// A whole benchmark of two images of a category, in SPair-71k's form.
fn benchmark(root: &Path) {
    images(&root.join("ImageAnnotation"));
    fs::create_dir_all(root.join("JPEGImages/cup")).unwrap();
    for name in ["a", "b"] {
        let photograph = image::RgbImage::from_fn(10, 8, |x, y| image::Rgb([x as u8, y as u8, 9]));
        photograph.save(root.join(format!("JPEGImages/cup/{name}.png"))).unwrap();
    }
    let from = root.join("ImageAnnotation");
    hpflow(&["pairs", "--images", text(&from), "--split", "test", "--out", text(root)])
        .assert()
        .success();
}

#[test]
fn check_finds_nothing_wrong_with_a_whole_benchmark() {
    let folder = tempfile::tempdir().unwrap();
    benchmark(folder.path());
    hpflow(&["check", "--root", text(folder.path())])
        .assert()
        .success()
        .stdout(contains("test: 2 pairs in 1 category; no published counts"))
        .stdout(contains("photographs: 2 of 2 decoded\nnothing is wrong"));
}

#[test]
fn check_names_what_is_wrong() {
    let pair = "PairAnnotation/test/000001-a-b:cup.json";
    let change = |file: &'static str, find: &'static str, replace: &'static str| {
        move |root: &Path| {
            let text = fs::read_to_string(root.join(file)).unwrap();
            assert!(text.contains(find));
            fs::write(root.join(file), text.replacen(find, replace, 1)).unwrap();
        }
    };
    type Harm<'a> = Box<dyn Fn(&Path) + 'a>;
    let cases: Vec<(Harm, &str, &str)> = vec![
        (
            Box::new(|root| fs::remove_file(root.join("JPEGImages/cup/a.png")).unwrap()),
            "missing photographs (1):",
            "cup/a.png",
        ),
        (
            Box::new(|root| {
                let file = root.join("JPEGImages/cup/a.png");
                let bytes = fs::read(&file).unwrap();
                fs::write(&file, &bytes[..bytes.len() - 20]).unwrap();
            }),
            "damaged photographs (1):",
            "a.png",
        ),
        (
            Box::new(|root| {
                image::RgbImage::new(8, 10).save(root.join("JPEGImages/cup/b.png")).unwrap();
            }),
            "contradictions (1):",
            "b.png has 8 × 10 pixels, its annotation says 10 × 8",
        ),
        (
            Box::new(|root| fs::remove_file(root.join(pair)).unwrap()),
            "missing or malformed annotations (1):",
            "000001-a-b:cup.json is missing",
        ),
        (
            Box::new(change(pair, "\"occlusion\": 3", "\"occlusion\": 1")),
            "contradictions (1):",
            "occlusion is 1, the image annotations give 3",
        ),
        (
            Box::new(change(pair, "\"src_kps\": [[2, 3]]", "\"src_kps\": [[2, 4]]")),
            "contradictions (1):",
            "src_kps is [[2,4]], the image annotations give [[2,3]]",
        ),
        (
            Box::new(change(pair, "\"trg_kps\": [[2, 3]]", "\"trg_kps\": []")),
            "contradictions (1):",
            "trg_kps 0",
        ),
        (
            Box::new(change(
                "ImageAnnotation/cup/b.json",
                "\"azimuth_id\": 5",
                "\"azimuth_id\": 6",
            )),
            "contradictions (2):",
            "viewpoint_variation is 2, the image annotations give 1",
        ),
        (
            Box::new(|root| fs::write(root.join("ImageAnnotation/cup/b.json"), "{").unwrap()),
            "contradictions (2):",
            "b.png has no image annotation",
        ),
        (
            Box::new(|root| fs::write(root.join("Layout/large/test.txt"), "nonsense").unwrap()),
            "missing or malformed annotations (1):",
            "test.txt:1: found \"nonsense\"",
        ),
    ];
    for (harm, heading, what) in cases {
        let folder = tempfile::tempdir().unwrap();
        benchmark(folder.path());
        harm(folder.path());
        hpflow(&["check", "--root", text(folder.path())])
            .assert()
            .code(1)
            .stdout(contains(heading))
            .stdout(contains(what))
            .stderr(contains("; mend what is listed"));
    }
}

#[test]
fn check_notes_keypoints_outside_a_photograph_once_and_does_not_fail() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("ImageAnnotation");
    images(&from);
    let annotation = fs::read_to_string(from.join("cup/a.json")).unwrap();
    fs::write(from.join("cup/a.json"), annotation.replace("[2, 3]", "[11, 3]")).unwrap();
    let root = folder.path();
    hpflow(&["pairs", "--images", text(&from), "--split", "test", "--out", text(root)])
        .assert()
        .success();
    hpflow(&["check", "--root", text(root), "--without-photographs"])
        .assert()
        .success()
        .stdout(contains("keypoints outside their photograph, used as they are (1):"))
        .stdout(contains("cup/a.png: keypoint 0 at [11, 3] of 10 × 8"));
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn check_compares_spair_71k_with_its_paper() {
    let sample = shared("data/SPair-71k-sample");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut layout = String::new();
    for (category, first_id) in [("aeroplane", "0"), ("pottedplant", "9629")] {
        fs::create_dir_all(root.join("ImageAnnotation").join(category)).unwrap();
        for file in fs::read_dir(sample.join("ImageAnnotation").join(category)).unwrap() {
            let file = file.unwrap();
            let to = root.join("ImageAnnotation").join(category).join(file.file_name());
            fs::write(to, fs::read(file.path()).unwrap()).unwrap();
        }
        let from = root.join("ImageAnnotation");
        hpflow(&["pairs", "--images", text(&from), "--split", "test", "--out", text(root)])
            .args(["--category", category, "--first-id", first_id])
            .assert()
            .success();
        layout += &fs::read_to_string(root.join("Layout/large/test.txt")).unwrap();
        fs::remove_file(root.join("Layout/large/test.txt")).unwrap();
    }
    fs::write(root.join("Layout/large/test.txt"), layout).unwrap();
    let output = hpflow(&["check", "--root", text(root), "--without-photographs", "--all"])
        .assert()
        .code(1)
        .stdout(contains("test: 1552 pairs in 2 categories\n"))
        .stdout(contains("test: 1552 pairs, the paper has 12234"))
        .stdout(contains("test: 0 pairs of cat, the paper has 600"));
    let found = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    for absent in ["aeroplane", "pottedplant", "contradictions", "malformed"] {
        assert!(!found.contains(absent), "{absent} is as published:\n{found}");
    }
}

#[test]
#[cfg_attr(not(present = "pf-willow"), ignore = "needs HPFLOW_SHARED/data/PF-dataset-WILLOW")]
fn check_finds_nothing_wrong_with_pf_willow() {
    let root = shared("data/PF-dataset-WILLOW");
    hpflow(&["check", "--benchmark", "pf-willow", "--root", text(&root)])
        .assert()
        .success()
        .stdout(contains("test: 900 pairs in 10 categories\n"))
        .stdout(contains("photographs: 100 of 100 decoded\nnothing is wrong"));
}

#[test]
fn stats_count_splits_levels_and_categories_and_draw_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    benchmark(root);
    fs::copy(root.join("Layout/large/test.txt"), root.join("Layout/large/trn.txt")).unwrap();
    fs::rename(root.join("PairAnnotation/test"), root.join("PairAnnotation/trn")).unwrap();
    fs::create_dir(root.join("PairAnnotation/test")).unwrap();
    fs::write(root.join("Layout/large/test.txt"), "000002-b-a:cup\n").unwrap();
    let pair = "000002-b-a:cup.json";
    fs::copy(
        root.join("PairAnnotation/trn").join(pair),
        root.join("PairAnnotation/test").join(pair),
    )
    .unwrap();
    let figures = root.join("figures");
    // Headings 1 and 5 are half a turn apart (hard); boxes are equal (easy); both are occluded.
    let expected = "split,pairs,photographs,keypoints\ntrn,2,2,2\ntest,1,2,1\n\n\
        split,viewpoint_easy,viewpoint_medium,viewpoint_hard,scale_easy,scale_medium,scale_hard,\
        truncation_none,truncation_source,truncation_target,truncation_both,\
        occlusion_none,occlusion_source,occlusion_target,occlusion_both\n\
        trn,0,0,2,2,0,0,2,0,0,0,0,0,0,2\ntest,0,0,1,1,0,0,1,0,0,0,0,0,0,1\n\
        all,0,0,3,3,0,0,3,0,0,0,0,0,0,3\n\n\
        category,trn,test,all\ncup,2,1,3\ntotal,2,1,3\n\n";
    hpflow(&["stats", "--root", text(root), "--format", "csv", "--figures", text(&figures)])
        .assert()
        .success()
        .stdout(expected);
    let variation = fs::read_to_string(figures.join("variation.svg")).unwrap();
    assert!(variation.contains("<title>hard: 3 pairs, 100.0 %</title>"), "{variation}");
    let azimuth = fs::read_to_string(figures.join("azimuth.svg")).unwrap();
    for part in ["cup (2)", "azimuth_id 1: 1 images", "azimuth_id 5: 1 images"] {
        assert!(azimuth.contains(part), "{azimuth}");
    }
}

#[test]
fn check_says_which_list_of_pf_pascal_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["Annotations", "JPEGImages"] {
        fs::create_dir(folder.path().join(part)).unwrap();
    }
    hpflow(&[
        "check",
        "--benchmark",
        "pf-pascal",
        "--root",
        text(folder.path()),
        "--split",
        "test",
    ])
    .assert()
    .code(1)
    .stdout(contains("put test_pairs.csv or test_pairs_pf_pascal.csv"));
}

#[test]
fn where_there_is_nothing_to_check_or_count_that_is_wrong() {
    let make = |folders: &[&str], files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        for part in folders {
            fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        for (file, text) in files {
            fs::write(folder.path().join(file), text).unwrap();
        }
        folder
    };
    let pascal = ["JPEGImages", "Annotations"];
    let misnamed = [("test_pair.csv", "source_image,target_image,class\na.jpg,b.jpg,1\n")];
    let mirrored = [("trn_pairs.csv", "source_image,target_image,class,flip\na.jpg,b.jpg,1,1\n")];
    let put = "has no list of pairs for split test: put test_pairs.csv or";
    let layout = "has no list of pairs for split test: expected test.txt in it";
    for (benchmark, folder, sentence) in [
        ("pf-pascal", make(&pascal, &[]), put),
        ("pf-pascal", make(&pascal, &misnamed), put),
        ("pf-pascal", make(&pascal, &mirrored), "trn_pairs.csv holds no pairs"),
        ("spair", make(&["Layout/large", "PairAnnotation", "JPEGImages"], &[]), layout),
        ("spair", make(&["Layout/large"], &[("Layout/large/test", "000000-a-b:cat\n")]), layout),
        (
            "spair",
            make(&["Layout/large"], &[("Layout/large/val.txt", "\n")]),
            "val.txt holds no pairs",
        ),
        ("spair-json", make(&["Layout/large", "PairAnnotation"], &[]), layout),
        (
            "spair-json",
            make(&["PairAnnotation"], &[]),
            "PairAnnotation has no list of pairs for split test: expected a folder test of pair",
        ),
        ("spair-json", make(&["PairAnnotation/test"], &[]), "test holds no pairs"),
        (
            "caltech-101",
            make(&["101_ObjectCategories", "Annotations"], &[]),
            "has no list of pairs for split test: put test_pairs_caltech",
        ),
    ] {
        for command in ["check", "stats"] {
            let output =
                hpflow(&[command, "--benchmark", benchmark, "--root", text(folder.path())])
                    .output()
                    .unwrap();
            let [out, err] = [output.stdout, output.stderr].map(|t| String::from_utf8(t).unwrap());
            assert_eq!(output.status.code(), Some(1), "{benchmark} {command}: {out}{err}");
            assert!((out.clone() + &err).contains(sentence), "{benchmark} {command}: {out}{err}");
            assert!(!out.contains("nothing is wrong"), "{out}");
            assert!(command == "check" || out.is_empty(), "{out}");
        }
    }
}

#[test]
fn check_notes_boxes_outside_a_photograph_or_beside_its_keypoints_and_does_not_fail() {
    let check = |bounds: &str| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let from = root.join("ImageAnnotation");
        images(&from);
        let annotation = fs::read_to_string(from.join("cup/a.json")).unwrap();
        fs::write(from.join("cup/a.json"), annotation.replace("[1, 1, 9, 7]", bounds)).unwrap();
        hpflow(&["pairs", "--images", text(&from), "--split", "test", "--out", text(root)])
            .assert()
            .success();
        let output =
            hpflow(&["check", "--root", text(root), "--without-photographs"]).assert().success();
        String::from_utf8(output.get_output().stdout.clone()).unwrap()
    };
    // Photographs of 10 × 8, the only keypoint at 2, 3.
    for bounds in ["[0, 0, 10, 8]", "[-1, 0, 11, 9]", "[3, 4, 9, 7]"] {
        assert!(check(bounds).contains("nothing is wrong"), "{bounds}");
    }
    for (bounds, heading) in [
        ("[1, 1, 90, 70]", "boxes that reach outside their photograph, used as they are (1):"),
        (
            "[-50, -50, -40, -40]",
            "boxes that reach outside their photograph, used as they are (1):",
        ),
        ("[4, 1, 9, 7]", "boxes that hold none of their keypoints, used as they are (1):"),
    ] {
        let found = check(bounds);
        assert!(found.contains(heading), "{found}");
        assert!(found.contains(&format!("cup/a.png: box {bounds} of 10 × 8")), "{found}");
    }
}

#[test]
fn pairs_are_numbered_after_first_id() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    images(&root.join("ImageAnnotation"));
    let from = root.join("ImageAnnotation");
    hpflow(&["pairs", "--images", text(&from), "--split", "new", "--out", text(root)])
        .args(["--first-id", "10"])
        .assert()
        .success();
    let layout = fs::read_to_string(root.join("Layout/large/new.txt")).unwrap();
    assert_eq!(layout, "000011-a-b:cup\n000012-b-a:cup\n");
    hpflow(&["pairs", "--help"]).assert().success().stdout(contains(
        "The number before that of the first pair: 10 makes the first pair 000011",
    ));
}

#[test]
fn a_folder_of_another_benchmark_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let sub_class = folder.path().join("car(G)");
    fs::create_dir_all(&sub_class).unwrap();
    fs::write(sub_class.join("a.mat"), "").unwrap();
    for command in ["check", "stats"] {
        hpflow(&[command, "--root", text(folder.path())])
            .assert()
            .code(1)
            .stderr(contains("(it looks like pf-willow: --benchmark pf-willow)"));
    }
    // Nothing is made up about a folder that is none's.
    let other = tempfile::tempdir().unwrap();
    let output = hpflow(&["check", "--root", text(other.path())]).output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("looks like"), "{output:?}");
}
