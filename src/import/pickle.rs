//! Python pickles as plain data: nothing that a pickle asks to be called is called.
//!
//! A pickle is a program for a small stack machine whose instructions can import and call anything
//! (Python's `pickletools` documents them). This machine knows the instructions that lists,
//! dictionaries, texts, numbers and NumPy arrays are made of. Where a pickle names a function, the
//! few by which NumPy stores arrays are understood as what they mean; any other is an error that
//! names it.

use std::collections::HashMap;

use super::{Array, ArrayError};

/// The most values that a pickle may make: they take some hundred MB.
const MAX_VALUES: usize = 4 << 20;

/// The most times that values may be put on the stack, made or made before.
const MAX_PUSHES: usize = 4 * MAX_VALUES;

/// The most numbers that all arrays of a pickle may have together.
const MAX_NUMBERS: usize = 16 << 20;

/// Why a pickle cannot be read.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum PickleError {
    /// It does not begin as a pickle does.
    #[error("this is no pickle of protocol 2 to 5")]
    NotPickle,
    /// It ends too early or contradicts itself.
    #[error("byte {offset} of the pickle: {what}; the file is damaged, get it again")]
    Damaged {
        /// Where, in bytes from the start.
        offset: usize,
        /// What was found.
        what: &'static str,
    },
    /// It asks for something to be imported or called.
    #[error(
        "the pickle asks for {0}, and hpflow runs nothing that a pickle asks for; store numbers, texts, lists, dictionaries and NumPy arrays alone"
    )]
    Calls(String),
    /// An instruction that none of these take.
    #[error(
        "byte {offset} of the pickle: instruction 0x{code:02x} is for objects, which hpflow does not make; store numbers, texts, lists, dictionaries and NumPy arrays alone"
    )]
    Instruction {
        /// Where, in bytes from the start.
        offset: usize,
        /// The instruction.
        code: u8,
    },
    /// An array cannot be read.
    #[error("an array of the pickle: {0}")]
    Array(#[from] ArrayError),
    /// More values than predictions take.
    #[error("the pickle makes more than {MAX_VALUES} values; is it the right file?")]
    TooLarge,
}

/// A value; those inside it are numbers for [`Values::get`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<usize>),
    Tuple(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    Array(Array),
    /// NumPy's type, such as `<f4`.
    Type(String),
    /// A function that NumPy stores arrays by.
    Function(Function),
    /// An array whose values are yet to come.
    EmptyArray,
}

/// The functions that NumPy's arrays are stored by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Reconstruct,
    FromBuffer,
    ArrayClass,
    TypeClass,
}

impl Function {
    fn named(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Some(Self::Reconstruct)
            }
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Some(Self::FromBuffer),
            ("numpy", "ndarray") => Some(Self::ArrayClass),
            ("numpy", "dtype") => Some(Self::TypeClass),
            _ => None,
        }
    }
}

/// What a pickle holds.
#[derive(Debug)]
pub(super) struct Values {
    values: Vec<Value>,
    root: usize,
}

