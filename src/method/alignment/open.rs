//! Opening a learned alignment: stages, networks and weights as they are asked for.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::options::{AlignmentKind, AlignmentOptions, AlignmentWeights, Stages};
use super::regression::RegressionKind;
use super::{Alignment, IMAGE_SIDE, Stage};
use crate::backbone::networks::{GeometricModel, PREFIX, TrunkKind};
use crate::backbone::trunk::Trunk;
use crate::backbone::weights::{WeightsFile, untrained};
use crate::engine::cpu::InstructionSet;
use crate::method::learned::{
    ParameterValues, backbone_weights, file_weights, open_trunk, unfit, untrained_trunk,
    untrained_weights,
};
use crate::method::pair_network::{FIRST_PIXEL, PairMethod};
use crate::method::{Direction, Method, MethodOptions, OpenError, Sharing};
use crate::predictions::{HeaderField, MethodHeader};

/// What the names of a regression's parameters begin with: a file's only one or first, and the second
/// of a combined file.
const PREFIXES: [&str; 2] = ["FeatureRegression.", "FeatureRegression2."];

/// A regression that was found.
struct Head {
    geometry: GeometricModel,
    values: ParameterValues,
    /// The file it is in, by number.
    file: usize,
}

/// The stages of an alignment, for the header of a predictions file.
const STAGES: HeaderField<String> = HeaderField::new("stages");

/// Opens a learned alignment.
///
/// # Errors
/// A build without libtorch, or weights that cannot be had or do not fit.
pub(super) fn alignment(options: &AlignmentOptions) -> Result<PairMethod<Alignment>, OpenError> {
    if !cfg!(feature = "torch") {
        return Err(OpenError::WithoutTorch { method: options.kind.name() });
    }
    let parts = match &options.weights {
        AlignmentWeights::Untrained => untrained_parts(options)?,
        AlignmentWeights::File(_) | AlignmentWeights::Files(_) => trained_parts(options)?,
    };
    let (trunks, of_file) = open_trunks(&parts.trunks, parts.backbone, options)?;
    let device = trunks[of_file[0]].device();
    let first_pixel = options.benchmark.info().first_pixel;
    let text = |text: &str| text.to_owned();
    let header = MethodHeader::of(options.kind.name())
        .with(MethodHeader::BACKBONE, &text(parts.backbone.name()))
        .with(STAGES, &text(options.stages.name()))
        .with(MethodHeader::WEIGHTS, &parts.weights)
        .with_some(MethodHeader::BACKBONE_WEIGHTS, parts.backbone_weights.as_ref())
        .with(Direction::FIELD, &text(options.direction.name()))
        .with(FIRST_PIXEL, &first_pixel)
        .with(MethodHeader::ENGINE, &text(options.engine()))
        .with(MethodHeader::ADAPTER, &text(InstructionSet::available()[0].name()))
        .with(MethodHeader::BACKBONE_DEVICE, &text(device))
        .with(MethodHeader::PRECISION, &text("f32"))
        .with(MethodHeader::IMAGE_SIDE, &Some(IMAGE_SIDE as u32));
    let regression = options.kind.regression();
    let stages = parts.heads.into_iter().map(|head| Stage {
        geometry: head.geometry,
        trunk: of_file[head.file],
        regression: regression.build(&head.values),
    });
    let network = Alignment::new(header, trunks, stages.collect());
    Ok(PairMethod::new(network, options.direction, first_pixel, options.sharing))
}

/// What a method is made of.
struct Parts {
    backbone: TrunkKind,
    /// In the order of the stages.
    heads: Vec<Head>,
    /// The trunk's parameters of each file, by number.
    trunks: Vec<ParameterValues>,
    /// For the header of a predictions file.
    weights: Value,
    backbone_weights: Option<Value>,
}

/// Random networks, the same everywhere: regressions whose output is the identity, somewhat bent.
fn untrained_parts(options: &AlignmentOptions) -> Result<Parts, OpenError> {
    let backbone = options.backbone.unwrap_or(TrunkKind::ResNet101);
    let own = backbone_weights(backbone, options.backbone_weights.as_ref(), &options.resources)?;
    let (trunk, backbone_weights) = own.unwrap_or_else(|| untrained_trunk(backbone));
    let regression = options.kind.regression();
    let (mut heads, mut digests) = (Vec::new(), Vec::new());
    for (stage, &geometry) in options.stages.geometries().iter().enumerate() {
        let prefix = format!("{}/{}", geometry.name(), PREFIXES[0]);
        let (mut values, sha256) = untrained::values(&prefix, &regression.parameters(geometry));
        values.insert("linear.bias".to_owned(), geometry.identity());
        digests.push(untrained_weights(&sha256));
        let file = if options.kind.is_combined() { 0 } else { stage };
        heads.push(Head { geometry, values, file });
    }
    let files = if options.kind.is_combined() { 1 } else { heads.len() };
    let (trunks, weights) = (vec![trunk; files], Value::Array(digests));
    Ok(Parts { backbone, heads, trunks, weights, backbone_weights: Some(backbone_weights) })
}

