//! Predicts a benchmark's test split and scores the file.
//!
//! ```text
//! cargo run --release --example predict_and_score -- spair SPair-71k hpf.jsonl
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use hpflow::task::{PredictEvent, PredictOptions, ScoreOptions, predict, score_files};
use hpflow::{BackboneKind, Benchmark, BenchmarkKind, BenchmarkOptions, Hpf};

fn main() -> Result<(), Box<dyn Error>> {
    run(std::env::args().skip(1)).map(drop)
}

/// The PCK of all pairs in percent, under the benchmark's own protocol.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<f64, Box<dyn Error>> {
    let arguments: Vec<String> = arguments.collect();
    let [kind, root, out] = &*arguments else {
        return Err("expected a benchmark's name, its folder and the file to write".into());
    };
    let (kind, root): (BenchmarkKind, &Path) = (kind.parse()?, Path::new(root));

    let benchmark = Benchmark::open(kind, root, &BenchmarkOptions::default())?;
    let mut hpf = Hpf::builder().backbone(BackboneKind::Hog).benchmark(kind).build()?;
    // A run that was stopped goes on where it was.
    let mut options = PredictOptions::default();
    options.resume = true;
    predict((&benchmark, &[]), &mut hpf, Path::new(out), &options, &mut |event| {
        if let PredictEvent::Advanced { done, total } = event {
            eprint!("\r{done} of {total} pairs");
        }
    })?;
    eprintln!();

    let scored = score_files(&[PathBuf::from(out)], root, &ScoreOptions::default())?;
    print!("{}", scored.render(hpflow::Format::Text));
    let all = scored.files[0].scores[0].pck[0].pck.all;
    all.ok_or_else(|| "the benchmark has no pair".into())
}
