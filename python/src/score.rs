//! Scores under published protocols.

use std::path::PathBuf;

use pyo3::prelude::*;

use hpflow::low_level::score::bootstrap::ResamplingUnit;
use hpflow::low_level::score::{Alpha, Average, EVALUATORS, defaults_for};
use hpflow::task::{PredictionsFiles, ScoreFilesError, ScoreOptions, Scored, score_files};
use hpflow::{BenchmarkKind, Bootstrap, Format};

use crate::benchmark::layout;
use crate::errors::{Failure, Outcome};
use crate::pool::work;

/// Predictions files with their scores.
#[pyclass(frozen, module = "hpflow._hpflow")]
pub struct Scores(Scored);

#[pymethods]
impl Scores {
    /// What the command prints as JSON.
    fn json(&self) -> String {
        self.0.json().to_string()
    }

    /// The tables in a format.
    fn table(&self, format: &str) -> PyResult<String> {
        Ok(self.0.render(match format {
            "text" => Format::Text,
            "markdown" => Format::Markdown,
            "latex" => Format::Latex,
            "csv" => Format::Csv,
            _ => {
                let known = "\"text\", \"markdown\", \"latex\" or \"csv\"";
                let what = format!("format is {format:?}; expected {known}");
                return Err(Failure::Usage(what).into());
            }
        }))
    }
}

/// How files are scored.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Options {
    protocols: Vec<String>,
    alphas: Vec<String>,
    bootstrap: usize,
    resample: String,
    seed: u64,
    partial: bool,
}

impl Options {
    fn into_options(self, layout: &str) -> Outcome<ScoreOptions> {
        let alpha = |text: &String| {
            text.parse::<Alpha>().map_err(|error| Failure::Usage(error.to_string()))
        };
        let unit = match &*self.resample {
            "images" => ResamplingUnit::Images,
            "pairs" => ResamplingUnit::Pairs,
            other => {
                let what = format!("resample is {other:?}; expected \"images\" or \"pairs\"");
                return Err(Failure::Usage(what));
            }
        };
        let (resamples, seed) = (self.bootstrap, self.seed);
        if resamples != 0 && !(100..=1_000_000).contains(&resamples) {
            return Err(Failure::Usage(format!(
                "bootstrap is {resamples}; expected 0, or a number from 100 to 1000000"
            )));
        }
        let mut options = ScoreOptions::default();
        options.protocols = self.protocols;
        options.alphas = self.alphas.iter().map(alpha).collect::<Outcome<_>>()?;
        options.layout = Some(self::layout(layout)?);
        options.bootstrap = (resamples > 0).then_some(Bootstrap { resamples, seed, unit });
        options.partial = self.partial;
        Ok(options)
    }
}

/// That files are for the benchmark and split that is given.
pub fn check_benchmark(files: &PredictionsFiles, kind: &str, split: &str) -> Outcome<()> {
    let header = &files.headers[0];
    if header.benchmark == kind && header.split == split {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{} is for {} {}, and the benchmark given is {kind} {split}; give the one that was predicted",
        files.files[0].display(),
        header.benchmark,
        header.split
    )))
}

/// Scores files of the benchmark of a kind in a folder.
#[pyfunction]
pub fn score(
    py: Python,
    files: Vec<PathBuf>,
    of: (String, String, PathBuf, String),
    options: Options,
) -> PyResult<Scores> {
    let (kind, split, root, layout) = of;
    let options = options.into_options(&layout)?;
    let scored = work(py, move |_| {
        let of = PredictionsFiles::open(&files).map_err(ScoreFilesError::Files)?;
        check_benchmark(&of, &kind, &split)?;
        Ok(score_files(&files, &root, &options)?)
    })?;
    Ok(Scores(scored))
}

/// Name, origin, measure, average, shares, warning.
type ProtocolRow<'a> = (&'a str, &'a str, String, String, Vec<f64>, Option<&'a str>);

/// What is known of the protocols of a benchmark, its own first.
#[pyfunction]
pub fn protocols(benchmark: &str) -> PyResult<Vec<ProtocolRow<'_>>> {
    let kind: BenchmarkKind = benchmark.parse().map_err(Failure::from)?;
    let own: Vec<&str> = defaults_for(kind).iter().map(|protocol| protocol.name).collect();
    let mut all: Vec<_> = EVALUATORS
        .iter()
        .filter_map(|evaluator| Some((evaluator, evaluator.on(kind).ok()?)))
        .collect();
    all.sort_by_key(|(evaluator, _)| !own.contains(&evaluator.name));
    let one = |(evaluator, protocol): (&hpflow::low_level::score::Evaluator, &hpflow::Protocol)| {
        (
            evaluator.name,
            evaluator.origin,
            protocol.measure.name().to_owned(),
            mean(protocol.average).to_owned(),
            protocol.alphas.iter().map(|alpha| alpha.value()).collect(),
            protocol.warning,
        )
    };
    Ok(all.into_iter().map(one).collect())
}

/// What a table entry is the mean of, in words.
const fn mean(average: Average) -> &'static str {
    match average {
        Average::Pair => "pairs",
        Average::Point => "keypoints",
        Average::CategoryOfPairs => "categories, each of its pairs",
        Average::Category => "categories, each of its keypoints",
        Average::CategoryByPairs => "categories, each of its keypoints, by their number of pairs",
        Average::KeypointIndex => "keypoint indices",
    }
}
