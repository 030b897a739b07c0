//! What the command of this package says where libtorch is missing.

fn main() {
    println!(
        "cargo:rustc-env=HPFLOW_WITHOUT_TORCH=, or give --features the maps of your own PyTorch: this is the \
         hpflow of pip, which comes without libtorch"
    );
    println!("cargo:rerun-if-changed=build.rs");
}
