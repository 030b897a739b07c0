//! Weights of a network: from a file, the hub or the untrained recipe, checked and identified.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;

use super::baselines::Baseline;
use super::error::{Names, WeightsError};
use super::file::{numbers, open, read, shapes, shown};
use super::fit::fits;
use super::identify::{is_plain, looks_like, prefixed, prefixes};
use super::identity::{Weights, WeightsIdentity};
use super::source::WeightsSource;
use super::weights_file::WeightsFile;
use super::{hub, untrained};
use crate::backbone::networks::{Architecture, Parameter, Shapes};
use crate::progress::Progress;

/// Parameters by name, row-major.
type Values = HashMap<String, Vec<f32>>;

/// Loads and checks the weights of a network, from the hub's cache where they are in it.
///
/// # Errors
/// Weights that cannot be had, are no safetensors, or are not of this network.
pub fn load(
    source: &WeightsSource,
    architecture: &Architecture,
    progress: &Progress,
) -> Result<Weights, WeightsError> {
    match source {
        WeightsSource::Untrained => Ok(untrained::weights(architecture)),
        WeightsSource::File(path) => {
            let (values, sha256) = read_network(path, architecture)?;
            let name = path.file_name().unwrap_or(path.as_os_str());
            let source = name.to_string_lossy().into_owned();
            Ok(Weights { values, identity: WeightsIdentity { source, revision: None, sha256 } })
        }
        WeightsSource::Hub(wanted) => {
            let settings = hub::Settings::from_environment()?;
            let fetched = hub::fetch(&settings, wanted, hub::Freshness::Cached, progress)?;
            let (values, sha256) = read_network(&fetched.path, architecture)?;
            let identity = WeightsIdentity {
                source: wanted.repository.clone(),
                revision: Some(fetched.commit),
                sha256,
            };
            Ok(Weights { values, identity })
        }
    }
}

/// Loads and checks the weights of a learned baseline; `None` where the file is of none of them.
/// Values are under the authors' names, row-major.
///
/// # Errors
/// A file that cannot be read, is no safetensors, lacks a tensor or has one of another shape, holds
/// numbers that are not finite, or is in a form that hpflow does not run.
pub fn load_baseline(path: &Path) -> Result<Option<(Baseline, Weights)>, WeightsError> {
    let file = WeightsFile::open(path)?;
    let Some(baseline) = file.baseline() else { return Ok(None) };
    file.check(&baseline)?;
    let values = file.read(&baseline.to_string(), &baseline.parameters(), str::to_owned)?;
    let identity = file.identity().clone();
    Ok(Some((baseline, Weights { values, identity })))
}

/// The parameters of a network in a file, and the file's SHA-256.
fn read_network(
    path: &Path,
    architecture: &Architecture,
) -> Result<(Values, String), WeightsError> {
    let bytes = read(path)?;
    let tensors = open(path, &bytes)?;
    let shapes = shapes(&tensors);
    check(path, &shapes, architecture)?;
    let values = values(path, &tensors, architecture.parameters())?;
    Ok((values, crate::digest::sha256(&bytes)))
}

/// The parameters of a file that has passed `fits`.
fn values(
    path: &Path,
    tensors: &SafeTensors<'_>,
    parameters: Vec<Parameter>,
) -> Result<Values, WeightsError> {
    let mut values = Values::new();
    for Parameter { name, .. } in parameters {
        if let Ok(view) = tensors.tensor(&name) {
            let numbers = numbers(path, &name, &view)?;
            values.insert(name, numbers);
        }
    }
    Ok(values)
}

/// Whether tensors of these names and shapes are a network's: all of them, and not a deeper network's,
/// whose tensors may include them.
///
/// # Errors
/// A tensor that is missing or of another shape, or another network's tensors.
pub fn check(
    path: &Path,
    shapes: &Shapes,
    architecture: &Architecture,
) -> Result<(), WeightsError> {
    under_torchvisions_names(path, shapes)?;
    let (path, backbone) = (path.to_owned(), architecture.name.to_owned());
    if let Some(found) = looks_like(shapes).filter(|found| *found != backbone) {
        return Err(WeightsError::OtherNetwork { path, found, expected: backbone });
    }
    fits(&path, shapes, architecture.parameters(), &backbone, Names::Torchvision)
}

/// What stands before the names of other ResNets in a file that holds one under torchvision's own.
///
/// # Errors
/// A file that cannot be read or is no safetensors.
pub fn prefixes_beside(path: &Path) -> Result<Vec<String>, WeightsError> {
    let bytes = read(path)?;
    let shapes = shapes(&open(path, &bytes)?);
    Ok(if is_plain(&shapes) { prefixes(&shapes) } else { Vec::new() })
}

/// The network whose weights a file seems to hold, in words; `None` where nothing is known of it.
///
/// # Errors
/// A file that cannot be read or is no safetensors, or that has more before the names of its ResNets
/// than torchvision's.
pub fn network_of(path: &Path) -> Result<Option<String>, WeightsError> {
    let bytes = read(path)?;
    let shapes = shapes(&open(path, &bytes)?);
    under_torchvisions_names(path, &shapes)?;
    Ok(looks_like(&shapes))
}

/// Checks that a file's ResNets, if it has any, are not all under a prefix.
fn under_torchvisions_names(path: &Path, shapes: &Shapes) -> Result<(), WeightsError> {
    let prefixes = prefixes(shapes);
    if prefixes.is_empty() || is_plain(shapes) {
        return Ok(());
    }
    let (found, remedy) = (prefixed(&prefixes), remedy(path, &prefixes));
    Err(WeightsError::Prefixed { path: path.to_owned(), found, remedy })
}

/// Checks that a safetensors file's ResNets, if it has any, are not all under a prefix.
///
/// # Errors
/// [`WeightsError::Prefixed`], which names them all; a file that cannot be read.
pub(crate) fn check_names(path: &Path) -> Result<(), WeightsError> {
    let bytes = read(path)?;
    under_torchvisions_names(path, &shapes(&open(path, &bytes)?))
}

/// The command that takes a prefix off the names in a file.
pub fn remedy(path: &Path, prefixes: &[String]) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let stem = stem.strip_suffix(".pth").unwrap_or(&stem);
    let old = shown(path);
    let (prefix, name) = match prefixes {
        [prefix] => {
            let name = prefix.trim_end_matches('.').replace(|c: char| !c.is_alphanumeric(), "-");
            (crate::text::quoted(prefix), format!("{stem}-{name}.safetensors"))
        }
        _ => ("PREFIX".to_owned(), format!("{stem}-of-PREFIX.safetensors")),
    };
    let new = shown(&path.with_file_name(name));
    let command = format!("`hpflow weights convert {old} --prefix {prefix} --out {new}`");
    match prefixes {
        [_] => format!("take that off with {command}"),
        _ => format!("choose one and take it off with {command}"),
    }
}
