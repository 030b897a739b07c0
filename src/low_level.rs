//! The parts that the rest is made of, for programs that need more than the names at the root and the
//! functions of [`task`](crate::task): their own feature maps, engines, verdicts, tables.
//!
//! | what for | where |
//! | --- | --- |
//! | feature maps of any network to keypoints and dense flow | [`hyperpixel`], [`engine`], [`transfer`] |
//! | a benchmark predicted by a function of one's own | [`method`], with [`task::predict`](crate::task::predict()) |
//! | benchmarks, photographs as published code decodes them | [`benchmark`], [`image`] |
//! | which keypoints are right, PCK, intervals, protocols | [`score`] |
//! | files: predictions, kept features, flows, weights | [`predictions`], [`features`], [`flow`], [`backbone`], [`checkpoint`] |
//! | tables and pictures | [`report`], [`picture`] |
//!
//! These change more often than the root does; what changes is in the changelog.

/// This build: what `hpflow --version` and the headers of files say.
pub mod build {
    /// The version of the crate.
    pub const VERSION: &str = env!("CARGO_PKG_VERSION");
    /// The commit that was built (`commit` and ten digits), where the build knew it.
    pub const COMMIT: Option<&str> = option_env!("HPFLOW_COMMIT");
    /// The version of libtorch that the build was linked with, where it knew it.
    pub const LIBTORCH_VERSION: Option<&str> = option_env!("HPFLOW_LIBTORCH_VERSION");
    /// Whether the ResNets, the learned methods and the dense engine are in it (feature `torch`).
    pub const HAS_TORCH: bool = cfg!(feature = "torch");

    /// Whether libtorch is in it and finds a CUDA device.
    #[must_use]
    pub fn has_cuda() -> bool {
        #[cfg(feature = "torch")]
        return tch::Cuda::is_available();
        #[cfg(not(feature = "torch"))]
        return false;
    }
}

/// Networks, and the files of their weights.
pub mod backbone {
    pub use crate::backbone::networks::{ARCHITECTURES, Architecture, Parameter};
    pub use crate::backbone::networks::{GeometricModel, TrunkKind};
    pub use crate::backbone::weights::baselines::Baseline;
    pub use crate::backbone::weights::{HubFile, Shapes, Weights, WeightsIdentity, load, prefixed};
    pub use crate::backbone::{
        Backbone, BackboneError, BackboneOptions, Device, NAMES, WeightsError, WeightsSource, open,
    };
    pub use crate::hyperpixel::FeatureMap;
}

/// What a benchmark is made of, how it is checked, counted and made.
pub mod benchmark {
    pub use crate::benchmark::{
        Benchmark, BenchmarkError, BenchmarkInfo, BenchmarkKind, BenchmarkOptions, Count, Counts,
        Doubts, Factor, GroundTruth, Headings, Image, LayoutSize, Pair, Unreadable, Variation,
        Visibility,
    };

    /// What is wrong with a benchmark's files: [`task::check_benchmark`](crate::task::check_benchmark).
    pub mod doctor {
        pub use crate::benchmark::doctor::{Ailment, CheckScope, CheckedSplit, Diagnosis, Finding};
    }

    /// What a benchmark is made of, in numbers.
    pub mod stats {
        pub use crate::benchmark::stats::{SplitStats, Stats, stats};
    }

    /// SPair-71k's own files, read and made: [`task::make_pairs`](crate::task::make_pairs).
    pub mod spair {
        pub use crate::benchmark::spair::pairs::{PairsError, build};
        pub use crate::benchmark::spair::{ImageSelection, WriteError, read_images, write_pairs};
    }

    /// The drawn benchmark: [`task::draw_benchmark`](crate::task::draw_benchmark).
    #[cfg(feature = "demo")]
    pub mod demo {
        pub use crate::benchmark::demo::{
            DemoError, DemoOptions, Size, Split, Summary, USUAL_CATEGORIES, category_names,
            generate,
        };
    }
}

/// Checkpoints that PyTorch wrote.
pub mod checkpoint {
    pub use crate::checkpoint::{
        CheckpointError, CheckpointFormat, ConvertOptions, Converted, ENTRY, convert,
    };
}

/// Archives of benchmarks from their authors' servers:
/// [`task::download_benchmark`](crate::task::download_benchmark).
#[cfg(feature = "hub")]
pub mod download {
    pub use crate::download::{DownloadError, fetch, unpack};
}

/// From two hyperimages to the best target hyperpixel of each source hyperpixel.
pub mod engine {
    pub use crate::engine::cpu::{CpuEngine, InstructionSet};
    pub use crate::engine::gpu::{
        AdapterReport, CheckFinding, DeviceCheck, GpuEngine, GpuError, GpuOptions, Preset,
        PresetError, TensorCores, adapters, check, is_waiting, preset_of, why_no_adapter,
    };
    pub use crate::engine::{
        Checked, Engine, EngineError, EngineKind, EngineOptions, Matches, MissingDriver,
        PairRequest, SetRequest, SetsRequest, StageTimes, auto_takes, open,
    };
}

/// Feature maps on the disk: files that another program writes or reads, and folders of them.
pub mod features {
    pub use crate::features::{
        Description, Features, FeaturesError, FeaturesFile, FeaturesHeader, Layer, METADATA, Ratio,
        Standing, VERSION, check_names, file_of, locate, open, write,
    };
}

