//! Benchmarks as they are distributed.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyArray2;
use pyo3::prelude::*;

use hpflow::low_level::benchmark::LayoutSize;
use hpflow::{BenchmarkKind, BenchmarkOptions, Point};

use crate::arrays;
use crate::errors::{Failure, Outcome};
use crate::pool::work;

/// A benchmark's pairs of one split.
#[pyclass(frozen, module = "hpflow._hpflow")]
pub struct Benchmark(pub Arc<hpflow::Benchmark>);

/// Name, path, width and height.
type Image<'a> = (&'a str, &'a std::path::Path, Option<(u32, u32)>);

type Row<'py> = (
    String,
    String,
    usize,
    usize,
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyArray2<f32>>,
    Vec<String>,
    Option<[f32; 4]>,
    Option<[f32; 4]>,
    Option<(u8, u8, u8, u8)>,
);

/// SPair-71k's list of pairs of that name.
pub fn layout(name: &str) -> Outcome<LayoutSize> {
    let known = [LayoutSize::Large, LayoutSize::Small];
    known.into_iter().find(|size| size.name() == name).ok_or_else(|| {
        Failure::Usage(format!("layout is {name:?}; expected \"large\" or \"small\""))
    })
}

#[pymethods]
impl Benchmark {
    #[new]
    fn new(
        py: Python,
        kind: &str,
        root: PathBuf,
        split: String,
        layout: &str,
        categories: Vec<String>,
        limit: Option<usize>,
    ) -> PyResult<Self> {
        let kind: BenchmarkKind = kind.parse().map_err(Failure::from)?;
        let options = BenchmarkOptions { split, layout: self::layout(layout)?, categories, limit };
        let opened = work(py, move |_| {
            let mut benchmark = hpflow::Benchmark::open(kind, &root, &options)?;
            benchmark.measure();
            Ok(benchmark)
        })?;
        Ok(Self(Arc::new(opened)))
    }

    #[getter]
    fn name(&self) -> &'static str {
        self.0.name()
    }

    #[getter]
    fn split(&self) -> &str {
        &self.0.split
    }

    #[getter]
    fn images(&self) -> Vec<Image<'_>> {
        let size = |[width, height]: [u32; 2]| (width, height);
        let images = self.0.images.iter();
        images.map(|image| (&*image.name, &*image.path, image.size.map(size))).collect()
    }

    fn __len__(&self) -> usize {
        self.0.pairs.len()
    }

    fn pair<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Row<'py>> {
        let pair = &self.0.pairs[at];
        let points =
            |points: &[Point]| arrays::predicted(py, &points.iter().copied().map(Some).collect());
        Ok((
            pair.id.clone(),
            pair.category.clone(),
            pair.source,
            pair.target,
            points(&pair.source_keypoints)?,
            points(&pair.target_keypoints)?,
            pair.keypoint_ids.clone(),
            pair.source_box,
            pair.target_box,
            pair.variation.map(|of| (of.viewpoint, of.scale, of.truncation, of.occlusion)),
        ))
    }
}

/// The names of the benchmarks that can be read.
#[pyfunction]
pub fn benchmarks() -> Vec<&'static str> {
    BenchmarkKind::ALL.iter().map(|kind| kind.name()).collect()
}
