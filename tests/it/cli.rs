//! The binary as a user meets it: what it prints, what it writes, how it ends, above all on bad input.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use hpflow::testing::benchmark::spair::annotation::ImageAnnotation;
use tempfile::TempDir;

/// Runs hpflow without colour. Where a test says no engine, it is the one that hpflow takes here.
pub fn hpflow(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("hpflow").expect("the binary");
    command.args(arguments).env("NO_COLOR", "1").output().expect("a run")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Holds a failure to the promise: this exit code, one sentence with these parts, nothing else.
#[track_caller]
pub fn fails(output: &Output, code: i32, parts: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "exit code; it said: {said}");
    for part in parts {
        assert!(said.contains(part), "no '{part}' in: {said}");
    }
    assert!(!said.contains("panicked"), "a panic: {said}");
    assert!(output.stdout.is_empty(), "nothing is printed as a result: {}", text(&output.stdout));
}

fn write_picture(path: &Path, [width, height]: [u32; 2], seed: u32) {
    image::RgbImage::from_fn(width, height, |x, y| {
        let hash = (x / 6 * 31 + y / 5 * 17 + seed).wrapping_mul(2_654_435_761) >> 24;
        image::Rgb([hash as u8, (hash / 2) as u8, 255 - hash as u8])
    })
    .save(path)
    .expect("a picture");
}

/// A benchmark in SPair-71k's format of one category: three photographs and six pairs, unless more
/// are wanted.
pub struct Tiny {
    folder: TempDir,
}

impl Tiny {
    pub fn new() -> Self {
        Self::of(3)
    }

