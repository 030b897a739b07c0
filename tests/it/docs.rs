//! What the documentation says is so: its commands run, its links lead somewhere, what comments cite of
//! `docs/method.md` is there, and `docs/protocols.md` says what the code does.

mod commands;
mod figures;
mod pages;
mod reproduce;

use std::fs;
use std::path::{Path, PathBuf};

/// The source files below a folder.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs" || kind == "wgsl"))
        .collect()
}

#[test]
fn every_heading_that_a_comment_cites_is_in_the_page_about_the_method() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/method.md")).expect("the page");
    let headings: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|l| l.trim_start_matches('#').trim())
        .collect();
    let mut cited = 0;
    for file in ["src", "shaders", "tests/it"].iter().flat_map(|folder| sources(&root.join(folder)))
    {
        let text = fs::read_to_string(&file).expect("a source file");
        // Comments break lines where they like.
        let words: Vec<&str> =
            text.split_whitespace().filter(|word| !["//", "///", "//!"].contains(word)).collect();
        let text = words.join(" ");
        for heading in
            text.split("docs/method.md, \"").skip(1).filter_map(|rest| rest.split('"').next())
        {
            assert!(headings.contains(&heading), "{}: \"{heading}\"", file.display());
            cited += 1;
        }
    }
    assert!(cited >= 10, "{cited} citations");
}

/// Between these lines of `docs/protocols.md` stands what the protocols say of themselves.
const TABLES: [&str; 2] = ["<!-- tables -->\n", "<!-- end of tables -->\n"];

#[test]
fn the_page_about_protocols_has_the_tables_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocols.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(TABLES[0]).expect("where tables begin");
    let (tables, after) = rest.split_once(TABLES[1]).expect("where tables end");
    let expected = format!("\n{}\n", hpflow::testing::score::markdown());
    let write = std::env::var_os("HPFLOW_WRITE_DOCS").is_some();
    if write && tables != expected {
        let page = format!("{before}{}{expected}{}{after}", TABLES[0], TABLES[1]);
        fs::write(&path, page).expect("the page is written");
    }
    assert!(
        write || tables == expected,
        "docs/protocols.md is not what the protocols are: run this test with HPFLOW_WRITE_DOCS=1"
    );
}
