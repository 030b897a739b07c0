//! The stack machine that pickles are programs of: what it holds and reads, within limits.

use std::collections::HashMap;
use std::io::Read;

use super::error::{MAX_BYTES, MAX_NUMBERS, MAX_PUSHES, MAX_VALUES, PickleError};
use super::value::Value;

/// The longest name of a module or of something in it.
const MAX_NAME: usize = 1 << 10;

/// A pickle while it is read.
pub(super) struct Machine<R> {
    input: R,
    /// Bytes read.
    pub(super) at: u64,
    pub(super) values: Vec<Value>,
    stack: Vec<usize>,
    /// Heights of the stack.
    marks: Vec<usize>,
    pub(super) memo: HashMap<u32, usize>,
    pushes: usize,
    numbers: usize,
}

impl<R: Read> Machine<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            pushes: 0,
            numbers: 0,
        }
    }

    pub(super) fn value(&self, value: usize) -> &Value {
        &self.values[value]
    }

    pub(super) fn replace(&mut self, place: usize, value: Value) {
        self.values[place] = value;
    }

    pub(super) fn push(&mut self, value: Value) -> Result<(), PickleError> {
        if self.values.len() >= MAX_VALUES {
            return Err(PickleError::TooLarge);
        }
        if let Value::Array(array) = &value {
            self.count(array.values.len())?;
        }
        self.values.push(value);
        self.put(self.values.len() - 1)
    }

    pub(super) fn put(&mut self, value: usize) -> Result<(), PickleError> {
        self.charge(1)?;
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn mark(&mut self) -> Result<(), PickleError> {
        self.charge(1)?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// Counts places that values are put into, as few bytes of a pickle can fill many.
    pub(super) fn charge(&mut self, places: usize) -> Result<(), PickleError> {
        self.pushes += places;
        if self.pushes > MAX_PUSHES { Err(PickleError::TooLarge) } else { Ok(()) }
    }

    /// Counts the numbers of an array, as one text of a pickle can become many arrays.
    pub(super) fn count(&mut self, numbers: usize) -> Result<(), PickleError> {
        self.numbers += numbers;
        if self.numbers > MAX_NUMBERS { Err(PickleError::TooLarge) } else { Ok(()) }
    }

    /// The lowest height of the stack that instructions may reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn top(&self) -> Result<usize, PickleError> {
        let top = self.stack[self.floor()..].last().copied();
        top.ok_or_else(|| self.damaged("a value of an empty stack"))
    }

    pub(super) fn pop(&mut self) -> Result<usize, PickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    pub(super) fn last(&mut self, count: usize) -> Result<Vec<usize>, PickleError> {
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= self.floor());
        let start = start.ok_or_else(|| self.damaged("values of an empty stack"))?;
        Ok(self.stack.split_off(start))
    }

    pub(super) fn since_mark(&mut self) -> Result<Vec<usize>, PickleError> {
        let mark = self.marks.pop().ok_or_else(|| self.damaged("values since a mark not made"))?;
        Ok(self.stack.split_off(mark))
    }

    /// The next `count` bytes; memory is taken only for bytes that are there.
    pub(super) fn take(&mut self, count: u64) -> Result<Vec<u8>, PickleError> {
        let left = MAX_BYTES.saturating_sub(self.at);
        let mut bytes = Vec::new();
        let read = self.input.by_ref().take(count.min(left)).read_to_end(&mut bytes);
        read.map_err(|error| PickleError::Unread(error.to_string()))?;
        self.at += bytes.len() as u64;
        match bytes.len() as u64 {
            read if read == count => Ok(bytes),
            read if read == left => Err(PickleError::TooLarge),
            _ => Err(self.damaged("it ends here")),
        }
    }

    pub(super) fn fixed<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], PickleError> {
        let mut bytes = [0; COUNT];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn unsigned(&mut self, width: usize) -> Result<u64, PickleError> {
        let mut bytes = [0; 8];
        self.read(&mut bytes[..width])?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), PickleError> {
        if self.at + bytes.len() as u64 > MAX_BYTES {
            return Err(PickleError::TooLarge);
        }
        match self.input.read_exact(bytes) {
            Ok(()) => self.at += bytes.len() as u64,
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(self.damaged("it ends here"));
            }
            Err(error) => return Err(PickleError::Unread(error.to_string())),
        }
        Ok(())
    }

    pub(super) fn line(&mut self) -> Result<String, PickleError> {
        let mut line = Vec::new();
        loop {
            match self.fixed()? {
                [b'\n'] => return Ok(String::from_utf8_lossy(&line).into_owned()),
                _ if line.len() >= MAX_NAME => return Err(self.damaged("a name without end")),
                [byte] => line.push(byte),
            }
        }
    }

    pub(super) fn damaged(&self, what: &'static str) -> PickleError {
        PickleError::Damaged { offset: self.at, what }
    }
}
