use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::hyperpixel::FeatureMap;
use crate::hyperpixel::{Grid, Hyperimage};

/// A file of two layers of a photograph of 48 × 24 pixels, warped and with padding on all sides.
fn features() -> (FeaturesHeader, Vec<FeatureMap>) {
    let layer = |id: usize| Layer {
        id,
        name: format!("layer{id}"),
        stride: 8,
        channels: 3,
        jump: Some(8),
        receptive_field: Some(17),
        offset: 3.5,
    };
    let header = FeaturesHeader {
        version: VERSION,
        arithmetic: None,
        benchmark: Some("spair".to_owned()),
        photograph: "cat/a.jpg".to_owned(),
        sha256: Some("0123456789abcdef".repeat(4)),
        original_size: [48, 24],
        resized_size: [24, 36],
        ratio: Some(Ratio::Each([0.5, 1.5])),
        offset: Some([8.5, 4.0]),
        description: Description {
            backbone: "patches".to_owned(),
            image_side: None,
            precision: Precision::F32,
            layers: vec![layer(2), layer(5)],
            made_with: Map::new(),
        },
    };
    let map = |layer: usize| {
        let data = (0..3 * 6 * 5).map(|at| (at * 7 % 11) as f32 - 4.0).collect();
        FeatureMap { layer, stride: 8, channels: 3, rows: 6, columns: 5, data }
    };
    (header, vec![map(2), map(5)])
}

struct InFolder(tempfile::TempDir);

impl InFolder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("a.jpg.safetensors")
    }

    /// The bytes of a file that is as it should be.
    fn whole(&self) -> Vec<u8> {
        let (header, maps) = features();
        write(&self.file(), &header, &maps).unwrap();
        std::fs::read(self.file()).unwrap()
    }

    /// The same with something else as its header.
    fn with_header(&self, header: &str) -> Vec<u8> {
        let whole = self.whole();
        let tensors = safetensors::SafeTensors::deserialize(&whole).unwrap();
        let metadata = [(METADATA.to_owned(), header.to_owned())].into();
        safetensors::serialize(tensors.tensors(), Some(metadata)).unwrap()
    }

    /// Opens bytes, and checks all that is made of them where they are features.
    fn check(&self, bytes: &[u8]) -> bool {
        std::fs::write(self.file(), bytes).unwrap();
        fits(&self.file())
    }
}

/// Whether a file is one of features; what it gives must then be of the sizes that it says.
fn fits(file: &Path) -> bool {
    let Ok(mut kept) = open(file) else { return false };
    let header = kept.header().clone();
    let (ratio, offset) = (header.ratio(), header.offset());
    for axis in [0, 1] {
        let (original, resized) = (header.original_size[axis], header.resized_size[axis]);
        assert!(original > 0 && resized > 0 && ratio[axis] > 0.0, "{header:?}");
        let exact = f64::from(original) * f64::from(ratio[axis]);
        assert!((exact - f64::from(resized)).abs() <= 1.0 + 1e-6 * exact, "{header:?}");
        assert!(offset[axis].abs() <= 8192.0, "{header:?}");
    }
    assert!(header.version == 2 || ratio[0] == ratio[1] && offset == [0.0; 2], "{header:?}");
    for layer in &header.description.layers {
        let Ok(maps) = kept.maps(&[layer.id]) else { continue };
        let map = &maps[0];
        let cells = map.channels * map.rows * map.columns;
        assert!(map.channels == layer.channels && map.data.len() == cells && cells > 0);
        assert!(map.stride == layer.stride && map.data.iter().all(|value| value.is_finite()));
        let (Some(jump), Some(receptive_field)) = (layer.jump, layer.receptive_field) else {
            continue;
        };
        let geometry = Geometry { jump, receptive_field, offset: [layer.offset; 2] };
        let [width, height] = header.resized_size;
        let image = Hyperimage::new(header.geometry(geometry), width, height, ratio, &maps);
        within(&image.grid, [width, height]);
    }
    true
}

/// All cells that count have their centre in the photograph.
fn within(grid: &Grid, size: [u32; 2]) {
    let size = size.map(|side| side as f32);
    for cell in [0, grid.len().saturating_sub(1)].into_iter().filter(|&cell| cell < grid.len()) {
        let centre = grid.centre(cell);
        assert!((0..2).all(|axis| centre[axis] >= -1e-3 && centre[axis] <= size[axis]), "{grid:?}");
    }
}

