//! Opening a learned alignment: stages, networks and weights as they are asked for.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::regression::{Network, Values};
use super::{Alignment, IMAGE_SIDE, Stage, Wiring};
use crate::backbone::networks::{GeometricModel, PREFIX, TrunkKind};
use crate::backbone::trunk::Trunk;
use crate::backbone::weights::{WeightsFile, WeightsIdentity, untrained};
use crate::backbone::{self, BackboneOptions, Device};
use crate::engine::EngineKind;
use crate::engine::cpu::InstructionSet;
use crate::method::frame::first_pixel;
use crate::method::learned::{backbone_weights, unfit};
use crate::method::shelf::Scheme;
use crate::method::{Entry, Method, OpenError, Options, Setting};

/// What every learned alignment accepts.
const ACCEPTED: &[Setting] = &[
    Setting::Backbone,
    Setting::Weights,
    Setting::BackboneWeights,
    Setting::Stages,
    Setting::Direction,
    Setting::Engine,
];

/// Their engines: each photograph's maps once, or everything for every pair.
const ENGINES: &[EngineKind] = &[EngineKind::Cpu, EngineKind::Dense];

/// CNNGeo among the methods.
pub const CNNGEO: Entry = Entry {
    name: "cnngeo",
    about: "CNNGeo (Rocco et al., CVPR 2017), trained weights of its authors",
    accepts: ACCEPTED,
    engines: ENGINES,
    open: |options| open("cnngeo", Network::CnnGeo, false, options),
};

/// WeakAlign among the methods.
pub const WEAKALIGN: Entry = Entry {
    name: "weakalign",
    about: "WeakAlign (Rocco et al., CVPR 2018), trained weights of its authors",
    accepts: ACCEPTED,
    engines: ENGINES,
    open: |options| open("weakalign", Network::CnnGeo, true, options),
};

/// A2Net among the methods.
pub const A2NET: Entry = Entry {
    name: "a2net",
    about: "A2Net (Seo et al., ECCV 2018), trained weights of its authors",
    accepts: ACCEPTED,
    engines: ENGINES,
    open: |options| open("a2net", Network::A2Net, false, options),
};

/// What the names of a regression's parameters begin with: a file's only one or first, and the second
/// of a combined file.
const PREFIXES: [&str; 2] = ["FeatureRegression.", "FeatureRegression2."];

/// The stages unless others are asked for.
pub const USUAL_STAGES: &str = "affine-tps";

/// Stages that can be asked for; those with a homography of CNNGeo alone, as its authors alone have
/// trained one.
const STAGES: [(&str, &[GeometricModel]); 5] = [
    (USUAL_STAGES, &[GeometricModel::Affine, GeometricModel::Tps]),
    ("affine", &[GeometricModel::Affine]),
    ("tps", &[GeometricModel::Tps]),
    ("homography", &[GeometricModel::Homography]),
    ("homography-tps", &[GeometricModel::Homography, GeometricModel::Tps]),
];

/// A regression that was found.
struct Head {
    geometry: GeometricModel,
    values: Values,
    /// The file it is in, by number.
    file: usize,
}

