//! The search for layer sets: every score is that of `predict` and `score`, whatever the engine,
//! the memory, the threads, and whether the search was stopped.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use hpflow::testing::backbone::FeatureMap;
use hpflow::testing::benchmark::{Benchmark, BenchmarkOptions};
use hpflow::testing::engine::cpu::CpuEngine;
use hpflow::testing::engine::{
    Checked, Engine, EngineError, Matches, PairRequest, SetsRequest, StageTimes,
};
use hpflow::testing::features::{
    Description, Features, FeaturesHeader, Layer, Precision, VERSION, file_of, write,
};
use hpflow::testing::image::scaled_size;
use hpflow::testing::score::default_for;
use hpflow::testing::search::{
    Evaluation, EvaluationError, EvaluationEvent, PAIR_BLOCK, Search, SearchPlan, SetEvaluator,
    State, StateError,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::cli::{Tiny, fails, hpflow, text};
use crate::shared::shared;

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

/// Features of a made-up network for every photograph of the tiny benchmark.
pub fn made_up(tiny: &Tiny, name: &str) -> String {
    make_up(&opened("spair", tiny.root(), &BenchmarkOptions::default()), &tiny.path(name));
    tiny.arg(name)
}

fn opened(benchmark: &str, root: &str, options: &BenchmarkOptions) -> Benchmark {
    let kind = benchmark.parse().expect("a benchmark");
    Benchmark::open(kind, Path::new(root), options).expect("opens")
}

/// Features of a made-up network for every photograph of a benchmark.
fn make_up(benchmark: &Benchmark, folder: &Path) {
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
        let original = hpflow::testing::image::size(&image.path).expect("a photograph");
        let ([width, height], _) = scaled_size(original, 300);
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
        let header = FeaturesHeader {
            version: VERSION,
            arithmetic: None,
            benchmark: Some(benchmark.name().to_owned()),
            photograph: image.name.clone(),
            sha256: Some(crate::features::sha256(&image.path)),
            original_size: original,
            resized_size: [width, height],
            ratio: None,
            offset: None,
            description: description.clone(),
        };
        write(&file_of(folder, &image.name), &header, &maps).expect("written");
    }
}

/// `hpflow search` on made-up features.
pub fn search(tiny: &Tiny, features: &str, out: &str, more: &[&str]) -> std::process::Output {
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
fn every_score_is_that_of_predict_and_score_on_the_cpu_engine() {
    every_score_is_that_of_predict_and_score("cpu", "0,1,2,3,4,5,6", 30, 6);
}

/// Software Vulkan starts slowly, so fewer sets than by the CPU engine.
#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn every_score_is_that_of_predict_and_score_on_the_gpu_engine() {
    every_score_is_that_of_predict_and_score("gpu", "2,4,5", 7, 3);
}

/// Searches, and holds the score of every `step`th set to `predict` and `score`.
fn every_score_is_that_of_predict_and_score(
    engine: &str,
    candidates: &str,
    least: usize,
    step: usize,
) {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let more = ["--engine", engine, "--candidates", candidates];
    let output = search(&tiny, &features, "search.json", &more);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let all = evaluated(&json(&tiny.path("search.json")));
    assert!(all.len() >= least, "{} sets", all.len());
    let folder = tiny.path(engine);
    fs::create_dir(&folder).expect("a folder");
    let root = tiny.root().to_owned();
    let predict = ["--root", &root, "--features", &features, "--engine", engine];
    for (layers, pck) in all.iter().step_by(step) {
        assert_eq!(score(&root, &predict, &folder, layers), *pck, "{engine}, {layers}");
    }
}

/// The first pairs of a category of a benchmark on the disk.
struct Part<'a> {
    benchmark: &'a str,
    root: &'a str,
    category: &'a str,
    limit: usize,
}

/// What is searched of the features that [`Part::keep`] keeps.
struct Wanted<'a> {
    engine: &'a str,
    bases: &'a str,
    candidates: &'a str,
    depth: &'a str,
    least: usize,
}

