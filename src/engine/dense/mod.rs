//! The dense engines: both methods as published, in libtorch. They are the baselines that the other
//! engines are compared with, and a second oracle for them.

mod consensus;
mod hough;
mod libtorch;

pub use consensus::DenseConsensus;
pub use hough::DenseEngine;
