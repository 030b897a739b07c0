//! What a file says of itself: read strictly, because a field that is overlooked would move keypoints.

use std::path::Path;

use serde_json::Value;

use super::{Description, FeaturesError, Header, Ratio, VERSION};
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

/// Reads a header; an error says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Header, String> {
    let fault = |error: serde_json::Error| crate::json::fault_at(&error);
    let value: Value = serde_json::from_str(text).map_err(fault)?;
    match value.get("version").and_then(Value::as_u64) {
        Some(1) => {}
        Some(VERSION) => known_fields(&value)?,
        _ => {
            let found = value.get("version").unwrap_or(&Value::Null);
            return Err(format!(
                "version {found} is unknown to this hpflow, which reads versions 1 and {VERSION}"
            ));
        }
    }
    // Once more from the text, which refuses a field that is there twice.
    let mut header: Header = serde_json::from_str(text).map_err(fault)?;
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
                let field: String = field.chars().take(80).collect();
                Err(format!("{place}`{field}` is unknown; known are {}", fields.join(", ")))
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
fn check(header: &Header) -> Result<(), String> {
    check_layers(header)?;
    if header.version == 1 {
        let warped = matches!(header.ratio, Some(Ratio::Each(_)));
        if warped || header.offset() != [0.0; 2] {
            return Err(format!(
                "version 1 has one ratio and no offset; say version {VERSION} to have them"
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
        return Err("sha256: expected 64 hexadecimal digits in lower case".to_owned());
    }
    if header.arithmetic.is_some() && header.sha256.is_none() {
        return Err("sha256 is missing".to_owned());
    }
    check_sizes(header)
}

fn check_layers(header: &Header) -> Result<(), String> {
    let layers = &header.description.layers;
    if layers.is_empty() || !layers.is_sorted_by(|a, b| a.id < b.id) {
        return Err("layers need ids that ascend, and at least one".to_owned());
    }
    if let Some(layer) = layers.iter().find(|layer| layer.stride == 0 || layer.jump == Some(0)) {
        return Err(format!("layer {} has stride or jump 0", layer.id));
    }
    let longer = header.resized_size[0].max(header.resized_size[1]) as f32;
    if let Some(layer) = layers.iter().find(|layer| !(-longer..longer).contains(&layer.offset)) {
        return Err(format!(
            "layer {} has offset {:?}, expected pixels within the photograph",
            layer.id, layer.offset
        ));
    }
    if let Some(layer) = layers.iter().find(|layer| layer.receptive_field == Some(0)) {
        return Err(format!("layer {} has receptive field 0", layer.id));
    }
    Ok(())
}

fn check_sizes(header: &Header) -> Result<(), String> {
    let ratios = header.ratio();
    let sizes = [header.original_size, header.resized_size].concat();
    if sizes.contains(&0) || !ratios.iter().all(|ratio| ratio.is_finite() && *ratio > 0.0) {
        return Err("sizes and ratio must be above 0".to_owned());
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
pub(super) fn refuse(file: &Path, header: &Header) -> Result<(), FeaturesError> {
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
        _ => {
            says("backbone_device").is_some()
                && says("weights").is_some_and(|weights| weights.get("sha256").is_some())
        }
    };
    NAMES.contains(&backbone.as_str())
        && image_side.is_some()
        && layers.iter().all(|layer| layer.name == format!("layer{}", layer.id))
        && of_weights
}