/// Dense flow, and its files.
pub mod flow {
    pub use crate::flow::{Flow, FlowError};
}

/// Layer sets, and the hyperpixels that they make.
pub mod hyperpixel {
    pub use crate::hyperpixel::geometry::Range;
    pub use crate::hyperpixel::layers::LayerSetError;
    pub use crate::hyperpixel::{
        Geometry, Grid, Group, Hyperimage, LayerSet, LayerStack, Precision, Values, View,
    };
}

/// Photographs, as published code decodes and resizes them.
pub mod image {
    pub use crate::image::{
        ImageError, MEAN, Photo, Photograph, Prepared, STANDARD_DEVIATION, is_decoding, prepare,
        read, size,
    };
}

/// Predictions of other programs: [`task::import_file`](crate::task::import_file).
pub mod import {
    pub use crate::import::{ImportError, ImportKind, read};
}

/// The methods by their names, methods of one's own, and what both are asked.
///
/// A network of one's own gives feature maps to [`hpf::MapsMethod`](method::hpf::MapsMethod), any other
/// method keypoints to [`PairsMethod`](method::PairsMethod); [`task::predict`](crate::task::predict())
/// takes both, as it takes a method that is opened by its name.
pub mod method {
    pub use crate::method::{
        Advice, Direction, EngineRequest, KeptFeatures, Matched, Method, MethodError, MethodInfo,
        MethodOptions, NoSuchPhotograph, OpenError, Outcome, PairsMethod, PublishedLayers, Query,
        Request, Resources, Sharing, Sink, Stop, TooLarge, Unanswered, Unusable, Uses, Work,
        WorkPair, WorkPhotograph, named, open, parse, row_name, table,
    };

    /// Hyperpixel Flow, its options, and the same on maps of one's own network.
    pub mod hpf {
        pub use crate::method::hpf::{
            BackboneKind, GivenMaps, Hpf, HpfBuilder, HpfFeatures, HpfOptions, IMAGE_SIDE, INFO,
            MapsError, MapsMethod, PhotographMaps, decode, published_layers,
        };
    }
}

/// Pictures of matches.
pub mod picture {
    pub use crate::picture::{
        Drawn, PictureError, ThinPlate, TrueKeypoint, contact_sheet, matches, matches_and_warp,
        warp_by_flow, warp_by_spline, write_png,
    };
}

/// Predictions files.
pub mod predictions {
    pub use crate::predictions::{
        AnyWriter, Done, FORMAT, Header, HeaderField, Line, MAX_LINE, MethodHeader, Prediction,
        PredictionsError, Reader, ShardHeader, StreamWriter, VERSION, Writer, partial_path,
    };
}

/// Tables of scores, as text, Markdown, LaTeX and CSV.
pub mod report {
    pub use crate::report::scores::{Contrast, FileScores, Scope};
    pub use crate::report::{ColumnGroup, Format, Table, TableRow};

    /// What protocols judge differently: [`task::explain_files`](crate::task::explain_files).
    pub mod explanation {
        pub use crate::report::explanation::{ProtocolComparison, json, text};
    }
}

/// Verdicts, scores and what they mean.
pub mod score {
    pub use crate::score::{
        Alpha, AnnotationForm, Answers, Average, Breakdown, DistanceFrame, DistanceTest,
        EVALUATORS, Evaluator, Levels, Measure, Measured, NotAnAlpha, Predicting, Protocol,
        Refusal, Refused, RunningPck, RunningPckError, Score, ScoreError, Threshold,
        TransferDirection, TruthPlacement, Verdict, breakdown, check, default_for, defaults_for,
        defined, find, judge, radius, score, warnings,
    };

    /// Intervals, and paired tests between two methods.
    pub mod bootstrap {
        pub use crate::score::bootstrap::{
            Bootstrap, Certainty, Interval, Paired, ResamplingUnit, TOO_FEW, compare, interval,
        };
    }

    /// Keypoints that two protocols judge differently.
    pub mod explain {
        pub use crate::score::explain::{Choice, Difference, Judgement, explain};
    }

    /// Whether a published table follows from its columns:
    /// [`task::audit_file`](crate::task::audit_file).
    pub mod audit {
        pub use crate::score::audit::{
            Audit, AuditError, AuditedRow, Claim, Consistency, FactorCells, Implied, Over, audit,
        };
    }
}

/// The search for a layer set ([`task::search`](crate::task::search())), and the evaluation of many sets
/// at once that it rests on.
pub mod search {
    pub use crate::search::{
        Bits, Evaluation, EvaluationError, EvaluationEvent, Finalist, Listener, PAIR_BLOCK,
        RESAMPLES, ScoredSet, Search, SearchOutcome, SearchPlan, SetEvaluator, State, StateError,
        StoredBits, StoredScore, Unfinished, best,
    };
}

/// Where outputs go, and how they are replaced.
pub mod files {
    pub use crate::files::{Destination, check, regular, rename, write};
}

/// What the answers of pairs are made of, which unfinished work is tied to.
pub mod inputs {
    pub use crate::inputs::{Identify, Inputs, of_pairs, photograph};
}

/// What other programs' text is read with.
pub mod text {
    pub use crate::json::{MaybePoint, fault, fault_at, from_slice};
    pub use crate::text::{NoText, lines, quoted, shortened, utf8};
}

/// From matches of hyperpixels to keypoints.
pub mod transfer {
    pub use crate::transfer::{Neighbours, flow, transfer, transfer_between};
}
