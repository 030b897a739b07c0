//! The dense engine: the network as published, in libtorch. It is the baseline that the other engines
//! are compared with, and a second oracle for them (NC-Net, section 3.2).
//!
//! What follows the published code: a 4D convolution is a loop over A's rows, and for each of them
//! over the taps along A's rows, of libtorch's 3D convolution over the other three axes, rows of zeros
//! at both ends included; the second direction runs on the exchanged correlation and is exchanged
//! back; mutual matching takes two maxima and makes four passes. What does not, in its favour: sums
//! are made in place.

use std::time::Instant;

use tch::{Kind, TchError, Tensor};

use super::libtorch;
use crate::backbone::Device;
use crate::engine::checked::Checked;
use crate::engine::consensus::contract::{
    ConsensusEngine, ConsensusExamination, ExamineConsensus, MUTUAL_EPSILON,
};
use crate::engine::consensus::{ConsensusLayer, ConsensusWeights, Correlation4d};
use crate::engine::error::EngineError;
use crate::engine::stages::StageTimes;

/// Stages in order of first execution.
const STAGES: [&str; 2] = ["mutual", "convolve"];

/// Filters correlations as published, in libtorch.
#[derive(Debug)]
pub struct DenseConsensus {
    device: tch::Device,
    threads: usize,
    layers: Vec<Filters>,
    seconds: [f64; STAGES.len()],
    pairs: usize,
}

/// One layer's tensors.
#[derive(Debug)]
struct Filters {
    /// Taps along A's rows × outputs × inputs × taps along the other three axes.
    weight: Tensor,
    bias: Tensor,
    /// Taps of an axis on either side of the middle.
    padding: i64,
}

/// The results of [`ConsensusExamination`] as tensors.
struct Filtered {
    mutual: Tensor,
    direct: Tensor,
    symmetric: Tensor,
    filtered: Tensor,
}

impl DenseConsensus {
    /// An engine on a device, with `threads` of libtorch's threads on the CPU.
    ///
    /// # Errors
    /// CUDA where there is none.
    pub fn new(
        weights: &ConsensusWeights,
        device: Device,
        threads: usize,
    ) -> Result<Self, EngineError> {
        let device = libtorch::open_device(device)?;
        let layers = weights.layers().iter();
        let layers = layers
            .map(|layer| Filters::new(layer, device))
            .collect::<Result<_, _>>()
            .map_err(|error| libtorch::error(&error))?;
        let threads = threads.max(1);
        Ok(Self { device, threads, layers, seconds: Default::default(), pairs: 0 })
    }

    fn run(&mut self, correlation: &Correlation4d) -> Result<Filtered, EngineError> {
        libtorch::set_threads(self.threads);
        let filtered = tch::no_grad(|| self.steps(correlation));
        self.pairs += 1;
        filtered.map_err(|error| libtorch::error(&error))
    }

    fn steps(&mut self, correlation: &Correlation4d) -> Result<Filtered, TchError> {
        let start = Instant::now();
        let mutual = mutual(&self.upload(correlation)?)?;
        let start = self.lap(0, start);
        let [direct, exchanged] = self.directions(&mutual)?;
        let symmetric = direct.f_add(&exchanged)?;
        let start = self.lap(1, start);
        let filtered = self::mutual(&symmetric)?;
        self.lap(0, start);
        Ok(Filtered { mutual, direct, symmetric, filtered })
    }

    /// A correlation on the device: A's rows × A's columns × B's rows × B's columns.
    fn upload(&self, correlation: &Correlation4d) -> Result<Tensor, TchError> {
        let shape = [correlation.a, correlation.b].concat();
        let shape: Vec<i64> = shape.into_iter().map(|side| side as i64).collect();
        Tensor::f_from_slice(&correlation.data)?.f_reshape(shape)?.f_to_device(self.device)
    }

    /// N(c) and T(N(T(c))).
    fn directions(&self, correlation: &Tensor) -> Result<[Tensor; 2], TchError> {
        let exchanged = self.layers(&exchange(correlation)?)?;
        Ok([self.layers(correlation)?, exchange(&exchanged)?])
    }

    /// The layers on one direction.
    fn layers(&self, correlation: &Tensor) -> Result<Tensor, TchError> {
        // A's rows × batch × channels × the other three axes.
        let mut maps = correlation.f_unsqueeze(1)?.f_unsqueeze(1)?;
        for layer in &self.layers {
            maps = layer.convolve(&maps)?.f_relu_()?;
        }
        maps.f_squeeze_dim(1)?.f_squeeze_dim(1)
    }

    /// Adds the time since `start` to a stage, once the device is done with it.
    fn lap(&mut self, stage: usize, start: Instant) -> Instant {
        if let tch::Device::Cuda(index) = self.device {
            tch::Cuda::synchronize(index as i64);
        }
        let now = Instant::now();
        self.seconds[stage] += (now - start).as_secs_f64();
        now
    }
}

