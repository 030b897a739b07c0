//! The instructions that make plain data.

use std::io::Read;

use super::error::{MAX_VALUES, PickleError};
use super::global::Global;
use super::stack::Machine;
use super::value::{Pickle, Value};
use crate::text::shortened;

/// Reads a pickle, and not a byte beyond it.
pub(crate) fn read(input: impl Read) -> Result<Pickle, PickleError> {
    let mut machine = Machine::new(input);
    let root = machine.run()?;
    Ok(Pickle { values: machine.values, root })
}

impl<R: Read> Machine<R> {
    fn run(&mut self) -> Result<usize, PickleError> {
        if !matches!(self.fixed(), Ok([0x80, 2..=5])) {
            return Err(PickleError::NotPickle);
        }
        loop {
            let [code] = self.fixed()?;
            if code == b'.' {
                return self.pop();
            }
            self.step(code)?;
        }
    }

    fn step(&mut self, code: u8) -> Result<(), PickleError> {
        match code {
            0x80 => self.fixed::<1>().map(|_| ()),
            0x95 => self.fixed::<8>().map(|_| ()),
            b'(' => self.mark(),
            b'0' => self.pop().map(|_| ()),
            b'1' => self.since_mark().map(|_| ()),
            b'2' => {
                let top = self.top()?;
                self.put(top)
            }
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' | b'M' | b'J' | b'G' | 0x8a | 0x8b => self.number(code),
            b'X' | 0x8c | 0x8d => {
                let text = String::from_utf8(self.sized(code)?);
                let text = text.map_err(|_| self.damaged("no UTF-8"))?;
                self.push(Value::Text(text))
            }
            // Texts of Python 2, which are bytes: Latin-1 keeps them all.
            b'U' | b'T' => {
                let text = self.sized(code)?.into_iter().map(char::from).collect();
                self.push(Value::Text(text))
            }
            b'C' | b'B' | 0x8e | 0x96 => {
                let bytes = self.sized(code)?;
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
            b'c' | 0x93 => self.global(code),
            b'R' => self.call(),
            0x81 => self.new_object(),
            b'b' => self.build(),
            b'Q' => self.persistent(),
            _ => Err(PickleError::Instruction { offset: self.at - 1, code }),
        }
    }

    fn number(&mut self, code: u8) -> Result<(), PickleError> {
        let value = match code {
            b'K' => Value::Int(self.unsigned(1)? as i64),
            b'M' => Value::Int(self.unsigned(2)? as i64),
            b'J' => Value::Int(i64::from(i32::from_le_bytes(self.fixed()?))),
            b'G' => Value::Float(f64::from_be_bytes(self.fixed()?)),
            _ => {
                let length = self.unsigned(if code == 0x8a { 1 } else { 4 })?;
                integer(self.take(length)?)
            }
        };
        self.push(value)
    }

    /// The bytes of a text or of bytes, whose length has one, four or eight bytes itself.
    fn sized(&mut self, code: u8) -> Result<Vec<u8>, PickleError> {
        let width = match code {
            0x8c | b'C' | b'U' => 1,
            b'X' | b'B' | b'T' => 4,
            _ => 8,
        };
        let length = self.unsigned(width)?;
        self.take(length)
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

    fn global(&mut self, code: u8) -> Result<(), PickleError> {
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
        match Global::named(&module, &name) {
            Some(global) => self.push(Value::Global(global)),
            None => Err(PickleError::Calls(shortened(&format!("{module}.{name}")))),
        }
    }
}

/// An integer in two's complement, lowest byte first.
fn integer(bytes: Vec<u8>) -> Value {
    if bytes.len() > 8 {
        return Value::Long(bytes);
    }
    let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut all = [fill; 8];
    all[..bytes.len()].copy_from_slice(&bytes);
    Value::Int(i64::from_le_bytes(all))
}
