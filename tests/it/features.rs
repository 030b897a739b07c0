//! Features kept on the disk: the same predictions, files of one's own, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hpflow::testing::backbone::FeatureMap;
use hpflow::testing::features::{
    Description, FeaturesHeader, Layer, Precision, Ratio, VERSION, open, write,
};
use safetensors::SafeTensors;
use sha2::{Digest as _, Sha256};

use crate::cli::{Tiny, fails, hpflow, text};
use crate::shared::python;

/// Keeps the features of a benchmark's photographs by HOG.
fn keep(tiny: &Tiny, out: &str, more: &[&str]) -> std::process::Output {
    let out = tiny.arg(out);
    let common = ["-q", "features", "--root", tiny.root(), "--backbone", "hog", "--out", &out];
    hpflow(&[&common[..], more].concat())
}

/// `hpflow predict` from kept features.
fn predict(tiny: &Tiny, features: &str, out: &str, more: &[&str]) -> std::process::Output {
    let (features, out) = (tiny.arg(features), tiny.arg(out));
    let common = ["-q", "predict", "--root", tiny.root(), "--engine", "cpu", "--out", &out];
    hpflow(&[&common[..], &["--features", &features], more].concat())
}

/// The lines of a predictions file after its header.
fn lines(path: &Path) -> String {
    let whole = fs::read_to_string(path).expect("predictions");
    whole.split_once('\n').expect("a header").1.to_owned()
}

fn header(path: &Path) -> serde_json::Value {
    let whole = fs::read_to_string(path).expect("predictions");
    serde_json::from_str(whole.lines().next().expect("a header")).expect("JSON")
}

/// SHA-256 of a file.
pub fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).expect("a file"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(file).expect("a file"))).collect()
}