/// Opens one of the methods. `combined` says whether an untrained one has a trunk for both stages.
fn open(
    method: &'static str,
    network: Network,
    combined: bool,
    options: &Options,
) -> Result<Box<dyn Method>, OpenError> {
    let (name, geometries) = stages(method, options)?;
    let Some(weights) = &options.weights else {
        return Err(OpenError::Usage(format!(
            "--method {method} needs --weights: the files of its stages as AFFINE,TPS, or one that \
             holds both, converted by `hpflow weights convert`; or untrained"
        )));
    };
    if !cfg!(feature = "torch") {
        return Err(OpenError::WithoutTorch { method });
    }
    let parts = match weights.as_str() {
        "untrained" => untrained_parts(network, geometries, combined, options)?,
        files => trained_parts(method, network, geometries, files, options)?,
    };
    let scheme = match options.engine {
        Some(EngineKind::Dense) => Scheme::PairByPair,
        _ => Scheme::Shared,
    };
    let (trunks, of_file) = open_trunks(&parts.trunks, parts.backbone, scheme, options)?;
    let direction = options.direction.unwrap_or_default();
    let first_pixel = first_pixel(&options.benchmark);
    let mut about = Map::from_iter([
        ("name".to_owned(), json!(method)),
        ("backbone".to_owned(), json!(parts.backbone.name())),
        ("stages".to_owned(), json!(name)),
        ("weights".to_owned(), parts.weights),
    ]);
    about.extend(parts.backbone_weights.map(|weights| ("backbone_weights".to_owned(), weights)));
    about.extend([
        ("direction".to_owned(), json!(direction.name())),
        ("first_pixel".to_owned(), json!(first_pixel)),
        ("engine".to_owned(), json!(if scheme == Scheme::Shared { "cpu" } else { "dense" })),
        ("adapter".to_owned(), json!(InstructionSet::available()[0].name())),
        ("backbone_device".to_owned(), json!(trunks.first().map_or("cpu", |trunk| trunk.device()))),
        ("precision".to_owned(), json!("f32")),
        ("image_side".to_owned(), json!(IMAGE_SIDE)),
    ]);
    let stages = parts.heads.into_iter().map(|head| Stage {
        geometry: head.geometry,
        trunk: of_file[head.file],
        regression: network.build(&head.values),
    });
    let stages = stages.collect();
    let wiring = Wiring { direction, first_pixel };
    Ok(Box::new(Alignment::new(about, trunks, stages, wiring, scheme)))
}

/// The stages asked for, with their name.
fn stages(
    method: &str,
    options: &Options,
) -> Result<(&'static str, &'static [GeometricModel]), OpenError> {
    let asked = options.stages.as_deref().unwrap_or(USUAL_STAGES);
    let of_method = |(_, stages): &(&str, &[GeometricModel])| {
        method == CNNGEO.name || !stages.contains(&GeometricModel::Homography)
    };
    let there: Vec<_> = STAGES.into_iter().filter(of_method).collect();
    there.iter().find(|(name, _)| *name == asked).copied().ok_or_else(|| {
        let names: Vec<&str> = there.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        OpenError::Usage(format!("--stages {asked}: --method {method} has {names}"))
    })
}

/// What a method is made of.
struct Parts {
    backbone: TrunkKind,
    /// In the order of the stages.
    heads: Vec<Head>,
    /// The trunk's parameters of each file, by number.
    trunks: Vec<Values>,
    /// For the header of a predictions file.
    weights: Value,
    backbone_weights: Option<Value>,
}

/// The backbone that was asked for by name.
fn asked_backbone(options: &Options) -> Result<Option<TrunkKind>, OpenError> {
    let Some(asked) = options.backbone.as_deref() else { return Ok(None) };
    let named = TrunkKind::ALL.into_iter().find(|network| network.name() == asked);
    named.map(Some).ok_or_else(|| {
        let names = TrunkKind::ALL.map(TrunkKind::name).join(", ");
        OpenError::Usage(format!("--backbone {asked}: learned methods have {names}"))
    })
}

/// Random networks, the same everywhere: regressions whose output is the identity, somewhat bent.
fn untrained_parts(
    network: Network,
    geometries: &[GeometricModel],
    combined: bool,
    options: &Options,
) -> Result<Parts, OpenError> {
    let backbone = asked_backbone(options)?.unwrap_or(TrunkKind::ResNet101);
    let (trunk, backbone_weights) = match backbone_weights(backbone, options)? {
        Some((values, about)) => (values, about),
        None => {
            let (values, sha256) = backbone.untrained();
            (values, json!({ "source": "untrained", "sha256": sha256 }))
        }
    };
    let mut digests = Vec::new();
    let heads = geometries.iter().enumerate().map(|(file, &geometry)| {
        let prefix = format!("{}/{}", geometry.name(), PREFIXES[0]);
        let (mut values, sha256) = untrained::values(&prefix, &network.parameters(geometry));
        values.insert("linear.bias".to_owned(), geometry.identity());
        digests.push(json!({ "source": "untrained", "sha256": sha256 }));
        Head { geometry, values, file: if combined { 0 } else { file } }
    });
    let heads: Vec<Head> = heads.collect();
    let files = heads.iter().map(|head| head.file + 1).max().unwrap_or(1);
    let trunks = vec![trunk; files];
    let weights = Value::Array(digests);
    Ok(Parts { backbone, heads, trunks, weights, backbone_weights: Some(backbone_weights) })
}

