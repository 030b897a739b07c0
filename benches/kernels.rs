//! The kernels of every engine, one by one, on the shapes of the published layer sets.
//!
//! `cargo bench` runs all; `cargo bench -- spair-resnet101/cpu` one shape and engine. Times are the
//! engines' own stage times (on a GPU its timestamps), so a kernel is measured where it runs.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use hpflow::engine::cpu::CpuEngine;
use hpflow::engine::gpu::GpuEngine;
use hpflow::engine::{Engine, PairRequest};
use hpflow::hyperpixel::{Geometry, Hyperimage, LayerSet, synthetic};

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
    let times = engine.take_stage_times().milliseconds;
    let total: f64 = times.iter().filter(|(stage, _)| *stage == kernel).map(|(_, ms)| ms).sum();
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
            bencher.iter(|| Hyperimage::new(geometry, 300, 225, 1.0, &maps));
        });
    }
    group.finish();
}

criterion_group!(benches, kernels, norms);
criterion_main!(benches);
