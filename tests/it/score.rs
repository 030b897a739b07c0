//! Scoring from the command line, on SPair-71k's own pair files.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::shared::shared;

const HEADER: &str = r#"{"format":"hpflow-predictions","version":1,"benchmark":"spair","split":"test","method":{"name":"identity"},"created_by":"a test"}"#;

/// A benchmark of the 62 real pair files, and predictions files for it.
pub struct Sample {
    folder: TempDir,
    pairs: Vec<Value>,
}

impl Sample {
    pub fn new() -> Self {
        let annotations = shared("data/SPair-71k-sample/PairAnnotation/test");
        let mut names: Vec<_> =
            fs::read_dir(&annotations).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let folder = TempDir::new().unwrap();
        let copies = folder.path().join("PairAnnotation/test");
        let layout = folder.path().join("Layout/large");
        fs::create_dir_all(&copies).unwrap();
        fs::create_dir_all(&layout).unwrap();
        let (mut pairs, mut list) = (Vec::new(), String::new());
        for name in names {
            let text = fs::read_to_string(annotations.join(&name)).unwrap();
            fs::write(copies.join(&name), &text).unwrap();
            let pair: Value = serde_json::from_str(&text).unwrap();
            list += pair["filename"].as_str().unwrap();
            list += "\n";
            pairs.push(pair);
        }
        fs::write(layout.join("test.txt"), list).unwrap();
        Self { folder, pairs }
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The line of a pair whose keypoints are mapped by relative position.
    fn line(&self, pair: usize) -> String {
        let pair = &self.pairs[pair];
        let points: Vec<Value> = identity(pair).into_iter().map(|point| json!(point)).collect();
        json!({"pair": pair["filename"], "keypoints": points}).to_string()
    }

    /// All lines of a predictions file, the header first.
    pub fn lines(&self) -> Vec<String> {
        let lines = (0..self.pairs.len()).map(|pair| self.line(pair));
        std::iter::once(HEADER.to_owned()).chain(lines).collect()
    }

    pub fn write(&self, name: &str, lines: &[String]) -> PathBuf {
        let file = self.root().join(name);
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        file
    }

    fn score(&self, file: &Path, options: &[&str]) -> Command {
        let mut command = Command::cargo_bin("hpflow").unwrap();
        command.arg("score").arg(file).arg("--root").arg(self.root()).args(options);
        command
    }

    fn json(&self, file: &Path, options: &[&str]) -> Value {
        let output = self.score(file, options).args(["--format", "json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The one sentence with which a file is refused.
    #[track_caller]
    fn refused(&self, lines: &[String], options: &[&str]) -> String {
        let file = self.write("refused.jsonl", lines);
        let output = self.score(&file, options).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty(), "a refused file has no score");
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(sentence.lines().count(), 1, "{sentence}");
        assert!(sentence.contains("refused.jsonl"), "{sentence}");
        sentence
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Source keypoints at the same relative position of the target, in f32 as a file holds them.
fn identity(pair: &Value) -> Vec<[f32; 2]> {
    let (source, target) = (numbers(&pair["src_imsize"]), numbers(&pair["trg_imsize"]));
    let point = |point: &Value| {
        let point = numbers(point);
        [0, 1].map(|axis| (point[axis] * target[axis] / source[axis]) as f32)
    };
    pair["src_kps"].as_array().unwrap().iter().map(point).collect()
}

/// A pair's share of right keypoints at α = 0.1, by hand: distance against a tenth of the longer
/// side of the target's box.
fn share(pair: &Value) -> f64 {
    let sides = numbers(&pair["trg_bndbox"]);
    let allowed = f64::max(sides[2] - sides[0], sides[3] - sides[1]) / 10.0;
    let truth = pair["trg_kps"].as_array().unwrap();
    let right = identity(pair).into_iter().zip(truth).filter(|(predicted, truth)| {
        let truth = numbers(truth);
        let [x, y] = [0, 1].map(|axis| f64::from(predicted[axis]) - truth[axis]);
        x.hypot(y) <= allowed + 1e-9
    });
    right.count() as f64 / truth.len() as f64
}

#[track_caller]
fn near(found: &Value, expected: f64) {
    let found = found.as_f64().expect("a number");
    assert!((found - expected).abs() < 1e-9, "found {found}, expected {expected}");
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn identity_on_the_real_pairs_scores_what_a_hand_computation_says() {
    let sample = Sample::new();
    let file = sample.write("identity.jsonl", &sample.lines());
    let result = sample.json(&file, &[]);
    let score = &result["files"][0];
    assert_eq!(score["method"], json!({"name": "identity"}));
    assert_eq!(score["file"], json!(file));
    assert_eq!([&score["pairs"], &score["keypoints"], &score["unanswered"]], [62, 426, 0]);
    let pck = &score["pck"]["0.1"];
    let mean = |field: &str, value: Value| {
        let of: Vec<f64> =
            sample.pairs.iter().filter(|pair| pair[field] == value).map(share).collect();
        100.0 * of.iter().sum::<f64>() / of.len() as f64
    };
    near(&pck["all"], mean("mirror", json!(0)));
    for category in ["aeroplane", "pottedplant"] {
        near(&pck["category"][category], mean("category", json!(category)));
    }
    for (field, factor) in [("viewpoint_variation", "viewpoint"), ("scale_variation", "scale")] {
        for (number, level) in ["easy", "medium", "hard"].into_iter().enumerate() {
            near(&pck[factor][level], mean(field, json!(number)));
        }
    }
    for factor in ["truncation", "occlusion"] {
        for (number, level) in ["none", "source", "target", "both"].into_iter().enumerate() {
            near(&pck[factor][level], mean(factor, json!(number)));
        }
    }
    // The same in exact fractions, computed apart from this project.
    near(&pck["all"], 8.290347645186355);
    near(&pck["category"]["aeroplane"], 9.163491423106807);
    near(&pck["viewpoint"]["hard"], 7.203228869895536);
    near(&pck["truncation"]["both"], 19.047619047619047);
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn the_tables_have_the_papers_abbreviations_and_counts() {
    let sample = Sample::new();
    let file = sample.write("identity.jsonl", &sample.lines());
    let output = sample.score(&file, &[]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let columns = |line: &str| {
        let found = text.lines().find(|found| found.starts_with(line)).expect("the line is there");
        found.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(columns("identity  spair")[2..], ["62", "426", "0", "8.3"]);
    let title = "PCK (%) on spair test, protocol spair, α = 0.1, by category";
    let table = text.split(title).nth(1).expect("the table is there");
    let mut lines = table.lines().skip(2).map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(lines.next().unwrap(), ["method", "aero", "plant", "All"]);
    assert_eq!(lines.next().unwrap(), ["identity", "9.2", "3.8", "8.3"]);
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn several_alphas_and_files_stand_side_by_side() {
    let sample = Sample::new();
    let identity = sample.write("identity.jsonl", &sample.lines());
    let mut lines = sample.lines();
    lines[0] = HEADER.replace("identity", "nothing");
    for (pair, line) in sample.pairs.iter().zip(&mut lines[1..]) {
        let points = vec![Value::Null; pair["trg_kps"].as_array().unwrap().len()];
        *line = json!({"pair": pair["filename"], "keypoints": points}).to_string();
    }
    let nothing = sample.write("nothing.jsonl", &lines);
    let both = sample.json(&identity, &[nothing.to_str().unwrap(), "--alpha", "0.05,.1"]);
    let alphas: Vec<_> = both["files"][0]["pck"].as_object().unwrap().keys().collect();
    assert_eq!(alphas, ["0.05", "0.1"]);
    assert_eq!(both["files"][1]["unanswered"], 426);
    near(&both["files"][1]["pck"]["0.1"]["all"], 0.0);
    near(&both["files"][0]["pck"]["0.1"]["all"], 8.290347645186355);
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn a_file_that_lacks_pairs_is_scored_only_on_request_and_then_says_over_what() {
    let sample = Sample::new();
    let mut lines = sample.lines();
    lines.remove(2);
    let sentence = sample.refused(&lines, &[]);
    let lacking = sample.pairs[1]["filename"].as_str().unwrap();
    assert!(sentence.contains("lacks 1 of the 62 pairs"), "{sentence}");
    assert!(sentence.contains(lacking) && sentence.contains("--partial"), "{sentence}");

    let file = sample.write("partial.jsonl", &lines);
    let score = &sample.json(&file, &["--partial"])["files"][0];
    assert_eq!([&score["pairs"], &score["pairs_of_split"]], [61, 62]);
    let shares = sample.pairs.iter().map(share).enumerate();
    let sum: f64 = shares.filter(|(pair, _)| *pair != 1).map(|(_, share)| share).sum();
    near(&score["pck"]["0.1"]["all"], 100.0 * sum / 61.0);
    let output = sample.score(&file, &["--partial"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("61 of 62"), "{text}");
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn unknown_repeated_and_misshapen_pairs_are_refused_even_with_partial() {
    let sample = Sample::new();
    let name = |pair: usize| sample.pairs[pair]["filename"].as_str().unwrap().to_owned();
    let with = |line: String| {
        let mut lines = sample.lines();
        lines[3] = line;
        lines
    };
    for options in [&[][..], &["--partial"][..]] {
        let unknown = with(json!({"pair": "no-such:pair", "keypoints": []}).to_string());
        let sentence = sample.refused(&unknown, options);
        assert!(sentence.contains("line 4: pair no-such:pair is not among"), "{sentence}");
        let sentence = sample.refused(&with(sample.line(0)), options);
        assert!(sentence.contains(&format!("line 4: pair {} came before", name(0))), "{sentence}");
        let short = with(json!({"pair": name(2), "keypoints": [[1, 2]]}).to_string());
        let sentence = sample.refused(&short, options);
        assert!(sentence.contains(&format!("line 4: pair {} has 1 points", name(2))), "{sentence}");
    }
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn malformed_files_are_refused_in_a_sentence_that_names_the_line() {
    let sample = Sample::new();
    let pair = sample.pairs[2]["filename"].as_str().unwrap();
    for line in [
        "{".to_owned(),
        "[]".to_owned(),
        format!(r#"{{"pair":"{pair}","keypoints":[[1,NaN]]}}"#),
        format!(r#"{{"pair":"{pair}","keypoints":[[1,1e39]]}}"#),
        format!(r#"{{"pair":"{pair}","keypoints":[[1,2,3]]}}"#),
        format!(r#"{{"pair":"{pair}","keypoints":{}{}}}"#, "[".repeat(9999), "]".repeat(9999)),
    ] {
        let mut lines = sample.lines();
        lines[3] = line;
        let sentence = sample.refused(&lines, &[]);
        assert!(sentence.contains("refused.jsonl:4: "), "{sentence}");
    }
    let mut lines = sample.lines();
    lines[0] = HEADER.replace("\"test\"", "\"holdout\"");
    let file = sample.write("other-split.jsonl", &lines);
    let output = sample.score(&file, &[]).output().unwrap();
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{sentence}");
    assert!(sentence.contains("holdout") && sentence.lines().count() == 1, "{sentence}");
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn explains_which_keypoints_protocols_judge_differently() {
    let sample = Sample::new();
    let file = sample.write("identity.jsonl", &sample.lines());
    let options = ["--protocol", "spair,dhpf-240", "--explain"];
    let found = &sample.json(&file, &options)["comparisons"][0];
    let score = sample.json(&file, &["--protocol", "dift-point,dhpf-240,chm-240"]);
    assert_eq!(found["protocols"], json!(["spair", "dhpf-240"]));
    let differences = found["differences"].as_array().unwrap();
    assert!(!differences.is_empty());
    for difference in differences {
        assert_ne!(difference["spair"]["right"], difference["dhpf-240"]["right"]);
        assert_eq!(difference["because"], json!(["frame"]));
        let measured = &difference["spair"];
        let within = measured["distance"].as_f64() <= measured["allowed"].as_f64();
        assert_eq!(measured["right"].as_bool(), Some(within), "{difference}");
    }
    assert_eq!(score["files"][1]["protocol"], "dhpf-240");
    assert_eq!(score["files"][1]["pck"]["0.1"], score["files"][2]["pck"]["0.1"]);
    let output = sample.score(&file, &options).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches("because of the frame").count(), differences.len(), "{text}");
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn the_papers_rows_stand_unranked_beside_a_file_of_other_pairs() {
    let sample = Sample::new();
    let file = sample.write("identity.jsonl", &sample.lines());
    let output =
        sample.score(&file, &["--with-published", "--format", "markdown"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("| HPF ResNet-101 (paper, SPair-71k) | 25.2 | 21.1 | 28.2 |"), "{text}");
    let published = &sample.json(&file, &["--with-published"])["published"];
    assert_eq!(published["factor"][0]["pck"]["viewpoint_easy"], 7.3);
    let output = sample.score(&file, &["--with-published", "--alpha", "0.05"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn intervals_and_paired_tests_are_the_same_for_the_same_seed() {
    let sample = Sample::new();
    let identity = sample.write("identity.jsonl", &sample.lines());
    let mut lines = sample.lines();
    lines[0] = HEADER.replace("identity", "truth");
    for (pair, line) in sample.pairs.iter().zip(&mut lines[1..]) {
        *line = json!({"pair": pair["filename"], "keypoints": pair["trg_kps"]}).to_string();
    }
    let truth = sample.write("truth.jsonl", &lines);
    let options = [truth.to_str().unwrap(), "--bootstrap", "500", "--seed", "3"];
    let found = sample.json(&identity, &options);
    assert_eq!(found, sample.json(&identity, &options));
    assert_eq!(found["bootstrap"], json!({"resamples": 500, "seed": 3, "resample": "images"}));
    let pck = &found["files"][0]["pck"]["0.1"];
    let low = pck["interval_95"]["low"]["all"].as_f64().unwrap();
    let high = pck["interval_95"]["high"]["all"].as_f64().unwrap();
    let all = pck["all"].as_f64().unwrap();
    assert!(low < all && all < high, "{low} {all} {high}");
    let perfect = &found["files"][1]["pck"]["0.1"]["interval_95"];
    near(&perfect["low"]["all"], 100.0);
    let difference = &found["differences"][0];
    near(&difference["all"], all - 100.0);
    near(&difference["p"], 2.0 / 501.0);
    assert_eq!(difference["methods"], json!(["identity", "truth"]));
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn metrics_are_one_flat_object_of_numbers() {
    let sample = Sample::new();
    let file = sample.write("identity.jsonl", &sample.lines());
    let output = sample.score(&file, &["--format", "metrics"]).output().unwrap();
    let metrics: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(metrics.as_object().unwrap().values().all(Value::is_number), "{metrics}");
    near(&metrics["identity/spair/pck@0.1/all"], 8.290347645186355);
    near(&metrics["identity/spair/pck@0.1/viewpoint/hard"], 7.203228869895536);
    assert_eq!(metrics["identity/spair/pairs"], 62);
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn imported_predictions_score_what_the_same_predictions_do() {
    let sample = Sample::new();
    let mut table = "pair,keypoint,x,y\n".to_owned();
    for pair in &sample.pairs {
        let names = pair["kps_ids"].as_array().unwrap();
        for (name, [x, y]) in names.iter().zip(identity(pair)) {
            table += &format!(
                "{},{},{x},{y}\n",
                pair["filename"].as_str().unwrap(),
                name.as_str().unwrap()
            );
        }
    }
    let csv = sample.root().join("identity.csv");
    fs::write(&csv, table).unwrap();
    let out = sample.root().join("imported.jsonl");
    let mut command = Command::cargo_bin("hpflow").unwrap();
    command.arg("import").arg(&csv).arg("--root").arg(sample.root()).arg("--out").arg(&out);
    command.assert().success();
    let lines: Vec<Value> = fs::read_to_string(&out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["method"], json!({"name": "identity", "imported_from": "csv"}));
    // Another program computed the numbers.
    assert_eq!(lines[0].get("arithmetic"), None);
    assert!(lines[0]["created_by"].as_str().unwrap().starts_with("hpflow "));
    let score = &sample.json(&out, &[])["files"][0];
    assert_eq!([&score["pairs"], &score["unanswered"]], [62, 0]);
    near(&score["pck"]["0.1"]["all"], 8.290347645186355);
    let mut command = Command::cargo_bin("hpflow").unwrap();
    command.arg("import").arg("x.txt").arg("--root").arg(sample.root()).arg("--out").arg(&out);
    command.assert().code(2);
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn wrong_usage_exits_with_2() {
    let sample = Sample::new();
    let file = sample.write("identity.jsonl", &sample.lines());
    let usages = [
        &["--alpha", "0"][..],
        &["--alpha", "0.1,0.05,0.10"],
        &["--protocol", "spare"],
        &["--format", "pdf"],
    ];
    for options in usages {
        let output = sample.score(&file, options).output().unwrap();
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{sentence}");
        let wrong = if options[1].contains(',') { "--alpha names 0.1 twice" } else { options[1] };
        assert!(sentence.contains(wrong), "{sentence}");
    }
}

#[test]
fn audit_flags_the_image_alignment_rows_of_the_papers_table_3() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/score/published/table3_pck_by_category.csv");
    let mut command = Command::cargo_bin("hpflow").unwrap();
    let output = command.arg("audit").arg(&table).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let flagged: Vec<&str> = text.lines().filter(|line| line.contains("CONTRADICTS")).collect();
    assert_eq!(flagged.len(), 6, "{text}");
    for method in ["CNNGeo", "A2Net", "WeakAlign"] {
        assert_eq!(flagged.iter().filter(|line| line.contains(method)).count(), 2, "{text}");
    }
    assert_eq!(output.status.code(), Some(1));
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(sentence.contains("in 6 of 10 rows All contradicts the columns"), "{sentence}");
}

#[test]
fn audit_tells_the_papers_table_5_from_its_table_4() {
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/score/published");
    let audit = |table: &Path, options: &[&str]| {
        let mut command = Command::cargo_bin("hpflow").unwrap();
        let output = command.arg("audit").arg(table).args(options).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let table_5 = published.join("table5_pck_by_controlled_factor.csv");
    let (code, text) = audit(&table_5, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("CONTRADICTS"), "{text}");
    let one =
        "line 7, Region matching HPF ResNet-101: the first cells are one number: viewpoint_easy 51";
    assert!(text.contains(one), "{text}");
    let (code, text) = audit(&table_5, &["--format", "json"]);
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &found["cells"]), (Some(0), &json!("controlled")));
    assert_eq!(found["rows"][0]["first_cells"]["scale_easy"], json!(44.3));
    assert_eq!(audit(&table_5, &["--cells", "plain"]).0, Some(1));
    let (code, text) = audit(&published.join("table4_pck_by_factor.csv"), &["--format", "json"]);
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &found["cells"]), (Some(0), &json!("plain")));
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_table() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("table.csv");
    let published =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/score/published/table4_pck_by_factor.csv");
    let text = fs::read_to_string(published).unwrap().replace("trained,method,", "");
    let rows = text.lines().map(|line| line.rsplitn(16, ',').collect::<Vec<_>>());
    // The first column is one that is needed.
    let rows = rows.map(|mut fields| {
        fields.truncate(15);
        fields.reverse();
        fields.join(",")
    });
    let marked = format!("\u{feff}{}", rows.collect::<Vec<_>>().join("\r\n"));
    assert!(marked.starts_with("\u{feff}viewpoint_easy,"), "{marked}");
    fs::write(&table, marked).unwrap();
    let mut command = Command::cargo_bin("hpflow").unwrap();
    let output = command.arg("audit").arg(&table).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("mean over pairs by viewpoint"), "{text}");
    assert!(text.starts_with("line 2, no name: All is 5.6"), "{text}");
}

#[test]
#[cfg_attr(not(present = "pf-willow"), ignore = "needs HPFLOW_SHARED/data/PF-dataset-WILLOW")]
fn what_pf_willow_lacks_is_asked_of_its_photographs() {
    let root = shared("data/PF-dataset-WILLOW");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("identity.jsonl");
    let hpflow = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("hpflow").unwrap();
        command.arg("-q").args(arguments).arg("--root").arg(&root);
        command
    };
    let predict = ["predict", "--benchmark", "pf-willow", "--method", "identity"];
    hpflow(&predict).arg("--out").arg(&file).assert().success();
    let score = |root: &Path, options: &[&str]| {
        let mut command = Command::cargo_bin("hpflow").unwrap();
        let output = command.arg("score").arg(&file).arg("--root").arg(root).args(options);
        output.output().unwrap()
    };
    let all = |protocol: &str, alpha: &str| {
        let output = score(&root, &["--protocol", protocol, "--format", "json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        result["files"][0]["pck"][alpha]["all"].as_f64().unwrap()
    };
    // A box of keypoints is inside its photograph: with the whole image more is right.
    assert!(all("pascal", "0.1") > all("willow", "0.1"));
    assert!((0.0..100.0).contains(&all("sd4match-image", "0.1")));
    let output = score(&root, &["--protocol", "all", "--format", "json"]);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> =
        result["files"].as_array().unwrap().iter().map(|one| &one["protocol"]).collect();
    let expected = [
        "dhpf-240",
        "chm-240",
        "cats-256",
        "sd4match-image",
        "sd4match-point",
        "visual-ai-image",
        "visual-ai-point",
        "willow",
        "pascal",
    ];
    assert_eq!(names, expected);
    // What --explain proposes can be done.
    let output = score(&root, &["--explain"]);
    let sentence = String::from_utf8(output.stderr).unwrap();
    let proposed = sentence.split("such as --protocol ").nth(1).expect("a proposal").trim();
    assert_eq!(output.status.code(), Some(2));
    assert!(score(&root, &["--explain", "--protocol", proposed]).status.success(), "{proposed}");
    // Without photographs the sentence names the one that is missing.
    let bare = folder.path().join("bare");
    for entry in fs::read_dir(&root).unwrap().map(Result::unwrap) {
        fs::create_dir_all(bare.join(entry.file_name())).unwrap();
        for file in fs::read_dir(entry.path()).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "mat") {
                let to = bare.join(entry.file_name()).join(file.file_name().unwrap());
                fs::write(to, fs::read(&file).unwrap()).unwrap();
            }
        }
    }
    assert!(score(&bare, &[]).status.success());
    let output = score(&bare, &["--protocol", "pascal"]);
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{sentence}");
    assert!(
        sentence.contains("identity.jsonl") && sentence.contains("Cars_007a.png"),
        "{sentence}"
    );
    let output = score(&bare, &["--protocol", "all"]);
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{sentence}");
    assert!(sentence.contains("need the size of photographs"), "{sentence}");
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn what_a_header_names_and_is_not_there_is_told_with_the_file_and_a_remedy() {
    let sample = Sample::new();
    let refused = |from: &str, to: &str, root: &Path| {
        let mut lines = sample.lines();
        lines[0] = HEADER.replace(from, to);
        let file = sample.write("refused.jsonl", &lines);
        let mut command = Command::cargo_bin("hpflow").unwrap();
        let output = command.arg("score").arg(&file).arg("--root").arg(root).output().unwrap();
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{sentence}");
        assert!(sentence.contains("refused.jsonl"), "{sentence}");
        assert_eq!(sentence.lines().count(), 1, "{sentence}");
        sentence
    };
    let sentence = refused("\"test\"", "\"holdout\"", sample.root());
    assert!(sentence.contains("\"holdout\"") && sentence.contains("expected one of test"));
    assert!(sentence.contains("mend \"split\" in its first line"), "{sentence}");
    let sentence = refused("\"spair\"", "\"spare\"", sample.root());
    assert!(sentence.contains("mend \"benchmark\" in its first line"), "{sentence}");
    let sentence = refused("\"spair\"", "\"tss\"", sample.root());
    assert!(sentence.contains("(it looks like spair): expected the folders FG3DCar"), "{sentence}");
    let nowhere = sample.root().join("nowhere");
    let sentence = refused("spair", "spair", &nowhere);
    assert!(sentence.contains("there is no folder") && sentence.contains("--root"), "{sentence}");
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn a_table_for_programs_holds_intervals_and_the_papers_rows() {
    let sample = Sample::new();
    let file = sample.write("identity.jsonl", &sample.lines());
    let options = ["--with-published", "--bootstrap", "100", "--format", "csv"];
    let output = sample.score(&file, &options).output().unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&output.stdout[..]);
    // A heading, the file, and 10 + 11 + 6 rows of the paper, all of one length.
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 29, "{rows:?}");
    let place = |name: &str| rows[0].iter().position(|heading| heading == name).unwrap();
    let [all, from, to] = ["All", "All 95 % from", "All 95 % to"].map(place);
    let number = |row: usize, column: usize| rows[row][column].parse::<f64>().unwrap();
    assert!(number(1, from) < number(1, all) && number(1, all) < number(1, to), "{rows:?}");
    let of_table_5 = |row: &&csv::StringRecord| {
        row[0].starts_with("table 5 of the") && &row[1] == "HPF ResNet-50"
    };
    let hpf = rows.iter().find(of_table_5).unwrap();
    assert_eq!([&hpf[all], &hpf[place("controlled viewpoint easy")]], ["27.2", "50.1"]);
    assert_eq!([&hpf[from], &hpf[place("aero")], &hpf[place("viewpoint easy")]], ["", "", ""]);
}

#[test]
fn audit_refuses_what_is_no_table_in_one_sentence() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("table.csv");
    let endless = ["\"aero,All\n".to_owned(), "1,2\n".repeat(1 << 19)].concat();
    let texts =
        [&b""[..], b"<html></html>", b"a,b\n1,2\n", b"aero,All\n\xff,2\n", endless.as_bytes()];
    for text in texts {
        fs::write(&table, text).unwrap();
        let mut command = Command::cargo_bin("hpflow").unwrap();
        let output = command.arg("audit").arg(&table).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(sentence.lines().count(), 1, "{sentence}");
        assert!(sentence.contains("table.csv"), "{sentence}");
    }
}
