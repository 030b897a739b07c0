//! What a user wants done, whole: the functions that the command line calls, for any program.
//!
//! Each takes typed options and a listener that is told how far it has come, returns values, and prints
//! nothing.

mod files;
mod keep;
mod predict;
mod score;
mod search;

pub use files::{FilesError, Opened, PredictionsFiles};
pub use keep::{KeepError, KeptFiles, keep_features};
pub use predict::{
    Begun, PredictError, PredictEvent, PredictOptions, Predicted, StopReason, predict,
};
pub use score::{Explained, ScoreFilesError, ScoreOptions, Scored, explain_files, score_files};
pub use search::{
    FoundLayers, LayerList, SearchError, SearchEvent, SearchMaps, SearchOptions, search,
};
