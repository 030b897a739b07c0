//! Whole benchmarks with a network or a method of the user's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use numpy::{PyArray1, PyArray3, PyArrayMethods as _, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::prelude::*;
use pyo3::types::PyList;
use rayon::ThreadPool;

use hpflow::MethodHeader;
use hpflow::low_level::engine::{EngineOptions, open as open_engine};
use hpflow::low_level::hyperpixel::Geometry;
use hpflow::low_level::image::{Photo, read, size};
use hpflow::low_level::method::hpf::{MapsMethod, PhotographMaps};
use hpflow::low_level::method::{
    Matched, Method, MethodError, Outcome as OfPair, Query, Sink, Stop, Unusable, Work,
    WorkPhotograph,
};
use hpflow::task::{PredictError, PredictEvent, PredictOptions, predict as predict_benchmark};

use crate::arrays;
use crate::benchmark::Benchmark;
use crate::errors::{Failure, Outcome};
use crate::matching::{engine_kind, precision};
use crate::pool::{Caller, work_with};

/// How often progress is told at most.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// The process that predicted first. The library's own pool of threads is in use from then on, and a
/// process that is forked off lacks its threads.
static PREDICTS: AtomicU32 = AtomicU32::new(0);

/// What comes of it: pairs, photographs that could not be used with why, pairs beyond the engine.
#[derive(Debug)]
pub struct Done {
    pairs: usize,
    unusable: Vec<(PathBuf, String)>,
    too_large: Vec<String>,
}

type DoneInPython = (usize, Vec<(PathBuf, String)>, Vec<String>);

/// How a benchmark is predicted.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Options {
    /// JSON: all that decides the numbers.
    method: String,
    /// JSON: which pairs were asked for, where it is not all.
    selection: String,
    resume: bool,
    keep_going: bool,
    progress: Option<Py<PyAny>>,
}

/// What a network's maps are matched with.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Maps {
    geometry: (u32, u32, [f32; 2]),
    engine: String,
    adapter: Option<String>,
    precision: String,
    batch: usize,
}

/// A photograph's maps and strides, size, ratio and offset, or why it cannot be used.
#[derive(FromPyObject)]
enum Given<'py> {
    Maps(Vec<(PyReadonlyArray3<'py, f32>, usize)>, [u32; 2], [f32; 2], [f32; 2]),
    Unusable(String),
}

/// Predicts a benchmark from the maps that `features` gives of lists of photographs: name, path, size.
#[pyfunction]
pub fn predict_maps(
    py: Python,
    benchmark: &Benchmark,
    features: Py<PyAny>,
    out: PathBuf,
    maps: Maps,
    options: Options,
) -> PyResult<DoneInPython> {
    let kind = engine_kind(&maps.engine, maps.adapter.as_deref())?;
    let precision = precision(&maps.precision)?;
    let (jump, receptive_field, offset) = maps.geometry;
    let geometry = Geometry { jump, receptive_field, offset };
    run(py, benchmark, out, options, move |pool, caller, about| {
        let options = EngineOptions {
            adapter: maps.adapter.as_deref(),
            precision,
            pool: Some(Arc::clone(pool)),
            ..EngineOptions::default()
        };
        let engine = open_engine(kind, &options)?;
        let given =
            move |photographs: &[WorkPhotograph]| of_photographs(caller, &features, photographs);
        Ok(Box::new(
            MapsMethod::new(about, geometry, engine, given)
                .in_precision(precision)
                .with_batch(maps.batch),
        ))
    })
}

/// Predicts a benchmark by a function of a pair's index, which gives points (N, 2).
#[pyfunction]
pub fn predict_pairs(
    py: Python,
    benchmark: &Benchmark,
    function: Py<PyAny>,
    out: PathBuf,
    options: Options,
) -> PyResult<DoneInPython> {
    run(py, benchmark, out, options, move |_, caller, about| {
        Ok(Box::new(Pairs { about, function, caller }))
    })
}

fn run(
    py: Python,
    benchmark: &Benchmark,
    out: PathBuf,
    options: Options,
    method: impl for<'a> FnOnce(
        &Arc<ThreadPool>,
        &'a Caller<Done>,
        MethodHeader,
    ) -> Outcome<Box<dyn Method + 'a>>
    + Send
    + 'static,
) -> PyResult<DoneInPython> {
    let process = std::process::id();
    let first = PREDICTS.compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed);
    if first.is_err_and(|first| first != process) {
        let what = "this process was forked after another call had predicted, and lacks its threads; \
                    predict in the first process, or start this one with \"spawn\"";
        return Err(Failure::Failed(what.to_owned()).into());
    }
    let json = |text: &str| -> Outcome<MethodHeader> {
        serde_json::from_str(text).map_err(|error| Failure::Usage(format!("method: {error}")))
    };
    let (about, selection) = (json(&options.method)?, json(&options.selection)?);
    let benchmark = Arc::clone(&benchmark.0);
    let done = work_with(py, move |pool, caller| {
        let mut settings = PredictOptions::default();
        (settings.resume, settings.keep_going) = (options.resume, options.keep_going);
        settings.selection = selection;
        let mut method = method(pool, caller, about)?;
        let mut told: Option<Instant> = None;
        let mut listener = |event: PredictEvent| {
            let (PredictEvent::Advanced { done, total }, Some(progress)) =
                (event, &options.progress)
            else {
                return;
            };
            if done < total && told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
                return;
            }
            told = Some(Instant::now());
            // A progress bar that raises stops the work at its next call.
            let progress = Python::attach(|py| progress.clone_ref(py));
            let _ = caller.call(move |py| progress.call1(py, (done, total)).map(drop));
        };
        let predicted =
            predict_benchmark((&benchmark, &[]), &mut *method, &out, &settings, &mut listener)
                .map_err(failure)?;
        let unusable = predicted.unusable.into_iter().map(|one| (one.photograph, one.reason));
        Ok(Done {
            pairs: predicted.pairs,
            unusable: unusable.collect(),
            too_large: predicted.too_large.iter().map(ToString::to_string).collect(),
        })
    })?;
    Ok((done.pairs, done.unusable, done.too_large))
}

