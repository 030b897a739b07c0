//! Feature maps to keypoints.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use numpy::{PyArray2, PyArray3, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use hpflow::low_level::engine::{
    Engine, EngineOptions, Matches, PairRequest, adapters, open as open_engine, why_no_adapter,
};
use hpflow::low_level::hyperpixel::Geometry;
use hpflow::low_level::method::hpf::PhotographMaps;
use hpflow::low_level::transfer::{Neighbours, flow, transfer};
use hpflow::{EngineKind, Point, Precision, PredictedKeypoints};

use crate::arrays;
use crate::errors::{Failure, Outcome};
use crate::pool::{work, work_beside};

/// So many pairs between two looks whether anybody waits; mirrors stand side by side, so it is even.
const PAIRS: usize = 16;

/// The precision of that name.
pub fn precision(name: &str) -> Outcome<Precision> {
    [Precision::F32, Precision::F16].into_iter().find(|one| one.name() == name).ok_or_else(|| {
        Failure::Usage(format!("precision is {name:?}; expected \"f32\" or \"f16\""))
    })
}

/// A photograph as hyperpixels.
#[pyclass(frozen, module = "hpflow._hpflow")]
pub struct Hyperimage(Arc<hpflow::Hyperimage>);

#[pymethods]
impl Hyperimage {
    #[new]
    #[pyo3(signature = (maps, strides, geometry, size, ratio, offset, precision))]
    #[expect(clippy::too_many_arguments, reason = "they are named in Python, in its one call")]
    fn new(
        py: Python,
        maps: Vec<PyReadonlyArray3<f32>>,
        strides: Vec<usize>,
        geometry: (u32, u32, [f32; 2]),
        size: [u32; 2],
        ratio: [f32; 2],
        offset: [f32; 2],
        precision: &str,
    ) -> PyResult<Self> {
        let precision = self::precision(precision)?;
        let (jump, receptive_field, first) = geometry;
        let geometry = Geometry { jump, receptive_field, offset: first };
        let maps = maps.iter().zip(strides).enumerate();
        let maps = maps.map(|(at, (map, stride))| arrays::feature_map(at, stride, map));
        let mut of = PhotographMaps::new(maps.collect::<PyResult<_>>()?, [1, 1], size);
        (of.ratio, of.offset) = (ratio, offset);
        let image = work(py, move |_| {
            of.hyperimage(geometry, precision).map_err(|error| Failure::Usage(error.to_string()))
        })?;
        Ok(Self(Arc::new(image)))
    }

    #[getter]
    fn hyperpixels(&self) -> usize {
        self.0.grid.len()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.0.bytes()
    }

    #[getter]
    fn precision(&self) -> &'static str {
        self.0.precision().name()
    }
}

type Shared = Arc<Mutex<Box<dyn Engine>>>;

/// An engine with the process that opened it.
struct Opened {
    process: u32,
    engine: Shared,
    name: &'static str,
    adapter: String,
}

/// An engine that any thread may use.
#[pyclass(frozen, module = "hpflow._hpflow")]
pub struct Matcher {
    /// Looked at with the interpreter's lock held, so it is never held by another thread at a fork.
    opened: Mutex<Opened>,
    precision: Precision,
}

/// The engine of that name, for which an adapter may be named.
pub fn engine_kind(engine: &str, adapter: Option<&str>) -> Outcome<EngineKind> {
    let kinds = [EngineKind::Auto, EngineKind::Cpu, EngineKind::Gpu];
    let kind = kinds.into_iter().find(|kind| kind.name() == engine).ok_or_else(|| {
        Failure::Usage(format!("engine is {engine:?}; expected \"auto\", \"cpu\" or \"gpu\""))
    })?;
    if kind == EngineKind::Cpu && adapter.is_some() {
        let what = "an adapter is given and the cpu engine has none; leave one of them out";
        return Err(Failure::Usage(what.to_owned()));
    }
    Ok(kind)
}

fn open(kind: EngineKind, adapter: Option<&str>, precision: Precision) -> Outcome<Opened> {
    let options = EngineOptions { adapter, precision, ..EngineOptions::default() };
    let engine = open_engine(kind, &options)?;
    let (name, adapter) = (engine.name(), engine.adapter());
    let engine = Arc::new(Mutex::new(engine));
    Ok(Opened { process: std::process::id(), engine, name, adapter })
}

#[pymethods]
impl Matcher {
    #[new]
    fn new(py: Python, engine: &str, adapter: Option<String>, precision: &str) -> PyResult<Self> {
        let precision = self::precision(precision)?;
        let kind = engine_kind(engine, adapter.as_deref())?;
        let opened = work(py, move |_| open(kind, adapter.as_deref(), precision))?;
        Ok(Self { opened: Mutex::new(opened), precision })
    }