/// Networks from the authors' files.
fn trained_parts(options: &AlignmentOptions) -> Result<Parts, OpenError> {
    let opened = options.weights.files().iter().map(|file| WeightsFile::open(file));
    let checkpoints = opened.collect::<Result<Vec<_>, _>>()?;
    let both = checkpoints.iter().find(|checkpoint| checkpoint.has(PREFIXES[1]));
    if let Some(file) = both.filter(|_| options.kind == AlignmentKind::CnnGeo) {
        return Err(unfit(
            &file.path().display(),
            "it holds both stages of WeakAlign on one extractor".to_owned(),
            "use ‹method› weakalign, or the files of CNNGeo",
        ));
    }
    let heads = heads(options, &checkpoints)?;
    let needed = |file: usize| heads.iter().any(|head| head.file == file);
    if let Some(idle) = (0..checkpoints.len()).find(|&file| !needed(file)) {
        return Err(unfit(
            &checkpoints[idle].path().display(),
            format!("no stage of {} needs it", options.stages.name()),
            "leave it out, or name other ‹stages›",
        ));
    }
    let backbone = backbone_of(&checkpoints, options)?;
    let weights = checkpoints.iter().map(|one| file_weights(one.identity())).collect();
    let own = backbone_weights(backbone, options.backbone_weights.as_ref(), &options.resources)?;
    let (trunks, backbone_weights) = match own {
        Some((values, about)) => (vec![values; checkpoints.len()], Some(about)),
        None => {
            let read = |checkpoint: &WeightsFile| {
                let named = |name: &str| backbone.authors_name(name);
                checkpoint.read(backbone.name(), &backbone.parameters(), named)
            };
            (checkpoints.iter().map(read).collect::<Result<Vec<_>, _>>()?, None)
        }
    };
    Ok(Parts { backbone, heads, trunks, weights: Value::Array(weights), backbone_weights })
}

/// The backbone that all files have, unless its own weights are given: then they need none.
fn backbone_of(
    checkpoints: &[WeightsFile],
    options: &AlignmentOptions,
) -> Result<TrunkKind, OpenError> {
    let found: Vec<Option<TrunkKind>> = checkpoints.iter().map(WeightsFile::trunk).collect();
    let backbone = options
        .backbone
        .or_else(|| found.iter().flatten().next().copied())
        .unwrap_or(TrunkKind::ResNet101);
    if options.backbone_weights.is_some() {
        return Ok(backbone);
    }
    let unlike = checkpoints.iter().zip(found).find(|(_, found)| *found != Some(backbone));
    let Some((checkpoint, found)) = unlike else { return Ok(backbone) };
    let (what, remedy) = match found {
        Some(found) => (
            format!("its extractor is {}, not {}", found.name(), backbone.name()),
            "give files of one backbone, and leave ‹backbone› out",
        ),
        None => {
            let what = if checkpoint.has(PREFIX) {
                let names = TrunkKind::ALL.map(TrunkKind::name).join(" nor ");
                format!("its feature extractor is neither {names}")
            } else {
                format!("has no feature extractor ({PREFIX}*)")
            };
            (what, "give ImageNet's with ‹backbone-weights›, such as resnet101")
        }
    };
    Err(unfit(&checkpoint.path().display(), what, remedy))
}

