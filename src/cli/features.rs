//! `hpflow features`: each photograph's feature maps, kept on the disk.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args as ClapArgs;
use rayon::prelude::*;

use super::Usage;
use super::console::Console;
use super::options::{BackboneArgs, BenchmarkArgs};
use hpflow::ARITHMETIC;
use hpflow::low_level::backbone::{Backbone, FeatureMap};
use hpflow::low_level::benchmark::{Benchmark, Image};
use hpflow::low_level::features::{
    Description, Features, Header, Layer, Precision, Ratio, Standing, VERSION, check_names,
    file_of, write,
};
use hpflow::low_level::hyperpixel::LayerSet;
use hpflow::low_level::hyperpixel::LayerSetError;
use hpflow::low_level::image::Prepared;
use hpflow::low_level::method::hpf::{IMAGE_SIDE, decode};

/// Photographs that are run through the backbone and written at a time.
const BATCH: usize = 8;

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
    let backbone = args.network.open(console)?;
    let layers = layers(&args.layers, &*backbone)?;
    let done = keep(&benchmark, &*backbone, &layers, (&args.out, args.precision), console)?;
    let (folder, total) = (args.out.display(), benchmark.images.len());
    let (count, name) = (layers.len(), backbone.name());
    let changed = match done.changed {
        0 => String::new(),
        changed => format!(", {changed} of photographs that changed since were written again"),
    };
    console.note(format!(
        "{folder}: {total} photographs, {count} layers of {name}; {} were there already{changed}",
        total - done.absent - done.changed
    ));
    Ok(())
}

/// How many files were written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Written {
    /// Of photographs that had none.
    absent: usize,
    /// Of photographs whose content changed since.
    changed: usize,
}

/// Keeps the maps of all photographs in a folder.
///
/// # Errors
/// Photographs that cannot be told apart, one that cannot be used, or a file that cannot be written or
/// is of another run.
pub(super) fn keep(
    benchmark: &Benchmark,
    backbone: &dyn Backbone,
    layers: &[usize],
    (out, precision): (&Path, Precision),
    console: Console,
) -> anyhow::Result<Written> {
    check_names(&benchmark.images)?;
    let Some(first) = benchmark.images.first() else {
        bail!("{} {} has no photographs", benchmark.name, benchmark.split);
    };
    // What the first photograph's maps look like is what files that are there already must say.
    let maps = backbone.extract(&[&decode(&first.path, first.size)?], layers)?.remove(0);
    let description = describe(backbone, &maps, precision);
    let features = Features::of(out, &description);
    let progress = console.progress(benchmark.images.len(), "photographs");
    let mut written = Written::default();
    for batch in benchmark.images.chunks(BATCH) {
        let standing = batch.par_iter().map(|image| features.standing(image));
        let standing = standing.collect::<Result<Vec<_>, _>>()?;
        let count = |which| standing.iter().filter(|standing| **standing == which).count();
        written.absent += count(Standing::Absent);
        written.changed += count(Standing::Changed);
        let todo = batch.iter().zip(&standing).filter(|(_, standing)| **standing != Standing::Kept);
        let todo: Vec<&Image> = todo.map(|(image, _)| image).collect();
        // Before it is decoded: a photograph that is replaced meanwhile is found to have changed.
        let contents = todo.par_iter().map(|image| features.content(&image.path));
        let contents = contents.collect::<Result<Vec<_>, _>>()?;
        let prepared = todo.par_iter().map(|image| decode(&image.path, image.size));
        let prepared = prepared.collect::<Result<Vec<Prepared>, _>>()?;
        let maps = backbone.extract(&prepared.iter().collect::<Vec<_>>(), layers)?;
        for (((image, content), prepared), maps) in
            todo.iter().zip(contents).zip(&prepared).zip(&maps)
        {
            let header = header((benchmark, image), content, prepared, &description);
            write(&file_of(out, &image.name), &header, maps)?;
        }
        progress.inc(batch.len() as u64);
    }
    progress.finish_and_clear();
    Ok(written)
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

fn describe(backbone: &dyn Backbone, maps: &[FeatureMap], precision: Precision) -> Description {
    let layer = |map: &FeatureMap| {
        let geometry = backbone.geometry(map.layer).ok();
        Layer {
            id: map.layer,
            name: format!("layer{}", map.layer),
            stride: map.stride,
            channels: map.channels,
            jump: geometry.map(|geometry| geometry.jump),
            receptive_field: geometry.map(|geometry| geometry.receptive_field),
            offset: geometry.map_or(0.0, |geometry| geometry.offset[0]),
        }
    };
    Description {
        backbone: backbone.name().to_owned(),
        image_side: Some(IMAGE_SIDE),
        precision,
        layers: maps.iter().map(layer).collect(),
        made_with: backbone.describe(),
    }
}

fn header(
    (benchmark, image): (&Benchmark, &Image),
    content: String,
    prepared: &Prepared,
    description: &Description,
) -> Header {
    Header {
        version: VERSION,
        arithmetic: Some(ARITHMETIC),
        benchmark: Some(benchmark.name.clone()),
        photograph: image.name.clone(),
        sha256: Some(content),
        original_size: prepared.original,
        resized_size: [prepared.width, prepared.height],
        ratio: Some(Ratio::Both(prepared.ratio)),
        offset: None,
        description: description.clone(),
    }
}
