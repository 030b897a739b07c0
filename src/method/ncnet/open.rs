//! Opening NC-Net: weights, trunk and engine as they are asked for.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::options::{INFO, NcNetOptions, NcNetWeights};
use super::{IMAGE_SIDE, NcNet};
use crate::backbone::networks::{self, CONSENSUS, PREFIX, TrunkKind};
use crate::backbone::weights::WeightsFile;
use crate::backbone::weights::baselines::Baseline;
use crate::engine::consensus::{ConsensusEngine, ConsensusLayer, ConsensusWeights};
use crate::engine::{self, EngineOptions};
use crate::hyperpixel::Precision;
use crate::method::learned::{
    ParameterValues, backbone_weights, file_weights, open_trunk, unfit, untrained_trunk,
    untrained_weights,
};
use crate::method::pair_network::{FIRST_PIXEL, PairMethod};
use crate::method::{Direction, Method, MethodOptions, OpenError, Resources};
use crate::predictions::{HeaderField, MethodHeader};

/// The trunk of the authors' files.
const BACKBONE: TrunkKind = TrunkKind::ResNet101;

/// What the method is made of, and what the header of a predictions file says of it.
struct Parts {
    trunk: ParameterValues,
    consensus: ConsensusWeights,
    weights: serde_json::Value,
    backbone_weights: Option<serde_json::Value>,
}

/// Kernel and channels of each layer of the consensus network, for the header of a predictions file.
const SHAPE: HeaderField<Vec<[usize; 2]>> = HeaderField::new("consensus");

/// Opens NC-Net.
///
/// # Errors
/// A build without libtorch, weights that cannot be had or do not fit, or an engine that cannot run.
pub(super) fn ncnet(options: &NcNetOptions) -> Result<PairMethod<NcNet>, OpenError> {
    if !cfg!(feature = "torch") {
        return Err(OpenError::WithoutTorch { method: INFO.name });
    }
    let parts = match &options.weights {
        NcNetWeights::Untrained => untrained_parts(options)?,
        NcNetWeights::File(file) => trained_parts(file, options)?,
    };
    let layers = parts.consensus.layers().iter();
    let shape: Vec<[usize; 2]> = layers.map(|layer| [layer.kernel, layer.outputs]).collect();
    let trunk = open_trunk(BACKBONE, &parts.trunk, &options.resources)?;
    let engine = open_engine(parts.consensus, options)?;
    let first_pixel = options.benchmark.info().first_pixel;
    let text = |text: &str| text.to_owned();
    let header = MethodHeader::of(INFO.name)
        .with(MethodHeader::BACKBONE, &text(BACKBONE.name()))
        .with(SHAPE, &shape)
        .with(MethodHeader::WEIGHTS, &parts.weights)
        .with_some(MethodHeader::BACKBONE_WEIGHTS, parts.backbone_weights.as_ref())
        .with(Direction::FIELD, &text(options.direction.name()))
        .with(FIRST_PIXEL, &first_pixel)
        .with(MethodHeader::ENGINE, &text(engine.name()))
        .with(MethodHeader::ADAPTER, &engine.adapter())
        .with(MethodHeader::BACKBONE_DEVICE, &text(trunk.device()))
        .with(MethodHeader::PRECISION, &text("f32"))
        .with(MethodHeader::IMAGE_SIDE, &Some(IMAGE_SIDE as u32));
    let network = NcNet::new(header, trunk, engine);
    Ok(PairMethod::new(network, options.direction, first_pixel, options.sharing))
}

/// Random networks, the same everywhere.
fn untrained_parts(options: &NcNetOptions) -> Result<Parts, OpenError> {
    let consensus = ConsensusWeights::untrained();
    let mut hash = Sha256::new();
    for layer in consensus.layers() {
        hash.update(bytemuck::cast_slice::<f32, u8>(&layer.weight));
        hash.update(bytemuck::cast_slice::<f32, u8>(&layer.bias));
    }
    let weights = untrained_weights(&crate::digest::hexadecimal(&hash.finalize()));
    let own = backbone_weights(BACKBONE, options.backbone_weights.as_ref(), &options.resources)?;
    let (trunk, about) = own.unwrap_or_else(|| untrained_trunk(BACKBONE));
    Ok(Parts { trunk, consensus, weights, backbone_weights: Some(about) })
}

