//! Hyperpixel Flow on feature maps of one's own network, which a function gives.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

use rayon::prelude::*;
use serde_json::{Value, json};

use super::extract::Extracted;
use super::pipeline::{CELLS, EXPONENT, Matcher, PREPARED_AHEAD, StageSeconds};
use crate::backbone::FeatureMap;
use crate::engine::{Engine, HOUGH_CELLS, PairRequest};
use crate::hyperpixel::{Geometry, Hyperimage, Precision};
use crate::method::photograph::{called, unusable};
use crate::method::{
    Matched, Method, MethodError, Outcome, Query, Sink, Stop, Unusable, Work, WorkPhotograph,
};
use crate::predictions::{HeaderField, MethodHeader};
use crate::transfer::{Neighbours, flow, transfer};

/// The geometry of the first map, for the header of a predictions file.
const GEOMETRY: HeaderField<Value> = HeaderField::new("geometry");

/// A photograph's feature maps, as a network of one's own gave them.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotographMaps {
    /// The maps, the same layers for each photograph. The first is the base, on whose grid the
    /// hyperpixels are.
    pub maps: Vec<FeatureMap>,
    /// Width and height of the photograph, without padding, in the pixels that the network saw, which
    /// strides and geometry are counted in.
    pub size: [u32; 2],
    /// Those pixels over original pixels, along x and y.
    pub ratio: [f32; 2],
    /// Where the photograph's first pixel is in what the network saw, x and y: how much padding is
    /// before it.
    pub offset: [f32; 2],
}

impl PhotographMaps {
    /// Maps of a photograph of an `original` width and height that the network saw as one of `size`,
    /// without padding before it.
    #[must_use]
    pub fn new(maps: Vec<FeatureMap>, original: [u32; 2], size: [u32; 2]) -> Self {
        let ratio = [0, 1].map(|axis| size[axis] as f32 / original[axis] as f32);
        Self { maps, size, ratio, offset: [0.0; 2] }
    }

    /// The maps as hyperpixels, of a first map with a geometry, which pixels of the network are counted
    /// in.
    ///
    /// # Errors
    /// Maps that are none, and a photograph without hyperpixels.
    pub fn hyperimage(
        &self,
        geometry: Geometry,
        precision: Precision,
    ) -> Result<Hyperimage, MapsError> {
        self.check()?;
        let ([width, height], geometry) = (self.size, geometry.from_pixel(self.offset));
        let image =
            Hyperimage::with_precision(geometry, width, height, self.ratio, &self.maps, precision);
        match image.grid.is_empty() {
            true => Err(MapsError::NoHyperpixels { width, height }),
            false => Ok(image),
        }
    }

    fn check(&self) -> Result<(), MapsError> {
        if self.maps.is_empty() {
            return Err(MapsError::None);
        }
        if self.size.contains(&0) || !self.ratio.iter().all(|one| one.is_finite() && *one > 0.0) {
            return Err(MapsError::Size { size: self.size, ratio: self.ratio });
        }
        if !self.offset.iter().all(|side| side.is_finite()) {
            return Err(MapsError::Offset { offset: self.offset });
        }
        for (at, map) in self.maps.iter().enumerate() {
            let (shape, found) = ([map.channels, map.rows, map.columns], map.data.len());
            let expected = shape.iter().try_fold(1usize, |all, side| all.checked_mul(*side));
            if expected != Some(found) || found == 0 || map.stride == 0 {
                return Err(MapsError::Shape { at, shape, stride: map.stride, found });
            }
            if let Some(value) = map.data.par_iter().find_first(|value| !value.is_finite()) {
                return Err(MapsError::NotFinite { at, value: *value });
            }
            let same = |other: &&FeatureMap| other.stride == map.stride;
            if let Some(other) = self.maps[..at].iter().find(same)
                && (other.rows, other.columns) != (map.rows, map.columns)
            {
                let sizes = [other, map].map(|map| [map.rows, map.columns]);
                return Err(MapsError::Sizes { at, stride: map.stride, sizes });
            }
        }
        Ok(())
    }
}