/// Layers that are kept of the untrained ResNet-50: three at the finest resolution, as in the made-up
/// network, two at the next, and a coarser one.
const KEPT: &str = "0,1,2,5,6,9";

/// Two layers of the second resolution and a coarser one: software Vulkan takes its time over the
/// finest.
const SMALL: [&str; 2] = if cfg!(feature = "torch") { ["5", "6,9"] } else { ["3", "4,5"] };

impl Part<'_> {
    /// The options that say which pairs.
    fn options(&self) -> Vec<String> {
        let limit = self.limit.to_string();
        let Self { benchmark, root, category, .. } = *self;
        ["--benchmark", benchmark, "--root", root, "--category", category, "--limit", &limit]
            .map(str::to_owned)
            .to_vec()
    }

    /// Runs a command on these pairs.
    #[track_caller]
    fn run(&self, command: &str, more: &[&str]) {
        let which = self.options();
        let which: Vec<&str> = which.iter().map(String::as_str).collect();
        let output = hpflow(&[&["-q", command], &which[..], more].concat());
        assert!(output.status.success(), "{command} {more:?}: {}", text(&output.stderr));
    }

    /// Features of several layers: the untrained ResNet-50's of the photographs, or in a build
    /// without libtorch the made-up network's.
    fn keep(&self, folder: &str) {
        if cfg!(feature = "torch") {
            let network = ["--backbone", "resnet50", "--weights", "untrained"];
            self.run("features", &[&network[..], &["--layers", KEPT, "--out", folder]].concat());
        } else {
            let categories = vec![self.category.to_owned()];
            let options = BenchmarkOptions {
                categories,
                limit: Some(self.limit),
                ..BenchmarkOptions::default()
            };
            make_up(&opened(self.benchmark, self.root, &options), Path::new(folder));
        }
    }

    /// Searches, and holds the score of every set to `predict` and `score`.
    fn holds(&self, folder: &Path, features: &str, wanted: &Wanted) {
        let engine = ["--features", features, "--engine", wanted.engine];
        let out = folder.join(format!("{}.json", wanted.engine));
        let out_argument = out.to_str().expect("UTF-8");
        let plan = ["--base", wanted.bases, "--candidates", wanted.candidates, "--beam", "2"];
        let depth = ["--depth", wanted.depth, "--split", "test", "--out", out_argument];
        self.run("search", &[&engine[..], &plan, &depth].concat());
        let all = evaluated(&json(&out));
        assert!(all.len() >= wanted.least, "{all:?}");
        // Noise may get nothing right of two pairs.
        let tell = all.iter().any(|(_, pck)| *pck > 0.0 && *pck < 100.0);
        assert!(tell || cfg!(not(feature = "torch")), "scores tell sets apart: {all:?}");
        let which = self.options();
        let which = which.iter().map(String::as_str).chain(engine);
        let predict: Vec<&str> = which.collect();
        for (layers, pck) in &all {
            let scored = score(self.root, &predict, folder, layers);
            assert_eq!(scored, *pck, "{}, {}, {layers}", self.category, wanted.engine);
        }
    }

    /// Holds the CPU engine to it with these bases and candidates.
    fn the_cpu_engine_holds(&self, [bases, candidates]: [&str; 2], least: usize) {
        self.hold(&Wanted { engine: "cpu", bases, candidates, depth: "3", least });
    }

    /// Holds the GPU engine to it, with fewer pairs and sets.
    fn the_gpu_engine_holds(&self) {
        let [bases, candidates] = SMALL;
        let wanted = Wanted { engine: "gpu", bases, candidates, depth: "2", least: 3 };
        Part { limit: 2, ..*self }.hold(&wanted);
    }

    fn hold(&self, wanted: &Wanted) {
        let folder = tempfile::tempdir().expect("a folder");
        let features = folder.path().join("features");
        let features = features.to_str().expect("UTF-8");
        self.keep(features);
        self.holds(folder.path(), features, wanted);
    }
}

