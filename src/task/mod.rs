//! What a user wants done, whole: the functions that the command line calls, for any program.
//!
//! Each takes typed options and a listener that is told how far it has come, returns values, and prints
//! nothing.

mod audit;
mod dataset;
mod estimate;
mod files;
mod import;
mod keep;
mod merge;
mod partition;
mod predict;
mod report;
mod score;
mod search;
mod search_error;
mod search_parts;
mod shards;
mod show;
mod weights;

pub use crate::progress::{Advance, ProgressUnit};
pub use audit::{AuditFileError, audit_file};
#[cfg(feature = "demo")]
pub use dataset::draw_benchmark;
#[cfg(feature = "hub")]
pub use dataset::{DownloadOptions, download_benchmark};
pub use dataset::{
    DrawStatsError, MadePairs, MakePairsError, PairsOptions, check_benchmark, draw_stats,
    make_pairs,
};
pub use estimate::{Estimate, estimate};
pub use files::{FilesError, Opened, PredictionsFiles};
pub use import::{ImportFileError, ImportOptions, Imported, import_file};
pub use keep::{KeepError, KeptFiles, keep_features, keep_features_of_shard};
pub use merge::{MergeError, MergeOptions, Merged, ShardFault, ShardFaultKind, merge};
pub use partition::{MOST_SHARDS, Part, Shard, ShardError, partition};
pub use predict::{
    Begun, PredictError, PredictEvent, PredictOptions, Predicted, StopReason, predict,
};
pub use report::{Report, ReportError, ReportOptions, report_files};
pub use score::{Explained, ScoreFilesError, ScoreOptions, Scored, explain_files, score_files};
pub use search::{
    FoundLayers, SearchEvent, SearchMaps, SearchOptions, check_search_file, search, search_part,
};
pub use search_error::{LayerList, MissingPart, PartsError, SearchError};
pub use search_parts::{PartEvent, SearchParts, parts_path};
pub use shards::{PredictShardError, PredictedShard, ShardEvent, host, predict_shard, shards_path};
pub use show::{ShowError, ShowOptions, ShowOrder, Shown, picture_of, show_file};
pub use weights::{
    CheckWeightsError, CheckedWeights, FetchedWeights, KnownWeights, check_weights,
    describe_weights, fetch_weights, hub_cache, known_weights,
};
