//! The CPU engine of neighbourhood consensus: mutual matching and the network in frequencies, on
//! threads and vector instructions. Threads share the blocks and frequencies of one pair; every sum has
//! one order, so their number changes no bit.

use std::sync::Arc;
use std::time::Instant;

use rayon::ThreadPool;

use super::mutual::mutual;
use super::network::{Harmonics, SpectralNetwork, SpectrumBlocks};
use super::tables::{self, Tables};
use crate::engine::checked::Checked;
use crate::engine::consensus::contract::{
    ConsensusEngine, ConsensusExamination, ExamineConsensus, FLOOR,
};
use crate::engine::consensus::lattice::Lattice;
use crate::engine::consensus::{ConsensusLayer, ConsensusWeights, Correlation4d};
use crate::engine::cpu::simd::InstructionSet;
use crate::engine::error::EngineError;
use crate::engine::pool::Pool;
use crate::engine::stages::StageTimes;

/// Stages in order of first execution.
const STAGES: [&str; 3] = ["mutual", "transform", "convolve"];

/// Filters correlations on the processor.
pub struct CpuConsensus {
    instructions: InstructionSet,
    pool: Pool,
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
    matched: SpectrumBlocks,
    /// What goes into a layer.
    rectified: SpectrumBlocks,
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
        Self {
            instructions,
            pool: Pool::default(),
            weights,
            tables: None,
            spectra: Spectra::default(),
            seconds: Default::default(),
            pairs: 0,
        }
    }

    /// The same on the threads of a pool instead of rayon's global one.
    #[must_use]
    pub fn in_pool(self, pool: Arc<ThreadPool>) -> Self {
        Self { pool: Pool::new(Some(pool)), ..self }
    }

    /// Runs on the threads of its pool.
    fn in_its_pool<R: Send>(&mut self, work: impl FnOnce(&mut Self) -> R + Send) -> R {
        self.pool.clone().run(|| work(self))
    }

    /// All steps on one correlation.
    fn steps(&mut self, correlation: &Correlation4d) -> ConsensusExamination {
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
        ConsensusExamination { mutual: matched, direct, symmetric, filtered }
    }

    /// The tables for a correlation's size: made again only for another size.
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
        let network = SpectralNetwork { instructions: self.instructions, grid: &tables.grid };
        let mut start = Instant::now();
        network.analyse(std::slice::from_ref(matched), &mut spectra.matched);
        self.lap(1, &mut start);
        let results = [0, 1].map(|direction| {
            let layers = &tables.directions[direction];
            let mut result = None;
            for (index, layer) in layers.iter().enumerate() {
                let Spectra { matched, rectified, convolved } = &mut spectra;
                let input = if index == 0 { &*matched } else { &*rectified };
                network.convolve(input, layer, convolved);
                self.lap(2, &mut start);
                if index + 1 < layers.len() {
                    network.rectify(convolved, &layer.bias, rectified);
                } else {
                    result = network.synthesise(convolved, &layer.bias).pop();
                }
                self.lap(1, &mut start);
            }
            result.expect("the last layer of a network has one channel")
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
    layer: &ConsensusLayer,
    channels: &[Correlation4d],
) -> Vec<Correlation4d> {
    let lattice = Lattice::new(&channels[0], layer.kernel / 2);
    let (grid, responses) = tables::of_layer(layer, lattice, instructions);
    let network = SpectralNetwork { instructions, grid: &grid };
    let (mut blocks, mut harmonics) = (SpectrumBlocks::default(), Harmonics::default());
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

    fn filter_checked(
        &mut self,
        correlations: Checked<Correlation4d>,
    ) -> Result<Vec<Correlation4d>, EngineError> {
        let filtered = |engine: &mut Self| {
            correlations.iter().map(|correlation| engine.steps(correlation).filtered).collect()
        };
        Ok(self.in_its_pool(filtered))
    }

    fn take_stage_times(&mut self) -> StageTimes {
        let (seconds, pairs) = (std::mem::take(&mut self.seconds), std::mem::take(&mut self.pairs));
        StageTimes::of_seconds(&STAGES, &seconds, pairs)
    }
}

impl ExamineConsensus for CpuConsensus {
    fn examine_checked(
        &mut self,
        correlation: Checked<Correlation4d>,
    ) -> Result<ConsensusExamination, EngineError> {
        Ok(self.in_its_pool(|engine| engine.steps(&correlation[0])))
    }

    fn network_checked(
        &mut self,
        correlation: Checked<Correlation4d>,
    ) -> Result<[Correlation4d; 2], EngineError> {
        Ok(self.in_its_pool(|engine| engine.directions(&correlation[0])))
    }
}
