//! The method boundary: one table, and options that each method heeds or refuses.

use hpflow::engine::EngineKind;
use hpflow::method::{self, OpenError, Options};

use crate::cli::{Tiny, fails, hpflow, text};

#[test]
fn every_method_refuses_what_it_does_not_heed_and_says_whose_it_is() {
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
        assert!(entry.heeds.iter().all(|setting| line.contains(setting.option())), "{line}");
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
    let flow = hpflow::flow::Flow::read(flow.as_ref()).expect("a flow");
    assert_eq!((flow.width, flow.height), (90, 80));
    assert_eq!(flow.vectors[45], Some([5.0, 0.0]));
}
