//! Where results and messages go, and what happens where they cannot.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Output;

use super::Case;
use crate::cli::{fails, text};

const PREDICT: &str = "predict --benchmark spair-json --root bench --method identity";

/// Runs lines of a shell in a copy of a case, with `$hpflow` and `$predict` for identity mapping's
/// predictions of its benchmark.
fn shell(case: &Case, script: &str) -> Output {
    let mut command = std::process::Command::new("sh");
    let hpflow = assert_cmd::cargo::cargo_bin("hpflow");
    command.current_dir(case.path("")).args(["-c", script]).env("NO_COLOR", "1");
    command.env("hpflow", &hpflow).env("predict", format!("{} {PREDICT}", hpflow.display()));
    command.output().expect("a shell")
}

/// The exit code that a script leaves in the file `code`.
#[track_caller]
fn code(case: &Case, script: &str) -> String {
    let _ = fs::remove_file(case.path("code"));
    let output = shell(case, script);
    let said = text(&output.stderr);
    assert!(!said.contains("panicked"), "{script}: {said}");
    let code = fs::read_to_string(case.path("code"));
    code.unwrap_or_else(|_| panic!("{script} ended without a code: {said}")).trim().to_owned()
}

/// What `predict --out FILE` writes.
fn expected(case: &Case) -> String {
    let done = shell(case, "$predict --out expected.jsonl");
    assert!(done.status.success(), "{}", text(&done.stderr));
    fs::read_to_string(case.path("expected.jsonl")).expect("predictions")
}

