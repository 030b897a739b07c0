//! Any method of one's own: a function that predicts a pair.

use super::photograph::called;
use super::{
    Matched, Method, MethodError, Outcome, Query, Sink, Stop, Unusable, Work, WorkPhotograph,
};
use crate::predictions::MethodHeader;
use crate::{Point, PredictedKeypoints};

/// A method whose pairs a function predicts: for [`task::predict`](crate::task::predict()), which gives
/// the file, resuming, order and checks.
///
/// The function gets the photographs of source and target, and the keypoints in original pixels of the
/// source; it gives as many in original pixels of the target, or which photograph cannot be used. Any
/// other error stops the work. Pairs come category by category, each followed by its mirror.
pub struct PairsMethod<F> {
    about: MethodHeader,
    predict: F,
}

impl<F> PairsMethod<F>
where
    F: FnMut([&WorkPhotograph; 2], &[Point]) -> Result<Result<PredictedKeypoints, Unusable>, Stop>
        + Send,
{
    /// A method with this header, which has all that decides the numbers.
    #[must_use]
    pub fn new(about: MethodHeader, predict: F) -> Self {
        Self { about, predict }
    }

    fn pair(
        &mut self,
        photographs: [&WorkPhotograph; 2],
        keypoints: &[Point],
    ) -> Result<Result<PredictedKeypoints, Unusable>, MethodError> {
        let found = (self.predict)(photographs, keypoints).map_err(MethodError::Stopped)?;
        match &found {
            Ok(points) if points.len() != keypoints.len() => {
                let [source, target] =
                    photographs.map(|one| called(&one.photo).display().to_string());
                let (found, expected) = (points.len(), keypoints.len());
                let wrong = WrongNumber { source_photograph: source, target, found, expected };
                Err(MethodError::Stopped(Box::new(wrong)))
            }
            _ => Ok(found),
        }
    }
}

/// Another number of points than there are keypoints.
#[derive(Debug, thiserror::Error)]
#[error(
    "{source_photograph} and {target}: {found} points were predicted for {expected} keypoints; give one \
     for each, none where there is no prediction"
)]
struct WrongNumber {
    source_photograph: String,
    target: String,
    found: usize,
    expected: usize,
}

impl<F> Method for PairsMethod<F>
where
    F: FnMut([&WorkPhotograph; 2], &[Point]) -> Result<Result<PredictedKeypoints, Unusable>, Stop>
        + Send,
{
    fn header(&self) -> MethodHeader {
        self.about.clone()
    }

    fn predict(&mut self, work: &Work, sink: &mut Sink) -> Result<(), MethodError> {
        for pair in work.pairs() {
            let photographs = [pair.source, pair.target].map(|place| &work.photographs()[place]);
            let keypoints = self.pair(photographs, pair.keypoints)?.map_err(Into::into);
            sink(Outcome { pair: pair.number, keypoints }).map_err(MethodError::Stopped)?;
        }
        Ok(())
    }

    fn match_pair(&mut self, query: &Query) -> Result<Matched, MethodError> {
        let [source, target] = [query.source, query.target].map(WorkPhotograph::new);
        let keypoints = self.pair([&source, &target], query.keypoints)??;
        let flow = match query.flow {
            Some([width, height]) => {
                let pixels: Vec<Point> = (0..height)
                    .flat_map(|y| (0..width).map(move |x| [x as f32, y as f32]))
                    .collect();
                let found = self.pair([&source, &target], &pixels)??;
                let vector = |([x, y], found): (&Point, Option<Point>)| {
                    found.map(|[to_x, to_y]| [to_x - x, to_y - y])
                };
                let vectors = pixels.iter().zip(found).map(|(pixel, found)| vector((pixel, found)));
                Some(crate::flow::Flow { width, height, vectors: vectors.collect() })
            }
            None => None,
        };
        Ok(Matched { keypoints, flow })
    }

    fn stage_seconds(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}