/// Values that a field may be given by mistake.
fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(1)),
        Just(json!(2)),
        Just(json!(24)),
        Just(json!(4294967295u64)),
        Just(json!(18446744073709551615u64)),
        Just(json!(1e-30)),
        Just(json!(1e30)),
        Just(json!(1e300)),
        Just(json!(0.5)),
        Just(json!(-8.5)),
        (0..100u32).prop_map(|number| json!(number)),
        any::<f32>()
            .prop_filter("JSON has finite numbers", |x| x.is_finite())
            .prop_map(|x| json!(x)),
    ];
    let leaf = prop_oneof![
        4 => number,
        1 => Just(Value::Null),
        1 => Just(json!(true)),
        1 => "[a-z0-9/.]{0,70}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            ("[a-z]{1,5}", inner).prop_map(|(key, value)| json!({ key: value })),
        ]
    })
}

/// Where the fields of a header are.
const FIELDS: [&str; 21] = [
    "/version",
    "/arithmetic",
    "/benchmark",
    "/photograph",
    "/sha256",
    "/original_size",
    "/original_size/1",
    "/resized_size",
    "/resized_size/0",
    "/ratio",
    "/ratio/0",
    "/offset",
    "/offset/1",
    "/description",
    "/description/layers",
    "/description/layers/0/id",
    "/description/layers/0/stride",
    "/description/layers/0/channels",
    "/description/layers/0/jump",
    "/description/layers/1/receptive_field",
    "/description/layers/1/offset",
];

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        InFolder::new().check(&bytes);
    }

    #[test]
    fn a_changed_byte_gives_an_error_or_maps_of_the_sizes_said(at in 0..4000usize, byte: u8) {
        let folder = InFolder::new();
        let mut bytes = folder.whole();
        let length = bytes.len();
        bytes[at % length] = byte;
        folder.check(&bytes);
    }

    #[test]
    fn a_cut_file_is_an_error(at in 0..4000usize) {
        let folder = InFolder::new();
        let bytes = folder.whole();
        prop_assert!(!folder.check(&bytes[..at % bytes.len()]));
    }

    #[test]
    fn a_changed_field_gives_an_error_or_maps_of_the_sizes_said(
        changes in proptest::collection::vec((0..FIELDS.len(), value()), 1..4),
    ) {
        let folder = InFolder::new();
        let mut header = serde_json::to_value(features().0).unwrap();
        header["arithmetic"] = Value::Null;
        for (field, value) in changes {
            if let Some(place) = header.pointer_mut(FIELDS[field]) {
                *place = value;
            }
        }
        folder.check(&folder.with_header(&header.to_string()));
    }
}

#[test]
fn a_whole_file_is_read_as_it_was_written() {
    let folder = InFolder::new();
    assert!(folder.check(&folder.whole()));
    let (header, maps) = features();
    let mut kept = open(&folder.file()).unwrap();
    assert_eq!(*kept.header(), header);
    assert_eq!(kept.maps(&[2, 5]).unwrap(), maps);
}

#[test]
fn sizes_lead_to_ratios_where_none_are_given() {
    let (mut header, _) = features();
    (header.ratio, header.offset) = (None, None);
    assert_eq!(header.ratio(), [0.5, 1.5]);
    (header.original_size, header.resized_size) = ([500, 375], [300, 224]);
    assert_eq!(header.ratio(), [0.6, 224.0 / 375.0]);
    header.version = 1;
    assert_eq!(header.ratio(), [0.6; 2]);
}

