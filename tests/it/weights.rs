//! Weights: from files of every kind, from a hub that behaves well or badly, on the command line.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use assert_cmd::Command;
use hpflow::Progress;
use hpflow::testing::backbone::networks::{Architecture, GeometricModel, Parameter, TrunkKind};
use hpflow::testing::backbone::weights::baselines::Baseline;
use hpflow::testing::backbone::weights::hub::{self, Freshness, Settings};
use hpflow::testing::backbone::weights::{
    self, HubFile, Shapes, WeightsError, WeightsFile, WeightsSource, untrained,
};
use predicates::prelude::*;
use predicates::str::contains;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::hub_server::{Behaviour, COMMIT, HubServer, REPOSITORY};
use crate::shared::shared;

fn architecture(name: &str) -> Architecture {
    Architecture::named(name).expect("a network")
}

/// A tensor to be written: name, type, shape, bytes.
type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

fn bytes(tensors: &[Tensor]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name, TensorView::new(*dtype, shape.clone(), data).expect("a tensor"))
    });
    safetensors::serialize(views, None).expect("a file")
}

/// A small file with the names of a network's tensors, each of one value.
fn small(backbone: &str) -> Vec<Tensor> {
    let parameters = architecture(backbone).parameters();
    parameters
        .into_iter()
        .map(|parameter| {
            let shape = vec![1; parameter.shape.len()];
            (parameter.name, Dtype::F32, shape, 0.5f32.to_le_bytes().to_vec())
        })
        .collect()
}

/// A whole network's file, converted value by value.
fn whole(backbone: &str, dtype: Dtype, convert: impl Fn(f32) -> Vec<u8>) -> Vec<Tensor> {
    let weights = untrained::weights(&architecture(backbone));
    let parameters = architecture(backbone).parameters();
    parameters
        .into_iter()
        .map(|parameter| {
            let values = &weights.values[&parameter.name];
            let data = values.iter().flat_map(|&value| convert(value)).collect();
            (parameter.name, dtype, parameter.shape, data)
        })
        .collect()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }
}

fn load(path: &Path, backbone: &str) -> Result<weights::Weights, WeightsError> {
    weights::load(
        &WeightsSource::File(path.to_owned()),
        &architecture(backbone),
        &Progress::default(),
    )
}

