//! `hpflow features`: each photograph's feature maps, kept on the disk.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use super::console::Console;
use super::error::Usage;
use super::lines::LogLines;
use super::options::{BackboneArgs, BenchmarkArgs};
use super::output::counted;
use super::sharded::about_photographs;
use hpflow::low_level::backbone::Backbone;
use hpflow::low_level::benchmark::Benchmark;
use hpflow::low_level::features::file_of;
use hpflow::low_level::hyperpixel::{LayerSet, LayerSetError, Precision};
use hpflow::task::{KeepError, KeptFiles, Shard, host, keep_features, keep_features_of_shard};

/// Keep each photograph's feature maps, so that another layer set costs no backbone pass.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  hpflow features --benchmark pf-willow --root PF-dataset-WILLOW --backbone resnet50 --out features
  hpflow predict --benchmark pf-willow --root PF-dataset-WILLOW --features features --out hpf.jsonl

A photograph whose file is there already is left alone, so a run that was stopped is continued by the \
same call; one whose content changed since is run again. The format, and how to write the maps of any \
other network: docs/features.md.")]
pub struct Args {
    #[command(flatten)]
    benchmark: BenchmarkArgs,
    #[command(flatten)]
    network: BackboneArgs,
    /// Layers, ascending, as in 0,9,10,11,12,13.
    #[arg(long, value_name = "LAYERS", default_value = "all", allow_hyphen_values = true)]
    layers: String,
    /// How feature maps are stored: f16 takes half the space and rounds them.
    #[arg(long, value_enum, default_value_t)]
    precision: Precision,
    /// The folder to write; one safetensors file a photograph.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only the I-th of N equal parts of the photographs, from 1, for jobs that run beside each other.
    /// The same call without it makes what is missing then.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, a photograph that cannot be used, or a file that cannot be written or is of another
/// run.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    args.network.set_threads()?;
    let benchmark = args.benchmark.open()?;
    benchmark.check_photographs()?;
    let part =
        args.shard.map_or(0..benchmark.images.len(), |one| one.range(benchmark.images.len()));
    if let Some(shard) = args.shard {
        let names = benchmark.images[part.clone()].iter().map(|image| &image.name);
        let there = names.filter(|name| file_of(&args.out, name).is_file()).count();
        console.note(about_photographs(shard, part.len(), there));
    }
    let backbone = args.network.open(console)?;
    let layers = layers(&args.layers, &*backbone)?;
    let to = (&*args.out, args.precision);
    let done = keep_part((&benchmark, args.shard), &*backbone, &layers, to, console)?;
    let (folder, total) = (args.out.display(), part.len());
    let (count, name) = (counted(layers.len(), "layer"), backbone.name());
    let changed = match done.changed {
        0 => String::new(),
        1 => ", 1 was written again because its photograph changed".to_owned(),
        changed => format!(", {changed} were written again because their photographs changed"),
    };
    let shard =
        args.shard.map_or_else(String::new, |shard| format!("shard {shard}, on {}: ", host()));
    console.note(format!(
        "{shard}{folder}: {total} photographs, {count} of {name}; {} were there already{changed}",
        done.kept
    ));
    Ok(())
}

/// Keeps the maps of all photographs, or of a shard of them, in a folder, with a bar.
///
/// # Errors
/// Photographs that cannot be told apart, one that cannot be used, or a file that cannot be written or
/// is of another run.
fn keep_part(
    (benchmark, shard): (&Benchmark, Option<Shard>),
    backbone: &dyn Backbone,
    layers: &[usize],
    out: (&Path, Precision),
    console: Console,
) -> anyhow::Result<KeptFiles> {
    let progress = console.progress(benchmark.images.len(), "photographs");
    let lines = LogLines::of(&progress, console);
    let listener = &mut |done, total| {
        progress.set_length(total as u64);
        progress.set_position(done as u64);
    };
    let kept = match shard {
        Some(shard) => keep_features_of_shard(benchmark, shard, backbone, layers, out, listener),
        None => keep_features(benchmark, backbone, layers, out, listener),
    };
    drop(lines);
    progress.finish_and_clear();
    kept.map_err(|error| match error {
        // What a search asks of an error is its own kind.
        KeepError::Features(error) => error.into(),
        error => error.into(),
    })
}

/// The layers asked for.
fn layers(text: &str, backbone: &dyn Backbone) -> anyhow::Result<Vec<usize>> {
    if text == "all" {
        return Ok((0..backbone.layer_count()).collect());
    }
    let wrong = |error: LayerSetError| Usage(format!("--layers {text}: {error}"));
    let layers: LayerSet = text.parse().map_err(wrong)?;
    layers.check(backbone.name(), backbone.layer_count()).map_err(wrong)?;
    Ok(layers.layers().to_vec())
}
