//! Identity mapping: a keypoint stays at its relative position (SPair-71k paper, Table 4, first row).

use std::path::Path;

use serde_json::{Map, Value};

use super::{Entry, Keypoints, Matched, Method, MethodError, Outcome, Query, Sink, Unusable};
use crate::Point;
use crate::benchmark::{Benchmark, Image};

/// Identity mapping among the methods.
pub const ENTRY: Entry = Entry {
    name: "identity",
    about: "a keypoint stays at its relative position: what a method must beat",
    accepts: &[],
    engines: &[],
    open: |_| Ok(Box::new(Identity)),
};

/// Maps (x, y) to (x · w_t / w_s, y · h_t / h_s).
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity;

/// Maps keypoints of a photograph of `source` width and height to one of `target` width and height,
/// all in original pixels. A keypoint that is not finite has no prediction.
#[must_use]
pub fn map(keypoints: &[Point], source: [u32; 2], target: [u32; 2]) -> Keypoints {
    keypoints
        .iter()
        .map(|point| {
            let mapped = [0, 1].map(|axis| point[axis] * target[axis] as f32 / source[axis] as f32);
            mapped.iter().all(|side| side.is_finite()).then_some(mapped)
        })
        .collect()
}

impl Method for Identity {
    fn describe(&self) -> Map<String, Value> {
        Map::from_iter([("name".to_owned(), "identity".into())])
    }

    fn predict(
        &mut self,
        benchmark: &Benchmark,
        pairs: &[usize],
        sink: &mut Sink,
    ) -> Result<(), MethodError> {
        let mut sizes = vec![None; benchmark.images.len()];
        for &index in pairs {
            let pair = &benchmark.pairs[index];
            let [source, target] = [pair.source, pair.target].map(|image| {
                sizes[image].get_or_insert_with(|| size(&benchmark.images[image])).clone()
            });
            let keypoints = source.and_then(|source| {
                target.map(|target| map(&pair.source_keypoints, source, target))
            });
            sink(Outcome { pair: index, keypoints }).map_err(MethodError::Stopped)?;
        }
        Ok(())
    }

    fn find(&mut self, query: &Query) -> Result<Matched, MethodError> {
        let photograph = |path: &Path| Image::below(Path::new(""), path.to_owned(), None);
        let [source, target] = [size(&photograph(query.source))?, size(&photograph(query.target))?];
        let keypoints = map(query.keypoints, source, target);
        let [width, height] = query.flow.unwrap_or_default();
        let flow = (0..height)
            .flat_map(|y| (0..width).map(move |x| [x as f32, y as f32]))
            .map(|pixel| {
                map(&[pixel], source, target)[0].map(|[x, y]| [x - pixel[0], y - pixel[1]])
            })
            .collect();
        Ok(Matched { keypoints, flow })
    }

    fn busy(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}

/// The size that an annotation gives, or the photograph's own, which needs it decoded: a header may
/// promise what the file does not hold.
fn size(image: &Image) -> Result<[u32; 2], Unusable> {
    match image.size {
        Some(size) => Ok(size),
        None => match crate::image::read(&image.path) {
            Ok(photograph) => Ok([photograph.width, photograph.height]),
            Err(error) => {
                Err(Unusable { photograph: image.path.clone(), reason: error.to_string() })
            }
        },
    }
}
