//! Caltech-101, whose masks are transferred, and TSS, whose truth is a flow.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use hpflow::testing::benchmark::{Benchmark, BenchmarkError, BenchmarkKind, BenchmarkOptions};
use hpflow::testing::flow::Flow;
use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

fn photograph(path: &Path, width: u32, height: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::new(width, height).save_with_format(path, image::ImageFormat::Png).unwrap();
}

fn open(kind: BenchmarkKind, root: &Path) -> Result<Benchmark, BenchmarkError> {
    Benchmark::open(kind, root, &BenchmarkOptions::default())
}

fn hpflow(root: &Path) -> Command {
    let mut command = Command::cargo_bin("hpflow").unwrap();
    command.current_dir(root);
    command
}

const CALTECH_LIST: &str = "\
source_image,target_image,class,XA,YA,XB,YB
101_ObjectCategories/ant/image_0001.jpg,101_ObjectCategories/ant/image_0002.jpg,8,\"2,6,6,2\",\"2,2,6,6\",\"2.0, 6.0, 6.0\",\"2,2,6\"
";

/// One pair: a square in a photograph of 20 × 10, a triangle in one of the same size.
fn caltech(list: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let photographs = folder.path().join("Caltech-101/101_ObjectCategories/ant");
    photograph(&photographs.join("image_0001.jpg"), 20, 10);
    photograph(&photographs.join("image_0002.jpg"), 20, 10);
    let place = folder.path().join("Caltech-101/test_pairs_caltech_with_category.csv");
    fs::write(place, list).unwrap();
    folder
}

#[test]
fn caltech_101_is_predicted_and_scored_by_masks() {
    let folder = caltech(CALTECH_LIST);
    let mut read = open(BenchmarkKind::Caltech101, folder.path()).unwrap();
    read.measure();
    let pair = &read.pairs[0];
    assert_eq!(pair.id, "ant/image_0001-image_0002");
    assert_eq!(pair.source_keypoints, [[2.0, 2.0], [6.0, 2.0], [6.0, 6.0], [2.0, 6.0]]);
    assert_eq!(pair.target_keypoints, [[2.0, 2.0], [6.0, 2.0], [6.0, 6.0]]);
    assert_eq!(read.images[pair.target].size, Some([20, 10]));

    let predict = ["predict", "--benchmark", "caltech-101", "--method", "identity"];
    hpflow(folder.path())
        .args(predict)
        .args(["--root", ".", "--out", "id.jsonl"])
        .assert()
        .success();
    // Identity predicts the square, 5 × 5 = 25 pixels; the triangle is 5 + 4 + 3 + 2 + 1 = 15 of
    // them. IoU 15/25 = 60; LT-ACC: 10 of 200 pixels differ, 95.
    let score = ["score", "id.jsonl", "--root", "Caltech-101"];
    hpflow(folder.path())
        .args(score)
        .assert()
        .success()
        .stdout(contains("LT-ACC and IoU (%) on caltech-101 test"))
        .stdout(contains("α").not())
        .stdout(contains("95.0"))
        .stdout(contains("60.0"));
    hpflow(folder.path())
        .args(score)
        .args(["--format", "metrics", "--protocol", "all"])
        .assert()
        .success()
        .stdout(contains("\"identity/caltech-lt-acc/lt-acc/all\": 95.0"))
        .stdout(contains("\"identity/caltech-iou/iou/category/ant\": 60.0"));
    for format in ["latex", "markdown", "csv", "json"] {
        hpflow(folder.path()).args(score).args(["--format", format]).assert().success();
    }
    // What has no meaning for masks is refused.
    for (option, value, code) in [("--protocol", "spair", 1), ("--alpha", "0.1", 2)] {
        hpflow(folder.path()).args(score).args([option, value]).assert().code(code);
    }
    hpflow(folder.path()).args(score).arg("--explain").assert().code(2);
    let check = ["dataset", "check", "--benchmark", "caltech-101", "--root", "."];
    hpflow(folder.path()).args(check).assert().success().stdout(contains("test: 1 pair in"));
    let show = ["show", "id.jsonl", "--root", ".", "--out", "pictures"];
    hpflow(folder.path()).args(show).assert().success();
    let report = ["report", "id.jsonl", "--root", ".", "--out", "report"];
    hpflow(folder.path()).args(report).assert().code(1).stderr(contains("use hpflow score"));
}

