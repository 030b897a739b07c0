//! The search for layer sets: every score is that of `predict` and `score`, whatever the engine,
//! the memory, the threads, and whether the search was stopped.

use std::fs;
use std::path::Path;

use hpflow::backbone::FeatureMap;
use hpflow::benchmark::Benchmark;
use hpflow::engine::cpu::CpuEngine;
use hpflow::features::{
    Description, Features, Header, Layer, Precision, VERSION, file_of, photograph_name, write,
};
use hpflow::score::default_for;
use hpflow::search::{Evaluator, Event, Plan, Search, SearchError, State, StateError};
use serde_json::Value;

use crate::cli::{Tiny, fails, hpflow, text};

/// Stride, channels, jump and receptive field of the made-up network's layers: three at the finest
/// resolution, whose grids differ, two at the next and two coarser ones.
const LAYERS: [(usize, usize, u32, u32); 7] = [
    (4, 6, 4, 11),
    (4, 9, 4, 19),
    (4, 70, 4, 27),
    (8, 12, 8, 43),
    (8, 5, 8, 59),
    (16, 130, 16, 107),
    (32, 20, 16, 139),
];

/// Features of a made-up network for every photograph of the benchmark.
fn made_up(tiny: &Tiny, name: &str) -> String {
    let folder = tiny.path(name);
    let options = hpflow::benchmark::Options { split: "test".to_owned(), ..Default::default() };
    let kind = "spair".parse().expect("a benchmark");
    let benchmark = Benchmark::open(kind, Path::new(tiny.root()), &options).expect("opens");
    let mut random = 7u64;
    let mut next = move || {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f32 / (1u64 << 24) as f32 - 0.4
    };
    let layer =
        |(id, &(stride, channels, jump, field)): (usize, &(usize, usize, u32, u32))| Layer {
            id,
            name: format!("layer{id}"),
            stride,
            channels,
            jump: Some(jump),
            receptive_field: Some(field),
            offset: 0.0,
        };
    let description = Description {
        backbone: "made-up".to_owned(),
        image_side: Some(300),
        precision: Precision::F32,
        layers: LAYERS.iter().enumerate().map(layer).collect(),
        made_with: serde_json::Map::new(),
    };
    for image in &benchmark.images {
        let [width, height] = image.size.expect("annotated");
        let maps: Vec<FeatureMap> = LAYERS
            .iter()
            .enumerate()
            .map(|(layer, &(stride, channels, ..))| {
                let cells = |side: u32| (side as usize).div_ceil(stride);
                let (rows, columns) = (cells(height), cells(width));
                let data = (0..channels * rows * columns).map(|_| next()).collect();
                FeatureMap { layer, stride, channels, rows, columns, data }
            })
            .collect();
        let header = Header {
            version: VERSION,
            benchmark: Some("spair".to_owned()),
            photograph: photograph_name(&image.path),
            original_size: [width, height],
            resized_size: [width, height],
            ratio: None,
            description: description.clone(),
        };
        write(&file_of(&folder, &image.path), &header, &maps).expect("written");
    }
    tiny.arg(name)
}

/// `hpflow search` on made-up features.
fn search(tiny: &Tiny, features: &str, out: &str, more: &[&str]) -> std::process::Output {
    let out = tiny.arg(out);
    let common = ["-q", "search", "--root", tiny.root(), "--split", "test", "--features", features];
    let small = ["--beam", "3", "--depth", "4", "--base", "0,1,2", "--out", &out];
    hpflow(&[&common[..], &small, more].concat())
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

/// All sets that were evaluated, with their scores.
fn evaluated(state: &Value) -> Vec<(String, f64)> {
    let depths = state["depths"].as_array().expect("depths").iter();
    let sets = depths.flat_map(|depth| depth.as_array().expect("sets"));
    sets.map(|set| {
        let layers = set["layers"].as_array().expect("layers").iter();
        let layers: Vec<String> = layers.map(ToString::to_string).collect();
        (layers.join(","), set["pck"].as_f64().expect("a number"))
    })
    .collect()
}

/// The All of `hpflow score` for a layer set, by `hpflow predict`.
fn score(root: &str, predict: &[&str], folder: &Path, layers: &str) -> f64 {
    let file = folder.join(format!("{layers}.jsonl"));
    let file = file.to_str().expect("UTF-8");
    let common = ["-q", "predict", "--layers", layers, "--out", file];
    let output = hpflow(&[&common[..], predict].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shares = ["--alpha", "0.1", "--format", "json", "--partial"];
    let output = hpflow(&[&["score", file, "--root", root][..], &shares].concat());
    let scores: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let found = scores.pointer("/files/0/pck/0.1/all").and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no score in {scores}"))
}

#[test]
fn every_score_is_that_of_predict_and_score_on_either_engine() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    // Software Vulkan starts slowly, so fewer sets by that engine.
    for (engine, candidates, least, step) in
        [("cpu", "0,1,2,3,4,5,6", 30, 6), ("gpu", "2,4,5", 7, 3)]
    {
        let out = format!("{engine}.json");
        let more = ["--engine", engine, "--candidates", candidates];
        let output = search(&tiny, &features, &out, &more);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let all = evaluated(&json(&tiny.path(&out)));
        assert!(all.len() >= least, "{} sets", all.len());
        let folder = tiny.path(engine);
        fs::create_dir(&folder).expect("a folder");
        let root = tiny.root().to_owned();
        let predict = ["--root", &root, "--features", &features, "--engine", engine];
        for (layers, pck) in all.iter().step_by(step) {
            assert_eq!(score(&root, &predict, &folder, layers), *pck, "{engine}, {layers}");
        }
    }
}

#[test]
fn the_memory_and_the_threads_change_no_byte() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let engine = ["--engine", "cpu"];
    assert!(search(&tiny, &features, "a.json", &engine).status.success());
    let little = ["--engine", "cpu", "--memory", "1", "--threads", "1"];
    assert!(search(&tiny, &features, "b.json", &little).status.success());
    let [a, b] = ["a.json", "b.json"].map(|name| fs::read(tiny.path(name)).expect("a file"));
    assert!(a == b, "the same bytes");
}

