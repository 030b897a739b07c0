//! What `hpflow --version` says.

use std::sync::LazyLock;

use hpflow::low_level::build;

/// What `--version` prints behind the name.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let commit = build::COMMIT.unwrap_or("unknown commit");
    format!("{} ({commit}, arithmetic {})", build::VERSION, hpflow::ARITHMETIC)
});
