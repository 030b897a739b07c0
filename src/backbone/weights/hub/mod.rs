//! The Hugging Face hub: files of model repositories, kept in the cache that the hub's Python
//! library uses, under the environment variables that it obeys.

mod cache;
mod fetch;
mod folders;
#[cfg(feature = "hub")]
mod online;

pub use cache::{DEFAULT_FILE, DEFAULT_REVISION, Fetched, Freshness, HubFile, Settings, cached};
pub use fetch::fetch;