/// Searches with the library until the `stop`-th block of pairs, two pairs a block; the state as
/// last told, in the form of the file.
fn run_until(tiny: &Tiny, features: &str, state: State, stop: usize) -> State {
    let options = hpflow::benchmark::Options::default();
    let kind = "spair".parse().expect("a benchmark");
    let benchmark = Benchmark::open(kind, Path::new(tiny.root()), &options).expect("opens");
    let photographs = benchmark.images.iter().map(|image| &*image.path);
    let features = Features::open(Path::new(features), photographs).expect("features");
    let mut engine = CpuEngine::new();
    let evaluator = Evaluator {
        benchmark: &benchmark,
        features: &features,
        engine: &mut engine,
        protocol: default_for("spair"),
        alpha: "0.1".parse().expect("an alpha"),
        layers: (0..LAYERS.len()).collect(),
        memory: 1 << 30,
        block: 2,
    };
    let candidates = (0..LAYERS.len()).collect();
    let plan = Plan { bases: vec![0, 1, 2], candidates, beam: 3, as_published: false };
    let mut state = state;
    let (mut blocks, mut last) = (0, state.clone());
    let outcome = Search { evaluator, plan, depth: 4 }.run(&mut state, &mut |event| match event {
        Event::Advanced(_) if blocks == stop => Err(SearchError::State(StateError::Write {
            file: "stopped".into(),
            reason: "as if killed".to_owned(),
        })),
        Event::Advanced(_) => {
            blocks += 1;
            Ok(())
        }
        Event::Changed(state) => {
            last = state.clone();
            Ok(())
        }
        _ => Ok(()),
    });
    if outcome.is_ok() {
        return state;
    }
    let file = tiny.path("state.json");
    last.write(&file).expect("written");
    State::resume(&file, serde_json::Map::new()).expect("read back")
}

#[test]
fn a_search_that_is_stopped_after_any_block_of_pairs_ends_the_same() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let new = || State::new(serde_json::Map::new());
    let whole = run_until(&tiny, &features, new(), usize::MAX);
    assert!(whole.result.is_some() && whole.unfinished.is_none());
    // Six pairs are three blocks, and the depths after the first two another three each.
    for stop in [1, 2, 3, 4, 5, 7] {
        let stopped = run_until(&tiny, &features, new(), stop);
        assert_eq!(stopped.unfinished.is_some(), stop % 3 != 0, "after {stop} blocks");
        assert!(stopped.result.is_none());
        let resumed = run_until(&tiny, &features, stopped, usize::MAX);
        assert!(resumed == whole, "stopped after {stop} blocks");
    }
}

#[test]
fn a_complete_search_goes_on_to_a_greater_depth() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let engine = ["--engine", "cpu"];
    assert!(search(&tiny, &features, "whole.json", &engine).status.success());
    let out = tiny.arg("grown.json");
    let root = tiny.root().to_owned();
    let grow = |depth: &str| {
        let common = ["-q", "search", "--root", &root, "--split", "test", "--engine", "cpu"];
        let more = ["--features", &features, "--beam", "3", "--base", "0,1,2", "--resume"];
        hpflow(&[&common[..], &more, &["--depth", depth, "--out", &out]].concat())
    };
    for depth in ["1", "2", "4"] {
        let output = grow(depth);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let [whole, grown] =
        ["whole.json", "grown.json"].map(|name| fs::read(tiny.path(name)).expect("a file"));
    assert!(whole == grown, "the same bytes");
    fails(&grow("3"), 1, &["grown.json", "4 layers", "--depth 4"]);
}

