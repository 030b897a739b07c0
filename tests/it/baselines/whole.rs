//! Learned alignments from photographs to predictions file, with untrained networks and with files
//! that hold the same.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use hpflow::testing::backbone::networks::{GeometricModel, TrunkKind};
use hpflow::testing::backbone::weights::untrained;
use hpflow::testing::method::alignment::regression::RegressionKind;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::cli::{Tiny, fails, hpflow, text};

/// ResNet-101, which is the default.
const RESNET: [&str; 2] = ["--weights", "untrained"];

/// VGG-16, whose files are smaller.
const VGG: [&str; 4] = ["--weights", "untrained", "--backbone", "vgg16"];

/// Keypoints of every pair.
pub fn predicted(tiny: &Tiny, file: &str) -> (serde_json::Value, Vec<[f32; 2]>) {
    let content = fs::read_to_string(tiny.path(file)).expect("predictions");
    let mut lines = content.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let header: serde_json::Value = lines.next().expect("a header");
    let points = lines.flat_map(|line: serde_json::Value| {
        serde_json::from_value::<Vec<[f32; 2]>>(line["keypoints"].clone()).expect("points")
    });
    (header["method"].clone(), points.collect())
}

#[track_caller]
pub fn done(output: &std::process::Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn every_method_predicts_the_same_bytes_with_any_number_of_threads_and_is_scored() {
    let tiny = Tiny::new();
    for method in ["cnngeo", "weakalign", "a2net"] {
        let file = |end: &str| format!("{method}-{end}.jsonl");
        let run = |end: &str, more: &[&str]| {
            done(&tiny.predict_by(method, &file(end), &[&RESNET, more].concat()));
        };
        run("one", &["--threads", "1"]);
        run("three", &["--threads", "3"]);
        let [one, three] = ["one", "three"].map(|end| fs::read(tiny.path(&file(end))).expect("it"));
        assert!(one == three, "{method}: the same bytes");
        let (about, shared) = predicted(&tiny, &file("one"));
        assert_eq!(shared.len(), 12, "every keypoint");
        let sane = |point: &[f32; 2]| point.iter().all(|side| (-200.0..300.0).contains(side));
        assert!(shared.iter().all(sane), "{method}: {shared:?}");
        for (field, value) in [
            ("name", method),
            ("backbone", "resnet101"),
            ("direction", "direct"),
            ("engine", "cpu"),
        ] {
            assert_eq!(about[field], value, "{field}");
        }
        let scored = ["score", &tiny.arg(&file("one")), "--root", tiny.root(), "--format", "json"];
        let table: serde_json::Value =
            serde_json::from_slice(&hpflow(&scored).stdout).expect("JSON");
        assert_eq!(table["files"][0]["keypoints"], 12);
    }
    let files = [tiny.arg("cnngeo-one.jsonl"), tiny.arg("a2net-one.jsonl"), tiny.arg("page.html")];
    done(&hpflow(&[
        "-q",
        "report",
        &files[0],
        &files[1],
        "--root",
        tiny.root(),
        "--out",
        &files[2],
    ]));
}

#[test]
fn everything_anew_for_every_pair_gives_the_same_predictions() {
    let tiny = Tiny::new();
    for method in ["cnngeo", "weakalign"] {
        let few = [&RESNET[..], &["--limit", "2", "--threads", "1"]].concat();
        done(&tiny.predict_by(method, "shared.jsonl", &few));
        done(&tiny.predict_by(method, "anew.jsonl", &[&few[..], &["--engine", "dense"]].concat()));
        let (_, shared) = predicted(&tiny, "shared.jsonl");
        let (about, anew) = predicted(&tiny, "anew.jsonl");
        assert_eq!((shared.len(), &about["engine"]), (anew.len(), &"dense".into()));
        for (a, b) in shared.iter().zip(&anew) {
            assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 0.05, "{method}: {a:?} and {b:?}");
        }
    }
}

