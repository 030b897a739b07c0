//! PF-WILLOW with the untrained ResNet-50: agreement with the published implementation's own output
//! on the same network, pair by pair and in PCK.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use hpflow::Point;
use hpflow::benchmark::{Benchmark, Kind, Options, Pair};
use hpflow::engine::cpu::CpuEngine;
use hpflow::engine::{Engine, PairRequest};
use hpflow::hyperpixel::{Hyperimage, LayerSet};
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
    let protocol = default_for("pf-willow");
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
