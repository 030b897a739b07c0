//! The pairs that `hpflow bench` matches, and what matching them takes.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use crate::cli::options::HpfArgs;
use hpflow::Point;
use hpflow::low_level::engine::{Engine, EngineError, GpuEngine, GpuOptions, PairRequest, Preset};
use hpflow::low_level::hyperpixel::Hyperimage;
use hpflow::low_level::transfer::{Neighbours, transfer};

/// Repeated measurements of one thing, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Linear between the two nearest samples; 0 where there is none.
    pub fn quantile(&self, at: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let place = at * (sorted.len().max(1) - 1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        match (sorted.get(below), sorted.get(above)) {
            (Some(low), Some(high)) => low + (high - low) * (place - place.floor()),
            _ => 0.0,
        }
    }

    /// Lowest, median and highest.
    pub fn json(&self) -> Value {
        json!({ "median": self.median(), "lowest": self.quantile(0.0), "highest": self.quantile(1.0) })
    }
}

/// A pair's work, and what turns its matches into keypoints.
pub type Requested = (PairRequest, Neighbours);

/// Each photograph with the next one in turn, always the earlier one as the source, so that no pair
/// is the mirror of another.
pub fn requests(images: &[Arc<Hyperimage>], pairs: usize) -> Vec<Requested> {
    let couples = images.windows(2).cycle().take(pairs);
    couples.map(|images| request(&images[0], &images[1])).collect()
}

/// A pair with fifteen keypoints spread over the source.
pub fn request(source: &Arc<Hyperimage>, target: &Arc<Hyperimage>) -> Requested {
    let size = [source.width, source.height];
    let side = |axis: usize, part: usize, parts: usize| {
        size[axis] as f32 / source.ratio[axis] * (part as f32 + 0.5) / parts as f32
    };
    let keypoints: Vec<Point> =
        (0..15).map(|at| [side(0, at % 5, 5), side(1, at / 5, 3)]).collect();
    let neighbours = Neighbours::new(source, &keypoints);
    let (source, target) = (Arc::clone(source), Arc::clone(target));
    (PairRequest { source, target, rows: neighbours.rows.clone() }, neighbours)
}

/// Every pair followed by its mirror.
pub fn with_mirrors(pairs: &[Requested]) -> Vec<Requested> {
    let both = |(pair, neighbours): &Requested| {
        [(pair.clone(), neighbours.clone()), request(&pair.target, &pair.source)]
    };
    pairs.iter().flat_map(both).collect()
}

/// The gpu engine with a preset.
pub fn with_preset(hpf: &HpfArgs, preset: Preset) -> Result<GpuEngine, EngineError> {
    GpuEngine::with(&GpuOptions {
        adapter: hpf.adapter.clone(),
        preset: Some(preset),
        precision: hpf.precision.unwrap_or_default(),
        memory_budget: hpf.gpu_memory.map_or(GpuOptions::default().memory_budget, |mib| mib << 20),
        ..GpuOptions::default()
    })
}

/// Milliseconds a pair of matching and of transferring, after a repetition that is not measured.
pub fn measure_pairs(
    engine: &mut dyn Engine,
    pairs: &[Requested],
    repetitions: usize,
) -> anyhow::Result<[Samples; 2]> {
    let requests: Vec<PairRequest> = pairs.iter().map(|(request, _)| request.clone()).collect();
    engine.match_pairs(&requests)?;
    engine.take_stage_times();
    let mut samples = [Samples::default(), Samples::default()];
    for _ in 0..repetitions {
        let start = Instant::now();
        let matches = engine.match_pairs(&requests)?;
        let matched = start.elapsed().as_secs_f64() * 1e3;
        for ((request, neighbours), matches) in pairs.iter().zip(&matches) {
            std::hint::black_box(transfer(&request.source, &request.target, neighbours, matches));
        }
        let transferred = start.elapsed().as_secs_f64() * 1e3 - matched;
        samples[0].0.push(matched / pairs.len() as f64);
        samples[1].0.push(transferred / pairs.len() as f64);
    }
    Ok(samples)
}
