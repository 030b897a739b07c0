//! What a method is, in one value that its folder declares.

use super::{Method, OpenError, Request, table};
use crate::benchmark::BenchmarkKind;
use crate::hyperpixel::LayerSet;
use crate::predictions::MethodHeader;

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

    /// Refuses options and engines that it does not have.
    fn check(&'static self, request: &Request) -> Result<(), OpenError> {
        if let Some(option) = request.given().find(|option| !self.options.contains(option)) {
            let accepting = table().iter().filter(|method| method.options.contains(&option));
            return Err(OpenError::NotAccepted {
                option: option.to_owned(),
                method: self.name,
                accepting: accepting.map(|method| method.name).collect(),
            });
        }
        match request.value("engine") {
            Some(engine) if engine != "auto" && !self.engines.contains(&engine) => {
                let (engine, method, engines) = (engine.to_owned(), self.name, self.engines);
                Err(OpenError::NoEngine { engine, method, engines })
            }
            _ => Ok(()),
        }
    }
}

/// The method of this name.
///
/// # Errors
/// There is none, with those that there are.
pub fn named(name: &str) -> Result<&'static MethodInfo, OpenError> {
    let found = table().iter().find(|method| method.name == name);
    found.ok_or_else(|| OpenError::UnknownMethod { name: name.to_owned() })
}

/// The typed options of a method, by its name.
///
/// # Errors
/// An unknown name, an option that the method does not have, or a value that makes no sense.
pub fn parse(name: &str, request: &Request) -> Result<Box<dyn MethodOptions>, OpenError> {
    let method = named(name)?;
    method.check(request)?;
    (method.parse)(request)
}

/// Opens a method by its name.
///
/// # Errors
/// Those of [`parse`], or parts of the method that cannot be had.
pub fn open(name: &str, request: &Request) -> Result<Box<dyn Method>, OpenError> {
    parse(name, request)?.open()
}

/// What a row of a table calls predictions: the method, its backbone, and what of it is not as usual.
/// `None` where the header says neither.
#[must_use]
pub fn row_name(header: &MethodHeader) -> Option<String> {
    let name = header.get(MethodHeader::NAME);
    let method = name.as_deref().and_then(|name| table().iter().find(|one| one.name == name));
    let usual = method.map_or(&[][..], |method| method.usual);
    let unusual = usual.iter().filter_map(|(field, usual)| {
        header.text(field).filter(|said| said != usual).map(str::to_owned)
    });
    let words: Vec<String> =
        name.into_iter().chain(header.get(MethodHeader::BACKBONE)).chain(unusual).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_set_is_one_and_no_network_has_two_for_a_benchmark() {
        for method in table() {
            for one in method.layers {
                assert!(LayerSet::new(one.layers.to_vec()).is_ok(), "{one:?}");
                for &kind in one.benchmarks {
                    let same = |other: &&PublishedLayers| {
                        other.backbone == one.backbone && other.benchmarks.contains(&kind)
                    };
                    assert_eq!(method.layers.iter().filter(same).count(), 1, "{one:?} {kind}");
                }
            }
        }
    }

    #[test]
    fn a_row_tells_what_is_not_as_usual_of_its_own_method() {
        let header = |name: &str, fields: &[(&'static str, &str)]| {
            let all = MethodHeader::of(name).with(MethodHeader::BACKBONE, &"vgg16".to_owned());
            fields.iter().fold(all, |all, (field, value)| {
                all.with(crate::predictions::HeaderField::new(field), &(*value).to_owned())
            })
        };
        let usual = [("stages", "affine-tps"), ("direction", "direct")];
        assert_eq!(row_name(&header("cnngeo", &usual)).unwrap(), "cnngeo vgg16");
        let other = [("stages", "tps"), ("direction", "inverse")];
        assert_eq!(row_name(&header("cnngeo", &other)).unwrap(), "cnngeo vgg16 tps inverse");
        assert_eq!(row_name(&header("ncnet", &other)).unwrap(), "ncnet vgg16 inverse");
        assert_eq!(row_name(&header("mine", &other)).unwrap(), "mine vgg16");
        assert_eq!(row_name(&MethodHeader::default()), None);
    }
}
