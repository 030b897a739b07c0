//! The method boundary: one table, and options that each method accepts or refuses.

use std::path::Path;

use hpflow::testing::backbone::hog::Hog;
use hpflow::testing::benchmark::{Benchmark, BenchmarkKind};
use hpflow::testing::engine::cpu::CpuEngine;
use hpflow::testing::engine::gpu::GpuError;
use hpflow::testing::engine::{
    Checked, Engine, EngineError, EngineKind, Matches, PairRequest, SetsRequest, StageTimes,
};
use hpflow::testing::hyperpixel::LayerSet;
use hpflow::testing::method::hpf::Hpf;
use hpflow::testing::method::{self, Method as _, OpenError, Options, Query};

use crate::cli::{Tiny, fails, hpflow, text};

#[test]
fn every_method_refuses_what_it_does_not_accept_and_says_whose_it_is() {
    for entry in method::table() {
        let asked = |options: Options| method::check(entry.name, &options).map(|entry| entry.name);
        assert_eq!(asked(Options::default()).expect("nothing is asked"), entry.name);
        let layers = asked(Options { layers: Some("0".into()), ..Options::default() });
        match entry.name {
            "hpf" => assert!(layers.is_ok()),
            name => {
                let said = layers.expect_err("layers are hpf's").to_string();
                assert!(said.contains("--layers") && said.contains(name), "{said}");
                assert!(said.contains("for hpf"), "{said}");
            }
        }
        for kind in [EngineKind::Gpu, EngineKind::Cpu, EngineKind::Dense] {
            let engine = asked(Options { engine: Some(kind), ..Options::default() });
            assert_eq!(engine.is_ok(), entry.engines.contains(&kind), "{} {kind:?}", entry.name);
        }
    }
}

#[test]
fn a_method_that_there_is_not_is_answered_with_those_that_there_are() {
    let Err(OpenError::Usage(said)) = method::open("sift", &Options::default()) else {
        panic!("there is no such method")
    };
    assert!(method::table().iter().all(|entry| said.contains(entry.name)), "{said}");
}

#[test]
fn the_command_line_refuses_before_any_work_and_lists_the_options_of_each_method() {
    let tiny = Tiny::new();
    let refused = tiny.predict_by("identity", "a.jsonl", &["--layers", "0"]);
    fails(&refused, 2, &["--layers is not for --method identity, but for hpf"]);
    let refused = hpflow(&[
        "match",
        "a",
        "b",
        "--keypoints",
        "1,1",
        "--method",
        "identity",
        "--weights",
        "x",
    ]);
    fails(&refused, 2, &["--weights", "identity"]);
    fails(&hpflow(&["bench", "--method", "identity", "--adapter", "x"]), 2, &["--adapter", "hpf"]);
    fails(&hpflow(&["bench", "--features", "x"]), 2, &["--features", "--pipeline"]);
    let help = text(&hpflow(&["predict", "--help"]).stdout);
    for entry in method::table() {
        assert!(help.contains(entry.about.split(',').next().expect("a line")), "{help}");
        let line = help.lines().rfind(|line| line.trim_start().starts_with(entry.name));
        let line = line.expect("a line of the method");
        assert!(entry.accepts.iter().all(|setting| line.contains(setting.option())), "{line}");
    }
}

#[test]
fn identity_matches_a_pair_of_ones_own() {
    let tiny = Tiny::new();
    let [a, b] = ["JPEGImages/mug/mug_0.png", "JPEGImages/mug/mug_1.png"].map(|p| tiny.arg(p));
    let flow = tiny.arg("a.flo");
    let output = hpflow(&[
        "-q",
        "match",
        &a,
        &b,
        "--method",
        "identity",
        "--keypoints",
        "45,20",
        "--flow",
        &flow,
    ]);
    assert_eq!(text(&output.stdout), "50.00,20.00\n", "{}", text(&output.stderr));
    let flow = hpflow::testing::flow::Flow::read(flow.as_ref()).expect("a flow");
    assert_eq!((flow.width, flow.height), (90, 80));
    assert_eq!(flow.vectors[45], Some([5.0, 0.0]));
}

/// The CPU engine with a limit: it takes no pair whose source has more hyperpixels.
pub struct Limited {
    /// What matches.
    pub engine: CpuEngine,
    /// The most hyperpixels of a source.
    pub most: usize,
}

