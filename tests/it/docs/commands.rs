//! Every command in the README and in `docs` runs, and prints what the page says.
//!
//! A block of `console` has commands, each after `$ `, and what they print. A command without output
//! has to succeed; its output is not compared. `...` on a line stands for any lines, and a `\` at the
//! end of a command continues it. A comment above the block, which readers do not see, says what the
//! commands need:
//!
//! - `<!-- needs: torch -->`: a build with libtorch; `<!-- needs: gpu -->`: an adapter.
//! - `<!-- not run: REASON -->`: a download, research data, hours. Such commands are parsed alone, as
//!   are all others, by `src/cli/documented.rs`.
//! - `<!-- file: NAME -->`: the block is not of commands, but a file that later ones read.
//!
//! Each page has a folder of its own with a small drawn benchmark, `demo`, which is `SPair-71k` too,
//! two photographs, the paper's tables where the checkout has them, and, unless the page makes them,
//! `hpf.jsonl` and `identity.jsonl`, predictions of the benchmark. The network is out of reach.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use snapbox::IntoData as _;

use super::pages::{Block, Page, documentation, root};

/// A command as it stands in a page, and what it is said to print.
struct Step {
    line: usize,
    command: String,
    output: String,
}

fn steps(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut continued = false;
    for (number, line) in block.text.lines().enumerate() {
        let fresh = line.strip_prefix("$ ");
        if let (Some(command), false) = (fresh, continued) {
            let command = command.to_owned();
            steps.push(Step { line: block.line + number, command, output: String::new() });
        } else {
            let step = steps.last_mut().expect("a block of console begins with a command");
            let part = if continued { &mut step.command } else { &mut step.output };
            part.push_str(line);
            if !continued {
                part.push('\n');
            }
        }
        let step = steps.last_mut().expect("a step");
        continued = (continued || fresh.is_some()) && step.command.ends_with('\\');
        if continued {
            step.command.pop();
        }
    }
    steps
}

/// Whether the commands of a block run, in a test that has an adapter or in one that needs none.
fn runs(block: &Block, adapter: bool) -> bool {
    match block.mark.as_deref() {
        None => true,
        Some("needs: torch") => cfg!(feature = "torch"),
        Some("needs: gpu") => adapter,
        Some(mark) if mark.starts_with("not run: ") => false,
        Some(mark) => panic!("line {}: {mark} is no mark of a block", block.line),
    }
}

/// A shell in a folder, with hpflow in its path and the network out of reach.
fn shell(folder: &Path, command: &str) -> Command {
    let bin = Path::new(env!("CARGO_BIN_EXE_hpflow")).parent().expect("a folder");
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&paths));
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(format!("exec 2>&1; {command}")).current_dir(folder);
    shell.env("PATH", std::env::join_paths(paths).expect("a path"));
    for name in ["HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "COLUMNS"] {
        shell.env_remove(name);
    }
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "HF_ENDPOINT"] {
        shell.env(name, "http://127.0.0.1:9");
    }
    shell.env("NO_COLOR", "1").env("HF_HOME", folder.join("hub"));
    shell
}

/// What all pages start from, made once.
fn made() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let demo = "hpflow -q dataset demo demo && hpflow -q predict --root demo --method identity \
                    --out identity.jsonl && hpflow -q predict --root demo --backbone hog --engine \
                    cpu --out hpf.jsonl";
        let output = shell(folder.path(), demo).output().expect("bash");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        folder
    })
    .path()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("a copy");
        }
    }
}

fn folder_of(page: &Page) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let made = made();
    let draws = page.text.contains("dataset demo demo");
    let names: &[&str] = if draws { &["SPair-71k"] } else { &["demo", "SPair-71k"] };
    for name in names.iter().filter(|name| page.text.contains(**name)) {
        copy(&made.join("demo"), &folder.path().join(name));
    }
    for name in ["hpf.jsonl", "identity.jsonl"] {
        if !page.text.contains(&format!("--out {name}")) {
            fs::copy(made.join(name), folder.path().join(name)).expect("a copy");
        }
    }
    copy(&root().join("src/score/published"), &folder.path().join("src/score/published"));
    fs::create_dir(folder.path().join("docs")).expect("a folder");
    let script = "docs/features_from_numpy.py";
    fs::copy(root().join(script), folder.path().join(script)).expect("the script");
    for (name, number) in [("horse.jpg", 72), ("zebra.jpg", 74)] {
        let drawn = made.join(format!("demo/JPEGImages/horse/demo_0000{number}.jpg"));
        fs::copy(drawn, folder.path().join(name)).expect("a photograph");
    }
    folder
}

/// Lines that say what this machine has begin so.
const OF_THE_MACHINE: [&str; 5] =
    ["engine: ", "cpu engine ", "dense engine ", "--engine auto takes ", "once a pair, engine "];

fn same_machine(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let of_the_machine = OF_THE_MACHINE.into_iter().find(|start| line.starts_with(start));
        format!("{}\n", of_the_machine.unwrap_or(line.trim_end()))
    });
    lines.collect()
}

