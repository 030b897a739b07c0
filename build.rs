//! Makes the binaries find the libtorch they were built against, so that they run without
//! `LD_LIBRARY_PATH`, and keeps its CUDA library where it has one.

use std::path::Path;

/// Libraries of a libtorch with GPU support that register themselves when loaded. No symbol of
/// theirs is called by name, so the linker would leave them out.
const REGISTERING: [&str; 2] = ["torch_cuda", "torch_hip"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Set by torch-sys for crates that depend on it directly; absent without the `torch` feature
    // and on Windows, which has no rpath.
    let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    for library in REGISTERING {
        if Path::new(&folder).join(format!("lib{library}.so")).exists() {
            println!("cargo:rustc-link-arg=-Wl,--push-state,--no-as-needed");
            println!("cargo:rustc-link-arg=-l{library}");
            println!("cargo:rustc-link-arg=-Wl,--pop-state");
        }
    }
}
