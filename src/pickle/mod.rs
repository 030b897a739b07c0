//! Python pickles as plain data: nothing that a pickle asks to be called is called.
//!
//! A pickle is a program for a small stack machine whose instructions can import and call anything
//! (Python's `pickletools` documents them). The machine here ([`run`], on a [`stack`]) knows the instructions
//! that lists, dictionaries, texts and numbers are made of. Where a pickle names a function or a
//! class, the few that NumPy's arrays, PyTorch's tensors, ordered dictionaries and argument
//! namespaces are stored by ([`global`]) are understood as what they mean ([`calls`]); any other is an
//! error that
//! names it.

mod calls;
mod error;
mod global;
mod run;
mod stack;
mod value;

pub use error::PickleError;
pub(crate) use global::{Global, name_of};
pub(crate) use run::read;
pub(crate) use value::{Pickle, Storage, Tensor, Value};