/// Networks from the authors' file.
fn trained_parts(file: &Path, options: &NcNetOptions) -> Result<Parts, OpenError> {
    if !file.exists() && file.to_string_lossy().contains(',') {
        let reason = format!("{} takes one file; leave the others out", INFO.name);
        return Err(OpenError::value("weights", file.display(), reason));
    }
    let checkpoint = WeightsFile::open(file)?;
    let consensus = consensus(&checkpoint, options)?;
    let own = backbone_weights(BACKBONE, options.backbone_weights.as_ref(), &options.resources)?;
    let (trunk, backbone_weights) = match own {
        Some((values, about)) => (values, Some(about)),
        None if !checkpoint.has(PREFIX) => {
            return Err(unfit(
                &file.display(),
                format!("has no feature extractor ({}*)", PREFIX),
                "give ImageNet's with ‹backbone-weights›, such as resnet101",
            ));
        }
        None => {
            let named = |name: &str| BACKBONE.authors_name(name);
            (checkpoint.read(BACKBONE.name(), &BACKBONE.parameters(), named)?, None)
        }
    };
    let weights = file_weights(checkpoint.identity());
    Ok(Parts { trunk, consensus, weights, backbone_weights })
}

/// The consensus network of a file: channels and kernels are those of its tensors.
fn consensus(
    checkpoint: &WeightsFile,
    options: &NcNetOptions,
) -> Result<ConsensusWeights, OpenError> {
    let path = checkpoint.path();
    let remedy = "give a file of NC-Net's authors, converted by `hpflow weights convert`";
    let found = checkpoint.baseline();
    let Some(Baseline::NcNet { trunk, kernel_sizes, channels }) = &found else {
        let what = match checkpoint.has("FeatureRegression.") {
            true => "it is a learned alignment's (‹method› cnngeo, weakalign or a2net)",
            false => "its tensors have other names",
        };
        let found = format!("has no consensus network ({CONSENSUS}.*): {what}");
        return Err(unfit(&path.display(), found, remedy));
    };
    let parameters = networks::consensus(kernel_sizes, channels);
    let mut values =
        checkpoint.read(INFO.name, &parameters, |name| format!("{CONSENSUS}.{name}"))?;
    // An extractor that is not used may be any.
    let trunk = if options.backbone_weights.is_some() { BACKBONE } else { *trunk };
    let (sizes, outputs) = (kernel_sizes.clone(), channels.clone());
    Baseline::NcNet { trunk, kernel_sizes: sizes, channels: outputs }.runs(path)?;
    let inputs = [1].into_iter().chain(channels.iter().copied());
    let layers = kernel_sizes.iter().zip(inputs).zip(channels).enumerate();
    let layers = layers.map(|(layer, ((&kernel, inputs), &outputs))| {
        let mut take = |part| {
            let found = values.remove(&format!("{}.{part}", 2 * layer));
            found.expect("the parameters that were asked for are read")
        };
        ConsensusLayer { kernel, inputs, outputs, weight: take("weight"), bias: take("bias") }
    });
    ConsensusWeights::new(layers.collect())
        .map_err(|error| unfit(&path.display(), error.to_string(), remedy))
}

fn open_engine(
    consensus: ConsensusWeights,
    options: &NcNetOptions,
) -> Result<Box<dyn ConsensusEngine>, OpenError> {
    let Resources { pool, .. } = &options.resources;
    let with = EngineOptions {
        adapter: options.adapter.as_deref(),
        torch_threads: options.resources.threads(),
        memory: options.gpu_memory,
        precision: Precision::F32,
        pool: pool.clone(),
    };
    engine::open_consensus(options.engine, &with, consensus).map_err(OpenError::of_engine)
}

impl MethodOptions for NcNetOptions {
    fn open(&self) -> Result<Box<dyn Method>, OpenError> {
        Ok(Box::new(ncnet(self)?))
    }
}
