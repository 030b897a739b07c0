//! The method boundary: one table, and options that each method accepts or refuses.

use std::collections::BTreeMap;
use std::path::Path;

use hpflow::testing::backbone::hog::Hog;
use hpflow::testing::benchmark::{Benchmark, BenchmarkKind};
use hpflow::testing::engine::cpu::CpuEngine;
use hpflow::testing::engine::gpu::GpuError;
use hpflow::testing::engine::{
    Checked, Engine, EngineError, EngineKind, Matches, PairRequest, SetsRequest, StageTimes,
};
use hpflow::testing::image::{Photo, read};
use hpflow::testing::method::hpf::{BackboneKind, Hpf, INFO, published_layers};
use hpflow::testing::method::{
    self, Method as _, OpenError, Query, Request, Work, WorkPair, WorkPhotograph, identity,
};

use hpflow::task::{PredictError, PredictOptions, StopReason, predict};
use hpflow::testing::predictions::Reader;

use crate::cli::{Tiny, fails, hpflow, text};

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn every_method_refuses_what_it_does_not_accept_and_says_whose_it_is() {
    for method in method::table() {
        let asked = |request: Request| method::parse(method.name, &request).map(drop);
        let plain = || match method.options.contains(&"stages") || method.name == "ncnet" {
            true => Request::new(BenchmarkKind::Spair).with("weights", "untrained"),
            false => Request::new(BenchmarkKind::Spair),
        };
        asked(plain()).expect("no more than it needs");
        let layers = asked(plain().with("layers", "0"));
        match method.name {
            "hpf" => assert!(layers.is_ok()),
            name => {
                let said = layers.expect_err("layers are hpf's");
                assert!(said.is_usage());
                assert_eq!(
                    said.to_string(),
                    format!("`layers` is not for `method` {name}, but for hpf; leave it out")
                );
            }
        }
        for kind in ["gpu", "cpu", "dense"] {
            let engine = asked(plain().with("engine", kind));
            assert_eq!(engine.is_ok(), method.engines.contains(&kind), "{} {kind}", method.name);
        }
        assert_eq!(asked(plain().with("engine", "auto")).is_ok(), !method.engines.is_empty());
        let said = asked(plain().with("colour", "red")).expect_err("nobody's").to_string();
        assert!(said.starts_with("`colour` is not for `method`"), "{said}");
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn what_makes_no_sense_is_refused_with_its_option_and_nothing_is_a_default_in_silence() {
    let said = |name: &str, options: &[(&str, &str)]| {
        let request = Request::new(BenchmarkKind::Spair);
        let request = options.iter().fold(request, |all, (option, value)| all.with(option, *value));
        let error = method::parse(name, &request).map(drop).expect_err("refused");
        assert!(error.is_usage(), "{error}");
        error.to_string()
    };
    for (name, options, expected) in [
        ("hpf", &[("layers", "9,2")][..], "`layers` 9,2: layer 2 follows layer 9"),
        (
            "hpf",
            &[("backbone", "vgg16")],
            "`backbone` vgg16: there is no backbone 'vgg16'; there are resnet50, resnet101, hog",
        ),
        ("hpf", &[("precision", "f64")], "`precision` f64: hpflow has f32, f16"),
        ("hpf", &[("weights", "a b")], "`weights` a b: "),
        ("hpf", &[("backbone", "hog"), ("weights", "x")], "hog is no network"),
        ("hpf", &[("engine", "cpu"), ("adapter", "x")], "`engine` cpu uses none"),
        ("ncnet", &[], "`method` ncnet needs `weights`"),
        ("ncnet", &[("weights", "untrained"), ("direction", "up")], "direct, inverse"),
        ("a2net", &[("weights", "a,,b")], "`weights` a,,b: give one file or two"),
        ("a2net", &[("weights", "a"), ("stages", "homography")], "affine-tps, affine, tps"),
        ("cnngeo", &[("weights", "a"), ("engine", "gpu")], "it has cpu, dense"),
    ] {
        let said = said(name, options);
        assert!(said.contains(expected) && !said.contains("--"), "{said}");
    }
}

#[test]
fn a_layer_set_is_a_published_one_or_refused_with_those_that_were() {
    let set = |backbone, kind| published_layers(backbone, kind).map(|set| set.to_string());
    // HPF, section 4.1 and its code.
    for (backbone, kind, layers) in [
        (BackboneKind::ResNet50, BenchmarkKind::Spair, "0,9,10,11,12,13"),
        (BackboneKind::ResNet101, BenchmarkKind::Spair, "0,8,20,21,26,28,29,30"),
        (BackboneKind::ResNet50, BenchmarkKind::PfWillow, "2,7,11,12,13"),
        (BackboneKind::ResNet50, BenchmarkKind::PfPascal, "2,7,11,12,13"),
        (BackboneKind::ResNet50, BenchmarkKind::Caltech101, "2,7,11,12,13"),
        (BackboneKind::ResNet101, BenchmarkKind::PfWillow, "2,17,21,22,25,26,28"),
        (BackboneKind::ResNet101, BenchmarkKind::PfPascal, "2,17,21,22,25,26,28"),
        (BackboneKind::Hog, BenchmarkKind::Tss, "0"),
    ] {
        assert_eq!(set(backbone, kind).expect("published"), layers);
    }
    let said = set(BackboneKind::ResNet101, BenchmarkKind::Tss).expect_err("none").to_string();
    assert_eq!(
        said,
        "no layer set was published for resnet101 on tss, only on spair, pf-willow, pf-pascal; choose \
         layers with `layers`"
    );
    let said =
        INFO.published_layers("dino", BenchmarkKind::Spair, [3, 7]).expect_err("none").to_string();
    assert!(said.contains("only for resnet50, resnet101, hog"), "{said}");
    assert!(said.ends_with("choose among its layers 3, 7 with `layers`"), "{said}");
    let tiny = Tiny::new();
    let refused = tiny.predict_by("hpf", "a.jsonl", &["--layers", "2,1"]);
    fails(&refused, 2, &["--layers 2,1: layer 1 follows layer 2"]);
}

#[test]
fn a_method_that_there_is_not_is_answered_with_those_that_there_are() {
    let error =
        method::open("sift", &Request::new(BenchmarkKind::Spair)).map(drop).expect_err("none");
    let said = error.to_string();
    assert!(matches!(error, OpenError::UnknownMethod { .. }) && error.is_usage());
    assert!(method::table().iter().all(|method| said.contains(method.name)), "{said}");
}

/// Photographs that are no files, of no benchmark.
#[test]
fn pixels_are_matched_as_the_same_photograph_s_file_is() {
    let tiny = Tiny::new();
    let paths = ["mug_0.png", "mug_1.png"].map(|name| tiny.path("JPEGImages/mug").join(name));
    let pixels = paths.each_ref().map(|path| read(path).expect("a photograph"));
    let keypoints = [[45.0, 20.0], [30.5, 40.0]];
    let methods: [fn() -> Box<dyn method::Method>; 2] = [
        || {
            let hpf = Hpf::builder().backbone(BackboneKind::Hog).engine(EngineKind::Cpu);
            Box::new(hpf.build().expect("a method"))
        },
        || Box::new(identity::Identity),
    ];
    for open in methods {
        let run = |photos: [Photo; 2]| {
            let work = Work::new(
                photos.map(WorkPhotograph::new).to_vec(),
                [(3, 0, 1), (9, 1, 0)]
                    .map(|(number, source, target)| WorkPair {
                        number,
                        source,
                        target,
                        keypoints: &keypoints,
                    })
                    .to_vec(),
            );
            let (mut method, mut found) = (open(), Vec::new());
            // On a thread of its own, which only a method that is Send can go to.
            let work = work.expect("work");
            std::thread::scope(|scope| {
                let predict = || {
                    method.predict(&work, &mut |outcome| {
                        found.push((outcome.pair, outcome.keypoints.expect("keypoints")));
                        Ok(())
                    })
                };
                scope.spawn(predict).join().expect("no panic").expect("outcomes");
            });
            let [source, target] = photos;
            let flow = Some([pixels[0].width, pixels[0].height]);
            let query = Query { source, target, keypoints: &keypoints, flow };
            let matched = open().match_pair(&query).expect("a match");
            assert_eq!(matched.keypoints, found[0].1);
            (found, matched)
        };
        let files = run([Photo::from(&paths[0]), Photo::from(&paths[1])]);
        assert_eq!(files.0.iter().map(|one| one.0).collect::<Vec<_>>(), [3, 9]);
        assert_eq!(run([Photo::from(&pixels[0]), Photo::from(&pixels[1])]), files);
        assert_eq!(run([Photo::from(&paths[0]), Photo::from(&pixels[1])]), files);
    }
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
        // And the command line has each of them.
        let has = |option: &&str| help.contains(&format!("      --{option} <"));
        assert!(entry.options.iter().all(has), "{help}");
        assert!(entry.options.iter().all(|option| line.contains(&format!("--{option}"))), "{line}");
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
fn a_pair_beyond_the_engine_is_named_and_costs_no_other_pair() {
    let tiny = Tiny::new();
    let options = hpflow::testing::benchmark::BenchmarkOptions::default();
    let benchmark =
        Benchmark::open(BenchmarkKind::Spair, Path::new(tiny.root()), &options).expect("opens");
    let open = |most| {
        let engine = Limited { engine: CpuEngine::new(), most };
        let layers = published_layers(BackboneKind::Hog, BenchmarkKind::Spair).expect("layers");
        Hpf::new(Box::new(Hog), Box::new(engine), layers).expect("a method")
    };
    let pairs: Vec<usize> = (0..benchmark.pairs.len()).collect();
    let run = |method: &mut Hpf| {
        let mut found = BTreeMap::new();
        let each = &mut |outcome: method::Outcome| {
            found.insert(outcome.pair, outcome.keypoints.map_err(|why| why.to_string()));
            Ok(())
        };
        method.predict(&Work::of(&benchmark, &pairs), each).expect("an outcome for every pair");
        found
    };
    let all = run(&mut open(usize::MAX));
    // Between the sizes of the second photograph and of the third.
    let query = |path| {
        let photo = Photo::File(path);
        Query { source: photo, target: photo, keypoints: &[[9.0, 9.0]], flow: None }
    };
    let cells = |width: u32| {
        let fits = |most: usize| {
            let image = &benchmark.images.iter().find(|one| one.size == Some([width, 80]));
            let path = &image.expect("a photograph").path;
            open(most).match_pair(&query(path)).is_ok()
        };
        (0..10_000).collect::<Vec<usize>>().partition_point(|&most| !fits(most))
    };
    let most = cells(100);
    assert!(most < cells(110), "the third is larger");
    let some = run(&mut open(most));
    assert_eq!(some.len(), all.len());
    let mut large = 0;
    for (pair, outcome) in some {
        let photograph = |image: usize| benchmark.images[image].path.display().to_string();
        let pair_of = &benchmark.pairs[pair];
        match outcome {
            Ok(found) => assert_eq!(all[&pair], Ok(found)),
            Err(said) => {
                large += 1;
                assert!(photograph(pair_of.source).ends_with("mug_2.png"), "{said}");
                let both = [pair_of.source, pair_of.target].map(photograph).join(" and ");
                for part in [&*both, "a card", "option `engine` = `cpu`"] {
                    assert!(said.contains(part), "no {part} in: {said}");
                }
            }
        }
    }
    assert!(large > 0 && large < all.len());
    // A pair of one's own too.
    let mug = tiny.path("JPEGImages/mug/mug_2.png");
    let said = open(most).match_pair(&query(&mug)).expect_err("too large").to_string();
    assert!(said.contains("mug_2.png and ") && said.contains("option `engine` = `cpu`"), "{said}");

    // In a file: without more the run stops and what was predicted is kept; asked to go on, it leaves
    // those pairs unanswered and names them.
    let out = tiny.path("some.jsonl");
    let run = |keep_going, resume| {
        let mut options = PredictOptions::default();
        (options.keep_going, options.resume) = (keep_going, resume);
        predict((&benchmark, &[]), &mut open(most), &out, &options, &mut |_| {})
    };
    let Err(PredictError::Stopped { why, partial: Some(partial) }) = run(false, false) else {
        panic!("it has to stop")
    };
    assert!(matches!(&*why, StopReason::TooLarge(_)) && why.to_string().contains("mug_2.png"));
    assert!(partial.exists());
    let done = run(true, true).expect("it goes on");
    assert_eq!((done.too_large.len(), done.unusable.len(), done.whole), (large, 0, true));
    let (mut answered, mut unanswered) = (0, 0);
    for (prediction, pair) in Reader::open(&out).expect("predictions").zip(&benchmark.pairs) {
        let prediction = prediction.expect("a line");
        assert_eq!(prediction.pair, pair.id);
        *(if prediction.is_answered() { &mut answered } else { &mut unanswered }) += 1;
    }
    assert_eq!((answered, unanswered), (all.len() - large, large));
    // They are tried again, as those of photographs that cannot be used are.
    let again = run(true, true).expect("it goes on");
    assert_eq!(again.too_large.len(), large);
    let mut engine = open(usize::MAX);
    let mut options = PredictOptions::default();
    options.resume = true;
    let again = predict((&benchmark, &[]), &mut engine, &out, &options, &mut |_| {});
    assert!(again.expect("a larger card").too_large.is_empty());
    let lines = Reader::open(&out).expect("predictions");
    assert!(lines.map(|line| line.expect("a line")).all(|line| line.is_answered()));
}
