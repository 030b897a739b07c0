//! Any keypoint benchmark in the JSON of SPair-71k: SPair-U, the pairs of AP-10K, or one's own.
//!
//! What SPair-71k's own reader insists on is optional here: the labels of variation factors, boxes,
//! sizes, names of keypoints, and the layout (where there is none, a split is every file of
//! `PairAnnotation/<split>` in name order). A pair annotation holds its keypoints
//! (`src_imname`, `trg_imname`, `src_kps`, `trg_kps`), or it names two image annotations
//! (`src_json_path`, `trg_json_path`), as GeoAware-SC (Zhang et al., CVPR 2024) stores the pairs of
//! AP-10K: then the pair's keypoints are those visible in both, photographs lie in `JPEGImages` as
//! the annotations in `ImageAnnotation`, and boxes are COCO's (left, top, width, height).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use serde_json::Number;

use super::error::BenchmarkError;
use super::faults::{Faults, Listed};
use super::files::{entries, is_photograph, is_plain_name, read_text};
use super::info::{BenchmarkInfo, BenchmarkReader, FileCheck, GroundTruth, SplitPairs, Visibility};
use super::numbers;
use super::pair::Pair;
use super::pair_files::{PairFiles, id_of};
use super::select::{BenchmarkOptions, Images, LayoutSize, find_root, say_where, select_listed};
use super::spair::annotation::{Position, names, positions, value};
use super::spair::layout_rows;
use super::variation::Variation;
use crate::Point;
use crate::protocol::evaluators::{
    GEOAWARE_IMAGE, GEOAWARE_POINT, MMPOSE_POINTS, OF_MASKS, PASCAL, READ, SPAIR, TSS_OWN,
    WILLOWS_OWN,
};
use crate::protocol::{AnnotationForm, Protocol, Refusal, Refused};

/// What benchmarks in SPair-71k's JSON are.
pub(super) static INFO: BenchmarkInfo = BenchmarkInfo {
    name: NAME,
    title: "Others in SPair-71k's JSON",
    about: "any keypoint benchmark in SPair-71k's JSON",
    first_pixel: 0,
    truth: GroundTruth::Keypoints,
    archive: None,
    protocols: &PROTOCOLS,
    own: &["spair"],
    refused: &REFUSED,
    reader: BenchmarkReader {
        folder,
        is_telling: false, // SPair-71k's own folder holds the same
        splits: |root| splits(root, LayoutSize::Large),
        read: open,
        headings: None,
        check: FileCheck::ByReading,
    },
};

const NAME: &str = "spair-json";

/// GeoAware-SC's rule, whose code reads AP-10K of these.
const fn on_ap_10k(on_spair: Protocol) -> Protocol {
    Protocol { annotations: AnnotationForm::Ap10k, verified: READ, ..on_spair }
}

/// HPF's code reads any folder of this form, and measures by box or by image; mmpose's function scores
/// any keypoints with boxes.
static PROTOCOLS: [Protocol; 5] = Protocol::all_on(
    NAME,
    [
        Protocol { verified: AS_SPAIR, ..SPAIR },
        on_ap_10k(GEOAWARE_IMAGE),
        on_ap_10k(GEOAWARE_POINT),
        Protocol { verified: AS_SPAIR, ..PASCAL },
        MMPOSE_POINTS,
    ],
);

const AS_SPAIR: &str = "as on SPair-71k: the code takes any folder of this form for it";

static REFUSED: [Refused; 6] = [
    Refused {
        evaluators: &[
            "dhpf-240",
            "chm-240",
            "cats-256",
            "sd-dino-class",
            "sd-dino-weighted",
            "dift-image",
            "dift-point",
            "sd4match-image",
            "sd4match-point",
        ],
        why: Refusal::NotDefined("of this form its authors score SPair-71k alone"),
    },
    Refused {
        evaluators: &["visual-ai-image", "visual-ai-point"],
        why: Refusal::Lacking(
            "of this form its authors' code reads AP-10K beside SPair-71k, 47 of its species, and of \
             their keypoints those of visibility 2 alone",
        ),
    },
    Refused {
        evaluators: &["scnet-224"],
        why: Refusal::NotDefined(
            "its code measures PF-PASCAL so and reads no benchmark of this form",
        ),
    },
    WILLOWS_OWN,
    TSS_OWN,
    OF_MASKS,
];