    #[getter]
    fn name(&self) -> &'static str {
        self.opened().name
    }

    #[getter]
    fn adapter(&self) -> String {
        self.opened().adapter.clone()
    }

    #[getter]
    fn precision(&self) -> &'static str {
        self.precision.name()
    }

    /// The keypoints of each pair, in the target's original pixels.
    fn match_many<'py>(
        &self,
        py: Python<'py>,
        pairs: Vec<(Py<Hyperimage>, Py<Hyperimage>, PyReadonlyArray2<f32>)>,
    ) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        let engine = self.engine()?;
        let pair = |(source, target, keypoints): &(
            Py<Hyperimage>,
            Py<Hyperimage>,
            PyReadonlyArray2<f32>,
        )| {
            let images = [source, target].map(|image| Arc::clone(&image.get().0));
            Ok((images, arrays::points(keypoints)?))
        };
        let pairs: Vec<(Images, Vec<Point>)> = pairs.iter().map(pair).collect::<PyResult<_>>()?;
        let found = work_beside(py, move |pool, waited| {
            let mut found = Vec::with_capacity(pairs.len());
            for pairs in pairs.chunks(PAIRS) {
                waited.check()?;
                let engine = &mut **lock(&engine);
                found.extend(pool.install(|| match_pairs(engine, pairs))?);
            }
            Ok(found)
        })?;
        found.iter().map(|points| arrays::predicted(py, points)).collect()
    }

    /// The dense flow of a pair, over `size` original pixels of the source.
    fn flow<'py>(
        &self,
        py: Python<'py>,
        source: Py<Hyperimage>,
        target: Py<Hyperimage>,
        size: [u32; 2],
    ) -> PyResult<Bound<'py, PyArray3<f32>>> {
        let engine = self.engine()?;
        let [source, target] = [source, target].map(|image| Arc::clone(&image.get().0));
        let found = work_beside(py, move |pool, _| {
            let rows = (0..source.grid.len() as u32).collect();
            let request =
                PairRequest { source: Arc::clone(&source), target: Arc::clone(&target), rows };
            let engine = &mut **lock(&engine);
            pool.install(|| {
                let matches = engine.match_pairs(&[request])?;
                Ok(flow(&source, &target, size, &matches[0]))
            })
        })?;
        arrays::flow(py, &found)
    }
}

type Images = [Arc<hpflow::Hyperimage>; 2];

fn lock(engine: &Shared) -> MutexGuard<'_, Box<dyn Engine>> {
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}

fn match_pairs(
    engine: &mut dyn Engine,
    pairs: &[(Images, Vec<Point>)],
) -> Outcome<Vec<PredictedKeypoints>> {
    let near: Vec<Neighbours> =
        pairs.iter().map(|([source, _], points)| Neighbours::new(source, points)).collect();
    let request = |(([source, target], _), near): (&(Images, Vec<Point>), &Neighbours)| {
        let (source, target) = (Arc::clone(source), Arc::clone(target));
        PairRequest { source, target, rows: near.rows.clone() }
    };
    let requests: Vec<PairRequest> = pairs.iter().zip(&near).map(request).collect();
    let matches: Vec<Matches> = engine.match_pairs(&requests)?;
    let keypoints = requests.iter().zip(&near).zip(&matches);
    Ok(keypoints
        .map(|((pair, near), found)| transfer(&pair.source, &pair.target, near, found))
        .collect())
}

impl Matcher {
    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine, opened again where this process is not the one that opened it.
    fn engine(&self) -> PyResult<Shared> {
        let mut opened = self.opened();
        if opened.process != std::process::id() {
            if opened.name != "cpu" {
                let what = "this Matcher was opened before the process was forked, and a GPU does not \
                            go through a fork; open another one here, or start workers with \"spawn\"";
                return Err(Failure::Failed(what.to_owned()).into());
            }
            let again = open(EngineKind::Cpu, None, self.precision)?;
            // What it holds may be locked by a thread that is not here.
            std::mem::forget(std::mem::replace(&mut *opened, again));
        }
        Ok(Arc::clone(&opened.engine))
    }
}

/// The GPU adapters that there are, the one that is chosen first.
#[pyfunction]
pub fn devices(py: Python) -> PyResult<Vec<Bound<PyDict>>> {
    let found = work(py, |_| Ok(adapters()))?;
    let device = |report: &hpflow::low_level::engine::AdapterReport| {
        let device = PyDict::new(py);
        device.set_item("name", &report.name)?;
        device.set_item("kind", report.kind)?;
        device.set_item("backend", &report.backend)?;
        device.set_item("driver", &report.driver)?;
        device.set_item("bus", &report.bus)?;
        device.set_item("hardware", report.hardware)?;
        device.set_item("tensor_cores", report.tensor_cores)?;
        device.set_item("unsuitable", &report.unsuitable)?;
        Ok(device)
    };
    found.iter().map(device).collect()
}

/// Why there is no adapter, in words.
#[pyfunction]
pub fn why_no_device(py: Python) -> PyResult<String> {
    work(py, |_| Ok(why_no_adapter().to_string()))
}
