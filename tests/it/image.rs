//! Photographs: sizes, resizing and decoding against PyTorch and Pillow.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use hpflow::testing::image::{self, ImageError, Photograph, prepare, scaled_size};
use proptest::prelude::*;

/// The picture that the expected values below were computed from, in Python:
/// `((x*7 + y*13 + c*29 + (x*y) % 31) % 256).astype(uint8)`.
fn drawn(width: u32, height: u32) -> Photograph {
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            rgb.extend((0..3).map(|c| ((x * 7 + y * 13 + c * 29 + (x * y) % 31) % 256) as u8));
        }
    }
    Photograph { width, height, rgb }
}

/// Original size, longest side, resized size, ratio, mean, and (index, value) of seven samples of
/// `F.interpolate(picture / 255, size, mode="bilinear", align_corners=False)` with PyTorch 2.11.
type Resized = ([u32; 3], [u32; 2], f32, f64, [(usize, f32); 7]);

#[test]
fn resizing_agrees_with_pytorch() {
    let expected: [Resized; 4] = [
        (
            [486, 364, 300],
            [300, 224],
            0.617_283_94,
            100_823.834_801_677_38 / 201_600.0,
            [
                (0, 0.024_821_08),
                (33_599, 0.506_527),
                (67_199, 0.721_928_9),
                (100_799, 0.620_252_5),
                (134_399, 0.835_654_4),
                (167_999, 0.733_978),
                (201_599, 0.949_379_9),
            ],
        ),
        (
            [331, 5, 300],
            [300, 4],
            0.906_344_4,
            1_791.104_609_038_913_6 / 3_600.0,
            [
                (0, 0.007_816_177),
                (599, 0.154_185_49),
                (1_199, 0.294_855_42),
                (1_799, 0.267_910_96),
                (2_399, 0.408_580_93),
                (2_999, 0.381_636_47),
                (3_599, 0.522_306_44),
            ],
        ),
        (
            [7, 640, 300],
            [3, 300],
            0.468_75,
            1_350.023_434_278_089_6 / 2_700.0,
            [
                (0, 0.048_671_026),
                (449, 0.372_332_33),
                (899, 0.635_250_4),
                (1_349, 0.486_057_82),
                (1_799, 0.748_975_9),
                (2_249, 0.599_783_3),
                (2_699, 0.862_701_4),
            ],
        ),
        (
            [13, 11, 5],
            [5, 4],
            0.384_615_4,
            32.784_118_413_925_17 / 60.0,
            [
                (0, 0.069_313_72),
                (9, 0.529_902),
                (19, 0.808_725_5),
                (29, 0.643_627_46),
                (39, 0.897_352_93),
                (49, 0.757_352_95),
                (59, 0.032_254_89),
            ],
        ),
    ];
    for ([width, height, side], size, ratio, mean, samples) in expected {
        let prepared = prepare(&drawn(width, height), side);
        let case = format!("{width} × {height} to {side}");
        assert_eq!([prepared.width, prepared.height], size, "size of {case}");
        assert_eq!(prepared.ratio.to_bits(), ratio.to_bits(), "ratio of {case}");
        assert_eq!(prepared.original, [width, height], "original size of {case}");
        for (index, value) in samples {
            let got = prepared.rgb[index];
            assert!((got - value).abs() <= 1e-6, "{case}: value {index} is {got}, not {value}");
        }
        let values = prepared.rgb.len() as f64;
        let got = prepared.rgb.iter().map(|&value| f64::from(value)).sum::<f64>() / values;
        assert!((got - mean).abs() <= 1e-7, "{case}: mean {got}, not {mean}");
    }
}

/// PyTorch's bits of the ratio of every long side up to 2048, and 600 sizes.
#[test]
fn ratios_and_sizes_are_pytorchs_bit_for_bit() {
    #[derive(serde::Deserialize)]
    struct Golden {
        ratio_bits: Vec<(u32, u32)>,
        sizes: Vec<[u32; 4]>,
    }
    let golden: Golden = serde_json::from_str(include_str!("../fixtures/hpf/sizes.json")).unwrap();
    let sides: Vec<u32> = golden.ratio_bits.iter().map(|(side, _)| *side).collect();
    assert_eq!(sides, (301..=2048).collect::<Vec<_>>());
    for (side, bits) in golden.ratio_bits {
        assert_eq!(scaled_size([side, 1], 300).1.to_bits(), bits, "ratio of {side}");
    }
    assert_eq!(golden.sizes.len(), 600);
    for [width, height, resized_width, resized_height] in golden.sizes {
        let (resized, _) = scaled_size([width, height], 300);
        assert_eq!(resized, [resized_width, resized_height], "{width} × {height}");
    }
}