/// Why feature maps make no hyperpixels.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MapsError {
    /// There is no map.
    #[error("there is no feature map; give at least one")]
    None,
    /// A photograph of no pixels, or one that is not so much larger or smaller.
    #[error(
        "the network saw {} × {} pixels, {ratio:?} times the original's; expected lengths above 0",
        size[0], size[1]
    )]
    Size {
        /// Width and height that the network saw.
        size: [u32; 2],
        /// Over the original's.
        ratio: [f32; 2],
    },
    /// Padding that is no length.
    #[error("the first pixel is at {offset:?}; expected pixels of what the network saw")]
    Offset {
        /// Where the photograph begins.
        offset: [f32; 2],
    },
    /// Numbers that are not as many as the shape says, none, or no stride.
    #[error(
        "feature map {at} has {found} numbers, and channels × rows × columns are {shape:?} at stride \
         {stride}; give as many as the shape says, and at least one"
    )]
    Shape {
        /// The map's place, from 0.
        at: usize,
        /// Its channels, rows and columns.
        shape: [usize; 3],
        /// Its stride.
        stride: usize,
        /// How many numbers there are.
        found: usize,
    },
    /// A number that is none.
    #[error("feature map {at} holds {value}; expected finite numbers")]
    NotFinite {
        /// The map's place, from 0.
        at: usize,
        /// The first such number.
        value: f32,
    },
    /// Maps of one stride and different sizes.
    #[error(
        "feature map {at} has {:?} rows and columns, and another of stride {stride} has {:?}; maps of one \
         stride have one size", sizes[1], sizes[0]
    )]
    Sizes {
        /// The map's place, from 0.
        at: usize,
        /// The stride of both.
        stride: usize,
        /// Rows and columns of the other and of this one.
        sizes: [[usize; 2]; 2],
    },
    /// No cell whose box is in the photograph.
    #[error(
        "{width} × {height} pixels hold no hyperpixel of this geometry; use a larger photograph, or check \
         geometry and padding"
    )]
    NoHyperpixels {
        /// The photograph's width in pixels that the network saw.
        width: u32,
        /// Its height.
        height: u32,
    },
}

/// Hyperpixel Flow on feature maps that a function gives: a [`Method`] for
/// [`task::predict`](crate::task::predict()).
///
/// The function gets photographs in the order of their first use, category by category, each once, so
/// many together as it was made for, and gives for each its maps or why it cannot be used; any other
/// error stops the work. It is called in the thread that predicts, while the engine matches in another.
pub struct MapsMethod<F> {
    maps: F,
    engine: Box<dyn Engine>,
    geometry: Geometry,
    precision: Precision,
    batch: usize,
    about: MethodHeader,
}

/// What the function of a [`MapsMethod`] gives.
pub type GivenMaps = Vec<Result<PhotographMaps, Unusable>>;

impl<F> MapsMethod<F>
where
    F: FnMut(&[WorkPhotograph]) -> Result<GivenMaps, Stop> + Send,
{
    /// A method on maps of which the first has this geometry. `about` is all that decides the maps: its
    /// name, network, weights.
    #[must_use]
    pub fn new(about: MethodHeader, geometry: Geometry, engine: Box<dyn Engine>, maps: F) -> Self {
        let precision = engine.precision().unwrap_or_default();
        Self { maps, engine, geometry, precision, batch: 1, about }
    }

    /// The same with so many photographs at a time.
    #[must_use]
    pub fn with_batch(self, photographs: usize) -> Self {
        Self { batch: photographs.max(1), ..self }
    }

    /// The same with maps stored in a precision, which must be the engine's.
    #[must_use]
    pub fn in_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Photographs as hyperpixels.
    fn extract(
        maps: &mut F,
        (geometry, precision): (Geometry, Precision),
        photographs: &[WorkPhotograph],
    ) -> Result<Vec<Result<Arc<Hyperimage>, Unusable>>, Stop> {
        let given = maps(photographs)?;
        if given.len() != photographs.len() {
            let (found, expected) = (given.len(), photographs.len());
            return Err(Box::new(WrongNumber { found, expected }));
        }
        let hyperimage = |(given, name): (Result<PhotographMaps, Unusable>, &Path)| {
            let image = given?.hyperimage(geometry, precision);
            let image = image.map_err(|e| unusable(name, format!("{}: {e}", name.display())))?;
            Ok(Arc::new(image))
        };
        let names: Vec<&Path> = photographs.iter().map(|one| called(&one.photo)).collect();
        Ok(given.into_par_iter().zip(names).map(hyperimage).collect())
    }
}

/// Another number of photographs than were asked for.
#[derive(Debug, thiserror::Error)]
#[error("feature maps of {found} photographs were given where {expected} were asked for")]
struct WrongNumber {
    found: usize,
    expected: usize,
}