#[test]
fn the_state_of_another_search_is_refused_in_a_sentence() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let engine = ["--engine", "cpu"];
    assert!(search(&tiny, &features, "a.json", &engine).status.success());
    let again = search(&tiny, &features, "a.json", &engine);
    fails(&again, 1, &["a.json", "is there already", "--resume"]);
    let other = ["--engine", "cpu", "--resume", "--alpha", "0.05"];
    let other = search(&tiny, &features, "a.json", &other);
    fails(&other, 1, &["a.json", "its alpha is 0.1, but 0.05", "another name"]);
    fs::write(tiny.path("b.json"), "{}").expect("written");
    let wrong = search(&tiny, &features, "b.json", &["--engine", "cpu", "--resume"]);
    fails(&wrong, 1, &["b.json", "no file of a search"]);
}

#[test]
fn a_file_that_contradicts_itself_or_the_benchmark_is_refused_in_a_sentence() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    assert!(search(&tiny, &features, "a.json", &["--engine", "cpu"]).status.success());
    let good = json(&tiny.path("a.json"));
    let right = good["best"][0].clone();
    let unfinished = |pairs: usize| serde_json::json!({ "pairs": pairs, "sets": [right] });
    let wrong: [(&str, &str, Value); 6] = [
        ("/depths/0/0/layers", "layer 99", serde_json::json!([0, 99])),
        ("/best", "no best one", serde_json::json!([])),
        ("/best/0/layers", "not among its sets", serde_json::json!([5, 6])),
        ("/best/0/right", "keypoints, and", serde_json::json!("3:Bw==")),
        ("/best/0/right", "no list of bits", serde_json::json!("9:Bw==")),
        ("/unfinished", "1000 pairs are done", unfinished(1000)),
    ];
    for (place, what, value) in wrong {
        let mut state = good.clone();
        match state.pointer_mut(place) {
            Some(at) => *at = value,
            None => state["unfinished"] = value,
        }
        fs::write(tiny.path("b.json"), state.to_string()).expect("written");
        let more = ["--engine", "cpu", "--resume"];
        let refused = search(&tiny, &features, "b.json", &more);
        fails(&refused, 1, &["b.json", "no file of a search", what]);
    }
}

#[test]
fn two_searches_cannot_write_one_file() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let lock = fs::File::create(tiny.path("a.json.lock")).expect("made");
    lock.lock().expect("locked");
    let second = search(&tiny, &features, "a.json", &["--engine", "cpu"]);
    fails(&second, 1, &["a.json", "another search is writing it"]);
    drop(lock);
    assert!(search(&tiny, &features, "a.json", &["--engine", "cpu"]).status.success());
    assert!(!tiny.path("a.json.lock").exists(), "nothing is left");
}

#[test]
fn what_cannot_be_searched_is_refused_in_a_sentence() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let refused = |more: &[&str], parts: &[&str]| {
        let root = tiny.root().to_owned();
        let out = tiny.arg("never.json");
        let common = ["-q", "search", "--root", &root, "--split", "test", "--out", &out];
        fails(&hpflow(&[&common[..], &["--features", &features], more].concat()), 2, parts);
        assert!(!tiny.path("never.json").exists());
    };
    refused(&["--base", "9"], &["--base", "no layer 9", "0, 1, 2"]);
    refused(&["--candidates", "1,2,1"], &["--candidates names layer 1 twice"]);
    refused(&["--layers", "0,1"], &["--layers 0,1", "--base and --candidates"]);
    refused(&["--beam", "0"], &["--beam", "at least 1"]);
}

#[test]
fn the_published_quirk_drops_candidates() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let engine = ["--engine", "cpu"];
    assert!(search(&tiny, &features, "a.json", &engine).status.success());
    let published = search(&tiny, &features, "b.json", &["--engine", "cpu", "--as-published"]);
    assert!(published.status.success(), "{}", text(&published.stderr));
    let [all, fewer] = ["a.json", "b.json"].map(|name| evaluated(&json(&tiny.path(name))));
    assert!(fewer.len() < all.len(), "{} of {} sets", fewer.len(), all.len());
    for sets in [&all, &fewer] {
        let mut layers: Vec<&String> = sets.iter().map(|(layers, _)| layers).collect();
        layers.sort_unstable();
        let count = layers.len();
        layers.dedup();
        assert_eq!(layers.len(), count, "no set is evaluated twice");
    }
}
