//! Every command in the README and in `docs` is one that hpflow accepts. Those that can run here do,
//! in `tests/it/docs/commands.rs`; a download or research data cannot be had there, an option that no
//! longer exists must not wait for a reader.

use clap::Parser as _;

use super::Cli;

/// The commands of hpflow in a page's blocks of `console`, with their lines.
fn commands(page: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let (mut inside, mut continued) = (false, false);
    let mut line_of = 0;
    let mut text = String::new();
    for (number, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = line.starts_with("```console");
            continue;
        }
        if !inside || !(continued || line.starts_with("$ ")) {
            continue;
        }
        if !continued {
            line_of = number + 1;
            text.clear();
        }
        text.push_str(line.strip_prefix("$ ").unwrap_or(line));
        continued = text.ends_with('\\');
        if continued {
            text.pop();
            continue;
        }
        let mut words: Vec<String> = Vec::new();
        // A shell's signs end a command; a comment is none of its words.
        let ends = ["|", ";", "&&", "||", ">", "2>", "do", "done", "2>&1"];
        let split = shlex::split(&text.replace(';', " ; ")).expect("quotes that close");
        for word in split.iter().map(String::as_str).chain([";"]) {
            if ends.contains(&word) {
                if words.first().is_some_and(|word| word == "hpflow") {
                    found.push((line_of, std::mem::take(&mut words)));
                }
                words.clear();
            } else {
                words.push(word.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_command_in_the_pages_is_accepted() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).expect("the folder docs");
    let docs = docs.map(|entry| entry.expect("an entry").path());
    let pages = docs.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let (mut parsed, mut faults) = (0, Vec::new());
    for page in pages.chain([root.join("README.md")]) {
        let text = std::fs::read_to_string(&page).expect("a page");
        for (line, words) in commands(&text) {
            parsed += 1;
            if let Err(error) = Cli::try_parse_from(&words) {
                let place = format!("{}:{line}: {}", page.display(), words.join(" "));
                faults.push(format!("{place}\n{}", error.render()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(parsed > 50, "{parsed} commands");
}

#[test]
fn commands_are_found_behind_shell_signs_and_over_lines() {
    let page = "hpflow no\n```console\n$ for a in b; do\n$ hpflow x --y \"1 2\" \\\n  --z # why\n\
                hpflow printed\n$ hpflow a | tee b; hpflow c > d\n```\n";
    let found: Vec<String> = commands(page)
        .into_iter()
        .map(|(line, words)| format!("{line} {}", words.join("|")))
        .collect();
    assert_eq!(found, ["4 hpflow|x|--y|1 2|--z", "7 hpflow|a", "7 hpflow|c"]);
}
