//! Photographs and their maps, kept while pairs still need them: each photograph is read once and
//! goes through a trunk once however many pairs it is in.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::photograph::{called, check_colours, read_annotated};
use super::{Sharing, Unusable, WorkPhotograph};
use crate::backbone::BackboneError;
use crate::backbone::trunk::{Threads, Trunk, normalise_cells};
use crate::hyperpixel::FeatureMap;
use crate::image::corners::Square;

/// A photograph ready for the networks.
#[derive(Clone)]
struct Picture {
    /// As the networks see it.
    square: Arc<Square>,
    /// Width and height in original pixels.
    size: [u32; 2],
}

/// What is kept of the photographs that are still needed, by their place in the work.
pub(super) struct PhotoCache {
    side: usize,
    sharing: Sharing,
    pictures: HashMap<usize, Result<Picture, Unusable>>,
    /// By trunk and photograph, cells normalised.
    maps: HashMap<(usize, usize), Arc<FeatureMap>>,
}

impl PhotoCache {
    /// An empty cache of photographs that become squares of `side` pixels.
    #[must_use]
    pub(super) fn new(side: usize, sharing: Sharing) -> Self {
        Self { side, sharing, pictures: HashMap::new(), maps: HashMap::new() }
    }

    /// Reads the photographs that are not there yet.
    pub(super) fn read<'a>(
        &mut self,
        photographs: impl Iterator<Item = (usize, WorkPhotograph<'a>)>,
    ) {
        let mut missing: Vec<(usize, WorkPhotograph)> =
            photographs.filter(|(place, _)| !self.pictures.contains_key(place)).collect();
        missing.sort_by_key(|(place, _)| *place);
        missing.dedup_by_key(|(place, _)| *place);
        let read = |(place, photograph): &(usize, WorkPhotograph)| {
            (*place, Picture::read(photograph, self.side))
        };
        let read: Vec<(usize, Result<Picture, Unusable>)> = missing.par_iter().map(read).collect();
        self.pictures.extend(read);
    }

    /// Width and height in original pixels of two photographs that were read.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub(super) fn sizes(&self, source: usize, target: usize) -> Result<[[u32; 2]; 2], Unusable> {
        let size = |place| self.picture(place).map(|picture| picture.size);
        Ok([size(source)?, size(target)?])
    }

    /// Puts the maps of usable photographs that a trunk, the `number`-th, has not seen yet into the
    /// cache.
    ///
    /// # Errors
    /// A trunk that failed.
    pub(super) fn add_maps(
        &mut self,
        (number, trunk): (usize, &dyn Trunk),
        places: impl Iterator<Item = usize>,
    ) -> Result<(), BackboneError> {
        let mut missing: Vec<usize> =
            places.filter(|&place| !self.maps.contains_key(&(number, place))).collect();
        missing.sort_unstable();
        missing.dedup();
        let squares: Vec<Arc<Square>> = missing.iter().map(|&place| self.square(place)).collect();
        let squares: Vec<&Square> = squares.iter().map(|square| &**square).collect();
        let maps = self.features(trunk, &squares)?;
        for (place, map) in missing.into_iter().zip(maps) {
            self.maps.insert((number, place), Arc::new(map));
        }
        Ok(())
    }

    /// Maps of pictures, their cells normalised, which are not kept.
    ///
    /// # Errors
    /// A trunk that failed.
    pub(super) fn features(
        &self,
        trunk: &dyn Trunk,
        squares: &[&Square],
    ) -> Result<Vec<FeatureMap>, BackboneError> {
        let threads = match self.sharing {
            Sharing::PerPhotograph => Threads::SideBySide,
            Sharing::PerPair => Threads::Together,
        };
        let mut maps = trunk.features(squares, threads)?;
        assert_eq!(maps.len(), squares.len(), "a trunk gives a map for each picture");
        maps.par_iter_mut().for_each(|map| normalise_cells(&mut map.data, map.rows * map.columns));
        Ok(maps)
    }

    /// A usable photograph as the networks see it.
    #[must_use]
    pub(super) fn square(&self, place: usize) -> Arc<Square> {
        match self.picture(place) {
            Ok(picture) => Arc::clone(&picture.square),
            Err(unusable) => unreachable!("only usable photographs are matched: {unusable}"),
        }
    }

    /// The map of a photograph that went through a trunk, its cells normalised.
    #[must_use]
    pub(super) fn map(&self, trunk: usize, place: usize) -> Arc<FeatureMap> {
        Arc::clone(&self.maps[&(trunk, place)])
    }

    /// Forgets photographs that are not needed any more; all of them where nothing is shared.
    pub(super) fn forget(&mut self, done: impl Fn(usize) -> bool) {
        let needed = |place: usize| self.sharing == Sharing::PerPhotograph && !done(place);
        self.pictures.retain(|&place, _| needed(place));
        self.maps.retain(|&(_, place), _| needed(place));
    }

    fn picture(&self, place: usize) -> Result<&Picture, Unusable> {
        self.pictures[&place].as_ref().map_err(Clone::clone)
    }
}

impl Picture {
    /// Reads a photograph and resizes it for the networks.
    fn read(photograph: &WorkPhotograph, side: usize) -> Result<Self, Unusable> {
        let pixels = read_annotated(&photograph.photo, photograph.size)?;
        check_colours(called(&photograph.photo), &pixels)?;
        let size = [pixels.width, pixels.height];
        Ok(Self { square: Arc::new(Square::of(&pixels, side)), size })
    }
}
