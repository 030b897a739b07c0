//! Checkpoints: files of PyTorch itself in both formats, damaged and hostile ones, and a large one.
//!
//! `tests/fixtures/checkpoints/generate.py` made the files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use hpflow::Progress;
use hpflow::testing::backbone::networks::Architecture;
use hpflow::testing::backbone::weights::{self, WeightsSource, untrained};
use hpflow::testing::checkpoint::{ConvertOptions, Converted, convert};
use predicates::prelude::*;
use predicates::str::contains;
use proptest::prelude::*;
use safetensors::SafeTensors;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints").join(name)
}

/// What is in a safetensors file: type, shape and bytes by name.
type Tensors = BTreeMap<String, (String, Vec<usize>, Vec<u8>)>;

fn tensors(bytes: &[u8]) -> Tensors {
    let file = SafeTensors::deserialize(bytes).expect("a safetensors file");
    let tensor = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        let dtype = format!("{:?}", view.dtype());
        (name.to_owned(), (dtype, view.shape().to_vec(), view.data().to_vec()))
    };
    file.iter().map(tensor).collect()
}

fn metadata(bytes: &[u8]) -> BTreeMap<String, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).expect("a safetensors file");
    header.metadata().clone().expect("metadata").into_iter().collect()
}

fn converted_with(path: &Path, options: &ConvertOptions) -> Result<(Converted, Vec<u8>), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.safetensors");
    match convert(path, &out, options) {
        Ok(converted) => Ok((converted, std::fs::read(&out).expect("the output"))),
        Err(error) => {
            let left = std::fs::read_dir(folder.path()).expect("the folder").count();
            assert_eq!(left, 0, "a failure leaves nothing");
            Err(error.to_string())
        }
    }
}

fn converted(path: &Path) -> Result<(Converted, Vec<u8>), String> {
    converted_with(path, &ConvertOptions::default())
}

fn from_bytes(bytes: &[u8]) -> Result<(Converted, Vec<u8>), String> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("a file");
    converted(file.path())
}

/// The sentence by which bytes are refused.
fn refusal(bytes: &[u8]) -> String {
    let error = from_bytes(bytes).map(|_| ()).expect_err("a checkpoint that must be refused");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.len() < 500, "{error}");
    error
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
}

#[test]
fn every_type_and_view_is_as_torch_load_gives_it() {
    let expected = std::fs::read_to_string(fixture("expected.json")).expect("the expected values");
    let expected: BTreeMap<String, (String, Vec<usize>, String)> =
        serde_json::from_str(&expected).expect("the expected values");
    let name_of = |dtype: &str| match dtype {
        "F64" => "torch.float64",
        "F32" => "torch.float32",
        "F16" => "torch.float16",
        "BF16" => "torch.bfloat16",
        "I64" => "torch.int64",
        "I32" => "torch.int32",
        "I16" => "torch.int16",
        "I8" => "torch.int8",
        "U8" => "torch.uint8",
        "BOOL" => "torch.bool",
        other => panic!("{other}"),
    };
    for file in ["tensors-zip.pt", "tensors-stream.pt"] {
        let (converted, bytes) = converted(&fixture(file)).expect(file);
        assert_eq!(converted.left_out, ["num_batches_tracked (1 tensor)"]);
        let mut found: BTreeMap<String, (String, Vec<usize>, String)> = BTreeMap::new();
        for (name, (dtype, shape, data)) in tensors(&bytes) {
            let hexadecimal = data.iter().map(|byte| format!("{byte:02x}")).collect();
            found.insert(name, (name_of(&dtype).to_owned(), shape, hexadecimal));
        }
        let mut expected = expected.clone();
        expected.remove("bn.num_batches_tracked");
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn what_is_beside_the_tensors_becomes_metadata() {
    for (file, name) in [("training-zip.pt", "zip"), ("training-stream.pt", "stream")] {
        let (converted, bytes) = converted(&fixture(file)).expect(file);
        assert_eq!(converted.key, "state_dict", "{name}");
        assert_eq!(converted.sha256, digest(&bytes));
        let found = tensors(&bytes);
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["FeatureExtraction.model.0.weight", "FeatureRegression.linear.bias"]);
        assert_eq!(floats(&found["FeatureRegression.linear.bias"].2), [1.0, 0.5]);
        let mut metadata = metadata(&bytes);
        assert_eq!(metadata.remove("source").as_deref(), Some(file));
        let source = weights::sha256(&fixture(file)).expect("a digest");
        assert_eq!(metadata.remove("source_sha256"), Some(source));
        let metadata: Vec<(&str, &str)> =
            metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            metadata,
            [
                ("checkpoint.args.cnn", "\"resnet101\""),
                ("checkpoint.args.cuda", "true"),
                ("checkpoint.args.device", "\"cuda:0\""),
                ("checkpoint.args.dtype", "\"torch.float32\""),
                ("checkpoint.args.lr", "0.0005"),
                ("checkpoint.args.ncons_channels", "[16,16,1]"),
                ("checkpoint.args.ncons_kernel_sizes", "[5,5,5]"),
                ("checkpoint.args.resume", "null"),
                ("checkpoint.args.size", "[3,4]"),
                ("checkpoint.best", "true"),
                ("checkpoint.best_test_loss", "0.25"),
                ("checkpoint.count", "3"),
                ("checkpoint.epoch", "5"),
                ("checkpoint.test_loss", "0.75"),
                ("checkpoint.train_loss", "[[1.0,0.5],[\"NaN\",\"Infinity\"]]"),
                ("format", "pt"),
            ]
        );
        assert_eq!(
            converted.left_out,
            ["optimizer (used in training only)", "num_batches_tracked (1 tensor)"]
        );
        assert_eq!(
            converted.renamed,
            [
                ("module. before every name removed".to_owned(), 2),
                ("FeatureExtraction.vgg. to FeatureExtraction.model.".to_owned(), 1),
            ]
        );
    }
}

