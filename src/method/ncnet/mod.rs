//! NC-Net: the correlation of two photographs, filtered by neighbourhood consensus (Rocco et al.,
//! "Neighbourhood Consensus Networks", NeurIPS 2018).
//!
//! Both photographs are resized to 400 × 400. The trunk gives a map of 25 × 25 cells of each, their
//! 4D correlation is filtered ([`crate::engine::consensus`]), and each cell of the network's target
//! image takes the cell of its source image that correlates best. Points between cells are carried
//! along bilinearly ([`mod@matches`]).
//!
//! The published code computes everything anew for every pair; with
//! [`Sharing::PerPair`](super::Sharing::PerPair) this does so too. By default each
//! photograph goes through the trunk once however many pairs it is in, and a pair costs its
//! correlation and the filter.
//!
//! Keypoints beyond the middle of the outermost cells, which is the border of the photograph, are
//! clamped to it, where the published code reads other cells or fails.

use std::time::Instant;

use rayon::prelude::*;

pub mod matches;
mod open;
pub mod options;

use matches::CellMatches;

use super::pair_network::{Mapping, NetworkPair, PairNetwork};
use super::photo_cache::PhotoCache;
use super::{Direction, MethodError};
use crate::backbone::trunk::Trunk;
use crate::engine::consensus::{ConsensusEngine, Correlation4d};
use crate::engine::cpu::correlate;
use crate::predictions::MethodHeader;

/// Width and height of the trunk's input in pixels (published code).
pub const IMAGE_SIDE: usize = 400;

/// The networks of NC-Net.
pub struct NcNet {
    header: MethodHeader,
    trunk: Box<dyn Trunk>,
    engine: Box<dyn ConsensusEngine>,
    seconds: Seconds,
}

/// Seconds that each step was at work.
#[derive(Debug, Clone, Copy, Default)]
struct Seconds {
    /// Maps of photographs.
    backbone: f64,
    /// 4D correlations.
    correlation: f64,
    /// The engine.
    consensus: f64,
}

/// Of each cell of a pair's source a cell of its target; `None` where the correlation says nothing: it
/// is empty, or what is in it is no numbers.
pub struct CellMapping(Option<CellMatches>);

impl NcNet {
    /// NC-Net of a trunk and an engine, which holds the consensus network.
    fn new(header: MethodHeader, trunk: Box<dyn Trunk>, engine: Box<dyn ConsensusEngine>) -> Self {
        Self { header, trunk, engine, seconds: Seconds::default() }
    }
}

impl PairNetwork for NcNet {
    type Found = Correlation4d;
    type Mapping = CellMapping;

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
    ) -> Result<Vec<Correlation4d>, MethodError> {
        let start = Instant::now();
        photographs.add_maps((0, &*self.trunk), pairs.iter().flat_map(|pair| [pair.a, pair.b]))?;
        self.seconds.backbone += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let correlate = |pair: &NetworkPair| {
            correlate(&photographs.map(0, pair.a), &photographs.map(0, pair.b))
        };
        let correlations: Vec<Correlation4d> = pairs.par_iter().map(correlate).collect();
        self.seconds.correlation += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let filtered = self.engine.filter(&correlations)?;
        self.seconds.consensus += start.elapsed().as_secs_f64();
        Ok(filtered)
    }

    fn mapping(filtered: Correlation4d, direction: Direction) -> CellMapping {
        let finite = filtered.data.iter().all(|value| value.is_finite());
        let evidence = finite && filtered.data.iter().any(|&value| value > 0.0);
        CellMapping(evidence.then(|| match direction {
            Direction::Direct => CellMatches::of(&filtered),
            Direction::Inverse => CellMatches::of(&filtered.exchanged()),
        }))
    }

    fn stage_seconds(&self) -> Vec<(&'static str, f64)> {
        let Seconds { backbone, correlation, consensus } = self.seconds;
        vec![("backbone", backbone), ("correlation", correlation), ("consensus", consensus)]
    }
}

impl Mapping for CellMapping {
    fn apply(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let [x, y] = self.0.as_ref()?.transfer([x as f32, y as f32]);
        Some([f64::from(x), f64::from(y)])
    }
}
