//! Maps of photographs that a network saw warped or padded: where they lead is known to the pixel,
//! because each photograph's maps are the first one's, shifted by whole cells.

use std::fs;
use std::path::Path;
use std::process::Command;

use hpflow::Point;
use hpflow::testing::backbone::FeatureMap;
use hpflow::testing::features::{
    Description, FeaturesHeader, Layer, Precision, Ratio, VERSION, write,
};

use crate::cli::{Tiny, hpflow, text};
use crate::features::sha256;
use crate::shared::python;

/// Pixels between cells of what the network saw.
const STRIDE: u32 = 8;
/// Centre of the first cell.
const FIRST: f32 = 3.5;
const CHANNELS: usize = 64;

/// How a network saw a photograph.
#[derive(Debug, Clone, Copy)]
struct Frame {
    original: [u32; 2],
    resized: [u32; 2],
    ratio: [f32; 2],
    offset: [f32; 2],
    /// Width and height of what it saw.
    seen: [u32; 2],
}

const ORIGINALS: [[u32; 2]; 3] = [[90, 80], [100, 80], [110, 80]];

/// Every photograph warped to one square, as DIFT sees them.
fn warped(side: u32) -> [Frame; 3] {
    ORIGINALS.map(|original| Frame {
        original,
        resized: [side; 2],
        ratio: original.map(|pixels| side as f32 / pixels as f32),
        offset: [0.0; 2],
        seen: [side; 2],
    })
}

/// Every photograph in the middle of a square that its longer side fills, as sd-dino sees them.
fn centred(side: u32) -> [Frame; 3] {
    ORIGINALS.map(|original| {
        let ratio = side as f32 / original[0] as f32;
        let resized = [side, (original[1] as f32 * ratio).round() as u32];
        let offset = [0.0, ((side - resized[1]) / 2) as f32];
        Frame { original, resized, ratio: [ratio; 2], offset, seen: [side; 2] }
    })
}

/// Other ratios along each axis, each photograph at another place, by fractions of a pixel, with more
/// than its own size of padding around it.
fn anywhere() -> [Frame; 3] {
    let places = [[41.25, 16.0], [24.0, 77.5], [5.125, 33.0]];
    let ratios = [[2.0, 1.5], [1.5, 2.0], [1.0, 1.75]];
    [0, 1, 2].map(|at| {
        let (original, ratio): ([u32; 2], [f32; 2]) = (ORIGINALS[at], ratios[at]);
        let resized = [0, 1].map(|axis| (original[axis] as f32 * ratio[axis]) as u32);
        Frame { original, resized, ratio, offset: places[at], seen: [400, 360] }
    })
}

