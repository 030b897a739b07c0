//! `hpflow bench --sweep`: many tile shapes of the gpu engine, a line each.

use serde_json::json;

use super::args::{Args, BenchFormat};
use super::pairs::{Requested, measure_pairs, with_mirrors, with_preset};
use crate::cli::error::Usage;
use hpflow::low_level::engine::{
    CpuEngine, Engine as _, EngineError, GpuError, Matches, PairRequest, Preset, preset_of,
};

/// How far a confidence may be from that of the cpu engine, which adds in another order.
const TOLERANCE: f32 = 1e-4;

/// What is tried beside a preset, one setting, or some that belong together, at a time.
const TRIED: [&str; 33] = [
    "vote_rows=1",
    "vote_rows=2",
    "vote_rows=4",
    "vote_rows=8",
    "vote_rows=16",
    "vote_tile=4x4",
    "vote_tile=8x4",
    "vote_tile=8x8",
    "vote_tile=16x8",
    "vote_tile=16x8,vote_rows=16",
    "vote_tile=16x4",
    "workgroup=32",
    "workgroup=32,vote_rows=4",
    "workgroup=64",
    "workgroup=128",
    "workgroup=128,vote_rows=16",
    "correlate_tile=4x8",
    "correlate_tile=8x4",
    "correlate_tile=8x8",
    "correlate_tile=8x16",
    "correlate_tile=16x8",
    "split=256",
    "split=1024",
    "step=1",
    "step=2",
    "step=4",
    "expand_cells=8",
    "expand_cells=64",
    "pick_tile=4x8",
    "pick_tile=8x4",
    "pick_tile=8x8",
    "pick_tile=16x8",
    "pairs=64",
];

/// A tile shape that was measured.
struct Measured {
    preset: Preset,
    milliseconds: f64,
}

