//! Writes the predictions of a program of one's own, and scores them with an interval.
//!
//! ```text
//! cargo run --release --example score_predictions -- spair SPair-71k mine.jsonl
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use hpflow::task::{ScoreOptions, score_files};
use hpflow::{Benchmark, BenchmarkKind, BenchmarkOptions, Bootstrap, Header, Prediction, Writer};
use serde_json::{Map, json};

fn main() -> Result<(), Box<dyn Error>> {
    run(std::env::args().skip(1)).map(drop)
}

/// A percentage with its 95 % interval, where there is one.
pub type WithInterval = (f64, Option<(f64, f64)>);

/// The PCK of all pairs.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<WithInterval, Box<dyn Error>> {
    let arguments: Vec<String> = arguments.collect();
    let [kind, root, out] = &*arguments else {
        return Err("expected a benchmark's name, its folder and the file to write".into());
    };
    let (kind, root): (BenchmarkKind, &Path) = (kind.parse()?, Path::new(root));
    let benchmark = Benchmark::open(kind, root, &BenchmarkOptions::default())?;

    // Whatever decides the numbers belongs into the header.
    let method = Map::from_iter([("name".to_owned(), json!("stay-where-you-are"))]);
    let header = Header::new(benchmark.name(), &benchmark.split, method);
    let mut writer = Writer::create(Path::new(out), &header)?;
    for pair in &benchmark.pairs {
        // A program of one's own would look at the photographs:
        // benchmark.images[pair.source].path and benchmark.images[pair.target].path.
        let keypoints = pair.source_keypoints.iter().copied().map(Some).collect();
        writer.write(&Prediction { pair: pair.id.clone(), keypoints })?;
    }
    writer.finish()?;

    let mut options = ScoreOptions::default();
    options.bootstrap = Some(Bootstrap { resamples: 1000, ..Bootstrap::default() });
    let scored = score_files(&[PathBuf::from(out)], root, &options)?;
    let measured = &scored.files[0].scores[0].pck[0];
    let all = measured.pck.all.ok_or("the benchmark has no pair")?;
    let interval = measured.interval.as_ref();
    let interval = interval.and_then(|of| of.low.all.zip(of.high.all));
    println!("PCK {all:.1} %, 95 % interval {interval:.1?}");
    Ok((all, interval))
}
