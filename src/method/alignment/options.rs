//! What may be asked of a learned alignment: CNNGeo, WeakAlign or A2Net.

use std::path::PathBuf;

use super::regression::RegressionKind;
use crate::backbone::WeightsSource;
use crate::backbone::networks::GeometricModel;
use crate::backbone::networks::TrunkKind;
use crate::benchmark::BenchmarkKind;
use crate::method::{Direction, MethodInfo, MethodOptions, OpenError, Request, Resources, Sharing};

/// What every learned alignment accepts.
const OPTIONS: &[&str] =
    &["backbone", "weights", "backbone-weights", "stages", "direction", "engine"];

/// How work is shared between pairs, by the names that the option `engine` and predictions files have
/// for it.
const SHARING: [(&str, Sharing); 2] =
    [("cpu", Sharing::PerPhotograph), ("dense", Sharing::PerPair)];

/// The values of `engine`.
const ENGINES: &[&str] = &[SHARING[0].0, SHARING[1].0];

/// What rows of tables do not tell.
const USUAL: &[(&str, &str)] =
    &[("stages", Stages::AffineTps.name()), ("direction", Direction::Direct.name())];

/// CNNGeo among the methods.
pub const CNNGEO: MethodInfo = MethodInfo {
    name: AlignmentKind::CnnGeo.name(),
    about: "CNNGeo (Rocco et al., CVPR 2017), trained weights of its authors",
    options: OPTIONS,
    engines: ENGINES,
    layers: &[],
    usual: USUAL,
    parse: |request| parse(AlignmentKind::CnnGeo, request),
};

/// WeakAlign among the methods.
pub const WEAKALIGN: MethodInfo = MethodInfo {
    name: AlignmentKind::WeakAlign.name(),
    about: "WeakAlign (Rocco et al., CVPR 2018), trained weights of its authors",
    parse: |request| parse(AlignmentKind::WeakAlign, request),
    ..CNNGEO
};

/// A2Net among the methods.
pub const A2NET: MethodInfo = MethodInfo {
    name: AlignmentKind::A2Net.name(),
    about: "A2Net (Seo et al., ECCV 2018), trained weights of its authors",
    parse: |request| parse(AlignmentKind::A2Net, request),
    ..CNNGEO
};

/// Which learned alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlignmentKind {
    /// CNNGeo.
    CnnGeo,
    /// WeakAlign.
    WeakAlign,
    /// A2Net.
    A2Net,
}

impl AlignmentKind {
    /// The method's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CnnGeo => "cnngeo",
            Self::WeakAlign => "weakalign",
            Self::A2Net => "a2net",
        }
    }

    /// The network that reads transformations off correlations.
    #[must_use]
    pub fn regression(self) -> RegressionKind {
        match self {
            Self::CnnGeo | Self::WeakAlign => RegressionKind::CnnGeo,
            Self::A2Net => RegressionKind::A2Net,
        }
    }

    /// Whether its authors have both stages on one trunk, in one file.
    #[must_use]
    pub fn is_combined(self) -> bool {
        self == Self::WeakAlign
    }

    /// The stages that it can have; those with a homography of CNNGeo alone, as its authors alone have
    /// trained one.
    #[must_use]
    pub fn stages(self) -> &'static [Stages] {
        match self {
            Self::CnnGeo => &Stages::ALL,
            Self::WeakAlign | Self::A2Net => &[Stages::AffineTps, Stages::Affine, Stages::Tps],
        }
    }
}

/// The stages of an alignment, in order of execution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stages {
    /// An affine transformation, then a thin-plate spline: as published.
    #[default]
    AffineTps,
    /// An affine transformation.
    Affine,
    /// A thin-plate spline.
    Tps,
    /// A homography.
    Homography,
    /// A homography, then a thin-plate spline.
    HomographyTps,
}

impl Stages {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::AffineTps, Self::Affine, Self::Tps, Self::Homography, Self::HomographyTps];

    /// The name in requests and in predictions files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AffineTps => "affine-tps",
            Self::Affine => "affine",
            Self::Tps => "tps",
            Self::Homography => "homography",
            Self::HomographyTps => "homography-tps",
        }
    }

    /// What each stage predicts.
    #[must_use]
    pub fn geometries(self) -> &'static [GeometricModel] {
        match self {
            Self::AffineTps => &[GeometricModel::Affine, GeometricModel::Tps],
            Self::Affine => &[GeometricModel::Affine],
            Self::Tps => &[GeometricModel::Tps],
            Self::Homography => &[GeometricModel::Homography],
            Self::HomographyTps => &[GeometricModel::Homography, GeometricModel::Tps],
        }
    }
}