/// An annotation has about 1 kB.
const MAX_ANNOTATION: u64 = 4 << 20;

/// Reads a split's pairs.
fn open(
    root: &Path,
    options: &BenchmarkOptions,
    faults: &mut Faults,
) -> Result<SplitPairs, BenchmarkError> {
    let given = root;
    let root = folder(given)?;
    say_where(given, &root);
    let (rows, list) = rows(&root, options.layout, &options.split, faults)?;
    let categories = rows.iter().map(|row| row.row().map(|id| category_of(id)));
    let selected = select_listed(categories, options)?;
    let pairs = PairFiles::new(root.join("PairAnnotation").join(&options.split));
    let mut reading = Reading {
        root: &root,
        images: faults.images(root.join("JPEGImages")),
        annotated: HashMap::new(),
        photographs: HashMap::new(),
    };
    let mut found = Vec::new();
    let mut visibility = None;
    for (index, row) in rows.into_iter().enumerate() {
        if selected.binary_search(&index).is_err() {
            continue;
        }
        let Some(id) = faults.row(row) else { continue };
        let read = pairs.file(&id).and_then(|file| {
            let annotation: PairAnnotation = parse(&file, &list)?;
            reading.pair(&id, &file, annotation)
        });
        if let Some((pair, hidden)) = faults.pass(|| id, read)? {
            visibility = Some(with_pair(visibility, &pair.id, hidden));
            found.push(pair);
        }
    }
    faults.learn(&mut reading.images);
    let (images, visibility) = (reading.images.into_vec(), visibility.unwrap_or_default());
    Ok(SplitPairs { images, pairs: found, visibility })
}

/// What is known of keypoints' visibility with one pair more: `hidden` says whether some of its
/// keypoints are annotated but hidden, where its annotations say how visible they are.
fn with_pair(before: Option<Visibility>, pair: &str, hidden: Option<bool>) -> Visibility {
    match (before, hidden) {
        (Some(Visibility::Unsaid), _) | (_, None) => Visibility::Unsaid,
        (Some(partial @ Visibility::Partial { .. }), _) => partial,
        (None | Some(Visibility::Full), Some(false)) => Visibility::Full,
        (None | Some(Visibility::Full), Some(true)) => {
            Visibility::Partial { pair: pair.to_owned() }
        }
    }
}

/// The benchmark's folder: `root`, or the one in it.
fn folder(root: &Path) -> Result<PathBuf, BenchmarkError> {
    let holds = |folder: &Path| folder.join("PairAnnotation").is_dir();
    find_root(root, &["SPair-71k", "SPair-U", "ap-10k"], holds).ok_or_else(|| {
        BenchmarkError::Root {
            root: root.to_owned(),
            benchmark: "SPair-71k-like",
            expected: "the folders PairAnnotation and JPEGImages",
            looks_like: None,
        }
    })
}

/// The splits: the layouts, or the folders of pair annotations.
fn splits(root: &Path, size: LayoutSize) -> Result<Vec<String>, BenchmarkError> {
    let layouts = root.join("Layout").join(size.name());
    let mut names: Vec<String> = if layouts.is_dir() {
        let names = entries(&layouts)?;
        names.iter().filter_map(|(name, _)| name.strip_suffix(".txt").map(str::to_owned)).collect()
    } else {
        let folders = entries(&root.join("PairAnnotation"))?;
        folders.into_iter().filter(|(_, path)| path.is_dir()).map(|(name, _)| name).collect()
    };
    let usual = ["trn", "val", "test"];
    names.sort_by_key(|name| usual.iter().position(|usual| usual == name).unwrap_or(usual.len()));
    Ok(names)
}