/// Networks from the authors' files.
fn trained_parts(
    method: &str,
    network: Network,
    geometries: &[GeometricModel],
    files: &str,
    options: &Options,
) -> Result<Parts, OpenError> {
    let names: Vec<&str> = files.split(',').collect();
    if names.len() > 2 || names.iter().any(|name| name.is_empty()) {
        return Err(OpenError::Usage(format!(
            "--weights {files}: give one file or two, as AFFINE,TPS without a space between them"
        )));
    }
    let opened = names.iter().map(|name| WeightsFile::open(Path::new(name)));
    let checkpoints = opened.collect::<Result<Vec<_>, _>>()?;
    let both = checkpoints.iter().find(|checkpoint| checkpoint.has(PREFIXES[1]));
    if let Some(file) = both.filter(|_| method == CNNGEO.name) {
        return Err(unfit(
            &file.path().display(),
            "it holds both stages of WeakAlign on one extractor".to_owned(),
            "use --method weakalign, or the files of CNNGeo",
        ));
    }
    let heads = heads(method, network, geometries, files, &checkpoints)?;
    if let Some(idle) =
        (0..checkpoints.len()).find(|&file| heads.iter().all(|head| head.file != file))
    {
        return Err(unfit(
            &checkpoints[idle].path().display(),
            format!("no stage of {} needs it", asked_stages(geometries)),
            "leave it out, or name other --stages",
        ));
    }
    let backbone = backbone_of(&checkpoints, options)?;
    let about = |identity: &WeightsIdentity| json!({ "source": identity.source, "sha256": identity.sha256 });
    let weights = checkpoints.iter().map(|checkpoint| about(checkpoint.identity())).collect();
    let (trunks, backbone_weights) = match backbone_weights(backbone, options)? {
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
fn backbone_of(checkpoints: &[WeightsFile], options: &Options) -> Result<TrunkKind, OpenError> {
    let found: Vec<Option<TrunkKind>> = checkpoints.iter().map(WeightsFile::trunk).collect();
    let backbone = asked_backbone(options)?
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
            "give files of one backbone, and leave --backbone out",
        ),
        None => {
            let what = if checkpoint.has(PREFIX) {
                let names = TrunkKind::ALL.map(TrunkKind::name).join(" nor ");
                format!("its feature extractor is neither {names}")
            } else {
                format!("has no feature extractor ({PREFIX}*)")
            };
            (what, "give ImageNet's with --backbone-weights, such as resnet101")
        }
    };
    Err(unfit(&checkpoint.path().display(), what, remedy))
}

/// The regression of each stage, wherever among the files it is.
fn heads(
    method: &str,
    network: Network,
    geometries: &[GeometricModel],
    files: &str,
    checkpoints: &[WeightsFile],
) -> Result<Vec<Head>, OpenError> {
    let mut there = Vec::new();
    for (file, checkpoint) in checkpoints.iter().enumerate() {
        let path = checkpoint.path().display();
        let prefixes = PREFIXES.into_iter().filter(|prefix| checkpoint.has(prefix));
        let found: Vec<(&str, GeometricModel)> = prefixes
            .map(|prefix| Ok((prefix, geometry(checkpoint, prefix)?)))
            .collect::<Result<_, OpenError>>()?;
        if found.is_empty() {
            let what = contents(checkpoint);
            let remedy = "give files of the authors', converted by `hpflow weights convert`";
            return Err(unfit(&path, format!("has no FeatureRegression: {what}"), remedy));
        }
        if checkpoint.has("FeatureRegression.preconv.") != (network == Network::A2Net) {
            let (what, remedy) = match network {
                Network::A2Net => ("CNNGeo and WeakAlign", "use --method cnngeo or weakalign"),
                Network::CnnGeo => ("A2Net", "use --method a2net"),
            };
            let what = format!("its regression is that of {what}, not of {method}");
            return Err(unfit(&path, what, remedy));
        }
        let homography = found.iter().any(|(_, geometry)| *geometry == GeometricModel::Homography);
        if homography && method != CNNGEO.name {
            let what = format!("its regression is of a homography, which {method} has not");
            return Err(unfit(&path, what, "use --method cnngeo, or files of affine and spline"));
        }
        there.extend(found.into_iter().map(|(prefix, geometry)| (file, prefix, geometry)));
    }
    geometries
        .iter()
        .map(|&wanted| {
            let fits = there.iter().find(|(_, _, geometry)| *geometry == wanted);
            let &(file, prefix, geometry) =
                fits.ok_or_else(|| missing_stage(files, geometries, wanted, &there))?;
            let named = |name: &str| format!("{prefix}{name}");
            let values = checkpoints[file].read(method, &network.parameters(geometry), named)?;
            Ok(Head { geometry, values, file })
        })
        .collect()
}