fn failure(error: PredictError) -> Failure {
    match &error {
        PredictError::Stopped { partial: Some(partial), .. } => Failure::Failed(format!(
            "{error}; what was predicted before is kept in {}, and resume=True continues it",
            partial.display()
        )),
        _ => Failure::failed(error),
    }
}

/// The work stops because a call did.
#[derive(Debug, thiserror::Error)]
#[error("the work was stopped")]
struct Stopped;

fn of_photographs(
    caller: &Caller<Done>,
    features: &Py<PyAny>,
    photographs: &[WorkPhotograph],
) -> Result<Vec<Result<PhotographMaps, Unusable>>, Stop> {
    let known = |one: &WorkPhotograph| {
        let Photo::File(path) = one.photo else {
            unreachable!("photographs of benchmarks are files")
        };
        (one.name.unwrap_or_default().to_owned(), path.to_owned(), one.size)
    };
    let photographs: Vec<(String, PathBuf, Option<[u32; 2]>)> =
        photographs.iter().map(known).collect();
    let another: Vec<Option<Unusable>> =
        photographs.iter().map(|(_, path, annotated)| another_size(path, *annotated)).collect();
    let paths: Vec<PathBuf> = photographs.iter().map(|(_, path, _)| path.clone()).collect();
    let features = Python::attach(|py| features.clone_ref(py));
    let usable: Vec<_> = photographs
        .into_iter()
        .zip(&another)
        .filter(|(_, another)| another.is_none())
        .map(|(one, _)| one)
        .collect();
    let asked = usable.len();
    let given = caller.call(move |py| {
        if usable.is_empty() {
            return Ok(Vec::new());
        }
        let given = features.bind(py).call1((PyList::new(py, usable)?,))?;
        let mut all = Vec::with_capacity(asked);
        for one in given.try_iter()? {
            all.push(match one?.extract()? {
                Given::Maps(maps, size, ratio, offset) => {
                    let maps = maps.iter().enumerate();
                    let maps = maps
                        .map(|(at, (map, stride))| arrays::feature_map(at, *stride, map))
                        .collect::<PyResult<_>>()?;
                    let mut of = PhotographMaps::new(maps, [1, 1], size);
                    (of.ratio, of.offset) = (ratio, offset);
                    Ok(of)
                }
                Given::Unusable(reason) => Err(reason),
            });
        }
        Ok(all)
    });
    let mut given = given.map_err(|_| Stopped)?.into_iter();
    let one = |(photograph, another): (PathBuf, Option<Unusable>)| match another {
        Some(another) => Some(Err(another)),
        None => given.next().map(|one| {
            one.map_err(|reason| {
                let reason = format!("{}: {reason}", photograph.display());
                Unusable { photograph, reason }
            })
        }),
    };
    Ok(paths.into_iter().zip(another).filter_map(one).collect())
}

/// That a photograph is of another size than its annotation says: its keypoints mean nothing.
fn another_size(path: &Path, annotated: Option<[u32; 2]>) -> Option<Unusable> {
    let (annotated, found) = (annotated?, size(path)?);
    (annotated != found).then(|| {
        let reason = format!(
            "{}: has {} × {} pixels, but its annotation says {} × {}; fetch the photograph that \
             belongs to the annotation, or mend the annotation",
            path.display(),
            found[0],
            found[1],
            annotated[0],
            annotated[1]
        );
        Unusable { photograph: path.to_owned(), reason }
    })
}

/// A method whose pairs Python predicts, by their index.
struct Pairs<'a> {
    about: MethodHeader,
    function: Py<PyAny>,
    caller: &'a Caller<Done>,
}

impl Method for Pairs<'_> {
    fn header(&self) -> MethodHeader {
        self.about.clone()
    }

    fn predict(&mut self, work: &Work, sink: &mut Sink) -> Result<(), MethodError> {
        for pair in work.pairs() {
            let number = pair.number;
            let function = Python::attach(|py| self.function.clone_ref(py));
            let found = self.caller.call(move |py| {
                let points: PyReadonlyArray2<f32> = function.call1(py, (number,))?.extract(py)?;
                arrays::points(&points)
            });
            let found = found.map_err(|_| MethodError::Stopped(Box::new(Stopped)))?;
            let finite =
                |point: [f32; 2]| point.iter().all(|side| side.is_finite()).then_some(point);
            let keypoints = Ok(found.into_iter().map(finite).collect());
            sink(OfPair { pair: number, keypoints }).map_err(MethodError::Stopped)?;
        }
        Ok(())
    }

    fn match_pair(&mut self, _: &Query) -> Result<Matched, MethodError> {
        Err(MethodError::Stopped("pairs of a benchmark alone are predicted".into()))
    }

    fn stage_seconds(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}

/// A photograph's pixels (H, W, 3), as published code decodes them.
#[pyfunction]
pub fn read_image(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyArray3<u8>>> {
    let decoded = crate::pool::work(py, move |_| read(&path).map_err(Failure::failed))?;
    let (rows, columns) = (decoded.height as usize, decoded.width as usize);
    PyArray1::from_vec(py, decoded.rgb).reshape([rows, columns, 3])
}