/// The ids of a split's pairs, and what lists them.
fn rows(
    root: &Path,
    size: LayoutSize,
    split: &str,
    faults: &Faults,
) -> Result<(Vec<Listed<String>>, PathBuf), BenchmarkError> {
    let known = splits(root, size)?;
    if !known.iter().any(|name| name == split) {
        if known.is_empty() {
            let layouts = root.join("Layout").join(size.name());
            let split = split.to_owned();
            return Err(if layouts.is_dir() {
                let expected = format!("{split}.txt");
                BenchmarkError::NoSplits { folder: layouts, split, expected }
            } else {
                let expected = format!("a folder {split} of pair annotations");
                BenchmarkError::NoSplits { folder: root.join("PairAnnotation"), split, expected }
            });
        }
        let (root, found) = (root.to_owned(), split.to_owned());
        return Err(BenchmarkError::UnknownSplit { root, found, known: known.join(", ") });
    }
    let layout = root.join("Layout").join(size.name()).join(format!("{split}.txt"));
    // Something else than a file is refused as such when it is read.
    if layout.exists() {
        return Ok((layout_rows(&layout, faults)?, layout));
    }
    let folder = root.join("PairAnnotation").join(split);
    entries(&folder)?; // says why it cannot be read
    let files = PairFiles::new(folder.clone());
    let mut names: HashMap<String, &str> = HashMap::new();
    let mut rows = Vec::new();
    for name in files.names() {
        let id = listed_id(&folder, name);
        let row = match names.get(&id) {
            Some(other) => Err(BenchmarkError::Contradiction {
                file: folder.join(format!("{name}.json")),
                what: format!("is of pair {id}, and so is {other}.json: remove one"),
            }),
            None => {
                names.insert(id.clone(), name);
                Ok(id)
            }
        };
        rows.push(faults.listed(String::new, row)?);
    }
    if rows.is_empty() {
        return Err(BenchmarkError::Empty { file: folder });
    }
    Ok((rows, folder))
}

/// The id of the pair in a file that no list names.
fn listed_id(folder: &Path, name: &str) -> String {
    #[derive(Default, Deserialize)]
    struct Said {
        filename: Option<String>,
        category: Option<String>,
    }
    if name.contains(':') {
        return name.to_owned();
    }
    // What is wrong with the file is said when it is read as a pair, under any id.
    let file = folder.join(format!("{name}.json"));
    let said: Said = parse(&file, folder).unwrap_or_default();
    id_of(name, said.filename.as_deref(), said.category.as_deref())
}

/// `<id>-<source>-<target>:<category>`.
fn category_of(id: &str) -> &str {
    id.rsplit_once(':').map_or("all", |(_, category)| category)
}

fn parse<T: for<'a> Deserialize<'a>>(file: &Path, list: &Path) -> Result<T, BenchmarkError> {
    let bytes = read_text(file, MAX_ANNOTATION, &list.display().to_string())?;
    crate::json::from_slice(&bytes)
        .map_err(|source| BenchmarkError::Json { file: file.to_owned(), source })
}

