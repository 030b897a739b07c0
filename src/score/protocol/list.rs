//! Every evaluator's rule for every benchmark, as its code has it.

use super::{
    Average, Comparison, Direction, Evaluator, Frame, Measure, Predicting, Protocol, Rule, Rules,
    Threshold, Truth,
};
use crate::benchmark::Kind;
use crate::score::Alpha;

use Rule::{Defined, NotBuilt, NotDefined};

const WHOLE_PIXELS: &str = "takes queries and predictions at whole original pixels";

const fn warped(image_side: u32, rounding: Option<&'static str>) -> Option<Predicting> {
    Some(Predicting { image_side, resizing: "warps", rounding })
}

const fn padded(image_side: u32) -> Option<Predicting> {
    let rounding = Some("takes queries and predictions at centres of feature cells");
    Some(Predicting { image_side, resizing: "pads", rounding })
}

const fn alphas<const N: usize>(hundredths: [u32; N]) -> [Alpha; N] {
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
const SD4MATCH: &str = "SD4Match 7d3b09e: dataset/dataset.py, dataset/pfwillow.py get_pckthres, \
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
const READ: &str = "read in the code; hand-computed tests";
const READ_AND_REPEATED: &str = "read in the code; the same arithmetic in NumPy gives equal figures on \
                                 all 900 pairs";
const AS_SPAIR: &str = "read as SPair-71k";

/// The paper's own: most others differ from it in a few choices.
const PAPER: Protocol = Protocol {
    name: "spair",
    benchmark: Kind::Spair,
    measure: Measure::Keypoints,
    direction: Direction::SourceToTarget,
    threshold: Threshold::Box,
    frame: Frame::Original,
    truth: Truth::Annotated,
    comparison: Comparison::AtMost,
    average: Average::Pair,
    alphas: &alphas([10]),
    predicting: None,
    verified: EVERY_VERDICT,
    warning: None,
};

/// What a rule that needs no code of its authors' does on SPair-71k, for others in its form.
const fn in_its_form(on_spair: Protocol) -> Rule {
    Defined(Protocol { benchmark: Kind::SpairJson, verified: AS_SPAIR, ..on_spair })
}

/// An evaluator's rule for SPair-71k, for others in its form, with what a reader of the numbers has to
/// know of that.
const fn applied_in_its_form(on_spair: Protocol, warning: &'static str) -> Rule {
    in_its_form(Protocol { warning: Some(warning), ..on_spair })
}

const UNREAD: &str =
    "applied to this benchmark as to SPair-71k; the authors' code does not read it";
/// GeoAware-SC's AP-10K is scored as its SPair-71k.
const AP_10K: &str = "applied to this benchmark as to SPair-71k; of others in that form the authors' \
                      code reads AP-10K alone, which it scores so too";
const AP_10K_VISIBLE: &str = "applied to this benchmark as to SPair-71k; of others in that form the \
                              authors' code reads AP-10K alone, of which it takes keypoints of \
                              visibility 2, where hpflow takes all above 0";

const fn on_pf_pascal(on_spair: Protocol) -> Protocol {
    Protocol { benchmark: Kind::PfPascal, threshold: Threshold::Image, verified: READ, ..on_spair }
}

const fn on_pf_willow(on_spair: Protocol, threshold: Threshold) -> Protocol {
    Protocol { benchmark: Kind::PfWillow, threshold, verified: READ_AND_REPEATED, ..on_spair }
}

const PADDING: &str = "on PF-WILLOW its authors' code counts padding entries into the extent of the \
                       keypoints, which makes thresholds larger: about 3 points more than protocol \
                       willow gives on the same predictions";

const fn padded_pf_willow(on_spair: Protocol, padding: u8) -> Rule {
    let threshold = Threshold::PaddedKeypoints(padding);
    Defined(Protocol { warning: Some(PADDING), ..on_pf_willow(on_spair, threshold) })
}

const NO_MASKS: Rule = NotDefined("its code has no Caltech-101, whose masks it does not compare");
const NO_FLOWS: Rule = NotDefined("its code has no TSS");
const NO_WILLOW: Rule = NotDefined("its code has no PF-WILLOW");
const NO_PASCAL: Rule = NotDefined("its code has no PF-PASCAL");
const NO_BOXES: Rule = NotDefined("it measures by the object's box, which the benchmark lacks");

// What HPF's code does, under four names.
const WILLOW: Protocol = Protocol {
    name: "willow",
    alphas: &alphas([5, 10, 15]),
    verified: "run against the code: all 900 pairs within 4e-13 points",
    ..on_pf_willow(PAPER, Threshold::Keypoints)
};
const PASCAL: Protocol = Protocol {
    name: "pascal",
    threshold: Threshold::Image,
    alphas: &alphas([5, 10, 15]),
    verified: "run against the code: within 1e-14 points",
    ..PAPER
};
const LT_ACC: Protocol = Protocol {
    name: "caltech-lt-acc",
    benchmark: Kind::Caltech101,
    measure: Measure::LabelTransfer,
    // Masks are not compared by distance: the other choices do not speak.
    alphas: &alphas([100]),
    verified: "run against the code: 57 of 58 drawn pairs equal, one 0.007 points off before ratios \
               were computed as HPF does",
    ..PAPER
};
const IOU: Protocol = Protocol {
    name: "caltech-iou",
    measure: Measure::Overlap,
    verified: "run against the code: 57 of 58 drawn pairs equal, one 0.043 points off before ratios \
               were computed as HPF does",
    ..LT_ACC
};
const TSS: Protocol = Protocol {
    name: "tss",
    benchmark: Kind::Tss,
    threshold: Threshold::Image,
    average: Average::CategoryOfPairs,
    alphas: &alphas([5]),
    verified: "run against the code, a subset at a time: within 1e-6 points; the benchmark's own \
               RunEvaluation.m could not be had",
    ..PAPER
};

/// The protocols of the benchmarks' own papers.
pub(super) static OF_SPAIR: [Protocol; 1] = [PAPER];
pub(super) static OF_PF_WILLOW: [Protocol; 1] = [WILLOW];
pub(super) static OF_PF_PASCAL: [Protocol; 1] = [Protocol { benchmark: Kind::PfPascal, ..PASCAL }];
pub(super) static OF_CALTECH_101: [Protocol; 2] = [LT_ACC, IOU];
pub(super) static OF_TSS: [Protocol; 1] = [TSS];
pub(super) static OF_SPAIR_JSON: [Protocol; 1] =
    [Protocol { benchmark: Kind::SpairJson, verified: AS_SPAIR, ..PAPER }];

const DHPF_240: Protocol = Protocol {
    name: "dhpf-240",
    frame: Frame::Warped(240),
    predicting: warped(240, None),
    ..PAPER
};
const CHM_240: Protocol = Protocol { name: "chm-240", alphas: &alphas([5, 10]), ..DHPF_240 };
const CATS_256: Protocol = Protocol {
    name: "cats-256",
    direction: Direction::TargetToSource,
    frame: Frame::Warped(256),
    predicting: Some(Predicting {
        image_side: 256,
        resizing: "warps",
        rounding: Some("clamps queries to [0, 255]"),
    }),
    verified: "run against the code: every verdict equal where no keypoint is outside; others read \
               in the code, with hand-computed tests",
    ..PAPER
};

/// sd-dino and GeoAware-SC compare with "less than". On PF-PASCAL they give no boxes, so that α is a
/// share of the padded image's side.
const STRICT: Protocol = Protocol {
    comparison: Comparison::Below,
    alphas: &alphas([10, 5, 1]),
    predicting: padded(840),
    ..PAPER
};
const fn strict_on_pf_pascal(on_spair: Protocol) -> Rule {
    Defined(Protocol { alphas: &STRICT_ON_PF_PASCAL, ..on_pf_pascal(on_spair) })
}
static STRICT_ON_PF_PASCAL: [Alpha; 3] = alphas([10, 5, 15]);

const SD_DINO_CLASS: Protocol =
    Protocol { name: "sd-dino-class", average: Average::Category, ..STRICT };
const SD_DINO_WEIGHTED: Protocol =
    Protocol { name: "sd-dino-weighted", average: Average::CategoryByPairs, ..STRICT };
const SD_DINO_TSS: Rule =
    NotBuilt("its authors' pck_tss.py measures flows of its own making, a subset at a time");
const GEOAWARE_IMAGE: Protocol = Protocol { name: "geoaware-image", ..STRICT };
const GEOAWARE_POINT: Protocol =
    Protocol { name: "geoaware-point", average: Average::Point, ..STRICT };

const DIFT_IMAGE: Protocol = Protocol {
    name: "dift-image",
    comparison: Comparison::RatioAtMost,
    predicting: warped(768, Some(WHOLE_PIXELS)),
    verified: "run against the code: every verdict equal, ties included",
    ..PAPER
};
const DIFT_POINT: Protocol = Protocol { name: "dift-point", average: Average::Point, ..DIFT_IMAGE };

const SD4MATCH_IMAGE: Protocol = Protocol {
    name: "sd4match-image",
    frame: Frame::Warped(768),
    truth: Truth::Clamped,
    alphas: &alphas([5, 10, 15]),
    predicting: warped(768, None),
    ..PAPER
};
const SD4MATCH_POINT: Protocol =
    Protocol { name: "sd4match-point", average: Average::Point, ..SD4MATCH_IMAGE };

const VISUAL_AI_IMAGE: Protocol = Protocol {
    name: "visual-ai-image",
    frame: Frame::WarpedCorners(840),
    truth: Truth::Clamped,
    alphas: &alphas([1, 5, 10, 15]),
    predicting: warped(840, None),
    verified: READ,
    ..PAPER
};
const VISUAL_AI_POINT: Protocol =
    Protocol { name: "visual-ai-point", average: Average::Point, ..VISUAL_AI_IMAGE };
const fn floored(protocol: Protocol) -> Rule {
    Defined(Protocol { truth: Truth::FlooredAndClamped, ..protocol })
}

const ZERO: &str = "a pair without a single prediction counts zero, as its authors' code counts it";
const ZERO_AND_ELSEWHERE: &str = "a pair without a single prediction counts zero, as its authors' \
                                  code counts it; their code has this rule for PF-PASCAL alone, and \
                                  here it is applied to other pairs";
const SCNET_224: Protocol = Protocol {
    name: "scnet-224",
    direction: Direction::TargetToSource,
    threshold: Threshold::Image,
    frame: Frame::Warped(224),
    predicting: warped(224, None),
    verified: "run against the code: within 8e-7 points where every pair is answered; others read in \
               the code, with hand-computed tests",
    warning: Some(ZERO_AND_ELSEWHERE),
    ..PAPER
};

const MM: Protocol = Protocol {
    name: "mmpose",
    average: Average::KeypointIndex,
    comparison: Comparison::Below,
    alphas: &alphas([5]),
    verified: "run against the code: within 1e-14 points",
    ..PAPER
};

const WILLOWS_OWN: Rule = NotDefined("it is PF-WILLOW's own; HPF's code measures others otherwise");
const CALTECHS_OWN: Rule = NotDefined("it compares masks, and this benchmark has keypoints");
const TSS_OWN: Rule = NotDefined("it is TSS's own, whose means are over its three subsets");

/// Every protocol, the paper's first.
pub static EVALUATORS: [Evaluator; 21] = [
    Evaluator {
        name: "spair",
        origin: "the SPair-71k paper, HPF, SCOT",
        code: "HPF 5a72968 and SCOT 538ae59: model/util.py resize, model/evaluation.py \
               Evaluator.eval_pck, correct_kps, data/dataset.py get_pckthres",
        rules: Rules {
            spair: Defined(PAPER),
            pf_willow: NotDefined(
                "PF-WILLOW has no boxes, and HPF's code measures by the keypoints' own box there, \
                 which is protocol willow",
            ),
            pf_pascal: Defined(Protocol {
                benchmark: Kind::PfPascal,
                verified: "run against the code (--thres bbox): within 1e-14 points",
                ..PAPER
            }),
            caltech_101: NotDefined(
                "HPF's code compares masks there, which are protocols caltech-lt-acc and caltech-iou",
            ),
            tss: NO_FLOWS,
            spair_json: in_its_form(PAPER),
        },
    },
    Evaluator {
        name: "dhpf-240",
        origin: "DHPF",
        code: DHPF,
        rules: Rules {
            spair: Defined(DHPF_240),
            pf_willow: padded_pf_willow(DHPF_240, 1),
            pf_pascal: Defined(on_pf_pascal(DHPF_240)),
            caltech_101: NotBuilt(
                "its authors' eval_mask_transfer compares masks of 240 × 240 pixels, and counts a \
                 target's corners by x above zero",
            ),
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(DHPF_240, UNREAD),
        },
    },
    Evaluator {
        name: "chm-240",
        origin: "CHM",
        code: CHM,
        rules: Rules {
            spair: Defined(CHM_240),
            pf_willow: padded_pf_willow(CHM_240, 2),
            pf_pascal: Defined(on_pf_pascal(CHM_240)),
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(CHM_240, UNREAD),
        },
    },
    Evaluator {
        name: "cats-256",
        origin: "CATs",
        code: CATS,
        rules: Rules {
            spair: Defined(CATS_256),
            pf_willow: padded_pf_willow(CATS_256, 1),
            pf_pascal: Defined(on_pf_pascal(CATS_256)),
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(CATS_256, UNREAD),
        },
    },
    Evaluator {
        name: "sd-dino-class",
        origin: "sd-dino, \"Average\"",
        code: SD_DINO,
        rules: Rules {
            spair: Defined(SD_DINO_CLASS),
            pf_willow: NO_WILLOW,
            pf_pascal: strict_on_pf_pascal(SD_DINO_CLASS),
            caltech_101: NO_MASKS,
            tss: SD_DINO_TSS,
            spair_json: applied_in_its_form(SD_DINO_CLASS, UNREAD),
        },
    },
    Evaluator {
        name: "sd-dino-weighted",
        origin: "sd-dino, \"Weighted\"",
        code: SD_DINO,
        rules: Rules {
            spair: Defined(SD_DINO_WEIGHTED),
            pf_willow: NO_WILLOW,
            pf_pascal: strict_on_pf_pascal(SD_DINO_WEIGHTED),
            caltech_101: NO_MASKS,
            tss: SD_DINO_TSS,
            spair_json: applied_in_its_form(SD_DINO_WEIGHTED, UNREAD),
        },
    },
    Evaluator {
        name: "geoaware-image",
        origin: "GeoAware-SC, per image",
        code: GEOAWARE,
        rules: Rules {
            spair: Defined(GEOAWARE_IMAGE),
            pf_willow: NO_WILLOW,
            pf_pascal: strict_on_pf_pascal(GEOAWARE_IMAGE),
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(GEOAWARE_IMAGE, AP_10K),
        },
    },
    Evaluator {
        name: "geoaware-point",
        origin: "GeoAware-SC, per keypoint",
        code: GEOAWARE,
        rules: Rules {
            spair: Defined(GEOAWARE_POINT),
            pf_willow: NO_WILLOW,
            pf_pascal: strict_on_pf_pascal(GEOAWARE_POINT),
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(GEOAWARE_POINT, AP_10K),
        },
    },
    Evaluator {
        name: "dift-image",
        origin: "DIFT, per image",
        code: DIFT,
        rules: Rules {
            spair: Defined(DIFT_IMAGE),
            pf_willow: NO_WILLOW,
            pf_pascal: NO_PASCAL,
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(DIFT_IMAGE, UNREAD),
        },
    },
    Evaluator {
        name: "dift-point",
        origin: "DIFT, per point",
        code: DIFT,
        rules: Rules {
            spair: Defined(DIFT_POINT),
            pf_willow: NO_WILLOW,
            pf_pascal: NO_PASCAL,
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(DIFT_POINT, UNREAD),
        },
    },
    Evaluator {
        name: "sd4match-image",
        origin: "SD4Match, per image",
        code: SD4MATCH,
        rules: Rules {
            spair: Defined(SD4MATCH_IMAGE),
            pf_willow: Defined(on_pf_willow(SD4MATCH_IMAGE, Threshold::Keypoints)),
            pf_pascal: Defined(on_pf_pascal(SD4MATCH_IMAGE)),
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(SD4MATCH_IMAGE, UNREAD),
        },
    },
    Evaluator {
        name: "sd4match-point",
        origin: "SD4Match, per point",
        code: SD4MATCH,
        rules: Rules {
            spair: Defined(SD4MATCH_POINT),
            pf_willow: Defined(on_pf_willow(SD4MATCH_POINT, Threshold::Keypoints)),
            pf_pascal: Defined(on_pf_pascal(SD4MATCH_POINT)),
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(SD4MATCH_POINT, UNREAD),
        },
    },
    Evaluator {
        name: "visual-ai-image",
        origin: "Visual-AI, per image",
        code: VISUAL_AI,
        rules: Rules {
            spair: Defined(VISUAL_AI_IMAGE),
            pf_willow: floored(on_pf_willow(VISUAL_AI_IMAGE, Threshold::Keypoints)),
            pf_pascal: floored(on_pf_pascal(VISUAL_AI_IMAGE)),
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(VISUAL_AI_IMAGE, AP_10K_VISIBLE),
        },
    },
    Evaluator {
        name: "visual-ai-point",
        origin: "Visual-AI, per point",
        code: VISUAL_AI,
        rules: Rules {
            spair: Defined(VISUAL_AI_POINT),
            pf_willow: floored(on_pf_willow(VISUAL_AI_POINT, Threshold::Keypoints)),
            pf_pascal: floored(on_pf_pascal(VISUAL_AI_POINT)),
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: applied_in_its_form(VISUAL_AI_POINT, AP_10K_VISIBLE),
        },
    },
    Evaluator {
        name: "scnet-224",
        origin: "NC-Net's line, \"scnet\"",
        code: NCNET,
        rules: Rules {
            spair: Defined(SCNET_224),
            pf_willow: NotBuilt(
                "CNNGeo's eval.py measures PF-WILLOW from target to source by the keypoints' own \
                 box of the source",
            ),
            pf_pascal: Defined(Protocol { warning: Some(ZERO), ..on_pf_pascal(SCNET_224) }),
            caltech_101: NotBuilt("CNNGeo's eval.py warps the source's mask there"),
            tss: NotBuilt("CNNGeo's eval.py writes flows there, which TSS's own kit measures"),
            spair_json: in_its_form(SCNET_224),
        },
    },
    Evaluator {
        name: "willow",
        origin: "PF-WILLOW, HPF",
        code: HPF,
        rules: Rules {
            spair: WILLOWS_OWN,
            pf_willow: Defined(WILLOW),
            pf_pascal: WILLOWS_OWN,
            caltech_101: WILLOWS_OWN,
            tss: WILLOWS_OWN,
            spair_json: WILLOWS_OWN,
        },
    },
    Evaluator {
        name: "pascal",
        origin: "PF-PASCAL, HPF by image (--thres img)",
        code: HPF,
        rules: Rules {
            spair: Defined(Protocol { verified: READ, ..PASCAL }),
            pf_willow: Defined(Protocol { benchmark: Kind::PfWillow, ..PASCAL }),
            pf_pascal: Defined(Protocol { benchmark: Kind::PfPascal, ..PASCAL }),
            caltech_101: NO_MASKS,
            tss: NO_FLOWS,
            spair_json: in_its_form(PASCAL),
        },
    },
    Evaluator {
        name: "tss",
        origin: "TSS",
        code: DENSE_MATCHING,
        rules: Rules {
            spair: TSS_OWN,
            pf_willow: TSS_OWN,
            pf_pascal: TSS_OWN,
            caltech_101: TSS_OWN,
            tss: Defined(TSS),
            spair_json: TSS_OWN,
        },
    },
    Evaluator {
        name: "caltech-lt-acc",
        origin: "Caltech-101, HPF",
        code: "HPF 5a72968: model/evaluation.py eval_caltech",
        rules: Rules {
            spair: CALTECHS_OWN,
            pf_willow: CALTECHS_OWN,
            pf_pascal: CALTECHS_OWN,
            caltech_101: Defined(LT_ACC),
            tss: CALTECHS_OWN,
            spair_json: CALTECHS_OWN,
        },
    },
    Evaluator {
        name: "caltech-iou",
        origin: "Caltech-101, HPF",
        code: "HPF 5a72968: model/evaluation.py eval_caltech",
        rules: Rules {
            spair: CALTECHS_OWN,
            pf_willow: CALTECHS_OWN,
            pf_pascal: CALTECHS_OWN,
            caltech_101: Defined(IOU),
            tss: CALTECHS_OWN,
            spair_json: CALTECHS_OWN,
        },
    },
    Evaluator {
        name: "mmpose",
        origin: "mmpose: a function for any keypoints with boxes",
        code: MMPOSE,
        rules: Rules {
            spair: Defined(MM),
            pf_willow: NO_BOXES,
            pf_pascal: Defined(Protocol { benchmark: Kind::PfPascal, verified: READ, ..MM }),
            caltech_101: NO_BOXES,
            tss: NO_BOXES,
            spair_json: in_its_form(MM),
        },
    },
];