#[test]
fn predictions_from_kept_features_are_those_from_photographs_and_need_none() {
    let tiny = Tiny::new();
    assert!(tiny.predict("straight.jsonl", &[]).status.success());
    let kept = keep(&tiny, "kept", &[]);
    assert!(kept.status.success(), "{}", text(&kept.stderr));
    fs::remove_dir_all(tiny.path("JPEGImages")).expect("photographs removed");
    let output = predict(&tiny, "kept", "kept.jsonl", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (straight, kept) = (tiny.path("straight.jsonl"), tiny.path("kept.jsonl"));
    assert!(lines(&straight) == lines(&kept), "the same predictions");
    assert!(lines(&kept).lines().count() == 6, "six pairs");
    let method = &header(&kept)["method"];
    assert_eq!(method["backbone"], "hog");
    assert_eq!(method["weights"], "none");
    assert_eq!(method["image_side"], 300);
    assert_eq!(method["features"]["precision"], "f32");
    assert_eq!(method["features"]["sha256"].as_str().expect("a hash").len(), 64);
}

#[test]
fn files_are_the_same_bytes_again_and_a_stopped_run_is_continued() {
    let tiny = Tiny::new();
    assert!(keep(&tiny, "kept", &[]).status.success());
    let whole = files(&tiny.path("kept/mug"));
    assert_eq!(whole.len(), 3, "a file a photograph and nothing else: {whole:?}");
    fs::remove_file(tiny.path("kept/mug/mug_1.png.safetensors")).expect("removed");
    let before = fs::metadata(&whole[0].0).and_then(|file| file.modified()).expect("a time");
    assert!(keep(&tiny, "kept", &[]).status.success());
    assert!(files(&tiny.path("kept/mug")) == whole, "the same bytes");
    let after = fs::metadata(&whole[0].0).and_then(|file| file.modified()).expect("a time");
    assert_eq!(before, after, "what is there is left alone");
    fails(&keep(&tiny, "kept", &["--precision", "f16"]), 1, &["mug_0.png", "precision", "f16"]);
}

#[test]
fn half_precision_takes_half_the_space_and_is_recorded() {
    let tiny = Tiny::new();
    assert!(keep(&tiny, "whole", &[]).status.success());
    assert!(keep(&tiny, "half", &["--precision", "f16"]).status.success());
    let size = |folder: &str| files(&tiny.path(folder))[0].1.len() as f64;
    assert!(size("half/mug") < 0.55 * size("whole/mug"), "{}", size("half/mug"));
    assert!(predict(&tiny, "half", "half.jsonl", &[]).status.success());
    assert_eq!(header(&tiny.path("half.jsonl"))["method"]["features"]["precision"], "f16");
}

#[test]
fn features_kept_in_half_precision_match_as_photographs_do_in_it() {
    let tiny = Tiny::new();
    assert!(tiny.predict("straight.jsonl", &["--precision", "f16"]).status.success());
    assert!(keep(&tiny, "half", &["--precision", "f16"]).status.success());
    assert!(keep(&tiny, "whole", &[]).status.success());
    let straight = lines(&tiny.path("straight.jsonl"));
    for folder in ["half", "whole"] {
        let output = predict(&tiny, folder, "kept.jsonl", &["--precision", "f16"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(lines(&tiny.path("kept.jsonl")) == straight, "from features kept in {folder}");
    }
    let method = &header(&tiny.path("kept.jsonl"))["method"];
    assert_eq!(
        (&method["precision"], &method["features"]["precision"]),
        (&"f16".into(), &"f32".into())
    );
    // Rounded maps are rounded once: in single precision they give the same similarities.
    assert!(predict(&tiny, "half", "single.jsonl", &[]).status.success());
    assert!(lines(&tiny.path("single.jsonl")) == straight);
    assert_eq!(header(&tiny.path("single.jsonl"))["method"]["precision"], "f32");
}

#[test]
fn two_photographs_of_ones_own_are_matched_from_kept_features() {
    let tiny = Tiny::new();
    assert!(keep(&tiny, "kept", &[]).status.success());
    let [a, b] = ["JPEGImages/mug/mug_0.png", "JPEGImages/mug/mug_1.png"].map(|p| tiny.arg(p));
    let common = ["-q", "match", &a, &b, "--engine", "cpu", "--keypoints", "20,20 40.5,30"];
    let straight = hpflow(&[&common[..], &["--backbone", "hog"]].concat());
    let kept = hpflow(&[&common[..], &["--features", &tiny.arg("kept")]].concat());
    assert!(kept.status.success(), "{}", text(&kept.stderr));
    assert_eq!(text(&straight.stdout), text(&kept.stdout));
}

/// Features of the tiny benchmark with two named layers of another network's shape: patches of 8
/// pixels whose first is centred on 3.5.
fn foreign(tiny: &Tiny, change: impl Fn(usize, &mut FeaturesHeader, &mut Vec<FeatureMap>)) {
    for index in 0..3 {
        let (width, height) = (90 + 10 * index as u32, 80);
        let layer = |id: usize, name: &str| Layer {
            id,
            name: name.to_owned(),
            stride: 8,
            channels: 6,
            jump: (id == 3).then_some(8),
            receptive_field: (id == 3).then_some(17),
            offset: 3.5,
        };
        let mut header = FeaturesHeader {
            version: VERSION,
            arithmetic: None,
            benchmark: Some("spair".to_owned()),
            photograph: format!("mug/mug_{index}.png"),
            sha256: Some(sha256(&tiny.path(&format!("JPEGImages/mug/mug_{index}.png")))),
            original_size: [width, height],
            resized_size: [width, height],
            ratio: None,
            offset: None,
            description: Description {
                backbone: "patches".to_owned(),
                image_side: None,
                precision: Precision::F32,
                layers: vec![layer(3, "blocks.3"), layer(7, "head/out")],
                made_with: serde_json::Map::new(),
            },
        };
        let (rows, columns) = (10, width as usize / 8);
        let map = |layer: usize| {
            let count = 6 * rows * columns;
            let value = |at: usize| ((at * 37 + layer * 11 + index * 5) % 23) as f32 - 9.0;
            let data = (0..count).map(value).collect();
            FeatureMap { layer, stride: 8, channels: 6, rows, columns, data }
        };
        let mut maps = vec![map(3), map(7)];
        change(index, &mut header, &mut maps);
        let file = tiny.path(&format!("foreign/mug/mug_{index}.png.safetensors"));
        write(&file, &header, &maps).expect("a file");
    }
}

#[test]
fn another_networks_maps_are_matched_and_layers_are_checked() {
    let tiny = Tiny::new();
    foreign(&tiny, |_, _, _| {});
    let output = predict(&tiny, "foreign", "f.jsonl", &["--layers", "3,7"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!lines(&tiny.path("f.jsonl")).contains("null"), "every keypoint is in some box");
    assert_eq!(header(&tiny.path("f.jsonl"))["method"]["backbone"], "patches");
    let refused = |more: &[&str], code, parts: &[&str]| {
        fails(&predict(&tiny, "foreign", "refused.jsonl", more), code, parts);
    };
    refused(&[], 2, &["patches", "3, 7", "--layers"]);
    refused(&["--layers", "3,4"], 2, &["no layer 4", "3, 7"]);
    refused(&["--layers", "7"], 2, &["layer 7", "jump and receptive field"]);
    refused(&["--layers", "3", "--backbone", "resnet50"], 1, &["resnet50", "patches"]);
    refused(&["--layers", "3", "--weights", "untrained"], 2, &["--weights", "--features"]);
}

#[test]
fn an_offset_moves_the_boxes_and_so_what_is_found() {
    let tiny = Tiny::new();
    let found = [3.5, 0.0].map(|offset| {
        foreign(&tiny, |_, header, _| header.description.layers[0].offset = offset);
        let out = format!("offset-{offset}.jsonl");
        assert!(predict(&tiny, "foreign", &out, &["--layers", "3"]).status.success());
        lines(&tiny.path(&out))
    });
    assert_ne!(found[0], found[1]);
}

#[test]
fn features_that_do_not_fit_are_refused_in_one_sentence() {
    let tiny = Tiny::new();
    let refused = |parts: &[&str]| {
        let _ = fs::remove_file(tiny.path("refused.jsonl.partial"));
        let output = predict(&tiny, "foreign", "refused.jsonl", &["--layers", "3,7"]);
        fails(&output, 1, &[&["foreign/mug/mug_"], parts].concat());
    };
    foreign(&tiny, |_, header, _| header.benchmark = Some("pf-willow".to_owned()));
    refused(&["benchmark is pf-willow, expected spair"]);
    foreign(&tiny, |index, header, _| {
        if index == 1 {
            header.description.backbone = "patches-large".to_owned();
        }
    });
    refused(&["mug_1.png", "backbone is \"patches-large\", expected \"patches\""]);
    foreign(&tiny, |_, header, _| header.original_size = [900, 800]);
    refused(&["mug_0.png", "original size is 900 × 800 pixels, expected 90 × 80"]);
    foreign(&tiny, |_, header, _| header.photograph = "cup/mug_0.png".to_owned());
    refused(&["photograph is cup/mug_0.png, expected mug/mug_0.png"]);
    foreign(&tiny, |_, _, maps| maps[1].data[17] = f32::NAN);
    refused(&["`head/out` holds NaN at place 17", "finite"]);
    foreign(&tiny, |_, header, _| header.description.layers[1].channels = 5);
    refused(&["`head/out` has shape [6, 10, 11]", "5 channels"]);
    foreign(&tiny, |_, _, maps| {
        maps[1].rows = 5;
        maps[1].channels *= 2;
    });
    refused(&["`head/out`", "12, 5"]);
    foreign(&tiny, |_, header, maps| {
        header.description.layers[1].channels = 3;
        (maps[1].channels, maps[1].rows) = (3, 20);
    });
    refused(&["`head/out` has 20 × 11 cells", "10 × 11"]);
    foreign(&tiny, |_, header, _| header.version = 3);
    refused(&["version is 3", "1 or 2"]);
    foreign(&tiny, |_, header, _| header.resized_size = [0, 80]);
    refused(&["a size or the ratio"]);
    foreign(&tiny, |_, header, _| header.description.layers.clear());
    refused(&["layers"]);
    foreign(&tiny, |_, header, _| {
        header.version = 1;
        header.resized_size[1] = 84;
    });
    refused(&["84 resized pixels, expected 80 within one", "both sides alike", "version 2"]);
    foreign(&tiny, |_, header, _| {
        header.ratio = Some(Ratio::Both(1.0));
        header.resized_size[1] = 84;
    });
    refused(&["84 resized pixels, expected 80 within one", "without padding"]);
    foreign(&tiny, |_, header, _| header.ratio = Some(Ratio::Both(1e-30)));
    refused(&["resized pixels, expected 0"]);
    foreign(&tiny, |_, header, _| header.description.layers[0].receptive_field = Some(0));
    refused(&["layer 3 has receptive field 0"]);
    foreign(&tiny, |_, header, _| header.description.layers[0].offset = -1e6);
    refused(&["layer 3 has offset -1000000.0, expected pixels within the photograph"]);
    foreign(&tiny, |_, _, maps| maps[1].data[17] = -2e19);
    refused(&["`head/out` holds -2e19 at place 17", "at most 1e12"]);
    foreign(&tiny, |_, _, maps| {
        maps.iter_mut().flat_map(|map| &mut map.data).for_each(|value| *value *= 1e-20);
    });
    refused(&["`blocks.3` holds nothing of 1e-12 or more, like all layers asked for"]);
    // One layer that is silent is no fault: the other speaks.
    foreign(&tiny, |_, _, maps| maps[0].data.fill(0.0));
    let output = predict(&tiny, "foreign", "silent.jsonl", &["--layers", "3,7"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// What an engine predicts of maps whose boxes do not reach the next centre, with columns of padding
/// after the photograph. `padding` decides what is in the last of them.
fn with_cells_beyond(tiny: &Tiny, engine: &str, padding: usize) -> String {
    foreign(tiny, |_, header, maps| {
        header.description.layers[0].receptive_field = Some(11);
        header.description.layers[0].offset = 0.0;
        for map in maps {
            map.columns += 2;
            let count = map.channels * map.rows * map.columns;
            let last = map.columns - 1;
            let value = |at: usize| {
                let more = if at % map.columns == last { padding } else { 0 };
                ((at * 41 + map.layer + more) % 19) as f32 - 7.0
            };
            map.data = (0..count).map(value).collect();
        }
    });
    let (features, out) = (tiny.arg("foreign"), tiny.arg("beyond.jsonl"));
    let common = ["-q", "predict", "--root", tiny.root(), "--layers", "3,7", "--out", &out];
    let output = hpflow(&[&common[..], &["--features", &features, "--engine", engine]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    lines(&tiny.path("beyond.jsonl"))
}

#[test]
fn cells_beyond_the_photograph_do_not_count() {
    let tiny = Tiny::new();
    let found = with_cells_beyond(&tiny, "cpu", 0);
    assert!(found.contains("[["), "{found}");
    fs::remove_file(tiny.path("beyond.jsonl")).expect("removed");
    assert_eq!(with_cells_beyond(&tiny, "cpu", 5), found);
}

#[test]
#[cfg_attr(not(present = "gpu"), ignore = "HPFLOW_NO_GPU=1 says that there is no GPU")]
fn engines_agree_where_cells_are_beyond_the_photograph() {
    let [cpu, gpu] = ["cpu", "gpu"].map(|engine| with_cells_beyond(&Tiny::new(), engine, 0));
    assert_eq!(cpu, gpu);
}

#[test]
fn damaged_and_missing_files_are_refused_in_one_sentence() {
    let tiny = Tiny::new();
    foreign(&tiny, |_, _, _| {});
    let file = tiny.path("foreign/mug/mug_0.png.safetensors");
    let whole = fs::read(&file).expect("a file");
    let refused = |parts: &[&str]| {
        let _ = fs::remove_file(tiny.path("refused.jsonl.partial"));
        let output = predict(&tiny, "foreign", "refused.jsonl", &["--layers", "3,7"]);
        fails(&output, 1, &[&["mug_0.png.safetensors"], parts].concat());
    };
    for length in [0, 5, 40, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..length]).expect("a file");
        refused(&["truncated", "expected"]);
    }
    fs::write(&file, "a".repeat(4000)).expect("a file");
    refused(&["not a safetensors file", "docs/features.md"]);
    let bare = safetensors::serialize(
        [(
            "x",
            safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![0], &[]).unwrap(),
        )],
        None,
    );
    fs::write(&file, bare.expect("a file")).expect("a file");
    refused(&["no metadata `hpflow-features`"]);
    fs::remove_file(&file).expect("removed");
    refused(&["no features of mug/mug_0.png", "hpflow features"]);
    let going = predict(&tiny, "foreign", "going.jsonl", &["--layers", "3,7", "--keep-going"]);
    fails(&going, 1, &["1 photograph could not be used", "mug_0.png"]);
    assert_eq!(lines(&tiny.path("going.jsonl")).lines().count(), 6);
}

#[test]
fn a_number_beyond_half_precision_is_refused() {
    let tiny = Tiny::new();
    foreign(&tiny, |_, _, _| {});
    let kept = open(&tiny.path("foreign/mug/mug_0.png.safetensors")).expect("features");
    let mut header = kept.header().clone();
    header.description.precision = Precision::F16;
    header.description.layers.truncate(1);
    let mut map = FeatureMap {
        layer: 3,
        stride: 8,
        channels: 6,
        rows: 1,
        columns: 1,
        data: vec![65504.0, -65504.0, 0.0, 1e-9, 2.0, 3.0],
    };
    write(&tiny.path("half.safetensors"), &header, std::slice::from_ref(&map)).expect("in reach");
    map.data[2] = 7e4;
    let error = write(&tiny.path("half.safetensors"), &header, &[map]).unwrap_err().to_string();
    assert!(error.contains("layer 3") && error.contains("70000"), "{error}");
}

#[test]
fn maps_that_do_not_reach_the_photographs_end_are_refused() {
    let tiny = Tiny::new();
    let refused = |rows: usize, columns: usize, what: &str| {
        foreign(&tiny, |index, _, maps| {
            let map = &mut maps[0];
            if index == 1 {
                (map.rows, map.columns) = (rows, columns);
                map.data = (0..map.channels * rows * columns).map(|at| (at % 7) as f32).collect();
            }
        });
        let out = format!("refused-{rows}.jsonl");
        let output = predict(&tiny, "foreign", &out, &["--layers", "3"]);
        fails(&output, 1, &["mug_1.png.safetensors", what, "covers the photograph"]);
    };
    // The photograph has 100 × 80 pixels, 12 × 10 whole cells of 8.
    refused(12, 10, "has 10 columns of 8 pixels, which end at 80, and the photograph ends at 100");
    refused(8, 12, "has 8 rows of 8 pixels, which end at 64, and the photograph ends at 80");
    foreign(&tiny, |_, header, _| {
        header.ratio = Some(Ratio::Both(1.0));
        header.offset = Some([0.0, -5.0]);
    });
    let output = predict(&tiny, "foreign", "refused-1.jsonl", &["--layers", "3"]);
    fails(&output, 1, &["offset -5", "not negative"]);
    foreign(&tiny, |_, header, _| {
        header.ratio = Some(Ratio::Both(1.0));
        header.offset = Some([0.0, 30.0]);
    });
    let output = predict(&tiny, "foreign", "refused-2.jsonl", &["--layers", "3"]);
    fails(&output, 1, &["the photograph ends at 110"]);
}

/// The same file with another header, as a program of one's own might write it.
fn with_header(file: &Path, change: impl Fn(&mut serde_json::Value)) {
    let bytes = fs::read(file).expect("a file");
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("metadata");
    let text = &metadata.metadata().as_ref().expect("metadata")["hpflow-features"];
    let mut header = serde_json::from_str(text).expect("JSON");
    change(&mut header);
    let metadata = [("hpflow-features".to_owned(), header.to_string())].into();
    let changed = safetensors::serialize(tensors.tensors(), Some(metadata)).expect("a file");
    fs::write(file, changed).expect("a file");
}

#[test]
fn a_header_says_what_made_the_maps_and_of_what() {
    let tiny = Tiny::new();
    assert!(keep(&tiny, "kept", &[]).status.success());
    let kept = open(&tiny.path("kept/mug/mug_0.png.safetensors")).expect("features");
    let header = kept.header();
    assert_eq!((header.version, header.arithmetic), (2, Some(hpflow::ARITHMETIC)));
    assert_eq!(header.photograph, "mug/mug_0.png");
    assert_eq!(header.sha256, Some(sha256(&tiny.path("JPEGImages/mug/mug_0.png"))));
    assert_eq!((header.ratio(), header.offset()), ([1.0; 2], [0.0; 2]));
}

#[test]
fn maps_of_another_arithmetic_are_refused_and_say_which() {
    let tiny = Tiny::new();
    assert!(keep(&tiny, "kept", &[]).status.success());
    let file = tiny.path("kept/mug/mug_1.png.safetensors");
    let whole = fs::read(&file).expect("a file");
    for (arithmetic, found) in [(Some(1), "1"), (Some(4), "4"), (None, "missing")] {
        with_header(&file, |header| match arithmetic {
            Some(number) => header["arithmetic"] = number.into(),
            None => drop(header.as_object_mut().expect("an object").remove("arithmetic")),
        });
        let difference = format!("arithmetic is {found}, expected {}", hpflow::ARITHMETIC);
        let parts = ["mug_1.png.safetensors", &difference];
        fails(&predict(&tiny, "kept", "refused.jsonl", &[]), 1, &parts);
        fails(&keep(&tiny, "kept", &[]), 1, &parts);
        fs::write(&file, &whole).expect("a file");
    }
    assert!(predict(&tiny, "kept", "a.jsonl", &[]).status.success());
}

#[test]
fn what_hpflow_wrote_in_version_1_is_refused_and_what_others_wrote_is_read_with_a_note() {
    let tiny = Tiny::new();
    let first = |header: &mut serde_json::Value| {
        header["version"] = 1.into();
        for field in ["arithmetic", "sha256"] {
            header.as_object_mut().expect("an object").remove(field);
        }
    };
    assert!(keep(&tiny, "own", &[]).status.success());
    for (file, _) in files(&tiny.path("own/mug")) {
        with_header(&file, first);
    }
    let parts = ["mug_0.png.safetensors", "the hog of an earlier hpflow", "`hpflow features`"];
    fails(&predict(&tiny, "own", "refused.jsonl", &[]), 1, &parts);
    fails(&keep(&tiny, "own", &[]), 1, &parts);
    foreign(&tiny, |_, _, _| {});
    let layers = ["--layers", "3,7"];
    let quiet = predict(&tiny, "foreign", "second.jsonl", &layers);
    assert_eq!(text(&quiet.stderr), "");
    for (file, _) in files(&tiny.path("foreign/mug")) {
        with_header(&file, first);
    }
    let noted = predict(&tiny, "foreign", "first.jsonl", &layers);
    assert!(noted.status.success(), "{}", text(&noted.stderr));
    let said = text(&noted.stderr);
    assert!(said.contains("3 of 3 files do not say of which content"), "{said}");
    assert_eq!(said.lines().count(), 1, "once a run: {said}");
    assert!(lines(&tiny.path("first.jsonl")) == lines(&tiny.path("second.jsonl")));
    // Of a network of the same name that is not hpflow's.
    foreign(&tiny, |_, header, _| {
        header.version = 1;
        header.description.backbone = "resnet50".to_owned();
    });
    let output = predict(&tiny, "foreign", "name.jsonl", &layers);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_header_of_fields_that_would_be_overlooked_or_contradict_is_refused() {
    let tiny = Tiny::new();
    let refused = |change: &dyn Fn(&mut serde_json::Value), parts: &[&str]| {
        foreign(&tiny, |_, _, _| {});
        with_header(&tiny.path("foreign/mug/mug_1.png.safetensors"), change);
        let output = predict(&tiny, "foreign", "refused.jsonl", &["--layers", "3,7"]);
        fails(&output, 1, &[&["mug_1.png.safetensors"], parts].concat());
    };
    refused(&|header| header["padding"] = 4.into(), &["`padding` is unknown", "offset"]);
    let layer = |header: &mut serde_json::Value| {
        header["description"]["layers"][0]["receptive-field"] = 9.into();
    };
    refused(&layer, &["in a layer `receptive-field` is unknown", "receptive_field"]);
    let version = |header: &mut serde_json::Value| {
        header["version"] = 1.into();
        header["offset"] = serde_json::json!([0, 8]);
    };
    refused(&version, &["version 1 has one ratio and no offset", "version 2"]);
    let ratios = |header: &mut serde_json::Value| {
        header["version"] = 1.into();
        header["ratio"] = serde_json::json!([1, 1]);
    };
    refused(&ratios, &["version 1 has one ratio"]);
    // The size of what the network saw, padding and all, instead of the photograph's.
    let padded = |header: &mut serde_json::Value| {
        header["offset"] = serde_json::json!([0, 10]);
        header["resized_size"] = serde_json::json!([100, 100]);
        header["ratio"] = 1.into();
    };
    refused(&padded, &["100 resized pixels, expected 80 within one", "without padding"]);
    refused(&|header| header["offset"] = serde_json::json!([0, 10]), &["ratio must be given"]);
    let far = |header: &mut serde_json::Value| {
        header["offset"] = serde_json::json!([0, 1e30]);
        header["ratio"] = 1.into();
    };
    refused(&far, &["offset 1e30", "at most 8192"]);
    let three = |header: &mut serde_json::Value| header["ratio"] = serde_json::json!([1, 1, 1]);
    refused(&three, &["expected one number, or one for each of x and y"]);
    refused(&|header| header["ratio"] = serde_json::json!([1, 0]), &["the ratio is 0 or less"]);
    refused(&|header| header["sha256"] = "abc".into(), &["64 hexadecimal digits"]);
}

#[test]
#[cfg_attr(not(present = "python"), ignore = "needs Python with numpy and safetensors")]
fn the_documented_python_script_writes_features_that_give_the_same_predictions() {
    let python = &python().expect("Python with numpy and safetensors");
    let tiny = Tiny::new();
    assert!(keep(&tiny, "kept", &[]).status.success());
    // As a network of one's own would leave them: arrays and sizes in a .npz a photograph.
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
    numpy.savez(out, **layers, **sizes)
";
    let run = |arguments: &[&str]| {
        let output = Command::new(python).args(arguments).output().expect("Python");
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    let [kept, arrays, foreign] = ["kept", "arrays", "foreign"].map(|name| tiny.arg(name));
    run(&["-c", export, &kept, &arrays]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/features_from_numpy.py");
    let script = script.to_str().expect("a path");
    run(&[script, &arrays, &foreign, "--backbone", "mine", "--stride", "8"]);
    assert!(predict(&tiny, "kept", "a.jsonl", &[]).status.success());
    let output = predict(&tiny, "foreign", "b.jsonl", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(lines(&tiny.path("a.jsonl")) == lines(&tiny.path("b.jsonl")), "the same predictions");
    let bytes = fs::read(tiny.path("foreign/mug/mug_0.png.safetensors")).expect("a file");
    assert_eq!(SafeTensors::deserialize(&bytes).expect("safetensors").names(), ["layer0"]);
}

#[cfg(feature = "torch")]
#[test]
fn any_layer_set_of_a_network_is_predicted_from_features_kept_once() {
    let tiny = Tiny::new();
    let kept = tiny.arg("kept");
    let root = tiny.root();
    let network = ["--backbone", "resnet50", "--weights", "untrained"];
    let output = hpflow(
        &[&["-q", "features", "--root", root, "--out", &kept, "--layers", "all"], &network[..]]
            .concat(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    for layers in ["0,9,10,11,12,13", "2,3,7,16"] {
        let [a, b] = ["a.jsonl", "b.jsonl"].map(|name| tiny.arg(name));
        let common = ["-q", "predict", "--root", root, "--engine", "cpu", "--layers", layers];
        let straight = hpflow(&[&common[..], &["--out", &a], &network[..]].concat());
        assert!(straight.status.success(), "{}", text(&straight.stderr));
        let from = hpflow(&[&common[..], &["--out", &b, "--features", &kept]].concat());
        assert!(from.status.success(), "{}", text(&from.stderr));
        assert!(lines(Path::new(&a)) == lines(Path::new(&b)), "{layers}: the same predictions");
        let method = &header(Path::new(&b))["method"];
        assert_eq!(method["weights"], header(Path::new(&a))["method"]["weights"]);
        fs::remove_file(&a).and_then(|()| fs::remove_file(&b)).expect("removed");
    }
}