/// The regression of each stage, wherever among the files it is.
fn heads(options: &AlignmentOptions, checkpoints: &[WeightsFile]) -> Result<Vec<Head>, OpenError> {
    let (kind, method) = (options.kind, options.kind.name());
    let mut there = Vec::new();
    for (file, checkpoint) in checkpoints.iter().enumerate() {
        let path = checkpoint.path().display();
        let prefixes = PREFIXES.into_iter().filter(|prefix| checkpoint.has(prefix));
        let found: Vec<(&str, GeometricModel)> = prefixes
            .map(|prefix| Ok((prefix, geometry(checkpoint, prefix)?)))
            .collect::<Result<_, OpenError>>()?;
        if found.is_empty() {
            let what = format!("has no FeatureRegression: {}", contents(checkpoint));
            let remedy = "give files of the authors', converted by `hpflow weights convert`";
            return Err(unfit(&path, what, remedy));
        }
        let is_a2net = checkpoint.has("FeatureRegression.preconv.");
        if is_a2net != (kind.regression() == RegressionKind::A2Net) {
            let (what, remedy) = match kind.regression() {
                RegressionKind::A2Net => {
                    ("CNNGeo and WeakAlign", "use ‹method› cnngeo or weakalign")
                }
                RegressionKind::CnnGeo => ("A2Net", "use ‹method› a2net"),
            };
            let what = format!("its regression is that of {what}, not of {method}");
            return Err(unfit(&path, what, remedy));
        }
        let homography = found.iter().any(|(_, geometry)| *geometry == GeometricModel::Homography);
        if homography && !kind.stages().contains(&Stages::Homography) {
            let what = format!("its regression is of a homography, which {method} has not");
            return Err(unfit(&path, what, "use ‹method› cnngeo, or files of affine and spline"));
        }
        there.extend(found.into_iter().map(|(prefix, geometry)| (file, prefix, geometry)));
    }
    let head = |&wanted: &GeometricModel| {
        let fits = there.iter().find(|(_, _, geometry)| *geometry == wanted);
        let &(file, prefix, geometry) =
            fits.ok_or_else(|| missing_stage(options, wanted, &there))?;
        let named = |name: &str| format!("{prefix}{name}");
        let parameters = kind.regression().parameters(geometry);
        let values = checkpoints[file].read(method, &parameters, named)?;
        Ok(Head { geometry, values, file })
    };
    options.stages.geometries().iter().map(head).collect()
}

/// A stage that no file holds.
fn missing_stage(
    options: &AlignmentOptions,
    wanted: GeometricModel,
    there: &[(usize, &str, GeometricModel)],
) -> OpenError {
    let found: Vec<&str> = there.iter().map(|(_, _, geometry)| geometry.name()).collect();
    let files: Vec<String> =
        options.weights.files().iter().map(|file| file.display().to_string()).collect();
    let (asked, wanted) = (options.stages.name(), wanted.name());
    unfit(
        &files.join(","),
        format!("the stages in there are {}, and {wanted} of {asked} is missing", found.join(", ")),
        &format!(
            "give its file too, after a comma, or name the ‹stages› that there are ({})",
            found[0]
        ),
    )
}

/// What a regression predicts, by its number of outputs.
fn geometry(checkpoint: &WeightsFile, prefix: &str) -> Result<GeometricModel, OpenError> {
    let name = format!("{prefix}linear.weight");
    checkpoint.model(prefix.trim_end_matches('.')).ok_or_else(|| {
        unfit(
            &checkpoint.path().display(),
            match checkpoint.shape(&name) {
                Some(shape) => format!("{name} has shape {shape:?}"),
                None => format!("has no {name}"),
            },
            "6 outputs are an affine transformation, 8 a homography, 18 a spline; give another file",
        )
    })
}

/// What a file without a regression may be.
fn contents(checkpoint: &WeightsFile) -> &'static str {
    if checkpoint.has("NeighConsensus.") {
        "it is NC-Net's (‹method› ncnet)"
    } else if checkpoint.has("layer1.") || checkpoint.has("features.") {
        "it is a backbone alone (‹backbone-weights› takes it)"
    } else {
        "its tensors have other names"
    }
}

/// Trunks, and which of them each file has.
type Opened = (Vec<Box<dyn Trunk>>, Vec<usize>);

/// Opens the trunks of the files. Where maps are shared, equal parameters are one trunk.
fn open_trunks(
    values: &[ParameterValues],
    backbone: TrunkKind,
    options: &AlignmentOptions,
) -> Result<Opened, OpenError> {
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    let (mut trunks, mut of_file) = (Vec::new(), Vec::new());
    for (file, values) in values.iter().enumerate() {
        let key = match options.sharing {
            Sharing::PerPhotograph => digest(values, backbone),
            Sharing::PerPair => file.to_le_bytes().to_vec(),
        };
        let trunk = match known.get(&key) {
            Some(&trunk) => trunk,
            None => {
                trunks.push(open_trunk(backbone, values, &options.resources)?);
                known.insert(key, trunks.len() - 1);
                trunks.len() - 1
            }
        };
        of_file.push(trunk);
    }
    Ok((trunks, of_file))
}

/// SHA-256 of a trunk's parameters in their order.
fn digest(values: &ParameterValues, backbone: TrunkKind) -> Vec<u8> {
    let mut hash = Sha256::new();
    for parameter in backbone.parameters() {
        hash.update(bytemuck::cast_slice::<f32, u8>(&values[&parameter.name]));
    }
    hash.finalize().to_vec()
}

impl MethodOptions for AlignmentOptions {
    fn open(&self) -> Result<Box<dyn Method>, OpenError> {
        Ok(Box::new(alignment(self)?))
    }
}
