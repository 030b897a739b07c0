//! Unfinished work and what it is made of: photographs and annotations that were mended in between,
//! another hpflow, pairs that cannot be read.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use hpflow::testing::benchmark::{Benchmark, BenchmarkKind, BenchmarkOptions};
use serde_json::Value;

use super::Case;
use crate::benchmark::matlab::{doubles, file};
use crate::cli::{Tiny, fails, hpflow, text};
use crate::search::{Killed, made_up};

/// `hpflow predict` with HOG on the CPU engine, which says what it does.
fn predict(tiny: &Tiny, out: &str, more: &[&str]) -> Output {
    let out = tiny.arg(out);
    let method = ["--backbone", "hog", "--engine", "cpu", "--out", &out];
    hpflow(&[&["predict", "--root", tiny.root()], &method[..], more].concat())
}

/// A run that must end well; what it says.
#[track_caller]
fn says(output: &Output) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

/// The predictions of an uninterrupted run on the benchmark as it is.
#[track_caller]
fn expected(tiny: &Tiny) -> Vec<u8> {
    says(&predict(tiny, "expected.jsonl", &[]));
    fs::read(tiny.path("expected.jsonl")).expect("predictions")
}

/// Holds a file to the bytes of an uninterrupted run, and nothing else beside it.
#[track_caller]
fn is_whole(tiny: &Tiny, name: &str, expected: &[u8]) {
    let found = fs::read(tiny.path(name)).expect("predictions");
    assert!(found == expected, "{}\nexpected\n{}", text(&found), text(expected));
    for ending in ["partial", "inputs"] {
        assert!(!tiny.path(&format!("{name}.{ending}")).exists(), "{name}.{ending} is left");
    }
}

fn photograph(tiny: &Tiny, number: u32) -> std::path::PathBuf {
    tiny.path(&format!("JPEGImages/mug/mug_{number}.png"))
}

/// Another picture of the same size.
fn mend(photograph: &Path) {
    let mut other = image::open(photograph).expect("a photograph").rotate180().to_rgb8();
    image::imageops::invert(&mut other);
    other.save(photograph).expect("a photograph");
}

/// Leaves the first so many pairs of a run that was stopped: it ran past a photograph that cannot be
/// used to get what it says of its lines, and that photograph is whole again.
fn stopped(tiny: &Tiny, name: &str, pairs: usize) {
    let last = photograph(tiny, 2);
    let whole = fs::read(&last).expect("a photograph");
    fs::write(&last, "<html>no photograph</html>").expect("a file");
    fails(&predict(tiny, name, &["--keep-going"]), 1, &["1 photograph"]);
    fs::write(&last, whole).expect("a file");
    let all = fs::read_to_string(tiny.path(name)).expect("predictions");
    let some: String = all.split_inclusive('\n').take(1 + pairs).collect();
    let torn = &all[some.len()..(some.len() + 9).min(all.len())];
    fs::write(tiny.path(&format!("{name}.partial")), some + torn).expect("a partial file");
    fs::remove_file(tiny.path(name)).expect("removed");
}

/// The annotation of a pair, by its number from 0.
fn annotation(tiny: &Tiny, pair: usize) -> std::path::PathBuf {
    let layout = fs::read_to_string(tiny.path("Layout/large/test.txt")).expect("a layout");
    let id = layout.lines().nth(pair).expect("a pair");
    tiny.path(&format!("PairAnnotation/test/{id}.json"))
}

fn annotate(tiny: &Tiny, pair: usize, field: &str, value: Value) {
    let path = annotation(tiny, pair);
    let mut json: Value = serde_json::from_slice(&fs::read(&path).expect("a pair")).expect("JSON");
    json[field] = value;
    fs::write(path, json.to_string()).expect("a pair");
}