#[derive(Debug, Deserialize)]
struct PairAnnotation {
    filename: Option<String>,
    src_imname: Option<String>,
    trg_imname: Option<String>,
    src_json_path: Option<String>,
    trg_json_path: Option<String>,
    category: Option<String>,
    #[serde(default, deserialize_with = "numbers::whole_numbers")]
    src_imsize: Option<Vec<u32>>,
    #[serde(default, deserialize_with = "numbers::whole_numbers")]
    trg_imsize: Option<Vec<u32>>,
    #[serde(default, deserialize_with = "numbers::src_bndbox")]
    src_bndbox: Option<[Number; 4]>,
    #[serde(default, deserialize_with = "numbers::trg_bndbox")]
    trg_bndbox: Option<[Number; 4]>,
    #[serde(default, deserialize_with = "some_positions")]
    src_kps: Option<Vec<Option<Position>>>,
    #[serde(default, deserialize_with = "some_positions")]
    trg_kps: Option<Vec<Option<Position>>>,
    #[serde(default, deserialize_with = "some_names")]
    kps_ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "numbers::viewpoint_variation")]
    viewpoint_variation: Option<u8>,
    #[serde(default, deserialize_with = "numbers::scale_variation")]
    scale_variation: Option<u8>,
    #[serde(default, deserialize_with = "numbers::truncation")]
    truncation: Option<u8>,
    #[serde(default, deserialize_with = "numbers::occlusion")]
    occlusion: Option<u8>,
}

fn some_positions<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Option<Position>>>, D::Error> {
    #[derive(Deserialize)]
    struct Positions(#[serde(deserialize_with = "positions")] Vec<Option<Position>>);
    Ok(Option::<Positions>::deserialize(deserializer)?.map(|positions| positions.0))
}

fn some_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    struct Names(#[serde(deserialize_with = "names")] Vec<String>);
    Ok(Option::<Names>::deserialize(deserializer)?.map(|names| names.0))
}

/// One object in one photograph, in COCO's form.
#[derive(Debug, Deserialize)]
struct ImageAnnotation {
    file_name: Option<String>,
    filename: Option<String>,
    #[serde(deserialize_with = "numbers::width")]
    width: u32,
    #[serde(deserialize_with = "numbers::height")]
    height: u32,
    #[serde(deserialize_with = "numbers::bbox")]
    bbox: [Number; 4],
    /// x, y and visibility (0: not annotated) of each keypoint, `None` where it is NaN.
    #[serde(deserialize_with = "triples")]
    keypoints: Vec<Option<Number>>,
}

/// The numbers of COCO's keypoints: one after the other, or in a list for each keypoint.
fn triples<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Option<Number>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "keypoints holds something else than x, y and visibility of each"
    )]
    enum Piece {
        Number(Option<Number>),
        Triple([Option<Number>; 3]),
    }
    let pieces = Vec::<Piece>::deserialize(deserializer)?;
    let numbers = pieces.into_iter().flat_map(|piece| match piece {
        Piece::Number(number) => vec![number],
        Piece::Triple(triple) => triple.to_vec(),
    });
    Ok(numbers.collect())
}

/// What a pair needs of one of its images.
#[derive(Clone)]
struct Side {
    photograph: PathBuf,
    size: Option<[u32; 2]>,
    bounds: Option<[f32; 4]>,
    keypoints: Vec<Option<Point>>,
    /// For every keypoint whether it is annotated but hidden, where annotations say how visible it is.
    hidden: Option<Vec<bool>>,
}

struct Reading<'a> {
    root: &'a Path,
    images: Images,
    /// Image annotations read so far: each is in many pairs.
    annotated: HashMap<PathBuf, Side>,
    /// Names in folders of photographs, looked up so far.
    photographs: HashMap<PathBuf, Vec<String>>,
}