/// The sentence with which a file is refused, which names the file.
fn refusal(path: &Path, backbone: &str) -> String {
    let error = load(path, backbone).expect_err("weights that must be refused").to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn a_file_with_torchvisions_names_is_read_whatever_else_it_holds() {
    let folder = Folder::new();
    let mut tensors = whole("resnet50", Dtype::F32, |value| value.to_le_bytes().to_vec());
    tensors.push(("bn1.num_batches_tracked".to_owned(), Dtype::I64, vec![], vec![0; 8]));
    tensors.push(("fc.bias".to_owned(), Dtype::F32, vec![1000], vec![0; 4000]));
    let path = folder.file("net.safetensors", &bytes(&tensors));
    let loaded = load(&path, "resnet50").expect("weights");
    assert!(loaded.values == untrained::weights(&architecture("resnet50")).values);
    assert_eq!(loaded.identity.source, "net.safetensors");
    assert_eq!(loaded.identity.sha256, weights::sha256(&path).expect("a digest"));
    assert_eq!(loaded.identity.revision, None);
}

#[test]
fn half_precision_files_are_read_as_the_numbers_they_hold() {
    let folder = Folder::new();
    let half = |value: f32| half::f16::from_f32(value).to_le_bytes().to_vec();
    let tensors = whole("resnet50", Dtype::F16, half);
    let loaded = load(&folder.file("f16", &bytes(&tensors)), "resnet50").expect("weights");
    let full = untrained::weights(&architecture("resnet50"));
    let (found, expected) = (&loaded.values["conv1.weight"], &full.values["conv1.weight"]);
    let nearest: Vec<f32> =
        expected.iter().map(|&value| half::f16::from_f32(value).to_f32()).collect();
    assert_eq!(found, &nearest);
    assert_ne!(found, expected);
}

#[test]
fn tensors_that_do_not_fit_are_named_with_their_shapes() {
    let folder = Folder::new();
    let other_shape = folder.file("shape", &bytes(&small("resnet50")));
    let error = refusal(&other_shape, "resnet50");
    assert!(error.contains("conv1.weight has shape [1, 1, 1, 1] where resnet50"), "{error}");
    assert!(error.contains("[64, 3, 7, 7]"), "{error}");

    let mut tensors = small("resnet50");
    tensors.retain(|(name, ..)| !name.starts_with("layer2.1.bn3"));
    let error = refusal(&folder.file("missing", &bytes(&tensors)), "resnet50");
    assert!(error.contains("layer2.1.bn3.weight of shape [512]"), "{error}");
    assert!(error.contains("4 of 265"), "{error}");
}

#[test]
fn weights_of_another_network_are_refused_by_its_name() {
    let folder = Folder::new();
    // ResNet-101 has every tensor of ResNet-50 and at the same shapes.
    let deeper = folder.file("deeper", &bytes(&small("resnet101")));
    let error = refusal(&deeper, "resnet50");
    assert!(error.contains("the weights of resnet101, not of resnet50"), "{error}");
    let error = refusal(&folder.file("shallower", &bytes(&small("resnet50"))), "resnet101");
    assert!(error.contains("the weights of resnet50, not of resnet101"), "{error}");
    let vgg = ("features.0.weight".to_owned(), Dtype::F32, vec![1], vec![0; 4]);
    let error = refusal(&folder.file("vgg", &bytes(&[vgg])), "resnet101");
    assert!(error.contains("VGG"), "{error}");
    let prefixed: Vec<Tensor> = small("resnet50")
        .into_iter()
        .map(|(name, dtype, shape, data)| (format!("module.{name}"), dtype, shape, data))
        .collect();
    let error = refusal(&folder.file("prefixed", &bytes(&prefixed)), "resnet50");
    assert!(error.contains("'module.'"), "{error}");
}

#[test]
fn numbers_that_are_none_are_refused() {
    let folder = Folder::new();
    let mut tensors = whole("resnet50", Dtype::F32, |value| value.to_le_bytes().to_vec());
    let position = tensors.iter().position(|(name, ..)| name == "layer3.4.bn2.bias");
    let tensor = &mut tensors[position.expect("the tensor")];
    tensor.3[4..8].copy_from_slice(&f32::NAN.to_le_bytes());
    let error = refusal(&folder.file("nan", &bytes(&tensors)), "resnet50");
    assert!(error.contains("layer3.4.bn2.bias") && error.contains("not a number"), "{error}");
}

#[test]
fn a_negative_variance_is_refused_by_its_name_in_every_kind_of_file() {
    let folder = Folder::new();
    let below = |tensors: &mut [Tensor], name: &str| {
        let tensor = tensors.iter_mut().find(|each| each.0 == name).expect("the tensor");
        tensor.3[4..8].copy_from_slice(&(-1e-3f32).to_le_bytes());
    };
    let mut tensors = whole("resnet50", Dtype::F32, |value| value.to_le_bytes().to_vec());
    below(&mut tensors, "layer3.4.bn2.running_var");
    let error = refusal(&folder.file("resnet50", &bytes(&tensors)), "resnet50");
    assert!(error.contains("layer3.4.bn2.running_var") && error.contains("negative"), "{error}");

    let affine = Baseline::CnnGeo { trunk: TrunkKind::Vgg16, model: GeometricModel::Affine };
    let mut tensors = zeros(&affine);
    below(&mut tensors, "FeatureRegression.conv.4.running_var");
    let path = folder.file("affine.safetensors", &bytes(&tensors));
    let error = weights::load_baseline(&path).expect_err("refused").to_string();
    assert!(error.contains("FeatureRegression.conv.4.running_var"), "{error}");
    let checkpoint = WeightsFile::open(&path).expect("a file");
    let error = checkpoint.read("cnngeo", &affine.parameters(), str::to_owned);
    let error = error.expect_err("refused").to_string();
    assert!(error.contains("FeatureRegression.conv.4.running_var"), "{error}");
}

#[test]
fn files_that_are_something_else_are_recognised() {
    let folder = Folder::new();
    let good = bytes(&small("resnet50"));
    for (name, content, what) in [
        ("net.pth", &b"PK\x03\x04 archive/data.pkl"[..], "hpflow weights convert /"),
        ("net.pth.tar", b"\x80\x02\x8a\x0al\xfc\x9cF", "/net.safetensors`"),
        ("old.pth", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "/old.safetensors`"),
        ("five.pth", b"\x80\x05\x95\x0c", "hpflow weights convert"),
        ("page.safetensors", b"\n<!DOCTYPE html><html></html>", "a web page"),
        ("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "git lfs pull"),
        ("empty", b"", "an empty file"),
        ("short", b"{}", "cannot be understood"),
        ("text", b"this is nothing that anybody could make a network of", "cannot be understood"),
        ("cut in the data", &good[..good.len() - 7], "incomplete"),
        ("cut in the header", &good[..1000], "incomplete"),
        ("with a tail", &[&good[..], b"tail"].concat(), "has"),
    ] {
        let error = refusal(&folder.file(name, content), "resnet50");
        assert!(error.contains(what), "{name}: {error}");
    }
    let error = refusal(&folder.0.path().join("absent"), "resnet50");
    assert!(error.contains("cannot be read"), "{error}");
}

/// A file with a baseline's tensors, all zero.
fn zeros(baseline: &Baseline) -> Vec<Tensor> {
    let parameters = baseline.parameters();
    parameters
        .into_iter()
        .map(|Parameter { name, shape }| {
            let bytes = vec![0; 4 * shape.iter().product::<usize>()];
            (name, Dtype::F32, shape, bytes)
        })
        .collect()
}

#[test]
#[cfg_attr(not(present = "baseline-keys"), ignore = "needs HPFLOW_SHARED/fixtures/baselines/keys")]
fn tables_of_the_baselines_are_the_authors_checkpoints() {
    let keys = shared("fixtures/baselines/keys");
    for (file, name) in [
        ("a2net_resnet101_affine", "A2Net (affine, ResNet-101)"),
        ("a2net_resnet101_tps", "A2Net (thin-plate spline, ResNet-101)"),
        ("a2net_vgg_affine", "A2Net (affine, VGG-16)"),
        ("a2net_vgg_tps", "A2Net (thin-plate spline, VGG-16)"),
        ("cnngeo_resnet101_affine", "CNNGeo or a stage of WeakAlign (affine, ResNet-101)"),
        ("cnngeo_resnet101_tps", "CNNGeo or a stage of WeakAlign (thin-plate spline, ResNet-101)"),
        ("cnngeo_vgg_affine", "CNNGeo or a stage of WeakAlign (affine, VGG-16)"),
        ("cnngeo_vgg_tps", "CNNGeo or a stage of WeakAlign (thin-plate spline, VGG-16)"),
        ("ncnet_ivd", "NC-Net (kernels 3-3, channels 16-1, ResNet-101)"),
        ("ncnet_pfpascal", "NC-Net (kernels 5-5-5, channels 16-16-1, ResNet-101)"),
        ("weakalign_resnet101_affine_tps", "WeakAlign (both stages, ResNet-101)"),
    ] {
        let list = std::fs::read_to_string(keys.join(format!("{file}.txt"))).expect("a list");
        let shapes: Shapes = list
            .lines()
            .map(|line| {
                let (name, shape) = line.split_once(' ').expect("name and shape");
                (name.to_owned(), serde_json::from_str(shape).expect("a shape"))
            })
            .collect();
        let baseline = Baseline::of(&shapes).expect("a baseline");
        assert_eq!(baseline.to_string(), name, "{file}");
        let table = baseline.parameters().into_iter().map(|each| (each.name, each.shape));
        assert!(table.collect::<Shapes>() == shapes, "{file}");
    }
}

#[test]
fn files_of_baselines_are_known_and_their_faults_named_with_both_shapes() {
    let folder = Folder::new();
    let kernel_sizes = vec![3, 3];
    let nc_net =
        Baseline::NcNet { trunk: TrunkKind::ResNet101, kernel_sizes, channels: vec![16, 1] };
    let tensors = zeros(&nc_net);
    let checked = |name: &str, tensors: &[Tensor]| {
        let path = folder.file(name, &bytes(tensors));
        weights::load_baseline(&path).map_err(|error| error.to_string())
    };
    let (found, loaded) = checked("whole", &tensors).expect("weights").expect("a baseline");
    assert_eq!((found, loaded.values.len()), (nc_net.clone(), 474));

    let without =
        |name: &str| tensors.iter().filter(|each| each.0 != name).cloned().collect::<Vec<Tensor>>();
    let error = checked("one", &without("NeighConsensus.conv.0.weight")).expect_err("a fault");
    assert!(error.contains("NeighConsensus.conv.0.weight of shape [3, 16, 1, 3, 3, 3]"), "{error}");
    assert!(error.contains("1 of 474") && error.contains("NC-Net (kernels 3-3"), "{error}");
    let error = checked("two", &without("FeatureExtraction.model.6.22.conv3.weight"));
    let error = error.expect_err("a fault");
    assert!(error.contains("NC-Net"), "{error}");

    let mut other = tensors.clone();
    let bias = other.iter_mut().find(|each| each.0 == "NeighConsensus.conv.0.bias");
    let bias = bias.expect("the tensor");
    (bias.2, bias.3) = (vec![4], vec![0; 16]);
    let error = checked("three", &other).expect_err("a fault");
    assert!(error.contains("conv.0.bias has shape [4] where"), "{error}");
    assert!(error.contains("has [16]"), "{error}");

    for (trunk, side, what) in [
        (TrunkKind::Vgg16, 3, "its extractor is VGG-16"),
        (TrunkKind::ResNet101, 2, "2 taps an axis"),
    ] {
        let other = Baseline::NcNet { trunk, kernel_sizes: vec![side], channels: vec![1] };
        let error = checked("not run", &zeros(&other)).expect_err("a fault");
        assert!(error.contains(what) && error.contains("its authors'"), "{error}");
    }

    let mut nan = tensors;
    nan[0].3[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let error = checked("four", &nan).expect_err("a fault");
    assert!(error.contains(&nan[0].0) && error.contains("not a number"), "{error}");

    let path = folder.file("nc.safetensors", &bytes(&zeros(&nc_net)));
    let check = |backbone: &[&str]| {
        let path = path.to_str().expect("a path");
        hpflow(&folder).args([&["weights", "check", path], backbone].concat()).assert()
    };
    check(&[]).success().stdout(contains("fits      NC-Net (kernels 3-3").and(contains("474 of")));
    let other = check(&["--backbone", "resnet101"]).failure();
    other.stderr(contains("the weights of NC-Net").and(contains("not of resnet101")));
}

fn settings(server: &HubServer, folder: &Folder) -> Settings {
    Settings {
        endpoint: server.endpoint.clone(),
        cache: folder.0.path().join("hub"),
        token: None,
        offline: false,
    }
}

fn wanted(revision: &str) -> HubFile {
    HubFile {
        repository: REPOSITORY.to_owned(),
        revision: revision.to_owned(),
        file: "model.safetensors".to_owned(),
    }
}

#[test]
fn a_revision_is_resolved_to_its_commit_and_fetched_once() {
    let (folder, content) = (Folder::new(), bytes(&small("resnet50")));
    let server = HubServer::start(content.clone(), Behaviour::Well);
    let settings = settings(&server, &folder);
    let fetch = |settings: &Settings, revision: &str, freshness| {
        hub::fetch(settings, &wanted(revision), freshness, &Progress::default()).expect("a file")
    };
    let fetched = fetch(&settings, "main", Freshness::Cached);
    assert_eq!(fetched.commit, COMMIT);
    assert_eq!(std::fs::read(&fetched.path).expect("the file"), content);
    let place = format!("models--someone--network/snapshots/{COMMIT}/model.safetensors");
    assert!(fetched.path.ends_with(place), "where the hub's Python library looks for it");

    let after_one = server.requests.load(Ordering::SeqCst);
    assert_eq!(fetch(&settings, "main", Freshness::Cached), fetched);
    assert_eq!(fetch(&settings, COMMIT, Freshness::Cached), fetched);
    let offline = Settings { offline: true, ..settings.clone() };
    assert_eq!(fetch(&offline, "main", Freshness::Current), fetched);
    assert_eq!(server.requests.load(Ordering::SeqCst), after_one, "the cache is enough");
    assert_eq!(fetch(&settings, "main", Freshness::Current), fetched);
    assert_eq!(server.requests.load(Ordering::SeqCst), after_one + 1, "one question, no download");
}

#[test]
fn a_hub_that_behaves_badly_leaves_no_file_and_says_what_is_wrong() {
    let content = bytes(&small("resnet50"));
    for (behaviour, what) in [
        (Behaviour::NotFound, "has no someone/network@main"),
        (Behaviour::Forbidden, "HF_TOKEN"),
        (Behaviour::WebPage, "login page"),
        (Behaviour::NoFile, "no file model.safetensors in someone/network"),
        (Behaviour::Truncated, "ended early"),
        (Behaviour::OtherBytes, "SHA-256"),
    ] {
        let folder = Folder::new();
        let server = HubServer::start(content.clone(), behaviour);
        let settings = settings(&server, &folder);
        let result =
            hub::fetch(&settings, &wanted("main"), Freshness::Cached, &Progress::default());
        let error = result.expect_err("a failure").to_string();
        assert!(error.contains(what), "{behaviour:?}: {error}");
        assert!(error.contains(&server.endpoint), "{behaviour:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert_eq!(hub::cached(&settings, &wanted("main")), None, "{behaviour:?}");
        assert_eq!(hub::cached(&settings, &wanted(COMMIT)), None, "{behaviour:?}");

        server.behave(Behaviour::Well);
        let again = hub::fetch(&settings, &wanted("main"), Freshness::Cached, &Progress::default());
        let path = again.expect("the next try").path;
        assert!(std::fs::read(path).expect("the file") == content, "after {behaviour:?}");
    }
}

#[test]
fn a_hub_that_is_not_there_or_must_not_be_asked_is_an_error() {
    let folder = Folder::new();
    let nowhere = Settings {
        endpoint: "http://127.0.0.1:9".to_owned(),
        cache: folder.0.path().join("hub"),
        token: None,
        offline: false,
    };
    let error = hub::fetch(&nowhere, &wanted("main"), Freshness::Cached, &Progress::default());
    let error = error.expect_err("nobody there").to_string();
    assert!(error.contains("127.0.0.1:9") && error.contains("untrained"), "{error}");
    let offline = Settings { offline: true, ..nowhere.clone() };
    let error = hub::fetch(&offline, &wanted("main"), Freshness::Cached, &Progress::default());
    let error = error.expect_err("offline").to_string();
    assert!(error.contains("HF_HUB_OFFLINE") && error.contains("not in the cache"), "{error}");
    let odd = Settings { endpoint: "hub".to_owned(), ..nowhere };
    let error = hub::fetch(&odd, &wanted("main"), Freshness::Cached, &Progress::default());
    let error = error.expect_err("no address").to_string();
    assert!(error.contains("HF_ENDPOINT"), "{error}");
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let folder = Folder::new();
    let file = folder.file("file", b"not a folder");
    let server = HubServer::start(bytes(&small("resnet50")), Behaviour::Well);
    let settings = Settings { cache: file.join("hub"), ..settings(&server, &folder) };
    let error = hub::fetch(&settings, &wanted("main"), Freshness::Cached, &Progress::default());
    let error = error.expect_err("no place").to_string();
    assert!(error.starts_with(&settings.cache.display().to_string()), "{error}");
    assert!(error.contains("HF_HOME"), "{error}");
}

fn hpflow(folder: &Folder) -> Command {
    let mut command = Command::cargo_bin("hpflow").expect("the binary");
    command.env("HF_HOME", folder.0.path()).env("HF_ENDPOINT", "http://127.0.0.1:9");
    for name in ["HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    command
}

#[test]
fn the_command_line_lists_fetches_and_checks() {
    let folder = Folder::new();
    let list = || hpflow(&folder).args(["weights", "list"]).assert().success();
    list().stdout(contains("timm/resnet101.tv_in1k").and(contains("weights fetch resnet50")));

    let content = bytes(&small("resnet50"));
    let server = HubServer::start(content, Behaviour::Well);
    let fetch = ["weights", "fetch", REPOSITORY];
    let fetched = hpflow(&folder).env("HF_ENDPOINT", &server.endpoint).args(fetch).assert();
    fetched.success().stdout(contains(COMMIT).and(contains("sha256"))).stderr("");
    let offline = hpflow(&folder).env("HF_HUB_OFFLINE", "1").args(fetch).assert();
    offline.success().stdout(contains(COMMIT));
    let check = ["weights", "check", REPOSITORY];
    let checked = hpflow(&folder).env("HF_HUB_OFFLINE", "1").args(check).assert();
    checked.failure().code(1).stderr(contains("conv1.weight has shape [1, 1, 1, 1]"));

    let untrained = ["weights", "check", "untrained", "--backbone", "resnet50"];
    let tensors = hpflow(&folder).args(untrained).assert().success();
    tensors.stdout(contains("fits      resnet50").and(contains("265 of 23561152 values")));
}

#[test]
fn wrong_usage_exits_with_two_and_failure_with_one() {
    let folder = Folder::new();
    for (arguments, code, what) in [
        (&["weights", "check", "no/such/file"][..], 2, "neither a file"),
        (&["weights", "check", "untrained"], 2, "--backbone"),
        (&["weights", "check", "untrained", "--backbone", "vgg"], 2, "resnet50 or resnet101"),
        (&["weights", "fetch", "untrained"], 2, "OWNER/NAME"),
        (&["weights", "fetch", "resnet50"], 1, "HF_ENDPOINT"),
        (&["weights", "check", "Cargo.toml"], 1, "not a safetensors file"),
    ] {
        let assert = hpflow(&folder).args(arguments).assert().failure();
        assert.code(code).stdout("").stderr(contains(what));
    }
}