#[test]
fn the_other_wiring_and_single_stages_are_other_predictions_and_in_the_header() {
    let tiny = Tiny::new();
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (file, more) in [
        ("both", &[][..]),
        ("inverse", &["--direction", "inverse"]),
        ("affine", &["--stages", "affine"]),
        ("tps", &["--stages", "tps"]),
        ("homography", &["--stages", "homography"]),
    ] {
        let name = format!("{file}.jsonl");
        let few = [&RESNET[..], &["--limit", "1"], more].concat();
        done(&tiny.predict_by("cnngeo", &name, &few));
        let (about, points) = predicted(&tiny, &name);
        let option = [&about["direction"], &about["stages"]].map(|v| v.as_str().expect("text"));
        assert_eq!(option[0], if file == "inverse" { "inverse" } else { "direct" });
        assert!(option[1].starts_with(if more.first() == Some(&"--stages") {
            file
        } else {
            "aff"
        }));
        let other = seen.insert(format!("{points:?}"), file);
        assert_eq!(other, None, "{file} is like another");
    }
    // Rows tell by themselves what was not the usual.
    let files =
        ["both", "inverse", "tps", "homography"].map(|file| tiny.arg(&format!("{file}.jsonl")));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let more = ["--root", tiny.root(), "--partial", "--format", "csv"];
    let scored = text(&hpflow(&[&["score"], &files[..], &more].concat()).stdout);
    let names = scored.lines().skip(1).filter_map(|line| line.split(',').nth(1));
    let names: Vec<&str> = names.collect();
    let usual = "cnngeo resnet101";
    let expected = ["", " inverse", " tps", " homography"].map(|more| format!("{usual}{more}"));
    assert_eq!(names, expected, "{scored}");
}

/// A safetensors file.
pub fn write(path: &Path, tensors: &[(String, Vec<usize>, Vec<f32>)]) {
    let views = tensors.iter().map(|(name, shape, values)| {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        (name, shape, data)
    });
    let views: Vec<_> = views.collect();
    let views = views.iter().map(|(name, shape, data)| {
        let view = TensorView::new(Dtype::F32, (*shape).clone(), data).expect("a tensor");
        (name.as_str(), view)
    });
    fs::write(path, safetensors::serialize(views, None).expect("a file")).expect("written");
}

/// The untrained VGG-16 by the names of the authors' oldest files.
pub fn extractor() -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let network = TrunkKind::Vgg16;
    let (mut values, _) = network.untrained();
    let named = |name: &str| network.authors_name(name).replace("model", "vgg");
    let parameters = network.parameters();
    let tensor = |name: &str| values.remove(name).expect("a parameter");
    let mut tensor = tensor;
    parameters.into_iter().map(|one| (named(&one.name), one.shape, tensor(&one.name))).collect()
}

/// The untrained regression of a stage.
fn regression(
    prefix: &str,
    network: RegressionKind,
    geometry: GeometricModel,
) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let hashed = format!("{}/FeatureRegression.", geometry.name());
    let parameters = network.parameters(geometry);
    let (mut values, _) = untrained::values(&hashed, &parameters);
    values.insert("linear.bias".to_owned(), geometry.identity());
    let named = |name: &str| format!("{prefix}.{name}");
    let mut tensor = |name: &str| values.remove(name).expect("a parameter");
    parameters.into_iter().map(|one| (named(&one.name), one.shape, tensor(&one.name))).collect()
}

