//! The regression network of A2Net: offset-aware correlation and attention (Seo et al., "Attentive
//! Semantic Alignment with Offset-Aware Correlation Kernels", ECCV 2018), as its checkpoints need it.

use super::layers::{CELLS, ConvolutionBlock, Linear, Regression};
use crate::engine::cpu::{Convolution, InstructionSet};
use crate::method::alignment::correlation::Correlation;
use crate::method::learned::ParameterValues;

/// Offsets along each axis of 15 cells.
const OFFSETS: usize = 2 * CELLS - 1;

/// Channels of every inner map.
const WIDTH: usize = 128;

/// Channels of the learned map of positions.
const POSITIONS: usize = 5;

/// Outputs, inputs and kernel side of the convolutions, in order.
const ALIGNED: [usize; 3] = [WIDTH, OFFSETS * OFFSETS, 1];
const WINDOW: [usize; 3] = [WIDTH, WIDTH, 7];
const MIXED: [usize; 3] = [WIDTH, POSITIONS + WIDTH, 1];
const PROJECTED: [usize; 3] = [WIDTH, WIDTH, 1];
const ATTENTION: [usize; 3] = [64, WIDTH, 1];
const LOGIT: [usize; 3] = [1, 64, 1];

/// Rows and columns after the window.
const SIDE: usize = CELLS + 1 - WINDOW[2];

/// The network with its weights.
pub struct A2Net {
    positions: Vec<f32>,
    aligned: ConvolutionBlock,
    window: ConvolutionBlock,
    mixed: ConvolutionBlock,
    projected: ConvolutionBlock,
    attention: ConvolutionBlock,
    logit: Convolution,
    logit_bias: f32,
    linear: Linear,
}

/// What the network computes on the way, for tests against golden values.
pub struct A2NetActivations {
    /// The map that the rest works on: 128 × 9 × 9.
    pub map: Vec<f32>,
    /// Attention before and after the softmax over the 9 × 9 cells.
    pub logits: Vec<f32>,
    /// Attention of each cell.
    pub attention: Vec<f32>,
    /// What attention is paid to: 128 × 9 × 9.
    pub projected: Vec<f32>,
    /// The sum of it, weighted by attention: 128.
    pub pooled: Vec<f32>,
    /// The numbers of the transformation.
    pub theta: Vec<f32>,
}

/// A correlation by offset: the channel (u, v) of a cell of B is its similarity with the cell of A at
/// that offset, 0 where there is none. The published code pairs A's column with B's row and A's row
/// with B's column; checkpoints were trained so.
#[must_use]
pub fn by_offset(correlation: &Correlation) -> Vec<f32> {
    let &Correlation { rows, columns, ref data } = correlation;
    let cells = rows * columns;
    let (across, down) = (2 * columns - 1, 2 * rows - 1);
    let mut out = vec![0.0; across * down * cells];
    for (channel, similarities) in data.chunks_exact(cells).enumerate() {
        let (column, row) = (channel / rows, channel % rows);
        for (cell, &value) in similarities.iter().enumerate() {
            let (i, j) = (cell / columns, cell % columns);
            let (u, v) = (column + rows - 1 - i, row + columns - 1 - j);
            out[(u * down + v) * cells + cell] = value;
        }
    }
    out
}

impl A2Net {
    /// The network of these parameters, which are those of [`super::RegressionKind::parameters`].
    #[must_use]
    pub fn new(values: &ParameterValues) -> Self {
        Self {
            positions: values["weight"].clone(),
            aligned: ConvolutionBlock::new(values, "preconv.0", "preconv.1", ALIGNED),
            window: ConvolutionBlock::new(values, "preconv.3", "preconv.4", WINDOW),
            mixed: ConvolutionBlock::new(values, "conv.0", "conv.1", MIXED),
            projected: ConvolutionBlock::new(values, "proj.0", "proj.1", PROJECTED),
            attention: ConvolutionBlock::new(values, "att.att.0", "att.att.1", ATTENTION),
            logit: Convolution::new(&values["att.att.3.weight"], LOGIT),
            logit_bias: values["att.att.3.bias"][0],
            linear: Linear::new(values),
        }
    }

    /// Runs the network on a correlation of 15 × 15 cells and keeps what is on the way.
    #[must_use]
    pub fn examine(
        &self,
        instructions: InstructionSet,
        correlation: &Correlation,
    ) -> A2NetActivations {
        let offsets = by_offset(correlation);
        let aligned = self.aligned.apply(instructions, &offsets, [ALIGNED[1], CELLS, CELLS]);
        let map = self.window.apply(instructions, &aligned, [WIDTH, CELLS, CELLS]);
        let positioned = [&self.positions[..], &map].concat();
        let mixed = self.mixed.apply(instructions, &positioned, [MIXED[1], SIDE, SIDE]);
        let projected = self.projected.apply(instructions, &mixed, [WIDTH, SIDE, SIDE]);
        let hidden = self.attention.apply(instructions, &map, [WIDTH, SIDE, SIDE]);
        let mut logits = self.logit.apply(instructions, &hidden, [LOGIT[1], SIDE, SIDE]);
        logits.iter_mut().for_each(|logit| *logit += self.logit_bias);
        let attention = softmax(&logits);
        let pooled: Vec<f32> = projected
            .chunks_exact(SIDE * SIDE)
            .map(|channel| channel.iter().zip(&attention).map(|(a, b)| a * b).sum())
            .collect();
        let theta = self.linear.apply(&pooled);
        A2NetActivations { map, logits, attention, projected, pooled, theta }
    }
}

impl Regression for A2Net {
    fn theta(&self, instructions: InstructionSet, correlation: &Correlation) -> Vec<f32> {
        self.examine(instructions, correlation).theta
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let total: f32 = powers.iter().sum();
    powers.iter().map(|power| power / total).collect()
}