fn digest(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("a file");
    weights::sha256(file.path()).expect("a digest")
}

#[test]
fn python_2_cuda_and_views_of_storages_are_read() {
    let (_, bytes) = converted(&fixture("python2.pth.tar")).expect("a checkpoint");
    let found = tensors(&bytes);
    let values = |name: &str| (found[name].1.clone(), floats(&found[name].2));
    // Storage 0 to 11, from its second number on, strides 6 and 2.
    let first = vec![1.0, 3.0, 5.0, 7.0, 9.0, 11.0];
    assert_eq!(values("FeatureExtraction.model.0.weight"), (vec![2, 3], first));
    // Its last six numbers, every second from the second on.
    assert_eq!(values("FeatureRegression.linear.weight"), (vec![2], vec![7.0, 9.0]));
    assert_eq!(values("FeatureRegression.linear.bias"), (vec![2], vec![0.5, 0.25]));
    let metadata = metadata(&bytes);
    assert_eq!(metadata["checkpoint.args.name"], "\"café\"");
    assert_eq!(metadata["checkpoint.args.steps"], "10000");
    assert_eq!(metadata["checkpoint.train_loss"], "[0.5,2.0]");
}

#[test]
fn what_is_no_checkpoint_or_asks_for_more_is_refused_by_name() {
    for (file, sentence) in [
        ("evil-zip.pt", "the pickle asks for posix.system"),
        ("evil-stream.pt", "the pickle asks for posix.system"),
        ("network-zip.pt", "asks for torch.nn.modules.linear.Linear"),
        ("network-stream.pt", "asks for torch.nn.modules.linear.Linear"),
        ("script.pt", "a TorchScript archive"),
        ("compressed.pt", "data/0' is compressed"),
        ("without.pt", "there is no record 'training-zip/data/0'"),
        ("short.pt", "has 4 bytes, where 4 numbers were announced"),
        ("big.pt", "the highest byte first"),
        ("away.pt", "without data.pkl"),
        ("../../../src/import/samples/points.npz", "a NumPy archive"),
        ("../../../src/import/samples/results-2.pkl", "a pickle that torch.save did not write"),
        ("../absent", "cannot be read"),
        ("../hpf/e_resnet50.safetensors", "it needs no conversion"),
        ("generate.py", "something that torch.save did not write"),
    ] {
        let path = fixture(file);
        let error = converted(&path).expect_err(file);
        assert!(error.contains(sentence), "{file}: {error}");
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    assert!(!Path::new("/tmp/hpflow-was-run").exists());
    assert!(converted(&fixture("unsummed.pt")).is_ok(), "records without checksums");
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    archive.append_data(&mut header, "sys_info", &b""[..]).expect("a record");
    let mut bytes = archive.into_inner().expect("an archive");
    assert!(refusal(&bytes).contains("a tar archive, the format of PyTorch's first releases"));
    // As old programs wrote it, without the magic number.
    let magic: u32 = bytes[257..265].iter().map(|&byte| u32::from(byte)).sum();
    bytes[257..265].fill(0);
    let sum = String::from_utf8_lossy(&bytes[148..155]).into_owned();
    let sum = u32::from_str_radix(&sum, 8).expect("a sum") - magic;
    bytes[148..155].copy_from_slice(format!("{sum:07o}").as_bytes());
    assert!(refusal(&bytes).contains("a tar archive"));
    for (bytes, sentence) in [
        (&b""[..], "an empty file"),
        (b"<html></html>", "a web page"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"PK\x03\x04", "the zip archive cannot be read"),
        (b"\x80\x02K\x01.", "a pickle that torch.save did not write"),
    ] {
        assert!(refusal(bytes).contains(sentence), "{sentence}");
    }
}

#[test]
fn a_file_that_ends_anywhere_is_refused_in_one_sentence() {
    for file in ["tensors-stream.pt", "python2.pth.tar", "training-zip.pt"] {
        let bytes = std::fs::read(fixture(file)).expect(file);
        for length in 0..bytes.len() {
            refusal(&bytes[..length]);
        }
    }
}

#[test]
fn a_storage_that_is_not_as_its_checksum_says_is_named() {
    let mut bytes = std::fs::read(fixture("unsummed.pt")).expect("the file");
    let ones = [1.0f32.to_le_bytes(), 1.0f32.to_le_bytes()].concat();
    let place = bytes.windows(8).position(|eight| eight == ones).expect("two ones");
    bytes[place] ^= 1;
    assert!(from_bytes(&bytes).is_ok(), "a file without checksums cannot tell");

    let mut bytes = std::fs::read(fixture("training-zip.pt")).expect("the file");
    let numbers: Vec<u8> = (0..4u8).flat_map(|value| f32::from(value).to_le_bytes()).collect();
    let place = bytes.windows(16).position(|part| part == numbers).expect("the numbers");
    bytes[place] ^= 1;
    assert!(refusal(&bytes).contains("storage '0' is not as its checksum says"));
    bytes[place] ^= 1;
    let place = bytes.windows(6).position(|part| part == b"linear").expect("a name");
    bytes[place] ^= 1;
    assert!(refusal(&bytes).contains("data.pkl' is not as its checksum says"));
}

#[test]
fn records_that_are_there_twice_are_refused() {
    let bytes = std::fs::read(fixture("training-zip.pt")).expect("the file");
    let text = |bytes: &[u8], from: &[u8], to: &[u8]| {
        let mut out = bytes.to_vec();
        for place in 0..out.len() - from.len() {
            if out[place..].starts_with(from) {
                out[place..place + to.len()].copy_from_slice(to);
            }
        }
        out
    };
    let twice = text(&bytes, b"training-zip/data/1", b"training-zip/data/0");
    assert!(refusal(&twice).contains("two records of one name"));
    let none = text(&bytes, b"training-zip/data/0", b"training-zip/data/x");
    assert!(refusal(&none).contains("there is no record 'training-zip/data/0'"));
}

/// A stream of torch.save: the object's pickle without its head and end, and the storages' names,
/// counts and bytes.
fn stream(body: &[u8], storages: &[(&str, u64, &[u8])]) -> Vec<u8> {
    let mut bytes =
        b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec();
    bytes.extend([b"\x80\x02", body, b".\x80\x02]("].concat());
    for (key, ..) in storages {
        bytes.extend(text(key));
    }
    bytes.extend(b"e.");
    for (_, count, data) in storages {
        bytes.extend(count.to_le_bytes());
        bytes.extend(*data);
    }
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn int(number: i64) -> Vec<u8> {
    [&b"\x8a\x08"[..], &number.to_le_bytes()].concat()
}

fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [&b"("[..], &items.concat(), b"t"].concat()
}

fn ints(numbers: &[i64]) -> Vec<u8> {
    tuple(&numbers.iter().map(|&number| int(number)).collect::<Vec<_>>())
}

fn storage(kind: &str, key: &str, count: i64) -> Vec<u8> {
    let class = format!("ctorch\n{kind}Storage\n").into_bytes();
    let parts = [text("storage"), class, text(key), text("cpu"), int(count), b"N".to_vec()];
    [&tuple(&parts)[..], b"Q"].concat()
}

fn tensor(storage: &[u8], offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let parts = [storage.to_vec(), int(offset), ints(shape), ints(strides), b"\x89N".to_vec()];
    [&b"ctorch._utils\n_rebuild_tensor_v2\n"[..], &tuple(&parts), b"R"].concat()
}

fn dictionary(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<u8> =
        entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [&b"}("[..], &entries, b"u"].concat()
}

/// A checkpoint of one tensor of a storage of six floats.
fn one(offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let tensor = tensor(&storage("Float", "0", 6), offset, shape, strides);
    stream(&dictionary(&[("a", tensor)]), &[("0", 6, &[1; 24])])
}

#[test]
fn tensors_beyond_their_storages_are_refused() {
    assert!(from_bytes(&one(0, &[2, 3], &[3, 1])).is_ok());
    assert!(from_bytes(&one(5, &[1, 9, 0], &[i64::MAX, 1, 1])).is_ok(), "no numbers at all");
    assert!(from_bytes(&one(5, &[1, 1], &[i64::MAX, i64::MAX])).is_ok(), "one number");
    for bytes in [
        one(1, &[2, 3], &[3, 1]),
        one(0, &[2, 3], &[4, 1]),
        one(6, &[], &[]),
        one(i64::MAX, &[1], &[1]),
        one(0, &[2, 2], &[i64::MAX, i64::MAX]),
        one(0, &[1 << 32, 1 << 32, 1 << 32], &[0, 0, 0]),
    ] {
        assert!(refusal(&bytes).contains("tensor 'a'"), "{}", refusal(&bytes));
    }
    for bytes in [one(-1, &[2], &[1]), one(0, &[-2], &[1]), one(0, &[2], &[-1]), one(0, &[2], &[])]
    {
        assert!(refusal(&bytes).contains("byte "), "{}", refusal(&bytes));
    }
    let view = |first: i64, count: i64| {
        let parts = tuple(&[text("1"), int(first), int(count)]);
        let class = b"ctorch\nFloatStorage\n".to_vec();
        let parts = [text("storage"), class, text("0"), text("cpu"), int(6), parts];
        let stored = [&tuple(&parts)[..], b"Q"].concat();
        stream(&dictionary(&[("a", tensor(&stored, 0, &[2], &[1]))]), &[("0", 6, &[1; 24])])
    };
    assert!(from_bytes(&view(4, 2)).is_ok());
    for (first, count) in [(4, 1), (5, 2), (7, 0), (i64::MAX, i64::MAX)] {
        let error = refusal(&view(first, count));
        assert!(error.contains("beyond its storage"), "{error}");
    }
}

#[test]
fn storages_that_announce_what_they_do_not_have_are_refused() {
    for count in [7, 1 << 40, 1 << 60, i64::MAX] {
        let a = tensor(&storage("Double", "0", count), 0, &[1], &[1]);
        let bytes = stream(&dictionary(&[("a", a)]), &[("0", count as u64, &[0; 48])]);
        let error = refusal(&bytes);
        assert!(
            error.contains(&format!("storage '0' has {count} numbers, but 48 bytes")),
            "{error}"
        );
    }
    let a = || tensor(&storage("Float", "0", 1), 0, &[1], &[1]);
    let state = dictionary(&[("a", a())]);
    for (storages, sentence) in [
        (&[("0", 2, &[0; 8][..])][..], "has 2 numbers, expected 1"),
        (&[("1", 1, &[0; 4])], "storage '1' has no tensor"),
        (&[("0", 1, &[0; 4]), ("0", 1, &[0; 4])], "is there twice"),
        (&[], "has no storage '0'"),
    ] {
        let error = refusal(&stream(&state, storages));
        assert!(error.contains(sentence), "{error}");
    }
    let b = tensor(&storage("Half", "0", 1), 0, &[1], &[1]);
    let bytes = stream(&dictionary(&[("a", a()), ("b", b)]), &[("0", 1, &[0; 4])]);
    assert!(refusal(&bytes).contains("described in two ways"));
}

#[test]
fn checkpoints_that_grow_without_bound_are_refused() {
    let small: &[(&str, u64, &[u8])] = &[("0", 6, &[0; 24])];
    let error = refusal(&one(0, &[1 << 30, 6], &[0, 1]));
    assert!(error.contains("tensors take 25769803776 bytes"), "{error}");
    assert!(refusal(&one(0, &[i64::MAX, 2], &[0, 1])).contains("hpflow writes at most"));
    // One tensor of a megabyte under many names.
    let first = tensor(&storage("Byte", "0", 1 << 20), 0, &[1 << 20], &[1]);
    let mut entries = vec![("0".to_owned(), [&first[..], b"q\x07"].concat())];
    entries.extend((1..1000).map(|name| (name.to_string(), b"h\x07".to_vec())));
    let entries: Vec<(&str, Vec<u8>)> =
        entries.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let bytes = stream(&dictionary(&entries), &[("0", 1 << 20, &vec![0; 1 << 20])]);
    assert!(refusal(&bytes).contains("hpflow writes at most"));

    let a = || tensor(&storage("Float", "0", 6), 0, &[6], &[1]);
    let state = |name: &str, value: Vec<u8>| {
        stream(&dictionary(&[("state_dict", dictionary(&[("a", a())])), (name, value)]), small)
    };
    // Lists in lists, a million deep; a list of two, of which each is a list of two, and so on.
    let deep = [&b"]".repeat(1 << 20)[..], &b"a".repeat((1 << 20) - 1)].concat();
    let doubling = [&b"]"[..], &b"\x85q\x00h\x00\x86".repeat(100)].concat();
    for value in [deep, doubling] {
        let (converted, _) = from_bytes(&state("bomb", value)).expect("a checkpoint");
        assert!(converted.left_out[0].starts_with("bomb (tensors, or more"), "what is too much");
    }
    // Ten thousand entries, each as large as one may be.
    let list = [&b"]("[..], &b"K\x01".repeat(1 << 13), b"eq\x01"].concat();
    let names: Vec<u8> = (0..10_000)
        .flat_map(|name: i32| [text(&name.to_string()), b"h\x01".to_vec()].concat())
        .collect();
    let many = [list, b"0}(".to_vec(), names, b"u".to_vec()].concat();
    let (converted, bytes) = from_bytes(&state("many", many)).expect("a checkpoint");
    assert!(converted.left_out.len() == 32 && bytes.len() < 1 << 20, "the first ones say enough");
    // A list that holds itself, as metadata and as a place of tensors.
    let (converted, _) =
        from_bytes(&state("self", b"]q\x01h\x01a".to_vec())).expect("a checkpoint");
    assert!(converted.left_out[0].starts_with("self"));
    let inside = [&b"}q\x01("[..], &text("model"), b"h\x01u"].concat();
    assert!(refusal(&stream(&inside, &[])).contains("no dictionary of tensors"));
    // An ordered dictionary of a million entries, made of one list again and again.
    let pair = [&b"]("[..], &text("k"), b"Neq\x01"].concat();
    let list = [&b"]("[..], &b"h\x01".repeat(1 << 20), b"eq\x02"].concat();
    let again = b"ccollections\nOrderedDict\nh\x02\x85R".repeat(1 << 10);
    let error = refusal(&stream(&[pair, list, again].concat(), &[]));
    assert!(error.contains("makes more than"), "{error}");
    // Bytes from one text, again and again.
    let text = [&text(&"x".repeat(1 << 20))[..], b"q\x01", &text("latin1"), b"q\x02"].concat();
    let again = b"c_codecs\nencode\nh\x01h\x02\x86R".repeat(1 << 10);
    let error = refusal(&stream(&[text, again].concat(), &[]));
    assert!(error.contains("makes more than"), "{error}");
    // A tensor of thirty axes, made of the same description again and again.
    let tensor = tensor(&storage("Float", "0", 6), 0, &[1; 30], &[0; 30]);
    let tensor = [&tensor[..tensor.len() - 1], b"q\x01"].concat();
    let again = b"ctorch._utils\n_rebuild_tensor_v2\nq\x02".to_vec();
    let again = [again, b"h\x02h\x01R".repeat(1 << 20)].concat();
    let error = refusal(&stream(&[tensor, again].concat(), &[]));
    assert!(error.contains("makes more than"), "{error}");
    assert!(refusal(&stream(b"X\xff\xff\xff\xff", &[])).contains("the file is damaged"));
    assert!(refusal(&stream(&b"(".repeat(20 << 20), &[])).contains("makes more than"));
}

#[test]
fn instructions_for_objects_are_refused() {
    for (body, sentence) in [
        (&b"(cos\nsystem\n"[..], "asks for os.system"),
        (b"(X\x02\x00\x00\x00lsios\nsystem\n", "instruction 0x69"),
        (b"(X\x01\x00\x00\x00ao", "instruction 0x6f"),
        (b"}(X\x01\x00\x00\x00aN\x82\x01u", "instruction 0x82"),
        (b"cargparse\nNamespace\n)RK\x01b", "to be set"),
        (b"ctorch\nFloatStorage\n)\x81", "an object that is not an argument namespace"),
        (b"N)R", "not a function"),
        (b"(X\x06\x00\x00\x00moduleNX\x01\x00\x00\x00aNNtQ", "described in an unknown way"),
        (b"ctorch\nComplexFloatStorage\n", "asks for torch.ComplexFloatStorage"),
        (
            b"ctorch._utils\n_rebuild_sparse_tensor\n",
            "asks for torch._utils._rebuild_sparse_tensor",
        ),
        (b"X\x03\x00\x00\x00a\nbX\x01\x00\x00\x00c\x93", "asks for ab.c"),
        (b"c\x1b[31mred\nx\n", "asks for [31mred.x"),
    ] {
        let error = refusal(&stream(body, &[]));
        assert!(error.contains(sentence), "{sentence}: {error}");
    }
}

#[test]
fn the_dictionary_of_tensors_is_found_where_it_is() {
    let a = |value: u8| {
        let key = value.to_string();
        tensor(&storage("Byte", &key, 1), 0, &[1], &[1])
    };
    let storages: &[(&str, u64, &[u8])] = &[("1", 1, &[1]), ("2", 1, &[2])];
    let state = |value| dictionary(&[("a", a(value))]);
    let found = |body: &[u8], storages: &[(&str, u64, &[u8])], options: &ConvertOptions| {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), stream(body, storages)).expect("a file");
        let (converted, bytes) = converted_with(file.path(), options)?;
        Ok::<_, String>((converted.key, tensors(&bytes)["a"].2[0]))
    };
    let none = ConvertOptions::default();
    let at = |key: &str| ConvertOptions { key: Some(key.to_owned()), ..ConvertOptions::default() };
    for body in [
        dictionary(&[("x", state(2)), ("state_dict", state(1))]),
        dictionary(&[("best", a(2)), ("state_dict", state(1))]),
    ] {
        assert_eq!(found(&body, storages, &none).unwrap(), ("state_dict".to_owned(), 1));
    }
    let body = dictionary(&[("model", dictionary(&[("state_dict", state(1))]))]);
    assert_eq!(found(&body, &storages[..1], &none).unwrap(), ("model.state_dict".to_owned(), 1));
    let body = dictionary(&[("optimizer", state(2)), ("generator", state(1))]);
    assert_eq!(found(&body, storages, &none).unwrap(), ("generator".to_owned(), 1));
    assert_eq!(found(&state(1), &storages[..1], &none).unwrap(), (String::new(), 1));
    let body = dictionary(&[("one", state(1)), ("two", state(2))]);
    let error = found(&body, storages, &none).unwrap_err();
    assert!(error.contains("tensors are in 'one', 'two'; choose with option `key`"), "{error}");
    assert_eq!(found(&body, storages, &at("two")).unwrap(), ("two".to_owned(), 2));
    let body = dictionary(&[("student", state(1)), ("teacher", state(2))]);
    let error = found(&body, storages, &none).unwrap_err();
    assert!(error.contains("'student' (usually the network that was trained"), "{error}");
    assert!(error.contains("'teacher' (usually the moving average of the student"), "{error}");
    let error = found(&body, storages, &at("two.three")).unwrap_err();
    assert!(error.contains("no entry 'two.three'"), "{error}");
    let error = found(b"]", &[], &none).unwrap_err();
    assert!(error.contains("it holds a list"), "{error}");
    let error = found(&a(1), &storages[..1], &none).unwrap_err();
    assert!(error.contains("it holds one tensor"), "{error}");
    let prefix = ConvertOptions { prefix: Some("head.".to_owned()), ..ConvertOptions::default() };
    let body = dictionary(&[("head.a", a(2)), ("a", a(1))]);
    assert_eq!(found(&body, storages, &prefix).unwrap(), (String::new(), 2));
    let error = found(&state(1), &storages[..1], &prefix).unwrap_err();
    assert!(error.contains("no tensor's name begins with 'head.'"), "{error}");
    let body =
        dictionary(&[("FeatureExtraction.vgg.a", a(1)), ("FeatureExtraction.model.a", a(2))]);
    let error = found(&body, storages, &none).unwrap_err();
    assert!(error.contains("two tensors would be called 'FeatureExtraction.model.a'"), "{error}");
}