impl Limited {
    fn check(&self, hyperpixels: usize) -> Result<(), EngineError> {
        if hyperpixels <= self.most {
            return Ok(());
        }
        let (what, unit) = ("matching the pair", "hyperpixels");
        let (needed, limit) = (hyperpixels as u64, self.most as u64);
        Err(GpuError::TooLarge { adapter: "a card".to_owned(), what, unit, needed, limit }.into())
    }
}

impl Engine for Limited {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn adapter(&self) -> String {
        "a card".to_owned()
    }

    fn match_checked_pairs(
        &mut self,
        pairs: Checked<PairRequest>,
    ) -> Result<Vec<Matches>, EngineError> {
        pairs.iter().try_for_each(|pair| self.check(pair.source.grid.len()))?;
        self.engine.match_checked_pairs(pairs)
    }

    fn match_checked_sets(
        &mut self,
        pairs: Checked<SetsRequest>,
        memory: usize,
    ) -> Result<Vec<Vec<Matches>>, EngineError> {
        let sets = pairs.iter().flat_map(|pair| &pair.sets);
        sets.map(|set| set.source.grid.len()).try_for_each(|cells| self.check(cells))?;
        self.engine.match_checked_sets(pairs, memory)
    }

    fn take_stage_times(&mut self) -> StageTimes {
        self.engine.take_stage_times()
    }
}

/// Photographs are 90, 100 and 110 pixels wide, and the last one is beyond the engine.
#[test]
fn a_pair_beyond_the_engine_is_named_and_those_before_it_are_kept() {
    let tiny = Tiny::new();
    let options = hpflow::testing::benchmark::BenchmarkOptions::default();
    let benchmark =
        Benchmark::open(BenchmarkKind::Spair, Path::new(tiny.root()), &options).expect("opens");
    let open = |most| {
        let engine = Limited { engine: CpuEngine::new(), most };
        let layers = LayerSet::published("spair", "hog").expect("layers");
        Hpf::new(Box::new(Hog), Box::new(engine), layers).expect("a method")
    };
    let pairs: Vec<usize> = (0..benchmark.pairs.len()).collect();
    let run = |method: &mut Hpf| {
        let mut found = Vec::new();
        let ended = method.predict(&benchmark, &pairs, &mut |outcome| {
            found.push((outcome.pair, outcome.keypoints.expect("keypoints")));
            Ok(())
        });
        (found, ended)
    };
    let (all, ended) = run(&mut open(usize::MAX));
    ended.expect("every pair");
    // Between the sizes of the second photograph and of the third.
    let cells = |width: u32| {
        let fits = |most: usize| {
            let image = &benchmark.images.iter().find(|one| one.size == Some([width, 80]));
            let path = &image.expect("a photograph").path;
            let mut method = open(most);
            let query = Query { source: path, target: path, keypoints: &[[9.0, 9.0]], flow: None };
            method.find(&query).is_ok()
        };
        (0..10_000).collect::<Vec<usize>>().partition_point(|&most| !fits(most))
    };
    let most = cells(100);
    assert!(most < cells(110), "the third is larger");
    let (some, ended) = run(&mut open(most));
    let said = ended.expect_err("a pair is too large").to_string();
    let is_large =
        |pair: usize| benchmark.images[benchmark.pairs[pair].source].path.ends_with("mug_2.png");
    let first = all.iter().position(|(pair, _)| is_large(*pair)).expect("a pair");
    assert!(first > 0 && some == all[..first], "the pairs before it: {some:?}");
    let target = benchmark.pairs[all[first].0].target;
    let target = &benchmark.images[target].path.display().to_string();
    for part in ["mug_2.png and ", target, "a card", "--engine cpu"] {
        assert!(said.contains(part), "no {part} in: {said}");
    }
    // A pair of one's own too.
    let mug = tiny.path("JPEGImages/mug/mug_2.png");
    let keypoints = &[[9.0, 9.0]];
    let query = Query { source: &mug, target: &mug, keypoints, flow: None };
    let said = open(most).find(&query).expect_err("too large").to_string();
    assert!(said.contains("mug_2.png and ") && said.contains("--engine cpu"), "{said}");
}
