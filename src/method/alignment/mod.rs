//! Learned alignments: CNNGeo, WeakAlign and A2Net predict one geometric transformation of a pair, in
//! two stages (Rocco et al., CVPR 2017 and 2018; Seo et al., ECCV 2018).
//!
//! Both photographs are resized to 240 × 240. A trunk gives a map of 15 × 15 cells of each, the maps
//! are correlated, and a regression reads an affine transformation off the correlation. The
//! network's source image is warped by it, and the second stage reads a thin-plate spline off the
//! warped picture's correlation. A point goes through the spline first, then through the affine
//! transformation.
//!
//! The published code computes everything anew for every pair, four passes of the trunk (three where
//! both stages share one); with [`Sharing::PerPair`](super::Sharing::PerPair) this does so too. By default each photograph goes through a trunk
//! once however many pairs it is in, and a pair costs the pass of its warped picture alone.
//!
//! Keypoints at and beyond the border are mapped like any other: the transformations are defined
//! everywhere, and predictions may be outside the target, as with the published code.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

pub mod correlation;
pub mod geometry;
mod open;
pub mod options;
pub mod regression;

use correlation::correlate;
use geometry::{Transformation, apply_all, invert_all};
use regression::Regression;

use super::pair_network::{Mapping, NetworkPair, PairNetwork};
use super::photo_cache::PhotoCache;
use super::{Direction, MethodError};
use crate::backbone::BackboneError;
use crate::backbone::networks::GeometricModel;
use crate::backbone::trunk::Trunk;
use crate::engine::cpu::InstructionSet;
use crate::hyperpixel::FeatureMap;
use crate::image::corners::Square;
use crate::predictions::MethodHeader;

/// Width and height of the networks' input in pixels (published code).
pub const IMAGE_SIDE: usize = 240;

/// A stage: where its maps come from, and what reads the transformation off them.
pub struct Stage {
    /// What it predicts.
    pub geometry: GeometricModel,
    /// Its trunk among the method's.
    pub trunk: usize,
    /// Reads the transformation off the correlation.
    pub regression: Box<dyn Regression>,
}

/// The networks of a learned alignment.
pub struct Alignment {
    header: MethodHeader,
    trunks: Vec<Box<dyn Trunk>>,
    stages: Vec<Stage>,
    instructions: InstructionSet,
    seconds: Seconds,
}

/// The transformations of a pair, stage by stage, and which way they are asked.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignmentMapping {
    /// From the network's target image into its source image, in order of execution.
    pub stages: Vec<Transformation>,
    /// Which of the two is the pair's source.
    pub direction: Direction,
}

/// Seconds that each step was at work.
#[derive(Debug, Clone, Copy, Default)]
struct Seconds {
    /// Maps of photographs.
    photographs: f64,
    /// Warping, and maps of warped pictures.
    warped: f64,
    /// Correlations and regressions.
    regression: f64,
}

impl Alignment {
    /// Networks of these stages, in order of execution.
    #[must_use]
    pub fn new(header: MethodHeader, trunks: Vec<Box<dyn Trunk>>, stages: Vec<Stage>) -> Self {
        let (instructions, seconds) = (InstructionSet::available()[0], Seconds::default());
        Self { header, trunks, stages, instructions, seconds }
    }

    /// Puts the maps of photographs that a trunk has not seen yet into the cache.
    fn map(
        &mut self,
        photographs: &mut PhotoCache,
        trunk: usize,
        places: impl Iterator<Item = usize>,
    ) -> Result<(), BackboneError> {
        let start = Instant::now();
        photographs.add_maps((trunk, &*self.trunks[trunk]), places)?;
        self.seconds.photographs += start.elapsed().as_secs_f64();
        Ok(())
    }