#[test]
fn of_several_networks_in_a_checkpoint_all_are_named() {
    let one = |key: &str| tensor(&storage("Byte", key, 1), 0, &[1], &[1]);
    let storages: &[(&str, u64, &[u8])] = &[("1", 1, &[1]), ("2", 1, &[2])];
    let folder = tempfile::tempdir().expect("a folder");
    let convert = |body: &[u8], more: &[&str]| {
        std::fs::write(folder.path().join("in.pth"), stream(body, storages)).expect("a file");
        let mut command = Command::cargo_bin("hpflow").expect("the binary");
        let arguments = ["weights", "convert", "in.pth", "--force", "--out", "out.safetensors"];
        command.current_dir(folder.path()).args(arguments).args(more).assert().success()
    };
    // Beside the one that is taken.
    let state = |key| dictionary(&[("layer1.0.conv1.weight", one(key))]);
    let body = dictionary(&[("state_dict", state("1")), ("state_dict_ema", state("2"))]);
    convert(&body, &[]).stdout(contains(
        "left out  state_dict_ema (other tensors, usually a moving average of the network that was \
         trained: take them with --key)",
    ));
    // In one dictionary.
    let name = |prefix: &str| format!("{prefix}.layer1.0.conv1.weight");
    let (q, k) = (name("module.encoder_q"), name("module.encoder_k"));
    let body = dictionary(&[(q.as_str(), one("1")), (k.as_str(), one("2"))]);
    convert(&body, &[])
        .stdout(contains("'encoder_q.' (usually the encoder that MoCo trained"))
        .stdout(contains("'encoder_k.' (usually MoCo's moving average"))
        .stdout(contains("--prefix PREFIX"));
    for prefix in ["encoder_q.", "encoder_q", "module.encoder_q.", "module.encoder_q"] {
        convert(&body, &["--prefix", prefix]).stdout(contains("1 tensor: '"));
        let bytes = std::fs::read(folder.path().join("out.safetensors")).expect("a file");
        let file = SafeTensors::deserialize(&bytes).expect("tensors");
        assert_eq!(file.tensor("layer1.0.conv1.weight").expect("a tensor").data(), [1], "{prefix}");
        assert_eq!(file.len(), 1, "{prefix}");
    }
}

