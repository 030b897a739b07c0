//! TSS: image pairs with dense flow (Taniai et al., "Joint Recovery of Dense Correspondence and
//! Cosegmentation in Two Images", CVPR 2016).
//!
//! Distributed as `<subset>/<pair>/` with `image1.png`, `image2.png` and for each of them the flow
//! to the other, `flow1.flo` and `flow2.flo`, known on the object alone. Each folder is two pairs,
//! `<subset>/<pair>:1to2` and `:2to1`. A pair's keypoints are all pixels whose flow is known, row by
//! row, so that the share of right pixels, as the distributed `RunEvaluation.m` computes it, is the
//! PCK of those keypoints. Which objects are mirrored (`flip_gt.txt`) is not told to methods here,
//! as some published code does before it predicts; the score does not depend on it.

use std::path::{Path, PathBuf};

use super::error::BenchmarkError;
use super::faults::Faults;
use super::files::{entries, read};
use super::info::{BenchmarkInfo, BenchmarkReader, FileCheck, GroundTruth, SplitPairs, Visibility};
use super::pair::Pair;
use super::select::{
    BenchmarkOptions, Images, check_only_split, find_root, only_split, say_where, select,
};
use crate::flow::Flow;
use crate::protocol::evaluators::{OF_MASKS, SPAIR, WILLOWS_OWN, alphas};
use crate::protocol::{Average, Protocol, Refusal, Refused, Threshold};

/// What TSS is.
pub(super) static INFO: BenchmarkInfo = BenchmarkInfo {
    name: NAME,
    title: "TSS",
    about: "",
    first_pixel: 0,
    truth: GroundTruth::Flow,
    archive: None,
    protocols: &PROTOCOLS,
    own: &["tss"],
    refused: &REFUSED,
    reader: BenchmarkReader {
        folder,
        is_telling: true,
        splits: only_split,
        read: open,
        headings: None,
        check: FileCheck::ByReading,
    },
};

const NAME: &str = "tss";

static PROTOCOLS: [Protocol; 1] = Protocol::all_on(
    NAME,
    [Protocol {
        name: "tss",
        threshold: Threshold::Image,
        average: Average::CategoryOfPairs,
        alphas: &alphas([5]),
        verified: "run against the code, a subset at a time: within 1e-6 points; the benchmark's own \
                   RunEvaluation.m could not be had",
        ..SPAIR
    }],
);

static REFUSED: [Refused; 6] = [
    Refused {
        evaluators: &[
            "spair",
            "dhpf-240",
            "chm-240",
            "cats-256",
            "geoaware-image",
            "geoaware-point",
            "dift-image",
            "dift-point",
            "sd4match-image",
            "sd4match-point",
            "visual-ai-image",
            "visual-ai-point",
            "pascal",
        ],
        why: Refusal::NotDefined("its code has no TSS"),
    },
    Refused {
        evaluators: &["sd-dino-class", "sd-dino-weighted"],
        why: Refusal::Lacking(
            "its authors' pck_tss.py measures flows of its own making, a subset at a time",
        ),
    },
    Refused {
        evaluators: &["scnet-224"],
        why: Refusal::Lacking("CNNGeo's eval.py writes flows there, which TSS's own kit measures"),
    },
    WILLOWS_OWN,
    OF_MASKS,
    Refused {
        evaluators: &["mmpose"],
        why: Refusal::NotDefined("it measures by the object's box, which the benchmark lacks"),
    },
];

/// The subsets, in alphabetical order.
const SUBSETS: [&str; 3] = ["FG3DCar", "JODS", "PASCAL"];
/// The flow of a photograph of 16 million pixels.
const MAX_FLOW: u64 = 128 << 20;

