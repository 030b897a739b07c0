//! From photographs to hyperimages: decoding, resizing, and the backbone on batches of equal size.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use super::{DECODED_AHEAD, IMAGE_SIDE};
use crate::backbone::Backbone;
use crate::benchmark::{Benchmark, Image};
use crate::hyperpixel::{Geometry, Hyperimage, LayerSet, Precision};
use crate::image::{Photograph, Prepared, prepare, scaled_size};
use crate::method::Unusable;
use crate::method::photograph::{check_colours, read_annotated, unusable};

/// The smallest side of a resized photograph that is matched: below it no backbone sees a neighbour.
const SMALLEST_SIDE: u32 = 8;

/// Reads a photograph and shrinks it to [`IMAGE_SIDE`]. It must have the size that its annotation
/// gives, if any: keypoints in pixels of a photograph of another size mean nothing.
///
/// # Errors
/// A photograph that cannot be read, is of another size or of one colour, or is too small to match.
pub fn decode(photograph: &Path, annotated: Option<[u32; 2]>) -> Result<Prepared, Unusable> {
    shrink(&read_annotated(photograph, annotated)?, photograph)
}

/// Shrinks pixels to [`IMAGE_SIDE`]; `name` is what errors call them.
///
/// # Errors
/// Pixels of one colour, or too few to match.
pub fn shrink(decoded: &Photograph, name: &Path) -> Result<Prepared, Unusable> {
    let ([width, height], _) = scaled_size([decoded.width, decoded.height], IMAGE_SIDE);
    if width.min(height) < SMALLEST_SIDE {
        let reason = format!(
            "{}: {} × {} pixels, resized to {width} × {height}, are too few to match; use a photograph \
             whose sides are both resized to at least {SMALLEST_SIDE}",
            name.display(),
            decoded.width,
            decoded.height
        );
        return Err(unusable(name, reason));
    }
    check_colours(name, decoded)?;
    Ok(prepare(decoded, IMAGE_SIDE))
}

/// A photograph's number in the benchmark, and the photograph if it could be read.
pub(super) type Decoded = (usize, Result<Prepared, Unusable>);

/// A photograph's number in the benchmark, and its hyperpixels if there are any.
pub(super) type Extracted = (usize, Result<Arc<Hyperimage>, Unusable>);

/// Decodes photographs in order of first use; gives the seconds it was at work.
pub(super) fn decode_all(benchmark: &Benchmark, images: &[usize], to: &SyncSender<Decoded>) -> f64 {
    let mut seconds = 0.0;
    for &image in images {
        let start = Instant::now();
        let Image { path, size, .. } = &benchmark.images[image];
        let prepared = decode(path, *size);
        seconds += start.elapsed().as_secs_f64();
        if to.send((image, prepared)).is_err() {
            break;
        }
    }
    seconds
}

/// Extracts hyperimages from whatever is decoded, equal sizes as one batch; gives the seconds it was
/// at work.
pub(super) fn extract_all(
    benchmark: &Benchmark,
    extractor: Extractor,
    from: &Receiver<Decoded>,
    to: &SyncSender<Extracted>,
) -> f64 {
    let mut seconds = 0.0;
    while let Ok(first) = from.recv() {
        let waiting: Vec<Decoded> =
            std::iter::once(first).chain(from.try_iter().take(DECODED_AHEAD - 1)).collect();
        let (mut batches, failures) = by_size(waiting);
        for (image, failure) in failures {
            if to.send((image, Err(failure))).is_err() {
                return seconds;
            }
        }
        for batch in &mut batches {
            let start = Instant::now();
            let photographs: Vec<&Path> =
                batch.iter().map(|(image, _)| &*benchmark.images[*image].path).collect();
            let prepared: Vec<&Prepared> = batch.iter().map(|(_, prepared)| prepared).collect();
            let results = extractor.hyperimages(&photographs, &prepared);
            seconds += start.elapsed().as_secs_f64();
            for ((image, _), result) in batch.iter().zip(results) {
                if to.send((*image, result)).is_err() {
                    return seconds;
                }
            }
        }
    }
    seconds
}

/// Decoded photographs of one size.
type Batch = Vec<(usize, Prepared)>;

/// Puts photographs of equal size together, in the order of their first, and the unreadable aside.
fn by_size(decoded: Vec<Decoded>) -> (Vec<Batch>, Vec<(usize, Unusable)>) {
    let mut batches: Vec<Batch> = Vec::new();
    let mut failures = Vec::new();
    for (image, prepared) in decoded {
        match prepared {
            Err(failure) => failures.push((image, failure)),
            Ok(prepared) => {
                let size = (prepared.width, prepared.height);
                let same = |batch: &&mut Batch| (batch[0].1.width, batch[0].1.height) == size;
                match batches.iter_mut().find(same) {
                    Some(batch) => batch.push((image, prepared)),
                    None => batches.push(vec![(image, prepared)]),
                }
            }
        }
    }
    (batches, failures)
}

/// The backbone with what is asked of it.
pub(super) struct Extractor<'a> {
    pub backbone: &'a mut dyn Backbone,
    pub layers: &'a LayerSet,
    pub geometry: Geometry,
    pub precision: Precision,
}

impl Extractor<'_> {
    /// Hyperimages of photographs of one size. Where the batch fails each is tried alone, so that a
    /// failure names its photograph.
    pub fn hyperimages(
        &self,
        photographs: &[&Path],
        prepared: &[&Prepared],
    ) -> Vec<Result<Arc<Hyperimage>, Unusable>> {
        match self.backbone.extract(prepared, self.layers.layers()) {
            Ok(maps) => photographs
                .iter()
                .zip(prepared)
                .zip(maps)
                .map(|((photograph, prepared), maps)| self.hyperimage(photograph, prepared, &maps))
                .collect(),
            Err(error) if prepared.len() == 1 => vec![Err(unusable(
                photographs[0],
                format!("{}: {error}", photographs[0].display()),
            ))],
            Err(_) => photographs
                .iter()
                .zip(prepared)
                .flat_map(|(photograph, prepared)| self.hyperimages(&[photograph], &[prepared]))
                .collect(),
        }
    }

    fn hyperimage(
        &self,
        photograph: &Path,
        prepared: &Prepared,
        maps: &[crate::hyperpixel::FeatureMap],
    ) -> Result<Arc<Hyperimage>, Unusable> {
        let Prepared { width, height, ratio, .. } = *prepared;
        let (geometry, precision) = (self.geometry, self.precision);
        let image =
            Hyperimage::with_precision(geometry, width, height, [ratio; 2], maps, precision);
        not_empty(image, photograph, self.layers.base())
    }
}

/// A hyperimage that has hyperpixels, and finite maps.
pub(super) fn not_empty(
    image: Hyperimage,
    photograph: &Path,
    base: usize,
) -> Result<Arc<Hyperimage>, Unusable> {
    if image.grid.is_empty() {
        let reason = format!(
            "{}: {} × {} pixels are too few for a hyperpixel of layer {base}, whose receptive field \
             is {} pixels; use a larger photograph or a lower base layer",
            photograph.display(),
            image.width,
            image.height,
            image.grid.geometry.receptive_field
        );
        return Err(unusable(photograph, reason));
    }
    if !image.finite {
        let reason = format!(
            "{}: its feature maps have numbers that are not finite (NaN or infinite); check the \
             network's weights, or the kept features",
            photograph.display()
        );
        return Err(unusable(photograph, reason));
    }
    Ok(Arc::new(image))
}