/// A whole network as torch.save wrote it before 1.6, without the classifier.
fn network(architecture: &Architecture) -> Vec<u8> {
    let weights = untrained::weights(architecture);
    let mut entries = Vec::new();
    let mut storages = Vec::new();
    for (at, parameter) in architecture.parameters().into_iter().enumerate() {
        let values = &weights.values[&parameter.name];
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let count = values.len() as i64;
        let shape: Vec<i64> = parameter.shape.iter().map(|&side| side as i64).collect();
        let mut strides: Vec<i64> = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        let key = at.to_string();
        let tensor = tensor(&storage("Float", &key, count), 0, &shape, &strides);
        entries.push((parameter.name, tensor));
        storages.push((key, count as u64, bytes));
    }
    let entries: Vec<(&str, Vec<u8>)> =
        entries.iter().map(|(name, tensor)| (name.as_str(), tensor.clone())).collect();
    let storages: Vec<(&str, u64, &[u8])> =
        storages.iter().map(|(key, count, bytes)| (key.as_str(), *count, &bytes[..])).collect();
    stream(&dictionary(&entries), &storages)
}

#[test]
fn a_converted_network_is_loaded_as_it_was() {
    let architecture = Architecture::named("resnet50").expect("a network");
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (folder.path().join("old.pth"), folder.path().join("new.safetensors"));
    std::fs::write(&old, network(&architecture)).expect("a file");
    let convert =
        || hpflow().args(["weights", "convert"]).arg(&old).arg("--out").arg(&new).assert();
    let said = contains("tensors   265 of 23561152 values, at the top");
    convert().success().stdout(said.and(contains("network   resnet50\n")));
    let loaded =
        weights::load(&WeightsSource::File(new.clone()), &architecture, &Progress::default());
    assert!(loaded.expect("weights").values == untrained::weights(&architecture).values);
    let check = hpflow().args(["weights", "check"]).arg(&new).assert().success();
    let sha256 = weights::sha256(&new).expect("a digest");
    check.stdout(contains("fits      resnet50").and(contains(sha256)));
    convert().failure().code(1).stderr(contains("is there already").and(contains("--force")));
}

