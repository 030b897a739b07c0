//! What scores and audits say of doubtful truths and few pairs.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Case;
use crate::benchmark::matlab::{doubles, file};
use crate::cli::text;

const ANNOTATIONS: &str = "bench/PairAnnotation/test";
const FIRST: &str = "bench/PairAnnotation/test/000000-a-b:cat.json";

impl Case {
    /// Puts other values into an annotation.
    fn change(&self, annotation: &str, fields: Value) {
        let file = self.path(annotation);
        let mut found: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for (field, value) in fields.as_object().unwrap() {
            found[field] = value.clone();
        }
        fs::write(file, found.to_string()).unwrap();
    }

    /// All pairs' PCK, and what is said beside it, of a run that ends well.
    #[track_caller]
    fn scored(&self, file: &str, more: &[&str]) -> (f64, String) {
        let arguments = [&["score", file, "--root", "bench", "--format", "json"], more].concat();
        let output = self.hpflow(&arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let notes: Vec<&str> =
            found["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
        for note in &notes {
            assert!(said.contains(note) || more.contains(&"--bootstrap"), "{note}\n{said}");
        }
        let pck = found["files"][0]["pck"].as_object().unwrap().values().next().unwrap();
        (pck["all"].as_f64().unwrap(), said)
    }

    /// What `dataset check` lists, of a benchmark in which nothing is a problem.
    #[track_caller]
    fn listed(&self) -> String {
        self.prints(&["dataset", "check", "--benchmark", "spair-json", "--root", "bench"])
    }
}

#[track_caller]
fn says_once(said: &str, parts: &[&str]) {
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
    for part in parts {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
}

#[test]
fn a_keypoint_outside_its_photograph_is_counted_beside_the_score() {
    let case = Case::new("keypoint-outside");
    let (all, said) = case.scored("perfect.jsonl", &[]);
    assert_eq!(all, 87.5);
    let parts =
        ["1 keypoint is outside", "0 at [-1, -1] of 96 × 72", "b.png", "000000-a-b:cat", "null"];
    says_once(&said, &parts);
    let output = case.hpflow(&["score", "perfect.jsonl", "--root", "bench"]);
    says_once(&text(&output.stderr), &parts);
    let predict =
        ["predict", "--benchmark", "spair-json", "--root", "bench", "--method", "identity"];
    let output = case.hpflow(&[&predict[..], &["--out", "out.jsonl"]].concat());
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.lines().any(|line| line.contains(parts[0]) && line.contains(parts[1])), "{said}");
    assert_eq!(case.predictions("out.jsonl").len(), 2);
    assert!(case.listed().contains("keypoint 0 at [-1, -1] of 96 × 72"));
}

#[test]
fn keypoints_outside_are_counted_once_each_whatever_pairs_they_are_in() {
    let case = Case::new("keypoint-outside");
    let outside = json!([[1000, -500], [58.0, 33.5], [70.0, 72.0], [95.9, 71.9]]);
    case.change(FIRST, json!({ "trg_kps": outside }));
    case.change("bench/PairAnnotation/test/000001-b-a:cat.json", json!({ "src_kps": outside }));
    let (_, said) = case.scored("perfect.jsonl", &[]);
    says_once(&said, &["2 keypoints are outside", "the first: 0 at [1000, -500]"]);
    // A source alone.
    let case = Case::new("keypoint-outside");
    case.change(
        FIRST,
        json!({ "src_kps": [[20.0, 18.0], [60.5, 30.0], [-0.5, 5], [3, 4]],
        "trg_kps": [[24.0, 20.0], [58.0, 33.5], [70.0, 52.0], [33.0, 47.5]] }),
    );
    let (all, said) = case.scored("perfect.jsonl", &[]);
    assert_eq!(all, 100.0);
    says_once(&said, &["1 keypoint is outside", "2 at [-0.5, 5]", "a.png"]);
    // Nothing is said of nothing.
    let case = Case::new("one-pair-interval");
    assert_eq!(case.scored("half.jsonl", &[]), (50.0, String::new()));
}

#[test]
fn a_box_with_one_side_of_zero_is_measured_by_the_other() {
    // Errors of 6.2 and 6.4 px; α = 0.1 of 63 px allows 6.3.
    let case = Case::new("one-pair-interval");
    let line = r#"{"pair":"000000-a-b:cat","keypoints":[[30.2,20.0],[64.4,33.5],null,null]}"#;
    let header = fs::read_to_string(case.path("half.jsonl")).unwrap();
    let header = header.lines().next().unwrap();
    fs::write(case.path("mine.jsonl"), format!("{header}\n{line}\n")).unwrap();
    for (bounds, other) in [([40, 5, 40, 68], "b.png"), ([5, 68, 68, 68], "b.png")] {
        case.change(FIRST, json!({ "trg_bndbox": bounds }));
        let (all, said) = case.scored("mine.jsonl", &[]);
        assert_eq!(all, 25.0, "{bounds:?}");
        says_once(&said, &["1 box has a side of zero and is measured by the other", other]);
        assert!(case.listed().contains("boxes with a side of zero, measured by the other (1)"));
    }
    // Both sides: nothing to measure by.
    case.change(FIRST, json!({ "trg_bndbox": [40, 40, 40, 40] }));
    let output = case.hpflow(&["score", "mine.jsonl", "--root", "bench"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    says_once(&text(&output.stderr), &["000000-a-b:cat.json", "trg_bndbox is [40.0, 40.0, 40.0"]);
}

#[test]
fn keypoints_of_one_name_are_counted() {
    let case = Case::new("one-pair-interval");
    case.change(FIRST, json!({ "kps_ids": ["0", "1", "1", "3"] }));
    let (all, said) = case.scored("half.jsonl", &[]);
    assert_eq!(all, 50.0);
    says_once(
        &said,
        &["1 pair has two keypoints of one name", "keypoint 1 of pair 000000-a-b:cat"],
    );
    assert!(case.listed().contains("pair 000000-a-b:cat: keypoint 1"));
    // Beside another doubt it is still one sentence.
    case.change(FIRST, json!({ "kps_ids": [7, 7, 7, 7], "trg_bndbox": [5, 5, 90, 5] }));
    let (_, said) = case.scored("half.jsonl", &[]);
    says_once(&said, &["1 box has a side of zero", "keypoint 7 of pair"]);
}

/// A JPEG whose EXIF says how it is to be turned.
fn turned(path: &Path, orientation: u8) {
    let picture = image::RgbImage::from_fn(96, 72, |x, y| image::Rgb([x as u8, y as u8, 90]));
    let mut jpeg = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let bytes = jpeg.into_inner();
    let whole = [&bytes[..2], &[0xff, 0xe1], &length, &exif, &bytes[2..]].concat();
    fs::write(path, whole).unwrap();
}

#[test]
fn an_exif_orientation_that_is_ignored_is_counted() {
    let case = Case::new("one-pair-interval");
    // The file's content decides, not its name.
    turned(&case.path("bench/JPEGImages/cat/b.png"), 6);
    let (all, said) = case.scored("half.jsonl", &[]);
    assert_eq!(all, 50.0);
    says_once(&said, &["1 photograph carries an EXIF orientation, which is ignored", "b.png"]);
    let listed = case.listed();
    assert!(
        listed.contains("photographs with an EXIF orientation, which is ignored (1)"),
        "{listed}"
    );
    turned(&case.path("bench/JPEGImages/cat/a.png"), 3);
    let (_, said) = case.scored("half.jsonl", &[]);
    says_once(&said, &["2 photographs carry an EXIF orientation", "a.png"]);
    // Upright is nothing to be said.
    for name in ["a", "b"] {
        turned(&case.path(&format!("bench/JPEGImages/cat/{name}.png")), 1);
    }
    assert_eq!(case.scored("half.jsonl", &[]).1, "");
}

#[test]
fn a_single_pair_has_no_interval() {
    let case = Case::new("one-pair-interval");
    let with = |more: &[&str]| {
        let arguments = ["score", "half.jsonl", "--root", "bench", "--bootstrap", "1000"];
        case.hpflow(&[&arguments[..], more].concat())
    };
    for format in ["text", "markdown", "latex"] {
        let output = with(&["--format", format]);
        let table = text(&output.stdout);
        assert!(table.contains("too few pairs"), "{table}");
        assert_eq!(table.matches("50.0").count(), 3, "the mean alone: {table}");
    }
    let output = with(&["--format", "csv"]);
    assert!(text(&output.stdout).contains(",50,,,50\n"), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("too few pairs"));
    let found: Value = serde_json::from_slice(&with(&["--format", "json"]).stdout).unwrap();
    assert_eq!(found["files"][0]["pck"]["0.1"]["interval_95"]["low"]["all"], Value::Null);
    assert!(found["notes"][0].as_str().unwrap().contains("too few pairs"), "{found}");
    let metrics = text(&with(&["--format", "metrics"]).stdout);
    assert!(!metrics.contains("interval"), "{metrics}");
}

/// A benchmark in SPair-71k's JSON of these pairs of photographs, and a file that is right on every
/// other keypoint of every other pair.
fn pairs_of(photographs: &[[&str; 2]]) -> Case {
    pairs_in(photographs, &["cat"])
}

/// [`pairs_of`] in these categories, in turn.
fn pairs_in(photographs: &[[&str; 2]], categories: &[&str]) -> Case {
    let case = Case::new("one-pair-interval");
    let first: Value = serde_json::from_slice(&fs::read(case.path(FIRST)).unwrap()).unwrap();
    fs::remove_file(case.path(FIRST)).unwrap();
    let header = fs::read_to_string(case.path("half.jsonl")).unwrap();
    let mut lines = header.lines().next().unwrap().to_owned() + "\n";
    for (at, [source, target]) in photographs.iter().enumerate() {
        let category = categories[at % categories.len()];
        let id = format!("{at:06}-{source}-{target}:{category}");
        let mut pair = first.clone();
        pair["category"] = json!(category);
        pair["src_imname"] = json!(format!("{source}.png"));
        pair["trg_imname"] = json!(format!("{target}.png"));
        fs::write(case.path(&format!("{ANNOTATIONS}/{id}.json")), pair.to_string()).unwrap();
        let mut points = pair["trg_kps"].clone();
        if at % 2 == 0 {
            points[0] = Value::Null;
        }
        lines += &format!("{}\n", json!({ "pair": id, "keypoints": points }));
    }
    fs::write(case.path("mine.jsonl"), lines).unwrap();
    fs::copy(case.path("mine.jsonl"), case.path("other.jsonl")).unwrap();
    case
}

#[test]
fn two_pairs_and_pairs_of_the_same_photographs_have_no_interval_and_others_do() {
    let found = |photographs: &[[&str; 2]]| -> Value {
        let case = pairs_of(photographs);
        let more = ["other.jsonl", "--root", "bench", "--bootstrap", "200", "--format", "json"];
        let printed = case.prints(&[&["score", "mine.jsonl"], &more[..]].concat());
        serde_json::from_str(&printed).unwrap()
    };
    for few in [
        &[["a", "b"], ["c", "d"]][..],
        &[["a", "b"], ["b", "a"]],
        &[["a", "b"], ["b", "a"], ["a", "a"]][..2],
    ] {
        let found = found(few);
        let ends = &found["files"][0]["pck"]["0.1"]["interval_95"];
        assert_eq!([&ends["low"]["all"], &ends["high"]["category"]["cat"]], [&Value::Null; 2]);
        assert_eq!(found["differences"][0]["interval_95"], Value::Null, "{few:?}");
        assert_eq!(found["differences"][0]["p"], Value::Null, "{few:?}");
    }
    // All is drawn within each category, so single pairs of several categories say nothing of it.
    let case = pairs_in(&[["a", "b"], ["c", "d"], ["e", "f"]], &["cat", "cow", "dog"]);
    for unit in ["pairs", "images"] {
        let more =
            ["--root", "bench", "--bootstrap", "200", "--format", "json", "--resample", unit];
        let printed = case.prints(&[&["score", "mine.jsonl"], &more[..]].concat());
        let found: Value = serde_json::from_str(&printed).unwrap();
        let low = &found["files"][0]["pck"]["0.1"]["interval_95"]["low"]["all"];
        assert_eq!(*low, Value::Null, "{unit}");
    }
    let found = found(&[["a", "b"], ["b", "c"], ["c", "a"]]);
    let ends = &found["files"][0]["pck"]["0.1"]["interval_95"];
    assert!(ends["low"]["all"].as_f64() < ends["high"]["all"].as_f64(), "{found}");
    assert_eq!(found["notes"], json!([]));
    assert_eq!(found["differences"][0]["p"], json!(1.0));
}

/// PF-PASCAL with one pair of photographs of 200 × 100 pixels, and predictions for it.
struct PfPascal {
    folder: TempDir,
}

impl PfPascal {
    fn new(truth: &[[f64; 2]], bounds: [f64; 4], predicted: &[[f64; 2]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("bench");
        fs::create_dir_all(root.join("Annotations/cat")).unwrap();
        fs::create_dir_all(root.join("JPEGImages")).unwrap();
        let columns: Vec<f64> =
            [0, 1].iter().flat_map(|&axis| truth.iter().map(move |point| point[axis])).collect();
        let annotation = file(&[
            (14, doubles("kps", &[truth.len() as i32, 2], &columns)),
            (14, doubles("bbox", &[1, 4], &bounds)),
        ]);
        for name in ["a", "b"] {
            fs::write(root.join(format!("Annotations/cat/{name}.mat")), &annotation).unwrap();
            let photograph = image::RgbImage::new(200, 100);
            let path = root.join(format!("JPEGImages/{name}.jpg"));
            photograph.save_with_format(path, image::ImageFormat::Png).unwrap();
        }
        fs::write(root.join("test_pairs.csv"), "source,target,class\na.jpg,b.jpg,8\n").unwrap();
        let header = json!({"format": "hpflow-predictions", "version": 1, "benchmark": "pf-pascal",
            "split": "test", "method": {"name": "mine"}});
        let line = json!({ "pair": "cat/a-b", "keypoints": predicted });
        fs::write(folder.path().join("mine.jsonl"), format!("{header}\n{line}\n")).unwrap();
        Self { folder }
    }

    fn score(&self, more: &[&str]) -> std::process::Output {
        let mut command = assert_cmd::Command::cargo_bin("hpflow").unwrap();
        command.current_dir(self.folder.path()).args(["score", "mine.jsonl", "--root", "bench"]);
        command.args(more).output().unwrap()
    }

    #[track_caller]
    fn all(&self, protocol: &str, alpha: &str) -> f64 {
        let more = ["--protocol", protocol, "--alpha", alpha, "--format", "json"];
        let output = self.score(&more);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        found["files"][0]["pck"][alpha]["all"].as_f64().unwrap()
    }
}

#[test]
fn pf_pascal_is_scored_by_the_image_under_evaluators_names() {
    // Photographs of 200 × 100, a box of 40 × 20. Errors of 20 px in x and 9 px in y.
    let bench = PfPascal::new(
        &[[50.0, 50.0], [60.0, 50.0]],
        [40.0, 40.0, 80.0, 60.0],
        &[[70.0, 50.0], [60.0, 59.0]],
    );
    for protocol in ["dhpf-240", "chm-240", "sd4match-image", "pascal"] {
        assert_eq!(bench.all(protocol, "0.1"), 100.0, "{protocol}"); // 20 px in x, 10 in y
    }
    for protocol in ["sd-dino-class", "geoaware-image"] {
        assert_eq!(bench.all(protocol, "0.1"), 50.0, "{protocol}"); // below 20 px
        assert_eq!(bench.all(protocol, "0.15"), 100.0, "{protocol}");
    }
    // 84 px of the square of 840 are 19.92 px of x, corners on corners.
    assert_eq!(bench.all("visual-ai-image", "0.1"), 50.0);
    assert_eq!(bench.all("spair", "0.1"), 0.0); // 4 px
    // α by benchmark, and what is refused in words.
    let output = bench.score(&["--protocol", "geoaware-point", "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let alphas: Vec<&String> = found["files"][0]["pck"].as_object().unwrap().keys().collect();
    assert_eq!(alphas, ["0.1", "0.05", "0.15"]);
    for (protocol, sentence) in [
        ("dift-image", "is not defined for pf-pascal"),
        ("willow", "is not defined for pf-pascal"),
        ("cats-256", "the benchmark lacks the pair with the photographs exchanged"),
        ("scnet-224", "the benchmark lacks the pair with the photographs exchanged"),
    ] {
        let output = bench.score(&["--protocol", protocol]);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        says_once(&text(&output.stderr), &["mine.jsonl", protocol, sentence]);
    }
    let output = bench.score(&["--protocol", "all", "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = found["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["protocol"].as_str().unwrap())
        .collect();
    assert_eq!(
        names.join(" "),
        "spair dhpf-240 chm-240 sd-dino-class sd-dino-weighted geoaware-image geoaware-point \
         sd4match-image sd4match-point visual-ai-image visual-ai-point pascal mmpose"
    );
    let said = text(&output.stderr);
    assert!(said.contains("does not define them for pf-pascal: dift-image, dift-point"), "{said}");
    assert!(said.contains("is not there: cats-256, scnet-224"), "{said}");
}

#[test]
fn pf_pascals_doubts_are_counted_as_its_annotations_count_pixels() {
    // MATLAB counts from one: 200 is the last column. −1 is outside, whatever it was meant for.
    let bench = PfPascal::new(
        &[[200.0, 100.0], [60.0, 50.0]],
        [40.0, 40.0, 80.0, 60.0],
        &[[70.0, 50.0], [60.0, 59.0]],
    );
    assert_eq!(text(&bench.score(&[]).stderr), "");
    let bench = PfPascal::new(
        &[[-1.0, -1.0], [60.0, 50.0]],
        [40.0, 40.0, 40.0, 60.0],
        &[[70.0, 50.0], [60.0, 59.0]],
    );
    let said = text(&bench.score(&[]).stderr);
    // The same in both photographs.
    says_once(
        &said,
        &["2 keypoints are outside", "[-1, -1] of 200 × 100", "2 boxes have a side of"],
    );
}

#[test]
fn boxes_outside_their_photograph_or_beside_their_keypoints_are_counted_beside_the_score() {
    let predicted = [[70.0, 50.0], [60.0, 59.0]];
    let said = |truth: &[[f64; 2]], bounds: [f64; 4]| {
        let bench = PfPascal::new(truth, bounds, &predicted);
        let check = ["dataset", "check", "--benchmark", "pf-pascal", "--root", "bench"];
        let mut command = assert_cmd::Command::cargo_bin("hpflow").unwrap();
        let checked = command.current_dir(bench.folder.path()).args(check).output().unwrap();
        assert_eq!(checked.status.code(), Some(0));
        (text(&bench.score(&[]).stderr), text(&checked.stdout))
    };
    let truth = [[50.0, 50.0], [60.0, 50.0]];
    // Photographs of 200 × 100. Annotations count from 0 or 1, and round: a pixel is allowed.
    for bounds in [
        [1.0, 1.0, 200.0, 100.0],
        [0.0, 0.0, 200.0, 100.0],
        [-1.0, -1.0, 201.0, 101.0],
        [40.0, 40.0, 49.0, 60.0],
        [61.0, 51.0, 80.0, 60.0],
    ] {
        let (score, check) = said(&truth, bounds);
        assert_eq!(score, "", "{bounds:?}");
        assert!(check.contains("nothing is wrong"), "{bounds:?}: {check}");
    }
    for bounds in [
        [5.0, 5.0, 201.5, 80.0],
        [5.0, 5.0, 900.0, 680.0],
        [5.0, 5.0, 180.0, 102.0],
        [-500.0, -500.0, -400.0, -400.0],
        [-1.5, 5.0, 80.0, 60.0],
    ] {
        let (score, check) = said(&truth, bounds);
        let [left, top, right, bottom] = bounds;
        let corners = format!("[{left}, {top}, {right}, {bottom}] of 200 × 100");
        let sentence = "used as they are: 2 boxes reach outside their photographs (the first:";
        says_once(&score, &[sentence, &corners, "a box is [xmin, ymin, xmax, ymax]; hpflow"]);
        let heading = "boxes that reach outside their photograph, used as they are (2):";
        assert!(check.contains(heading) && check.contains(&corners), "{check}");
        assert!(!check.contains("nothing is wrong") && !score.contains("hold none"), "{check}");
    }
    // The keypoints' own box is 40, 40 to 80, 60: as COCO writes it, and elsewhere.
    for bounds in [[40.0, 40.0, 40.5, 48.0], [100.0, 20.0, 140.0, 90.0], [62.0, 20.0, 90.0, 90.0]] {
        let (score, check) = said(&truth, bounds);
        says_once(
            &score,
            &["used as they are: 2 boxes hold none of their keypoints (the first: ["],
        );
        let heading = "boxes that hold none of their keypoints, used as they are (2):";
        assert!(check.contains(heading), "{check}");
    }
    // A keypoint outside the photograph says nothing of the box.
    let (score, _) = said(&[[-9.0, 50.0], [60.0, 50.0]], [40.0, 40.0, 80.0, 60.0]);
    assert!(score.contains("2 keypoints are outside") && !score.contains("box"), "{score}");
    let (score, _) = said(&[[-9.0, 50.0], [-9.0, 60.0]], [40.0, 40.0, 80.0, 60.0]);
    assert!(!score.contains("box"), "{score}");
}

/// Runs `hpflow audit` on a table.
fn audit(table: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, table).unwrap();
    let mut command = assert_cmd::Command::cargo_bin("hpflow").unwrap();
    let output = command.arg("audit").arg(&path).output().unwrap();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// The paper's table 3 with All as a mean over keypoints, given how many a pair has in each category.
fn per_point(keypoints: impl Fn(usize, usize) -> f64, rows: usize) -> String {
    let pairs = hpflow::testing::benchmark::pairs_by_category("test");
    let published = hpflow::testing::score::published::table_3();
    let mut table = format!("method,{},All\n", published[0].columns.join(","));
    for (at, row) in published.iter().take(rows).enumerate() {
        let weights: Vec<f64> =
            pairs.iter().enumerate().map(|(c, (_, n))| *n as f64 * keypoints(at, c)).collect();
        let sum: f64 = row.values.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
        let all = sum / weights.iter().sum::<f64>();
        let values: Vec<String> = row.values.iter().map(|value| format!("{value:.1}")).collect();
        table += &format!("m{at},{},{all:.1}\n", values.join(","));
    }
    table
}

#[test]
fn a_table_per_point_is_not_accused() {
    // As many keypoints as SPair-71k's categories have, from 4 to 11.
    let drawn = |seed: usize| {
        move |_: usize, category: usize| 4.0 + ((category * 7 + seed * 5) % 15) as f64 / 2.0
    };
    for seed in 0..15 {
        let (code, said) = audit(&per_point(drawn(seed), 10));
        assert_eq!(code, Some(0), "{seed}: {said}");
    }
    let (_, said) = audit(&per_point(drawn(1), 1));
    assert!(said.contains("follows from the columns as a mean over keypoints"), "{said}");
    // Rows of different sources, one per image among them.
    let mixed =
        |row: usize, category: usize| if row == 0 { 7.0 } else { drawn(row)(row, category) };
    let (code, said) = audit(&per_point(mixed, 10));
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(
            "line 2, m0: All is 21.3, which follows from the columns as a mean over pairs"
        )
    );
    // What no weights within reason give is still accused.
    let wrong =
        per_point(drawn(1), 1).trim_end().rsplit_once(',').unwrap().0.to_owned() + ",40.0\n";
    let (code, said) = audit(&wrong);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("CONTRADICTS"), "{said}");
}

#[test]
fn a_table_per_category_is_a_mean_over_categories() {
    let row = &hpflow::testing::score::published::table_3()[0];
    let all = row.values.iter().sum::<f64>() / 18.0;
    let values: Vec<String> = row.values.iter().map(|value| format!("{value:.1}")).collect();
    let table = format!("{},All\n{},{all:.1}\n", row.columns.join(","), values.join(","));
    let (code, said) = audit(&table);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("as a mean over"), "{said}");
}

#[test]
fn what_score_writes_as_csv_is_not_accused_on_any_benchmark_or_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("hpflow").unwrap();
        let output = command.current_dir(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    run(&["dataset", "demo", "demo", "--images", "4", "--category", "car,bottle,aeroplane"]);
    run(&["predict", "--root", "demo", "--method", "identity", "--out", "mine.jsonl"]);
    for more in [&[][..], &["--bootstrap", "100"], &["--with-published"]] {
        let protocols = if more.len() == 1 { "spair" } else { "all" };
        let score =
            ["score", "mine.jsonl", "--root", "demo", "--format", "csv", "--protocol", protocols];
        let table = run(&[&score[..], more].concat());
        let (code, said) = audit(&table);
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("CONTRADICTS"), "{said}");
    }
    // A number that lies outside its columns does contradict them.
    let table = run(&["score", "mine.jsonl", "--root", "demo", "--format", "csv"]);
    let (heading, row) = table.trim_end().split_once('\n').unwrap();
    let all = heading.split(',').position(|name| name == "All").unwrap();
    let mut fields: Vec<&str> = row.split(',').collect();
    fields[all] = "99.9";
    let (code, said) = audit(&format!("{heading}\n{}\n", fields.join(",")));
    assert_eq!(code, Some(1), "{said}");
}

#[test]
#[cfg_attr(not(present = "pf-willow"), ignore = "needs HPFLOW_SHARED/data/PF-dataset-WILLOW")]
fn tables_of_the_padding_defect_say_so_in_every_format_with_notes() {
    let root = crate::shared::shared("data/PF-dataset-WILLOW");
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("hpflow").unwrap();
        command.current_dir(folder.path()).args(arguments).arg("--root").arg(&root);
        command.output().unwrap()
    };
    let predict =
        ["predict", "--benchmark", "pf-willow", "--method", "identity", "--out", "mine.jsonl"];
    assert!(run(&predict).status.success());
    let protocols = "willow,dhpf-240,chm-240,cats-256,sd4match-image,sd4match-point,\
                     visual-ai-image,visual-ai-point";
    let score = ["score", "mine.jsonl", "--protocol", protocols];
    let with = |format: &str| run(&[&score[..], &["--alpha", "0.1", "--format", format]].concat());
    for format in ["text", "markdown", "latex", "json"] {
        let printed = text(&with(format).stdout);
        assert!(
            printed.contains("Protocols dhpf-240, chm-240, cats-256: on PF-WILLOW"),
            "{printed}"
        );
        assert!(printed.contains("about 3 points more"), "{printed}");
    }
    for format in ["csv", "metrics"] {
        assert!(text(&with(format).stderr).contains("about 3 points more"));
    }
    let found: Value = serde_json::from_slice(&with("json").stdout).unwrap();
    // Computed apart from hpflow, in NumPy's float32, from the MATLAB files and the sizes of the
    // photographs: all 900 ordered pairs within the ten sub-classes; x · w_t / w_s and y · h_t / h_s of the
    // source's keypoints against the target's, right at a distance of at most 0.1 · max(extent in x,
    // extent in y); the mean over pairs of the share that is right.
    // - willow: original pixels, the extent of the target's ten keypoints.
    // - dhpf-240, chm-240, cats-256: both sides by 240 / W and 240 / H (256 for CATs), the extent of the ten
    //   with thirty entries of −1 (−2 for CHM). CATs goes from target to source; over all ordered pairs
    //   that is the same mean.
    // - sd4match: by 768 / W, the truth clamped to [1e-4, 767 − 1e-4], its extent.
    // - visual-ai: by 839 / (W − 1), the truth floored before and clamped to [1e-4, 839 − 1e-4] after, its
    //   extent.
    // Every pair has ten keypoints, so that means over pairs and over keypoints are one.
    let expected = [
        ("willow", 27.0444),
        ("dhpf-240", 29.1000),
        ("chm-240", 29.2222),
        ("cats-256", 29.0667),
        ("sd4match-image", 23.3556),
        ("sd4match-point", 23.3556),
        ("visual-ai-image", 23.3778),
        ("visual-ai-point", 23.3778),
    ];
    for (at, (protocol, all)) in expected.into_iter().enumerate() {
        let file = &found["files"][at];
        assert_eq!(file["protocol"], protocol);
        let scored = file["pck"]["0.1"]["all"].as_f64().unwrap();
        assert!((scored - all).abs() < 6e-5, "{protocol}: {scored}, not {all}");
    }
}

/// How `hpflow score` ends, and what it says, under one protocol.
fn score_under(case: &Case, file: &str, root: &str, protocol: &str) -> (Option<i32>, String) {
    let output = case.hpflow(&["score", file, "--root", root, "--protocol", protocol]);
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn protocols_of_code_that_does_not_read_a_benchmark_are_refused() {
    let case = Case::new("one-pair-interval");
    for (names, sentence) in [
        (
            &[
                "dhpf-240",
                "chm-240",
                "cats-256",
                "sd-dino-class",
                "sd-dino-weighted",
                "dift-image",
                "dift-point",
                "sd4match-image",
                "sd4match-point",
                "scnet-224",
                "willow",
                "tss",
                "caltech-iou",
            ][..],
            "is not defined for spair-json",
        ),
        (&["visual-ai-image", "visual-ai-point"], "is defined for spair-json, but hpflow lacks it"),
        // These read AP-10K, and these pairs are of another.
        (&["geoaware-image", "geoaware-point"], "is not defined for spair-json: of this form"),
    ] {
        for name in names {
            let (code, said) = score_under(&case, "half.jsonl", "bench", name);
            assert_eq!(code, Some(1), "{name}: {said}");
            let instead = match name.starts_with("geoaware") {
                true => "--protocol: spair, pascal, mmpose",
                false => "--protocol: spair, geoaware-image, geoaware-point, pascal, mmpose",
            };
            says_once(&said, &["half.jsonl", &format!("protocol {name} {sentence}"), instead]);
        }
    }
    // What reads the form is applied, without a word; two of four keypoints are right.
    for name in ["spair", "pascal", "mmpose"] {
        let (code, said) = score_under(&case, "half.jsonl", "bench", name);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("50.0") && !said.contains("authors"), "{said}");
    }
    let output = case.hpflow(&[
        "score",
        "half.jsonl",
        "--root",
        "bench",
        "--protocol",
        "all",
        "--format",
        "json",
    ]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names =
        found["files"].as_array().unwrap().iter().map(|one| one["protocol"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["spair", "pascal", "mmpose"]);
    let said = text(&output.stderr);
    assert!(
        said.contains("hpflow lacks what their authors' code does on spair-json: visual-ai-im")
    );
    assert!(said.contains("willow") && said.contains("geoaware-image, geoaware-point"), "{said}");
    // And no note is left that says that a rule is applied where it is not defined.
    assert_eq!(found["notes"].as_array().map(Vec::len), Some(0), "{}", found["notes"]);
}

#[test]
fn geoaware_is_ap_10ks_own_where_all_keypoints_are_visible() {
    let case = Case::new("ap10k-file-name");
    let predict = ["predict", "--benchmark", "spair-json", "--root", "ap-10k"];
    case.prints(&[&predict[..], &["--method", "identity", "--out", "mine.jsonl"]].concat());
    for name in ["geoaware-image", "geoaware-point", "spair"] {
        let (code, said) = score_under(&case, "mine.jsonl", "ap-10k", name);
        assert_eq!(code, Some(0), "{name}: {said}");
    }
    for name in ["visual-ai-point", "dift-image", "dhpf-240", "scnet-224"] {
        let (code, said) = score_under(&case, "mine.jsonl", "ap-10k", name);
        assert_eq!(code, Some(1), "{name}: {said}");
    }
    // A hidden keypoint, of which GeoAware-SC's code halves the coordinates; 0 is no keypoint at all.
    let path = case.path("ap-10k/ImageAnnotation/Bovidae/argali sheep/000000000001.json");
    let annotation = fs::read_to_string(&path).unwrap();
    fs::write(&path, annotation.replacen("57.5, 2.0", "57.5, 1", 1)).unwrap();
    for name in ["geoaware-image", "geoaware-point"] {
        let (code, said) = score_under(&case, "mine.jsonl", "ap-10k", name);
        assert_eq!(code, Some(1), "{said}");
        says_once(
            &said,
            &["visibility 1", "000000-000000000001-000000000002:argali sheep has one"],
        );
    }
    assert_eq!(score_under(&case, "mine.jsonl", "ap-10k", "spair").0, Some(0));
    fs::write(&path, annotation.replacen("57.5, 2.0", "57.5, 0", 1)).unwrap();
    case.prints(&[&predict[..], &["--method", "identity", "--out", "fewer.jsonl"]].concat());
    assert_eq!(score_under(&case, "fewer.jsonl", "ap-10k", "geoaware-image").0, Some(0));
}

#[test]
fn scnet_is_not_for_benchmarks_of_ones_own() {
    let case = Case::new("bom-annotation");
    fs::write(
        case.path("mine.jsonl"),
        "{\"format\":\"hpflow-predictions\",\"version\":1,\"benchmark\":\"spair-json\",\
         \"split\":\"test\",\"method\":{\"name\":\"mine\"}}\n",
    )
    .unwrap();
    let (code, said) = score_under(&case, "mine.jsonl", "bench", "scnet-224");
    assert_eq!(code, Some(1));
    says_once(&said, &["scnet-224 is not defined for spair-json", "PF-PASCAL"]);
}

#[test]
fn annotations_of_other_programs_are_read_or_named_by_field_and_count() {
    let scored = |from: &str, to: &str| {
        let case = Case::new("one-pair-interval");
        let path = case.path("bench/PairAnnotation/test/000000-a-b:cat.json");
        let annotation = fs::read_to_string(&path).unwrap();
        assert!(annotation.contains(from), "{annotation}");
        fs::write(&path, annotation.replace(from, to)).unwrap();
        score_under(&case, "half.jsonl", "bench", "spair")
    };
    // Whole numbers that became floats.
    for (from, to) in [
        ("[96, 72, 3]", "[96.0, 72.0, 3.0]"),
        ("[96, 72, 3]", "[9.6e1, 72, 3]"),
        ("\"category\"", "\"truncation\": 1.0, \"category\""),
    ] {
        let (code, said) = scored(from, to);
        assert_eq!(code, Some(0), "{to}: {said}");
    }
    for (from, to, parts) in [
        (
            "\"trg_bndbox\": [5, 5, 90, 68]",
            "\"trg_bndbox\": [5, 5, 90, 68, 1]",
            &["trg_bndbox holds 5 numbers", "expected 4: xmin, ymin, xmax, ymax"][..],
        ),
        (
            "\"src_bndbox\": [5, 5, 90, 68]",
            "\"src_bndbox\": [5, 5]",
            &["src_bndbox holds 2 numbers", "expected 4"],
        ),
        (
            "\"src_imsize\": [96, 72, 3]",
            "\"src_imsize\": [96.5, 72, 3]",
            &["found 96.5", "whole number"],
        ),
        (
            "\"trg_imsize\": [96, 72, 3]",
            "\"trg_imsize\": [96]",
            &["trg_imsize is [96]", "expected [width, height, depth]"],
        ),
        (
            "\"category\"",
            "\"occlusion\": 300, \"category\"",
            &["occlusion is 300", "a whole number from 0 to 255"],
        ),
    ] {
        let (code, said) = scored(from, to);
        assert_eq!(code, Some(1), "{to}: {said}");
        says_once(&said, &[&["000000-a-b:cat.json"], parts].concat());
    }
}

#[test]
fn audits_tolerate_what_roundings_explain_and_no_column_twice() {
    let columns = hpflow::testing::score::published::table_3()[0].columns.join(",");
    let table = |cell: &str, all: &str| {
        format!("method,{columns},All\nmine,{},{all}\n", [cell; 18].join(","))
    };
    for (cell, all, code) in [
        ("10", "11", 0),
        ("10", "12", 1),
        ("10", "8", 1),
        ("10", "11.2", 1),
        ("27.3", "27.4", 0),
        ("27.3", "27.5", 1),
        ("27.30", "27.32", 1),
    ] {
        let (found, said) = audit(&table(cell, all));
        assert_eq!(found, Some(code), "{cell} {all}: {said}");
    }
    for twice in ["aero", "aeroplane", "Aeroplane"] {
        let repeated = format!("method,{columns},{twice},All\nmine,{},10\n", ["10"; 19].join(","));
        let (found, said) = audit(&repeated);
        assert_eq!(found, Some(1), "{said}");
        says_once(
            &said,
            &["table.csv", &format!("the columns aero and {twice} are both of aeroplane")],
        );
    }
}