    /// What a stage predicts for pairs whose photographs are in the cache, after what was found so far.
    fn stage(
        &mut self,
        stage: usize,
        photographs: &mut PhotoCache,
        pairs: &[NetworkPair],
        found: &[Vec<Transformation>],
    ) -> Result<Vec<Transformation>, BackboneError> {
        let trunk = self.stages[stage].trunk;
        let targets = pairs.iter().map(|pair| pair.b);
        let sources = match stage {
            0 => {
                self.map(photographs, trunk, targets.chain(pairs.iter().map(|pair| pair.a)))?;
                pairs.iter().map(|pair| photographs.map(trunk, pair.a)).collect()
            }
            _ => {
                self.map(photographs, trunk, targets)?;
                self.warped(photographs, trunk, pairs, found)?
            }
        };
        let start = Instant::now();
        let (instructions, Stage { geometry, regression, .. }) =
            (self.instructions, &self.stages[stage]);
        let photographs = &*photographs;
        let read = |(pair, source): (&NetworkPair, &Arc<FeatureMap>)| {
            let correlation = correlate(instructions, source, &photographs.map(trunk, pair.b));
            geometry.transformation(&regression.theta(instructions, &correlation))
        };
        let read = pairs.par_iter().zip(&sources).map(read).collect();
        self.seconds.regression += start.elapsed().as_secs_f64();
        Ok(read)
    }

    /// Maps of each pair's source image warped by what was found so far.
    fn warped(
        &mut self,
        photographs: &PhotoCache,
        trunk: usize,
        pairs: &[NetworkPair],
        found: &[Vec<Transformation>],
    ) -> Result<Vec<Arc<FeatureMap>>, BackboneError> {
        let start = Instant::now();
        let warp = |(pair, stages): (&NetworkPair, &Vec<Transformation>)| {
            photographs.square(pair.a).warped(|point| apply_all(stages, point))
        };
        let squares: Vec<Square> = pairs.par_iter().zip(found).map(warp).collect();
        let squares: Vec<&Square> = squares.iter().collect();
        let maps = photographs.features(&*self.trunks[trunk], &squares)?;
        self.seconds.warped += start.elapsed().as_secs_f64();
        Ok(maps.into_iter().map(Arc::new).collect())
    }
}

impl PairNetwork for Alignment {
    type Found = Vec<Transformation>;
    type Mapping = AlignmentMapping;

    fn header(&self) -> MethodHeader {
        self.header.clone()
    }

    fn image_side(&self) -> usize {
        IMAGE_SIDE
    }

    fn look(
        &mut self,
        photographs: &mut PhotoCache,
        pairs: &[NetworkPair],
    ) -> Result<Vec<Vec<Transformation>>, MethodError> {
        let mut found: Vec<Vec<Transformation>> = vec![Vec::new(); pairs.len()];
        for stage in 0..self.stages.len() {
            let next = self.stage(stage, photographs, pairs, &found)?;
            found.iter_mut().zip(next).for_each(|(stages, next)| stages.push(next));
        }
        Ok(found)
    }

    fn mapping(stages: Vec<Transformation>, direction: Direction) -> AlignmentMapping {
        AlignmentMapping { stages, direction }
    }

    fn stage_seconds(&self) -> Vec<(&'static str, f64)> {
        let Seconds { photographs, warped, regression } = self.seconds;
        vec![("backbone", photographs), ("warped", warped), ("regression", regression)]
    }
}

impl AlignmentMapping {
    /// Where a point of the pair's source is in its target, both from -1 to 1; `None` where an inverse
    /// is wanted and there is none.
    #[must_use]
    pub fn apply(&self, point: [f64; 2]) -> Option<[f64; 2]> {
        match self.direction {
            Direction::Direct => Some(apply_all(&self.stages, point)),
            Direction::Inverse => invert_all(&self.stages, point),
        }
    }
}

impl Mapping for AlignmentMapping {
    fn apply(&self, point: [f64; 2]) -> Option<[f64; 2]> {
        self.apply(point)
    }
}
