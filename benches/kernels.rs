//! The kernels of every engine, one by one, on the shapes of the published layer sets.
//!
//! `cargo bench` runs all; `cargo bench -- spair-resnet101/cpu` one shape and engine. Times are the
//! engines' own stage times (on a GPU its timestamps), so a kernel is measured where it runs.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use hpflow::testing::backbone::trunk::normalise_cells;
use hpflow::testing::engine::consensus::{ConsensusEngine, ConsensusWeights, Correlation4d};
use hpflow::testing::engine::cpu::{CpuEngine, correlate};
use hpflow::testing::engine::gpu::GpuEngine;
use hpflow::testing::engine::{
    Engine, EngineKind, EngineOptions, PairRequest, StageTimes, open_consensus,
};
use hpflow::testing::hyperpixel::{Geometry, Hyperimage, LayerSet};
use hpflow::testing::synthetic;

/// Name, backbone, layers, jump and receptive field.
const SHAPES: [(&str, &str, &str, [u32; 2]); 3] = [
    ("spair-resnet101", "resnet101", "0,8,20,21,26,28,29,30", [4, 11]),
    ("spair-resnet50", "resnet50", "0,9,10,11,12,13", [4, 11]),
    ("pf-resnet50", "resnet50", "2,7,11,12,13", [4, 27]),
];

const KERNELS: [&str; 5] = ["correlate", "expand", "vote", "hough", "pick"];

/// A pair of photographs of 300 × 225 pixels with about 200 rows to pick, as fifteen keypoints have.
fn pair(backbone: &str, layers: &str, [jump, receptive_field]: [u32; 2]) -> PairRequest {
    let layers: LayerSet = layers.parse().expect("a layer set");
    let geometry = Geometry::new(jump, receptive_field);
    let image = |seed| -> Arc<Hyperimage> {
        Arc::new(synthetic::hyperimage(backbone, &layers, geometry, [300, 225], seed))
    };
    let (source, target) = (image(1), image(2));
    let rows = (0..source.grid.len() as u32).step_by(source.grid.len() / 200).collect();
    PairRequest { source, target, rows }
}

fn engines() -> Vec<Box<dyn Engine>> {
    let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(CpuEngine::new())];
    match GpuEngine::new(None) {
        Ok(engine) => engines.push(Box::new(engine)),
        Err(error) => eprintln!("NOT RUN: the gpu engine: {error}"),
    }
    engines
}

fn kernels(criterion: &mut Criterion) {
    for (name, backbone, layers, geometry) in SHAPES {
        let request = pair(backbone, layers, geometry);
        for mut engine in engines() {
            let mut group = criterion.benchmark_group(format!("{name}/{}", engine.name()));
            group.sample_size(10);
            for kernel in KERNELS {
                group.bench_function(kernel, |bencher| {
                    bencher.iter_custom(|pairs| time_of(&mut *engine, &request, kernel, pairs));
                });
            }
            group.finish();
        }
    }
}

/// What one kernel took for `pairs` pairs, matched one after another.
fn time_of(engine: &mut dyn Engine, request: &PairRequest, kernel: &str, pairs: u64) -> Duration {
    engine.take_stage_times();
    for _ in 0..pairs {
        black_box(engine.match_pairs(std::slice::from_ref(request)).expect("matches"));
    }
    time_of_stage(&engine.take_stage_times(), kernel)
}

/// All the time of one stage.
fn time_of_stage(times: &StageTimes, stage: &str) -> Duration {
    let times = times.milliseconds.iter();
    let total: f64 = times.filter(|(name, _)| *name == stage).map(|(_, ms)| ms).sum();
    // Criterion divides by the number of pairs and refuses a time of zero.
    Duration::from_secs_f64((total / 1e3).max(1e-9))
}

/// What is done once an image: grouping its maps and the norms of its hyperpixels.
fn norms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("once-an-image");
    group.sample_size(10);
    for (name, backbone, layers, [jump, receptive_field]) in SHAPES {
        let layers: LayerSet = layers.parse().expect("a layer set");
        let geometry = Geometry::new(jump, receptive_field);
        let maps = synthetic::feature_maps(backbone, &layers, [300, 225], 1);
        group.bench_function(format!("hyperimage/{name}"), |bencher| {
            bencher.iter(|| Hyperimage::new(geometry, 300, 225, [1.0; 2], &maps));
        });
    }
    group.finish();
}

/// NC-Net's correlation of two photographs of 400 × 400 pixels: 25 × 25 cells each.
fn correlation() -> Correlation4d {
    let layers: LayerSet = "30".parse().expect("the last layer of the third stage");
    let [a, b] = [1, 2].map(|seed| {
        let mut maps = synthetic::feature_maps("resnet101", &layers, [400, 400], seed);
        let cells = maps[0].rows * maps[0].columns;
        normalise_cells(&mut maps[0].data, cells);
        maps.remove(0)
    });
    correlate(&a, &b)
}

/// The kernels of neighbourhood consensus, a pair of photographs each.
fn neighbourhood_consensus(criterion: &mut Criterion) {
    let correlation = correlation();
    let options = EngineOptions { torch_threads: 2, ..EngineOptions::default() };
    for kind in [EngineKind::Cpu, EngineKind::Gpu, EngineKind::Dense] {
        let engine = open_consensus(kind, &options, ConsensusWeights::untrained());
        let mut engine = match engine {
            Ok(engine) => engine,
            Err(error) => {
                eprintln!("NOT RUN: the {} engine of consensus: {error}", kind.name());
                continue;
            }
        };
        let mut group = criterion.benchmark_group(format!("ncnet/{}", kind.name()));
        group.sample_size(10);
        engine.filter(std::slice::from_ref(&correlation)).expect("a filtered correlation");
        for (stage, _) in engine.take_stage_times().milliseconds {
            group.bench_function(stage, |bencher| {
                bencher.iter_custom(|pairs| filter_time(&mut *engine, &correlation, stage, pairs));
            });
        }
        group.finish();
    }
}

/// What one stage took for `pairs` correlations, filtered one after another.
fn filter_time(
    engine: &mut dyn ConsensusEngine,
    correlation: &Correlation4d,
    stage: &str,
    pairs: u64,
) -> Duration {
    engine.take_stage_times();
    for _ in 0..pairs {
        black_box(engine.filter(std::slice::from_ref(correlation)).expect("filtered"));
    }
    time_of_stage(&engine.take_stage_times(), stage)
}

criterion_group!(benches, kernels, norms, neighbourhood_consensus);
criterion_main!(benches);
