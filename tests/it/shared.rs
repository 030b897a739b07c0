//! What this machine has for the tests: `build/present.rs` says it to the build script, which marks the
//! tests that cannot run as ignored, and says it here again.

use std::path::PathBuf;

#[path = "../../build/present.rs"]
mod present;

pub use present::{chromium, python};

/// A path among the research data and golden values beside the checkout, which are not part of the
/// project. A test that asks for one is ignored where it is absent.
#[track_caller]
pub fn shared(path: &str) -> PathBuf {
    let found = present::shared(path);
    assert!(found.exists(), "{} is absent: HPFLOW_SHARED names the folder of it", found.display());
    found
}

/// Whether the build script found something that tests need.
fn was_present(name: &str) -> bool {
    match name {
        "spair-sample" => cfg!(present = "spair-sample"),
        "pf-willow" => cfg!(present = "pf-willow"),
        "willow-output" => cfg!(present = "willow-output"),
        "baseline-keys" => cfg!(present = "baseline-keys"),
        "chromium" => cfg!(present = "chromium"),
        "python" => cfg!(present = "python"),
        "gpu" => cfg!(present = "gpu"),
        "avx512" => cfg!(present = "avx512"),
        "avx2" => cfg!(present = "avx2"),
        _ => panic!("{name} is not told to tests"),
    }
}

/// Which tests are ignored is decided when they are built, and data or programs may come and go.
#[test]
fn what_the_build_found_is_what_is_here() {
    for name in present::NAMES {
        let (built, now) = (was_present(name), present::is_present(name));
        let here = |is: bool| if is { "was here" } else { "was not here" };
        assert_eq!(
            built,
            now,
            "{name} {} when the tests were built: `touch build.rs` and run them again",
            here(built)
        );
    }
}

/// A test that needs what a machine may lack is ignored, with the reason, and never passes without
/// having run.
#[test]
fn no_test_returns_early() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = 0;
    for file in
        ["src", "tests/it"].iter().flat_map(|folder| crate::docs::sources(&root.join(folder)))
    {
        let text = std::fs::read_to_string(&file).expect("a source file");
        // What comes after the attribute, up to the brace that closes the function at its indentation.
        for body in text.split("#[test]\n").skip(1) {
            let lines: Vec<&str> = body.lines().collect();
            let head = lines.iter().position(|line| line.trim_start().starts_with("fn "));
            let head = head.unwrap_or_else(|| panic!("a function in {}", file.display()));
            let indent = lines[head].len() - lines[head].trim_start().len();
            let close = format!("{}}}", " ".repeat(indent));
            let name = lines[head].trim();
            tests += 1;
            for line in lines[head..].iter().take_while(|line| **line != close) {
                let line = line.trim();
                let returns = ["return;", "return }", "return,"];
                assert!(
                    !returns.iter().any(|words| line.contains(words) && !line.contains('"')),
                    "{}: `{name}` returns early, which shows as passed; use #[cfg_attr(not(present = …), \
                     ignore = …)]",
                    file.display()
                );
            }
        }
        let said = concat!("NOT ", "RUN");
        assert!(!text.contains(said), "{}: passing tests are not heard", file.display());
    }
    assert!(tests > 400, "{tests} tests");
}
