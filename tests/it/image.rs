//! Photographs: sizes, resizing and decoding against PyTorch and Pillow.

use hpflow::image::{Photograph, prepare};
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn preparing_any_size_follows_the_rule(
        width in 1u32..=2000, height in 1u32..=2000, side in 1u32..=400, value in any::<u8>()
    ) {
        let rgb = vec![value; (width * height * 3) as usize];
        let prepared = prepare(&Photograph { width, height, rgb }, side);
        let longest = width.max(height);
        let ratio = if longest > side { side as f32 / longest as f32 } else { 1.0 };
        prop_assert_eq!(prepared.ratio, ratio);
        prop_assert_eq!(prepared.width, ((width as f32 * ratio).trunc() as u32).max(1));
        prop_assert_eq!(prepared.height, ((height as f32 * ratio).trunc() as u32).max(1));
        prop_assert_eq!(prepared.rgb.len() as u32, 3 * prepared.width * prepared.height);
        let unit = f32::from(value) / 255.0;
        prop_assert!(prepared.rgb.iter().all(|&got| (got - unit).abs() <= 1e-6));
    }
}