#[test]
fn files_with_the_authors_names_are_read_and_unfit_ones_refused_in_one_sentence() {
    let tiny = Tiny::new();
    let extractor = extractor();
    let head = |network, geometry| regression("FeatureRegression", network, geometry);
    let file = |name: &str, tensors: &[(String, Vec<usize>, Vec<f32>)]| {
        let path = tiny.arg(name);
        write(Path::new(&path), tensors);
        path
    };
    let affine = head(RegressionKind::CnnGeo, GeometricModel::Affine);
    let affine_file = file("affine.safetensors", &[&extractor[..], &affine].concat());
    let tps = head(RegressionKind::CnnGeo, GeometricModel::Tps);
    let tps_file = file("tps.safetensors", &[&extractor[..], &tps].concat());
    let second = regression("FeatureRegression2", RegressionKind::CnnGeo, GeometricModel::Tps);
    let combined = file("combined.safetensors", &[&extractor[..], &affine, &second].concat());
    let bare = file("bare.safetensors", &affine);

    let few = ["--limit", "1"];
    done(&tiny.predict_by("cnngeo", "untrained.jsonl", &[&VGG[..], &few].concat()));
    let (_, expected) = predicted(&tiny, "untrained.jsonl");
    let both = format!("{affine_file},{tps_file}");
    let swapped = format!("{tps_file},{affine_file}");
    let half = format!("{bare},{tps_file}");
    let whole = ["--backbone", "vgg16", "--backbone-weights", "untrained"];
    for (name, method, more) in [
        ("both", "cnngeo", &["--weights", &*both][..]),
        ("swapped", "cnngeo", &["--weights", &*swapped]),
        ("combined", "weakalign", &["--weights", &*combined]),
        ("half", "cnngeo", &[&["--weights", &*half], &whole[..]].concat()),
    ] {
        let out = format!("{name}.jsonl");
        done(&tiny.predict_by(method, &out, &[more, &few].concat()));
        assert_eq!(predicted(&tiny, &out).1, expected, "{name}");
    }

    // Whether the extractor is called `vgg` or `model`, `weights check` says what `predict` does.
    for (path, fits) in [
        (&affine_file, "CNNGeo or a stage of WeakAlign (affine, VGG-16)"),
        (&combined, "WeakAlign (both stages, VGG-16)"),
    ] {
        let checked = hpflow(&["weights", "check", path]);
        assert!(text(&checked.stdout).contains(fits), "{}", text(&checked.stderr));
    }

    let predict = |method: &str, weights: &str, more: &[&str]| {
        tiny.predict_by(method, "no.jsonl", &[&["--weights", weights], more].concat())
    };
    fails(&predict("cnngeo", &affine_file, &[]), 1, &["affine.safetensors", "tps", "--stages"]);
    done(&predict("cnngeo", &affine_file, &["--stages", "affine", "--limit", "1"]));
    let twice = format!("{combined},{affine_file}");
    fails(&predict("weakalign", &twice, &[]), 1, &["affine.safetensors", "leave it out"]);
    fails(&predict("cnngeo", &combined, &[]), 1, &["combined.safetensors", "--method weakalign"]);
    let mut broken = affine.clone();
    let weight = broken.iter_mut().find(|(name, _, _)| name.ends_with("conv.0.weight"));
    weight.expect("it").2.iter_mut().for_each(|value| *value = 1e38);
    let broken = file("broken.safetensors", &[&extractor[..], &broken].concat());
    let only = ["--weights", &broken, "--stages", "affine", "--limit", "1"];
    done(&tiny.predict_by("cnngeo", "broken.jsonl", &only));
    let text = fs::read_to_string(tiny.path("broken.jsonl")).expect("a file");
    let pair = text.lines().nth(1).expect("a pair");
    assert!(pair.contains("null") && !pair.contains("[["), "no numbers out of nothing: {pair}");
    fails(&predict("cnngeo", &half, &[]), 1, &["bare.safetensors", "--backbone-weights"]);
    fails(&predict("a2net", &both, &[]), 1, &["affine.safetensors", "CNNGeo", "--method cnngeo"]);
    fails(&predict("cnngeo", &both, &["--backbone", "resnet101"]), 1, &["vgg16", "resnet101"]);
    fails(&predict("cnngeo", "no/file.safetensors", &[]), 1, &["no/file.safetensors"]);
    fails(&predict("cnngeo", "a,,b", &[]), 2, &["--weights a,,b", "AFFINE,TPS"]);
    fails(&predict("cnngeo", &both, &["--layers", "1"]), 2, &["--layers", "cnngeo", "hpf"]);
    fails(&predict("cnngeo", &both, &["--stages", "tps-affine"]), 2, &["tps-affine", "affine-tps"]);
    for method in ["weakalign", "a2net"] {
        let refused = predict(method, "untrained", &["--stages", "homography"]);
        fails(&refused, 2, &["--stages homography", method, "affine-tps, affine, tps"]);
        let said = crate::cli::text(&refused.stderr);
        assert!(!said.contains("homography-tps"), "not offered: {said}");
    }
    let homography = head(RegressionKind::CnnGeo, GeometricModel::Homography);
    let homography = file("homography.safetensors", &[&extractor[..], &homography].concat());
    let said = ["homography.safetensors", "weakalign has not", "--method cnngeo"];
    fails(&predict("weakalign", &homography, &[]), 1, &said);
    fails(&predict("cnngeo", &both, &["--engine", "gpu"]), 2, &["--engine gpu", "cpu, dense"]);
    fails(&predict("cnngeo", &both, &["--backbone", "hog"]), 2, &["hog", "vgg16"]);
    fails(&tiny.predict_by("a2net", "no.jsonl", &[]), 2, &["--weights", "untrained"]);

    let mut wide = affine.clone();
    let weight = wide.iter_mut().find(|(name, _, _)| name.ends_with("conv.3.weight")).expect("it");
    (weight.1, weight.2) = (vec![64, 128, 3, 3], vec![0.0; 64 * 128 * 9]);
    let wide = file("wide.safetensors", &[&extractor[..], &wide].concat());
    let shapes = ["wide.safetensors", "conv.3.weight", "[64, 128, 3, 3]", "[64, 128, 5, 5]"];
    fails(&predict("cnngeo", &wide, &["--stages", "affine"]), 1, &shapes);
    // Whatever an extractor lacks, it is the one that the rest of it is.
    let lacking = [&extractor[1..], &affine[..]].concat();
    let lacking = file("lacking.safetensors", &lacking);
    let said = ["lacking.safetensors", "vgg16", "FeatureExtraction.model.0.weight", "1 of 20"];
    fails(&predict("cnngeo", &lacking, &["--stages", "affine"]), 1, &said);
    let some = |(name, shape): (&str, [usize; 4])| {
        let zeros = vec![0.0; shape.iter().product()];
        (format!("FeatureExtraction.model.{name}"), shape.to_vec(), zeros)
    };
    let few = [("0.weight", [64, 3, 7, 7]), ("4.1.conv1.weight", [64, 256, 1, 1])].map(some);
    let few = file("few.safetensors", &[&few[..], &affine].concat());
    let said = ["few.safetensors", "resnet101", "FeatureExtraction.model.1.weight", "468 of 470"];
    fails(&predict("cnngeo", &few, &["--stages", "affine"]), 1, &said);
    let other = [("stem.weight", [64, 3, 7, 7])].map(some);
    let other = file("other.safetensors", &[&other[..], &affine].concat());
    let said = ["other.safetensors", "neither resnet101 nor vgg16", "--backbone-weights"];
    fails(&predict("cnngeo", &other, &["--stages", "affine"]), 1, &said);
    let none = file("none.safetensors", &affine);
    let said = ["none.safetensors", "has no feature extractor", "--backbone-weights"];
    fails(&predict("cnngeo", &none, &["--stages", "affine"]), 1, &said);
    let lacking = [&extractor[..3], &extractor[4..], &affine[..]].concat();
    let lacking = file("lacking.safetensors", &lacking);
    let said = ["lacking.safetensors", "FeatureExtraction.model.2.bias", "[64]", "1 of 20"];
    fails(&predict("cnngeo", &lacking, &["--stages", "affine"]), 1, &said);
    let mut odd = affine;
    let linear = odd.iter_mut().find(|(name, _, _)| name.ends_with("linear.weight")).expect("it");
    (linear.1, linear.2) = (vec![7, 1600], vec![0.0; 7 * 1600]);
    let odd = file("odd.safetensors", &[&extractor[..], &odd].concat());
    fails(&predict("cnngeo", &odd, &[]), 1, &["odd.safetensors", "[7, 1600]", "18 a spline"]);
    let backbone = file("backbone.safetensors", &extractor);
    fails(&predict("cnngeo", &backbone, &[]), 1, &["backbone.safetensors", "FeatureRegression"]);
}

