//! What is asked of a method by its name, and why it could not be opened.
//!
//! Options have a name and a text here, whoever asks: the command line, a program, a file. The method's
//! own folder makes typed options of them, and says which of them it accepts
//! ([`MethodInfo::options`](super::MethodInfo::options)).

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rayon::ThreadPool;

use crate::backbone::{BackboneError, WeightsError};
use crate::benchmark::{BenchmarkKind, Image};
use crate::engine::gpu::GpuError;
use crate::engine::{EngineError, EngineKind};
use crate::features::FeaturesError;
use crate::progress::Progress;

/// The option that [`Request::features`] is the value of.
const FEATURES: &str = "features";

/// What a method may use while it is opened and at work. No number depends on it.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// Threads of networks on the processor; one a core for 0.
    pub threads: usize,
    /// Threads of the engine on the processor; rayon's global pool if there is none.
    pub pool: Option<Arc<ThreadPool>>,
    /// Told how far a download has come.
    pub progress: Progress,
}

impl Resources {
    /// Threads of networks on the processor, at least one.
    #[must_use]
    pub fn threads(&self) -> usize {
        if self.threads == 0 { rayon::current_num_threads() } else { self.threads }
    }
}

/// Features kept in a folder.
#[derive(Debug, Clone, Default)]
pub struct KeptFeatures {
    /// The folder.
    pub folder: PathBuf,
    /// Photographs whose features must be there.
    pub photographs: Vec<Image>,
    /// Whether it is enough that some of them have usable features; the rest is found when it is read.
    pub some: bool,
}

/// What is asked of a method by its name. What is not asked is as published, or what is usual.
#[derive(Debug, Clone)]
pub struct Request {
    /// The benchmark whose published settings are the defaults, and whose coordinates photographs have.
    pub benchmark: BenchmarkKind,
    /// Feature maps that are there already: the option `features`.
    pub features: Option<KeptFeatures>,
    /// What the method may use.
    pub resources: Resources,
    /// Names and values, in the order in which they were asked for.
    values: Vec<(String, String)>,
}

impl Request {
    /// A request without any option.
    #[must_use]
    pub fn new(benchmark: BenchmarkKind) -> Self {
        Self { benchmark, features: None, resources: Resources::default(), values: Vec::new() }
    }

    /// The same with feature maps that are there already: the option `features`.
    #[must_use]
    pub fn with_features(self, features: Option<KeptFeatures>) -> Self {
        Self { features, ..self }
    }

    /// The same with what the method may use.
    #[must_use]
    pub fn with_resources(self, resources: Resources) -> Self {
        Self { resources, ..self }
    }

    /// The same with an option, in place of an earlier value.
    #[must_use]
    pub fn with(mut self, option: &str, value: impl Into<String>) -> Self {
        self.values.retain(|(name, _)| name != option);
        self.values.push((option.to_owned(), value.into()));
        self
    }

