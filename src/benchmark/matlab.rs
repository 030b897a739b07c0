//! Arrays from MATLAB level 5 files (`.mat`, versions 5 to 7.2), which annotations come in.
//!
//! Numeric and character arrays are read; structures, cells, sparse arrays and objects are named
//! but not looked into. The format is that of "MAT-File Format" (The MathWorks). No input makes
//! this panic, and none is decompressed beyond [`MAX_SIZE`] bytes.

use std::io::Read;

/// The most that a file's compressed variables may decompress to together, in bytes.
pub const MAX_SIZE: usize = 16 << 20;

/// Why a MATLAB file, or a variable in it, cannot be read.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum MatlabError {
    /// The file does not begin like one of level 5.
    #[error("this is not a MATLAB file of version 5 to 7.2{hint}")]
    NotMatlab {
        /// What it may be instead and what to do, with a leading separator, or nothing.
        hint: &'static str,
    },
    /// The file ends or contradicts itself.
    #[error("byte {offset} of the MATLAB data: {what}; the file is damaged, get it again")]
    Damaged {
        /// Where, in bytes from the start of the file or of the decompressed variable.
        offset: usize,
        /// What was found.
        what: &'static str,
    },
    /// A variable decompresses to more than any annotation holds.
    #[error(
        "a variable decompresses to more than {MAX_SIZE} bytes; the file is damaged, get it again"
    )]
    TooLarge,
    /// The variable is not there.
    #[error("no variable \"{name}\", only {found}")]
    NoVariable {
        /// The variable that is wanted.
        name: String,
        /// The variables that are there.
        found: String,
    },
    /// The variable is not what it should be.
    #[error("variable \"{name}\" is {found}: expected {expected}")]
    Unexpected {
        /// The variable.
        name: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
}

/// A variable of a MATLAB file.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: MatlabValue,
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq)]
pub enum MatlabValue {
    /// Real numbers, of whatever type they are stored in.
    Numbers(Numbers),
    /// Characters, in column order.
    Text(String),
    /// Something that is not looked into, by the name of its class.
    Other(&'static str),
}

/// An array of real numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// The array's shape; the first dimension is contiguous in `values`.
    pub dimensions: Vec<usize>,
    /// The values, column after column.
    pub values: Vec<f64>,
}

/// All variables of a file, in file order.
///
/// # Errors
/// The bytes are no MATLAB file of level 5, or a damaged one.
pub fn parse(bytes: &[u8]) -> Result<Vec<Variable>, MatlabError> {
    let Some((header, _)) = bytes.split_at_checked(128) else { return Err(not_matlab(bytes)) };
    let big_endian = match (&header[126..], &header[124..126]) {
        (b"IM", [0, 1]) => false,
        (b"MI", [1, 0]) => true,
        _ => return Err(not_matlab(bytes)),
    };
    let mut elements = Elements { bytes, position: 128, big_endian };
    let mut variables = Vec::new();
    let mut budget = MAX_SIZE;
    while let Some(element) = elements.next()? {
        match element.kind {
            COMPRESSED => {
                let bytes = decompress(element, budget)?;
                budget -= bytes.len();
                let mut elements = Elements { bytes: &bytes, position: 0, big_endian };
                while let Some(element) = elements.next()? {
                    if element.kind == MATRIX {
                        variables.push(matrix(element.data, big_endian)?);
                    }
                }
            }
            MATRIX => variables.push(matrix(element.data, big_endian)?),
            _ => {} // not a variable
        }
    }
    Ok(variables)
}

/// The numbers of the variable of that name.
///
/// # Errors
/// There is no such variable, or it holds something else.
pub fn numbers<'a>(variables: &'a [Variable], name: &str) -> Result<&'a Numbers, MatlabError> {
    let expected = "an array of numbers";
    let found = match find(variables, name)? {
        MatlabValue::Numbers(numbers) => return Ok(numbers),
        MatlabValue::Text(_) => "text",
        MatlabValue::Other(class) => class,
    };
    Err(MatlabError::Unexpected { name: name.to_owned(), found: found.to_owned(), expected })
}

