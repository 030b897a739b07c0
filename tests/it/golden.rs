//! Golden values of the published implementation on the untrained networks: seven cases, every
//! engine (docs/method.md, "Golden values").

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use hpflow::Progress;
use hpflow::testing::backbone::{self, Backbone, Device, WeightsSource};
use hpflow::testing::engine::cpu::{CpuEngine, InstructionSet};
use hpflow::testing::engine::dense::DenseEngine;
use hpflow::testing::engine::{Engine, Matches, PairRequest};
use hpflow::testing::hough::HoughSpace;
use hpflow::testing::hyperpixel::{Hyperimage, LayerSet};
use hpflow::testing::image::{self, Prepared};
use hpflow::testing::transfer::{Neighbours, transfer};
use hpflow::testing::{Examination, Examine};
use safetensors::SafeTensors;

use crate::engines::close;
use crate::gpu;

/// A row whose second best confidence is nearer to the best than this is a tie.
const TIE: f32 = 1.0 - 1e-4;

/// One case: what the published implementation computed, and the same images as hyperimages.
struct Case {
    name: String,
    metadata: HashMap<String, String>,
    floats: HashMap<String, Vec<f32>>,
    integers: HashMap<String, Vec<i32>>,
    source: Arc<Hyperimage>,
    target: Arc<Hyperimage>,
}

/// All cases, through the backbone once for all tests.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let names = ["a_resnet50", "a2_resnet50", "b_resnet50", "d_resnet50", "e_resnet50"];
    let fifty = untrained("resnet50");
    let mut cases: Vec<Case> = names.iter().map(|name| Case::read(name, &*fifty)).collect();
    let one_hundred_one = untrained("resnet101");
    let names = ["c_resnet101", "c2_resnet101"];
    cases.extend(names.iter().map(|name| Case::read(name, &*one_hundred_one)));
    cases
});

/// A network with the weights of the untrained recipe, on the CPU.
pub fn untrained(name: &str) -> Box<dyn Backbone> {
    let options = backbone::BackboneOptions {
        device: Device::Cpu,
        threads: 2,
        progress: Progress::default(),
    };
    backbone::open(name, &WeightsSource::Untrained, options).expect("an untrained network")
}

impl Case {
    fn read(name: &str, backbone: &dyn Backbone) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hpf");
        let bytes = std::fs::read(folder.join(format!("{name}.safetensors"))).expect("a case");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
        let metadata = header.metadata().clone().expect("metadata");
        let (mut floats, mut integers) = (HashMap::new(), HashMap::new());
        for (tensor, view) in SafeTensors::deserialize(&bytes).expect("tensors").iter() {
            let words = view.data().as_chunks().0.iter();
            if view.dtype() == safetensors::Dtype::F32 {
                let values = words.map(|word| f32::from_le_bytes(*word)).collect();
                floats.insert(tensor.to_owned(), values);
            } else {
                integers.insert(
                    tensor.to_owned(),
                    words.map(|word| i32::from_le_bytes(*word)).collect(),
                );
            }
        }
        let layers: LayerSet = metadata["layers"].trim_matches(['(', ')']).parse().expect("layers");
        let files =
            ["src", "trg"].map(|side| folder.join(format!("images/{}_{side}.png", &name[..1])));
        let [source, target] =
            <[_; 2]>::try_from(hyperimages(backbone, &layers, &files)).expect("two");
        Self { name: name.to_owned(), metadata, floats, integers, source, target }
    }

    fn f64(&self, tensor: &str) -> Vec<f64> {
        self.floats[tensor].iter().map(|&value| value.into()).collect()
    }

    fn points(&self, tensor: &str) -> Vec<[f32; 2]> {
        self.floats[tensor].as_chunks().0.to_vec()
    }

    /// Examines all source hyperpixels.
    fn examine(&self, engine: &mut dyn Examine) -> (PairRequest, Examination) {
        let request = PairRequest {
            source: self.source.clone(),
            target: self.target.clone(),
            rows: (0..self.source.grid.len() as u32).collect(),
        };
        let examination = engine.examine(&request).expect("an examination");
        (request, examination)
    }
}

/// Photographs as hyperimages, a few at a time.
pub fn hyperimages(
    backbone: &dyn Backbone,
    layers: &LayerSet,
    paths: &[PathBuf],
) -> Vec<Arc<Hyperimage>> {
    let geometry = backbone.geometry(layers.base()).expect("a base layer");
    let read = |path: &PathBuf| image::prepare(&image::read(path).expect("a photograph"), 300);
    let few = |paths: &[PathBuf]| -> Vec<Arc<Hyperimage>> {
        let prepared: Vec<Prepared> = paths.iter().map(read).collect();
        let photographs: Vec<&Prepared> = prepared.iter().collect();
        let maps = backbone.extract(&photographs, layers.layers()).expect("maps");
        let each = prepared.iter().zip(&maps);
        each.map(|(Prepared { width, height, ratio, .. }, maps)| {
            Arc::new(Hyperimage::new(geometry, *width, *height, [*ratio; 2], maps))
        })
        .collect()
    };
    paths.chunks(8).flat_map(few).collect()
}

#[test]
fn grids_sizes_and_hough_spaces_are_exactly_the_published_ones() {
    for case in CASES.iter() {
        for (image, side) in [(&case.source, "source"), (&case.target, "target")] {
            let resized = format!("{}x{}", image.width, image.height);
            assert_eq!(resized, case.metadata[&format!("{side}_resized")], "{} {side}", case.name);
            let ratio: f64 = case.metadata[&format!("{side}_ratio")].parse().expect("a ratio");
            assert_eq!(image.ratio.map(f64::from), [ratio; 2], "{} {side}", case.name);
            let boxes: Vec<f32> =
                (0..image.grid.len()).flat_map(|cell| image.grid.cell_box(cell)).collect();
            assert_eq!(boxes, case.floats[&format!("{side}_box")], "{} {side}", case.name);
        }
        let space = HoughSpace::new(&case.source, &case.target);
        let bins = format!("{}x{}", space.bins_x, space.bins_y);
        assert_eq!(bins, case.metadata["hough_bins"], "{}", case.name);
        let cell: f64 = case.metadata["hough_cell"].parse().expect("a cell");
        assert_eq!(space.cell, cell, "{}", case.name);
    }
}

