//! What a file says of itself: read strictly, because a field that is overlooked would move keypoints.

use std::path::Path;

use serde_json::Value;

use super::{Description, FeaturesError, FeaturesHeader, Ratio, VERSION};
use crate::ARITHMETIC;
use crate::backbone::NAMES;

/// The most pixels between the photograph and what the network saw: beyond, single precision does not
/// hold a thousandth of a pixel.
const FARTHEST: f32 = 8192.0;

/// The fields of version 2, beside those of other levels.
const FIELDS: [&str; 10] = [
    "version",
    "arithmetic",
    "benchmark",
    "photograph",
    "sha256",
    "original_size",
    "resized_size",
    "ratio",
    "offset",
    "description",
];
const FIELDS_OF_DESCRIPTION: [&str; 5] =
    ["backbone", "image_side", "precision", "layers", "made_with"];
const FIELDS_OF_LAYER: [&str; 7] =
    ["id", "name", "stride", "channels", "jump", "receptive_field", "offset"];

/// What a field holds.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Whole,
    Number,
    /// Width and height.
    Size,
    Ratio,
    /// x and y.
    Offset,
    Precision,
    List,
    Object,
}

impl Form {
    fn fits(self, value: &Value) -> bool {
        let number =
            |value: &Value| value.as_f64().is_some_and(|number| (number as f32).is_finite());
        let two = |is: fn(&Value) -> bool| {
            value.as_array().is_some_and(|two| two.len() == 2 && two.iter().all(is))
        };
        match self {
            Self::Text => value.is_string(),
            Self::Whole => whole(value).is_some(),
            Self::Number => number(value),
            Self::Size => two(|side| whole(side).is_some()),
            Self::Ratio => number(value) || two(number),
            Self::Offset => two(number),
            Self::Precision => value == "f32" || value == "f16",
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Whole => "a whole number from 0 to 4294967295",
            Self::Number => "a number",
            Self::Size => "two whole numbers, width and height in pixels",
            Self::Ratio => "one number, or one for each of x and y",
            Self::Offset => "two numbers, x and y in pixels",
            Self::Precision => "\"f32\" or \"f16\"",
            Self::List => "a list of layers",
            Self::Object => "an object with fields",
        }
    }
}

/// A whole number, also where it is written as `96.0`.
fn whole(value: &Value) -> Option<u64> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u64)
}

