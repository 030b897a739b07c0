//! The meaning of the functions and classes that arrays, tensors and namespaces are stored with.

use safetensors::Dtype;

use super::error::{MAX_AXES, PickleError};
use super::global::Global;
use super::stack::Machine;
use super::value::{Storage, Tensor, Value};
use crate::numpy::Array;

/// A tensor or storage is counted as this many numbers, and those of its axes.
const OBJECT: usize = 8;

impl<R: std::io::Read> Machine<R> {
    /// Replaces a call by its meaning.
    pub(super) fn call(&mut self) -> Result<(), PickleError> {
        let two = self.last(2)?;
        let [Value::Global(global), Value::Tuple(arguments)] =
            [two[0], two[1]].map(|value| self.value(value))
        else {
            return Err(PickleError::Calls(
                "a call of something that is not a function".to_owned(),
            ));
        };
        let (global, arguments) = (*global, arguments.clone());
        self.charge(arguments.len())?;
        let value = self.meaning(global, &arguments)?;
        self.push(value)
    }

    /// A new object, which only a namespace may be; its attributes follow.
    pub(super) fn new_object(&mut self) -> Result<(), PickleError> {
        let two = self.last(2)?;
        match [two[0], two[1]].map(|value| self.value(value)) {
            [Value::Global(Global::Namespace), Value::Tuple(arguments)] if arguments.is_empty() => {
                self.push(Value::Namespace(Vec::new()))
            }
            _ => Err(PickleError::Calls("an object that is not an argument namespace".to_owned())),
        }
    }

    fn meaning(&mut self, global: Global, arguments: &[usize]) -> Result<Value, PickleError> {
        let argument = |at: usize| arguments.get(at).map(|&value| self.value(value));
        let value = match (global, argument(0), argument(1), argument(2), argument(3)) {
            (Global::Reconstruct, Some(Value::Global(Global::ArrayClass)), ..) => Value::EmptyArray,
            (Global::TypeClass, Some(Value::Text(code)), ..) if code.len() <= 3 => {
                Value::Type(code.clone())
            }
            (
                Global::FromBuffer,
                Some(Value::Bytes(bytes)),
                Some(Value::Type(code)),
                Some(Value::Tuple(shape)),
                Some(Value::Text(order)),
            ) => Value::Array(Array::decode(code, self.shape(shape)?, order == "F", bytes)?),
            (Global::Scalar, Some(Value::Type(code)), Some(bytes), ..) => {
                scalar(code, &self.bytes_of(bytes)?)?
            }
            (Global::Encode, Some(text @ Value::Text(_)), Some(Value::Text(code)), ..)
                if code == "latin1" =>
            {
                Value::Bytes(self.bytes_of(text)?)
            }
            (Global::OrderedDict, None, ..) => Value::Dict(Vec::new()),
            (Global::OrderedDict, Some(Value::List(pairs)), ..) => Value::Dict(self.pairs(pairs)?),
            (Global::Namespace, None, ..) => Value::Namespace(Vec::new()),
            (Global::Wrapped, Some(Value::Tensor(tensor)), ..) => Value::Tensor(tensor.clone()),
            (Global::Size, Some(Value::Tuple(sides)), ..) => Value::Tuple(sides.clone()),
            (Global::Device, Some(Value::Text(kind)), number, ..) => Value::Text(match number {
                Some(Value::Int(number)) => format!("{kind}:{number}"),
                _ => kind.clone(),
            }),
            (
                Global::RebuildTensor | Global::RebuildTypedTensor,
                Some(Value::Storage(_)),
                Some(Value::Int(offset)),
                Some(Value::Tuple(shape)),
                Some(Value::Tuple(strides)),
            ) => {
                let dtype = self.dtype_of(global, arguments)?;
                let offset = u64::try_from(*offset).map_err(|_| self.no_tensor())?;
                let (shape, strides) = (self.shape(shape)?, self.shape(strides)?);
                if shape.len() != strides.len() {
                    return Err(self.no_tensor());
                }
                let strides = strides.into_iter().map(|stride| stride as u64).collect();
                let storage = arguments[0];
                Value::Tensor(Box::new(Tensor { storage, dtype, offset, shape, strides }))
            }
            _ => return Err(self.damaged("a call of a known function with unknown arguments")),
        };
        match &value {
            // One text, one tuple, can be made into many values.
            Value::Bytes(bytes) => self.count(bytes.len())?,
            Value::Text(text) => self.count(text.len())?,
            Value::Dict(entries) => self.charge(entries.len())?,
            Value::Tuple(items) => self.charge(items.len())?,
            Value::Tensor(tensor) => self.count(OBJECT + 2 * tensor.shape.len())?,
            _ => {}
        }
        Ok(value)
    }

    /// Gives an array its values, a type its byte order, a namespace its attributes. What is
    /// attached to a dictionary or a tensor is no data.
    pub(super) fn build(&mut self) -> Result<(), PickleError> {
        let state = self.last(1)?[0];
        let target = self.top()?;
        let value = match (self.value(target), self.value(state)) {
            (Value::Dict(_) | Value::Tensor(_), _) => return Ok(()),
            (Value::Namespace(before), Value::Dict(entries)) => {
                let entries = [&before[..], &entries[..]].concat();
                self.charge(entries.len())?;
                Value::Namespace(entries)
            }
            (target, Value::Tuple(state)) => self.built(target, state)?,
            _ => return Err(PickleError::Calls("the state of an object to be set".to_owned())),
        };
        if let Value::Array(array) = &value {
            self.count(array.values.len())?;
        }
        self.replace(target, value);
        Ok(())
    }

