//! What a pickle holds, as plain data.

use safetensors::Dtype;

use super::global::Global;
use crate::numpy::Array;

/// A value. Values inside it are indices for [`Pickle::get`].
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
    /// A function or a class that values are stored with.
    Global(Global),
    /// An array whose values follow.
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
    /// An index for [`Pickle::get`].
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
pub(crate) struct Pickle {
    pub(super) values: Vec<Value>,
    pub(super) root: usize,
}

impl Pickle {
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
