//! A GPU that is lost or full, and drivers that are missing. A layer between hpflow and the Vulkan
//! driver (tests/vulkan/faults.c) says what a GPU would say, so that a software driver takes its paths.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

use hpflow::testing::engine::gpu::GpuError;

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
fn predict_on_gpu(tiny: &Tiny, out: &str, fault: &str, more: &[&str]) -> Output {
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
#[cfg_attr(
    not(all(present = "gpu", present = "cc")),
    ignore = "HPFLOW_NO_GPU=1, or no cc to compile a Vulkan layer"
)]
fn a_device_that_is_lost_anywhere_ends_in_a_sentence_and_the_run_goes_on() {
    let tiny = Tiny::of(12);
    let whole = predict_on_gpu(&tiny, "whole.jsonl", "", &[]);
    assert!(whole.status.success(), "{}", said(&whole));
    let expected = std::fs::read(tiny.path("whole.jsonl")).expect("predictions");
    // Opening takes submissions of its own on some systems; these are at the first pairs, when some
    // have been answered, and while results are waited for.
    for (number, fault) in
        ["submit:1", "submit:2", "submit:6", "wait:2", "wait:8", "read:9"].into_iter().enumerate()
    {
        let out = format!("{number}.jsonl");
        let stopped = predict_on_gpu(&tiny, &out, fault, &[]);
        let words = said(&stopped);
        assert_eq!(stopped.status.code(), Some(1), "{fault}: {words}");
        let last = words.lines().last().unwrap_or_default();
        assert!(last.contains("was lost") && last.contains("--resume"), "{fault}: {words}");
        assert!(!words.contains("panicked"), "{fault}: {words}");
        assert!(!tiny.path(&out).exists(), "{fault}");
        let resumed = predict_on_gpu(&tiny, &out, "", &["--resume"]);
        assert!(resumed.status.success(), "{fault}: {}", said(&resumed));
        assert_eq!(std::fs::read(tiny.path(&out)).expect("predictions"), expected, "{fault}");
    }
}

#[test]
#[cfg_attr(
    not(all(present = "gpu", present = "cc")),
    ignore = "HPFLOW_NO_GPU=1, or no cc to compile a Vulkan layer"
)]
fn a_device_that_is_full_is_asked_for_less() {
    let tiny = Tiny::of(4);
    let whole = predict_on_gpu(&tiny, "whole.jsonl", "", &[]);
    assert!(whole.status.success(), "{}", said(&whole));
    let expected = std::fs::read(tiny.path("whole.jsonl")).expect("predictions");
    // Full for a while, and from then on: it goes on with what it has.
    let mut shrunk = 0;
    for (number, fault) in ["allocate:2:2", "allocate:3:3", "allocate:2:100000"].iter().enumerate()
    {
        let out = format!("{number}.jsonl");
        let found = predict_on_gpu(&tiny, &out, fault, &[]);
        let words = said(&found);
        assert!(found.status.success() && !words.contains("panicked"), "{fault}: {words}");
        assert_eq!(std::fs::read(tiny.path(&out)).expect("predictions"), expected, "{fault}");
        shrunk += usize::from(words.contains("out of memory, and goes on with"));
    }
    assert!(shrunk > 0, "one of them ran out of memory while matching");
    // Full from the beginning.
    let failed = predict_on_gpu(&tiny, "full.jsonl", "allocate:1:100000", &[]);
    let words = said(&failed);
    assert_eq!(failed.status.code(), Some(1), "{words}");
    assert!(words.contains("emory") && !words.contains("panicked"), "{words}");
}

#[test]
fn what_a_pair_takes_is_said_where_it_is_known() {
    let (adapter, reason) = ("Some GPU".to_owned(), "no room".to_owned());
    let error = GpuError::OutOfMemory { adapter, reason, needed: Some((2 << 20) + 1) };
    let words = error.to_string();
    assert!(words.contains("one pair takes 3 MiB"), "{words}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_driver_file_that_leads_nowhere_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("broken_icd.json");
    let library = r#"{"file_format_version": "1.0.0",
        "ICD": {"library_path": "./libmissing.so", "api_version": "1.3.0"}}"#;
    std::fs::write(&file, library).expect("a file");
    let without_driver = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hpflow"));
        command.env("VK_DRIVER_FILES", &file).env("VK_ICD_FILENAMES", &file);
        command.args(arguments).output().expect("hpflow")
    };
    let output = without_driver(&["bench", "--backbone", "hog", "--engines", "gpu"]);
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
