//! Figures in the pages are those of the raw data that they name.

use std::fs;

use super::pages::{Page, root};

/// The cells of the rows of a page's tables that begin with these words.
#[track_caller]
fn row<'a>(page: &'a Page, start: &str) -> Vec<&'a str> {
    let row = page.text.lines().find(|line| line.starts_with(&format!("| {start} |")));
    let row = row.unwrap_or_else(|| panic!("{} has no row {start}", page.path));
    row.trim_matches('|').split('|').map(str::trim).collect()
}

/// A number as the pages write it: three digits, or whole.
fn three(number: f64) -> String {
    let places = if number >= 100.0 { 0 } else { 1 };
    format!("{number:.places$}")
}

/// What `hpflow bench --format json` measured: `cpu` alone and with mirrors, `gpu`, `dense`.
fn measured(name: &str) -> [f64; 4] {
    let path = root().join("benches/results/2026-11-26").join(name);
    let text = fs::read_to_string(path).expect("raw data");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let engines = json["engines"].as_array().expect("engines");
    let of = |engine: &str, field: &str| {
        let engine = engines.iter().find(|one| one["engine"] == engine).expect("the engine");
        engine[field].as_f64().expect("a number")
    };
    let mut alone = "cpu gpu dense".split(' ').map(|engine| of(engine, "matching_ms_per_pair"));
    let mut next = || alone.next().expect("an engine");
    let mirrors = of("cpu", "with_mirrors_ms_per_pair");
    [next(), mirrors, next(), next()]
}

#[test]
fn times_of_matching_are_those_that_were_measured() {
    let page = Page::read("docs/measurements.md");
    for (start, file, last) in [
        ("SPair-71k, ResNet-101", "resnet101-0-8-20-21-26-28-29-30.json", 0),
        ("SPair-71k, ResNet-50", "resnet50-0-9-10-11-12-13.json", 0),
        ("PF-PASCAL, ResNet-50", "resnet50-2-7-11-12-13.json", 1),
    ] {
        let [cpu, mirrors, gpu, dense] = measured(file);
        let both = dense / mirrors;
        let cells = [
            start.to_owned(),
            three(cpu),
            three(mirrors),
            three(gpu),
            three(dense),
            three(dense / cpu),
            if both < 100.0 { format!("{both:.0}") } else { three(both) },
            format!("{:.last$}", dense / gpu),
        ];
        assert_eq!(row(&page, start), cells);
    }
}

#[test]
fn the_readme_says_what_was_measured() {
    let text = Page::read("README.md").text;
    let [cpu, mirrors, gpu, dense] = measured("resnet101-0-8-20-21-26-28-29-30.json");
    let thousands = format!("{},{:03}", dense as u32 / 1000, dense as u32 % 1000);
    for words in [
        format!("{cpu:.0} ms a pair"),
        format!("{mirrors:.0} ms where a pair comes with its mirror"),
        format!("takes {thousands} ms there"),
        format!("({gpu:.0} ms a pair)"),
    ] {
        assert!(text.contains(&words), "{words}");
    }
    let whole = row_of_whole_split("resnet101", "12234");
    assert_eq!((whole[2].as_str(), whole[5].as_str()), ("2:59.95", "1434144"));
    assert!(text.contains("3 minutes with ResNet-101 on two cores, in 1.4 GiB"));
}

/// Backbone, pairs, wall time, pairs a second, ms a pair, peak KiB.
fn row_of_whole_split(backbone: &str, pairs: &str) -> Vec<String> {
    let path = root().join("benches/results/2026-11-26/whole-split.txt");
    let text = fs::read_to_string(path).expect("raw data");
    let rows = text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect());
    let mut rows = rows.filter(|row: &Vec<String>| row.len() == 6);
    rows.find(|row| row[0] == backbone && row[1] == pairs).expect("a row")
}

#[test]
fn the_whole_split_took_what_was_measured() {
    let page = Page::read("docs/measurements.md");
    let rows = page.text.lines().filter(|line| line.starts_with("| ResNet-")).map(|line| {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    });
    let mut checked = 0;
    for cells in rows.filter(|cells| cells.len() == 6) {
        let backbone = cells[0].to_lowercase().replace('-', "");
        let pairs: String = cells[1].chars().filter(char::is_ascii_digit).collect();
        let raw = row_of_whole_split(&backbone, &pairs);
        let number = |text: &str| text.parse::<f64>().expect("a number");
        assert_eq!(cells[3], format!("{} ms", raw[4]), "{cells:?}");
        assert!((number(&cells[4]) - number(&raw[3])).abs() <= 0.51, "{cells:?}, {raw:?}");
        assert_eq!(cells[5], format!("{:.2} GiB", number(&raw[5]) / f64::from(1 << 20)));
        checked += 1;
    }
    assert_eq!(checked, 4);
}

#[test]
fn published_rows_are_those_of_the_paper() {
    let page = Page::read("docs/methods.md");
    let table = root().join("src/score/published/table4_pck_by_factor.csv");
    let table = fs::read_to_string(table).expect("the table");
    let original = table.lines().filter(|line| !line.starts_with("finetuned"));
    let mut checked = 0;
    for line in page.text.lines().filter(|line| line.starts_with("| ") && line.contains("ResNet-"))
    {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [method, backbone, spair, ..] = cells[..] else { continue };
        if !backbone.starts_with("ResNet-") {
            continue;
        }
        let name = format!("{method} {backbone}");
        let row = original.clone().find(|row| row.split(',').nth(1) == Some(&name));
        let row = row.unwrap_or_else(|| panic!("the paper has no row {name}"));
        assert_eq!(row.rsplit(',').next(), Some(spair), "{name}");
        checked += 1;
    }
    assert_eq!(checked, 6);
    assert!(
        table.contains("identity mapping") && table.lines().nth(1).expect("it").ends_with("5.6")
    );
    assert!(page.text.contains("| identity mapping | | 5.6 |"));
}

#[test]
fn the_citation_is_that_of_the_citation_file() {
    let [cff, readme] = ["CITATION.cff", "README.md"]
        .map(|name| fs::read_to_string(root().join(name)).expect("the file"));
    for (field, words) in [
        ("name: The hpflow developers", "author  = {{The hpflow developers}}".to_owned()),
        ("version: ", format!("version = {{{}}}", env!("CARGO_PKG_VERSION"))),
        (
            "title: ",
            "title   = {hpflow: semantic correspondence, predicted and scored as published}"
                .to_owned(),
        ),
    ] {
        assert!(cff.contains(field) && readme.contains(&words), "{words}");
    }
    assert!(cff.contains(&format!("version: {}\n", env!("CARGO_PKG_VERSION"))));
    assert_eq!(cff.matches("\n  - name:").count(), 1, "one author, an entity");
}