#[track_caller]
fn holds(path: &str, adapter: bool) {
    let page = Page::read(path);
    let folder = folder_of(&page);
    let (mut ran, mut faults) = (0, Vec::new());
    for block in page.blocks() {
        if block.language != "console" {
            if let Some(name) = block.mark.as_deref().and_then(|mark| mark.strip_prefix("file: ")) {
                let file: PathBuf = folder.path().join(name);
                fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
                fs::write(file, &block.text).expect("a file");
            }
            continue;
        }
        if !runs(&block, adapter) {
            continue;
        }
        for step in steps(&block) {
            ran += 1;
            let output = shell(folder.path(), &step.command).output().expect("bash");
            let printed = same_machine(&String::from_utf8_lossy(&output.stdout));
            let place = format!("{path}:{}: {}", step.line, step.command);
            if step.output.is_empty() {
                if !output.status.success() {
                    faults.push(format!("{place}\n{printed}"));
                }
                continue;
            }
            let expected = same_machine(&step.output);
            let compared =
                snapbox::Assert::new().try_eq(None, printed.into_data(), expected.into_data());
            if let Err(error) = compared {
                faults.push(format!("{place}\n{error}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} of {ran} commands:\n{}", faults.len(), faults.join("\n\n"));
}

/// A test for each page with commands.
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        const PAGES: &[&str] = &[$($path),*];
        $(
            #[test]
            fn $name() {
                holds($path, false);
            }
        )*
    };
}

pages! {
    the_commands_of_the_readme: "README.md",
    the_commands_of_the_page_about_benchmarks: "docs/benchmarks.md",
    the_commands_of_the_page_about_clusters: "docs/cluster.md",
    the_commands_of_the_page_about_engines: "docs/engines.md",
    the_commands_of_the_page_about_errors: "docs/errors.md",
    the_commands_of_the_page_about_features: "docs/features.md",
    the_commands_of_the_page_about_measurements: "docs/measurements.md",
    the_commands_of_the_page_about_methods: "docs/methods.md",
    the_commands_of_the_page_about_own_predictions: "docs/own-predictions.md",
    the_commands_of_the_page_about_photographs: "docs/photographs.md",
    the_commands_of_the_page_about_the_predictions_format: "docs/predictions-format.md",
    the_commands_of_the_page_about_reproducing: "docs/reproduce.md",
    the_commands_of_the_page_about_scoring: "docs/scoring.md",
    the_commands_of_the_page_about_search: "docs/search.md",
    the_commands_of_the_page_about_seeing_what_failed: "docs/failures.md",
    the_commands_of_the_page_about_weights: "docs/weights.md",
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn the_commands_that_need_an_adapter() {
    holds("docs/engines.md", true);
    let others = documentation().into_iter().filter(|page| page.path != "docs/engines.md");
    let needs = |block: &Block| block.mark.as_deref() == Some("needs: gpu");
    for page in others {
        assert!(!page.blocks().iter().any(needs), "{}: run it here too", page.path);
    }
}

#[test]
fn every_page_with_commands_is_run() {
    // `tests/cluster.sh` runs the scripts in bash as they stand.
    const LANGUAGES: [&str; 9] =
        ["bash", "bibtex", "console", "csv", "json", "python", "rust", "sh", "text"];
    // What these run is the build's, not hpflow's: CI runs it.
    const PROGRAMS: [&str; 6] = ["cargo", "cd", "export", "git", "make", "."];
    let mut marked = 0;
    for page in documentation() {
        for block in page.blocks() {
            let place = format!("{}:{}", page.path, block.line);
            assert!(LANGUAGES.contains(&block.language.as_str()), "{place}: say a language");
            if block.language == "console" {
                assert!(PAGES.contains(&page.path.as_str()), "{place}: add the page to `pages!`");
                marked += usize::from(block.mark.is_some());
                steps(&block);
                runs(&block, false);
            } else if block.language == "sh" {
                for line in block.text.lines() {
                    let program = line.split_whitespace().next().unwrap_or("cargo");
                    let known = PROGRAMS.contains(&program) || line.starts_with('#');
                    assert!(known, "{place}: `{line}` belongs into a block of console");
                }
            } else if block.language != "bash" {
                let command = block.text.lines().any(|line| line.starts_with("hpflow "));
                assert!(!command, "{place}: commands belong into blocks of console");
            }
        }
    }
    assert!(marked > 0, "no block is marked");
}

#[test]
fn a_block_is_taken_apart_into_commands_and_what_they_print() {
    let text = "$ hpflow a \\\n    --b c\none\n\ntwo\n$ hpflow d\n".to_owned();
    let block = Block { language: "console".to_owned(), mark: None, text, line: 7 };
    let found: Vec<_> =
        steps(&block).into_iter().map(|step| (step.line, step.command, step.output)).collect();
    let first = (7, "hpflow a     --b c".to_owned(), "one\n\ntwo\n".to_owned());
    assert_eq!(found, [first, (12, "hpflow d".to_owned(), String::new())]);
}