fn hpflow() -> Command {
    Command::cargo_bin("hpflow").expect("the binary")
}

#[test]
fn outputs_are_replaced_only_when_asked_and_never_the_checkpoint_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (folder.path().join("old.pth"), folder.path().join("new.safetensors"));
    std::fs::copy(fixture("training-zip.pt"), &old).expect("a copy");
    std::fs::write(&new, b"mine").expect("a file");
    let convert = |out: &Path, more: &[&str]| {
        let mut command = hpflow();
        command.args(["weights", "convert"]).arg(&old).arg("--out").arg(out).args(more);
        command.assert()
    };
    convert(&new, &[]).failure().code(1).stderr(contains("is there already"));
    assert_eq!(std::fs::read(&new).expect("the file"), b"mine");
    convert(&old, &["--force"]).failure().stderr(contains("is the checkpoint itself"));
    convert(folder.path(), &["--force"]).failure().stderr(contains("it is a folder"));
    let nowhere = folder.path().join("nowhere/new.safetensors");
    convert(&nowhere, &[]).failure().stderr(contains("cannot be written"));
    convert(&new, &["--key", ""]).failure().code(2);
    let done = convert(&new, &["--force"]).success();
    done.stdout(contains("but FeatureExtraction.model.1.weight of shape [64] is missing"));
    let first = std::fs::read(&new).expect("the file");
    convert(&new, &["--force"]).success();
    assert!(std::fs::read(&new).expect("the file") == first, "the same bytes");
    let mode = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(mode, 2, "nothing else is left");
}

