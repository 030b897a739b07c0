//! Keeping the feature maps of a benchmark's photographs.

use std::path::Path;

use rayon::prelude::*;

use crate::ARITHMETIC;
use crate::backbone::{Backbone, BackboneError};
use crate::benchmark::{Benchmark, Image};
use crate::features::{
    Description, Features, FeaturesError, FeaturesHeader, Layer, Precision, Ratio, Standing,
    VERSION, check_names, file_of, write,
};
use crate::hyperpixel::FeatureMap;
use crate::image::{Photo, Prepared};
use crate::method::Unusable;
use crate::method::hpf::{IMAGE_SIDE, decode};
use crate::task::partition::Shard;

/// Photographs that are run through the backbone and written at a time.
const BATCH: usize = 8;

/// How many files were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptFiles {
    /// Of photographs that had none.
    pub absent: usize,
    /// Of photographs whose content changed since.
    pub changed: usize,
    /// Those that were there already and were left alone.
    pub kept: usize,
}

/// Why feature maps could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The benchmark has no photographs.
    #[error("{benchmark} {split} has no photographs")]
    NoPhotographs {
        /// The benchmark.
        benchmark: String,
        /// Its split.
        split: String,
    },
    /// Photographs that cannot be told apart, or a file that cannot be written or is of another run.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// A photograph that cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The network failed.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
}

/// [`keep_features`] for the photographs of one shard: so many of them in a row, in the order of first
/// use. Files are one a photograph, so that those of all shards are those of one run.
///
/// # Errors
/// See [`KeepError`].
pub fn keep_features_of_shard(
    benchmark: &Benchmark,
    shard: Shard,
    backbone: &dyn Backbone,
    layers: &[usize],
    to: (&Path, Precision),
    listener: &mut dyn FnMut(usize, usize),
) -> Result<KeptFiles, KeepError> {
    check_names(&benchmark.images)?;
    let range = shard.range(benchmark.images.len());
    if range.is_empty() && !benchmark.images.is_empty() {
        return Ok(KeptFiles::default());
    }
    // What pairs there are makes no difference to maps.
    let mut part = Benchmark { pairs: Vec::new(), ..benchmark.clone() };
    part.images = benchmark.images[range].to_vec();
    keep_features(&part, backbone, layers, to, listener)
}

/// Keeps the maps of some layers of all photographs of a benchmark in a folder, a file each. Files that
/// are there are left alone where they are of the photograph's content. `listener` is told how many
/// photographs are done, and of how many.
///
/// # Errors
/// See [`KeepError`].
pub fn keep_features(
    benchmark: &Benchmark,
    backbone: &dyn Backbone,
    layers: &[usize],
    (out, precision): (&Path, Precision),
    listener: &mut dyn FnMut(usize, usize),
) -> Result<KeptFiles, KeepError> {
    check_names(&benchmark.images)?;
    let Some(first) = benchmark.images.first() else {
        let (benchmark, split) = (benchmark.name().to_owned(), benchmark.split.clone());
        return Err(KeepError::NoPhotographs { benchmark, split });
    };
    // What the first photograph's maps look like is what files that are there already must say.
    let maps =
        backbone.extract(&[&decode(&Photo::File(&first.path), first.size)?], layers)?.remove(0);
    let description = describe(backbone, &maps, precision)?;
    let features = Features::of(out, &description);
    let (mut written, mut done) = (KeptFiles::default(), 0);
    for batch in benchmark.images.chunks(BATCH) {
        let standing = batch.par_iter().map(|image| features.standing(image));
        let standing = standing.collect::<Result<Vec<_>, _>>()?;
        let count = |which| standing.iter().filter(|standing| **standing == which).count();
        written.absent += count(Standing::Absent);
        written.changed += count(Standing::Changed);
        written.kept += count(Standing::Kept);
        let todo = batch.iter().zip(&standing).filter(|(_, standing)| **standing != Standing::Kept);
        let todo: Vec<&Image> = todo.map(|(image, _)| image).collect();
        // Before it is decoded: a photograph that is replaced meanwhile is found to have changed.
        let contents = todo.par_iter().map(|image| features.content(&image.path));
        let contents = contents.collect::<Result<Vec<_>, _>>()?;
        let prepared = todo.par_iter().map(|image| decode(&Photo::File(&image.path), image.size));
        let prepared = prepared.collect::<Result<Vec<Prepared>, _>>()?;
        let maps = backbone.extract(&prepared.iter().collect::<Vec<_>>(), layers)?;
        for (((image, content), prepared), maps) in
            todo.iter().zip(contents).zip(&prepared).zip(&maps)
        {
            let header = header((benchmark, image), content, prepared, &description);
            write(&file_of(out, &image.name), &header, maps)?;
        }
        done += batch.len();
        listener(done, benchmark.images.len());
    }
    Ok(written)
}

fn describe(
    backbone: &dyn Backbone,
    maps: &[FeatureMap],
    precision: Precision,
) -> Result<Description, BackboneError> {
    let layer = |map: &FeatureMap| {
        let geometry = match backbone.geometry(map.layer) {
            Ok(geometry) => Some(geometry),
            // Such a layer cannot be a base, and is kept all the same.
            Err(BackboneError::NoGeometry { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Layer {
            id: map.layer,
            name: format!("layer{}", map.layer),
            stride: map.stride,
            channels: map.channels,
            jump: geometry.map(|geometry| geometry.jump),
            receptive_field: geometry.map(|geometry| geometry.receptive_field),
            offset: geometry.map_or(0.0, |geometry| geometry.offset[0]),
        })
    };
    Ok(Description {
        backbone: backbone.name().to_owned(),
        image_side: Some(IMAGE_SIDE),
        precision,
        layers: maps.iter().map(layer).collect::<Result<_, _>>()?,
        made_with: backbone.describe(),
    })
}

fn header(
    (benchmark, image): (&Benchmark, &Image),
    content: String,
    prepared: &Prepared,
    description: &Description,
) -> FeaturesHeader {
    FeaturesHeader {
        version: VERSION,
        arithmetic: Some(ARITHMETIC),
        benchmark: Some(benchmark.name().to_owned()),
        photograph: image.name.clone(),
        sha256: Some(content),
        original_size: prepared.original,
        resized_size: [prepared.width, prepared.height],
        ratio: Some(Ratio::Both(prepared.ratio)),
        offset: None,
        description: description.clone(),
    }
}