    fn built(&self, target: &Value, state: &[usize]) -> Result<Value, PickleError> {
        let part = |at: usize| state.get(at).map(|&value| self.value(value));
        match (target, part(1), part(2), part(3), part(4)) {
            (
                Value::EmptyArray,
                Some(Value::Tuple(shape)),
                Some(Value::Type(code)),
                Some(Value::Bool(fortran)),
                Some(bytes),
            ) => {
                let bytes = self.bytes_of(bytes)?;
                Ok(Value::Array(Array::decode(code, self.shape(shape)?, *fortran, &bytes)?))
            }
            (Value::Type(code), Some(Value::Text(order)), ..)
                if order.len() == 1 && code.len() <= 3 =>
            {
                Ok(Value::Type(format!("{order}{code}")))
            }
            _ => Err(self.damaged("an array that is stored in an unknown way")),
        }
    }

    /// What the pickle says of a storage, which is not in it.
    pub(super) fn persistent(&mut self) -> Result<(), PickleError> {
        let id = self.last(1)?[0];
        let wrong = || self.damaged("a storage that is described in an unknown way");
        let Value::Tuple(parts) = self.value(id) else { return Err(wrong()) };
        let part = |at: usize| parts.get(at).map(|&value| self.value(value));
        let natural = |value: Option<&Value>| match value {
            Some(Value::Int(number)) => u64::try_from(*number).map_err(|_| wrong()),
            _ => Err(wrong()),
        };
        let (Some(Value::Text(kind)), Some(Value::Global(Global::Storage(dtype)))) =
            (part(0), part(1))
        else {
            return Err(wrong());
        };
        let key = match part(2) {
            Some(Value::Text(key)) if key.len() <= 64 => key.clone(),
            Some(Value::Int(key)) => key.to_string(),
            _ => return Err(wrong()),
        };
        let inside = match part(5) {
            None | Some(Value::None) => None,
            Some(Value::Tuple(view)) => {
                let view = |at: usize| view.get(at).map(|&value| self.value(value));
                Some((natural(view(1))?, natural(view(2))?))
            }
            Some(_) => return Err(wrong()),
        };
        if kind != "storage" {
            return Err(wrong());
        }
        let (dtype, count) = (*dtype, natural(part(4))?);
        self.count(OBJECT)?;
        let storage = Storage { key, dtype, count, part: inside };
        self.push(Value::Storage(Box::new(storage)))
    }

    fn dtype_of(&self, global: Global, arguments: &[usize]) -> Result<Dtype, PickleError> {
        let Value::Storage(storage) = self.value(arguments[0]) else {
            return Err(self.no_tensor());
        };
        let said = match arguments.get(6).map(|&value| self.value(value)) {
            Some(Value::Global(Global::Dtype(dtype))) if global == Global::RebuildTypedTensor => {
                Some(*dtype)
            }
            _ => None,
        };
        match (storage.dtype, said) {
            (Some(dtype), None) | (None, Some(dtype)) => Ok(dtype),
            _ => Err(self.no_tensor()),
        }
    }

    fn no_tensor(&self) -> PickleError {
        self.damaged("a tensor that is stored in an unknown way")
    }

    /// The pairs that an ordered dictionary is made of, as Python 2 stores them.
    fn pairs(&self, pairs: &[usize]) -> Result<Vec<(usize, usize)>, PickleError> {
        let pair = |&pair: &usize| match self.value(pair) {
            Value::List(two) | Value::Tuple(two) => {
                <[usize; 2]>::try_from(&two[..]).ok().map(|[key, value]| (key, value))
            }
            _ => None,
        };
        let pairs = pairs.iter().map(pair).collect::<Option<Vec<_>>>();
        pairs.ok_or_else(|| self.damaged("an ordered dictionary of something else than pairs"))
    }

    fn shape(&self, sides: &[usize]) -> Result<Vec<usize>, PickleError> {
        let side = |&side: &usize| match self.value(side) {
            Value::Int(side) => usize::try_from(*side).ok(),
            _ => None,
        };
        let shape = sides.iter().take(MAX_AXES + 1).map(side).collect::<Option<Vec<usize>>>();
        let shape = shape.filter(|shape| shape.len() <= MAX_AXES);
        shape.ok_or_else(|| self.damaged("a shape that is not made of whole numbers"))
    }

    /// Bytes, or a text of Python 2, which is bytes too.
    fn bytes_of(&self, value: &Value) -> Result<Vec<u8>, PickleError> {
        let bytes = match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            Value::Text(text) => text.chars().map(|each| u8::try_from(each).ok()).collect(),
            _ => None,
        };
        bytes.ok_or_else(|| self.damaged("something else where bytes are expected"))
    }
}

fn scalar(code: &str, bytes: &[u8]) -> Result<Value, PickleError> {
    let array = Array::decode(code, Vec::new(), false, bytes)?;
    let number = array.values[0];
    Ok(match code.trim_start_matches(['<', '>', '=', '|']).as_bytes() {
        [b'b', ..] => Value::Bool(number != 0.0),
        [b'i' | b'u', ..] => Value::Int(number as i64),
        _ => Value::Float(number),
    })
}
