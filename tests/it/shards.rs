//! Shards: any number of them makes the bytes of one run, whatever becomes of the jobs on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use hpflow::task::{
    MergeOptions, Part, PredictOptions, Shard, ShardFaultKind, merge, predict, predict_shard,
    shards_path,
};
use hpflow::testing::benchmark::{Benchmark, BenchmarkKind, BenchmarkOptions};
use hpflow::testing::method::{self, Method, Request};

use crate::cli::{Tiny, fails, hpflow, text};
use crate::search::{made_up, search};

/// A drawn benchmark: three categories of four photographs.
struct Drawn(tempfile::TempDir);

impl Drawn {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("data");
        let root = root.to_str().expect("UTF-8");
        let made = hpflow(&[
            "-q",
            "dataset",
            "demo",
            root,
            "--images",
            "4",
            "--category",
            "car,bottle,aeroplane",
        ]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn arg(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn benchmark(&self) -> Benchmark {
        Benchmark::open(BenchmarkKind::Spair, &self.path("data"), &BenchmarkOptions::default())
            .expect("a benchmark")
    }

    fn arguments(&self, out: &str, more: &[&str]) -> Vec<String> {
        let (root, out) = (self.arg("data"), self.arg(out));
        let first = ["predict", "--root", &root, "--out", &out];
        let usual = ["--backbone", "hog", "--engine", "cpu", "--threads", "1"];
        let method = more.iter().any(|one| ["--method", "--features"].contains(one));
        let usual = if method { &usual[..0] } else { &usual[..] };
        [&first[..], usual, more].concat().iter().map(|&word| word.to_owned()).collect()
    }

    fn predict(&self, out: &str, more: &[&str]) -> Output {
        let arguments = self.arguments(out, more);
        hpflow(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn start(&self, out: &str, more: &[&str]) -> Child {
        std::process::Command::new(assert_cmd::cargo::cargo_bin("hpflow"))
            .args(self.arguments(out, more))
            .stderr(Stdio::null())
            .spawn()
            .expect("a run")
    }

    fn merge(&self, out: &str, more: &[&str]) -> Output {
        hpflow(&[&["merge", &self.arg(out)], more].concat())
    }

    fn shards(&self, out: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(&format!("{out}.shards"))).expect("a folder");
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
        let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
        names.sort();
        names
    }
}

#[track_caller]
fn done(output: &Output) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

fn open(name: &str) -> Box<dyn Method> {
    let usual = Request::new(BenchmarkKind::Spair);
    let options = match name {
        "identity" => usual,
        "hpf" => usual.with("backbone", "hog").with("engine", "cpu"),
        _ => usual.with("weights", "untrained"),
    };
    method::open(name, &options).expect("a method")
}

fn whole(benchmark: &Benchmark, method: &mut dyn Method, out: &Path) -> Vec<u8> {
    let options = PredictOptions::default();
    predict((benchmark, &[]), method, out, &options, &mut |_| {}).expect("predictions");
    fs::read(out).expect("predictions")
}

fn shard_of(
    benchmark: &Benchmark,
    method: &mut dyn Method,
    out: &Path,
    shard: Shard,
) -> hpflow::task::PredictedShard {
    let part = Part::of(benchmark, shard);
    predict_shard((&part, &[]), method, out, &PredictOptions::default(), &mut |_| {})
        .unwrap_or_else(|error| panic!("{shard}: {error}"))
}

/// Any number of shards, in any order, merged: the bytes of one run.
fn any_number_of_shards_is_one_run(names: &[&str]) {
    let drawn = Drawn::new();
    let benchmark = drawn.benchmark();
    assert!((18..40).contains(&benchmark.pairs.len()), "some of 40 shards are empty");
    for &name in names {
        let mut method = open(name);
        let expected = whole(&benchmark, &mut *method, &drawn.path(&format!("{name}.jsonl")));
        for of in [1, 3, 18, 40] {
            let out = drawn.path(&format!("{name}-{of}.jsonl"));
            for index in (1..=of).rev() {
                let shard = Shard::new(index, of).expect("a shard");
                let predicted = shard_of(&benchmark, &mut *method, &out, shard);
                assert_eq!((predicted.already, predicted.complete), (false, of - index + 1));
            }
            let merged = merge(&out, MergeOptions { delete: of == 3, ..MergeOptions::default() });
            let merged = merged.unwrap_or_else(|error| panic!("{name} {of}: {error}"));
            assert_eq!((merged.pairs, merged.complete), (benchmark.pairs.len(), of));
            assert!(fs::read(&out).expect("a file") == expected, "{name}, {of} shards");
            assert_eq!(shards_path(&out).exists(), of != 3);
            let again = merge(&out, MergeOptions::default()).expect("merged again");
            assert_eq!(again.already, of == 3);
            assert!(fs::read(&out).expect("a file") == expected, "{name}, {of} shards, again");
        }
    }
}

#[test]
fn any_number_of_shards_is_one_run_of_methods_that_need_no_network() {
    any_number_of_shards_is_one_run(&["identity", "hpf"]);
}

#[cfg(feature = "torch")]
#[test]
fn any_number_of_shards_is_one_run_of_learned_methods() {
    any_number_of_shards_is_one_run(&["cnngeo", "weakalign", "a2net", "ncnet"]);
}

#[test]
fn the_log_says_which_shard_how_much_and_where_and_merge_says_what_is_missing() {
    let drawn = Drawn::new();
    done(&drawn.predict("whole.jsonl", &["-q"]));
    fails(&drawn.merge("a.jsonl", &[]), 1, &["a.jsonl.shards is not there", "--shard 1/N"]);
    let said = done(&drawn.predict("a.jsonl", &["--shard", "2/3"]));
    let lines: Vec<&str> = said.lines().collect();
    let host = hpflow::task::host();
    let first = lines[0];
    assert!(
        first.starts_with("shard 2/3: ") && first.contains(" pairs, 4 photographs, on "),
        "{said}"
    );
    assert!(first.contains(&format!("on {host}, 0 pairs kept from before")), "{said}");
    assert!(said.contains("engine: cpu"), "{said}");
    let last = lines[lines.len() - 1];
    for part in ["shard 2/3: ", " pairs, 4 photographs, on ", "a.jsonl.shards/02-of-03.jsonl"] {
        assert!(last.contains(part), "no {part}: {said}");
    }
    assert!(last.ends_with("complete; 1 of 3 shards are complete"), "{said}");
    let said = done(&drawn.predict("a.jsonl", &["--shard", "2/3", "--resume"]));
    assert!(said.contains("complete already") && said.contains("1 of 3"), "{said}");
    let refused = drawn.merge("a.jsonl", &[]);
    let out = drawn.arg("a.jsonl");
    let again = format!("hpflow predict … --out {out} --shard I/3 for each I of 1,3");
    fails(&refused, 1, &["1 of 3 shards are complete", "1,3: not begun", &again, "--array=1,3"]);
    assert!(!drawn.path("a.jsonl").exists(), "nothing is written of a part");
    done(&drawn.predict("a.jsonl", &["--shard", "1/3", "-q"]));
    fails(
        &drawn.merge("a.jsonl", &[]),
        1,
        &["3: not begun", "--shard 3/3 (Slurm: sbatch --array=3 "],
    );
    // A part is a predictions file without the other pairs.
    let said = done(&drawn.merge("a.jsonl", &["--partial"]));
    assert!(said.contains("2 of 3 shards") && said.contains("3: not begun"), "{said}");
    let (root, part) = (drawn.arg("data"), drawn.arg("a.jsonl.shards/02-of-03.jsonl"));
    done(&hpflow(&["score", &out, "--root", &root, "--partial"]));
    let refused = hpflow(&["score", &part, "--root", &root]);
    fails(&refused, 1, &["is shard 2 of 3", &format!("`hpflow merge {out}`")]);
    done(&hpflow(&["score", &part, "--root", &root, "--partial"]));
    done(&drawn.predict("a.jsonl", &["--shard", "3/3", "-q"]));
    done(&drawn.merge("a.jsonl", &["--delete"]));
    assert!(drawn.read("a.jsonl") == drawn.read("whole.jsonl"), "the same bytes");
    assert!(!drawn.path("a.jsonl.shards").exists());
    let said = done(&drawn.merge("a.jsonl", &["--delete"]));
    assert!(said.contains("it stays as it is"), "{said}");
    let left = fs::read_dir(drawn.0.path()).expect("a folder").count();
    assert_eq!(left, 3, "the data and two files");
}

#[test]
fn shards_that_are_none_are_refused_in_a_sentence() {
    let drawn = Drawn::new();
    let refused = |shard: &str, parts: &[&str]| {
        let output = drawn.predict("a.jsonl", &["--shard", shard]);
        fails(&output, 2, parts);
    };
    refused("0/16", &["shards count from 1", "$((INDEX + 1))/16"]);
    refused("17/16", &["there are 16 shards", "1/16 to 16/16"]);
    refused("3", &["expected I/N"]);
    refused("1/0", &["from 1 to 100000 shards"]);
    let features = ["features", "--root", "r", "--out", "o", "--shard", "0/4"];
    fails(&hpflow(&features), 2, &["shards count from 1"]);
    let streamed = ["predict", "--root", &drawn.arg("data"), "--out", "-", "--shard", "1/2"];
    fails(&hpflow(&streamed), 2, &["--shard 1/2", "regular file"]);
}

#[test]
fn what_is_of_another_run_is_refused_with_the_difference() {
    let drawn = Drawn::new();
    done(&drawn.predict("a.jsonl", &["--shard", "2/3", "-q"]));
    let file = drawn.path("a.jsonl.shards/02-of-03.jsonl");
    let before = fs::read(&file).expect("a shard");
    let refused = |more: &[&str], parts: &[&str]| {
        fails(&drawn.predict("a.jsonl", more), 1, parts);
        assert!(fs::read(&file).expect("a shard") == before, "it stays");
        assert_eq!(drawn.shards("a.jsonl").len(), 2, "nothing is begun");
    };
    refused(&["--shard", "1/4"], &["02-of-03.jsonl is of 3 shards, and 1/4 is one of 4"]);
    let other = "another run: its method";
    refused(&["--shard", "1/3", "--method", "identity"], &["02-of-03.jsonl", other]);
    refused(&["--shard", "2/3", "--method", "identity"], &["02-of-03.jsonl", other]);
    refused(&["--shard", "1/3", "--limit", "5"], &["02-of-03.jsonl", "method.limit", "is 5"]);
    refused(
        &["--shard", "1/3", "--split", "val"],
        &["its split is \"test\", this run's is \"val\""],
    );
    let text = String::from_utf8(before.clone()).expect("UTF-8");
    let set = |from: &str, to: &str| {
        assert!(text.contains(from));
        fs::write(&file, text.replacen(from, to, 1)).expect("written");
    };
    set("\"arithmetic\":", "\"arithmetic\":9");
    let output = drawn.predict("a.jsonl", &["--shard", "1/3"]);
    fails(&output, 1, &["02-of-03.jsonl was made by hpflow", "arithmetic 9"]);
    set("\"benchmark\":\"spair\"", "\"benchmark\":\"pf-willow\"");
    let output = drawn.predict("a.jsonl", &["--shard", "1/3"]);
    fails(&output, 1, &["its benchmark is \"pf-willow\", this run's is \"spair\""]);
    // An unfinished run of all pairs would be lost to the merge, and the merge to it.
    fs::write(drawn.path("b.jsonl.partial"), &before).expect("written");
    let unfinished = ["b.jsonl.partial is an unfinished run of all pairs"];
    fails(&drawn.predict("b.jsonl", &["--shard", "1/3"]), 1, &unfinished);
    fails(&drawn.merge("b.jsonl", &[]), 1, &unfinished);
}

#[test]
fn merge_names_each_shard_that_does_not_belong_and_what_mends_it() {
    let drawn = Drawn::new();
    done(&drawn.predict("whole.jsonl", &["-q"]));
    let expected = drawn.read("whole.jsonl");
    for index in 1..=5 {
        done(&drawn.predict("a.jsonl", &["--shard", &format!("{index}/5"), "-q"]));
    }
    let file = |index: usize| drawn.path(&format!("a.jsonl.shards/0{index}-of-05.jsonl"));
    let content = |index: usize| fs::read_to_string(file(index)).expect("a shard");
    let all: Vec<String> = (1..=5).map(content).collect();
    let restore = || (1..=5).for_each(|index| fs::write(file(index), &all[index - 1]).unwrap());
    let foreign = |index: usize, changed: String, parts: &[&str]| {
        assert_ne!(changed, all[index - 1]);
        fs::write(file(index), changed).expect("written");
        let remove = format!("rm {}", file(index).display());
        let mends = [&remove, &*format!("--shard {index}/5"), "4 of 5 shards are complete"];
        fails(&drawn.merge("a.jsonl", &[]), 1, &[parts, &mends[..]].concat());
        assert!(!drawn.path("a.jsonl").exists());
        fs::remove_file(file(index)).expect("removed, as it says");
        done(&drawn.predict("a.jsonl", &["--shard", &format!("{index}/5"), "-q"]));
        done(&drawn.merge("a.jsonl", &[]));
        assert!(drawn.read("a.jsonl") == expected, "mended by what it says");
        fs::remove_file(drawn.path("a.jsonl")).expect("removed");
    };
    let with = |index: usize, from: &str, to: &str| all[index - 1].replacen(from, to, 1);
    let gpu = with(3, "\"engine\":\"cpu\"", "\"engine\":\"gpu\"");
    foreign(3, gpu, &["3: its method.engine is \"gpu\", that of the others is \"cpu\""]);
    let plain = with(1, "\"adapter\":\"", "\"adapter\":\"another ");
    foreign(1, plain, &["1: its method.adapter is \"another "]);
    let arithmetic = with(2, "\"arithmetic\":", "\"arithmetic\":1");
    foreign(2, arithmetic, &["2: its arithmetic is 1"]);
    foreign(4, with(4, "\"total\":", "\"total\":1"), &["4: its shard.total is 1"]);
    foreign(5, with(5, "\"benchmark\":\"spair\"", "\"benchmark\":\"tss\""), &["its benchmark is"]);
    foreign(5, with(5, "\"index\":5", "\"index\":4"), &["says that it is shard 4/5"]);
    // What an hpflow of the same arithmetic made is of the same run.
    let version = env!("CARGO_PKG_VERSION");
    fs::write(file(4), with(4, &format!("hpflow {version}"), "hpflow 0.1.99")).expect("written");
    done(&drawn.merge("a.jsonl", &[]));
    assert!(drawn.read("a.jsonl") == expected);
    fs::remove_file(drawn.path("a.jsonl")).expect("removed");
    restore();
    // Instruction sets that give the same bits do not count; the first shard's is said.
    let set = |adapter: &str, index: usize| {
        let start = all[index - 1].find("\"adapter\":\"").expect("an adapter") + 11;
        let end = start + all[index - 1][start..].find('"').expect("its end");
        format!("{}{adapter}{}", &all[index - 1][..start], &all[index - 1][end..])
    };
    for (index, adapter) in [(1, "avx512"), (2, "avx2"), (3, "avx2"), (4, "avx512"), (5, "avx2")] {
        fs::write(file(index), set(adapter, index)).expect("written");
    }
    done(&drawn.merge("a.jsonl", &[]));
    let merged = String::from_utf8(drawn.read("a.jsonl")).expect("UTF-8");
    assert!(merged.lines().next().is_some_and(|line| line.contains("\"adapter\":\"avx512\"")));
    assert_eq!(merged.lines().nth(1), text(&expected).lines().nth(1));
    fs::remove_file(drawn.path("a.jsonl")).expect("removed");
    restore();
    // Shards of two numbers.
    fs::write(drawn.path("a.jsonl.shards/03-of-16.jsonl"), &all[2]).expect("written");
    fails(&drawn.merge("a.jsonl", &[]), 1, &["one of 5 shards", "03-of-16.jsonl one of 16"]);
    fs::remove_file(drawn.path("a.jsonl.shards/03-of-16.jsonl")).expect("removed");
    // Somebody's file is not replaced.
    fs::write(drawn.path("a.jsonl"), "my thesis").expect("written");
    fails(&drawn.merge("a.jsonl", &[]), 1, &["a.jsonl"]);
    assert_eq!(drawn.read("a.jsonl"), b"my thesis");
}

#[test]
fn a_shard_that_was_damaged_is_named_and_the_same_call_mends_it() {
    let drawn = Drawn::new();
    done(&drawn.predict("whole.jsonl", &["-q"]));
    for index in 1..=2 {
        done(&drawn.predict("a.jsonl", &["--shard", &format!("{index}/2"), "-q"]));
    }
    let file = drawn.path("a.jsonl.shards/01-of-02.jsonl");
    let whole = fs::read_to_string(&file).expect("a shard");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let digit = whole.rfind(|c: char| c.is_ascii_digit()).expect("a digit");
    let other = if whole.as_bytes()[digit] == b'1' { "2" } else { "1" };
    let damages = [
        (String::new(), "empty"),
        ("<html>".to_owned(), "expected a header"),
        (lines[..lines.len() - 1].concat(), "pairs"),
        (whole[..whole.len() - 9].to_owned(), "damaged"),
        (lines[..3].concat() + "{}\n" + &lines[4..].concat(), "damaged"),
        (lines[..2].concat() + &lines[3..].concat(), "pairs"),
        (lines[..1].concat() + lines[2] + lines[1] + &lines[3..].concat(), "order"),
        (whole[..digit].to_owned() + other + &whole[digit + 1..], "is not the one written"),
    ];
    for (damaged, said) in damages {
        fs::write(&file, damaged).expect("written");
        if said != "order" {
            fails(&drawn.merge("a.jsonl", &[]), 1, &["  1: damaged", said, "--shard 1/2"]);
        }
        done(&drawn.predict("a.jsonl", &["--shard", "1/2"]));
        done(&drawn.merge("a.jsonl", &[]));
        assert!(drawn.read("a.jsonl") == drawn.read("whole.jsonl"), "{said}");
        fs::remove_file(drawn.path("a.jsonl")).expect("removed");
    }
}

/// What a run was killed at any byte of leaves, in any number of folders.
#[test]
fn a_shard_that_was_killed_at_any_byte_goes_on_from_the_longest() {
    let drawn = Drawn::new();
    let benchmark = drawn.benchmark();
    let mut method = open("identity");
    let (first, second) = (Shard::new(1, 2).unwrap(), Shard::new(2, 2).unwrap());
    let out = drawn.path("a.jsonl");
    shard_of(&benchmark, &mut *method, &out, second);
    let predicted = shard_of(&benchmark, &mut *method, &out, first);
    let (file, folder) = (predicted.file, shards_path(&out));
    let inputs = file.with_file_name("01-of-02.jsonl.inputs");
    let (lines, made) = (fs::read(&file).unwrap(), fs::read(&inputs).unwrap());
    let header = lines.iter().position(|&byte| byte == b'\n').unwrap();
    let lengths = (0..header).step_by(97).chain((header..=lines.len()).step_by(7));
    for length in lengths {
        fs::remove_file(&file).unwrap();
        fs::remove_file(&inputs).unwrap();
        for (name, length) in [("one", length / 2), ("two", length), ("three", length / 3)] {
            let own = folder.join(format!("01-of-02.{name}"));
            fs::create_dir_all(&own).unwrap();
            fs::write(own.join("predictions.jsonl.partial"), &lines[..length]).unwrap();
            fs::write(own.join("predictions.jsonl.inputs"), &made).unwrap();
        }
        let predicted = shard_of(&benchmark, &mut *method, &out, first);
        let whole = lines[..length].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(predicted.kept, whole.saturating_sub(1), "killed after {length} bytes");
        assert!(fs::read(&file).unwrap() == lines, "killed after {length} bytes");
        assert!(inputs.exists(), "what the lines are made of stays");
        let names = fs::read_dir(&folder).unwrap().count();
        assert_eq!(names, 7, "others' folders stay, the run's own is gone");
    }
}

/// A run that was killed with all lines written, before they got their name.
#[test]
fn a_whole_file_that_has_not_got_its_name_is_not_predicted_again() {
    let drawn = Drawn::new();
    let benchmark = drawn.benchmark();
    let mut method = open("identity");
    let (out, shard) = (drawn.path("a.jsonl"), Shard::new(1, 2).unwrap());
    let predicted = shard_of(&benchmark, &mut *method, &out, shard);
    let own = shards_path(&out).join("01-of-02.node7-1-x");
    fs::create_dir(&own).unwrap();
    let whole = fs::read(&predicted.file).unwrap();
    fs::rename(&predicted.file, own.join("predictions.jsonl")).unwrap();
    let inputs = predicted.file.with_file_name("01-of-02.jsonl.inputs");
    fs::rename(inputs, own.join("predictions.jsonl.inputs")).unwrap();
    let error = merge(&out, MergeOptions::default()).unwrap_err();
    let hpflow::task::MergeError::Incomplete { faults, .. } = error else { panic!("{error}") };
    let pairs = predicted.predicted.pairs;
    assert_eq!(faults[0].kind, ShardFaultKind::Begun { done: pairs, pairs: Some(pairs) });
    let again = shard_of(&benchmark, &mut *method, &out, shard);
    assert_eq!(again.kept, pairs);
    assert!(fs::read(&predicted.file).unwrap() == whole);
}

#[cfg(unix)]
#[test]
fn runs_that_are_killed_and_twins_leave_the_bytes_of_one_run() {
    let drawn = Drawn::new();
    done(&drawn.predict("whole.jsonl", &["-q"]));
    for pause in [0, 10, 30, 60, 100, 150, 220, 300] {
        let mut child = drawn.start("a.jsonl", &["--shard", "1/2"]);
        std::thread::sleep(std::time::Duration::from_millis(pause));
        // SIGKILL; it may have ended before.
        let _ = child.kill();
        child.wait().expect("its end");
    }
    let mut twins: Vec<Child> = ["1/2", "1/2", "2/2", "2/2", "1/2"]
        .map(|of| drawn.start("a.jsonl", &["--shard", of]))
        .into();
    for twin in &mut twins {
        assert!(twin.wait().expect("its end").success());
    }
    done(&drawn.merge("a.jsonl", &[]));
    assert!(drawn.read("a.jsonl") == drawn.read("whole.jsonl"), "the same bytes");
    let complete: Vec<String> =
        drawn.shards("a.jsonl").into_iter().filter(|name| name.ends_with(".jsonl")).collect();
    assert_eq!(complete, ["01-of-02.jsonl", "02-of-02.jsonl"]);
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_and_a_folder_that_cannot_be_written_are_said_and_nothing_is_lost() {
    let drawn = Drawn::new();
    done(&drawn.predict("whole.jsonl", &["-q"]));
    let full = |blocks: usize, more: &[&str]| {
        let arguments = drawn.arguments("a.jsonl", more).join(" ");
        let program = assert_cmd::cargo::cargo_bin("hpflow");
        // A file can grow to so many blocks; where the signal is ignored, writing fails.
        let script =
            format!("trap '' XFSZ; ulimit -f {blocks}; exec {} {arguments}", program.display());
        std::process::Command::new("bash").args(["-c", &script]).output().expect("bash")
    };
    let refused = full(1, &["--shard", "1/2"]);
    fails(&refused, 1, &["shard 1/2: ", "a.jsonl.shards/01-of-02.", "make room"]);
    fails(&drawn.merge("a.jsonl", &[]), 1, &["0 of 2 shards are complete"]);
    let said = done(&drawn.predict("a.jsonl", &["--shard", "1/2"]));
    assert!(!said.contains(" 0 pairs kept"), "what was written is kept: {said}");
    done(&drawn.predict("a.jsonl", &["--shard", "2/2"]));
    done(&drawn.merge("a.jsonl", &[]));
    assert!(drawn.read("a.jsonl") == drawn.read("whole.jsonl"), "the same bytes");
    fs::write(drawn.path("b.jsonl.shards"), "somebody's").expect("a file");
    let refused = drawn.predict("b.jsonl", &["--shard", "1/2"]);
    fails(&refused, 1, &["b.jsonl.shards", "can be written"]);
    let refused = drawn.predict("no/such/b.jsonl", &["--shard", "1/2"]);
    fails(&refused, 1, &["no/such", "can be written"]);
}

#[test]
fn pairs_without_an_answer_are_listed_by_their_shard_and_again_by_merge() {
    let tiny = Tiny::of(4);
    let photograph = tiny.path("JPEGImages/mug/mug_2.png");
    let good = fs::read(&photograph).expect("a photograph");
    assert!(tiny.predict("whole.jsonl", &[]).status.success());
    fs::write(&photograph, "<html>no photograph</html>").expect("a file");
    let kept = tiny.predict("go.jsonl", &["--keep-going"]);
    fails(&kept, 1, &["1 photograph", "mug_2.png"]);
    fails(
        &tiny.predict("a.jsonl", &["--shard", "1/1"]),
        1,
        &["mug_2.png", "the same call continues them"],
    );
    fails(&tiny.predict("a.jsonl", &["--shard", "1/1", "--keep-going"]), 1, &["mug_2.png"]);
    let merged = hpflow(&["merge", &tiny.arg("a.jsonl")]);
    fails(&merged, 1, &["6 pairs without an answer", "mug_0-mug_2", "--resume"]);
    let read = |name: &str| fs::read(tiny.path(name)).expect("a file");
    assert!(read("a.jsonl") == read("go.jsonl"), "the same bytes");
    assert!(read("a.jsonl.inputs") == read("go.jsonl.inputs"), "and what they are made of");
    // Mended, the shard predicts what it left, and so does a run without shards.
    fs::write(&photograph, good).expect("a file");
    assert!(tiny.predict("a.jsonl", &["--resume"]).status.success());
    assert!(read("a.jsonl") == read("whole.jsonl"));
    let again = tiny.predict("a.jsonl", &["--shard", "1/1"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(hpflow(&["merge", &tiny.arg("a.jsonl")]).status.success());
    assert!(read("a.jsonl") == read("whole.jsonl"));
    assert!(!tiny.path("a.jsonl.inputs").exists());
}

#[test]
fn a_pair_that_cannot_be_read_is_left_out_and_said_by_the_first_shard_and_by_merge() {
    let tiny = Tiny::of(4);
    let annotation = tiny.path("PairAnnotation/test/000001-mug_0-mug_1:mug.json");
    fs::write(annotation, "{").expect("written");
    fails(&tiny.predict("go.jsonl", &["--keep-going"]), 1, &["1 pair", "000001-mug_0-mug_1"]);
    let shard = |of: &str| tiny.predict("a.jsonl", &["--shard", of, "--keep-going"]);
    fails(&shard("1/2"), 1, &["1 pair", "000001-mug_0-mug_1"]);
    assert!(shard("2/2").status.success());
    let merged = hpflow(&["merge", &tiny.arg("a.jsonl")]);
    fails(&merged, 1, &["1 pair left out", "000001-mug_0-mug_1"]);
    let read = |name: &str| fs::read(tiny.path(name)).expect("a file");
    assert!(read("a.jsonl") == read("go.jsonl"), "the same bytes");
}

#[test]
fn a_photograph_that_changed_is_predicted_again_by_its_shard() {
    let tiny = Tiny::of(4);
    let shard = |of: &str| {
        let predicted = tiny.predict("a.jsonl", &["--shard", of]);
        assert!(predicted.status.success(), "{}", text(&predicted.stderr));
    };
    ["1/3", "2/3", "3/3"].into_iter().for_each(shard);
    let [one, other] =
        ["mug_1.png", "mug_3.png"].map(|name| tiny.path("JPEGImages/mug").join(name));
    let mut photograph = image::open(&one).expect("a photograph").to_rgb8();
    photograph.pixels_mut().for_each(|pixel| pixel.0.reverse());
    photograph.save(&one).expect("saved");
    assert!(other.exists());
    ["1/3", "2/3", "3/3"].into_iter().for_each(shard);
    assert!(tiny.predict("whole.jsonl", &[]).status.success());
    assert!(hpflow(&["merge", &tiny.arg("a.jsonl")]).status.success());
    let read = |name: &str| fs::read(tiny.path(name)).expect("a file");
    assert!(read("a.jsonl") == read("whole.jsonl"));
}

#[test]
fn features_of_shards_are_the_files_of_one_run_and_predict_in_shards() {
    let drawn = Drawn::new();
    let features = |out: &str, more: &[&str]| {
        let (root, out) = (drawn.arg("data"), drawn.arg(out));
        hpflow(&[&["features", "--root", &root, "--backbone", "hog", "--out", &out], more].concat())
    };
    done(&features("whole", &[]));
    let said = done(&features("parts", &["--shard", "2/5"]));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("shard 2/5: ") && lines[0].contains("0 of them there"), "{said}");
    assert!(lines[lines.len() - 1].starts_with("shard 2/5, on "), "{said}");
    for index in [5, 1, 3, 4] {
        done(&features("parts", &["--shard", &format!("{index}/5")]));
    }
    done(&features("parts", &["--shard", "99/100"]));
    let said = done(&features("parts", &[]));
    let images = drawn.benchmark().images;
    assert!(said.contains(&format!("{} were there already", images.len())), "{said}");
    for image in &images {
        let file = |folder: &str| {
            fs::read(hpflow::testing::features::file_of(&drawn.path(folder), &image.name)).unwrap()
        };
        assert!(file("whole") == file("parts"), "{}", image.name);
    }
    let kept = drawn.arg("parts");
    done(&drawn.predict("whole.jsonl", &["-q", "--features", &kept, "--engine", "cpu"]));
    for index in 1..=40 {
        let shard = format!("{index}/40");
        let more = ["-q", "--features", &kept, "--engine", "cpu", "--shard", &shard];
        done(&drawn.predict("a.jsonl", &more));
    }
    done(&drawn.merge("a.jsonl", &["--delete"]));
    assert!(drawn.read("a.jsonl") == drawn.read("whole.jsonl"), "the same bytes");
}

/// Several jobs must not take different engines because one was faster on its machine.
#[test]
fn a_shard_whose_engine_is_not_named_takes_one_by_the_machine() {
    let drawn = Drawn::new();
    let root = drawn.arg("data");
    let discrete = hpflow::testing::engine::gpu::adapters()
        .iter()
        .any(|one| one.hardware && one.unsuitable.is_none() && one.kind == "discrete GPU");
    for engine in [&[][..], &["--engine", "auto"]] {
        let out = drawn.arg("a.jsonl");
        let first = ["predict", "--root", &root, "--backbone", "hog", "--out", &out];
        let said = done(&hpflow(&[&first[..], &["--shard", "1/9"], engine].concat()));
        let expected = if discrete { "engine: gpu" } else { "engine: cpu" };
        assert!(said.contains(expected) || said.contains("complete already"), "{said}");
    }
}

#[test]
fn a_dry_run_says_what_a_run_takes_and_writes_nothing() {
    let drawn = Drawn::new();
    let benchmark = drawn.benchmark();
    let dry = |more: &[&str]| {
        let output = drawn.predict("no/such/folder/a.jsonl", &[&["--dry-run"], more].concat());
        done(&output);
        text(&output.stdout)
    };
    let said = dry(&[]);
    let (pairs, photographs) = (benchmark.pairs.len(), benchmark.images.len());
    for part in [
        format!("pairs        {pairs}\n"),
        format!("photographs  {photographs}\n"),
        format!("passes       {photographs} through hog\n"),
        "memory       ".to_owned(),
        "time         less than a minute on this machine, ".to_owned(),
    ] {
        assert!(said.contains(&part), "no {part:?} in {said}");
    }
    let part = Part::of(&benchmark, Shard::new(2, 18).expect("a shard"));
    let said = dry(&["--shard", "2/18"]);
    assert!(
        said.contains(&format!("pairs        {} of {pairs}\n", part.positions.len())),
        "{said}"
    );
    assert!(said.contains(&format!("in all 18 shards, {photographs} without shards")), "{said}");
    assert!(dry(&["--method", "identity"]).contains("passes       none\n"));
    dry(&["--shard", "40/40"]);
    assert_eq!(fs::read_dir(drawn.0.path()).expect("a folder").count(), 1, "the data alone");
}

/// A search of four depths, and the same in shards.
struct Searched {
    tiny: Tiny,
    features: String,
}

impl Searched {
    fn new() -> Self {
        let tiny = Tiny::of(5);
        let features = made_up(&tiny, "features");
        let searched = Self { tiny, features };
        done(&searched.run("alone.json", &[]));
        searched
    }

    fn run(&self, out: &str, more: &[&str]) -> Output {
        search(&self.tiny, &self.features, out, &[&["--engine", "cpu"], more].concat())
    }

    fn is_the_search_alone(&self, out: &str) {
        let read = |name: String| fs::read(self.tiny.path(&name)).expect("a file");
        done(&self.run(out, &["--resume"]));
        assert!(read(out.to_owned()) == read("alone.json".to_owned()), "the same bytes");
        let inputs = [out, "alone.json"].map(|name| read(format!("{name}.inputs")));
        assert!(inputs[0] == inputs[1], "and what they are made of");
    }
}

#[test]
fn a_search_in_shards_is_a_search_that_ran_alone_and_says_what_is_missing() {
    let searched = Searched::new();
    let shard = |shard: &str| searched.run("a.json", &["--shard", shard]);
    done(&shard("2/3"));
    let parts = searched.tiny.path("a.json.parts");
    let missing = ["a.json.parts: 1 of 3 parts of depth 1 are complete, 1,3 not", "--array=1,3 "];
    fails(&searched.run("a.json", &["--resume"]), 1, &missing);
    fails(&searched.run("a.json", &[]), 1, &["a.json.parts has parts of a search", "--resume"]);
    fails(&shard("1/4"), 1, &["02-of-03.json is one of 3 parts, and 4 were asked for"]);
    let other = searched.run("a.json", &["--shard", "1/3", "--alpha", "0.05"]);
    fails(&other, 1, &["02-of-03.json: its alpha is 0.1, this search's is 0.05"]);
    // The depths that there are: the first two at once, the third, the fourth, and none.
    for _ in 0..4 {
        for index in ["1/3", "3/3", "2/3"] {
            done(&shard(index));
        }
    }
    assert!(!searched.tiny.path("a.json").exists());
    searched.is_the_search_alone("a.json");
    searched.is_the_search_alone("a.json");
    // What is left of a part that was damaged is not believed.
    let part = parts.join("depth-3/02-of-03.json");
    let whole = fs::read_to_string(&part).expect("a part");
    fs::write(&part, whole.replacen("\"pairs\": ", "\"pairs\": 1", 1)).expect("written");
    fails(&searched.run("a.json", &["--resume"]), 1, &["02-of-03.json", "delete it"]);
    fs::remove_file(&part).expect("removed");
    done(&shard("2/3"));
    assert_eq!(fs::read_to_string(&part).expect("a part"), whole);
    searched.is_the_search_alone("a.json");
    let usage = hpflow(&["search", "--root", "r", "--out", "o", "--shard", "1/2"]);
    fails(&usage, 2, &["--features"]);
}

#[cfg(unix)]
#[test]
fn tasks_that_wait_for_each_other_and_twins_that_are_killed_are_a_search_that_ran_alone() {
    let searched = Searched::new();
    let start = |shard: &str, more: &[&str]| {
        let (root, out) = (searched.tiny.root(), searched.tiny.arg("a.json"));
        let first = ["-q", "search", "--root", root, "--split", "test", "--engine", "cpu"];
        let plan = ["--beam", "3", "--depth", "4", "--base", "0,1,2", "--out", &out];
        std::process::Command::new(assert_cmd::cargo::cargo_bin("hpflow"))
            .args([&first[..], &plan, &["--features", &searched.features], more].concat())
            .args(["--shard", shard])
            .stderr(Stdio::null())
            .spawn()
            .expect("a run")
    };
    for pause in [0, 20, 60, 120] {
        let mut child = start("1/3", &[]);
        std::thread::sleep(std::time::Duration::from_millis(pause));
        let _ = child.kill();
        child.wait().expect("its end");
    }
    let shards = ["1/3", "2/3", "3/3", "1/3", "3/3"];
    let mut tasks: Vec<Child> = shards.map(|shard| start(shard, &["--wait"])).into();
    for task in &mut tasks {
        assert!(task.wait().expect("its end").success());
    }
    searched.is_the_search_alone("a.json");
}
