//! Engines: from two hyperimages to the best target hyperpixel of each source hyperpixel asked for
//! (HPF, sections 3.2 and 3.3; docs/method.md, "What is computed instead"), and from a correlation of
//! two photographs to one that neighbourhood consensus has filtered ([`consensus`]).
//!
//! [`cpu`], [`gpu`] and `dense` (libtorch) each hold an engine of either kind. The rest
//! belongs to no device: the requests and their checks, the traits [`Engine`] and
//! [`consensus::ConsensusEngine`], Hough space, and the choice of an engine by its name.

mod auto;
mod checked;
pub mod consensus;
pub(crate) mod contract;
pub mod cpu;
#[cfg(feature = "torch")]
pub mod dense;
mod error;
pub mod gpu;
pub(crate) mod hough;
mod kind;
mod mirror;
mod missing;
mod open;
mod pool;
mod request;
mod stages;

pub use auto::auto_takes;
pub use checked::Checked;
pub use contract::{Engine, Matches};
pub use error::{EngineError, GpuError};
pub use hough::HOUGH_CELLS;
pub use kind::EngineKind;
pub use missing::MissingDriver;
pub use open::{EngineOptions, open, open_consensus};
pub use request::{PairRequest, SetRequest, SetsRequest};
pub use stages::StageTimes;
