//! The dense engine: the formulation as published, in libtorch. It is the baseline that the other
//! engines are compared with, and a second oracle for them (HPF, sections 3.1 to 3.3).
//!
//! What follows the published code: all maps of both images are upsampled to their base grids and
//! concatenated; one matrix of all similarities comes from one matrix product, two norms, a clamp
//! and a cube; every entry of it votes through an index of its own, by `index_add`; the vote map is
//! blurred by a convolution; one matrix of all confidences is gathered from it; every row has its
//! maximum taken, not only those asked for. What does not, in its favour: the upsampling is its
//! own stage (`expand`), so that a comparison can leave it out; bins are read from tables
//! instead of computed match by match; all matches vote into one map instead of one map a
//! hyperpixel; element-wise steps are done in place.
//!
//! On CUDA the order of votes is not fixed, there or in the published code, so the last digits of a
//! confidence may change from run to run. On the CPU they do not.

use std::panic::resume_unwind;
use std::time::Instant;

use tch::{Kind, TchError, Tensor};

use super::libtorch;
use crate::backbone::Device;
use crate::engine::checked::Checked;
use crate::engine::contract::{Engine, Examination, Examine, Matches};
use crate::engine::error::EngineError;
use crate::engine::hough::{BLUR_SIDE, HoughSpace, gaussian};
use crate::engine::request::PairRequest;
use crate::engine::stages::StageTimes;
use crate::hyperpixel::{Group, Hyperimage};

/// Stages in order of execution.
const STAGES: [&str; 5] = ["expand", "correlate", "vote", "hough", "pick"];

/// Rows of the similarity matrix that one thread computes at a time.
const BLOCK_ROWS: i64 = 256;

/// A norm below this counts as this, so that a hyperpixel of zeros has similarity 0.
const SMALLEST_NORM: f64 = 1e-18;

/// Matches hyperimages as published, in libtorch.
#[derive(Debug)]
pub struct DenseEngine {
    device: tch::Device,
    threads: usize,
    seconds: [f64; STAGES.len()],
    pairs: usize,
}

impl DenseEngine {
    /// An engine on a device, with `threads` of libtorch's threads on the CPU.
    ///
    /// # Errors
    /// CUDA where there is none.
    pub fn new(device: Device, threads: usize) -> Result<Self, EngineError> {
        let device = libtorch::open_device(device)?;
        Ok(Self { device, threads: threads.max(1), seconds: Default::default(), pairs: 0 })
    }

    /// All steps of a pair.
    fn run(&mut self, pair: &PairRequest) -> Result<Dense, EngineError> {
        libtorch::set_threads(self.threads);
        let dense = tch::no_grad(|| self.steps(&pair.source, &pair.target));
        self.pairs += 1;
        dense.map_err(|error| libtorch::error(&error))
    }