#[test]
fn norms_are_the_published_ones() {
    for case in CASES.iter() {
        for (image, side) in [(&case.source, "source"), (&case.target, "target")] {
            let norms: Vec<f32> = image.inverse_norms.iter().map(|norm| 1.0 / norm).collect();
            let name = format!("{side}_norm");
            close(&format!("{} {name}", case.name), &norms, &case.f64(&name), 0.0, 1e-4);
        }
    }
}

#[test]
fn neighbours_of_keypoints_are_the_published_ones() {
    for case in CASES.iter() {
        let neighbours = Neighbours::new(&case.source, &case.points("source_keypoints"));
        assert_eq!(neighbours.resized, case.points("source_keypoints_resized"), "{}", case.name);
        let counts: Vec<i32> =
            neighbours.of_keypoint.iter().map(|cells| cells.len() as i32).collect();
        assert_eq!(counts, case.integers["neighbour_count"], "{}", case.name);
    }
}

/// Holds an engine to the golden values of a case.
fn reproduces_the_published_values(engine: &mut dyn Examine, case: &Case) {
    let (request, found) = case.examine(engine);
    let what = |name: &str| format!("{} of {} with {}", name, case.name, engine.name());
    similarities_agree(case, &found, &what("similarity"));
    votes_agree(&found.votes, &case.f64("hough_raw"), &what("votes"));
    votes_agree(&found.blurred_votes, &case.f64("hough_blurred"), &what("blurred votes"));
    matches_agree(case, &found.matches, &what("match"));
    keypoints_agree(case, engine, &request.rows, &found.matches);
}

fn similarities_agree(case: &Case, found: &Examination, what: &str) {
    let targets = case.target.grid.len();
    let expected = case.f64("similarity_rows");
    for (&row, expected) in case.integers["sampled_rows"].iter().zip(expected.chunks(targets)) {
        let found = &found.similarity_rows[row as usize * targets..][..targets];
        close(what, found, expected, 1e-5, 0.0);
    }
}

/// Within 1e-4 of each bin; bins of next to nothing within 1e-7 of the fullest.
fn votes_agree(found: &[f32], expected: &[f64], what: &str) {
    let fullest = expected.iter().copied().fold(0.0, f64::max);
    close(what, found, expected, 1e-7 * fullest, 1e-4);
}

/// The published match, or another where the runner-up is as good; the confidence in any case.
fn matches_agree(case: &Case, found: &Matches, what: &str) {
    let ratios = &case.floats["runner_up_ratio"];
    for (row, (&best, &expected)) in found.best.iter().zip(&case.integers["argmax"]).enumerate() {
        let tied = ratios[row] >= TIE;
        assert!(tied || best == expected as u32, "{what} {row}: {best} is not {expected}");
    }
    close(what, &found.confidence, &case.f64("best_confidence"), 0.0, 2e-4);
}

/// Keypoints from all rows, and from no more rows than they need.
fn keypoints_agree(case: &Case, engine: &mut dyn Engine, rows: &[u32], all: &Matches) {
    let (source, target) = (&case.source, &case.target);
    let neighbours = Neighbours::new(source, &case.points("source_keypoints"));
    let request = PairRequest {
        source: source.clone(),
        target: target.clone(),
        rows: neighbours.rows.clone(),
    };
    let asked = engine.match_pairs(&[request]).expect("matches").remove(0);
    for (index, &row) in neighbours.rows.iter().enumerate() {
        assert_eq!(rows[row as usize], row);
        assert_eq!(asked.best[index], all.best[row as usize], "row {row} alone or among all");
    }
    let found = transfer(source, target, &neighbours, &asked);
    for (index, (found, expected)) in found.iter().zip(case.points("predicted")).enumerate() {
        let what = format!("keypoint {index} of {} with {}", case.name, engine.name());
        match found {
            Some(found) => {
                let found = found.map(f64::from);
                let distance =
                    (found[0] - f64::from(expected[0])).hypot(found[1] - f64::from(expected[1]));
                assert!(distance <= 0.01, "{what}: {found:?} is not {expected:?}");
            }
            None => assert_eq!(case.integers["neighbour_count"][index], 0, "{what}: unanswered"),
        }
    }
}

#[test]
fn the_dense_engine_reproduces_the_published_values() {
    let mut engine = DenseEngine::new(Device::Cpu, 2).expect("an engine");
    CASES.iter().for_each(|case| reproduces_the_published_values(&mut engine, case));
}

#[test]
fn the_cpu_engine_reproduces_the_published_values() {
    CASES.iter().for_each(|case| reproduces_the_published_values(&mut CpuEngine::new(), case));
}

/// On the two small cases: the plain path takes its time over the others.
#[test]
fn every_instruction_set_reproduces_the_published_values() {
    for instructions in InstructionSet::available() {
        for case in CASES.iter().filter(|case| case.source.grid.len() < 1000) {
            reproduces_the_published_values(&mut CpuEngine::with(instructions), case);
        }
    }
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn the_gpu_engine_reproduces_the_published_values() {
    let mut engine = gpu::engine();
    CASES.iter().for_each(|case| reproduces_the_published_values(&mut engine, case));
}