#[test]
fn predictions_go_where_a_link_leads_and_the_link_stays() {
    let case = Case::new("out-through-link");
    let expected = expected(&case);
    let real = || fs::read_to_string(case.path("scratch/real.jsonl")).expect("predictions");
    let whole = |script: &str| {
        let done = shell(&case, script);
        assert!(done.status.success(), "{script}: {}", text(&done.stderr));
        assert!(case.path("o.jsonl").is_symlink(), "{script}");
        assert!(real() == expected, "{script}: {}", real());
        let left = fs::read_dir(case.path("scratch")).expect("the folder");
        let left: Vec<_> = left.map(|entry| entry.expect("an entry").file_name()).collect();
        assert_eq!(left.len(), 2, "{script}: nothing is left beside it: {left:?}");
    };
    whole("touch scratch/real.jsonl && ln -s scratch/real.jsonl o.jsonl && $predict --out o.jsonl");
    // A file that is not there yet, behind a chain of links through another folder.
    whole(
        "rm o.jsonl scratch/real.jsonl; mkdir links; ln -s ../scratch/real.jsonl links/two; \
         ln -s links/two o.jsonl; $predict --out o.jsonl",
    );
    // Lines of a run that was stopped are beside the file, whichever name is given.
    whole(
        "head -2 scratch/real.jsonl > scratch/real.jsonl.partial; rm scratch/real.jsonl; \
         $predict --out o.jsonl 2> refused; test $? = 1 && grep -q -e --resume refused && \
         $predict --out o.jsonl --resume",
    );
    // And a complete file is continued, and stays, behind its link.
    whole("$predict --out o.jsonl --resume");
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_to_standard_output_is_never_replaced() {
    let case = Case::new("out-through-link");
    let expected = expected(&case);
    symlink("/proc/self/fd/1", case.path("stdout")).expect("a link");
    symlink("stdout", case.path("again")).expect("a link");
    // The system's own link is not put at risk, should this ever fail.
    symlink("/dev/stdout", case.path("system")).expect("a link");
    for out in ["stdout", "again", "system", "/proc/self/fd/1", "-"] {
        for log in ["> log", ">> log", "| cat > log"] {
            let script = format!("echo first > log; $predict --out {out} {log}");
            let done = shell(&case, &script);
            assert!(done.status.success(), "{script}: {}", text(&done.stderr));
            let log = fs::read_to_string(case.path("log")).expect("the log");
            let after = log.strip_prefix("first\n").unwrap_or(&log);
            assert!(after == expected, "{script}: {log}");
        }
    }
    assert!(["stdout", "again", "system"].iter().all(|link| case.path(link).is_symlink()));
    assert!(!case.path("-").exists());
    // What cannot be continued says so before any work.
    let refused = shell(&case, "$predict --out stdout --resume > log");
    fails(&refused, 2, &["--resume", "stdout"]);
}

#[test]
fn pipes_and_devices_are_written_through_or_refused_before_any_work() {
    let case = Case::new("out-through-link");
    let expected = expected(&case);
    let through = shell(
        &case,
        "mkfifo pipe; cat pipe > got & $predict --out pipe && wait && test -p pipe && \
         ln -s /dev/null null && $predict --out null && test -c null && test -h null",
    );
    assert!(through.status.success(), "{}", text(&through.stderr));
    assert!(fs::read_to_string(case.path("got")).expect("lines") == expected);
    let training =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/checkpoints/training-zip.pt");
    symlink("/dev/stdout", case.path("system")).expect("a link");
    for out in ["pipe", "null", "system", "-"] {
        let refused = case.hpflow(&["weights", "convert", training, "--force", "--out", out]);
        fails(&refused, 1, &[out, "not a regular file"]);
        let root = ["--benchmark", "spair-json", "--root", "bench", "--split", "test"];
        let search = ["search", "--backbone", "hog", "--engine", "cpu", "--out", out];
        let refused = case.hpflow(&[&search[..], &root].concat());
        fails(&refused, 1, &[out, "not a regular file"]);
    }
    assert!(!case.path("-").exists() && case.path("null").is_symlink());
    let refused = case.hpflow(&["weights", "convert", training, "--out", "-"]);
    fails(&refused, 1, &["./-"]);
}

#[test]
fn every_output_follows_links() {
    let case = Case::new("out-through-link");
    fs::write(case.path("a.csv"), "pair,keypoint,x,y\n000000-a-b:cat,0,1,2\n").expect("a file");
    let training =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/checkpoints/training-zip.pt");
    let root = "--benchmark spair-json --root bench";
    let photographs = "bench/JPEGImages/cat/a.png bench/JPEGImages/cat/b.png";
    let hog = "--backbone hog --engine cpu";
    let drawn = format!("match {photographs} {hog} --keypoints 9,9 --picture");
    assert!(shell(&case, &format!("$hpflow {drawn} old.png")).status.success());
    // With what each of them replaces.
    let header = "echo '{\"format\":\"old\"}'";
    let commands = [
        (header, format!("import a.csv {root} --out")),
        (header, format!("weights convert {training} --force --out")),
        ("echo PIEHold", format!("match {photographs} {hog} --keypoints 9,9 --flow")),
        ("(cat old.png; echo old)", drawn),
        ("", format!("search {root} --split test {hog} --depth 1 --out")),
    ];
    for (at, (old, command)) in commands.iter().enumerate() {
        // With a file there and without; a search begins only where there is none.
        for there in [false, true] {
            if there && command.starts_with("search") {
                continue;
            }
            let touch = if there { format!("{old} > scratch/$n;") } else { String::new() };
            let script = format!(
                "n={at}{there}.png; {touch} ln -s scratch/$n $n; $hpflow {command} $n && \
                 test -h $n && test -s scratch/$n && ! grep -q old scratch/$n && \
                 test -z \"$(ls scratch | grep $n | grep -vx -e $n -e $n.inputs)\""
            );
            let done = shell(&case, &script);
            assert!(done.status.success(), "{script}: {}", text(&done.stderr));
        }
    }
    // The files that commands name themselves, in a folder that is given.
    fs::write(case.path("p.jsonl"), expected(&case)).expect("a file");
    let script = "mkdir report pictures; ln -s ../scratch/page report/index.html; \
         ln -s ../scratch/sheet pictures/sheet.png; \
         $hpflow report p.jsonl --root bench --out report && \
         $hpflow show p.jsonl --root bench --out pictures && test -h report/index.html && \
         test -h pictures/sheet.png && test -s scratch/page && test -s scratch/sheet";
    let done = shell(&case, script);
    assert!(done.status.success(), "{}", text(&done.stderr));
}

#[test]
fn links_that_lead_nowhere_are_refused_before_any_work() {
    let case = Case::new("out-through-link");
    let script = "ln -s b a; ln -s a b; ln -s no/such c; ln -s scratch d";
    assert!(shell(&case, script).status.success());
    for (out, what) in [("a", "lead back"), ("c", "missing"), ("d", "a folder")] {
        // A benchmark that is not there would be found out by any work.
        let predict = ["predict", "--root", "no", "--method", "identity", "--out", out];
        fails(&case.hpflow(&predict), 1, &[out, what]);
        let import = ["import", "no.csv", "--root", "no", "--out", out];
        fails(&case.hpflow(&import), 1, &[out, what]);
        let hog = ["--backbone", "hog", "--engine", "cpu", "--keypoints", "1,1"];
        let found = ["match", "no.png", "no.png", "--flow", out];
        fails(&case.hpflow(&[&found[..], &hog].concat()), 1, &[out, what]);
        let convert = ["weights", "convert", "no.pth", "--force", "--out", out];
        fails(&case.hpflow(&convert), 1, &[out, what]);
        assert!(case.path(out).is_symlink());
    }
}

#[test]
fn one_search_has_one_lock_whatever_links_lead_to_it() {
    let case = Case::new("out-through-link");
    symlink("scratch/s.json", case.path("s.json")).expect("a link");
    let lock = fs::File::create(case.path("scratch/s.json.lock")).expect("a file");
    lock.lock().expect("a lock");
    let search =
        "search --benchmark spair-json --root bench --split test --backbone hog --out s.json";
    let output = case.hpflow(&search.split(' ').collect::<Vec<_>>());
    fails(&output, 1, &["another search"]);
}

/// The ways in which standard error cannot be written.
const SILENT: [&str; 4] = ["2> /dev/full", "2>&-", "2>&1 | true", "2>&1 | head -1"];

#[cfg(target_os = "linux")]
#[test]
fn predictions_are_made_though_nobody_reads_standard_error() {
    let case = Case::new("stderr-closed");
    let hog = "predict --benchmark spair-json --root bench --backbone hog --engine cpu";
    let expected = {
        assert!(shell(&case, &format!("$hpflow {hog} --out e.jsonl")).status.success());
        fs::read(case.path("e.jsonl")).expect("predictions")
    };
    for more in ["", "-vv", "--keep-going"] {
        for silent in SILENT {
            let _ = fs::remove_file(case.path("o.jsonl"));
            // What is read stops before anything is said.
            let (redirected, pipe) = silent.split_once('|').unwrap_or((silent, ""));
            let pipe = if pipe.is_empty() { String::new() } else { format!("| {pipe}") };
            let script = format!(
                "{{ sleep 0.2; $hpflow {hog} {more} --out o.jsonl {redirected}; echo $? > code; }} {pipe}; \
                 while ! test -s code; do sleep 0.05; done"
            );
            assert_eq!(code(&case, &script), "0", "{script}");
            let found = fs::read(case.path("o.jsonl")).expect("predictions");
            assert!(found == expected, "{script}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn exit_codes_are_what_they_are_though_nobody_reads_standard_error() {
    let case = Case::new("stderr-closed");
    fs::write(case.path("p.jsonl"), expected(&case)).expect("a file");
    fs::write(case.path("a.csv"), "pair,keypoint,x,y\n000000-a-b:cat,0,1,2\n").expect("a file");
    let root = "--benchmark spair-json --root bench";
    let commands = [
        ("0", "--help".to_owned()),
        ("0", "predict --help".to_owned()),
        ("0", "--version".to_owned()),
        ("2", "predict --no-such-option".to_owned()),
        ("2", String::new()),
        ("2", format!("predict {root} --method identity --out o --limit 0")),
        ("1", "score no.jsonl --root bench".to_owned()),
        ("1", "dataset check --benchmark spair-json --root no".to_owned()),
        ("0", "score p.jsonl --root bench --protocol all".to_owned()),
        ("0", "report p.jsonl --root bench --out report".to_owned()),
        ("0", "show p.jsonl --root bench --out pictures".to_owned()),
        ("0", format!("import a.csv {root} --out imported.jsonl")),
        ("0", format!("dataset stats {root}")),
        ("0", "dataset demo drawn --images 2 --category car".to_owned()),
        ("0", "weights list".to_owned()),
        ("0", "devices".to_owned()),
        ("0", format!("features {root} --backbone hog --out features -vv")),
    ];
    for (expected, command) in commands {
        for silent in ["2> /dev/full", "2>&-", "2>&1 > /dev/null | true"] {
            let script = format!(
                "{{ sleep 0.1; $hpflow {command} {silent_redirect}; echo $? > code; }} {pipe}; \
                 while ! test -s code; do sleep 0.05; done",
                silent_redirect = silent.split('|').next().unwrap_or_default(),
                pipe = silent.split_once('|').map_or_else(String::new, |(_, to)| format!("| {to}")),
            );
            assert_eq!(code(&case, &script), expected, "{script}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_that_cannot_be_written_costs_no_work() {
    let case = Case::new("stderr-closed");
    fs::write(case.path("p.jsonl"), expected(&case)).expect("a file");
    let training =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/checkpoints/training-zip.pt");
    let root = "--benchmark spair-json --root bench";
    let hog = "--backbone hog --engine cpu";
    let photographs = "bench/JPEGImages/cat/a.png bench/JPEGImages/cat/b.png";
    // What is printed is the result: on a full disk, or where standard output is closed, it is lost, and
    // that is a failure. Whoever reads a part of it wants no more.
    let printed = [
        "score p.jsonl --root bench".to_owned(),
        "weights list".to_owned(),
        format!("dataset check {root}"),
        format!("match {photographs} {hog} --keypoints 9,9 --picture m.png --flow m.flo"),
        format!("predict {root} --method identity --out -"),
    ];
    for command in &printed {
        let full = shell(&case, &format!("$hpflow {command} > /dev/full"));
        fails(&full, 1, &["No space left"]);
        fails(&shell(&case, &format!("$hpflow {command} >&-")), 1, &["closed"]);
        for rest in ["| true", "| head -1 > /dev/null"] {
            let (redirected, pipe) = rest.split_once('|').unwrap_or((rest, ""));
            let pipe = if pipe.is_empty() { String::new() } else { format!("| {pipe}") };
            let script = format!(
                "{{ sleep 0.1; $hpflow {command} {redirected}; echo $? > code; }} {pipe}; \
                 while ! test -s code; do sleep 0.05; done"
            );
            assert_eq!(code(&case, &script), "0", "{script}");
        }
    }
    assert!(fs::metadata(case.path("m.png")).is_ok() && fs::metadata(case.path("m.flo")).is_ok());
    // What is printed is about a file: the file is there.
    let written = [
        (format!("weights convert {training} --force --out w.safetensors"), "w.safetensors"),
        (
            format!("search {root} --split test {hog} --depth 1 --out s.json --report s"),
            "s/index.html",
        ),
        ("report p.jsonl --root bench --out report".to_owned(), "report/index.html"),
        ("dataset demo drawn --images 2 --category car".to_owned(), "drawn/Layout"),
        (format!("predict {root} --method identity --out o.jsonl"), "o.jsonl"),
    ];
    for (command, file) in &written {
        for rest in ["> /dev/full", ">&-"] {
            let _ = fs::remove_file(case.path("s.json"));
            let _ = fs::remove_file(case.path(file));
            let done = shell(&case, &format!("$hpflow {command} {rest}"));
            let said = text(&done.stderr);
            assert_eq!(done.status.code(), Some(0), "{command} {rest}: {said}");
            assert!(case.path(file).exists(), "{command} {rest}");
        }
    }
}

/// The dense flow alone may go to standard output; beside points it would be among them.
#[test]
fn a_flow_is_printed_where_nothing_else_is() {
    let case = Case::new("out-through-link");
    let photographs = "bench/JPEGImages/cat/a.png bench/JPEGImages/cat/b.png";
    let found = format!("$hpflow match {photographs} --backbone hog --engine cpu");
    let script = format!("{found} --flow a.flo && {found} --flow - > b.flo && cmp a.flo b.flo");
    let done = shell(&case, &script);
    assert!(done.status.success(), "{}", text(&done.stderr));
    symlink("/dev/stdout", case.path("system")).expect("a link");
    for flow in ["-", "system"] {
        let refused = shell(&case, &format!("{found} --keypoints 9,9 --flow {flow}"));
        fails(&refused, 2, &["--flow", "standard output"]);
    }
}

/// One module knows where outputs go: nothing else renames, or opens what it replaces.
#[test]
fn nothing_is_renamed_but_by_the_module_of_output_paths() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for file in crate::docs::sources(&root) {
        let source = fs::read_to_string(&file).expect("a source file");
        // Tests come last in a file.
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let renames = ["fs::rename(", ".persist(", ".persist_noclobber(", "fs::hard_link("];
        let found = renames.iter().filter(|call| code.contains(**call)).count();
        if file.ends_with("src/files.rs") {
            assert!(found >= 2, "the module renames");
        } else {
            assert_eq!(found, 0, "{} renames by itself", file.display());
        }
        seen += 1;
    }
    assert!(seen > 100, "{seen} files");
}

/// What has the name of the output is an output of the same kind, or it stays.
#[test]
fn no_input_is_written_over() {
    let case = Case::new("out-through-link");
    let photograph = fs::read_dir(case.path("bench/JPEGImages/cat")).unwrap().next().unwrap();
    let photograph = photograph.unwrap().path();
    let before = fs::read(&photograph).unwrap();
    symlink(&photograph, case.path("link.jsonl")).unwrap();
    fs::write(case.path("mine.csv"), "pair,keypoint,x,y\n").unwrap();
    let real = photograph.display().to_string();
    for out in [&*real, "link.jsonl", "mine.csv"] {
        let arguments =
            ["predict", "--benchmark", "spair-json", "--root", "bench", "--method", "identity"];
        let output = case.hpflow(&[&arguments[..], &["--out", out]].concat());
        fails(&output, 1, &["is there already and is not a predictions file"]);
    }
    let import = ["import", "mine.csv", "--benchmark", "spair-json", "--root", "bench"];
    let output = case.hpflow(&[&import[..], &["--out", "mine.csv"]].concat());
    fails(&output, 1, &["mine.csv", "is not a predictions file"]);
    assert_eq!(fs::read_to_string(case.path("mine.csv")).unwrap(), "pair,keypoint,x,y\n");
    symlink(&photograph, case.path("link.png")).unwrap();
    for picture in [&*real, "link.png"] {
        let found = ["match", &real, &real, "--method", "identity", "--keypoints", "5,5"];
        let output = case.hpflow(&[&found[..], &["--picture", picture]].concat());
        fails(&output, 2, &["--picture", "would be written over"]);
    }
    let both = ["match", &real, &real, "--method", "identity", "--keypoints", "5,5"];
    let output = case.hpflow(&[&both[..], &["--picture", "x.png", "--flow", "x.png"]].concat());
    fails(&output, 2, &["--flow x.png", "would be written over"]);
    assert!(fs::read(&photograph).unwrap() == before, "the photograph stays");
}

/// What a command must not replace: each file under the name of the output.
#[track_caller]
fn stays(case: &Case, file: &str, others: &[&[u8]], command: &str) {
    for other in others {
        fs::write(case.path(file), other).expect("a file");
        let refused = shell(case, &format!("$hpflow {command}"));
        fails(&refused, 1, &[file, "is there already and is not", "move it away"]);
        assert!(fs::read(case.path(file)).expect("the file") == *other, "{command}: {file}");
    }
    fs::remove_file(case.path(file)).expect("the file");
}

#[test]
fn match_replaces_nothing_but_flows_and_its_own_pictures() {
    let case = Case::new("out-through-link");
    let photographs = "bench/JPEGImages/cat/a.png bench/JPEGImages/cat/b.png";
    let found = format!("match {photographs} --method identity --keypoints 9,9");
    let photograph = fs::read(case.path("bench/JPEGImages/cat/a.png")).unwrap();
    let done = shell(&case, &format!("$hpflow {found} --picture p.png --flow p.flo"));
    assert!(done.status.success(), "{}", text(&done.stderr));
    let [picture, flow] = ["p.png", "p.flo"].map(|name| fs::read(case.path(name)).unwrap());
    // Its own, and empty files, are replaced.
    let again = shell(&case, &format!("$hpflow {found} --picture p.png --flow p.flo"));
    assert!(again.status.success(), "{}", text(&again.stderr));
    let touched =
        shell(&case, &format!("touch e.png e.flo; $hpflow {found} --picture e.png --flow e.flo"));
    assert!(touched.status.success(), "{}", text(&touched.stderr));
    assert!(fs::read(case.path("e.png")).unwrap() == picture);
    assert!(fs::read(case.path("e.flo")).unwrap() == flow);
    let predictions = expected(&case);
    let texts: [&[u8]; 5] = [
        b"{\"pairs\": []}",
        b"pair,keypoint,x,y\n",
        predictions.as_bytes(),
        b"\xFF\xD8\xFF\xE0",
        b"hello",
    ];
    for name in ["ann.json", "t.csv", "o.jsonl", "j.jpg", "n.flo"] {
        stays(&case, name, &texts, &format!("{found} --flow {name}"));
    }
    stays(&case, "n.flo", &[&picture, &photograph], &format!("{found} --flow n.flo"));
    stays(&case, "n.png", &texts, &format!("{found} --picture n.png"));
    // A photograph, whole and cut, and a flow.
    let others: [&[u8]; 3] = [&photograph, &photograph[..20], &flow];
    stays(&case, "n.png", &others, &format!("{found} --picture n.png"));
    // Through a link too, and before any work: the photographs are not there.
    fs::write(case.path("scratch/n.png"), &photograph).unwrap();
    symlink("scratch/n.png", case.path("link.png")).unwrap();
    let refused = shell(
        &case,
        "$hpflow match no.png no.jpg --method identity --keypoints 9,9 --picture link.png",
    );
    fails(&refused, 1, &["link.png: it is there already and is not a picture that hpflow wrote"]);
    assert!(fs::read(case.path("scratch/n.png")).unwrap() == photograph);
}

#[test]
fn folders_of_pages_and_pictures_lose_nothing_of_others() {
    let case = Case::new("out-through-link");
    fs::write(case.path("p.jsonl"), expected(&case)).unwrap();
    let photograph = fs::read(case.path("bench/JPEGImages/cat/a.png")).unwrap();
    let search = "rm -f s.json; $hpflow search --benchmark spair-json --root bench --split test \
                  --backbone hog --engine cpu --depth 1 --out s.json --report s";
    let all = format!(
        "$hpflow report p.jsonl --root bench --out r && $hpflow show p.jsonl --root bench --out v && \
         {search}"
    );
    // What hpflow wrote is replaced, and becomes the same.
    let files = || {
        let mut all = Vec::new();
        for folder in ["r", "v", "s"] {
            for entry in fs::read_dir(case.path(folder)).unwrap() {
                let name = format!("{folder}/{}", entry.unwrap().file_name().display());
                all.push((name.clone(), fs::read(case.path(&name)).unwrap()));
            }
        }
        all.sort();
        all
    };
    let made = shell(&case, &all);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let first = files();
    let again = shell(&case, &all);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(first == files());
    assert!(first.len() >= 7, "a page, two pictures or more, a page and three figures");
    // Each of them may be somebody's.
    let page = b"<!doctype html>\n<html lang=\"en\">\n<head>\n<title>mine</title>".as_slice();
    let figure = b"<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>".as_slice();
    for (name, own) in &first {
        let command = match &name[..1] {
            "r" => "report p.jsonl --root bench --out r",
            "v" => "show p.jsonl --root bench --out v",
            _ => search.split_once("$hpflow ").unwrap().1,
        };
        let before = files();
        let _ = fs::remove_file(case.path("s.json"));
        stays(&case, name, &[page, figure, &photograph, b"hello"], command);
        fs::write(case.path(name), own).unwrap();
        assert!(before == files(), "{name}: all else is as it was");
        assert!(!case.path("s.json").exists(), "before any work");
    }
}

#[test]
fn an_output_keeps_the_permissions_of_the_file_that_it_replaces() {
    use std::os::unix::fs::PermissionsExt;
    let case = Case::new("out-through-link");
    fs::write(case.path("a.csv"), "pair,keypoint,x,y\n000000-a-b:cat,0,1,2\n").unwrap();
    let mode = |name: &str| fs::metadata(case.path(name)).unwrap().permissions().mode() & 0o777;
    let root = "--benchmark spair-json --root bench";
    let photographs = "bench/JPEGImages/cat/a.png bench/JPEGImages/cat/b.png";
    let found = format!("$hpflow match {photographs} --method identity --keypoints 9,9");
    for (out, script) in [
        ("o.jsonl", "$predict --out o.jsonl".to_owned()),
        ("o.jsonl", "$predict --out o.jsonl --resume".to_owned()),
        ("i.jsonl", format!("$hpflow import a.csv {root} --out i.jsonl")),
        ("m.jsonl", "$predict --out m.jsonl --shard 1/1; $hpflow merge m.jsonl".to_owned()),
        ("m.png", format!("{found} --picture m.png")),
        ("m.flo", format!("{found} --flow m.flo")),
    ] {
        let first = shell(&case, &script);
        assert!(first.status.success(), "{script}: {}", text(&first.stderr));
        for private in [0o600, 0o640, 0o666] {
            fs::set_permissions(case.path(out), PermissionsExt::from_mode(private)).unwrap();
            let again = shell(&case, &script);
            assert!(again.status.success(), "{script}: {}", text(&again.stderr));
            assert_eq!(mode(out), private, "{script}: {:o}", mode(out));
        }
    }
    // An unfinished run of a file that is there.
    let stopped =
        "head -2 o.jsonl > o.jsonl.partial; chmod 600 o.jsonl; $predict --out o.jsonl --resume";
    let done = shell(&case, stopped);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(mode("o.jsonl"), 0o600);
}