/// Where the weights of an alignment come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlignmentWeights {
    /// Random networks, the same everywhere.
    Untrained,
    /// One file of the authors', converted: of the only stage, or of both.
    File(PathBuf),
    /// The files of two stages, in either order.
    Files([PathBuf; 2]),
}

/// A learned alignment as it is asked for.
#[derive(Debug, Clone)]
pub struct AlignmentOptions {
    /// Which one.
    pub kind: AlignmentKind,
    /// Its stages.
    pub stages: Stages,
    /// The trunk; that of the files, or ResNet-101, where not said.
    pub backbone: Option<TrunkKind>,
    /// Its weights.
    pub weights: AlignmentWeights,
    /// Weights of the trunk, where they are not to be those of the files.
    pub backbone_weights: Option<WeightsSource>,
    /// Which way it is asked.
    pub direction: Direction,
    /// How work is shared between pairs.
    pub sharing: Sharing,
    /// The benchmark whose coordinates photographs have.
    pub benchmark: BenchmarkKind,
    /// What it may use.
    pub resources: Resources,
}

impl AlignmentOptions {
    /// What a request asks of a kind of alignment.
    ///
    /// # Errors
    /// Values that make no sense, or no weights.
    pub fn from_request(kind: AlignmentKind, request: &Request) -> Result<Self, OpenError> {
        let method = kind.name();
        let stages = request.choice("stages", method, kind.stages(), Stages::name)?;
        let networks = TrunkKind::ALL;
        let backbone = request.choice("backbone", method, &networks, TrunkKind::name)?;
        let direction = request.choice("direction", method, &Direction::ALL, Direction::name)?;
        let sharing = match request.value("engine") {
            None | Some("auto") => Sharing::default(),
            Some(_) => request
                .choice("engine", method, &SHARING, |(name, _)| name)?
                .map(|(_, sharing)| sharing)
                .expect("a value was given"),
        };
        let Some(weights) = request.value("weights") else {
            return Err(OpenError::Missing {
                option: "weights",
                method,
                wanted: "the files of its stages as AFFINE,TPS, or one that holds both, converted by \
                         `hpflow weights convert`; or untrained",
            });
        };
        Ok(Self {
            kind,
            stages: stages.unwrap_or_default(),
            backbone,
            weights: AlignmentWeights::named(weights)?,
            backbone_weights: request.parse("backbone-weights")?,
            direction: direction.unwrap_or_default(),
            sharing,
            benchmark: request.benchmark,
            resources: request.resources.clone(),
        })
    }

    /// The name of [`Self::sharing`] in predictions files, where engines have theirs.
    pub(super) fn engine(&self) -> &'static str {
        let found = SHARING.into_iter().find(|(_, sharing)| *sharing == self.sharing);
        found.expect("every way of sharing has a name").0
    }
}

impl AlignmentWeights {
    /// What a text asks for: `untrained`, a file, or two with a comma between them.
    fn named(text: &str) -> Result<Self, OpenError> {
        if text == "untrained" {
            return Ok(Self::Untrained);
        }
        let names: Vec<&str> = text.split(',').collect();
        match *names {
            [file] if !file.is_empty() => Ok(Self::File(file.into())),
            [one, other] if !one.is_empty() && !other.is_empty() => {
                Ok(Self::Files([one, other].map(PathBuf::from)))
            }
            _ => Err(OpenError::value(
                "weights",
                text,
                "give one file or two, as AFFINE,TPS without a space between them",
            )),
        }
    }

    /// The files.
    pub(super) fn files(&self) -> &[PathBuf] {
        match self {
            Self::Untrained => &[],
            Self::File(file) => std::slice::from_ref(file),
            Self::Files(files) => files,
        }
    }
}

fn parse(kind: AlignmentKind, request: &Request) -> Result<Box<dyn MethodOptions>, OpenError> {
    Ok(Box::new(AlignmentOptions::from_request(kind, request)?))
}
