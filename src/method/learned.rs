//! What opening a learned method takes, whichever it is.

use std::collections::HashMap;
use std::fmt::Display;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::{OpenError, Options};
use crate::Point;
use crate::backbone::WeightsSource;
use crate::backbone::networks::TrunkKind;
use crate::backbone::weights::{WeightsFile, WeightsIdentity};

/// Parameters by name, row-major.
pub type Values = HashMap<String, Vec<f32>>;

/// The error for files of weights that do not fit what was asked for.
pub fn unfit(files: &dyn Display, found: String, remedy: &str) -> OpenError {
    OpenError::Unfit { files: files.to_string(), found, remedy: remedy.to_owned() }
}

/// The backbone's own weights, if they are asked for, with what the header says of them.
///
/// # Errors
/// Wrong usage, or weights that cannot be had or do not fit.
pub fn backbone_weights(
    backbone: TrunkKind,
    options: &Options,
) -> Result<Option<(Values, Value)>, OpenError> {
    let Some(text) = &options.backbone_weights else { return Ok(None) };
    let source: WeightsSource =
        text.parse().map_err(|error| OpenError::Usage(format!("--backbone-weights: {error}")))?;
    let Some(checkpoint) = WeightsFile::from_source(&source, &options.progress)? else {
        let (values, sha256) = backbone.untrained();
        return Ok(Some((values, json!({ "source": "untrained", "sha256": sha256 }))));
    };
    let values = checkpoint.read(backbone.name(), &backbone.parameters(), str::to_owned)?;
    let WeightsIdentity { source, revision, sha256 } = checkpoint.identity();
    let mut about = Map::from_iter([("source".to_owned(), json!(source))]);
    about.extend(revision.iter().map(|revision| ("revision".to_owned(), json!(revision))));
    about.insert("sha256".to_owned(), json!(sha256));
    Ok(Some((values, Value::Object(about))))
}

/// The dense flow of a mapping: for every pixel of a photograph of this width and height, row by row,
/// where it goes less where it is. `first` is the coordinate of the first pixel's centre.
#[must_use]
pub fn flow_of(
    [width, height]: [u32; 2],
    first: u8,
    transfer: impl Fn(Point) -> Option<Point> + Sync,
) -> Vec<Option<Point>> {
    let first = f32::from(first);
    let at = |x: u32, y: u32| [x as f32 + first, y as f32 + first];
    (0..height)
        .into_par_iter()
        .flat_map_iter(|y| (0..width).map(move |x| at(x, y)))
        .map(|pixel| transfer(pixel).map(|[x, y]| [x - pixel[0], y - pixel[1]]))
        .collect()
}