/// Original size, resized size and ratio in the metadata of the golden values of the method, which
/// the published code wrote.
#[test]
fn resized_sizes_are_those_of_the_golden_values() {
    let golden = [
        ([320, 240], [300, 225], 0.9375),
        ([225, 300], [225, 300], 1.0),
        ([486, 364], [300, 224], 0.617_283_94),
        ([500, 333], [300, 199], 0.6),
        ([300, 200], [300, 200], 1.0),
        ([300, 211], [300, 211], 1.0),
        ([64, 48], [64, 48], 1.0),
        ([333, 500], [199, 300], 0.6),
        ([640, 427], [300, 200], 0.468_75_f32),
    ];
    for ([width, height], size, ratio) in golden {
        let prepared = prepare(&drawn(width, height), 300);
        assert_eq!([prepared.width, prepared.height], size, "size of {width} × {height}");
        assert_eq!(prepared.ratio, ratio, "ratio of {width} × {height}");
    }
}

#[test]
fn a_photograph_that_is_small_enough_keeps_every_pixel() {
    let photograph = drawn(7, 5);
    let prepared = prepare(&photograph, 300);
    for (index, &value) in photograph.rgb.iter().enumerate() {
        let (pixel, channel) = (index / 3, index % 3);
        assert_eq!(prepared.rgb[channel * 35 + pixel], f32::from(value) / 255.0, "byte {index}");
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images").join(name)
}

/// What Pillow makes of the photographs that `make.py` drew.
fn from_pillow() -> BTreeMap<String, Photograph> {
    let text = std::fs::read_to_string(fixture("expected.json")).unwrap();
    let raw: BTreeMap<String, (u32, u32, String)> = serde_json::from_str(&text).unwrap();
    let bytes = |hex: &str| {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    };
    let photograph = |(width, height, hex): (u32, u32, String)| {
        let rgb = bytes(&hex);
        Photograph { width, height, rgb }
    };
    raw.into_iter().map(|(name, value)| (name, photograph(value))).collect()
}

#[test]
fn the_size_by_the_header_is_that_of_the_decoded_photograph() {
    for (name, expected) in from_pillow() {
        let size = image::size(&fixture(&name));
        assert_eq!(size, Some([expected.width, expected.height]), "{name}");
    }
}

#[test]
fn lossless_photographs_decode_as_in_pillow() {
    let expected = from_pillow();
    let lossless =
        expected.iter().filter(|(name, _)| name.as_str() == "a-png.jpg" || !name.ends_with(".jpg"));
    let mut count = 0;
    for (name, expected) in lossless {
        assert!(
            image::read(&fixture(name)).unwrap() == *expected,
            "{name} is not what Pillow sees"
        );
        count += 1;
    }
    assert_eq!(count, 21, "lossless photographs");
}

#[test]
fn jpeg_decodes_within_half_a_grey_level_of_pillow() {
    let expected = from_pillow();
    let mut count = 0;
    for (name, expected) in expected.iter().filter(|(name, _)| name.ends_with(".jpg")) {
        let got = image::read(&fixture(name)).unwrap();
        assert_eq!((got.width, got.height), (expected.width, expected.height), "size of {name}");
        let apart: u32 =
            got.rgb.iter().zip(&expected.rgb).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let mean = f64::from(apart) / expected.rgb.len() as f64;
        assert!(mean < 0.5, "{name}: mean absolute difference {mean} of 255");
        count += 1;
    }
    assert_eq!(count, 10, "JPEG files");
}

/// Writes `bytes` to a file and reads that as a photograph.
fn read_bytes(name: &str, bytes: &[u8]) -> Result<Photograph, ImageError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    image::read(&path)
}

/// One sentence that names the file and holds every one of `words`.
#[track_caller]
fn assert_refused(result: Result<Photograph, ImageError>, name: &str, words: &[&str]) {
    let said = result.expect_err("a refusal").to_string();
    assert!(said.contains(name), "no file name in: {said}");
    assert!(!said.contains('\n'), "more than one line: {said}");
    for word in words {
        assert!(said.contains(word), "no '{word}' in: {said}");
    }
}

#[test]
fn files_that_are_no_photographs_are_refused_with_a_remedy() {
    let absent = Path::new("no such folder/absent.jpg");
    assert_refused(image::read(absent), "absent.jpg", &["cannot be read", "check the path"]);
    let folder = tempfile::tempdir().unwrap();
    assert_refused(
        image::read(folder.path()),
        folder.path().to_str().unwrap(),
        &["cannot be read"],
    );
    assert_refused(read_bytes("empty.jpg", b""), "empty.jpg", &["is empty", "download"]);
    let page = b"\n<!DOCTYPE html><html><body>404</body></html>";
    assert_refused(read_bytes("page.jpg", page), "page.jpg", &["looks like a web page"]);
    assert_refused(read_bytes("notes.png", b"a, b\n1, 2\n"), "notes.png", &["text file"]);
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    assert_refused(read_bytes("lfs.png", pointer), "lfs.png", &["Git LFS pointer", "git lfs pull"]);
    assert_refused(read_bytes("noise.jpg", &[7, 0, 255, 3]), "noise.jpg", &["no format"]);
    // The start of an AVIF file: a format that is known, but not decoded.
    let avif = b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf";
    assert_refused(read_bytes("a.jpg", avif), "a.jpg", &["not a photograph", "JPEG, PNG"]);
}

