//! The evaluators, and what the code of each does on SPair-71k. What it does elsewhere is declared by the
//! other benchmarks, mostly as a change of this.

use super::Alpha;
use super::axes::{
    AnnotationForm, Average, DistanceFrame, DistanceTest, Measure, Predicting, Protocol, Threshold,
    TransferDirection, TruthPlacement,
};

/// One evaluator's code, which scores some benchmarks under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluator {
    /// What `--protocol` calls it.
    pub name: &'static str,
    /// Whose code it follows, in a few words.
    pub origin: &'static str,
    /// Where that code is: repository, commit, files and functions.
    pub code: &'static str,
}

/// Why an evaluator does not score a benchmark here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its authors' code does not score this benchmark; the reason, as the end of a sentence.
    NotDefined(&'static str),
    /// Its authors' code does, and hpflow lacks it; what it does, as the end of a sentence.
    Lacking(&'static str),
}

/// Evaluators that a benchmark refuses for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Their names.
    pub evaluators: &'static [&'static str],
    /// The reason.
    pub why: Refusal,
}

// What most benchmarks refuse.
pub(crate) const WILLOWS_OWN: Refused = Refused {
    evaluators: &["willow"],
    why: Refusal::NotDefined("it is PF-WILLOW's own; HPF's code measures others otherwise"),
};
pub(crate) const TSS_OWN: Refused = Refused {
    evaluators: &["tss"],
    why: Refusal::NotDefined("it is TSS's own, whose means are over its three subsets"),
};
pub(crate) const OF_MASKS: Refused = Refused {
    evaluators: &["caltech-lt-acc", "caltech-iou"],
    why: Refusal::NotDefined("it compares masks, and this benchmark has keypoints"),
};

/// The evaluator of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Evaluator> {
    EVALUATORS.iter().find(|evaluator| evaluator.name == name)
}

const WHOLE_PIXELS: &str = "takes queries and predictions at whole original pixels";

pub(crate) const fn warped(image_side: u32, rounding: Option<&'static str>) -> Option<Predicting> {
    Some(Predicting { image_side, resizing: "warps", rounding })
}

const fn padded(image_side: u32) -> Option<Predicting> {
    let rounding = Some("takes queries and predictions at centres of feature cells");
    Some(Predicting { image_side, resizing: "pads", rounding })
}

pub(crate) const fn alphas<const N: usize>(hundredths: [u32; N]) -> [Alpha; N] {
    let mut alphas = [Alpha::hundredths(1); N];
    let mut index = 0;
    while index < N {
        alphas[index] = Alpha::hundredths(hundredths[index]);
        index += 1;
    }
    alphas
}

const HPF: &str = "HPF 5a72968: model/util.py resize, model/evaluation.py Evaluator, \
                   data/dataset.py and data/pfwillow.py get_pckthres";
const DHPF: &str = "DHPF 8ba99ae: data/dataset.py get_points, get_pckthres, data/spair.py get_bbox, \
                    data/pfwillow.py, common/evaluation.py classify_prd";
const CHM: &str = "CHM bec0de4: data/dataset.py get_points, get_pckthres, data/pfwillow.py, \
                   common/evaluation.py Evaluator.evaluate, common/logger.py AverageMeter";
const CATS: &str = "CATs d01785a: data/dataset.py, data/pfwillow.py get_pckthres, \
                    utils_training/evaluation.py eval_kps_transfer";
const SD_DINO: &str = "sd-dino b85df18: pck_spair_pascal.py load_spair_data, load_pascal_data, \
                       preprocess_kps_pad, compute_pck, main";
const GEOAWARE: &str = "GeoAware-SC 99fd6b6: utils/utils_dataset.py load_spair_data, \
                        load_pascal_data, load_ap10k_data, pck_train.py compute_pck, \
                        utils/logger.py update_stats, log_weighted_pcks";
const DIFT: &str = "DIFT 9421eb2: eval_spair.py main";
const SD4MATCH: &str = "SD4Match 3d7b09e: dataset/dataset.py, dataset/pfwillow.py get_pckthres, \
                        utils/geometry.py regularise_coordinates, utils/evaluator.py calculate_pck";
const VISUAL_AI: &str = "Visual-AI 75b404e: dataset/dataset.py, dataset/pfpascal.py, \
                         dataset/pfwillow.py, utils/geometry_data.py scaling_coordinates, \
                         regularize_coordinates, utils/evaluator.py calculate_pck";