#[test]
fn a_pair_of_ones_own_of_any_size_and_colour_type_is_matched() {
    let tiny = Tiny::new();
    let good = tiny.arg("JPEGImages/mug/mug_0.png");
    let pixels = |x: u32, y: u32| (x * 31 + y * 57) as u8;
    let grey = tiny.arg("grey.png");
    image::GrayImage::from_fn(7, 5, |x, y| image::Luma([pixels(x, y)])).save(&grey).expect("it");
    let clear = tiny.arg("clear.png");
    let rgba = |x, y| image::Rgba([pixels(x, y), pixels(y, x), 9, 128]);
    image::RgbaImage::from_fn(500, 30, rgba).save(&clear).expect("it");
    let flow = tiny.arg("a.flo");
    for target in [&grey, &clear] {
        let first = ["-q", "match", &good, target, "--method", "weakalign", "--format", "json"];
        // The last column and row, and their outer border.
        let more = ["--keypoints", "0,0 89,79 89.9,79.9", "--flow", &flow];
        let output = hpflow(&[&first[..], &RESNET, &more].concat());
        done(&output);
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let points: Vec<[f32; 2]> =
            serde_json::from_value(found["target"].clone()).expect("points");
        assert_eq!(points.len(), 3);
        let flow = hpflow::testing::flow::Flow::read(flow.as_ref()).expect("a flow");
        let [x, y] = flow.vectors[90 * 80 - 1].expect("the last pixel");
        let [right, below] = [points[1][0] - 89.0, points[1][1] - 79.0];
        assert!((x - right).abs() < 1e-3 && (y - below).abs() < 1e-3, "{x} {y}: {points:?}");
    }
    let bad = tiny.arg("one.png");
    image::RgbImage::from_pixel(90, 80, image::Rgb([7, 8, 9])).save(&bad).expect("a picture");
    let first = ["-q", "match", &good, &bad, "--method", "cnngeo", "--keypoints", "1,1"];
    fails(&hpflow(&[&first[..], &RESNET].concat()), 1, &["one.png", "one colour"]);
}

#[test]
fn bench_shows_both_schemes_and_their_ratio() {
    let tiny = Tiny::new();
    let first = ["-q", "bench", "--method", "cnngeo", "--root", tiny.root(), "--limit", "1"];
    let output = hpflow(&[&first[..], &RESNET].concat());
    let said = text(&output.stdout);
    assert!(said.contains("engine cpu") && said.contains("engine dense"), "{said}");
    assert!(said.contains("times as fast as dense"), "{said}");
    for stage in ["decode", "backbone", "warped", "regression"] {
        assert!(said.contains(stage), "{stage}: {said}");
    }
}
