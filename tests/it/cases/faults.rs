//! Rows of lists that cannot be read, things that are not files, and files that another program has
//! stored since.

use std::fs;
use std::path::Path;

use hpflow::testing::benchmark::doctor::{CheckScope, examine};
use hpflow::testing::benchmark::{Benchmark, BenchmarkKind, BenchmarkOptions};
use serde_json::{Value, json};

use super::Case;
use crate::cli::{Tiny, fails, hpflow, text};

/// Identity's predictions of a benchmark, with more arguments.
fn predict(case: &Case, benchmark: &str, root: &str, more: &[&str]) -> std::process::Output {
    let predict = ["predict", "--benchmark", benchmark, "--root", root, "--method", "identity"];
    case.hpflow(&[&predict[..], &["--out", "o.jsonl"], more].concat())
}

fn ids(case: &Case) -> Vec<String> {
    let id = |line: String| -> String {
        let line: Value = serde_json::from_str(&line).expect("JSON");
        line["pair"].as_str().expect("an id").to_owned()
    };
    case.predictions("o.jsonl").into_iter().map(id).collect()
}

/// Holds a benchmark with one unreadable row to what is promised: without --keep-going the row is
/// refused with its place, with it the row is named and counted, and the others are predicted; `dataset
/// check` names it, and once it is mended the run is continued to what a run on the mended list gives.
#[track_caller]
fn one_row_is_left_out(
    case: &Case,
    [benchmark, root, list]: [&str; 3],
    broken: &[u8],
    (place, what): (&str, &str),
    (left, all): (&[&str], &[&str]),
) {
    let path = case.path(root).join(list);
    let whole = fs::read(&path).expect("a list");
    fs::write(&path, broken).expect("a list");
    let refused = predict(case, benchmark, root, &[]);
    fails(&refused, 1, &[place]);
    assert_eq!(text(&refused.stderr).trim_end().lines().count(), 1, "{}", text(&refused.stderr));
    assert!(!case.path("o.jsonl").exists());

    let going = predict(case, benchmark, root, &["--keep-going"]);
    fails(&going, 1, &["1 pair could not be read and is left out", place, what]);
    assert_eq!(ids(case), left, "{what}");
    let checked = case.hpflow(&["dataset", "check", "--benchmark", benchmark, "--root", root]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stdout).contains(place), "{}", text(&checked.stdout));
    let again = predict(case, benchmark, root, &["--keep-going", "--resume"]);
    fails(&again, 1, &["1 pair could not be read"]);
    assert_eq!(ids(case), left, "{what}");
    let score = ["score", "o.jsonl", "--root", root, "--partial", "--format", "json"];
    let scored = case.hpflow(&score);
    assert_eq!(scored.status.code(), Some(0), "{}", text(&scored.stderr));
    assert!(text(&scored.stderr).contains(place), "{}", text(&scored.stderr));

    fs::write(&path, &whole).expect("a list");
    let resumed = predict(case, benchmark, root, &["--resume"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", text(&resumed.stderr));
    assert_eq!(ids(case), all, "{what}");
    let resumed = fs::read(case.path("o.jsonl")).expect("predictions");
    assert!(!case.path("o.jsonl.inputs").exists());

    // A row that became unreadable since: its pair is no fault of the file, and is dropped.
    fs::write(&path, broken).expect("a list");
    let scored = case.hpflow(&score);
    assert_eq!(scored.status.code(), Some(0), "{}", text(&scored.stderr));
    fails(&predict(case, benchmark, root, &["--keep-going", "--resume"]), 1, &[place]);
    assert_eq!(ids(case), left, "{what}");

    fs::remove_file(case.path("o.jsonl")).expect("predictions");
    let _ = fs::remove_file(case.path("o.jsonl.inputs"));
    fs::write(&path, whole).expect("a list");
    let straight = predict(case, benchmark, root, &[]);
    assert_eq!(straight.status.code(), Some(0), "{}", text(&straight.stderr));
    assert!(fs::read(case.path("o.jsonl")).expect("predictions") == resumed, "the same bytes");
    fs::remove_file(case.path("o.jsonl")).expect("predictions");
}

fn keep(case: &Case, root: &str, list: &str, text: &str) {
    fs::write(case.path(root).join(list), text).expect("a list");
}

#[test]
fn a_row_of_a_list_that_cannot_be_read_does_not_stop_the_rest() {
    let case = Case::new("list-flip-as-float");
    let (root, list) = ("PF-PASCAL", "test_pairs.csv");
    let heading = "source_image,target_image,class,flip\n";
    let row = |from: u8, to: u8| format!("im{from}.jpg,im{to}.jpg,1,0\n");
    let whole = format!("{heading}{}{}{}", row(0, 1), row(1, 2), row(0, 2));
    let all = ["aeroplane/im0-im1", "aeroplane/im1-im2", "aeroplane/im0-im2"];
    let left = ["aeroplane/im0-im1", "aeroplane/im0-im2"];
    let place = "test_pairs.csv:3: ";
    for (broken, what) in [
        ("im1.jpg,im2.jpg,1,maybe\n", "flip is \"maybe\""),
        ("im1.jpg,im2.jpg,99,0\n", "class is \"99\""),
        ("im1.jpg,im2.jpg\n", "with 2 columns, expected 4"),
        ("im1.jpg,im2.jpg,1,0,7\n", "with 5 columns, expected 4"),
        ("im1.jpg,\"im2.jpg,1,0\n", "a quotation mark is not closed"),
        ("im1.jpg,..,1,0\n", "expected photographs"),
        ("im0.jpg,im1.jpg,1,0\n", "listed a second time"),
    ] {
        keep(&case, root, list, &whole);
        let broken = format!("{heading}{}{broken}{}", row(0, 1), row(0, 2));
        one_row_is_left_out(
            &case,
            ["pf-pascal", root, list],
            broken.as_bytes(),
            (place, what),
            (&left, &all),
        );
    }
    // What is no text.
    keep(&case, root, list, &whole);
    let rows = [heading, &row(0, 1)].concat();
    let broken = [rows.as_bytes(), b"im1.jpg,im\xff.jpg,1,0\n", row(0, 2).as_bytes()].concat();
    let benchmark = ["pf-pascal", root, list];
    one_row_is_left_out(&case, benchmark, &broken, (place, "UTF-8"), (&left, &all));
}

#[test]
fn several_rows_are_each_named_and_a_limit_counts_them() {
    let case = Case::new("list-flip-as-float");
    let list = case.path("PF-PASCAL/test_pairs.csv");
    let rows = "source_image,target_image,class\nim0.jpg,im1.jpg,1\nim0.jpg\nim1.jpg,im2.jpg,0\n\
                im0.jpg,\"im2.jpg,1\nim1.jpg,im0.jpg,1\n";
    fs::write(&list, rows).expect("a list");
    let going = predict(&case, "pf-pascal", "PF-PASCAL", &["--keep-going"]);
    let said = ["3 pairs could not be read", ".csv:3: ", ".csv:4: ", ".csv:5: "];
    fails(&going, 1, &said);
    assert_eq!(ids(&case), ["aeroplane/im0-im1", "aeroplane/im1-im0"]);
    fs::remove_file(case.path("o.jsonl")).expect("predictions");
    let going = predict(&case, "pf-pascal", "PF-PASCAL", &["--keep-going", "--limit", "2"]);
    fails(&going, 1, &["1 pair could not be read", ".csv:3: "]);
    assert_eq!(ids(&case), ["aeroplane/im0-im1"]);
    // A heading that says nothing, and a column that may tell mirrored rows, are of the whole list.
    for broken in ["a,b,c\nim0.jpg,im1.jpg,1\n", "source,target,class,flag\nim0.jpg,im1.jpg,1,1\n"]
    {
        fs::write(&list, broken).expect("a list");
        let going = predict(&case, "pf-pascal", "PF-PASCAL", &["--keep-going"]);
        assert_eq!(going.status.code(), Some(1));
        assert!(!text(&going.stderr).contains("left out"), "{}", text(&going.stderr));
    }
    // Where no row can be read, the first says why.
    fs::write(&list, "source,target,class\nim0.jpg\nim1.jpg\n").expect("a list");
    fails(&predict(&case, "pf-pascal", "PF-PASCAL", &["--keep-going"]), 1, &[".csv:2: "]);
}

#[test]
fn a_line_of_a_layout_that_cannot_be_read_does_not_stop_the_rest() {
    let case = Case::new("bom-annotation");
    let (root, list) = ("bench-layout", "Layout/large/test.txt");
    let whole = "000000-a-b:cat\n000001-b-a:cat\n";
    for (broken, what) in [
        ("000000-a-b:cat\n000001-b-a\n", "expected <id>-<source>-<target>:<category>"),
        ("000000-a-b:cat\n000000-a-b:cat\n", "listed a second time"),
        ("000000-a-b:cat\n../000001-b-a:cat\n", "expected <id>"),
    ] {
        keep(&case, root, list, whole);
        one_row_is_left_out(
            &case,
            ["spair-json", root, list],
            broken.as_bytes(),
            ("test.txt:2: ", what),
            (&["000000-a-b:cat"], &["000000-a-b:cat", "000001-b-a:cat"]),
        );
    }
    // SPair-71k's own reader, and its check.
    let tiny = Tiny::of(3);
    let layout = tiny.path("Layout/large/test.txt");
    let rows = fs::read_to_string(&layout).expect("a layout");
    let rows = rows.replacen("\n", "\nno id\n", 2);
    fs::write(&layout, &rows).expect("a layout");
    let out = tiny.arg("a.jsonl");
    let identity = ["predict", "--root", tiny.root(), "--method", "identity", "--out", &out];
    fails(&hpflow(&identity), 1, &["test.txt:2: found \"no id\""]);
    let said = ["2 pairs could not be read", "test.txt:2: ", "test.txt:4: "];
    fails(&hpflow(&[&identity[..], &["--keep-going"]].concat()), 1, &said);
    let lines = fs::read_to_string(tiny.path("a.jsonl")).expect("predictions").lines().count();
    assert_eq!(lines, 1 + 6);
    let checked = text(&hpflow(&["dataset", "check", "--root", tiny.root()]).stdout);
    assert!(checked.contains("test.txt:2: ") && checked.contains("test.txt:4: "), "{checked}");
    assert!(checked.contains("test: 6 pairs"), "{checked}");
}

#[test]
fn a_row_of_caltech_101_that_cannot_be_read_does_not_stop_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("101_ObjectCategories/crab")).expect("a folder");
    let photograph = |name: &str| format!("101_ObjectCategories/crab/{name}.jpg");
    let row = |from: &str, to: &str, xs: &str| {
        let outline = "\"1,2,3\",\"1,2,4\"";
        format!("{},{},1,\"{xs}\",\"1,2,3\",{outline}\n", photograph(from), photograph(to))
    };
    let list = |broken: &str| {
        let rows = [&row("a", "b", "1,5,9"), broken, &row("b", "c", "1,5,9")].concat();
        fs::write(folder.path().join("test_pairs.csv"), rows).expect("a list");
    };
    for (broken, what) in [
        (row("a", "c", "1,x,9"), "\"x\" in an outline"),
        (row("a", "c", "1,5"), "an outline has 2 x and 3 y"),
        (row("a", "b", "1,5,9"), "a second time"),
        ("crab/a.jpg,crab/b.jpg\n".to_owned(), "with 2 columns"),
    ] {
        list(&broken);
        let options = BenchmarkOptions::default();
        let error =
            Benchmark::open(BenchmarkKind::Caltech101, folder.path(), &options).unwrap_err();
        assert!(error.to_string().contains("test_pairs.csv:2: "), "{error}");
        let read = Benchmark::open_readable(BenchmarkKind::Caltech101, folder.path(), &options);
        let (benchmark, unreadable) = read.expect("the others");
        let ids: Vec<&str> = benchmark.pairs.iter().map(|pair| pair.id.as_str()).collect();
        assert_eq!(ids, ["crab/a-b", "crab/b-c"]);
        assert_eq!(unreadable.len(), 1);
        let said = unreadable[0].to_string();
        assert!(said.contains("test_pairs.csv:2: ") && said.contains(what), "{said}");
        let examination = CheckScope { without_photographs: true, ..CheckScope::default() };
        let found = examine(BenchmarkKind::Caltech101, folder.path(), &examination, &|_, _, _| {});
        let findings = found.expect("a diagnosis").findings;
        assert!(findings.iter().any(|finding| finding.what.contains(what)), "{findings:?}");
    }
}