#[test]
fn fields_of_another_version_are_refused() {
    let folder = InFolder::new();
    let header = |change: fn(&mut Value)| {
        let mut header = serde_json::to_value(features().0).unwrap();
        change(&mut header);
        std::fs::write(folder.file(), folder.with_header(&header.to_string())).unwrap();
        open(&folder.file()).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(header(|_| {}), Ok(()));
    for (change, part) in [
        ((|header| header["version"] = json!(1)) as fn(&mut Value), "version 1 has one ratio"),
        (|header| header["version"] = json!(0), "version is 0, expected 1 or 2"),
        (|header| header["version"] = json!("2"), "version is \"2\", expected 1 or 2"),
        (
            |header| drop(header.as_object_mut().unwrap().remove("version")),
            "version is null, expected 1 or 2",
        ),
        (|header| header["offsets"] = json!([1, 1]), "`offsets` is unknown"),
        (
            |header| header["description"]["patch"] = json!(14),
            "in the description `patch` is unknown",
        ),
        (|header| drop(header.as_object_mut().unwrap().remove("ratio")), "ratio must be given"),
        (|header| header["arithmetic"] = json!(1), "arithmetic is 1, expected"),
    ] {
        let error = header(change).unwrap_err();
        assert!(error.contains(part) && error.contains("a.jpg.safetensors"), "{part}: {error}");
    }
    let text = serde_json::to_string(&features().0).unwrap();
    let twice = text.replacen("\"version\":2", "\"offset\":[0,0],\"version\":2", 1);
    std::fs::write(folder.file(), folder.with_header(&twice)).unwrap();
    open(&folder.file()).unwrap_err();
}

/// What a file with that text as its metadata is read as, or why not.
fn with_text(text: &str) -> Result<FeaturesHeader, String> {
    let folder = InFolder::new();
    std::fs::write(folder.file(), folder.with_header(text)).unwrap();
    open(&folder.file()).map(|kept| kept.header().clone()).map_err(|error| error.to_string())
}

#[test]
fn whole_numbers_with_a_fraction_of_zero_and_a_mark_are_read() {
    let (expected, _) = features();
    let text = serde_json::to_string(&expected).unwrap();
    for (from, to) in [
        ("\"version\":2", "\"version\":2.0"),
        ("[48,24]", "[48.0,24.0]"),
        ("[24,36]", "[2.4e1,36.0]"),
        ("\"id\":2", "\"id\":2.0"),
        ("\"stride\":8", "\"stride\":8.0"),
        ("\"channels\":3", "\"channels\":3.0"),
        ("\"jump\":8", "\"jump\":8.0"),
        ("\"receptive_field\":17", "\"receptive_field\":17.0"),
        ("{\"version\"", "\u{feff}{\"version\""),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(with_text(&text.replacen(from, to, 1)), Ok(expected.clone()), "{to}");
    }
}

#[test]
fn a_field_that_is_not_what_it_should_be_is_named_with_what_was_found_and_expected() {
    let text = serde_json::to_string(&features().0).unwrap();
    let size = "expected two whole numbers, width and height in pixels";
    for (from, to, parts) in [
        ("[8.5,4.0]", "[NaN,0]", ["`offset` is [NaN,0]", "expected two numbers, x and y"]),
        ("[8.5,4.0]", "[null,NaN]", ["`offset` is [null or NaN,null or NaN]", "two numbers"]),
        ("[8.5,4.0]", "3", ["`offset` is 3", "expected two numbers"]),
        ("[8.5,4.0]", "[1e39,0]", ["`offset` is [1e+39,0]", "expected two numbers"]),
        ("[8.5,4.0]", "[Infinity,0]", ["Infinity in \"offset\"", "write a finite number"]),
        ("[24,36]", "[24,36,3]", ["`resized_size` is [24,36,3]", size]),
        ("[48,24]", "[48.5,24]", ["`original_size` is [48.5,24]", size]),
        ("[48,24]", "[-48,24]", ["`original_size` is [-48,24]", size]),
        ("[48,24]", "\"48x24\"", ["`original_size` is \"48x24\"", size]),
        ("\"original_size\":[48,24],", "", ["`original_size` is missing", size]),
        ("[0.5,1.5]", "[0.5,1.5,1]", ["`ratio` is [0.5,1.5,1]", "one for each of x and y"]),
        ("[0.5,1.5]", "NaN", ["`ratio` is NaN", "expected one number"]),
        ("\"stride\":8", "\"stride\":\"8\"", ["`description.layers[0].stride` is \"8\"", "whole"]),
        ("\"jump\":8", "\"jump\":7.5", ["`description.layers[0].jump` is 7.5", "whole"]),
        ("\"name\":\"layer2\"", "\"name\":2", ["layers[0].name` is 2", "expected a text"]),
        ("\"precision\":\"f32\"", "\"precision\":\"bf16\"", ["`description.precision`", "f16"]),
        ("\"made_with\":{}", "\"made_with\":[]", ["`description.made_with` is []", "an object"]),
        ("\"photograph\":\"cat/a.jpg\"", "\"photograph\":null", ["`photograph` is null", "text"]),
    ] {
        assert!(text.contains(from), "{from}");
        let error = with_text(&text.replacen(from, to, 1)).unwrap_err();
        assert!(parts.iter().all(|part| error.contains(part)), "{to}: {error}");
        assert!(error.contains("a.jpg.safetensors") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn maps_are_told_apart_by_their_numbers_and_by_nothing_else() {
    let folder = InFolder::new();
    let (header, mut maps) = features();
    let identity = |layers: &[usize]| open(&folder.file()).unwrap().identity(layers);
    write(&folder.file(), &header, &maps).unwrap();
    let [first, second, both] = [identity(&[2]), identity(&[5]), identity(&[2, 5])];
    assert!(first.is_some() && first != second && first != both);
    // Written once more, at another time.
    std::thread::sleep(std::time::Duration::from_millis(20));
    write(&folder.file(), &header, &maps).unwrap();
    assert_eq!(identity(&[2, 5]), both);
    // One number of a layer counts where that layer is matched, though the file's length and, as after
    // `touch -r`, its time are the same.
    let about = std::fs::metadata(folder.file()).unwrap().modified().unwrap();
    maps[1].data[0] += 1.0;
    write(&folder.file(), &header, &maps).unwrap();
    let file = std::fs::File::options().append(true).open(folder.file()).unwrap();
    file.set_modified(about).unwrap();
    assert_eq!(identity(&[2]), first);
    assert!(identity(&[5]) != second && identity(&[2, 5]) != both);
    assert_eq!(identity(&[3]), None);
}