fn find<'a>(variables: &'a [Variable], name: &str) -> Result<&'a MatlabValue, MatlabError> {
    match variables.iter().find(|variable| variable.name == name) {
        Some(variable) => Ok(&variable.value),
        None => {
            let found: Vec<String> =
                variables.iter().take(20).map(|v| format!("\"{}\"", v.name)).collect();
            let found = if found.is_empty() { "none at all".to_owned() } else { found.join(", ") };
            Err(MatlabError::NoVariable { name: name.to_owned(), found })
        }
    }
}

fn not_matlab(bytes: &[u8]) -> MatlabError {
    let hint = if bytes.starts_with(b"MATLAB 7.3") || bytes.starts_with(b"\x89HDF") {
        " but one of version 7.3: save it with -v7"
    } else if bytes.trim_ascii_start().starts_with(b"<") {
        " but looks like a web page: get it again"
    } else {
        ": get it again"
    };
    MatlabError::NotMatlab { hint }
}

const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

fn damaged(offset: usize, what: &'static str) -> MatlabError {
    MatlabError::Damaged { offset, what }
}

fn decompress(element: Element, budget: usize) -> Result<Vec<u8>, MatlabError> {
    let mut bytes = Vec::new();
    flate2::read::ZlibDecoder::new(element.data)
        .take(budget as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| damaged(element.offset, "the compressed data are corrupt"))?;
    if bytes.len() > budget {
        return Err(MatlabError::TooLarge);
    }
    Ok(bytes)
}

/// A typed run of bytes.
#[derive(Clone, Copy)]
struct Element<'a> {
    kind: u32,
    data: &'a [u8],
    offset: usize,
}

struct Elements<'a> {
    bytes: &'a [u8],
    position: usize,
    big_endian: bool,
}

impl<'a> Elements<'a> {
    fn next(&mut self) -> Result<Option<Element<'a>>, MatlabError> {
        let offset = self.position;
        let rest = &self.bytes[offset.min(self.bytes.len())..];
        if rest.is_empty() {
            return Ok(None);
        }
        let Some((tag, data)) = rest.split_at_checked(8) else {
            return Err(damaged(offset, "it ends within an element's tag"));
        };
        let first = word(&tag[..4], self.big_endian);
        if first >> 16 != 0 {
            // The short form: type and length in one word, the data in the other.
            let length = (first >> 16) as usize;
            let data = tag[4..].get(..length);
            let data = data.ok_or_else(|| damaged(offset, "a short element is too long"))?;
            self.position = offset + 8;
            return Ok(Some(Element { kind: first & 0xffff, data, offset }));
        }
        let length = word(&tag[4..], self.big_endian) as usize;
        let data = data.get(..length);
        let data = data.ok_or_else(|| damaged(offset, "an element is longer than the data"))?;
        let padding = if first == COMPRESSED { 0 } else { length.wrapping_neg() % 8 };
        self.position = offset + 8 + length + padding;
        Ok(Some(Element { kind: first, data, offset }))
    }

    fn expect(&mut self, what: &'static str) -> Result<Element<'a>, MatlabError> {
        self.next()?.ok_or_else(|| damaged(self.position, what))
    }
}

