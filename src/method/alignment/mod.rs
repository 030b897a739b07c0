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
//! both stages share one); `--engine dense` does so too. Here each photograph goes through a trunk
//! once however many pairs it is in, and a pair costs the pass of its warped picture alone.
//!
//! Keypoints at and beyond the border are mapped like any other: the transformations are defined
//! everywhere, and predictions may be outside the target, as with the published code.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use serde_json::{Map, Value};

pub mod correlation;
pub mod geometry;
pub mod open;
pub mod regression;

use correlation::correlate;
use geometry::{Transformation, apply_all, invert_all};
use regression::Regression;

use super::frame::Frame;
use super::learned::flow_of;
use super::shelf::{Scheme, Shelf, Wired};
use super::{Direction, Keypoints, Matched, Method, MethodError, Outcome, Query, Sink};
use crate::Point;
use crate::backbone::BackboneError;
use crate::backbone::networks::GeometricModel;
use crate::backbone::trunk::Trunk;
use crate::benchmark::Benchmark;
use crate::engine::cpu::InstructionSet;
use crate::hyperpixel::FeatureMap;
use crate::image::corners::Square;

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

/// A learned alignment with its networks.
pub struct Alignment {
    /// For the header of a predictions file.
    about: Map<String, Value>,
    trunks: Vec<Box<dyn Trunk>>,
    stages: Vec<Stage>,
    wiring: Wiring,
    scheme: Scheme,
    instructions: InstructionSet,
    busy: Busy,
}

/// How a pair's keypoints become those of the networks and back.
#[derive(Debug, Clone, Copy)]
pub struct Wiring {
    /// Which photograph is the networks' source image.
    pub direction: Direction,
    /// The coordinate of the first pixel's centre: [`super::frame::first_pixel`] of the benchmark.
    pub first_pixel: u8,
}

/// Seconds that each step was at work.
#[derive(Debug, Clone, Copy, Default)]
struct Busy {
    /// Reading, decoding and resizing photographs.
    decode: f64,
    /// Maps of photographs.
    photographs: f64,
    /// Warping, and maps of warped pictures.
    warped: f64,
    /// Correlations and regressions.
    regression: f64,
}

impl Alignment {
    /// A method of these stages, in order of execution. `about` is for the header of predictions
    /// files.
    #[must_use]
    pub fn new(
        about: Map<String, Value>,
        trunks: Vec<Box<dyn Trunk>>,
        stages: Vec<Stage>,
        wiring: Wiring,
        scheme: Scheme,
    ) -> Self {
        let instructions = InstructionSet::available()[0];
        let busy = Busy::default();
        Self { about, trunks, stages, wiring, scheme, instructions, busy }
    }

    /// Puts the maps of photographs that a trunk has not seen yet on the shelf.
    fn map(
        &mut self,
        shelf: &mut Shelf,
        trunk: usize,
        images: impl Iterator<Item = usize>,
    ) -> Result<(), BackboneError> {
        let start = Instant::now();
        shelf.add_maps((trunk, &*self.trunks[trunk]), self.scheme, images)?;
        self.busy.photographs += start.elapsed().as_secs_f64();
        Ok(())
    }

    /// The transformations of pairs whose photographs are on the shelf, stage by stage.
    fn align(
        &mut self,
        shelf: &mut Shelf,
        pairs: &[Wired],
    ) -> Result<Vec<Vec<Transformation>>, BackboneError> {
        let mut found: Vec<Vec<Transformation>> = vec![Vec::new(); pairs.len()];
        for stage in 0..self.stages.len() {
            let trunk = self.stages[stage].trunk;
            let targets = pairs.iter().map(|pair| pair.b);
            let sources = match stage {
                0 => {
                    self.map(shelf, trunk, targets.chain(pairs.iter().map(|pair| pair.a)))?;
                    pairs.iter().map(|pair| shelf.map(trunk, pair.a)).collect()
                }
                _ => {
                    self.map(shelf, trunk, targets)?;
                    self.warped(shelf, trunk, pairs, &found)?
                }
            };
            let start = Instant::now();
            let (instructions, Stage { geometry, regression, .. }) =
                (self.instructions, &self.stages[stage]);
            let next: Vec<Transformation> = pairs
                .par_iter()
                .zip(&sources)
                .map(|(pair, source)| {
                    let correlation = correlate(instructions, source, &shelf.map(trunk, pair.b));
                    geometry.transformation(&regression.theta(instructions, &correlation))
                })
                .collect();
            found.iter_mut().zip(next).for_each(|(stages, next)| stages.push(next));
            self.busy.regression += start.elapsed().as_secs_f64();
        }
        Ok(found)
    }