/// Runs hpflow with a limit on how long: what waits for a pipe's other end would never come back.
#[cfg(unix)]
fn timed(case: &Case, arguments: &[&str]) -> std::process::Output {
    let mut command = assert_cmd::Command::cargo_bin("hpflow").expect("the binary");
    command.current_dir(case.path("")).args(arguments).env("NO_COLOR", "1");
    command.timeout(std::time::Duration::from_secs(60)).output().expect("a run")
}

#[cfg(unix)]
fn pipe(path: &Path) {
    let _ = fs::remove_file(path);
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo");
    assert!(made.success());
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_where_a_file_is_expected_is_refused_and_never_waited_for() {
    use std::os::unix::fs::symlink;
    let identity = |root: &'static str, benchmark: &'static str| {
        let out = "o.jsonl";
        ["predict", "--benchmark", benchmark, "--root", root, "--method", "identity", "--out", out]
    };
    let layout = identity("bench-layout", "spair-json");
    let pascal = identity("PF-PASCAL", "pf-pascal");
    let willow = identity("WILLOW", "pf-willow");
    let ap_10k = identity("ap-10k", "spair-json");
    let layouts = ["--benchmark", "spair-json", "--root", "bench-layout"];
    let hog = [&["predict"], &layouts[..], &["--backbone", "hog", "--out", "o.jsonl"]].concat();
    let import = [&["import", "x.npz"], &layouts[..], &["--out", "o.jsonl"]].concat();
    for (name, file, arguments) in [
        ("bom-annotation", "bench-layout/PairAnnotation/test/000001-b-a:cat.json", &layout[..]),
        ("bom-annotation", "bench-layout/Layout/large/test.txt", &layout),
        ("bom-annotation", "bench-layout/JPEGImages/cat/b.png", &layout),
        ("bom-annotation", "bench-layout/JPEGImages/cat/b.png", &hog),
        ("list-flip-as-float", "PF-PASCAL/test_pairs.csv", &pascal),
        ("list-flip-as-float", "PF-PASCAL/Annotations/aeroplane/im0.mat", &pascal),
        ("willow-mac-files", "WILLOW/duck(S)/im1.mat", &willow),
        (
            "ap10k-file-name",
            "ap-10k/ImageAnnotation/Bovidae/argali sheep/000000000001.json",
            &ap_10k,
        ),
        ("bom-annotation", "perfect.jsonl", &["score", "perfect.jsonl", "--root", "bench-layout"]),
        ("prefix-safetensors", "fcn.safetensors", &["weights", "check", "fcn.safetensors"]),
        (
            "prefix-safetensors",
            "fcn.safetensors",
            &["weights", "convert", "fcn.safetensors", "--prefix", "backbone.", "--out", "o"],
        ),
        ("bom-annotation", "x.npz", &import),
    ] {
        let case = Case::new(name);
        for device in [false, true] {
            let path = case.path(file);
            if device {
                let _ = fs::remove_file(&path);
                symlink("/dev/zero", &path).expect("a link");
            } else {
                pipe(&path);
            }
            let output = timed(&case, arguments);
            let found = if device { "it is a device" } else { "it is a pipe" };
            let last = Path::new(file).file_name().expect("a name").to_string_lossy().into_owned();
            fails(&output, 1, &[found, "not a regular file", &last]);
            let said = text(&output.stderr);
            let errors = said.trim_end().lines().filter(|line| !line.starts_with(" WARN "));
            assert_eq!(errors.count(), 1, "{said}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_among_maps_or_beside_predictions_is_refused_too() {
    let case = Case::new("features-after-mending");
    case.prints(&[
        "-q",
        "features",
        "--benchmark",
        "spair-json",
        "--root",
        "bench",
        "--backbone",
        "hog",
        "--out",
        "features",
    ]);
    pipe(&case.path("features/cat/b.png.safetensors"));
    let from = ["--features", "features", "--layers", "0", "--engine", "cpu", "--out", "o.jsonl"];
    let predict = ["predict", "--benchmark", "spair-json", "--root", "bench"];
    fails(&timed(&case, &[&predict[..], &from].concat()), 1, &["b.png.safetensors", "is a pipe"]);
    for ending in ["partial", "inputs"] {
        let beside = case.path(&format!("p.jsonl.{ending}"));
        pipe(&beside);
        let identity = ["--method", "identity", "--out", "p.jsonl"];
        for resume in [&[][..], &["--resume"]] {
            let output = timed(&case, &[&predict[..], &identity, resume].concat());
            fails(&output, 1, &["p.jsonl"]);
        }
        fs::remove_file(beside).expect("a pipe");
    }
}

#[cfg(unix)]
#[test]
fn keypoints_may_come_through_a_pipe() {
    let case = Case::new("features-after-mending");
    let script = "printf '10,10\\n20,20\\n' | \"$hpflow\" match bench/JPEGImages/cat/a.png \
                  bench/JPEGImages/cat/b.png --backbone hog --engine cpu --keypoints /dev/stdin";
    let output = std::process::Command::new("sh")
        .current_dir(case.path(""))
        .args(["-c", script])
        .env("hpflow", assert_cmd::cargo::cargo_bin("hpflow"))
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 2);
}

/// An unfinished file as another program stores it.
fn stored(text: &str, how: &str) -> Vec<u8> {
    let spaced = || text.replace("\":", "\": ").replace(",\"", ", \"");
    match how {
        "CRLF" => text.replace('\n', "\r\n").into_bytes(),
        "CR" => text.replace('\n', "\r").into_bytes(),
        "mixed" => text.replacen('\n', "\r\n", 1).into_bytes(),
        "blank lines" => text.replace('\n', "\n\n").into_bytes(),
        "mark" => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        "UTF-16" => {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            [0xff, 0xfe].into_iter().chain(units).collect()
        }
        _ => spaced().into_bytes(),
    }
}

#[test]
fn an_unfinished_file_that_another_program_stored_ends_as_if_it_had_not() {
    let tiny = Tiny::of(4);
    let out = tiny.arg("a.jsonl");
    let run = |more: &[&str]| {
        let method = ["--method", "identity", "--out", &out];
        hpflow(&[&["predict", "--root", tiny.root()], &method[..], more].concat())
    };
    assert!(run(&[]).status.success());
    let expected = fs::read(tiny.path("a.jsonl")).expect("predictions");
    let some: String = String::from_utf8_lossy(&expected).split_inclusive('\n').take(4).collect();
    for how in ["CRLF", "CR", "mixed", "blank lines", "mark", "UTF-16", "spaces"] {
        for torn in ["", "{\"pair\":\"0000"] {
            if how == "spaces" && !torn.is_empty() {
                continue;
            }
            fs::remove_file(tiny.path("a.jsonl")).expect("predictions");
            let partial = tiny.path("a.jsonl.partial");
            fs::write(&partial, stored(&(some.clone() + torn), how)).expect("a partial file");
            let resumed = run(&["--resume"]);
            assert!(resumed.status.success(), "{how}: {}", text(&resumed.stderr));
            let found = fs::read(tiny.path("a.jsonl")).expect("predictions");
            assert!(found == expected, "{how} {torn}: {}", text(&found));
        }
        // A complete file that is continued with more pairs likewise.
        let whole = String::from_utf8_lossy(&expected).into_owned();
        fs::write(tiny.path("a.jsonl"), stored(&whole, how)).expect("predictions");
        let scored = hpflow(&["score", &out, "--root", tiny.root(), "--format", "json"]);
        assert!(scored.status.success(), "{how}: {}", text(&scored.stderr));
        fs::write(tiny.path("a.jsonl"), &expected).expect("predictions");
    }
    // What is no unfinished file is not cut off.
    fs::remove_file(tiny.path("a.jsonl")).expect("predictions");
    fs::write(tiny.path("a.jsonl.partial"), "somebody's notes").expect("a file");
    fails(&run(&["--resume"]), 1, &["a.jsonl"]);
    let kept = fs::read(tiny.path("a.jsonl.partial")).expect("a file");
    assert_eq!(text(&kept), "somebody's notes");
}

#[test]
fn what_is_known_of_lines_is_known_with_other_line_breaks_too() {
    let tiny = Tiny::of(4);
    let last = tiny.path("JPEGImages/mug/mug_3.png");
    let whole = fs::read(&last).expect("a photograph");
    let out = tiny.arg("a.jsonl");
    let run = |more: &[&str]| {
        let method = ["--backbone", "hog", "--engine", "cpu", "--out", &out];
        hpflow(&[&["predict", "--root", tiny.root()], &method[..], more].concat())
    };
    for end in ["\r\n", "\r"] {
        fs::write(&last, "no photograph").expect("a file");
        fails(&run(&["--keep-going"]), 1, &["1 photograph"]);
        fs::write(&last, &whole).expect("a photograph");
        for name in ["a.jsonl", "a.jsonl.inputs"] {
            let stored = fs::read_to_string(tiny.path(name)).expect("a file").replace('\n', end);
            fs::write(tiny.path(name), stored).expect("a file");
        }
        let resumed = run(&["--resume"]);
        let said = text(&resumed.stderr);
        assert!(resumed.status.success(), "{said}");
        // Six of the twelve pairs are of that photograph, and no other is predicted again.
        assert!(said.contains("6 unanswered pairs to be predicted again"), "{said}");
        assert!(!said.contains("not known"), "{said}");
        let found = fs::read(tiny.path("a.jsonl")).expect("predictions");
        fs::remove_file(tiny.path("a.jsonl")).expect("predictions");
        assert!(run(&[]).status.success());
        assert!(fs::read(tiny.path("a.jsonl")).expect("predictions") == found);
        fs::remove_file(tiny.path("a.jsonl")).expect("predictions");
    }
}

#[test]
fn a_second_run_is_told_of_the_first_and_not_to_delete_its_file() {
    let tiny = Tiny::of(4);
    let out = tiny.arg("a.jsonl");
    assert!(
        hpflow(&["predict", "--root", tiny.root(), "--method", "identity", "--out", &out])
            .status
            .success()
    );
    let partial = tiny.path("a.jsonl.partial");
    fs::rename(tiny.path("a.jsonl"), &partial).expect("renamed");
    let held = fs::OpenOptions::new().append(true).open(&partial).expect("the file");
    held.lock().expect("a lock");
    for more in [&[][..], &["--resume"]] {
        let arguments = ["predict", "--root", tiny.root(), "--method", "identity", "--out", &out];
        let second = hpflow(&[&arguments[..], more].concat());
        fails(&second, 1, &["another run is writing it; wait for that run"]);
        assert!(!text(&second.stderr).contains("delete"), "{}", text(&second.stderr));
    }
    fails(&hpflow(&["score", &out, "--root", tiny.root()]), 1, &["another run is writing"]);
    drop(held);
    let arguments = ["predict", "--root", tiny.root(), "--method", "identity", "--out", &out];
    fails(&hpflow(&arguments), 1, &["unfinished run", "--resume"]);
    fails(&hpflow(&["score", &out, "--root", tiny.root()]), 1, &["unfinished run"]);
}

/// Predictions of a case's benchmark with other ids, as a table and as a predictions file.
fn renamed(case: &Case, rename: impl Fn(&str) -> String) {
    let text = fs::read_to_string(case.path("perfect.jsonl")).expect("predictions");
    let (mut lines, mut rows) = (Vec::new(), vec!["pair,keypoint,x,y".to_owned()]);
    for (at, line) in text.lines().enumerate() {
        if at == 0 {
            lines.push(line.to_owned());
            continue;
        }
        let mut line: Value = serde_json::from_str(line).expect("JSON");
        let id = rename(line["pair"].as_str().expect("an id"));
        for (place, point) in line["keypoints"].as_array().expect("points").iter().enumerate() {
            rows.push(format!("{id},{place},{},{}", point[0], point[1]));
        }
        line["pair"] = json!(id);
        lines.push(line.to_string());
    }
    fs::write(case.path("renamed.jsonl"), lines.join("\n") + "\n").expect("predictions");
    fs::write(case.path("renamed.csv"), rows.join("\n") + "\n").expect("a table");
}

const IMPORT_RENAMED: [&str; 8] = [
    "import",
    "renamed.csv",
    "--benchmark",
    "spair-json",
    "--root",
    "bench-layout",
    "--out",
    "i.jsonl",
];

#[test]
fn ids_without_their_colons_are_known_where_they_are_of_one_pair() {
    let case = Case::new("bom-annotation");
    let score = |file: &str| {
        let arguments = ["score", file, "--root", "bench-layout", "--format", "json"];
        let output = case.hpflow(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let scores: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (scores["files"][0]["pck"]["0.1"]["all"].as_f64(), text(&output.stderr))
    };
    let import = || {
        let output = case.hpflow(&IMPORT_RENAMED);
        (output.status.code(), text(&output.stderr))
    };
    for stand_in in ["_", "-", "%3A", "\u{f03a}", "\u{ff1a}", ""] {
        renamed(&case, |id| id.replace(':', stand_in));
        let (all, said) = score("renamed.jsonl");
        assert_eq!(all, Some(100.0), "{stand_in}");
        let (code, imported) = import();
        assert_eq!(code, Some(0), "{imported}");
        assert_eq!(score("i.jsonl").0, Some(100.0), "{stand_in}");
        for said in [said, imported] {
            let (given, id) = (format!("000000-a-b{stand_in}cat"), "for 000000-a-b:cat");
            assert!(said.contains(&given) && said.contains(id), "a fallback is said: {said}");
        }
        assert!(case.predictions("i.jsonl")[0].contains("000000-a-b:cat"), "the pair's own id");
    }
    // As the benchmark has them nothing is said.
    renamed(&case, str::to_owned);
    assert_eq!(score("renamed.jsonl"), (Some(100.0), String::new()));
    // Another letter in the colon's place is another pair.
    renamed(&case, |id| id.replace(':', "x"));
    let other = case.hpflow(&["score", "renamed.jsonl", "--root", "bench-layout"]);
    fails(&other, 1, &["000000-a-bxcat is not among the pairs"]);
    // Both spellings of one pair are two answers.
    let line =
        |id: &str| format!("{{\"pair\":\"{id}\",\"keypoints\":[[1,1],[1,1],[1,1],[1,1]]}}\n");
    let header = fs::read_to_string(case.path("perfect.jsonl")).expect("predictions");
    let header = header.lines().next().expect("a header").to_owned() + "\n";
    let both = header + &line("000000-a-b:cat") + &line("000000-a-b_cat");
    fs::write(case.path("both.jsonl"), both).expect("predictions");
    let twice = case.hpflow(&["score", "both.jsonl", "--root", "bench-layout"]);
    fails(&twice, 1, &["line 3", "came before"]);
}

#[test]
fn an_id_that_may_be_of_two_pairs_is_refused_with_both() {
    let case = Case::new("bom-annotation");
    // Categories `cat` and `b_cat`: without the colon both pairs are 000000-a-b_cat.
    let pairs = case.path("bench-layout/PairAnnotation/test");
    let annotation = fs::read_to_string(pairs.join("000001-b-a:cat.json")).expect("a pair");
    fs::create_dir_all(case.path("bench-layout/JPEGImages/b_cat")).expect("a folder");
    let annotation = annotation.trim_start_matches('\u{feff}');
    let mut other: Value = serde_json::from_str(annotation).expect("JSON");
    for (id, category) in [("000002-a-b:c_cat", "c_cat"), ("000002-a-b_c:cat", "cat")] {
        other["filename"] = json!(id);
        other["category"] = json!(category);
        fs::write(pairs.join(format!("{id}.json")), other.to_string()).expect("a pair");
    }
    fs::create_dir_all(case.path("bench-layout/JPEGImages/c_cat")).expect("a folder");
    let layout = "000002-a-b:c_cat\n000002-a-b_c:cat\n";
    fs::write(case.path("bench-layout/Layout/large/test.txt"), layout).expect("a layout");
    renamed(&case, |_| "000002-a-b_c_cat".to_owned());
    let both = ["000002-a-b_c_cat may be 000002-a-b:c_cat or 000002-a-b_c:cat"];
    fails(&case.hpflow(&["score", "renamed.jsonl", "--root", "bench-layout"]), 1, &both);
    fails(&case.hpflow(&IMPORT_RENAMED), 1, &both);
}

#[cfg(unix)]
#[test]
fn a_result_that_standard_output_does_not_take_is_a_failure() {
    let case = Case::new("one-pair-interval");
    let table = format!(
        "name,aero,bike,bird,boat,bottle,bus,car,cat,chair,cow,dog,horse,moto,person,plant,sheep,\
         train,tv,All\na{}\n",
        ",50".repeat(19)
    );
    fs::write(case.path("t.csv"), table).expect("a table");
    let points = "pair,keypoint,x,y\n";
    fs::write(case.path("p.csv"), points).expect("a table");
    let run = |arguments: &str, to: &str| {
        let output = std::process::Command::new("sh")
            .current_dir(case.path(""))
            .args(["-c", &format!("\"$hpflow\" {arguments} {to}")])
            .env("hpflow", assert_cmd::cargo::cargo_bin("hpflow"))
            .env("HF_HOME", case.path("hub"))
            .output()
            .expect("a shell");
        (output.status.code(), text(&output.stderr))
    };
    for arguments in [
        "score half.jsonl --root bench",
        "score half.jsonl --root bench --format json",
        "dataset stats --benchmark spair-json --root bench",
        "dataset check --benchmark spair-json --root bench --without-photographs",
        "weights list",
        "devices",
        "audit t.csv",
        "match bench/JPEGImages/cat/a.png bench/JPEGImages/cat/b.png --backbone hog --engine cpu \
         --keypoints 9,9",
        "predict --benchmark spair-json --root bench --method identity --out -",
        "predict --benchmark spair-json --root bench --method identity --out /dev/stdout",
        "import p.csv --benchmark spair-json --root bench --out -",
        "--version",
        "--help",
        "score --help",
    ] {
        let (code, said) = run(arguments, "> whole");
        assert_eq!(code, Some(0), "{arguments}: {said}");
        for to in [">&-", "> /dev/full"] {
            if to == "> /dev/full" && !Path::new("/dev/full").exists() {
                continue;
            }
            let (code, said) = run(arguments, to);
            assert_eq!(code, Some(1), "{arguments} {to}: {said}");
            assert!(said.contains("standard output") || said.contains("cannot write"), "{said}");
            assert!(!said.contains("panicked"), "{said}");
        }
        let (code, said) = run(arguments, "| true");
        assert_eq!(code, Some(0), "{arguments}: {said}");
        // What goes nowhere because it was asked to is no failure.
        assert_eq!(run(arguments, "> /dev/null").0, Some(0), "{arguments}");
    }
}

#[test]
fn whole_numbers_of_annotations_may_have_a_fraction_of_zero() {
    for benchmark in ["spair", "spair-json"] {
        let tiny = Tiny::of(2);
        let layout = fs::read_to_string(tiny.path("Layout/large/test.txt")).expect("a layout");
        let name = format!("{}.json", layout.lines().next().expect("a pair"));
        let options = BenchmarkOptions::default();
        let kind: BenchmarkKind = benchmark.parse().expect("a benchmark");
        let root = tiny.path("");
        let as_it_is = Benchmark::open(kind, &root, &options).expect("a benchmark");
        let file = tiny.path("PairAnnotation/test").join(&name);
        let text = fs::read_to_string(&file).expect("a pair");
        let mut json: Value = serde_json::from_str(&text).expect("JSON");
        let floats = |json: &mut Value, fields: &[&str]| {
            for field in fields {
                match &mut json[*field] {
                    Value::Array(sides) => sides.iter_mut().for_each(|side| {
                        *side = json!(side.as_f64().expect("a number"));
                    }),
                    number => *number = json!(number.as_f64().expect("a number")),
                }
            }
        };
        floats(&mut json, &["src_imsize", "trg_imsize", "viewpoint_variation", "truncation"]);
        assert!(json.to_string().contains(".0"), "{json}");
        fs::write(&file, json.to_string()).expect("a pair");
        let read = Benchmark::open(kind, &root, &options).expect("the same benchmark");
        assert_eq!((read.images, read.pairs), (as_it_is.images, as_it_is.pairs));
        for broken in ["96.5", "-96.0", "\"96\"", "1e30"] {
            let size = json!([1, 2, 3]).to_string().replace('1', broken);
            json["src_imsize"] = json!(null);
            let text =
                json.to_string().replace("\"src_imsize\":null", &format!("\"src_imsize\":{size}"));
            fs::write(&file, text).expect("a pair");
            let error = Benchmark::open(kind, &root, &options).unwrap_err().to_string();
            let said = error.contains("whole") || error.contains("where a number is expected");
            assert!(error.contains(&name) && said, "{error}");
        }
    }
}

#[test]
fn a_suggested_command_can_be_pasted_into_a_shell() {
    let case = Case::new("prefix-safetensors");
    let name = "it's a net.safetensors";
    fs::rename(case.path("fcn.safetensors"), case.path(name)).expect("renamed");
    let said = text(&case.hpflow(&["weights", "check", name]).stderr);
    assert!(said.contains(r"'it'\''s a net.safetensors'"), "{said}");
    let command = said.split('`').nth(1).expect("a command").replacen("hpflow", "\"$hpflow\"", 1);
    let output = std::process::Command::new("sh")
        .current_dir(case.path(""))
        .args(["-c", &command])
        .env("hpflow", assert_cmd::cargo::cargo_bin("hpflow"))
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{command}: {}", text(&output.stderr));
    assert!(case.path("it's a net-backbone.safetensors").exists());
    // PyTorch's files likewise.
    fs::write(case.path("it's.pth"), b"PK\x03\x04").expect("a file");
    let said = text(&case.hpflow(&["weights", "check", "it's.pth"]).stderr);
    assert!(said.contains(r"convert 'it'\''s.pth' --out 'it'\''s.safetensors'"), "{said}");
}

#[test]
fn the_list_of_weights_says_where_the_cache_is() {
    let case = Case::new("prefix-safetensors");
    let mut command = assert_cmd::Command::cargo_bin("hpflow").expect("the binary");
    command.env("HF_HOME", case.path("kept")).env_remove("HF_HUB_CACHE").args(["weights", "list"]);
    let printed = text(&command.output().expect("a run").stdout);
    assert!(printed.contains(&case.path("kept/hub").display().to_string()), "{printed}");
}

#[test]
fn a_table_says_that_nothing_is_known_in_any_usual_word() {
    let case = Case::new("bom-annotation");
    let mut scores = Vec::new();
    for nothing in ["NaN", "", "NA", "N/A", "null", "None"] {
        let first = format!("pair,keypoint,x,y\n000000-a-b:cat,0,{nothing},{nothing}\n");
        fs::write(case.path("t.csv"), first + "000001-b-a:cat,0,9,9\n").expect("a table");
        case.prints(&[
            "-q",
            "import",
            "t.csv",
            "--benchmark",
            "spair-json",
            "--root",
            "bench-layout",
            "--out",
            "i.jsonl",
        ]);
        scores.push(case.predictions("i.jsonl"));
        fs::remove_file(case.path("i.jsonl")).expect("predictions");
    }
    assert!(scores[0][0].contains("[null") && scores.iter().all(|one| *one == scores[0]));
    for half in ["NA,9", "9,none", "nothing,9"] {
        fs::write(case.path("t.csv"), format!("pair,keypoint,x,y\n000000-a-b:cat,0,{half}\n"))
            .expect("a table");
        let import = ["import", "t.csv", "--benchmark", "spair-json", "--root", "bench-layout"];
        fails(
            &case.hpflow(&[&import[..], &["--out", "i.jsonl"]].concat()),
            1,
            &["t.csv: line 2: ", "is not a "],
        );
    }
}

#[test]
fn a_compressed_predictions_file_is_told_as_such() {
    let case = Case::new("bom-annotation");
    for (start, by) in
        [(&b"\x1f\x8b\x08\0"[..], "gzip"), (b"PK\x03\x04\n", "zip"), (b"BZh9", "bzip2")]
    {
        fs::write(case.path("p.jsonl"), start).expect("a file");
        let score = case.hpflow(&["score", "p.jsonl", "--root", "bench-layout"]);
        fails(&score, 1, &["p.jsonl:1: the file is compressed with", by, "decompress it"]);
    }
}

#[test]
fn maps_that_a_program_on_windows_described_are_used() {
    use described::with_metadata;
    let case = Case::new("features-after-mending");
    let folder = ["--benchmark", "spair-json", "--root", "bench"];
    let features = ["-q", "features", "--backbone", "hog", "--out", "features"];
    case.prints(&[&features[..], &folder].concat());
    let predict = |out: &str| {
        let from = ["--features", "features", "--layers", "0", "--engine", "cpu", "--out", out];
        case.hpflow(&[&["predict"], &folder[..], &from].concat())
    };
    assert!(predict("one.jsonl").status.success());
    for name in ["a", "b"] {
        with_metadata(&case.path(&format!("features/cat/{name}.png.safetensors")), |header| {
            let digest = header["sha256"].as_str().expect("a digest").to_uppercase();
            header["sha256"] = json!(digest);
            header["photograph"] = json!(format!("cat\\{name}.png"));
        });
    }
    let again = predict("two.jsonl");
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(case.predictions("one.jsonl") == case.predictions("two.jsonl"));
    with_metadata(&case.path("features/cat/a.png.safetensors"), |header| {
        header["photograph"] = json!("cat\\b.png");
    });
    fails(&predict("three.jsonl"), 1, &["a.png.safetensors", "its photograph is cat\\b.png"]);
}

/// Changes what a file of features says of itself.
mod described {
    use std::fs;
    use std::path::Path;

    use hpflow::testing::features::METADATA;
    use serde_json::Value;

    pub fn with_metadata(path: &Path, change: impl FnOnce(&mut Value)) {
        let bytes = fs::read(path).expect("features");
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("a length")) as usize;
        let mut about: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
        let text = about["__metadata__"][METADATA].as_str().expect("metadata").to_owned();
        let mut header: Value = serde_json::from_str(&text).expect("JSON");
        change(&mut header);
        about["__metadata__"][METADATA] = header.to_string().into();
        let about = about.to_string().into_bytes();
        let length = (about.len() as u64).to_le_bytes();
        fs::write(path, [&length[..], &about, &bytes[8 + length_of(&bytes)..]].concat())
            .expect("features");
    }

    fn length_of(bytes: &[u8]) -> usize {
        u64::from_le_bytes(bytes[..8].try_into().expect("a length")) as usize
    }
}
