//! Methods: from pairs of photographs to predicted keypoints. Each method is one file or folder here
//! and one entry of [`table`].

pub mod alignment;
mod contract;
pub mod frame;
pub mod hpf;
pub mod identity;
mod info;
mod learned;
pub mod ncnet;
mod own;
mod pair_network;
mod photo_cache;
mod photograph;
mod request;
pub(crate) mod schedule;
mod sharing;
mod work;

pub use contract::{
    Matched, Method, MethodError, Outcome, Query, Sink, Stop, TooLarge, Unanswered,
};
pub use info::{MethodInfo, MethodOptions, PublishedLayers};
pub use own::PairsMethod;
pub use pair_network::Direction;
pub use photograph::Unusable;
pub use request::{Advice, EngineRequest, KeptFeatures, OpenError, Request, Resources};
pub use sharing::Sharing;
pub use work::{NoSuchPhotograph, Uses, Work, WorkPair, WorkPhotograph};

use crate::predictions::MethodHeader;

/// The methods, in the order in which they are listed.
#[must_use]
pub fn table() -> &'static [MethodInfo] {
    &[
        hpf::INFO,
        identity::INFO,
        alignment::options::CNNGEO,
        alignment::options::WEAKALIGN,
        alignment::options::A2NET,
        ncnet::options::INFO,
    ]
}

/// The method of this name.
///
/// # Errors
/// There is none, with those that there are.
pub fn named(name: &str) -> Result<&'static MethodInfo, OpenError> {
    let found = table().iter().find(|method| method.name == name);
    found.ok_or_else(|| {
        let known = table().iter().map(|method| method.name).collect();
        OpenError::UnknownMethod { name: name.to_owned(), known }
    })
}

/// The typed options of a method, by its name.
///
/// # Errors
/// An unknown name, an option that the method does not have, or a value that makes no sense.
pub fn parse(name: &str, request: &Request) -> Result<Box<dyn MethodOptions>, OpenError> {
    let method = named(name)?;
    check(method, request)?;
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

/// Refuses options and engines that it does not have.
fn check(method: &'static MethodInfo, request: &Request) -> Result<(), OpenError> {
    if let Some(option) = request.given().find(|option| !method.options.contains(option)) {
        let accepting = table().iter().filter(|one| one.options.contains(&option));
        return Err(OpenError::NotAccepted {
            option: option.to_owned(),
            method: method.name,
            accepting: accepting.map(|one| one.name).collect(),
        });
    }
    match request.value("engine") {
        Some(engine) if engine != "auto" && !method.engines.contains(&engine) => {
            Err(OpenError::NoEngine {
                engine: engine.to_owned(),
                method: method.name,
                engines: method.engines,
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hyperpixel::LayerSet;

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