    fn steps(&mut self, source: &Hyperimage, target: &Hyperimage) -> Result<Dense, TchError> {
        let space = HoughSpace::new(source, target);
        let start = Instant::now();
        let hyperpixels = [hyperpixels(source, self.device)?, hyperpixels(target, self.device)?];
        let start = self.lap(0, start);
        let similarities = similarities(&hyperpixels[0], &hyperpixels[1], self.threads)?;
        let start = self.lap(1, start);
        let bins = bins(source, target, &space)?.f_to_device(self.device)?;
        let votes = votes(&bins, &similarities, &space)?;
        let start = self.lap(2, start);
        let blurred = blur(&votes)?;
        let start = self.lap(3, start);
        let confidences = blurred
            .f_view(-1)?
            .f_index_select(0, &bins.f_view(-1)?)?
            .f_view_as(&similarities)?
            .f_mul_(&similarities)?;
        let (confidence, best) = confidences.f_max_dim(1, false)?;
        self.lap(4, start);
        Ok(Dense { similarities, votes, blurred, confidence, best })
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

impl Engine for DenseEngine {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn adapter(&self) -> String {
        libtorch::adapter(self.device)
    }

    fn match_checked_pairs(
        &mut self,
        pairs: Checked<PairRequest>,
    ) -> Result<Vec<Matches>, EngineError> {
        let one = |pair: &PairRequest| {
            self.run(pair)?.matches(&pair.rows).map_err(|error| libtorch::error(&error))
        };
        pairs.iter().map(one).collect()
    }

    fn take_stage_times(&mut self) -> StageTimes {
        let (seconds, pairs) = (std::mem::take(&mut self.seconds), std::mem::take(&mut self.pairs));
        StageTimes::of_seconds(&STAGES, &seconds, pairs)
    }
}

impl Examine for DenseEngine {
    fn examine_checked(&mut self, pair: Checked<PairRequest>) -> Result<Examination, EngineError> {
        let pair = &pair[0];
        self.run(pair)?.examination(&pair.rows).map_err(|error| libtorch::error(&error))
    }
}

/// What a pair gives, for all source hyperpixels.
struct Dense {
    /// Sources × targets.
    similarities: Tensor,
    /// 1 × 1 × bins_y × bins_x.
    votes: Tensor,
    /// 1 × 1 × bins_y × bins_x.
    blurred: Tensor,
    /// Highest confidence of each source.
    confidence: Tensor,
    /// The target it is reached at.
    best: Tensor,
}

impl Dense {
    fn matches(&self, rows: &[u32]) -> Result<Matches, TchError> {
        let best: Vec<i64> = libtorch::values(&self.best)?;
        let confidence: Vec<f32> = libtorch::values(&self.confidence)?;
        Ok(Matches {
            best: rows.iter().map(|&row| best[row as usize] as u32).collect(),
            confidence: rows.iter().map(|&row| confidence[row as usize]).collect(),
        })
    }

    fn examination(&self, rows: &[u32]) -> Result<Examination, TchError> {
        let indices: Vec<i64> = rows.iter().map(|&row| i64::from(row)).collect();
        let indices = Tensor::f_from_slice(&indices)?.f_to_device(self.similarities.device())?;
        Ok(Examination {
            similarity_rows: libtorch::values(&self.similarities.f_index_select(0, &indices)?)?,
            votes: libtorch::values(&self.votes)?,
            blurred_votes: libtorch::values(&self.blurred)?,
            matches: self.matches(rows)?,
        })
    }
}

/// The hyperpixels of an image, one a row: all maps upsampled to the base grid, concatenated, and
/// pruned to the cells that count.
fn hyperpixels(image: &Hyperimage, device: tch::Device) -> Result<Tensor, TchError> {
    let (rows, columns) = (image.groups[0].rows, image.groups[0].columns);
    let upsampled = |group: &Group| {
        let shape = [1, group.channels, group.rows, group.columns].map(|side| side as i64);
        let maps = Tensor::f_from_slice(&group.data.view().single())?
            .f_reshape(shape)?
            .f_to_device(device)?;
        if (group.rows, group.columns) == (rows, columns) {
            return Ok(maps);
        }
        maps.f_upsample_bilinear2d([rows as i64, columns as i64], true, None, None)
    };
    let maps = image.groups.iter().map(upsampled).collect::<Result<Vec<_>, TchError>>()?;
    let (rows, columns) = (image.grid.rows, image.grid.columns);
    let channels: usize = image.groups.iter().map(|group| group.channels).sum();
    Tensor::f_cat(&maps, 1)?
        .f_narrow(2, rows.start as i64, rows.len as i64)?
        .f_narrow(3, columns.start as i64, columns.len as i64)?
        .f_reshape([channels as i64, image.grid.len() as i64])?
        .f_transpose(0, 1)?
        .f_contiguous()
}

/// max(0, cos)³ of all hyperpixels of one image and all of the other.
fn similarities(source: &Tensor, target: &Tensor, threads: usize) -> Result<Tensor, TchError> {
    let norms = |hyperpixels: &Tensor| {
        hyperpixels
            .f_norm_scalaropt_dim(2, [1i64], true)
            .and_then(|norms| norms.f_clamp_min(SMALLEST_NORM))
    };
    product(source, target, threads)?
        .f_div_(&norms(source)?.f_matmul(&norms(target)?.f_transpose(0, 1)?)?)?
        .f_clamp_min_(0.0)?
        .f_pow_(3)
}

/// The matrix product of `source` and the transpose of `target`. On the CPU it is shared out in
/// blocks of rows, each on one thread: libtorch's own sharing gives other bits for other numbers of
/// threads.
fn product(source: &Tensor, target: &Tensor, threads: usize) -> Result<Tensor, TchError> {
    let transposed = target.f_transpose(0, 1)?;
    if source.device() != tch::Device::Cpu {
        return source.f_matmul(&transposed);
    }
    let (rows, columns) = (source.size()[0], target.size()[0]);
    let product = Tensor::f_empty([rows, columns], (Kind::Float, tch::Device::Cpu))?;
    let mut blocks = Vec::new();
    for start in (0..rows).step_by(BLOCK_ROWS as usize) {
        let length = BLOCK_ROWS.min(rows - start);
        blocks.push((product.f_narrow(0, start, length)?, source.f_narrow(0, start, length)?));
    }
    let share = blocks.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        while !blocks.is_empty() {
            let mine = blocks.split_off(blocks.len().saturating_sub(share));
            let transposed = transposed.shallow_clone();
            running.push(scope.spawn(move || {
                tch::set_num_threads(1);
                mine.iter().try_for_each(|(product, source)| {
                    source.f_matmul_out(product, &transposed).map(drop)
                })
            }));
        }
        running
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })?;
    Ok(product)
}

