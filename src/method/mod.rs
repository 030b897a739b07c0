//! Methods: from pairs of photographs to predicted keypoints. Each method is one file or folder here
//! and one entry of [`table`].

pub mod alignment;
mod contract;
pub mod frame;
pub mod hpf;
pub mod identity;
mod info;
mod learned;
pub mod ncnet;
mod own;
mod pair_network;
mod photo_cache;
mod photograph;
mod request;
pub(crate) mod schedule;
mod sharing;
mod table;
mod work;

pub use contract::{
    Matched, Method, MethodError, Outcome, Query, Sink, Stop, TooLarge, Unanswered,
};
pub use info::{MethodInfo, MethodOptions, PublishedLayers};
pub use own::PairsMethod;
pub use pair_network::Direction;
pub use photograph::Unusable;
pub use request::{Advice, EngineRequest, KeptFeatures, OpenError, Request, Resources};
pub use sharing::Sharing;
pub use table::{named, open, parse, row_name, table};
pub use work::{NoSuchPhotograph, Uses, Work, WorkPair, WorkPhotograph};