impl Values {
    /// Reads a pickle.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, PickleError> {
        if !matches!(bytes, [0x80, 2..=5, ..]) {
            return Err(PickleError::NotPickle);
        }
        let mut machine = Machine { bytes, ..Machine::default() };
        let root = machine.run()?;
        Ok(Self { values: machine.values, root })
    }

    pub(super) fn root(&self) -> &Value {
        self.get(self.root)
    }

    pub(super) fn get(&self, value: usize) -> &Value {
        &self.values[value]
    }
}

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<usize>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, usize>,
    pushes: usize,
    numbers: usize,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<usize, PickleError> {
        loop {
            let code = self.take(1)?[0];
            if code == b'.' {
                return self.pop();
            }
            self.step(code)?;
        }
    }

    fn step(&mut self, code: u8) -> Result<(), PickleError> {
        match code {
            0x80 => self.take(1).map(|_| ()),
            0x95 => self.take(8).map(|_| ()),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(|_| ()),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' | b'M' | b'J' | b'G' | 0x8a => self.number(code),
            b'X' | 0x8c | 0x8d => {
                let bytes = self.sized(code)?;
                let text = std::str::from_utf8(bytes).map_err(|_| self.damaged("no UTF-8"))?;
                self.push(Value::Text(text.to_owned()))
            }
            b'C' | b'B' | 0x8e | 0x96 => {
                let bytes = self.sized(code)?.to_vec();
                self.push(Value::Bytes(bytes))
            }
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b'a' | b'e' | b's' | b'u' => self.fill(code),
            b't' | 0x85..=0x87 => {
                let items = match code {
                    b't' => self.since_mark()?,
                    _ => self.last(usize::from(code - 0x84))?,
                };
                self.push(Value::Tuple(items))
            }
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.remember(code),
            b'c' | 0x93 => self.function(code),
            b'R' => self.call(),
            b'b' => self.build(),
            _ => Err(PickleError::Instruction { offset: self.at - 1, code }),
        }
    }

    fn number(&mut self, code: u8) -> Result<(), PickleError> {
        let value = match code {
            b'K' => Value::Int(self.unsigned(1)? as i64),
            b'M' => Value::Int(self.unsigned(2)? as i64),
            b'J' => Value::Int(i64::from(self.unsigned(4)? as u32 as i32)),
            b'G' => {
                let bytes = self.take(8)?;
                Value::Float(f64::from_be_bytes(bytes.try_into().unwrap_or_default()))
            }
            _ => {
                let length = self.unsigned(1)? as usize;
                if length > 8 {
                    return Err(self.damaged("an integer of more than 64 bits"));
                }
                let bytes = self.take(length)?;
                let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
                let mut all = [fill; 8];
                all[..length].copy_from_slice(bytes);
                Value::Int(i64::from_le_bytes(all))
            }
        };
        self.push(value)
    }

    /// The bytes of a text or of bytes, whose length has one, four or eight bytes itself.
    fn sized(&mut self, code: u8) -> Result<&'a [u8], PickleError> {
        let width = match code {
            0x8c | b'C' => 1,
            b'X' | b'B' => 4,
            _ => 8,
        };
        let length = self.unsigned(width)?;
        self.take(usize::try_from(length).map_err(|_| self.damaged("an endless text"))?)
    }

    /// Puts values into the list or dictionary below them.
    fn fill(&mut self, code: u8) -> Result<(), PickleError> {
        let items = match code {
            b'a' => self.last(1)?,
            b's' => self.last(2)?,
            _ => self.since_mark()?,
        };
        let target = self.top()?;
        match (&mut self.values[target], code) {
            (Value::List(list), b'a' | b'e') => list.extend(items),
            (Value::Dict(entries), b's' | b'u') if items.len().is_multiple_of(2) => {
                entries.extend(items.chunks_exact(2).map(|two| (two[0], two[1])));
            }
            _ => return Err(self.damaged("values for something that takes none")),
        }
        Ok(())
    }

    fn remember(&mut self, code: u8) -> Result<(), PickleError> {
        let key = match code {
            b'q' | b'h' => self.unsigned(1)? as u32,
            b'r' | b'j' => self.unsigned(4)? as u32,
            _ => u32::try_from(self.memo.len()).map_err(|_| PickleError::TooLarge)?,
        };
        if matches!(code, b'h' | b'j') {
            let value = self.memo.get(&key).copied();
            let value = value.ok_or_else(|| self.damaged("a value that was not kept"))?;
            self.put(value)?;
        } else {
            let value = self.top()?;
            if self.memo.len() >= MAX_VALUES {
                return Err(PickleError::TooLarge);
            }
            self.memo.insert(key, value);
        }
        Ok(())
    }

    fn function(&mut self, code: u8) -> Result<(), PickleError> {
        let (module, name) = if code == b'c' {
            (self.line()?, self.line()?)
        } else {
            let two = self.last(2)?;
            let [Value::Text(module), Value::Text(name)] =
                [two[0], two[1]].map(|v| &self.values[v])
            else {
                return Err(self.damaged("a function without a name"));
            };
            (module.clone(), name.clone())
        };
        match Function::named(&module, &name) {
            Some(function) => self.push(Value::Function(function)),
            None => Err(PickleError::Calls(shortened(&format!("{module}.{name}")))),
        }
    }

    /// What a call of one of NumPy's functions means.
    fn call(&mut self) -> Result<(), PickleError> {
        let two = self.last(2)?;
        let [Value::Function(function), Value::Tuple(arguments)] =
            [two[0], two[1]].map(|value| &self.values[value])
        else {
            return Err(PickleError::Calls("a call of something that is no function".to_owned()));
        };
        let argument = |at: usize| arguments.get(at).map(|&value| &self.values[value]);
        let value = match (function, argument(0), argument(1), argument(2), argument(3)) {
            (Function::Reconstruct, Some(Value::Function(Function::ArrayClass)), ..) => {
                Value::EmptyArray
            }
            (Function::TypeClass, Some(Value::Text(code)), ..) if code.len() <= 3 => {
                Value::Type(code.clone())
            }
            (
                Function::FromBuffer,
                Some(Value::Bytes(bytes)),
                Some(Value::Type(code)),
                Some(Value::Tuple(shape)),
                Some(Value::Text(order)),
            ) => Value::Array(Array::decode(code, self.shape(shape)?, order == "F", bytes)?),
            _ => return Err(self.damaged("an array that is stored in no way known")),
        };
        self.push(value)
    }

    /// Gives an array its values, or a type its byte order.
    fn build(&mut self) -> Result<(), PickleError> {
        let state = self.last(1)?[0];
        let target = self.top()?;
        let Value::Tuple(state) = &self.values[state] else {
            return Err(PickleError::Calls("the state of an object to be set".to_owned()));
        };
        let part = |at: usize| state.get(at).map(|&value| &self.values[value]);
        let value = match (&self.values[target], part(1), part(2), part(3), part(4)) {
            (
                Value::EmptyArray,
                Some(Value::Tuple(shape)),
                Some(Value::Type(code)),
                Some(Value::Bool(fortran)),
                Some(Value::Bytes(bytes)),
            ) => Value::Array(Array::decode(code, self.shape(shape)?, *fortran, bytes)?),
            (Value::Type(code), Some(Value::Text(order)), ..)
                if order.len() == 1 && code.len() <= 3 =>
            {
                Value::Type(format!("{order}{code}"))
            }
            _ => return Err(self.damaged("an array that is stored in no way known")),
        };
        if let Value::Array(array) = &value {
            self.count(array.values.len())?;
        }
        self.values[target] = value;
        Ok(())
    }

    fn shape(&self, sides: &[usize]) -> Result<Vec<usize>, PickleError> {
        let side = |&side: &usize| match self.values[side] {
            Value::Int(side) => usize::try_from(side).ok(),
            _ => None,
        };
        let shape = sides.iter().map(side).collect::<Option<Vec<usize>>>();
        shape.ok_or_else(|| self.damaged("a shape that is none"))
    }

    fn push(&mut self, value: Value) -> Result<(), PickleError> {
        if self.values.len() >= MAX_VALUES {
            return Err(PickleError::TooLarge);
        }
        if let Value::Array(array) = &value {
            self.count(array.values.len())?;
        }
        self.values.push(value);
        self.put(self.values.len() - 1)
    }

    fn put(&mut self, value: usize) -> Result<(), PickleError> {
        self.pushes += 1;
        if self.pushes > MAX_PUSHES {
            return Err(PickleError::TooLarge);
        }
        self.stack.push(value);
        Ok(())
    }

    /// Counts the numbers of an array, as one text of a pickle can become many arrays.
    fn count(&mut self, numbers: usize) -> Result<(), PickleError> {
        self.numbers += numbers;
        if self.numbers > MAX_NUMBERS { Err(PickleError::TooLarge) } else { Ok(()) }
    }

    /// The lowest height of the stack that instructions may reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<usize, PickleError> {
        let top = self.stack[self.floor()..].last().copied();
        top.ok_or_else(|| self.damaged("a value of an empty stack"))
    }

    fn pop(&mut self) -> Result<usize, PickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn last(&mut self, count: usize) -> Result<Vec<usize>, PickleError> {
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= self.floor());
        let start = start.ok_or_else(|| self.damaged("values of an empty stack"))?;
        Ok(self.stack.split_off(start))
    }

    fn since_mark(&mut self) -> Result<Vec<usize>, PickleError> {
        let mark = self.marks.pop().ok_or_else(|| self.damaged("values since a mark not made"))?;
        Ok(self.stack.split_off(mark))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], PickleError> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or_else(|| self.damaged("it ends here"))?;
        self.at += count;
        Ok(taken)
    }

    fn unsigned(&mut self, bytes: usize) -> Result<u64, PickleError> {
        let bytes = self.take(bytes)?;
        Ok(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn line(&mut self) -> Result<String, PickleError> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(end.ok_or_else(|| self.damaged("a name without end"))?)?;
        self.take(1)?;
        Ok(String::from_utf8_lossy(line).into_owned())
    }

    fn damaged(&self, what: &'static str) -> PickleError {
        PickleError::Damaged { offset: self.at, what }
    }
}

/// A name from a file, short enough to show and without characters that a terminal acts on.
pub(super) fn shortened(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(80).collect()
}
