//! Photographs small enough to be part of a page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use image::{ExtendedColorType, ImageBuffer, Rgb};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::benchmark::Benchmark;

/// The longer side of a photograph in a page, in pixels.
const SIDE: u32 = 360;

/// The JPEG quality of a photograph in a page.
const QUALITY: u8 = 75;

/// The photographs of a benchmark, those that could be read.
#[derive(Debug, Clone, Default)]
pub struct Photographs {
    /// By index in [`Benchmark::images`]: the size in original pixels and a `data:` address.
    read: Vec<Option<([u32; 2], String)>>,
    /// A sentence for each that could not be read.
    pub missing: Vec<String>,
}

/// Reads a benchmark's photographs and makes them small, on all cores. One that cannot be read is
/// left out: a report without it is still a report.
#[must_use]
pub fn load(benchmark: &Benchmark) -> Photographs {
    let found: Vec<Result<([u32; 2], String), String>> = benchmark
        .images
        .par_iter()
        .map(|image| {
            let photograph = crate::image::read(&image.path).map_err(|error| error.to_string())?;
            let (width, height) = (photograph.width, photograph.height);
            let address = small(width, height, photograph.rgb)
                .ok_or_else(|| format!("{}: cannot be made small", image.path.display()))?;
            Ok(([width, height], address))
        })
        .collect();
    let missing = found.iter().filter_map(|one| one.as_ref().err().cloned()).collect();
    Photographs { read: found.into_iter().map(Result::ok).collect(), missing }
}

fn small(width: u32, height: u32, rgb: Vec<u8>) -> Option<String> {
    let picture = ImageBuffer::<Rgb<u8>, _>::from_raw(width, height, rgb)?;
    let scale = f64::min(1.0, f64::from(SIDE) / f64::from(width.max(height)));
    let side = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    let picture = resize(&picture, side(width), side(height), FilterType::Triangle);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .ok()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}

impl Photographs {
    /// Size and address of every image. The size is the annotation's, else the photograph's, else
    /// what the keypoints need.
    pub(super) fn json(&self, benchmark: &Benchmark) -> Vec<Value> {
        let images = benchmark.images.iter().enumerate();
        images
            .map(|(at, image)| {
                let read = self.read.get(at).and_then(Option::as_ref);
                let size = image.size.or(read.map(|(size, _)| *size));
                let [width, height] = size.unwrap_or_else(|| extent(benchmark, at));
                json!({ "width": width, "height": height, "data": read.map(|(_, address)| address) })
            })
            .collect()
    }
}

/// A size that holds all keypoints of an image.
fn extent(benchmark: &Benchmark, image: usize) -> [u32; 2] {
    let ends = benchmark.pairs.iter().flat_map(|pair| {
        [(pair.source, &pair.source_keypoints), (pair.target, &pair.target_keypoints)]
    });
    let points = ends.filter(|(own, _)| *own == image).flat_map(|(_, points)| points);
    points.fold([1, 1], |[width, height], &[x, y]| {
        [width.max(x.max(0.0).ceil() as u32 + 1), height.max(y.max(0.0).ceil() as u32 + 1)]
    })
}
