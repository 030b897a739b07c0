//! The research data and golden values beside the checkout, which are not part of the project.

use std::path::PathBuf;

/// A path in the folder `shared` beside the checkout (or in `HPFLOW_SHARED`), if it is there.
/// Where it is absent a line says loudly which test was not run.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HPFLOW_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!(
        "NOT RUN: {} is absent; set HPFLOW_SHARED to the folder that has it",
        found.display()
    );
    None
}

#[test]
fn says_where_the_shared_data_would_be() {
    assert!(shared("no such file").is_none(), "a file that nobody has cannot be found");
}