/// A number in [-1, 1) that depends on all of these and on nothing else.
fn noise(parts: &[i64]) -> f32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        hash = (hash ^ *part as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^= hash >> 29;
    }
    (hash >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

/// By how many cells a photograph's maps are the first one's, moved to the right and down.
fn shift(photograph: usize) -> [i64; 2] {
    [[0, 0], [2, -1], [1, 1]][photograph]
}

impl Frame {
    /// Whether a pixel of what the network saw is in the photograph.
    fn holds(&self, pixel: Point) -> bool {
        [0, 1].into_iter().all(|axis| {
            (0.0..self.resized[axis] as f32).contains(&(pixel[axis] - self.offset[axis]))
        })
    }

    fn seen(&self, original: Point) -> Point {
        [0, 1].map(|axis| original[axis] * self.ratio[axis] + self.offset[axis])
    }

    fn original(&self, seen: Point) -> Point {
        [0, 1].map(|axis| (seen[axis] - self.offset[axis]) / self.ratio[axis])
    }

    /// The maps of a photograph; `padding` decides what is in the cells that are not of it.
    fn map(&self, photograph: usize, padding: i64) -> FeatureMap {
        let [columns, rows] = self.seen.map(|side| (side / STRIDE) as usize);
        let [right, down] = shift(photograph);
        let mut data = Vec::with_capacity(CHANNELS * rows * columns);
        for channel in 0..CHANNELS as i64 {
            for row in 0..rows as i64 {
                for column in 0..columns as i64 {
                    let at = [column, row].map(|cell| (cell * i64::from(STRIDE)) as f32 + FIRST);
                    data.push(match self.holds(at) {
                        true => noise(&[channel, row - down, column - right]),
                        // What is elsewhere in the photographs: it would draw matches and votes.
                        false => noise(&[channel, row - down + padding, column - right + padding]),
                    });
                }
            }
        }
        FeatureMap { layer: 0, stride: STRIDE as usize, channels: CHANNELS, rows, columns, data }
    }
}

fn keep(tiny: &Tiny, folder: &str, frames: &[Frame; 3], padding: i64) {
    for (at, frame) in frames.iter().enumerate() {
        let name = format!("mug/mug_{at}.png");
        let [x, y] = frame.ratio;
        let header = FeaturesHeader {
            version: VERSION,
            arithmetic: None,
            benchmark: None,
            photograph: name.clone(),
            sha256: Some(sha256(&tiny.path(&format!("JPEGImages/{name}")))),
            original_size: frame.original,
            resized_size: frame.resized,
            ratio: Some(if x == y { Ratio::Both(x) } else { Ratio::Each([x, y]) }),
            offset: (frame.offset != [0.0; 2]).then_some(frame.offset),
            description: Description {
                backbone: "shifted".to_owned(),
                image_side: None,
                precision: Precision::F32,
                layers: vec![Layer {
                    id: 0,
                    name: "cells".to_owned(),
                    stride: STRIDE as usize,
                    channels: CHANNELS,
                    jump: Some(STRIDE),
                    receptive_field: Some(2 * STRIDE + 1),
                    offset: FIRST,
                }],
                made_with: serde_json::Map::from_iter([("weights".to_owned(), "unnamed".into())]),
            },
        };
        let file = tiny.path(&format!("{folder}/{name}.safetensors"));
        write(&file, &header, &[frame.map(at, padding)]).expect("a file");
    }
}

/// Keypoints of a source all of whose neighbours have their match in the target, and where they are
/// there.
fn keypoints([source, target]: [&Frame; 2], shift: [i64; 2]) -> Vec<[Point; 2]> {
    let mut found = Vec::new();
    let moved = shift.map(|cells| cells as f32 * STRIDE as f32);
    for x in 0..source.original[0] {
        for y in 0..source.original[1] {
            let point = [x as f32 + 0.25, y as f32 + 0.5];
            let seen = source.seen(point);
            let there = [0, 1].map(|axis| seen[axis] + moved[axis]);
            let margin = 2.0 * STRIDE as f32;
            let inside = [-margin, margin].iter().all(|&by| {
                target.holds(there.map(|side| side + by))
                    && source.holds(seen.map(|side| side + by))
            });
            if inside {
                found.push([point, target.original(there)]);
            }
        }
    }
    found
}

/// What `hpflow match` finds of all keypoints from one photograph to another.
fn found(tiny: &Tiny, folder: &str, pair: [usize; 2], points: &[Point], engine: &str) -> String {
    let [source, target] = pair.map(|at| tiny.arg(&format!("JPEGImages/mug/mug_{at}.png")));
    let file = tiny.arg("keypoints.json");
    fs::write(&file, serde_json::to_string(points).expect("JSON")).expect("a file");
    let output = hpflow(&[
        "-q",
        "match",
        &source,
        &target,
        "--keypoints",
        &file,
        "--features",
        &tiny.arg(folder),
        "--engine",
        engine,
        "--format",
        "json",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn leads_to_the_pixel(frames: &[Frame; 3], engine: &str) {
    let tiny = Tiny::new();
    keep(&tiny, "kept", frames, 7);
    keep(&tiny, "other-padding", frames, -1000);
    for pair in [[0, 1], [1, 0], [0, 2], [2, 1]] {
        let by = [0, 1].map(|axis| shift(pair[1])[axis] - shift(pair[0])[axis]);
        let points = keypoints([&frames[pair[0]], &frames[pair[1]]], by);
        assert!(points.len() > 100, "{} keypoints of {pair:?}", points.len());
        let sources: Vec<Point> = points.iter().map(|[source, _]| *source).collect();
        let printed = found(&tiny, "kept", pair, &sources, engine);
        let parsed: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
        let targets: Vec<Point> = serde_json::from_value(parsed["target"].clone())
            .expect("every keypoint has a prediction");
        for ([source, expected], target) in points.iter().zip(&targets) {
            let error = (expected[0] - target[0]).hypot(expected[1] - target[1]);
            assert!(error < 0.0005, "{pair:?} {source:?}: {target:?}, not {expected:?}");
        }
        // Cells of the padding are neither matched nor do they vote.
        assert_eq!(printed, found(&tiny, "other-padding", pair, &sources, engine), "{pair:?}");
    }
}

#[test]
fn warped_maps_lead_to_the_pixel_on_the_cpu() {
    leads_to_the_pixel(&warped(96), "cpu");
}

#[test]
fn centred_maps_lead_to_the_pixel_on_the_cpu() {
    leads_to_the_pixel(&centred(112), "cpu");
}

#[test]
fn maps_at_any_place_lead_to_the_pixel_on_the_cpu() {
    leads_to_the_pixel(&anywhere(), "cpu");
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn maps_lead_to_the_pixel_on_the_gpu() {
    leads_to_the_pixel(&warped(96), "gpu");
    leads_to_the_pixel(&centred(112), "gpu");
    leads_to_the_pixel(&anywhere(), "gpu");
}

#[cfg(feature = "torch")]
#[test]
fn maps_lead_to_the_pixel_on_the_dense_engine() {
    leads_to_the_pixel(&warped(96), "dense");
    leads_to_the_pixel(&centred(112), "dense");
    leads_to_the_pixel(&anywhere(), "dense");
}

/// A search scores each set as `predict` and `score` do, also of warped and padded maps.
#[test]
fn a_search_takes_warped_and_padded_maps() {
    for frames in [warped(96), centred(112)] {
        let tiny = Tiny::new();
        keep(&tiny, "kept", &frames, 7);
        let (features, alpha) = (tiny.arg("kept"), "0.3");
        let common = ["--root", tiny.root(), "--features", &features, "--engine", "cpu"];
        let [state, predicted] = ["search.json", "predicted.jsonl"].map(|name| tiny.arg(name));
        let search = ["-q", "search", "--split", "test", "--base", "0", "--depth", "1"];
        let search = hpflow(&[&search[..], &common, &["--alpha", alpha, "--out", &state]].concat());
        assert!(search.status.success(), "{}", text(&search.stderr));
        let predict = ["-q", "predict", "--layers", "0", "--out", &predicted];
        let predict = hpflow(&[&predict[..], &common].concat());
        assert!(predict.status.success(), "{}", text(&predict.stderr));
        let score = ["score", &predicted, "--root", tiny.root(), "--format", "json"];
        let score = hpflow(&[&score[..], &["--alpha", alpha]].concat());
        let json =
            |bytes: &[u8]| -> serde_json::Value { serde_json::from_slice(bytes).expect("JSON") };
        let scored = json(&score.stdout)["files"][0]["pck"][alpha]["all"].as_f64();
        let state = json(&fs::read(tiny.path("search.json")).expect("a file"));
        let searched = state["depths"][0][0]["pck"].as_f64();
        assert!(searched.is_some_and(|pck| pck > 0.0 && pck < 100.0), "{searched:?}");
        assert_eq!(searched, scored);
    }
}

#[test]
#[cfg_attr(not(present = "python"), ignore = "needs Python with numpy and safetensors")]
fn the_documented_python_script_writes_warped_and_padded_maps() {
    let python = &python().expect("Python with numpy and safetensors");
    // As programs that run such networks would leave them.
    let export = "
import json, numpy, pathlib, sys
from safetensors import safe_open
kept, arrays = map(pathlib.Path, sys.argv[1:])
for path in kept.rglob('*.safetensors'):
    with safe_open(path, 'numpy') as file:
        header = json.loads(file.metadata()['hpflow-features'])
        layers = {name: file.get_tensor(name) for name in file.keys()}
    out = arrays / path.relative_to(kept).with_suffix('.npz')
    out.parent.mkdir(parents=True, exist_ok=True)
    sizes = {key: header[key] for key in ('original_size', 'resized_size')}
    if 'offset' in header:
        sizes.update(ratio=header['ratio'], offset=header['offset'])
    numpy.savez(out, **layers, **sizes)
";
    for frames in [warped(96), centred(112), anywhere()] {
        let tiny = Tiny::new();
        keep(&tiny, "kept", &frames, 7);
        let run = |arguments: &[&str]| {
            let output = Command::new(python).args(arguments).output().expect("Python");
            assert!(output.status.success(), "{}", text(&output.stderr));
        };
        let [kept, arrays, foreign] = ["kept", "arrays", "foreign"].map(|name| tiny.arg(name));
        run(&["-c", export, &kept, &arrays]);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/features_from_numpy.py");
        let script = script.to_str().expect("a path");
        let photographs = tiny.arg("JPEGImages");
        run(&[
            script,
            &arrays,
            &foreign,
            "--photographs",
            &photographs,
            "--backbone",
            "shifted",
            "--stride",
            "8",
            "--offset",
            "3.5",
        ]);
        for pair in [[0, 1], [2, 1]] {
            let points = [[30.0, 40.25], [41.5, 36.0], [55.0, 30.5]];
            let [from_rust, from_python] =
                ["kept", "foreign"].map(|folder| found(&tiny, folder, pair, &points, "cpu"));
            assert_eq!(from_rust, from_python);
        }
        // The content that the script noted is compared.
        fs::copy(tiny.path("JPEGImages/mug/mug_1.png"), tiny.path("JPEGImages/mug/mug_0.png"))
            .expect("another photograph");
        let output = hpflow(&[
            "-q",
            "predict",
            "--root",
            tiny.root(),
            "--features",
            &foreign,
            "--layers",
            "0",
            "--engine",
            "cpu",
            "--out",
            &tiny.arg("refused.jsonl"),
        ]);
        crate::cli::fails(
            &output,
            1,
            &["mug_0.png.safetensors", "its maps are of another version of", "mug_0.png (SHA-256"],
        );
    }
}
