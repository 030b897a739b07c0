//! The demo benchmark: SPair-71k's files, exact keypoints, the same bytes everywhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use hpflow::testing::backbone::hog::Hog;
use hpflow::testing::benchmark::demo::{DemoError, DemoOptions, Size, Summary, generate};
use hpflow::testing::benchmark::spair::annotation::{ImageAnnotation, PairAnnotation, value};
use hpflow::testing::benchmark::{Benchmark, BenchmarkKind, BenchmarkOptions as Opening, Pair};
use hpflow::testing::engine::cpu::CpuEngine;
use hpflow::testing::hyperpixel::layers::LayerSet;
use hpflow::testing::method::hpf::Hpf;
use hpflow::testing::method::{Method as _, Work, identity};
use predicates::str::contains;
use sha2::{Digest, Sha256};

use crate::shared::shared;

fn small(images: usize, categories: &[&str]) -> DemoOptions {
    let categories = categories.iter().map(|&name| name.to_owned()).collect();
    DemoOptions { seed: 3, size: Size::Small { images, categories } }
}

fn make(folder: &Path, options: &DemoOptions) -> Result<Summary, DemoError> {
    generate(folder, options, false, &|_, _, _| {})
}

/// Every file below a folder and its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_demo_benchmark_opens_as_spair_71k_and_its_photographs_have_their_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let summary = make(folder.path(), &small(4, &["car", "bottle", "aeroplane"])).unwrap();
    assert_eq!(summary.images, 3 * (2 + 2 + 4));
    for (split, pairs) in ["trn", "val", "test"].into_iter().zip(summary.pairs) {
        let options = Opening { split: split.to_owned(), ..Opening::default() };
        let benchmark = Benchmark::open(BenchmarkKind::Spair, folder.path(), &options).unwrap();
        assert_eq!(benchmark.pairs.len(), pairs, "{split}");
        for image in &benchmark.images {
            let photograph = hpflow::testing::image::read(&image.path).unwrap();
            assert_eq!(image.size, Some([photograph.width, photograph.height]));
            let first = &photograph.rgb[..3];
            assert!(photograph.rgb.chunks(3).any(|pixel| pixel != first), "{:?}", image.path);
        }
    }
    assert!(summary.pairs[2] >= 30, "nearly all of the 36 pairs share a keypoint: {summary:?}");
}

#[test]
fn annotations_are_written_as_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), &small(3, &["horse", "bus"])).unwrap();
    for (name, bytes) in files(folder.path()) {
        let text = String::from_utf8_lossy(&bytes);
        if name.starts_with("ImageAnnotation") {
            assert_eq!(ImageAnnotation::parse(&bytes).unwrap().to_json().unwrap(), text, "{name}");
        } else if name.starts_with("PairAnnotation") {
            assert_eq!(PairAnnotation::parse(&bytes).unwrap().to_json().unwrap(), text, "{name}");
        } else if name.starts_with("Layout/large") {
            assert!(text.ends_with('\n') && text.lines().all(|line| line.contains(":")), "{name}");
        }
    }
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn annotations_have_the_fields_of_spair_71k_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), &small(3, &["horse", "bus"])).unwrap();
    let real = shared("data/SPair-71k-sample/ImageAnnotation/aeroplane/2008_002719.json");
    let keys = |path: &Path| -> Vec<String> {
        let json: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let fields = json.as_object().unwrap();
        let keypoints = fields["kps"].as_object().unwrap();
        fields.keys().chain(keypoints.keys()).cloned().collect()
    };
    let drawn = fs::read_dir(folder.path().join("ImageAnnotation/horse")).unwrap();
    for path in drawn.map(|entry| entry.unwrap().path()) {
        assert_eq!(keys(&path), keys(&real), "{}", path.display());
    }
}

