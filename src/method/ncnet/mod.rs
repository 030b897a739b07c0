//! NC-Net: the correlation of two photographs, filtered by neighbourhood consensus (Rocco et al.,
//! "Neighbourhood Consensus Networks", NeurIPS 2018).
//!
//! Both photographs are resized to 400 × 400. The trunk gives a map of 25 × 25 cells of each, their
//! 4D correlation is filtered ([`crate::engine::consensus`]), and each cell of the network's target
//! image takes the cell of its source image that correlates best. Points between cells are carried
//! along bilinearly ([`mod@matches`]).
//!
//! The published code computes everything anew for every pair; `--engine dense` does so too. Here each
//! photograph goes through the trunk once however many pairs it is in, and a pair costs its
//! correlation and the filter.
//!
//! Keypoints beyond the middle of the outermost cells, which is the border of the photograph, are
//! clamped to it, where the published code reads other cells or fails.

use std::time::Instant;

use rayon::prelude::*;
use serde_json::{Map, Value};

pub mod matches;
pub mod open;

use matches::CellMatches;

use super::frame::Frame;
use super::learned::flow_of;
use super::shelf::{Scheme, Shelf, Wired};
use super::{Direction, Matched, Method, MethodError, Outcome, Query, Sink};
use crate::Point;
use crate::backbone::trunk::Trunk;
use crate::benchmark::Benchmark;
use crate::engine::consensus::{ConsensusEngine, Correlation4d};
use crate::engine::cpu::correlate;

/// Width and height of the trunk's input in pixels (published code).
pub const IMAGE_SIDE: usize = 400;

/// NC-Net with its networks.
pub struct NcNet {
    /// For the header of a predictions file.
    about: Map<String, Value>,
    trunk: Box<dyn Trunk>,
    engine: Box<dyn ConsensusEngine>,
    direction: Direction,
    /// The coordinate of the first pixel's centre: [`super::frame::first_pixel`] of the benchmark.
    first_pixel: u8,
    scheme: Scheme,
    busy: Busy,
}

/// Seconds that each step was at work.
#[derive(Debug, Clone, Copy, Default)]
struct Busy {
    /// Reading, decoding and resizing photographs.
    decode: f64,
    /// Maps of photographs.
    backbone: f64,
    /// 4D correlations.
    correlation: f64,
    /// The engine.
    consensus: f64,
    /// From filtered correlations to keypoints.
    transfer: f64,
}

/// A pair's matches, and how points go by them.
struct Transfer {
    /// Of each cell of the pair's source a cell of its target; `None` where the correlation says
    /// nothing: it is empty, or what is in it is no numbers.
    matches: Option<CellMatches>,
    source: Frame,
    target: Frame,
}

impl Transfer {
    /// Where a point of the source is in the target, in original pixels; `None` where it is not a
    /// number, or nothing is known.
    fn point(&self, point: Point) -> Option<Point> {
        let [x, y] = self.source.to_unit(point);
        let [x, y] = self.matches.as_ref()?.transfer([x as f32, y as f32]);
        self.target.to_pixels([f64::from(x), f64::from(y)])
    }
}

impl NcNet {
    /// The method with these parts. `about` is for the header of predictions files.
    fn new(
        about: Map<String, Value>,
        trunk: Box<dyn Trunk>,
        engine: Box<dyn ConsensusEngine>,
        direction: Direction,
        first_pixel: u8,
        scheme: Scheme,
    ) -> Self {
        let busy = Busy::default();
        Self { about, trunk, engine, direction, first_pixel, scheme, busy }
    }

    /// The filtered correlations of pairs whose photographs are on the shelf.
    fn filtered(
        &mut self,
        shelf: &mut Shelf,
        pairs: &[Wired],
    ) -> Result<Vec<Correlation4d>, MethodError> {
        let start = Instant::now();
        let images = pairs.iter().flat_map(|pair| [pair.a, pair.b]);
        shelf.add_maps((0, &*self.trunk), self.scheme, images)?;
        self.busy.backbone += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let correlate = |pair: &Wired| correlate(&shelf.map(0, pair.a), &shelf.map(0, pair.b));
        let correlations: Vec<Correlation4d> = pairs.par_iter().map(correlate).collect();
        self.busy.correlation += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let filtered = self.engine.filter(&correlations)?;
        self.busy.consensus += start.elapsed().as_secs_f64();
        Ok(filtered)
    }

    /// How points of a pair's source go to its target; `sizes` are width and height of both in
    /// original pixels.
    fn transfer(&self, filtered: &Correlation4d, sizes: [[u32; 2]; 2]) -> Transfer {
        let finite = filtered.data.iter().all(|value| value.is_finite());
        let evidence = finite && filtered.data.iter().any(|&value| value > 0.0);
        let matches = evidence.then(|| match self.direction {
            Direction::Direct => CellMatches::of(filtered),
            Direction::Inverse => CellMatches::of(&filtered.exchanged()),
        });
        let [source, target] = sizes.map(|size| Frame { size, first: self.first_pixel });
        Transfer { matches, source, target }
    }

    /// Predicts pairs that are filtered together, and gives an outcome for each.
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
            .map(|(pair, _)| self.direction.wire(pair.source, pair.target))
            .collect();
        let mut filtered = match self.filtered(shelf, &usable) {
            // Which of them it is.
            Err(MethodError::Engine(error)) if error.is_too_large() && indices.len() > 1 => {
                let each = indices.chunks(1).map(|one| self.batch(benchmark, one, shelf));
                return Ok(each.collect::<Result<Vec<_>, _>>()?.concat());
            }
            Err(error) => return Err(error.of_pair(benchmark, indices[0])),
            Ok(filtered) => filtered.into_iter(),
        };
        let start = Instant::now();
        let mut outcomes = Vec::with_capacity(indices.len());
        for (&index, sizes) in indices.iter().zip(sizes) {
            let found =
                sizes.map(|sizes| filtered.next().map(|found| self.transfer(&found, sizes)));
            let points = &benchmark.pairs[index].source_keypoints;
            let keypoints = found.map(|transfer| {
                let each = |&point| transfer.as_ref().and_then(|transfer| transfer.point(point));
                points.iter().map(each).collect()
            });
            outcomes.push(Outcome { pair: index, keypoints });
        }
        self.busy.transfer += start.elapsed().as_secs_f64();
        Ok(outcomes)
    }
}

impl Method for NcNet {
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
        let filtered = self.filtered(&mut shelf, &[self.direction.wire(0, 1)]);
        let filtered = filtered.map_err(|error| error.of(query.source, query.target))?;
        let Some(filtered) = filtered.first() else { return Ok(Matched::default()) };
        let transfer = self.transfer(filtered, sizes);
        let keypoints = query.keypoints.iter().map(|&point| transfer.point(point)).collect();
        let flow = query.flow.map(|size| flow_of(size, self.first_pixel, |at| transfer.point(at)));
        Ok(Matched { keypoints, flow: flow.unwrap_or_default() })
    }

    fn busy(&self) -> Vec<(&'static str, f64)> {
        let Busy { decode, backbone, correlation, consensus, transfer } = self.busy;
        vec![
            ("decode", decode),
            ("backbone", backbone),
            ("correlation", correlation),
            ("consensus", consensus),
            ("transfer", transfer),
        ]
    }
}