const NCNET: &str = "NC-Net 116a914: lib/pf_dataset.py __getitem__ (scnet), lib/eval_util.py pck, \
                     eval_pf_pascal.py";
const MMPOSE: &str = "mmpose 759b39c: keypoint_eval.py keypoint_pck_accuracy";
const DENSE_MATCHING: &str = "DenseMatching b054fe9: tss.py, run_evaluation_semantic";

/// Every verdict of 238 drawn and 120 real pairs and of 56 made to be hard.
const EVERY_VERDICT: &str = "run against the code: every verdict equal";
/// The code was read, and each step is a hand-computed test (`src/score/tests`).
pub(crate) const READ: &str = "read in the code; hand-computed tests";

/// The paper's own: most others differ from it in a few choices.
pub(crate) const SPAIR: Protocol = Protocol {
    name: "spair",
    benchmark: "spair",
    measure: Measure::Keypoints,
    direction: TransferDirection::SourceToTarget,
    threshold: Threshold::Box,
    frame: DistanceFrame::Original,
    truth: TruthPlacement::Annotated,
    comparison: DistanceTest::AtMost,
    average: Average::Pair,
    alphas: &alphas([10]),
    predicting: None,
    verified: EVERY_VERDICT,
    warning: None,
    annotations: AnnotationForm::Any,
};

/// HPF's code with `--thres img`.
pub(crate) const PASCAL: Protocol = Protocol {
    name: "pascal",
    threshold: Threshold::Image,
    alphas: &alphas([5, 10, 15]),
    verified: READ,
    ..SPAIR
};

pub(crate) const DHPF_240: Protocol = Protocol {
    name: "dhpf-240",
    frame: DistanceFrame::Warped(240),
    predicting: warped(240, None),
    ..SPAIR
};
pub(crate) const CHM_240: Protocol =
    Protocol { name: "chm-240", alphas: &alphas([5, 10]), ..DHPF_240 };
pub(crate) const CATS_256: Protocol = Protocol {
    name: "cats-256",
    direction: TransferDirection::TargetToSource,
    frame: DistanceFrame::Warped(256),
    predicting: Some(Predicting {
        image_side: 256,
        resizing: "warps",
        rounding: Some("clamps queries to [0, 255]"),
    }),
    verified: "run against the code: every verdict equal where no keypoint is outside; others read \
               in the code, with hand-computed tests",
    ..SPAIR
};

/// NC-Net's line, whose code has it for PF-PASCAL; its arithmetic is the same on SPair-71k's pairs, and
/// was run on them.
pub(crate) const SCNET_224: Protocol = Protocol {
    name: "scnet-224",
    direction: TransferDirection::TargetToSource,
    threshold: Threshold::Image,
    frame: DistanceFrame::Warped(224),
    predicting: warped(224, None),
    warning: Some(
        "a pair without a single prediction counts zero, as its authors' code counts it; their code has \
         this rule for PF-PASCAL",
    ),
    verified: "run against the code: within 8e-7 points where every pair is answered; others read in \
               the code, with hand-computed tests",
    ..SPAIR
};

/// sd-dino and GeoAware-SC compare with "less than". On PF-PASCAL they give no boxes, so that α is a
/// share of the padded image's side.
const STRICT: Protocol = Protocol {
    comparison: DistanceTest::Below,
    alphas: &alphas([10, 5, 1]),
    predicting: padded(840),
    ..SPAIR
};

pub(crate) const SD_DINO_CLASS: Protocol =
    Protocol { name: "sd-dino-class", average: Average::Category, ..STRICT };
pub(crate) const SD_DINO_WEIGHTED: Protocol =
    Protocol { name: "sd-dino-weighted", average: Average::CategoryByPairs, ..STRICT };
pub(crate) const GEOAWARE_IMAGE: Protocol = Protocol { name: "geoaware-image", ..STRICT };
pub(crate) const GEOAWARE_POINT: Protocol =
    Protocol { name: "geoaware-point", average: Average::Point, ..STRICT };