#[test]
fn keypoints_are_inside_the_box_and_the_box_inside_the_image() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), &small(12, &["motorbike", "person", "pottedplant"])).unwrap();
    let (mut hidden, mut truncated, mut occluded, mut azimuths) = (0, 0, 0, [0; 8]);
    for (name, bytes) in files(folder.path()) {
        if !name.starts_with("ImageAnnotation") {
            continue;
        }
        let image = ImageAnnotation::parse(&bytes).unwrap();
        let [left, top, right, bottom] = image.bndbox.each_ref().map(value);
        assert!(1.0 <= left && left < right && right <= f64::from(image.image_width), "{name}");
        assert!(1.0 <= top && top < bottom && bottom <= f64::from(image.image_height), "{name}");
        for (_, at) in image.kps.visible() {
            let [x, y] = at.each_ref().map(value);
            // Boxes count pixels from 1, keypoints from 0.
            assert!((left - 1.0..=right - 1.0).contains(&x), "{name}: {x} not in {left}..{right}");
            assert!((top - 1.0..=bottom - 1.0).contains(&y), "{name}: {y} not in {top}..{bottom}");
        }
        assert!(image.kps.visible().count() >= 3, "{name}");
        hidden += usize::from(image.kps.visible().count() < 16);
        truncated += usize::from(image.truncated == 1);
        occluded += usize::from(image.occluded == 1);
        azimuths[usize::from(image.azimuth_id)] += 1;
    }
    assert!(hidden > 0 && truncated > 3 && occluded > 3, "{hidden} {truncated} {occluded}");
    assert!(azimuths.iter().filter(|&&count| count > 0).count() >= 5, "{azimuths:?}");
}

#[test]
fn a_seed_gives_the_same_bytes_with_any_number_of_threads_and_another_seed_gives_others() {
    let made = |seed: u64, threads: usize| {
        let folder = tempfile::tempdir().unwrap();
        let options = DemoOptions { seed, ..small(2, &["chair", "bird"]) };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| make(folder.path(), &options)).unwrap();
        files(folder.path())
    };
    let once = made(3, 1);
    assert!(once == made(3, 4), "the number of threads changed a file");
    let other = made(4, 2);
    let photograph = "JPEGImages/bird/demo_000001.jpg";
    assert_ne!(once[photograph], other[photograph]);
    // Annotations are this project's alone: no library's next version may change them.
    let mut hash = Sha256::new();
    for (name, bytes) in once.iter().filter(|(name, _)| name.contains("Annotation")) {
        hash.update(name);
        hash.update(bytes);
    }
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "8df44d806adc92e6ddca5d2d884eced24b52b0dee2dc4e172792da7236f605ae");
}

#[test]
fn a_folder_with_other_files_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let options = small(2, &["car"]);
    for force in [false, true] {
        let error = generate(folder.path(), &options, force, &|_, _, _| {}).unwrap_err();
        assert!(matches!(error, DemoError::Foreign { .. }), "{error}");
    }
    assert_eq!(files(folder.path()).len(), 1, "nothing was written beside foreign files");
}

#[test]
fn a_second_call_leaves_the_folder_alone_and_only_force_replaces_another_benchmark() {
    let folder = tempfile::tempdir().unwrap();
    let options = small(3, &["car"]);
    let first = make(folder.path(), &options).unwrap();
    fs::write(folder.path().join("predictions.jsonl"), "mine").unwrap();
    let before = files(folder.path());
    let second = make(folder.path(), &options).unwrap();
    assert!(!first.unchanged && second.unchanged);
    assert_eq!(first.pairs, second.pairs);
    assert!(files(folder.path()) == before);

    let other = small(2, &["car"]);
    assert!(matches!(make(folder.path(), &other).unwrap_err(), DemoError::Present { .. }));
    assert!(files(folder.path()) == before);
    let replaced = generate(folder.path(), &other, true, &|_, _, _| {}).unwrap();
    assert_eq!(replaced.pairs[2], 2);
    assert_eq!(files(folder.path())["predictions.jsonl"], b"mine");
    let benchmark =
        Benchmark::open(BenchmarkKind::Spair, folder.path(), &Opening::default()).unwrap();
    assert_eq!(benchmark.pairs.len(), 2);
}

