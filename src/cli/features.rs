//! `hpflow features`: each photograph's feature maps, kept on the disk.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args as ClapArgs;
use rayon::prelude::*;

use super::Usage;
use super::console::Console;
use super::options::{BackboneArgs, BenchmarkArgs};
use crate::backbone::{Backbone, FeatureMap};
use crate::benchmark::{Benchmark, Image};
use crate::features::{
    Description, Features, FeaturesError, Header, Layer, Precision, VERSION, file_of,
    photograph_name, write,
};
use crate::hyperpixel::LayerSet;
use crate::hyperpixel::layers::LayerSetError;
use crate::image::Prepared;
use crate::method::hpf::{IMAGE_SIDE, decode};

/// Photographs that are run through the backbone and written at a time.
const BATCH: usize = 8;

/// Keep each photograph's feature maps, so that another layer set costs no backbone pass.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  hpflow features --benchmark pf-willow --root PF-dataset-WILLOW --backbone resnet50 --out features
  hpflow predict --benchmark pf-willow --root PF-dataset-WILLOW --features features --out hpf.jsonl

A photograph whose file is there already is left alone, so a run that was stopped is continued by the \
same call. The format, and how to write the maps of any other network: docs/features.md.")]
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
    let written = keep(&benchmark, &*backbone, &layers, (&args.out, args.precision), console)?;
    let (folder, total) = (args.out.display(), benchmark.images.len());
    let (count, name) = (layers.len(), backbone.name());
    console.note(format!(
        "{folder}: {total} photographs, {count} layers of {name}; {} were there already",
        total - written
    ));
    Ok(())
}

/// Keeps the maps of all photographs in a folder; how many were not there already.
///
/// # Errors
/// A photograph that cannot be used, or a file that cannot be written or is of another run.
pub(super) fn keep(
    benchmark: &Benchmark,
    backbone: &dyn Backbone,
    layers: &[usize],
    (out, precision): (&Path, Precision),
    console: Console,
) -> anyhow::Result<usize> {
    let Some(first) = benchmark.images.first() else {
        bail!("{} {} has no photographs", benchmark.name, benchmark.split);
    };
    // What the first photograph's maps look like is what files that are there already must say.
    let maps = backbone.extract(&[&decode(&first.path, first.size)?], layers)?.remove(0);
    let description = describe(backbone, &maps, precision);
    let progress = console.progress(benchmark.images.len(), "photographs");
    let mut written = 0;
    for batch in benchmark.images.chunks(BATCH) {
        let mut todo: Vec<&Image> = Vec::new();
        for image in batch {
            if !is_kept(out, image, &description)? {
                todo.push(image);
            }
        }
        let prepared = todo.par_iter().map(|image| decode(&image.path, image.size));
        let prepared = prepared.collect::<Result<Vec<Prepared>, _>>()?;
        let maps = backbone.extract(&prepared.iter().collect::<Vec<_>>(), layers)?;
        for ((image, prepared), maps) in todo.iter().zip(&prepared).zip(&maps) {
            let header = header(benchmark, image, prepared, &description);
            write(&file_of(out, &image.path), &header, maps)?;
        }
        written += todo.len();
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

/// Whether a photograph's file is there.
///
/// # Errors
/// One that is damaged, or of another run.
fn is_kept(folder: &Path, image: &Image, description: &Description) -> Result<bool, FeaturesError> {
    if !file_of(folder, &image.path).is_file() {
        return Ok(false);
    }
    Features::of(folder, description).header(&image.path, image.size).map(|_| true)
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
            offset: geometry.map_or(0.0, |geometry| geometry.offset),
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
    benchmark: &Benchmark,
    image: &Image,
    prepared: &Prepared,
    description: &Description,
) -> Header {
    Header {
        version: VERSION,
        benchmark: Some(benchmark.name.clone()),
        photograph: photograph_name(&image.path),
        original_size: prepared.original,
        resized_size: [prepared.width, prepared.height],
        ratio: Some(prepared.ratio),
        description: description.clone(),
    }
}
