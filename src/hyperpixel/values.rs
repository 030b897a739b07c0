//! The numbers of feature maps, in single precision or rounded to half of it.

use std::borrow::Cow;
use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use serde::{Deserialize, Serialize};

/// How the numbers of feature maps are stored. Sums are in f32 with either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits: the numbers as the network gives them.
    #[default]
    F32,
    /// 16 bits: half the space, rounded.
    F16,
}

impl Precision {
    /// The name on the command line and in predictions files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }
}

/// Numbers of one [`Precision`].
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// In single precision.
    Single(Vec<f32>),
    /// In half precision (IEEE 754's binary16).
    Half(Vec<f16>),
}

/// Part of [`Values`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValuesView<'a> {
    /// In single precision.
    Single(&'a [f32]),
    /// In half precision.
    Half(&'a [f16]),
}

impl Values {
    /// No numbers yet.
    #[must_use]
    pub fn new(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::Single(Vec::new()),
            Precision::F16 => Self::Half(Vec::new()),
        }
    }

    /// Appends numbers, times `scale` and rounded to the nearest (ties to even) in half precision.
    pub fn extend(&mut self, values: &[f32], scale: f32) {
        match self {
            Self::Single(all) => all.extend_from_slice(values),
            Self::Half(all) => {
                let first = all.len();
                all.resize(first + values.len(), f16::ZERO);
                let to = &mut all[first..];
                if scale == 1.0 {
                    to.convert_from_f32_slice(values);
                } else {
                    let scaled: Vec<f32> = values.iter().map(|value| value * scale).collect();
                    to.convert_from_f32_slice(&scaled);
                }
            }
        }
    }

    /// Appends numbers of the same precision.
    ///
    /// # Panics
    /// If their precision is another.
    pub fn append(&mut self, others: Self) {
        match (self, others) {
            (Self::Single(all), Self::Single(others)) => all.extend(others),
            (Self::Half(all), Self::Half(others)) => all.extend(others),
            _ => panic!("the numbers of a group are of one precision"),
        }
    }

    /// How the numbers are stored.
    #[must_use]
    pub fn precision(&self) -> Precision {
        match self {
            Self::Single(_) => Precision::F32,
            Self::Half(_) => Precision::F16,
        }
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Half(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Single(values) => size_of_val(values.as_slice()),
            Self::Half(values) => size_of_val(values.as_slice()),
        }
    }

    /// One number.
    ///
    /// # Panics
    /// Beyond the last.
    #[must_use]
    pub fn at(&self, index: usize) -> f32 {
        match self {
            Self::Single(values) => values[index],
            Self::Half(values) => values[index].to_f32(),
        }
    }

    /// All of them.
    #[inline(always)]
    #[must_use]
    pub fn view(&self) -> ValuesView<'_> {
        match self {
            Self::Single(values) => ValuesView::Single(values),
            Self::Half(values) => ValuesView::Half(values),
        }
    }
}

impl<'a> ValuesView<'a> {
    /// How many numbers there are.
    #[inline(always)]
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Half(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Part of them.
    ///
    /// # Panics
    /// Beyond the last.
    #[inline(always)]
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Self {
        match self {
            Self::Single(values) => Self::Single(&values[range]),
            Self::Half(values) => Self::Half(&values[range]),
        }
    }

    /// The numbers as f32, which is exact.
    #[must_use]
    pub fn single(self) -> Cow<'a, [f32]> {
        match self {
            Self::Single(values) => Cow::Borrowed(values),
            Self::Half(values) => Cow::Owned(values.to_f32_vec()),
        }
    }

    /// The numbers as bytes, in the order of the processor.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Single(values) => bytemuck::cast_slice(values),
            Self::Half(values) => bytemuck::cast_slice(values),
        }
    }
}

/// An image whose largest magnitude is below this has few numbers that a half can hold in full: what
/// falls below its smallest normal number, 2⁻¹⁴, is no longer beneath the rounding of the largest.
const SMALLEST_PEAK: f32 = 0.125;

/// The exponent that the largest magnitude of an image is brought to where it has to be scaled: one
/// below the largest that a half has, 15.
const PEAK_EXPONENT: i32 = 14;

/// The power of two that an image's features are multiplied by before they are rounded to half
/// precision, so that none overflows and few underflow: 1 wherever that is so already. The cosine of
/// two hyperpixels does not depend on it, because it is one number an image and the inverse norms are
/// those of the scaled hyperpixels; and a power of two rounds nothing. Numbers that are not finite
/// are left out of account, and stay what they are.
#[must_use]
pub fn half_scale(maps: &[&[f32]]) -> f32 {
    let finite = |value: &f32| if value.is_finite() { value.abs() } else { 0.0 };
    let peak = maps.iter().flat_map(|map| map.iter().map(finite)).fold(0.0, f32::max);
    // As it will be stored: maps that were rounded before are scaled as those that were not.
    let stored = f16::from_f32(peak);
    if peak == 0.0 || (stored.is_finite() && stored.to_f32() >= SMALLEST_PEAK) {
        return 1.0;
    }
    let exponent = (peak.to_bits() >> 23) as i32 - 127;
    let biased = (127 + PEAK_EXPONENT - exponent).clamp(1, 254);
    f32::from_bits((biased as u32) << 23)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Precision, Values, half_scale};

    #[test]
    fn what_a_half_holds_is_not_scaled() {
        for peak in [0.125, 1.0, 3.7, 65504.0, 65519.0, 0.0] {
            assert_eq!(half_scale(&[&[0.0, -peak]]), 1.0, "{peak}");
        }
    }

    #[test]
    fn what_is_too_large_or_too_small_is_scaled_to_what_a_half_holds() {
        for peak in [65520.0, 1e10, f32::MAX, 0.124, 1e-20, f32::MIN_POSITIVE, 1e-45] {
            let scale = half_scale(&[&[1e-45], &[peak, f32::INFINITY, f32::NAN]]);
            let scaled = f64::from(peak) * f64::from(scale);
            // There is no larger power of two than 2¹²⁷.
            let largest = f64::from(scale) == 2f64.powi(127);
            assert!(scaled < 32768.0 && (largest || scaled >= 16384.0), "{peak}: {scaled}");
        }
    }

    proptest! {
        #[test]
        fn halves_are_within_half_a_unit_of_eleven_bits(
            values in prop::collection::vec(prop::num::f32::NORMAL, 1..40)
        ) {
            let scale = half_scale(&[&values]);
            let mut halves = Values::new(Precision::F16);
            halves.extend(&values, scale);
            let peak = values.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            for (index, value) in values.iter().enumerate() {
                let found = f64::from(halves.at(index)) / f64::from(scale);
                let near = f64::from(*value).abs().max(f64::from(peak) * 2f64.powi(-11)) / 2048.0;
                prop_assert!((found - f64::from(*value)).abs() <= near, "{value} became {found}");
            }
        }
    }
}
