//! `hpflow import`: predictions of other programs become a predictions file.

use std::path::PathBuf;

use hpflow::low_level::import::ImportKind;
use hpflow::task::{ImportFileError, ImportOptions, import_file};
use hpflow::{Benchmark, BenchmarkKind, BenchmarkOptions};

use super::console::Console;
use super::output::check_writable;

/// Arguments of `hpflow import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hpflow import result.pkl --root SPair-71k --name geoaware --out geoaware.jsonl\n\n\
Kinds, by the file's extension:\n  \
.csv  a line a predicted keypoint, with columns pair,keypoint,x,y (commas, semicolons or tabs between)\n  \
.npz  a NumPy array (keypoints, 2) per pair id, in the order of the pair's annotation\n  \
.pkl  as GeoAware-SC writes it\n  \
a folder of .flo files, as TSS's evaluation kit takes them\n\n\
In a CSV file, keypoint is the keypoint's name in the annotation (kps_ids in SPair-71k), not its place \
in the list. A pair with kps_ids [\"0\", \"3\", \"12\"] has, for its second keypoint at x 36.5, y 148.25:\n\n  \
pair,keypoint,x,y\n  \
000001-2008_002719-2008_004100:aeroplane,3,36.5,148.25\n\n\
PF-WILLOW and PF-PASCAL have numbers from 0, the place in the annotation's array; TSS has the number \
of the pixel of known flow.\n\n\
Points are original pixels of the target (GeoAware-SC's are brought there); empty or NaN where there is \
no prediction."
)]
pub struct Args {
    /// The file or folder to import.
    file: PathBuf,
    /// The benchmark's folder.
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// The benchmark.
    #[arg(long, default_value = "spair")]
    benchmark: String,
    /// Its split.
    #[arg(long, default_value = "test")]
    split: String,
    /// What the file is, where its extension does not say.
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<Form>,
    /// The method's name in tables [default: the file's name].
    #[arg(long)]
    name: Option<String>,
    /// The predictions file to write; `-` is standard output.
    #[arg(long, value_name = "FILE.jsonl")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    Csv,
    Npz,
    Geoaware,
    Flows,
}

/// Imports predictions.
///
/// # Errors
/// A file or benchmark that cannot be read, predictions that do not fit the benchmark, an output
/// that cannot be written.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    check_writable(&args.out)?;
    let kind = match args.kind {
        Some(Form::Csv) => ImportKind::Csv,
        Some(Form::Npz) => ImportKind::Npz,
        Some(Form::Geoaware) => ImportKind::GeoAware,
        Some(Form::Flows) => ImportKind::Flows,
        // Before the benchmark is read.
        None => ImportKind::of(&args.file).ok_or_else(|| {
            let unknown = ImportFileError::UnknownKind { file: args.file.clone() };
            super::error::Usage(format!("{unknown} with --as"))
        })?,
    };
    let which: BenchmarkKind = args.benchmark.parse()?;
    let asked = BenchmarkOptions { split: args.split.clone(), ..BenchmarkOptions::default() };
    let benchmark = Benchmark::open(which, &args.root, &asked)?;
    let mut options = ImportOptions::default();
    options.kind = Some(kind);
    options.name.clone_from(&args.name);
    let imported = import_file(&args.file, &benchmark, &args.out, &options)?;
    console.note(format!(
        "{}: {} of the {} pairs of {} {}",
        args.out.display(),
        imported.pairs,
        benchmark.pairs.len(),
        benchmark.name(),
        benchmark.split
    ));
    Ok(())
}
