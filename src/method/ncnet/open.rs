//! Opening NC-Net: weights, trunk and engine as they are asked for.

use std::path::Path;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{IMAGE_SIDE, NcNet};
use crate::backbone::networks::{self, CONSENSUS, PREFIX, TrunkKind};
use crate::backbone::trunk::Trunk;
use crate::backbone::weights::baselines::Baseline;
use crate::backbone::weights::{WeightsFile, WeightsIdentity};
use crate::backbone::{self, BackboneOptions, Device};
use crate::engine::consensus::{ConsensusEngine, ConsensusWeights, Layer};
use crate::engine::{self, EngineKind, EngineOptions};
use crate::method::frame::first_pixel;
use crate::method::learned::{Values, backbone_weights, unfit};
use crate::method::shelf::Scheme;
use crate::method::{Entry, Method, OpenError, Options, Setting};

/// NC-Net among the methods.
pub const ENTRY: Entry = Entry {
    name: NAME,
    about: "NC-Net (Rocco et al., NeurIPS 2018), trained weights of its authors",
    accepts: &[
        Setting::Weights,
        Setting::BackboneWeights,
        Setting::Direction,
        Setting::Engine,
        Setting::Adapter,
    ],
    engines: &[EngineKind::Gpu, EngineKind::Cpu, EngineKind::Dense],
    open,
};

const NAME: &str = "ncnet";

/// The trunk of the authors' files.
const BACKBONE: TrunkKind = TrunkKind::ResNet101;

/// What the method is made of, and what the header of a predictions file says of it.
struct Parts {
    trunk: Values,
    consensus: ConsensusWeights,
    weights: Value,
    backbone_weights: Option<Value>,
}

fn open(options: &Options) -> Result<Box<dyn Method>, OpenError> {
    let Some(weights) = &options.weights else {
        return Err(OpenError::Usage(format!(
            "--method {NAME} needs --weights: the authors' file, converted by `hpflow weights \
             convert`; or untrained"
        )));
    };
    if !cfg!(feature = "torch") {
        return Err(OpenError::WithoutTorch { method: NAME });
    }
    let parts = match weights.as_str() {
        "untrained" => untrained_parts(options)?,
        file => trained_parts(Path::new(file), options)?,
    };
    let layers = parts.consensus.layers().iter();
    let shape: Vec<Value> = layers.map(|layer| json!([layer.kernel, layer.outputs])).collect();
    let trunk = open_trunk(&parts.trunk, options)?;
    let engine = open_engine(parts.consensus, options)?;
    let direction = options.direction.unwrap_or_default();
    let first_pixel = first_pixel(&options.benchmark);
    let mut about = Map::from_iter([
        ("name".to_owned(), json!(NAME)),
        ("backbone".to_owned(), json!(BACKBONE.name())),
        ("consensus".to_owned(), json!(shape)),
        ("weights".to_owned(), parts.weights),
    ]);
    about.extend(parts.backbone_weights.map(|weights| ("backbone_weights".to_owned(), weights)));
    about.extend([
        ("direction".to_owned(), json!(direction.name())),
        ("first_pixel".to_owned(), json!(first_pixel)),
        ("engine".to_owned(), json!(engine.name())),
        ("adapter".to_owned(), json!(engine.adapter())),
        ("backbone_device".to_owned(), json!(trunk.device())),
        ("precision".to_owned(), json!("f32")),
        ("image_side".to_owned(), json!(IMAGE_SIDE)),
    ]);
    let scheme = match options.engine {
        Some(EngineKind::Dense) => Scheme::PairByPair,
        _ => Scheme::Shared,
    };
    Ok(Box::new(NcNet::new(about, trunk, engine, direction, first_pixel, scheme)))
}

/// Random networks, the same everywhere.
fn untrained_parts(options: &Options) -> Result<Parts, OpenError> {
    let consensus = ConsensusWeights::untrained();
    let mut hash = Sha256::new();
    for layer in consensus.layers() {
        hash.update(bytemuck::cast_slice::<f32, u8>(&layer.weight));
        hash.update(bytemuck::cast_slice::<f32, u8>(&layer.bias));
    }
    let sha256 = crate::digest::hexadecimal(&hash.finalize());
    let weights = json!({ "source": "untrained", "sha256": sha256 });
    let (trunk, about) = match backbone_weights(BACKBONE, options)? {
        Some(given) => given,
        None => {
            let (values, sha256) = BACKBONE.untrained();
            (values, json!({ "source": "untrained", "sha256": sha256 }))
        }
    };
    Ok(Parts { trunk, consensus, weights, backbone_weights: Some(about) })
}