impl Reading<'_> {
    fn pair(
        &mut self,
        id: &str,
        file: &Path,
        mut annotation: PairAnnotation,
    ) -> Result<(Pair, Option<bool>), BenchmarkError> {
        let contradiction =
            |what: String| BenchmarkError::Contradiction { file: file.to_owned(), what };
        // Under a name without its colon, the file may be another pair's.
        let is_ids = file.file_stem().is_some_and(|stem| stem == id);
        if let Some(said) = annotation.filename.as_ref().filter(|said| !is_ids && *said != id) {
            return Err(contradiction(format!("filename is \"{said}\", expected \"{id}\"")));
        }
        let category = match annotation.category.take() {
            Some(category) if id.contains(':') && category != category_of(id) => {
                let expected = category_of(id);
                let what =
                    format!("category is \"{category}\", expected \"{expected}\" as in its name");
                return Err(contradiction(what));
            }
            Some(category) if !is_plain_name(&category) => {
                let what = format!("category is \"{category}\": expected a name without a folder");
                return Err(contradiction(what));
            }
            category => category.unwrap_or_else(|| category_of(id).to_owned()),
        };
        let paths = (annotation.src_json_path.take(), annotation.trg_json_path.take());
        let sides = if let (Some(source), Some(target)) = paths {
            [self.side_of_image(&source, file)?, self.side_of_image(&target, file)?]
        } else {
            sides_of_pair(self.root, &category, &mut annotation).map_err(contradiction)?
        };
        self.join(id, category, sides, &annotation).map_err(contradiction)
    }

    /// The image annotation that a path, on whatever machine it was written, leads to.
    fn side_of_image(&mut self, path: &str, pair: &Path) -> Result<Side, BenchmarkError> {
        let parts: Vec<&str> = path.split(['/', '\\']).collect();
        let below = parts.iter().rposition(|&part| part == "ImageAnnotation");
        let below = below.map_or(&[][..], |at| &parts[at + 1..]);
        if below.is_empty() || !below.iter().all(|part| is_plain_name(part)) {
            let what = format!("found \"{path}\": expected a path in the folder ImageAnnotation");
            return Err(BenchmarkError::Contradiction { file: pair.to_owned(), what });
        }
        let below: PathBuf = below.iter().collect();
        let file = self.root.join("ImageAnnotation").join(&below);
        if let Some(side) = self.annotated.get(&file) {
            return Ok(side.clone());
        }
        let annotation: ImageAnnotation = parse(&file, pair)?;
        let contradiction = |what| BenchmarkError::Contradiction { file: file.clone(), what };
        let photograph = self.photograph(&below, &annotation).map_err(contradiction)?;
        let side = side_of_annotation(annotation, photograph).map_err(contradiction)?;
        self.annotated.insert(file, side.clone());
        Ok(side)
    }

    /// The photograph of the image annotation at this path in `ImageAnnotation`: the one that it
    /// names, or the one there of the annotation's own name. Where there is none it is that name with
    /// `.jpg`, as GeoAware-SC has it.
    fn photograph(
        &mut self,
        below: &Path,
        annotation: &ImageAnnotation,
    ) -> Result<PathBuf, String> {
        let usual = self.root.join("JPEGImages").join(below.with_extension("jpg"));
        let (Some(folder), Some(stem)) = (usual.parent(), below.file_stem()) else {
            return Ok(usual);
        };
        if !self.photographs.contains_key(folder) {
            let names = entries(folder).unwrap_or_default().into_iter().map(|(name, _)| name);
            self.photographs.insert(folder.to_owned(), names.collect());
        }
        let there = &self.photographs[folder];
        let named = annotation.file_name.as_ref().or(annotation.filename.as_ref());
        let named = named.and_then(|path| path.rsplit(['/', '\\']).next());
        if let Some(name) = named.filter(|named| there.iter().any(|name| name == named)) {
            return Ok(folder.join(name));
        }
        let mut same = there
            .iter()
            .filter(|name| Path::new(name).file_stem() == Some(stem) && is_photograph(name));
        match (same.next(), same.next()) {
            (None, _) => Ok(usual),
            (Some(name), None) => Ok(folder.join(name)),
            (Some(one), Some(other)) => Err(format!(
                "its photograph may be {one} or {other} in {}: name it in file_name, or remove one",
                folder.display()
            )),
        }
    }

    fn join(
        &mut self,
        id: &str,
        category: String,
        [source, target]: [Side; 2],
        annotation: &PairAnnotation,
    ) -> Result<(Pair, Option<bool>), String> {
        let (of_source, of_target) = (source.keypoints.len(), target.keypoints.len());
        if of_source != of_target {
            return Err(format!(
                "the source has {of_source} keypoints, the target {of_target}: expected as many in each"
            ));
        }
        let names = names_of(annotation, of_source)?;
        let both = source.keypoints.iter().zip(&target.keypoints).zip(names);
        let common: Vec<(Point, Point, String)> =
            both.filter_map(|((s, t), name)| Some(((*s)?, (*t)?, name))).collect();
        if common.is_empty() {
            return Err("no keypoint is visible in both images: expected at least one".to_owned());
        }
        // Before its photographs are entered: a pair that is left out says nothing of them.
        let variation = variation(annotation)?;
        let hidden = some_hidden(&source, &target);
        let pair = Pair {
            id: id.to_owned(),
            category,
            source: self.images.index(source.photograph, source.size)?,
            target: self.images.index(target.photograph, target.size)?,
            source_keypoints: common.iter().map(|(point, ..)| *point).collect(),
            target_keypoints: common.iter().map(|(_, point, _)| *point).collect(),
            keypoint_ids: common.into_iter().map(|(.., name)| name).collect(),
            source_box: source.bounds,
            target_box: target.bounds,
            variation,
        };
        Ok((pair, hidden))
    }
}

