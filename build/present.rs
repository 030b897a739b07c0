//! What some tests need and a machine may lack. The build script asks it, so that tests which cannot
//! run are marked as ignored; the tests ask it again, so that an answer that is out of date fails.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The names under which the build script tells tests what is there: `cfg(present = "…")`.
pub const NAMES: [&str; 10] = [
    "spair-sample",
    "pf-willow",
    "willow-output",
    "baseline-keys",
    "chromium",
    "python",
    "gpu",
    "cc",
    "avx512",
    "avx2",
];

/// Whether one of [`NAMES`] is there.
pub fn is_present(name: &str) -> bool {
    match name {
        "spair-sample" => shared("data/SPair-71k-sample").exists(),
        "pf-willow" => shared("data/PF-dataset-WILLOW").exists(),
        "willow-output" => {
            // The published output, and the photographs that it is of.
            is_present("pf-willow") && shared("fixtures/willow-resnet50.json").exists()
        }
        "baseline-keys" => shared("fixtures/baselines/keys").exists(),
        "chromium" => chromium().is_some(),
        "python" => python().is_some(),
        "gpu" => gpu(),
        "cc" => cc(),
        "avx512" => avx2() && avx512(),
        "avx2" => avx2(),
        _ => panic!("{name} is not something that tests need"),
    }
}

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A path among the research data and golden values that are no part of the project: in
/// `HPFLOW_SHARED`, or in the folder `shared` beside the checkout.
pub fn shared(path: &str) -> PathBuf {
    let root = variable("HPFLOW_SHARED");
    root.map_or_else(|| checkout().join("../shared"), PathBuf::from).join(path)
}

/// A Chromium: `HPFLOW_CHROMIUM`, or the first of the usual names in the path.
pub fn chromium() -> Option<PathBuf> {
    if let Some(given) = variable("HPFLOW_CHROMIUM") {
        return Some(given.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
    let folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    names
        .iter()
        .find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
}

/// A Python with numpy and safetensors: `HPFLOW_PYTHON`, that of the environment which `make` sets up,
/// or the path's.
pub fn python() -> Option<PathBuf> {
    if let Some(given) = variable("HPFLOW_PYTHON") {
        return Some(given.into());
    }
    let has_both = |python: &PathBuf| {
        let run = Command::new(python).args(["-c", "import numpy, safetensors.numpy"]).output();
        run.is_ok_and(|run| run.status.success())
    };
    [checkout().join(".venv/bin/python"), "python3".into()].into_iter().find(has_both)
}

/// Whether there is an adapter to test the gpu engine on: yes, unless `HPFLOW_NO_GPU=1` says no. An
/// adapter that is missing without that fails the tests.
pub fn gpu() -> bool {
    variable("HPFLOW_NO_GPU").is_none_or(|value| value != "1")
}

/// Whether there is a compiler of C, for a layer between programs and the Vulkan driver.
fn cc() -> bool {
    cfg!(target_os = "linux")
        && Command::new("cc").arg("--version").output().is_ok_and(|run| run.status.success())
}

/// Whether the processor has the instructions of the cpu engine's widest kernels.
#[cfg(target_arch = "x86_64")]
fn avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
}

/// Whether it has those of the others that are not plain.
#[cfg(target_arch = "x86_64")]
fn avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
}

#[cfg(not(target_arch = "x86_64"))]
fn avx512() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn avx2() -> bool {
    false
}