/// Networks from the authors' file.
fn trained_parts(file: &Path, options: &Options) -> Result<Parts, OpenError> {
    if !file.exists() && file.to_string_lossy().contains(',') {
        return Err(OpenError::Usage(format!(
            "--weights {}: --method {NAME} takes one file; leave the others out",
            file.display()
        )));
    }
    let checkpoint = WeightsFile::open(file)?;
    let consensus = consensus(&checkpoint, options)?;
    let (trunk, backbone_weights) = match backbone_weights(BACKBONE, options)? {
        Some((values, about)) => (values, Some(about)),
        None if !checkpoint.has(PREFIX) => {
            return Err(unfit(
                &file.display(),
                format!("has no feature extractor ({}*)", PREFIX),
                "give ImageNet's with --backbone-weights, such as resnet101",
            ));
        }
        None => {
            let named = |name: &str| BACKBONE.authors_name(name);
            (checkpoint.read(BACKBONE.name(), &BACKBONE.parameters(), named)?, None)
        }
    };
    let WeightsIdentity { source, sha256, .. } = checkpoint.identity();
    let weights = json!({ "source": source, "sha256": sha256 });
    Ok(Parts { trunk, consensus, weights, backbone_weights })
}

/// The consensus network of a file: channels and kernels are those of its tensors.
fn consensus(checkpoint: &WeightsFile, options: &Options) -> Result<ConsensusWeights, OpenError> {
    let path = checkpoint.path();
    let remedy = "give a file of NC-Net's authors, converted by `hpflow weights convert`";
    let found = checkpoint.baseline();
    let Some(Baseline::NcNet { trunk, kernel_sizes, channels }) = &found else {
        let what = match checkpoint.has("FeatureRegression.") {
            true => "it is a learned alignment's (--method cnngeo, weakalign or a2net)",
            false => "its tensors have other names",
        };
        let found = format!("has no consensus network ({CONSENSUS}.*): {what}");
        return Err(unfit(&path.display(), found, remedy));
    };
    let parameters = networks::consensus(kernel_sizes, channels);
    let mut values = checkpoint.read(NAME, &parameters, |name| format!("{CONSENSUS}.{name}"))?;
    // An extractor that is not used may be any.
    let trunk = if options.backbone_weights.is_some() { BACKBONE } else { *trunk };
    let (sizes, outputs) = (kernel_sizes.clone(), channels.clone());
    Baseline::NcNet { trunk, kernel_sizes: sizes, channels: outputs }.runs(path)?;
    let inputs = [1].into_iter().chain(channels.iter().copied());
    let layers = kernel_sizes.iter().zip(inputs).zip(channels).enumerate();
    let layers = layers.map(|(layer, ((&kernel, inputs), &outputs))| {
        let mut take = |part| values.remove(&format!("{}.{part}", 2 * layer)).unwrap_or_default();
        Layer { kernel, inputs, outputs, weight: take("weight"), bias: take("bias") }
    });
    ConsensusWeights::new(layers.collect())
        .map_err(|error| unfit(&path.display(), error.to_string(), remedy))
}

fn open_trunk(values: &Values, options: &Options) -> Result<Box<dyn Trunk>, OpenError> {
    let (threads, progress) = (options.threads, options.progress.clone());
    let how = BackboneOptions { device: Device::Auto, threads, progress };
    let name = BACKBONE.name().to_owned();
    backbone::open_trunk(BACKBONE, values, how)
        .map_err(|source| OpenError::Backbone { name, source: Box::new(source) })
}

fn open_engine(
    consensus: ConsensusWeights,
    options: &Options,
) -> Result<Box<dyn ConsensusEngine>, OpenError> {
    let (adapter, threads) = (options.adapter.as_deref(), options.threads);
    let kind = options.engine.unwrap_or_default();
    let options = EngineOptions { adapter, torch_threads: threads, ..EngineOptions::default() };
    engine::open_consensus(kind, &options, consensus).map_err(OpenError::of_engine)
}
