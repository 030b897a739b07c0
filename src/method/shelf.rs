//! Photographs and their maps, kept while pairs still need them: each photograph is read once and
//! goes through a trunk once however many pairs it is in.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::photograph::{check_colours, read_annotated};
use super::schedule::Schedule;
use super::{Direction, MethodError, Outcome, Sink, Unusable};
use crate::backbone::BackboneError;
use crate::backbone::trunk::{Threads, Trunk, normalise_cells};
use crate::benchmark::Benchmark;
use crate::hyperpixel::FeatureMap;
use crate::image::corners::Square;

/// Pairs that go through the networks at a time.
const PAIR_BATCH: usize = 16;

/// How a pair's work is shared with other pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Each photograph's maps once, pairs batched.
    Shared,
    /// Everything anew for every pair, as the published code has it.
    PairByPair,
}

/// A pair as a learned network takes it: photographs by number.
#[derive(Debug, Clone, Copy)]
pub struct Wired {
    /// The network's source image, which points are mapped into.
    pub a: usize,
    /// The network's target image, which points are mapped from.
    pub b: usize,
}

/// A photograph ready for the networks.
#[derive(Clone)]
struct Picture {
    /// As the networks see it.
    square: Arc<Square>,
    /// Width and height in original pixels.
    size: [u32; 2],
}

/// What is kept of the photographs that are still needed.
pub struct Shelf {
    side: usize,
    pictures: HashMap<usize, Result<Picture, Unusable>>,
    /// By trunk and photograph, cells normalised.
    maps: HashMap<(usize, usize), Arc<FeatureMap>>,
}

impl Shelf {
    /// An empty shelf of photographs that become squares of `side` pixels.
    #[must_use]
    pub fn new(side: usize) -> Self {
        Self { side, pictures: HashMap::new(), maps: HashMap::new() }
    }

    /// Reads the photographs of pairs of a benchmark that are not on the shelf yet. For each pair the
    /// width and height of its source and target in original pixels, or the first that cannot be used.
    pub fn read_pairs(
        &mut self,
        benchmark: &Benchmark,
        pairs: &[usize],
    ) -> Vec<Result<[[u32; 2]; 2], Unusable>> {
        let pairs = || pairs.iter().map(|&index| &benchmark.pairs[index]);
        let mut images: Vec<usize> = pairs().flat_map(|pair| [pair.source, pair.target]).collect();
        images.sort_unstable();
        images.dedup();
        let photographs: Vec<_> = images
            .into_iter()
            .map(|image| (image, &*benchmark.images[image].path, benchmark.images[image].size))
            .collect();
        self.read(&photographs);
        pairs().map(|pair| Ok([self.size(pair.source)?, self.size(pair.target)?])).collect()
    }

    /// Reads photographs that are not on the shelf yet, each with the size that its annotation gives.
    pub fn read(&mut self, photographs: &[(usize, &Path, Option<[u32; 2]>)]) {
        let read: Vec<(usize, Result<Picture, Unusable>)> = photographs
            .par_iter()
            .filter(|(index, _, _)| !self.pictures.contains_key(index))
            .map(|&(index, path, size)| (index, Picture::read(path, size, self.side)))
            .collect();
        self.pictures.extend(read);
    }

    /// Puts the maps of usable photographs that a trunk, the `number`-th, has not seen yet on the
    /// shelf.
    ///
    /// # Errors
    /// A trunk that failed.
    pub fn add_maps(
        &mut self,
        (number, trunk): (usize, &dyn Trunk),
        scheme: Scheme,
        images: impl Iterator<Item = usize>,
    ) -> Result<(), BackboneError> {
        let mut missing: Vec<usize> =
            images.filter(|&image| !self.maps.contains_key(&(number, image))).collect();
        missing.sort_unstable();
        missing.dedup();
        let usable: Vec<(usize, Arc<Square>)> = missing
            .into_iter()
            .filter_map(|image| {
                let picture = self.pictures.get(&image)?.as_ref().ok()?;
                Some((image, Arc::clone(&picture.square)))
            })
            .collect();
        let squares: Vec<&Square> = usable.iter().map(|(_, square)| &**square).collect();
        let maps = scheme.features(trunk, &squares)?;
        for ((image, _), map) in usable.iter().zip(maps) {
            self.maps.insert((number, *image), Arc::new(map));
        }
        Ok(())
    }

