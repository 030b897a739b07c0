//! The HTML report in a browser: Chromium without a window, where there is one.

use std::fs;
use std::path::Path;
use std::process::Command as Process;

use assert_cmd::Command;

use crate::shared::chromium;

fn hpflow(folder: &Path, arguments: &[&str]) {
    let mut command = Command::cargo_bin("hpflow").unwrap();
    command.current_dir(folder).arg("--quiet").args(arguments).assert().success();
}

/// A drawn benchmark of two categories, predicted two ways, as a report.
fn report(folder: &Path) -> String {
    let demo =
        ["dataset", "demo", "b", "--images", "5", "--category", "bicycle", "--category", "cat"];
    hpflow(folder, &demo);
    let predict = ["predict", "--root", "b", "--out"];
    hpflow(folder, &[&predict[..], &["identity.jsonl", "--method", "identity"]].concat());
    hpflow(
        folder,
        &[&predict[..], &["hog.jsonl", "--backbone", "hog", "--engine", "cpu"]].concat(),
    );
    hpflow(folder, &["report", "identity.jsonl", "hog.jsonl", "--root", "b", "--out", "report"]);
    fs::read_to_string(folder.join("report/index.html")).unwrap()
}

/// What does not hold in a window of that size, by the self-test and the console.
fn failures(browser: &Path, folder: &Path, page: &str, size: [u32; 2], dark: bool) -> String {
    let watch = "<head><script>window.selfTestErrors = [];\
        addEventListener('error', (e) => selfTestErrors.push(String(e.message)));\
        addEventListener('unhandledrejection', (e) => selfTestErrors.push(String(e.reason)));\
        for (const kind of ['error', 'warn']) {\
          console[kind] = (...said) => selfTestErrors.push(said.join(' '));\
        }</script>";
    let test = concat!("<script>", include_str!("report_self_test.js"), "</script></body>");
    let place = folder.join("tested.html");
    fs::write(&place, page.replacen("<head>", watch, 1).replace("</body>", test)).unwrap();
    let output = Process::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"])
        .args(["--virtual-time-budget=60000", "--enable-logging=stderr"])
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--window-size={},{}", size[0], size[1]))
        .arg(format!("file://{}", place.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let console: Vec<&str> = said.lines().filter(|line| line.contains(":CONSOLE")).collect();
    assert!(console.is_empty(), "{console:?}");
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    let result = page.split("<pre id=\"self-test\">").nth(1);
    let result = result.unwrap_or_else(|| panic!("the self-test did not end: {said}"));
    result.split("</pre>").next().unwrap().to_owned()
}

#[test]
#[cfg_attr(not(present = "chromium"), ignore = "needs Chromium in the path or in HPFLOW_CHROMIUM")]
fn the_report_works_in_a_browser_on_a_screen_and_on_a_phone() {
    let browser = chromium().expect("Chromium");
    let folder = tempfile::tempdir().unwrap();
    let page = report(folder.path());
    for (size, dark) in [([1280, 900], false), ([390, 844], true)] {
        assert_eq!(failures(&browser, folder.path(), &page, size, dark), "[]", "{size:?}");
    }
    // The test itself fails where something is wrong: a filter that does nothing.
    let broken = page.replace("filters.category && pair[CATEGORY]", "false && pair[CATEGORY]");
    let found = failures(&browser, folder.path(), &broken, [1280, 900], false);
    assert!(found.contains("filter by category"), "{found}");
}
