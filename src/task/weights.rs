//! Weights of networks: which are known, fetched and checked.

use std::path::{Path, PathBuf};

use crate::backbone::WeightsSource;
use crate::backbone::networks::{ARCHITECTURES, Architecture};
use crate::backbone::weights::baselines::Baseline;
use crate::backbone::weights::{
    self, HubFile, Shapes, Weights, WeightsError, hub, is_plain, load, load_baseline, looks_like,
    manifest, network_of, prefixed, prefixes, prefixes_beside, remedy, sha256,
};
use crate::progress::Progress;

/// Weights that are known by a short name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownWeights {
    /// The short name.
    pub name: String,
    /// The repository on the Hugging Face hub.
    pub repository: String,
    /// What they are, in a line.
    pub about: String,
    /// The commit that is in the hub's cache, if one is.
    pub cached: Option<String>,
}

/// Weights that are known by a short name, and whether they are in the hub's cache.
///
/// # Errors
/// A system without a home folder, where nothing says where the cache is.
pub fn known_weights() -> Result<Vec<KnownWeights>, WeightsError> {
    let settings = hub::Settings::from_environment()?;
    let known = manifest::known().into_iter().map(|known| {
        let revision = hub::DEFAULT_REVISION.to_owned();
        let (repository, file) = (known.repository.clone(), known.file);
        let cached = hub::cached(&settings, &HubFile { repository, revision, file });
        KnownWeights {
            name: known.name.to_string(),
            repository: known.repository,
            about: known.about.to_string(),
            cached: cached.map(|fetched| fetched.commit),
        }
    });
    Ok(known.collect())
}

/// The folder of the hub's cache, found as Python's library finds it.
///
/// # Errors
/// As [`known_weights`].
pub fn hub_cache() -> Result<PathBuf, WeightsError> {
    Ok(hub::Settings::from_environment()?.cache)
}

/// A file of the hub in its cache.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchedWeights {
    /// The file.
    pub file: PathBuf,
    /// The commit that it is of.
    pub revision: String,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// Downloads weights from the Hugging Face hub into its cache, where the cache does not have what the
/// hub's revision is now.
///
/// # Errors
/// A hub that cannot be reached, or that does not have them; a download that came incomplete.
pub fn fetch_weights(
    wanted: &HubFile,
    progress: &Progress,
) -> Result<FetchedWeights, WeightsError> {
    let settings = hub::Settings::from_environment()?;
    let fetched = hub::fetch(&settings, wanted, hub::Freshness::Current, progress)?;
    let sha256 = sha256(&fetched.path)?;
    Ok(FetchedWeights { file: fetched.path, revision: fetched.commit, sha256 })
}

/// Weights that fit their network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedWeights {
    /// The network.
    pub network: String,
    /// How many tensors it has.
    pub tensors: usize,
    /// How many numbers they have.
    pub values: usize,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// What stands before the names of other networks in the same file.
    pub beside: Vec<String>,
}

/// Why weights do not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckWeightsError {
    /// A network that there is not.
    #[error("hpflow has no weights for '{name}'; give {}", architectures())]
    NoNetwork {
        /// What was asked for.
        name: String,
    },
    /// Weights that fit any network, and none was named.
    #[error("{weights} fits every network; name one")]
    AnyNetwork {
        /// The weights.
        weights: String,
    },
    /// A file of another network than those that can be checked.
    #[error(
        "{}: looks like the weights of {found}; give the weights of {}, or of a learned baseline",
        file.display(), architectures()
    )]
    Unknown {
        /// The file.
        file: PathBuf,
        /// What it seems to hold.
        found: String,
    },
    /// Weights that cannot be had, or do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

fn architectures() -> String {
    ARCHITECTURES.map(|architecture| architecture.name).join(" or ")
}

/// Checks that weights fit their network, tensor by tensor: the one named, or the one that they look
/// like. Files of learned baselines are known by their tensors' names.
///
/// # Errors
/// See [`CheckWeightsError`].
pub fn check_weights(
    source: &WeightsSource,
    network: Option<&str>,
    progress: &Progress,
) -> Result<CheckedWeights, CheckWeightsError> {
    // What is on the hub is a file of its cache.
    let source = match source {
        WeightsSource::Hub(wanted) => {
            let settings = hub::Settings::from_environment()?;
            let fetched = hub::fetch(&settings, wanted, hub::Freshness::Cached, progress)?;
            WeightsSource::File(fetched.path)
        }
        source => source.clone(),
    };
    if let (WeightsSource::File(path), None) = (&source, network)
        && let Some((baseline, weights)) = load_baseline(path)?
    {
        return Ok(checked(baseline.to_string(), &weights));
    }
    let architecture = match network {
        Some(name) => Architecture::named(name)
            .ok_or_else(|| CheckWeightsError::NoNetwork { name: name.to_owned() })?,
        None => guess(&source)?,
    };
    let mut found = checked(architecture.name.to_owned(), &load(&source, &architecture, progress)?);
    if let WeightsSource::File(path) = &source {
        found.beside = prefixes_beside(path)?;
    }
    Ok(found)
}

fn checked(network: String, weights: &Weights) -> CheckedWeights {
    CheckedWeights {
        network,
        tensors: weights.values.len(),
        values: weights.values.values().map(Vec::len).sum(),
        sha256: weights.identity.sha256.clone(),
        beside: Vec::new(),
    }
}

fn guess(source: &WeightsSource) -> Result<Architecture, CheckWeightsError> {
    let WeightsSource::File(path) = source else {
        return Err(CheckWeightsError::AnyNetwork { weights: source.to_string() });
    };
    let found = network_of(path)?.unwrap_or_else(|| "no network hpflow knows".to_owned());
    Architecture::named(&found)
        .ok_or_else(|| CheckWeightsError::Unknown { file: path.clone(), found })
}

/// The network that tensors of these names and shapes in a file are of, and what of it is wrong, in
/// words.
#[must_use]
pub fn describe_weights(file: &Path, shapes: &Shapes) -> String {
    let Some(name) = looks_like(shapes) else {
        return "not one that hpflow knows".to_owned();
    };
    let others = prefixes(shapes);
    if !others.is_empty() && !is_plain(shapes) {
        return format!("{name}; {}", remedy(file, &others));
    }
    let checked = match (Baseline::of(shapes), Architecture::named(&name)) {
        (Some(baseline), _) => baseline.check(file, shapes),
        (None, Some(architecture)) => weights::check(file, shapes, &architecture),
        (None, None) => Ok(()),
    };
    match checked {
        Ok(()) if !others.is_empty() => format!("{name}; beside it {}", prefixed(&others)),
        Ok(()) => name,
        Err(WeightsError::Missing { name: tensor, shape, missing, needed, .. }) => format!(
            "{name}, but {tensor} of shape {shape:?} is missing ({missing} of {needed} tensors are)"
        ),
        Err(WeightsError::Shape { name: tensor, found, expected, .. }) => {
            format!("{name}, but {tensor} has shape {found:?}, expected {expected:?}")
        }
        Err(error) => format!("{name}, but {error}"),
    }
}
