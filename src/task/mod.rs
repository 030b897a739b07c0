//! What a user wants done, whole: the functions that the command line calls, for any program.
//!
//! Each takes typed options and a listener that is told how far it has come, returns values, and prints
//! nothing.

mod estimate;
mod files;
mod keep;
mod merge;
mod partition;
mod predict;
mod score;
mod search_parts;
mod shards;

pub use estimate::{Estimate, estimate};
pub use files::{FilesError, Opened, PredictionsFiles};
pub use keep::{KeepError, KeptFiles, keep_features, keep_features_of_shard};
pub use merge::{MergeError, MergeOptions, Merged, ShardFault, ShardFaultKind, merge};
pub use partition::{MOST_SHARDS, Part, Shard, ShardError, partition};
pub use predict::{
    Begun, PredictError, PredictEvent, PredictOptions, Predicted, StopReason, predict,
};
pub use score::{Explained, ScoreFilesError, ScoreOptions, Scored, explain_files, score_files};
pub use search_parts::{MissingPart, PartEvent, PartsError, SearchParts, parts_path};
pub use shards::{PredictShardError, PredictedShard, ShardEvent, host, predict_shard, shards_path};
