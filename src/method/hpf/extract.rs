//! From photographs to hyperimages: decoding, resizing, and the backbone on batches of equal size.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::backbone::Backbone;
use crate::hyperpixel::{FeatureMap, Geometry, Hyperimage, LayerSet, Precision};
use crate::image::{Photo, Prepared, prepare, scaled_size};
use crate::method::photograph::{called, check_colours, read_annotated, unusable};
use crate::method::{Unusable, Work, WorkPhotograph};

/// The long side that photographs are shrunk to (published code: 300 pixels).
pub const IMAGE_SIDE: u32 = 300;

/// Photographs decoded ahead of the backbone: the window in which equal sizes are batched.
pub(super) const DECODED_AHEAD: usize = 16;

/// The smallest side of a resized photograph that is matched: below it no backbone sees a neighbour.
const SMALLEST_SIDE: u32 = 8;

/// Decodes a photograph and shrinks it to [`IMAGE_SIDE`]. It must have the size that its annotation
/// gives, if any: keypoints in pixels of a photograph of another size mean nothing.
///
/// # Errors
/// A photograph that cannot be read, is of another size or of one colour, or is too small to match.
pub fn decode(photo: &Photo, annotated: Option<[u32; 2]>) -> Result<Prepared, Unusable> {
    let name = called(photo);
    let decoded = read_annotated(photo, annotated)?;
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
    check_colours(name, &decoded)?;
    Ok(prepare(&decoded, IMAGE_SIDE))
}

/// A photograph's place in the work, and the photograph if it could be read.
pub(super) type Decoded = (usize, Result<Prepared, Unusable>);

/// A photograph that went through the backbone.
pub(super) struct Mapped {
    /// Its place in the work.
    place: usize,
    /// Its maps, with the photograph's resized width and height, and the ratio of sizes.
    maps: Result<(Vec<FeatureMap>, [u32; 2], f32), Unusable>,
}

/// A photograph's place in the work, and its hyperpixels if there are any.
pub(super) type Extracted = (usize, Result<Arc<Hyperimage>, Unusable>);

/// Decodes photographs in order of first use; gives the seconds it was at work.
pub(super) fn decode_all(work: &Work, places: &[usize], to: &SyncSender<Decoded>) -> f64 {
    let mut seconds = 0.0;
    for &place in places {
        let start = Instant::now();
        let WorkPhotograph { photo, size, .. } = &work.photographs()[place];
        let prepared = decode(photo, *size);
        seconds += start.elapsed().as_secs_f64();
        if to.send((place, prepared)).is_err() {
            break;
        }
    }
    seconds
}

/// Extracts maps from what is decoded, equal sizes as one batch; gives the seconds it was at work. What
/// is made of the maps is done elsewhere: the backbone waits for nothing but photographs.
pub(super) fn extract_all(
    work: &Work,
    extractor: Extractor,
    from: &Receiver<Decoded>,
    to: &SyncSender<Mapped>,
) -> f64 {
    let mut seconds = 0.0;
    while let Ok(first) = from.recv() {
        let waiting: Vec<Decoded> =
            std::iter::once(first).chain(from.try_iter().take(DECODED_AHEAD - 1)).collect();
        let (batches, failures) = by_size(waiting);
        for (place, failure) in failures {
            if to.send(Mapped { place, maps: Err(failure) }).is_err() {
                return seconds;
            }
        }
        for batch in batches {
            let start = Instant::now();
            let photographs: Vec<&Path> =
                batch.iter().map(|(place, _)| called(&work.photographs()[*place].photo)).collect();
            let prepared: Vec<&Prepared> = batch.iter().map(|(_, prepared)| prepared).collect();
            let results = extractor.maps(&photographs, &prepared);
            seconds += start.elapsed().as_secs_f64();
            for ((place, Prepared { width, height, ratio, .. }), maps) in batch.iter().zip(results)
            {
                let maps = maps.map(|maps| (maps, [*width, *height], *ratio));
                if to.send(Mapped { place: *place, maps }).is_err() {
                    return seconds;
                }
            }
        }
    }
    seconds
}

/// Makes hyperimages of maps, beside other threads that do the same; gives the seconds it was at work.
pub(super) fn group_all(
    work: &Work,
    grouper: Grouper,
    from: &Mutex<Receiver<Mapped>>,
    to: &SyncSender<Extracted>,
) -> f64 {
    let mut seconds = 0.0;
    loop {
        let next = from.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Mapped { place, maps }) = next else { return seconds };
        let start = Instant::now();
        let made = maps.and_then(|(maps, size, ratio)| {
            grouper.hyperimage(called(&work.photographs()[place].photo), size, ratio, &maps)
        });
        seconds += start.elapsed().as_secs_f64();
        if to.send((place, made)).is_err() {
            return seconds;
        }
    }
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
}

impl Extractor<'_> {
    /// Maps of photographs of one size. Where the batch fails each is tried alone, so that a failure
    /// names its photograph.
    pub(super) fn maps(
        &self,
        photographs: &[&Path],
        prepared: &[&Prepared],
    ) -> Vec<Result<Vec<FeatureMap>, Unusable>> {
        match self.backbone.extract(prepared, self.layers.layers()) {
            Ok(maps) => maps.into_iter().map(Ok).collect(),
            Err(error) if prepared.len() == 1 => vec![Err(unusable(
                photographs[0],
                format!("{}: {error}", photographs[0].display()),
            ))],
            Err(_) => photographs
                .iter()
                .zip(prepared)
                .flat_map(|(photograph, prepared)| self.maps(&[photograph], &[prepared]))
                .collect(),
        }
    }
}

/// What hyperimages are made of, besides maps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grouper {
    pub base: usize,
    pub geometry: Geometry,
    pub precision: Precision,
}

impl Grouper {
    /// The hyperimage of a photograph's maps, of `size` resized pixels.
    pub(super) fn hyperimage(
        self,
        photograph: &Path,
        [width, height]: [u32; 2],
        ratio: f32,
        maps: &[FeatureMap],
    ) -> Result<Arc<Hyperimage>, Unusable> {
        let (geometry, precision) = (self.geometry, self.precision);
        let image =
            Hyperimage::with_precision(geometry, width, height, [ratio; 2], maps, precision);
        not_empty(image, photograph, self.base)
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