    /// The same with an option, where there is a value.
    #[must_use]
    pub fn with_some(self, option: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(option, value),
            None => self,
        }
    }

    /// The text of an option.
    #[must_use]
    pub fn value(&self, option: &str) -> Option<&str> {
        self.values.iter().find(|(name, _)| name == option).map(|(_, value)| value.as_str())
    }

    /// The options that were asked for.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        let features = self.features.as_ref().map(|_| FEATURES);
        self.values.iter().map(|(name, _)| name.as_str()).chain(features)
    }

    /// An option as what it means; `None` where it was not asked for.
    ///
    /// # Errors
    /// A text that does not mean such a thing.
    pub fn parse<T: FromStr<Err: fmt::Display>>(
        &self,
        option: &'static str,
    ) -> Result<Option<T>, OpenError> {
        let Some(value) = self.value(option) else { return Ok(None) };
        value.parse().map(Some).map_err(|error: T::Err| OpenError::value(option, value, error))
    }

    /// An option that is one of some names; `None` where it was not asked for.
    ///
    /// # Errors
    /// Another name; `whose` says who has these.
    pub fn choice<T: Copy>(
        &self,
        option: &'static str,
        whose: &str,
        among: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, OpenError> {
        let Some(value) = self.value(option) else { return Ok(None) };
        let found = among.iter().copied().find(|&one| name(one) == value);
        found.map(Some).ok_or_else(|| {
            let names: Vec<&str> = among.iter().map(|&one| name(one)).collect();
            OpenError::value(option, value, format!("{whose} has {}", names.join(", ")))
        })
    }

    /// The engine asked for, of a method that has engines for several devices.
    ///
    /// # Errors
    /// An engine that there is not, or an adapter or memory for an engine that uses no GPU.
    pub fn engine(&self) -> Result<EngineRequest, OpenError> {
        let engine = self.choice("engine", "hpflow", &EngineKind::ALL, EngineKind::name)?;
        let engine = engine.unwrap_or_default();
        let adapter = self.value("adapter").map(str::to_owned);
        let mebibytes: Option<u32> = self.parse("gpu-memory")?;
        let gpu_memory = mebibytes.map(|mebibytes| u64::from(mebibytes) << 20);
        check_engine(engine, adapter.as_deref(), gpu_memory)?;
        Ok(EngineRequest { engine, adapter, gpu_memory })
    }
}

/// What is asked of a method's engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineRequest {
    /// The engine.
    pub engine: EngineKind,
    /// Part of the name of a GPU adapter.
    pub adapter: Option<String>,
    /// Memory for photographs on a GPU, in bytes.
    pub gpu_memory: Option<u64>,
}

/// Refuses an adapter, and memory on one, for an engine that uses no GPU.
///
/// # Errors
/// Wrong usage.
pub(super) fn check_engine(
    engine: EngineKind,
    adapter: Option<&str>,
    gpu_memory: Option<u64>,
) -> Result<(), OpenError> {
    match engine {
        EngineKind::Auto | EngineKind::Gpu => return Ok(()),
        EngineKind::Cpu | EngineKind::Dense => {}
    }
    let engine = engine.name();
    match (adapter, gpu_memory) {
        (Some(adapter), _) => Err(OpenError::IdleAdapter { adapter: adapter.to_owned(), engine }),
        (None, Some(_)) => Err(OpenError::IdleMemory { engine }),
        (None, None) => Ok(()),
    }
}

/// Advice that names options. Whoever shows it writes them as its readers know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice(String);

impl Advice {
    /// A text in which the names of options are between `‹` and `›`.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, with options as `option` writes them.
    #[must_use]
    pub fn in_terms(&self, option: &dyn Fn(&str) -> String) -> String {
        let mut parts = self.0.split('‹');
        let first = parts.next().expect("a split text has a first part").to_owned();
        parts.fold(first, |text, part| match part.split_once('›') {
            Some((name, rest)) => text + &option(name) + rest,
            None => text + "‹" + part,
        })
    }
}