impl Filters {
    fn new(layer: &ConsensusLayer, device: tch::Device) -> Result<Self, TchError> {
        let kernel = layer.kernel as i64;
        let shape = [kernel, layer.outputs as i64, layer.inputs as i64, kernel, kernel, kernel];
        Ok(Self {
            weight: Tensor::f_from_slice(&layer.weight)?.f_reshape(shape)?.f_to_device(device)?,
            bias: Tensor::f_from_slice(&layer.bias)?.f_to_device(device)?,
            padding: kernel / 2,
        })
    }

    /// A 4D convolution: rows of A × batch × channels × three axes, before and after.
    fn convolve(&self, maps: &Tensor) -> Result<Tensor, TchError> {
        let rows = maps.size()[0];
        let mut shape = maps.size();
        shape[0] = self.padding;
        let zeros = Tensor::f_zeros(&shape, (Kind::Float, maps.device()))?;
        let padded = Tensor::f_cat(&[&zeros, maps, &zeros], 0)?;
        let mut sums = Vec::new();
        for row in 0..rows {
            let middle = self.tap(&padded, row, self.padding, Some(&self.bias))?;
            let mut sum = middle;
            for distance in 1..=self.padding {
                for tap in [self.padding - distance, self.padding + distance] {
                    sum = sum.f_add_(&self.tap(&padded, row, tap, None)?)?;
                }
            }
            sums.push(sum);
        }
        Tensor::f_stack(&sums, 0)
    }

    /// What one tap along A's rows adds to a row.
    fn tap(
        &self,
        padded: &Tensor,
        row: i64,
        tap: i64,
        bias: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        let weight = self.weight.f_get(tap)?;
        padded.f_get(row + tap)?.f_conv3d(&weight, bias, 1, self.padding, 1, 1)
    }
}

/// The correlation with A and B exchanged.
fn exchange(correlation: &Tensor) -> Result<Tensor, TchError> {
    correlation.f_permute([2, 3, 0, 1])?.f_contiguous()
}

/// Soft mutual nearest neighbours.
fn mutual(correlation: &Tensor) -> Result<Tensor, TchError> {
    let [rows, columns] =
        [0, 2].map(|axis| correlation.size()[axis] * correlation.size()[axis + 1]);
    let flat = correlation.f_view([rows, columns])?;
    let ratio = |axis: i64| {
        let (largest, _) = flat.f_max_dim(axis, true)?;
        flat.f_div(&largest.f_add_scalar(f64::from(MUTUAL_EPSILON))?)
    };
    flat.f_mul(&ratio(1)?.f_mul(&ratio(0)?)?)?.f_view_as(correlation)
}

impl ConsensusEngine for DenseConsensus {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn adapter(&self) -> String {
        libtorch::adapter(self.device)
    }

    fn filter_checked(
        &mut self,
        correlations: Checked<Correlation4d>,
    ) -> Result<Vec<Correlation4d>, EngineError> {
        let one = |correlation: &Correlation4d| {
            host(correlation, &self.run(correlation)?.filtered)
                .map_err(|error| libtorch::error(&error))
        };
        correlations.iter().map(one).collect()
    }

    fn take_stage_times(&mut self) -> StageTimes {
        let (seconds, pairs) = (std::mem::take(&mut self.seconds), std::mem::take(&mut self.pairs));
        StageTimes::of_seconds(&STAGES, &seconds, pairs)
    }
}

impl ExamineConsensus for DenseConsensus {
    fn examine_checked(
        &mut self,
        correlation: Checked<Correlation4d>,
    ) -> Result<ConsensusExamination, EngineError> {
        let correlation = &correlation[0];
        let Filtered { mutual, direct, symmetric, filtered } = self.run(correlation)?;
        let host = |tensor| host(correlation, &tensor).map_err(|error| libtorch::error(&error));
        Ok(ConsensusExamination {
            mutual: host(mutual)?,
            direct: host(direct)?,
            symmetric: host(symmetric)?,
            filtered: host(filtered)?,
        })
    }

    fn network_checked(
        &mut self,
        correlation: Checked<Correlation4d>,
    ) -> Result<[Correlation4d; 2], EngineError> {
        let correlation = &correlation[0];
        libtorch::set_threads(self.threads);
        let both = tch::no_grad(|| {
            let [direct, exchanged] = self.directions(&self.upload(correlation)?)?;
            Ok([host(correlation, &direct)?, host(correlation, &exchanged)?])
        });
        both.map_err(|error| libtorch::error(&error))
    }
}

/// A result on the host, of the size of the correlation that it came from.
fn host(like: &Correlation4d, tensor: &Tensor) -> Result<Correlation4d, TchError> {
    Ok(Correlation4d { a: like.a, b: like.b, data: libtorch::values(tensor)? })
}