/// The most memory that a conversion took, in bytes.
#[cfg(target_os = "linux")]
fn peak(old: &Path, new: &Path) -> u64 {
    let binary = assert_cmd::cargo::cargo_bin("hpflow");
    let mut child = std::process::Command::new(binary)
        .args(["weights", "convert", "--force"])
        .args([old, Path::new("--out"), new])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the binary");
    let mut most = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let line = status.unwrap_or_default();
        let line = line.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(str::to_owned);
        let line = line.unwrap_or_default();
        most = most.max(line.trim().trim_end_matches(" kB").parse().unwrap_or(0));
        if let Some(status) = child.try_wait().expect("a process") {
            assert!(status.success());
            return most * 1024;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A file of 1 GB, most of it a hole, takes the memory of a small one.
#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_file() {
    const COUNT: i64 = 1 << 28;
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (folder.path().join("large.pth"), folder.path().join("large.safetensors"));
    let whole = tensor(&storage("Float", "0", COUNT), 0, &[1 << 14, 1 << 14], &[1 << 14, 1]);
    let column = tensor(&storage("Float", "0", COUNT), (1 << 14) - 1, &[16], &[1 << 14]);
    let body = dictionary(&[("whole", whole), ("column", column)]);
    let bytes = stream(&body, &[("0", COUNT as u64, &[])]);
    let mut file = File::create(&old).expect("a file");
    file.write_all(&bytes).expect("a file");
    file.set_len(bytes.len() as u64 + 4 * COUNT as u64 - 4).expect("a hole");
    let mut end = File::options().append(true).open(&old).expect("the file");
    end.write_all(&7.5f32.to_le_bytes()).expect("the last number");
    let small = peak(&fixture("training-stream.pt"), &new);
    let large = peak(&old, &new);
    println!("a small file took {} MiB, 1 GB {} MiB", small >> 20, large >> 20);
    assert!(small > 1 << 20, "{small}");
    assert!(large < small + (64 << 20), "{large} where a small file takes {small}");
    let length = std::fs::metadata(&new).expect("the output").len();
    assert!(length > 4 * COUNT as u64);
    let mut last = [0; 4];
    let mut written = File::open(&new).expect("the output");
    std::io::Seek::seek(&mut written, std::io::SeekFrom::End(-4)).expect("its end");
    std::io::Read::read_exact(&mut written, &mut last).expect("its end");
    assert_eq!(f32::from_le_bytes(last), 7.5);
}

/// Shape, strides and offset of a view, and the numbers that its storage needs for it.
fn view() -> impl Strategy<Value = (Vec<i64>, Vec<i64>, i64)> {
    (proptest::collection::vec((0i64..4, 0i64..7), 0..5), 0i64..9).prop_map(|(axes, offset)| {
        (axes.iter().map(|a| a.0).collect(), axes.iter().map(|a| a.1).collect(), offset)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against the sum of indices times strides.
    #[test]
    fn any_view_comes_in_c_order((shape, strides, offset) in view()) {
        let count = 9 + 4 * 3 * 6;
        let numbers: Vec<u8> = (0..count as u32).flat_map(|n| (n as f32).to_le_bytes()).collect();
        let tensor = tensor(&storage("Float", "0", count), offset, &shape, &strides);
        let bytes = stream(&dictionary(&[("a", tensor)]), &[("0", count as u64, &numbers)]);
        let (_, out) = from_bytes(&bytes).expect("a checkpoint");
        let mut places = vec![offset];
        for (&length, &stride) in shape.iter().zip(&strides) {
            let along = |place: &i64| (0..length).map(|at| place + at * stride).collect::<Vec<_>>();
            places = places.iter().flat_map(along).collect();
        }
        let expected: Vec<f32> = places.into_iter().map(|place| place as f32).collect();
        prop_assert_eq!(floats(&tensors(&out)["a"].2), expected);
    }

    #[test]
    fn no_damage_to_a_checkpoint_makes_the_reader_panic(
        file in 0usize..3,
        changes in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..8),
    ) {
        let file = ["tensors-stream.pt", "python2.pth.tar", "training-zip.pt"][file];
        let mut bytes = std::fs::read(fixture(file)).expect(file);
        for (place, byte) in changes {
            let place = place as usize % bytes.len();
            bytes[place] = byte;
        }
        if let Err(error) = from_bytes(&bytes) {
            prop_assert_eq!(error.lines().count(), 1, "{}", error);
        }
    }
}