/// Whether a keypoint of both sides is annotated but hidden in one of them, where both say how visible
/// theirs are.
fn some_hidden(source: &Side, target: &Side) -> Option<bool> {
    let both = source.hidden.as_ref()?.iter().zip(target.hidden.as_ref()?);
    let points = source.keypoints.iter().zip(&target.keypoints);
    let is_common = |(s, t): (&Option<Point>, &Option<Point>)| s.is_some() && t.is_some();
    Some(both.zip(points).any(|((&one, &other), points)| is_common(points) && (one || other)))
}

/// The two images of an annotation that holds its keypoints itself.
fn sides_of_pair(
    root: &Path,
    category: &str,
    annotation: &mut PairAnnotation,
) -> Result<[Side; 2], String> {
    let folder = root.join("JPEGImages").join(category);
    let side = |prefix: &str,
                name: Option<String>,
                size: Option<Vec<u32>>,
                bounds: Option<[Number; 4]>,
                keypoints: Option<Vec<Option<Position>>>| {
        let name = name.ok_or_else(|| format!("{prefix}_imname is missing"))?;
        if !is_plain_name(&name) {
            return Err(format!("{prefix}_imname is \"{name}\": expected a name without a folder"));
        }
        let keypoints = keypoints.ok_or_else(|| format!("{prefix}_kps is missing"))?;
        let size = size.map(|size| match size[..] {
            [width, height, ..] if width > 0 && height > 0 => Ok([width, height]),
            _ => {
                Err(format!("{prefix}_imsize is {size:?}: expected [width, height, depth] above 0"))
            }
        });
        let bounds = bounds.map(|bounds| corners(&format!("{prefix}_bndbox"), &bounds));
        let field = format!("{prefix}_kps");
        let keypoints = keypoints
            .iter()
            .map(|position| position.as_ref().map(|at| coordinates(&field, at)).transpose());
        Ok(Side {
            photograph: folder.join(name),
            size: size.transpose()?,
            bounds: bounds.transpose()?,
            keypoints: keypoints.collect::<Result<_, _>>()?,
            hidden: None,
        })
    };
    let a = annotation;
    Ok([
        side(
            "src",
            a.src_imname.take(),
            a.src_imsize.take(),
            a.src_bndbox.take(),
            a.src_kps.take(),
        )?,
        side(
            "trg",
            a.trg_imname.take(),
            a.trg_imsize.take(),
            a.trg_bndbox.take(),
            a.trg_kps.take(),
        )?,
    ])
}

