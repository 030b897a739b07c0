//! The GPU engine against the definition and against the CPU engine, on whatever adapter there is;
//! Mesa's lavapipe is enough.

use std::sync::Arc;

use hpflow::testing::engine::cpu::CpuEngine;
use hpflow::testing::engine::gpu::{GpuEngine, GpuError, GpuOptions};
use hpflow::testing::engine::{Engine, EngineError, Matches, PairRequest};
use hpflow::testing::hyperpixel::{Hyperimage, Precision, Values};
use hpflow::testing::{Examine, destroy, presets};

use crate::engines::{CASES, agrees_with_the_definition, close, hyperimage, hyperimage_in};

/// The options for this machine and a precision.
pub fn options_in(precision: Precision) -> GpuOptions {
    GpuOptions { precision, ..GpuOptions::default() }
}

/// An engine on this machine's adapter. Without an adapter a test fails, and is ignored where
/// `HPFLOW_NO_GPU=1` says that there is none.
pub fn engine() -> GpuEngine {
    GpuEngine::with(&GpuOptions::default()).expect("an adapter, or HPFLOW_NO_GPU=1")
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn the_gpu_engine_agrees_with_the_definition_with_every_preset() {
    for precision in [Precision::F32, Precision::F16] {
        let options = options_in(precision);
        for preset in presets() {
            let options = GpuOptions { preset: Some(preset), ..options.clone() };
            let mut engine = GpuEngine::with(&options).expect("an engine");
            for case in 0..CASES.len() {
                agrees_with_the_definition(&mut engine, precision, case);
            }
        }
    }
}

/// Nine pairs of seven images of different sizes.
fn pairs() -> Vec<PairRequest> {
    pairs_in(Precision::F32)
}

fn pairs_in(precision: Precision) -> Vec<PairRequest> {
    let image = |seed: u32| {
        hyperimage_in(precision, "0,9", [70 + 5 * seed, 90 - 4 * seed], u64::from(seed))
    };
    let images: Vec<Arc<Hyperimage>> = (0..7).map(image).collect();
    (0..9)
        .map(|index| {
            let (source, target) = (&images[index % 7], &images[(index * 3 + 1) % 7]);
            let rows = (index as u32..source.grid.len() as u32).step_by(3 + index).collect();
            PairRequest { source: Arc::clone(source), target: Arc::clone(target), rows }
        })
        .collect()
}

/// Matches with the bits of their confidences.
fn bits(matches: &[Matches]) -> Vec<(Vec<u32>, Vec<u32>)> {
    matches
        .iter()
        .map(|m| (m.best.clone(), m.confidence.iter().map(|value| value.to_bits()).collect()))
        .collect()
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn batches_and_memory_budgets_change_no_bit_on_the_gpu() {
    for precision in [Precision::F32, Precision::F16] {
        let options = options_in(precision);
        nothing_changes_a_bit(&options, &pairs_in(precision));
    }
}

fn nothing_changes_a_bit(options: &GpuOptions, pairs: &[PairRequest]) {
    let mut engine = GpuEngine::with(options).expect("an engine");
    let expected = bits(&engine.match_pairs(pairs).expect("matches"));
    let one_by_one: Vec<Matches> = pairs
        .iter()
        .flat_map(|pair| engine.match_pairs(std::slice::from_ref(pair)).expect("matches"))
        .collect();
    assert_eq!(bits(&one_by_one), expected, "one pair a submission");
    // No memory at all, two or three images, and pages of a few images each.
    let image = pairs[0].source.groups.iter().map(|group| group.data.len() as u64 * 4).sum::<u64>();
    for memory_budget in [0, 3 * image, 6 * image] {
        let options = GpuOptions { memory_budget, ..options.clone() };
        let mut engine = GpuEngine::with(&options).expect("an engine");
        for round in 0..2 {
            let found = bits(&engine.match_pairs(pairs).expect("matches"));
            assert_eq!(found, expected, "budget of {memory_budget} bytes, round {round}");
        }
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn the_gpu_engine_agrees_with_the_cpu_engine() {
    for precision in [Precision::F32, Precision::F16] {
        let options = options_in(precision);
        let mut engine = GpuEngine::with(&options).expect("an engine");
        agrees_with_the_cpu_engine(&mut engine, &pairs_in(precision));
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn images_take_half_the_memory_in_half_precision() {
    let bytes = |precision| -> [usize; 2] {
        let engine = GpuEngine::with(&options_in(precision)).expect("an engine");
        let image = hyperimage_in(precision, "0,9,10,11,12,13", [300, 225], 1);
        [image.bytes(), engine.bytes_of(&image)]
    };
    let (single, half) = (bytes(Precision::F32), bytes(Precision::F16));
    println!("bytes an image, host and device: f32 {single:?}, f16 {half:?}");
    for (single, half) in single.iter().zip(half) {
        assert!(half * 100 < single * 53, "{half} of {single}");
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn images_of_another_precision_than_the_engine_are_an_error() {
    let mut engine = engine();
    let error = engine.match_pairs(&pairs_in(Precision::F16)).expect_err("another precision");
    assert!(matches!(error, EngineError::DifferentPrecision { .. }), "{error}");
}

fn agrees_with_the_cpu_engine(engine: &mut GpuEngine, pairs: &[PairRequest]) {
    let found = engine.match_pairs(pairs).expect("matches");
    let expected = CpuEngine::new().match_pairs(pairs).expect("matches");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.best, expected.best);
        let confidence: Vec<f64> = expected.confidence.iter().map(|&value| value.into()).collect();
        close("confidence", &found.confidence, &confidence, 1e-9, 1e-4);
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn rows_in_several_waves_match_as_in_one() {
    let mut engine = engine();
    let source = hyperimage("0", [402, 200], 5);
    let target = hyperimage("0", [60, 70], 6);
    let all: Vec<u32> = (0..source.grid.len() as u32).collect();
    assert!(all.len() > 4096, "one pick takes 4096 rows");
    let few: Vec<u32> = all.iter().copied().step_by(11).collect();
    let pair =
        |rows| PairRequest { source: Arc::clone(&source), target: Arc::clone(&target), rows };
    let found = engine.match_pairs(&[pair(all), pair(few.clone())]).expect("matches");
    let picked: Vec<u32> = few.iter().map(|&row| found[0].best[row as usize]).collect();
    assert_eq!(picked, found[1].best);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn hyperpixels_that_are_zero_match_nothing_and_ties_go_to_the_first() {
    let mut engine = engine();
    let zeroed = |seed| {
        let mut image = Arc::unwrap_or_clone(hyperimage("0,9", [60, 50], seed));
        for group in &mut image.groups {
            group.data = Values::Single(vec![0.0; group.data.len()]);
        }
        image.inverse_norms.fill(0.0);
        Arc::new(image)
    };
    let pair = PairRequest { source: zeroed(1), target: zeroed(2), rows: vec![0, 5] };
    let found = engine.examine(&pair).expect("an examination");
    assert!(found.similarity_rows.iter().all(|&similarity| similarity == 0.0));
    assert_eq!(found.matches, Matches { best: vec![0, 0], confidence: vec![0.0, 0.0] });
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn no_pairs_and_no_rows_are_no_work() {
    let mut engine = engine();
    assert_eq!(engine.match_pairs(&[]).expect("nothing"), Vec::new());
    let pair = PairRequest { rows: Vec::new(), ..pairs().remove(0) };
    assert_eq!(engine.match_pairs(&[pair]).expect("nothing"), vec![Matches::default()]);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn an_unknown_adapter_is_an_error_that_lists_what_there_is() {
    let error = GpuEngine::new(Some("no such adapter")).err().expect("an error");
    assert!(
        matches!(&error, EngineError::Gpu(GpuError::UnknownAdapter { present, .. }) if !present.is_empty()),
        "{error}"
    );
    let name = hpflow::testing::engine::gpu::adapters()[0].name.to_uppercase();
    assert!(GpuEngine::new(Some(&name)).is_ok(), "a name in capitals is the same name");
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn a_pair_beyond_the_limits_is_an_error_that_says_which() {
    let mut engine = engine();
    let large = |seed| hyperimage("0,9", [1000, 750], seed);
    let pair = PairRequest { source: large(1), target: large(2), rows: vec![0] };
    // Expanded correlations: grid rows x coarse target cells x a padded grid row.
    let expanded = 187 * 63 * 47 * 250 * 4;
    let limits = &hpflow::testing::engine::gpu::adapters()[0].limits;
    let binding = limits.iter().find(|(name, _)| *name == "binding_bytes").expect("a limit").1;
    match engine.match_pairs(&[pair]) {
        Ok(_) => assert!(binding >= expanded, "it cannot have fitted"),
        Err(EngineError::Gpu(GpuError::TooLarge { limit, .. })) => assert_eq!(limit, binding),
        Err(error) => panic!("{error}"),
    }
    let small = pairs().remove(0);
    assert!(engine.match_pairs(&[small]).is_ok(), "the engine goes on after a refusal");
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn a_lost_device_is_an_error_and_stays_one() {
    let mut engine = engine();
    let pairs = pairs();
    engine.match_pairs(&pairs[..1]).expect("matches");
    destroy(&engine);
    for _ in 0..2 {
        let error = engine.match_pairs(&pairs[..1]).expect_err("the device is gone");
        assert!(matches!(error, EngineError::Gpu(GpuError::Lost { .. })), "{error}");
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn stage_times_are_of_the_pairs_matched_since_the_last_call() {
    let mut engine = engine();
    let pairs = pairs();
    engine.match_pairs(&pairs).expect("matches");
    let times = engine.take_stage_times();
    assert_eq!(times.pairs, pairs.len());
    assert!(times.milliseconds.iter().any(|&(_, milliseconds)| milliseconds > 0.0));
    assert_eq!(engine.take_stage_times().pairs, 0);
}

fn hpflow() -> assert_cmd::Command {
    assert_cmd::Command::cargo_bin("hpflow").expect("the binary")
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn devices_lists_adapters_with_what_they_can_run() {
    let output = hpflow().args(["devices", "--format", "json"]).assert().success();
    let list: serde_json::Value =
        serde_json::from_slice(&output.get_output().stdout).expect("JSON");
    assert_eq!(list["engines"]["gpu"]["runs"], true);
    assert_eq!(list["engines"]["cpu"]["runs"], true);
    assert!(list["adapters"][0]["limits"]["binding_bytes"].as_u64() > Some(0), "{list}");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_driver_devices_says_so_and_the_gpu_engine_is_refused() {
    let without_driver = |args: &[&str]| {
        let mut command = hpflow();
        command.env("VK_DRIVER_FILES", "/none").env("VK_ICD_FILENAMES", "/none").args(args);
        command.assert()
    };
    let listed = without_driver(&["devices"]).success();
    let text = String::from_utf8_lossy(&listed.get_output().stdout).into_owned();
    assert!(text.starts_with("no GPU adapter"), "{text}");
    let refused = without_driver(&["bench", "--backbone", "hog", "--engines", "gpu"]).code(1);
    let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(text.contains("--engine cpu") && text.lines().count() == 1, "{text}");
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn an_unknown_adapter_is_wrong_usage() {
    let bench = ["bench", "--backbone", "hog", "--engines", "gpu", "--adapter", "no such adapter"];
    let refused = hpflow().args(bench).assert().code(2);
    let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(text.contains("no such adapter") && text.lines().count() == 1, "{text}");
}

/// The last line that a command said on standard error, which is its only one.
fn only_line(assert: &assert_cmd::assert::Assert) -> String {
    let text = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn the_engine_passes_its_own_check() {
    let output = hpflow().args(["devices", "--check", "--format", "json"]).assert().success();
    let found: serde_json::Value =
        serde_json::from_slice(&output.get_output().stdout).expect("JSON");
    assert_eq!(found["passed"], true, "{found}");
    let checks = found["checks"].as_array().expect("a list");
    assert_eq!(checks.len(), 9, "{found}");
    assert!(checks.iter().all(|check| check["passed"] == true && check["fault"].is_null()));
    let name = hpflow::testing::engine::gpu::adapters().remove(0).name;
    assert_eq!(found["adapter"]["name"], name);
    assert_eq!(found["preset"], presets()[0].to_string());
    for time in ["open_s", "first_pair_s", "matching_ms", "cpu_matching_ms"] {
        assert!(found[time].as_f64().is_some_and(|time| time > 0.0), "{time}: {found}");
    }
    assert!(found["build"]["hpflow"].as_str().is_some_and(|text| text.contains("arithmetic")));
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn the_check_is_of_the_adapter_and_preset_asked_for() {
    let check = |more: &[&str]| hpflow().args(["devices", "--check"]).args(more).assert();
    let refused = only_line(&check(&["--adapter", "no such adapter"]).code(2));
    assert!(refused.contains("no such adapter"), "{refused}");
    let text = check(&["--preset", "hardware,vote_rows=4"]).success();
    let text = String::from_utf8_lossy(&text.get_output().stdout).into_owned();
    assert!(
        text.contains("hardware,vote_rows=4") && text.contains("9 of 9 checks passed"),
        "{text}"
    );
    for (preset, part) in [("fast", "there are software"), ("hardware,vote_tile=6x6", "8x8")] {
        let refused = check(&["--preset", preset]).code(2);
        let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(text.contains(part), "{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_driver_the_check_fails_in_a_sentence_and_in_json() {
    let mut command = hpflow();
    command.env("VK_DRIVER_FILES", "/none").env("VK_ICD_FILENAMES", "/none");
    let failed = command.args(["devices", "--check", "--format", "json"]).assert().code(1);
    let sentence = only_line(&failed);
    let found: serde_json::Value =
        serde_json::from_slice(&failed.get_output().stdout).expect("JSON");
    assert_eq!(found["passed"], false);
    assert!(sentence.contains(found["error"].as_str().expect("why")), "{sentence}");
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn a_sweep_prints_a_line_a_preset() {
    let mut command = hpflow();
    command.args(["-q", "bench", "--sweep", "--backbone", "hog", "--preset", "hardware"]);
    command.args(["--limit", "3", "--pairs", "1", "--repetitions", "1", "--format", "json"]);
    let output = command.assert().success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<serde_json::Value> = lines.collect();
    let presets: Vec<&str> = lines.iter().filter_map(|line| line["preset"].as_str()).collect();
    assert_eq!(presets, ["hardware", "hardware,vote_rows=1", "hardware,vote_rows=2"]);
    for line in &lines {
        assert!(line["matching_ms_per_pair"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
    }
}

#[test]
fn presets_are_for_the_gpu_engine() {
    let fails = |more: &[&str]| {
        let refused = hpflow().args(["bench", "--backbone", "hog"]).args(more).assert().code(2);
        String::from_utf8_lossy(&refused.get_output().stderr).into_owned()
    };
    let refused = fails(&["--engines", "cpu", "--preset", "hardware"]);
    assert!(refused.contains("--preset") && refused.contains("--engines gpu"), "{refused}");
    assert_eq!(refused.lines().count(), 1, "{refused}");
    let refused = fails(&["--engines", "gpu", "--preset", "hardware,step=3"]);
    assert!(refused.contains("1, 2 or 4"), "{refused}");
    fails(&["--sweep", "--engines", "cpu"]);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn a_pair_has_the_same_bits_with_its_mirror_and_alone_with_every_preset() {
    for precision in [Precision::F32, Precision::F16] {
        for preset in presets() {
            let options = GpuOptions { preset: Some(preset), ..options_in(precision) };
            let mut engine = GpuEngine::with(&options).expect("an engine");
            let [first, second] = [([97, 66], 1), ([75, 101], 2)]
                .map(|(size, seed)| hyperimage_in(precision, "0,9,14", size, seed));
            let one = |source: &Arc<Hyperimage>, target: &Arc<Hyperimage>| PairRequest {
                source: Arc::clone(source),
                target: Arc::clone(target),
                rows: (0..source.grid.len() as u32).step_by(5).collect(),
            };
            let both = [one(&first, &second), one(&second, &first)];
            let together = bits(&engine.match_pairs(&both).expect("matches"));
            for (pair, expected) in both.iter().zip(&together) {
                let alone = engine.match_pairs(std::slice::from_ref(pair)).expect("matches");
                assert_eq!(bits(&alone)[0], *expected, "{}", preset.name);
            }
        }
    }
}

#[test]
fn maps_that_are_not_finite_are_refused() {
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let layers = "0,9".parse().expect("layers");
        let mut maps = hpflow::testing::synthetic::feature_maps("resnet50", &layers, [60, 50], 1);
        maps[1].data[5] = odd;
        let geometry = hpflow::testing::hyperpixel::Geometry::new(4, 11);
        let broken = Arc::new(Hyperimage::new(geometry, 60, 50, [1.0; 2], &maps));
        let whole = hyperimage("0,9", [60, 50], 2);
        for (source, target) in [(&broken, &whole), (&whole, &broken)] {
            let pair = PairRequest {
                source: Arc::clone(source),
                target: Arc::clone(target),
                rows: vec![0],
            };
            let error = CpuEngine::new().match_pairs(&[pair]).expect_err("not finite");
            assert!(matches!(error, EngineError::NotFinite { .. }), "{error}");
        }
    }
}
