//! Whether `auto` takes a GPU that is not certainly faster than the processor: integrated and virtual
//! ones are timed against it on one known pair, once; the answer is kept by adapter and driver, so that
//! the next run takes the same engine.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value};

use super::contract::Engine;
use super::cpu::CpuEngine;
use super::error::EngineError;
use super::gpu::{AdapterReport, GpuEngine, GpuOptions, timed_pairs};
use super::kind::EngineKind;
use crate::files;

/// Pairs that are timed at once.
const PAIRS: usize = 4;

/// What `auto` takes where this is the best adapter, as far as that is known without timing: `None`
/// where the next run has to time it.
#[must_use]
pub fn auto_takes(adapter: &AdapterReport) -> Option<EngineKind> {
    match adapter.is_discrete() {
        true => Some(EngineKind::Gpu),
        false => kept_at().and_then(|path| kept(&path, &key(adapter))),
    }
}

/// What `auto` takes where this is the best adapter, timed where it has to be.
pub(super) fn auto_choice(
    adapter: &AdapterReport,
    options: &GpuOptions,
) -> Result<EngineKind, EngineError> {
    decide(adapter, kept_at().as_deref(), || milliseconds(options))
}

/// [`auto_choice`] with a place for answers and a way to time: milliseconds a pair of the GPU and of the
/// processor.
fn decide(
    adapter: &AdapterReport,
    place: Option<&Path>,
    time: impl FnOnce() -> Result<[f64; 2], EngineError>,
) -> Result<EngineKind, EngineError> {
    if adapter.is_discrete() {
        return Ok(EngineKind::Gpu);
    }
    let key = key(adapter);
    if let Some(kind) = place.and_then(|place| kept(place, &key)) {
        return Ok(kind);
    }
    let [gpu, cpu] = time()?;
    let kind = if gpu <= cpu { EngineKind::Gpu } else { EngineKind::Cpu };
    tracing::warn!(
        "{} ({}) takes {gpu:.1} ms a pair and the processor {cpu:.1} ms: the engine auto takes {} from now \
         on",
        adapter.name,
        adapter.kind,
        kind.name()
    );
    if let Some(place) = place
        && let Err(error) = keep(place, &key, kind)
    {
        tracing::warn!(
            "{}: cannot be written, so the next run times again: {error}",
            place.display()
        );
    }
    Ok(kind)
}

/// What an answer is kept by: all that it may depend on.
fn key(adapter: &AdapterReport) -> String {
    format!(
        "{} | {} | hpflow {} | {} threads",
        adapter.name,
        adapter.driver,
        env!("CARGO_PKG_VERSION"),
        rayon::current_num_threads()
    )
}

/// Where answers are kept: `hpflow/engines.json` among the user's cached files.
fn kept_at() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let caches = variable("XDG_CACHE_HOME").or_else(|| variable("LOCALAPPDATA")).map(PathBuf::from);
    let caches = caches.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
    caches.filter(|path| path.is_absolute()).map(|path| path.join("hpflow/engines.json"))
}

/// All answers; none where there are none yet, or a file of something else.
fn all_kept(place: &Path) -> Map<String, Value> {
    let text = std::fs::read(place).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn kept(place: &Path, key: &str) -> Option<EngineKind> {
    let answer = all_kept(place).remove(key)?;
    [EngineKind::Gpu, EngineKind::Cpu].into_iter().find(|kind| answer == kind.name())
}

fn keep(place: &Path, key: &str, kind: EngineKind) -> std::io::Result<()> {
    let mut all = all_kept(place);
    all.insert(key.to_owned(), kind.name().into());
    std::fs::create_dir_all(files::folder(place))?;
    files::write(place, format!("{:#}\n", Value::Object(all)))
}

/// Milliseconds a pair of both, each after a run that is not timed.
fn milliseconds(options: &GpuOptions) -> Result<[f64; 2], EngineError> {
    let pairs = timed_pairs(PAIRS);
    let time = |engine: &mut dyn Engine| -> Result<f64, EngineError> {
        engine.match_pairs(&pairs)?;
        let start = Instant::now();
        engine.match_pairs(&pairs)?;
        Ok(start.elapsed().as_secs_f64() * 1e3 / PAIRS as f64)
    };
    // The layers' maps are in single precision here, and their ratio is what counts.
    let single = GpuOptions { precision: crate::hyperpixel::Precision::F32, ..options.clone() };
    let mut gpu = GpuEngine::with(&single)?;
    Ok([time(&mut gpu)?, time(&mut CpuEngine::new())?])
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::engine::gpu::GpuError;

    fn adapter(kind: &'static str, driver: &str) -> AdapterReport {
        AdapterReport {
            name: "Some GPU".to_owned(),
            kind,
            backend: "vulkan".to_owned(),
            driver: driver.to_owned(),
            bus: None,
            limits: Vec::new(),
            timestamps: true,
            tensor_cores: false,
            hardware: true,
            preset: "hardware",
            unsuitable: None,
        }
    }

    #[test]
    fn a_gpu_that_may_be_slower_is_timed_once_an_adapter_and_driver() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("new/engines.json");
        let timed = Cell::new(0);
        let decided = |adapter: &AdapterReport, times: [f64; 2]| {
            let time = || {
                timed.set(timed.get() + 1);
                Ok(times)
            };
            decide(adapter, Some(&place), time).expect("a choice")
        };
        let integrated = adapter("integrated GPU", "1.0");
        assert_eq!(decided(&integrated, [30.0, 10.0]), EngineKind::Cpu);
        assert_eq!(decided(&integrated, [1.0, 10.0]), EngineKind::Cpu, "it is kept");
        assert_eq!(timed.get(), 1);
        assert_eq!(decided(&adapter("integrated GPU", "2.0"), [1.0, 10.0]), EngineKind::Gpu);
        assert_eq!(decided(&integrated, [1.0, 10.0]), EngineKind::Cpu, "both are kept");
        assert_eq!(timed.get(), 2, "another driver is another answer");
        assert_eq!(decided(&adapter("discrete GPU", "1.0"), [30.0, 10.0]), EngineKind::Gpu);
        assert_eq!(timed.get(), 2, "a discrete GPU is not timed");
        // What is no answer is timed again, and replaced.
        for text in ["", "[]", "{", r#"{"Some GPU": "dense"}"#] {
            std::fs::write(&place, text).expect("a file");
            assert_eq!(decided(&integrated, [1.0, 10.0]), EngineKind::Gpu, "{text}");
            assert_eq!(decided(&integrated, [30.0, 10.0]), EngineKind::Gpu, "{text}");
        }
    }

    #[test]
    fn nothing_is_kept_of_a_gpu_that_failed_and_no_place_is_no_failure() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("engines.json");
        let integrated = adapter("virtual GPU", "1.0");
        let failed = decide(&integrated, Some(&place), || {
            let (adapter, reason) = ("Some GPU".to_owned(), "it fell off the bus".to_owned());
            Err(EngineError::from(GpuError::Lost { adapter, reason }))
        });
        assert!(failed.is_err() && !place.exists());
        assert_eq!(
            decide(&integrated, None, || Ok([1.0, 2.0])).expect("a choice"),
            EngineKind::Gpu
        );
        let nowhere = Path::new("/dev/null/engines.json");
        let chosen = decide(&integrated, Some(nowhere), || Ok([3.0, 2.0]));
        assert_eq!(chosen.expect("a choice"), EngineKind::Cpu);
    }
}
