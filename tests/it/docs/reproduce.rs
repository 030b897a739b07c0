//! `make reproduce` does what `docs/reproduce.md` says, on a drawn benchmark from a server on this
//! machine.

use std::process::Command;

use super::pages::root;
use crate::shared::python;

/// What `scripts/reproduce.py` says of these All, intervals and published numbers.
fn verdicts(arguments: &str) -> String {
    let program =
        format!("import json, sys\nsys.path.insert(0, 'scripts')\nimport reproduce\n{arguments}\n");
    let python = python().expect("Python");
    let output = Command::new(python).arg("-c").arg(program).current_dir(root()).output();
    let output = output.expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
#[cfg_attr(not(present = "python"), ignore = "no Python with numpy and safetensors")]
fn a_row_is_within_a_tenth_within_its_interval_or_not_reproduced() {
    for (mean, low, high, published, words) in [
        ("28.1", "26.0", "30.0", "28.2", "within 0.1 True"),
        ("28.3", "None", "None", "28.2", "within 0.1 True"),
        ("28.31", "26.0", "30.0", "28.2", "within the interval True"),
        ("26.3", "24.2", "28.2", "28.2", "within the interval True"),
        ("26.3", "24.2", "28.1", "28.2", "NOT reproduced False"),
        ("30.3", "28.3", "32.1", "28.2", "NOT reproduced False"),
        ("30.3", "None", "None", "28.2", "NOT reproduced False"),
    ] {
        let said =
            verdicts(&format!("print(*reproduce.verdict({mean}, {low}, {high}, {published}))"));
        assert_eq!(said.trim(), words, "{mean} of {published}, {low} to {high}");
    }
}

#[test]
#[cfg_attr(not(present = "python"), ignore = "no Python with numpy and safetensors")]
fn a_file_of_another_benchmark_is_not_compared_with_the_paper() {
    let score = "score = {'published': {'category': [{'name': 'HPF ResNet-50', 'group': 'original', \
                 'all': 27.2}]}, 'files': [{'method': {'backbone': 'resnet50'}, 'pairs': PAIRS, \
                 'pck': {'0.1': {'all': 27.25, 'interval_95': {'low': {'all': 26}, 'high': {'all': \
                 28}}}}}]}\nprint(*reproduce.verdicts(score, {}))";
    let said = verdicts(&score.replace("PAIRS", "12234"));
    let row = "published 27.2, here 27.25 (+0.05; 95 % from 26.0 to 28.0): within 0.1";
    assert!(said.contains(row) && said.contains("True"), "{said}");
    let said = verdicts(&score.replace("PAIRS", "238"));
    assert!(said.contains("not comparable: 238 pairs") && said.contains("False"), "{said}");
}

#[cfg(feature = "torch")]
mod whole {
    use std::path::Path;

    use super::{Command, python, root};
    use crate::download::{Manner, serve};

    /// The drawn benchmark as an archive of SPair-71k.
    fn archive(folder: &Path) -> Vec<u8> {
        let drawn = folder.join("drawn");
        let hpflow = Command::new(env!("CARGO_BIN_EXE_hpflow"))
            .args(["--quiet", "dataset", "demo", "--images", "3", "--category", "car,bottle"])
            .arg(&drawn)
            .status();
        assert!(hpflow.expect("hpflow").success());
        let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(encoder);
        builder.append_dir_all("SPair-71k", &drawn).expect("the files");
        builder.into_inner().and_then(|encoder| encoder.finish()).expect("an archive")
    }

    /// Runs the script: its exit code, and all that it printed.
    fn reproduce(folder: &Path, url: &str, options: &[&str]) -> (i32, String) {
        let script = root().join("scripts/reproduce.py");
        let mut command = Command::new(python().expect("Python"));
        command.arg(script).args(["--hpflow", env!("CARGO_BIN_EXE_hpflow"), "--engine", "cpu"]);
        command.args(["--url", url, "--folder"]).arg(folder.join("out")).args(options);
        for name in
            ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"]
        {
            command.env_remove(name);
        }
        command.env("HF_HOME", folder.join("hub")).env("HF_ENDPOINT", "http://127.0.0.1:9");
        for name in ["HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"] {
            command.env_remove(name);
        }
        let output = command.output().expect("Python");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().expect("a code"), String::from_utf8(said).expect("text"))
    }

    #[test]
    #[cfg_attr(not(present = "python"), ignore = "no Python with numpy and safetensors")]
    fn the_rows_are_reproduced_and_a_run_that_stopped_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let content = archive(folder.path());
        let breaks_off = Manner::BreaksOff(content.len() * 2 / 3);
        let (url, requests) = serve(content, "application/gzip", breaks_off);
        let url = format!("{url}/SPair-71k.tar.gz");
        let run = |options: &[&str]| reproduce(folder.path(), &url, options);

        let (code, said) = run(&[]);
        assert!(code == 1 && said.contains("broke off after"), "{said}");
        assert!(said.contains("the same command continues from here"), "{said}");
        // The rest arrives; the hub is out of reach.
        let (code, said) = run(&[]);
        assert!(code == 1 && said.contains("photographs: "), "{said}");
        assert!(said.contains("timm/resnet50.tv_in1k@main could not be fetched"), "{said}");
        assert!(requests.lock().expect("requests")[1].contains("range: bytes="));

        let (code, said) =
            run(&["--weights", "untrained", "--published", "resnet50=99,resnet101=99"]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("HPF ResNet-101 (paper, SPair-71k)"), "{said}");
        assert_eq!(said.matches("NOT reproduced").count(), 2, "{said}");
        assert_eq!(requests.lock().expect("requests").len(), 2, "nothing is fetched again");

        // What is there is kept, what is missing is predicted again, to the same bytes.
        let out = folder.path().join("out");
        let [first, second] = ["50", "101"].map(|name| out.join(format!("hpf-resnet{name}.jsonl")));
        let kept = std::fs::metadata(&first).and_then(|about| about.modified()).expect("a time");
        let predicted = std::fs::read(&second).expect("predictions");
        std::fs::remove_file(&second).expect("a file");
        let score = std::fs::read_to_string(out.join("score.json")).expect("scores");
        let score: serde_json::Value = serde_json::from_str(&score).expect("JSON");
        let all = |file: usize| score["files"][file]["pck"]["0.1"]["all"].as_f64().expect("a mean");
        let published = format!("resnet50={},resnet101={}", all(0) + 0.05, all(1) - 0.05);
        let (code, said) = run(&["--weights", "untrained", "--published", &published]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(said.matches(": within 0.1").count(), 2, "{said}");
        assert_eq!(said.matches("complete already").count(), 1, "{said}");
        let now = std::fs::metadata(&first).and_then(|about| about.modified()).expect("a time");
        assert_eq!((now, std::fs::read(&second).expect("predictions")), (kept, predicted));
        let verdict = std::fs::read_to_string(out.join("verdict.txt")).expect("the verdict");
        assert_eq!(verdict.lines().count(), 2, "{verdict}");
    }
}
