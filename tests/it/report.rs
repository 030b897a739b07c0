//! The HTML report of the binary, on SPair-71k's own pair files.

use std::fs;

use assert_cmd::Command;
use serde_json::Value;

use crate::score::Sample;

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn a_report_is_one_page_with_every_pair_and_the_scores() {
    let sample = Sample::new();
    let file = sample.write("identity.jsonl", &sample.lines());
    let out = sample.root().join("report");
    let mut command = Command::cargo_bin("hpflow").unwrap();
    command.arg("report").arg(&file).arg("--root").arg(sample.root()).arg("--out").arg(&out);
    let output = command.output().unwrap();
    // The sample has no photographs: they are left out, and that is said.
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("photographs are left out"), "{said}");
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(!page.contains("{{"), "every part of the frame is filled");
    let start = "id=\"data\">";
    let data = page.split(start).nth(1).unwrap().split("</script>").next().unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    let pairs = data["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 62);
    assert_eq!(data["methods"][0]["curve"].as_array().unwrap().len(), 20);
    // Verdicts by hand: the mean over pairs of the share of "1".
    let share = |pair: &Value| {
        let verdicts = pair[9][0].as_str().unwrap();
        verdicts.matches('1').count() as f64 / verdicts.len() as f64
    };
    let mean = 100.0 * pairs.iter().map(share).sum::<f64>() / 62.0;
    assert!((mean - 8.290347645186355).abs() < 1e-9, "{mean}");
    assert!(page.contains("<td class=\"label\">identity</td>"));
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn a_report_that_cannot_be_written_says_so_before_any_work() {
    let sample = Sample::new();
    // Any work would find the line that is no prediction.
    let file = sample.write("identity.jsonl", &[sample.lines().remove(0), "no prediction".into()]);
    let mut command = Command::cargo_bin("hpflow").unwrap();
    // A file is where the folder should be.
    command.arg("report").arg(&file).arg("--root").arg(sample.root()).arg("--out").arg(&file);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(sentence.contains("cannot write the report to"), "{sentence}");
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
}