/// Why a method could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no method of that name.
    UnknownMethod {
        /// The name.
        name: String,
        /// The methods that there are.
        known: Vec<&'static str>,
    },
    /// An option that the method does not have.
    NotAccepted {
        /// The option.
        option: String,
        /// The method.
        method: &'static str,
        /// Methods that have it.
        accepting: Vec<&'static str>,
    },
    /// An option with a value that it cannot have.
    Value {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An option that the method cannot do without.
    Missing {
        /// The option.
        option: &'static str,
        /// The method.
        method: &'static str,
        /// What it wants there.
        wanted: &'static str,
    },
    /// Options that exclude each other.
    Together {
        /// The options.
        options: [&'static str; 2],
    },
    /// An engine that the method does not have.
    NoEngine {
        /// The engine.
        engine: String,
        /// The method.
        method: &'static str,
        /// The engines that it has.
        engines: &'static [&'static str],
    },
    /// An adapter for an engine that uses none.
    IdleAdapter {
        /// The adapter.
        adapter: String,
        /// The engine.
        engine: &'static str,
    },
    /// Memory on a GPU for an engine that uses none.
    IdleMemory {
        /// The engine.
        engine: &'static str,
    },
    /// There is no adapter of that name.
    Adapter {
        /// What the engine said.
        source: Box<EngineError>,
    },
    /// No layer set was published for what was asked for.
    NoLayers {
        /// The network.
        backbone: String,
        /// The benchmark.
        benchmark: BenchmarkKind,
        /// What there are layer sets for, in words: other benchmarks, or other networks.
        only: String,
        /// The layers to choose from, where they are known.
        layers: Vec<usize>,
    },
    /// The backbone cannot be had.
    Backbone {
        /// Its name.
        name: String,
        /// Why.
        source: Box<BackboneError>,
    },
    /// Weights of the method that cannot be had or do not fit.
    Weights(WeightsError),
    /// Files of weights that are of something else than what was asked for.
    Unfit {
        /// The files.
        files: String,
        /// What they hold.
        found: Advice,
        /// What to do.
        remedy: Advice,
    },
    /// Kept features that are missing, damaged or of another network.
    Features(FeaturesError),
    /// Kept features of another backbone than the one asked for.
    OtherBackbone {
        /// The backbone asked for.
        asked: String,
        /// The features' backbone.
        found: String,
    },
    /// An engine that cannot run.
    Engine(EngineError),
    /// A learned method in a build without libtorch.
    WithoutTorch {
        /// The method.
        method: &'static str,
    },
}

impl OpenError {
    /// An option with a value that it cannot have.
    pub(crate) fn value(
        option: &'static str,
        value: impl fmt::Display,
        reason: impl fmt::Display,
    ) -> Self {
        Self::Value { option, value: value.to_string(), reason: reason.to_string() }
    }

    /// The error for an engine that could not be opened: wrong usage where another name would do.
    pub(crate) fn of_engine(error: EngineError) -> Self {
        match error {
            EngineError::Gpu(GpuError::UnknownAdapter { .. }) => {
                Self::Adapter { source: Box::new(error) }
            }
            error => Self::Engine(error),
        }
    }