pub(crate) const DIFT_IMAGE: Protocol = Protocol {
    name: "dift-image",
    comparison: DistanceTest::RatioAtMost,
    predicting: warped(768, Some(WHOLE_PIXELS)),
    verified: "run against the code: every verdict equal, ties included",
    ..SPAIR
};
pub(crate) const DIFT_POINT: Protocol =
    Protocol { name: "dift-point", average: Average::Point, ..DIFT_IMAGE };

pub(crate) const SD4MATCH_IMAGE: Protocol = Protocol {
    name: "sd4match-image",
    frame: DistanceFrame::Warped(768),
    truth: TruthPlacement::Clamped,
    alphas: &alphas([5, 10, 15]),
    predicting: warped(768, None),
    ..SPAIR
};
pub(crate) const SD4MATCH_POINT: Protocol =
    Protocol { name: "sd4match-point", average: Average::Point, ..SD4MATCH_IMAGE };

pub(crate) const VISUAL_AI_IMAGE: Protocol = Protocol {
    name: "visual-ai-image",
    frame: DistanceFrame::WarpedCorners(840),
    truth: TruthPlacement::Clamped,
    alphas: &alphas([1, 5, 10, 15]),
    predicting: warped(840, None),
    verified: READ,
    ..SPAIR
};
pub(crate) const VISUAL_AI_POINT: Protocol =
    Protocol { name: "visual-ai-point", average: Average::Point, ..VISUAL_AI_IMAGE };

/// mmpose's function is of no benchmark: it scores whatever has boxes.
pub(crate) const MMPOSE_POINTS: Protocol = Protocol {
    name: "mmpose",
    average: Average::KeypointIndex,
    comparison: DistanceTest::Below,
    alphas: &alphas([5]),
    verified: "run against the code: within 1e-14 points",
    ..SPAIR
};

/// Every evaluator, that of the SPair-71k paper first.
pub static EVALUATORS: [Evaluator; 21] = [
    Evaluator {
        name: "spair",
        origin: "the SPair-71k paper, HPF, SCOT",
        code: "HPF 5a72968 and SCOT 538ae59: model/util.py resize, model/evaluation.py \
               Evaluator.eval_pck, correct_kps, data/dataset.py get_pckthres",
    },
    Evaluator { name: "dhpf-240", origin: "DHPF", code: DHPF },
    Evaluator { name: "chm-240", origin: "CHM", code: CHM },
    Evaluator { name: "cats-256", origin: "CATs", code: CATS },
    Evaluator { name: "sd-dino-class", origin: "sd-dino, \"Average\"", code: SD_DINO },
    Evaluator { name: "sd-dino-weighted", origin: "sd-dino, \"Weighted\"", code: SD_DINO },
    Evaluator { name: "geoaware-image", origin: "GeoAware-SC, per image", code: GEOAWARE },
    Evaluator { name: "geoaware-point", origin: "GeoAware-SC, per keypoint", code: GEOAWARE },
    Evaluator { name: "dift-image", origin: "DIFT, per image", code: DIFT },
    Evaluator { name: "dift-point", origin: "DIFT, per point", code: DIFT },
    Evaluator { name: "sd4match-image", origin: "SD4Match, per image", code: SD4MATCH },
    Evaluator { name: "sd4match-point", origin: "SD4Match, per point", code: SD4MATCH },
    Evaluator { name: "visual-ai-image", origin: "Visual-AI, per image", code: VISUAL_AI },
    Evaluator { name: "visual-ai-point", origin: "Visual-AI, per point", code: VISUAL_AI },
    Evaluator { name: "scnet-224", origin: "NC-Net's line, \"scnet\"", code: NCNET },
    Evaluator { name: "willow", origin: "PF-WILLOW, HPF", code: HPF },
    Evaluator { name: "pascal", origin: "PF-PASCAL, HPF by image (--thres img)", code: HPF },
    Evaluator { name: "tss", origin: "TSS", code: DENSE_MATCHING },
    Evaluator {
        name: "caltech-lt-acc",
        origin: "Caltech-101, HPF",
        code: "HPF 5a72968: model/evaluation.py eval_caltech",
    },
    Evaluator {
        name: "caltech-iou",
        origin: "Caltech-101, HPF",
        code: "HPF 5a72968: model/evaluation.py eval_caltech",
    },
    Evaluator {
        name: "mmpose",
        origin: "mmpose: a function for any keypoints with boxes",
        code: MMPOSE,
    },
];