#[test]
fn an_interrupted_benchmark_is_completed_by_the_same_call() {
    let folder = tempfile::tempdir().unwrap();
    let options = small(2, &["bottle"]);
    make(folder.path(), &options).unwrap();
    let complete = files(folder.path());
    // What is there when the work is stopped while it draws.
    fs::remove_dir_all(folder.path().join("Layout")).unwrap();
    fs::remove_dir_all(folder.path().join("PairAnnotation")).unwrap();
    fs::write(folder.path().join("JPEGImages/bottle/demo_000002.jpg"), "cut").unwrap();
    assert!(!make(folder.path(), &options).unwrap().unchanged);
    assert!(files(folder.path()) == complete);
}

#[test]
fn identity_scores_low_on_it_and_hyperpixel_flow_clearly_higher() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), &small(5, &["bicycle", "bottle", "chair", "horse"])).unwrap();
    let benchmark =
        Benchmark::open(BenchmarkKind::Spair, folder.path(), &Opening::default()).unwrap();
    let size = |image: usize| benchmark.images[image].size.unwrap();
    let low = average(&benchmark, |pair| {
        identity::map(&pair.source_keypoints, size(pair.source), size(pair.target))
    });
    assert!(low < 0.15, "identity reaches {low}");

    let layers = LayerSet::new(vec![0]).unwrap();
    let mut hpf = Hpf::new(Box::new(Hog), Box::new(CpuEngine::new()), layers).unwrap();
    let mut predicted = vec![Vec::new(); benchmark.pairs.len()];
    let all: Vec<usize> = (0..benchmark.pairs.len()).collect();
    hpf.predict(&Work::of(&benchmark, &all), &mut |outcome| {
        predicted[outcome.pair] = outcome.keypoints?;
        Ok(())
    })
    .unwrap();
    let mut next = predicted.into_iter();
    let high = average(&benchmark, |_| next.next().unwrap());
    assert!(high > 0.1 && high > 2.0 * low, "Hyperpixel Flow reaches {high}, identity {low}");
}

/// PCK at α = 0.1 of the box, averaged over pairs.
fn average(benchmark: &Benchmark, mut predict: impl FnMut(&Pair) -> Vec<Option<[f32; 2]>>) -> f64 {
    let mut share = |pair: &Pair| {
        let [left, top, right, bottom] = pair.target_box.unwrap();
        let threshold = 0.1 * (right - left).max(bottom - top);
        let found = predict(pair);
        let right = found.iter().zip(&pair.target_keypoints).filter(|(found, truth)| {
            found.is_some_and(|[x, y]| (x - truth[0]).hypot(y - truth[1]) <= threshold)
        });
        right.count() as f64 / pair.target_keypoints.len() as f64
    };
    benchmark.pairs.iter().map(&mut share).sum::<f64>() / benchmark.pairs.len() as f64
}

#[test]
fn the_command_says_what_it_made_and_what_it_was_not_asked_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/demo");
    let hpflow = || {
        let mut command = Command::cargo_bin("hpflow").unwrap();
        command.args(["dataset", "demo"]).arg(&path);
        command
    };
    hpflow().args(["--category", "zebra"]).assert().code(2).stderr(contains("\"zebra\""));
    hpflow().args(["--images", "1"]).assert().code(2).stderr(contains("2 or more"));
    hpflow().args(["--like", "spair", "--images", "3"]).assert().code(2);
    assert!(!path.exists(), "a refused call makes no folder");
    let wanted = ["--images", "2", "--category", "car,chair"];
    hpflow().args(wanted).assert().success().stdout(contains("12 images; pairs: "));
    hpflow().args(wanted).assert().success().stdout(contains("already made"));
    hpflow().args(["--seed", "9"]).assert().code(1).stderr(contains("--force"));
}
