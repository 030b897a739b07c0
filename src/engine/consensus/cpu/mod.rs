//! The CPU engine: mutual matching and the network in frequencies, on threads and vector
//! instructions. Threads share the blocks and frequencies of one pair; every sum has one order, so
//! their number changes no bit.

use std::time::Instant;

use super::lattice::Lattice;
use super::{ConsensusEngine, ConsensusExamination, ConsensusWeights, Correlation4d, FLOOR, Layer};
use crate::engine::cpu::InstructionSet;
use crate::engine::{EngineError, StageTimes};

mod consensus;
mod mutual;
mod tables;

pub use mutual::mutual;

use consensus::{Blocks, Harmonics, Network};
use tables::Tables;

/// Stages in order of first execution.
const STAGES: [&str; 3] = ["mutual", "transform", "convolve"];

/// Filters correlations on the processor.
pub struct CpuConsensus {
    instructions: InstructionSet,
    weights: ConsensusWeights,
    tables: Option<Tables>,
    spectra: Spectra,
    seconds: [f64; STAGES.len()],
    pairs: usize,
}

/// Buffers that every pair uses.
#[derive(Default)]
struct Spectra {
    /// Of the matched correlation, for both directions.
    matched: Blocks,
    /// What goes into a layer.
    rectified: Blocks,
    /// What comes out of it.
    convolved: Harmonics,
}

impl CpuConsensus {
    /// An engine on the widest instruction set that this machine has.
    #[must_use]
    pub fn new(weights: ConsensusWeights) -> Self {
        Self::with(weights, InstructionSet::available()[0])
    }

    /// An engine on a given instruction set; on the plain one where this machine lacks it.
    #[must_use]
    pub fn with(weights: ConsensusWeights, instructions: InstructionSet) -> Self {
        let (tables, spectra) = (None, Spectra::default());
        Self { instructions, weights, tables, spectra, seconds: Default::default(), pairs: 0 }
    }

    /// The tables for a correlation's size: made anew only where the size is another.
    fn tables(&mut self, correlation: &Correlation4d) -> Tables {
        let lattice = Lattice::new(correlation, self.weights.reach());
        match self.tables.take() {
            Some(tables) if tables.grid.lattice == lattice => tables,
            _ => Tables::new(&self.weights, lattice, self.instructions),
        }
    }

    /// The network on an already matched correlation, one result a direction.
    fn directions(&mut self, matched: &Correlation4d) -> [Correlation4d; 2] {
        let tables = self.tables(matched);
        let mut spectra = std::mem::take(&mut self.spectra);
        let network = Network { instructions: self.instructions, grid: &tables.grid };
        let mut start = Instant::now();
        network.analyse(std::slice::from_ref(matched), &mut spectra.matched);
        self.lap(1, &mut start);
        let results = [0, 1].map(|direction| {
            let layers = &tables.directions[direction];
            let mut result = Correlation4d::zeros(matched.a, matched.b);
            for (index, layer) in layers.iter().enumerate() {
                let Spectra { matched, rectified, convolved } = &mut spectra;
                let input = if index == 0 { &*matched } else { &*rectified };
                network.convolve(input, layer, convolved);
                self.lap(2, &mut start);
                if index + 1 < layers.len() {
                    network.rectify(convolved, &layer.bias, rectified);
                } else if let Some(only) = network.synthesise(convolved, &layer.bias).pop() {
                    result = only;
                }
                self.lap(1, &mut start);
            }
            result
        });
        self.spectra = spectra;
        self.tables = Some(tables);
        results
    }

    fn lap(&mut self, stage: usize, start: &mut Instant) {
        let now = Instant::now();
        self.seconds[stage] += (now - *start).as_secs_f64();
        *start = now;
    }
}

/// Runs one layer alone, with its bias and ReLU: `channels` are its inputs, all of one size.
#[must_use]
pub fn layer(
    instructions: InstructionSet,
    layer: &Layer,
    channels: &[Correlation4d],
) -> Vec<Correlation4d> {
    let lattice = Lattice::new(&channels[0], layer.kernel / 2);
    let (grid, responses) = tables::of_layer(layer, lattice, instructions);
    let network = Network { instructions, grid: &grid };
    let (mut blocks, mut harmonics) = (Blocks::default(), Harmonics::default());
    network.analyse(channels, &mut blocks);
    network.convolve(&blocks, &responses, &mut harmonics);
    network.synthesise(&harmonics, &layer.bias)
}

impl ConsensusEngine for CpuConsensus {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn adapter(&self) -> String {
        self.instructions.name().to_owned()
    }

    fn filter(
        &mut self,
        correlations: &[Correlation4d],
    ) -> Result<Vec<Correlation4d>, EngineError> {
        let examined = |correlation| self.examine(correlation).map(|found| found.filtered);
        correlations.iter().map(examined).collect()
    }

    fn examine(
        &mut self,
        correlation: &Correlation4d,
    ) -> Result<ConsensusExamination, EngineError> {
        let mut start = Instant::now();
        let mut matched = correlation.clone();
        mutual(&mut matched, 0.0);
        self.lap(0, &mut start);
        let [direct, exchanged] = self.directions(&matched);
        let mut start = Instant::now();
        let mut symmetric = direct.clone();
        for (sum, value) in symmetric.data.iter_mut().zip(&exchanged.data) {
            *sum += value;
        }
        let mut filtered = symmetric.clone();
        mutual(&mut filtered, FLOOR);
        self.lap(0, &mut start);
        self.pairs += 1;
        Ok(ConsensusExamination { mutual: matched, direct, symmetric, filtered })
    }

    fn network(&mut self, correlation: &Correlation4d) -> Result<[Correlation4d; 2], EngineError> {
        Ok(self.directions(correlation))
    }

    fn take_stage_times(&mut self) -> StageTimes {
        let (seconds, pairs) = (std::mem::take(&mut self.seconds), std::mem::take(&mut self.pairs));
        StageTimes::of_seconds(&STAGES, &seconds, pairs)
    }
}
