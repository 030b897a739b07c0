//! Makes the binaries find the libtorch they were built against, so that they run without
//! `LD_LIBRARY_PATH`, and keeps its CUDA library where it has one. Tells the code its commit, and
//! tests what this machine has for them.

use std::path::Path;

#[path = "build/present.rs"]
mod present;

/// Libraries of a libtorch with GPU support that register themselves when loaded. No symbol of
/// theirs is called by name, so the linker would leave them out.
const REGISTERING: [&str; 2] = ["torch_cuda", "torch_hip"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build/present.rs");
    say_what_is_present();
    if let Some(commit) = commit() {
        println!("cargo:rustc-env=HPFLOW_COMMIT={commit}");
    }
    // Set by torch-sys for crates that depend on it directly; absent without the `torch` feature
    // and on Windows, which has no rpath.
    let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    if let Some(version) = libtorch_version(Path::new(&folder)) {
        println!("cargo:rustc-env=HPFLOW_LIBTORCH_VERSION={version}");
    }
    for library in REGISTERING {
        if Path::new(&folder).join(format!("lib{library}.so")).exists() {
            println!("cargo:rustc-link-arg=-Wl,--push-state,--no-as-needed");
            println!("cargo:rustc-link-arg=-l{library}");
            println!("cargo:rustc-link-arg=-Wl,--pop-state");
        }
    }
}

/// `cfg(present = "…")` for what tests need. What is not there yet is not watched for, which would
/// build everything anew each time; a test fails where this answer is out of date.
fn say_what_is_present() {
    println!("cargo:rustc-check-cfg=cfg(present, values(\"{}\"))", present::NAMES.join("\", \""));
    for variable in ["HPFLOW_SHARED", "HPFLOW_CHROMIUM", "HPFLOW_PYTHON", "HPFLOW_NO_GPU"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    // Whoever depends on the crate does not run its tests.
    let folder = env!("CARGO_MANIFEST_DIR").replace('\\', "/");
    if folder.contains("/registry/src/") || folder.contains("/git/checkouts/") {
        return;
    }
    for name in present::NAMES.into_iter().filter(|name| present::is_present(name)) {
        println!("cargo:rustc-cfg=present=\"{name}\"");
    }
}

/// The version that stands beside the libraries: in `build-version` of a libtorch archive, or in
/// `version.py` of PyTorch.
fn libtorch_version(libraries: &Path) -> Option<String> {
    let root = libraries.parent()?;
    if let Ok(version) = std::fs::read_to_string(root.join("build-version")) {
        return Some(version.trim().to_owned());
    }
    let python = std::fs::read_to_string(root.join("version.py")).ok()?;
    let line = python.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    Some(line.trim_matches(['\'', '"']).to_owned())
}

/// The commit that is built, abbreviated: of the checkout, or of the packaged crate. `None` where
/// neither says.
fn commit() -> Option<String> {
    let root = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    let git = |arguments: &[&str]| {
        let run = std::process::Command::new("git").arg("-C").arg(&root).args(arguments).output();
        let text = String::from_utf8(run.ok().filter(|run| run.status.success())?.stdout).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    // A checkout of something else that holds this folder says nothing about it.
    let top = git(&["rev-parse", "--show-cdup"]);
    if top.is_none() && git(&["rev-parse", "HEAD"]).is_some() {
        // HEAD changes with each checkout, its log with each commit.
        for file in ["HEAD", "logs/HEAD"] {
            let Some(file) = git(&["rev-parse", "--git-path", file]) else { continue };
            let file = Path::new(&root).join(file);
            if file.exists() {
                println!("cargo:rerun-if-changed={}", file.display());
            }
        }
        return git(&["rev-parse", "--short=10", "HEAD"]).map(|commit| format!("commit {commit}"));
    }
    let about = Path::new(&root).join(".cargo_vcs_info.json");
    let text = std::fs::read_to_string(&about).ok()?;
    println!("cargo:rerun-if-changed={}", about.display());
    let sha1 = text.split('"').skip_while(|word| *word != "sha1").nth(2)?;
    Some(format!("commit {}", sha1.get(..10)?))
}
