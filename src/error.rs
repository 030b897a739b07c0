//! One error for programs that want no more of the library's errors than their sentences.

use crate::task;

/// What hpflow cannot do, and why. Every error of the library becomes one with `?`.
///
/// ```
/// fn names(file: &std::path::Path) -> Result<Vec<String>, hpflow::Error> {
///     let pairs = hpflow::Reader::open(file)?;
///     pairs.map(|prediction| Ok(prediction?.pair)).collect()
/// }
/// let error = names("none.jsonl".as_ref()).unwrap_err();
/// assert!(matches!(error, hpflow::Error::Predictions(_)));
/// assert!(error.to_string().starts_with("cannot read none.jsonl"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that is no α.
    #[error(transparent)]
    Alpha(Box<crate::score::NotAnAlpha>),
    /// A table cannot be audited.
    #[error(transparent)]
    Audit(Box<task::AuditFileError>),
    /// A backbone failed.
    #[error(transparent)]
    Backbone(Box<crate::backbone::BackboneError>),
    /// A benchmark cannot be read.
    #[error(transparent)]
    Benchmark(Box<crate::benchmark::BenchmarkError>),
    /// A checkpoint cannot be converted.
    #[error(transparent)]
    Checkpoint(Box<crate::checkpoint::CheckpointError>),
    /// Weights do not fit.
    #[error(transparent)]
    CheckWeights(Box<task::CheckWeightsError>),
    /// A benchmark cannot be drawn.
    #[cfg(feature = "demo")]
    #[error(transparent)]
    Demo(Box<crate::benchmark::demo::DemoError>),
    /// A benchmark cannot be downloaded.
    #[cfg(feature = "hub")]
    #[error(transparent)]
    Download(Box<crate::download::DownloadError>),
    /// Figures cannot be drawn.
    #[error(transparent)]
    DrawStats(Box<task::DrawStatsError>),
    /// An engine failed.
    #[error(transparent)]
    Engine(Box<crate::engine::EngineError>),
    /// Feature maps on the disk cannot be used.
    #[error(transparent)]
    Features(Box<crate::features::FeaturesError>),
    /// Predictions files cannot be opened.
    #[error(transparent)]
    Files(Box<task::FilesError>),
    /// Layer sets cannot be evaluated.
    #[error(transparent)]
    Evaluation(Box<crate::search::EvaluationError>),
    /// A flow cannot be read or written.
    #[error(transparent)]
    Flow(Box<crate::flow::FlowError>),
    /// A photograph cannot be read.
    #[error(transparent)]
    Image(Box<crate::image::ImageError>),
    /// Predictions of another program cannot be imported.
    #[error(transparent)]
    Import(Box<task::ImportFileError>),
    /// Feature maps cannot be kept.
    #[error(transparent)]
    Keep(Box<task::KeepError>),
    /// Layers that are no set.
    #[error(transparent)]
    Layers(Box<crate::hyperpixel::layers::LayerSetError>),
    /// Pairs cannot be made.
    #[error(transparent)]
    MakePairs(Box<task::MakePairsError>),
    /// Feature maps of one's own make no hyperpixels.
    #[error(transparent)]
    Maps(Box<crate::method::hpf::MapsError>),
    /// A method failed.
    #[error(transparent)]
    Method(Box<crate::method::MethodError>),
    /// A method or a part of it cannot be opened.
    #[error(transparent)]
    Open(Box<crate::method::OpenError>),
    /// A picture cannot be written.
    #[error(transparent)]
    Picture(Box<crate::picture::PictureError>),
    /// A benchmark cannot be predicted.
    #[error(transparent)]
    Predict(Box<task::PredictError>),
    /// A predictions file cannot be read or written.
    #[error(transparent)]
    Predictions(Box<crate::predictions::PredictionsError>),
    /// A report cannot be written.
    #[error(transparent)]
    Report(Box<task::ReportError>),
    /// A pair cannot be counted.
    #[error(transparent)]
    RunningPck(Box<crate::score::RunningPckError>),
    /// Predictions cannot be scored.
    #[error(transparent)]
    Score(Box<crate::score::ScoreError>),
    /// Predictions files cannot be scored.
    #[error(transparent)]
    ScoreFiles(Box<task::ScoreFilesError>),
    /// A layer set cannot be searched for.
    #[error(transparent)]
    Search(Box<task::SearchError>),
    /// Pictures cannot be drawn.
    #[error(transparent)]
    Show(Box<task::ShowError>),
    /// A photograph cannot be used.
    #[error(transparent)]
    Unusable(Box<crate::method::Unusable>),
    /// A table's rows cannot be audited.
    #[error(transparent)]
    AuditTable(Box<crate::score::audit::AuditError>),
    /// A GPU cannot run the kernels, or failed.
    #[error(transparent)]
    Gpu(Box<crate::engine::GpuError>),
    /// A file of another program cannot be read.
    #[error(transparent)]
    ImportRead(Box<crate::import::ImportError>),
    /// Shards cannot be merged.
    #[error(transparent)]
    Merge(Box<task::MergeError>),
    /// A pair of a photograph that there is not.
    #[error(transparent)]
    NoSuchPhotograph(Box<crate::method::NoSuchPhotograph>),
    /// Pairs cannot be built of images.
    #[error(transparent)]
    Pairs(Box<crate::benchmark::spair::pairs::PairsError>),
    /// Parts of a search cannot be put together.
    #[error(transparent)]
    Parts(Box<task::PartsError>),
    /// A shard cannot be predicted.
    #[error(transparent)]
    PredictShard(Box<task::PredictShardError>),
    /// A preset that there is not.
    #[error(transparent)]
    Preset(Box<crate::engine::gpu::PresetError>),
    /// A shard that there is not.
    #[error(transparent)]
    Shard(Box<task::ShardError>),
    /// The file of a search cannot be used.
    #[error(transparent)]
    State(Box<crate::search::StateError>),
    /// A pair is beyond what an engine can take.
    #[error(transparent)]
    TooLarge(Box<crate::method::TooLarge>),
    /// A pair has no prediction.
    #[error(transparent)]
    Unanswered(Box<crate::method::Unanswered>),
    /// Pairs cannot be written.
    #[error(transparent)]
    WritePairs(Box<crate::benchmark::spair::WriteError>),
    /// Weights cannot be had.
    #[error(transparent)]
    Weights(Box<crate::backbone::WeightsError>),
}