    /// Whether something else should have been asked for.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::UnknownMethod { .. }
            | Self::NotAccepted { .. }
            | Self::Value { .. }
            | Self::Missing { .. }
            | Self::Together { .. }
            | Self::NoEngine { .. }
            | Self::IdleAdapter { .. }
            | Self::IdleMemory { .. }
            | Self::Adapter { .. }
            | Self::NoLayers { .. }
            | Self::Engine(EngineError::WithoutTorch) => true,
            Self::Backbone { .. }
            | Self::Weights(_)
            | Self::Unfit { .. }
            | Self::Features(_)
            | Self::OtherBackbone { .. }
            | Self::Engine(_)
            | Self::WithoutTorch { .. } => false,
        }
    }

    /// The error in one sentence, with options as `option` writes their names: `--layers`, for example.
    #[must_use]
    pub fn in_terms(&self, option: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::UnknownMethod { name, known } => {
                format!("there is no method '{name}'; there are {}", known.join(", "))
            }
            Self::NotAccepted { option: name, method, accepting } if accepting.is_empty() => {
                let (name, of) = (option(name), option("method"));
                format!("{name} is not for {of} {method}, nor for any other; leave it out")
            }
            Self::NotAccepted { option: name, method, accepting } => format!(
                "{} is not for {} {method}, but for {}; leave it out",
                option(name),
                option("method"),
                accepting.join(", ")
            ),
            Self::Value { option: name, value, reason } => {
                format!("{} {value}: {reason}", option(name))
            }
            Self::Missing { option: name, method, wanted } => {
                format!("{} {method} needs {}: {wanted}", option("method"), option(name))
            }
            Self::Together { options: [one, other] } => {
                let [one, other] = [option(one), option(other)];
                format!("{one} and {other} exclude each other; leave one of the two out")
            }
            Self::NoEngine { engine, method, engines } => format!(
                "{} {engine}: {} {method} has no such engine; it has {}",
                option("engine"),
                option("method"),
                engines.join(", ")
            ),
            Self::IdleAdapter { adapter, engine } => {
                let kind = option("engine");
                format!(
                    "{} {adapter} chooses the GPU of {kind} gpu, and {kind} {engine} uses none; leave \
                     one of the two out",
                    option("adapter")
                )
            }
            Self::IdleMemory { engine } => {
                let kind = option("engine");
                format!(
                    "{} is the memory of {kind} gpu, and {kind} {engine} uses no GPU; leave one of the \
                     two out",
                    option("gpu-memory")
                )
            }
            Self::Adapter { source } => format!("{}: {source}", option("adapter")),
            Self::NoLayers { backbone, benchmark, only, layers } => {
                let among: Vec<String> = layers.iter().map(ToString::to_string).collect();
                let choose = match layers.as_slice() {
                    [] => "choose layers".to_owned(),
                    _ => format!("choose among its layers {}", among.join(", ")),
                };
                format!(
                    "no layer set was published for {backbone} on {benchmark}, only {only}; {choose} \
                     with {}",
                    option("layers")
                )
            }
            Self::Backbone { name, .. } => format!("cannot open the backbone {name}"),
            Self::Weights(error) => error.to_string(),
            Self::Unfit { files, found, remedy } => {
                let [found, remedy] = [found, remedy].map(|advice| advice.in_terms(option));
                format!("{files}: {found}; {remedy}")
            }
            Self::Features(error) => error.to_string(),
            Self::OtherBackbone { asked, found } => {
                let backbone = option("backbone");
                format!(
                    "{backbone} {asked}, but the features are of {found}; leave {backbone} out, or give \
                     the folder of its features"
                )
            }
            Self::Engine(error) => error.to_string(),
            Self::WithoutTorch { method } => format!(
                "this build of hpflow has no {method}: it was built without libtorch (feature `torch`); \
                 build it with default features"
            ),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.in_terms(&|option| format!("`{option}`")))
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Backbone { source, .. } => Some(source),
            // The others say what their cause says.
            Self::Weights(error) => error.source(),
            Self::Features(error) => error.source(),
            Self::Engine(error) => error.source(),
            _ => None,
        }
    }
}

impl From<WeightsError> for OpenError {
    fn from(error: WeightsError) -> Self {
        Self::Weights(error)
    }
}

impl From<FeaturesError> for OpenError {
    fn from(error: FeaturesError) -> Self {
        Self::Features(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_named_as_the_reader_knows_them() {
        let (files, found) = ("a".to_owned(), Advice::new("has no extractor"));
        let remedy = Advice::new("give ‹weights› of ‹method› cnngeo");
        let error = OpenError::Unfit { files, found, remedy };
        assert_eq!(error.to_string(), "a: has no extractor; give `weights` of `method` cnngeo");
        let flag = |option: &str| format!("--{option}");
        assert_eq!(error.in_terms(&flag), "a: has no extractor; give --weights of --method cnngeo");
        assert_eq!(Advice::new("a ‹b").in_terms(&flag), "a ‹b");
    }

    #[test]
    fn the_last_value_of_an_option_counts() {
        let request =
            Request::new(BenchmarkKind::Spair).with("a", "1").with("b", "x").with("a", "2");
        assert_eq!(request.parse::<u8>("a").unwrap(), Some(2));
        assert_eq!(request.parse::<u8>("c").unwrap(), None);
        let said = request.parse::<u8>("b").unwrap_err().to_string();
        assert!(said.starts_with("`b` x: "), "{said}");
        assert_eq!(request.given().collect::<Vec<_>>(), ["b", "a"]);
    }
}