/// A value as JSON, cut where it is long.
fn cut(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

/// A field, what it holds, and whether it must be there.
type Field = (&'static str, Form, bool);

const FORMS: [Field; 9] = [
    ("arithmetic", Form::Whole, false),
    ("benchmark", Form::Text, false),
    ("photograph", Form::Text, true),
    ("sha256", Form::Text, false),
    ("original_size", Form::Size, true),
    ("resized_size", Form::Size, true),
    ("ratio", Form::Ratio, false),
    ("offset", Form::Offset, false),
    ("description", Form::Object, true),
];
const FORMS_OF_DESCRIPTION: [Field; 5] = [
    ("backbone", Form::Text, true),
    ("image_side", Form::Whole, false),
    ("precision", Form::Precision, false),
    ("layers", Form::List, true),
    ("made_with", Form::Object, false),
];
const FORMS_OF_LAYER: [Field; 7] = [
    ("id", Form::Whole, true),
    ("name", Form::Text, true),
    ("stride", Form::Whole, true),
    ("channels", Form::Whole, true),
    ("jump", Form::Whole, false),
    ("receptive_field", Form::Whole, false),
    ("offset", Form::Number, false),
];

/// Checks that fields hold what they should; an error names the first that does not, with what was
/// found and what is expected. `null_is` is what the text has where the value has `null`.
fn check_forms(header: &Value, null_is: &str) -> Result<(), String> {
    let check = |place: &str, object: &Value, fields: &[Field]| {
        fields.iter().try_for_each(|&(field, form, needed)| {
            let expected = form.expected();
            match object.get(field) {
                None if needed => Err(format!("`{place}{field}` is missing, expected {expected}")),
                // An optional field may be left empty.
                None => Ok(()),
                Some(Value::Null) if !needed && null_is == "null" => Ok(()),
                Some(value) if form.fits(value) => Ok(()),
                Some(value) => {
                    let found = value.to_string().replace("null", null_is);
                    let found: String = found.chars().take(80).collect();
                    Err(format!("`{place}{field}` is {found}, expected {expected}"))
                }
            }
        })
    };
    if !header.is_object() {
        return Err(format!("found {}, expected {}", cut(header), Form::Object.expected()));
    }
    // What version 1 does not know it leaves alone.
    let known = |&&(field, ..): &&Field| {
        whole(&header["version"]) != Some(1) || !matches!(field, "arithmetic" | "sha256")
    };
    let fields: Vec<Field> = FORMS.iter().filter(known).copied().collect();
    check("", header, &fields)?;
    let description = &header["description"];
    check("description.", description, &FORMS_OF_DESCRIPTION)?;
    let layers = description["layers"].as_array().into_iter().flatten().enumerate();
    layers.into_iter().try_for_each(|(at, layer)| {
        let place = format!("description.layers[{at}]");
        if !layer.is_object() {
            let expected = Form::Object.expected();
            return Err(format!("`{place}` is {}, expected {expected}", cut(layer)));
        }
        check(&format!("{place}."), layer, &FORMS_OF_LAYER)
    })
}

/// Reads a header; an error says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<FeaturesHeader, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes();
    let fault = |error: serde_json::Error| crate::json::fault_at(&error);
    let value: Value = crate::json::from_utf8(text).map_err(fault)?;
    match value.get("version").and_then(whole) {
        Some(1) => {}
        Some(VERSION) => known_fields(&value)?,
        _ => {
            let found = cut(value.get("version").unwrap_or(&Value::Null));
            return Err(format!("version is {found}, expected 1 or {VERSION}"));
        }
    }
    let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let null_is = match serde_json::from_slice::<serde::de::IgnoredAny>(text) {
        Ok(_) => "null",
        Err(_) if has(b"null") => "null or NaN",
        Err(_) => "NaN",
    };
    check_forms(&value, null_is)?;
    // Once more from the text, which refuses a field that is there twice.
    let mut header: FeaturesHeader = crate::json::from_utf8(text).map_err(fault)?;
    if let Some(text) = &mut header.sha256 {
        text.make_ascii_lowercase();
    }
    if header.version == 1 {
        // Version 1 has no such fields; what it does not know it leaves alone.
        (header.arithmetic, header.sha256) = (None, None);
    }
    check(&header)?;
    Ok(header)
}

/// Refuses fields that version 2 does not have: an overlooked `padding` would move every keypoint.
fn known_fields(header: &Value) -> Result<(), String> {
    let known = |place: &str, value: &Value, fields: &[&str]| {
        let unknown = value.as_object().and_then(|object| {
            object.keys().find(|field| !fields.contains(&field.as_str())).cloned()
        });
        match unknown {
            Some(field) => {
                let field: String = field.escape_debug().take(80).collect();
                Err(format!("{place}`{field}` is unknown, expected only {}", fields.join(", ")))
            }
            None => Ok(()),
        }
    };
    known("", header, &FIELDS)?;
    let Some(description) = header.get("description") else { return Ok(()) };
    known("in the description ", description, &FIELDS_OF_DESCRIPTION)?;
    let layers = description.get("layers").and_then(Value::as_array);
    layers.into_iter().flatten().try_for_each(|layer| known("in a layer ", layer, &FIELDS_OF_LAYER))
}

/// What no file may say.
fn check(header: &FeaturesHeader) -> Result<(), String> {
    check_layers(header)?;
    if header.version == 1 {
        let warped = matches!(header.ratio, Some(Ratio::Each(_)));
        if warped || header.offset() != [0.0; 2] {
            return Err(format!(
                "version 1 has one ratio and no offset; write version {VERSION} to use them"
            ));
        }
    } else if header.offset.is_some() && header.ratio.is_none() {
        return Err(
            "with an offset the ratio must be given too: resized_size is the photograph's without \
             its padding, and the ratio shows that it is"
                .to_owned(),
        );
    }
    let near = -FARTHEST..=FARTHEST;
    if let Some(offset) = header.offset().into_iter().find(|side| *side < 0.0) {
        return Err(format!(
            "offset {offset:?}, expected the pixels before the photograph, which are not negative"
        ));
    }
    if let Some(offset) = header.offset().into_iter().find(|side| !near.contains(side)) {
        return Err(format!(
            "offset {offset:?}, expected pixels of what the network saw, at most {FARTHEST}"
        ));
    }
    let hexadecimal = |text: &String| {
        text.len() == 64 && text.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'))
    };
    if header.sha256.as_ref().is_some_and(|text| !hexadecimal(text)) {
        return Err("`sha256` is something else than 64 hexadecimal digits".to_owned());
    }
    if header.arithmetic.is_some() && header.sha256.is_none() {
        return Err("`sha256` is missing, expected that of the photograph's file".to_owned());
    }
    check_sizes(header)
}

fn check_layers(header: &FeaturesHeader) -> Result<(), String> {
    let layers = &header.description.layers;
    if layers.is_empty() || !layers.is_sorted_by(|a, b| a.id < b.id) {
        return Err("`description.layers` is empty or its ids do not ascend, expected one layer or more with ascending ids".to_owned());
    }
    if let Some(layer) = layers.iter().find(|layer| layer.stride == 0 || layer.jump == Some(0)) {
        return Err(format!("layer {} has stride or jump 0, expected 1 or more", layer.id));
    }
    let longer = header.resized_size[0].max(header.resized_size[1]) as f32;
    if let Some(layer) = layers.iter().find(|layer| !(-longer..longer).contains(&layer.offset)) {
        return Err(format!(
            "layer {} has offset {:?}, expected pixels within the photograph",
            layer.id, layer.offset
        ));
    }
    if let Some(layer) = layers.iter().find(|layer| layer.receptive_field == Some(0)) {
        return Err(format!("layer {} has receptive field 0, expected 1 or more", layer.id));
    }
    Ok(())
}

fn check_sizes(header: &FeaturesHeader) -> Result<(), String> {
    let ratios = header.ratio();
    let sizes = [header.original_size, header.resized_size].concat();
    if sizes.contains(&0) || !ratios.iter().all(|ratio| ratio.is_finite() && *ratio > 0.0) {
        return Err("a size or the ratio is 0 or less, expected more".to_owned());
    }
    for axis in [0, 1] {
        let (original, resized) = (header.original_size[axis], header.resized_size[axis]);
        let wanted = f64::from(original) * f64::from(ratios[axis]);
        if (wanted - f64::from(resized)).abs() > 1.0 + wanted * 1e-6 {
            let remedy = match header.version {
                1 => format!(
                    "scale both sides alike and pad after the photograph, or say in version \
                     {VERSION} how it was warped and padded"
                ),
                _ => "resized_size is the photograph's in what the network saw, without padding"
                    .to_owned(),
            };
            return Err(format!(
                "{resized} resized pixels, expected {wanted:.0} within one, {original} times the \
                 ratio: {remedy}"
            ));
        }
    }
    Ok(())
}

/// Refuses what hpflow itself wrote by another arithmetic.
///
/// # Errors
/// A file of version 1 of an own backbone, or one that says another arithmetic, or none.
pub(super) fn refuse(file: &Path, header: &FeaturesHeader) -> Result<(), FeaturesError> {
    let own = is_own(&header.description);
    if header.version == 1 && own {
        let backbone = header.description.backbone.clone();
        return Err(FeaturesError::Outdated { file: file.to_owned(), backbone });
    }
    match header.arithmetic {
        Some(ARITHMETIC) => Ok(()),
        None if !own => Ok(()),
        found => Err(FeaturesError::Other {
            file: file.to_owned(),
            field: "arithmetic".to_owned(),
            found: found.map_or_else(|| "missing".to_owned(), |found| found.to_string()),
            expected: ARITHMETIC.to_string(),
        }),
    }
}

/// Whether a description is one that a backbone of hpflow's gives of itself: a name that it has, the
/// long side, layers under its names, and what it says of its weights. A file that a program of one's
/// own wrote for a network of the same name lacks some of that.
fn is_own(description: &Description) -> bool {
    let Description { backbone, image_side, layers, made_with, .. } = description;
    let says = |key: &str| made_with.get(key);
    let of_weights = match backbone.as_str() {
        "hog" => says("hog").is_some() && says("weights").is_some_and(|weights| weights == "none"),
        name if NAMES.contains(&name) => {
            says("backbone_device").is_some()
                && says("weights").is_some_and(|weights| weights.get("sha256").is_some())
        }
        _ => false,
    };
    image_side.is_some()
        && layers.iter().all(|layer| layer.name == format!("layer{}", layer.id))
        && of_weights
}