#[test]
fn a_truncated_photograph_is_refused_wherever_it_ends() {
    for (name, format) in [
        ("drawn-420.jpg", "JPEG"),
        ("progressive.jpg", "JPEG"),
        ("colour-16.png", "PNG"),
        ("lzw.tif", "TIFF"),
        ("lossless.webp", "WebP"),
    ] {
        let whole = std::fs::read(fixture(name)).unwrap();
        // From where the format is still told to where only a PNG's checksum and end are lost.
        for length in (16..whole.len() - 20).step_by(7) {
            let result = read_bytes(name, &whole[..length]);
            assert_refused(result, name, &[format, "truncated or damaged", "copy it again"]);
        }
    }
    let jpeg = std::fs::read(fixture("drawn-420.jpg")).unwrap();
    let result = read_bytes("end.jpg", &jpeg[..jpeg.len() - 1]);
    assert_refused(result, "end.jpg", &["truncated", "the file ends before the picture does"]);
}

/// A one-colour grey PNG written row by row, so that its pixels never have to fit in memory.
fn grey_png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 0, 0, 0, 0]);
    chunk(&mut bytes, b"IHDR", &header);
    let mut rows = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let row = [vec![0u8], vec![90; width as usize]].concat();
    for _ in 0..height {
        rows.write_all(&row).unwrap();
    }
    chunk(&mut bytes, b"IDAT", &rows.finish().unwrap());
    chunk(&mut bytes, b"IEND", &[]);
    bytes
}

fn chunk(bytes: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    bytes.extend((data.len() as u32).to_be_bytes());
    let start = bytes.len();
    bytes.extend(kind);
    bytes.extend(data);
    let mut check = flate2::Crc::new();
    check.update(&bytes[start..]);
    bytes.extend(check.sum().to_be_bytes());
}

#[test]
fn the_smallest_and_very_wide_photographs_can_be_read_and_prepared() {
    let smallest = read_bytes("1.png", &grey_png(1, 1)).unwrap();
    assert_eq!(smallest, Photograph { width: 1, height: 1, rgb: vec![90; 3] });
    assert_eq!(prepare(&smallest, 300).rgb, [90.0 / 255.0; 3]);
    let wide = read_bytes("wide.png", &grey_png(20_000, 30)).unwrap();
    assert_eq!((wide.width, wide.height), (20_000, 30));
    let prepared = prepare(&wide, 300);
    assert_eq!((prepared.width, prepared.height, prepared.ratio), (300, 1, 0.015));
}

#[test]
fn more_pixels_than_the_limit_are_refused_before_they_are_decoded() {
    // 16 billion pixels are announced, and none are there.
    let mut bomb = grey_png(1, 1);
    bomb.splice(16..24, [0, 2, 0, 0, 0, 1, 0xE8, 0x48]);
    let mut check = flate2::Crc::new();
    check.update(&bomb[12..29]);
    bomb.splice(29..33, check.sum().to_be_bytes());
    let words = ["131072 × 125000", "scale it down", &image::PIXEL_LIMIT.to_string()];
    assert_refused(read_bytes("bomb.png", &bomb), "bomb.png", &words);
}

#[test]
fn a_photograph_without_pixels_is_refused() {
    let mut nothing = grey_png(1, 1);
    nothing.splice(16..20, [0; 4]);
    let mut check = flate2::Crc::new();
    check.update(&nothing[12..29]);
    nothing.splice(29..33, check.sum().to_be_bytes());
    assert_refused(read_bytes("nothing.png", &nothing), "nothing.png", &["PNG"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_photograph_never_panics(
        which in 0usize..30, at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let name = from_pillow().into_keys().nth(which).unwrap();
        let mut bytes = std::fs::read(fixture(&name)).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= byte;
        if let Ok(photograph) = read_bytes(&name, &bytes) {
            let pixels = u64::from(photograph.width) * u64::from(photograph.height);
            prop_assert_eq!(photograph.rgb.len() as u64, 3 * pixels);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn preparing_any_size_follows_the_rule(
        width in 1u32..=2000, height in 1u32..=2000, side in 1u32..=400, value in any::<u8>()
    ) {
        let rgb = vec![value; (width * height * 3) as usize];
        let prepared = prepare(&Photograph { width, height, rgb }, side);
        let longest = width.max(height);
        let ratio = if longest > side { (1.0 / longest as f32) * side as f32 } else { 1.0 };
        prop_assert_eq!(prepared.ratio, ratio);
        prop_assert_eq!(prepared.width, ((width as f32 * ratio).trunc() as u32).max(1));
        prop_assert_eq!(prepared.height, ((height as f32 * ratio).trunc() as u32).max(1));
        prop_assert_eq!(prepared.rgb.len() as u32, 3 * prepared.width * prepared.height);
        let unit = f32::from(value) / 255.0;
        prop_assert!(prepared.rgb.iter().all(|&got| (got - unit).abs() <= 1e-6));
    }
}