#[test]
fn broken_lists_of_caltech_101_are_told_with_their_line() {
    let row = CALTECH_LIST.lines().nth(1).unwrap();
    for (found, replacement, what) in [
        ("\"2,6,6,2\"", "\"2,6,6\"", "an outline has 3 x and 4 y"),
        ("\"2,6,6,2\"", "\"2,6,x,2\"", "found \"x\" in an outline"),
        ("\"2,6,6,2\"", "\"2,6,nan,2\"", "found \"nan\" in an outline"),
        ("101_ObjectCategories/ant/image_0001.jpg", "a/../x.jpg", "expected 101_ObjectCategories/"),
        ("ant/image_0001", "bee/image_0001", "are of two categories"),
        (",8,", ",", "with 6 columns, expected 7"),
    ] {
        let folder = caltech(&CALTECH_LIST.replace(found, replacement));
        let error = open(BenchmarkKind::Caltech101, folder.path()).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains(".csv:2:"), "{error}");
    }
    let folder = caltech(&format!("{CALTECH_LIST}{row}\n"));
    let error = open(BenchmarkKind::Caltech101, folder.path()).unwrap_err().to_string();
    assert!(error.contains(":3: the pair is listed a second time"), "{error}");
    // A mask that is to be drawn in a photograph that is not there.
    let folder = caltech(CALTECH_LIST);
    let root = folder.path().join("Caltech-101");
    fs::remove_file(root.join("101_ObjectCategories/ant/image_0002.jpg")).unwrap();
    fs::write(
        root.join("p.jsonl"),
        "{\"format\":\"hpflow-predictions\",\"version\":1,\"benchmark\":\"caltech-101\",\"split\":\"test\"}\n\
         {\"pair\":\"ant/image_0001-image_0002\",\"keypoints\":[null,null,null,null]}\n",
    )
    .unwrap();
    hpflow(&root)
        .args(["score", "p.jsonl", "--root", "."])
        .assert()
        .code(1)
        .stderr(contains("put the photographs where they belong"));
}

/// A subset of one folder: photographs of 40 × 20 and 40 × 30, a shift of (3, 0) from the first to
/// the second on two pixels, and back on one.
fn tss() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("TSS_CVPR2016/JODS/horse_1");
    photograph(&place.join("image1.png"), 40, 20);
    photograph(&place.join("image2.png"), 40, 30);
    let flow = |height: u32, known: &[(usize, [f32; 2])]| {
        let mut vectors = vec![None; 40 * height as usize];
        known.iter().for_each(|(at, vector)| vectors[*at] = Some(*vector));
        Flow { width: 40, height, vectors }
    };
    flow(20, &[(41, [3.0, 0.5]), (85, [0.0, 0.0])]).write(&place.join("flow1.flo")).unwrap();
    flow(30, &[(44, [-3.0, 0.0])]).write(&place.join("flow2.flo")).unwrap();
    fs::write(place.join("flip_gt.txt"), "0").unwrap();
    folder
}