    /// Maps of each pair's source image warped by what was found so far.
    fn warped(
        &mut self,
        shelf: &Shelf,
        trunk: usize,
        pairs: &[Wired],
        found: &[Vec<Transformation>],
    ) -> Result<Vec<Arc<FeatureMap>>, BackboneError> {
        let start = Instant::now();
        let warp = |(pair, stages): (&Wired, &Vec<Transformation>)| {
            shelf.square(pair.a).warped(|point| apply_all(stages, point))
        };
        let squares: Vec<Square> = pairs.par_iter().zip(found).map(warp).collect();
        let squares: Vec<&Square> = squares.iter().collect();
        let maps = self.scheme.features(&*self.trunks[trunk], &squares)?;
        self.busy.warped += start.elapsed().as_secs_f64();
        Ok(maps.into_iter().map(Arc::new).collect())
    }

    /// Predicts pairs that go through the networks together, and gives an outcome for each.
    fn batch(
        &mut self,
        benchmark: &Benchmark,
        indices: &[usize],
        shelf: &mut Shelf,
    ) -> Result<Vec<Outcome>, MethodError> {
        let start = Instant::now();
        let sizes = shelf.read_pairs(benchmark, indices);
        self.busy.decode += start.elapsed().as_secs_f64();
        let pairs = || indices.iter().map(|&index| &benchmark.pairs[index]);
        let usable: Vec<Wired> = pairs()
            .zip(&sizes)
            .filter(|(_, sizes)| sizes.is_ok())
            .map(|(pair, _)| self.wiring.direction.wire(pair.source, pair.target))
            .collect();
        let mut found = self.align(shelf, &usable)?.into_iter();
        let wiring = self.wiring;
        Ok(indices
            .iter()
            .zip(sizes)
            .map(|(&index, sizes)| {
                let keypoints = sizes.map(|sizes| {
                    let stages = found.next().unwrap_or_default();
                    let points = benchmark.pairs[index].source_keypoints.iter();
                    points.map(|&point| wiring.transfer(&stages, sizes, point)).collect()
                });
                Outcome { pair: index, keypoints }
            })
            .collect())
    }
}

impl Wiring {
    /// Where a point of the pair's source is in its target, in original pixels; `sizes` are width and
    /// height of both. `None` where an inverse is wanted and there is none, or the transformation
    /// gives no number.
    #[must_use]
    pub fn transfer(
        self,
        stages: &[Transformation],
        sizes: [[u32; 2]; 2],
        point: Point,
    ) -> Option<Point> {
        let [source, target] = sizes.map(|size| Frame { size, first: self.first_pixel });
        let unit = source.to_unit(point);
        let mapped = match self.direction {
            Direction::Direct => apply_all(stages, unit),
            Direction::Inverse => invert_all(stages, unit)?,
        };
        target.to_pixels(mapped)
    }
}

impl Method for Alignment {
    fn describe(&self) -> Map<String, Value> {
        self.about.clone()
    }

    fn predict(
        &mut self,
        benchmark: &Benchmark,
        pairs: &[usize],
        sink: &mut Sink,
    ) -> Result<(), MethodError> {
        self.scheme.predict(IMAGE_SIDE, (benchmark, pairs), sink, |indices, shelf| {
            self.batch(benchmark, indices, shelf)
        })
    }

    fn find(&mut self, query: &Query) -> Result<Matched, MethodError> {
        let mut shelf = Shelf::new(IMAGE_SIDE);
        shelf.read(&[(0, query.source, None), (1, query.target, None)]);
        let sizes = [shelf.size(0)?, shelf.size(1)?];
        let pair = self.wiring.direction.wire(0, 1);
        let stages = self.align(&mut shelf, &[pair])?.pop().unwrap_or_default();
        let wiring = self.wiring;
        let transfer = |point: Point| wiring.transfer(&stages, sizes, point);
        let keypoints: Keypoints = query.keypoints.iter().map(|&point| transfer(point)).collect();
        let flow = query.flow.map(|size| flow_of(size, wiring.first_pixel, transfer));
        Ok(Matched { keypoints, flow: flow.unwrap_or_default() })
    }

    fn busy(&self) -> Vec<(&'static str, f64)> {
        let Busy { decode, photographs, warped, regression } = self.busy;
        vec![
            ("decode", decode),
            ("backbone", photographs),
            ("warped", warped),
            ("regression", regression),
        ]
    }
}