/// A stage that no file holds.
fn missing_stage(
    files: &str,
    geometries: &[GeometricModel],
    wanted: GeometricModel,
    there: &[(usize, &str, GeometricModel)],
) -> OpenError {
    let found: Vec<&str> = there.iter().map(|(_, _, geometry)| geometry.name()).collect();
    let (asked, wanted) = (asked_stages(geometries), wanted.name());
    unfit(
        &files,
        format!("the stages in there are {}, and {wanted} of {asked} is missing", found.join(", ")),
        &format!(
            "give its file too, after a comma, or name the --stages that there are ({})",
            found[0]
        ),
    )
}

fn asked_stages(geometries: &[GeometricModel]) -> String {
    let names: Vec<&str> = geometries.iter().map(|geometry| geometry.name()).collect();
    format!("--stages {}", names.join("-"))
}

/// What a regression predicts, by its number of outputs.
fn geometry(checkpoint: &WeightsFile, prefix: &str) -> Result<GeometricModel, OpenError> {
    let name = format!("{prefix}linear.weight");
    checkpoint.model(prefix.trim_end_matches('.')).ok_or_else(|| {
        let shape = checkpoint.shape(&name).unwrap_or_default();
        unfit(
            &checkpoint.path().display(),
            format!("{name} has shape {shape:?}"),
            "6 outputs are an affine transformation, 8 a homography, 18 a spline; give another file",
        )
    })
}

/// What a file without a regression may be.
fn contents(checkpoint: &WeightsFile) -> &'static str {
    if checkpoint.has("NeighConsensus.") {
        "it is NC-Net's (--method ncnet)"
    } else if checkpoint.has("layer1.") || checkpoint.has("features.") {
        "it is a backbone alone (--backbone-weights takes it)"
    } else {
        "its tensors have other names"
    }
}

/// Trunks, and which of them each file has.
type Opened = (Vec<Box<dyn Trunk>>, Vec<usize>);

/// Opens the trunks of the files. Where maps are shared, equal parameters are one trunk.
fn open_trunks(
    values: &[Values],
    backbone: TrunkKind,
    scheme: Scheme,
    options: &Options,
) -> Result<Opened, OpenError> {
    let (threads, progress) = (options.threads, options.progress.clone());
    let how = BackboneOptions { device: Device::Auto, threads, progress };
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    let (mut trunks, mut of_file) = (Vec::new(), Vec::new());
    for (file, values) in values.iter().enumerate() {
        let key = match scheme {
            Scheme::Shared => digest(values, backbone),
            Scheme::PairByPair => file.to_le_bytes().to_vec(),
        };
        let trunk = match known.get(&key) {
            Some(&trunk) => trunk,
            None => {
                let name = backbone.name().to_owned();
                let opened = backbone::open_trunk(backbone, values, how.clone());
                let wrong = |source| OpenError::Backbone { name, source: Box::new(source) };
                trunks.push(opened.map_err(wrong)?);
                known.insert(key, trunks.len() - 1);
                trunks.len() - 1
            }
        };
        of_file.push(trunk);
    }
    Ok((trunks, of_file))
}

/// SHA-256 of a trunk's parameters in their order.
fn digest(values: &Values, backbone: TrunkKind) -> Vec<u8> {
    let mut hash = Sha256::new();
    for parameter in backbone.parameters() {
        hash.update(bytemuck::cast_slice::<f32, u8>(&values[&parameter.name]));
    }
    hash.finalize().to_vec()
}