#[test]
fn a_photograph_that_was_mended_after_a_kill_costs_its_own_pairs_alone() {
    // 380 pairs, 64 at a time.
    let tiny = Tiny::of(20);
    let out = tiny.arg("a.jsonl");
    let mut process = std::process::Command::new(assert_cmd::cargo::cargo_bin("hpflow"));
    let common = ["predict", "--root", tiny.root(), "--backbone", "hog", "--engine", "cpu"];
    process.args(common).args(["--threads", "1", "--out", &out]);
    let mut killed =
        Killed(process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a run"));
    let lines = || {
        let text = fs::read_to_string(tiny.path("a.jsonl.partial")).unwrap_or_default();
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    while lines().len() < 20 {
        let ended = killed.0.try_wait().expect("a process");
        assert!(ended.is_none(), "it ended before it was killed; give it more to do");
        std::thread::sleep(Duration::from_millis(1));
    }
    killed.0.kill().expect("killed");
    killed.0.wait().expect("a process");
    assert!(!tiny.path("a.jsonl").exists(), "it was killed before it ended");
    let is_of_it = |line: &&String| line.contains("-mug_3:") || line.contains("-mug_3-");
    let of_it = lines().iter().filter(is_of_it).count();
    assert!(of_it > 0, "mug_3 is in some of the pairs");

    mend(&photograph(&tiny, 3));
    let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
    let again = said.lines().find(|line| line.contains("answered other photographs"));
    let again = again.unwrap_or_else(|| panic!("nothing is predicted again: {said}"));
    let count: usize = again.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    // The last line may have been torn, or written without what it is made of.
    assert!(count == of_it || count + 1 == of_it, "{again}, expected {of_it}");
    assert!(again.contains("mug_3") && again.contains("photograph changed"), "{again}");
    let whole = expected(&tiny);
    is_whole(&tiny, "a.jsonl", &whole);
}

#[test]
fn what_a_method_is_told_of_a_pair_costs_that_pair_alone() {
    for (field, value, what) in [
        ("src_kps", serde_json::json!([[21, 20], [40, 30]]), "keypoints in the source"),
        ("src_kps", serde_json::json!([[40, 30], [20, 20]]), "keypoints in the source"),
    ] {
        let tiny = Tiny::new();
        stopped(&tiny, "a.jsonl", 1);
        annotate(&tiny, 0, field, value);
        let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
        assert!(said.contains("1 pair answered other") && said.contains(what), "{said}");
        is_whole(&tiny, "a.jsonl", &expected(&tiny));
    }
}

#[test]
fn the_truth_is_no_part_of_what_was_answered() {
    let tiny = Tiny::new();
    stopped(&tiny, "a.jsonl", 1);
    annotate(&tiny, 0, "trg_kps", serde_json::json!([[21, 20], [40, 31]]));
    annotate(&tiny, 0, "trg_bndbox", serde_json::json!([5, 5, 60, 60]));
    let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
    assert!(!said.contains("again"), "{said}");
    is_whole(&tiny, "a.jsonl", &expected(&tiny));
}

#[test]
fn a_photograph_that_was_put_back_costs_nothing() {
    let tiny = Tiny::new();
    stopped(&tiny, "a.jsonl", 1);
    let before = fs::read(photograph(&tiny, 0)).expect("a photograph");
    mend(&photograph(&tiny, 0));
    fs::write(photograph(&tiny, 0), before).expect("a file");
    let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
    assert!(!said.contains("again"), "{said}");
    is_whole(&tiny, "a.jsonl", &expected(&tiny));
}

/// What is said of the lines is believed only where the lines are those of which it was said.
#[test]
fn lines_of_which_nothing_is_known_are_predicted_again() {
    let tiny = Tiny::new();
    let whole = expected(&tiny);
    // Without the file beside it.
    stopped(&tiny, "a.jsonl", 5);
    fs::remove_file(tiny.path("a.jsonl.inputs")).expect("removed");
    let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
    assert!(said.contains("5 pairs of which it is not known"), "{said}");
    is_whole(&tiny, "a.jsonl", &whole);
    // With that of another run: of all photographs upside down.
    for number in 0..3 {
        mend(&photograph(&tiny, number));
    }
    stopped(&tiny, "b.jsonl", 5);
    fs::copy(tiny.path("expected.jsonl"), tiny.path("b.jsonl.partial")).expect("a copy");
    let said = says(&predict(&tiny, "b.jsonl", &["--resume"]));
    assert!(said.contains("of which it is not known"), "{said}");
    is_whole(&tiny, "b.jsonl", &expected(&tiny));
    // With a line that was changed, and its own file torn at its end.
    stopped(&tiny, "c.jsonl", 2);
    let partial = tiny.path("c.jsonl.partial");
    let text = fs::read_to_string(&partial).expect("predictions");
    let first = text.lines().nth(1).expect("a pair").to_owned();
    let other = first.replacen("[[", "[[1", 1);
    fs::write(&partial, text.replacen(&first, &other, 1)).expect("a partial file");
    let beside = tiny.path("c.jsonl.inputs");
    let known = fs::read(&beside).expect("a file");
    fs::write(beside, &known[..known.len() - 7]).expect("a file");
    let said = says(&predict(&tiny, "c.jsonl", &["--resume"]));
    assert!(said.contains("1 pair of which it is not known"), "{said}");
    is_whole(&tiny, "c.jsonl", &expected(&tiny));
}

/// However far each of the two files came to the disk, nothing old passes for new.
#[test]
fn both_files_may_end_anywhere() {
    let tiny = Tiny::new();
    stopped(&tiny, "a.jsonl", 6);
    let [lines, known] = ["a.jsonl.partial", "a.jsonl.inputs"]
        .map(|name| fs::read(tiny.path(name)).expect("a file"));
    mend(&photograph(&tiny, 0));
    let whole = expected(&tiny);
    for step in 0..8 {
        // The one ends early where the other ends late, and both vary in where in a line they end.
        let at = |bytes: &[u8], part: usize| bytes[..bytes.len() * part / 11 + part % 3].to_vec();
        fs::write(tiny.path("a.jsonl.partial"), at(&lines, 3 + step)).expect("a file");
        fs::write(tiny.path("a.jsonl.inputs"), at(&known, 10 - step)).expect("a file");
        says(&predict(&tiny, "a.jsonl", &["-q", "--resume"]));
        is_whole(&tiny, "a.jsonl", &whole);
        fs::remove_file(tiny.path("a.jsonl")).expect("removed");
    }
}

#[test]
fn a_complete_file_is_left_alone_and_its_answers_are_never_said_to_be_of_what_is_there_now() {
    let tiny = Tiny::new();
    let whole = expected(&tiny);
    fs::write(tiny.path("a.jsonl"), &whole).expect("a file");
    // Other pairs than the file has: refused, and the file keeps its name.
    let refused = predict(&tiny, "a.jsonl", &["--resume", "--limit", "2"]);
    fails(&refused, 1, &["a.jsonl", "limit"]);
    is_whole(&tiny, "a.jsonl", &whole);
    let layout = tiny.path("Layout/large/test.txt");
    let list = fs::read_to_string(&layout).expect("a layout");
    let reversed: Vec<&str> = list.lines().rev().collect();
    fs::write(&layout, reversed.join("\n")).expect("a layout");
    fails(&predict(&tiny, "a.jsonl", &["--resume"]), 1, &["a.jsonl: pair 1 is", "asked for there"]);
    is_whole(&tiny, "a.jsonl", &whole);
    fs::write(&layout, &list).expect("a layout");
    // All is answered, but what it answered is not known any more.
    mend(&photograph(&tiny, 0));
    for _ in 0..2 {
        let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
        assert!(
            said.contains("complete already") && said.contains("run without --resume"),
            "{said}"
        );
        is_whole(&tiny, "a.jsonl", &whole);
    }
    // One pair is to be predicted again; of the others it stays unknown, however often it is asked.
    let text_of = |lines: &[&str]| lines.concat();
    let mut lines: Vec<String> = text(&whole).split_inclusive('\n').map(str::to_owned).collect();
    let first: Value = serde_json::from_str(&lines[1]).expect("JSON");
    let nulls = vec![Value::Null; first["keypoints"].as_array().expect("keypoints").len()];
    lines[1] = format!("{}\n", serde_json::json!({"pair": first["pair"], "keypoints": nulls}));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    fs::write(tiny.path("b.jsonl"), text_of(&lines)).expect("a file");
    let others = lines.len() - 2;
    let said = says(&predict(&tiny, "b.jsonl", &["--resume"]));
    assert!(said.contains("1 unanswered pair to be predicted again"), "{said}");
    assert!(said.contains(&format!("which photographs and annotations {others} pairs")), "{said}");
}

#[test]
fn a_file_of_somebody_elses_that_has_the_name_is_left_alone() {
    let tiny = Tiny::new();
    for notes in ["my notes\n", "{\"format\":\"hpflow-inputs\",\"version\":2}\n"] {
        fs::write(tiny.path("a.jsonl.inputs"), notes).expect("a file");
        fails(&predict(&tiny, "a.jsonl", &[]), 1, &["a.jsonl.inputs", "move it away"]);
        assert_eq!(fs::read_to_string(tiny.path("a.jsonl.inputs")).expect("a file"), notes);
        fs::remove_file(tiny.path("a.jsonl.inputs")).expect("removed");
        let _ = fs::remove_file(tiny.path("a.jsonl.partial"));
    }
}

#[test]
fn an_upgrade_goes_on_where_the_arithmetic_is_equal() {
    let tiny = Tiny::new();
    let whole = expected(&tiny);
    let current = format!("hpflow {}", env!("CARGO_PKG_VERSION"));
    for by in ["hpflow 0.2.9", "another program", ""] {
        stopped(&tiny, "a.jsonl", 1);
        let partial = tiny.path("a.jsonl.partial");
        let text = fs::read_to_string(&partial).expect("predictions");
        fs::write(&partial, text.replacen(&current, by, 1)).expect("a partial file");
        let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
        assert!(!said.contains("again"), "{said}");
        is_whole(&tiny, "a.jsonl", &whole);
    }
}

#[test]
fn another_arithmetic_is_refused_with_what_changed() {
    let tiny = Tiny::new();
    stopped(&tiny, "a.jsonl", 1);
    let partial = tiny.path("a.jsonl.partial");
    let begun = fs::read_to_string(&partial).expect("predictions");
    let current = format!(r#""created_by":"hpflow {}","arithmetic":3"#, env!("CARGO_PKG_VERSION"));
    let cases: [(&str, &[&str]); 4] = [
        (
            r#""created_by":"hpflow 0.1.0""#,
            &["hpflow 0.1.0 with arithmetic 1", "resized to a pixel less"],
        ),
        (r#""created_by":"hpflow 0.1.9","arithmetic":1"#, &["arithmetic 1", "resized to a pixel"]),
        (r#""created_by":"hpflow 0.9.0","arithmetic":4"#, &["hpflow 0.9.0 with arithmetic 4"]),
        (r#""created_by":"mine""#, &["by mine, which does not give its arithmetic"]),
    ];
    for (header, said) in cases {
        let other = begun.replacen(&current, header, 1);
        assert_ne!(other, begun);
        let other = &other[..=other.rfind('\n').expect("whole lines")];
        fs::write(&partial, other).expect("a partial file");
        let refused = predict(&tiny, "a.jsonl", &["-q", "--resume"]);
        let always = ["a.jsonl.partial", "cannot be continued", "arithmetic is 3", "delete it"];
        fails(&refused, 1, &[said, &always[..]].concat());
        assert_eq!(fs::read_to_string(&partial).expect("predictions"), other, "nothing is lost");
    }
}

#[test]
fn another_list_of_pairs_is_refused_with_the_first_difference() {
    let tiny = Tiny::new();
    stopped(&tiny, "a.jsonl", 3);
    let layout = tiny.path("Layout/large/test.txt");
    let text = fs::read_to_string(&layout).expect("a layout");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(1, 2);
    fs::write(&layout, lines.join("\n")).expect("a layout");
    let refused = predict(&tiny, "a.jsonl", &["-q", "--resume"]);
    fails(&refused, 1, &["pair 2 is", lines[1], lines[2], "start again"]);
}

/// Ways in which one pair cannot be read, each with what is said.
fn break_pair(tiny: &Tiny, way: usize) -> &'static str {
    let path = annotation(tiny, 1);
    let whole = fs::read_to_string(&path).expect("a pair");
    match way {
        0 => {
            fs::write(path, &whole[..whole.len() / 2]).expect("a file");
            "ends inside"
        }
        1 => {
            fs::remove_file(path).expect("removed");
            "is missing"
        }
        2 => {
            annotate(tiny, 1, "trg_bndbox", serde_json::json!([9, 9, 9, 9]));
            "trg_bndbox"
        }
        3 => {
            annotate(tiny, 1, "src_kps", serde_json::json!([[1, 2]]));
            "src_kps"
        }
        _ => {
            // What a pair that is left out says of its photographs says nothing of others.
            annotate(tiny, 1, "src_imsize", serde_json::json!([91, 80, 3]));
            annotate(tiny, 1, "src_bndbox", serde_json::json!([0, 0, 0, 0]));
            "src_bndbox"
        }
    }
}

#[test]
fn a_pair_that_cannot_be_read_is_left_out_and_takes_its_place_when_it_is_mended() {
    for way in 0..5 {
        let tiny = Tiny::new();
        let whole = expected(&tiny);
        let path = annotation(&tiny, 1);
        let before = fs::read(&path).expect("a pair");
        let id = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let what = break_pair(&tiny, way);
        fails(&predict(&tiny, "stops.jsonl", &["-q"]), 1, &[what]);
        let going = predict(&tiny, "a.jsonl", &["-q", "--keep-going"]);
        fails(&going, 1, &["1 pair could not be read and is left out", &id, what]);
        let left = fs::read_to_string(tiny.path("a.jsonl")).expect("predictions");
        let others: String =
            text(&whole).split_inclusive('\n').filter(|line| !line.contains(&id)).collect();
        assert_eq!(left, others, "the other pairs are as ever");
        // Scores of the rest.
        let file = tiny.arg("a.jsonl");
        fails(&hpflow(&["score", &file, "--root", tiny.root()]), 1, &[what]);
        let scored = hpflow(&["score", &file, "--root", tiny.root(), "--partial"]);
        assert!(says(&scored).contains("1 pair could not be read and is left out"));
        let file = tiny.arg("expected.jsonl");
        let of_whole = hpflow(&["score", &file, "--root", tiny.root(), "--partial"]);
        assert!(says(&of_whole).contains(&id));
        // As long as it is broken, nothing changes.
        fails(&predict(&tiny, "a.jsonl", &["-q", "--keep-going", "--resume"]), 1, &[&id]);
        assert_eq!(fs::read_to_string(tiny.path("a.jsonl")).expect("predictions"), others);
        fs::write(&path, before).expect("a pair");
        let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
        assert!(said.contains("1 pair left out before"), "{said}");
        is_whole(&tiny, "a.jsonl", &whole);
    }
}

#[test]
fn a_pair_that_breaks_after_it_was_answered_is_dropped() {
    let tiny = Tiny::new();
    let whole = expected(&tiny);
    stopped(&tiny, "a.jsonl", 2);
    let path = annotation(&tiny, 0);
    let before = fs::read(&path).expect("a pair");
    fs::write(&path, "{").expect("a file");
    fails(&predict(&tiny, "b.jsonl", &["-q", "--keep-going"]), 1, &["1 pair could not be read"]);
    let resumed = predict(&tiny, "a.jsonl", &["--keep-going", "--resume"]);
    fails(&resumed, 1, &["1 pair cannot be read any more"]);
    let [a, b] = ["a.jsonl", "b.jsonl"].map(|name| fs::read(tiny.path(name)).expect("a file"));
    assert!(a == b, "the bytes of a run that met it so");
    fs::write(&path, before).expect("a pair");
    for name in ["a.jsonl", "b.jsonl"] {
        says(&predict(&tiny, name, &["--resume"]));
        is_whole(&tiny, name, &whole);
    }
}

#[test]
fn where_no_pair_can_be_read_the_first_says_why() {
    let tiny = Tiny::new();
    for pair in 0..6 {
        fs::write(annotation(&tiny, pair), "[]").expect("a file");
    }
    let first = annotation(&tiny, 0);
    let stopped = predict(&tiny, "a.jsonl", &["-q", "--keep-going"]);
    fails(&stopped, 1, &[&first.to_string_lossy()]);
    assert!(!tiny.path("a.jsonl").exists());
}

/// Keypoints beyond the photograph have no neighbours.
#[test]
fn a_pair_without_neighbours_is_answered_once() {
    let tiny = Tiny::new();
    annotate(&tiny, 1, "src_kps", serde_json::json!([[5000, 20], [4000, 30]]));
    says(&predict(&tiny, "a.jsonl", &[]));
    let answered = fs::read_to_string(tiny.path("a.jsonl")).expect("predictions");
    assert_eq!(answered.matches("[null,null]").count(), 1, "{answered}");
    for _ in 0..2 {
        let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
        assert!(!said.contains("again") && said.contains("complete already"), "{said}");
        assert_eq!(fs::read_to_string(tiny.path("a.jsonl")).expect("predictions"), answered);
    }
    // Beside a pair that a photograph left unanswered, that one alone is predicted again.
    let tiny = Tiny::new();
    annotate(&tiny, 0, "src_kps", serde_json::json!([[5000, 20], [4000, 30]]));
    stopped(&tiny, "a.jsonl", 6);
    fs::rename(tiny.path("a.jsonl.partial"), tiny.path("a.jsonl")).expect("renamed");
    let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
    assert!(said.contains("4 unanswered pairs to be predicted again"), "{said}");
    let whole = expected(&tiny);
    assert!(fs::read(tiny.path("a.jsonl")).expect("predictions") == whole);
    // Without what is said beside it, once more and then never again.
    fs::remove_file(tiny.path("a.jsonl.inputs")).expect("removed");
    let said = says(&predict(&tiny, "a.jsonl", &["--resume"]));
    assert!(said.contains("1 unanswered pair to be predicted again"), "{said}");
    assert!(!says(&predict(&tiny, "a.jsonl", &["--resume"])).contains("again"));
    assert!(fs::read(tiny.path("a.jsonl")).expect("predictions") == whole);
}

#[test]
fn kept_maps_that_were_written_anew_cost_their_own_pairs_alone() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let run = |out: &str, more: &[&str]| {
        let out = tiny.arg(out);
        let common = ["predict", "--root", tiny.root(), "--features", &features, "--layers", "2"];
        hpflow(&[&common[..], &["--engine", "cpu", "--out", &out], more].concat())
    };
    // Stopped by maps that are not there.
    let maps = |number: u32| Path::new(&features).join(format!("mug/mug_{number}.png.safetensors"));
    let last = fs::read(maps(2)).expect("maps");
    fs::remove_file(maps(2)).expect("removed");
    fails(&run("a.jsonl", &["-q", "--keep-going"]), 1, &["1 photograph"]);
    fs::write(maps(2), last).expect("maps");
    // A number of the layer that is matched; one of another layer costs nothing, nor does the time when
    // a file was written.
    let change = |number: u32, layer: &str| {
        let mut bytes = fs::read(maps(number)).expect("maps");
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("a length")) as usize;
        let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
        let end = header[layer]["data_offsets"][1].as_u64().expect("an offset") as usize;
        bytes[8 + length + end - 2] ^= 0x40;
        fs::write(maps(number), bytes).expect("maps");
    };
    change(0, "layer2");
    change(1, "layer1");
    let said = says(&run("a.jsonl", &["--resume"]));
    assert!(said.contains("2 pairs answered other photographs"), "{said}");
    assert!(said.contains("4 unanswered pairs"), "{said}");
    says(&run("expected.jsonl", &[]));
    is_whole(&tiny, "a.jsonl", &fs::read(tiny.path("expected.jsonl")).expect("predictions"));
}

/// `hpflow search` with HOG on the photographs themselves, or on kept maps.
fn search(tiny: &Tiny, out: &str, more: &[&str]) -> Output {
    let out = tiny.arg(out);
    let common = ["-q", "search", "--root", tiny.root(), "--split", "test", "--engine", "cpu"];
    hpflow(&[&common[..], &["--out", &out], more].concat())
}

#[test]
fn a_search_goes_on_with_the_pairs_that_it_was_begun_with_alone() {
    let hog = ["--backbone", "hog", "--depth", "1"];
    let tiny = Tiny::new();
    says(&search(&tiny, "a.json", &hog));
    let whole = fs::read(tiny.path("a.json")).expect("a search");
    let resume = || search(&tiny, "a.json", &[&hog[..], &["--resume"]].concat());
    says(&resume());
    assert!(fs::read(tiny.path("a.json")).expect("a search") == whole);
    type Change<'a> = &'a dyn Fn();
    let changes: [(Change, &[&str]); 4] = [
        (
            &|| mend(&photograph(&tiny, 2)),
            &["its target photograph", "mug_2.png is not what it was when", "mug_0-mug_2"],
        ),
        (
            &|| annotate(&tiny, 1, "trg_kps", serde_json::json!([[21, 20], [40, 31]])),
            &["keypoints in the target", "mug_0-mug_2"],
        ),
        (
            &|| annotate(&tiny, 5, "src_kps", serde_json::json!([[21, 20], [40, 31]])),
            &[
                "mug_2-mug_1",
                " changed: its keypoints in the source or annotated sizes are not what they were \
                 when the search was begun",
            ],
        ),
        (&|| annotate(&tiny, 2, "trg_bndbox", serde_json::json!([5, 5, 60, 60])), &["box"]),
    ];
    for (change, said) in changes {
        let paths = [photograph(&tiny, 2), annotation(&tiny, 1), annotation(&tiny, 2)];
        let paths = paths.into_iter().chain([annotation(&tiny, 5)]);
        let before: Vec<_> =
            paths.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
        change();
        fails(&resume(), 1, &[said, &["a.json", "cannot be continued", "another name"]].concat());
        assert!(fs::read(tiny.path("a.json")).expect("a search") == whole, "nothing is lost");
        for (path, bytes) in before {
            fs::write(path, bytes).expect("a file");
        }
    }
    says(&resume());
    for bytes in [None, Some(&b"{}"[..])] {
        let beside = tiny.path("a.json.inputs");
        let before = fs::read(&beside).expect("a file");
        match bytes {
            None => fs::remove_file(&beside).expect("removed"),
            Some(bytes) => fs::write(&beside, bytes).expect("a file"),
        }
        fails(&resume(), 1, &["a.json", "a.json.inputs", "put it back"]);
        fs::write(beside, before).expect("a file");
    }
    says(&resume());
}

#[test]
fn a_search_of_another_arithmetic_is_refused_with_what_changed() {
    let tiny = Tiny::new();
    let hog = ["--backbone", "hog", "--depth", "1", "--resume"];
    says(&search(&tiny, "a.json", &hog));
    let path = tiny.path("a.json");
    let good: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    let settings = good["settings"].as_object().expect("settings");
    assert_eq!(settings["arithmetic"], hpflow::ARITHMETIC);
    for (number, said) in [(None, "arithmetic 1"), (Some(1), "to a pixel less"), (Some(4), "4")] {
        let mut other = settings.clone();
        match number {
            None => other.shift_remove("arithmetic"),
            Some(number) => other.insert("arithmetic".to_owned(), number.into()),
        };
        hpflow::testing::search::State::new(other).write(&path).expect("written");
        let refused = search(&tiny, "a.json", &hog);
        fails(&refused, 1, &["a.json", said, "this hpflow's is 3", "another name"]);
    }
}

/// One broken annotation costs the pairs that it is of, whatever the benchmark.
#[test]
fn of_every_benchmark_the_pairs_that_can_be_read_are_read() {
    let case = Case::new("list-flip-as-float");
    let list = case.path("PF-PASCAL/test_pairs.csv");
    fs::write(
        &list,
        "source,target,class\nim0.jpg,im1.jpg,1\nim1.jpg,im2.jpg,1\nim1.jpg,im0.jpg,1\n",
    )
    .expect("a list");
    fs::write(case.path("PF-PASCAL/Annotations/aeroplane/im2.mat"), "no MATLAB").expect("a file");
    left_out(
        BenchmarkKind::PfPascal,
        &case.path("PF-PASCAL"),
        2,
        &["aeroplane/im1-im2"],
        "im2.mat",
    );

    let case = Case::new("features-two-subsets");
    fs::write(case.path("TSS/JODS/001_002/flow1.flo"), "no flow").expect("a file");
    // A flow gives its photograph's size, so the other direction needs it too.
    let both = ["JODS/001_002:1to2", "JODS/001_002:2to1"];
    left_out(BenchmarkKind::Tss, &case.path("TSS"), 2, &both, "flow1.flo");

    let folder = tempfile::tempdir().expect("a folder");
    let duck = folder.path().join("duck(S)");
    fs::create_dir(&duck).expect("a folder");
    for name in ["a", "b", "c", "d"] {
        fs::write(duck.join(name).with_extension("png"), "").expect("a file");
        let keypoints = doubles("pts_coord", &[2, 2], &[1.5, 2.0, 30.0, 4.0]);
        fs::write(duck.join(name).with_extension("mat"), file(&[(14, keypoints)])).expect("a file");
    }
    fs::write(duck.join("b.mat"), "no MATLAB").expect("a file");
    let of_b = ["a-b", "b-a", "b-c", "b-d", "c-b", "d-b"].map(|pair| format!("duck(S)/{pair}"));
    let of_b = of_b.each_ref().map(String::as_str);
    left_out(BenchmarkKind::PfWillow, folder.path(), 6, &of_b, "b.mat");
    fs::remove_file(duck.join("b.mat")).expect("removed");
    left_out(BenchmarkKind::PfWillow, folder.path(), 6, &of_b, "b.mat");
    let three = doubles("pts_coord", &[2, 3], &[1.5, 2.0, 30.0, 4.0, 5.0, 6.0]);
    fs::write(duck.join("b.mat"), file(&[(14, three)])).expect("a file");
    left_out(BenchmarkKind::PfWillow, folder.path(), 6, &of_b, "expected as many in each");

    let case = Case::new("keypoint-outside");
    let pair = case.path("bench/PairAnnotation/test/000000-a-b:cat.json");
    fs::write(pair, "{\"src_imname\":").expect("a file");
    left_out(BenchmarkKind::SpairJson, &case.path("bench"), 1, &["000000-a-b:cat"], "000000");
}

/// Holds a benchmark to these pairs that cannot be read, and so many others.
#[track_caller]
fn left_out(kind: BenchmarkKind, root: &Path, readable: usize, ids: &[&str], file: &str) {
    let options = BenchmarkOptions::default();
    let error = Benchmark::open(kind, root, &options).expect_err("one pair cannot be read");
    let (benchmark, unreadable) =
        Benchmark::open_readable(kind, root, &options).expect("the others can");
    assert_eq!(benchmark.pairs.len(), readable);
    let found: Vec<&str> = unreadable.iter().map(|one| one.pair.as_str()).collect();
    assert_eq!(found, ids);
    assert!(unreadable.iter().all(|one| one.to_string().contains(file)), "{unreadable:?}");
    assert!(error.to_string().contains(file), "{error}");
}