fn side_of_annotation(annotation: ImageAnnotation, photograph: PathBuf) -> Result<Side, String> {
    let ImageAnnotation { width, height, bbox, keypoints, .. } = annotation;
    if width == 0 || height == 0 {
        return Err(format!("the size is {width} × {height}: expected sides above 0"));
    }
    let [left, top, wide, high] = coordinates("bbox", &bbox)?;
    if wide < 0.0 || high < 0.0 || (wide == 0.0 && high == 0.0) {
        return Err(format!(
            "bbox is {left}, {top}, {wide}, {high}: expected left, top, width and height, of which \
             one may be zero"
        ));
    }
    let (triples, rest) = keypoints.as_chunks::<3>();
    if !rest.is_empty() {
        let count = keypoints.len();
        return Err(format!(
            "keypoints holds {count} numbers: expected x, y and visibility of each"
        ));
    }
    let keypoint = |triple: &[Option<Number>; 3]| match triple {
        [Some(x), Some(y), Some(visibility)] => {
            let triple = [x, y, visibility].map(Clone::clone);
            let [x, y, visibility] = coordinates("keypoints", &triple)?;
            Ok((visibility > 0.0).then_some([x, y]))
        }
        [None, None, _] => Ok(None),
        // Not annotated, whatever else is there.
        [_, _, Some(visibility)] if value(visibility) == 0.0 => Ok(None),
        _ => Err(
            "keypoints holds a number beside NaN or null: give x, y and visibility of each, or \
                  0 for the visibility of what is not annotated"
                .to_owned(),
        ),
    };
    let is_hidden = |triple: &[Option<Number>; 3]| {
        triple[2].as_ref().is_some_and(|visibility| value(visibility) != 2.0)
    };
    Ok(Side {
        photograph,
        size: Some([width, height]),
        hidden: Some(triples.iter().map(is_hidden).collect()),
        bounds: Some([left, top, left + wide, top + high]),
        keypoints: triples.iter().map(keypoint).collect::<Result<_, String>>()?,
    })
}

/// The keypoints' names: as given, or their numbers.
fn names_of(annotation: &PairAnnotation, count: usize) -> Result<Vec<String>, String> {
    let Some(ids) = &annotation.kps_ids else {
        return Ok((0..count).map(|index| index.to_string()).collect());
    };
    if ids.len() != count {
        let found = ids.len();
        return Err(format!("kps_ids has {found} names for {count} keypoints: expected one each"));
    }
    Ok(ids.clone())
}

/// The four labels, where all are there.
fn variation(annotation: &PairAnnotation) -> Result<Option<Variation>, String> {
    let level = |field: &str, level: Option<u8>, most: u8| match level {
        Some(level) if level > most => Err(format!("{field} is {level}: expected 0 to {most}")),
        level => Ok(level),
    };
    let viewpoint = level("viewpoint_variation", annotation.viewpoint_variation, 2)?;
    let scale = level("scale_variation", annotation.scale_variation, 2)?;
    let truncation = level("truncation", annotation.truncation, 3)?;
    let occlusion = level("occlusion", annotation.occlusion, 3)?;
    Ok((|| {
        Some(Variation {
            viewpoint: viewpoint?,
            scale: scale?,
            truncation: truncation?,
            occlusion: occlusion?,
        })
    })())
}

fn corners(field: &str, numbers: &[Number; 4]) -> Result<[f32; 4], String> {
    let corners = coordinates(field, numbers)?;
    let [left, top, right, bottom] = corners;
    // One side may be zero: published code measures by the longer one.
    if left <= right && top <= bottom && (left < right || top < bottom) {
        return Ok(corners);
    }
    Err(format!(
        "{field} is {corners:?}: expected xmin < xmax and ymin < ymax, or one of them equal"
    ))
}

fn coordinates<const N: usize>(field: &str, numbers: &[Number; N]) -> Result<[f32; N], String> {
    let coordinates = numbers.each_ref().map(|number| value(number) as f32);
    match coordinates.iter().position(|coordinate| !coordinate.is_finite()) {
        Some(index) => Err(format!("{field} holds {}: expected pixels", numbers[index])),
        None => Ok(coordinates),
    }
}