fn word(bytes: &[u8], big_endian: bool) -> u32 {
    let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

fn matrix(data: &[u8], big_endian: bool) -> Result<Variable, MatlabError> {
    let mut elements = Elements { bytes: data, position: 0, big_endian };
    let flags = elements.expect("an array without flags")?;
    let class = match flags.data.get(..4) {
        Some(bytes) => word(bytes, big_endian) & 0xff,
        None => return Err(damaged(flags.offset, "an array without flags")),
    };
    let is_complex = word(&flags.data[..4], big_endian) & 0x800 != 0;
    if let Some(name) = class_name(class) {
        if class == OPAQUE {
            // Such an object has no dimensions, and its name comes first.
            let name_element = elements.expect("an object without a name")?;
            return Ok(Variable {
                name: text(name_element, big_endian)?,
                value: MatlabValue::Other(name),
            });
        }
        let _dimensions = elements.expect("an array without dimensions")?;
        let name_element = elements.expect("an array without a name")?;
        return Ok(Variable {
            name: text(name_element, big_endian)?,
            value: MatlabValue::Other(name),
        });
    }
    let dimensions = dimensions(elements.expect("an array without dimensions")?, big_endian)?;
    let name = text(elements.expect("an array without a name")?, big_endian)?;
    let element = elements.expect("an array without values")?;
    if class == CHARACTERS {
        return Ok(Variable { name, value: MatlabValue::Text(text(element, big_endian)?) });
    }
    if is_complex {
        return Ok(Variable { name, value: MatlabValue::Other("an array of complex numbers") });
    }
    if !(6..=15).contains(&class) {
        return Err(damaged(flags.offset, "an array of unknown class"));
    }
    let values = values(element, big_endian)?;
    let count = dimensions.iter().try_fold(1_usize, |product, &d| product.checked_mul(d));
    if count != Some(values.len()) {
        return Err(damaged(element.offset, "an array has more or fewer values than its shape"));
    }
    Ok(Variable { name, value: MatlabValue::Numbers(Numbers { dimensions, values }) })
}

const CHARACTERS: u32 = 4;
const OPAQUE: u32 = 17;

/// The classes that are named but not read.
fn class_name(class: u32) -> Option<&'static str> {
    match class {
        1 => Some("a cell array"),
        2 => Some("a structure"),
        3 | OPAQUE => Some("an object"),
        5 => Some("a sparse array"),
        16 => Some("a function"),
        _ => None,
    }
}

fn dimensions(element: Element, big_endian: bool) -> Result<Vec<usize>, MatlabError> {
    let numbers = values(element, big_endian)?;
    if numbers.len() < 2 || numbers.iter().any(|&n| n < 0.0 || n.fract() != 0.0) {
        return Err(damaged(element.offset, "an array's shape is not two counts or more"));
    }
    Ok(numbers.iter().map(|&n| n as usize).collect())
}

/// Characters of an element, stored as UTF-8, UTF-16, UTF-32 or small integers (Latin-1).
fn text(element: Element, big_endian: bool) -> Result<String, MatlabError> {
    let codes = values(element, big_endian)?;
    if element.kind == 16 {
        return Ok(String::from_utf8_lossy(element.data).into_owned());
    }
    if matches!(element.kind, 4 | 17) {
        let units: Vec<u16> = codes.iter().map(|&code| code as u16).collect();
        return Ok(String::from_utf16_lossy(&units));
    }
    let character = |code: f64| char::from_u32(code as u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    Ok(codes.into_iter().map(character).collect())
}

/// The values of an element of any numeric type.
fn values(element: Element, big_endian: bool) -> Result<Vec<f64>, MatlabError> {
    fn read<const N: usize>(
        element: Element,
        big_endian: bool,
        number: impl Fn([u8; N]) -> f64,
    ) -> Result<Vec<f64>, MatlabError> {
        let (chunks, rest) = element.data.as_chunks::<N>();
        if !rest.is_empty() {
            return Err(damaged(
                element.offset,
                "an element's length is not that of whole numbers",
            ));
        }
        let little = |&chunk: &[u8; N]| {
            let mut chunk = chunk;
            if big_endian {
                chunk.reverse();
            }
            number(chunk)
        };
        Ok(chunks.iter().map(little).collect())
    }
    match element.kind {
        1 => read(element, big_endian, |b| f64::from(i8::from_le_bytes(b))),
        2 | 16 => read(element, big_endian, |b| f64::from(u8::from_le_bytes(b))),
        3 => read(element, big_endian, |b| f64::from(i16::from_le_bytes(b))),
        4 | 17 => read(element, big_endian, |b| f64::from(u16::from_le_bytes(b))),
        5 => read(element, big_endian, |b| f64::from(i32::from_le_bytes(b))),
        6 | 18 => read(element, big_endian, |b| f64::from(u32::from_le_bytes(b))),
        7 => read(element, big_endian, |b| f64::from(f32::from_le_bytes(b))),
        9 => read(element, big_endian, f64::from_le_bytes),
        12 => read(element, big_endian, |b| i64::from_le_bytes(b) as f64),
        13 => read(element, big_endian, |b| u64::from_le_bytes(b) as f64),
        _ => Err(damaged(element.offset, "an element of unknown type")),
    }
}