/// A demo benchmark of one category in a folder.
fn demo(folder: &Path) -> String {
    let root = folder.join("demo");
    let root = root.to_str().expect("UTF-8");
    let output = hpflow(&["dataset", "demo", root, "--images", "3", "--category", "car"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    root.to_owned()
}

#[test]
fn every_score_on_the_demo_benchmark_is_that_of_predict_and_score() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = &demo(folder.path());
    let part = Part { benchmark: "spair", root, category: "car", limit: 6 };
    part.the_cpu_engine_holds(["0,2", "0,1,2,5,6"], 12);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn every_score_on_the_demo_benchmark_is_that_of_predict_and_score_on_the_gpu_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = &demo(folder.path());
    Part { benchmark: "spair", root, category: "car", limit: 6 }.the_gpu_engine_holds();
}

#[test]
#[cfg_attr(not(present = "pf-willow"), ignore = "needs HPFLOW_SHARED/data/PF-dataset-WILLOW")]
fn every_score_on_pf_willow_is_that_of_predict_and_score() {
    let root = shared("data/PF-dataset-WILLOW");
    let root = root.to_str().expect("UTF-8");
    let part = Part { benchmark: "pf-willow", root, category: "duck(S)", limit: 3 };
    part.the_cpu_engine_holds(["0", "0,1,2,5"], 7);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
#[cfg_attr(not(present = "pf-willow"), ignore = "needs HPFLOW_SHARED/data/PF-dataset-WILLOW")]
fn every_score_on_pf_willow_is_that_of_predict_and_score_on_the_gpu_engine() {
    let root = shared("data/PF-dataset-WILLOW");
    let root = root.to_str().expect("UTF-8");
    Part { benchmark: "pf-willow", root, category: "duck(S)", limit: 3 }.the_gpu_engine_holds();
}

#[test]
fn a_search_from_photographs_is_that_from_their_features_byte_for_byte() {
    let tiny = Tiny::new();
    let (network, layers, depth): (&[&str], _, _) = if cfg!(feature = "torch") {
        (&["--backbone", "resnet50", "--weights", "untrained"], "0,1,9", "3")
    } else {
        (&["--backbone", "hog"], "0", "1")
    };
    let features = tiny.arg("kept");
    let first = ["-q", "features", "--root", tiny.root(), "--layers", layers, "--out", &features];
    let output = hpflow(&[&first, network].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let search = |out: &str, more: &[&str]| {
        let out = tiny.arg(out);
        let first = ["-q", "search", "--root", tiny.root(), "--split", "test", "--engine", "cpu"];
        let plan = ["--base", "0", "--candidates", layers, "--depth", depth, "--out", &out];
        let output = hpflow(&[&first[..], &plan, more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        fs::read(out).expect("a search")
    };
    let straight = search("straight.json", network);
    assert!(!tiny.path("straight.json.features").exists(), "the maps are gone with the search");
    let folder = tiny.path("beside.json.features");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("notes.txt"), "mine").expect("a file");
    assert!(search("beside.json", network) == straight);
    let left: Vec<_> = fs::read_dir(&folder).expect("a folder").collect();
    assert_eq!(left.len(), 1, "maps alone are removed: {left:?}");
    assert_eq!(fs::read_to_string(folder.join("notes.txt")).expect("the file"), "mine");
    let kept = search("kept.json", &["--features", &features]);
    assert!(straight == kept, "{}\n{}", text(&straight), text(&kept));
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

/// The CPU engine, and what it is given at a time.
struct Watched {
    engine: CpuEngine,
    /// For every call: its pairs by their stacks' numbers, and the bytes of all stacks.
    calls: Vec<(Vec<[u64; 2]>, usize)>,
}

impl Engine for Watched {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn adapter(&self) -> String {
        self.engine.adapter()
    }

    fn match_checked_pairs(
        &mut self,
        pairs: Checked<PairRequest>,
    ) -> Result<Vec<Matches>, EngineError> {
        self.engine.match_checked_pairs(pairs)
    }

    fn match_checked_sets(
        &mut self,
        pairs: Checked<SetsRequest>,
        memory: usize,
    ) -> Result<Vec<Vec<Matches>>, EngineError> {
        let stacks = pairs.iter().flat_map(|pair| [&pair.source, &pair.target]);
        let bytes: HashMap<u64, usize> = stacks.map(|one| (one.id, one.bytes())).collect();
        let ids = pairs.iter().map(|pair| [pair.source.id, pair.target.id]).collect();
        self.calls.push((ids, bytes.values().sum()));
        self.engine.match_checked_sets(pairs, memory)
    }

    fn take_stage_times(&mut self) -> StageTimes {
        self.engine.take_stage_times()
    }
}

#[test]
fn the_photographs_of_a_block_are_under_the_memory_and_a_pair_stays_with_its_mirror() {
    // 132 pairs, each with its mirror.
    let tiny = Tiny::of(12);
    let features = made_up(&tiny, "features");
    let benchmark = opened("spair", tiny.root(), &BenchmarkOptions::default());
    let features = Features::open(Path::new(&features), &benchmark.images).expect("features");
    let (mut results, mut calls) = (Vec::new(), Vec::new());
    for memory in [1, 1 << 20, 3 << 19, 2 << 20, 1 << 30] {
        let mut watched = Watched { engine: CpuEngine::new(), calls: Vec::new() };
        let mut evaluator = SetEvaluator {
            benchmark: &benchmark,
            features: &features,
            engine: &mut watched,
            protocol: default_for(hpflow::testing::benchmark::BenchmarkKind::Spair),
            alpha: "0.1".parse().expect("an alpha"),
            layers: (0..LAYERS.len()).collect(),
            memory,
            block: PAIR_BLOCK,
        };
        let sets = ["2,4,5".parse().expect("a set")];
        let all = evaluator.evaluate(&sets, Evaluation::default(), &mut |_| Ok(()));
        results.push(all.expect("an evaluation"));
        let pairs: Vec<usize> = watched.calls.iter().map(|(pairs, _)| pairs.len()).collect();
        assert_eq!(pairs.iter().sum::<usize>(), 132);
        assert!(pairs.iter().all(|&pairs| pairs <= PAIR_BLOCK), "{pairs:?}");
        for (pairs, bytes) in &watched.calls {
            assert!(*bytes <= memory || pairs.len() == 2, "{bytes} of {memory} bytes");
            for couple in pairs.chunks(2) {
                assert_eq!(couple[0], [couple[1][1], couple[1][0]], "the mirror's photographs");
            }
        }
        calls.push(pairs.len());
    }
    assert_eq!((calls[0], calls[4]), (66, 9), "a pair with its mirror at least, a block at most");
    assert!(calls.is_sorted_by(|more, fewer| more > fewer), "{calls:?}");
    assert!(results.iter().all(|one| *one == results[0]), "the memory decides no number");
}

/// Searches with the library until the `stop`-th block of pairs, two pairs a block; the state as
/// last told, in the form of the file.
fn run_until(tiny: &Tiny, features: &str, state: State, stop: usize) -> State {
    let benchmark = opened("spair", tiny.root(), &BenchmarkOptions::default());
    let features = Features::open(Path::new(features), &benchmark.images).expect("features");
    let mut engine = CpuEngine::new();
    let evaluator = SetEvaluator {
        benchmark: &benchmark,
        features: &features,
        engine: &mut engine,
        protocol: default_for(hpflow::testing::benchmark::BenchmarkKind::Spair),
        alpha: "0.1".parse().expect("an alpha"),
        layers: (0..LAYERS.len()).collect(),
        memory: 1 << 30,
        block: 2,
    };
    let candidates = (0..LAYERS.len()).collect();
    let plan = SearchPlan { bases: vec![0, 1, 2], candidates, beam: 3, as_published: false };
    let mut state = state;
    let (mut blocks, mut last) = (0, state.clone());
    let outcome = Search { evaluator, plan, depth: 4 }.run(&mut state, &mut |event| match event {
        EvaluationEvent::Advanced(_) if blocks == stop => {
            Err(EvaluationError::State(StateError::Write {
                file: "stopped".into(),
                reason: "as if killed".to_owned(),
            }))
        }
        EvaluationEvent::Advanced(_) => {
            blocks += 1;
            Ok(())
        }
        EvaluationEvent::Changed(state) => {
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

/// Kills a process as the system does when memory is short: nothing of it runs any more.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Where the test has failed before, the process must not stay.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_pair_beyond_the_engine_is_named() {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let benchmark = opened("spair", tiny.root(), &BenchmarkOptions::default());
    let features = Features::open(Path::new(&features), &benchmark.images).expect("features");
    // The three photographs have 418, 456 and 513 hyperpixels.
    for (most, fits) in [(513, true), (480, false)] {
        let mut engine = crate::method::Limited { engine: CpuEngine::new(), most };
        let mut evaluator = SetEvaluator {
            benchmark: &benchmark,
            features: &features,
            engine: &mut engine,
            protocol: default_for(hpflow::testing::benchmark::BenchmarkKind::Spair),
            alpha: "0.1".parse().expect("an alpha"),
            layers: vec![0, 3],
            memory: 1 << 20,
            block: 16,
        };
        let sets = ["0".parse().expect("a set"), "0,3".parse().expect("a set")];
        let found = evaluator.evaluate(&sets, Default::default(), &mut |_| Ok(()));
        match found {
            Ok(_) => assert!(fits),
            Err(error) => {
                let said = error.to_string();
                assert!(!fits && said.contains("mug_2.png and "), "{said}");
                assert!(said.contains("option `engine` = `cpu`"), "{said}");
            }
        }
    }
}

#[test]
fn a_search_that_is_killed_is_continued_to_the_same_bytes() {
    // 132 pairs, nine blocks a depth.
    let tiny = Tiny::of(12);
    let features = made_up(&tiny, "features");
    let arguments = |out: &str, more: &[&str]| -> Vec<String> {
        let out = tiny.arg(out);
        let common = ["-q", "search", "--root", tiny.root(), "--split", "test", "--engine", "cpu"];
        let plan = ["--features", &features, "--threads", "1", "--depth", "5", "--out", &out];
        [&common[..], &plan, more].concat().into_iter().map(str::to_owned).collect()
    };
    let run = |out: &str, more: &[&str]| {
        let arguments = arguments(out, more);
        hpflow(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(run("whole.json", &[]).status.success());

    let mut process = std::process::Command::new(assert_cmd::cargo::cargo_bin("hpflow"));
    process.args(arguments("killed.json", &[])).stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = Killed(process.spawn().expect("a run"));
    let state = loop {
        let ended = killed.0.try_wait().expect("a process");
        assert!(ended.is_none(), "the search ended before it was killed; give it more to do");
        if tiny.path("killed.json").exists() {
            break json(&tiny.path("killed.json"));
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    killed.0.kill().expect("killed");
    let status = killed.0.wait().expect("a process");
    assert!(!status.success(), "it was killed before it ended");
    assert!(state["unfinished"]["pairs"].as_u64().is_some_and(|pairs| pairs < 132), "{state}");
    // What it wrote last, between that look and its end, is what counts.
    let state = json(&tiny.path("killed.json"));
    assert!(state.get("result").is_none(), "it had more to do: {state}");

    let refused = run("killed.json", &[]);
    fails(&refused, 1, &["killed.json", "is there already", "--resume"]);
    let resumed = run("killed.json", &["--resume"]);
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    let [whole, killed] =
        ["whole.json", "killed.json"].map(|name| fs::read(tiny.path(name)).expect("a file"));
    assert!(whole == killed, "the same bytes");
    assert!(!tiny.path("killed.json.lock").exists(), "nothing is left");
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
    fails(&wrong, 1, &["b.json", "is not the file of a search"]);
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
        ("/best/0/right", "keypoints, expected", serde_json::json!("3:Bw==")),
        ("/best/0/right", "not a list of bits", serde_json::json!("9:Bw==")),
        ("/unfinished", "1000 of ", unfinished(1000)),
    ];
    for (place, what, value) in wrong {
        let mut state = good.clone();
        state["sha256"] = "".into();
        match state.pointer_mut(place) {
            Some(at) => *at = value,
            None => state["unfinished"] = value,
        }
        let file = tiny.path("b.json");
        match serde_json::from_value::<State>(state.clone()) {
            Ok(state) => state.write(&file).expect("written"),
            Err(_) => fs::write(file, state.to_string()).expect("written"),
        }
        let more = ["--engine", "cpu", "--resume"];
        let refused = search(&tiny, &features, "b.json", &more);
        fails(&refused, 1, &["b.json", "is not the file of a search", what]);
    }
}

/// The file of a search that was stopped in the middle of its last depth.
static STOPPED: LazyLock<String> = LazyLock::new(|| {
    let tiny = Tiny::new();
    let features = made_up(&tiny, "features");
    let stopped = run_until(&tiny, &features, State::new(serde_json::Map::new()), 7);
    assert!(stopped.unfinished.is_some() && !stopped.best.is_empty());
    let file = tiny.path("stopped.json");
    stopped.write(&file).expect("written");
    fs::read_to_string(file).expect("a file")
});

/// What a search would go on from.
fn resumed(bytes: &[u8]) -> Result<State, StateError> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), bytes).expect("written");
    State::resume(file.path(), serde_json::Map::new())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// A file that was changed anywhere is refused, or says the same in another form.
    #[test]
    fn a_changed_file_gives_no_other_result(
        at in 0.0f64..1.0, cut in 0usize..12, put in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = STOPPED.as_bytes().to_vec();
        let at = (at * bytes.len() as f64) as usize;
        bytes.splice(at..(at + cut).min(bytes.len()), put);
        if let Ok(state) = resumed(&bytes) {
            prop_assert!(state == resumed(STOPPED.as_bytes()).expect("a search"));
        }
    }

    /// Digits are what a change would most likely pass unseen in: the last of a score may be one that
    /// makes no other number.
    #[test]
    fn a_changed_digit_gives_no_other_result(at in any::<prop::sample::Index>(), by in 1u8..10) {
        let mut bytes = STOPPED.as_bytes().to_vec();
        let digits: Vec<usize> =
            (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
        let at = digits[at.index(digits.len())];
        bytes[at] = b'0' + (bytes[at] - b'0' + by) % 10;
        if let Ok(state) = resumed(&bytes) {
            prop_assert!(state == resumed(STOPPED.as_bytes()).expect("a search"));
        }
    }

    #[test]
    fn what_is_no_search_at_all_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(resumed(&bytes).is_err());
    }
}

#[test]
fn a_file_larger_than_any_search_is_refused_unread() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.json");
    // A hole: it takes no space on the disk.
    fs::File::create(&path).and_then(|file| file.set_len(1 << 40)).expect("a file");
    let refused = |path: &Path| {
        State::resume(path, serde_json::Map::new()).map(drop).map_err(|error| error.to_string())
    };
    let said = refused(&path).expect_err("refused");
    assert!(said.contains("large.json") && said.contains("1099511627776 bytes"), "{said}");
    let said = refused(folder.path()).expect_err("refused");
    assert!(said.contains("another name"), "{said}");
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
    refused(&["--precision", "f16"], &["--precision f16", "leave --precision out"]);
}

#[test]
fn the_help_offers_nothing_that_is_refused() {
    let help = text(&hpflow(&["search", "--help"]).stdout);
    assert!(help.contains("--backbone") && help.contains("--engine"), "{help}");
    for refused in ["--layers", "--precision", "f16", "vgg16", "learned"] {
        assert!(!help.contains(refused), "{refused} in {help}");
    }
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
