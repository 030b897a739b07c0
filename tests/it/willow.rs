//! PF-WILLOW with the untrained ResNet-50: agreement with the published implementation's own output
//! on the same network, pair by pair and in PCK.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use hpflow::Point;
use hpflow::backbone::FeatureMap;
use hpflow::benchmark::{Benchmark, Kind, Options, Pair};
use hpflow::engine::cpu::CpuEngine;
use hpflow::engine::gpu::GpuEngine;
use hpflow::engine::{Engine, PairRequest};
use hpflow::hyperpixel::{Hyperimage, LayerSet, Precision};
use hpflow::score::{Alpha, Answers, ScoreError, default_for, score};
use hpflow::transfer::{Neighbours, transfer};
use serde_json::Value;

use crate::golden::{hyperimages, untrained};
use crate::gpu;
use crate::shared::shared;

/// Pixels within which a keypoint agrees.
const NEAR: f32 = 0.05;

/// The benchmark, its photographs as hyperimages, and the published output.
struct Willow {
    benchmark: Benchmark,
    hyperimages: Vec<Arc<Hyperimage>>,
    /// PCK at 0.1 in percent.
    pck: f64,
    /// Keypoints of each pair, in the benchmark's order.
    keypoints: Vec<Vec<Point>>,
}

static WILLOW: LazyLock<Option<Willow>> = LazyLock::new(|| {
    let published = shared("fixtures/willow-resnet50.json")?;
    let root = shared("data/PF-dataset-WILLOW")?;
    Some(Willow::read(&root, &published))
});

impl Willow {
    fn read(root: &Path, published: &Path) -> Self {
        let benchmark =
            Benchmark::open(Kind::PfWillow, root, &Options::default()).expect("PF-WILLOW");
        let text = std::fs::read_to_string(published).expect("the published output");
        let json: Value = serde_json::from_str(&text).expect("JSON");
        let pairs = json["pairs"].as_array().expect("pairs");
        let find = |pair: &Pair| {
            let found = pairs.iter().find(|one| one["pair"] == pair.id.as_str());
            serde_json::from_value(found.expect("the pair")["keypoints"].clone()).expect("points")
        };
        let layers = LayerSet::published("pf-willow", "resnet50").expect("a layer set");
        assert_eq!(json["layers"], layers.to_string());
        let network = untrained("resnet50");
        let paths: Vec<_> = benchmark.images.iter().map(|image| image.path.clone()).collect();
        Self {
            keypoints: benchmark.pairs.iter().map(find).collect(),
            hyperimages: hyperimages(&*network, &layers, &paths),
            pck: json["pck_at_0_1"].as_f64().expect("a number"),
            benchmark,
        }
    }

    /// Predictions for the pairs of these indices.
    fn predict(&self, engine: &mut dyn Engine, pairs: &[usize]) -> Vec<Vec<Option<Point>>> {
        let work = pairs.iter().map(|&index| {
            let pair = &self.benchmark.pairs[index];
            let source = self.hyperimages[pair.source].clone();
            let target = self.hyperimages[pair.target].clone();
            let neighbours = Neighbours::new(&source, &pair.source_keypoints);
            (PairRequest { source, target, rows: neighbours.rows.clone() }, neighbours)
        });
        let (requests, neighbours): (Vec<_>, Vec<_>) = work.unzip();
        let batches = requests.chunks(32).map(|batch| engine.match_pairs(batch).expect("matches"));
        let matches: Vec<_> = batches.flatten().collect();
        let each = requests.iter().zip(&neighbours).zip(&matches);
        each.map(|((request, neighbours), matches)| {
            transfer(&request.source, &request.target, neighbours, matches)
        })
        .collect()
    }

    /// The same with hyperimages in half precision.
    fn halved(&self) -> Self {
        let halved = |image: &Arc<Hyperimage>| {
            let maps: Vec<FeatureMap> = image
                .groups
                .iter()
                .enumerate()
                .map(|(layer, group)| FeatureMap {
                    layer,
                    stride: group.stride,
                    channels: group.channels,
                    rows: group.rows,
                    columns: group.columns,
                    data: group.data.view().single().into_owned(),
                })
                .collect();
            let Hyperimage { width, height, ratio, .. } = **image;
            let geometry = image.grid.geometry;
            let precision = Precision::F16;
            let image =
                Hyperimage::with_precision(geometry, width, height, ratio, &maps, precision);
            Arc::new(image)
        };
        Self {
            benchmark: self.benchmark.clone(),
            hyperimages: self.hyperimages.iter().map(halved).collect(),
            keypoints: self.keypoints.clone(),
            ..*self
        }
    }

