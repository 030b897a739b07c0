//! The examples of the library, run as they stand.

#[path = "../../examples/match_pair.rs"]
#[expect(dead_code, reason = "their `main` is not called")]
mod match_pair;
#[path = "../../examples/predict_and_score.rs"]
#[expect(dead_code, reason = "their `main` is not called")]
mod predict_and_score;
#[path = "../../examples/score_predictions.rs"]
#[expect(dead_code, reason = "their `main` is not called")]
mod score_predictions;

use crate::cli::{Tiny, hpflow, text};

fn arguments<'a>(words: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    words.iter().map(|word| (*word).to_owned())
}

#[test]
fn match_pair_finds_what_the_command_finds() {
    let tiny = Tiny::new();
    let photographs = ["JPEGImages/mug/mug_0.png", "JPEGImages/mug/mug_1.png"];
    let [source, target] = photographs.map(|name| tiny.path(name).display().to_string());
    let found = match_pair::run(arguments(&[&source, &target, "40,30", "20.5,50"])).unwrap();
    let output = hpflow(&[
        "match",
        &source,
        &target,
        "--keypoints",
        "40,30 20.5,50",
        "--backbone",
        "hog",
        "--format",
        "json",
    ]);
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["target"], serde_json::to_value(&found).unwrap());
    assert!(found.iter().all(Option::is_some), "{found:?}");
    let error = match_pair::run(arguments(&[&source])).unwrap_err().to_string();
    assert!(error.starts_with("expected two photographs"), "{error}");
}

#[test]
fn predict_and_score_gives_the_files_and_digits_of_the_commands() {
    let tiny = Tiny::new();
    let root = tiny.root().to_owned();
    let [mine, theirs] = ["mine.jsonl", "theirs.jsonl"].map(|name| tiny.path(name));
    let pck = predict_and_score::run(arguments(&["spair", &root, &mine.display().to_string()]));
    let output = hpflow(&[
        "predict",
        "--root",
        &root,
        "--backbone",
        "hog",
        "--out",
        &theirs.display().to_string(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let bytes = |path| std::fs::read(path).unwrap();
    assert_eq!(text(&bytes(&mine)), text(&bytes(&theirs)));
    let theirs = theirs.display().to_string();
    let output = hpflow(&["score", &theirs, "--root", &root, "--format", "metrics"]);
    let metrics: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let numbers: Vec<f64> =
        metrics.as_object().unwrap().values().filter_map(serde_json::Value::as_f64).collect();
    let pck = pck.unwrap();
    assert!(numbers.contains(&pck), "{pck} is not in {metrics}");
}

#[test]
fn score_predictions_gives_the_digits_of_the_command() {
    let tiny = Tiny::new();
    let (root, mine) = (tiny.root().to_owned(), tiny.path("mine.jsonl").display().to_string());
    let (pck, interval) = score_predictions::run(arguments(&["spair", &root, &mine])).unwrap();
    let (low, high) = interval.expect("an interval");
    assert!(low <= pck && pck <= high, "{low} to {high} around {pck}");
    let output =
        hpflow(&["score", &mine, "--root", &root, "--format", "json", "--bootstrap", "1000"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let scored = &found["files"][0]["pck"]["0.1"];
    let ends = &scored["interval_95"];
    let all = |value: &serde_json::Value| value["all"].as_f64();
    assert_eq!([all(scored), all(&ends["low"]), all(&ends["high"])], [pck, low, high].map(Some));
}
