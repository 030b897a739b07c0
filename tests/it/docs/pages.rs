//! The pages: what is in them, and that they hang together.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A Markdown file of the project.
pub struct Page {
    /// Its path from the root of the checkout, such as `docs/weights.md`.
    pub path: String,
    pub text: String,
}

/// A fenced block of code.
pub struct Block {
    /// The first word after the fence.
    pub language: String,
    /// What the comment just above the fence says, which readers do not see: `needs: torch`.
    pub mark: Option<String>,
    pub text: String,
    /// The line of its first line of code, from 1.
    pub line: usize,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and the pages in `docs`, in order of their names.
pub fn documentation() -> Vec<Page> {
    let entries = fs::read_dir(root().join("docs")).expect("the folder docs");
    let mut paths: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    paths.push("README.md".to_owned());
    paths.sort();
    paths.into_iter().map(|path| Page::read(&path)).collect()
}

impl Page {
    pub fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).expect("the page");
        Self { path: path.to_owned(), text }
    }

    fn events(&self) -> impl Iterator<Item = (Event<'_>, std::ops::Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    fn line(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }

    /// The fenced blocks.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut mark: Option<String> = None;
        let mut open: Option<Block> = None;
        for (event, range) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let language = info.split([' ', ',']).next().unwrap_or_default().to_owned();
                    let line = self.line(range.start) + 1;
                    open = Some(Block { language, mark: mark.take(), text: String::new(), line });
                }
                Event::Text(text) if open.is_some() => {
                    open.as_mut().expect("just seen").text.push_str(&text);
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
                Event::Html(html) => {
                    let inside = html.trim().strip_prefix("<!--");
                    mark = inside
                        .and_then(|text| text.strip_suffix("-->"))
                        .map(|text| text.trim().to_owned());
                }
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
                _ => mark = None,
            }
        }
        blocks
    }

    /// Where its links and pictures lead, with their lines.
    fn links(&self) -> Vec<(usize, String)> {
        let links = self.events().filter_map(|(event, range)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some((self.line(range.start), dest_url.to_string()))
            }
            _ => None,
        });
        links.collect()
    }

    /// The code in its text, with lines.
    fn code(&self) -> Vec<(usize, String)> {
        let code = self.events().filter_map(|(event, range)| match event {
            Event::Code(text) => Some((self.line(range.start), text.to_string())),
            _ => None,
        });
        code.collect()
    }

    /// Its headings as forges and mdBook make anchors of them.
    fn anchors(&self) -> Vec<String> {
        let mut anchors = Vec::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let text = heading.take().expect("a heading").to_lowercase();
                    let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                    anchors.push(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        anchors
    }
}

#[test]
fn the_readme_is_short_and_so_is_every_page() {
    for page in documentation() {
        let lines = page.text.lines().count();
        let most = if page.path == "README.md" { 130 } else { 200 };
        assert!(lines <= most, "{} has {lines} lines, above {most}", page.path);
    }
}

#[test]
fn every_page_is_in_the_summary_once() {
    let summary = Page::read("docs/SUMMARY.md");
    let mut listed: Vec<String> =
        summary.links().into_iter().map(|(_, link)| format!("docs/{link}")).collect();
    listed.sort();
    let pages: Vec<String> = documentation()
        .into_iter()
        .map(|page| page.path)
        .filter(|path| !["README.md", "docs/SUMMARY.md"].contains(&path.as_str()))
        .collect();
    assert_eq!(listed, pages, "docs/SUMMARY.md is the table of contents of the pages in docs");
}

#[test]
fn the_first_page_of_the_book_lists_every_other_one() {
    let first = Page::read("docs/README.md");
    let linked: BTreeSet<String> = first.links().into_iter().map(|(_, link)| link).collect();
    for (_, link) in Page::read("docs/SUMMARY.md").links() {
        assert!(link == "README.md" || linked.contains(&link), "docs/README.md lacks {link}");
    }
}

/// Addresses outside the project that pages may give: each leads somewhere.
const ADDRESSES: [&str; 4] = [
    "https://github.com/huggingface/safetensors",
    "https://keepachangelog.com",
    "https://semver.org",
    "https://rust-lang.github.io/mdBook",
];