    /// How many keypoints there are, and how many of them agree with the published output.
    fn agreement(&self, pairs: &[usize], found: &[Vec<Option<Point>>]) -> (usize, usize) {
        let published = pairs.iter().flat_map(|&index| &self.keypoints[index]);
        let agreeing = published.clone().zip(found.iter().flatten()).filter(|(expected, found)| {
            found
                .is_some_and(|found| (found[0] - expected[0]).hypot(found[1] - expected[1]) <= NEAR)
        });
        (published.count(), agreeing.count())
    }
}

/// Holds an engine to the published output on every `step`-th pair: 99.5 % of the keypoints, and
/// PCK where all pairs are predicted.
fn agrees_with_the_published_output(engine: &mut dyn Engine, step: usize) {
    let Some(willow) = &*WILLOW else { return };
    let pairs: Vec<usize> = (0..willow.benchmark.pairs.len()).step_by(step).collect();
    let found = willow.predict(engine, &pairs);
    let (keypoints, agreeing) = willow.agreement(&pairs, &found);
    println!("{}: {agreeing} of {keypoints} keypoints within {NEAR} px", engine.name());
    assert_eq!(keypoints, 10 * pairs.len());
    assert!(agreeing * 1000 >= keypoints * 995, "{agreeing} of {keypoints} keypoints agree");
    if step > 1 {
        return;
    }
    let lines = willow.benchmark.pairs.iter().zip(found).zip(2..);
    let lines =
        lines.map(|((pair, points), line)| Ok::<_, ScoreError>((line, pair.id.clone(), points)));
    let answers = Answers::collect(&willow.benchmark, lines).expect("answers");
    let protocol = default_for(Kind::PfWillow);
    let alpha = [Alpha::hundredths(10)];
    let scored = score(&willow.benchmark, &answers, protocol, &alpha, None).expect("a score");
    let all = scored.pck[0].pck.all.expect("PCK of all pairs");
    println!("{}: PCK@0.1 {all:.4}, published {:.4}", engine.name(), willow.pck);
    assert!((all - willow.pck).abs() <= 0.1, "PCK@0.1 is {all}, published {}", willow.pck);
}

#[test]
fn all_900_pairs_agree_on_the_cpu_engine() {
    agrees_with_the_published_output(&mut CpuEngine::new(), 1);
}

#[test]
fn every_tenth_pair_agrees_on_the_gpu_engine() {
    let Some(mut engine) = gpu::engine() else { return };
    agrees_with_the_published_output(&mut engine, 10);
}

#[test]
#[ignore = "takes minutes on a software driver; run it where there is a GPU, or with time"]
fn all_900_pairs_agree_on_the_gpu_engine() {
    let Some(mut engine) = gpu::engine() else { return };
    agrees_with_the_published_output(&mut engine, 1);
}

/// Keypoints of every `step`-th pair in half precision, and how many of how many lie within [`NEAR`]
/// of those in single precision by the CPU engine.
fn half_against_single(engine: &mut dyn Engine, step: usize) -> Option<(usize, usize)> {
    let willow = WILLOW.as_ref()?;
    let pairs: Vec<usize> = (0..willow.benchmark.pairs.len()).step_by(step).collect();
    let single = willow.predict(&mut CpuEngine::new(), &pairs);
    let half = willow.halved().predict(engine, &pairs);
    let both = single.iter().flatten().zip(half.iter().flatten());
    let near = both.clone().filter(|(single, half)| match (single, half) {
        (Some(a), Some(b)) => (a[0] - b[0]).hypot(a[1] - b[1]) <= NEAR,
        (single, half) => single == half,
    });
    let (count, near) = (both.count(), near.count());
    println!("{} in f16: {near} of {count} keypoints within {NEAR} px of f32", engine.name());
    Some((count, near))
}

#[test]
fn half_precision_moves_few_keypoints_on_the_cpu_engine() {
    let Some((count, near)) = half_against_single(&mut CpuEngine::new(), 5) else { return };
    assert!(near * 1000 >= count * 990, "{near} of {count}");
}

#[test]
fn half_precision_moves_few_keypoints_on_the_gpu_engine() {
    let Some(options) = gpu::options_in(Precision::F16) else { return };
    let mut engine = GpuEngine::with(&options).expect("an engine");
    let Some((count, near)) = half_against_single(&mut engine, 20) else { return };
    assert!(near * 1000 >= count * 980, "{near} of {count}");
}