    /// Width and height in original pixels of a photograph that was read.
    ///
    /// # Errors
    /// A photograph that cannot be used.
    pub fn size(&self, image: usize) -> Result<[u32; 2], Unusable> {
        self.pictures[&image].as_ref().map(|picture| picture.size).map_err(Clone::clone)
    }

    /// A usable photograph as the networks see it.
    #[must_use]
    pub fn square(&self, image: usize) -> Arc<Square> {
        match &self.pictures[&image] {
            Ok(picture) => Arc::clone(&picture.square),
            Err(unusable) => unreachable!("only usable photographs are matched: {unusable}"),
        }
    }

    /// The map of a photograph that went through a trunk, its cells normalised.
    #[must_use]
    pub fn map(&self, trunk: usize, image: usize) -> Arc<FeatureMap> {
        Arc::clone(&self.maps[&(trunk, image)])
    }

    /// Forgets the photographs that no pair from position `done` of the schedule on needs; all of
    /// them where nothing is shared.
    fn forget(&mut self, scheme: Scheme, schedule: &Schedule, done: usize) {
        let needed = |image: usize| {
            scheme == Scheme::Shared && schedule.last_use[image].is_some_and(|last| last >= done)
        };
        self.pictures.retain(|&image, _| needed(image));
        self.maps.retain(|&(_, image), _| needed(image));
    }
}

impl Picture {
    /// Reads a photograph and resizes it for the networks.
    fn read(path: &Path, annotated: Option<[u32; 2]>, side: usize) -> Result<Self, Unusable> {
        let photograph = read_annotated(path, annotated)?;
        check_colours(path, &photograph)?;
        let size = [photograph.width, photograph.height];
        Ok(Self { square: Arc::new(Square::of(&photograph, side)), size })
    }
}

impl Scheme {
    /// Pairs that go through the networks together.
    fn batch(self) -> usize {
        match self {
            Self::Shared => PAIR_BATCH,
            Self::PairByPair => 1,
        }
    }

    /// Hands `pairs` (indices in [`Benchmark::pairs`]) to `predict`, so many together that a
    /// photograph is read and mapped once, with a shelf of squares of `side` pixels; hands on to
    /// `sink` what it gives.
    ///
    /// # Errors
    /// Whatever `predict` says, or a sink that wants no more.
    pub fn predict(
        self,
        side: usize,
        (benchmark, pairs): (&Benchmark, &[usize]),
        sink: &mut Sink,
        mut predict: impl FnMut(&[usize], &mut Shelf) -> Result<Vec<Outcome>, MethodError>,
    ) -> Result<(), MethodError> {
        let schedule = Schedule::new(benchmark, pairs);
        let mut shelf = Shelf::new(side);
        let mut done = 0;
        for batch in schedule.pairs.chunks(self.batch()) {
            for outcome in predict(batch, &mut shelf)? {
                sink(outcome).map_err(MethodError::Stopped)?;
            }
            done += batch.len();
            shelf.forget(self, &schedule, done);
        }
        Ok(())
    }

    /// Maps of pictures, their cells normalised.
    ///
    /// # Errors
    /// A trunk that failed.
    pub fn features(
        self,
        trunk: &dyn Trunk,
        squares: &[&Square],
    ) -> Result<Vec<FeatureMap>, BackboneError> {
        let threads = match self {
            Self::Shared => Threads::SideBySide,
            Self::PairByPair => Threads::Together,
        };
        let mut maps = trunk.features(squares, threads)?;
        maps.par_iter_mut().for_each(|map| normalise_cells(&mut map.data, map.rows * map.columns));
        Ok(maps)
    }
}

impl Direction {
    /// The network's view of a pair.
    #[must_use]
    pub fn wire(self, source: usize, target: usize) -> Wired {
        match self {
            Self::Direct => Wired { a: target, b: source },
            Self::Inverse => Wired { a: source, b: target },
        }
    }
}
