//! What opening a learned method takes, whichever it is.

use std::collections::HashMap;
use std::fmt::Display;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::{Advice, OpenError, Resources};
use crate::Point;
use crate::backbone::networks::TrunkKind;
use crate::backbone::trunk::Trunk;
use crate::backbone::weights::{WeightsFile, WeightsIdentity};
use crate::backbone::{self, BackboneOptions, Device, WeightsSource};
use crate::flow::Flow;

/// Parameters by name, row-major.
pub type ParameterValues = HashMap<String, Vec<f32>>;

/// The error for files of weights that do not fit what was asked for. Names of options are
/// between `‹` and `›`.
pub(super) fn unfit(files: &dyn Display, found: String, remedy: &str) -> OpenError {
    OpenError::Unfit {
        files: files.to_string(),
        found: Advice::new(found),
        remedy: Advice::new(remedy),
    }
}

/// How the networks of a method are opened.
pub(super) fn how(resources: &Resources) -> BackboneOptions {
    let (threads, progress) = (resources.threads(), resources.progress.clone());
    BackboneOptions { device: Device::Auto, threads, progress }
}

/// A trunk on these parameters.
///
/// # Errors
/// A build without libtorch, or a device that is not there.
pub(super) fn open_trunk(
    network: TrunkKind,
    values: &ParameterValues,
    resources: &Resources,
) -> Result<Box<dyn Trunk>, OpenError> {
    let name = network.name().to_owned();
    backbone::open_trunk(network, values, how(resources))
        .map_err(|source| OpenError::Backbone { name, source: Box::new(source) })
}

/// What the header says of the untrained recipe.
pub(super) fn untrained_weights(sha256: &str) -> Value {
    json!({ "source": "untrained", "sha256": sha256 })
}

/// What the header says of a file of weights.
pub(super) fn file_weights(identity: &WeightsIdentity) -> Value {
    json!({ "source": identity.source, "sha256": identity.sha256 })
}

/// The backbone's own weights, if they are asked for, with what the header says of them.
///
/// # Errors
/// Weights that cannot be had or do not fit.
pub(super) fn backbone_weights(
    backbone: TrunkKind,
    source: Option<&WeightsSource>,
    resources: &Resources,
) -> Result<Option<(ParameterValues, Value)>, OpenError> {
    let Some(source) = source else { return Ok(None) };
    let Some(checkpoint) = WeightsFile::from_source(source, &resources.progress)? else {
        return Ok(Some(untrained_trunk(backbone)));
    };
    let values = checkpoint.read(backbone.name(), &backbone.parameters(), str::to_owned)?;
    let WeightsIdentity { source, revision, sha256 } = checkpoint.identity();
    let mut about = Map::from_iter([("source".to_owned(), json!(source))]);
    about.extend(revision.iter().map(|revision| ("revision".to_owned(), json!(revision))));
    about.insert("sha256".to_owned(), json!(sha256));
    Ok(Some((values, Value::Object(about))))
}

/// A trunk's parameters by the untrained recipe, with what the header says of them.
pub(super) fn untrained_trunk(backbone: TrunkKind) -> (ParameterValues, Value) {
    let (values, sha256) = backbone.untrained();
    (values, untrained_weights(&sha256))
}

/// The dense flow of a mapping from a photograph of this width and height. `first` is the coordinate of
/// the first pixel's centre.
#[must_use]
pub(super) fn flow_of(
    [width, height]: [u32; 2],
    first: u8,
    transfer: impl Fn(Point) -> Option<Point> + Sync,
) -> Flow {
    let first = f32::from(first);
    let at = |x: u32, y: u32| [x as f32 + first, y as f32 + first];
    let vectors = (0..height)
        .into_par_iter()
        .flat_map_iter(|y| (0..width).map(move |x| at(x, y)))
        .map(|pixel| transfer(pixel).map(|[x, y]| [x - pixel[0], y - pixel[1]]))
        .collect();
    Flow { width, height, vectors }
}
