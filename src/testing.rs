//! For hpflow's own tests, benchmarks and fuzzers: everything that is not private to a module. It may
//! change with any version.

#![allow(missing_docs, reason = "not for users")]

macro_rules! all_of {
    ($($name:ident),*) => {
        $(pub mod $name {
            pub use crate::$name::*;
        })*
    };
}

all_of!(
    backbone,
    benchmark,
    checkpoint,
    engine,
    features,
    flow,
    hyperpixel,
    image,
    import,
    inputs,
    method,
    picture,
    predictions,
    report,
    score,
    search,
    transfer
);

#[cfg(feature = "hub")]
all_of!(download);
