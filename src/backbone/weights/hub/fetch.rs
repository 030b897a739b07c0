//! Files of the hub, from the cache or downloaded.

use super::cache::{Fetched, Freshness, HubFile, Settings, cached};
#[cfg(feature = "hub")]
use super::online::fetch as from_the_hub;
use crate::backbone::weights::error::WeightsError;
use crate::progress::Progress;

/// A file of the hub: from the cache, or downloaded into it. A revision is first resolved to its
/// commit, and that commit's file is the one taken; its SHA-256 is compared with the hub's.
///
/// # Errors
/// A hub that cannot be reached or answers with something else, a repository, revision or file
/// that it does not have, or a download that came incomplete.
pub fn fetch(
    settings: &Settings,
    wanted: &HubFile,
    freshness: Freshness,
    progress: &Progress,
) -> Result<Fetched, WeightsError> {
    if (freshness == Freshness::Cached || settings.offline)
        && let Some(fetched) = cached(settings, wanted)
    {
        return Ok(fetched);
    }
    if settings.offline {
        return Err(WeightsError::Offline {
            repository: wanted.repository.clone(),
            revision: wanted.revision.clone(),
            cache: settings.cache.clone(),
        });
    }
    from_the_hub(settings, wanted, progress)
}

/// Without the hub's client, only files in the cache can be used.
#[cfg(not(feature = "hub"))]
fn from_the_hub(
    settings: &Settings,
    wanted: &HubFile,
    _progress: &Progress,
) -> Result<Fetched, WeightsError> {
    let name = format!("{}@{}", wanted.repository, wanted.revision);
    Err(WeightsError::WithoutHub { wanted: name, cache: settings.cache.clone() })
}
