//! What a method is, in one value that its folder declares.

use super::contract::Method;
use super::request::{OpenError, Request};
use crate::benchmark::BenchmarkKind;
use crate::hyperpixel::LayerSet;

/// A method: its name, its options, its engines, what was published for it, and how it is opened.
#[derive(Debug, Clone, Copy)]
pub struct MethodInfo {
    /// The name in requests and in predictions files.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// The options that it accepts; any other is refused.
    pub options: &'static [&'static str],
    /// The values of the option `engine` beside `auto`, the fastest usual one first. The last is what
    /// the others are compared with.
    pub engines: &'static [&'static str],
    /// The layer sets that its authors published.
    pub layers: &'static [PublishedLayers],
    /// Fields of its header that a row's name tells where they are not as usual: field and usual text.
    pub usual: &'static [(&'static str, &'static str)],
    /// Makes typed options of a request in which every option is one that it accepts.
    pub parse: fn(&Request) -> Result<Box<dyn MethodOptions>, OpenError>,
}

/// A layer set that a method's authors published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedLayers {
    /// The network.
    pub backbone: &'static str,
    /// The benchmarks that it is for.
    pub benchmarks: &'static [BenchmarkKind],
    /// The layers, ascending.
    pub layers: &'static [usize],
}

/// A method's typed options, which open it.
pub trait MethodOptions {
    /// Opens the method.
    ///
    /// # Errors
    /// Parts of it that cannot be had or do not fit each other.
    fn open(&self) -> Result<Box<dyn Method>, OpenError>;
}

impl MethodInfo {
    /// The layer set published for a network and a benchmark.
    ///
    /// # Errors
    /// None was, with those that were; `layers` are those that there are to choose from, where known.
    pub fn published_layers(
        &self,
        backbone: &str,
        benchmark: BenchmarkKind,
        layers: impl IntoIterator<Item = usize>,
    ) -> Result<LayerSet, OpenError> {
        let of_backbone = || self.layers.iter().filter(|one| one.backbone == backbone);
        if let Some(found) = of_backbone().find(|one| one.benchmarks.contains(&benchmark)) {
            let set = LayerSet::new(found.layers.to_vec());
            return Ok(set.expect("a published set is ascending, as a test has it"));
        }
        let benchmarks: Vec<&str> =
            of_backbone().flat_map(|one| one.benchmarks).map(|kind| kind.name()).collect();
        let mut networks: Vec<&str> = self.layers.iter().map(|one| one.backbone).collect();
        networks.dedup();
        let only = match benchmarks.as_slice() {
            [] => format!("for {}", networks.join(", ")),
            benchmarks => format!("on {}", benchmarks.join(", ")),
        };
        let (backbone, layers) = (backbone.to_owned(), layers.into_iter().collect());
        Err(OpenError::NoLayers { backbone, benchmark, only, layers })
    }
}
