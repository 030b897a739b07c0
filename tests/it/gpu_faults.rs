//! A GPU that is lost or full, and drivers that are missing. A layer between hpflow and the Vulkan
//! driver (tests/vulkan/faults.c) says what a GPU would say, so that a software driver takes its paths.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::cli::{Tiny, text};

/// The folder of the layer, compiled once.
static LAYER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let library = folder.path().join("libfaults.so");
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vulkan/faults.c");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source);
    assert!(command.status().expect("cc").success(), "the layer compiles");
    let manifest = serde_json::json!({
        "file_format_version": "1.0.0",
        "layer": {
            "name": "VK_LAYER_HPFLOW_faults",
            "type": "GLOBAL",
            "library_path": library,
            "api_version": "1.3.0",
            "implementation_version": "1",
            "description": "failures of a device",
            "functions": {
                "vkGetInstanceProcAddr": "faults_instance_proc",
                "vkGetDeviceProcAddr": "faults_device_proc",
            },
        },
    });
    std::fs::write(folder.path().join("faults.json"), manifest.to_string()).expect("a manifest");
    folder
});

/// `hpflow predict` on the GPU, with a fault.
fn predict(tiny: &Tiny, out: &str, fault: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpflow"));
    command.args(["predict", "--root", tiny.root(), "--backbone", "hog", "--engine", "gpu"]);
    command.args(["--out", &tiny.arg(out)]).args(more);
    if !fault.is_empty() {
        command.env("VK_LAYER_PATH", LAYER.path()).env("HPFLOW_FAULT", fault);
        command.env("VK_INSTANCE_LAYERS", "VK_LAYER_HPFLOW_faults");
    }
    command.output().expect("hpflow")
}

/// What was said, but for progress and what Mesa says of the system.
fn said(output: &Output) -> String {
    let lines = text(&output.stderr);
    let lines = lines.lines().filter(|line| !line.contains("XDG_RUNTIME_DIR"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
#[cfg_attr(not(present = "vulkan-layer"), ignore = "no GPU, or no cc to compile a Vulkan layer")]
fn a_device_that_is_lost_anywhere_ends_in_a_sentence_and_the_run_goes_on() {
    let tiny = Tiny::of(12);
    let whole = predict(&tiny, "whole.jsonl", "", &[]);
    assert!(whole.status.success(), "{}", said(&whole));
    let expected = std::fs::read(tiny.path("whole.jsonl")).expect("predictions");
    // Opening takes submissions of its own on some systems; these are at the first pairs, when some
    // have been answered, and while results are waited for.
    for (number, fault) in
        ["submit:1", "submit:2", "submit:6", "wait:2", "wait:8", "read:9"].into_iter().enumerate()
    {
        let out = format!("{number}.jsonl");
        let stopped = predict(&tiny, &out, fault, &[]);
        let words = said(&stopped);
        assert_eq!(stopped.status.code(), Some(1), "{fault}: {words}");
        let last = words.lines().last().unwrap_or_default();
        assert!(last.contains("was lost") && last.contains("--resume"), "{fault}: {words}");
        assert!(!words.contains("panicked"), "{fault}: {words}");
        assert!(!tiny.path(&out).exists(), "{fault}");
        let resumed = predict(&tiny, &out, "", &["--resume"]);
        assert!(resumed.status.success(), "{fault}: {}", said(&resumed));
        assert_eq!(std::fs::read(tiny.path(&out)).expect("predictions"), expected, "{fault}");
    }
}

#[test]
#[cfg_attr(not(present = "vulkan-layer"), ignore = "no GPU, or no cc to compile a Vulkan layer")]
fn a_device_that_is_full_is_asked_for_less_and_then_says_what_it_needs() {
    let tiny = Tiny::of(4);
    let whole = predict(&tiny, "whole.jsonl", "", &[]);
    assert!(whole.status.success(), "{}", said(&whole));
    let expected = std::fs::read(tiny.path("whole.jsonl")).expect("predictions");
    // Full for a while: it goes on with less.
    let mut shrunk = 0;
    for first in [4, 6, 8] {
        let out = format!("{first}.jsonl");
        let fault = format!("allocate:{first}:{first}");
        let found = predict(&tiny, &out, &fault, &[]);
        let words = said(&found);
        assert!(!words.contains("panicked"), "{fault}: {words}");
        if found.status.success() {
            assert_eq!(std::fs::read(tiny.path(&out)).expect("predictions"), expected, "{fault}");
            shrunk += usize::from(words.contains("out of memory, and goes on with"));
        }
    }
    assert!(shrunk > 0, "one of them ran out of memory while matching");
    // Full for good.
    let failed = predict(&tiny, "full.jsonl", "allocate:6:100000", &[]);
    let words = said(&failed);
    assert_eq!(failed.status.code(), Some(1), "{words}");
    assert!(!words.contains("panicked"), "{words}");
    let last = words.lines().last().unwrap_or_default();
    assert!(last.contains("out of memory") || last.contains("was lost"), "{words}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_driver_file_that_leads_nowhere_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("broken_icd.json");
    let library = r#"{"file_format_version": "1.0.0",
        "ICD": {"library_path": "./libmissing.so", "api_version": "1.3.0"}}"#;
    std::fs::write(&file, library).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpflow"));
    command.env("VK_DRIVER_FILES", &file).env("VK_ICD_FILENAMES", &file);
    let output = command.args(["bench", "--backbone", "hog", "--engines", "gpu"]).output();
    let output = output.expect("hpflow");
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    for part in [&*file.display().to_string(), "libmissing.so", "anew", "--engine cpu"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert_eq!(words.lines().count(), 1, "{words}");
}

#[test]
fn memory_of_a_gpu_is_for_an_engine_that_has_one() {
    let tiny = Tiny::new();
    let refused = tiny.predict("x.jsonl", &["--gpu-memory", "64"]);
    crate::cli::fails(&refused, 2, &["--gpu-memory", "--engine cpu"]);
    let refused = tiny.predict("x.jsonl", &["--gpu-memory", "0"]);
    assert_eq!(refused.status.code(), Some(2));
}