/// `From` for each of them; boxed, so that a result stays small.
macro_rules! from {
    ($($(#[$when:meta])? $variant:ident($error:path);)*) => {
        $($(#[$when])? impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        })*
    };
}

from! {
    Alpha(crate::score::NotAnAlpha);
    Audit(task::AuditFileError);
    Backbone(crate::backbone::BackboneError);
    Benchmark(crate::benchmark::BenchmarkError);
    Checkpoint(crate::checkpoint::CheckpointError);
    CheckWeights(task::CheckWeightsError);
    #[cfg(feature = "demo")] Demo(crate::benchmark::demo::DemoError);
    #[cfg(feature = "hub")] Download(crate::download::DownloadError);
    DrawStats(task::DrawStatsError);
    Engine(crate::engine::EngineError);
    Features(crate::features::FeaturesError);
    Files(task::FilesError);
    Evaluation(crate::search::EvaluationError);
    Flow(crate::flow::FlowError);
    Image(crate::image::ImageError);
    Import(task::ImportFileError);
    Keep(task::KeepError);
    Layers(crate::hyperpixel::layers::LayerSetError);
    MakePairs(task::MakePairsError);
    Maps(crate::method::hpf::MapsError);
    Method(crate::method::MethodError);
    Open(crate::method::OpenError);
    Picture(crate::picture::PictureError);
    Predict(task::PredictError);
    Predictions(crate::predictions::PredictionsError);
    Report(task::ReportError);
    RunningPck(crate::score::RunningPckError);
    Score(crate::score::ScoreError);
    ScoreFiles(task::ScoreFilesError);
    Search(task::SearchError);
    Show(task::ShowError);
    Unusable(crate::method::Unusable);
    AuditTable(crate::score::audit::AuditError);
    Gpu(crate::engine::GpuError);
    ImportRead(crate::import::ImportError);
    Merge(task::MergeError);
    NoSuchPhotograph(crate::method::NoSuchPhotograph);
    Pairs(crate::benchmark::spair::pairs::PairsError);
    Parts(task::PartsError);
    PredictShard(task::PredictShardError);
    Preset(crate::engine::gpu::PresetError);
    Shard(task::ShardError);
    State(crate::search::StateError);
    TooLarge(crate::method::TooLarge);
    Unanswered(crate::method::Unanswered);
    WritePairs(crate::benchmark::spair::WriteError);
    Weights(crate::backbone::WeightsError);
}
