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
        "cc" => cfg!(present = "cc"),
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

/// A function of a source file that is a test, or that tests of the file may call.
struct Function<'a> {
    name: &'a str,
    /// The lines between `#[test]` and `fn`; `None` where it is no test.
    attributes: Option<&'a str>,
    /// From `fn` up to the brace that closes it at its indentation.
    body: &'a str,
}

/// The functions of a source file, as rustfmt writes them.
fn functions(text: &str) -> Vec<Function<'_>> {
    let starts: Vec<usize> = text
        .match_indices("fn ")
        .map(|(at, _)| at)
        .filter(|&at| {
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            ["", "pub", "pub(super)", "pub(crate)"].contains(&text[line..at].trim())
        })
        .collect();
    let mut found = Vec::new();
    for &at in &starts {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let indent = text[line..].len() - text[line..].trim_start_matches(' ').len();
        let close = format!("\n{}}}", " ".repeat(indent));
        let body = text[at..].split(close.as_str()).next().unwrap_or_default();
        let name = body["fn ".len()..].split(['(', '<']).next().unwrap_or_default();
        let before = text[..line].rsplit("\n\n").next().unwrap_or_default();
        let attributes = before.rsplit_once("#[test]\n").map(|(_, attributes)| attributes);
        found.push(Function { name, attributes, body });
    }
    found
}

/// Whether a body opens the gpu engine, or calls one of these functions, which do. A command that is
/// refused before it looks for an adapter, or run without a driver, opens none.
fn opens_the_gpu(body: &str, openers: &[&str]) -> bool {
    const NO_ENGINE: [&str; 3] = ["fails(", "without_driver(", "[\"engines\"]"];
    body.lines().map(str::trim).filter(|line| !line.starts_with("//")).any(|line| {
        let called = |name: &&str| {
            line.match_indices(*name).any(|(at, _)| {
                let after = &line[at + name.len()..];
                let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
                let whole = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                // Given to another function, where the name says what it is.
                let given = name.contains("gpu") && !after.starts_with(inside);
                whole && (after.starts_with('(') || given)
            })
        };
        line.contains("GpuEngine::")
            || line.contains("gpu::engine()")
            || line.contains("\"gpu\"") && !NO_ENGINE.iter().any(|words| line.contains(words))
            || openers.iter().any(called)
    })
}

/// Tests of a source file that open the gpu engine and are not ignored where there is none.
fn not_gated(text: &str) -> Vec<&str> {
    let functions = functions(text);
    let helpers = functions.iter().filter(|one| one.attributes.is_none());
    // A method that says its name is "gpu" opens nothing.
    let helpers = helpers.filter(|one| one.name != "name" && opens_the_gpu(one.body, &[]));
    let openers: Vec<&str> = helpers.map(|one| one.name).collect();
    let open = functions.iter().filter(|one| {
        let Some(attributes) = one.attributes else { return false };
        let gated = attributes.contains("present = \"gpu\"") && attributes.contains("ignore =");
        !gated && opens_the_gpu(one.body, &openers)
    });
    open.map(|one| one.name).collect()
}

#[test]
fn a_test_that_opens_the_gpu_engine_is_ignored_where_there_is_none() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut gated = 0;
    for file in crate::docs::sources(&root.join("tests/it")) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        gated += text.matches("#[cfg_attr(not(present = \"gpu\"), ignore").count();
        if file.ends_with("tests/it/shared.rs") {
            continue;
        }
        let names = not_gated(&text);
        assert!(
            names.is_empty(),
            "{}: {} opens the gpu engine; add #[cfg_attr(not(present = \"gpu\"), ignore = …)], and \
             keep what needs no GPU in a test of its own",
            file.display(),
            names.join(", ")
        );
    }
    assert!(gated > 30, "{gated} tests are ignored where there is no GPU");
}

#[test]
fn what_opens_the_gpu_engine_is_seen() {
    let gate = "#[cfg_attr(not(present = \"gpu\"), ignore = \"none\")]\n";
    let test = |gate: &str, body: &str| {
        let helper = "fn with_gpu() -> E {\n    gpu::engine()\n}\n";
        let text = format!("{helper}\n/// Says.\n#[test]\n{gate}fn it() {{\n    {body}\n}}\n");
        let seen = not_gated(&text).len();
        assert_eq!(seen, not_gated(&text.replace('\n', "\n    ")).len(), "in a module: {text}");
        seen
    };
    for opening in [
        "let mut engine = GpuEngine::with(&options);",
        "agrees(&mut gpu::engine());",
        "agrees(with_gpu());",
        "agrees(with_gpu, 3);",
        "run(&[\"--engine\", \"gpu\"]);",
        "[\"cpu\", \"gpu\"].map(|engine| run(engine));",
    ] {
        assert_eq!([test("", opening), test(gate, opening)], [1, 0], "{opening}");
    }
    for other in [
        "// GpuEngine::with",
        "fails(&run(&[\"--engine\", \"gpu\"]), 2, &[]);",
        "let with_gpus = 3;",
        "run(&[\"--engine\", \"cpu\"]);",
        "assert_eq!(list[\"engines\"][\"gpu\"][\"runs\"], false);",
    ] {
        assert_eq!(test("", other), 0, "{other}");
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

/// `tests/run.sh` in a folder of its own, over a cargo that prints this and ends so.
#[cfg(unix)]
fn said_of(folder: &std::path::Path, printed: &str, code: i32, argument: &str) -> (i32, String) {
    use std::os::unix::fs::PermissionsExt;
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run.sh");
    std::fs::create_dir_all(folder.join("tests")).expect("a folder");
    std::fs::copy(script, folder.join("tests/run.sh")).expect("the script");
    let cargo = folder.join("cargo");
    std::fs::write(&cargo, format!("#!/bin/sh\necho '{printed}'\nexit {code}\n")).expect("a file");
    std::fs::set_permissions(&cargo, PermissionsExt::from_mode(0o755)).expect("a program");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("a path"));
    let mut command = std::process::Command::new("bash");
    let output = command.arg(folder.join("tests/run.sh")).arg(argument).env("PATH", path).output();
    let output = output.expect("bash");
    (output.status.code().expect("a code"), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(unix)]
#[test]
fn a_run_without_tests_is_not_said_to_be_one_of_every_test() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = "test a ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored";
    let ignored =
        "test b ... ignored, no such card\ntest result: ok. 0 passed; 0 failed; 1 ignored";
    let failed = "test c ... FAILED\ntest result: FAILED. 0 passed; 1 failed; 0 ignored";
    let none = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out";
    for (printed, code, expected, words) in [
        ("error: could not compile", 101, 101, "==> NO TEST RAN"),
        ("    Finished", 0, 1, "==> NO TEST RAN"),
        (none, 0, 1, "==> NO TEST RAN"),
        (failed, 101, 101, "==> FAILED: programs of tests after"),
        (ignored, 0, 0, "1: no such card\n      b"),
        (ran, 0, 0, "==> every test ran"),
    ] {
        let (code, said) = said_of(folder.path(), printed, code, "--release");
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(said.contains("every test ran"), words.contains("every"), "{said}");
    }
    // What a run before left is forgotten.
    said_of(folder.path(), ignored, 0, "old");
    assert_eq!(said_of(folder.path(), "", 0, "--begin").0, 0);
    said_of(folder.path(), ran, 0, "new");
    let (code, said) = said_of(folder.path(), "", 0, "--summary");
    assert_eq!((code, said.trim()), (0, "==> every test ran"));
    let (code, said) = said_of(folder.path(), "", 0, "--summary");
    assert_eq!((code, said.trim()), (1, "==> NO TEST RAN"));
}
