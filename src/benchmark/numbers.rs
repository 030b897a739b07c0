//! Numbers in annotations: whole ones, which may have become floats on their way (`96.0`), and so many in
//! a list. What is wrong is said of the field.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Number;

/// A whole number as a field has it; `None` in one that may be missing.
pub(super) trait WholeField: Sized {
    /// The number, where it fits.
    fn of(number: Option<&Number>) -> Option<Self>;
    /// The most that fits.
    const MOST: u64;
}

/// The whole number that is meant.
fn whole(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        // Up to 2⁵³ every whole number is a float.
        let is_whole = float.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&float);
        is_whole.then_some(float as u64)
    })
}

macro_rules! integers {
    ($($integer:ident)*) => {
        $(impl WholeField for $integer {
            fn of(number: Option<&Number>) -> Option<Self> {
                whole(number?)?.try_into().ok()
            }
            const MOST: u64 = $integer::MAX as u64;
        })*
    };
}
integers!(u8 u32 u64);

impl<T: WholeField> WholeField for Option<T> {
    fn of(number: Option<&Number>) -> Option<Self> {
        number.map_or(Some(None), |number| T::of(Some(number)).map(Some))
    }
    const MOST: u64 = T::MOST;
}

fn whole_of<'de, D: Deserializer<'de>, T: WholeField>(
    field: &str,
    deserializer: D,
) -> Result<T, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    T::of(number.as_ref()).ok_or_else(|| {
        let found = number.map_or_else(|| "null".to_owned(), |number| number.to_string());
        let most = T::MOST;
        D::Error::custom(format!("{field} is {found}, expected a whole number from 0 to {most}"))
    })
}

/// So many numbers as a field has them; `None` in one that may be missing.
pub(super) trait ListField: Sized {
    /// The numbers, where they fit; else what was found.
    fn of(numbers: Option<Vec<Number>>) -> Result<Self, String>;
}

impl<const N: usize> ListField for [Number; N] {
    fn of(numbers: Option<Vec<Number>>) -> Result<Self, String> {
        let numbers = numbers.ok_or_else(|| "is null".to_owned())?;
        let count = |found: &[Number]| match found.len() {
            1 => "holds 1 number".to_owned(),
            count => format!("holds {count} numbers"),
        };
        Self::try_from(numbers).map_err(|found| count(&found))
    }
}

impl<const N: usize> ListField for [u32; N] {
    fn of(numbers: Option<Vec<Number>>) -> Result<Self, String> {
        let numbers = <[Number; N]>::of(numbers)?;
        let mut whole = [0; N];
        for (whole, number) in whole.iter_mut().zip(&numbers) {
            *whole = u32::of(Some(number)).ok_or_else(|| format!("holds {number}"))?;
        }
        Ok(whole)
    }
}

impl<T: ListField> ListField for Option<T> {
    fn of(numbers: Option<Vec<Number>>) -> Result<Self, String> {
        numbers.map(|numbers| T::of(Some(numbers))).transpose()
    }
}

fn several_of<'de, D: Deserializer<'de>, T: ListField>(
    field: &str,
    expected: &str,
    deserializer: D,
) -> Result<T, D::Error> {
    let numbers = Option::<Vec<Number>>::deserialize(deserializer)?;
    T::of(numbers)
        .map_err(|found| D::Error::custom(format!("{field} {found}, expected {expected}")))
}

/// A function a field, for serde's `deserialize_with`, which tells none which field it reads.
macro_rules! readers {
    (whole: $($field:ident)*; $($expected:literal: $($list:ident)*;)*) => {
        $(pub(in crate::benchmark) fn $field<'de, D: Deserializer<'de>, T: WholeField>(
            deserializer: D,
        ) -> Result<T, D::Error> {
            whole_of(stringify!($field), deserializer)
        })*
        $($(pub(in crate::benchmark) fn $list<'de, D: Deserializer<'de>, T: ListField>(
            deserializer: D,
        ) -> Result<T, D::Error> {
            several_of(stringify!($list), $expected, deserializer)
        })*)*
    };
}

readers! {
    whole:
        image_width image_height image_depth truncated occluded difficult azimuth_id pair_id mirror
        viewpoint_variation scale_variation truncation occlusion width height;
    "4: xmin, ymin, xmax, ymax": bndbox src_bndbox trg_bndbox;
    "4: left, top, width, height": bbox;
    "3 whole numbers: width, height, depth": src_imsize trg_imsize;
}

/// Whole numbers, however many.
pub(super) fn whole_numbers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<u32>>, D::Error> {
    let Some(numbers) = Option::<Vec<Number>>::deserialize(deserializer)? else { return Ok(None) };
    let whole = numbers.iter().map(|number| {
        u32::of(Some(number))
            .ok_or_else(|| D::Error::custom(format!("found {number}, expected a whole number")))
    });
    whole.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Fields {
        #[serde(deserialize_with = "image_width")]
        image_width: u32,
        #[serde(default, deserialize_with = "truncation")]
        truncation: Option<u8>,
        #[serde(deserialize_with = "src_imsize")]
        src_imsize: [u32; 3],
        #[serde(default, deserialize_with = "trg_bndbox")]
        trg_bndbox: Option<[Number; 4]>,
    }

    fn read(width: &str, size: &str, rest: &str) -> Result<Fields, String> {
        let json = format!("{{\"image_width\":{width},\"src_imsize\":{size}{rest}}}");
        crate::json::from_slice(json.as_bytes()).map_err(|error| crate::json::fault(&error))
    }

    #[test]
    fn whole_numbers_may_be_floats() {
        let found = read("96.0", "[96.0, 6.4e1, 3]", ",\"truncation\":2.0").unwrap();
        assert_eq!((found.image_width, found.src_imsize), (96, [96, 64, 3]));
        assert_eq!((found.truncation, found.trg_bndbox), (Some(2), None));
        assert_eq!(read("1", "[1,1,1]", ",\"truncation\":null").unwrap().truncation, None);
        for (width, size, rest, fault) in [
            (
                "96.5",
                "[1,1,1]",
                "",
                "image_width is 96.5, expected a whole number from 0 to 4294967295",
            ),
            ("-1", "[1,1,1]", "", "image_width is -1, expected"),
            ("NaN", "[1,1,1]", "", "image_width is null"),
            ("1e30", "[1,1,1]", "", "image_width is 1e+30, expected"),
            (
                "1",
                "[1,1,1]",
                ",\"truncation\":256.0",
                "truncation is 256.0, expected a whole number from 0 to 255",
            ),
            (
                "1",
                "[1,1]",
                "",
                "src_imsize holds 2 numbers, expected 3 whole numbers: width, height, depth",
            ),
            ("1", "[1,1.5,1]", "", "src_imsize holds 1.5, expected 3 whole numbers"),
            (
                "1",
                "[1,1,1]",
                ",\"trg_bndbox\":[1,2,3,4,5]",
                "trg_bndbox holds 5 numbers, expected 4: xmin, ymin, xmax, ymax",
            ),
            ("1", "[1,1,1]", ",\"trg_bndbox\":[1]", "trg_bndbox holds 1 number, expected 4"),
            (
                "1",
                "[1,1,1]",
                ",\"trg_bndbox\":[1,2,3,\"4\"]",
                "found the text \"4\" where a number is expected",
            ),
        ] {
            let found = read(width, size, rest).unwrap_err();
            assert!(found.starts_with(fault), "{found}");
        }
    }
}