/// The bin of every match, sources × targets.
fn bins(source: &Hyperimage, target: &Hyperimage, space: &HoughSpace) -> Result<Tensor, TchError> {
    let axis = |table: &[u32], sources: usize, targets: usize, scale: usize| -> Vec<i64> {
        (0..sources)
            .flat_map(|source| (0..targets).map(move |target| target + (sources - 1) - source))
            .map(|offset| i64::from(table[offset]) * scale as i64)
            .collect()
    };
    let (s, t) = (&source.grid, &target.grid);
    let x = axis(&space.bin_of_column_offset, s.columns.len, t.columns.len, 1);
    let y = axis(&space.bin_of_row_offset, s.rows.len, t.rows.len, space.bins_x);
    let x =
        Tensor::f_from_slice(&x)?.f_reshape([1, s.columns.len as i64, 1, t.columns.len as i64])?;
    let y = Tensor::f_from_slice(&y)?.f_reshape([s.rows.len as i64, 1, t.rows.len as i64, 1])?;
    y.f_add(&x)?.f_reshape([s.len() as i64, t.len() as i64])
}

/// The vote map: every match votes its similarity into its bin.
fn votes(bins: &Tensor, similarities: &Tensor, space: &HoughSpace) -> Result<Tensor, TchError> {
    let (width, height) = (space.bins_x as i64, space.bins_y as i64);
    Tensor::f_zeros([width * height], (Kind::Float, similarities.device()))?
        .f_index_add_(0, &bins.f_view(-1)?, &similarities.f_view(-1)?)?
        .f_view([1, 1, height, width])
}

/// The vote map blurred by the Gaussian, zero padded.
fn blur(votes: &Tensor) -> Result<Tensor, TchError> {
    let side = BLUR_SIDE as i64;
    let filter = Tensor::f_from_slice(&gaussian())?
        .f_reshape([1, 1, side, side])?
        .f_to_device(votes.device())?;
    let padding = [side / 2; 2];
    // In order: not transposed, no output padding, one group; then no search for the fastest
    // algorithm, deterministic ones only, cuDNN where there is one, no TF32.
    votes.f_internal_convolution(
        &filter,
        None::<&Tensor>,
        [1, 1],
        padding,
        [1, 1],
        false,
        [0, 0],
        1,
        false,
        true,
        true,
        false,
    )
}
