//! Python pickles as plain data: nothing that a pickle asks to be called is called.
//!
//! A pickle is a program for a small stack machine whose instructions can import and call anything
//! (Python's `pickletools` documents them). The machine here ([`machine`]) knows the instructions
//! that lists, dictionaries, texts and numbers are made of. Where a pickle names a function or a
//! class, the few that NumPy's arrays, PyTorch's tensors, ordered dictionaries and argument
//! namespaces are stored by are understood as what they mean ([`calls`]); any other is an error that
//! names it.

mod calls;
mod machine;

use std::io::Read;

use safetensors::Dtype;

use crate::numpy::{Array, ArrayError};
pub(crate) use calls::{Global, name_of};

/// The most values that a pickle may make: they take some hundred MB.
const MAX_VALUES: usize = 4 << 20;

/// The most times that values may be put on the stack or into something, made or made before.
const MAX_PUSHES: usize = 4 * MAX_VALUES;

/// The most numbers that all arrays of a pickle may have together.
const MAX_NUMBERS: usize = 16 << 20;

/// The most bytes that a pickle may have.
const MAX_BYTES: u64 = 1 << 28;

/// The most axes of an array or a tensor.
const MAX_AXES: usize = 32;

/// Why a pickle cannot be read.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum PickleError {
    /// It does not begin as a pickle does.
    #[error("this is not a pickle of protocol 2 to 5")]
    NotPickle,
    /// It ends too early or contradicts itself.
    #[error("byte {offset} of the pickle: {what}; the file is damaged, get it again")]
    Damaged {
        /// Where, in bytes from the start.
        offset: u64,
        /// What was found.
        what: &'static str,
    },
    /// It asks for something to be imported or called.
    #[error("the pickle asks for {0}, and hpflow runs nothing that a pickle asks for")]
    Calls(String),
    /// An instruction that none of these take.
    #[error(
        "byte {offset} of the pickle: instruction 0x{code:02x} is for objects, which hpflow does not make"
    )]
    Instruction {
        /// Where, in bytes from the start.
        offset: u64,
        /// The instruction.
        code: u8,
    },
    /// An array cannot be read.
    #[error("an array of the pickle: {0}")]
    Array(#[from] ArrayError),
    /// More values than anything takes that hpflow reads.
    #[error(
        "the pickle makes more than {MAX_VALUES} values or is longer than {MAX_BYTES} bytes; give \
         another file"
    )]
    TooLarge,
    /// The system cannot read it.
    #[error("it cannot be read: {0}")]
    Unread(String),
}

/// A value; those inside it are numbers for [`Values::get`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits, as the pickle has it: two's complement, lowest byte first.
    Long(Vec<u8>),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<usize>),
    Tuple(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    /// The attributes of an argument namespace (`argparse.Namespace`).
    Namespace(Vec<(usize, usize)>),
    Array(Array),
    /// NumPy's type, such as `<f4`.
    Type(String),
    /// A function or a class that values are stored by.
    Global(Global),
    /// An array whose values are yet to come.
    EmptyArray,
    Storage(Box<Storage>),
    Tensor(Box<Tensor>),
}

/// The numbers that tensors of PyTorch are views of; they are outside the pickle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Storage {
    /// The name by which the file has it.
    pub(crate) key: String,
    /// The type of its numbers; `None` for bytes that each tensor says the type of.
    pub(crate) dtype: Option<Dtype>,
    /// How many numbers it has, bytes where it has no type.
    pub(crate) count: u64,
    /// The part of it that is meant, first number and count, where not all of it is.
    pub(crate) part: Option<(u64, u64)>,
}

/// A tensor of PyTorch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tensor {
    /// A number for [`Values::get`].
    pub(crate) storage: usize,
    /// The type of its numbers.
    pub(crate) dtype: Dtype,
    /// Its first number's place in the storage.
    pub(crate) offset: u64,
    /// The length of each axis.
    pub(crate) shape: Vec<usize>,
    /// Numbers of the storage from one to the next along each axis.
    pub(crate) strides: Vec<u64>,
}

/// What a pickle holds.
#[derive(Debug)]
pub(crate) struct Values {
    values: Vec<Value>,
    root: usize,
}

impl Values {
    /// Reads a pickle, and not a byte beyond it.
    pub(crate) fn read(input: impl Read) -> Result<Self, PickleError> {
        machine::run(input)
    }

    pub(crate) fn root(&self) -> &Value {
        self.get(self.root)
    }

    pub(crate) fn get(&self, value: usize) -> &Value {
        &self.values[value]
    }

    /// All values that were made, in the order in which they were.
    pub(crate) fn all(&self) -> &[Value] {
        &self.values
    }

    /// What a dictionary has for a text.
    pub(crate) fn entry(&self, entries: &[(usize, usize)], name: &str) -> Option<&Value> {
        let named = |key: usize| matches!(self.get(key), Value::Text(key) if key == name);
        // As in Python, the last one counts.
        entries.iter().rev().find(|(key, _)| named(*key)).map(|(_, value)| self.get(*value))
    }
}

/// A name from a file, short enough to show and without characters that a terminal acts on.
#[must_use]
pub fn shortened(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(80).collect()
}