    /// So many photographs, and every ordered pair of two.
    pub fn of(photographs: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for sub in ["JPEGImages/mug", "ImageAnnotation/mug", "PairAnnotation/test", "Layout/large"]
        {
            fs::create_dir_all(root.join(sub)).expect("a folder");
        }
        let images: Vec<ImageAnnotation> = (0..photographs)
            .map(|index| {
                let (width, height) = (90 + 10 * index, 80);
                let name = format!("mug_{index}.png");
                write_picture(&root.join("JPEGImages/mug").join(&name), [width, height], index);
                let json = format!(
                    r#"{{"filename":"{name}","src_database":"","src_annotation":"","src_image":"",
                    "image_width":{width},"image_height":{height},"image_depth":3,"category":"mug",
                    "pose":"Left","truncated":0,"occluded":0,"difficult":0,"bndbox":[5,5,70,70],
                    "kps":{{"0":[20,20],"1":[40,{y}],"2":null}},"azimuth_id":0}}"#,
                    y = 30 + index
                );
                ImageAnnotation::parse(json.as_bytes()).expect("an annotation")
            })
            .collect();
        let pairs = hpflow::testing::benchmark::spair::pairs::build(&images, 0).expect("pairs");
        let mut layout = String::new();
        for pair in &pairs {
            let path = root.join("PairAnnotation/test").join(format!("{}.json", pair.filename));
            fs::write(path, pair.to_json().expect("json")).expect("a pair");
            layout.push_str(&format!("{}\n", pair.filename));
        }
        fs::write(root.join("Layout/large/test.txt"), layout).expect("a layout");
        Self { folder }
    }

    pub fn root(&self) -> &str {
        self.folder.path().to_str().expect("a path in UTF-8")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn arg(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// `hpflow predict` with HOG on the CPU engine.
    pub fn predict(&self, out: &str, more: &[&str]) -> Output {
        self.predict_by("hpf", out, &[&["--backbone", "hog", "--engine", "cpu"], more].concat())
    }

    /// `hpflow predict` with a method.
    pub fn predict_by(&self, method: &str, out: &str, more: &[&str]) -> Output {
        let out = self.arg(out);
        let first = ["-q", "predict", "--root", self.root(), "--method", method, "--out", &out];
        hpflow(&[&first[..], more].concat())
    }
}

#[test]
fn predictions_are_scored_and_do_not_depend_on_threads_or_runs() {
    let tiny = Tiny::new();
    let first = tiny.predict("a.jsonl", &["--threads", "1", "-vv"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let said = text(&first.stderr);
    assert!(said.contains("threads on the processor: 1"), "{said}");
    assert!(tiny.predict("b.jsonl", &["--threads", "3"]).status.success());
    let [a, b] = ["a.jsonl", "b.jsonl"].map(|name| fs::read(tiny.path(name)).expect("predictions"));
    assert!(a == b, "the same bytes");
    assert_eq!(text(&a).lines().count(), 7, "a header and six pairs");
    let scored =
        hpflow(&["score", &tiny.arg("a.jsonl"), "--root", tiny.root(), "--format", "json"]);
    let table: serde_json::Value = serde_json::from_slice(&scored.stdout).expect("JSON");
    assert_eq!(table["files"][0]["pairs"], 6);
    assert_eq!(table["files"][0]["keypoints"], 12);
}

#[test]
fn a_run_that_was_killed_continues_to_the_same_bytes() {
    let tiny = Tiny::new();
    assert!(tiny.predict("whole.jsonl", &[]).status.success());
    let whole = fs::read(tiny.path("whole.jsonl")).expect("predictions");
    // Killed in the middle of the fourth line.
    let cut =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2).expect("lines").0 + 9;
    fs::write(tiny.path("killed.jsonl.partial"), &whole[..cut]).expect("a partial file");
    let refused = tiny.predict("killed.jsonl", &[]);
    fails(&refused, 1, &["killed.jsonl.partial", "--resume"]);
    assert!(tiny.predict("killed.jsonl", &["--resume"]).status.success());
    assert!(fs::read(tiny.path("killed.jsonl")).expect("predictions") == whole, "the same bytes");
    assert!(!tiny.path("killed.jsonl.partial").exists(), "nothing partial is left");
    fs::write(tiny.path("other.jsonl.partial"), &whole[..cut]).expect("a partial file");
    let other = tiny.predict_by("identity", "other.jsonl", &["--resume"]);
    fails(&other, 1, &["other.jsonl", "method"]);
}

#[test]
fn an_unreadable_photograph_stops_the_run_or_leaves_its_pairs_unanswered() {
    let tiny = Tiny::new();
    fs::write(tiny.path("JPEGImages/mug/mug_2.png"), b"<html>no photograph</html>")
        .expect("a file");
    fails(&tiny.predict("stop.jsonl", &[]), 1, &["mug_2.png", "--keep-going", "--resume"]);
    assert!(tiny.path("stop.jsonl.partial").exists(), "what was predicted is kept");
    fails(&tiny.predict("go.jsonl", &["--keep-going"]), 1, &["1 photograph", "mug_2.png"]);
    let predictions = fs::read_to_string(tiny.path("go.jsonl")).expect("predictions");
    let unanswered = predictions.lines().filter(|line| line.contains("[null,null]")).count();
    assert_eq!(unanswered, 4, "of six pairs two are without it: {predictions}");
}

#[test]
fn unanswered_pairs_are_predicted_again_when_the_photograph_is_mended() {
    let tiny = Tiny::new();
    let photograph = tiny.path("JPEGImages/mug/mug_2.png");
    let whole = fs::read(&photograph).expect("a photograph");
    assert!(tiny.predict("whole.jsonl", &[]).status.success());
    let expected = fs::read(tiny.path("whole.jsonl")).expect("predictions");
    fs::write(&photograph, "<html>no photograph</html>").expect("a file");
    fails(&tiny.predict("a.jsonl", &["--keep-going"]), 1, &["1 photograph"]);
    let unanswered = fs::read(tiny.path("a.jsonl")).expect("predictions");
    // As long as it is broken, nothing changes and nothing is lost.
    fails(&tiny.predict("a.jsonl", &["--keep-going", "--resume"]), 1, &["mug_2.png"]);
    assert!(fs::read(tiny.path("a.jsonl")).expect("predictions") == unanswered, "the same bytes");
    fails(&tiny.predict("a.jsonl", &["--resume"]), 1, &["mug_2.png", "--keep-going"]);
    assert!(fs::read(tiny.path("a.jsonl.partial")).expect("predictions") == unanswered);
    // Mended, from a file that is whole and from one that was stopped.
    fs::write(&photograph, whole).expect("a file");
    let cut = unanswered.len() - 9;
    fs::write(tiny.path("b.jsonl.partial"), &unanswered[..cut]).expect("a partial file");
    for name in ["a.jsonl", "b.jsonl"] {
        let mended = tiny.predict(name, &["--resume"]);
        assert!(mended.status.success(), "{}", text(&mended.stderr));
        assert!(fs::read(tiny.path(name)).expect("predictions") == expected, "{name}");
        assert!(!tiny.path(&format!("{name}.partial")).exists(), "nothing partial is left");
    }
}

#[test]
fn a_missing_photograph_or_annotation_is_named_before_any_work() {
    let tiny = Tiny::new();
    fs::remove_file(tiny.path("JPEGImages/mug/mug_1.png")).expect("removed");
    fails(&tiny.predict("a.jsonl", &[]), 1, &["mug_1.png"]);
    assert!(!tiny.path("a.jsonl.partial").exists(), "nothing was started");
    let tiny = Tiny::new();
    fs::remove_file(tiny.path("PairAnnotation/test/000001-mug_0-mug_1:mug.json")).expect("removed");
    fails(&tiny.predict("a.jsonl", &[]), 1, &["000001-mug_0-mug_1:mug"]);
}

#[test]
fn wrong_options_end_with_two_and_a_remedy() {
    let tiny = Tiny::new();
    let cases: [(&[&str], &[&str]); 5] = [
        (&["--layers", "0,0"], &["--layers", "ascending"]),
        (&["--layers", "9,0"], &["--layers", "ascending"]),
        (&["--layers", "7"], &["--layers 7", "hog"]),
        (&["--layers", "zero"], &["'zero' is not a layer number"]),
        (&["--backbone", "vgg"], &["vgg", "resnet50"]),
    ];
    for (more, parts) in cases {
        let out = tiny.arg("a.jsonl");
        let mut arguments = vec!["predict", "--root", tiny.root(), "--out", &out];
        if !more.contains(&"--backbone") {
            arguments.extend(["--backbone", "hog"]);
        }
        arguments.extend(more);
        fails(&hpflow(&arguments), 2, parts);
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn an_adapter_that_there_is_not_ends_with_two_and_those_that_there_are() {
    let tiny = Tiny::new();
    let out = tiny.arg("a.jsonl");
    let predict = ["predict", "--root", tiny.root(), "--out", &out, "--backbone", "hog"];
    let adapter = ["--engine", "gpu", "--adapter", "no such adapter"];
    fails(&hpflow(&[&predict[..], &adapter].concat()), 2, &["no such adapter"]);
}

#[test]
fn what_only_the_disk_can_tell_ends_with_one() {
    let tiny = Tiny::new();
    let cases: [(&[&str], &str); 3] = [
        (&["--root", tiny.root(), "--category", "jug"], "mug"),
        (&["--root", tiny.root(), "--split", "train"], "test"),
        (&["--root", "/no/such/folder"], "--root"),
    ];
    for (more, part) in cases {
        let out = tiny.arg("a.jsonl");
        let arguments = [&["predict", "--method", "identity", "--out", &out], more].concat();
        fails(&hpflow(&arguments), 1, &[part]);
    }
}

#[test]
fn an_output_that_cannot_be_written_is_known_before_any_work() {
    let tiny = Tiny::new();
    fails(&tiny.predict("no/such/folder/a.jsonl", &[]), 1, &["no/such/folder"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_one_sentence() {
    let tiny = Tiny::new();
    std::os::unix::fs::symlink("/dev/full", tiny.path("full.jsonl.partial")).expect("a link");
    let output = tiny.predict("full.jsonl", &["--resume"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("full.jsonl"), "{}", text(&output.stderr));
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_printed_is_one_sentence() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the full device");
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("hpflow"));
    let output = command.args(["weights", "list"]).stdout(full).output().expect("a run");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("standard output") && !said.contains("panicked"), "{said}");
}

#[test]
fn a_cause_is_said_once() {
    let output = hpflow(&["match", "no.jpg", "no.png", "--keypoints", "1,1", "--backbone", "hog"]);
    fails(&output, 1, &["no.jpg"]);
    assert_eq!(text(&output.stderr).matches("os error 2").count(), 1);
}

#[test]
fn identity_keeps_relative_positions() {
    let tiny = Tiny::new();
    assert!(tiny.predict_by("identity", "i.jsonl", &[]).status.success());
    let predictions = fs::read_to_string(tiny.path("i.jsonl")).expect("predictions");
    let first = predictions.lines().nth(1).expect("a pair");
    // From 90 to 100 pixels wide, both 80 high: x · 100 / 90.
    assert!(first.contains("[[22.222221,20],[44.444443,30]]"), "{first}");
}

#[test]
fn a_pair_of_ones_own_is_matched() {
    let tiny = Tiny::new();
    let [a, b] = ["JPEGImages/mug/mug_0.png", "JPEGImages/mug/mug_1.png"].map(|p| tiny.arg(p));
    let (flow, picture) = (tiny.arg("a.flo"), tiny.arg("a.png"));
    let common = ["-q", "match", &a, &b, "--backbone", "hog", "--engine", "cpu"];
    let with = |more: &[&str]| hpflow(&[&common[..], more].concat());
    let output = with(&["--keypoints", "20,20 40.5,30", "--flow", &flow, "--picture", &picture]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 2, "a line a keypoint");
    assert_eq!(fs::metadata(&flow).expect("a flow").len(), 12 + 90 * 80 * 8);
    assert!(hpflow::testing::image::read(Path::new(&picture)).is_ok(), "a picture");
    let output = with(&["--keypoints", "[[20,20]]", "--format", "json"]);
    let points: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(points["source"][0][0], 20.0);
    assert!(points["target"][0][0].is_number(), "{points}");
    fails(&with(&["--keypoints", "20,20 500,2"]), 2, &["keypoint 2 (500,2)", "90 × 80"]);
    fails(&with(&["--keypoints", "NaN,2"]), 2, &["'NaN,2' is not a keypoint"]);
    fails(&with(&["--keypoints", "20;20"]), 2, &["20;20", "x,y"]);
    fails(&with(&["--keypoints", ""]), 2, &["no keypoint"]);
    fails(&with(&[]), 2, &["--keypoints"]);
}

#[test]
fn photographs_that_cannot_be_matched_are_named() {
    let tiny = Tiny::new();
    let good = tiny.arg("JPEGImages/mug/mug_0.png");
    let bad = tiny.arg("bad.png");
    let run = || hpflow(&["-q", "match", &good, &bad, "--keypoints", "9,9", "--backbone", "hog"]);
    fails(&run(), 1, &["bad.png"]);
    fs::write(&bad, b"").expect("a file");
    fails(&run(), 1, &["bad.png", "empty"]);
    let whole = fs::read(&good).expect("a picture");
    fs::write(&bad, &whole[..whole.len() / 2]).expect("a file");
    fails(&run(), 1, &["bad.png"]);
    write_picture(Path::new(&bad), [1, 1], 1);
    fails(&run(), 1, &["bad.png", "1 × 1"]);
    image::RgbImage::from_pixel(90, 80, image::Rgb([7, 8, 9])).save(&bad).expect("a picture");
    fails(&run(), 1, &["bad.png", "one colour"]);
}

#[test]
fn a_photograph_of_another_size_than_its_annotation_says_is_named() {
    let tiny = Tiny::new();
    write_picture(Path::new(&tiny.arg("JPEGImages/mug/mug_1.png")), [80, 100], 1);
    let (root, out) = (tiny.arg(""), tiny.arg("p.jsonl"));
    let output = hpflow(&["-q", "predict", "--root", &root, "--backbone", "hog", "--out", &out]);
    fails(&output, 1, &["mug_1.png", "80 × 100", "100 × 80", "annotation"]);
}

#[test]
fn what_cannot_be_asked_for_is_wrong_usage() {
    let tiny = Tiny::new();
    let (root, out) = (tiny.arg(""), tiny.arg("p.jsonl"));
    let predict = |rest: &[&str]| {
        let first = ["-q", "predict", "--root", &root, "--out", &out, "--backbone", "hog"];
        hpflow(&[&first[..], rest].concat())
    };
    fails(&predict(&["--limit", "0"]), 2, &["--limit", "at least 1"]);
    fails(&predict(&["--threads", "0"]), 2, &["--threads", "from 1 to"]);
    fails(&predict(&["--engine", "cpu", "--adapter", "x"]), 2, &["--adapter x", "--engine cpu"]);
    fails(&predict(&["--layers", "-1"]), 2, &["--layers", "'-1' is not a layer number"]);
    fails(&predict(&["--layers", "12"]), 2, &["hog has one layer, 0"]);
    assert!(!Path::new(&out).exists(), "nothing is written");
    let unknown = ["-q", "predict", "--root", &root, "--out", &out, "--backbone", "vgg"];
    fails(&hpflow(&unknown), 2, &["'vgg'", "resnet50"]);
    fails(&predict(&["--weights", "x.safetensors"]), 2, &["--weights x.safetensors", "hog"]);
    for unknown in ["--engine", "--adapter"] {
        let common = ["features", "--root", &root, "--out", &out, "--backbone", "hog"];
        fails(&hpflow(&[&common[..], &[unknown, "cpu"]].concat()), 2, &[unknown, "unexpected"]);
    }
    let twice = ["-q", "bench", "--backbone", "hog", "--engines", "cpu,cpu"];
    fails(&hpflow(&twice), 2, &["cpu twice"]);
    let twice = ["-q", "bench", "--backbone", "hog", "--precisions", "f16,f16"];
    fails(&hpflow(&twice), 2, &["--precisions", "f16 twice"]);
    let alone = ["-q", "bench", "--backbone", "hog", "--limit", "3"];
    fails(&hpflow(&alone), 2, &["--pipeline"]);
    let good = tiny.arg("JPEGImages/mug/mug_0.png");
    let matched = |rest: &[&str]| {
        let first = ["-q", "match", &good, &good, "--backbone", "hog", "--keypoints"];
        hpflow(&[&first[..], rest].concat())
    };
    fails(&matched(&["90,3"]), 2, &["(90,3)", "mug_0.png", "90 × 80"]);
    fails(&matched(&["9,9", "--picture", &tiny.arg("x.jpg")]), 2, &["x.jpg", ".png"]);
    fails(&matched(&["9,9", "--flow", &tiny.arg("no/x.flo")]), 1, &["no/x.flo", "folder"]);
}

#[test]
fn the_pipeline_names_its_bottleneck() {
    let tiny = Tiny::new();
    let root = tiny.arg("");
    let output = hpflow(&[
        "-q",
        "bench",
        "--pipeline",
        "--root",
        &root,
        "--backbone",
        "hog",
        "--engines",
        "cpu",
        "--format",
        "json",
    ]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let run = &result["pipeline"][0];
    assert_eq!((&run["engine"], &run["pairs"]), (&"cpu".into(), &6.into()));
    for stage in ["decode", "backbone", "matching", "transfer"] {
        assert!(run["busy_s"][stage].as_f64().is_some_and(|busy| busy > 0.0), "{stage}: {run}");
    }
    let longest = run["bottleneck"]["stage"].as_str().expect("a stage");
    assert!(run["in_words"].as_str().is_some_and(|words| words.contains(longest)), "{run}");
}

#[test]
fn bench_reports_every_engine_and_stage() {
    let output = hpflow(&[
        "-q",
        "bench",
        "--engines",
        "cpu",
        "--precisions",
        "f32,f16",
        "--backbone",
        "hog",
        "--pairs",
        "1",
        "--repetitions",
        "1",
        "--format",
        "json",
    ]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (index, precision) in ["f32", "f16"].into_iter().enumerate() {
        let engine = &result["engines"][index];
        assert_eq!((&engine["engine"], &engine["precision"]), (&"cpu".into(), &precision.into()));
        assert!(engine["matching_ms_per_pair"].as_f64().is_some_and(|time| time > 0.0));
        for stage in ["correlate", "expand", "vote", "hough", "pick", "transfer"] {
            assert!(engine["stages_ms"][stage].is_number(), "{stage} in {result}");
        }
    }
    let bytes = |index: usize| result["hyperimages"][index]["bytes_a_photograph"].as_f64();
    assert!(bytes(1) < bytes(0).map(|bytes| bytes * 0.53), "{result}");
}

#[test]
fn every_command_shows_an_example() {
    let top = text(&hpflow(&["--help"]).stdout);
    let commands = top.split("Commands:").nth(1).expect("a list").split("Options:").next();
    // A name is indented by two; what is indented more continues a description.
    let lines = commands.expect("a list").lines().filter_map(|line| line.strip_prefix("  "));
    let names = lines.filter(|line| !line.starts_with(' ')).filter_map(|l| l.split(' ').next());
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    assert!(names.contains(&"predict") && names.contains(&"score"), "{top}");
    let nested =
        ["dataset demo", "dataset pairs", "dataset check", "weights list", "weights fetch"];
    for command in names.into_iter().chain(nested) {
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = text(&hpflow(&arguments).stdout);
        assert!(help.contains("Example") && help.contains("hpflow "), "{command}: {help}");
    }
}
