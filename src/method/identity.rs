//! Identity mapping: a keypoint stays at its relative position (SPair-71k paper, Table 4, first row).

use super::learned::flow_of;
use super::photograph::read_annotated;
use super::{
    Matched, Method, MethodError, MethodInfo, MethodOptions, OpenError, Outcome, Query, Sink,
    Unusable, Work, WorkPhotograph,
};
use crate::predictions::MethodHeader;
use crate::{Point, PredictedKeypoints};

/// Identity mapping among the methods.
pub const INFO: MethodInfo = MethodInfo {
    name: "identity",
    about: "a keypoint stays at its relative position: what a method must beat",
    options: &[],
    engines: &[],
    layers: &[],
    usual: &[],
    parse: |_| Ok(Box::new(Identity)),
};

/// Maps (x, y) to (x · w_t / w_s, y · h_t / h_s).
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity;

impl MethodOptions for Identity {
    fn open(&self) -> Result<Box<dyn Method>, OpenError> {
        Ok(Box::new(Self))
    }
}

/// Maps keypoints of a photograph of `source` width and height to one of `target` width and height,
/// all in original pixels. A keypoint that is not finite has no prediction.
#[must_use]
pub fn map(keypoints: &[Point], source: [u32; 2], target: [u32; 2]) -> PredictedKeypoints {
    keypoints.iter().map(|&point| map_point(point, source, target)).collect()
}

fn map_point(point: Point, source: [u32; 2], target: [u32; 2]) -> Option<Point> {
    let mapped = [0, 1].map(|axis| point[axis] * target[axis] as f32 / source[axis] as f32);
    mapped.iter().all(|side| side.is_finite()).then_some(mapped)
}

impl Method for Identity {
    fn header(&self) -> MethodHeader {
        MethodHeader::of(INFO.name)
    }

    fn predict(&mut self, work: &Work, sink: &mut Sink) -> Result<(), MethodError> {
        let mut sizes = vec![None; work.photographs().len()];
        for pair in work.pairs() {
            let [source, target] = [pair.source, pair.target].map(|place| {
                sizes[place].get_or_insert_with(|| size(&work.photographs()[place])).clone()
            });
            let keypoints = source
                .and_then(|source| Ok(map(pair.keypoints, source, target?)))
                .map_err(Into::into);
            sink(Outcome { pair: pair.number, keypoints }).map_err(MethodError::Stopped)?;
        }
        Ok(())
    }

    fn match_pair(&mut self, query: &Query) -> Result<Matched, MethodError> {
        let of = |photo| size(&WorkPhotograph::new(photo));
        let [source, target] = [of(query.source)?, of(query.target)?];
        let keypoints = map(query.keypoints, source, target);
        let flow =
            query.flow.map(|size| flow_of(size, 0, |pixel| map_point(pixel, source, target)));
        Ok(Matched { keypoints, flow })
    }

    fn stage_seconds(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}

/// The size that an annotation gives, or the photograph's own, which needs it decoded: a header may
/// promise what the file does not hold.
fn size(photograph: &WorkPhotograph) -> Result<[u32; 2], Unusable> {
    match photograph.size {
        Some(size) => Ok(size),
        None => read_annotated(&photograph.photo, None).map(|found| [found.width, found.height]),
    }
}