/// Reads the pairs of the only split, `test`.
fn open(
    root: &Path,
    options: &BenchmarkOptions,
    faults: &mut Faults,
) -> Result<SplitPairs, BenchmarkError> {
    let given = root;
    let root = folder(given)?;
    say_where(given, &root);
    check_only_split(&root, &options.split)?;
    let listed = listed(&root)?;
    let categories: Vec<&str> = listed.iter().map(|one| one.subset).collect();
    let mut images = faults.images(root.clone());
    let mut pairs = Vec::new();
    for index in select(&categories, options)? {
        let read = pair(&listed[index], &mut images);
        pairs.extend(faults.pass(|| listed[index].id(), read)?);
    }
    faults.learn(&mut images);
    Ok(SplitPairs { images: images.into_vec(), pairs, visibility: Visibility::Unsaid })
}

/// The benchmark's folder: `root`, or the one in it.
fn folder(root: &Path) -> Result<PathBuf, BenchmarkError> {
    let holds = |folder: &Path| SUBSETS.iter().any(|subset| folder.join(subset).is_dir());
    find_root(root, &["TSS_CVPR2016", "TSS"], holds).ok_or_else(|| BenchmarkError::Root {
        root: root.to_owned(),
        benchmark: "TSS",
        expected: "the folders FG3DCar, JODS and PASCAL",
        looks_like: None,
    })
}

/// A direction of a folder.
struct Listed {
    subset: &'static str,
    folder: PathBuf,
    name: String,
    /// 1 or 2: the image whose pixels are sought in the other.
    source: u8,
}

impl Listed {
    fn id(&self) -> String {
        let Self { subset, name, source, .. } = self;
        format!("{subset}/{name}:{source}to{}", 3 - source)
    }
}

fn listed(root: &Path) -> Result<Vec<Listed>, BenchmarkError> {
    let mut listed = Vec::new();
    for subset in SUBSETS {
        let folder = root.join(subset);
        if !folder.is_dir() {
            continue;
        }
        for (name, folder) in entries(&folder)? {
            if folder.is_dir() {
                listed.extend([1, 2].map(|source| Listed {
                    subset,
                    folder: folder.clone(),
                    name: name.clone(),
                    source,
                }));
            }
        }
    }
    if listed.is_empty() {
        return Err(BenchmarkError::Empty { file: root.to_owned() });
    }
    Ok(listed)
}

fn flow(folder: &Path, image: u8) -> Result<Flow, BenchmarkError> {
    let file = folder.join(format!("flow{image}.flo"));
    let bytes = read(&file, MAX_FLOW, &format!("{}", folder.display()))?;
    Flow::from_bytes(&bytes, &file)
        .map_err(|error| BenchmarkError::Flow { what: error.to_string() })
}

/// Width and height of a flow, which are its image's.
fn size(folder: &Path, image: u8) -> Result<[u32; 2], BenchmarkError> {
    let flow = flow(folder, image)?;
    Ok([flow.width, flow.height])
}

fn pair(listed: &Listed, images: &mut Images) -> Result<Pair, BenchmarkError> {
    let Listed { subset, folder, source, .. } = listed;
    let target = 3 - source;
    let truth = flow(folder, *source)?;
    let contradiction = |what| BenchmarkError::Contradiction {
        file: folder.join(format!("flow{source}.flo")),
        what,
    };
    let mut image = |number: u8, size| {
        images.index(folder.join(format!("image{number}.png")), Some(size)).map_err(contradiction)
    };
    let (source_image, target_image) =
        (image(*source, [truth.width, truth.height])?, image(target, size(folder, target)?)?);
    let known = truth.vectors.iter().enumerate().filter_map(|(at, vector)| Some((at, (*vector)?)));
    let (mut from, mut to) = (Vec::new(), Vec::new());
    for (at, [u, v]) in known {
        let (x, y) = (at % truth.width as usize, at / truth.width as usize);
        let point = [x as f32, y as f32];
        from.push(point);
        to.push([point[0] + u, point[1] + v]);
    }
    if from.is_empty() {
        return Err(contradiction("no pixel's flow is known: expected some".to_owned()));
    }
    Ok(Pair {
        id: listed.id(),
        category: (*subset).to_owned(),
        source: source_image,
        target: target_image,
        // A hundred thousand pixels need no names.
        keypoint_ids: Vec::new(),
        source_keypoints: from,
        target_keypoints: to,
        source_box: None,
        target_box: None,
        variation: None,
    })
}