/// Measures each, and prints a line as soon as it has.
///
/// # Errors
/// A device that is lost, or an engine that cannot be opened with any of them.
pub fn run(args: &Args, pairs: &[Requested]) -> anyhow::Result<()> {
    let both = with_mirrors(pairs);
    let requests: Vec<PairRequest> = pairs.iter().map(|(request, _)| request.clone()).collect();
    let expected = CpuEngine::new().match_pairs(&requests)?;
    let (mut fastest, mut failed): (Option<Measured>, _) = (None, None);
    for preset in presets(args)?.into_iter().take(args.limit.unwrap_or(usize::MAX)) {
        match measure(args, preset, [pairs, &both], &expected) {
            Ok(milliseconds) => {
                if fastest.as_ref().is_none_or(|best| milliseconds < best.milliseconds) {
                    fastest = Some(Measured { preset, milliseconds });
                }
            }
            Err(error) if is_about_the_preset(&error) => {
                print_line!("{}", line(args, preset, Err(&error)));
                failed = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match (fastest, failed) {
        (Some(Measured { preset, milliseconds }), _) => {
            if let BenchFormat::Text = args.format {
                print_line!("fastest: {preset}, {milliseconds:.3} ms a pair");
            }
            Ok(())
        }
        (None, Some(error)) => Err(error),
        (None, None) => Ok(()),
    }
}

/// Whether another preset may do where this one did not.
fn is_about_the_preset(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<EngineError>() {
        Some(EngineError::Gpu(error)) => matches!(
            error,
            GpuError::Preset { .. }
                | GpuError::TooLarge { .. }
                | GpuError::Failed { .. }
                | GpuError::OutOfMemory { .. }
        ),
        _ => error.is::<Disagrees>(),
    }
}

/// The presets in order, each once.
fn presets(args: &Args) -> anyhow::Result<Vec<Preset>> {
    let hpf = &args.method.hpf;
    let begin = match args.preset.as_slice() {
        [] => vec![preset_of(hpf.adapter.as_deref()).map_err(EngineError::from)?],
        given => given.to_vec(),
    };
    let mut all: Vec<Preset> = Vec::new();
    for preset in begin {
        // What does not fit together with the rest of it is left out.
        let tried = TRIED.iter().filter_map(|tried| with_settings(preset, tried));
        for preset in std::iter::once(preset).chain(tried) {
            if !all.contains(&preset) {
                all.push(preset);
            }
        }
    }
    Ok(all)
}

/// A preset with other settings, where they fit.
fn with_settings(preset: Preset, settings: &str) -> Option<Preset> {
    format!("{preset},{settings}").parse().ok()
}

/// Milliseconds a pair with a preset; prints them.
fn measure(
    args: &Args,
    preset: Preset,
    [pairs, both]: [&[Requested]; 2],
    expected: &[Matches],
) -> anyhow::Result<f64> {
    let mut engine = with_preset(&args.method.hpf, preset)?;
    let requests: Vec<PairRequest> = pairs.iter().map(|(request, _)| request.clone()).collect();
    let found = engine.match_pairs(&requests)?;
    disagrees(&found, expected)?;
    let [matching, _] = measure_pairs(&mut engine, pairs, args.repetitions)?;
    let times = engine.take_stage_times();
    let [mirrored, _] = measure_pairs(&mut engine, both, args.repetitions)?;
    let stages =
        times.milliseconds.iter().map(|(stage, total)| (*stage, total / times.pairs.max(1) as f64));
    let measured =
        Line { matching: matching.median(), mirrored: mirrored.median(), stages: stages.collect() };
    print_line!("{}", line(args, preset, Ok(&measured)));
    Ok(measured.matching)
}

/// What is printed of a preset.
struct Line {
    matching: f64,
    mirrored: f64,
    stages: Vec<(&'static str, f64)>,
}

fn line(args: &Args, preset: Preset, measured: Result<&Line, &anyhow::Error>) -> String {
    match (args.format, measured) {
        (BenchFormat::Text, Ok(Line { matching, mirrored, stages })) => {
            let stages: Vec<String> =
                stages.iter().map(|(stage, ms)| format!("{stage} {ms:.3}")).collect();
            format!(
                "{preset:<44} {matching:>8.3} ms a pair, {mirrored:.3} with mirrors ({})",
                stages.join(", ")
            )
        }
        (BenchFormat::Text, Err(error)) => format!("{preset:<44} not measured: {error}"),
        (BenchFormat::Json, Ok(Line { matching, mirrored, stages })) => {
            let stages: serde_json::Map<String, serde_json::Value> =
                stages.iter().map(|&(stage, ms)| (stage.to_owned(), ms.into())).collect();
            json!({
                "preset": preset.to_string(),
                "matching_ms_per_pair": matching,
                "with_mirrors_ms_per_pair": mirrored,
                "stages_ms": stages,
            })
            .to_string()
        }
        (BenchFormat::Json, Err(error)) => {
            json!({ "preset": preset.to_string(), "error": error.to_string() }).to_string()
        }
    }
}

/// A preset that gives something else than the cpu engine.
#[derive(Debug, thiserror::Error)]
#[error("it does not give what the cpu engine gives")]
struct Disagrees;

fn disagrees(found: &[Matches], expected: &[Matches]) -> Result<(), Disagrees> {
    let confidences = |matches: &[Matches]| -> Vec<f32> {
        matches.iter().flat_map(|matches| matches.confidence.iter().copied()).collect()
    };
    let (found, expected) = (confidences(found), confidences(expected));
    let near =
        |(found, expected): (&f32, &f32)| (found - expected).abs() <= TOLERANCE * expected.abs();
    match found.len() == expected.len() && found.iter().zip(&expected).all(near) {
        true => Ok(()),
        false => Err(Disagrees),
    }
}

/// Wrong usage: what belongs to a sweep without it.
pub fn check(args: &Args) -> Result<(), Usage> {
    use hpflow::low_level::engine::EngineKind;
    let gpu = args.sweep || args.engines.contains(&EngineKind::Gpu);
    if !args.preset.is_empty() && (args.is_pipeline() || !gpu) {
        return Err(Usage(
            "--preset chooses tile shapes of the gpu engine; add --engines gpu or --sweep, or leave it \
             out"
                .to_owned(),
        ));
    }
    if args.sweep && args.is_pipeline() {
        return Err(Usage("--sweep measures --method hpf alone; leave --method out".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_tried_where_they_fit() {
        let hardware: Preset = "hardware".parse().expect("a preset");
        assert_eq!(
            TRIED.iter().filter_map(|tried| with_settings(hardware, tried)).count(),
            TRIED.len()
        );
        let shared: Preset = "software-subgroups".parse().expect("a preset");
        assert_eq!(with_settings(shared, "vote_rows=2"), None);
        assert!(with_settings(shared, "split=256").is_some());
    }

    #[test]
    fn another_confidence_disagrees_and_rounding_does_not() {
        let matches =
            |confidence: f32| vec![Matches { best: vec![0], confidence: vec![confidence] }];
        assert!(disagrees(&matches(1.0), &matches(1.00001)).is_ok());
        assert!(disagrees(&matches(1.0), &matches(1.001)).is_err());
        assert!(disagrees(&matches(f32::NAN), &matches(1.0)).is_err());
        assert!(disagrees(&[], &matches(1.0)).is_err());
    }
}