impl<F> Method for MapsMethod<F>
where
    F: FnMut(&[WorkPhotograph]) -> Result<GivenMaps, Stop> + Send,
{
    fn header(&self) -> MethodHeader {
        let Geometry { jump, receptive_field, offset } = self.geometry;
        let geometry =
            json!({ "jump": jump, "receptive_field": receptive_field, "offset": offset });
        self.about
            .clone()
            .with(GEOMETRY, &geometry)
            .with(MethodHeader::ENGINE, &self.engine.name().to_owned())
            .with(MethodHeader::ADAPTER, &self.engine.adapter())
            .with(MethodHeader::PRECISION, &self.precision.name().to_owned())
            .with(CELLS, &(HOUGH_CELLS as u64))
            .with(EXPONENT, &3)
    }

    fn predict(&mut self, work: &Work, sink: &mut Sink) -> Result<(), MethodError> {
        let uses = work.uses();
        let Self { maps, engine, geometry, precision, batch, .. } = self;
        let how = (*geometry, *precision);
        let (extracted, to_match) = sync_channel(PREPARED_AHEAD);
        let (found, outcomes) = channel();
        let stopped = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (stopped, uses) = (&stopped, &uses);
            let matcher = scope.spawn(move || {
                let mut seconds = StageSeconds::default();
                let engine = &mut **engine;
                match_all(
                    Matcher { work, uses, engine, seconds: &mut seconds },
                    to_match,
                    (found, stopped),
                )
            });
            let mut stop = None;
            for places in uses.photographs.chunks(*batch) {
                let photographs: Vec<WorkPhotograph> =
                    places.iter().map(|&place| work.photographs()[place]).collect();
                let images = match &stop {
                    None => Self::extract(maps, how, &photographs),
                    Some(_) => Ok(Vec::new()),
                };
                let images = images.unwrap_or_else(|error| {
                    stop = Some(error);
                    Vec::new()
                });
                if stop.is_none() {
                    stop = outcomes.try_iter().try_for_each(&mut *sink).err();
                }
                if stop.is_some() {
                    stopped.store(true, Ordering::Relaxed);
                }
                // What waits for a photograph gets one, whatever has happened.
                let none = || Err(unusable(Path::new(""), "the work was stopped"));
                let images = images.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
                for (&place, image) in places.iter().zip(images) {
                    // It is gone where the engine failed; why is said below.
                    let _ = extracted.send((place, image.unwrap_or_else(none)));
                }
            }
            drop(extracted);
            if stop.is_none() {
                stop = outcomes.iter().try_for_each(&mut *sink).err();
                stopped.store(stop.is_some(), Ordering::Relaxed);
            }
            let matched = matcher.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            stop.map_or(matched, |stop| Err(MethodError::Stopped(stop)))
        })
    }

    fn match_pair(&mut self, query: &Query) -> Result<Matched, MethodError> {
        let how = (self.geometry, self.precision);
        let photographs = [query.source, query.target].map(WorkPhotograph::new);
        let images =
            Self::extract(&mut self.maps, how, &photographs).map_err(MethodError::Stopped)?;
        let images = images.into_iter().collect::<Result<Vec<_>, _>>()?;
        let [source, target] = &*images else { unreachable!("one for each photograph") };
        let neighbours = Neighbours::new(source, query.keypoints);
        let mut matches = |rows: Vec<u32>| {
            let (source, target) = (Arc::clone(source), Arc::clone(target));
            let matches = self.engine.match_pairs(&[PairRequest { source, target, rows }]);
            let of_pair = |error| MethodError::from(error).of(query);
            matches.map(|mut all| all.remove(0)).map_err(of_pair)
        };
        let found = matches(neighbours.rows.clone())?;
        let keypoints = transfer(source, target, &neighbours, &found);
        let flow = match query.flow {
            Some(size) => {
                let matches = matches((0..source.grid.len() as u32).collect())?;
                Some(flow(source, target, size, &matches))
            }
            None => None,
        };
        Ok(Matched { keypoints, flow })
    }

    fn stage_seconds(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}

/// Matches all pairs and sends what comes of them, until nobody wants more.
fn match_all(
    matcher: Matcher,
    from: Receiver<Extracted>,
    (to, stopped): (Sender<Outcome>, &AtomicBool),
) -> Result<(), MethodError> {
    matcher.run(from, &mut |outcome| match to.send(outcome) {
        Ok(()) if !stopped.load(Ordering::Relaxed) => Ok(()),
        _ => Err("nobody wants more".into()),
    })
}