#[test]
fn every_link_and_anchor_resolves() {
    let others = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "RELEASE-CHECKLIST.md"];
    let pages = documentation().into_iter().chain(others.into_iter().map(Page::read));
    let (mut checked, mut faults) = (0, Vec::new());
    for page in pages {
        let anchors = page.anchors();
        let distinct: BTreeSet<&String> = anchors.iter().collect();
        if distinct.len() != anchors.len() {
            faults.push(format!("{}: two headings have one anchor", page.path));
        }
        for (line, link) in page.links() {
            checked += 1;
            if let Err(fault) = resolve(&page, &link) {
                faults.push(format!("{}:{line}: {link}: {fault}", page.path));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked > 50, "{checked} links");
}

fn resolve(page: &Page, link: &str) -> Result<(), String> {
    if link.contains("://") {
        let known = ADDRESSES.contains(&link);
        return known.then_some(()).ok_or("not among the addresses that are known".to_owned());
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = Path::new(&page.path).parent().expect("a folder");
    let target = if file.is_empty() { page.path.clone() } else { join(folder, file) };
    if !root().join(&target).exists() {
        return Err(format!("there is no {target}"));
    }
    // A book has the folder docs alone.
    if page.path.starts_with("docs/") && !target.starts_with("docs/") {
        return Err("leads out of the book".to_owned());
    }
    if anchor.is_empty() || Page::read(&target).anchors().iter().any(|one| one == anchor) {
        return Ok(());
    }
    Err(format!("{target} has no heading #{anchor}"))
}

/// A relative path from a folder, without `..`.
fn join(folder: &Path, relative: &str) -> String {
    let mut path = PathBuf::from(folder);
    for part in relative.split('/') {
        match part {
            ".." => assert!(path.pop(), "{relative} leads out of the project"),
            "." | "" => {}
            part => path.push(part),
        }
    }
    path.to_str().expect("a path").replace('\\', "/")
}

#[test]
fn files_and_targets_that_pages_name_are_there() {
    const FOLDERS: [&str; 9] = [
        "benches/",
        "docs/",
        "examples/",
        "fuzz/",
        "scripts/",
        "shaders/",
        "src/",
        "tests/",
        "weights/",
    ];
    let makefile = fs::read_to_string(root().join("Makefile")).expect("the Makefile");
    let others = ["ARCHITECTURE.md", "CONTRIBUTING.md", "RELEASE-CHECKLIST.md"];
    let mut faults = Vec::new();
    for page in documentation().into_iter().chain(others.into_iter().map(Page::read)) {
        let mut named = page.code();
        for block in page.blocks().iter().filter(|block| block.language == "sh") {
            named.extend(block.text.lines().map(|line| (block.line, line.to_owned())));
        }
        for (line, code) in named {
            let words: Vec<&str> = code.split_whitespace().collect();
            let missing = match words.as_slice() {
                ["make", target, ..] if !target.contains('=') => {
                    !makefile.contains(&format!("\n{target}:"))
                }
                [path] if FOLDERS.iter().any(|folder| path.starts_with(folder)) => {
                    !path.contains(['<', '*']) && !root().join(path).exists()
                }
                _ => false,
            };
            if missing {
                faults.push(format!("{}:{line}: `{code}`", page.path));
            }
        }
    }
    assert!(faults.is_empty(), "named, but not there:\n{}", faults.join("\n"));
}

#[test]
fn options_that_pages_name_exist() {
    let help = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_hpflow"))
            .args(arguments)
            .arg("--help")
            .output()
            .expect("hpflow");
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let commands = |text: &str| -> Vec<String> {
        let list = text.split("Commands:\n").nth(1).unwrap_or_default();
        let lines = list.lines().take_while(|line| !line.is_empty());
        let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    };
    let mut texts = vec![(String::new(), help(&[]))];
    texts.push(("help".to_owned(), String::new()));
    for command in commands(&texts[0].1).into_iter().filter(|name| name != "help") {
        let text = help(&[&command]);
        for inner in commands(&text).into_iter().filter(|name| name != "help") {
            texts.push((format!("{command} {inner}"), help(&[&command, &inner])));
        }
        texts.push((command, text));
    }
    // Pages name this script's options too.
    let script = fs::read_to_string(root().join("scripts/reproduce.py")).expect("the script");
    texts.push(("scripts/reproduce.py".to_owned(), script));
    let known = |option: &str, within: &str| {
        texts
            .iter()
            .filter(|(command, _)| within.is_empty() || command == within)
            .flat_map(|(_, text)| text.split(|c: char| !(c.is_alphanumeric() || c == '-')))
            .any(|word| word == option)
    };
    let (mut checked, mut faults) = (0, Vec::new());
    for page in documentation() {
        for (line, code) in page.code() {
            let words: Vec<&str> = code.split_whitespace().collect();
            let hpflow = words.first() == Some(&"hpflow");
            // Other programs have options of their own.
            if !hpflow && !code.starts_with("--") {
                continue;
            }
            let within = match words.as_slice() {
                ["hpflow", a, b, ..]
                    if texts.iter().any(|(name, _)| *name == format!("{a} {b}")) =>
                {
                    format!("{a} {b}")
                }
                ["hpflow", a, ..] => (*a).split('|').next().unwrap_or_default().to_owned(),
                _ => String::new(),
            };
            if hpflow && words.len() > 1 && !within.starts_with('-') {
                checked += 1;
                if !texts.iter().any(|(name, _)| *name == within) {
                    faults.push(format!("{}:{line}: `{code}`: no such command", page.path));
                    continue;
                }
            }
            let within = if within.starts_with('-') { String::new() } else { within };
            for option in words.iter().filter(|word| word.starts_with("--")) {
                checked += 1;
                let option = option.trim_end_matches('…').split('=').next().unwrap_or_default();
                if !known(option, &within) {
                    faults.push(format!("{}:{line}: `{code}`: no option {option}", page.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked > 60, "{checked} options and commands");
}