#[test]
fn tss_is_every_pixel_of_known_flow_in_both_directions() {
    let folder = tss();
    let read = open(BenchmarkKind::Tss, folder.path()).unwrap();
    let ids: Vec<&str> = read.pairs.iter().map(|pair| pair.id.as_str()).collect();
    assert_eq!(ids, ["JODS/horse_1:1to2", "JODS/horse_1:2to1"]);
    // Pixel 41 of a width of 40 is (1, 1), pixel 85 is (5, 2).
    assert_eq!(read.pairs[0].source_keypoints, [[1.0, 1.0], [5.0, 2.0]]);
    assert_eq!(read.pairs[0].target_keypoints, [[4.0, 1.5], [5.0, 2.0]]);
    assert_eq!(read.images[read.pairs[0].target].size, Some([40, 30]));

    let predict = ["predict", "--benchmark", "tss", "--method", "identity", "--root", "."];
    hpflow(folder.path()).args(predict).args(["--out", "id.jsonl"]).assert().success();
    // α · 40 = 2 px. There: (1, 1) → (1, 1.5), 3 px off, wrong; (5, 2) → (5, 3), 1 px, right: 50.
    // Back: (4, 1) → (4, 0.67), the truth is (1, 1): wrong, 0. The mean is 25.
    hpflow(folder.path())
        .args(["score", "id.jsonl", "--root", ".", "--format", "csv"])
        .assert()
        .success()
        .stdout(contains(",tss,test,tss,0.05,2,2,3,0,25,25"));
    let check = ["dataset", "check", "--benchmark", "tss", "--root", "."];
    hpflow(folder.path()).args(check).assert().success().stdout(contains("test: 2 pairs in"));
    let show = ["show", "id.jsonl", "--root", ".", "--out", "pictures"];
    hpflow(folder.path()).args(show).assert().success();
    let report = ["report", "id.jsonl", "--root", ".", "--out", "report"];
    hpflow(folder.path()).args(report).assert().success();
}

#[test]
fn flows_as_the_evaluation_kit_takes_them_become_predictions() {
    let folder = tss();
    // The truth itself, as a result: everything is right.
    let place = folder.path().join("results/JODS/horse_1");
    fs::create_dir_all(&place).unwrap();
    let truth = folder.path().join("TSS_CVPR2016/JODS/horse_1");
    for name in ["flow1.flo", "flow2.flo"] {
        fs::copy(truth.join(name), place.join(name)).unwrap();
    }
    let import = ["import", "results", "--benchmark", "tss", "--root", ".", "--out"];
    hpflow(folder.path()).args(import).arg("mine.jsonl").assert().success();
    hpflow(folder.path())
        .args(["score", "mine.jsonl", "--root", ".", "--format", "csv"])
        .assert()
        .success()
        .stdout(contains(",tss,test,tss,0.05,2,2,3,0,100,100"));
    // A flow of another size is told of, and one that is not there leaves its pair out.
    let other = Flow { width: 2, height: 1, vectors: vec![Some([0.0, 0.0]); 2] };
    other.write(&place.join("flow1.flo")).unwrap();
    hpflow(folder.path())
        .args(import)
        .arg("bad.jsonl")
        .assert()
        .code(1)
        .stderr(contains("has 2 × 1 pixels, expected 40 × 20"));
    fs::remove_file(place.join("flow1.flo")).unwrap();
    hpflow(folder.path())
        .args(import)
        .arg("half.jsonl")
        .assert()
        .success()
        .stderr(contains("1 of the 2 pairs"));
}

#[test]
fn broken_folders_of_tss_are_told_with_their_file() {
    let folder = tss();
    let place = folder.path().join("TSS_CVPR2016/JODS/horse_1");
    let whole = fs::read(place.join("flow1.flo")).unwrap();
    for (content, what) in [
        (&whole[..whole.len() - 1], "not a flow in Middlebury's format"),
        (b"PIEH".as_slice(), "not a flow in Middlebury's format"),
        (b"<html>".as_slice(), "not a flow in Middlebury's format"),
    ] {
        fs::write(place.join("flow1.flo"), content).unwrap();
        let error = open(BenchmarkKind::Tss, folder.path()).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("flow1.flo"), "{error}");
    }
    fs::remove_file(place.join("flow1.flo")).unwrap();
    let error = open(BenchmarkKind::Tss, folder.path()).unwrap_err().to_string();
    assert!(error.contains("flow1.flo is missing"), "{error}");
    let options = BenchmarkOptions { split: "val".to_owned(), ..BenchmarkOptions::default() };
    let error = Benchmark::open(BenchmarkKind::Tss, folder.path(), &options).unwrap_err();
    assert!(error.to_string().contains("expected one of test"), "{error}");
}
