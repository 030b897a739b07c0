//! Gives the binary an rpath to the libtorch it was built against, so that it runs without
//! `LD_LIBRARY_PATH`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for variable in ["DEP_TCH_LIBTORCH_LIB", "DEP_TORCH_SYS_LIBTORCH_LIB"] {
        println!("cargo:rerun-if-env-changed={variable}");
        if let Ok(folder) = std::env::var(variable) {
            println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
            return;
        }
    }
}
